// The reader's pair on the map of the others, in both models, and what is nearest to the caption in each.

import { make, makeSvg } from "./dom.js";
import { neighbours, spelled, trainedAt, verdict } from "./said.js";

/** @typedef {import("../worker/answers.js").Answer} Answer */
/** @typedef {import("../worker/answers.js").Point} Point */
/** @typedef {{gap: number, recall: number, map: [Point[], Point[]], start: Answer}} Opened a model as the page opens */

const SIDE_OF_MAP = 320;
const REACH = 0.86; // of the map from its middle; no other lies beyond, and what the reader draws hardly ever
const MOVES = 350; // ms

/**
 * Where a point lies on the map, which a point beyond its edge does not leave.
 * @param {Point} point
 * @returns {Point}
 */
export function placed([right, up]) {
  const [most, middle] = [SIDE_OF_MAP / 2 - 10, SIDE_OF_MAP / 2];
  const [x, y] = [right, -up].map((one) => middle + Math.max(-most, Math.min(most, (one / REACH) * middle)));
  return [x, y];
}

/**
 * All points of a cloud as one path of dots.
 * @param {readonly Point[]} cloud
 * @returns {string}
 */
export function dots(cloud) {
  return cloud.map((one) => `M${placed(one).map((at) => at.toFixed(1)).join(",")}h0`).join("");
}

/**
 * @param {string} name the temperature of its training
 * @param {Opened} model
 * @param {readonly string[]} captions of the others
 */
export function map(name, model, captions) {
  const picture = makeSvg("circle", { class: "is-picture", r: 8 });
  const caption = makeSvg("rect", { class: "is-caption", x: -7, y: -7, width: 14, height: 14 });
  const line = makeSvg("line", { class: "mindgap-clip-join" });
  const near = makeSvg("path", { class: "mindgap-clip-near" });
  const drawing = makeSvg("svg", { viewBox: `0 0 ${SIDE_OF_MAP} ${SIDE_OF_MAP}`, role: "img" },
    makeSvg("path", { class: "mindgap-clip-pictures", d: dots(model.map[0]) }),
    makeSvg("path", { class: "mindgap-clip-captions", d: dots(model.map[1]) }),
    makeSvg("text", { class: "is-text", x: 10, y: 22 }, "■ captions"), makeSvg("text", { class: "is-image", x: SIDE_OF_MAP - 10, y: 22, "text-anchor": "end" }, "pictures ●"),
    near, line, picture, caption);
  const [own, said, rest] = [make("b"), make("span"), make("p", { class: "mindgap-clip-note is-rest" })];
  const list = make("ol", { class: "mindgap-clip-list" });
  const title = `mindgap-clip-map-${name.replace(".", "-")}`;
  const element = make("section", { class: "mindgap-clip-map", "aria-labelledby": title },
    make("h4", { id: title }, `Trained at τ = ${trainedAt(name)}: `, make("span", {}, `gap ${spelled(model.gap)}`)),
    make("p", { class: "mindgap-clip-note" }, `For ${Math.round(100 * model.recall)} of 100 pictures the nearest of ${captions.length} captions is its own.`),
    drawing,
    make("p", { class: "mindgap-clip-own" }, own, " ", said), list, rest);

  /** @type {[Point, Point] | undefined} */
  let shown;
  let moving = 0;

  /** @param {[Point, Point]} ends of the pair, picture first */
  function stand(ends) {
    shown = ends;
    const [[x, y], [x2, y2]] = ends;
    picture.setAttribute("transform", `translate(${x} ${y})`);
    caption.setAttribute("transform", `translate(${x2} ${y2})`);
    Object.entries({ x1: x, y1: y, x2, y2 }).forEach(([key, value]) => line.setAttribute(key, String(value)));
  }

  /** @param {[Point, Point]} ends */
  function go(ends) {
    cancelAnimationFrame(moving);
    const from = shown;
    if (!from || matchMedia("(prefers-reduced-motion: reduce)").matches) return stand(ends);
    const start = performance.now();
    const step = (/** @type {number} */ now) => {
      const share = Math.min(1, Math.max(0, (now - start) / MOVES));
      const eased = share * share * (3 - 2 * share);
      const [a, b] = ends.map((end, i) => end.map((one, k) => from[i][k] + eased * (one - from[i][k])));
      stand([[a[0], a[1]], [b[0], b[1]]]);
      if (share < 1) moving = requestAnimationFrame(step);
    };
    moving = requestAnimationFrame(step);
  }

  /**
   * @param {Answer} answer
   * @param {number} at the scene
   */
  function render(answer, at) {
    const [pair, place] = [answer.pairs[at], answer.captions[at]];
    [caption, line, near].forEach((one) => (one.style.display = pair ? "" : "none"));
    if (!pair || !place) {
      go([placed(answer.pictures[at]), placed(answer.pictures[at])]);
      drawing.setAttribute("aria-label", "A map of 500 pictures and 500 captions with your picture; your caption cannot be read.");
      own.textContent = "–";
      said.textContent = "Your caption cannot be read.";
      list.replaceChildren();
      rest.textContent = "";
      return;
    }
    go([placed(answer.pictures[at]), placed(place)]);
    near.setAttribute("d", dots(pair.near.map(([index]) => model.map[1][index])));
    drawing.setAttribute("aria-label", `A map of 500 pictures and 500 captions with your pair: their distance is ${spelled(pair.distance)}, and along the gap alone ${spelled(Math.abs(pair.along))}.`);
    own.textContent = spelled(pair.own);
    said.textContent = `is the cosine of your caption and its picture. ${verdict(pair)}`;
    let last = 0;
    list.replaceChildren(...neighbours(pair, captions).flatMap(({ rank, cosine, caption: words }) => {
      const gap = rank > last + 1 ? [make("li", { class: "is-left-out", "aria-hidden": "true" }, "⋯")] : [];
      last = rank;
      return [...gap, make("li", { value: rank, class: words === null ? "is-own" : "" }, make("span", { class: "mindgap-clip-rank" }, `${rank}.`), make("span", { class: "mindgap-clip-cosine" }, spelled(cosine)), make("span", {}, words === null ? "● its own picture" : `■ ${words}`))];
    }));
    rest.textContent = `Of its ten nearest among ${(2 * pair.others).toLocaleString("en")} other captions and pictures, ${pair.ten} are captions. The pair is ${spelled(pair.distance)} apart; along the gap alone, ${spelled(Math.abs(pair.along))}.`;
  }

  return { element, render };
}
