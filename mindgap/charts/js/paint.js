// What makes a step of a slider cheap to paint: a browser gives each mark with an opacity a layer of its own to lay on
// the others, and hundreds of them cost more than all else. Where a mark is either filled or outlined, the opacity of
// its fill or its stroke looks the same and costs nothing.

const PAINTED = ["symbol", "rule", "rect", "line", "area"];

function cheaplyPainted(vega) {
  for (const mark of vega.marks || []) {
    if (mark.type === "group") cheaplyPainted(mark);
    else if (PAINTED.includes(mark.type)) Object.values(mark.encode || {}).forEach((set) => ofWhatIsPainted(set, mark.encode));
  }
  return vega;
}

function ofWhatIsPainted(set, encode) {
  const [fill, stroke] = ["fill", "stroke"].map((kind) => Object.values(encode).some((one) => kind in one && !isClear(one[kind])));
  const own = fill ? "fillOpacity" : "strokeOpacity";
  if (fill === stroke || !("opacity" in set) || Object.values(encode).some((one) => own in one)) return;
  set[own] = set.opacity;
  delete set.opacity;
}

function isClear({ value }) {
  return value === "transparent" || value === null;
}
