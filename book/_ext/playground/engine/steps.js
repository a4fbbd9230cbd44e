// How the points move and what is measured of them: mindgap.playground.advance and measure, in typed arrays.

import { BATCH, PARTNERS, chosen, uniforms } from "./random.js";
import { LEARNED, textsOf } from "./options.js";
import { toSphere } from "./start.js";

const SCALARS = 0.1; // of the rate, for a learned temperature and bias

/** @typedef {import("./options.js").Options} Options */
/** @typedef {import("./start.js").State} State */

/**
 * @typedef {object} Moment
 * @property {number} step
 * @property {number} gap
 * @property {number} pair_distance
 * @property {number} recall
 * @property {number} loss
 * @property {number} temperature
 * @property {number} bias
 */

/**
 * The images of a step, and the caption that each is given as its own.
 * @param {Options} options @param {number} step @returns {[Int32Array, Int32Array]}
 */
export function drawn({ n, seed, batch, redrawn, captions }, step) {
  const size = batch === 0 ? n : Math.min(batch, n);
  const images = size === n ? Int32Array.from({ length: n }, (_, i) => i) : chosen(seed, BATCH, step, n, size);
  const partners = images.slice();
  if (redrawn > 0) {
    const u = uniforms(seed, PARTNERS, step, 2 * size);
    for (let i = 0; i < size; i++) if (u[2 * i] < redrawn) partners[i] = Math.floor(u[2 * i + 1] * n);
  }
  return [images, partners.map((pair) => Math.floor(pair / captions))];
}

/** Cosines of some images with some captions, in rows. @param {State} state @param {number} d @param {Int32Array} rows @param {Int32Array} columns @param {Float64Array} out */
function cosines({ images, texts }, d, rows, columns, out) {
  let place = 0;
  for (const row of rows) {
    const from = row * d;
    for (const column of columns) {
      const other = column * d;
      let sum = 0;
      for (let k = 0; k < d; k++) sum += images[from + k] * texts[other + k];
      out[place++] = sum;
    }
  }
}

// What a step writes into, made once for each size.
const NONE = new Float64Array(0);
const room = { size: 0, logits: NONE, pull: NONE, rows: NONE, columns: NONE };

/** @param {number} size */
function roomFor(size) {
  if (room.size !== size) {
    room.size = size;
    [room.logits, room.pull] = [new Float64Array(size * size), new Float64Array(size * size)];
    [room.rows, room.columns] = [new Float64Array(size), new Float64Array(size)];
  }
  return room;
}

/**
 * The mean of the softmax along rows and along columns. No temperature is below 1/200, so no two logits are more than
 * 400 apart, and one exponential of each does for both: exp(-400) is far from what a float64 cannot hold.
 * @param {Float64Array} logits b × b @param {number} b @param {Float64Array} rows @param {Float64Array} columns
 * @param {Float64Array} out
 */
function bothSoftmaxes(logits, b, rows, columns, out) {
  rows.fill(0);
  columns.fill(0);
  let top = -Infinity;
  for (let k = 0; k < b * b; k++) if (logits[k] > top) top = logits[k];
  for (let i = 0, k = 0; i < b; i++) {
    for (let j = 0; j < b; j++, k++) {
      const one = Math.exp(logits[k] - top);
      out[k] = one;
      rows[i] += one;
      columns[j] += one;
    }
  }
  for (let i = 0, k = 0; i < b; i++) for (let j = 0; j < b; j++, k++) out[k] *= 0.5 / rows[i] + 0.5 / columns[j];
}

/** @param {number} z */
const sigmoid = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

/**
 * One step down the gradient; the formula is with mindgap.playground.advance.
 * @param {State} state @param {Options} options @returns {State}
 */
export function advance(state, options) {
  const { d, loss, schedule, rate } = options;
  const [rows, columns] = drawn(options, state.step);
  const b = rows.length;
  const { pull, logits, rows: rowSums, columns: columnSums } = roomFor(b);
  cosines(state, d, rows, columns, logits);
  for (let k = 0; k < b * b; k++) logits[k] /= state.temperature;
  if (loss === "softmax") bothSoftmaxes(logits, b, rowSums, columnSums, pull);
  else for (let k = 0; k < b * b; k++) pull[k] = sigmoid(logits[k] + state.bias);
  for (let i = 0; i < b; i++) pull[i * b + i] -= 1;

  const images = new Float64Array(state.images.length);
  const texts = new Float64Array(state.texts.length);
  let slope = 0;
  let total = 0;
  for (let i = 0, k = 0; i < b; i++) {
    const from = rows[i] * d;
    for (let j = 0; j < b; j++, k++) {
      const force = pull[k];
      const other = columns[j] * d;
      slope += force * logits[k];
      total += force;
      for (let q = 0; q < d; q++) {
        images[from + q] += force * state.texts[other + q];
        texts[other + q] += force * state.images[from + q];
      }
    }
  }
  let { temperature, bias } = state;
  if (schedule === "learned") {
    temperature = Math.min(Math.max(temperature * Math.exp((SCALARS * rate * slope) / b), LEARNED[0]), LEARNED[1]);
    if (loss === "sigmoid") bias -= (SCALARS * rate * total) / b;
  } else if (schedule === "annealed") {
    const ratio = Math.log(options.cool_to / options.temperature) / options.cool_steps;
    const further = temperature * Math.exp(ratio);
    temperature = ratio < 0 ? Math.max(further, options.cool_to) : Math.min(further, options.cool_to);
  }
  moved(state.images, images, d, rate);
  moved(state.texts, texts, d, rate);
  return { step: state.step + 1, images, texts, temperature, bias };
}

/** Points less `rate` times the part of a gradient along the sphere, written over the gradient. @param {Float64Array} points @param {Float64Array} gradient @param {number} d @param {number} rate */
function moved(points, gradient, d, rate) {
  for (let i = 0; i < points.length; i += d) {
    let along = 0;
    for (let k = i; k < i + d; k++) along += gradient[k] * points[k];
    for (let k = i; k < i + d; k++) gradient[k] = points[k] - rate * (gradient[k] - along * points[k]);
  }
  toSphere(gradient, d);
}

/**
 * Gap, mean distance of a pair, R@1 and loss of all pairs as they belong together.
 * @param {State} state @param {Options} options @returns {Moment}
 */
export function measure(state, options) {
  const { n, d, captions, loss } = options;
  const { images, texts, temperature, bias } = state;
  const m = textsOf(options);
  const gap = new Float64Array(d);
  let pairs = 0;
  for (let i = 0; i < n; i++) {
    const other = Math.floor(i / captions) * d;
    let square = 0;
    for (let k = 0; k < d; k++) {
      const apart = images[i * d + k] - texts[other + k];
      gap[k] += apart / n;
      square += apart * apart;
    }
    pairs += Math.sqrt(square) / n;
  }
  const all = Int32Array.from({ length: n }, (_, i) => i);
  const every = Int32Array.from({ length: m }, (_, j) => j);
  const cosine = new Float64Array(n * m);
  cosines(state, d, all, every, cosine);
  return {
    step: state.step,
    gap: Math.hypot(...gap),
    pair_distance: pairs,
    recall: recallOf(cosine, n, m, captions),
    loss: loss === "softmax" ? softmaxLoss(cosine, n, m, captions, temperature) : sigmoidLoss(cosine, n, m, captions, temperature, bias),
    temperature,
    bias,
  };
}

/** @param {Float64Array} cosine @param {number} n @param {number} m @param {number} captions */
function recallOf(cosine, n, m, captions) {
  const right = new Float64Array(m).fill(-Infinity);
  const wrong = new Float64Array(m).fill(-Infinity);
  let hits = 0;
  for (let i = 0, k = 0; i < n; i++) {
    const own = Math.floor(i / captions);
    let best = -Infinity;
    for (let j = 0; j < m; j++, k++) {
      if (j === own) right[j] = Math.max(right[j], cosine[k]);
      else {
        wrong[j] = Math.max(wrong[j], cosine[k]);
        best = Math.max(best, cosine[k]);
      }
    }
    if (cosine[i * m + own] > best) hits += 1;
  }
  return (hits / n + right.filter((one, j) => one > wrong[j]).length / m) / 2;
}

/** A caption stands in the batch once for each image that it belongs to. @param {number} j @param {number} n @param {number} captions */
const copies = (j, n, captions) => Math.min(captions, n - j * captions);

/** @param {Float64Array} cosine @param {number} n @param {number} m @param {number} captions @param {number} temperature */
function softmaxLoss(cosine, n, m, captions, temperature) {
  let sum = 0;
  const own = (/** @type {number} */ i) => cosine[i * m + Math.floor(i / captions)];
  for (let i = 0; i < n; i++) {
    let top = -Infinity;
    for (let j = 0; j < m; j++) top = Math.max(top, cosine[i * m + j]);
    let all = 0;
    for (let j = 0; j < m; j++) all += copies(j, n, captions) * Math.exp((cosine[i * m + j] - top) / temperature);
    sum += (top - own(i)) / temperature + Math.log(all);
  }
  for (let j = 0; j < m; j++) {
    let top = -Infinity;
    for (let i = 0; i < n; i++) top = Math.max(top, cosine[i * m + j]);
    let all = 0;
    for (let i = 0; i < n; i++) all += Math.exp((cosine[i * m + j] - top) / temperature);
    for (let i = j * captions; i < Math.min(n, (j + 1) * captions); i++) sum += (top - own(i)) / temperature + Math.log(all);
  }
  return sum / (2 * n);
}

/** @param {Float64Array} cosine @param {number} n @param {number} m @param {number} captions @param {number} temperature @param {number} bias */
function sigmoidLoss(cosine, n, m, captions, temperature, bias) {
  const cost = (/** @type {number} */ z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))); // log(1 + exp(z))
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const own = Math.floor(i / captions);
    for (let j = 0; j < m; j++) {
      const z = cosine[i * m + j] / temperature + bias;
      sum += copies(j, n, captions) * cost(z) + (j === own ? cost(-z) - cost(z) : 0);
    }
  }
  return sum / n;
}
