// The error against the share removed. Every round takes the same share of what is left, so the axis is the logarithm
// of what is left: rounds stand at equal distances, and its last tenth gets as much room as its first.
import * as svg from "./svg.js";

const SHARES = [0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995];
const ERRORS = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100];
const MARGIN = { left: 40, right: 14, top: 12, bottom: 48 };
const HEIGHT = 276;

// content: { curves: [{ kind, name, points: [{ x, low, y, high }] }], dots: [{ seed, run, round, x, y, chosen }],
//   ends: [{ x, y, text }], level: { y, text } | null, at: { x } | null, heard: [x], yName }
export function draw(box, content) {
  const width = Math.max(280, box.clientWidth);
  const all = content.curves.flatMap((curve) => curve.points);
  const farthest = Math.max(0.99, ...all.map((point) => point.x), ...content.dots.map((dot) => dot.x));
  const left = Math.log10(1 - Math.min(farthest, 0.9995));
  const x = (removed) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * Math.log10(1 - Math.min(removed, 0.9995))) / left;
  const chief = content.curves.filter((curve) => curve.kind !== "other").flatMap((curve) => curve.points);
  const seen = [...(chief.length ? chief : all).flatMap((point) => [point.low, point.high]), ...content.dots.map((dot) => dot.y), 1];
  if (content.level) seen.push(content.level.y);
  // Other conditions may be far off: they are cut where they leave three times the range of what is asked about.
  const top = Math.log(Math.max(1.25, ...seen));
  const low = Math.log(Math.min(0.96, ...seen));
  const others = all.map((point) => Math.log(point.high)).filter((value) => value < 3 * top);
  const high = Math.max(top, ...others) + 0.04 * (top - low);
  const floor = low - 0.06 * (high - low);
  const y = (error) => MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - (Math.log(error) - floor) / (high - floor));
  const plot = svg.s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": content.alt });
  plot.append(...axes(x, y, width, farthest, Math.exp(floor), Math.exp(high), content.yName));
  const clip = `sweep-clip-${Math.random().toString(36).slice(2)}`;
  plot.append(
    svg.s(
      "clipPath",
      { id: clip },
      svg.s("rect", { x: MARGIN.left - 8, y: MARGIN.top - 6, width: width - MARGIN.left + 8, height: HEIGHT - MARGIN.top - MARGIN.bottom + 6 }),
    ),
  );
  const body = svg.s("g", { "clip-path": `url(#${clip})` });
  plot.append(body);
  if (content.level) {
    body.append(svg.s("path", { class: "sweep-level", d: `M${x(0)},${y(content.level.y)}H${width - MARGIN.right}` }, svg.title(content.level.text)));
  }
  if (content.at) {
    const place = x(content.at.x).toFixed(1);
    body.append(svg.s("path", { class: "sweep-at", d: `M${place},${MARGIN.top - 6}V${HEIGHT - MARGIN.bottom}` }));
  }
  for (const curve of content.curves) body.append(...line(curve, x, y));
  for (const { x: place, y: error, text } of content.ends) {
    body.append(svg.cross(x(place) + 9, y(error), 4, { class: "sweep-end" }, svg.title(text)));
  }
  for (const dot of [...content.dots].sort((a, b) => a.chosen - b.chosen)) {
    const name = `${dot.run}, seed ${dot.seed}, round ${dot.round}: ${percent(dot.x)} removed, error × ${dot.y.toFixed(3)}`;
    const attributes = { class: dot.chosen ? "sweep-dot sweep-chosen" : "sweep-dot", "data-run": dot.run, "data-round": dot.round };
    body.append(svg.marker(dot.seed, x(dot.x), y(dot.y), dot.chosen ? 6.5 : 3.4, attributes, svg.title(name)));
  }
  for (const share of content.heard) {
    plot.append(svg.s("path", { class: "sweep-heard", d: "M-4,-1.6h2.2L1,-4v8L-1.8,1.6H-4z M2.6,-2.4a3,3 0 0 1 0,4.8", transform: `translate(${x(share).toFixed(1)} ${HEIGHT - MARGIN.bottom + 8})` }));
  }
  box.replaceChildren(plot);
  return { x, nearest: (clientX, places) => nearest(clientX - plot.getBoundingClientRect().left, places.map(x)) };
}

export function percent(share) {
  return `${(100 * share).toFixed(share > 0.985 && share < 1 ? 2 : 1)} %`;
}

function nearest(at, places) {
  return places.reduce((best, place, index) => (Math.abs(place - at) < Math.abs(places[best] - at) ? index : best), 0);
}

function line(curve, x, y) {
  if (!curve.points.length) return [];
  const place = (value, point) => `${x(point.x).toFixed(1)},${y(value).toFixed(1)}`;
  const path = curve.points.map((point) => place(point.y, point)).join("L");
  const parts = [];
  if (curve.kind === "chosen") {
    const back = [...curve.points].reverse().map((point) => place(point.low, point)).join("L");
    parts.push(svg.s("path", { class: "sweep-range", d: `M${curve.points.map((p) => place(p.high, p)).join("L")}L${back}z` }));
  }
  parts.push(svg.s("path", { class: `sweep-line sweep-${curve.kind}`, d: `M${path}`, "data-condition": curve.key }, svg.title(curve.name)));
  if (curve.kind === "chance" || curve.kind === "scratch") {
    for (const point of curve.points) {
      const [px, py] = [x(point.x), y(point.y)];
      const attributes = { class: `sweep-mark sweep-${curve.kind}` };
      parts.push(curve.kind === "chance" ? svg.marker(3, px, py, 2.6, attributes) : svg.cross(px, py, 2.6, attributes));
    }
  }
  return parts;
}

function axes(x, y, width, farthest, lowest, highest, yName) {
  const parts = [];
  let last = -Infinity;
  for (const share of SHARES.filter((one) => one <= farthest + 0.001)) {
    const place = x(share);
    parts.push(svg.s("path", { class: "sweep-grid", d: `M${place.toFixed(1)},${MARGIN.top}V${HEIGHT - MARGIN.bottom}` }));
    if (place - last > 26) {
      parts.push(svg.s("text", { x: place, y: HEIGHT - 22, "text-anchor": "middle" }, String(+(100 * share).toFixed(1))));
      last = place;
    }
  }
  let height = Infinity;
  const wanted = ERRORS.filter((error) => error >= lowest && error <= highest);
  for (const error of [1, ...wanted.filter((one) => one > 1)]) {
    if (height - y(error) < 20) continue;
    height = y(error);
    parts.push(...tick(error, y, width));
  }
  height = y(1);
  for (const error of wanted.filter((one) => one < 1).reverse()) {
    if (y(error) - height < 20) continue;
    height = y(error);
    parts.push(...tick(error, y, width));
  }
  parts.push(svg.s("text", { x: width - MARGIN.right, y: HEIGHT - 6, "text-anchor": "end", class: "sweep-axis" }, "% of weights removed"));
  parts.push(svg.s("text", { x: MARGIN.left + 6, y: MARGIN.top + 6, class: "sweep-axis" }, yName));
  return parts;
}

function tick(error, y, width) {
  const place = y(error);
  const at = `M${MARGIN.left},${place.toFixed(1)}H${width - MARGIN.right}`;
  return [
    svg.s("path", { class: error === 1 ? "sweep-grid sweep-one" : "sweep-grid", d: at }),
    svg.s("text", { x: MARGIN.left - 5, y: place + 3.5, "text-anchor": "end" }, `×${error}`),
  ];
}
