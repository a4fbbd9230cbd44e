// Where the points begin: mindgap.playground.begin.

import { IMAGES, TEXTS, gaussians, uniforms } from "./random.js";
import { textsOf } from "./options.js";

/**
 * @typedef {object} State
 * @property {number} step
 * @property {Float64Array} images n rows of d numbers
 * @property {Float64Array} texts a row for each different caption
 * @property {number} temperature
 * @property {number} bias
 */

/** @typedef {{ images: number[][], texts: number[][] }} Clip CLIP's own axes, in thousandths. */

/**
 * @param {import("./options.js").Options} options @param {Clip} clip @returns {State}
 */
export function begin(options, clip) {
  const { n, d, captions, start, image_width, text_width, temperature, bias } = options;
  const m = textsOf(options);
  let images;
  let texts;
  if (start === "clip") {
    images = Float64Array.from({ length: n * d }, (_, k) => clip.images[Math.floor(k / d)][k % d] / 1000);
    texts = Float64Array.from({ length: m * d }, (_, k) => clip.texts[Math.floor(k / d) * captions][k % d] / 1000);
  } else {
    images = laidOut(options, IMAGES, n, image_width, 1);
    texts = laidOut(options, TEXTS, m, text_width, -1);
  }
  toSphere(images, d);
  toSphere(texts, d);
  return { step: 0, images, texts, temperature, bias };
}

/**
 * One side, in its cone or wherever.
 * @param {import("./options.js").Options} options @param {number} stream @param {number} count @param {number} width
 * @param {number} side
 */
function laidOut({ seed, start, d, angle }, stream, count, width, side) {
  const rows = gaussians(seed, stream, 0, count * d);
  if (start === "mixed") return rows;
  const half = ((start === "opposite" ? 180 : angle) * (Math.PI / 180)) / 2;
  const axis = new Float64Array(d);
  axis[0] = Math.cos(half);
  axis[1] = side * Math.sin(half);
  const far = uniforms(seed, stream, 1, count);
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * d, i * d + d);
    const along = axis[0] * row[0] + axis[1] * row[1];
    row.forEach((_, k) => (row[k] -= along * axis[k]));
    toSphere(row, d);
    const turn = far[i] ** (1 / (d - 1)) * width * (Math.PI / 180);
    row.forEach((one, k) => (row[k] = Math.cos(turn) * axis[k] + Math.sin(turn) * one));
  }
  return rows;
}

/** Rows of length 1, in place. @param {Float64Array} rows @param {number} d */
export function toSphere(rows, d) {
  for (let i = 0; i < rows.length; i += d) {
    let square = 0;
    for (let k = i; k < i + d; k++) square += rows[k] * rows[k];
    const length = Math.sqrt(square);
    for (let k = i; k < i + d; k++) rows[k] /= length;
  }
}
