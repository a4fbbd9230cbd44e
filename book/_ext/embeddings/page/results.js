// A report as a reader sees it: the few measures that are quoted, checks, figures, tables, and files to take away. All
// that comes from files is put in as text, never as HTML.

// What readers call the measures: mindgap.metrics.LABELS, of those that are computed here.
const LABELS = {
  pairs: "pairs", dimension: "dimension", distinct_x: "different rows of {x}", distinct_y: "different rows of {y}",
  gap_distance: "gap distance", squared_gap: "squared gap ‖Δ‖²", mean_squared_gap: "squared gap per dimension ‖Δ‖²/d",
  centroid_distance: "cosine distance of the centres", pair_distance: "mean distance of matched pairs",
  rmg_cosine: "RMG, cosine", rmg_cosine_diagonal: "RMG, cosine, rows with themselves counted",
  top_dimensions_share: "share of ‖Δ‖² in its top 10 coordinates", separability: "separable along the gap",
  mean_cosine_x: "mean cosine within {x}", mean_cosine_y: "mean cosine within {y}",
  mean_cosine_xy: "mean cosine across, unmatched pairs", matched_cosine: "mean cosine across, matched pairs", alignment: "alignment",
  residual_pair_distance: "mean distance of matched pairs, centred",
  recall_xy: "R@1, {x} to {y}", recall_yx: "R@1, {y} to {x}", recall_chance: "R@1 by chance",
  median_rank_xy: "median rank, {x} to {y}", median_rank_yx: "median rank, {y} to {x}",
};
const QUOTED = ["gap_distance", "pair_distance", "rmg_cosine", "matched_cosine", "residual_pair_distance"];
const STATES = { failed: "✗ failed", passed: "✓ passed", note: "• note" };

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const named = (words, [x, y]) => words.replaceAll(/\{([xy])\}/g, (_, side) => (side === "x" ? x : y));

// With so many decimals; without a number of them, counts have none and other numbers four.
function spelled(number, decimals) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  if (decimals === undefined && Number.isInteger(number) && Math.abs(number) >= 2) return number.toLocaleString("en");
  const text = number.toFixed(decimals ?? 4);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

function table(label, heads, rows) {
  const head = make("tr", {}, ...heads.map((one, i) => make("th", { scope: "col", class: i ? "number" : undefined }, one)));
  const body = rows.map(([first, ...cells]) => make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((one) => make("td", { class: "number" }, one))));
  return make("div", { class: "mindgap-embeddings-table", role: "region", "aria-label": label, tabindex: 0 }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

// What is wrong or worth a note stands open, what has passed is folded.
function checksOf(checks, names) {
  const [open, passed] = [checks.filter((one) => one.state !== "passed"), checks.filter((one) => one.state === "passed")];
  return [
    ...(open.length ? [checksTable("Checks that found something", open, names)] : []),
    ...(passed.length ? [make("details", {}, make("summary", {}, `${passed.length} checks passed`), checksTable("Checks that passed", passed, names))] : []),
  ];
}

// On a phone a check is a block of its own, as other tables of words are (mindgap.css); shown so, a table is none to a
// browser any more, and its roles are written out.
function checksTable(label, checks, names) {
  const heads = ["check", "found", "limit"];
  const rows = checks.map((one) => make("tr", { class: `is-${one.state}`, role: "row" },
    make("th", { scope: "row", role: "rowheader" }, named(one.name, names), make("span", { class: "mindgap-embeddings-state" }, STATES[one.state])),
    make("td", { role: "cell", "data-label": heads[1] }, named(one.found, names), ...(one.state === "passed" ? [] : [make("small", {}, `${one.meaning} Try: ${one.try}`)])),
    make("td", { role: "cell", "data-label": heads[2] }, one.limit),
  ));
  const head = make("tr", { role: "row" }, ...heads.map((one) => make("th", { scope: "col", role: "columnheader" }, one)));
  const whole = make("table", { class: "stackable", role: "table" }, make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, ...rows));
  return make("div", { class: "mindgap-embeddings-table", role: "region", "aria-label": label, tabindex: 0 }, whole);
}

function recallTable(found, names) {
  const { recall, sample } = found;
  const at = Object.keys(recall.chance);
  const interval = (row, key) => {
    const [low, high] = row.intervals?.[key] || [];
    const digits = key === "median_rank" ? 1 : 3;
    return low === undefined ? "" : ` (${spelled(low, digits)} to ${spelled(high, digits)})`;
  };
  const cells = (row) => at.map((key) => spelled(row[key], key === "median_rank" ? 1 : 3) + interval(row, key));
  return table("Recall", ["asked by", ...at.map((key) => (key === "median_rank" ? "median rank" : `R@${key}`))], [
    [`${names[0]}, for its ${names[1]}`, ...cells(recall.xy)],
    [`${names[1]}, for its ${names[0]}`, ...cells(recall.yx)],
    ["by chance", ...cells(recall.chance)],
  ]);
}

// Where the loss still falls at the end of what is looked at, its lowest point lies beyond.
const isEnd = (shift) => shift <= -1 || shift >= 2;

function valleysTable({ valleys }) {
  return table("Best shift at each temperature", ["temperature τ", "best shift λ", "distance there", "loss here", "gained there, nats"], valleys.map((one) => [
    temperatureInWords(one.temperature),
    spelled(one.shift, 3) + (isEnd(one.shift) ? ", the end" : "") + (one.interval ? ` (${spelled(one.interval[0], 2)} to ${spelled(one.interval[1], 2)})` : ""),
    spelled(Math.abs(one.distance), 3), spelled(one.loss_here, 3), spelled(one.depth, 3),
  ]));
}

function save(name, blob) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// A drawn figure on the page's own ground, twice as many pixels as it has on the page.
async function savePicture(figure, name) {
  const drawn = await figure.mindgapView.toCanvas(2);
  const sheet = make("canvas", { width: drawn.width, height: drawn.height });
  const pen = sheet.getContext("2d");
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--pst-color-background").trim() || "white";
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.drawImage(drawn, 0, 0);
  sheet.toBlob((blob) => save(name, blob), "image/png");
}

let figureNumber = 0;

function figureOf(kind, title, spec, caption) {
  const id = `yours-${kind}-${++figureNumber}`;
  const holder = make("div", { class: "mindgap-figure" }, make("div", { class: "mindgap-view" }));
  holder.mindgapStored = spec;
  const button = make("button", { type: "button", class: "mindgap-button", "data-save": kind, onclick: () => holder.mindgapView && savePicture(holder, `${kind}.png`) }, "Save as PNG");
  return [
    make("h3", { id }, title),
    make("figure", { "aria-labelledby": id }, holder, make("figcaption", {}, make("p", {}, caption), button)),
  ];
}

// What mindgap report --json gives, as far as it is computed here, by the same names; and what only this page has.
function asJson(found, names) {
  const { files, measures, sample, seed, recall, checks, valleys, landscape, cosines, points } = found;
  return {
    name: [...new Set(files)].join(","), source: "read and computed in a browser", modalities: names, k: 1, measures, sample,
    valleys: valleys.map((one) => ({ ...one, spread: null })),
    checks: checks.map((one) => ({ name: named(one.name, names), state: one.state, found: named(one.found, names), limit: one.limit, try: one.try })),
    passed: !checks.some((one) => one.state === "failed"),
    seed, recall, landscape, cosines, points,
  };
}

function summary(found, names) {
  const { measures, checks, sample } = found;
  const failed = checks.filter((one) => one.state === "failed").length;
  return `Done. ${spelled(measures.pairs)} pairs of ${names[0]} and ${names[1]}, ${measures.dimension} dimensions: gap distance ${spelled(measures.gap_distance, 3)}, mean distance of a pair ${spelled(measures.pair_distance, 3)}. `
    + (failed ? `${failed} of ${checks.length} checks failed: look at them first.` : `None of ${checks.length} checks has failed.`)
    + (sample ? ` Recall, cosines and loss are of ${spelled(sample)} rows of each side against all.` : "");
}

function render(holder, found, names) {
  const { measures, checks, sample, seed, files, types } = found;
  const of = sample ? `${spelled(sample)} random rows of each side against all ${spelled(measures.pairs)}` : `all ${spelled(measures.pairs)} pairs`;
  const quoted = QUOTED.map((key) => make("div", {}, make("b", {}, spelled(measures[key])), make("span", {}, LABELS[key])));
  const sampled = sample
    ? [make("p", {}, `What costs the square of the number of rows was taken of ${spelled(sample)} rows of each side, drawn at random with seed ${seed}, each against all rows of the other side. In brackets are intervals of 95 %: Wilson's for recall; for median ranks and best shifts, those of 200 bootstrap draws of the sampled rows. Everything else is of all rows, and exact.`)]
    : [];
  const norms = checks.find((one) => one.name === "norms");
  const unit = norms.state === "passed" ? [] : [make("p", {}, make("strong", {}, "These rows are not of unit length"), ` (${norms.found.replace("rows of length ", "")}). Every measure here puts them on the unit sphere first, as the paper does.`)];
  const [cosineX, cosineXY] = [measures.matched_cosine, measures.mean_cosine_xy];
  holder.replaceChildren(
    make("h2", {}, `${names[0]} and ${names[1]}`),
    make("p", {}, `${[...new Set(files)].join(" and ")}: ${spelled(measures.pairs)} pairs, ${measures.dimension} dimensions, ${[...new Set(types)].join(" and ")}.`),
    make("div", { class: "mindgap-embeddings-quoted" }, ...quoted),
    ...unit, ...sampled,
    make("div", { class: "mindgap-embeddings-tools" },
      make("button", { type: "button", class: "mindgap-button", "data-act": "json", onclick: () => save("gap.json", new Blob([JSON.stringify(asJson(found, names), null, 1)], { type: "application/json" })) }, "Save everything as JSON")),
    make("h3", {}, "Checks"), ...checksOf(checks, names),
    make("h3", {}, "Recall"), recallTable(found, names),
    make("p", { class: "mindgap-embeddings-note" }, "R@k: how often the row's own partner is among its k nearest. Ties share their places, so that collapsed embeddings score by chance."),
    ...figureOf("projection", "Both sets, seen along the gap", projectionSpec(found, names), `Across the page the line through the two means, upwards the main axis across it; ${found.points.x.length === measures.pairs ? "all" : `the first ${found.points.x.length}`} pairs, each joined by a line.`),
    ...figureOf("cosines", "What a matched pair has, and others have not", cosinesSpec(found), `Cosines across the modalities: ${spelled(cosineX, 2)} on average for matched pairs, ${spelled(cosineXY, 2)} for all others. Of ${of}.`),
    ...figureOf("landscape", "The loss along the gap", landscapeSpec(found), `The symmetric contrastive loss while both sets are moved along the gap, above its value where they are. Points: the lowest at each temperature. Of ${of}, as one batch.`),
    make("h3", {}, "How far apart the loss would have them"), valleysTable(found),
    make("p", { class: "mindgap-embeddings-note" }, "λ = 0 is where the sets are, λ = ½ lets the means meet. A lowest point that gains next to nothing says next to nothing: read the last column."),
    make("h3", {}, "Every measure"),
    table("Every measure", ["measure", "value", "name"], Object.keys(LABELS).map((key) => [named(LABELS[key], names), spelled(measures[key]), make("code", {}, key)])),
  );
  holder.hidden = false;
  // The script of the figures draws them as they come near, as it does all others.
  holder.querySelectorAll(".mindgap-figure").forEach((figure) => figure.dispatchEvent(new CustomEvent("mindgap-added", { bubbles: true })));
}

function clear(holder) {
  holder.querySelectorAll(".mindgap-figure").forEach((figure) => {
    figure.mindgapDrawing?.abort();
    figure.mindgapView?.finalize();
  });
  holder.replaceChildren();
  holder.hidden = true;
}
