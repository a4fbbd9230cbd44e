// The page's side: what the reader does goes to the worker, what the worker measures is shown.

import { DEFAULTS, optionsOf } from "../engine/options.js";
import { LONG, Picture } from "../engine/picture.js";
import { inWords } from "../engine/words.js";
import { addressOf, runOf } from "./address.js";
import { Curves } from "./curves.js";
import { save } from "./elements.js";
import { Fields } from "./fields.js";

/** @typedef {import("../engine/options.js").Options} Options */
/** @typedef {{ options: Record<string, unknown>, changes: [number, string, number][], steps: number }} Preset */

const LARGEST = 1400; // pixels of the picture
const BETWEEN = 80; // milliseconds between two changes
const REST = 300; // milliseconds in which nothing more has happened, until the address says where the run is
const LASTING = 6000; // milliseconds for which a milestone is said while the run goes on
const FRAMES = { moving: 600, calm: 48 }; // pictures of a run of the story: ten seconds of sixty, or twelve of four

/** @param {string} code of the worker @param {Record<string, Preset>} presets those of the story */
export function begin(code, presets) {
  const tool = /** @type {HTMLElement} */ (document.querySelector(".mindgap-play"));
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (tool.querySelector(name));
  const act = (/** @type {string} */ name) => /** @type {HTMLButtonElement} */ (part(`[data-act="${name}"]`));
  const canvas = /** @type {HTMLCanvasElement} */ (part("canvas"));
  const progress = /** @type {HTMLProgressElement} */ (part("[data-progress]"));
  const [said, time, speed, turning] = [part(".mindgap-play-said"), /** @type {HTMLInputElement} */ (part("[data-time]")), /** @type {HTMLSelectElement} */ (part("[data-speed]")), /** @type {HTMLInputElement} */ (part("[data-turning]"))];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const curves = new Curves(part(".mindgap-play-curves"));
  const view = { yaw: 0, pitch: 0.28, turning: !calm.matches };
  const away = typeof canvas.transferControlToOffscreen === "function";
  /** @type {Options} */
  let options = { ...DEFAULTS };
  /** @type {[number, string, number][]} */
  let changes = [];
  let playing = false;
  let farthest = 0;
  /** @type {any} what was measured last */
  let now;
  /** @type {Picture | undefined} */
  let own;
  let labelled = 0;
  let run = 0; // runs begun: what still comes of an earlier one is not of this one
  let crossed = { found: false, closed: false };
  let recording = false;

  // A slider that is drawn along while the run goes on would make a change at every step, and a link as long as that: so
  // changes wait a little for later ones of their name. Whatever else is asked of the worker comes after them.
  /** @type {Map<string, string | number>} */
  const waiting = new Map();
  const change = () => {
    for (const [name, value] of waiting) worker.postMessage({ kind: "change", name, value });
    waiting.clear();
  };
  const send = (/** @type {string} */ kind, /** @type {object} */ more = {}, /** @type {Transferable[]} */ transfer = []) => {
    change();
    worker.postMessage({ kind, ...more }, transfer);
  };
  const say = (/** @type {string} */ words, wrong = false) => {
    said.textContent = words;
    said.classList.toggle("is-wrong", wrong);
  };

  const look = () => {
    const style = getComputedStyle(tool);
    const of = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    return { image: of("--mindgap-image"), text: of("--mindgap-text"), ink: of("--pst-color-text-base"), line: of("--play-line"), ground: of("--pst-color-background"), font: style.fontFamily };
  };

  // What the reader has set in the course of the run: another start keeps it, as its sliders say.
  const made = () => {
    const step = now?.step ?? farthest;
    const found = Object.fromEntries([...changes.filter((one) => one[0] <= step).map((one) => one.slice(1)), ...waiting]);
    waiting.clear();
    return found;
  };

  const fields = new Fields(tool, (name, value, live) => {
    if (!live) return start({ ...options, ...made(), [name]: value }, [], playing);
    if (!waiting.size) setTimeout(change, BETWEEN);
    waiting.set(name, value);
  });

  /** @param {Record<string, unknown>} given @param {[number, string, number][]} made @param {boolean} play @param {number} [step] @param {number} [until] where it stops by itself, once */
  function start(given, made, play, step = 0, until = Infinity) {
    clearTimeout(due);
    options = optionsOf(given);
    changes = made;
    playing = play;
    farthest = step;
    now = undefined;
    crossed = { found: false, closed: false };
    curves.begin(true);
    say("");
    fields.show(options, true);
    tool.dataset.dimensions = String(options.d);
    part(".mindgap-play-hint").hidden = options.d !== 3;
    run += 1;
    send("begin", { run, options, changes, step, play, until, speed: Number(speed.value) });
    buttons();
  }

  function buttons() {
    act("play").textContent = playing ? "Pause" : "Play";
    tool.classList.toggle("is-playing", playing);
  }

  const summary = () => {
    if (!now) return "";
    const shape = options.d === 2 ? "the circle" : options.d === 3 ? "the sphere" : `the sphere of ${options.d} dimensions`;
    return `Step ${now.step.toLocaleString("en")}, τ = ${inWords(now.temperature)}: ${options.n} pairs on ${shape}. The gap is ${now.gap.toFixed(2)}, the mean distance of a pair ${now.pair_distance.toFixed(2)}; ${Math.round(100 * now.recall)} % find their own partner; the loss is ${now.loss.toFixed(2)}.`;
  };

  function hear(/** @type {any} */ message) {
    if (message.kind === "places") {
      own?.push({ images: message.images, texts: message.texts }, message.d, message.captions);
      if (playing) own?.turn();
      own?.draw(canvas.width);
    } else if (message.kind === "news") {
      if (message.run === run) tell(message);
    } else if (message.kind === "failed") {
      recorded();
      say(message.words, true);
    } else if (message.kind === "recording") {
      if (recording) progress.value = message.share;
    } else if (message.kind === "recorded") {
      save(`playground-${message.step}.gif`, new Blob([message.bytes], { type: "image/gif" }));
      recorded();
      say(`Saved: the run up to step ${message.step.toLocaleString("en")} as a GIF of ${(message.bytes.length / 1e6).toFixed(1)} MB. Its time is logarithmic, as in the curves.`);
    } else if (message.kind === "saved") {
      const { options, changes, now, moments, state } = message;
      save(`playground-${state.step}.json`, new Blob([JSON.stringify({ options, changes, now, moments, state })], { type: "application/json" }));
    }
  }

  function tell(/** @type {any} */ message) {
    const [before, made] = [now, changes.length];
    [now, changes] = [message.now, message.changes];
    curves.add(message.from, message.moments, options.n);
    curves.show(now);
    farthest = Math.max(farthest, now.step);
    part("[data-step]").textContent = now.step.toLocaleString("en");
    if (document.activeElement !== time || playing) time.value = String(Math.round((1000 * Math.log1p(now.step)) / Math.log1p(Math.max(1, farthest))));
    time.setAttribute("aria-valuetext", `step ${now.step}`);
    fields.show({ ...message.rates, temperature: now.temperature, bias: now.bias });
    if (message.yaw !== undefined && !held) view.yaw = message.yaw;
    tool.dataset.step = String(now.step);
    tool.dataset.frames = String(message.frames);
    tool.dataset.taken = String(message.taken);
    tool.dataset.spent = String(message.spent);
    tool.toggleAttribute("data-seeking", message.seeking);
    // Not ten times a second: whoever has it read aloud is told it from its beginning each time.
    if (!playing || performance.now() - labelled > 2000) {
      labelled = performance.now();
      canvas.setAttribute("aria-label", `Images and captions: ${summary()}`);
    }
    if (message.playing !== playing && !message.fresh) {
      playing = message.playing;
      buttons();
    }
    // While it runs, only what one would call out to somebody who does not look.
    if (playing && before) {
      const milestone = now.recall >= 0.9 && !crossed.found ? "found" : now.gap < 0.05 && !crossed.closed ? "closed" : "";
      if (milestone) {
        crossed[/** @type {"found" | "closed"} */ (milestone)] = true;
        const words = `${milestone === "found" ? "Nine of ten find their partner." : "The gap has closed."} ${summary()}`;
        say(words);
        setTimeout(() => playing && said.textContent === words && say(""), LASTING);
      }
    } else if (!playing && !message.seeking && !message.fresh) say(summary());
    if (message.seeking) clearTimeout(due);
    else if (message.fresh ? run > 1 : !playing || changes.length !== made) remember();
  }

  function play(/** @type {boolean} */ on) {
    playing = on;
    buttons();
    send("play", { on, speed: Number(speed.value) });
    if (on) say("");
  }

  const address = () => addressOf({ options, changes, step: now?.step || 0, yaw: options.d === 3 ? view.yaw : 0, pitch: options.d === 3 ? view.pitch : undefined });
  // A browser allows some hundred a minute. What was asked for by another address in the meantime is not overwritten.
  let due = 0;
  const remembered = () => history.replaceState(null, "", address());
  function remember() {
    clearTimeout(due);
    due = setTimeout(remembered, REST);
  }

  /** What an address asks for; false if it is of something else, or of what cannot be. @param {string} hash */
  function follow(hash) {
    clearTimeout(due);
    try {
      const wanted = runOf(hash);
      if (!wanted) return false;
      Object.assign(view, { yaw: wanted.yaw, pitch: wanted.pitch, turning: false });
      turning.checked = false;
      turned();
      start(/** @type {any} */ (wanted.options), wanted.changes, false, wanted.step);
      return true;
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      if (!run) start(DEFAULTS, [], false);
      say(`This link cannot be opened: ${message.replace(/^(\w+): expected /, "$1 must be ")}.`, true);
      return false;
    }
  }

  // ---- turning

  let held = false;
  function turned() {
    send("view", view);
    if (own) {
      Object.assign(own, view);
      own.draw(canvas.width);
    }
  }
  const by = (/** @type {number} */ sideways, /** @type {number} */ up) => {
    view.yaw += sideways;
    view.pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, view.pitch + up));
    view.turning = turning.checked = false;
    turned();
    if (!playing) remember();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (options.d !== 3 || event.button) return;
    held = true;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held) by((2.2 * event.movementX) / canvas.clientWidth, (2.2 * event.movementY) / canvas.clientWidth);
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => (held = false));
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (way && options.d === 3) by(way[0], way[1]);
    else if (event.key === " ") play(!playing);
    else return;
    event.preventDefault();
  });
  turning.addEventListener("change", () => {
    view.turning = turning.checked;
    turned();
  });

  // ---- buttons

  act("play").addEventListener("click", () => play(!playing));
  act("step").addEventListener("click", () => {
    playing = false;
    buttons();
    send("step");
  });
  act("rewind").addEventListener("click", () => {
    playing = false;
    buttons();
    send("seek", { step: 0 });
  });
  act("seed").addEventListener("click", () => start({ ...options, seed: (options.seed + 1) % 100 }, changes, playing));
  act("forget").addEventListener("click", () => {
    curves.forget();
    say("Earlier runs are forgotten.");
  });
  act("save").addEventListener("click", () => send("save"));
  act("record").addEventListener("click", () => {
    if (recording) {
      send("stop");
      recorded();
      return say("The recording is stopped; nothing is saved.");
    }
    recording = true;
    progress.value = 0;
    progress.hidden = false;
    act("record").textContent = "Stop recording";
    say("Recording the run from its start.");
    send("record", view);
  });
  function recorded() {
    recording = false;
    progress.hidden = true;
    act("record").textContent = "Save the run as a GIF";
  }
  act("link").addEventListener("click", async () => {
    remembered();
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link is copied. It holds the start, every change, and the step.");
    } catch {
      const field = /** @type {HTMLInputElement} */ (part(".mindgap-play-link input"));
      part(".mindgap-play-link").hidden = false;
      field.value = location.href;
      field.select();
      say("Here is the link. It holds the start, every change, and the step.");
    }
  });
  speed.addEventListener("change", () => send("play", { on: playing, speed: Number(speed.value) }));
  time.addEventListener("input", () => {
    playing = false;
    buttons();
    send("seek", { step: Math.round(Math.expm1((Number(time.value) / 1000) * Math.log1p(Math.max(1, farthest)))) });
  });

  // ---- the story: its steps take the playground to where they stand

  const home = /** @type {HTMLElement} */ (document.querySelector(".mindgap-play-slot.is-home"));
  const back = home.querySelector(".mindgap-play-home");
  const story = part(".mindgap-play-story");
  const go = (/** @type {HTMLElement} */ slot, /** @type {string} */ title) => {
    slot.append(tool);
    story.textContent = title;
    story.hidden = !title;
    if (back instanceof HTMLElement) back.hidden = slot === home;
    tool.focus({ preventScroll: true });
    tool.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block: "start" });
  };
  back?.querySelector("button")?.addEventListener("click", () => go(home, ""));
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-play]"))) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const { options: given, changes: made, steps } = presets[button.dataset.play || ""];
      speed.value = paced(steps);
      go(/** @type {HTMLElement} */ (button.parentElement), (button.textContent || "").replace(/^.*?: /, ""));
      start(given, made, !calm.matches, 0, steps);
      if (calm.matches) say(`Press Play: it stops at step ${steps.toLocaleString("en")}.`);
    });
  }

  /** Steps a frame with which so many steps take some ten seconds. @param {number} steps */
  function paced(steps) {
    const wanted = Math.log(steps / (calm.matches ? FRAMES.calm : FRAMES.moving));
    const off = (/** @type {HTMLOptionElement} */ one) => Math.abs(Math.log(Number(one.value)) - wanted);
    return [...speed.options].reduce((best, one) => (off(one) < off(best) ? one : best)).value;
  }

  // ---- size, theme, motion

  const resized = () => {
    const side = Math.min(LARGEST, Math.round(canvas.clientWidth * Math.min(2, devicePixelRatio || 1)));
    if (!side) return;
    if (away) send("size", { side });
    else {
      canvas.width = canvas.height = side;
      own?.draw(side);
    }
  };
  // The theme gives a page its colours by a script of its own, which may come later.
  const themed = () => {
    const found = look();
    if (Object.values(found).some((one) => !one)) return;
    send("look", { look: found });
    if (away) return;
    own ||= Object.assign(new Picture(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), found), view, { trail: calm.matches ? 1 : LONG });
    own.look = found;
    own.draw(canvas.width);
  };
  const calmed = () => {
    send("calm", { calm: calm.matches });
    if (own) own.trail = calm.matches ? 1 : LONG;
  };

  worker.onmessage = ({ data }) => hear(data);
  worker.onerror = (event) => say(`This should not have happened: ${event.message}. Please report it, with this link: ${address()}`, true);
  tool.classList.add("is-ready");
  turning.checked = view.turning;
  if (away) {
    const other = canvas.transferControlToOffscreen();
    send("canvas", { canvas: other }, [other]);
  } else act("record").hidden = true;
  calmed();
  turned();
  resized();
  themed();
  new ResizeObserver(resized).observe(canvas);
  new MutationObserver(themed).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  calm.addEventListener("change", calmed);
  addEventListener("hashchange", (event) => follow(new URL(event.newURL).hash));
  document.addEventListener("visibilitychange", () => document.hidden && playing && play(false));
  if (!follow(location.hash) && !run) start(DEFAULTS, [], false);
}
