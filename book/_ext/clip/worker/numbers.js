// Numbers out of scripts, and the layers that both towers are made of. Rows lie one after the other; activations are
// kept in double precision, so that what differs from Python is the rounding of the weights and little else.

import { bytesOf } from "../../packed/bytes.js";

/** @typedef {import("../../packed/bytes.js").Packed} Packed */
/** @typedef {{shape: number[], values: Float32Array}} Tensor */
/** @typedef {{name: string, shape: number[], at: number}} Place where a tensor begins in the bytes of its file */

/**
 * The tensors of a model: vectors as they are, matrices as a scale a row and whole numbers of 16 bits (low byte first,
 * as in every machine that runs a browser).
 * @param {readonly Place[]} places
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Map<string, Tensor>}
 */
export function tensorsOf(places, bytes) {
  const found = new Map();
  for (const { name, shape, at } of places) {
    const size = shape.reduce((product, one) => product * one, 1);
    if (shape.length < 2) {
      found.set(name, { shape, values: new Float32Array(bytes.buffer, at, size) });
      continue;
    }
    const [rows, width] = [shape[0], size / shape[0]];
    const scales = new Float32Array(bytes.buffer, at, rows);
    const whole = new Int16Array(bytes.buffer, at + 4 * rows, size);
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = scales[Math.floor(i / width)] * whole[i];
    found.set(name, { shape, values });
  }
  return found;
}

/**
 * Coordinates from −1 to 1 that were written as whole numbers of 16 bits.
 * @param {Packed} packed
 * @returns {Float32Array}
 */
export function coordinatesOf(packed) {
  const whole = new Int16Array(bytesOf(packed).buffer);
  return Float32Array.from(whole, (one) => one / 32767);
}

/**
 * Σ a_i b_i over `length` numbers, from two places on.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {number} [fromA]
 * @param {number} [fromB]
 * @param {number} [length]
 * @returns {number}
 */
export function dot(a, b, fromA = 0, fromB = 0, length = b.length) {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[fromA + i] * b[fromB + i];
  return sum;
}

/**
 * x Wᵀ + b for every row of x; W has a row an output.
 * @param {Float64Array} x
 * @param {Tensor} weight
 * @param {Tensor} [bias]
 * @returns {Float64Array}
 */
export function linear(x, weight, bias) {
  const outputs = weight.shape[0];
  const width = weight.values.length / outputs;
  const rows = x.length / width;
  const made = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < outputs; j++) made[row * outputs + j] = dot(x, weight.values, row * width, j * width, width) + (bias ? bias.values[j] : 0);
  }
  return made;
}

/**
 * Every row less its mean, over its standard deviation, times a weight, plus a bias.
 * @param {Float64Array} x
 * @param {Tensor} weight
 * @param {Tensor} bias
 * @returns {Float64Array}
 */
export function layerNorm(x, weight, bias) {
  const width = weight.values.length;
  const made = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += width) {
    let [mean, variance] = [0, 0];
    for (let i = 0; i < width; i++) mean += x[from + i] / width;
    for (let i = 0; i < width; i++) variance += (x[from + i] - mean) ** 2 / width;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    for (let i = 0; i < width; i++) made[from + i] = (x[from + i] - mean) * scale * weight.values[i] + bias.values[i];
  }
  return made;
}

/**
 * The error function, by the series 2/√π e^(−x²) Σ 2^k x^(2k+1) / (1·3·…·(2k+1)), whose terms have one sign.
 * @param {number} x
 * @returns {number}
 */
export function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/**
 * The Gaussian error linear unit, exactly and in place.
 * @param {Float64Array} x
 * @returns {Float64Array}
 */
export function gelu(x) {
  for (let i = 0; i < x.length; i++) x[i] *= 0.5 * (1 + erf(x[i] * Math.SQRT1_2));
  return x;
}

/**
 * The row with length 1.
 * @param {Float64Array} x
 * @returns {Float64Array}
 */
export function unit(x) {
  const length = Math.sqrt(dot(x, x));
  return x.map((one) => one / length);
}
