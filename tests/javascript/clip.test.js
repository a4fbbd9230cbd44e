// What a reader does to four scenes and captions, and what is said of the answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { neighbours, shares, spelled, temperature, turned, verdict, winner, wins } from "../../book/_ext/clip/page/said.js";
import { changed, chosen, described, isFull, opened, pressed, removed, surprised, turnedTo, written } from "../../book/_ext/clip/page/state.js";
import { erf } from "../../book/_ext/clip/worker/numbers.js";
import { captionOf, PLACES } from "../../book/_ext/clip/worker/scenes.js";
import { tokenize, VOCABULARY, wordsOf, wrongWith } from "../../book/_ext/clip/worker/words.js";

const star = { size: "large", colour: "yellow", shape: "star", place: "top left" };
const heart = { size: "small", colour: "red", shape: "heart", place: "right" };
const start = () => opened([[heart, star], [star], [heart], [star]]);

test("objects stand in reading order, and captions follow what is drawn", () => {
  const state = start();
  assert.deepEqual(state.scenes[0], [star, heart]);
  assert.equal(state.captions[0], "a large yellow star at the top left and a small red heart on the right");
  const moved = changed(turnedTo(state, 1), "place", "left");
  assert.equal(moved.captions[1], "a large yellow star on the left");
  assert.equal(moved.place, "left");
  assert.equal(state.captions[1], "a large yellow star at the top left", "the old state is as it was");
});

test("a place gets an object like the last, up to three, and none is drawn over another", () => {
  let state = pressed(start(), "centre");
  assert.deepEqual(chosen(state), { ...star, place: "centre" });
  assert.ok(isFull(state));
  assert.equal(pressed(state, "bottom"), state);
  assert.equal(changed(state, "place", "right"), state);
  state = pressed(state, "right");
  assert.deepEqual(chosen(state), heart);
  assert.equal(state.scenes[0].length, 3);
});

test("the last object cannot be taken away", () => {
  const one = removed(start());
  assert.deepEqual(one.scenes[0], [heart]);
  assert.equal(removed(one), one);
});

test("words of one's own stay until they are given up", () => {
  const mine = written(start(), "my star");
  assert.deepEqual(mine.follows, [false, true, true, true]);
  const drawn = changed(mine, "colour", "blue");
  assert.equal(drawn.captions[0], "my star");
  assert.equal(described(drawn).captions[0], captionOf(drawn.scenes[0]));
  assert.equal(written(drawn, captionOf(drawn.scenes[0])).follows[0], true);
});

test("a surprise is a scene of one to three objects at places of their own", () => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const many = new Set();
  for (let i = 0; i < 50; i++) {
    const [scene] = surprised(written(start(), "mine"), random).scenes;
    const places = scene.map((one) => one.place);
    assert.equal(new Set(places).size, places.length);
    assert.deepEqual(places, PLACES.filter((one) => places.includes(one)));
    many.add(scene.length);
  }
  assert.deepEqual([...many].sort(), [1, 2, 3]);
});

test("words are read as Python reads them", () => {
  assert.deepEqual(wordsOf("A red-blue STAR, at_the 2nd top!"), ["a", "red", "blue", "star", "at_the", "2nd", "top"]);
  const tokens = tokenize("A red dog");
  assert.deepEqual(tokens.map((one) => VOCABULARY[one]), ["<start>", "a", "red", "<unknown>", "<end>"]);
  assert.equal(Math.max(...tokens), tokens[4], "the end has the highest number");
  assert.equal(wrongWith("a ".repeat(26)), "");
  assert.match(wrongWith("a ".repeat(27)), /at most 26 words, and this caption has 27/);
  assert.throws(() => tokenize(" … "), /no word/);
});

test("shares add up to 1, at any temperature, and what cannot be read gets none", () => {
  for (const tau of [1, 0.01, 1e-4]) {
    const [row] = shares([[0.8, 0.79, null, -1]], tau);
    assert.ok(Math.abs(row.reduce((sum, one) => sum + (one ?? 0), 0) - 1) < 1e-12);
    assert.equal(row[2], null);
    assert.ok(Math.abs(row[0] / row[1] / Math.exp(0.01 / tau) - 1) < 1e-9);
  }
  assert.deepEqual(shares([[null, null]], 1), [[null, null]]);
  assert.equal(winner([null, 0.2, 0.7]), 2);
  assert.equal(winner([null, null]), -1);
  assert.deepEqual(turned([[1, 2], [3, 4]]), [[1, 3], [2, 4]]);
});

test("a sentence says who wins, and how sure the least sure is", () => {
  const kinds = ["picture", "caption"];
  assert.equal(wins([[0.9, 0.1], [0.45, 0.55]], kinds), "Every picture picks its own caption. The least sure is picture 2, with a share of 0.55 for its own.");
  assert.equal(wins([[0.1, 0.9], [0.45, 0.55]], kinds), "Picture 1 picks caption 2, with a share of 0.90.");
  assert.equal(wins([[null], [0.5]].map((row) => [...row, null]), kinds), "Picture 1 picks nothing; picture 2 picks caption 1, with a share of 0.50.");
});

test("the own picture stands among the captions where it belongs", () => {
  const pair = { own: 0.8, nearer: 2, near: [[4, 0.9], [0, 0.85], [2, 0.7]] };
  const list = neighbours(pair, ["a", "b", "c", "d", "e"]);
  assert.deepEqual(list.map((one) => [one.rank, one.caption]), [[1, "e"], [2, "a"], [3, null], [4, "c"]]);
  assert.deepEqual(neighbours({ ...pair, nearer: 40 }, []).map((one) => one.rank), [1, 2, 3, 41]);
  assert.equal(verdict({ nearer: 0, others: 499 }), "None of 499 other captions is nearer to it.");
  assert.equal(verdict({ nearer: 1, others: 500 }), "One of 500 other captions is nearer to it.");
});

test("numbers are written with a minus, and temperatures as fractions where they are", () => {
  assert.equal(spelled(-0.126), "−0.13");
  assert.equal(spelled(-0.001), "0.00");
  assert.deepEqual([1, 0.1, 0.07, 1 / 50].map(temperature), ["1", "1/10", "0.07", "1/50"]);
});

test("the error function is exact where tables are", () => {
  for (const [x, value] of [[0, 0], [0.5, 0.5204998778130465], [1, 0.8427007929497149], [2.5, 0.999593047982555], [5, 0.9999999999984626], [7, 1]]) {
    assert.ok(Math.abs(erf(x) - value) < 1e-14, `${x}: ${erf(x)}`);
    assert.equal(erf(-x) + erf(x), 0);
  }
});
