// What stands under a figure: its sliders and menus, each with a name and with its value in words; a button that plays
// what runs; and for all of them, back to the start, a link to this very state, and the numbers.

const TURN_MS = 8000; // about what it takes to play a slider from one end to the other
const SLOWEST_FRAME_MS = 250;

function bound(stored) {
  return (stored.params || []).filter((param) => param.bind && param.bind.input);
}

function start(stored) {
  return Object.fromEntries(bound(stored).map((param) => [param.name, param.value]));
}

function about(stored) {
  return (stored.usermeta && stored.usermeta.mindgap) || {};
}

function decimals(step) {
  const text = String(step);
  return text.includes(".") ? text.length - text.indexOf(".") - 1 : 0;
}

function has(view, signal) {
  try {
    view.signal(signal);
    return true;
  } catch {
    return false;
  }
}

function button(name, text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `mindgap-button mindgap-${name}`;
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

function nameOf(param) {
  return String(param.bind.name || param.name).trim();
}

// Vega labels its inputs with a span; a screen reader wants a name on the control itself.
function dressControls(figure, stored) {
  const { mindgapView: view } = figure;
  const rows = [...figure.querySelectorAll(".vega-bind")];
  for (const param of bound(stored)) {
    const row = rows.find((one) => one.querySelector("input, select")?.name === param.name);
    if (!row) continue;
    const name = nameOf(param);
    const controls = [...row.querySelectorAll("input, select")];
    for (const control of controls) {
      const option = control.type === "radio" ? control.parentElement.textContent.trim() : "";
      control.setAttribute("aria-label", [name, option].filter(Boolean).join(": "));
    }
    if (controls.length > 1) {
      row.setAttribute("role", "radiogroup");
      row.setAttribute("aria-label", name);
    }
    if (param.bind.input === "range") dressSlider(figure, param, controls[0], stored);
    else view.addSignalListener(param.name, () => figure.dispatchEvent(new Event("mindgap-chosen")));
  }
}

function dressSlider(figure, param, control, stored) {
  const { mindgapView: view } = figure;
  control.closest(".vega-bind").classList.add("mindgap-slider");
  const own = control.parentElement.querySelector("input ~ *"); // the number that Vega writes
  if (own) own.hidden = true;
  const readout = document.createElement("output");
  readout.className = "mindgap-readout";
  readout.setAttribute("aria-hidden", "true"); // the slider itself says it
  // A caption is long or short: in a room of its own size it moves nothing else on the page.
  if (param.name === "marked" && has(view, "drawn_scenes")) readout.classList.add("mindgap-roomy");
  control.after(readout);
  // A slider without words of its own says a number.
  const ownWords = `${param.name}_words`;
  const said = has(view, ownWords) ? ownWords : param.name;
  const say = () => {
    const value = view.signal(said);
    const words = said === ownWords ? String(value) : value.toFixed(decimals(param.bind.step || 1)).replace("-", "−");
    readout.textContent = words;
    control.setAttribute("aria-valuetext", words);
  };
  view.addSignalListener(said, say);
  say();
  if ((about(stored).play || []).includes(param.name)) control.before(player(figure, param, control));
}

function player(figure, param, control) {
  const { min, max, step = 1 } = param.bind;
  const steps = Math.round((max - min) / step);
  const frame = Math.min(SLOWEST_FRAME_MS, Math.max(50, TURN_MS / steps));
  const stride = Math.max(1, Math.round(steps / (TURN_MS / frame))) * step;
  const name = nameOf(param);
  let timer = 0;
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    play.textContent = "▶";
    play.setAttribute("aria-label", `play: ${name}`);
  };
  const next = async () => {
    const { mindgapView: view } = figure;
    if (!play.isConnected) return stop();
    const at = view.signal(param.name);
    if (at >= max - step / 2) return stop();
    await view.signal(param.name, Math.min(max, Number((at + stride).toFixed(6)))).runAsync();
    if (timer) timer = setTimeout(next, frame);
  };
  const play = button("play", "▶", async () => {
    if (timer) return stop();
    timer = -1;
    play.textContent = "❚❚";
    play.setAttribute("aria-label", `pause: ${name}`);
    if (figure.mindgapView.signal(param.name) >= max - step / 2) await figure.mindgapView.signal(param.name, min).runAsync();
    if (timer === -1) timer = setTimeout(next, frame); // unless it was stopped meanwhile
  });
  control.addEventListener("input", () => timer && stop());
  figure.addEventListener("mindgap-stop", () => timer && stop(), { signal: figure.mindgapDrawing.signal });
  stop();
  return play;
}

// A globe is turned with the pointer; a finger that moves up or down still scrolls the page.
function letDrag(figure, stored) {
  const drag = about(stored).drag;
  if (!drag) return;
  const group = figure.querySelector(`g.${CSS.escape(drag.view)}_group`) || figure.querySelector("svg");
  const range = Object.fromEntries(bound(stored).map((param) => [param.name, param.bind]));
  group.classList.add("mindgap-drags");
  let from = null;
  group.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary) return;
    figure.dispatchEvent(new Event("mindgap-stop"));
    const view = figure.mindgapView;
    const across = group.getBoundingClientRect().width;
    from = { x: event.clientX, y: event.clientY, turn: view.signal(drag.x), tilt: view.signal(drag.y), across };
    figure.setPointerCapture(event.pointerId);
  });
  const { signal } = figure.mindgapDrawing;
  const around = ({ min, max }, value) => ((((value - min) % (max - min)) + (max - min)) % (max - min)) + min;
  let waiting = false;
  figure.addEventListener("pointermove", (event) => {
    if (!event.buttons) from = null;
    if (!from || waiting) return;
    waiting = true;
    const { clientX, clientY } = event;
    requestAnimationFrame(async () => {
      if (from) {
        const degrees = 180 / from.across;
        const turn = around(range[drag.x], from.turn - (clientX - from.x) * degrees);
        const tilt = from.tilt + (clientY - from.y) * degrees;
        const view = figure.mindgapView;
        await view.signal(drag.x, nearest(range[drag.x], turn)).signal(drag.y, nearest(range[drag.y], tilt)).runAsync();
      }
      waiting = false;
    });
  }, { signal });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    figure.addEventListener(end, () => (from = null), { signal });
  }
}

// "#fig-cap?cosine=0.3&dimension_step=4": where a figure is, and how it stands.
function linkTo(figure, stored) {
  const state = new URLSearchParams();
  for (const param of bound(stored)) {
    const value = figure.mindgapView.signal(param.name);
    if (value !== param.value) state.set(param.name, value);
  }
  const words = state.toString();
  return `#${figure.closest("figure")?.id || ""}${words ? "?" + words : ""}`;
}

// What an address asks of a figure; what it cannot have is left as it was.
function asked(stored, query) {
  const found = {};
  const wanted = new URLSearchParams(query);
  for (const { name, bind } of bound(stored)) {
    if (!wanted.has(name)) continue;
    const value = wanted.get(name);
    if (bind.input === "range") {
      const number = Number(value);
      if (value !== "" && Number.isFinite(number)) found[name] = nearest(bind, number);
    } else if (bind.input === "checkbox") {
      if (["true", "false"].includes(value)) found[name] = value === "true";
    } else {
      const option = (bind.options || []).find((one) => String(one) === value);
      if (option !== undefined) found[name] = option;
    }
  }
  return found;
}

// Where a slider can stand: at one of its steps, from its least value on.
function nearest({ min, max, step = 1 }, value) {
  const at = min + Math.round((Math.min(max, Math.max(min, value)) - min) / step) * step;
  return Number(Math.min(max, at).toFixed(Math.max(decimals(step), decimals(min))));
}

async function set(view, values) {
  for (const [name, value] of Object.entries(values)) view.signal(name, value);
  await view.runAsync();
}

function toolbar(figure, stored) {
  const bar = document.createElement("div");
  bar.className = "mindgap-tools";
  if (bound(stored).length) {
    const said = document.createElement("span");
    said.className = "mindgap-said";
    said.setAttribute("role", "status");
    let timer;
    bar.append(
      button("reset", "Reset", () => {
        figure.dispatchEvent(new Event("mindgap-stop"));
        const { pathname, search, hash } = location; // the state that an address asked for is no longer shown
        if (hash.includes("?")) history.replaceState(null, "", pathname + search + hash.split("?")[0]);
        return set(figure.mindgapView, start(stored));
      }),
      button("link", "Link to this view", async () => {
        const hash = linkTo(figure, stored);
        history.replaceState(null, "", hash);
        let words = "The address of this page now leads to this view.";
        try {
          await navigator.clipboard.writeText(location.href);
          words = "Copied: a link to this view.";
        } catch {
          // Pages opened from a file, and browsers that were told so, keep the clipboard to themselves.
        }
        said.textContent = words;
        clearTimeout(timer);
        timer = setTimeout(() => (said.textContent = ""), 6000);
      }),
      numbersButton(figure, stored),
      said,
    );
  } else bar.append(numbersButton(figure, stored));
  return bar;
}
