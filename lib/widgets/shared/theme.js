// Light or dark, the colours of the page, the instruments' colours, and colour maps that are even to the eye.

// Instrument colours come from lib.plotting when the bundle is made; none in a test of one module.
const STYLE = typeof INSTRUMENT_STYLE === "undefined" ? {} : INSTRUMENT_STYLE;

export function isDark(el) {
  const [r, g, b] = parseColour(getComputedStyle(el).backgroundColor);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 110;
}

// The page's colours, resolved: { dark, background, text, muted, border, accent }.
export function colours(el) {
  const style = getComputedStyle(el);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    dark: isDark(el),
    background: style.backgroundColor,
    text: style.color,
    muted: resolve(el, "--tb-muted"),
    border: resolve(el, "--tb-border"),
    accent: resolve(el, "--tb-accent"),
    font: value("--tb-font") || style.fontFamily,
  };
}

// Call back when the page or the system goes from light to dark. Returns a function that stops.
export function onThemeChange(callback) {
  const observer = new MutationObserver(() => requestAnimationFrame(callback));
  const attributes = { attributes: true, attributeFilter: ["data-theme", "data-mode", "data-jp-theme-light", "class"] };
  observer.observe(document.documentElement, attributes);
  observer.observe(document.body, attributes);
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", callback);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", callback);
  };
}

// The style of the instrument whose name begins `label` ("Oboe A4"), or null.
export function instrumentStyle(label, dark = false) {
  const names = Object.keys(STYLE).sort((a, b) => b.length - a.length);
  const name = names.find((candidate) => label.startsWith(candidate));
  if (!name) return null;
  const style = STYLE[name];
  return { name, colour: dark ? style.colour_dark : style.colour_light, marker: style.marker, family: style.family };
}

// The colour of that instrument for CSS, right in light and dark, or null.
export function instrumentColour(label) {
  const [light, dark] = [instrumentStyle(label), instrumentStyle(label, true)];
  return light ? `light-dark(${light.colour}, ${dark.colour})` : null;
}

export function parseColour(text) {
  const numbers = (text.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  if (text.startsWith("#")) {
    const hex = text.length === 4 ? [...text.slice(1)].map((c) => c + c).join("") : text.slice(1, 7);
    return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  }
  if (text.startsWith("color(srgb")) return numbers.slice(0, 3).map((x) => x * 255);
  return numbers.slice(0, 3);
}

// 256 colours from the page's background up, lightness changing evenly (in OKLab) so that equal steps of level
// look equal. Light pages go from paper to deep ink, dark pages from night to candlelight.
export function colourMap(background, dark) {
  const [L0, a0, b0] = rgbToOklab(parseColour(background));
  // [lightness, a, b] to pass through; hue turns, lightness runs straight from the background to the end.
  const end = dark ? 0.95 : 0.2;
  const tints = dark
    ? [[a0, b0], [0.02, -0.1], [0.1, -0.1], [0.15, 0.01], [0.1, 0.11], [0.0, 0.08]]
    : [[a0, b0], [-0.05, -0.01], [-0.075, -0.06], [-0.03, -0.12], [0.04, -0.12], [0.03, -0.06]];
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const x = i / 255;
    const at = x * (tints.length - 1);
    const k = Math.min(tints.length - 2, Math.floor(at));
    const f = at - k;
    const mix = (j) => tints[k][j] * (1 - f) + tints[k + 1][j] * f;
    table.set(oklabToRgb([L0 + (end - L0) * x, mix(0), mix(1)]), 3 * i);
  }
  return table;
}

function resolve(el, variable) {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  el.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function rgbToOklab(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function oklabToRgb([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((c) => 255 * (c <= 0.0031308 ? 12.92 * Math.max(0, c) : 1.055 * c ** (1 / 2.4) - 0.055));
}
