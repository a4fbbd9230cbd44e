// What the worker says in words: why a file is not read, and numbers as people and as Python write them.

// A file that is not used, and why, in a sentence for whoever chose it.
class Refused extends Error {}

function refuse(words) {
  throw new Refused(words);
}

function whole(number) {
  return number.toLocaleString("en");
}

function shapeInWords(shape) {
  return shape.length ? shape.map(whole).join(" × ") : "a single number";
}

function bytesInWords(bytes) {
  return bytes < 1e6 ? `${whole(bytes)} bytes` : `${whole(Math.round(bytes / 1e5) / 10)} MB`;
}

// Python's formats .3f, .1% and .4g, so that a check says the same here as in the shell.
function fixed(value, decimals) {
  return value.toFixed(decimals);
}

function percent(share, decimals = 1) {
  return `${(100 * share).toFixed(decimals)}%`;
}

function general(value, digits = 4) {
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (Number(power) >= -4 && Number(power) < digits) return short(value.toFixed(digits - 1 - Number(power)));
  return `${short(mantissa)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}
