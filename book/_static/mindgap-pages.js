// What a page needs when it is in a reader's hands: a cue where something is wider than its column, and a way to put
// the explanation of a word away.

const WIDE = ".bd-article pre, .bd-article table, .bd-article .formula";
const NAMES = { PRE: "code or text, wider than the page", TABLE: "table, wider than the page" };

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
    block.setAttribute("aria-label", NAMES[block.tagName] || "equation, wider than the page");
  } else {
    block.removeAttribute("tabindex");
    if (block.tagName === "TABLE") return;
    block.removeAttribute("role");
    block.removeAttribute("aria-label");
  }
}

function watchWidths() {
  const seen = new WeakSet();
  const widths = new ResizeObserver((entries) => entries.forEach((entry) => cue(entry.target)));
  const find = () => {
    for (const block of document.querySelectorAll(WIDE)) {
      if (seen.has(block)) continue;
      seen.add(block);
      widths.observe(block);
      block.addEventListener("scroll", () => cue(block), { passive: true });
      cue(block);
    }
  };
  find();
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

watchWidths();
explanations();
