// What a point says of itself, beside the pointer and always whole within the window, in the page's own colours.

const GAP = 10; // pixels between the pointer and the box
const EDGE = 4;

function hintBox() {
  const known = document.getElementById("mindgap-hint");
  if (known) return known;
  const box = document.createElement("div");
  box.id = "mindgap-hint";
  box.setAttribute("aria-hidden", "true"); // the numbers are in the table under the figure
  document.body.append(box);
  document.addEventListener("pointerdown", hideHint, { capture: true });
  document.addEventListener("scroll", hideHint, { capture: true, passive: true });
  return box;
}

function hideHint() {
  const box = document.getElementById("mindgap-hint");
  if (box) box.hidden = true;
}

// Called by Vega with what a mark's tooltip is: nothing, a value, or names with values, one of which may be a picture.
function showHint(_handler, event, _item, value) {
  if (value === null || value === undefined || value === "") {
    // A finger that is lifted has left the point; what it tapped stays until the next tap.
    if (!document.getElementById("mindgap-hint")?.dataset.tapped) hideHint();
    return;
  }
  const box = hintBox();
  box.dataset.tapped = event.pointerType === "touch" ? "tapped" : "";
  box.replaceChildren(...hintLines(value));
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const beside = event.clientX + GAP + width + EDGE <= innerWidth ? event.clientX + GAP : event.clientX - GAP - width;
  const below = event.clientY + GAP + height + EDGE <= innerHeight ? event.clientY + GAP : event.clientY - GAP - height;
  box.style.left = `${Math.max(EDGE, Math.min(innerWidth - width - EDGE, beside))}px`;
  box.style.top = `${Math.max(EDGE, Math.min(innerHeight - height - EDGE, below))}px`;
}

// Vega tells what lies under a pointer that moves; a finger that taps does not.
function letTap(holder) {
  holder.addEventListener("pointerup", (event) => {
    if (event.pointerType !== "touch") return;
    const { clientX, clientY, pointerType } = event;
    event.target.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX, clientY, pointerType }));
  });
}

function hintLines(value) {
  const line = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });
  if (typeof value !== "object") return [line("div", String(value))];
  const { title, image, ...rest } = value;
  const lines = title === undefined ? [] : [line("strong", String(title))];
  if (image) lines.push(Object.assign(document.createElement("img"), { src: image, alt: "" }));
  for (const [name, words] of Object.entries(rest)) lines.push(line("div", `${name}: ${words}`));
  return lines;
}
