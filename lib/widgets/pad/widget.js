import * as additive from "../shared/additive.js";
import * as audio from "../shared/audio.js";
import * as dom from "../shared/dom.js";
import * as space from "../shared/space.js";
import * as spacemap from "../shared/spacemap.js";
import * as store from "../shared/store.js";
import * as theme from "../shared/theme.js";
import * as voice from "../shared/voice.js";
import * as keys from "./keys.js";

const PATH_S = 5;
const STEPS = 96;
const WAYS = { linear: "Straight", spherical: "Great circle", expressive: "Expressive" };
const hertz = (midi) => 440 * 2 ** ((midi - 69) / 12);

async function render({ model, el }) {
  dom.root(el, model, "pad");
  const references = model.get("spaces");
  const spaces = await Promise.all(references.map((reference) => space.load(model, reference)));
  const names = model.get("names");
  const say = dom.announcer(el);
  const first = { midi: model.get("midi"), level: 0, vibrato: 10 };
  const state = { ...first, shown: [0], active: 0, axes: [0, 1], touched: false, sounding: 0, turn: 0 };

  // --- one pane for each space
  const panes = spaces.map((one, index) => {
    const flat = space.flatMap(one, state.axes);
    const pane = { space: one, flat, trail: [], readout: dom.h("output", { class: "pad-readout" }), axis: dom.h("span", { class: "pad-axis" }) };
    pane.map = new spacemap.SpaceMap({
      root: el, space: one, flat,
      label: `${names[index]}: a map of notes. Arrow keys move the point, space holds its note.`,
      onmove: (x, y, phase) => touch(index, x, y, phase),
    });
    pane.home = () => pane.flat.place(one.instruments[Math.max(0, one.instruments.findIndex(({ name }) => name === "Oboe"))].mean);
    pane.place = pane.home();
    pane.caption = dom.h("figcaption", {}, names[index] ?? "");
    pane.figure = dom.h("figure", {}, pane.caption, pane.map.element, pane.readout, pane.axis);
    return pane;
  });
  const pane = () => panes[state.active];

  // --- what a place sounds like
  function soundAt(which, midi) {
    const found = which.flat.at(...which.place, midi);
    const spectrum = which.space.decode(found.z, midi);
    return { ...found, spectrum, sound: voice.timbre(spectrum, which.space.frequencies, hertz(midi)) };
  }

  // --- playing
  const voices = new Map(); // by "hand", "path", or the key
  let output = null;
  const me = { pause: () => stopAll() };
  async function ready() {
    const context = await audio.context();
    const shared = globalThis.__timbre;
    if (shared.deck && shared.deck !== me) shared.deck.pause();
    shared.deck = me;
    if (!output) {
      output = context.createGain();
      const room = voice.room(context);
      output.connect(room.input);
      const sum = context.createGain();
      output.connect(sum);
      room.output.connect(sum);
      sum.connect(shared.meter);
      output.sum = sum;
    }
    return context;
  }
  const level = (velocity = 1) => audio.dbToGain(state.level) * velocity;

  async function start(id, midi, { velocity = 1, lasting = true } = {}) {
    stop(id, 0.05);
    const slot = { midi, velocity, voice: null, wanted: true };
    voices.set(id, slot);
    const context = await ready();
    if (!slot.wanted) return;
    const { sound, attack, slope } = soundAt(pane(), midi);
    slot.voice = new voice.Voice(context, output, sound, {
      f0: hertz(midi), level: level(velocity), vibrato: state.vibrato, attack: Math.min(attack, 0.25), slope: lasting ? 0 : slope,
    });
    showSounding();
  }

  function stop(id, seconds = 0.14) {
    const slot = voices.get(id);
    if (!slot) return;
    slot.wanted = false;
    slot.voice?.release(seconds);
    voices.delete(id);
    showSounding();
  }

  function stopAll() {
    for (const id of [...voices.keys()]) stop(id);
    walking = null;
    state.held = false;
    piano.letGo();
    showHold();
  }

  function showSounding() {
    state.sounding = voices.size;
    animate();
  }

  // --- moving
  let waiting = false;
  let settled = 0;
  function changed() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      update();
    });
  }

  function update() {
    const own = pane();
    const here = soundAt(own, state.midi);
    state.here = here;
    for (const [id, slot] of voices) {
      if (id === "path") continue;
      slot.voice?.morph(slot.midi === state.midi ? here.sound : soundAt(own, slot.midi).sound);
    }
    panes.forEach((one) => (one.readout.textContent = one === own ? spacemap.inWords(own.space, here.shares) : ""));
    draw();
    drawSpectrum(here);
    clearTimeout(settled);
    settled = setTimeout(settle, 150);
  }

  // What tests and screen readers get, once the point rests: a second of it.
  function settle() {
    const own = pane();
    const { z, attack, slope, spectrum, shares } = state.here;
    const before = performance.now();
    const f0 = hertz(state.midi);
    const how = additive.plain(f0, 1, { level: 0.1, attack: Math.min(attack, 0.25), vibrato: state.vibrato, slope });
    const samples = additive.render([own.space.decode(z, state.midi)], how, own.space.frequencies);
    Object.assign(el.__timbre, {
      lastBuffer: samples, sampleRate: additive.SAMPLE_RATE, renderMs: performance.now() - before, point: Array.from(z), place: own.place,
      space: own.space.about.name, spectrum: Array.from(spectrum), midi: state.midi,
    });
    say(`${names[state.active]}: ${spacemap.inWords(own.space, shares)}`);
  }

  function touch(index, x, y, phase) {
    if (phase === "up") {
      if (!state.held) stop("hand");
      return;
    }
    state.touched = true;
    walking = null;
    stop("path");
    const moved = state.active !== index;
    state.active = index;
    const own = pane();
    own.place = [x, y];
    own.trail = phase === "down" ? [[x, y]] : [...own.trail.slice(-28), [x, y]];
    if (phase === "down" && (moved || !voices.has("hand"))) start("hand", state.midi);
    changed();
  }

  function step(dx, dy, far) {
    const own = pane();
    const by = (far ? 40 : 10) / own.map.box.scale;
    own.place = own.map.clamp([own.place[0] + dx * by, own.place[1] + dy * by]);
    own.trail = [...own.trail.slice(-28), own.place];
    state.touched = true;
    if (!voices.size) blip();
    changed();
  }

  // A short note for every step of the arrow keys while nothing sounds.
  let blipping = 0;
  function blip() {
    start("hand", state.midi);
    clearTimeout(blipping);
    blipping = setTimeout(() => !state.held && stop("hand"), 420);
  }

  // --- drawing
  function draw() {
    const dark = theme.isDark(el);
    const here = state.here;
    if (!here) return;
    const lit = state.shown.length > 1 ? space.nearest(pane().space, here.z, 14).map(({ index }) => index) : null;
    for (const index of state.shown) {
      const which = panes[index];
      const active = index === state.active;
      const colour = spacemap.blend(which.space, here.shares, dark);
      which.map.draw({
        lit,
        trail: active ? which.trail : null,
        path: shownPath && active ? shownPath : null,
        cursor: active
          ? { x: which.place[0], y: which.place[1], amplitudes: here.sound.amplitudes, phases: ringPhases, colour, sounding: state.sounding > 0, turn: state.turn }
          : null,
        inviting: active && !state.touched ? "Press and drag: it sounds" : null,
      });
    }
  }
  // All harmonics start as sines: a pure tone is a shifted circle, a sawtooth a shell.
  const ringPhases = new Float64Array(80).fill(-Math.PI / 2);
  const animate = dom.animator(
    () => {
      state.turn = dom.reducedMotion() ? 0 : state.turn + 0.012;
      const own = pane();
      if (own.trail.length && !dom.reducedMotion()) own.trail = own.trail.slice(voices.has("hand") && own.trail.length < 6 ? 0 : 1);
      draw();
    },
    () => state.sounding > 0 || pane().trail.length > 0,
  );

  const strip = dom.h("canvas", { class: "pad-spectrum", role: "img", "aria-label": "Harmonics of the sound, in decibels over frequency" });
  function drawSpectrum({ sound, shares }) {
    if (!strip.clientWidth) return;
    const { context, width, height } = dom.canvas2d(strip);
    const colours = theme.colours(el);
    const [low, high] = [Math.log2(60), Math.log2(8500)];
    const x = (hz) => ((Math.log2(hz) - low) / (high - low)) * width;
    context.clearRect(0, 0, width, height);
    context.font = `10px ${colours.font}`;
    context.textAlign = "center";
    context.fillStyle = colours.muted;
    for (const [hz, text] of [[110, "110 Hz"], [220, "220"], [440, "440"], [880, "880"], [1760, "1.8 k"], [3520, "3.5 k"], [7040, "7 kHz"]]) {
      context.globalAlpha = 0.3;
      context.fillRect(Math.round(x(hz)), 0, 1, height - 13);
      context.globalAlpha = 1;
      context.fillText(text, Math.max(18, Math.min(width - 18, x(hz))), height - 2);
    }
    const strongest = Math.max(...sound.amplitudes);
    const [r, g, b] = spacemap.blend(pane().space, shares, colours.dark);
    context.fillStyle = `rgb(${r}, ${g}, ${b})`;
    const bar = Math.max(2, Math.min(5, width / 150));
    sound.amplitudes.forEach((a, k) => {
      const db = 20 * Math.log10(a / strongest + 1e-6);
      const tall = Math.max(1.5, (1 + db / 60) * (height - 16));
      context.beginPath();
      context.roundRect(x((k + 1) * sound.f0) - bar / 2, height - 14 - tall, bar, tall, [bar / 2, bar / 2, 0, 0]);
      context.fill();
    });
  }

  // --- top row
  const kinds = names.length > 1 ? [...names, "Both"] : [];
  const kindButtons = kinds.map((text, i) =>
    dom.h("button", { type: "button", "data-control": `space-${i}`, onclick: () => show(i) }, text));
  const maps = dom.h("div", { class: "pad-maps" });
  function show(kind) {
    stopAll();
    state.shown = kind < panes.length ? [kind] : panes.map((_, i) => i);
    state.active = kind < panes.length ? kind : state.active;
    dom.choose(kindButtons, kind);
    maps.classList.toggle("pad-both", state.shown.length > 1);
    maps.replaceChildren(...state.shown.map((i) => panes[i].figure));
    panes.forEach((one) => (one.caption.hidden = state.shown.length < 2));
    planPath();
    resize();
  }
  const reset = dom.button("reset", "", () => {
    stopAll();
    Object.assign(state, first, { axes: [0, 1], touched: true });
    sliders.pitch.set(state.midi);
    sliders.loudness.set(state.level);
    sliders.vibrato.set(state.vibrato);
    axes.value = "0,1";
    setAxes();
    panes.forEach((one) => Object.assign(one, { place: one.home(), trail: [] }));
    shownPath = null;
    changed();
  }, { iconName: "reset", title: "Reset" });
  reset.classList.add("timbre-icon");
  reset.setAttribute("aria-label", "Reset");
  const record = dom.h("button", { type: "button", class: "pad-record", "data-control": "record", "aria-pressed": "false", onclick: toggleRecord }, "Record");

  // --- recording
  let takes = 0;
  let stopRecording = null;
  const takesRow = dom.h("div", { class: "pad-takes" });
  async function toggleRecord() {
    if (stopRecording) {
      const { samples, sampleRate } = stopRecording();
      stopRecording = null;
      record.setAttribute("aria-pressed", "false");
      record.textContent = "Record";
      takes += 1;
      el.__timbre.recording = { samples, sampleRate };
      const url = URL.createObjectURL(voice.wav(samples, sampleRate));
      const text = `Save take ${takes} (${(samples.length / sampleRate).toFixed(1)} s, WAV)`;
      takesRow.append(dom.h("a", { href: url, download: `timbre-take-${takes}.wav`, "data-control": "take" }, text));
      say(`Take ${takes} recorded`);
      return;
    }
    try {
      const context = await ready();
      stopRecording = await voice.recorder(context, output.sum);
      record.setAttribute("aria-pressed", "true");
      record.textContent = "Stop";
    } catch (error) {
      takesRow.replaceChildren(`${error.message}`);
    }
  }

  // --- always there: hold, pitch, loudness, vibrato
  const hold = dom.button("hold", "Hold", () => {
    if (state.held) {
      stopAll();
      return;
    }
    state.held = state.touched = true;
    showHold();
    start("hand", state.midi).then(changed);
  }, { iconName: "play", title: "Keep the note sounding (space)" });
  hold.classList.add("pad-hold");
  function showHold() {
    hold.setAttribute("aria-pressed", String(Boolean(state.held)));
    hold.replaceChildren(dom.icon(state.held ? "stop" : "play"), state.held ? "Stop" : "Hold");
  }
  function setPitch(midi) {
    const before = state.midi;
    state.midi = midi;
    sliders.pitch.set(midi);
    for (const slot of voices.values()) {
      if (slot.midi !== before || slot.key) continue;
      slot.midi = midi;
      slot.voice?.setPitch(hertz(midi));
    }
    planPath();
    changed();
  }
  const sliders = {
    pitch: dom.slider("pitch", "Pitch", { min: 36, max: 88, step: 1, value: state.midi, format: (m) => `${spacemap.pitchName(m)} · ${Math.round(hertz(m))} Hz`, oninput: setPitch }),
    loudness: dom.slider("loudness", "Loudness", { min: -24, max: 6, step: 1, value: 0, format: (x) => `${x > 0 ? "+" : x < 0 ? "−" : ""}${Math.abs(x)} dB`, oninput: (x) => {
      state.level = x;
      for (const slot of voices.values()) slot.voice?.setLevel(level(slot.velocity));
    } }),
    vibrato: dom.slider("vibrato", "Vibrato", { min: 0, max: 60, step: 2, value: state.vibrato, format: (x) => (x ? `±${x} cents` : "none"), oninput: (x) => {
      state.vibrato = x;
      for (const slot of voices.values()) slot.voice?.setVibrato(x);
      changed();
    } }),
  };

  // --- panels: keyboard, path, axes
  const piano = keys.piano({
    press: (id, midi, velocity) => {
      state.touched = true;
      setPitch(Math.max(36, Math.min(88, midi)));
      start(id, midi, { velocity, lasting: false }).then(changed);
      const slot = voices.get(id);
      if (slot) slot.key = true;
    },
    lift: (id) => stop(id, 0.25),
    bend: (cents) => sliders.vibrato.input && (sliders.vibrato.set(cents), sliders.vibrato.input.dispatchEvent(new Event("input"))),
    say,
  });
  const instruments = spaces[0].instruments.map(({ name }) => [name, spacemap.shortName(name)]);
  const pick = (wanted, otherwise) => (instruments.some(([name]) => name === wanted) ? wanted : instruments[otherwise][0]);
  const from = dom.select("from", instruments, pick("Clarinet-Bb", 0), () => planPath());
  const to = dom.select("to", instruments, pick("Trumpet-C", 1), () => planPath());
  const way = dom.select("way", Object.entries(WAYS), "spherical", () => planPath());
  const walk = dom.button("walk", "Hear the path", () => (walking ? stopAll() : walkPath()), { iconName: "play", primary: true });
  let shownPath = null;
  let points = null;
  let walking = null;
  function planPath() {
    if (pathPanel.hidden) {
      shownPath = null;
      return;
    }
    const own = pane();
    const ends = [from, to].map(({ value }) => own.space.instruments.find(({ name }) => name === value).path);
    const middle = ends.map((path) => path[0].map((_, d) => path.reduce((sum, frame) => sum + frame[d] / path.length, 0)));
    points = way.value === "expressive" ? space.expressive(...ends, STEPS) : space[way.value](...middle, STEPS);
    shownPath = points.map((z) => own.flat.place(z));
    draw();
  }
  async function walkPath() {
    stopAll();
    planPath();
    const own = pane();
    const mine = (walking = { points, own });
    state.touched = true;
    const sounds = [];
    for (const z of points) {
      const spectrum = own.space.decode(z, state.midi);
      sounds.push({ z, spectrum, sound: voice.timbre(spectrum, own.space.frequencies, hertz(state.midi)) });
      if (sounds.length % 8 === 0) await dom.breathe();
    }
    const context = await ready();
    if (walking !== mine) return;
    const slot = { midi: state.midi, velocity: 1, voice: new voice.Voice(context, output, sounds[0].sound, { f0: hertz(state.midi), level: level(), vibrato: state.vibrato, attack: 0.08 }) };
    voices.set("path", slot);
    showSounding();
    walk.replaceChildren(dom.icon("stop"), "Stop");
    const begun = context.currentTime;
    const how = additive.plain(hertz(state.midi), 2, { vibrato: state.vibrato });
    el.__timbre.lastBuffer = additive.render(sounds.filter((_, i) => i % 4 === 0).map(({ spectrum }) => spectrum), how, own.space.frequencies);
    const next = () => {
      const part = (context.currentTime - begun) / PATH_S;
      if (walking !== mine || part >= 1) {
        if (walking === mine) walking = null;
        if (voices.get("path") === slot) stop("path", 0.3);
        walk.replaceChildren(dom.icon("play"), "Hear the path");
        return;
      }
      const { z, sound, spectrum } = sounds[Math.min(STEPS - 1, Math.floor(part * STEPS))];
      slot.voice.morph(sound);
      own.place = own.flat.place(z);
      state.here = { ...own.flat.at(...own.place, state.midi), z, sound, spectrum };
      own.readout.textContent = spacemap.inWords(own.space, state.here.shares);
      drawSpectrum(state.here);
      setTimeout(next, (1000 * PATH_S) / STEPS);
    };
    next();
  }

  const pairs = [[0, 1], [0, 2], [1, 3], [2, 3]];
  const axisNames = (pair) => pair.map((k) => spaces[0].view.names[k]).join(", ");
  const axes = dom.select("axes", pairs.map((pair) => [pair.join(), axisNames(pair)]), "0,1", setAxes);
  function setAxes() {
    state.axes = axes.value.split(",").map(Number);
    for (const one of panes) {
      const { z } = one.flat.at(...one.place, state.midi);
      one.flat = space.flatMap(one.space, state.axes);
      one.place = one.flat.place(z);
      one.map.setFlat(one.flat);
      one.trail = [];
      const shown = state.axes.reduce((sum, k) => sum + one.space.view.explained[k], 0);
      one.axis.textContent = `${Math.round(100 * shown)} % of the spread · one square is a distance of 1`;
    }
    planPath();
    changed();
  }

  const keyPanel = dom.h("div", { class: "pad-panel", hidden: true }, piano.element);
  const pathPanel = dom.h("div", { class: "pad-panel timbre-row", hidden: true }, dom.field("From", from), dom.field("To", to), dom.field("Way", way), walk);
  const viewPanel = dom.h("div", { class: "pad-panel timbre-row", hidden: true }, dom.field("Seen along", axes),
    dom.h("p", { class: "timbre-note" }, "A place on the map fixes two coordinates; the rest comes from the notes around it, so a dot sounds like its note."));
  const panels = [["keys", "Keyboard, MIDI", keyPanel], ["path", "Paths", pathPanel], ["view", "Axes", viewPanel]];
  const openers = panels.map(([id, text, panel]) =>
    dom.h("button", { type: "button", "data-control": `open-${id}`, "aria-expanded": "false", onclick: () => toggle(panel) }, text));
  function toggle(panel) {
    panels.forEach(([, , each], i) => {
      each.hidden = each !== panel || !each.hidden;
      openers[i].setAttribute("aria-expanded", String(!each.hidden));
      openers[i].setAttribute("aria-pressed", String(!each.hidden));
    });
    piano.resize();
    planPath();
    draw();
  }

  el.append(
    dom.h("div", { class: "timbre-row pad-top" },
      kindButtons.length ? dom.choices("Which space", kindButtons) : dom.h("span"),
      dom.h("div", { class: "pad-actions" }, record, reset)),
    maps,
    strip,
    dom.h("div", { class: "pad-sliders" }, hold, sliders.pitch.block, sliders.loudness.block, sliders.vibrato.block),
    dom.h("div", { class: "pad-more" }, ...openers),
    keyPanel, pathPanel, viewPanel, takesRow,
    dom.h("p", { class: "timbre-try" }, model.get("hint")),
  );

  // --- keys
  const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || ["SELECT", "INPUT"].includes(event.target.tagName)) return;
    const onMap = event.target.dataset?.control === "map";
    if (onMap && STEP[event.key]) {
      event.preventDefault();
      state.active = panes.findIndex((one) => one.map.moving === event.target);
      step(...STEP[event.key], event.shiftKey);
    } else if (onMap && event.key === " ") {
      event.preventDefault();
      hold.click();
    } else piano.keydown(event);
  });
  el.addEventListener("keyup", (event) => piano.keyup(event));
  el.addEventListener("focusout", (event) => {
    if (!el.contains(event.relatedTarget)) piano.letGo();
  });

  function resize() {
    for (const index of state.shown) panes[index].map.redraw();
    piano.resize();
    update();
  }
  setAxes();
  show(0);
  const stops = [dom.onResize(el, resize), theme.onThemeChange(resize)];
  return () => {
    stops.forEach((each) => each());
    stopAll();
    piano.dispose();
    if (globalThis.__timbre.deck === me) globalThis.__timbre.deck = null;
  };
}

export default { render };
