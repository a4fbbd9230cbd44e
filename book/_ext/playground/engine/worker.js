// The worker: it computes, draws where it can, records, and tells the page what it measures, ten times a second at most.

import { Course } from "./course.js";
import { Gif, paletteOf } from "./gif.js";
import { stepOf } from "./options.js";
import { LONG, Picture } from "./picture.js";
import { Axes, places } from "./places.js";
import { inWords } from "./words.js";

/** @typedef {import("./picture.js").Look} Look */
/** @typedef {{ yaw: number, pitch: number, turning: boolean }} View */

const BUDGET = 9; // milliseconds of steps between two pictures
const CALM = 120; // the same, of four pictures a second
const PAUSE = 100; // milliseconds between two reports
const SEEKING = 40; // milliseconds of steps between two looks at what else has come
const FRAMES = 90; // of a recording
const SIDE = 400; // its pixels
const TRAIL = 4; // frames, which are farther apart than pictures
const HUNDREDTHS = 6; // a frame of it stands so long, the last one two seconds

/**
 * @param {{ postMessage: (message: any, transfer?: Transferable[]) => void }} port
 * @param {import("./start.js").Clip} clip
 */
export function serve(port, clip) {
  /** @type {Course | undefined} */
  let course;
  /** @type {OffscreenCanvas | undefined} */
  let canvas;
  /** @type {Picture | undefined} */
  let picture;
  /** @type {Look | undefined} */
  let look;
  /** @type {View} */
  let view = { yaw: 0, pitch: 0, turning: false };
  let axes = new Axes();
  let [playing, speed, goal, turn] = [false, 1, -1, 0];
  let until = Infinity; // the step at which a run of the story has shown what there is; playing on goes beyond
  let [run, told, toldAt, looping, fresh] = [0, 0, 0, false, true];
  let calm = false;
  let frames = 0;
  let spent = 0; // milliseconds of steps
  let taken = 0;

  const later = (/** @type {(now: number) => void} */ act) =>
    typeof requestAnimationFrame === "function" && !calm ? requestAnimationFrame(act) : setTimeout(() => act(performance.now()), calm ? 250 : 16);

  const report = (/** @type {boolean} */ now) => {
    if (!course || (!now && performance.now() - toldAt < PAUSE)) return;
    toldAt = performance.now();
    const { state, changes, moments } = course;
    if (moments.length < told || fresh) told = 0;
    port.postMessage({
      kind: "news", run, fresh, from: told, moments: moments.slice(told), now: course.measure(), changes, rates: course.now, playing,
      seeking: goal > state.step, yaw: picture?.yaw, frames, spent, taken,
    });
    [told, fresh] = [moments.length, false];
  };

  const show = () => {
    if (!course) return;
    const { state, options } = course;
    if (canvas && !picture) return; // the page has no colours yet
    const seen = places(state, options.d, options.captions, axes);
    if (picture && canvas) {
      picture.push(seen, options.d, options.captions);
      picture.draw(canvas.width);
    } else port.postMessage({ kind: "places", ...seen, d: options.d, captions: options.captions }, [seen.images.buffer, seen.texts.buffer]);
    frames += 1;
  };

  const steps = (/** @type {number} */ most, /** @type {number} */ budget) => {
    if (!course) return;
    const from = performance.now();
    let count = 0;
    while (count < most && course.state.step < until && (count === 0 || performance.now() - from < budget)) {
      course.step();
      count += 1;
    }
    spent += performance.now() - from;
    taken += count;
  };

  const loop = () => {
    looping = false;
    if (!course) return;
    if (goal >= 0) {
      const until = performance.now() + SEEKING;
      while (!course.seek(goal, 1) && performance.now() < until);
      if (course.state.step >= goal) {
        goal = -1;
        picture?.forget();
        show();
        report(true);
      } else report(false);
    } else if (playing) {
      steps(speed, calm ? CALM : BUDGET);
      picture?.turn();
      show();
      const there = course.state.step >= until;
      if (there) [playing, until] = [false, Infinity];
      report(there);
    }
    again();
  };

  const again = () => {
    if (looping || !course || !(playing || goal >= 0)) return;
    looping = true;
    if (goal >= 0) setTimeout(loop);
    else later(loop);
  };

  /** @type {Record<string, (message: any) => void>} */
  const acts = {
    canvas({ canvas: given }) {
      canvas = /** @type {OffscreenCanvas} */ (given);
    },
    look(message) {
      const pen = canvas?.getContext("2d");
      if (pen && !picture) picture = Object.assign(new Picture(pen, message.look), view);
      if (picture && calm) picture.trail = 1;
      look = message.look;
      if (picture) picture.look = message.look;
      show();
    },
    size({ side }) {
      if (canvas) canvas.width = canvas.height = side;
      show();
    },
    calm(message) {
      calm = message.calm;
      if (picture) picture.trail = calm ? 1 : LONG;
    },
    view({ yaw, pitch, turning }) {
      view = { yaw, pitch, turning };
      if (picture) Object.assign(picture, view);
      if (!playing && canvas) picture?.draw(canvas.width);
    },
    begin(message) {
      const { options, changes, step, play } = message;
      until = message.until ?? Infinity;
      course = new Course(options, changes, clip);
      axes = new Axes();
      picture?.forget();
      [fresh, playing, goal] = [true, Boolean(play), step ? stepOf(step) : -1];
      [run, speed] = [message.run, message.speed];
      [frames, spent, taken] = [0, 0, 0];
      show();
      report(true);
      again();
    },
    play(message) {
      playing = message.on;
      speed = message.speed;
      report(true);
      again();
    },
    step() {
      playing = false;
      if (course && course.state.step >= until) until = Infinity;
      steps(1, 0);
      show();
      report(true);
    },
    seek({ step }) {
      playing = false;
      if (step >= until) until = Infinity;
      goal = step;
      again();
    },
    change({ name, value }) {
      if (!course) return;
      course.change(name, value);
      told = Math.max(0, told - 1); // what was measured at this step is measured anew
      show();
      report(true);
    },
    save() {
      if (!course) return;
      const { options, changes, state, moments } = course;
      port.postMessage({ kind: "saved", options, changes, moments, now: course.measure(), state: { ...state, images: Array.from(state.images), texts: Array.from(state.texts) } });
    },
    record(message) {
      if (!course || !look) return;
      void record(course, look, message).catch((error) => port.postMessage({ kind: "failed", words: `The recording failed: ${error.message}` }));
    },
    stop() {
      turn += 1;
    },
  };

  /** The run so far, from its start, at steps that are even on a logarithmic axis. @param {Course} made @param {Look} drawnIn @param {View} view */
  async function record(made, drawnIn, view) {
    const own = ++turn;
    const { step: last } = made.state;
    const replay = new Course(/** @type {any} */ (made.options), made.changes, clip);
    const { options } = replay;
    const sheet = new OffscreenCanvas(SIDE, SIDE);
    const pen = sheet.getContext("2d", { willReadFrequently: true });
    if (!pen) throw new Error("this browser draws no picture outside of a page");
    const film = new Picture(pen, drawnIn);
    Object.assign(film, { yaw: view.yaw, pitch: view.pitch, turning: view.turning, opaque: true, trail: TRAIL });
    const seenBy = new Axes();
    // The first steps are farther apart on such an axis than frames are.
    const goals = [...new Set(Array.from({ length: FRAMES }, (_, frame) => Math.round((last + 1) ** (frame / (FRAMES - 1))) - 1))];
    const count = goals.length;
    /** @type {Uint8ClampedArray[]} */
    const pictures = [];
    for (let frame = 0; frame < count; frame++) {
      while (!replay.seek(goals[frame], 64)) await breath();
      film.push(places(replay.state, options.d, options.captions, seenBy), options.d, options.captions);
      const { step, gap, recall, temperature } = replay.measure();
      film.caption = `step ${step} · τ ${inWords(temperature)} · gap ${gap.toFixed(2)} · R@1 ${recall.toFixed(2)}`;
      if (film.turning) film.yaw += 0.012;
      film.draw(SIDE);
      pictures.push(pen.getImageData(0, 0, SIDE, SIDE).data);
      port.postMessage({ kind: "recording", share: (0.5 * (frame + 1)) / count });
      await breath();
      if (turn !== own) return;
    }
    const ground = numbered(pen, drawnIn.ground);
    const colours = [drawnIn.image, drawnIn.text, drawnIn.ink].map((one) => numbered(pen, one));
    const gif = new Gif(SIDE, SIDE, paletteOf([pictures[0], pictures[count >> 1], pictures[count - 1]], ground, colours));
    for (let frame = 0; frame < count; frame++) {
      gif.frame(pictures[frame], frame === count - 1 ? 200 : HUNDREDTHS);
      port.postMessage({ kind: "recording", share: 0.5 + (0.5 * (frame + 1)) / count });
      await breath();
      if (turn !== own) return;
    }
    const bytes = gif.end();
    port.postMessage({ kind: "recorded", bytes, step: last }, [bytes.buffer]);
  }

  return (/** @type {{ kind: string }} */ message) => {
    try {
      acts[message.kind](message);
    } catch (error) {
      port.postMessage({ kind: "failed", words: error instanceof Error ? error.message : String(error) });
    }
  };
}

const breath = () => new Promise((go) => setTimeout(go));

/** A colour of CSS as 0xrrggbb. @param {OffscreenCanvasRenderingContext2D} pen @param {string} colour */
function numbered(pen, colour) {
  pen.globalAlpha = 1;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
  return (red << 16) | (green << 8) | blue;
}
