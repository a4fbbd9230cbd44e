// The small CLIP in the page: the reader draws and writes, a worker embeds, maps and table show. What the page opens with
// was computed before; the models are fetched from beside the page when somebody first comes near to changing anything.

import { choice, editor } from "./editor.js";
import { make } from "./dom.js";
import { map } from "./maps.js";
import { matrix } from "./matrix.js";
import { spelled, trainedAt, verdict } from "./said.js";
import { opened } from "./state.js";

/** @typedef {import("../worker/answers.js").Answer} Answer */
/** @typedef {{scenes: import("../worker/scenes.js").Thing[][], captions: string[], models: Record<string, import("./maps.js").Opened>}} Start */
/** @typedef {{kind: "loaded", name: string} | {kind: "answers", number: number, answers: Record<string, Answer>}} Heard */

/**
 * @param {Start} start what the page opens with
 * @param {string} code the worker's
 * @param {Record<string, string>} scripts the files with the models, which lie beside this script
 */
export function begin(start, code, scripts) {
  const holder = document.querySelector(".mindgap-clip");
  const here = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  if (!holder) return;
  const names = Object.keys(start.models);
  let state = opened(start.scenes);
  /** @type {Record<string, Answer>} */
  let answers = Object.fromEntries(names.map((name) => [name, start.models[name].start]));
  /** @type {Worker | undefined} */
  let worker;
  let waiting = names.length; // for so many models
  let [asked, answered] = [0, 0];
  let due = false; // a question, once the one before is answered

  const drawing = editor((change) => {
    const before = state;
    state = change(state);
    drawing.render(state);
    if (state.scenes === before.scenes && state.captions === before.captions) {
      showAnswers(); // another of the four scenes, say, of which all is known
      if (state.at !== before.at) tell();
      return;
    }
    fetchModels();
    due = true;
    ask();
  });
  const maps = names.map((name) => map(name, start.models[name], start.captions));
  const sideBySide = make("div", { class: "mindgap-clip-maps" }, ...maps.map((one) => one.element));
  // Where there is room for one map only, the reader chooses which.
  const which = choice("The map of the model trained at", "map", names, (name) => [make("span", {}, `τ = ${trainedAt(name)}`)], (name) => only(name));
  const table = matrix(names);
  const note = make("p", { class: "mindgap-clip-work", hidden: true });
  const heard = make("p", { class: "mindgap-clip-unseen", role: "status" });

  /** @param {string} name */
  function only(name) {
    maps.forEach((other, i) => other.element.classList.toggle("is-chosen", names[i] === name));
    which.choose(name);
  }

  function showAnswers() {
    maps.forEach((one, i) => one.render(answers[names[i]], state.at));
    table.render(answers, state);
  }

  function tell() {
    const said = names.map((name) => {
      const pair = answers[name].pairs[state.at];
      return pair ? `Trained at ${trainedAt(name)}: cosine ${spelled(pair.own)} with its picture. ${verdict(pair)}` : `Trained at ${trainedAt(name)}: the caption cannot be read.`;
    });
    heard.textContent = `Scene ${state.at + 1}. ${said.join(" ")}`;
  }

  /** @param {string} words */
  function say(words) {
    note.textContent = words;
    note.hidden = !words;
  }

  function ask() {
    if (!worker || waiting || !due || asked > answered) return;
    due = false;
    asked += 1;
    worker.postMessage({ kind: "ask", number: asked, scenes: state.scenes, captions: state.captions });
  }

  /** @param {Heard} message */
  function hear(message) {
    if (message.kind === "loaded") {
      waiting -= 1;
      if (!waiting) say("");
    } else {
      answered = message.number;
      // Only the newest state is shown: an older one would have the points run to where nobody sent them.
      if (!due) {
        answers = message.answers;
        showAnswers();
        tell();
        holder?.setAttribute("data-answered", String(answered));
      }
    }
    ask();
  }

  function fetchModels() {
    if (worker) return;
    const own = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    worker = own;
    own.onmessage = ({ data }) => hear(data);
    own.onerror = (event) => say(`This should not have happened: ${event.message}. Please report it, with your caption.`);
    say("Fetching both models from beside this page …");
    for (const name of names) {
      // A script, since a page that was opened from a file may read no other kind.
      const element = make("script", { src: here.replace(/[^/]*$/, scripts[name]) });
      element.onload = () => {
        const found = /** @type {any} */ (window).mindgapClip;
        own.postMessage({ kind: "model", name, captions: start.captions, ...found[name] });
        delete found[name];
      };
      element.onerror = () => say("The models are not beside this page, so that only its first four scenes can be shown.");
      document.head.append(element);
    }
  }

  holder.append(drawing.element, note, which.element, sideBySide, table.element, heard);
  only(names[0]);
  drawing.render(state);
  showAnswers();
  ["pointerenter", "focusin", "touchstart"].forEach((kind) => holder.addEventListener(kind, fetchModels, { once: true, passive: true }));
  holder.classList.add("is-ready");
}
