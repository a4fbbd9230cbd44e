// The contrastive loss along the gap, as mindgap.landscape defines it: both sets moved by λΔ towards each other and put
// back on the sphere, at λ from −1 to 2 and the paper's six temperatures. From the cosines s_ij before the move,
//
//     x'_i·y'_j = p_i q_j (s_ij + u_i + v_j),   u_i = λ x̂_i·Δ − λ²‖Δ‖²/2,   p_i = 1/√(1 − 2u_i),   v, q likewise,
//
// so the cosines are computed once. And the paper's temperatures are such that one exponential serves all six: with
// b = exp(cos), exp(cos/τ) is b, b¹⁰, b²⁰, b³⁰, b⁵⁰ and b¹⁰⁰, and float64 holds e¹⁰⁰.

const INVERSES = [100, 50, 30, 20, 10, 1];
const SHIFTS = Float64Array.from({ length: 61 }, (_, i) => (i - 20) / 20);
const LOST = 1e-12; // squared length of a moved row that has no direction left
const NEAR = 0.01; // in λ: how far around a lowest point the loss is looked at again

// What a shift makes of one side: { offset, scale }, or nothing if a row is lost. `step` is λ for x, −λ for y.
function moved(products, step, squaredGap) {
  const offset = products.map((one) => step * one - (step * step * squaredGap) / 2);
  const scale = offset.map((one) => (1 - 2 * one < LOST ? NaN : 1 / Math.sqrt(1 - 2 * one)));
  return { offset, scale };
}

// Sums over all columns, for every row, of the six exponentials, into rows[k][row]; and if wanted over the rows, into
// columns[k][column].
function exponentials(cosines, numbers, left, right, rows, columns) {
  const n = right.offset.length;
  const [c0, c1, c2, c3, c4, c5] = columns || [];
  const both = columns !== undefined;
  const { offset, scale } = right;
  for (let at = 0; at < numbers.length; at++) {
    const [u, p] = [left.offset[numbers[at]], left.scale[numbers[at]]];
    const start = at * n;
    let [r0, r1, r2, r3, r4, r5] = [0, 0, 0, 0, 0, 0];
    for (let j = 0; j < n; j++) {
      const b = Math.exp(p * scale[j] * (cosines[start + j] + u + offset[j]));
      const b2 = b * b;
      const b4 = b2 * b2;
      const b5 = b4 * b;
      const b10 = b5 * b5;
      const b20 = b10 * b10;
      const b30 = b20 * b10;
      const b50 = b30 * b20;
      const b100 = b50 * b50;
      r0 += b100; r1 += b50; r2 += b30; r3 += b20; r4 += b10; r5 += b;
      if (both) {
        c0[j] += b100; c1[j] += b50; c2[j] += b30; c3[j] += b20; c4[j] += b10; c5[j] += b;
      }
    }
    rows[0][at] = r0; rows[1][at] = r1; rows[2][at] = r2; rows[3][at] = r3; rows[4][at] = r4; rows[5][at] = r5;
  }
}

// The same of one temperature, for a look around a lowest point.
function exponentialsAt(cosines, numbers, left, right, inverse, rows, columns) {
  const n = right.offset.length;
  const { offset, scale } = right;
  for (let at = 0; at < numbers.length; at++) {
    const [u, p] = [left.offset[numbers[at]], inverse * left.scale[numbers[at]]];
    const start = at * n;
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const one = Math.exp(p * scale[j] * (cosines[start + j] + u + offset[j]));
      sum += one;
      if (columns) columns[j] += one;
    }
    rows[at] = sum;
  }
}

// The loss of every query in both directions at one shift: { xy: [k][row], yx: [k][row] } with k over `inverses`.
function lossesAt(sides, shift, inverses) {
  const { x, y, kept, numbers, squaredGap } = sides;
  const [left, right] = [moved(x, shift, squaredGap), moved(y, -shift, squaredGap)];
  const m = numbers.length;
  const empty = (size) => inverses.map(() => new Float64Array(size));
  const rows = { xy: empty(m), yx: empty(m) };
  const columns = kept.yx ? undefined : rows.yx;
  if (inverses.length === 1) {
    exponentialsAt(kept.xy, numbers, left, right, inverses[0], rows.xy[0], columns?.[0]);
    if (kept.yx) exponentialsAt(kept.yx, numbers, right, left, inverses[0], rows.yx[0]);
  } else {
    exponentials(kept.xy, numbers, left, right, rows.xy, columns);
    if (kept.yx) exponentials(kept.yx, numbers, right, left, rows.yx);
  }
  const n = x.length;
  for (let at = 0; at < m; at++) {
    const i = numbers[at];
    const cosine = left.scale[i] * right.scale[i] * (kept.xy[at * n + i] + left.offset[i] + right.offset[i]);
    inverses.forEach((inverse, k) => {
      rows.xy[k][at] = Math.log(rows.xy[k][at]) - inverse * cosine;
      rows.yx[k][at] = Math.log(rows.yx[k][at]) - inverse * cosine;
    });
  }
  return rows;
}

const symmetric = ({ xy, yx }, k) => (average(xy[k]) + average(yx[k])) / 2;

// Where the polynomial through five equally spaced values is lowest, in steps from the middle one; 0 if nowhere near.
function lowest([a, b, c, d, e]) {
  const slope = (t) => {
    const [p1, p2, p3, p4] = [(a - 8 * b + 8 * d - e) / 12, (-a + 16 * b - 30 * c + 16 * d - e) / 24, (-a + 2 * b - 2 * d + e) / 12, (a - 4 * b + 6 * c - 4 * d + e) / 24];
    return [p1 + t * (2 * p2 + t * (3 * p3 + t * 4 * p4)), 2 * p2 + t * (6 * p3 + t * 12 * p4)];
  };
  let t = 0;
  for (let pass = 0; pass < 30; pass++) {
    const [first, second] = slope(t);
    if (!(second > 0)) return c <= Math.min(b, d) ? 0 : Math.sign(b - d);
    t = Math.max(-2, Math.min(2, t - first / second));
  }
  return t;
}

const clipped = (value, low, high) => Math.max(low, Math.min(high, value));

// Where a curve on the grid of shifts is lowest, between its points.
function between(curve) {
  let best = -1;
  curve.forEach((value, i) => (best = value < (curve[best] ?? Infinity) ? i : best));
  if (best < 0) return { best, shift: NaN };
  const middle = clipped(best, 2, SHIFTS.length - 3);
  const part = Array.from(curve.slice(middle - 2, middle + 3));
  const offset = middle === best && part.every(Number.isFinite) ? lowest(part) : 0;
  return { best, shift: SHIFTS[best] + clipped(offset, -1, 1) / 20 };
}

// The lowest point of the loss at one temperature, by a closer look at five places, and again if they were not around it.
function valley(sides, curve, k) {
  const found = between(curve);
  if (found.best < 0) return NaN;
  const low = SHIFTS[Math.max(0, found.best - 1)];
  const high = SHIFTS[Math.min(SHIFTS.length - 1, found.best + 1)];
  let at = clipped(found.shift, low + 2 * NEAR, high - 2 * NEAR);
  for (let pass = 0; pass < 4; pass++) {
    const around = [-2, -1, 0, 1, 2].map((step) => symmetric(lossesAt(sides, at + step * NEAR, [INVERSES[k]]), 0));
    if (!around.every(Number.isFinite)) return SHIFTS[found.best];
    const step = lowest(around);
    const next = clipped(at + step * NEAR, low, high);
    if (Math.abs(step) <= 1 || next === low || next === high) return next;
    at = clipped(next, low + 2 * NEAR, high - 2 * NEAR);
    if (at !== next && pass) return next;
  }
  return at;
}

// How far apart the means are after a shift, negative once the sets have passed each other.
function distanceAt(x, y, sides, delta, shift) {
  const { squaredGap } = sides;
  const [left, right] = [moved(sides.x, shift, squaredGap), moved(sides.y, -shift, squaredGap)];
  const weighted = (rows, scale) => mean({ ...rows, inverse: rows.inverse.map((one, i) => one * scale[i]) });
  const [a, b] = [weighted(x, left.scale), weighted(y, right.scale)];
  const step = shift * (average(left.scale) + average(right.scale));
  const difference = a.map((one, j) => one - b[j] - step * delta[j]);
  return (dot(difference, delta) < 0 ? -1 : 1) * norm(difference);
}

// 95 % of what the lowest points are when the sampled queries are drawn again, with repetition: [low, high] for each τ.
function bootstrapped(each, shifts, seed) {
  const next = random(seed);
  const m = each[0].xy[0].length;
  const found = INVERSES.map(() => []);
  for (let again = 0; again < 200; again++) {
    const times = new Uint16Array(m);
    for (let i = 0; i < m; i++) times[Math.floor(next() * m)]++;
    INVERSES.forEach((_, k) => {
      const curve = each.map(({ xy, yx }) => {
        let sum = 0;
        for (let i = 0; i < m; i++) if (times[i]) sum += times[i] * (xy[k][i] + yx[k][i]);
        return sum / (2 * m);
      });
      found[k].push(between(curve).shift);
    });
  }
  return found.map((ones, k) => {
    const plain = between(each.map((rows) => symmetric(rows, k))).shift;
    const sorted = Float64Array.from(ones).sort();
    return [0.025, 0.975].map((share) => shifts[k] + quantile(sorted, share) - plain);
  });
}

// The landscape, and the lowest point at each temperature.
function landscape(x, y, delta, sides, sampled, seed, progress) {
  const each = [];
  const curves = { image_to_text: [], text_to_image: [], distance: [] };
  SHIFTS.forEach((shift, s) => {
    progress((0.6 * s) / SHIFTS.length);
    const rows = lossesAt(sides, shift, INVERSES);
    if (sampled) each.push(rows);
    curves.image_to_text.push(rows.xy.map(average));
    curves.text_to_image.push(rows.yx.map(average));
    curves.distance.push(sampled ? null : distanceAt(x, y, sides, delta, shift));
  });
  const loss = curves.image_to_text.map((row, s) => row.map((one, k) => (one + curves.text_to_image[s][k]) / 2));
  const here = SHIFTS.indexOf(0);
  const shifts = INVERSES.map((_, k) => {
    progress(0.6 + (0.4 * k) / INVERSES.length);
    return valley(sides, loss.map((row) => row[k]), k);
  });
  const intervals = sampled ? bootstrapped(each, shifts, seed) : undefined;
  const valleys = INVERSES.map((inverse, k) => {
    const shift = shifts[k];
    const lossThere = symmetric(lossesAt(sides, shift, [inverse]), 0);
    return {
      temperature: 1 / inverse, shift, distance: distanceAt(x, y, sides, delta, shift), loss: lossThere,
      loss_here: loss[here][k], depth: loss[here][k] - lossThere, interval: intervals ? intervals[k] : null,
    };
  });
  return { valleys, landscape: { shifts: Array.from(SHIFTS), temperatures: INVERSES.map((one) => 1 / one), ...curves } };
}
