// All cosines across the modalities, walked once: ranks, histograms and what chance does to a pairing come from them in
// float64 as they pass; the landscape needs them again, and finds them kept as float32.

const PANEL = 256; // columns whose numbers stay in the cache
const BINS = 120; // of the histograms, from −1 to 1, as in the shell's report
const EPS = 2 ** -52;
const EPS_32 = 2 ** -23;

// Four unit rows (fewer at the end) beside each other, their numbers taking turns.
function packed(rows, numbers, start, width, into) {
  const { values, d, inverse } = rows;
  for (let c = 0; c < width; c++) {
    const row = start + c < numbers.length ? numbers[start + c] : -1;
    const weight = row < 0 ? 0 : inverse[row];
    for (let j = 0, from = row * d, to = c; j < d; j++, to += width) into[to] = row < 0 ? 0 : weight * values[from + j];
  }
  return into;
}

// The 4 × 4 products of two packs.
function products(a, b, d, out) {
  let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0;
  let s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0;
  for (let k = 0, p = 0; k < d; k++, p += 4) {
    const a0 = a[p], a1 = a[p + 1], a2 = a[p + 2], a3 = a[p + 3];
    const b0 = b[p], b1 = b[p + 1], b2 = b[p + 2], b3 = b[p + 3];
    s00 += a0 * b0; s01 += a0 * b1; s02 += a0 * b2; s03 += a0 * b3;
    s10 += a1 * b0; s11 += a1 * b1; s12 += a1 * b2; s13 += a1 * b3;
    s20 += a2 * b0; s21 += a2 * b1; s22 += a2 * b2; s23 += a2 * b3;
    s30 += a3 * b0; s31 += a3 * b1; s32 += a3 * b2; s33 += a3 * b3;
  }
  out[0] = s00; out[1] = s01; out[2] = s02; out[3] = s03; out[4] = s10; out[5] = s11; out[6] = s12; out[7] = s13;
  out[8] = s20; out[9] = s21; out[10] = s22; out[11] = s23; out[12] = s30; out[13] = s31; out[14] = s32; out[15] = s33;
}

// Calls visit(i, row of a, row of b, cosine) for every one of `numbers` of a against all rows of b, i counting `numbers`.
function walk(a, numbers, b, visit, progress) {
  const { d } = a;
  const all = Uint32Array.from({ length: b.n }, (_, j) => j);
  const left = new Float64Array(4 * d);
  const out = new Float64Array(16);
  for (let from = 0; from < b.n; from += PANEL) {
    const to = Math.min(b.n, from + PANEL);
    const panel = [];
    for (let j = from; j < to; j += 4) panel.push(packed(b, all, j, 4, new Float64Array(4 * d)));
    for (let i = 0; i < numbers.length; i += 4) {
      packed(a, numbers, i, 4, left);
      const rows = Math.min(4, numbers.length - i);
      for (let at = 0, j = from; j < to; at++, j += 4) {
        products(left, panel[at], d, out);
        const columns = Math.min(4, to - j);
        for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) visit(i + r, numbers[i + r], j + c, out[4 * r + c]);
      }
      if (i % 512 === 0) progress((from + ((to - from) * i) / numbers.length) / b.n);
    }
  }
}

// How many of a gallery are nearer than a query's own, and as near (its own included), for two ideas of "as near".
class Standing {
  constructor(queries, ties) {
    this.ties = ties;
    this.nearer = ties.map(() => new Uint32Array(queries));
    this.near = ties.map(() => new Uint32Array(queries));
  }

  see(query, own, cosine) {
    for (let t = 0; t < 2; t++) {
      if (cosine > own + this.ties[t]) this.nearer[t][query]++;
      else if (cosine >= own - this.ties[t]) this.near[t][query]++;
    }
  }

  // Ties share their places, as if their order were drawn at random.
  hits(k) {
    const [nearer, near] = [this.nearer[0], this.near[0]];
    return Array.from(nearer, (before, i) => Math.min(1, Math.max(0, k - before) / near[i]));
  }

  places() {
    const [nearer, near] = [this.nearer[1], this.near[1]];
    return Float64Array.from(nearer, (before, i) => before + (near[i] + 1) / 2);
  }
}

function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

const median = (values) => quantile(Float64Array.from(values).sort(), 0.5);

function binOf(cosine) {
  return Math.max(0, Math.min(BINS - 1, Math.floor(((cosine + 1) * BINS) / 2)));
}

// Everything that the cosines tell. `own` are those of the pairs, `centre` has x̂_i·mean(ŷ), ŷ_j·mean(x̂) and the product
// of the means. With a sample, its rows of x meet all of y, and its rows of y all of x.
function across(x, y, own, centre, sample, progress) {
  const { n, d } = x;
  const exact = Math.max(8, 2 * Math.sqrt(d)) * EPS;
  const half = x.code !== "f8" && y.code !== "f8";
  const ties = [half ? 8 * EPS_32 : exact, exact];
  const numbers = sample || Uint32Array.from({ length: n }, (_, i) => i);
  const m = numbers.length;
  const standing = { xy: new Standing(m, ties), yx: new Standing(m, ties) };
  const counts = { matched: new Array(BINS).fill(0), unmatched: new Array(BINS).fill(0) };
  const kept = { xy: new Float32Array(m * n), yx: sample ? new Float32Array(m * n) : undefined };
  let squares = 0;
  const see = (i, j, cosine) => {
    (i === j ? counts.matched : counts.unmatched)[binOf(cosine)]++;
    squares += (cosine - centre.x[i] - centre.y[j] + centre.both) ** 2;
  };
  walk(x, numbers, y, (at, i, j, cosine) => {
    see(i, j, cosine);
    kept.xy[at * n + j] = cosine;
    standing.xy.see(at, own[i], cosine);
    if (!sample) standing.yx.see(j, own[j], cosine);
  }, (share) => progress(sample ? share / 2 : share));
  if (sample) {
    walk(y, numbers, x, (at, j, i, cosine) => {
      kept.yx[at * n + i] = cosine;
      standing.yx.see(at, own[j], cosine);
    }, (share) => progress(0.5 + share / 2));
  }
  // What chance does to the mean cosine of n pairs: its standard deviation over orders of the rows.
  const noise = Math.sqrt((squares * (n / m)) / (n - 1)) / n;
  return { numbers, standing, counts, kept, noise };
}
