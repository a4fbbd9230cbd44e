// Flat shapes as signed distances, painted with a soft edge one pixel wide: mindgap.scenes._drawing, pixel by pixel.

/** @typedef {import("./scenes.js").Layout} Layout */
/** @typedef {(right: number, down: number) => number} Outline the distance to the edge, negative inside */

export const SIDE = 32;

/**
 * The distance from the centre along a direction, in degrees clockwise from up.
 * @param {number} degrees
 * @returns {Outline}
 */
function along(degrees) {
  const [sine, cosine] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  return (right, down) => sine * right - cosine * down;
}

const TRIANGLE = [60, 180, 300].map(along);
const STAR = [0, 72, 144, 216, 288].map(along);
const REACH_OF_SHAPES = 1.3; // the tips of the star are at 1.262 radii, those of all others nearer
const HALF = 0.895 * Math.sqrt(0.5);

/** @type {Outline[]} in the order of SHAPES */
const OUTLINES = [
  (right, down) => Math.hypot(right, down) - 1,
  (right, down) => Math.max(Math.abs(right), Math.abs(down)) - 0.85,
  (right, down) => Math.max(...TRIANGLE.map((side) => side(right, down))) - 0.6,
  (right, down) => (Math.abs(right) + Math.abs(down)) * Math.sqrt(0.5) - 0.8,
  // Five lines make a pentagram, whose points are beyond at most one of them: the second largest distance decides.
  (right, down) => STAR.map((side) => side(right, down)).sort((a, b) => b - a)[1] - 0.39,
  (right, down) => {
    const [across, up] = [Math.abs(right), Math.abs(down)];
    return Math.min(Math.max(across - 1, up - 0.36), Math.max(across - 0.36, up - 1));
  },
  (right, down) => Math.abs(Math.hypot(right, down) - 0.76) - 0.28,
  (right, down) => {
    const square = (Math.abs(right) + Math.abs(down - 0.09)) * Math.sqrt(0.5) - HALF;
    return Math.min(square, Math.hypot(Math.abs(right) - 0.895 / 2, down - 0.09 + 0.895 / 2) - HALF);
  },
];

/**
 * A picture: red, then green, then blue, each of SIDE × SIDE numbers from 0 to 1, row by row.
 * @param {Layout} layout
 * @returns {Float32Array}
 */
export function paint({ ground, objects }) {
  const plane = SIDE * SIDE;
  const picture = new Float32Array(3 * plane).fill(ground);
  for (const { shape, right, down, radius, paint: colour } of objects) {
    const reach = REACH_OF_SHAPES * radius + 2 / SIDE; // the soft edge goes on for 1.6 pixels beyond a tip of 36°
    const [top, bottom, first, last] = [down - reach, down + reach, right - reach, right + reach].map((one) => Math.min(SIDE, Math.max(0, Math.round(SIDE * one))));
    for (let row = top; row < bottom; row++) {
      for (let column = first; column < last; column++) {
        const distance = OUTLINES[shape](((column + 0.5) / SIDE - right) / radius, ((row + 0.5) / SIDE - down) / radius);
        const cover = Math.min(1, Math.max(0, 0.5 - SIDE * radius * distance));
        if (cover === 0) continue;
        for (let channel = 0; channel < 3; channel++) {
          const at = channel * plane + row * SIDE + column;
          picture[at] += cover * (colour[channel] - picture[at]);
        }
      }
    }
  }
  return picture;
}

/**
 * One shape alone, as how much of each of size × size pixels it covers, from 0 to 1.
 * @param {number} shape
 * @param {number} size
 * @returns {number[]}
 */
export function coverOf(shape, size) {
  const radius = 0.4 * size;
  return Array.from({ length: size * size }, (_, i) => {
    const [right, down] = [(i % size) + 0.5 - size / 2, Math.floor(i / size) + 0.5 - size / 2];
    return Math.min(1, Math.max(0, 0.5 - radius * OUTLINES[shape](right / radius, down / radius)));
  });
}
