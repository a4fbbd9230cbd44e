// How numbers are said.

/** A temperature as people write it. @param {number} temperature */
export function inWords(temperature) {
  if (temperature >= 0.95) return temperature.toFixed(2).replace(/\.?0+$/, "");
  const inverse = 1 / temperature;
  return `1/${inverse < 9.95 ? inverse.toFixed(1).replace(/\.0$/, "") : Math.round(inverse)}`;
}
