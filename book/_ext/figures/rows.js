// A page keeps the data of its figures as CSV, which names each column once (mindgap_columns.py). Here they are rows again.

const READ = { number: Number, boolean: (text) => text === "true", string: (text) => text };

function linesOf(csv) {
  const lines = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n)/g)) {
    lines.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\n") lines.push([]);
  }
  return lines.slice(0, -1);
}

function rowsOf(csv, { parse }) {
  const [names, ...lines] = linesOf(csv);
  const reads = names.map((name) => READ[parse[name]]);
  return lines.map((line) => Object.fromEntries(line.map((text, i) => [names[i], text === "" ? null : reads[i](text)])));
}

function withRows(stored) {
  const { datasets = {}, ...views } = stored;
  const formats = {};
  const find = (node) => {
    if (!node || typeof node !== "object") return;
    if (node.format?.type === "csv" && node.name in datasets) {
      formats[node.name] = node.format;
      delete node.format;
    }
    Object.values(node).forEach(find);
  };
  find(views);
  for (const [name, format] of Object.entries(formats)) datasets[name] = rowsOf(datasets[name], format);
  return stored;
}
