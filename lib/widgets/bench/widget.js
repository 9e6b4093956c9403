import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as audio from "../shared/audio.js";
import * as loudness from "../shared/loudness.js";
import * as synth from "./synth.js";
import * as measure from "./measure.js";

const RATE = 22050;
const KEYS = ["a", "w", "s", "e", "d", "f", "t", "g", "y", "h", "u", "j", "k"]; // one octave, from C to C
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B", "C"];
const BLACK = new Set([1, 3, 6, 8, 10]);
const SHAPES = {
  Sawtooth: {},
  Square: { levels: synth.NEUTRAL.levels.map((level, i) => (i % 2 ? synth.OFF_DB : level)) },
  Sine: { levels: synth.NEUTRAL.levels.map((_, i) => (i ? synth.OFF_DB : 0)) },
  Bell: { levels: synth.NEUTRAL.levels.map((_, i) => -2.2 * i), attack: 0.003, decay: 1.2, sustain: 0, release: 1, damping: 0.6, stretch: 0.01, harmonics: 12 },
};

// --- the controls: [name, label, limits, unit]; logarithmic ones move by ratios, `zero` makes their left end 0.
const plain = (low, high, format) => ({ low, high, format, toStep: (x) => (x - low) / (high - low), toValue: (s) => low + s * (high - low) });
const ratio = (low, high, format, zero = false) => ({
  low, high, format,
  toStep: (x) => (x < low ? 0 : Math.log(x / low) / Math.log(high / low)),
  toValue: (s) => (zero && s === 0 ? 0 : low * (high / low) ** s),
});
const signed = (x) => `${x > 0 ? "+" : x < 0 ? "−" : ""}${Math.abs(x)}`;
const seconds = (x) => (x < 0.9995 ? `${Math.round(1000 * x)} ms` : `${x.toFixed(1)} s`);
const SLIDERS = {
  spectrum: [
    ["harmonics", "Harmonics", plain(1, synth.COUNT, (x) => `${x}`), 1],
    ["tilt", "Tilt", plain(-12, 12, (x) => `${signed(Number(x.toFixed(1)))} dB/octave`), 0.5],
    ["balance", "Even ↔ odd", plain(-40, 40, (x) => (x === 0 ? "as drawn" : x > 0 ? `even −${x} dB` : `odd −${-x} dB`)), 1],
  ],
  envelope: [
    ["attack", "Attack", ratio(0.003, 1, seconds)],
    ["decay", "Decay", ratio(0.05, 5, seconds)],
    ["sustain", "Sustain", plain(0, 1, (x) => `${Math.round(100 * x)} %`), 0.01],
    ["release", "Release", ratio(0.02, 2, seconds)],
  ],
  texture: [
    ["noise", "Noise", plain(synth.NOISE_OFF_DB, 0, (x) => (x <= synth.NOISE_OFF_DB ? "off" : `${signed(x)} dB`)), 1],
    ["stretch", "Stretch B", ratio(1e-5, 1e-2, (x) => (x ? x.toPrecision(2) : "none"), true)],
    ["damping", "Treble dies sooner", ratio(0.02, 5, (x) => (x ? `${x.toPrecision(2)} /s` : "no"), true)],
  ],
};
const TABS = { spectrum: "Harmonics", envelope: "Envelope", texture: "Noise and stretch" };

export function fromPreset(preset) {
  const levels = Array.from({ length: synth.COUNT }, (_, i) => preset.levels_db[i] ?? synth.OFF_DB);
  return {
    ...synth.NEUTRAL, levels, attack: preset.attack_s, decay: preset.decay_s, sustain: preset.sustain, release: preset.release_s,
    damping: preset.damping, noise: preset.noise_db, stretch: preset.stretch,
  };
}

function readout(found, f0) {
  const hz = (x) => (x === null ? "–" : x < 1000 ? `${Math.round(x)} Hz` : `${(x / 1000).toFixed(2)} kHz`);
  const { centroid_hz, bandwidth_hz, odd_even_db, inharmonicity, log_attack_time, flatness } = found;
  const stretch = inharmonicity === null ? "–" : Math.abs(inharmonicity) < 1e-5 ? "0" : inharmonicity.toExponential(1).replace("e-", " · 10⁻").replace(/\d$/, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);
  return {
    Centroid: [hz(centroid_hz), centroid_hz === null ? "" : `${(centroid_hz / f0).toFixed(1)} × f0`],
    Spread: [hz(bandwidth_hz), ""],
    "Odd : even": [odd_even_db === null ? "–" : `${signed(Number(odd_even_db.toFixed(1)))} dB`, ""],
    Inharmonicity: [stretch, "B"],
    Attack: [log_attack_time === null ? "–" : `${Math.round(1000 * 10 ** log_attack_time)} ms`, "10–90 %"],
    Flatness: [flatness === null ? "–" : flatness < 0.001 ? "< 0.001" : flatness.toPrecision(2), ""],
  };
}

async function render({ model, el }) {
  dom.root(el, model, "bench");
  const presets = { ...Object.fromEntries(model.get("presets").map((p) => [p.name, fromPreset(p)])) };
  const shapes = Object.fromEntries(Object.entries(SHAPES).map(([name, own]) => [name, { ...synth.NEUTRAL, ...own }]));
  const say = dom.announcer(el);
  const copy = (p) => ({ ...p, levels: [...p.levels] });
  let chosen = model.get("start");
  let p = copy(presets[chosen] ?? shapes[chosen]);
  let octave = 4;
  let key = 3; // E flat
  let voice = null;
  let held = false;
  let gain = 1;
  let again = null;
  const f0 = () => 440 * 2 ** ((12 * (octave + 1) + key - 69) / 12);

  // --- sound
  const me = { pause: () => stopAll() };
  async function strike() {
    const ctx = await audio.context();
    const shared = globalThis.__timbre;
    if (shared.deck && shared.deck !== me) shared.deck.pause();
    shared.deck = me;
    letGo();
    voice = new synth.Voice(ctx, shared.meter, p, f0(), gain);
    if (held && p.sustain < 0.15) again = setTimeout(strike, 1000 * Math.min(2.5, p.attack + Math.max(0.5, 1.5 * p.decay)));
    showKeys();
  }
  function letGo() {
    clearTimeout(again);
    if (voice) voice.release(p);
    voice = null;
  }
  function stopAll() {
    held = false;
    letGo();
    showKeys();
  }
  let wanted = false; // a key may be up again before the browser has started its sound
  async function press(index) {
    key = index;
    wanted = true;
    remeasure();
    await strike();
    if (!wanted && !held) lift();
  }
  function lift() {
    wanted = false;
    if (!held) letGo();
    showKeys();
  }

  // --- what changes when a control moves
  let waiting = false;
  function changed({ restrike = false } = {}) {
    if (restrike && voice && held) {
      clearTimeout(again);
      again = setTimeout(strike, 120);
    }
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      showBars();
      drawEnvelope();
      remeasure();
      voice?.update(p, gain);
    });
  }
  function remeasure() {
    const samples = synth.render(p, f0(), { sampleRate: RATE });
    gain = audio.dbToGain(loudness.matchedGainsDb([samples], RATE)[0]);
    const found = measure.describe(samples, RATE, f0());
    Object.assign(el.__timbre, { lastBuffer: samples.map((x) => x * gain), sampleRate: RATE, descriptors: found, parameters: p, f0: f0() });
    for (const [name, [value, note]] of Object.entries(readout(found, f0()))) {
      tiles[name].value.textContent = value;
      tiles[name].note.textContent = note;
    }
  }
  function load(name) {
    chosen = name;
    p = copy(presets[name] ?? shapes[name]);
    choose.value = name;
    Object.entries(sliders).forEach(([id, each]) => each.show(p[id]));
    changed({ restrike: true });
  }

  // --- elements
  const groups = { Shapes: Object.keys(shapes).map((name) => [name, name]) };
  if (model.get("presets").length) groups["Measured on a recording"] = Object.keys(presets).map((name) => [name, name]);
  const choose = dom.select("preset", groups, chosen, (name) => {
    load(name);
    say(`${name} loaded`);
  });
  const hold = dom.button("hold", "Hold", () => {
    held = !held;
    if (held) strike();
    else stopAll();
  }, { iconName: "play", title: "Keep a note sounding while you move the controls" });
  const reset = dom.button("reset", "Reset", () => load(chosen), { iconName: "reset", title: "Back to the preset as it was" });
  el.append(dom.h("div", { class: "timbre-row bench-top" }, dom.field("Start from", choose), hold, reset));

  const sliders = {};
  const panels = Object.keys(TABS).map((tab) => {
    const made = SLIDERS[tab].map(([id, text, scale, step]) => {
      const steps = step ? Math.round((scale.high - scale.low) / step) : 200;
      const value = (at) => Number(scale.toValue(at / steps).toPrecision(8));
      const control = dom.slider(id, text, {
        min: 0, max: steps, step: 1, value: Math.round(scale.toStep(p[id]) * steps),
        format: (at) => scale.format(value(at)),
        oninput: (at) => {
          p[id] = value(at);
          changed({ restrike: tab === "envelope" || id === "damping" });
        },
      });
      sliders[id] = { show: (x) => control.set(Math.round(Math.max(0, Math.min(1, scale.toStep(x))) * steps)) };
      return control.block;
    });
    return dom.h("div", { class: "bench-panel", role: "tabpanel", id: dom.uniqueId(tab), "data-tab": tab, "aria-label": TABS[tab] }, dom.h("div", { class: "bench-sliders" }, ...made));
  });
  const tabs = Object.entries(TABS).map(([tab, text], i) =>
    dom.h("button", { type: "button", role: "tab", "data-control": `tab-${tab}`, "aria-controls": panels[i].id, onclick: () => open(tab) }, text),
  );
  const bars = Array.from({ length: synth.COUNT }, (_, i) =>
    dom.h("div", { class: `bench-bar ${i % 2 ? "bench-even" : "bench-odd"}`, role: "slider", tabindex: i ? -1 : 0, "data-control": `harmonic-${i + 1}`, "aria-label": `Harmonic ${i + 1}`, "aria-orientation": "vertical", "aria-valuemin": synth.OFF_DB, "aria-valuemax": 0 }, dom.h("i", {}), dom.h("span", { "aria-hidden": "true" }, `${i + 1}`)),
  );
  const lines = [0, -20, -40].map((db) => dom.h("span", { style: `top: ${(100 * db) / synth.OFF_DB}%` }, db ? `−${-db}` : "0 dB"));
  const grid = dom.h("div", { class: "bench-grid", "aria-hidden": "true" }, ...lines);
  const field = dom.h("div", { class: "bench-bars", role: "group", "aria-label": "Strength of the harmonics" }, grid, ...bars);
  panels[0].prepend(field);
  const picture = dom.h("canvas", { class: "bench-envelope", "aria-hidden": "true" });
  panels[1].prepend(picture);
  el.append(dom.h("div", { class: "bench-tabs", role: "tablist", "aria-label": "What to change" }, ...tabs), ...panels);

  const keys = NAMES.map((name, i) =>
    dom.h("button", { type: "button", class: BLACK.has(i) ? "bench-black" : "bench-white", tabindex: i === key ? 0 : -1, "data-control": `key-${i}`, "data-key": i }, dom.h("span", {}, name)),
  );
  const octaveText = dom.h("output", { class: "bench-octave" });
  const shift = (by, sign) => dom.h("button", { type: "button", class: "timbre-icon", "data-control": by < 0 ? "octave-down" : "octave-up", "aria-label": by < 0 ? "Octave down" : "Octave up", title: by < 0 ? "Octave down (z)" : "Octave up (x)", onclick: () => moveOctave(by) }, sign);
  const piano = dom.h("div", { class: "bench-keys", role: "group", "aria-label": "Keyboard" }, ...keys);
  el.append(dom.h("div", { class: "bench-piano" }, dom.h("div", { class: "bench-octaves" }, shift(-1, "−"), octaveText, shift(1, "+")), piano));

  const tiles = Object.fromEntries(["Centroid", "Spread", "Odd : even", "Inharmonicity", "Attack", "Flatness"].map((name) => {
    const value = dom.h("dd", { "data-tile": name });
    const note = dom.h("small", {});
    return [name, { value, note, block: dom.h("div", {}, dom.h("dt", {}, name), value, note) }];
  }));
  el.append(dom.h("dl", { class: "bench-readout", "aria-label": "Measured on the sound" }, ...Object.values(tiles).map((tile) => tile.block)));
  el.append(dom.h("p", { class: "timbre-try" }, "hold a note of the clarinet and raise harmonics 2 and 4: when does it stop being a clarinet? Keys A to K play, Z and X change octave."));

  function open(tab) {
    tabs.forEach((button, i) => {
      const on = panels[i].dataset.tab === tab;
      button.setAttribute("aria-selected", String(on));
      button.setAttribute("tabindex", on ? "0" : "-1");
      panels[i].hidden = !on;
    });
    drawEnvelope();
  }

  // --- bars: paint with the pointer, or arrows
  function setBar(index, level) {
    const top = Math.max(-59.5, Math.min(0, level));
    p.levels[index] = level <= synth.OFF_DB + 0.5 ? synth.OFF_DB : top - synth.modifier(p, index + 1) + synth.headroom(p);
    if (p.levels[index] > synth.OFF_DB && index >= p.harmonics) {
      for (let i = p.harmonics; i < index; i++) p.levels[i] = synth.OFF_DB;
      p.harmonics = index + 1;
      sliders.harmonics.show(p.harmonics);
    }
    changed();
  }
  const paint = (event) => {
    const box = field.getBoundingClientRect();
    const index = Math.max(0, Math.min(synth.COUNT - 1, Math.floor(((event.clientX - box.left) / box.width) * synth.COUNT)));
    setBar(index, -((event.clientY - box.top - 4) / (box.height - 24)) * -synth.OFF_DB);
    focusBar(index, false);
  };
  field.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    field.setPointerCapture(event.pointerId);
    paint(event);
    field.addEventListener("pointermove", paint);
  });
  for (const end of ["pointerup", "pointercancel"]) field.addEventListener(end, () => field.removeEventListener("pointermove", paint));
  function focusBar(index, focus = true) {
    bars.forEach((bar, i) => bar.setAttribute("tabindex", i === index ? "0" : "-1"));
    if (focus) bars[index].focus();
  }
  field.addEventListener("keydown", (event) => {
    const index = bars.indexOf(event.target);
    const level = synth.levels(p)[index];
    const step = { ArrowUp: 2, ArrowDown: -2, PageUp: 10, PageDown: -10 }[event.key];
    if (step) setBar(index, level + step);
    else if (event.key === "Home") setBar(index, synth.OFF_DB);
    else if (event.key === "End") setBar(index, 0);
    else if (event.key === "ArrowRight") focusBar(Math.min(synth.COUNT - 1, index + 1));
    else if (event.key === "ArrowLeft") focusBar(Math.max(0, index - 1));
    else return;
    event.preventDefault();
  });
  function showBars() {
    synth.levels(p).forEach((level, i) => {
      bars[i].style.setProperty("--level", 1 - level / synth.OFF_DB);
      bars[i].setAttribute("aria-valuenow", level.toFixed(0));
      bars[i].setAttribute("aria-valuetext", level <= synth.OFF_DB ? "off" : `${level.toFixed(0)} dB`);
    });
  }

  // --- the envelope, as it would be for a note of 1.2 s
  function drawEnvelope() {
    if (panels[1].hidden || !picture.clientWidth) return;
    const colours = theme.colours(el);
    const { context, width, height } = dom.canvas2d(picture);
    const held_s = Math.max(1.2, p.attack + 0.4);
    const total = held_s + Math.max(0.3, p.release);
    const x = (t) => 4 + ((width - 8) * t) / total;
    const y = (level) => height - 18 - (height - 26) * level;
    context.clearRect(0, 0, width, height);
    context.beginPath();
    context.moveTo(x(0), y(0));
    for (let i = 0; i <= width; i++) context.lineTo(x((i / width) * total), y(synth.envelope(p, (i / width) * total, held_s)));
    context.lineTo(x(total), y(0));
    context.globalAlpha = 0.16;
    context.fillStyle = colours.accent;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = colours.accent;
    context.lineWidth = 2;
    context.stroke();
    context.strokeStyle = colours.muted;
    context.setLineDash([3, 3]);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x(held_s), y(1));
    context.lineTo(x(held_s), y(0));
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colours.muted;
    context.font = `11px ${colours.font}`;
    context.textAlign = "center";
    context.fillText("key up", x(held_s), height - 4);
    context.textAlign = "left";
    context.fillText("key down", x(0), height - 4);
  }

  // --- keys
  function moveOctave(by) {
    octave = Math.max(2, Math.min(6, octave + by));
    remeasure();
    showKeys();
    if (held) strike();
  }
  function showKeys() {
    keys.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(voice !== null && i === key));
      button.setAttribute("tabindex", i === key ? "0" : "-1");
      button.setAttribute("aria-label", `${NAMES[i].replace("♯", " sharp").replace("♭", " flat")}${octave + (i === 12 ? 1 : 0)}`);
    });
    octaveText.textContent = `${NAMES[key]}${octave + (key === 12 ? 1 : 0)}`;
    hold.setAttribute("aria-pressed", String(held));
    hold.replaceChildren(dom.icon(held ? "stop" : "play"), held ? "Let go" : "Hold");
  }
  const keyAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest(".bench-keys [data-key]");
  const glide = (event) => {
    const under = keyAt(event);
    if (under && piano.contains(under) && Number(under.dataset.key) !== key) press(Number(under.dataset.key));
  };
  piano.addEventListener("pointerdown", (event) => {
    const under = keyAt(event);
    if (!under) return;
    event.preventDefault();
    piano.setPointerCapture(event.pointerId);
    under.focus({ preventScroll: true });
    press(Number(under.dataset.key));
    piano.addEventListener("pointermove", glide);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    piano.addEventListener(end, () => {
      piano.removeEventListener("pointermove", glide);
      lift();
    });
  }
  const down = new Set();
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    const name = event.key.toLowerCase();
    const onKey = event.target.closest?.("[data-key]");
    const onTab = event.target.closest?.("[role=tab]");
    const along = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (KEYS.includes(name) && !event.repeat) {
      down.add(name);
      press(KEYS.indexOf(name));
    } else if (name === "z" || name === "x") moveOctave(name === "z" ? -1 : 1);
    else if (onKey && (name === " " || name === "enter")) {
      event.preventDefault();
      if (!event.repeat) {
        down.add(name);
        press(Number(onKey.dataset.key));
      }
    } else if (onKey && along) keys[Math.max(0, Math.min(12, Number(onKey.dataset.key) + along))].focus();
    else if (onTab && along) {
      const next = tabs[(tabs.indexOf(onTab) + along + tabs.length) % tabs.length];
      next.click();
      next.focus();
    }
  });
  el.addEventListener("keyup", (event) => {
    down.delete(event.key.toLowerCase());
    if (!down.size) lift();
  });
  const away = (event) => {
    if (!el.contains(event.relatedTarget) && down.size) {
      down.clear();
      lift();
    }
  };
  el.addEventListener("focusout", away);

  open("spectrum");
  showBars();
  showKeys();
  remeasure();
  const stops = [dom.onResize(field, () => drawEnvelope()), theme.onThemeChange(drawEnvelope)];
  return () => {
    stops.forEach((stop) => stop());
    stopAll();
    if (globalThis.__timbre.deck === me) globalThis.__timbre.deck = null;
  };
}

export default { render };
