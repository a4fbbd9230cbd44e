// Four pictures against four captions: cosines, and the shares that a softmax makes of them at a temperature.

import { captionOf } from "../worker/scenes.js";
import { inWords } from "../worker/words.js";
import { make, thumbnail } from "./dom.js";
import { choice } from "./editor.js";
import { shares, spelled, temperature, trainedAt, turned, winner, wins } from "./said.js";

/** @typedef {import("../worker/answers.js").Answer} Answer */

const FIRST = 4; // 1/10, where one sees that several captions have a share
const TEMPERATURES = [1 / 100, 1 / 50, 1 / 20, 0.07, 1 / 10, 1 / 5, 1 / 2, 1];
const WAYS = ["picture picks caption", "caption picks picture"];

/** @param {readonly string[]} names of the models */
export function matrix(names) {
  /** @type {{answers: Record<string, Answer>, scenes: import("../worker/scenes.js").Thing[][], captions: string[]} | undefined} */
  let shown;
  let [name, way] = [names[0], WAYS[0]];
  const models = choice("Trained at", "model", names, (one) => [make("span", {}, `τ = ${trainedAt(one)}`)], (one) => {
    name = one;
    change();
  });
  const ways = choice("Direction", "way", WAYS, (one) => [make("span", {}, one)], (one) => {
    way = one;
    change();
  });
  const said = make("output", { for: "mindgap-clip-tau" });
  const slider = make("input", { type: "range", id: "mindgap-clip-tau", min: 0, max: TEMPERATURES.length - 1, step: 1, value: FIRST, oninput: () => change() });
  const table = make("table");
  const sentence = make("p", { class: "mindgap-clip-wins", "aria-live": "off" });
  const key = make("ol", { class: "mindgap-clip-key" });
  models.choose(name);
  ways.choose(way);

  // Who wins is said aloud when something here was changed. What a new scene changes, the tool says in one sentence.
  function change() {
    sentence.setAttribute("aria-live", "polite");
    draw();
  }

  function draw() {
    if (!shown) return;
    const { answers, scenes, captions } = shown;
    const tau = TEMPERATURES[Number(slider.value)];
    said.textContent = temperature(tau);
    slider.setAttribute("aria-valuetext", temperature(tau));
    const { cosines } = answers[name];
    const byRow = way === WAYS[0];
    const found = shares(byRow ? cosines : turned(cosines), tau);
    const seen = byRow ? found : turned(found);
    const won = found.map(winner);
    const head = make("tr", {}, make("td", {}), ...captions.map((_, i) => make("th", { scope: "col" }, make("span", { class: "mindgap-clip-sheet" }, String(i + 1)), make("span", { class: "mindgap-clip-unseen" }, `caption ${i + 1}`))));
    const rows = seen.map((row, i) => make("tr", {}, make("th", { scope: "row" }, thumbnail(scenes[i], `picture ${i + 1}`)), ...row.map((share, j) => {
      const [chooser, to] = byRow ? [i, j] : [j, i];
      const wins = won[chooser] === to;
      const cosine = cosines[i][j];
      const cell = make("td", { class: `${wins ? "is-winner" : ""}${i === j ? " is-own" : ""}` }, make("b", {}, share === null ? "–" : spelled(share)), make("small", {}, cosine === null ? "" : `cos ${spelled(cosine)}`), ...(wins ? [make("span", { class: "mindgap-clip-unseen" }, "wins")] : []));
      cell.style.setProperty("--share", String(share ?? 0));
      return cell;
    })));
    table.replaceChildren(make("caption", {}, `Softmax at τ = ${temperature(tau)}; each ${byRow ? "row" : "column"} adds up to 1`), make("thead", {}, head), make("tbody", {}, ...rows));
    sentence.textContent = wins(found, byRow ? ["picture", "caption"] : ["caption", "picture"]);
    key.replaceChildren(...captions.map((one, i) => make("li", {}, inWords(one) ? one : "nothing yet", ...(["", inWords(captionOf(scenes[i]))].includes(inWords(one)) ? [] : [make("em", {}, " (your words)")]))));
  }

  const element = make("section", { class: "mindgap-clip-matrix", "aria-labelledby": "mindgap-clip-matrix" },
    make("h4", { id: "mindgap-clip-matrix" }, "Which caption wins?"),
    make("p", { class: "mindgap-clip-note" }, "Two temperatures: one at which the model was trained, one at which a softmax turns its cosines into shares here."),
    make("div", { class: "mindgap-clip-line" }, models.element, ways.element,
      make("div", { class: "mindgap-clip-tau" }, make("label", { for: "mindgap-clip-tau" }, "Softmax at τ"), make("div", {}, slider, said))),
    make("div", { class: "mindgap-clip-table" }, table, key), sentence);
  return {
    element,
    render: (/** @type {Record<string, Answer>} */ answers, /** @type {import("./state.js").State} */ { scenes, captions }) => {
      shown = { answers, scenes, captions };
      sentence.setAttribute("aria-live", "off");
      draw();
    },
  };
}
