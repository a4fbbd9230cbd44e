// What a page needs when it is in a reader's hands: a cue where something is wider than its column, and a way to put
// the explanation of a word away.

const WIDE = ".bd-article pre, .bd-article table, .bd-article .formula, .bd-article .cell_output > .output";
const NAMES = { pre: "code or text", table: "table", ".formula": "equation", ".output": "output" };

// A block that scrolls can be scrolled by keyboard, says what it is, and fades at the side where it goes on.
function cue(block) {
  const hidden = block.scrollWidth - block.clientWidth;
  const wide = hidden > 1;
  block.classList.toggle("is-wide", wide);
  block.classList.toggle("goes-left", wide && block.scrollLeft > 1);
  block.classList.toggle("goes-right", wide && block.scrollLeft < hidden - 1);
  if (wide === block.hasAttribute("data-scrolls")) return;
  block.toggleAttribute("data-scrolls", wide);
  if (wide) {
    block.tabIndex = 0;
    if (block.tagName === "TABLE") return; // its own role says more than a region's
    block.setAttribute("role", "group");
    const kind = Object.keys(NAMES).find((one) => block.matches(one));
    block.setAttribute("aria-label", `${NAMES[kind]}, wider than the page`);
  } else {
    block.removeAttribute("tabindex");
    if (block.tagName === "TABLE") return;
    block.removeAttribute("role");
    block.removeAttribute("aria-label");
  }
}

// Measured when it is laid out, which for what is far from the reader is later: to ask now would lay out the whole page.
function watchWidths() {
  const seen = new WeakSet();
  const widths = new ResizeObserver((entries) => entries.forEach((entry) => cue(entry.target)));
  const find = () => {
    for (const block of document.querySelectorAll(WIDE)) {
      if (seen.has(block)) continue;
      seen.add(block);
      widths.observe(block);
      block.addEventListener("scroll", () => cue(block), { passive: true });
    }
  };
  find();
  // What tools of the page add; a figure that a slider redraws adds nothing that scrolls.
  let timer;
  new MutationObserver((changes) => {
    if (changes.every(({ target }) => target.closest?.(".mindgap-figure"))) return;
    clearTimeout(timer);
    timer = setTimeout(find, 300);
  }).observe(document.querySelector(".bd-article") ?? document.body, { subtree: true, childList: true });
  // A fold has no width until it is opened.
  document.addEventListener("toggle", (event) => event.target.querySelectorAll?.(WIDE).forEach(cue), true);
}

// An explanation stays beside the page's edge, not beyond it, and Escape puts it away until it is asked for again.
function explanations() {
  for (const word of document.querySelectorAll(".explained")) {
    const box = word.querySelector(".explanation");
    const show = () => {
      word.classList.remove("put-away");
      box.style.setProperty("--nudge", "0px");
      const column = word.closest("p, li, dd").getBoundingClientRect();
      const place = box.getBoundingClientRect();
      const nudge = Math.min(0, column.right - place.right) || Math.max(0, column.left - place.left);
      box.style.setProperty("--nudge", `${nudge}px`);
    };
    word.addEventListener("pointerenter", show);
    word.addEventListener("focusin", show);
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll(".explained").forEach((word) => word.classList.add("put-away"));
  });
}

// Sections far from the reader are left out at first (mindgap.css). They are laid out one by one as soon as the browser
// has nothing else to do, and at once for a reader who goes to another place, which could not be found exactly otherwise.
const SECTIONS = ".bd-article > section > section";
const LAID_OUT = "is-laid-out";

function layOut(sections = [...document.querySelectorAll(SECTIONS)]) {
  for (const section of sections) section.classList.add(LAID_OUT);
}

function layOutTheRest() {
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 50));
  const next = () => {
    const section = document.querySelector(`${SECTIONS}:not(.${LAID_OUT})`);
    if (!section) return;
    layOut([section]);
    idle(next);
  };
  idle(next);
}

function remembered(entry) {
  try {
    return JSON.parse(sessionStorage.getItem(entry));
  } catch {
    return null; // no storage
  }
}

// The place of the address, or the one at which the reader was before the page was loaded again: a section and the way
// into it. The browser has gone there by what it knew before all was laid out.
function keepPlace() {
  // Each visit has a place of its own, where the browser tells visits to one page apart.
  const entry = () => `mindgap-place ${location.pathname} ${window.navigation?.currentEntry?.key ?? ""}`;
  let moved = false;
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(kind, () => (moved = true), { once: true, passive: true, capture: true });
  }
  addEventListener("pagehide", () => {
    const at = [...document.querySelectorAll(SECTIONS)].findLast((section) => section.getBoundingClientRect().top <= 0);
    const place = at ? { section: at.id, into: -at.getBoundingClientRect().top } : null;
    try {
      sessionStorage.setItem(entry(), JSON.stringify(place));
    } catch {
      // no storage: the browser goes where it thinks best
    }
  });
  const [{ type }] = performance.getEntriesByType("navigation");
  const again = ["reload", "back_forward"].includes(type);
  const place = again ? remembered(entry()) : null;
  const [id, state] = location.hash.slice(1).split("?"); // a figure's address may have a state of it
  const named = again ? null : document.getElementById(id);
  const at = place ? document.getElementById(place.section) : named;
  const back = () => {
    if (at && !moved) {
      layOut();
      if (place) scrollTo(0, scrollY + at.getBoundingClientRect().top + place.into);
      else at.scrollIntoView({ behavior: "instant", block: state && at.clientHeight < innerHeight ? "center" : "start" });
    }
    layOutTheRest();
  };
  if (document.readyState === "complete") back();
  else addEventListener("load", () => requestAnimationFrame(back), { once: true });
  document.addEventListener("click", ({ target }) => target.closest?.("a[href*='#']") && layOut(), { capture: true });
}

watchWidths();
explanations();
keepPlace();
