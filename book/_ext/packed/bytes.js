// Bytes out of a script's text, seven bits a letter; mindgap_packed.py writes them.

/** @typedef {{size: number, letters: string}} Packed so many bytes */

/**
 * @param {Packed} packed
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOf({ size, letters }) {
  // Each letter beyond ASCII is two, if a server says that the file is in another encoding than it is.
  if (Math.floor((letters.length * 7) / 8) !== size) throw new Error("a file came in another encoding than UTF-8");
  const bytes = new Uint8Array(size);
  let [held, bits, at] = [0, 0, 0];
  for (let i = 0; i < letters.length; i++) {
    held = ((held << 7) | (letters.charCodeAt(i) & 127)) & 0x3fff;
    bits += 7;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = held >> bits;
  }
  return bytes;
}

/**
 * Numbers of two bytes whose first bytes stand before all second ones, as they lie in memory.
 * @param {Uint8Array<ArrayBuffer>} planes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function interleaved(planes) {
  const half = planes.length / 2;
  const bytes = new Uint8Array(planes.length);
  for (let i = 0; i < half; i++) {
    bytes[2 * i] = planes[i];
    bytes[2 * i + 1] = planes[half + i];
  }
  return bytes;
}
