// The worker: it is sent files, says how far it is, and answers with a report, or in words why there is none. To stop it,
// the page ends it. Nothing leaves it but these messages.

const FEWEST = 100; // rows of a sample
const RECALL_AT = [1, 5, 10];

// Wilson's interval for a share of m that were drawn, as mindgap.theorems.binomial_interval.
function wilson(share, m) {
  const z = 1.959963984540054;
  const weight = (z * z) / m;
  const middle = (share + weight / 2) / (1 + weight);
  const half = (z / (1 + weight)) * Math.sqrt((share * (1 - share)) / m + weight / (4 * m));
  return [share > 0 ? middle - half : 0, share < 1 ? middle + half : 1];
}

// 95 % of the medians of ranks that are drawn again, with repetition.
function medianInterval(places, seed) {
  const next = random(seed);
  const found = Array.from({ length: 200 }, () => median(places.map(() => places[Math.floor(next() * places.length)]))).sort((a, b) => a - b);
  return [quantile(found, 0.025), quantile(found, 0.975)];
}

function recallOf(standing, n, sample, seed) {
  const at = RECALL_AT.filter((k) => k <= n);
  const row = (way) => {
    const places = way.places();
    const shares = Object.fromEntries(at.map((k) => [k, average(way.hits(k))]));
    const intervals = sample && { ...Object.fromEntries(at.map((k) => [k, wilson(shares[k], sample.length)])), median_rank: medianInterval(places, seed) };
    return { ...shares, median_rank: median(places), ...(intervals && { intervals }) };
  };
  return { xy: row(standing.xy), yx: row(standing.yx), chance: { ...Object.fromEntries(at.map((k) => [k, k / n])), median_rank: (n + 1) / 2 } };
}

// All of it. Of more than `exact` pairs, what costs their square is taken of samples, at about the cost of `exact` of them.
async function report({ files, swapped, seed, exact }, tell) {
  const step = (name) => (share) => tell(name, share);
  const sides = await sidesOfFiles(files, tell);
  if (sides.length === 1) return { kind: "half", file: sides[0].file, shape: sides[0].shape };
  if (swapped) sides.reverse();
  checkPair(sides);
  const [x, y] = sides.map((one, i) => {
    tell("checking every number", i / 2);
    return rowsOf(one);
  });
  const { measures, means, delta, squaredGap, own, products: moves } = linear(x, y, step("measures"));
  const n = x.n;
  const sample = n > exact ? drawn(n, clipped(Math.floor(exact ** 2 / (2 * n)), FEWEST, exact), seed) : undefined;
  const both = dot(...means);
  const centre = { x: along(x, means[1]), y: along(y, means[0]), both };
  const found = across(x, y, own, centre, sample, step("cosines of all pairs"));
  const recall = recallOf(found.standing, n, sample, seed);
  Object.assign(measures, {
    recall_xy: recall.xy[1], recall_yx: recall.yx[1], recall_chance: 1 / n,
    median_rank_xy: recall.xy.median_rank, median_rank_yx: recall.yx.median_rank,
  });
  tell("checks", 0);
  const checks = checked(x, y, sides.map((one) => one.label), measures, found.noise, both);
  const moving = { ...moves, squaredGap, kept: found.kept, numbers: found.numbers };
  const valleys = landscape(x, y, delta, moving, Boolean(sample), seed, step("the loss along the gap"));
  tell("projection", 0);
  return {
    kind: "done",
    files: sides.map((one) => one.file),
    labels: sides.map((one) => one.label),
    types: sides.map((one) => `float${8 * BYTES[one.code]}`),
    sample: sample ? sample.length : null,
    seed,
    measures, recall, checks, ...valleys,
    cosines: { edges: Array.from({ length: BINS + 1 }, (_, i) => -1 + (2 * i) / BINS), ...found.counts },
    points: projected(x, y, means, seed),
  };
}

onmessage = async ({ data }) => {
  let last = 0;
  let before = "";
  const tell = (step, share) => {
    const now = performance.now();
    if (step === before && now - last < 80) return;
    [last, before] = [now, step];
    postMessage({ kind: "progress", step, share });
  };
  try {
    postMessage(await report(data, tell));
  } catch (error) {
    const memory = error instanceof RangeError;
    const words = error instanceof Refused ? error.message : memory ? "There is not enough memory in this browser tab for these files. In the shell, mindgap report needs less." : `This should not have happened: ${error.message}. Please report it, with the shapes of your files.`;
    postMessage({ kind: "refused", words });
  }
};
