import * as audio from "../shared/audio.js";
import * as additive from "../shared/additive.js";
import * as dom from "../shared/dom.js";
import * as space from "../shared/space.js";
import * as spacemap from "../shared/spacemap.js";
import * as theme from "../shared/theme.js";
import * as voice from "../shared/voice.js";
import * as steer from "./steer.js";

const hz = (x) => (x < 1000 ? `${Math.round(x)} Hz` : `${(x / 1000).toFixed(2)} kHz`);
const TEXT = {
  centroid: ["Centroid", hz],
  bandwidth: ["Bandwidth", hz],
  flatness: ["Flatness", (x) => (10 ** x).toExponential(1).replace("e-", " · 10⁻").replace(/\d$/, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d])],
  loudness: ["Loudness", (x) => `${x.toFixed(1).replace("-", "−")} LUFS`],
};
// How far the sliders go beyond the instrument's own range, on both sides.
const BEYOND = 0.5;
const STEPS = 1000;
const inProse = (name) => (/^(English|French)/.test(spacemap.shortName(name)) ? spacemap.shortName(name) : spacemap.shortName(name).toLowerCase());

async function render({ model, el }) {
  dom.root(el, model, "sliders");
  const opened = await space.load(model, model.get("space"));
  const say = dom.announcer(el);
  const first = { instrument: model.get("instrument"), midi: model.get("midi") };
  const state = { ...first, asked: {}, known: [], ranges: null };

  // --- rows
  const rows = Object.fromEntries(steer.NAMES.map((name) => {
    const id = dom.uniqueId(name);
    const tick = dom.h("input", { type: "checkbox", id, "data-control": `ask-${name}`, onchange: () => toggle(name, tick.checked) });
    const input = dom.h("input", { type: "range", min: 0, max: STEPS, step: 1, value: STEPS / 2, "data-control": name, "aria-label": `${TEXT[name][0]} asked for` });
    input.addEventListener("input", () => {
      tick.checked = true;
      state.asked[name] = valueAt(name, input.value / STEPS);
      showAsked();
      search();
    });
    const inside = dom.h("i");
    const got = dom.h("span", { class: "sliders-got" });
    const wanted = dom.h("output", { class: "sliders-wanted" });
    const achieved = dom.h("output", { class: "sliders-achieved", "data-control": `got-${name}` });
    const row = dom.h("div", { class: "sliders-row" }, dom.h("label", { for: id }, tick, TEXT[name][0]),
      dom.h("div", { class: "sliders-track" }, dom.h("div", { class: "sliders-band" }, inside), got, input), wanted, achieved);
    return [name, { row, tick, input, inside, got, wanted, achieved }];
  }));
  const span = (name) => {
    const { low, high } = state.ranges[steer.NAMES.indexOf(name)];
    const more = BEYOND * (high - low);
    const least = name === "centroid" || name === "bandwidth" ? 0.4 * low : -Infinity;
    return [Math.max(least, low - more), high + more];
  };
  const valueAt = (name, part) => {
    const [from, to] = span(name);
    return from + part * (to - from);
  };
  const partOf = (name, value) => {
    const [from, to] = span(name);
    return Math.max(0, Math.min(1, (value - from) / (to - from)));
  };
  function toggle(name, on) {
    if (on) state.asked[name] = valueAt(name, rows[name].input.value / STEPS);
    else delete state.asked[name];
    showAsked();
    search();
  }
  function showAsked() {
    for (const name of steer.NAMES) {
      const { row, wanted, input, tick } = rows[name];
      const asked = name in state.asked;
      tick.checked = asked;
      row.classList.toggle("sliders-asked", asked);
      wanted.textContent = asked ? TEXT[name][1](state.asked[name]) : "follows";
      input.setAttribute("aria-valuetext", asked ? wanted.textContent : "not asked for");
    }
  }

  // --- the instrument's own range, measured on its notes as the space sounds them
  let job = 0;
  async function enter() {
    const mine = ++job;
    verdict.textContent = `Measuring what the ${inProse(state.instrument)} does around ${spacemap.pitchName(state.midi)} …`;
    const reach = steer.reachOf(opened, state.instrument, state.midi);
    const known = [];
    for (const z of reach.near) {
      known.push(steer.measured(steer.soundOf(opened, z, state.midi), state.midi));
      await dom.breathe();
      if (mine !== job) return;
    }
    Object.assign(state, { reach, known, ranges: steer.settle(reach, known), asked: {} });
    el.style.setProperty("--sliders-colour", theme.instrumentColour(state.instrument) ?? "var(--tb-accent)");
    steer.NAMES.forEach((name, k) => {
      rows[name].inside.style.setProperty("--low", partOf(name, state.ranges[k].low));
      rows[name].inside.style.setProperty("--high", partOf(name, state.ranges[k].high));
    });
    state.before = opened.decode(reach.origin, state.midi);
    showAsked();
    find();
  }

  // --- the search
  let waiting = 0;
  function search() {
    if (!state.ranges || waiting) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      find();
    });
  }
  function find() {
    const before = performance.now();
    const found = Object.keys(state.asked).length
      ? steer.solve(opened, state.reach, state.ranges, state.asked, state.midi, state.known)
      : { z: state.reach.origin, error: 0, away: 0 };
    const took = performance.now() - before;
    const samples = steer.soundOf(opened, found.z, state.midi);
    const values = steer.measured(samples, state.midi);
    const spectrum = opened.decode(found.z, state.midi);
    Object.assign(state, { found, values, spectrum });
    Object.assign(el.__timbre, {
      lastBuffer: samples, sampleRate: additive.SAMPLE_RATE, asked: { ...state.asked }, searchMs: took, away: found.away,
      achieved: Object.fromEntries(steer.NAMES.map((name, k) => [name, values[k]])), ranges: state.ranges, midi: state.midi,
    });
    steer.NAMES.forEach((name, k) => {
      const { achieved, got, input } = rows[name];
      achieved.textContent = TEXT[name][1](values[k]);
      got.style.setProperty("--got", partOf(name, values[k]));
      if (!(name in state.asked)) input.value = Math.round(STEPS * partOf(name, values[k]));
    });
    judge();
    draw();
    sound?.morph(voiceOf());
  }

  function judge() {
    const asked = Object.keys(state.asked);
    const who = inProse(state.instrument);
    if (!asked.length) {
      verdict.textContent = `A usual note of the ${who} at ${spacemap.pitchName(state.midi)}. Move a slider to ask for something else; ticked ones are held.`;
      return;
    }
    const outside = asked.filter((name) => {
      const { low, high } = state.ranges[steer.NAMES.indexOf(name)];
      return state.asked[name] < low - 1e-9 || state.asked[name] > high + 1e-9;
    });
    const missed = asked.filter((name) => {
      const k = steer.NAMES.indexOf(name);
      return Math.abs(state.values[k] - state.asked[name]) > 0.02 * (state.ranges[k].high - state.ranges[k].low);
    });
    const list = (names) => names.map((name) => TEXT[name][0].toLowerCase()).join(" and ");
    const parts = [missed.length ? `Not reached: ${list(missed)}. This is as near as the search came.` : "Reached, as measured on the sound."];
    if (outside.length) parts.push(`The ${list(outside)} asked for ${outside.length > 1 ? "lie" : "lies"} outside what most of its notes do.`);
    parts.push(`${state.found.away.toFixed(1)} standard deviations from a usual note of the ${who}${state.found.away > 4 ? `: hardly a ${who} any more` : ""}.`);
    verdict.textContent = parts.join(" ");
    say(verdict.textContent);
  }

  // --- picture: the usual note's harmonics behind, the asked-for ones in front
  const picture = dom.h("canvas", { class: "sliders-picture", role: "img", "aria-label": "Harmonics of the usual note and of the note asked for; the centroid is marked" });
  function draw() {
    if (!picture.clientWidth || !state.spectrum) return;
    const { context, width, height } = dom.canvas2d(picture);
    const colours = theme.colours(el);
    const f0 = 440 * 2 ** ((state.midi - 69) / 12);
    const [low, high] = [Math.log2(60), Math.log2(8500)];
    const x = (f) => ((Math.log2(f) - low) / (high - low)) * width;
    const floor = height - 16;
    const amplitudes = [state.before, state.spectrum].map((s) => additive.splitHarmonics(s, opened.frequencies, f0).amplitudes);
    const strongest = Math.max(...amplitudes[0], ...amplitudes[1]);
    const tall = (a) => Math.max(1, (1 + (20 * Math.log10(a / strongest + 1e-6)) / 60) * (floor - 22));
    context.clearRect(0, 0, width, height);
    context.font = `10.5px ${colours.font}`;
    context.textAlign = "center";
    context.fillStyle = colours.muted;
    for (const [f, text] of [[110, "110 Hz"], [220, "220"], [440, "440"], [880, "880"], [1760, "1.8 k"], [3520, "3.5 k"], [7040, "7 kHz"]]) {
      context.globalAlpha = 0.25;
      context.fillRect(Math.round(x(f)), 8, 1, floor - 8);
      context.globalAlpha = 1;
      context.fillText(text, Math.max(18, Math.min(width - 18, x(f))), height - 4);
    }
    const style = theme.instrumentStyle(state.instrument, colours.dark);
    const bar = Math.max(2.5, Math.min(6, width / 130));
    amplitudes[0].forEach((a, k) => {
      context.globalAlpha = 0.28;
      context.fillStyle = colours.text;
      context.fillRect(x((k + 1) * f0) - bar, floor - tall(a), 2 * bar, tall(a));
    });
    context.globalAlpha = 1;
    context.fillStyle = style?.colour ?? colours.accent;
    amplitudes[1].forEach((a, k) => {
      context.beginPath();
      context.roundRect(x((k + 1) * f0) - bar / 2, floor - tall(a), bar, tall(a), [bar / 2, bar / 2, 0, 0]);
      context.fill();
    });
    const centre = x(Math.max(62, state.values[0]));
    context.strokeStyle = colours.text;
    context.lineWidth = 1.5;
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(centre, 16);
    context.lineTo(centre, floor);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colours.text;
    context.fillText("centroid", Math.max(26, Math.min(width - 26, centre)), 11);
  }

  // --- sound
  let sound = null;
  const voiceOf = () => voice.timbre(state.spectrum, opened.frequencies, 440 * 2 ** ((state.midi - 69) / 12), { equal: "power" });
  const me = { pause: () => stop() };
  const play = dom.button("play", "Hold the note", async () => {
    if (sound) {
      stop();
      return;
    }
    const context = await audio.context();
    const shared = globalThis.__timbre;
    if (shared.deck && shared.deck !== me) shared.deck.pause();
    shared.deck = me;
    if (!state.spectrum) return;
    sound = new voice.Voice(context, shared.meter, voiceOf(), { f0: 440 * 2 ** ((state.midi - 69) / 12), vibrato: 8, attack: 0.05 });
    showPlay();
  }, { iconName: "play", primary: true });
  function stop() {
    sound?.release();
    sound = null;
    showPlay();
  }
  function showPlay() {
    play.replaceChildren(dom.icon(sound ? "stop" : "play"), sound ? "Stop" : "Hold the note");
    play.setAttribute("aria-pressed", String(sound !== null));
  }

  const instrument = dom.select("instrument", opened.instruments.map(({ name }) => [name, spacemap.shortName(name)]), state.instrument, (name) => {
    state.instrument = name;
    enter();
  });
  const pitches = Array.from({ length: 45 }, (_, i) => [40 + i, spacemap.pitchName(40 + i)]);
  const pitch = dom.select("pitch", pitches, state.midi, (midi) => {
    state.midi = Number(midi);
    sound?.setPitch(440 * 2 ** ((state.midi - 69) / 12));
    enter();
  });
  const reset = dom.button("reset", "Reset", () => {
    Object.assign(state, first);
    instrument.value = first.instrument;
    pitch.value = first.midi;
    stop();
    enter();
  }, { iconName: "reset", title: "Back to the usual note" });
  const verdict = dom.h("p", { class: "sliders-verdict", "data-control": "verdict" });

  el.append(
    dom.h("div", { class: "timbre-row sliders-top" }, dom.field("Instrument", instrument), dom.field("Pitch", pitch), play, reset),
    dom.h("div", { class: "sliders-rows" },
      dom.h("div", { class: "sliders-row sliders-heads", "aria-hidden": "true" }, dom.h("span", {}, "Ask for"), dom.h("span", { class: "sliders-space" }, "hatched: outside its own range"), dom.h("span", {}, "asked"), dom.h("span", {}, "measured")),
      ...Object.values(rows).map(({ row }) => row)),
    verdict,
    picture,
    dom.h("p", { class: "timbre-try" }, "hold the note and drag the centroid into the hatched part. Does it still sound like a clarinet there? Then hold the centroid and ask for more bandwidth."),
  );
  showAsked();
  await enter();
  const stops = [dom.onResize(picture, draw), theme.onThemeChange(draw)];
  return () => {
    job += 1;
    stops.forEach((each) => each());
    stop();
    if (globalThis.__timbre.deck === me) globalThis.__timbre.deck = null;
  };
}

export default { render };
