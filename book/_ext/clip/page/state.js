// What the reader has drawn and written: four scenes, each with a caption. Every change gives a new state, and leaves
// the old one as it was.

import { captionOf, COLOURS, inOrder, MOST_OBJECTS, PLACES, SHAPES, SIZES } from "../worker/scenes.js";

/** @typedef {import("../worker/scenes.js").Thing} Thing */
/** @typedef {{scene: Thing[], caption: string, follows: boolean, place: string, surprise: Thing[]}} Before and the surprise that came */
/**
 * @typedef {object} State
 * @property {Thing[][]} scenes
 * @property {string[]} captions
 * @property {boolean[]} follows whether a caption says what its scene shows, whatever becomes of the scene
 * @property {(Before | null)[]} before what a scene and its caption were before a surprise took their place
 * @property {(string | null)[]} words the reader's own, where the caption was made to say what is drawn instead
 * @property {number} at the scene that is being changed
 * @property {string} place that of the object in it that is being changed
 */

/**
 * @param {readonly Thing[][]} scenes
 * @returns {State}
 */
export function opened(scenes) {
  const ordered = scenes.map(inOrder);
  return { scenes: ordered, captions: ordered.map(captionOf), follows: ordered.map(() => true), before: ordered.map(() => null), words: ordered.map(() => null), at: 0, place: ordered[0][0].place };
}

/**
 * The object that is being changed.
 * @param {State} state
 * @returns {Thing}
 */
export function chosen({ scenes, at, place }) {
  return scenes[at].find((one) => one.place === place) || scenes[at][0];
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {number} at
 * @param {T} value
 * @returns {T[]}
 */
function put(list, at, value) {
  return list.map((one, i) => (i === at ? value : one));
}

/**
 * @param {State} state
 * @param {Thing[]} scene
 * @param {string} place
 * @returns {State}
 */
function redrawn(state, scene, place) {
  const ordered = inOrder(scene);
  const captions = state.follows[state.at] ? put(state.captions, state.at, captionOf(ordered)) : state.captions;
  return { ...state, scenes: put(state.scenes, state.at, ordered), captions, place };
}

/**
 * @param {State} state
 * @param {number} at
 * @returns {State}
 */
export function turnedTo(state, at) {
  return { ...state, at, place: state.scenes[at][0].place };
}

/**
 * What a place in the scene does when it is pressed: it lets its object be changed, or gets one like the last, if there
 * is room.
 * @param {State} state
 * @param {string} place
 * @returns {State}
 */
export function pressed(state, place) {
  const scene = state.scenes[state.at];
  if (scene.some((one) => one.place === place)) return { ...state, place };
  return isFull(state) ? state : redrawn(state, [...scene, { ...chosen(state), place }], place);
}

/**
 * @param {State} state
 * @returns {boolean}
 */
export function isFull({ scenes, at }) {
  return scenes[at].length >= MOST_OBJECTS;
}

/**
 * The chosen object with one attribute changed. A place that is taken is no place to go to.
 * @param {State} state
 * @param {keyof Thing} attribute
 * @param {string} value
 * @returns {State}
 */
export function changed(state, attribute, value) {
  const [scene, old] = [state.scenes[state.at], chosen(state)];
  if (attribute === "place" && scene.some((one) => one.place === value)) return state;
  const made = { ...old, [attribute]: value };
  return redrawn(state, scene.map((one) => (one === old ? made : one)), made.place);
}

/**
 * Without the chosen object, unless it is the only one.
 * @param {State} state
 * @returns {State}
 */
export function removed(state) {
  const left = state.scenes[state.at].filter((one) => one !== chosen(state));
  return left.length ? redrawn(state, left, left[0].place) : state;
}

/**
 * @param {State} state
 * @param {string} caption
 * @returns {State}
 */
export function written(state, caption) {
  const { at, captions, follows, scenes } = state;
  return { ...state, captions: put(captions, at, caption), follows: put(follows, at, caption === captionOf(scenes[at])) };
}

/**
 * The caption says again what the scene shows.
 * @param {State} state
 * @returns {State}
 */
export function described(state) {
  const { at, captions, follows, scenes, words } = state;
  if (follows[at]) return state;
  return { ...written(state, captionOf(scenes[at])), words: put(words, at, captions[at].trim() ? captions[at] : words[at]) };
}

/**
 * Another scene with a caption that says what it shows, by a source of numbers from 0 to 1. What the reader had is
 * kept, also through one surprise after another.
 * @param {State} state
 * @param {() => number} random
 * @returns {State}
 */
export function surprised(state, random) {
  /** @type {<T>(list: readonly T[]) => T} */
  const any = (list) => list[Math.floor(random() * list.length)];
  const free = [...PLACES];
  const scene = Array.from({ length: 1 + Math.floor(random() * MOST_OBJECTS) }, () => {
    const [place] = free.splice(Math.floor(random() * free.length), 1);
    return { size: any(SIZES), colour: any(COLOURS), shape: any(SHAPES), place };
  });
  const { at, place, scenes, captions, follows, before } = state;
  const untouched = before[at]?.surprise === scenes[at] && follows[at];
  const made = described(redrawn(state, scene, inOrder(scene)[0].place));
  const kept = untouched ? before[at] : { scene: scenes[at], caption: captions[at], follows: follows[at], place };
  return { ...made, words: state.words, before: put(before, at, kept && { ...kept, surprise: made.scenes[at] }) };
}

/**
 * What was there before the last surprise.
 * @param {State} state
 * @returns {State}
 */
export function returned(state) {
  const { at, before } = state;
  const mine = before[at];
  if (!mine) return state;
  return {
    ...state, at, place: mine.place, before: put(before, at, null), scenes: put(state.scenes, at, mine.scene),
    captions: put(state.captions, at, mine.caption), follows: put(state.follows, at, mine.follows),
  };
}
