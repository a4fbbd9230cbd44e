// How a figure fits its column: panels beside each other or below, widths that leave room for what is really drawn at
// their axes, legends in as many columns as there is room for, titles that wrap.

const NARROW = 600;
const AXIS_ROOM = 72; // a first guess at what stands beside a panel; what it really takes is measured after drawing
const NARROWEST = 200; // of a panel
const COLUMNS = "mindgapLegendColumns";

// Titles do not wrap by themselves.
function wrap(text, width) {
  const most = Math.max(16, Math.floor(width / 7.4));
  const lines = [];
  for (const word of String(text).split(" ")) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= most) lines[last] += " " + word;
    else lines.push(word);
  }
  return lines;
}

function fitTitle(spec, width) {
  if (typeof spec.title === "string") spec.title = { text: wrap(spec.title, width) };
  else if (spec.title && typeof spec.title.text === "string") {
    spec.title.text = wrap(spec.title.text, width);
    if (typeof spec.title.subtitle === "string") spec.title.subtitle = wrap(spec.title.subtitle, width * 1.15);
  }
}

function inColumns(spec, width) {
  const views = spec.concat || spec.vconcat || spec.hconcat || [];
  if (!views.length || width < NARROW || spec.vconcat) return 1;
  return Math.min(spec.columns || views.length, views.length, Math.max(1, Math.floor(width / (NARROWEST + AXIS_ROOM))));
}

function fit(spec, width, room = AXIS_ROOM) {
  fitTitle(spec, width);
  if (spec.hconcat) {
    spec.concat = spec.hconcat;
    delete spec.hconcat;
    spec.columns = spec.concat.length;
  }
  const views = spec.concat || spec.vconcat;
  if (views) {
    const columns = inColumns(spec, width);
    if (spec.concat) spec.columns = columns;
    const each = Math.floor(width / columns);
    views.forEach((view) => fit(view, each, room));
  } else if (spec.facet) {
    const columns = width < NARROW ? Math.min(2, spec.columns || 2) : spec.columns || 2;
    spec.columns = columns;
    spec.spec.width = Math.floor((width - room) / columns) - 16;
  } else if (typeof spec.width === "number") {
    const own = Math.max(NARROWEST, width - room);
    if (keepsShape(spec)) spec.height = Math.round((spec.height * own) / spec.width);
    spec.width = own;
  }
  return spec;
}

// A view whose axes share one scale keeps its shape.
function keepsShape(spec) {
  return String(spec.name).startsWith("equal") || (spec.concat || spec.vconcat || []).some(keepsShape);
}

// Nothing a chart says about the columns of its legend is right at every width.
function freeLegends(node) {
  if (Array.isArray(node)) node.forEach(freeLegends);
  else if (node && typeof node === "object") {
    for (const [key, value] of Object.entries(node)) {
      if (key === "datasets" || key === "data") continue;
      if (key === "legend" && value && typeof value === "object") {
        delete value.columns;
        delete value.labelLimit;
      } else freeLegends(value);
    }
  }
}

function responsive(stored, width, dark) {
  const spec = fit(recoloured(stored, dark), width);
  freeLegends(spec);
  delete spec.$schema; // stored for Vega-Lite 5 readers; this bundle's version draws the same
  delete spec.usermeta;
  spec.config = merge(merge(spec.config || {}, THEME.palettes[dark ? "dark" : "light"]), {
    legend: { columns: { expr: COLUMNS }, labelLimit: Math.max(160, Math.min(width, 700) - 60) },
  });
  spec.params = [...(spec.params || []), { name: COLUMNS, value: 12 }];
  return spec;
}

function sizes(vega, kind) {
  const named = new RegExp(`(^|_|child)${kind}$`, "i");
  return (vega.signals || [])
    .filter((signal) => named.test(signal.name) && typeof signal.value === "number")
    .map((signal) => signal.name)
    .concat(typeof vega[kind] === "number" ? [kind] : []);
}

// Give the drawing exactly the room there is. Measured on what stands there, and done within a few passes.
async function settleInto(holder, result, stored, width) {
  const { view, vgSpec } = result;
  const svg = () => holder.querySelector("svg.marks, svg");
  const columns = inColumns(stored, width);
  const widths = sizes(vgSpec, "width");
  const heights = keepsShape(stored) ? sizes(vgSpec, "height") : [];
  for (let pass = 0; pass < 3; pass++) {
    await wrapLegends(holder, view);
    const excess = Math.ceil((Number(svg().getAttribute("width")) - width) / columns);
    if (excess <= 0 && excess > -12) break;
    const before = widths.map((name) => view.signal(name));
    if (!before.length || (excess > 0 && before.every((value) => value <= NARROWEST))) break;
    const after = before.map((value) => Math.max(NARROWEST, value - excess));
    widths.forEach((name, i) => view.signal(name, after[i]));
    heights.forEach((name) => view.signal(name, Math.round((view.signal(name) * after[0]) / before[0])));
    await view.resize().runAsync();
  }
}

// As many columns as the legends' own panels have room for.
async function wrapLegends(holder, view) {
  const legends = () => [...holder.querySelectorAll("g.role-legend")];
  if (!legends().length) return;
  for (let columns = view.signal(COLUMNS); columns >= 1; ) {
    const over = Math.max(...legends().map((legend) => overhang(legend, holder)));
    if (over <= 1 || columns === 1) return;
    columns = Math.max(1, Math.min(columns - 1, Math.floor(columns / over)));
    await view.signal(COLUMNS, columns).resize().runAsync();
  }
}

// A legend's width against that of the panel that it belongs to; over 1, it is wider.
function overhang(legend, holder) {
  const panel = legend.closest("g.role-scope") || legend.closest("g.role-frame");
  const frame = panel && panel.querySelector(":scope > g > path.background");
  const room = frame ? frame.getBoundingClientRect().width : holder.clientWidth;
  return legend.getBoundingClientRect().width / Math.max(room, NARROWEST);
}
