// A run that can be played, rewound and shared: options, changes, and states kept on the way.

import { changesOf, optionsOf } from "./options.js";
import { begin } from "./start.js";
import { advance, measure } from "./steps.js";

/** @typedef {import("./options.js").Options} Options */
/** @typedef {import("./options.js").Change} Change */
/** @typedef {import("./steps.js").Moment} Moment */
/** @typedef {import("./start.js").State} State */

const DECADE = 20; // measurements in each tenfold of the number of steps
const KEPT = 64; // states that are kept, at most; rewinding goes on from the nearest before

/** The least step after `step` at which a run is measured. @param {number} step @returns {number} */
export function nextMark(step) {
  for (let place = Math.max(0, Math.floor(DECADE * Math.log10(Math.max(1, step))) - 1); ; place++) {
    const mark = Math.floor(10 ** (place / DECADE) + 0.5);
    if (mark > step) return mark;
  }
}

export class Course {
  /**
   * @param {Record<string, unknown>} given @param {Iterable<[unknown, string, unknown]>} changes
   * @param {import("./start.js").Clip} clip
   */
  constructor(given, changes, clip) {
    this.options = optionsOf(given);
    /** @type {Change[]} */
    this.changes = changesOf(changes);
    this.stride = 16; // steps between states that are kept
    /** @type {State} */
    this.state = begin(this.options, clip);
    /** @type {Options} with the changes that hold at this step */
    this.now = { ...this.options };
    /** @type {Moment[]} */
    this.moments = [];
    this.mark = 0;
    /** @type {Map<number, { state: State, now: Options }>} */
    this.kept = new Map();
    this.settle();
    this.keep();
  }

  /** Make the changes of this step, and measure it if it is a mark. */
  settle() {
    for (const [step, name, value] of this.changes) if (step === this.state.step) this.make(name, value);
    if (this.state.step === this.mark) {
      this.moments.push(measure(this.state, this.now));
      this.mark = nextMark(this.mark);
    }
  }

  /** @param {string} name @param {number} value */
  make(name, value) {
    if (name === "temperature" || name === "bias") this.state = { ...this.state, [name]: value };
    else this.now = { ...this.now, [name]: value };
  }

  step() {
    this.state = advance(this.state, this.now);
    this.settle();
    const { step } = this.state;
    if (step % this.stride === 0 && !this.kept.has(step)) this.keep();
  }

  // Twice as far apart whenever there are too many of them: the start is always one.
  keep() {
    this.kept.set(this.state.step, { state: this.state, now: this.now });
    if (this.kept.size <= KEPT) return;
    this.stride *= 2;
    for (const step of [...this.kept.keys()]) if (step % this.stride) this.kept.delete(step);
  }

  /** Go to a step, forward or back. @param {number} step @param {number} [most] steps to take at most @returns {boolean} whether it is there */
  seek(step, most = Infinity) {
    if (step < this.state.step) {
      const from = Math.max(...[...this.kept.keys()].filter((one) => one <= step));
      const { state, now } = /** @type {{ state: State, now: Options }} */ (this.kept.get(from));
      this.state = state;
      this.now = now;
      this.moments = this.moments.filter((one) => one.step <= from);
      this.mark = nextMark(this.moments[this.moments.length - 1].step);
    }
    for (let taken = 0; this.state.step < step && taken < most; taken++) this.step();
    return this.state.step >= step;
  }

  /** From this step on an option has another value; what was to come after it is forgotten. @param {string} name @param {number} value */
  change(name, value) {
    const { step } = this.state;
    const [[, , checked]] = changesOf([[step, name, value]]);
    this.changes = this.changes.filter((one) => one[0] < step || (one[0] === step && one[1] !== name));
    this.changes.push([step, name, checked]);
    for (const kept of [...this.kept.keys()]) if (kept > step) this.kept.delete(kept);
    this.make(name, checked);
    const last = this.moments[this.moments.length - 1];
    if (last.step === step) this.moments[this.moments.length - 1] = measure(this.state, this.now);
    if (this.kept.has(step)) this.kept.set(step, { state: this.state, now: this.now });
  }

  measure() {
    return measure(this.state, this.now);
  }
}
