// What is said in numbers and in words, to whoever sees the page and to whoever hears it.

/** @typedef {import("../worker/answers.js").Pair} Pair */
/** @typedef {{rank: number, cosine: number, caption: string | null}} Neighbour without a caption it is the picture itself */

/**
 * @param {number} number
 * @param {number} [decimals]
 * @returns {string}
 */
export function spelled(number, decimals = 2) {
  const text = number.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/**
 * @param {number} tau
 * @returns {string}
 */
export function temperature(tau) {
  const inverse = Math.round(1 / tau);
  return tau < 1 && Math.abs(1 / inverse - tau) < 1e-9 ? `1/${inverse}` : `${tau}`;
}

/**
 * A model's name is the temperature of its training.
 * @param {string} name
 * @returns {string}
 */
export function trainedAt(name) {
  return temperature(Number(name));
}

/**
 * The softmax of each row of numbers over a temperature; null for what is not there, which gets no share.
 * @param {readonly (readonly (number | null)[])[]} rows
 * @param {number} tau
 * @returns {(number | null)[][]}
 */
export function shares(rows, tau) {
  return rows.map((row) => {
    const most = Math.max(...row.map((one) => one ?? -Infinity));
    const raised = row.map((one) => (one === null ? null : Math.exp((one - most) / tau)));
    const sum = raised.reduce((/** @type {number} */ total, one) => total + (one ?? 0), 0);
    return raised.map((one) => (one === null ? null : one / sum));
  });
}

/**
 * @template T
 * @param {readonly (readonly T[])[]} rows
 * @returns {T[][]}
 */
export function turned(rows) {
  return rows[0].map((_, column) => rows.map((row) => row[column]));
}

/**
 * Where the largest number of a row is; −1 in a row of nothing.
 * @param {readonly (number | null)[]} row
 * @returns {number}
 */
export function winner(row) {
  return row.reduce((/** @type {number} */ best, one, i) => (one !== null && (best < 0 || one > /** @type {number} */ (row[best])) ? i : best), -1);
}

/**
 * A caption's own picture among the nearest other captions, the nearest first.
 * @param {Pair} pair
 * @param {readonly string[]} captions
 * @returns {Neighbour[]}
 */
export function neighbours({ own, nearer, near }, captions) {
  const others = near.map(([index, cosine], i) => ({ rank: i + 1 + (i >= nearer ? 1 : 0), cosine, caption: captions[index] }));
  return [...others, { rank: nearer + 1, cosine: own, caption: null }].sort((a, b) => a.rank - b.rank);
}

/**
 * @param {Pair} pair
 * @returns {string}
 */
export function verdict({ nearer, others }) {
  if (nearer === 0) return `None of ${others} other captions is nearer to it.`;
  return nearer === 1 ? `One of ${others} other captions is nearer to it.` : `${nearer} of ${others} other captions are nearer to it.`;
}

/**
 * Who wins, in a sentence: `kinds` are what chooses and what is chosen, as "picture" and "caption".
 * @param {readonly (readonly (number | null)[])[]} rows shares
 * @param {readonly [string, string]} kinds
 * @returns {string}
 */
export function wins(rows, [chooser, choice]) {
  const wrong = rows.map((row, i) => (winner(row) === i ? 0 : i + 1)).filter(Boolean);
  if (!wrong.length) {
    const least = rows.reduce((best, row, i) => (/** @type {number} */ (row[i]) < /** @type {number} */ (rows[best][best]) ? i : best), 0);
    return `Every ${chooser} picks its own ${choice}. The least sure is ${chooser} ${least + 1}, with a share of ${spelled(/** @type {number} */ (rows[least][least]))} for its own.`;
  }
  const said = wrong.map((i) => {
    const to = winner(rows[i - 1]);
    return to < 0 ? `${chooser} ${i} picks nothing` : `${chooser} ${i} picks ${choice} ${to + 1}, with a share of ${spelled(/** @type {number} */ (rows[i - 1][to]))}`;
  });
  return `${said.join("; ")}.`.replace(/^./, (letter) => letter.toUpperCase());
}
