// Draws the stored figures of a page as they come near the reader: fitted to the column, in the page's light or dark
// colours, and again when either changes, with what the reader has set kept. Until then, without JavaScript and on paper
// a picture of the first state stands there.

const NEAR = "600px 0px";

function storedIn(figure) {
  return (figure.mindgapStored ??= withRows(JSON.parse(figure.querySelector("script").textContent)));
}

async function draw(figure) {
  const holder = figure.querySelector(".mindgap-view");
  const stored = storedIn(figure);
  const kept = figure.mindgapAsked || {};
  delete figure.mindgapAsked;
  if (figure.mindgapView) {
    for (const { name } of bound(stored)) kept[name] ??= figure.mindgapView.signal(name);
    figure.mindgapView.finalize();
  }
  const focused = placeOfFocus(figure);
  const dark = isDark();
  const width = Math.max(240, figure.clientWidth);
  figure.dataset.width = width;
  const spec = responsive(stored, width, dark);
  for (const param of spec.params) if (param.name in kept) param.value = kept[param.name];
  const result = await vegaEmbed(holder, spec, { renderer: "svg", actions: false, mode: "vega-lite", tooltip: showHint, patch: cheaplyPainted });
  figure.mindgapView = result.view;
  figure.mindgapDrawing?.abort(); // what listened for the drawing that this one takes the place of
  figure.mindgapDrawing = new AbortController();
  await settleInto(holder, result, stored, width);
  describe(figure, stored);
  dressControls(figure, stored);
  letDrag(figure, stored);
  if (!figure.querySelector(".mindgap-tools")) holder.after(toolbar(figure, stored));
  await paper;
  figure.dataset.drawn = dark ? "dark" : "light";
  focused?.();
  figure.dispatchEvent(new Event("mindgap-chosen"));
}

// Drawing again replaces the controls; whoever was at one of them by keyboard is still there afterwards.
function placeOfFocus(figure) {
  const at = document.activeElement;
  if (!figure.querySelector(".mindgap-view").contains(at)) return undefined;
  const { name, value } = at.matches("button") ? at.parentElement.querySelector("input") : at;
  const kind = at.matches("button") ? "button" : at.type === "radio" ? "radio" : "control";
  return () => {
    const same = [...figure.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
    const control = kind === "radio" ? same.find((one) => one.value === value) : same[0];
    const target = kind === "button" ? control?.parentElement.querySelector("button") : control;
    target?.focus({ preventScroll: true });
  };
}

// One picture with one description. Its marks are behind that, and its numbers in the table under it.
function describe(figure, stored) {
  const embedded = figure.querySelector(".vega-embed");
  for (const name of ["role", "aria-roledescription", "aria-label"]) embedded.removeAttribute(name);
  const svg = figure.querySelector("svg.marks, svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", stored.description || "A chart.");
  svg.removeAttribute("aria-roledescription");
}

let queue = Promise.resolve();
const itsTurn = () => new Promise((go) => setTimeout(go));

// One at a time, and the page has its turn between two of them.
function enqueue(figure, before = itsTurn) {
  if (figure.mindgapWaiting) return queue;
  figure.mindgapWaiting = true;
  queue = queue
    .then(before)
    .then(() => paper)
    .then(() => {
      figure.mindgapWaiting = false;
      return figure.clientWidth ? draw(figure) : undefined;
    })
    .catch((error) => console.error(error)); // one figure that fails takes no other with it
  return queue;
}

function figures() {
  return [...document.querySelectorAll(".mindgap-figure")];
}

function drawn() {
  return figures().filter((figure) => figure.mindgapView);
}

// The place of the address, its figure, and the state that is asked of that.
function addressed() {
  const [id, query] = location.hash.slice(1).split("?");
  const place = document.getElementById(unescaped(id));
  return { place, figure: place?.querySelector(".mindgap-figure"), query };
}

function followAddress() {
  const { place, figure, query } = addressed();
  if (query === undefined || !figure) return;
  const stored = storedIn(figure);
  figure.mindgapAsked = { ...start(stored), ...asked(stored, query) };
  enqueue(figure).then(() => place.scrollIntoView({ block: place.clientHeight < innerHeight ? "center" : "start" }));
}

function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % of no escape: no figure is called so
  }
}

let paper = Promise.resolve(); // kept while the page is printed: nothing is drawn meanwhile
let paperIsOut;

// A printer does not wait: what is drawn is copied at once, light; what is not, or is just being drawn anew, has its
// picture.
function forPaper() {
  if (!paperIsOut) paper = new Promise((resolve) => (paperIsOut = resolve));
  for (const figure of figures()) {
    if (!figure.dataset.drawn) continue;
    const copy = document.createElement("div");
    copy.className = "mindgap-print";
    copy.setAttribute("aria-hidden", "true");
    const svg = figure.querySelector(".mindgap-view svg");
    copy.innerHTML = svg ? lightened(svg.outerHTML) : figure.querySelector(".mindgap-light").outerHTML;
    figure.prepend(copy);
  }
}

function fromPaper() {
  paperIsOut?.();
  paperIsOut = undefined;
  document.querySelectorAll(".mindgap-print").forEach((copy) => copy.remove());
}

// A key that moves a slider means nothing to the page around it, whose scripts look through all of it at every key.
function keepKeys(event) {
  const moves = /^(Arrow|Page|Home|End)/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (moves && event.target.matches?.(".mindgap-figure input[type=range]")) event.stopPropagation();
}

// The figure that the reader is at: the one of the address, or the first on the screen.
function readersOwn() {
  const onScreen = (figure) => {
    const { top, bottom, width } = figure.getBoundingClientRect();
    return width > 0 && bottom > 0 && top < innerHeight;
  };
  return addressed().figure ?? figures().find(onScreen);
}

function begin() {
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        enqueue(target);
      }
    },
    { rootMargin: NEAR },
  );
  const again = (differs) => drawn().filter(differs).forEach(enqueue);
  new MutationObserver(() => again((f) => f.dataset.drawn !== mode())).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["data-theme"],
  });
  // Whatever changes a figure's room: the window, a sidebar, a fold that is opened.
  let timer;
  const resized = new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => again((f) => f.clientWidth && Math.abs(f.clientWidth - Number(f.dataset.width)) > 8), 150);
  });
  const watch = (figure) => {
    letTap(figure.querySelector(".mindgap-view"));
    near.observe(figure); // one inside a closed fold comes when that is opened
    resized.observe(figure);
  };
  figures().forEach(watch);
  document.addEventListener("mindgap-added", (event) => watch(event.target)); // one that a page's own script makes
  window.addEventListener("keydown", keepKeys, { capture: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hideHint());
  window.addEventListener("beforeprint", forPaper);
  window.addEventListener("afterprint", fromPaper);
  window.addEventListener("hashchange", followAddress);
  followAddress();
  // The reader's own figure comes before all that the page's other scripts still have to do, and without a pause.
  const own = readersOwn();
  if (!own) return;
  near.unobserve(own);
  enqueue(own, () => undefined);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
