// The whole state in the part of the address behind #: options that are not the usual ones, changes, step and view.

import { DEFAULTS, changesOf, optionsOf, stepOf } from "../engine/options.js";

const MARK = "run";

/**
 * @typedef {object} Run
 * @property {import("../engine/options.js").Options} options
 * @property {import("../engine/options.js").Change[]} changes
 * @property {number} step
 * @property {number} [yaw]
 * @property {number} [pitch]
 */

/** @param {Run} run @returns {string} with its # */
export function addressOf({ options, changes, step, yaw, pitch }) {
  const parts = Object.entries(options).filter(([name, value]) => value !== DEFAULTS[/** @type {keyof typeof DEFAULTS} */ (name)]);
  const found = new URLSearchParams(parts.map(([name, value]) => [name, String(value)]));
  if (changes.length) found.set("changes", changes.map((one) => one.join(":")).join(","));
  if (step) found.set("step", String(step));
  if (yaw) found.set("yaw", yaw.toFixed(3));
  if (pitch !== undefined && pitch !== 0.28) found.set("pitch", pitch.toFixed(3));
  return `#${MARK}?${found}`.replaceAll("%3A", ":").replaceAll("%2C", ",");
}

/**
 * What an address asks for; null if it is of something else. Throws an Error that says what is wrong with it.
 * @param {string} hash @returns {Run | null}
 */
export function runOf(hash) {
  const [mark, query] = hash.replace(/^#/, "").split("?");
  if (mark !== MARK || query === undefined) return null;
  const given = Object.fromEntries(new URLSearchParams(query));
  const { changes = "", step = "0", yaw = "0", pitch = "0.28", ...options } = given;
  const made = changes.split(",").filter(Boolean).map((one) => one.split(":"));
  const [sideways, up] = [Number(yaw), Number(pitch)];
  if (!Number.isFinite(sideways) || !Number.isFinite(up)) throw new Error("yaw and pitch: expected numbers");
  return {
    options: optionsOf(options),
    changes: changesOf(made.map(([at, name, value]) => /** @type {[unknown, string, unknown]} */ ([at, name, value]))),
    step: stepOf(step),
    yaw: sideways,
    pitch: Math.max(-Math.PI / 2, Math.min(Math.PI / 2, up)),
  };
}
