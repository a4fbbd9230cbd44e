// What is seen of many dimensions: the gap lies across the picture, and no point leaves the disc.

import assert from "node:assert/strict";
import { test } from "node:test";

import { optionsOf } from "../../book/_ext/playground/engine/options.js";
import { Axes, places } from "../../book/_ext/playground/engine/places.js";
import { begin } from "../../book/_ext/playground/engine/start.js";
import { measure } from "../../book/_ext/playground/engine/steps.js";

const clip = { images: [], texts: [] };

/** Mean of the coordinates `k` of points, three numbers each. */
const mean = (points, k) => points.filter((_, i) => i % 3 === k).reduce((sum, one) => sum + one, 0) / (points.length / 3);

for (const d of [8, 32]) {
  test(`in ${d} dimensions images are to the right, by the gap, and the axis is the widest across`, () => {
    const options = optionsOf({ d, n: 50, angle: 70 });
    const state = begin(options, clip);
    const axes = new Axes();
    const { images, texts } = places(state, d, 1, axes);
    const gap = measure(state, options).gap;
    assert.ok(Math.abs(mean(images, 0) - mean(texts, 0) - gap) < 1e-6);
    assert.ok(Math.abs(mean(images, 1) - mean(texts, 1)) < 1e-6);
    for (const points of [images, texts]) {
      for (let k = 0; k < points.length; k += 3) assert.ok(Math.hypot(points[k], points[k + 1], points[k + 2]) < 1 + 1e-6);
    }
    // No direction at right angles to the gap is wider; a power iteration of a few pictures comes near to the widest.
    for (let picture = 0; picture < 40; picture++) places(state, d, 1, axes);
    const spread = (axis) => {
      const all = [state.images, state.texts].flatMap((rows) => Array.from({ length: rows.length / d }, (_, i) => axis.reduce((sum, one, k) => sum + one * rows[i * d + k], 0)));
      const middle = all.reduce((sum, one) => sum + one, 0) / all.length;
      return all.reduce((sum, one) => sum + (one - middle) ** 2, 0);
    };
    const widest = spread(axes.across);
    for (let one = 0; one < d; one++) {
      const axis = Float64Array.from({ length: d }, (_, k) => Number(k === one));
      const along = axes.along[one];
      axis.forEach((value, k) => (axis[k] = value - along * axes.along[k]));
      const length = Math.hypot(...axis);
      assert.ok(spread(axis.map((value) => value / length)) <= widest * 1.001);
    }
  });
}

test("without a gap the last direction stays", () => {
  const axes = new Axes();
  const options = optionsOf({ d: 8, n: 20 });
  places(begin(options, clip), 8, 1, axes);
  const before = axes.along.slice();
  const state = begin(options, clip);
  state.texts.set(state.images);
  places(state, 8, 1, axes);
  assert.deepEqual(axes.along, before);
});

test("a sphere and a circle show the points themselves", () => {
  for (const d of [2, 3]) {
    const state = begin(optionsOf({ d, n: 10 }), clip);
    const { images } = places(state, d, 1, new Axes());
    for (let k = 0; k < images.length; k += 3) assert.ok(Math.abs(Math.hypot(images[k], images[k + 1], images[k + 2]) - 1) < 1e-6);
    assert.ok(mean(images, 0) > 0.5);
  }
});
