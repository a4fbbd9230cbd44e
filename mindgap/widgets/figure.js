// Draws the chart of a live explorer: fitted to its cell, in the notebook's light or dark colours. What the kernel sends
// comes in three parts, so that a step of a slider draws no chart anew: the specification, its data, its parameters.

function render({ model, el }) {
  const holder = Object.assign(document.createElement("div"), { className: "mindgap-view" });
  const tools = toolbar(model);
  el.classList.add("mindgap-live");
  el.append(holder, tools);
  letTap(holder);
  let view;
  let signals = new Set();
  let drawn = { width: 0, dark: null };

  async function draw() {
    keepKeys(el.closest(".jp-OutputArea-output"));
    const width = Math.min(WIDEST, el.clientWidth);
    if (!width) return;
    if (!Object.keys(model.get("spec")).length) {
      view?.finalize();
      view = undefined;
      holder.replaceChildren();
      return;
    }
    const dark = isDark();
    const stored = { ...model.get("spec"), datasets: model.get("data") };
    const spec = responsive(stored, width, dark);
    const params = model.get("params");
    for (const param of spec.params) if (param.name in params) param.value = params[param.name];
    const old = view;
    const result = await vegaEmbed(holder, spec, { renderer: "svg", actions: false, mode: "vega-lite", tooltip: showHint, patch: cheaplyPainted });
    old?.finalize();
    view = result.view;
    signals = new Set(result.vgSpec.signals.map((signal) => signal.name));
    drawn = { width, dark };
    await settleInto(holder, result, stored, width);
    const svg = holder.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", stored.description || "A chart.");
  }

  async function fill() {
    for (const [name, rows] of Object.entries(model.get("data"))) view.data(name, structuredClone(rows));
    await view.runAsync();
  }

  async function move() {
    for (const [name, value] of Object.entries(model.get("params"))) if (signals.has(name)) view.signal(name, value);
    await view.runAsync();
  }

  // Whatever comes while something is being drawn is worked off afterwards, once: the newest state is what counts.
  const wanted = new Set();
  let busy = false;
  async function want(...parts) {
    parts.forEach((part) => wanted.add(part));
    if (busy) return;
    busy = true;
    try {
      while (wanted.size) {
        await new Promise((go) => setTimeout(go));
        const now = new Set(wanted);
        wanted.clear();
        if (now.has("spec") || !view) await draw();
        else {
          if (now.has("data")) await fill();
          if (now.has("params")) await move();
        }
        el.dataset.drawings = Number(el.dataset.drawings || 0) + 1;
      }
    } catch (error) {
      holder.textContent = `The chart could not be drawn: ${error.message}`;
      view = undefined;
      console.error(error);
    } finally {
      busy = false;
    }
  }

  const parts = ["spec", "data", "params"];
  const told = Object.fromEntries(parts.map((part) => [part, () => want(part)]));
  for (const part of parts) model.on(`change:${part}`, told[part]);
  const again = () => (isDark() !== drawn.dark || Math.abs(Math.min(WIDEST, el.clientWidth) - drawn.width) > 8) && want("spec");
  const themes = new MutationObserver(again);
  for (const node of [document.body, document.documentElement]) {
    themes.observe(node, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "data-theme"] });
  }
  let timer;
  const resized = new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => el.clientWidth && again(), 150);
  });
  resized.observe(el);
  want("spec");
  return () => {
    for (const part of parts) model.off(`change:${part}`, told[part]);
    themes.disconnect();
    resized.disconnect();
    view?.finalize();
  };
}

// In a selected cell the notebook has shortcuts of its own on the keys that move a slider.
function keepKeys(output) {
  if (!output || output.dataset.mindgapKeys) return;
  output.dataset.mindgapKeys = "kept";
  output.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
}

// The lines of Python that reproduce what is shown, copied and shown: not every notebook lets its page at the clipboard.
function toolbar(model) {
  const bar = Object.assign(document.createElement("div"), { className: "mindgap-tools" });
  const copy = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy code" });
  copy.className = "jupyter-button widget-button";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const code = Object.assign(document.createElement("pre"), { hidden: true });
  copy.addEventListener("click", async () => {
    code.textContent = model.get("code");
    code.hidden = false;
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = "Copied. A cell with these lines computes what is shown:";
    } catch {
      said.textContent = "A cell with these lines computes what is shown:";
    }
  });
  const follow = () => {
    bar.hidden = !model.get("code");
    if (!code.hidden) code.textContent = model.get("code");
  };
  model.on("change:code", follow);
  follow();
  bar.append(copy, said, code);
  return bar;
}

const WIDEST = 900; // pixels: on a projector wider figures leave no room for their controls

export default { render };
