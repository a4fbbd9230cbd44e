// The measures of mindgap.metrics that cost O(nd), by their names there, and in float64. None is null where it has no value.

const TOP = 10;

const value = (number) => (Number.isFinite(number) ? number : null);

// Mean distance of the pairs; with `centers`, of what is left of each row without its side's mean, back on the sphere, and
// NaN if nothing is left of one.
function pairDistance(x, y, centers) {
  const { n, d } = x;
  const [leastX, leastY] = [x, y].map(({ code }) => (8 * (code === "f8" ? EPS : EPS_32)) ** 2);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const at = i * d;
    let [xx, yy, xy] = [0, 0, 0];
    for (let j = 0; j < d; j++) {
      const a = x.values[at + j] * x.inverse[i] - (centers ? centers[0][j] : 0);
      const b = y.values[at + j] * y.inverse[i] - (centers ? centers[1][j] : 0);
      xx += a * a;
      yy += b * b;
      xy += a * b;
    }
    // Of nearly equal rows 2 − 2cos has no digits left; but it is the mean that counts, and it is right to 1e-8.
    total += Math.sqrt(Math.max(0, 2 - (2 * xy) / Math.sqrt(xx * yy)));
    if (centers && (xx < leastX || yy < leastY)) return NaN;
  }
  return total / n;
}

const relative = (pairs, within) => (pairs + within < 1e-12 ? NaN : pairs / (pairs + within));

// Everything linear, with what later steps need of it.
function linear(x, y, progress) {
  const { n, d } = x;
  const means = [mean(x), mean(y)];
  const delta = means[0].map((one, j) => one - means[1][j]);
  const squaredGap = dot(delta, delta);
  progress(0.2);
  const own = matched(x, y);
  const matchedCosine = average(own);
  const within = means.map((one) => (n * dot(one, one) - 1) / (n - 1));
  const unmatched = (n * dot(...means) - matchedCosine) / (n - 1);
  const products = { x: along(x, delta), y: along(y, delta) };
  progress(0.4);
  const level = (dot(means[0], delta) + dot(means[1], delta)) / 2;
  const right = (side) => (side > 0 ? 1 : side === 0 ? 0.5 : 0);
  const separable = products.x.reduce((sum, one) => sum + right(one - level), 0) + products.y.reduce((sum, one) => sum + right(level - one), 0);
  const squares = delta.map((one) => one * one).sort().reverse();
  const lengths = means.map(norm);
  const apart = within.map((one) => (1 - one) / 2);
  const spread = (apart[0] + apart[1]) / 2;
  const pairs = (1 - matchedCosine) / 2;
  const distance = pairDistance(x, y);
  progress(0.6);
  const residual = pairDistance(x, y, means);
  progress(0.7);
  const different = [distinct(x), distinct(y)];
  progress(0.9);
  const measures = {
    pairs: n,
    dimension: d,
    distinct_x: different[0],
    distinct_y: different[1],
    gap_distance: Math.sqrt(squaredGap),
    squared_gap: squaredGap,
    mean_squared_gap: squaredGap / d,
    centroid_distance: value(Math.min(...lengths) < 1e-12 ? NaN : 1 - dot(...means) / (lengths[0] * lengths[1])),
    pair_distance: distance,
    rmg_cosine: value(relative(pairs, spread)),
    rmg_cosine_diagonal: value(relative(pairs, (spread * (n - 1)) / n)),
    top_dimensions_share: value(squaredGap < 1e-24 ? NaN : squares.slice(0, TOP).reduce((sum, one) => sum + one, 0) / squaredGap),
    separability: separable / (2 * n),
    mean_cosine_x: within[0],
    mean_cosine_y: within[1],
    mean_cosine_xy: unmatched,
    matched_cosine: matchedCosine,
    alignment: 2 - 2 * matchedCosine,
    residual_pair_distance: value(residual),
  };
  return { measures, means, delta, squaredGap, own, products };
}
