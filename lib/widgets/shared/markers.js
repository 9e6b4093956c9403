// The instruments' markers, by matplotlib's letters, as paths on a canvas.

const polygon = (corners, turn = 0, ratio = 1) => (context, x, y, r) => {
  for (let i = 0; i < corners; i++) {
    const angle = turn + (2 * Math.PI * i) / corners;
    context[i ? "lineTo" : "moveTo"](x + r * ratio * Math.sin(angle), y - r * Math.cos(angle));
  }
  context.closePath();
};

const cross = (turn) => (context, x, y, r) => {
  const [w, l] = [0.36 * r, 1.05 * r];
  const corners = [[-w, -l], [w, -l], [w, -w], [l, -w], [l, w], [w, w], [w, l], [-w, l], [-w, w], [-l, w], [-l, -w], [-w, -w]];
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  corners.forEach(([a, b], i) => context[i ? "lineTo" : "moveTo"](x + a * c - b * s, y + a * s + b * c));
  context.closePath();
};

const star = (context, x, y, r) => {
  for (let i = 0; i < 10; i++) {
    const [angle, radius] = [(Math.PI * i) / 5, i % 2 ? 0.5 * r : 1.2 * r];
    context[i ? "lineTo" : "moveTo"](x + radius * Math.sin(angle), y - radius * Math.cos(angle));
  }
  context.closePath();
};

const SHAPES = {
  o: (context, x, y, r) => {
    context.moveTo(x + r, y);
    context.arc(x, y, r, 0, 2 * Math.PI);
  },
  s: polygon(4, Math.PI / 4),
  D: polygon(4),
  d: polygon(4, 0, 0.6),
  "^": polygon(3),
  v: polygon(3, Math.PI),
  "<": polygon(3, -Math.PI / 2),
  ">": polygon(3, Math.PI / 2),
  p: polygon(5),
  h: polygon(6),
  H: polygon(6, Math.PI / 6),
  8: polygon(8, Math.PI / 8),
  P: cross(0),
  X: cross(Math.PI / 4),
  "$\\times$": cross(Math.PI / 4),
  "*": star,
};

// Add the outline of a marker to the context's path; fill or stroke it afterwards.
export function trace(context, marker, x, y, r) {
  (SHAPES[marker] ?? SHAPES.o)(context, x, y, r);
}

// The marker as a small picture beside a label: an <svg> string with a path that takes the text's colour.
export function svg(marker, size = 14) {
  const steps = [];
  const pen = {
    moveTo: (x, y) => steps.push(`M${x.toFixed(2)} ${y.toFixed(2)}`),
    lineTo: (x, y) => steps.push(`L${x.toFixed(2)} ${y.toFixed(2)}`),
    arc: (x, y, r) => steps.push(`A${r} ${r} 0 1 1 ${x - r} ${y}A${r} ${r} 0 1 1 ${x + r} ${y}`),
    closePath: () => steps.push("Z"),
  };
  trace(pen, marker, 8, 8, 6);
  return `<svg viewBox="0 0 16 16" width="${size}" height="${size}" aria-hidden="true"><path fill="currentColor" d="${steps.join("")}"/></svg>`;
}
