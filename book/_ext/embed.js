// Draws every stored figure of the page: fitted to the column, in the page's light or dark colours, and again when
// either changes, with the reader's slider positions kept. THEME is mindgap/charts/theme.json, put before this file when
// the site is built.

const NARROW = 600;
const AXIS_ROOM = 72; // for the labels of a view's axis; what they really take is measured after drawing

function isDark() {
  return document.documentElement.dataset.theme === "dark";
}

function palette() {
  const { text, grid } = THEME.ink[isDark() ? "dark" : "light"];
  const config = {
    background: "transparent",
    axis: { labelColor: text, titleColor: text, gridColor: grid, domainColor: grid, tickColor: grid },
    legend: { labelColor: text, titleColor: text },
    title: { color: text, subtitleColor: text },
    header: { labelColor: text, titleColor: text },
    text: { color: text },
    rule: { color: text },
  };
  if (isDark()) config.range = { ordinal: THEME.temperature.dark, ramp: THEME.temperature.dark };
  return config;
}

function merge(base, over) {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = value && typeof value === "object" && !Array.isArray(value) && base && typeof base[key] === "object";
    result[key] = both ? merge(base[key], value) : value;
  }
  return result;
}

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

function fit(spec, width, room) {
  fitTitle(spec, width);
  const views = spec.concat || spec.vconcat || spec.hconcat;
  if (spec.hconcat) {
    spec.concat = spec.hconcat;
    delete spec.hconcat;
    spec.columns = spec.concat.length;
  }
  if (views) {
    const columns = width < NARROW || spec.vconcat ? 1 : Math.min(spec.columns || views.length, views.length);
    if (spec.concat) spec.columns = columns;
    const each = Math.floor(width / columns);
    views.forEach((view) => fit(view, each, room));
  } else if (spec.facet) {
    const columns = width < NARROW ? Math.min(2, spec.columns || 2) : spec.columns || 2;
    spec.columns = columns;
    spec.spec.width = Math.floor((width - room) / columns) - 16;
  } else if (typeof spec.width === "number") {
    const own = Math.max(80, width - room);
    // A view whose axes share one scale keeps its shape.
    if (String(spec.name).startsWith("equal")) spec.height = Math.round((spec.height * own) / spec.width);
    spec.width = own;
  }
  return spec;
}

function responsive(stored, width, room) {
  const spec = fit(structuredClone(stored), width, room);
  delete spec.$schema; // stored for Vega-Lite 5 readers; this bundle's version draws the same
  spec.config = merge(spec.config || {}, palette());
  if (width < NARROW) spec.config.legend = { ...spec.config.legend, columns: 2 };
  return spec;
}

async function draw(figure) {
  const holder = figure.querySelector(".mindgap-view");
  const stored = JSON.parse(figure.querySelector("script").textContent);
  const names = (stored.params || []).filter((param) => "value" in param || "expr" in param || param.bind).map((param) => param.name);
  const kept = {};
  if (figure.mindgapView) {
    for (const name of names) kept[name] = figure.mindgapView.signal(name);
    figure.mindgapView.finalize();
  }
  const width = Math.max(240, figure.clientWidth);
  figure.dataset.width = width;
  const embed = (room) => vegaEmbed(holder, responsive(stored, width, room), { renderer: "svg", actions: false, mode: "vega-lite" });
  let result = await embed(AXIS_ROOM);
  const excess = Number(holder.querySelector("svg").getAttribute("width")) - width;
  if (excess > 0) {
    const columns = result.spec.columns || 1;
    result.view.finalize();
    result = await embed(AXIS_ROOM + Math.ceil(excess / columns) + 2);
  }
  figure.mindgapView = result.view;
  for (const [name, value] of Object.entries(kept)) {
    if (!(stored.params.find((param) => param.name === name) || {}).select) result.view.signal(name, value);
  }
  await result.view.runAsync();
  describe(figure, stored);
  figure.dataset.drawn = isDark() ? "dark" : "light";
}

// Vega labels its inputs with a span; a screen reader wants a name on the control itself.
function describe(figure, stored) {
  figure.querySelectorAll(".vega-bind").forEach((row) => {
    const name = row.querySelector(".vega-bind-name")?.textContent?.trim();
    row.querySelectorAll("input, select").forEach((control) => {
      const option = control.type === "radio" ? control.parentElement.textContent.trim() : "";
      control.setAttribute("aria-label", [name, option].filter(Boolean).join(": "));
    });
  });
  const svg = figure.querySelector("svg");
  if (svg && stored.description) svg.setAttribute("aria-label", stored.description);
}

async function drawAll(filter) {
  for (const figure of document.querySelectorAll(".mindgap-figure")) {
    if (filter(figure)) await draw(figure);
  }
}

function start() {
  // One queue: a theme change while figures are being drawn waits its turn.
  let queue = drawAll(() => true);
  const again = (filter) => (queue = queue.then(() => drawAll(filter)));
  new MutationObserver(() => again((f) => f.dataset.drawn !== (isDark() ? "dark" : "light"))).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["data-theme"],
  });
  let timer;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => again((f) => Math.abs(f.clientWidth - Number(f.dataset.width)) > 8), 150);
  });
  // A figure inside a folded solution has no width until it is opened.
  document.addEventListener("toggle", () => again((f) => Math.abs(f.clientWidth - Number(f.dataset.width)) > 8), true);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
