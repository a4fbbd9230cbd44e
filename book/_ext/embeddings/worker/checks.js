// What goes wrong with files of embeddings, and how it shows: mindgap.report's checks, as far as they cost little here,
// in its words. {x} and {y} stand for the names of the modalities, which the page knows.

const OFFSETS = [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5];
const REPEATED = 0.01;
const NARROW = 0.99;
const SURE = 4;
const LARGEST_HALF = 65504;
const LOOKS_LIKE_TEXT = /te?xt|caption|sentence|prompt|query/i;
const LOOKS_LIKE_IMAGE = /im(a?ge?|g)|photo|pixel|picture|video|vision|visual/i;

const check = (name, found, limit, meaning, advice, state = "passed") => ({ name, found, limit, meaning, try: advice, state });

function identical(x, y) {
  let equal = 0;
  for (let i = 0; i < x.n; i++) {
    let same = true;
    for (let j = i * x.d; same && j < (i + 1) * x.d; j++) same = x.values[j] === y.values[j];
    equal += same;
  }
  return check(
    "identical rows", `${percent(equal / x.n)} of the rows of both files are equal`, "none",
    "The same file was given twice, or one modality was written over the other. Every measure of a gap is then 0.",
    "Look at the two paths, and at what wrote the files.", equal ? "failed" : "passed",
  );
}

function inOrder(x, y, own, noise) {
  const offsets = OFFSETS.filter((one) => Math.abs(one) < x.n);
  const others = offsets.map((one) => average(matched(x, y, one)));
  const best = others.indexOf(Math.max(...others));
  const off = others[best] - own > SURE * noise;
  const sign = offsets[best] < 0 ? "-" : "+";
  return check(
    "rows in order",
    `matched rows have mean cosine ${fixed(own, 3)}, rows ${sign}${Math.abs(offsets[best])} apart ${fixed(others[best], 3)}`,
    `no shift by up to ${Math.max(...offsets)} rows matches better by ${SURE} standard errors`,
    off ? `One file starts ${Math.abs(offsets[best])} rows later than the other, or one lacks rows the other has.` : "A header read as a row, or a lost row, would show here.",
    "Look at the first rows of both, and at what was skipped when they were written.", off ? "failed" : "passed",
  );
}

function belongTogether(own, unmatched, noise, recall, n) {
  const above = own - unmatched;
  const errors = above / Math.max(noise, 1e-12);
  return check(
    "rows belong together",
    `matched rows are ${fixed(above, 4)} nearer than others, ${fixed(errors, 1)} standard errors; R@1 ${fixed(recall[0], 3)} and ${fixed(recall[1], 3)}, chance ${fixed(1 / n, 4)}`,
    `more than ${SURE} standard errors`,
    "Row i of one file does not belong with row i of the other, or the model has learned nothing of these pairs. A gap says nothing about that: it is there in both cases.",
    "Look at a few pairs by eye; sort both files by the same key.", errors > SURE ? "passed" : "failed",
  );
}

function repeats(measures) {
  const shares = { x: 1 - measures.distinct_x / measures.pairs, y: 1 - measures.distinct_y / measures.pairs };
  const both = Math.min(shares.x, shares.y) > REPEATED;
  return ["x", "y"].map((side) => check(
    `repeated rows of {${side}}`, `${percent(shares[side])} repeat an earlier row`, "1%",
    `The rows are fewer than they seem: recall counts every copy but one as wrong.${both ? "" : " Several captions of one image are no fault."}`,
    "Give the captions of one image one group (--groups), or drop the copies.",
    shares[side] <= REPEATED ? "passed" : both ? "failed" : "note",
  ));
}

function narrow(measures) {
  return ["x", "y"].map((side) => check(
    `spread of {${side}}`, `mean cosine ${fixed(measures[`mean_cosine_${side}`], 4)}`, `mean cosine below ${NARROW}`,
    "All rows are nearly one: the tower has collapsed, was never trained, or its output was averaged away.",
    "Check that the inputs differ, that preprocessing is the model's own, and which layer was taken.",
    measures[`mean_cosine_${side}`] > NARROW ? "failed" : "passed",
  ));
}

function norms(x, y) {
  const [low, high] = [Math.min(x.least, y.least), Math.max(x.most, y.most)];
  return check(
    "norms", `rows of length ${general(low)} to ${general(high)}`, "1, to a hundredth",
    "Not a fault here, since every measure puts the rows on the unit sphere first. But a dot product of these rows is no cosine, and a search by it ranks long rows first.",
    "Normalise the rows before they are stored, or use cosines.", low > 0.99 && high < 1.01 ? "passed" : "note",
  );
}

function overflow(x, y) {
  const largest = Math.max(x.largest, y.largest);
  return check(
    "half precision", `largest number ${general(largest)}`, "not 65504, the largest of float16",
    "Numbers were cut off at the end of float16; those beyond it would be infinity, which no file may hold.",
    "Normalise before converting to float16.", largest > 0.999 * LARGEST_HALF && largest <= LARGEST_HALF ? "failed" : "passed",
  );
}

function orderOfFiles([first, second]) {
  const only = (label, words, others) => words.test(label) && !others.test(label);
  const swapped = only(first, LOOKS_LIKE_TEXT, LOOKS_LIKE_IMAGE) && only(second, LOOKS_LIKE_IMAGE, LOOKS_LIKE_TEXT);
  return check(
    "order of the files", "{x} first, then {y}", "images first",
    swapped ? 'By their names the files come in the other order. No measure depends on it, but λ, Δ and "first to second" then point the other way than in the paper.' : "Δ points from the second to the first.",
    "Give the images first.", swapped ? "note" : "passed",
  );
}

function enough(n, d) {
  return check(
    "more rows than dimensions", `${n} pairs in ${d} dimensions`, "as many pairs as dimensions",
    "With fewer rows than dimensions a plane parts any two sets, ranks and angles are bounded by the rows, and a Fréchet distance is mostly noise.",
    "Embed more pairs, or compare with random halves of one modality.", n >= d ? "passed" : "note",
  );
}

function checked(x, y, labels, measures, noise, unmatched) {
  return [
    identical(x, y),
    inOrder(x, y, measures.matched_cosine, noise),
    belongTogether(measures.matched_cosine, unmatched, noise, [measures.recall_xy, measures.recall_yx], x.n),
    ...repeats(measures), ...narrow(measures), norms(x, y), overflow(x, y), orderOfFiles(labels), enough(x.n, x.d),
  ];
}
