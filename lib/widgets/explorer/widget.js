import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as audio from "../shared/audio.js";
import * as loudness from "../shared/loudness.js";
import * as transforms from "../shared/transforms.js";
import * as phase from "../shared/phase.js";
import * as spectrogram from "../shared/spectrogram.js";
import * as resolution from "./resolution.js";

const VERSIONS = ["Original", "Round trip", "Random phase", "Griffin–Lim"];
const ITERATIONS = 32;
const KEPT = 6;
// An NSGT takes a sound to repeat for ever. Silence after it keeps its attack out of its own end, but for the longest
// windows.
const SILENCE_S = 0.25;
const SEEK_S = 0.1;

async function render({ model, el }) {
  dom.root(el, model, "explorer");
  const instruments = model.get("instruments");
  const names = model.get("names");
  const references = model.get("sounds");
  const start = { sound: middle(model.get("first")), transform: model.get("transform"), version: 0, iterations: ITERATIONS };
  const state = { ...start };
  const say = dom.announcer(el);
  const deck = new audio.Deck({ el, onchange: () => update() });
  const animate = dom.animator(() => showPosition(), () => deck.playing);
  const kept = new Map(); // what was computed for a note and a transform
  let task = 0; // counts requests; a computation whose number is old gives up
  let shown = null;

  // --- elements
  const options = [...new Set(instruments)].map((name) => [name, name]);
  const instrument = dom.select("instrument", options, instruments[state.sound], (name) => change({ sound: middle(name) }));
  const note = dom.select("note", [], null, (index) => change({ sound: Number(index) }));
  const transform = dom.select("transform", Object.entries(transforms.NAMES), state.transform, (name) => change({ transform: name }));
  const reset = dom.button("reset", "", () => change({ ...start }), { iconName: "reset", title: "Reset" });
  reset.classList.add("timbre-icon");
  reset.setAttribute("aria-label", "Reset");
  const canvas = dom.h("canvas", { "data-control": "picture", role: "img" });
  const tile = dom.h("div", { class: "explorer-tile" });
  const panel = dom.h("div", { class: "explorer-picture" }, canvas, dom.h("div", { class: "timbre-cursor" }), tile);
  const readout = dom.h("output", { class: "explorer-readout timbre-note", "data-control": "readout" });
  const facts = dom.h("output", { class: "explorer-facts", "data-control": "facts" });
  const words = dom.h("p");
  const play = dom.h(
    "button",
    { type: "button", class: "timbre-icon timbre-primary", "data-control": "play", onclick: () => deck.toggle() },
    dom.icon("play"),
  );
  const versions = VERSIONS.map((text, index) =>
    dom.choice(`version-${index + 1}`, index + 1, text, `Hear: ${text.toLowerCase()} (key ${index + 1})`, async () => {
      await change({ version: index });
      if (!deck.playing) deck.play();
    }),
  );
  let wait = null;
  const iterations = dom.slider("iterations", "Griffin–Lim iterations", {
    min: 0,
    max: 128,
    step: 4,
    value: state.iterations,
    oninput: (value) => {
      state.iterations = value;
      clearTimeout(wait);
      wait = setTimeout(() => change({ version: 3 }), 250);
    },
  });
  const progress = dom.h("progress", { max: 1, value: 0, "aria-label": "Griffin–Lim", "data-control": "progress" });
  const plots = ["Window length (ms)", "Bandwidth (Hz)", "Tiles: one window long, 16 bandwidths high"].map((caption) =>
    dom.h("figure", {}, dom.h("figcaption", {}, caption), dom.h("canvas", { role: "img", "aria-label": caption })),
  );
  el.append(
    dom.h(
      "div",
      { class: "explorer-choose" },
      dom.field("Instrument", instrument),
      dom.field("Note", note),
      dom.field("Transform", transform),
      reset,
    ),
    panel,
    readout,
    dom.h("div", { class: "explorer-hear" }, play, dom.choices("What to hear", versions)),
    facts,
    iterations.block,
    progress,
    dom.h("div", { class: "explorer-resolution" }, ...plots),
    dom.h("details", { "data-control": "words" }, dom.h("summary", {}, "What the original sounds like"), words),
    dom.h(
      "p",
      { class: "timbre-try" },
      "hear Random phase with each transform: which one blurs the attack, which the pitch? Then 4 iterations of Griffin–Lim, and 128.",
    ),
  );

  function middle(name) {
    const indices = instruments.flatMap((other, index) => (other === name ? [index] : []));
    return indices[Math.floor(indices.length / 2)];
  }

  // --- what is computed
  async function analysed() {
    const key = `${state.sound}/${state.transform}`;
    if (!kept.has(key)) {
      const original = await audio.load(model, references[state.sound]);
      const samples = withSilence(original);
      const made = transforms.make(state.transform, original.sampleRate, samples.length);
      const coefficients = made.analyze(samples);
      await dom.breathe();
      const roundTrip = made.synthesize(coefficients);
      kept.set(key, {
        original,
        made,
        wanted: phase.magnitudes(coefficients),
        griffin: new Map(),
        sounds: [samples, roundTrip, null, null],
        pictures: [transforms.picture(made, coefficients)],
        roundTripDb: errorDb(samples, roundTrip),
      });
      if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    }
    return kept.get(key);
  }

  // The sound of a version; null when the reader has moved on meanwhile.
  async function soundOf(entry, mine) {
    const { made, wanted, sounds, griffin } = entry;
    if (state.version === 2) sounds[2] ??= made.synthesize(phase.withRandomPhase(made, wanted));
    if (state.version === 3) {
      const count = state.iterations;
      if (!griffin.has(count)) {
        progress.value = 0;
        el.classList.add("explorer-busy");
        const onprogress = (done) => {
          progress.value = done / count;
          return mine === task;
        };
        const result = await phase.griffinLim(made, wanted, { iterations: count, onprogress });
        if (mine === task) el.classList.remove("explorer-busy");
        if (!result) return null;
        griffin.set(count, result);
      }
      sounds[3] = griffin.get(count).audio;
      entry.pictures[3] = null;
    }
    return mine === task ? sounds[state.version] : null;
  }

  async function change(changes) {
    Object.assign(state, changes);
    task += 1;
    const mine = task;
    el.classList.remove("explorer-busy");
    showChoices();
    const entry = await analysed();
    if (mine !== task) return;
    const samples = await soundOf(entry, mine);
    if (!samples) return;
    const ready = entry.sounds.filter(Boolean);
    const gains = loudness.matchedGainsDb(ready, entry.original.sampleRate);
    entry.pictures[state.version] ??= transforms.picture(entry.made, entry.made.analyze(samples));
    shown = entry;
    deck.set([{ samples, sampleRate: entry.original.sampleRate, gainDb: gains[ready.indexOf(samples)] }]);
    update();
    draw();
    showFacts(entry);
  }

  // --- what is shown
  function showChoices() {
    const name = instruments[state.sound];
    instrument.value = name;
    transform.value = state.transform;
    note.replaceChildren(
      ...names.flatMap((text, index) => (instruments[index] === name ? [dom.h("option", { value: index }, text)] : [])),
    );
    note.value = state.sound;
    iterations.set(state.iterations);
    dom.choose(versions, state.version);
  }

  function showFacts({ original, made, roundTripDb, griffin }) {
    const parts = [
      `${made.bins} bins`,
      `${made.redundancy.toFixed(1)} numbers per sample`,
      `round-trip error ${Number.isFinite(roundTripDb) ? `${minus(roundTripDb)} dB` : "none"}`,
    ];
    const result = griffin.get(state.iterations);
    if (state.version === 3 && result) {
      const ends = [result.convergence[0], result.convergence.at(-1)].map((x) => minus(20 * Math.log10(x)));
      parts.push(`magnitudes off by ${ends[0]} dB before, ${ends[1]} dB after ${state.iterations} iterations`);
    }
    facts.textContent = parts.join(" · ");
    words.textContent = original.description;
    Object.assign(el.__timbre, { roundTripDb, convergence: result?.convergence ?? null, state: { ...state } });
    say(`${VERSIONS[state.version]}, ${transforms.NAMES[state.transform]}, ${instruments[state.sound]} ${names[state.sound]}`);
  }

  let inverse = () => 0;
  let box = null;
  function draw() {
    if (!shown || !el.isConnected || !canvas.clientWidth) return;
    const { made } = shown;
    const ticksHz = made.name.startsWith("nsgt") ? [100, 200, 500, 1000, 2000, 5000] : [1000, 2000, 4000, 6000, 8000, 10000];
    box = spectrogram.draw(canvas, shown.pictures[state.version], { el, range: 80, y: made.place, ticksHz });
    canvas.setAttribute("aria-label", `Magnitudes of ${transforms.NAMES[state.transform]}, ${VERSIONS[state.version]}`);
    panel.style.setProperty("--picture-left", `${box.x}px`);
    panel.style.setProperty("--picture-width", `${box.width}px`);
    panel.style.setProperty("--picture-height", `${box.height}px`);
    inverse = (height) => made.frequency(height * made.bins - 0.5);
    const { sampleRate } = shown.original;
    const [length, band, tiling] = plots.map((figure) => figure.querySelector("canvas"));
    resolution.lines(length, el, state.transform, sampleRate, {
      value: (t, hz) => 1000 * t.windowS(hz),
      low: 5,
      high: 1500,
      ticks: [10, 100, 1000],
    });
    resolution.lines(band, el, state.transform, sampleRate, {
      value: (t, hz) => t.bandwidthHz(hz),
      low: 1.2,
      high: 400,
      ticks: [2, 10, 50, 250],
    });
    resolution.tiles(tiling, el, state.transform, sampleRate);
    showTile(440, 0.5);
  }

  // One window's length and bandwidth, as a box in the picture and in words.
  function showTile(hz, fraction) {
    const { made } = shown;
    const [seconds, width] = [made.windowS(hz), made.bandwidthHz(hz)];
    const wide = (box.width * seconds * made.sampleRate) / made.length;
    const top = box.y + box.height * (1 - made.place(hz + width / 2));
    const bottom = box.y + box.height * (1 - made.place(Math.max(1, hz - width / 2)));
    Object.assign(tile.style, {
      left: `${box.x + fraction * box.width - wide / 2}px`,
      width: `${wide}px`,
      top: `${Math.min(top, bottom - 3)}px`,
      height: `${Math.max(3, bottom - top)}px`,
    });
    readout.textContent = `At ${spectrogram.formatHz(hz)}: window ${(1000 * seconds).toFixed(0)} ms, bandwidth ${width.toPrecision(3)} Hz`;
  }

  function update() {
    play.replaceChildren(dom.icon(deck.playing ? "pause" : "play"));
    play.setAttribute("aria-label", deck.playing ? "Pause" : "Play");
    play.title = `${deck.playing ? "Pause" : "Play"} (space)`;
    showPosition();
    animate();
  }

  function showPosition() {
    el.style.setProperty("--tb-position", deck.duration ? (deck.position / deck.duration).toFixed(4) : 0);
  }

  dom.dragToSeek(canvas, (event) => spectrogram.fractionAt(canvas, event), (fraction) => {
    deck.seek(fraction * deck.duration);
    showPosition();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!box) return;
    const height = 1 - (event.clientY - canvas.getBoundingClientRect().top - box.y) / box.height;
    const fraction = spectrogram.fractionAt(canvas, event);
    if (height > 0 && height < 1 && fraction > 0 && fraction < 1) showTile(Math.max(20, inverse(height)), fraction);
  });
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input")) return;
    const index = Number(event.key) - 1;
    if (index >= 0 && index < VERSIONS.length) change({ version: index });
    else if (event.key === "ArrowLeft") deck.seek(deck.position - SEEK_S);
    else if (event.key === "ArrowRight") deck.seek(deck.position + SEEK_S);
    else if (event.key === " " && !event.target.closest("button, summary")) deck.toggle();
    else return;
    event.preventDefault();
    showPosition();
  });

  await change({});
  const stops = [dom.onResize(panel, draw), theme.onThemeChange(draw)];
  return () => {
    task += 1;
    clearTimeout(wait);
    stops.forEach((stop) => stop());
    deck.dispose();
  };
}

function withSilence({ samples, sampleRate }) {
  const longer = new Float32Array(samples.length + Math.round(SILENCE_S * sampleRate));
  longer.set(samples);
  return longer;
}

function minus(db) {
  return db.toFixed(db > -100 ? 1 : 0).replace("-", "−");
}

// Energy of the difference relative to the signal, in dB.
function errorDb(signal, copy) {
  let error = 0;
  let energy = 0;
  for (let i = 0; i < signal.length; i++) {
    error += (signal[i] - copy[i]) ** 2;
    energy += signal[i] ** 2;
  }
  return energy ? 10 * Math.log10(error / energy) : -Infinity;
}

export default { render };
