// Both towers of the small CLIP, from pixels and words to points on one sphere: open_clip's CLIP class, forward only.

import { bytesOf } from "../../packed/bytes.js";
import { dot, gelu, layerNorm, linear, tensorsOf, unit } from "./numbers.js";

/** @typedef {import("./numbers.js").Tensor} Tensor */
/** @typedef {{heads: number, layers: number, patch: number, places: import("./numbers.js").Place[], bytes: import("../../packed/bytes.js").Packed}} Stored a model in its script */

export class Model {
  /** @param {Stored} stored */
  constructor({ heads, layers, patch, places, bytes }) {
    this.heads = heads;
    this.layers = layers;
    this.patch = patch;
    this.tensors = tensorsOf(places, bytesOf(bytes));
  }

  /**
   * @param {string} name
   * @returns {Tensor}
   */
  get(name) {
    const found = this.tensors.get(name);
    if (!found) throw new Error(`no tensor is called ${name}`);
    return found;
  }
}

/**
 * a + b, into a.
 * @param {Float64Array} a
 * @param {ArrayLike<number>} b
 */
function add(a, b) {
  for (let i = 0; i < a.length; i++) a[i] += b[i];
}

/**
 * Attention of every row to all rows, or to itself and those before it.
 * @param {Float64Array} x
 * @param {Model} model
 * @param {string} name
 * @param {boolean} causal
 * @returns {Float64Array}
 */
function attention(x, model, name, causal) {
  const width = model.get(`${name}.out_proj.bias`).values.length;
  const [rows, size] = [x.length / width, width / model.heads];
  // Of every row: its query, its key, its value.
  const three = linear(x, model.get(`${name}.in_proj_weight`), model.get(`${name}.in_proj_bias`));
  const mixed = new Float64Array(x.length);
  for (let head = 0; head < model.heads; head++) {
    for (let row = 0; row < rows; row++) {
      const seen = causal ? row + 1 : rows;
      const scores = new Float64Array(seen);
      for (let other = 0; other < seen; other++) {
        scores[other] = dot(three, three, row * 3 * width + head * size, other * 3 * width + width + head * size, size) / Math.sqrt(size);
      }
      const most = scores.reduce((a, b) => Math.max(a, b));
      let sum = 0;
      for (let other = 0; other < seen; other++) sum += scores[other] = Math.exp(scores[other] - most);
      for (let other = 0; other < seen; other++) {
        const [share, from] = [scores[other] / sum, other * 3 * width + 2 * width + head * size];
        for (let i = 0; i < size; i++) mixed[row * width + head * size + i] += share * three[from + i];
      }
    }
  }
  return linear(mixed, model.get(`${name}.out_proj.weight`), model.get(`${name}.out_proj.bias`));
}

/**
 * The layers of a transformer, in place.
 * @param {Float64Array} x
 * @param {Model} model
 * @param {string} name
 * @param {boolean} causal
 */
function transformer(x, model, name, causal) {
  for (let layer = 0; layer < model.layers; layer++) {
    const own = `${name}.resblocks.${layer}`;
    const norm = (/** @type {string} */ which) => layerNorm(x, model.get(`${own}.${which}.weight`), model.get(`${own}.${which}.bias`));
    add(x, attention(norm("ln_1"), model, `${own}.attn`, causal));
    const inner = gelu(linear(norm("ln_2"), model.get(`${own}.mlp.c_fc.weight`), model.get(`${own}.mlp.c_fc.bias`)));
    add(x, linear(inner, model.get(`${own}.mlp.c_proj.weight`), model.get(`${own}.mlp.c_proj.bias`)));
  }
}

/**
 * x P of one row, of length 1.
 * @param {Float64Array} x
 * @param {Tensor} projection
 * @returns {Float64Array}
 */
function projected(x, projection) {
  const made = new Float64Array(projection.shape[1]);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < made.length; j++) made[j] += x[i] * projection.values[i * made.length + j];
  }
  return unit(made);
}

/**
 * The point of a picture.
 * @param {Model} model
 * @param {Float32Array} picture red, green and blue, row by row
 * @returns {Float64Array}
 */
export function encodeImage(model, picture) {
  const first = model.get("visual.class_embedding").values;
  const [width, patch] = [first.length, model.patch];
  const side = Math.sqrt(picture.length / 3);
  const across = side / patch;
  const patches = new Float64Array(across * across * 3 * patch * patch);
  let at = 0;
  for (let row = 0; row < across; row++) {
    for (let column = 0; column < across; column++) {
      for (let channel = 0; channel < 3; channel++) {
        for (let down = 0; down < patch; down++) {
          const from = channel * side * side + (row * patch + down) * side + column * patch;
          for (let right = 0; right < patch; right++) patches[at++] = picture[from + right];
        }
      }
    }
  }
  const start = new Float64Array((across * across + 1) * width);
  start.set(first);
  start.set(linear(patches, model.get("visual.conv1.weight")), width);
  add(start, model.get("visual.positional_embedding").values);
  const x = layerNorm(start, model.get("visual.ln_pre.weight"), model.get("visual.ln_pre.bias"));
  transformer(x, model, "visual.transformer", false);
  const pooled = layerNorm(x.slice(0, width), model.get("visual.ln_post.weight"), model.get("visual.ln_post.bias"));
  return projected(pooled, model.get("visual.proj"));
}

/**
 * The point of a caption.
 * @param {Model} model
 * @param {readonly number[]} tokens between start and end
 * @returns {Float64Array}
 */
export function encodeText(model, tokens) {
  const [words, places] = [model.get("token_embedding.weight"), model.get("positional_embedding").values];
  const width = words.shape[1];
  const x = new Float64Array(tokens.length * width);
  tokens.forEach((token, row) => {
    for (let i = 0; i < width; i++) x[row * width + i] = words.values[token * width + i] + places[row * width + i];
  });
  transformer(x, model, "transformer", true);
  const end = layerNorm(x.slice(-width), model.get("ln_final.weight"), model.get("ln_final.bias"));
  return projected(end, model.get("text_projection"));
}
