// The same reference values as in tests/test_playground.py: if one of the two generators changes, both tests say so.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { chosen, gaussians, uniforms, words } from "../../book/_ext/playground/engine/random.js";

const REFERENCE = JSON.parse(readFileSync(new URL("reference.json", import.meta.url), "utf-8"));

test("words are those of Python", () => {
  for (const [seed, stream, step, expected] of REFERENCE.words) {
    assert.deepEqual(Array.from(words(seed, stream, step, expected.length)), expected);
  }
});

test("gaussians are those of Python, and of an odd number of them the beginning", () => {
  const found = gaussians(7, 1, 0, 3);
  REFERENCE.gaussians.forEach((one, i) => assert.ok(Math.abs(found[i] - one) < 1e-15));
  assert.deepEqual(gaussians(7, 1, 0, 4).slice(0, 3), found);
});

test("batches are those of Python, without repetition", () => {
  assert.deepEqual(Array.from(chosen(5, 3, 9, 10, 4)), REFERENCE.chosen);
  assert.deepEqual(Array.from(chosen(5, 3, 9, 50, 50)).sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
});

test("uniforms have the moments of uniforms, and streams share none", () => {
  const u = uniforms(3, 1, 0, 20000);
  const mean = u.reduce((sum, one) => sum + one, 0) / u.length;
  const square = u.reduce((sum, one) => sum + one * one, 0) / u.length;
  assert.ok(Math.abs(mean - 1 / 2) < 4 / Math.sqrt(12 * u.length));
  assert.ok(Math.abs(square - 1 / 3) < 4 * Math.sqrt(4 / 45 / u.length));
  const other = new Set(uniforms(3, 2, 0, 2000));
  assert.ok(u.slice(0, 2000).every((one) => !other.has(one)));
});
