// What determines a run, checked as mindgap.playground.Options checks it.

/**
 * @typedef {object} Options
 * @property {number} n
 * @property {number} d
 * @property {string} start
 * @property {number} image_width
 * @property {number} text_width
 * @property {number} angle
 * @property {string} loss
 * @property {number} temperature
 * @property {string} schedule
 * @property {number} cool_to
 * @property {number} cool_steps
 * @property {number} bias
 * @property {number} rate
 * @property {number} batch
 * @property {number} redrawn
 * @property {number} captions
 * @property {number} seed
 */

/** @typedef {[number, string, number]} Change From a step on, a name of `LIVE` has another value. */

/** @type {Options} */
export const DEFAULTS = {
  n: 60, d: 3, start: "cones", image_width: 30, text_width: 30, angle: 90, loss: "softmax", temperature: 0.1,
  schedule: "fixed", cool_to: 0.01, cool_steps: 1000, bias: -5, rate: 0.05, batch: 0, redrawn: 0, captions: 1, seed: 0,
};

/** @type {Record<string, (number | string)[]>} */
export const CHOICES = {
  d: [2, 3, 8, 32],
  start: ["mixed", "cones", "opposite", "clip"],
  loss: ["softmax", "sigmoid"],
  schedule: ["fixed", "learned", "annealed"],
};

/** @type {Record<string, [number, number]>} */
export const WHOLE = { n: [2, 200], cool_steps: [1, 1e6], batch: [0, 200], captions: [1, 10], seed: [0, 2 ** 32 - 1] };

/** @type {Record<string, [number, number]>} */
export const RANGES = {
  image_width: [1, 180], text_width: [1, 180], angle: [0, 180], temperature: [1 / 200, 2], cool_to: [1 / 200, 2],
  bias: [-20, 5], rate: [1e-3, 2], redrawn: [0, 1],
};

export const LIVE = ["temperature", "bias", "rate", "redrawn", "batch"];

/** @type {[number, number]} The temperatures between which a learned one stays. */
export const LEARNED = [1 / 100, 1];

export const LONGEST = 1e6; // steps of a run

/**
 * A value as the option `name` takes it. Throws an Error that names the option, what came and what was expected.
 * @param {string} name @param {unknown} value @returns {number | string}
 */
export function checked(name, value) {
  if (Object.hasOwn(CHOICES, name)) {
    const known = CHOICES[name].find((one) => String(one) === String(value));
    if (known !== undefined) return known;
    throw new Error(`${name}: expected one of ${CHOICES[name].join(", ")}, got ${short(value)}`);
  }
  const whole = Object.hasOwn(WHOLE, name);
  if (!whole && !Object.hasOwn(RANGES, name)) throw new Error(`${short(name)} is no option`);
  const [low, high] = whole ? WHOLE[name] : RANGES[name];
  const number = typeof value === "string" && !value.trim() ? NaN : Number(value);
  if (!(number >= low && number <= high) || (whole && !Number.isInteger(number))) {
    throw new Error(`${name}: expected ${whole ? "a whole number" : "a number"} from ${low} to ${high}, got ${short(value)}`);
  }
  return number;
}

/** @param {unknown} value */
const short = (value) => JSON.stringify(String(value).slice(0, 40));

/**
 * The defaults with what is given in their place.
 * @param {Record<string, unknown>} given @returns {Options}
 */
export function optionsOf(given) {
  /** @type {Record<string, number | string>} */
  const found = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given)) found[name] = checked(name, value);
  return /** @type {Options} */ (/** @type {unknown} */ (found));
}

/**
 * Changes in the order of their steps.
 * @param {Iterable<[unknown, string, unknown]>} given @returns {Change[]}
 */
export function changesOf(given) {
  const found = [];
  for (const [step, name, value] of given) {
    if (!LIVE.includes(name)) throw new Error(`changes: expected one of ${LIVE.join(", ")}, got ${short(name)}`);
    found.push(/** @type {Change} */ ([stepOf(step), name, Number(checked(name, value))]));
  }
  return found.sort((a, b) => a[0] - b[0]);
}

/** @param {unknown} value @returns {number} */
export function stepOf(value) {
  const step = typeof value === "string" && !value.trim() ? NaN : Number(value);
  if (!Number.isInteger(step) || step < 0 || step > LONGEST) {
    throw new Error(`step: expected a whole number from 0 to ${LONGEST}, got ${short(value)}`);
  }
  return step;
}

/** How many different captions there are. @param {Options} options */
export const textsOf = (options) => Math.ceil(options.n / options.captions);
