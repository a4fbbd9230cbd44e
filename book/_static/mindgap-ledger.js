// The ledger of claims: shows those of some verdicts and of a chapter, and how the reader's predictions came out. What is
// chosen stands in the address, #verdict=contested,fails+here&chapter=5, so that a link shares it. Predictions are those
// that mindgap-predict.js keeps, localStorage["mindgap-predict:<name>"] = {"guess", "score", "time"}.

(function () {
"use strict";

const KEY = "mindgap-predict:";
const NEAR = 0.9; // a score from 0 to 1: within a tenth of the axis, or the right statement

const root = document.querySelector(".mindgap-ledger");
if (!root) return;
const claims = [...document.querySelectorAll(".mindgap-claim")];
const read = (name) => JSON.parse(root.querySelector(`script.mindgap-ledger-${name}`).textContent);

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

// ---- the filter

const chosen = new Set(); // verdicts; none means all
const buttons = [];

for (const item of root.querySelectorAll(".mindgap-ledger-counts > li")) {
  const { verdict } = item.dataset;
  const button = make("button", {
    type: "button", "aria-pressed": "false", "data-verdict": verdict,
    onclick: () => {
      if (!chosen.delete(verdict)) chosen.add(verdict);
      changed();
    },
  }, ...item.childNodes);
  item.replaceChildren(button);
  buttons.push(button);
}

const select = make("select", { id: "mindgap-ledger-chapter", onchange: changed }, make("option", { value: "" }, "all chapters"));
const there = new Set(claims.map((one) => one.dataset.chapter));
for (const [number, title] of Object.entries(read("chapters"))) {
  if (there.has(number)) select.append(make("option", { value: number }, title));
}
const reset = make("button", { type: "button", class: "mindgap-button", onclick: () => {
  chosen.clear();
  select.value = "";
  changed();
  select.focus();
} }, "Show all");
const status = make("span", { role: "status", "aria-live": "polite" });
const tools = root.querySelector(".mindgap-ledger-tools");
tools.append(make("span", {}, make("label", { for: select.id }, "Chapter"), select), reset, status);
tools.hidden = false;

function show() {
  let count = 0;
  for (const claim of claims) {
    const shown = (!chosen.size || chosen.has(claim.dataset.verdict)) && (!select.value || claim.dataset.chapter === select.value);
    claim.hidden = !shown;
    count += shown;
  }
  for (const section of new Set(claims.map((one) => one.closest("section")))) {
    section.toggleAttribute("data-empty", !section.querySelector(".mindgap-claim:not([hidden])"));
  }
  for (const button of buttons) button.setAttribute("aria-pressed", String(chosen.has(button.dataset.verdict)));
  const all = count === claims.length;
  reset.hidden = all && !chosen.size && !select.value;
  status.textContent = all ? `All ${claims.length} claims are shown.` : `${plural(count, "claim")} of ${claims.length} shown.`;
}

function address() {
  const asked = new URLSearchParams();
  if (chosen.size) asked.set("verdict", [...chosen].join(","));
  if (select.value) asked.set("chapter", select.value);
  return asked.toString();
}

function changed() {
  show();
  history.replaceState(null, "", `#${address()}`); // in the part behind #, which a page opened from a file may change
}

// What the address asks for: a choice, or one claim, which is shown whatever is chosen.
function follow() {
  const text = location.hash.slice(1);
  if (text.includes("=")) {
    const asked = new URLSearchParams(text);
    chosen.clear();
    for (const verdict of (asked.get("verdict") || "").split(",")) {
      if (buttons.some((one) => one.dataset.verdict === verdict)) chosen.add(verdict);
    }
    const chapter = asked.get("chapter") || "";
    select.value = there.has(chapter) ? chapter : "";
  } else if (text.startsWith("claim-") && document.getElementById(text)?.hidden) {
    chosen.clear();
    select.value = "";
  }
  show();
  if (text.startsWith("claim-")) document.getElementById(text)?.scrollIntoView();
}

// ---- the reader's predictions

function kept(name) {
  try {
    const found = JSON.parse(localStorage.getItem(KEY + name));
    return found && typeof found === "object" ? found : null;
  } catch {
    return null; // no storage, or something else's entry
  }
}

function score() {
  const box = root.querySelector(".mindgap-ledger-score");
  const pages = read("questions").map(({ page, title, names }) => {
    const answers = names.map(kept);
    const scores = answers.map((one) => one?.score).filter((one) => Number.isFinite(one));
    const open = names.find((_, i) => !answers[i]);
    return { page, title, asked: names.length, answered: scores.length, near: scores.filter((one) => one >= NEAR).length, open };
  });
  const sum = (what) => pages.reduce((total, one) => total + one[what], 0);
  const link = ({ page, title, open }) => make("a", { href: `${page}.html${open ? `#${open}` : ""}` }, title);
  const rows = pages.map((one) => {
    const said = one.answered ? `: ${one.answered} of ${one.asked} answered, ${one.near} near` : `: ${plural(one.asked, "question")}`;
    return make("li", {}, link(one), said);
  });
  const [asked, answered] = [sum("asked"), sum("answered")];
  const sentence = answered
    ? `Your predictions: you have answered ${answered} of ${asked} questions; ${sum("near")} of your answers ${sum("near") === 1 ? "was" : "were"} right or near (within a tenth of the axis).`
    : `Your predictions: none yet in this browser. The book asks ${asked} questions, each just before the figure that answers it:`;
  box.replaceChildren(make("p", {}, sentence), make("ul", {}, ...rows));
  box.hidden = !asked;
}

follow();
score();
window.addEventListener("hashchange", follow);
window.addEventListener("storage", score);
window.addEventListener("pageshow", score);
})();
