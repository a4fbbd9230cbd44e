// Gap, distance of a pair, R@1 and loss over the logarithm of time, with earlier runs behind them.

import { draw, make } from "./elements.js";

/** @typedef {import("../engine/steps.js").Moment} Moment */

const HEIGHT = 74;
const SPACE = { left: 34, right: 8, top: 6, bottom: 16 };
const MOST = 5; // earlier runs

const PANELS = /** @type {const} */ ([
  ["gap", "gap", [0, 1, 2], 2],
  ["pair_distance", "pair distance", [0, 1, 2], 2],
  ["recall", "R@1", [0, 0.5, 1], 2],
  ["loss", "loss, nats", [], 2],
]);

/** Three to five round numbers from 0 on. @param {number} top */
function even(top) {
  const decade = 10 ** Math.floor(Math.log10(top / 2));
  const stride = [1, 2, 5, 10].map((one) => one * decade).find((one) => top / one < 5) || top;
  return Array.from({ length: Math.floor(top / stride) + 1 }, (_, i) => Number((i * stride).toPrecision(6)));
}

export class Curves {
  /** @param {HTMLElement} holder */
  constructor(holder) {
    this.holder = holder;
    /** @type {Moment[][]} */
    this.ghosts = [];
    /** @type {Moment[]} */
    this.moments = [];
    this.width = 0;
    this.steps = 100;
    this.least = this.top = 5; // of the loss
    this.panels = PANELS.map(([field, title, ticks]) => {
      const value = make("output", { class: "mindgap-play-value" }, "–");
      const [grid, ghosts, line, dot] = [draw("g", { class: "is-grid" }), draw("path", { class: "is-ghost" }), draw("path", { class: "is-run" }), draw("circle", { r: 3.4, class: "is-now" })];
      const svg = draw("svg", { height: HEIGHT, "aria-hidden": true }, grid, ghosts, line, dot);
      holder.append(make("div", { class: "mindgap-play-curve", "data-field": field }, make("p", {}, make("span", {}, title), value), svg));
      return { field, ticks, value, svg, grid, ghosts, line, dot };
    });
    holder.append(make("p", { class: "mindgap-play-axis" }, "across: steps, on a logarithmic axis"));
    new ResizeObserver(() => this.resized()).observe(holder);
  }

  resized() {
    const width = Math.floor(this.panels[0].svg.parentElement.clientWidth);
    if (!width || width === this.width) return;
    this.width = width;
    this.frame();
  }

  /** Another run begins, and the last one stays behind it. @param {boolean} keep */
  begin(keep) {
    if (keep && this.moments.length > 8) this.ghosts = [...this.ghosts, this.moments].slice(-MOST);
    this.moments = [];
    this.frame();
  }

  forget() {
    this.ghosts = [];
    this.frame();
  }

  /** @param {number} from @param {Moment[]} moments @param {number} n */
  add(from, moments, n) {
    this.moments.length = Math.min(this.moments.length, from);
    this.moments.push(...moments);
    this.least = Math.max(1, 1.3 * Math.log(n));
    if (this.highest() !== this.top) this.frame();
  }

  /** Of the loss: room for guessing among all, and for whatever was larger, since a line along the edge would say less. */
  highest() {
    let top = this.least;
    for (const run of [...this.ghosts, this.moments]) for (const { loss } of run) top = Math.max(top, 1.05 * loss);
    return top;
  }

  /** @param {number} step */
  x(step) {
    return SPACE.left + ((this.width - SPACE.left - SPACE.right) * Math.log10(1 + step)) / Math.log10(1 + this.steps);
  }

  /** @param {string} field @param {number} value */
  y(field, value) {
    const top = field === "loss" ? this.top : field === "recall" ? 1 : 2;
    const share = Math.min(1.02, value / top);
    return HEIGHT - SPACE.bottom - share * (HEIGHT - SPACE.top - SPACE.bottom);
  }

  /** @param {string} field @param {Moment[]} moments */
  path(field, moments) {
    return moments.map((one, i) => `${i ? "L" : "M"}${this.x(one.step).toFixed(1)},${this.y(field, /** @type {any} */ (one)[field]).toFixed(1)}`).join("");
  }

  /** Those of some marks whose numbers have room beside each other; the last one has. @param {number[]} marks */
  labelled(marks) {
    let next = Infinity;
    return marks.reverse().filter((mark) => {
      const fits = this.x(mark) < next - 30;
      if (fits) next = this.x(mark) - (mark === this.steps ? 22 : 0); // the last one ends where the axis ends
      return fits;
    });
  }

  /** Axes and earlier runs: when there is another width, another run or ten times as many steps. */
  frame() {
    this.top = this.highest();
    if (!this.width) return;
    const last = Math.max(0, ...[...this.ghosts, this.moments].map((one) => one[one.length - 1]?.step || 0));
    this.steps = Math.max(100, 10 ** Math.ceil(Math.log10(Math.max(1, last)) - 1e-9));
    const marks = [0];
    for (let mark = 1; mark <= this.steps; mark *= 10) marks.push(mark);
    for (const { field, ticks, svg, grid, ghosts } of this.panels) {
      svg.setAttribute("width", String(this.width));
      const up = ticks.length ? [...ticks] : even(this.top);
      grid.replaceChildren(
        ...up.flatMap((value) => {
          const y = this.y(field, value);
          return [draw("line", { x1: SPACE.left, x2: this.width - SPACE.right, y1: y, y2: y }), draw("text", { x: SPACE.left - 6, y: y + 4, "text-anchor": "end" }, String(value))];
        }),
        ...this.labelled(marks.slice(1)).map((mark) => draw("text", { x: this.x(mark), y: HEIGHT - 2, "text-anchor": mark === this.steps ? "end" : "middle" }, mark.toLocaleString("en"))),
      );
      ghosts.setAttribute("d", this.ghosts.map((one) => this.path(field, one)).join(""));
    }
    this.show();
  }

  /** @param {Moment} [now] */
  show(now) {
    if (now && now.step > this.steps) {
      this.now = now;
      this.steps = now.step; // the frame makes it a power of ten
      const kept = this.moments;
      this.moments = [...kept, now];
      this.frame();
      this.moments = kept;
      return;
    }
    if (now) this.now = now;
    const seen = this.now;
    if (!seen || !this.width) return;
    const all = this.moments.length && this.moments[this.moments.length - 1].step < seen.step ? [...this.moments, seen] : this.moments;
    for (const { field, value, line, dot } of this.panels) {
      const number = /** @type {number} */ (/** @type {any} */ (seen)[field]);
      value.textContent = number.toFixed(2);
      line.setAttribute("d", this.path(field, all));
      dot.setAttribute("cx", this.x(seen.step).toFixed(1));
      dot.setAttribute("cy", this.y(field, number).toFixed(1));
    }
  }
}
