// Elements of SVG, as `dom.h` makes those of HTML.

export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function title(text) {
  return s("title", {}, text);
}

// The marker of a seed: shapes differ, so that no colour is needed.
const SHAPES = [
  (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
  (r) => `M${-0.9 * r},${-0.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}z`,
  (r) => `M0,${-1.15 * r}L${1.1 * r},${0.85 * r}H${-1.1 * r}z`,
  (r) => `M0,${-1.25 * r}L${1.25 * r},0L0,${1.25 * r}L${-1.25 * r},0z`,
];

export function marker(index, x, y, r, attributes = {}, ...children) {
  const d = SHAPES[index % SHAPES.length](r);
  return s("path", { d, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, ...attributes }, ...children);
}

export function cross(x, y, r, attributes = {}, ...children) {
  return s("path", { d: `M${x - r},${y - r}L${x + r},${y + r}M${x - r},${y + r}L${x + r},${y - r}`, ...attributes }, ...children);
}
