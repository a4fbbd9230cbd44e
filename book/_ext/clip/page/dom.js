// Elements, and pictures in them. What a reader wrote is put in as text, never as HTML.

import { coverOf, paint, SIDE } from "../worker/drawing.js";
import { captionOf, compose, SHAPES } from "../worker/scenes.js";

/** @type {WeakMap<object, ImageData>} a scene is never changed in place, so that it need be painted once only */
const PAINTED = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} made
 * @param {Record<string, unknown>} attributes
 * @param {(Node | string)[]} children
 */
function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [attributes] those that begin with "on" are what happens then
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  filled(made, attributes, children);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function makeSvg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  filled(made, attributes, children);
  return made;
}

/**
 * Pixels of a scene, into a canvas of SIDE × SIDE.
 * @param {HTMLCanvasElement} canvas
 * @param {readonly import("../worker/scenes.js").Thing[]} scene
 */
export function show(canvas, scene) {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const known = PAINTED.get(scene);
  if (known) return pen.putImageData(known, 0, 0);
  const [picture, plane] = [paint(compose(scene)), SIDE * SIDE];
  const image = pen.createImageData(SIDE, SIDE);
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = Math.round(255 * picture[channel * plane + i]);
    image.data[4 * i + 3] = 255;
  }
  PAINTED.set(scene, image);
  pen.putImageData(image, 0, 0);
}

/**
 * @param {readonly import("../worker/scenes.js").Thing[]} scene
 * @param {string} [label]
 * @returns {HTMLCanvasElement}
 */
export function thumbnail(scene, label) {
  const canvas = make("canvas", { width: SIDE, height: SIDE, ...(label ? { role: "img", "aria-label": `${label}: ${captionOf(scene)}` } : { "aria-hidden": "true" }) });
  show(canvas, scene);
  return canvas;
}

/**
 * A shape in the colour of the text around it.
 * @param {string} shape
 * @returns {HTMLElement}
 */
export function icon(shape) {
  const size = 48;
  const canvas = make("canvas", { width: size, height: size });
  const pen = canvas.getContext("2d");
  const made = make("span", { class: "mindgap-clip-icon", "aria-hidden": "true" });
  if (!pen) return made;
  const image = pen.createImageData(size, size);
  coverOf(SHAPES.indexOf(shape), size).forEach((cover, i) => (image.data[4 * i + 3] = Math.round(255 * cover)));
  pen.putImageData(image, 0, 0);
  const mask = `url(${canvas.toDataURL()}) center / contain no-repeat`;
  made.style.mask = mask;
  return made;
}
