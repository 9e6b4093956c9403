// Elements, and what every widget's root has in common.

let nextId = 0;

export function uniqueId(prefix) {
  nextId += 1;
  return `timbre-${prefix}-${nextId}-${Math.random().toString(36).slice(2, 8)}`;
}

// h("button", { class: "x", "data-control": "play", onclick: f }, "Play", icon): an element with attributes,
// listeners (on...) and children. An attribute that is null or false is left out, true is set empty.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const ICONS = {
  play: '<path d="M7 4.5v15l12.5-7.5z"/>',
  pause: '<path d="M6 4.5h4.2v15H6zM13.8 4.5H18v15h-4.2z"/>',
  loop: '<path d="M17 2.6 21.4 7 17 11.4V8.2H8.5A3.3 3.3 0 0 0 5.2 11.5v.8H3v-.8A5.5 5.5 0 0 1 8.5 6H17zM7 21.4 2.6 17 7 12.6v3.2h8.5a3.3 3.3 0 0 0 3.3-3.3v-.8H21v.8a5.5 5.5 0 0 1-5.5 5.5H7z"/>',
  reset: '<path d="M12 5V1.8L6.8 6.3 12 10.8V7.3a5.6 5.6 0 1 1-5.6 5.6H4.1A7.9 7.9 0 1 0 12 5z"/>',
  stop: '<path d="M6 6h12v12H6z"/>',
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = ICONS[name];
  return svg;
}

// Make `el` the root of widget `name`: class, name for tests, label and text equivalent for screen readers. Keys
// stay inside, since JupyterLab would take the arrows away.
export function root(el, model, name) {
  el.classList.add("timbre", `timbre-${name}`);
  el.dataset.widget = name;
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", model.get("label") || name);
  el.addEventListener("keydown", (event) => event.stopPropagation());
  el.__timbre = { lastBuffer: null, sampleRate: null };
  const alt = h("p", { class: "timbre-hidden", id: uniqueId("alt") }, model.get("alt") || "");
  el.setAttribute("aria-describedby", alt.id);
  el.append(alt);
  return el;
}

// A polite live region: say(text) is read out by a screen reader and shows nothing.
export function announcer(el) {
  const region = h("output", { class: "timbre-hidden", "aria-live": "polite" });
  el.append(region);
  return (text) => {
    region.textContent = text;
  };
}

// A labelled control: the <label> above its input, as one block.
export function field(text, input) {
  if (!input.id) input.id = uniqueId("field");
  return h("div", { class: "timbre-field" }, h("label", { for: input.id }, text), input);
}

// options: [[value, text], ...] or { group: [[value, text], ...] }.
export function select(control, options, value, onchange) {
  const option = ([key, text]) => h("option", { value: key, selected: String(key) === String(value) }, text);
  const children = Array.isArray(options)
    ? options.map(option)
    : Object.entries(options).map(([group, list]) => h("optgroup", { label: group }, ...list.map(option)));
  return h(
    "select",
    { "data-control": control, id: uniqueId(control), onchange: (event) => onchange(event.target.value) },
    ...children,
  );
}

// A slider with its value shown beside it: returns { block, input, set }.
export function slider(control, text, { min, max, step, value, format = String, oninput }) {
  const id = uniqueId(control);
  const output = h("output", { for: id }, format(value));
  const input = h("input", { type: "range", "data-control": control, id, min, max, step, value });
  input.setAttribute("aria-valuetext", format(value));
  const set = (next) => {
    input.value = next;
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    set(input.value);
    oninput(Number(input.value));
  });
  const block = h("div", { class: "timbre-field timbre-slider" }, h("label", { for: id }, text, " ", output), input);
  return { block, input, set };
}

export function button(control, text, onclick, { iconName = null, title = null, primary = false } = {}) {
  const children = iconName ? [icon(iconName), text] : [text];
  return h(
    "button",
    { type: "button", class: primary ? "timbre-primary" : null, "data-control": control, title, onclick },
    ...children,
  );
}

// One of a few things to switch between, with its key. The chosen one has aria-pressed="true"; no radio buttons,
// since these would want the arrow keys.
export function choice(control, key, text, title, onclick, colour = null) {
  const dot = colour ? h("span", { class: "timbre-dot" }) : null;
  if (dot) dot.style.background = colour;
  return h(
    "button",
    { type: "button", "data-control": control, title, onclick },
    h("kbd", {}, String(key)),
    dot,
    text,
  );
}

export function choices(label, buttons) {
  return h("div", { class: "timbre-choices", role: "group", "aria-label": label }, ...buttons);
}

// Mark the chosen one of `buttons`; the focus goes with it if it was on one of them.
export function choose(buttons, chosen) {
  const focused = buttons.includes(document.activeElement);
  buttons.forEach((one, index) => one.setAttribute("aria-pressed", String(index === chosen)));
  if (focused && document.activeElement !== buttons[chosen]) buttons[chosen].focus();
}

// Seek by dragging along `element`; fractionAt(event) says where, from 0 to 1.
export function dragToSeek(element, fractionAt, seekTo) {
  const move = (event) => seekTo(Math.max(0, Math.min(1, fractionAt(event))));
  const end = () => element.removeEventListener("pointermove", move);
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    move(event);
    element.addEventListener("pointermove", move);
  });
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
}

// Call `show` on every frame (four times a second for readers who want less motion) while `going()`.
export function animator(show, going) {
  let waiting = false;
  const next = (f) => (reducedMotion() ? setTimeout(f, 250) : requestAnimationFrame(f));
  const tick = () => {
    waiting = false;
    show();
    start();
  };
  function start() {
    if (waiting || !going()) return;
    waiting = true;
    next(tick);
  }
  return start;
}

// Give the page a turn: long computations await this now and then, so that it stays responsive.
export function breathe() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}

export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// Call `draw` now that el is on the page, and again when its width changes. Returns a function that stops.
export function onResize(el, draw) {
  let width = -1;
  const observer = new ResizeObserver(([entry]) => {
    const next = Math.round(entry.contentRect.width);
    if (next > 0 && next !== width) {
      width = next;
      draw();
    }
  });
  observer.observe(el);
  return () => observer.disconnect();
}

// Size a canvas to its box on screen; returns its 2-D context scaled to CSS pixels, and the box.
export function canvas2d(canvas) {
  const ratio = globalThis.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height, ratio };
}
