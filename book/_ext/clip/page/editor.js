// Where the reader draws: four scenes to choose from, nine places in a scene, what an object is, and its caption.

import { captionOf, COLOURS, MOST_OBJECTS, paintOf, PLACES, SHAPES, SIZES } from "../worker/scenes.js";
import { inWords, isKnown, VOCABULARY, wordsOf, wrongWith } from "../worker/words.js";
import { icon, make, show, thumbnail } from "./dom.js";
import { changed, chosen, described, isFull, pressed, removed, returned, surprised, turnedTo, written } from "./state.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("../worker/scenes.js").Thing} Thing */

const STEPS = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 });

/**
 * Radio buttons that look like what they choose.
 * @param {string} legend
 * @param {string} name
 * @param {readonly string[]} options
 * @param {(option: string) => Node[]} look
 * @param {(option: string) => void} choose
 */
export function choice(legend, name, options, look, choose) {
  const inputs = options.map((value) => make("input", { type: "radio", name: `mindgap-clip-${name}`, value, onchange: () => choose(value) }));
  const labels = inputs.map((input, i) => make("label", { title: options[i] }, input, ...look(options[i])));
  const element = make("fieldset", { class: `mindgap-clip-choice is-${name}` }, make("legend", {}, legend), make("div", {}, ...labels));
  return { element, choose: (/** @type {string} */ value) => inputs.forEach((one) => (one.checked = one.value === value)) };
}

/** @param {string} colour */
function swatch(colour) {
  const made = make("span", { class: "mindgap-clip-swatch", "aria-hidden": "true" });
  made.style.background = `rgb(${paintOf(colour).map((one) => Math.round(255 * one)).join(" ")})`;
  return made;
}

/**
 * @param {(change: (state: State) => State) => void} act
 */
export function editor(act) {
  const hidden = (/** @type {string} */ words) => make("span", { class: "mindgap-clip-unseen" }, words);
  const tabs = choice("Scene", "scene", ["1", "2", "3", "4"], (one) => [make("span", { class: "mindgap-clip-tab" }), hidden(`Scene ${one}`)], (one) => act((state) => turnedTo(state, Number(one) - 1)));
  const sheets = [...tabs.element.querySelectorAll(".mindgap-clip-tab")];

  const canvas = make("canvas", { width: 32, height: 32, "aria-hidden": "true" });
  const places = PLACES.map((place, i) =>
    make("button", {
      type: "button", "data-place": place,
      onclick: () => act((state) => pressed(state, place)),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const to = i + (STEPS[event.key] || 0);
        const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
        if (event.key in STEPS) {
          event.preventDefault();
          if (places[to] && (!sideways || Math.floor(to / 3) === Math.floor(i / 3))) places[to].focus();
        } else if (event.key === "Delete" || event.key === "Backspace") {
          event.preventDefault();
          act((state) => (state.scenes[state.at].some((one) => one.place === place) ? removed({ ...state, place }) : state));
        }
      },
      onfocus: () => places.forEach((one) => (one.tabIndex = one === places[i] ? 0 : -1)),
    }),
  );
  const stage = make("div", { class: "mindgap-clip-stage", role: "toolbar", "aria-label": "The scene: nine places. Arrow keys go from place to place, Enter draws or chooses, Delete takes away." }, canvas, ...places);

  const pickers = {
    shape: choice("Shape", "shape", SHAPES, (one) => [icon(one), hidden(one)], (one) => act((state) => changed(state, "shape", one))),
    colour: choice("Colour", "colour", COLOURS, (one) => [swatch(one), hidden(one)], (one) => act((state) => changed(state, "colour", one))),
    size: choice("Size", "size", SIZES, (one) => [make("span", {}, one)], (one) => act((state) => changed(state, "size", one))),
  };
  const place = make("select", { onchange: () => act((state) => changed(state, "place", place.value)) }, ...PLACES.map((one) => make("option", { value: one }, one)));
  const remove = make("button", { type: "button", class: "mindgap-button", onclick: () => act(removed) }, "Take it away");
  const surprise = make("button", { type: "button", class: "mindgap-button", onclick: () => act((state) => surprised(state, Math.random)) }, "Surprise me");
  const back = make("button", { type: "button", class: "mindgap-button", onclick: () => {
    surprise.focus(); // this button goes away with what it brings back
    act(returned);
  } }, "Back to mine");
  const count = make("p", { class: "mindgap-clip-note" });

  const caption = make("textarea", { id: "mindgap-clip-caption", rows: 2, maxlength: 400, spellcheck: "false", autocomplete: "off", "aria-describedby": "mindgap-clip-read", oninput: () => act((state) => written(state, caption.value)) });
  const read = make("p", { class: "mindgap-clip-read", id: "mindgap-clip-read" });
  const again = make("button", { type: "button", class: "mindgap-button", onclick: () => act(described) }, "Say exactly what it shows");
  const words = make("button", { type: "button", class: "mindgap-button", onclick: () => {
    again.focus();
    act((state) => written(state, state.words[state.at] ?? state.captions[state.at]));
  } }, "Back to my words");
  const known = make("details", {}, make("summary", {}, "The words it knows"), make("p", { class: "mindgap-clip-words" }, ...VOCABULARY.filter((word) => !word.startsWith("<")).map((word) =>
    make("button", { type: "button", onclick: () => act((state) => written(state, `${state.captions[state.at].trimEnd()} ${word}`.trimStart())) }, word))));

  const element = make("div", { class: "mindgap-clip-editor" },
    tabs.element,
    make("div", { class: "mindgap-clip-draw" }, stage,
      make("div", { class: "mindgap-clip-pickers" }, pickers.shape.element, pickers.colour.element,
        make("div", { class: "mindgap-clip-line" }, pickers.size.element, make("label", { class: "mindgap-clip-place" }, "Place ", place)),
        make("div", { class: "mindgap-clip-line" }, remove, surprise, back), count)),
    make("div", { class: "mindgap-clip-caption" }, make("label", { for: "mindgap-clip-caption" }, "Its caption"), caption, read, make("div", { class: "mindgap-clip-line" }, again, words, known)),
  );
  places[0].tabIndex = 0;
  places.slice(1).forEach((one) => (one.tabIndex = -1));

  /**
   * @param {string} words
   * @param {Thing[]} scene
   */
  function readAs(words, scene) {
    const wrong = wrongWith(words);
    const parts = wordsOf(words).flatMap((word) => [isKnown(word) ? make("span", {}, word) : make("mark", { title: "the model reads it as <unknown>" }, word), " "]);
    const unknown = [...new Set(wordsOf(words).filter((word) => !isKnown(word)))];
    const note = unknown.length ? ` It knows no ${unknown.map((word) => `“${word}”`).join(", ")}: ${unknown.length > 1 ? "each" : "that"} is just “unknown” to it.` : "";
    read.replaceChildren(...(wrong ? [make("strong", {}, wrong)] : ["It reads: ", ...parts, inWords(words) === inWords(captionOf(scene)) ? "– exactly what is drawn." : "– your own words.", note]));
  }

  /** @param {State} state */
  function render(state) {
    const [scene, now] = [state.scenes[state.at], chosen(state)];
    tabs.choose(String(state.at + 1));
    sheets.forEach((sheet, i) => sheet.replaceChildren(thumbnail(state.scenes[i])));
    show(canvas, scene);
    places.forEach((one, i) => {
      const thing = scene.find((other) => other.place === PLACES[i]);
      const full = !thing && isFull(state);
      one.setAttribute("aria-label", thing ? captionOf([thing]) : `${PLACES[i]}: ${full ? `empty, and ${MOST_OBJECTS} objects are the most` : "empty, draw here"}`);
      one.setAttribute("aria-pressed", String(Boolean(thing) && PLACES[i] === now.place));
      one.setAttribute("aria-disabled", String(full));
      one.className = thing ? "is-taken" : "is-empty";
    });
    pickers.shape.choose(now.shape);
    pickers.colour.choose(now.colour);
    pickers.size.choose(now.size);
    [...place.options].forEach((one) => (one.disabled = one.value !== now.place && scene.some((other) => other.place === one.value)));
    place.value = now.place;
    // Not disabled, which would take the focus from whoever has just pressed it.
    remove.setAttribute("aria-disabled", String(scene.length < 2));
    back.hidden = !state.before[state.at];
    count.textContent = isFull(state) ? "Three objects are the most it has seen. Press one to change it." : "Press an empty place to draw another object, or an object to change it.";
    if (caption.value !== state.captions[state.at]) caption.value = state.captions[state.at];
    again.setAttribute("aria-disabled", String(state.follows[state.at]));
    words.hidden = !state.follows[state.at] || state.words[state.at] === null;
    readAs(state.captions[state.at], scene);
  }

  return { element, render };
}
