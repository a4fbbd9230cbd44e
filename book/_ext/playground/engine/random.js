// Random numbers that Python draws, too (mindgap/playground/_random.py): each follows from a seed, a stream, a step and a
// place, by 32-bit arithmetic. A counter is mixed by the finaliser of MurmurHash3 (Appleby, public domain).

export const IMAGES = 1;
export const TEXTS = 2;
export const BATCH = 3;
export const PARTNERS = 4;

const GOLDEN = 0x9e3779b9;

/** @param {number} h @returns {number} */
function mixed(h) {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The first `count` 32-bit numbers of a stream at a step.
 * @param {number} seed @param {number} stream @param {number} step @param {number} count @returns {Uint32Array}
 */
export function words(seed, stream, step, count) {
  let key = seed >>> 0;
  for (const part of [stream, step]) key = mixed((key + Math.imul(part, GOLDEN) + 1) | 0);
  const found = new Uint32Array(count);
  for (let place = 0; place < count; place++) found[place] = mixed((key + Math.imul(place + 1, GOLDEN)) | 0);
  return found;
}

/**
 * Numbers between 0 and 1, neither of them ever.
 * @param {number} seed @param {number} stream @param {number} step @param {number} count @returns {Float64Array}
 */
export function uniforms(seed, stream, step, count) {
  return Float64Array.from(words(seed, stream, step, count), (one) => (one + 0.5) / 2 ** 32);
}

/**
 * Numbers from N(0, 1), two from each two uniforms (Box and Muller, 1958).
 * @param {number} seed @param {number} stream @param {number} step @param {number} count @returns {Float64Array}
 */
export function gaussians(seed, stream, step, count) {
  const u = uniforms(seed, stream, step, 2 * Math.ceil(count / 2));
  const found = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(u[i]));
    const angle = 2 * Math.PI * u[i + 1];
    found[i] = radius * Math.cos(angle);
    if (i + 1 < count) found[i + 1] = radius * Math.sin(angle);
  }
  return found;
}

/**
 * `count` different numbers below `n` in random order (the beginning of Fisher and Yates' shuffle).
 * @param {number} seed @param {number} stream @param {number} step @param {number} n @param {number} count
 * @returns {Int32Array}
 */
export function chosen(seed, stream, step, n, count) {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const u = uniforms(seed, stream, step, count);
  for (let place = 0; place < count; place++) {
    const other = place + Math.floor(u[place] * (n - place));
    [order[place], order[other]] = [order[other], order[place]];
  }
  return order.slice(0, count);
}
