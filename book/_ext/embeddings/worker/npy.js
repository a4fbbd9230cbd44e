// A .npy file as numbers, and nothing of it believed before it is checked: the header is read strictly, and what it
// promises is held against the bytes that are there.

const LARGEST = 256 * 2 ** 20; // bytes of a file, and of what a compressed one unfolds to
const LONGEST_HEADER = 10000; // numpy's own limit; a header of two numbers has about a hundred bytes
const BYTES = { f2: 2, f4: 4, f8: 8 };
const OTHERS = { b: "true or false", i: "whole numbers", u: "whole numbers", c: "complex numbers", U: "text", S: "text", a: "text", M: "dates", m: "times", V: "records of raw bytes" };

const VALUE = String.raw`(?:'[^'\\]*'|True|False|\([\d\sL,]*\))`;
const DICTIONARY = new RegExp(String.raw`^\{(?:\s*'(?:descr|fortran_order|shape)'\s*:\s*${VALUE}\s*,?){3}\s*\}\s*$`);
const LIST = /^\s*(?:\d+L?\s*,\s*)*(?:\d+L?)?\s*$/;

function entry(header, key, value) {
  const found = [...header.matchAll(new RegExp(`'${key}'\\s*:\\s*(${value})`, "g"))];
  return found.length === 1 ? found[0][1] : undefined;
}

// What a header promises, or a refusal. `bytes` is the whole file.
function headerOf(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = () => refuse(`${name} breaks off within its header, after ${whole(bytes.length)} bytes. Copy the file again.`);
  if (bytes.length < 10) short();
  const major = view.getUint8(6);
  if (major < 1 || major > 3) refuse(`${name} is a .npy file of version ${major}; there are versions 1 to 3.`);
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) short();
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER) {
    refuse(`${name} announces a header of ${whole(length)} bytes, where about a hundred are usual and ${whole(LONGEST_HEADER)} the most that numpy reads. The file is damaged, or made to do harm.`);
  }
  if (bytes.length < start + length) short();
  const header = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, start + length));
  if (/'descr'\s*:\s*\[/.test(header)) refuse(`${name} holds records with fields, not a plain matrix of numbers. Save one field of it.`);
  const descr = entry(header, "descr", VALUE);
  const order = entry(header, "fortran_order", "True|False");
  const list = entry(header, "shape", String.raw`\([\d\sL,]*\)`);
  if (!DICTIONARY.test(header) || !descr || !order || !list || !LIST.test(list.slice(1, -1))) {
    refuse(`${name} has a header that says nothing of type, order and shape in numpy's way. The file is damaged.`);
  }
  const shape = list.slice(1, -1).split(",").map((one) => one.replace("L", "").trim()).filter(Boolean).map(Number);
  return { ...typeOf(descr, name), fortran: order === "True", shape, data: start + length };
}

function typeOf(descr, name) {
  const [, sign, code] = /^'([<>|=]?)(\w+)(?:\[\w+\])?'$/.exec(descr) || [];
  if (!code) refuse(`${name} holds numbers of the type ${descr}, which is none of float16, float32 and float64.`);
  if (code[0] === "O") refuse(`${name} holds Python objects, not numbers. To open such a file is to run what it says, so this page does not. Save a plain array: numpy.save(path, array.astype("float32")).`);
  if (!(code in BYTES)) {
    refuse(`${name} holds ${OTHERS[code[0]] || "numbers"} (numpy's type ${descr.replaceAll("'", "")}), and embeddings are expected as float16, float32 or float64: array.astype("float32").`);
  }
  return { code, swapped: sign === ">" };
}

// The numbers of a .npy file in C order: { shape, code, values }, values being of float32 for f2 and f4, else float64.
function readNpy(bytes, name) {
  const { shape, code, swapped, fortran, data } = headerOf(bytes, name);
  const count = shape.reduce((product, one) => product * one, 1);
  const expected = count * BYTES[code];
  const there = bytes.length - data;
  const promise = `${name} promises ${shapeInWords(shape)} numbers of ${BYTES[code]} bytes, ${whole(expected)} bytes in all, and has`;
  if (!Number.isSafeInteger(expected)) refuse(`${name} promises ${shapeInWords(shape)} numbers, which no computer holds. The file is damaged, or made to do harm.`);
  if (there < expected) refuse(`${promise} only ${whole(there)}: it was cut short. Copy the file again.`);
  if (there > expected) refuse(`${promise} ${whole(there)}: there is more than it says. It was written twice, or is damaged.`);
  const values = numbers(bytes.slice(data), code, swapped);
  return { shape, code, values: fortran ? inRows(values, shape) : values };
}

// Bytes that begin with the first number, and are ours to turn around, as numbers; browsers read the small end first.
function numbers(bytes, code, swapped) {
  const size = BYTES[code];
  if (swapped) for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
  if (code === "f8") return new Float64Array(bytes.buffer);
  return code === "f4" ? new Float32Array(bytes.buffer) : widened(new Uint16Array(bytes.buffer));
}

// float16 as float32, by a table of all 65,536 that there are.
function widened(halves) {
  const table = Float32Array.from({ length: 2 ** 16 }, (_, bits) => half(bits));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = table[halves[i]];
  return values;
}

function half(bits) {
  const [sign, power, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (power === 31) return fraction ? NaN : sign * Infinity;
  return sign * (power ? 2 ** (power - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

// From Fortran's order, the first index running fastest, to that of C.
function inRows(values, shape) {
  if (shape.length < 2 || shape.length > 3) return values; // refused later, for its shape
  const [blocks, n, d] = shape.length === 3 ? shape : [1, ...shape];
  const result = new values.constructor(values.length);
  for (let block = 0, at = 0; block < blocks; block++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++, at++) result[at] = values[block + blocks * (i + n * j)];
    }
  }
  return result;
}
