// An animated picture as a GIF (version 89a), which everything shows: one palette, and of each frame what has changed.

const BITS = 8;
const CLEAR = 1 << BITS;
const CLEARED = -1;
const COLOURS = 96; // of a palette: more of them make a larger file and hardly another picture
const STEPS = 14; // from the ground to each colour

/** @typedef {{ red: number, green: number, blue: number }} Colour */

export class Gif {
  /** @param {number} width @param {number} height @param {number[]} palette at most 255 colours, each 0xrrggbb */
  constructor(width, height, palette) {
    this.width = width;
    this.height = height;
    this.palette = palette.slice(0, 255);
    /** @type {Map<number, number>} */
    this.nearest = new Map();
    this.bytes = new Bytes();
    /** @type {Uint8Array | null} */
    this.last = null;
    const { bytes } = this;
    bytes.text("GIF89a");
    bytes.short(width);
    bytes.short(height);
    bytes.add(0xf7, 0, 0); // a palette of 256 colours
    for (let i = 0; i < 256; i++) {
      const one = this.palette[i] || 0;
      bytes.add(one >> 16, (one >> 8) & 255, one & 255);
    }
    bytes.add(0x21, 0xff, 11);
    bytes.text("NETSCAPE2.0"); // again and again
    bytes.add(3, 1, 0, 0, 0);
  }

  /** @param {number} colour 0xrrggbb */
  indexOf(colour) {
    const known = this.nearest.get(colour);
    if (known !== undefined) return known;
    let [best, least] = [0, Infinity];
    this.palette.forEach((one, i) => {
      const apart = ((one >> 16) - (colour >> 16)) ** 2 + (((one >> 8) & 255) - ((colour >> 8) & 255)) ** 2 + ((one & 255) - (colour & 255)) ** 2;
      if (apart < least) [best, least] = [i, apart];
    });
    this.nearest.set(colour, best);
    return best;
  }

  /** @param {Uint8ClampedArray} pixels four bytes each @param {number} hundredths of a second */
  frame(pixels, hundredths) {
    const { width, height, bytes } = this;
    const now = new Uint8Array(width * height);
    for (let i = 0, k = 0; i < now.length; i++, k += 4) now[i] = this.indexOf((pixels[k] << 16) | (pixels[k + 1] << 8) | pixels[k + 2]);
    const [left, top, right, bottom] = this.last ? changedWithin(this.last, now, width, height) : [0, 0, width, height];
    const part = new Uint8Array((right - left) * (bottom - top));
    for (let y = top, i = 0; y < bottom; y++) {
      for (let x = left; x < right; x++, i++) {
        const at = y * width + x;
        part[i] = this.last && this.last[at] === now[at] ? 255 : now[at]; // 255 lets what was there show
      }
    }
    bytes.add(0x21, 0xf9, 4, this.last ? 0x05 : 0x04);
    bytes.short(hundredths);
    bytes.add(255, 0);
    bytes.add(0x2c);
    for (const one of [left, top, right - left, bottom - top]) bytes.short(one);
    bytes.add(0, BITS);
    compressed(part, bytes);
    this.last = now;
  }

  /** @returns {Uint8Array} the file */
  end() {
    this.bytes.add(0x3b);
    return this.bytes.all();
  }
}

/**
 * The rectangle in which two frames differ; of two that do not, one pixel.
 * @param {Uint8Array} before @param {Uint8Array} after @param {number} width @param {number} height
 */
function changedWithin(before, after, width, height) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (before[i] === after[i]) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  return right ? [left, top, right, bottom] : [0, 0, 1, 1];
}

/** GIF's variant of LZW (Welch, 1984), in blocks of up to 255 bytes. @param {Uint8Array} part @param {Bytes} bytes */
function compressed(part, bytes) {
  const packed = new Bytes();
  let [held, bits, width, next] = [0, 0, BITS + 1, CLEAR + 2];
  const put = (/** @type {number} */ code) => {
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8) {
      packed.add(held & 255);
      held >>>= 8;
    }
  };
  const table = new Int16Array(4096 << BITS).fill(CLEARED);
  /** @type {number[]} */
  const used = [];
  put(CLEAR);
  let prefix = part[0];
  for (let i = 1; i < part.length; i++) {
    const key = (prefix << BITS) | part[i];
    if (table[key] !== CLEARED) {
      prefix = table[key];
      continue;
    }
    put(prefix);
    if (next < 4096) {
      if (next === 1 << width) width += 1;
      table[key] = next++;
      used.push(key);
    } else {
      put(CLEAR);
      for (const one of used) table[one] = CLEARED;
      used.length = 0;
      [width, next] = [BITS + 1, CLEAR + 2];
    }
    prefix = part[i];
  }
  put(prefix);
  // The reader's table grows by one with this code as well, and so may its codes.
  if (next === 1 << width && width < 12) width += 1;
  put(CLEAR + 1);
  if (bits) packed.add(held & 255);
  const all = packed.all();
  for (let at = 0; at < all.length; at += 255) {
    const block = all.subarray(at, at + 255);
    bytes.add(block.length);
    bytes.append(block);
  }
  bytes.add(0);
}

/** Bytes that become more. */
class Bytes {
  constructor() {
    this.array = new Uint8Array(1 << 16);
    this.length = 0;
  }

  /** @param {number} more */
  reserve(more) {
    if (this.length + more <= this.array.length) return;
    const larger = new Uint8Array(2 * (this.length + more));
    larger.set(this.array.subarray(0, this.length));
    this.array = larger;
  }

  /** @param {...number} values */
  add(...values) {
    this.reserve(values.length);
    for (const one of values) this.array[this.length++] = one;
  }

  /** @param {Uint8Array} values */
  append(values) {
    this.reserve(values.length);
    this.array.set(values, this.length);
    this.length += values.length;
  }

  /** @param {number} value */
  short(value) {
    this.add(value & 255, value >> 8);
  }

  /** @param {string} letters */
  text(letters) {
    this.add(...[...letters].map((one) => one.charCodeAt(0)));
  }

  all() {
    return this.array.slice(0, this.length);
  }
}

/**
 * A palette for pictures whose colours are blends: the most frequent ones of some frames, and even steps from the ground
 * to each of the colours that are drawn with.
 * @param {Uint8ClampedArray[]} frames @param {number} ground @param {number[]} drawn @returns {number[]}
 */
export function paletteOf(frames, ground, drawn) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const pixels of frames) {
    for (let k = 0; k < pixels.length; k += 4) {
      const colour = (pixels[k] << 16) | (pixels[k + 1] << 8) | pixels[k + 2];
      counts.set(colour, (counts.get(colour) || 0) + 1);
    }
  }
  const steps = drawn.flatMap((colour) => Array.from({ length: STEPS }, (_, i) => blend(ground, colour, (i + 1) / STEPS)));
  const found = new Set([ground, ...steps]);
  for (const [colour] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (found.size >= COLOURS) break;
    found.add(colour);
  }
  return [...found];
}

/** @param {number} from @param {number} to @param {number} share */
function blend(from, to, share) {
  const part = (/** @type {number} */ by) => Math.round(((from >> by) & 255) * (1 - share) + ((to >> by) & 255) * share) << by;
  return part(16) | part(8) | part(0);
}
