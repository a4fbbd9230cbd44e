// Both sets seen along the gap and along the main axis across it: geometry.shared_projection with gap_first.

const DRAWN = 400; // pairs that are drawn
const AXIS_ROWS = 5000; // rows from which the axis is found
const MOST_STEPS = 120;

// Eigenvalues and eigenvectors of a small symmetric matrix (Jacobi), vectors in columns.
function eigen(matrix) {
  const n = matrix.length;
  const a = matrix.map((row) => Float64Array.from(row));
  const vectors = a.map((_, i) => Float64Array.from({ length: n }, (__, j) => Number(i === j)));
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p][q] ** 2;
    if (off < 1e-30) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p][q]) < 1e-300) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
        for (let k = 0; k < n; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
        for (let k = 0; k < n; k++) [vectors[k][p], vectors[k][q]] = [c * vectors[k][p] - s * vectors[k][q], s * vectors[k][p] + c * vectors[k][q]];
      }
    }
  }
  return { values: a.map((row, i) => row[i]), vectors };
}

function without(vector, others) {
  for (const other of others) {
    const product = dot(vector, other);
    for (let j = 0; j < vector.length; j++) vector[j] -= product * other[j];
  }
  return vector;
}

// The direction of most variance of all rows around `center`, orthogonal to `given` (Lanczos, orthogonalised twice).
function mainAxis(sides, center, given, seed) {
  const d = center.length;
  const apply = (vector) => {
    const sum = new Float64Array(d);
    const level = dot(center, vector);
    let total = 0;
    let rows = 0;
    for (const { values, n, inverse } of sides) {
      const stride = Math.max(1, Math.ceil(n / AXIS_ROWS));
      for (let i = 0; i < n; i += stride) {
        const at = i * d;
        let product = 0;
        for (let j = 0; j < d; j++) product += values[at + j] * vector[j];
        const weight = inverse[i] * product - level;
        for (let j = 0; j < d; j++) sum[j] += weight * inverse[i] * values[at + j];
        total += weight;
        rows++;
      }
    }
    for (let j = 0; j < d; j++) sum[j] = (sum[j] - total * center[j]) / rows;
    return without(sum, given);
  };
  const next = random(seed);
  const most = Math.min(MOST_STEPS, d - given.length);
  const basis = [];
  const [diagonal, beside] = [[], []];
  let vector = without(Float64Array.from({ length: d }, () => next() - 0.5), given);
  let best;
  for (let step = 0; step < most; step++) {
    const length = norm(vector);
    if (!(length > 1e-13)) break;
    if (step) beside.push(length);
    basis.push(vector.map((one) => one / length));
    vector = apply(basis[step]);
    diagonal.push(dot(vector, basis[step]));
    without(without(vector, basis), basis);
    without(vector, given);
    if (step + 1 < most && (step + 1) % 10) continue;
    best = ritz(diagonal, beside);
    if (norm(vector) * Math.abs(best.at(-1)) < 1e-11 * Math.max(best.value, 1e-300)) break;
  }
  if (!basis.length) return undefined;
  best = ritz(diagonal, beside);
  const axis = new Float64Array(d);
  basis.forEach((one, k) => one.forEach((value, j) => (axis[j] += best[k] * value)));
  const length = norm(axis);
  return axis.map((one) => one / length);
}

function ritz(diagonal, beside) {
  const k = diagonal.length;
  const matrix = diagonal.map((one, i) => Array.from({ length: k }, (_, j) => (i === j ? one : Math.abs(i - j) === 1 ? beside[Math.min(i, j)] : 0)));
  const { values, vectors } = eigen(matrix);
  const top = values.indexOf(Math.max(...values));
  return Object.assign(vectors.map((row) => row[top]), { value: values[top] });
}

// Signs as in Python: towards x along the gap, the largest number positive across it.
function upright(axis) {
  let most = 0;
  for (const one of axis) if (Math.abs(one) > Math.abs(most)) most = one;
  return most < 0 ? axis.map((one) => -one) : axis;
}

// The first rows of both in the plane: { x: [[along, across], …], y: […] }.
function projected(x, y, means, seed) {
  const center = means[0].map((one, j) => (one + means[1][j]) / 2);
  const delta = means[0].map((one, j) => one - means[1][j]);
  const length = norm(delta);
  const axes = length > 0 ? [delta.map((one) => one / length)] : [];
  while (axes.length < Math.min(2, x.d)) {
    const axis = mainAxis([x, y], center, axes, seed);
    if (!axis) break;
    axes.push(upright(axis));
  }
  const count = Math.min(DRAWN, x.n);
  const seen = (rows) => {
    const part = { ...rows, n: count };
    const columns = axes.map((axis) => along(part, axis).map((one) => one - dot(center, axis)));
    return Array.from({ length: count }, (_, i) => [0, 1].map((axis) => columns[axis]?.[i] ?? 0));
  };
  return { x: seen(x), y: seen(y) };
}
