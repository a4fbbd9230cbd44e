// Predict, then reveal. A question is answered by a point on an axis, by one of several statements or by a sketch; until
// it is, the figure that it guards is veiled. Answers stay in this browser: localStorage["mindgap-predict:<name>"] is
// {"guess", "score", "time"}, see mindgap/charts/predict.py. Without a storage they last as long as the page.

(function () {
"use strict";

const KEY = "mindgap-predict:";
const SVG = "http://www.w3.org/2000/svg";
const THUMB = 26; // pixels of the point on an axis: a target for a thumb

// ---- what is remembered

const here = new Map();

const memory = {
  get(name) {
    try {
      const found = JSON.parse(localStorage.getItem(KEY + name));
      if (found && typeof found === "object") return found;
    } catch {
      // no storage, or something else's entry
    }
    return here.get(name);
  },
  set(name, answer) {
    here.set(name, answer);
    try {
      localStorage.setItem(KEY + name, JSON.stringify(answer));
    } catch {
      // it lasts as long as the page
    }
  },
  forget(name) {
    here.delete(name);
    try {
      localStorage.removeItem(KEY + name);
    } catch {
      // there was nothing to forget
    }
  },
  names() {
    const found = new Set(here.keys());
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith(KEY)) found.add(key.slice(KEY.length));
    } catch {
      // those of this page
    }
    return [...found];
  },
};

// ---- small things

function make(tag, attributes = {}, ...children) {
  const made = attributes.ns ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "ns" || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const draw = (tag, attributes, ...children) => make(tag, { ns: true, ...attributes }, ...children);

function pressable(kind, text, act) {
  return make("button", { type: "button", class: `mindgap-button mindgap-predict-${kind}`, onclick: act }, text);
}

function decimalsOf(step) {
  const text = String(step);
  return text.includes(".") ? text.length - text.indexOf(".") - 1 : 0;
}

// A number in words: never "-", never "-0.00".
function spelled(value, decimals) {
  const text = Number(value).toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

// Two significant digits of a number on a logarithmic axis; what is tiny, by its power of ten.
function rough(value) {
  const [digits, power] = value.toExponential(1).split("e").map(Number);
  if (power >= -3 && power < 6) return String(Number(value.toPrecision(2)));
  return digits === 1 ? raised(power) : `${digits} × ${raised(power)}`;
}

function raised(power) {
  return `10${String(power).replace(/./g, (one) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(one)])}`;
}

// As many decimals as tell a hundredth of a range apart.
function decimalsFor(low, high) {
  return Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(high - low) + 1e-9)));
}

// An axis: places between 0 and 1, and back.
function axis(low, high, log) {
  const [a, b] = log ? [Math.log(low), Math.log(high)] : [low, high];
  return {
    at: (value) => ((log ? Math.log(value) : value) - a) / (b - a),
    value: (place) => (log ? Math.exp(a + place * (b - a)) : a + place * (b - a)),
    ticks: (most) => (log ? logTicks(low, high, most) : niceTicks(low, high, most)),
  };
}

function niceTicks(low, high, most) {
  const rough = (high - low) / most;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * unit).find((one) => (high - low) / one <= most + 1e-9);
  const decimals = Math.max(0, ...[step].map((one) => decimalsOf(Number(one.toPrecision(6)))));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    found.push({ value: k * step, words: spelled(k * step, decimals) });
  }
  return found;
}

function logTicks(low, high, most) {
  const within = (parts) => {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const part of parts) {
        const value = Number((part * 10 ** power).toPrecision(3));
        const short = part === 1 && (power < -2 || power > 3);
        if (value >= low * 0.999 && value <= high * 1.001) found.push({ value, words: short ? raised(power) : String(value) });
      }
    }
    return found;
  };
  return [[1, 2, 5], [1, 3], [1]].map(within).find((ticks) => ticks.length <= most + 2) || within([1]);
}

// ---- a number: a point on an axis

function numberQuestion(asked, changed) {
  const { low, high, step, truth, words, log } = asked;
  const scale = axis(low, high, log);
  const decimals = decimalsOf(step);
  const say = (value) => (log ? rough(value) : spelled(value, decimals));
  const slider = make("input", {
    type: "range", class: "mindgap-predict-slider", min: log ? 0 : low, max: log ? 1 : high, step: log ? 0.005 : step,
    value: log ? 0.5 : (low + high) / 2, "aria-label": words, "aria-describedby": `${asked.name}-question`,
  });
  const value = () => Number((log ? scale.value(Number(slider.value)) : Number(slider.value)).toPrecision(6));
  const readout = make("output", { class: "mindgap-predict-readout", "aria-hidden": true }, "move the point");
  const stage = make("div", { class: "mindgap-predict-axis" });
  let touched = false;
  slider.setAttribute("aria-valuetext", "not placed yet");
  const place = () => {
    touched = true;
    slider.classList.add("is-placed");
    readout.textContent = `${words}: ${say(value())}`;
    slider.setAttribute("aria-valuetext", say(value()));
    changed();
  };
  slider.addEventListener("input", place);
  slider.addEventListener("pointerdown", () => setTimeout(place));
  slider.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && place());

  const ticks = () => {
    const rail = make("div", { class: "mindgap-predict-rail" });
    const most = Math.max(3, Math.min(8, Math.floor((stage.clientWidth || 600) / 60)));
    for (const tick of scale.ticks(most)) {
      const mark = make("span", { class: "mindgap-predict-tick" }, tick.words);
      mark.style.left = `${100 * scale.at(tick.value)}%`;
      rail.append(mark);
    }
    return rail;
  };
  const sign = (kind, at, text) => {
    const p = Math.min(1, Math.max(0, scale.at(at)));
    const mark = make("span", { class: `mindgap-predict-mark is-${kind}`, "data-at": p.toFixed(3) });
    mark.style.left = `${100 * p}%`;
    const label = make("span", { class: `mindgap-predict-label is-${kind}` }, text);
    label.style.left = `${100 * p}%`;
    label.style.transform = `translateX(${-100 * p}%)`;
    return [mark, label];
  };
  return {
    asked: (guess) => {
      const rail = ticks();
      rail.append(slider);
      touched = false;
      slider.classList.remove("is-placed");
      readout.textContent = "move the point";
      slider.value = log ? 0.5 : (low + high) / 2;
      slider.setAttribute("aria-valuetext", "not placed yet");
      stage.classList.remove("is-answered");
      stage.replaceChildren(rail);
      return [stage, readout];
    },
    resized: () => {
      const rail = stage.querySelector(".mindgap-predict-rail");
      if (!rail) return;
      rail.querySelectorAll(".mindgap-predict-tick").forEach((tick) => tick.remove());
      rail.prepend(...ticks().children);
    },
    ready: () => (touched ? "" : "Move the point first."),
    guess: value,
    score: (guess) => {
      const [g, t] = [scale.at(guess), scale.at(truth)];
      return 1 - Math.abs(g - t) / Math.max(t, 1 - t);
    },
    answered: (guess) => {
      const rail = ticks();
      stage.classList.add("is-answered");
      stage.replaceChildren(rail);
      if (guess !== null) {
        const [g, t] = [scale.at(guess), scale.at(truth)];
        const between = make("span", { class: "mindgap-predict-between" });
        between.style.left = `${100 * Math.min(g, t)}%`;
        between.style.width = `${100 * Math.abs(g - t)}%`;
        rail.append(between, ...sign("guess", guess, `your guess ${say(guess)}`));
      }
      rail.append(...sign("truth", truth, `answer ${say(truth)}`));
      return [stage];
    },
    sentence: (guess) => {
      if (guess === null) return `The ${words} is ${say(truth)}.`;
      const way = guess > truth ? "high" : "low";
      const off = Math.abs(Number(guess.toFixed(decimals)) - Number(truth.toFixed(decimals)));
      const how = log ? `too ${way} by a factor of ${rough(Math.max(guess / truth, truth / guess))}` : `${spelled(off, decimals)} too ${way}`;
      const same = say(guess) === say(truth);
      return `You said ${say(guess)}. The ${words} is ${same ? "exactly that" : `${say(truth)}: your guess was ${how}`}.`;
    },
  };
}

// ---- a choice: one of several statements

function choiceQuestion(asked, changed) {
  const { statements, right, because, name } = asked;
  const list = make("div", { class: "mindgap-predict-options", role: "radiogroup", "aria-labelledby": `${name}-question` });
  const chosen = () => list.querySelector("input:checked");
  return {
    asked: () => {
      list.replaceChildren(
        ...statements.map((words, place) =>
          make("label", {}, make("input", { type: "radio", name, value: place, onchange: changed }), make("span", {}, words)),
        ),
      );
      return [list];
    },
    ready: () => (chosen() ? "" : "Choose a statement first."),
    guess: () => Number(chosen().value),
    score: (guess) => (guess === right ? 1 : 0),
    answered: (guess) => {
      const rows = statements.map((words, place) => {
        const notes = [place === right ? "right" : "", place === guess ? "your choice" : ""].filter(Boolean).join(", ");
        const sign = place === right ? "✓" : place === guess ? "✗" : "";
        const state = [place === right && "is-right", place === guess && "is-chosen"].filter(Boolean).join(" ");
        return make("li", { class: state || undefined },
          make("span", { class: "mindgap-predict-sign", "aria-hidden": true }, sign),
          make("span", {}, words, ...(notes ? [" ", make("em", {}, `(${notes})`)] : [])),
        );
      });
      return [make("ul", { class: "mindgap-predict-verdict" }, ...rows)];
    },
    sentence: (guess) => {
      const verdict = guess === null ? `The right one is: ${statements[right]}` : guess === right ? "Your choice is right" : `Not so; the right one is: ${statements[right]}`;
      return `${verdict.replace(/[.…]$/, "")}. ${because}`;
    },
  };
}

// ---- a curve: a sketch over some points

const FRAME = { left: 52, right: 14, top: 12, bottom: 52, height: 260 };

function curveQuestion(asked, changed) {
  const { x, truth, x_title, y_title, y_range, x_labels, given, log, name } = asked;
  const across = x_labels ? axis(0, x.length - 1, false) : axis(x[0], x[x.length - 1], log.includes("x"));
  const up = axis(y_range[0], y_range[1], log.includes("y"));
  const decimals = decimalsFor(...y_range);
  const significant = (value) => (log.includes("y") ? String(Number(value.toPrecision(2))) : spelled(value, decimals));
  const called = x_labels || x.map((value) => String(value).replace("-", "−"));
  const placeOf = x.map((value, i) => across.at(x_labels ? i : value));
  let sketch = [];
  const stage = make("div", { class: "mindgap-predict-plot" });
  const sliders = make("div", { class: "mindgap-predict-points" });
  const fold = make("details", { class: "mindgap-predict-fold" }, make("summary", {}, "Set the points one by one"), sliders);
  let answer; // what stands beside the truth, once there is one
  let revealed = false;
  let box;
  let layer;

  const X = (i) => box.left + placeOf[i] * (box.right - box.left);
  const Y = (value) => box.bottom - up.at(value) * (box.bottom - box.top);
  const line = (values, kind) => {
    const path = values.map((value, i) => (value === null ? "" : `${i && values[i - 1] !== null ? "L" : "M"}${X(i).toFixed(1)},${Y(value).toFixed(1)}`)).join("");
    const points = values.map((value, i) => {
      if (value === null) return "";
      const [cx, cy] = [X(i), Y(value)];
      return kind === "truth"
        ? draw("rect", { x: cx - 4, y: cy - 4, width: 8, height: 8, class: "is-truth" })
        : draw("circle", { cx, cy, r: 5, class: `is-${kind}` });
    });
    return draw("g", {}, draw("path", { d: path, class: `is-${kind}` }), ...points.filter(Boolean));
  };

  const frame = (svg) => {
    for (const tick of up.ticks(5)) {
      const y = Y(tick.value);
      svg.append(
        draw("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "is-grid" }),
        draw("text", { x: box.left - 7, y: y + 4, "text-anchor": "end" }, tick.words),
      );
    }
    let last = -Infinity;
    const ticks = x_labels || x.length <= 8 ? x.map((_, i) => ({ at: X(i), words: called[i] })) : across.ticks(6).map((tick) => ({ at: box.left + across.at(tick.value) * (box.right - box.left), words: tick.words }));
    for (const { at, words } of ticks) {
      svg.append(draw("line", { x1: at, x2: at, y1: box.top, y2: box.bottom, class: "is-grid" }));
      const half = 4 * words.length;
      if (at - half < last + 6) continue;
      last = at + half;
      svg.append(draw("text", { x: at, y: box.bottom + 17, "text-anchor": "middle" }, words));
    }
    svg.append(
      draw("text", { x: (box.left + box.right) / 2, y: box.bottom + 40, "text-anchor": "middle", class: "is-title" }, x_title),
    );
  };

  // What is drawn so far, in a layer of its own: the paper under a finger must stay, or the finger draws no more.
  const repaint = () => {
    const drawn = sketch.map((value, i) => (i < given ? (i === given - 1 ? truth[i] : null) : value));
    const start = truth.map((value, i) => (i < given ? value : null));
    layer.replaceChildren(line(drawn, "guess"), line(start, "truth"));
  };

  const paint = () => {
    const width = Math.max(240, stage.clientWidth || 600);
    box = { left: FRAME.left, right: width - FRAME.right, top: FRAME.top, bottom: FRAME.height - FRAME.bottom };
    const svg = draw("svg", { viewBox: `0 0 ${width} ${FRAME.height}`, width, height: FRAME.height });
    frame(svg);
    let paper;
    if (revealed) {
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", `${x_title} against ${y_title}: ${answer ? "your sketch and the answer" : "the answer"}`);
      if (answer) svg.append(line(answer, "guess"));
      svg.append(line(truth, "truth"));
    } else {
      svg.setAttribute("aria-hidden", "true"); // the sliders say and do the same
      layer = draw("g", {});
      svg.append(layer);
      repaint();
// An element of HTML: a finger that draws must not scroll the page, which SVG's own cannot say.
      paper = make("div", { class: "mindgap-predict-paper", "aria-hidden": true });
      const place = { left: box.left - 20, top: box.top - 8, width: box.right - box.left + 32, height: box.bottom - box.top + 16 };
      for (const [side, pixels] of Object.entries(place)) paper.style[side] = `${pixels}px`;
      listen(paper);
    }
    const title = make("p", { class: "mindgap-predict-y" }, y_title);
    const key = revealed
      ? [make("p", { class: "mindgap-predict-key" }, ...(answer ? [make("span", { class: "is-guess" }, "your sketch")] : []), make("span", { class: "is-truth" }, "answer"))]
      : [];
    stage.replaceChildren(title, make("div", { class: "mindgap-predict-sheet" }, svg, ...(paper ? [paper] : [])), ...key);
  };

  const set = (i, value) => {
    sketch[i] = Math.min(y_range[1], Math.max(y_range[0], value));
    const slider = sliders.querySelector(`[data-point="${i}"]`);
    slider.value = 100 * up.at(sketch[i]);
    slider.setAttribute("aria-valuetext", significant(sketch[i]));
    slider.parentElement.querySelector("output").textContent = significant(sketch[i]);
  };

  // Every point that the pointer passes takes its height, also between two of its reports.
  const listen = (paper) => {
    paper.addEventListener("pointerdown", (event) => {
      if (event.button || !event.isPrimary) return;
      event.preventDefault();
      let last = null;
      const pass = (event) => {
        const frame = stage.querySelector("svg").getBoundingClientRect();
        const now = { x: event.clientX - frame.left, y: event.clientY - frame.top };
        const height = (y) => up.value(Math.min(1, Math.max(0, (box.bottom - y) / (box.bottom - box.top))));
        const nearest = placeOf.reduce((best, _, i) => (Math.abs(X(i) - now.x) < Math.abs(X(best) - now.x) ? i : best), 0);
        for (let i = given; i < x.length; i++) {
          if (last && (X(i) - last.x) * (X(i) - now.x) <= 0 && now.x !== last.x) {
            set(i, height(last.y + ((X(i) - last.x) / (now.x - last.x)) * (now.y - last.y)));
          } else if (i === nearest) set(i, height(now.y));
        }
        last = now;
        repaint();
        changed();
      };
      const end = () => {
        window.removeEventListener("pointermove", pass);
        window.removeEventListener("pointerup", end);
        window.removeEventListener("pointercancel", end);
      };
      window.addEventListener("pointermove", pass);
      window.addEventListener("pointerup", end);
      window.addEventListener("pointercancel", end);
      pass(event);
    });
  };

  const left = () => sketch.filter((value, i) => i >= given && value === null).length;
  return {
    asked: () => {
      sketch = x.map(() => null);
      revealed = false;
      answer = null;
      sliders.replaceChildren(
        ...x.slice(given).map((_, k) => {
          const i = k + given;
          const slider = make("input", {
            type: "range", min: 0, max: 100, step: 1, value: 50, "data-point": i, "aria-valuetext": "not drawn yet",
            "aria-label": `${y_title}, ${x_title} ${called[i]}`,
            oninput: () => {
              set(i, up.value(Number(slider.value) / 100));
              repaint();
              changed();
            },
          });
          return make("div", {}, make("span", { "aria-hidden": true }, called[i]), slider, make("output", { "aria-hidden": true }, "–"));
        }),
      );
      requestAnimationFrame(paint);
      return [stage, fold];
    },
    resized: () => stage.isConnected && paint(),
    ready: () => {
      const open = left();
      if (!open) return "";
      return open === x.length - given ? "Draw the curve first, from left to right." : `${open} point${open === 1 ? " is" : "s are"} still to be drawn.`;
    },
    guess: () => sketch.map((value, i) => Number((i < given ? truth[i] : value).toPrecision(3))),
    score: (guess) => {
      const own = truth.map((value, i) => [up.at(value), up.at(guess[i])]).slice(given);
      const total = (of) => own.reduce((sum, one) => sum + of(one), 0);
      return 1 - total(([t, g]) => Math.abs(t - g)) / total(([t]) => Math.max(t, 1 - t));
    },
    answered: (guess) => {
      answer = guess;
      revealed = true;
      requestAnimationFrame(paint);
      return [stage];
    },
    sentence: (guess) => {
      const [first, last] = [significant(truth[0]), significant(truth[truth.length - 1])];
      const course = `The answer goes from ${first} at ${called[0]} to ${last} at ${called[x.length - 1]}.`;
      if (guess === null) return course;
      const off = truth.map((value, i) => Math.abs(value - guess[i]));
      const own = off.slice(given);
      const far = off.indexOf(Math.max(...own));
      const mean = own.reduce((sum, one) => sum + one, 0) / own.length;
      return `On average your sketch was ${significant(mean)} off; farthest at ${x_title} ${called[far]}, where you drew ${significant(guess[far])} and it is ${significant(truth[far])}. ${course}`;
    },
  };
}

const KINDS = { number: numberQuestion, choice: choiceQuestion, curve: curveQuestion };

// ---- the veil

const questions = [];
const lifted = new Set(); // figures that an address asked for

// The outputs of the cells right below the figure's own, up to the next prose, question or figure: they say its numbers.
function below(figure) {
  const found = [];
  let cell = figure.closest(".cell")?.nextElementSibling;
  for (; cell?.matches(".cell"); cell = cell.nextElementSibling) {
    if (cell.querySelector(".mindgap-predict, figure")) break;
    found.push(...cell.querySelectorAll(":scope > .cell_output"));
  }
  return found;
}

function follow(figureId) {
  const figure = document.getElementById(figureId);
  if (!figure) return;
  const open = questions.filter((one) => one.asked.figure === figureId && !memory.get(one.asked.name));
  const veiled = open.length > 0 && !lifted.has(figureId);
  figure.classList.toggle("is-veiled", veiled);
  figure.toggleAttribute("data-guarded", veiled);
  let veil = figure.querySelector(":scope > .mindgap-veil");
  for (const child of figure.children) if (child !== veil) child.inert = veiled;
  for (const output of below(figure)) {
    output.toggleAttribute("data-follows", veiled);
    output.inert = veiled;
  }
  if (veiled && !veil) {
    const link = make("a", { href: `#${open[0].asked.name}` }, "Predict first");
    veil = make("div", { class: "mindgap-veil" }, make("p", {}, link, ", and this figure appears."));
    figure.prepend(veil);
  } else if (!veiled) veil?.remove();
}

function followAddress() {
  const id = location.hash.slice(1).split("?")[0];
  const figure = document.getElementById(decoded(id))?.closest("figure[data-guarded], figure.is-veiled");
  if (!figure) return;
  lifted.add(figure.id);
  follow(figure.id);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// ---- a question with its answer

class Question {
  constructor(root) {
    this.root = root;
    this.asked = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    this.kind = KINDS[this.asked.kind](this.asked, () => this.changed());
    this.said = make("p", { class: "mindgap-predict-said", role: "status" });
    this.body = make("div", { class: "mindgap-predict-body", role: "group", tabindex: -1, "aria-labelledby": `${this.asked.name}-question` });
    this.commit = pressable("commit", "Commit", () => this.answer());
    this.look = pressable("look", "Show me", () => this.settle(null));
    this.forget = pressable("forget", "Forget my answer", () => this.forgotten());
    root.append(this.body, this.said);
    new ResizeObserver(() => {
      const { clientWidth } = root;
      if (clientWidth && clientWidth !== this.width) this.kind.resized?.();
      this.width = clientWidth;
    }).observe(root);
  }

  changed() {
    this.commit.removeAttribute("data-waits");
    if (this.said.textContent && !this.kind.ready()) this.said.textContent = "";
  }

  show() {
    const known = memory.get(this.asked.name);
    this.root.classList.toggle("is-answered", Boolean(known));
    if (known) {
      const guess = this.fitting(known.guess);
      this.body.replaceChildren(...this.kind.answered(guess), make("div", { class: "mindgap-predict-tools" }, this.forget));
      this.said.textContent = this.kind.sentence(guess);
      this.body.before(this.said);
    } else {
      this.body.replaceChildren(...this.kind.asked(), make("div", { class: "mindgap-predict-tools" }, this.commit, this.look));
      this.said.textContent = "";
      this.body.after(this.said);
    }
    follow(this.asked.figure);
    foot();
  }

  // What another version of the book may have kept under this name.
  fitting(guess) {
    const { kind, statements, x } = this.asked;
    if (kind === "curve") return Array.isArray(guess) && guess.length === x.length ? guess : null;
    if (!Number.isFinite(guess)) return null;
    return kind === "choice" && !(guess in statements) ? null : guess;
  }

  answer() {
    const missing = this.kind.ready();
    if (missing) {
      this.said.textContent = missing;
      return;
    }
    this.settle(this.kind.guess());
  }

  settle(guess) {
    const score = guess === null ? null : Number(this.kind.score(guess).toFixed(3));
    memory.set(this.asked.name, { guess, score, time: new Date().toISOString() });
    this.show();
    this.body.focus({ preventScroll: true });
  }

  forgotten() {
    memory.forget(this.asked.name);
    lifted.delete(this.asked.figure);
    this.show();
    this.body.focus({ preventScroll: true });
  }
}

// At the end of a page with questions, once there is something to forget.
function foot() {
  const article = document.querySelector(".bd-article") || document.body;
  let line = article.querySelector(":scope > .mindgap-predict-foot");
  const kept = memory.names();
  if (!kept.length) return line?.remove();
  if (!line) {
    const all = pressable("forget-all", "Forget all my predictions", () => {
      memory.names().forEach((name) => memory.forget(name));
      lifted.clear();
      questions.forEach((one) => one.show());
    });
    line = make("div", { class: "mindgap-predict-foot" }, make("span"), all);
    article.append(line);
  }
  line.firstChild.textContent = `This browser remembers ${kept.length} prediction${kept.length === 1 ? "" : "s"} of yours in this book. `;
}

for (const root of document.querySelectorAll(".mindgap-predict")) questions.push(new Question(root));
followAddress();
questions.forEach((one) => one.show());
window.addEventListener("hashchange", followAddress);
})();
