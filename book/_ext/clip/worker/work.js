// The worker: models come in as scripts have them, then scenes and captions, and answers go out. What has been embedded
// is kept, so that a change of one caption costs one caption.

import { answerOf, Others } from "./answers.js";
import { paint } from "./drawing.js";
import { captionOf, compose } from "./scenes.js";
import { encodeImage, encodeText, Model } from "./towers.js";
import { inWords, tokenize, wrongWith } from "./words.js";

/** @typedef {import("./scenes.js").Thing} Thing */
/** @typedef {import("./answers.js").StoredOthers} StoredOthers */
/** @typedef {import("./towers.js").Stored} Stored */
/** @typedef {{kind: "model", name: string, model: Stored, others: StoredOthers, captions: string[]}} ModelMessage */
/** @typedef {{kind: "ask", number: number, scenes: Thing[][], captions: string[]}} Question */

const KEPT = 200; // of each model; more than a reader looks at in a sitting

/** @type {Map<string, {model: Model, others: Others, seen: Map<string, Float64Array>}>} */
const MODELS = new Map();

/**
 * @param {Map<string, Float64Array>} seen
 * @param {string} key
 * @param {() => Float64Array} make
 * @returns {Float64Array}
 */
function kept(seen, key, make) {
  const found = seen.get(key) || make();
  seen.delete(key); // and to the end: what was used last is forgotten last
  seen.set(key, found);
  if (seen.size > KEPT) seen.delete(/** @type {string} */ (seen.keys().next().value));
  return found;
}

/** @param {Question} question */
function answers({ scenes, captions }) {
  /** @type {Record<string, import("./answers.js").Answer>} */
  const found = {};
  for (const [name, { model, others, seen }] of MODELS) {
    const x = scenes.map((scene) => kept(seen, `picture of ${captionOf(scene)}`, () => encodeImage(model, paint(compose(scene)))));
    const y = captions.map((one) => (wrongWith(one) ? null : kept(seen, `caption ${inWords(one)}`, () => encodeText(model, tokenize(one)))));
    found[name] = answerOf(x, y, captions, others);
  }
  return found;
}

self.onmessage = ({ data }) => {
  /** @type {ModelMessage | Question} */
  const message = data;
  if (message.kind === "model") {
    const { name, model, others, captions } = message;
    MODELS.set(name, { model: new Model(model), others: new Others(others, captions), seen: new Map() });
    self.postMessage({ kind: "loaded", name });
  } else {
    self.postMessage({ kind: "answers", number: message.number, answers: answers(message) });
  }
};
