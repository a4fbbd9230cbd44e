// Rows as numbers of any norm, with what puts each on the unit sphere. Everything is summed in float64.

const FARTHEST = 1e100; // numbers beyond which squares of float64 might not be finite, or not differ from 0

// Checks every number, and measures every row. `inverse` is 1/‖row‖.
function rowsOf({ values, shape: [n, d], code, file }) {
  const inverse = new Float64Array(n);
  let least = Infinity;
  let most = 0;
  let largest = 0;
  for (let i = 0, at = 0; i < n; i++) {
    let top = 0;
    for (let j = 0; j < d; j++, at++) {
      const value = values[at];
      const size = value < 0 ? -value : value;
      if (!(size < Infinity)) refuse(`${file}: row ${i}, column ${j} (counted from 0) is ${Number.isNaN(value) ? "NaN, not a number" : "infinite"}. Every number must be finite.`);
      if (size > top) top = size;
    }
    if (top === 0) refuse(`${file}: row ${i} (counted from 0) is all zeros, and has no direction.`);
    const start = i * d;
    const scale = top > FARTHEST || top < 1 / FARTHEST ? top : 1;
    let square = 0;
    for (let k = start; k < at; k++) square += (values[k] / scale) ** 2;
    const norm = Math.sqrt(square);
    if (scale !== 1) for (let k = start; k < at; k++) values[k] /= scale;
    inverse[i] = 1 / norm;
    least = Math.min(least, norm * scale);
    most = Math.max(most, norm * scale);
    largest = Math.max(largest, top);
  }
  return { values, n, d, inverse, code, least, most, largest };
}

function mean({ values, n, d, inverse }) {
  const sum = new Float64Array(d);
  for (let i = 0, at = 0; i < n; i++) {
    const weight = inverse[i];
    for (let j = 0; j < d; j++, at++) sum[j] += weight * values[at];
  }
  return sum.map((one) => one / n);
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

const norm = (a) => Math.sqrt(dot(a, a));

// The products of every unit row with a vector.
function along({ values, n, d, inverse }, vector) {
  const found = new Float64Array(n);
  for (let i = 0, at = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < d; j++, at++) sum += values[at] * vector[j];
    found[i] = sum * inverse[i];
  }
  return found;
}

// The cosines of rows i of x with rows i − offset of y, around the end.
function matched(x, y, offset = 0) {
  const { n, d } = x;
  const found = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const other = (((i - offset) % n) + n) % n;
    let sum = 0;
    for (let j = 0, a = i * d, b = other * d; j < d; j++, a++, b++) sum += x.values[a] * y.values[b];
    found[i] = sum * x.inverse[i] * y.inverse[other];
  }
  return found;
}

const average = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;

// How many different rows there are, number by number and not by direction.
function distinct({ values, n, d }) {
  const words = new Uint32Array(new Float64Array(d).buffer);
  const row = new Float64Array(words.buffer);
  const seen = new Map();
  let count = 0;
  const same = (i, k) => {
    for (let j = 0; j < d; j++) if (values[i * d + j] !== values[k * d + j]) return false;
    return true;
  };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) row[j] = values[i * d + j] + 0; // −0 is 0
    let hash = 0x811c9dc5;
    for (let k = 0; k < words.length; k++) hash = Math.imul(hash ^ words[k], 0x01000193) ^ (hash >>> 15);
    const rows = seen.get(hash) || [];
    if (rows.some((k) => same(i, k))) continue;
    seen.set(hash, [...rows, i]);
    count++;
  }
  return count;
}

// Numbers from 0 to 1 that a seed decides (mulberry32).
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let one = Math.imul(state ^ (state >>> 15), state | 1);
    one ^= one + Math.imul(one ^ (one >>> 7), one | 61);
    return ((one ^ (one >>> 14)) >>> 0) / 2 ** 32;
  };
}

// `count` of n rows, drawn without repetition, in rising order.
function drawn(n, count, seed) {
  const next = random(seed);
  const all = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(next() * (n - i));
    [all[i], all[other]] = [all[other], all[i]];
  }
  return all.subarray(0, count).sort();
}
