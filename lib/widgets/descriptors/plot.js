// Axes, markers and neighbours: what the explorer's picture needs and nothing of the page.

const DIGITS = (step) => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));

// An axis over `values`, linear or logarithmic, from their 0.5th to their 99.5th percentile: { low, high, log, place,
// ticks }. `place` gives 0 to 1, values beyond the ends at the ends; null where there is no value.
export function axis(values, log) {
  const usable = Array.from(values).filter((v) => Number.isFinite(v) && (!log || v > 0)).sort((a, b) => a - b);
  if (!usable.length) return { low: 0, high: 1, log: false, place: () => null, ticks: [] };
  const at = (share) => usable[Math.round(share * (usable.length - 1))];
  const to = log ? Math.log : (v) => v;
  const from = log ? Math.exp : (v) => v;
  let [a, b] = [to(at(0.005)), to(at(0.995))];
  const pad = 0.04 * (b - a) || Math.abs(a) * 0.1 || 1;
  a -= pad;
  b += pad;
  const place = (v) => (Number.isFinite(v) && (!log || v > 0) ? Math.max(0, Math.min(1, (to(v) - a) / (b - a))) : null);
  const [low, high] = [from(a), from(b)];
  return { low, high, log, place, ticks: log ? logTicks(low, high) : linearTicks(low, high) };
}

function linearTicks(low, high) {
  const rough = (high - low) / 7;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-12; k++) ticks.push(Number((k * step).toFixed(DIGITS(step))));
  return ticks;
}

function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const mantissas = decades < 3.5 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
    for (const m of mantissas) {
      const tick = Number((m * 10 ** e).toPrecision(3));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return decades > 6 ? ticks.filter((_, i) => i % 2 === 0) : ticks;
}

export function formatValue(value, unit = "") {
  if (!Number.isFinite(value)) return "none";
  if (unit === "Hz" && value >= 1000) return `${(value / 1000).toFixed(2)} kHz`;
  const size = Math.abs(value);
  const text = size !== 0 && size < 1e-3 ? scientific(value) : size >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return `${text.replace("-", "−")}${unit && !unit.startsWith("log") ? ` ${unit}` : ""}`;
}

export function formatTick(value) {
  const size = Math.abs(value);
  if (size >= 1000) return `${Number((value / 1000).toPrecision(3))}k`;
  if (size !== 0 && size < 1e-3) return scientific(value).replace(".0", "").replace(/^(−?)1 · /, "$1");
  return String(value).replace("-", "−");
}

function scientific(value) {
  const [mantissa, exponent] = value.toExponential(1).split("e");
  return `${mantissa.replace("-", "−")} · 10${[...exponent].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("")}`;
}

// Pearson's r of two lists where both have a value, logarithms taken where asked; { r, n }.
export function correlation(x, y, logX, logY) {
  const pairs = [];
  for (let i = 0; i < x.length; i++) {
    const a = logX ? Math.log(x[i]) : x[i];
    const b = logY ? Math.log(y[i]) : y[i];
    if (Number.isFinite(a) && Number.isFinite(b)) pairs.push([a, b]);
  }
  const n = pairs.length;
  if (n < 3) return { r: null, n };
  const mean = (k) => pairs.reduce((sum, p) => sum + p[k], 0) / n;
  const [ma, mb] = [mean(0), mean(1)];
  let [saa, sbb, sab] = [0, 0, 0];
  for (const [a, b] of pairs) {
    saa += (a - ma) ** 2;
    sbb += (b - mb) ** 2;
    sab += (a - ma) * (b - mb);
  }
  return { r: saa > 0 && sbb > 0 ? sab / Math.sqrt(saa * sbb) : null, n };
}

// The nearest point in a direction [dx, dy] (y down): ahead by at least as much as aside. points: [[x, y] or null, ...].
export function neighbour(points, from, [dx, dy]) {
  let best = -1;
  let least = Infinity;
  points.forEach((point, i) => {
    if (!point || i === from) return;
    const ahead = (point[0] - points[from][0]) * dx + (point[1] - points[from][1]) * dy;
    const aside = Math.abs((point[0] - points[from][0]) * dy - (point[1] - points[from][1]) * dx);
    if (ahead <= 0 || aside > ahead) return;
    const cost = ahead + 2 * aside;
    if (cost < least) [best, least] = [i, cost];
  });
  return best;
}

export function nearest(points, x, y, reach = Infinity) {
  let best = -1;
  let least = reach;
  points.forEach((point, i) => {
    if (!point) return;
    const d = Math.hypot(point[0] - x, point[1] - y);
    if (d < least) [best, least] = [i, d];
  });
  return best;
}

const POLYGONS = { s: [4, 45], D: [4, 0], d: [4, 0], "^": [3, 0], v: [3, 180], "<": [3, 270], ">": [3, 90], p: [5, 0], h: [6, 0], H: [6, 30], 8: [8, 22.5] };

// Trace the marker that matplotlib calls `kind` around (x, y); returns whether it is filled (else stroked).
export function marker(context, kind, x, y, r) {
  context.beginPath();
  if (POLYGONS[kind]) {
    const [n, turn] = POLYGONS[kind];
    const wide = kind === "d" ? 0.65 : 1;
    for (let i = 0; i < n; i++) {
      const a = ((turn + (360 * i) / n) * Math.PI) / 180;
      context.lineTo(x + 1.15 * wide * r * Math.sin(a), y - 1.15 * r * Math.cos(a));
    }
    context.closePath();
    return true;
  }
  if (kind === "*") {
    for (let i = 0; i < 10; i++) {
      const a = (Math.PI * i) / 5;
      const size = i % 2 ? 0.55 * r : 1.4 * r;
      context.lineTo(x + size * Math.sin(a), y - size * Math.cos(a));
    }
    context.closePath();
    return true;
  }
  if (kind === "P" || kind === "X" || kind.includes("times")) {
    const [c, s] = kind === "P" ? [r * 1.15, 0] : [r * 0.85, r * 0.85];
    context.moveTo(x - c, y - s);
    context.lineTo(x + c, y + s);
    context.moveTo(x + s, y - c);
    context.lineTo(x - s, y + c);
    return false;
  }
  context.arc(x, y, r, 0, 2 * Math.PI);
  return true;
}
