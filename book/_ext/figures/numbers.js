// The numbers behind a figure: as a table of what its menus have chosen, and whole as CSV.

const ROWS_SHOWN = 200;

function tables(stored) {
  const datasets = Object.entries(stored.datasets || {}).filter(([, rows]) => rows.length && Object.keys(rows[0]).length);
  const wanted = [about(stored).numbers || []].flat();
  return wanted.length ? datasets.filter(([name]) => wanted.includes(name)) : datasets;
}

function columnsOf(rows) {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

// The rows that the menus leave: a menu's parameter is called as the column that it chooses from, or has a _ after it.
function chosen(rows, stored, view) {
  return bound(stored)
    .filter((param) => ["radio", "select"].includes(param.bind.input))
    .reduce((left, { name }) => {
      const column = [name, name.replace(/_$/, "")].find((one) => left.length && one in left[0]);
      const value = view.signal(name);
      return column && left.some((row) => row[column] === value) ? left.filter((row) => row[column] === value) : left;
    }, rows);
}

function csv(rows) {
  const quoted = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const columns = columnsOf(rows);
  return [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))].map((line) => line.map((value) => quoted(String(value))).join(",")).join("\n") + "\n";
}

function cell(kind, text, scope) {
  const made = document.createElement(kind);
  made.textContent = typeof text === "number" ? String(text).replace("-", "−") : String(text ?? "");
  if (scope) made.scope = scope;
  return made;
}

function tableOf(rows, title) {
  const columns = columnsOf(rows);
  const table = document.createElement("table");
  const caption = table.createCaption();
  const more = rows.length > ROWS_SHOWN ? `, the first ${ROWS_SHOWN}` : "";
  caption.textContent = `${title}: ${rows.length.toLocaleString("en")} row${rows.length === 1 ? "" : "s"}${more}`;
  table.createTHead().insertRow().append(...columns.map((name) => cell("th", name, "col")));
  const body = table.createTBody();
  for (const row of rows.slice(0, ROWS_SHOWN)) body.insertRow().append(...columns.map((name) => cell("td", row[name])));
  return table;
}

function numbers(figure, stored) {
  const holder = document.createElement("div");
  const found = tables(stored);
  const name = figure.closest("figure")?.id || "figure";
  found.forEach(([, rows], i) => {
    const title = found.length > 1 ? `Table ${i + 1} of ${found.length}` : "The numbers";
    const scroller = document.createElement("div");
    const fill = () => scroller.replaceChildren(tableOf(chosen(rows, stored, figure.mindgapView), title));
    scroller.className = "mindgap-numbers";
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "region");
    scroller.setAttribute("aria-label", `${title} behind this figure`);
    figure.addEventListener("mindgap-chosen", () => scroller.isConnected && fill());
    fill();
    const save = button("csv", found.length > 1 ? `Save table ${i + 1} as CSV` : "Save all rows as CSV", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" }));
      link.download = found.length > 1 ? `${name}-${i + 1}.csv` : `${name}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    holder.append(scroller, save);
  });
  return holder;
}

function numbersButton(figure, stored) {
  const toggle = button("numbers-toggle", "Show the numbers", () => {
    const open = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", String(open));
    toggle.textContent = open ? "Hide the numbers" : "Show the numbers";
    figure.querySelector(".mindgap-numbers-holder")?.remove();
    if (!open) return;
    const holder = numbers(figure, stored);
    holder.className = "mindgap-numbers-holder";
    toggle.closest(".mindgap-tools").after(holder);
  });
  toggle.setAttribute("aria-expanded", "false");
  return toggle;
}
