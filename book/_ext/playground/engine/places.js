// Where points stand before the reader's eye: x to the right, y up, z towards the reader, all within the unit ball.

/** @typedef {import("./start.js").State} State */

const ROUNDS = 12; // of the power iteration, which goes on from the last picture's axis

/**
 * @typedef {object} Places
 * @property {Float32Array} images three numbers a point
 * @property {Float32Array} texts
 */

/** What a picture along the gap remembers, so that the axis across does not jump. */
export class Axes {
  constructor() {
    /** @type {Float64Array | null} */
    this.along = null;
    /** @type {Float64Array | null} */
    this.across = null;
  }
}

/**
 * In two and three dimensions the points themselves: the second coordinate to the right (the cones lie apart along it),
 * the first towards the reader, or up. In more, the plane of the gap and the main axis across it.
 * @param {State} state @param {number} d @param {number} captions @param {Axes} axes @returns {Places}
 */
export function places(state, d, captions, axes) {
  if (d > 3) alongTheGap(state, d, captions, axes);
  const onto = (/** @type {Float64Array} */ rows) => {
    const found = new Float32Array((3 * rows.length) / d);
    for (let i = 0, k = 0; i < rows.length; i += d, k += 3) {
      if (d > 3) {
        found[k] = dot(rows, i, /** @type {Float64Array} */ (axes.along));
        found[k + 1] = dot(rows, i, /** @type {Float64Array} */ (axes.across));
      } else {
        found[k] = rows[i + 1];
        found[k + 1] = d === 3 ? rows[i + 2] : rows[i];
        found[k + 2] = d === 3 ? rows[i] : 0;
      }
    }
    return found;
  };
  return { images: onto(state.images), texts: onto(state.texts) };
}

/** @param {Float64Array} rows @param {number} from @param {Float64Array} axis */
function dot(rows, from, axis) {
  let sum = 0;
  for (let k = 0; k < axis.length; k++) sum += rows[from + k] * axis[k];
  return sum;
}

/** @param {Float64Array} axis @returns {number} its length, which becomes 1 */
function scaled(axis) {
  const length = Math.hypot(...axis);
  if (length > 0) axis.forEach((one, k) => (axis[k] = one / length));
  return length;
}

/** @param {State} state @param {number} d @param {number} captions @param {Axes} axes */
function alongTheGap({ images, texts }, d, captions, axes) {
  const n = images.length / d;
  const gap = new Float64Array(d);
  const mean = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    const other = Math.floor(i / captions) * d;
    for (let k = 0; k < d; k++) {
      gap[k] += (images[i * d + k] - texts[other + k]) / n;
      mean[k] += (images[i * d + k] + texts[other + k]) / (2 * n);
    }
  }
  // Where there is no gap, there is no direction of it: the last one stays.
  if (scaled(gap) > 0.01 || !axes.along || axes.along.length !== d) axes.along = gap;
  const along = axes.along;
  let across = axes.across && axes.across.length === d ? axes.across : Float64Array.from({ length: d }, (_, k) => 1 / (k + 1));
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(d);
    for (const rows of [images, texts]) {
      for (let i = 0; i < rows.length; i += d) {
        const share = dot(rows, i, across) - dot(mean, 0, across);
        for (let k = 0; k < d; k++) next[k] += share * (rows[i + k] - mean[k]);
      }
    }
    const much = dot(next, 0, along);
    next.forEach((one, k) => (next[k] = one - much * along[k]));
    if (!(scaled(next) > 0)) break;
    across = next;
  }
  axes.across = across;
}
