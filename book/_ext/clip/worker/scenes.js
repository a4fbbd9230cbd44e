// What a scene is, what its caption says, and where its objects lie: mindgap.scenes in the words of the page.

/** @typedef {{size: string, colour: string, shape: string, place: string}} Thing one object, in a caption's words */
/** @typedef {{shape: number, right: number, down: number, radius: number, paint: number[]}} Drawn one object, in units of the picture's side */
/** @typedef {{ground: number, objects: Drawn[]}} Layout everything a drawing needs */

export const SHAPES = ["circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart"];
export const COLOURS = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"];
export const SIZES = ["small", "large"];
export const PLACES = ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"];
export const MOST_OBJECTS = 3;

// Hue in degrees, saturation, value: mindgap.scenes._HSV.
const HSV = [[0, 0.85, 0.9], [30, 0.95, 1], [54, 0.9, 0.95], [125, 0.75, 0.65], [183, 0.8, 0.8], [225, 0.8, 0.85], [275, 0.65, 0.65], [330, 0.5, 1]];
const CENTRES = [0.19, 0.5, 0.81];
const RADII = [0.11, 0.16]; // in the middle of what a drawn scene may have
const GROUND = 0.725;

/**
 * Red, green and blue of a colour: each channel is the same trapezium of the hue, a third of a turn apart.
 * @param {string} colour
 * @returns {number[]}
 */
export function paintOf(colour) {
  const [hue, saturation, value] = HSV[COLOURS.indexOf(colour)];
  return [5, 3, 1].map((third) => {
    const turned = (third + hue / 60) % 6;
    return value * (1 - saturation * Math.min(1, Math.max(0, Math.min(turned, 4 - turned))));
  });
}

/**
 * Objects in reading order of their places, which is the order of captions and of drawing.
 * @param {readonly Thing[]} things
 * @returns {Thing[]}
 */
export function inOrder(things) {
  return [...things].sort((a, b) => PLACES.indexOf(a.place) - PLACES.indexOf(b.place));
}

/**
 * The layout of a chosen scene, nothing of it random: mindgap.scenes.compose.
 * @param {readonly Thing[]} things
 * @returns {Layout}
 */
export function compose(things) {
  const objects = inOrder(things).map(({ size, colour, shape, place }) => {
    const cell = PLACES.indexOf(place);
    return { shape: SHAPES.indexOf(shape), right: CENTRES[cell % 3], down: CENTRES[Math.floor(cell / 3)], radius: RADII[SIZES.indexOf(size)], paint: paintOf(colour) };
  });
  return { ground: GROUND, objects };
}

/**
 * What a scene shows, all four attributes of each object: mindgap.scenes.caption.
 * @param {readonly Thing[]} things
 * @returns {string}
 */
export function captionOf(things) {
  return inOrder(things)
    .map(({ size, colour, shape, place }) => `a ${size} ${colour} ${shape} ${place === "left" || place === "right" ? "on" : "at"} the ${place}`)
    .join(" and ");
}
