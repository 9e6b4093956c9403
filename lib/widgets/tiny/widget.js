import * as audio from "../shared/audio.js";
import * as ddsp from "../shared/ddsp.js";
import * as dom from "../shared/dom.js";
import * as spacemap from "../shared/spacemap.js";
import * as theme from "../shared/theme.js";
import * as keys from "../pad/keys.js";

const { HOP, RATE } = ddsp.core;
const TILE = 78; // side of the tile of the largest network, in pixels
const LOUDNESS = { min: -40, max: -10, value: -20 };
const VIBRATO_CENTS = 9;
const hertz = (midi) => 440 * 2 ** ((midi - 69) / 12);
const millions = (x) => (x < 1e5 ? `${Math.round(x / 1e3)} k` : `${(x / 1e6).toFixed(1)} M`);
const kilobytes = (x) => `${(x / 1000).toFixed(x < 9950 ? 1 : 0)} kB`;
const percent = (x) => `${(100 * x).toFixed(x > 0.985 ? 1 : 0)} %`;

async function render({ model, el }) {
  dom.root(el, model, "tiny");
  el.tabIndex = -1;
  const networks = await Promise.all(model.get("networks").map((reference) => open(model, reference)));
  const curves = model.get("curves");
  const { config } = networks[0].about;
  const setup = {
    config, curves,
    networks: networks.map(({ tensors, about }) => ({ tensors, line: about.line, gainDb: about.gain_db })),
  };
  const say = dom.announcer(el);
  const first = {
    network: model.get("first"), from: model.get("instrument"), to: model.get("toward"), mix: 0, loudnessDb: LOUDNESS.value, midi: model.get("midi"),
  };
  const state = { ...first, held: false };
  const down = new Set();

  // --- playing
  let playing = null; // of the instrument on the audio thread
  const me = { pause: () => quiet() };
  const settings = () => ({ model: state.network, from: state.from, to: state.to, mix: state.mix, loudnessDb: state.loudnessDb, vibratoCents: VIBRATO_CENTS });
  async function ready() {
    const context = await audio.context();
    const shared = globalThis.__timbre;
    if (shared.deck && shared.deck !== me) shared.deck.pause();
    shared.deck = me;
    playing ??= ddsp.instrument(context, setup, onframe).then((made) => {
      made.node.connect(shared.meter);
      made.send({ ...settings(), now: true });
      el.__timbre.thread = made.thread;
      return made;
    });
    return playing;
  }
  const send = async (message) => (await playing)?.send(message);

  // A finger low on a key plays louder.
  const velocityDb = (velocity, height) => (height === null ? 20 * Math.log10(velocity) : 22 * (height - 0.75));
  async function press(id, midi, velocity, height) {
    state.midi = midi;
    const message = { on: state.held ? "hold" : id, f0: hertz(midi), velocityDb: velocityDb(velocity, height) };
    if (!state.held) down.add(id);
    const made = await ready();
    if (state.held || down.has(id)) made.send(message);
    later();
  }
  function lift(id) {
    down.delete(id);
    send({ off: id });
  }
  function quiet() {
    state.held = false;
    down.clear();
    piano.letGo();
    showHold();
    send({ quiet: true });
  }
  async function toggleHold() {
    if (state.held) {
      quiet();
      return;
    }
    state.held = true;
    showHold();
    const made = await ready();
    if (state.held) made.send({ on: "hold", f0: hertz(state.midi), velocityDb: 0 });
  }

  // --- the same in one go, for tests, for those who do not hear, and to measure: events are messages with a `wait` in s
  function offline(events, rate = RATE) {
    const player = new ddsp.core.Player(setup);
    player.receive({ ...settings(), now: true });
    const source = rate === RATE ? null : new ddsp.core.Resampler(rate, (block) => player.frame(block));
    const parts = [];
    const block = new Float64Array(HOP);
    const trace = [];
    for (const event of events) {
      player.receive(event);
      for (let n = 0; n < (event.wait * rate) / HOP; n++) {
        if (source) source.pull(block);
        else player.frame(block);
        parts.push(Float32Array.from(block));
        const voice = player.voices[player.voices.length - 1];
        if (voice) trace.push({ partials: voice.partials.slice(), noise: voice.gains.slice(), f0: voice.f0 });
      }
    }
    const samples = new Float32Array(parts.length * HOP);
    parts.forEach((part, n) => samples.set(part, n * HOP));
    return { samples, trace };
  }
  const note = () => [{ on: "a", f0: hertz(state.midi), wait: 1 }, { off: "a", wait: 0.35 }];

  // What a second of sound costs here: the quickest of a few, since a page is often interrupted.
  function measure() {
    const about = networks[state.network];
    let quickest = about.milliseconds ?? Infinity;
    let made = null;
    for (let n = 0; n < (about.milliseconds ? 1 : 4); n++) {
      const before = performance.now();
      made = offline(note());
      quickest = Math.min(quickest, (1000 * (performance.now() - before)) / (made.samples.length / RATE) / 1000);
    }
    about.milliseconds = quickest;
    return made;
  }

  let waiting = null;
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(settle, 180);
  }
  function settle() {
    const { samples, trace } = measure();
    Object.assign(el.__timbre, {
      lastBuffer: samples, sampleRate: RATE, millisecondsPerSecond: networks[state.network].milliseconds, ...settings(), midi: state.midi,
      render: (events, rate) => offline(events, rate).samples,
    });
    if (!sounding) shown = trace[60];
    showFacts();
    draw();
  }

  // --- what the network says
  const spectrum = dom.h("canvas", { class: "tiny-spectrum", role: "img", "aria-label": "What the network asks for: strength of each partial, and of noise, over frequency" });
  let shown = null;
  let sounding = false;
  function onframe(frame) {
    sounding = Boolean(frame.partials);
    if (frame.partials) shown = frame;
    if (sounding) requestAnimationFrame(draw);
  }
  function draw() {
    if (!spectrum.clientWidth || !shown) return;
    const { context, width, height } = dom.canvas2d(spectrum);
    const colours = theme.colours(el);
    const top = RATE / 2;
    const left = 4;
    const x = (hz) => left + (hz / top) * (width - 2 * left);
    const floor = height - 15;
    const tall = (amplitude) => Math.max(0, Math.min(1, 1 + (20 * Math.log10(amplitude + 1e-9) + 6) / 80)) * (floor - 4);
    context.clearRect(0, 0, width, height);
    context.font = `10.5px ${colours.font}`;
    context.fillStyle = colours.muted;
    for (let hz = 0; hz <= top; hz += 1000) {
      context.globalAlpha = 0.25;
      context.fillRect(Math.round(x(hz)), 0, 1, floor);
      context.globalAlpha = 1;
      if (width < 480 && hz % 2000) continue;
      context.textAlign = hz === 0 ? "left" : hz === top ? "right" : "center";
      context.fillText(hz === top ? "8 kHz" : hz ? `${hz / 1000}` : "0", x(hz), height - 2);
    }
    context.beginPath();
    // A band of noise as strong as a sine of that amplitude would look as strong.
    shown.noise.forEach((gain, k) => {
      const [px, py] = [x((k * top) / (shown.noise.length - 1)), floor - tall(gain * Math.sqrt(1 / 1.5 / shown.noise.length))];
      if (k) context.lineTo(px, py);
      else context.moveTo(px, py);
    });
    context.lineTo(x(top), floor);
    context.lineTo(x(0), floor);
    context.globalAlpha = 0.22;
    context.fillStyle = colours.text;
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = theme.instrumentStyle(state.mix < 0.5 ? state.from : state.to, colours.dark)?.colour ?? colours.accent;
    const bar = Math.max(2, Math.min(6, width / 140));
    shown.partials.forEach((amplitude, k) => {
      const h = tall(amplitude);
      if (h < 0.5) return;
      context.beginPath();
      context.roundRect(x((k + 1) * shown.f0) - bar / 2, floor - h, bar, h, [bar / 2, bar / 2, 0, 0]);
      context.fill();
    });
  }

  // --- which network
  const largest = Math.max(...networks.map(({ about }) => about.bytes));
  const tiles = networks.map(({ about }, index) => {
    const tile = dom.h("span", { class: "tiny-tile", "aria-hidden": "true" });
    tile.style.setProperty("--side", (TILE * Math.sqrt(about.bytes / largest)).toFixed(1));
    return dom.h("button", {
      type: "button", "data-control": `network-${index}`, tabindex: -1, "aria-label": `${percent(about.removed)} removed, ${kilobytes(about.bytes)}`,
      onclick: () => choose(index),
    }, tile, kilobytes(about.bytes));
  });
  const ratio = dom.slider("ratio", "Weights removed", {
    min: 0, max: networks.length - 1, step: 1, value: state.network, format: (index) => percent(networks[index].about.removed), oninput: choose,
  });
  function choose(index) {
    state.network = index;
    ratio.set(index);
    dom.choose(tiles, index);
    send({ model: index });
    showFacts();
    later();
    say(`${percent(networks[index].about.removed)} removed: ${kilobytes(networks[index].about.bytes)}`);
  }
  ratio.block.classList.add("tiny-ratio");
  ratio.block.style.setProperty("--half", `${50 / networks.length}%`);
  const facts = dom.h("dl", { class: "tiny-facts" });
  function showFacts() {
    const { about, milliseconds } = networks[state.network];
    const synth = (about.macs.sines ?? 0) + (about.macs.noise ?? 0);
    const network = Object.values(about.macs).reduce((a, b) => a + b, 0) - synth;
    const small = (text) => dom.h("small", {}, ` ${text}`);
    const speed = milliseconds ? 1000 / milliseconds : 0;
    const cell = (name, ...value) => dom.h("div", {}, dom.h("dt", {}, name), dom.h("dd", {}, ...value));
    facts.replaceChildren(
      cell("Weights of the decoder", about.parameters.toLocaleString("en"), small(`in ${about.bits} bits: ${kilobytes(about.bytes)}`)),
      cell("Multiply-adds per second", millions(network), small(`+ ${millions(synth)} to make the sound`)),
      cell("One second of sound, measured here", milliseconds ? `${milliseconds.toFixed(1)} ms` : "…", speed ? small(`${Math.round(speed)} × real time`) : null),
      about.error === null || about.error === undefined ? null : cell("Error on test notes", `× ${about.error.toFixed(2)}`, small("of the full network's")),
    );
    for (const child of [...facts.childNodes]) if (child.nodeType === 3) child.remove();
    Object.assign(el.__timbre, { about });
  }

  // --- timbre and loudness
  const names = Object.keys(curves).map((name) => [name, spacemap.shortName(name)]);
  const between = (x) => {
    const [a, b] = [state.from, state.to].map(spacemap.shortName);
    return x === 0 ? a : x === 100 ? b : `${100 - x} % ${a}, ${x} % ${b}`;
  };
  const set = (change) => {
    Object.assign(state, change);
    send(change);
    mix.set(100 * state.mix);
    later();
  };
  const from = dom.select("from", names, state.from, (value) => set({ from: value }));
  const to = dom.select("toward", names, state.to, (value) => set({ to: value }));
  const mix = dom.slider("mix", "Latent code", {
    min: 0, max: 100, step: 1, value: 0, format: between, oninput: (x) => set({ mix: x / 100 }),
  });
  const loudness = dom.slider("loudness", "Loudness", {
    ...LOUDNESS, step: 1, format: (x) => `${x < 0 ? "−" : ""}${Math.abs(x)} dB`, oninput: (x) => set({ loudnessDb: x }),
  });
  const hold = dom.button("hold", "Hold", toggleHold, { primary: true, title: "Keep a note sounding (space)" });
  hold.classList.add("tiny-hold");
  function showHold() {
    hold.setAttribute("aria-pressed", String(state.held));
    hold.replaceChildren(dom.icon(state.held ? "stop" : "play"), state.held ? "Stop" : "Hold a note");
  }
  const piano = keys.piano({
    press, lift, say, bend: () => {},
    slide: (id, height) => send({ touch: state.held ? "hold" : id, velocityDb: velocityDb(1, height) }),
  });
  const reset = dom.button("reset", "", () => {
    quiet();
    Object.assign(state, first);
    choose(state.network);
    from.value = state.from;
    to.value = state.to;
    mix.set(0);
    loudness.set(state.loudnessDb);
    send(settings());
    later();
  }, { iconName: "reset", title: "Reset" });
  reset.classList.add("timbre-icon");
  reset.setAttribute("aria-label", "Reset");

  const source = model.get("source");
  el.append(
    dom.h("div", { class: "tiny-sizes", role: "group", "aria-label": "Networks, drawn to the size of their weights" }, ...tiles),
    ratio.block,
    dom.h("div", { class: "tiny-actions" }, hold, reset),
    facts,
    spectrum,
    dom.h("div", { class: "tiny-sliders" }, dom.field("Sounds like", from), dom.field("and like", to), mix.block, loudness.block),
    piano.element,
    dom.h("p", { class: "timbre-try" }, model.get("hint")),
    dom.h("p", { class: "timbre-note" }, "Bars: partials the network asks for; grey: noise. Low on a key is loud, high is soft.", source ? ` Run: ${source}.` : ""),
  );

  // --- keys: letters play also while a slider has the focus
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    if (event.key === " " && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      if (!event.repeat) toggleHold();
    } else piano.keydown(event);
  });
  el.addEventListener("keyup", (event) => piano.keyup(event));
  el.addEventListener("focusout", (event) => {
    if (!el.contains(event.relatedTarget)) piano.letGo();
  });
  el.addEventListener("pointerup", () => {
    if (!el.contains(document.activeElement)) el.focus({ preventScroll: true });
  });

  showHold();
  choose(state.network);
  function resize() {
    piano.resize();
    draw();
  }
  const stops = [dom.onResize(el, resize), theme.onThemeChange(resize)];
  return () => {
    stops.forEach((each) => each());
    clearTimeout(waiting);
    quiet();
    piano.dispose();
    playing?.then((made) => setTimeout(made.end, 400));
    if (globalThis.__timbre.deck === me) globalThis.__timbre.deck = null;
  };
}

// A network that a trait points to, opened once per page.
async function open(model, reference) {
  const shared = (globalThis.__timbre ??= {});
  shared.decoders ??= new Map();
  const id = reference.replace("IPY_MODEL_", "");
  if (!shared.decoders.has(id)) {
    const source = await model.widget_manager.get_model(id);
    shared.decoders.set(id, { tensors: ddsp.unpack(source.get("data"), source.get("layout_of_data")), about: source.get("about") });
  }
  return shared.decoders.get(id);
}

export default { render };
