// What is said of four pictures and four captions in one model: their places on its map, all cosines, and what is nearer
// to a caption than its own picture. The same as book/results/small_clip.py, which stores what the page opens with.

import { coordinatesOf, dot } from "./numbers.js";
import { inWords } from "./words.js";

/** @typedef {import("../../packed/bytes.js").Packed} Packed */
/** @typedef {[number, number]} Point */
/**
 * @typedef {object} Pair
 * @property {number} own the cosine of caption and picture
 * @property {number} others how many scenes it is held against: those that are described in other words
 * @property {number} distance between them
 * @property {number} along of their difference, the part along the gap
 * @property {number} nearer how many other captions are nearer to the caption than its picture
 * @property {number} nearerPictures how many other pictures are
 * @property {[number, number][]} near the nearest other captions, each with its cosine
 * @property {number} ten how many of its ten nearest among all others are captions
 */
/** @typedef {{cosines: (number | null)[][], pictures: Point[], captions: (Point | null)[], pairs: (Pair | null)[]}} Answer null where a caption cannot be read */
/** @typedef {{basis: number[][], center: number[], images: Packed, texts: Packed}} StoredOthers */

const NEAREST = 3;
const AMONG = 10;

/** The other scenes and captions in one model. */
export class Others {
  /**
   * @param {StoredOthers} stored
   * @param {readonly string[]} captions
   */
  constructor({ basis, center, images, texts }, captions) {
    this.basis = basis;
    this.center = center;
    this.images = coordinatesOf(images);
    this.texts = coordinatesOf(texts);
    this.said = captions.map(inWords);
    this.gap = new Float64Array(center.length);
    this.images.forEach((one, i) => (this.gap[i % center.length] += (one - this.texts[i]) / captions.length));
  }

  /**
   * @param {ArrayLike<number>} point
   * @returns {Point}
   */
  place(point) {
    const [right, up] = this.basis.map((axis) => axis.reduce((sum, one, k) => sum + one * (point[k] - this.center[k]), 0));
    return [right, up];
  }
}

/**
 * @param {ArrayLike<number>} x the picture
 * @param {ArrayLike<number>} y the caption
 * @param {string} caption
 * @param {Others} others
 * @returns {Pair}
 */
function pairOf(x, y, caption, others) {
  const [own, said, size] = [dot(x, y), inWords(caption), others.center.length];
  const apart = others.gap.map((_, k) => x[k] - y[k]);
  /** @type {[number, number][]} */
  const captions = [];
  /** @type {number[]} */
  const pictures = [];
  others.said.forEach((one, i) => {
    if (one === said) return; // the same caption once more, which is no other
    captions.push([i, dot(others.texts, y, i * size, 0, size)]);
    pictures.push(dot(others.images, y, i * size, 0, size));
  });
  captions.sort((a, b) => b[1] - a[1]);
  pictures.sort((a, b) => b - a);
  let ten = 0;
  for (let i = 0; i < AMONG; i++) ten += Number(captions[ten][1] >= pictures[i - ten]);
  return {
    own,
    others: captions.length,
    distance: Math.sqrt(dot(apart, apart)),
    along: dot(apart, others.gap) / Math.sqrt(dot(others.gap, others.gap)),
    nearer: captions.filter(([, cosine]) => cosine > own).length,
    nearerPictures: pictures.filter((cosine) => cosine > own).length,
    near: captions.slice(0, NEAREST),
    ten,
  };
}

/**
 * @param {readonly ArrayLike<number>[]} x pictures
 * @param {readonly (ArrayLike<number> | null)[]} y captions, null for one that cannot be read
 * @param {readonly string[]} captions
 * @param {Others} others
 * @returns {Answer}
 */
export function answerOf(x, y, captions, others) {
  return {
    cosines: x.map((one) => y.map((other) => other && dot(one, other))),
    pictures: x.map((one) => others.place(one)),
    captions: y.map((one) => one && others.place(one)),
    pairs: y.map((one, i) => one && pairOf(x[i], one, captions[i], others)),
  };
}
