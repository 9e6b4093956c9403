import * as additive from "../shared/additive.js";
import * as audio from "../shared/audio.js";
import * as dom from "../shared/dom.js";
import * as loudness from "../shared/loudness.js";
import * as measure from "../bench/measure.js";
import * as note from "../shared/note.js";
import * as performance from "../shared/performance.js";
import * as space from "../shared/space.js";
import * as spacemap from "../shared/spacemap.js";
import * as theme from "../shared/theme.js";
import * as voice from "../shared/voice.js";

const RATE = 22050;
const LONGEST_S = 10;
const SHORTEST_S = 0.05;
const RECORD_S = 4;

// What is wrong with a sound, or null: the library's refusals, in the same order.
export function refusal(samples) {
  if (!samples.length) return "There is no sound in it.";
  if (!samples.every(Number.isFinite)) return "The sound holds damaged samples.";
  const longest = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  if (longest < 1e-5) return "It is silent. Is the microphone muted, or the file empty?";
  if (samples.length < SHORTEST_S * RATE) return `${Math.round((1000 * samples.length) / RATE)} ms are too short: at least 50 ms are needed.`;
  return null;
}

// What one would say of a sound from its numbers.
export function inWords({ centroid_hz: hz, log_attack_time: attack, odd_even_db: odd }, clarity) {
  const ms = 1000 * 10 ** attack;
  const words = [hz < 400 ? "dark" : hz < 800 ? "mellow" : hz < 1600 ? "bright" : "very bright"];
  words.push(`${ms < 5 ? "immediate" : ms < 30 ? "fast" : ms < 100 ? "moderate" : "slow"} attack`);
  if (odd > 12) words.push("odd harmonics stand out");
  if (clarity < 0.7) words.push("no clear pitch");
  return words.join(", ");
}

// Through the space and back: the sound's own pitch and level, the space's spectra; `toward` moves part of the way.
export function resynthesise(samples, found, opened, toward = null, part = 0) {
  const how = performance.ofSound(samples, found.f0);
  const spectra = found.trajectory.map((z, t) => {
    const point = toward && part > 0 ? space.spherical(z, toward.path[t], 101)[Math.round(100 * part)] : z;
    return opened.decode(point, found.midi);
  });
  return additive.render(spectra, how, opened.frequencies, { times: found.times });
}

async function render({ model, el }) {
  dom.root(el, model, "own");
  const [opened, encoder] = await Promise.all([space.load(model, model.get("space")), space.load(model, model.get("encoder"))]);
  const say = dom.announcer(el);
  const flat = space.flatMap(opened);
  const map = new spacemap.SpaceMap({ root: el, space: opened, flat, label: "Map of the corpus's notes and your sound" });
  let current = null;

  // --- ways in
  const file = dom.h("input", { type: "file", accept: "audio/*", class: "timbre-hidden", "data-control": "file", "aria-label": "Choose a sound file", tabindex: -1 });
  file.addEventListener("change", () => {
    if (file.files[0]) fromFile(file.files[0]);
    file.value = "";
  });
  const choose = dom.button("choose", "Choose a file", () => file.click(), { primary: true });
  const record = dom.button("record", "Record", () => (stopRecording ? stopRecording() : fromMicrophone()));
  const examples = model.get("names").map((name, i) =>
    dom.button(`example-${i}`, name, async () => {
      const { samples } = await audio.load(model, model.get("examples")[i]);
      accept(samples, name);
    }));
  const status = dom.h("output", { class: "own-status", "aria-live": "polite" });
  const tell = (text, kind = "note") => {
    status.textContent = text;
    status.dataset.kind = kind;
  };

  async function fromFile(chosen) {
    tell(`Reading ${chosen.name} …`);
    try {
      accept(await toMono(await chosen.arrayBuffer()), chosen.name);
    } catch {
      tell(`${chosen.name} is no sound this browser can read. Try WAV, FLAC, OGG, MP3 or M4A.`, "error");
    }
  }

  async function toMono(bytes) {
    // An offline context at the book's rate resamples while it decodes.
    const buffer = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
    const mono = new Float32Array(buffer.length);
    for (let c = 0; c < buffer.numberOfChannels; c++) {
      buffer.getChannelData(c).forEach((x, i) => (mono[i] += x / buffer.numberOfChannels));
    }
    return mono;
  }

  let stopRecording = null;
  async function fromMicrophone() {
    if (!navigator.mediaDevices?.getUserMedia) {
      tell("This page may not use a microphone: open the book from a file or over https.", "error");
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
      const context = await audio.context();
      const source = context.createMediaStreamSource(stream);
      const finish = await voice.recorder(context, source);
      record.replaceChildren(dom.icon("stop"), "Stop");
      tell(`Recording: play or sing one note (${RECORD_S} s at most) …`);
      const timer = setTimeout(() => stopRecording?.(), 1000 * RECORD_S);
      stopRecording = async () => {
        clearTimeout(timer);
        stopRecording = null;
        const take = finish();
        source.disconnect();
        stream.getTracks().forEach((track) => track.stop());
        record.replaceChildren("Record");
        accept(await toMono(await voice.wav(take.samples, take.sampleRate).arrayBuffer()), "your recording");
      };
    } catch (error) {
      tell(error.name === "NotAllowedError" ? "The browser did not allow the microphone. A file works too." : `No microphone was found (${error.message}).`, "error");
    }
  }

  // --- placing
  async function accept(samples, name) {
    deck.pause();
    const wrong = refusal(samples);
    if (wrong) {
      tell(`${name}: ${wrong}`, "error");
      return;
    }
    const cut = samples.length > LONGEST_S * RATE;
    const kept = cut ? samples.slice(0, LONGEST_S * RATE) : samples;
    tell(`Listening to ${name} …`);
    await dom.breathe();
    const before = globalThis.performance.now();
    const found = note.place(kept, encoder);
    await dom.breathe();
    const numbers = measure.describe(kept, RATE, found.f0);
    current = { name, samples: kept, found, numbers, near: space.nearest(opened, found.z, 5) };
    const pitch = name.endsWith(spacemap.pitchName(found.midi)) ? "" : `${spacemap.pitchName(found.midi)}, `;
    tell(`${name}: ${pitch}${inWords(numbers, found.clarity)}.${cut ? ` Only its first ${LONGEST_S} s were used.` : ""}`);
    showFound();
    await remix();
    const names = current.near.map(({ index }) => nameOf(index));
    const result = { name, point: Array.from(found.z), f0_hz: found.f0, likeness: found.likeness ?? {}, nearest: names };
    Object.assign(el.__timbre, { result, placeMs: globalThis.performance.now() - before });
    model.set("result", result);
    model.save_changes();
    choices[0].focus({ preventScroll: true });
  }

  const nameOf = (i) => `${spacemap.shortName(opened.instruments[opened.notes.instrument[i]].name)} ${spacemap.pitchName(opened.notes.midi[i])}`;

  // --- what was found
  const likely = dom.h("div", { class: "own-likely" });
  const near = dom.h("div", { class: "own-near" });
  const numbersList = dom.h("dl", { class: "own-numbers" });
  const foundBox = dom.h("div", { class: "own-found", hidden: true },
    dom.h("div", {}, dom.h("h4", {}, "Most like"), likely),
    dom.h("div", {}, dom.h("h4", {}, "Nearest notes, and how far (press to hear)"), near),
    dom.h("div", {}, dom.h("h4", {}, "In numbers"), numbersList));
  function showFound() {
    const { found, numbers } = current;
    const likeness = found.likeness ?? {};
    const order = Object.entries(likeness).sort((a, b) => b[1] - a[1]).filter(([, share], i) => i === 0 || (i < 4 && share >= 0.01));
    likely.replaceChildren(...order.map(([name, share]) => {
      const bar = dom.h("i", { style: `--share: ${share}; --bar: ${theme.instrumentColour(name) ?? "var(--tb-accent)"}` });
      return dom.h("div", { class: "own-bar" }, spacemap.shortName(name), bar, `${Math.round(100 * share)} %`);
    }));
    near.replaceChildren(...current.near.map(({ index, distance }) =>
      dom.h("button", { type: "button", "data-control": "near", title: `${distance.toFixed(1)} away`, onclick: () => playNote(index) }, `${nameOf(index)} · ${distance.toFixed(1)}`)));
    const hz = (x) => `${Math.round(x)} Hz`;
    const rows = [["Pitch", `${spacemap.pitchName(found.midi)}, ${found.f0.toFixed(1)} Hz`], ["Centroid", hz(numbers.centroid_hz)], ["Bandwidth", hz(numbers.bandwidth_hz)],
      ["Flatness", numbers.flatness.toPrecision(2)], ["Attack", `${Math.round(1000 * 10 ** numbers.log_attack_time)} ms`], ["Sounding", `${found.seconds.toFixed(2)} s`]];
    numbersList.replaceChildren(...rows.flatMap(([name, value]) => [dom.h("dt", {}, name), dom.h("dd", {}, value)]));
    foundBox.hidden = playBox.hidden = false;
    draw();
    map.redraw();
  }

  function playNote(index) {
    const midi = opened.notes.midi[index];
    const f0 = 440 * 2 ** ((midi - 69) / 12);
    const how = additive.plain(f0, 1.2, { attack: Math.min(0.2, opened.notes.attack[index]), slope: opened.notes.slope[index] });
    const samples = additive.render([opened.decode(opened.notes.point(index), midi)], how, opened.frequencies);
    const [gainDb] = loudness.matchedGainsDb([samples], RATE);
    deck.set([{ samples, sampleRate: RATE, gainDb }]);
    mixed = false;
    deck.play(0);
    say(`${nameOf(index)} plays`);
  }

  // --- hearing it: the original, through the space, morphed
  let mixed = false;
  const deck = new audio.Deck({ el, onchange: () => showPlaying() });
  const KINDS = ["Original", "Through the space", "Morphed"];
  const choices = KINDS.map((text, i) => dom.choice(`track-${i}`, i + 1, text, null, () => switchTo(i)));
  const play = dom.button("play", "Play", () => (mixed ? deck.toggle() : remix().then(() => deck.play(0))), { iconName: "play", primary: true });
  const target = dom.select("target", opened.instruments.map(({ name }) => [name, spacemap.shortName(name)]), (opened.instruments.find(({ name }) => name === "Flute") ?? opened.instruments[0]).name, () => remixSoon());
  const morph = dom.slider("morph", "Morph", { min: 0, max: 100, step: 5, value: 50, format: (x) => `${x} %`, oninput: () => {
    if (deck.current !== 2) switchTo(2);
    remixSoon();
  } });
  const playBox = dom.h("div", { class: "own-play", hidden: true }, dom.choices("What to hear", choices), play, dom.field("Toward", target), morph.block);
  function showPlaying() {
    play.replaceChildren(dom.icon(deck.playing ? "pause" : "play"), deck.playing ? "Pause" : "Play");
    dom.choose(choices, deck.current);
  }
  async function switchTo(i) {
    if (!mixed) await remix();
    deck.switchTo(i);
    showPlaying();
  }
  let soon = 0;
  function remixSoon() {
    clearTimeout(soon);
    soon = setTimeout(remix, 60);
    draw();
  }
  async function remix() {
    if (!current) return;
    const { samples, found } = current;
    const toward = opened.instruments.find(({ name }) => name === target.value);
    current.through ??= resynthesise(samples, found, opened);
    await dom.breathe();
    const morphed = resynthesise(samples, found, opened, toward, Number(morph.input.value) / 100);
    const all = [samples, current.through, morphed];
    const gains = loudness.matchedGainsDb(all, RATE);
    const chosen = mixed ? deck.current : 1;
    deck.set(all.map((each, i) => ({ samples: each, sampleRate: RATE, gainDb: gains[i] })), chosen);
    mixed = true;
    showPlaying();
    draw();
  }

  function draw() {
    if (!current) {
      map.draw({});
      return;
    }
    const { found } = current;
    const toward = opened.instruments.find(({ name }) => name === target.value);
    const middle = toward.path[0].map((_, d) => toward.path.reduce((sum, frame) => sum + frame[d] / toward.path.length, 0));
    const way = space.spherical(found.z, middle, 41);
    const here = flat.place(way[Math.round(0.4 * Number(morph.input.value))]);
    const [x, y] = flat.place(found.z);
    map.draw({
      path: way.map((z) => flat.place(z)),
      lit: current.near.map(({ index }) => index),
      marks: [{ x, y, text: current.name.length > 22 ? "your sound" : current.name }],
      cursor: { x: here[0], y: here[1], colour: theme.colours(el).accent },
    });
  }

  el.append(
    dom.h("div", { class: "own-input" },
      dom.h("p", { class: "timbre-note" }, "Drop a sound of one note here. It stays on this page: nothing is uploaded."),
      file, choose, record, ...examples),
    status,
    dom.h("div", { class: "own-body" }, map.element, foundBox),
    playBox,
    dom.h("p", { class: "timbre-try" }, "sing “oo”, then “ee”, on one pitch: which instruments do your vowels lie near? Or send the viola, which the space never heard, toward the flute."),
  );
  el.addEventListener("dragover", (event) => {
    event.preventDefault();
    el.classList.add("own-over");
  });
  el.addEventListener("dragleave", () => el.classList.remove("own-over"));
  el.addEventListener("drop", (event) => {
    event.preventDefault();
    el.classList.remove("own-over");
    const [dropped] = event.dataTransfer.files;
    if (dropped) fromFile(dropped);
    else tell("That was no file. Drop a sound file.", "error");
  });
  el.addEventListener("keydown", (event) => {
    if (!current || ["SELECT", "INPUT"].includes(event.target.tagName)) return;
    if (["1", "2", "3"].includes(event.key)) switchTo(Number(event.key) - 1);
  });

  const redraw = () => {
    map.redraw();
    draw();
  };
  const stops = [dom.onResize(el, redraw), theme.onThemeChange(redraw)];
  return () => {
    stops.forEach((stop) => stop());
    deck.dispose();
  };
}

export default { render };
