// The three figures of a report, as Vega-Lite, in the look of the book's others (mindgap/charts/theme.json).

const { image: IMAGE, text: TEXT, neutral: NEUTRAL } = THEME.colours;
const TEMPERATURES = THEME.temperature.light;
const ACCENT = TEMPERATURES[3];
const CONFIG = { ...THEME.config, font: THEME.fonts.text };

const rounded = (number) => (Number.isFinite(number) ? Number(number.toPrecision(4)) : null);

// A temperature as people write it: 1/100, …, 1.
const temperatureInWords = (temperature) => (temperature > 0.9999 ? String(temperature) : `1/${Math.round(1 / temperature)}`);

function projectionSpec({ points }, names) {
  const rows = points.x.map(([x, y], pair) => ({ pair, x: rounded(x), y: rounded(y), x2: rounded(points.y[pair][0]), y2: rounded(points.y[pair][1]) }));
  const most = Math.max(...rows.flatMap((row) => [Math.abs(row.y), Math.abs(row.y2)]));
  const across = Math.min(1, Math.max(0.55, Math.ceil(20 * most + 0.2) / 20));
  const x = { field: "x", type: "quantitative", title: "along the gap", scale: { domain: [-1, 1], nice: false } };
  const y = { field: "y", type: "quantitative", title: "main axis across it", scale: { domain: [-across, across], nice: false } };
  const second = { x: { field: "x2", type: "quantitative" }, y: { field: "y2", type: "quantitative" } };
  const name = (words, at, align, color) => ({
    data: { values: [{ words }] },
    mark: { type: "text", align, color, fontSize: 13, fontWeight: "bold", limit: 150 },
    encoding: { text: { field: "words", type: "nominal" }, x: { value: at }, y: { value: -9 } },
  });
  return {
    name: "equal", width: 420, height: Math.round(420 * across), config: CONFIG,
    description: `Rows of ${names[0]} and ${names[1]} along the gap, each pair joined by a line.`,
    datasets: { points: rows }, data: { name: "points" }, usermeta: { mindgap: { numbers: "points" } },
    layer: [
      { mark: { type: "rule", color: NEUTRAL, opacity: 0.25, strokeWidth: 0.8, clip: true }, encoding: { x, y, x2: { field: "x2" }, y2: { field: "y2" } } },
      { mark: { type: "point", shape: "circle", filled: true, color: IMAGE, size: 26, opacity: 0.8, clip: true }, encoding: { x, y } },
      { mark: { type: "point", shape: "square", filled: true, color: TEXT, size: 22, opacity: 0.8, clip: true }, encoding: second },
      name(`■ ${names[1]}`, 0, "left", TEXT),
      name(`${names[0]} ●`, "width", "right", IMAGE),
    ],
  };
}

function cosinesSpec({ cosines }) {
  const kinds = { "matched pairs": cosines.matched, "all others": cosines.unmatched };
  const any = (count, bin) => count + cosines.unmatched[bin] > 0;
  const [seen, last] = [cosines.matched.findIndex(any), cosines.matched.findLastIndex(any)];
  const rows = Object.entries(kinds).flatMap(([kind, counts]) => {
    const total = counts.reduce((sum, one) => sum + one, 0);
    const from = Math.max(0, seen - 2);
    return counts.slice(from, last + 3).map((count, i) => ({ kind, cosine: rounded((cosines.edges[from + i] + cosines.edges[from + i + 1]) / 2), share: rounded(count / total) }));
  });
  const x = { field: "cosine", type: "quantitative", scale: { nice: false } };
  const y = { field: "share", type: "quantitative", title: "share of the pairs", axis: { format: "~%" } };
  const legend = { symbolType: "stroke", symbolOpacity: 1, symbolSize: 400, symbolStrokeWidth: 2.2 }; // lines, with their dashes
  const color = { field: "kind", type: "nominal", title: null, legend, scale: { domain: Object.keys(kinds), range: [ACCENT, NEUTRAL] } };
  const strokeDash = { field: "kind", type: "nominal", title: null, legend, scale: { domain: Object.keys(kinds), range: [[1, 0], [5, 3]] } };
  return {
    width: 600, height: 240, config: CONFIG, description: "Distributions of the cosines of matched pairs and of all others.",
    datasets: { cosines: rows }, data: { name: "cosines" },
    layer: [
      { mark: { type: "area", opacity: 0.18, interpolate: "step" }, encoding: { x, y: { ...y, stack: null }, color } },
      { mark: { type: "line", interpolate: "step" }, encoding: { x, y, color, strokeDash } },
    ],
  };
}

function landscapeSpec({ landscape, valleys }) {
  const here = landscape.shifts.indexOf(0);
  const loss = (s, k) => (landscape.image_to_text[s][k] + landscape.text_to_image[s][k]) / 2;
  const labels = landscape.temperatures.map(temperatureInWords);
  const curves = labels.flatMap((tau, k) => landscape.shifts.map((shift, s) => ({ tau, shift: rounded(shift), distance: landscape.distance[s] === null ? undefined : rounded(landscape.distance[s]), loss: rounded(loss(s, k)), rise: rounded(loss(s, k) - loss(here, k)) })));
  const least = valleys.map((one, k) => ({ tau: labels[k], shift: rounded(one.shift), rise: rounded(-one.depth) }));
  const x = { field: "shift", type: "quantitative", title: "shift λ: 0 as it is, ½ the means meet, 1 sides changed" };
  const y = { field: "rise", type: "quantitative", title: "loss above that at no shift, nats", scale: { nice: false } };
  const color = { field: "tau", type: "nominal", title: "temperature τ", sort: labels, scale: { domain: labels, range: TEMPERATURES } };
  return {
    width: 600, height: 300, config: CONFIG, description: "The contrastive loss along the shift, at six temperatures, with the lowest point of each.",
    datasets: { curves, least }, usermeta: { mindgap: { numbers: ["curves", "least"] } },
    layer: [
      { data: { name: "curves" }, mark: "line", encoding: { x, y, color } },
      { data: { name: "least" }, mark: { type: "point", filled: true, size: 90 }, encoding: { x, y, color } },
    ],
  };
}
