// From a caption to the numbers of its words, as mindgap.miniclip.tokenize has them.

import { COLOURS, PLACES, SHAPES, SIZES } from "./scenes.js";

const CAPTION_WORDS = [...SIZES, ...COLOURS, ...SHAPES, ...PLACES.join(" ").split(" "), ..."a an and at on the thing".split(" ")];
// The text embedding is read off the token with the highest number: the end comes last.
export const VOCABULARY = ["<pad>", "<unknown>", "<start>", ...new Set(CAPTION_WORDS), "<end>"];
const NUMBERS = new Map(VOCABULARY.map((word, number) => [word, number]));
export const MOST_WORDS = 26;

/**
 * The words of a caption; case and punctuation do not count.
 * @param {string} caption
 * @returns {string[]}
 */
export function wordsOf(caption) {
  return caption.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || [];
}

/**
 * A caption as the model reads it: two captions with the same words are one to it.
 * @param {string} caption
 * @returns {string}
 */
export function inWords(caption) {
  return wordsOf(caption).join(" ");
}

/**
 * Whether the model has a number of its own for a word. Its marks, such as <end>, are no words.
 * @param {string} word
 * @returns {boolean}
 */
export function isKnown(word) {
  return NUMBERS.has(word);
}

/**
 * What is wrong with a caption, in words; nothing if it can be read.
 * @param {string} caption
 * @returns {string}
 */
export function wrongWith(caption) {
  const many = wordsOf(caption).length;
  if (many === 0) return "There is no word in this caption yet.";
  return many > MOST_WORDS ? `The model reads at most ${MOST_WORDS} words, and this caption has ${many}.` : "";
}

/**
 * The numbers of a caption's words between start and end. Python pads them, but nothing that the end looks back on is
 * padding, so that it is left out here.
 * @param {string} caption
 * @returns {number[]}
 */
export function tokenize(caption) {
  const wrong = wrongWith(caption);
  if (wrong) throw new Error(wrong);
  const [unknown, start, end] = ["<unknown>", "<start>", "<end>"].map((mark) => VOCABULARY.indexOf(mark));
  return [start, ...wordsOf(caption).map((word) => NUMBERS.get(word) ?? unknown), end];
}
