// Rewinding, changes on the way and what is refused: a course is the same whichever way one came to a step.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Course, nextMark } from "../../book/_ext/playground/engine/course.js";
import { changesOf, optionsOf } from "../../book/_ext/playground/engine/options.js";
import { addressOf, runOf } from "../../book/_ext/playground/page/address.js";

const clip = JSON.parse(readFileSync(new URL("../../mindgap/results/playground_clip.json", import.meta.url), "utf-8"));
const small = { n: 8, temperature: 0.1, redrawn: 0.3, batch: 6 };
const changes = [[0, "rate", 0.02], [40, "temperature", 0.5], [200, "redrawn", 0]];

function played(options, made, step) {
  const course = new Course(options, made, clip);
  course.seek(step);
  return course;
}

test("going back and on again leads to the same numbers", () => {
  const course = played(small, changes, 3000);
  const end = course.measure();
  const marks = course.moments;
  assert.ok(course.kept.size <= 64);
  for (const step of [0, 40, 41, 200, 1777, 3000]) {
    course.seek(step);
    const anew = played(small, changes, step);
    assert.deepEqual(course.state, anew.state);
    assert.deepEqual(course.now, anew.now);
    assert.deepEqual(course.moments, anew.moments);
  }
  assert.deepEqual(course.measure(), end);
  assert.deepEqual(course.moments, marks);
});

test("a change by hand is one that a link can make again, and undoes what was to come", () => {
  const course = played(small, changes, 100);
  course.change("temperature", 0.2);
  course.change("temperature", 0.25);
  assert.deepEqual(course.changes, [changes[0], changes[1], [100, "temperature", 0.25]]);
  course.seek(300);
  assert.deepEqual(course.state, played(small, course.changes, 300).state);
  assert.equal(course.now.redrawn, 0.3);
  course.seek(0);
  course.change("rate", 0.5);
  course.seek(10);
  assert.deepEqual(course.state, played(small, [[0, "rate", 0.5]], 10).state);
});

test("seeking can be done in pieces", () => {
  const course = new Course(small, [], clip);
  assert.equal(course.seek(10, 4), false);
  assert.equal(course.state.step, 4);
  assert.equal(course.seek(10, 40), true);
  assert.deepEqual(course.state, played(small, [], 10).state);
});

test("marks are whole, rising, and twenty in each tenfold", () => {
  const marks = [0];
  while (marks[marks.length - 1] < 100000) marks.push(nextMark(marks[marks.length - 1]));
  assert.deepEqual(marks.slice(0, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(marks.filter((one) => one > 1000 && one <= 10000).length, 20);
});

test("what is no option is refused by its name", () => {
  for (const [given, words] of [
    [{ n: 1 }, /n: expected a whole number from 2 to 200, got "1"/],
    [{ n: "" }, /n: expected a whole number/],
    [{ d: 4 }, /d: expected one of 2, 3, 8, 32, got "4"/],
    [{ temperature: 0 }, /temperature: expected a number from 0.005 to 2/],
    [{ temperature: "NaN" }, /temperature/],
    [{ start: "<b>" }, /start: expected one of mixed, cones, opposite, clip, got "<b>"/],
    [{ speed: 3 }, /"speed" is no option/],
    [{ __proto__: null, constructor: 3 }, /"constructor" is no option/],
  ]) assert.throws(() => optionsOf(given), words);
  assert.throws(() => changesOf([[1, "n", 3]]), /changes: expected one of temperature/);
  assert.throws(() => changesOf([[1.5, "rate", 0.1]]), /step: expected a whole number from 0/);
  assert.throws(() => changesOf([[1, "rate", 9]]), /rate: expected a number from 0.001 to 2/);
});

test("an address holds the whole state and nothing it does not need", () => {
  const options = optionsOf({ n: 40, start: "clip", temperature: 1 / 30, seed: 4294967295 });
  const run = { options, changes: changesOf(changes), step: 345, yaw: -1.5, pitch: 0.4 };
  const address = addressOf(run);
  assert.deepEqual(runOf(address), run);
  assert.ok(!address.includes("rate=") && address.includes("changes=0:rate:0.02,40:temperature:0.5"));
  assert.equal(addressOf({ options: optionsOf({}), changes: [], step: 0 }), "#run?");
  assert.equal(runOf("#a-heading"), null);
  assert.throws(() => runOf("#run?step=-1"), /step/);
  assert.throws(() => runOf("#run?n=1e9"), /n: expected/);
  assert.throws(() => runOf("#run?changes=3:temperature"), /temperature: expected/);
  assert.throws(() => runOf("#run?yaw=x"), /yaw/);
});
