// How a figure looks on this page: the theme's light or dark colours, and no words of Vega's own for screen readers.
// THEME is theme.json, put before these files where the site is built and where an explorer's figure is made.

function isDark() {
  const { jpThemeLight, vscodeThemeKind = "" } = document.body.dataset; // JupyterLab's and Notebook's, and VS Code's
  return document.documentElement.dataset.theme === "dark" || jpThemeLight === "false" || /dark|black/.test(vscodeThemeKind);
}

function mode() {
  return isDark() ? "dark" : "light";
}

// Colours that a chart sets itself have a partner of their own in the dark.
function recoloured(spec, dark) {
  if (!dark) return structuredClone(spec);
  return JSON.parse(JSON.stringify(spec).replace(/#[0-9a-fA-F]{6}\b/g, (colour) => THEME.dark[colour.toLowerCase()] || colour));
}

// A picture drawn in the dark, in its light colours: for paper, and at once, since a printer does not wait.
function lightened(svg) {
  const back = {};
  for (const [light, dark] of Object.entries(THEME.dark)) back[dark.toLowerCase()] = light;
  for (const [name, dark] of Object.entries(THEME.ink.dark)) back[dark.toLowerCase()] = THEME.ink.light[name];
  return svg.replace(/#[0-9a-fA-F]{6}\b/g, (colour) => back[colour.toLowerCase()] || colour);
}

function merge(base, over) {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = value && typeof value === "object" && !Array.isArray(value) && base && typeof base[key] === "object";
    result[key] = both ? merge(base[key], value) : value;
  }
  return result;
}
