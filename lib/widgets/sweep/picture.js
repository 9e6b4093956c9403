// The network getting thin: one bar per group of units, as tall as it has units left, in the outline of what it had.
import * as svg from "./svg.js";

const HEIGHT = 236;
const LABEL = 26;
const SHOWN_MS = 420;

// Returns show(widths, still): the picture moves from the widths it shows to the given ones, unless `still`.
export function make(box, reducedMotion) {
  let current = null; // the widths on the page, also half way between two rounds
  let model = null;
  let frame = 0;

  function paint(widths) {
    current = widths;
    const { groups, picture } = model;
    const width = Math.max(240, box.clientWidth);
    const { columns } = picture;
    const rows = 1 + Math.max(...picture.nodes.map(([, , row]) => row));
    const cell = { width: width / columns, height: HEIGHT / rows };
    const widest = Array.from({ length: rows }, (_, row) => Math.max(1, ...picture.nodes.filter((n) => n[2] === row).map(([g]) => groups[g])));
    const unit = Math.min(...widest.map((most) => (cell.height - LABEL) / most));
    const place = Object.fromEntries(
      picture.nodes.map(([group, column, row, span]) => {
        const bar = span > 1 ? span * cell.width - 0.3 * cell.width : Math.min(0.62 * cell.width, 30);
        const middle = { x: (column + span / 2) * cell.width, y: (row + 0.5) * cell.height - LABEL / 2 + 4 };
        return [group, { left: middle.x - bar / 2, right: middle.x + bar / 2, bar, ...middle, whole: (groups[group] * unit) / 2, half: (widths[group] * unit) / 2 }];
      }),
    );
    const drawing = svg.s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": describe(widths) });
    for (const [from, to] of picture.edges) {
      const [a, b] = [place[from], place[to]];
      if (!a || !b) continue;
      const middle = (a.right + b.left) / 2;
      const curve = (sign) => `C${middle},${a.y + sign * a.half} ${middle},${b.y + sign * b.half} ${b.left},${b.y + sign * b.half}`;
      const back = `C${middle},${b.y + b.half} ${middle},${a.y + a.half} ${a.right},${a.y + a.half}`;
      drawing.append(svg.s("path", { class: "sweep-edge", d: `M${a.right},${a.y - a.half}${curve(-1)}V${b.y + b.half}${back}z` }));
    }
    for (const [group, at] of Object.entries(place)) {
      const box = { x: at.left, width: at.bar, rx: 3 };
      const text = `${group} ${Math.round(widths[group])}`;
      drawing.append(
        svg.s("rect", { class: "sweep-ghost", ...box, y: at.y - at.whole, height: 2 * at.whole }),
        svg.s("rect", { class: "sweep-bar", ...box, y: at.y - at.half, height: Math.max(1.5, 2 * at.half), "data-group": group, "data-units": Math.round(widths[group]) }, svg.title(`${group}: ${Math.round(widths[group])} of ${groups[group]} units`)),
        svg.s("text", { x: at.x, y: at.y + at.whole + 11, "text-anchor": "middle" }, at.bar > 60 || cell.width > 46 ? text : svg.s("tspan", {}, group)),
      );
      if (at.bar <= 60 && cell.width <= 46) {
        drawing.append(svg.s("text", { x: at.x, y: at.y + at.whole + 21, "text-anchor": "middle", class: "sweep-axis" }, String(Math.round(widths[group]))));
      }
    }
    for (const [text, column, row] of picture.texts) {
      const [at, anchor] = { left: [0, "start"], right: [width, "end"] }[column] ?? [(column + 0.5) * cell.width, "middle"];
      const y = (row + 0.5) * cell.height - LABEL / 2 + 8;
      drawing.append(svg.s("text", { x: at, y, class: "sweep-axis", "text-anchor": anchor }, text));
    }
    box.replaceChildren(drawing);
  }

  function describe(widths) {
    const gone = Object.entries(model.groups).map(([group, whole]) => `${group} ${Math.round(widths[group])} of ${whole}`);
    return `Units left in each group: ${gone.join(", ")}.`;
  }

  function show(next, widths, still = false) {
    cancelAnimationFrame(frame);
    const from = model === next && current ? current : widths;
    model = next;
    if (still || reducedMotion() || from === widths) return paint(widths);
    const began = performance.now();
    const step = (now) => {
      const part = Math.min(1, (now - began) / SHOWN_MS);
      const eased = 1 - (1 - part) ** 3;
      paint(Object.fromEntries(Object.keys(widths).map((group) => [group, from[group] + (widths[group] - from[group]) * eased])));
      if (part < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  }

  return { show, describe, stop: () => cancelAnimationFrame(frame) };
}
