// The picture: a circle, a sphere that can be turned, or a disc seen along the gap, on a canvas wherever it is.

/** @typedef {import("./places.js").Places} Places */
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Pen */

/**
 * @typedef {object} Look
 * @property {string} image
 * @property {string} text
 * @property {string} ink
 * @property {string} line
 * @property {string} ground
 * @property {string} font
 */

export const LONG = 14; // places of each point that are remembered, one a picture
const SQUARE = 1.08; // half of a square's side, in radii: a caption is a frame, and an image that lies on it stands in it
const DISC = 0.8; // of an image
const ROOM = 0.9; // of half of the canvas, for the radius
const TURN = 0.0022; // radians a picture, while it turns by itself

export class Picture {
  /** @param {Pen} pen @param {Look} look */
  constructor(pen, look) {
    this.pen = pen;
    this.look = look;
    this.yaw = 0;
    this.pitch = 0.28;
    this.turning = true;
    this.trail = LONG;
    this.opaque = false;
    this.caption = "";
    this.pixel = 0.01; // of the canvas, in radii
    this.d = 3;
    this.captions = 1;
    /** @type {Places[]} the newest last */
    this.past = [];
  }

  forget() {
    this.past = [];
  }

  /** The next places of the points. @param {Places} places @param {number} d @param {number} captions */
  push(places, d, captions) {
    if (d !== this.d || captions !== this.captions || this.past[0]?.images.length !== places.images.length) this.forget();
    this.d = d;
    this.captions = captions;
    this.past.push(places);
    while (this.past.length > this.trail) this.past.shift();
  }

  /** @param {number} side pixels of the canvas */
  draw(side) {
    const { pen, look, past } = this;
    const places = past[past.length - 1];
    const radius = (ROOM * side) / 2;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, side, side);
    if (this.opaque) {
      pen.fillStyle = look.ground;
      pen.fillRect(0, 0, side, side);
    }
    pen.setTransform(radius, 0, 0, -radius, side / 2, side / 2);
    this.pixel = 1 / radius;
    pen.lineCap = "round";
    this.ball();
    if (places) {
      const [images, texts] = [this.turned(places.images), this.turned(places.texts)];
      this.pairs(images, texts);
      if (past.length > 2) this.trails();
      const size = this.pixel * Math.max(3.4, 6 - images.length / 230) * Math.max(0.8, side / 520);
      for (const near of [false, true]) {
        this.dots(images, look.image, near, size, false);
        this.dots(texts, look.text, near, size, true);
      }
      this.gap(images, texts, side);
    }
    pen.setTransform(1, 0, 0, 1, 0, 0);
    if (this.caption) this.write(side);
  }

  /** Points as the reader sees them now. @param {Float32Array} points */
  turned(points) {
    if (this.d !== 3) return points;
    const [c, s] = [Math.cos(this.yaw), Math.sin(this.yaw)];
    const [u, v] = [Math.cos(this.pitch), Math.sin(this.pitch)];
    const found = new Float32Array(points.length);
    for (let k = 0; k < points.length; k += 3) {
      const x = c * points[k] + s * points[k + 2];
      const z = c * points[k + 2] - s * points[k];
      found[k] = x;
      found[k + 1] = u * points[k + 1] - v * z;
      found[k + 2] = v * points[k + 1] + u * z;
    }
    return found;
  }

  ball() {
    const { pen, look, pixel } = this;
    if (this.d === 3) {
      const light = pen.createRadialGradient(-0.35, 0.4, 0.1, 0, 0, 1);
      light.addColorStop(0, look.line);
      light.addColorStop(1, look.ink);
      pen.globalAlpha = 0.09;
      pen.fillStyle = light;
      disc(pen, 1);
      pen.fill();
      pen.strokeStyle = look.line;
      pen.lineWidth = pixel;
      for (const near of [false, true]) {
        pen.globalAlpha = near ? 0.42 : 0.16;
        pen.beginPath();
        for (const line of graticule()) this.half(this.turned(line), near);
        pen.stroke();
      }
    }
    pen.globalAlpha = 0.75;
    pen.strokeStyle = look.line;
    pen.lineWidth = 1.3 * pixel;
    disc(pen, 1);
    if (this.d > 3) pen.setLineDash([4 * pixel, 4 * pixel]);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  /** The part of a line that is on the near or on the far side. @param {Float32Array} line @param {boolean} near */
  half(line, near) {
    let on = false;
    for (let k = 0; k < line.length; k += 3) {
      const seen = line[k + 2] >= 0 === near;
      if (seen && on) this.pen.lineTo(line[k], line[k + 1]);
      else if (seen) this.pen.moveTo(line[k], line[k + 1]);
      on = seen;
    }
  }

  /** @param {Float32Array} images @param {Float32Array} texts */
  pairs(images, texts) {
    const { pen, look } = this;
    const n = images.length / 3;
    pen.strokeStyle = look.line;
    pen.lineWidth = this.pixel;
    pen.globalAlpha = n > 100 ? 0.3 : 0.45;
    pen.beginPath();
    for (let i = 0; i < n; i++) {
      const j = 3 * Math.floor(i / this.captions);
      pen.moveTo(images[3 * i], images[3 * i + 1]);
      pen.lineTo(texts[j], texts[j + 1]);
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  // Where each point has just been: the older half fainter. One remembered place makes none.
  trails() {
    const { pen, look, past } = this;
    const half = past.length >> 1;
    pen.lineWidth = 1.6 * this.pixel;
    for (const side of /** @type {("images" | "texts")[]} */ (["images", "texts"])) {
      pen.strokeStyle = side === "images" ? look.image : look.text;
      const seen = past.map((one) => this.turned(one[side]));
      for (const [from, to, alpha] of [[0, half, 0.14], [half, seen.length - 1, 0.34]]) {
        pen.globalAlpha = alpha;
        pen.beginPath();
        for (let k = 0; k < seen[0].length; k += 3) {
          const [a, b] = [seen[from], seen[to]];
          if (Math.abs(a[k] - b[k]) + Math.abs(a[k + 1] - b[k + 1]) < this.pixel) continue;
          pen.moveTo(a[k], a[k + 1]);
          for (let t = from + 1; t <= to; t++) pen.lineTo(seen[t][k], seen[t][k + 1]);
        }
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  /** All points of one side that are near, or far, as one path. @param {Float32Array} points @param {string} colour @param {boolean} near @param {number} size @param {boolean} square */
  dots(points, colour, near, size, square) {
    const { pen, look } = this;
    pen.beginPath();
    for (let k = 0; k < points.length; k += 3) {
      if (points[k + 2] >= 0 !== near) continue;
      const r = size * (this.d === 3 ? 0.86 + 0.22 * points[k + 2] : 1);
      const [x, y] = [points[k], points[k + 1]];
      if (square) pen.rect(x - SQUARE * r, y - SQUARE * r, 2 * SQUARE * r, 2 * SQUARE * r);
      else {
        pen.moveTo(x + DISC * r, y);
        pen.arc(x, y, DISC * r, 0, 2 * Math.PI);
      }
    }
    pen.globalAlpha = near ? 0.95 : 0.38;
    if (square) {
      pen.strokeStyle = colour;
      pen.lineWidth = 0.42 * size;
      pen.stroke();
      pen.globalAlpha = 1;
      return;
    }
    if (near) {
      // Below all of them, so that none is cut by its neighbour's edge.
      pen.strokeStyle = look.ground;
      pen.lineWidth = 2 * this.pixel;
      pen.stroke();
    }
    pen.fillStyle = colour;
    pen.fill();
    pen.globalAlpha = 1;
  }

  /** The two means and the gap between them. @param {Float32Array} images @param {Float32Array} texts @param {number} side */
  gap(images, texts, side) {
    const { pen, look } = this;
    const n = images.length / 3;
    const [a, b] = [mean(images, n, 1), mean(texts, n, this.captions)];
    const r = this.pixel * 0.013 * Math.max(side, 420);
    pen.strokeStyle = look.ink;
    pen.lineWidth = 2.6 * this.pixel;
    pen.beginPath();
    pen.moveTo(b[0], b[1]);
    pen.lineTo(a[0], a[1]);
    pen.stroke();
    for (const [[x, y], colour, square] of /** @type {[number[], string, boolean][]} */ ([[b, look.text, true], [a, look.image, false]])) {
      pen.beginPath();
      if (square) pen.rect(x - SQUARE * r, y - SQUARE * r, 2 * SQUARE * r, 2 * SQUARE * r);
      else pen.arc(x, y, DISC * r, 0, 2 * Math.PI);
      pen.fillStyle = look.ground;
      pen.fill();
      pen.strokeStyle = colour;
      pen.lineWidth = 2.6 * this.pixel;
      pen.stroke();
    }
  }

  /** @param {number} side */
  write(side) {
    const { pen, look } = this;
    pen.fillStyle = look.ink;
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    pen.font = `${Math.round(side / 30)}px ${look.font}`;
    pen.fillText(this.caption, side / 2, side - side / 90);
  }

  turn() {
    if (this.turning && this.d === 3) this.yaw += TURN;
  }
}

/** @param {Pen} pen @param {number} radius */
function disc(pen, radius) {
  pen.beginPath();
  pen.arc(0, 0, radius, 0, 2 * Math.PI);
}

/** @param {Float32Array} points @param {number} n @param {number} captions */
function mean(points, n, captions) {
  const found = [0, 0];
  for (let i = 0; i < n; i++) {
    const k = 3 * Math.floor(i / captions);
    found[0] += points[k] / n;
    found[1] += points[k + 1] / n;
  }
  return found;
}

/** @type {Float32Array[]} */
let lines = [];

/** Circles of latitude and longitude, every 30 degrees. @returns {Float32Array[]} */
function graticule() {
  if (lines.length) return lines;
  const around = Array.from({ length: 73 }, (_, i) => (i * Math.PI) / 36);
  const line = (/** @type {(t: number) => number[]} */ at) => Float32Array.from(around.flatMap(at));
  for (const degrees of [-60, -30, 0, 30, 60]) {
    const [r, y] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    lines.push(line((t) => [r * Math.cos(t), y, r * Math.sin(t)]));
  }
  for (let degrees = 0; degrees < 180; degrees += 30) {
    const [x, z] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    lines.push(line((t) => [x * Math.cos(t), Math.sin(t), z * Math.cos(t)]));
  }
  return lines;
}
