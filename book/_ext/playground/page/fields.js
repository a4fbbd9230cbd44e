// The controls: those of the start begin another run, the others take hold at once.

import { LIVE } from "../engine/options.js";
import { inWords } from "../engine/words.js";
import { make } from "./elements.js";

/** @typedef {import("../engine/options.js").Options} Options */

/**
 * @typedef {object} Field
 * @property {keyof Options} name
 * @property {string} words
 * @property {[string | number, string][]} [choices]
 * @property {[number, number, number]} [range] least, most and step of a slider
 * @property {[number, number]} [log] ends of a slider that is logarithmic
 * @property {(value: number) => string} [say]
 * @property {(options: Options) => boolean} [when] where it means something
 */

const degrees = (/** @type {number} */ value) => `${value}°`;
const percent = (/** @type {number} */ value) => `${Math.round(100 * value)} %`;
const inCones = (/** @type {Options} */ { start }) => start === "cones" || start === "opposite";

/** @type {Field} */
export const TEMPERATURE = { name: "temperature", words: "temperature", log: [1 / 200, 1], say: inWords };

/** @type {[string, Field[]][]} */
const GROUPS = [
  ["Start", [
    { name: "start", words: "where they begin", choices: [["cones", "two cones"], ["opposite", "two cones, opposite"], ["mixed", "mixed"], ["clip", "CLIP’s first axes"]] },
    { name: "angle", words: "between the cones", range: [0, 180, 5], say: degrees, when: ({ start }) => start === "cones" },
    { name: "image_width", words: "width, images", range: [5, 180, 5], say: degrees, when: inCones },
    { name: "text_width", words: "width, captions", range: [5, 180, 5], say: degrees, when: inCones },
    { name: "d", words: "dimensions", choices: [[2, "2, a circle"], [3, "3, a sphere"], [8, "8, seen along the gap"], [32, "32, seen along the gap"]] },
    { name: "n", words: "pairs", range: [4, 200, 4] },
    { name: "seed", words: "seed", range: [0, 99, 1] },
  ]],
  ["Pairs", [
    { name: "captions", words: "images with one caption", range: [1, 10, 1] },
    { name: "redrawn", words: "partners redrawn each step", range: [0, 1, 0.05], say: percent },
    { name: "batch", words: "batch size", range: [0, 200, 4], say: (value) => (value ? String(value) : "all") },
  ]],
  ["Loss", [
    { name: "loss", words: "loss", choices: [["softmax", "softmax, CLIP’s"], ["sigmoid", "sigmoid, SigLIP’s"]] },
    { name: "bias", words: "bias", range: [-20, 5, 0.5], when: ({ loss }) => loss === "sigmoid" },
    { name: "schedule", words: "temperature is", choices: [["fixed", "fixed"], ["learned", "learned, 1/100 at the least"], ["annealed", "annealed"]] },
    { name: "cool_to", words: "anneal to", log: [1 / 200, 1], say: inWords, when: ({ schedule }) => schedule === "annealed" },
    { name: "cool_steps", words: "in steps", range: [100, 5000, 100], when: ({ schedule }) => schedule === "annealed" },
    { name: "rate", words: "learning rate", log: [1e-3, 1], say: (value) => String(Number(value.toPrecision(2))) },
  ]],
];

const MOVING = 300; // milliseconds in which a slider stays where a key has put it, whatever the run says

export class Fields {
  /** @param {HTMLElement} tool @param {(name: keyof Options, value: string | number, live: boolean) => void} changed */
  constructor(tool, changed) {
    this.changed = changed;
    /** @type {Options | undefined} */
    this.shown = undefined;
    /** @type {{ field: Field, input: HTMLInputElement | HTMLSelectElement, output: HTMLElement | null, row: HTMLElement, held: boolean, moved: number }[]} */
    this.rows = [];
    const holder = /** @type {HTMLElement} */ (tool.querySelector(".mindgap-play-fields"));
    for (const [title, fields] of GROUPS) {
      holder.append(make("fieldset", {}, make("legend", {}, title), ...fields.map((field) => this.row(field))));
    }
    const heat = /** @type {HTMLElement} */ (tool.querySelector(".mindgap-play-heat"));
    const input = /** @type {HTMLInputElement} */ (heat.querySelector("input"));
    this.listen({ field: TEMPERATURE, input, output: heat.querySelector("output"), row: heat, held: false, moved: -MOVING });
  }

  /** @param {Field} field */
  row(field) {
    const id = `mindgap-play-${field.name}`;
    const output = field.choices ? null : make("output", { for: id });
    const input = field.choices
      ? make("select", { id }, ...field.choices.map(([value, words]) => make("option", { value }, words)))
      : make("input", { id, type: "range", min: field.log ? 0 : field.range?.[0], max: field.log ? 1000 : field.range?.[1], step: field.log ? 1 : field.range?.[2] });
    const row = make("div", { class: "mindgap-play-field" }, make("label", { for: id }, field.words, ...(output ? [" ", output] : [])), input);
    this.listen({ field, input, output, row, held: false, moved: -MOVING });
    return row;
  }

  /** @param {Fields["rows"][number]} row */
  listen(row) {
    this.rows.push(row);
    const { field, input } = row;
    const live = LIVE.includes(field.name);
    input.addEventListener("pointerdown", () => (row.held = true));
    for (const kind of ["pointerup", "pointercancel", "blur"]) input.addEventListener(kind, () => (row.held = false));
    // A start is not made anew at every place that a slider passes.
    input.addEventListener("input", () => {
      this.shown = undefined;
      row.moved = performance.now();
      this.say(row, this.read(row));
      if (live) this.changed(field.name, this.read(row), true);
    });
    if (!live) input.addEventListener("change", () => this.changed(field.name, this.read(row), false));
  }

  /** @param {Fields["rows"][number]} row @returns {string | number} */
  read({ field, input }) {
    if (field.choices) return field.choices[/** @type {HTMLSelectElement} */ (input).selectedIndex][0];
    if (!field.log) return Number(input.value);
    const [low, high] = field.log.map(Math.log);
    return Number(Math.exp(low + (Number(input.value) / 1000) * (high - low)).toPrecision(4));
  }

  /** @param {Fields["rows"][number]} row @param {string | number} value */
  say({ field, input, output }, value) {
    const words = field.say ? field.say(Number(value)) : String(value);
    if (output) output.textContent = words;
    if (field.log || field.say) input.setAttribute("aria-valuetext", words);
  }

  /** @param {Options} options as they hold now @param {boolean} [another] run has begun: no slider is of the last one */
  show(options, another = false) {
    const before = another ? undefined : this.shown;
    this.shown = { ...options };
    for (const row of this.rows) {
      const { field, input } = row;
      const value = options[field.name];
      // Ten times a second nothing but a learned temperature has changed.
      if (before && before[field.name] === value && !field.when) continue;
      row.row.hidden = field.when ? !field.when(options) : false;
      if (!another && (row.held || performance.now() - row.moved < MOVING)) continue; // somebody is moving it
      this.say(row, value);
      if (field.log) {
        const [low, high] = field.log.map(Math.log);
        input.value = String(Math.round((1000 * (Math.log(Number(value)) - low)) / (high - low)));
      } else input.value = String(value);
    }
  }
}
