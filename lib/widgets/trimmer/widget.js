import * as audio from "../shared/audio.js";
import * as ddsp from "../shared/ddsp.js";
import * as dom from "../shared/dom.js";
import * as loudness from "../shared/loudness.js";
import * as theme from "../shared/theme.js";
import * as groups from "./groups.js";
import * as net from "./net.js";
import * as spectra from "./spectra.js";

const { HOP, RATE, Decoder, Synth, noiseSource } = ddsp.core;
const GOAL = 0.5; // share of the weights that the challenge wants out
const STEP = 0.1; // share that "Remove more" takes
const CHANCES = 5; // draws that chance is averaged over
const SAME = 1e-5; // sounds that differ by no more than this, of full scale 1, are the same
const NAMES = { magnitude: "weights (magnitude)", information: "information", activation: "activation", chance: "chance" };
const GATES = ["reset", "update", "new"];
const millions = (x) => (x < 1e5 ? `${(x / 1e3).toFixed(0)} k` : `${(x / 1e6).toFixed(2)} M`);
const change = (now, before) => (now === before ? "all there" : `−${(100 * (1 - now / before)).toFixed(0)} %`);

async function render({ model, el }) {
  dom.root(el, model, "trimmer");
  const source = await model.widget_manager.get_model(model.get("network").replace("IPY_MODEL_", ""));
  const tensors = ddsp.unpack(source.get("data"), source.get("layout_of_data"));
  const { config } = source.get("about");
  const { widths, layout, layer_normed: normedList } = model.get("groups");
  const normed = new Set(normedList);
  const scores = { ...model.get("scores") };
  const judged = model.get("judged");
  const clips = openClips(model, config);
  const say = dom.announcer(el);
  const full = { size: groups.size(layout, widths), bytes: groups.bytes(layout, widths), macs: groups.macs(widths, config) };
  const empty = () => Object.fromEntries(Object.keys(widths).map((group) => [group, new Set()]));
  const state = { gone: empty(), undo: [], criterion: "magnitude", clip: 0, active: { group: "h", unit: 0 }, best: {} };
  const noise = evenNoise(Math.max(...clips.map(({ f0 }) => f0.length)) * HOP);
  drawChance();

  // --- the network with units out
  const keepOf = (gone) => Object.fromEntries(Object.entries(widths).map(([group, n]) =>
    [group, Array.from({ length: n }, (_, unit) => unit).filter((unit) => !gone[group].has(unit))]));
  const widthsOf = (gone) => Object.fromEntries(Object.entries(widths).map(([group, n]) => [group, n - gone[group].size]));
  const play = (some, clip) => ddsp.core.render(new Decoder(some, config), new Synth(config.n_bands), {
    ...clip, noise: noise.subarray(0, clip.f0.length * HOP),
  });

  // What is left of the sounds: { audio, distance } of all clips; `going()` false gives up (null).
  async function judge(some, going = () => true) {
    const found = [];
    const levels = [];
    let distance = 0;
    for (const clip of clips) {
      await dom.breathe();
      if (!going()) return null;
      const made = play(some, clip);
      await dom.breathe();
      const seen = spectra.spectrograms(made, judged.n_ffts);
      distance += spectra.distance(seen, clip.spectrograms) / clips.length;
      found.push(made);
      levels.push(spectra.meanLevels(seen, judged.n_ffts[0] / 2 + 1));
    }
    return { sounds: found, distance, levels };
  }

  // --- changing
  function change_(gone, words) {
    state.undo.push(state.gone);
    state.gone = gone;
    changed(words);
  }
  const copy = () => Object.fromEntries(Object.entries(state.gone).map(([group, units]) => [group, new Set(units)]));
  // Put a unit in or out of `gone`; the last of a group stays.
  function put(gone, group, unit, out) {
    if (!out) gone[group].delete(unit);
    else if (gone[group].size < widths[group] - 1) gone[group].add(unit);
    else say(`${group} keeps one unit: a network without it would be cut in two.`);
  }
  function toggle({ group, unit }) {
    const gone = copy();
    const out = !gone[group].has(unit);
    put(gone, group, unit, out);
    change_(gone, `${group} ${unit} ${gone[group].has(unit) ? "out" : "back"}`);
  }
  function toggleLayer(group) {
    const gone = copy();
    if (gone[group].size === widths[group] - 1) gone[group].clear();
    else {
      const values = scores[state.criterion][group];
      const order = values.map((_, unit) => unit).sort((a, b) => values[a] - values[b]);
      gone[group] = new Set(order.slice(0, -1));
    }
    change_(gone, gone[group].size ? `${group}: all but its strongest unit out` : `${group}: all back`);
  }

  let round = 0;
  let waiting = null;
  function changed(words) {
    show();
    if (words) say(words);
    round += 1;
    const mine = round;
    results.dataset.stale = "true";
    clearTimeout(waiting);
    waiting = setTimeout(() => compute(mine), 120);
  }

  async function compute(mine) {
    const going = () => mine === round;
    const keep = keepOf(state.gone);
    const whole = Object.values(state.gone).every((units) => !units.size);
    const cut = groups.trim(tensors, layout, widths, keep);
    const here = play(cut, clips[state.clip]);
    hear(here);
    const silent = groups.zero(tensors, layout, widths, keep);
    const judgedCut = await judge(cut, going);
    if (!judgedCut) return;
    const judgedZero = whole ? judgedCut : await judge(silent, going);
    if (!judgedZero) return;
    let apart = 0;
    judgedCut.sounds.forEach((one, n) => one.forEach((x, i) => (apart = Math.max(apart, Math.abs(x - judgedZero.sounds[n][i])))));
    state.levels = judgedCut.levels;
    state.result = { distance: whole ? 0 : judgedCut.distance, zeroed: whole ? 0 : judgedZero.distance, apart, whole };
    delete results.dataset.stale;
    Object.assign(el.__timbre, { ...state.result, sizes: sizesNow(), removed: Object.fromEntries(Object.entries(state.gone).map(([g, u]) => [g, [...u]])) });
    showResult();
    say(`${change(sizesNow().size, full.size)} of the weights, distance ${state.result.distance.toFixed(2)}`);
  }

  // --- hearing
  const deck = new audio.Deck({ el, onchange: () => showPlaying() });
  function hear(cut) {
    const whole = clips[state.clip].audio;
    const gains = loudness.matchedGainsDb([whole, cut], RATE);
    deck.set([whole, cut].map((samples, i) => ({ samples, sampleRate: RATE, gainDb: gains[i] })), deck.tracks.length ? deck.current : 1);
    dom.choose(sides, deck.current);
  }
  const playButton = dom.button("play", "Play", () => deck.toggle(), { iconName: "play", primary: true });
  const sides = ["Full", "Trimmed"].map((text, i) => dom.choice(`side-${i}`, i + 1, text, `Hear the ${text.toLowerCase()} network (${i + 1})`, () => side(i)));
  function side(index) {
    deck.switchTo(index);
    dom.choose(sides, index);
  }
  function showPlaying() {
    playButton.replaceChildren(dom.icon(deck.playing ? "pause" : "play"), deck.playing ? "Pause" : "Play");
  }
  const clip = dom.select("clip", clips.map(({ name }, i) => [i, name]), 0, (value) => {
    state.clip = Number(value);
    hear(play(groups.trim(tensors, layout, widths, keepOf(state.gone)), clips[state.clip]));
    drawSpectra();
  });

  // --- the picture
  const canvas = dom.h("canvas", { class: "trim-net", tabindex: 0, "data-control": "net", role: "application", "aria-label": "The network. Arrow keys move between units, space takes one out or puts it back, L the whole layer." });
  let plan = null;
  const isGone = (group, unit) => state.gone[group].has(unit);
  function value(group, unit) {
    const values = scores[state.criterion][group];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return high > low ? (values[unit] - low) / (high - low) : 1;
  }
  function drawNet() {
    if (!canvas.clientWidth) return;
    plan = net.place(widths, canvas.clientWidth);
    canvas.style.height = `${plan.height}px`;
    const { context, width } = dom.canvas2d(canvas);
    const reached = new Set(groups.tied(layout, widths, state.active.group, state.active.unit)
      .flatMap(({ name }) => layout[name].flatMap((axis) => axis.map(({ group }) => group))).filter(Boolean));
    net.draw(context, width, plan, {
      el, widths, normed, value, gone: isGone, active: state.active, focused: document.activeElement === canvas, tied: reached, config, narrow: width < 520,
    });
  }

  // --- the note before and after
  const picture = dom.h("canvas", { class: "trim-spectra", role: "img", "aria-label": "Mean spectrum of the note: of the full network as an area, of the trimmed one as a line" });
  function drawSpectra() {
    if (!picture.clientWidth || !state.levels) return;
    const { context, width, height } = dom.canvas2d(picture);
    const colours = theme.colours(el);
    const whole = clips[state.clip].levels;
    const top = Math.max(...whole) + 3;
    const floor = height - 15;
    const x = (k) => (k / (whole.length - 1)) * width;
    const y = (dB) => Math.max(2, Math.min(floor, ((top - dB) / 75) * floor));
    const trace = (levels) => levels.forEach((dB, k) => (k ? context.lineTo(x(k), y(dB)) : context.moveTo(x(k), y(dB))));
    context.clearRect(0, 0, width, height);
    context.beginPath();
    trace(whole);
    context.lineTo(width, floor);
    context.lineTo(0, floor);
    context.fillStyle = colours.text;
    context.globalAlpha = 0.2;
    context.fill();
    context.globalAlpha = 1;
    context.beginPath();
    trace(state.levels[state.clip]);
    context.strokeStyle = colours.accent;
    context.lineWidth = 1.5;
    context.stroke();
    context.fillStyle = colours.muted;
    context.font = `10.5px ${colours.font}`;
    for (let hz = 0; hz <= 8; hz += 2) {
      context.textAlign = hz === 0 ? "left" : hz === 8 ? "right" : "center";
      context.fillText(hz === 8 ? "8 kHz" : `${hz}`, (hz / 8) * width, height - 2);
    }
  }

  // --- what goes with the unit under the finger
  const tiedText = dom.h("p", { class: "trim-tied-text" });
  const tiedPictures = dom.h("div", { class: "trim-tied", "aria-hidden": "true" });
  function showTied() {
    const { group, unit } = state.active;
    const found = groups.tied(layout, widths, group, unit);
    const parts = found.map(({ name, rows, columns }) => {
      const some = (n, one) => (n === 1 ? `1 ${one}` : `${n} ${one}s`);
      const vector = tensors[name].shape.length < 2;
      const gates = group === "h" && rows.length === 3 && !vector ? ` (${GATES.join(", ")})` : "";
      const words = [rows.length ? (vector ? some(rows.length, "number") : some(rows.length, "row") + gates) : "", columns.length ? some(columns.length, "column") : ""];
      return `${words.filter(Boolean).join(" and ")} of ${name}`;
    });
    const numbers = groups.size(layout, widths) - groups.size(layout, { ...widths, [group]: widths[group] - 1 });
    const score = scores[state.criterion][group][unit];
    const what = group === "h" ? `GRU unit ${unit}` : `Unit ${unit} of ${group}`;
    tiedText.replaceChildren(
      dom.h("strong", {}, `${what}${isGone(group, unit) ? ", out" : ""}: ${numbers} numbers go together.`),
      ` ${parts.join("; ")}. By ${NAMES[state.criterion]} it is number ${rank(group, unit)} of ${widths[group]}`,
      state.criterion === "information" ? ` (${score.toFixed(2)} bits).` : ".",
    );
    const longest = Math.max(...found.map(({ name }) => tensors[name].shape[0]));
    const scale = Math.max(1, Math.min(4, 140 / longest));
    const keep = keepOf(state.gone);
    tiedPictures.replaceChildren(...found.map((one) => {
      const shown = dom.h("canvas");
      const shape = tensors[one.name].shape;
      net.tensor(shown, tensors[one.name], one, layout[one.name].map((axis) => new Set(groups.positions(axis, widths, keep))), el);
      shown.style.width = `${shape[1] ? shape[1] * scale : Math.max(7, scale)}px`;
      shown.style.height = `${shape[0] * scale}px`;
      return dom.h("figure", {}, shown, dom.h("figcaption", {}, one.name.replace("_l0", "").replace("linear.", "").replace(".weight", "")));
    }));
  }
  function rank(group, unit) {
    const values = scores[state.criterion][group];
    return 1 + values.filter((other) => other > values[unit]).length;
  }

  // --- what it costs
  const results = dom.h("dl", { class: "trim-facts" });
  const sizesNow = () => {
    const now = widthsOf(state.gone);
    return { size: groups.size(layout, now), bytes: groups.bytes(layout, now), macs: groups.macs(now, config) };
  };
  const small = (text) => dom.h("small", {}, ` ${text}`);
  const cell = (name, ...content) => dom.h("div", {}, dom.h("dt", {}, name), dom.h("dd", {}, ...content));
  function showResult() {
    const now = sizesNow();
    const { distance = 0, zeroed = 0, apart = 0, whole = true } = state.result ?? {};
    const law = whole ? "nothing is out" : apart < SAME ? "the same sound" : "another sound: LayerNorm counts the zeros";
    results.replaceChildren(
      cell("Weights", now.size.toLocaleString("en"), small(change(now.size, full.size))),
      cell("Size in 8 bits", `${(now.bytes / 1000).toFixed(1)} kB`, small(change(now.bytes, full.bytes))),
      cell("Multiply-adds per second", millions(now.macs), small(change(now.macs, full.macs))),
      cell("Distance from the full sound", dom.h("output", { "data-control": "distance" }, distance.toFixed(3)), small(`full to recordings: ${judged.error.toFixed(2)}`)),
      cell("If zeroed, not removed", zeroed.toFixed(3), small(law)),
    );
    drawSpectra();
    showChallenge();
  }

  // --- the challenge
  const meter = dom.h("progress", { max: GOAL, value: 0, "aria-label": "Share of the weights removed, of the half that is asked" });
  const challengeText = dom.h("p", {});
  const compare = dom.button("compare", "Compare with the criteria", compareAll);
  const table = dom.h("div", { class: "trim-table" });
  const challenge = dom.h("div", { class: "trim-challenge" }, challengeText, meter, dom.h("div", { class: "timbre-row" }, compare), table);
  function showChallenge() {
    const share = 1 - sizesNow().size / full.size;
    meter.value = Math.min(GOAL, share);
    const done = share >= GOAL;
    compare.disabled = !done;
    const stale = results.dataset.stale;
    if (done && !stale && state.result && !(state.best.you <= state.result.distance)) state.best.you = state.result.distance;
    challengeText.replaceChildren(
      dom.h("strong", {}, "Challenge: "),
      done
        ? `half is out. Your distance: ${stale ? "…" : (state.result?.distance ?? 0).toFixed(3)}${state.best.you !== undefined ? `; your best: ${state.best.you.toFixed(3)}` : ""}.`
        : `take out half of the weights and change the sound least. So far ${(100 * share).toFixed(0)} %.`,
    );
    showTable();
  }
  function showTable() {
    const known = Object.entries(state.best).filter(([name]) => name === "you" || state.compared);
    if (!state.compared) {
      table.replaceChildren();
      return;
    }
    known.sort((a, b) => a[1] - b[1]);
    const worst = Math.max(...known.map(([, distance]) => distance));
    table.replaceChildren(...known.map(([name, distance]) => {
      const bar = dom.h("span", { class: "trim-bar", "aria-hidden": "true" });
      bar.style.width = `${(100 * distance) / worst}%`;
      const title = name === "you" ? "you, your best" : name === "chance" ? `chance, mean of ${CHANCES}` : NAMES[name];
      return dom.h("div", { class: name === "you" ? "trim-you" : null }, dom.h("span", {}, title), dom.h("span", { class: "trim-track" }, bar), dom.h("output", {}, distance.toFixed(3)));
    }));
  }
  async function compareAll() {
    compare.disabled = true;
    const target = full.size * (1 - GOAL);
    const random = noiseSource(7);
    for (const name of [...Object.keys(model.get("scores")), "chance"]) {
      challengeText.textContent = `Asking ${NAMES[name]} …`;
      const draws = name === "chance" ? Array.from({ length: CHANCES }, () => chanceScores(random)) : [scores[name]];
      let sum = 0;
      for (const draw of draws) {
        const gone = groups.least(layout, widths, draw, target, { enough: true });
        sum += (await judge(groups.trim(tensors, layout, widths, keepOf(gone)))).distance / draws.length;
      }
      state.best[name] = sum;
    }
    state.compared = true;
    Object.assign(el.__timbre, { compared: { ...state.best } });
    showChallenge();
    say(Object.entries(state.best).map(([name, distance]) => `${NAMES[name] ?? "you"} ${distance.toFixed(2)}`).join(", "));
  }

  // --- by a criterion
  function chanceScores(random) {
    return Object.fromEntries(Object.entries(widths).map(([group, n]) => [group, Array.from({ length: n }, random)]));
  }
  function drawChance() {
    scores.chance = chanceScores(noiseSource(1 + Math.floor(1e6 * Math.random())));
  }
  const criterion = dom.select("criterion", Object.keys(scores).map((name) => [name, NAMES[name]]), state.criterion, (name) => {
    state.criterion = name;
    show();
  });
  const least = dom.button("least", `Remove ${100 * STEP} % more`, () => {
    const steps = Math.floor((1 - sizesNow().size / full.size) / STEP + 0.5) + 1; // to the next whole one
    const gone = groups.least(layout, widths, scores[state.criterion], full.size * (1 - steps * STEP), { gone: state.gone, enough: true });
    change_(gone, `The least by ${NAMES[state.criterion]} are out`);
    if (state.criterion === "chance") drawChance();
  });
  const undo = dom.button("undo", "Undo", () => {
    if (!state.undo.length) return;
    state.gone = state.undo.pop();
    changed("Undone");
  });
  const reset = dom.button("reset", "", () => {
    deck.pause();
    Object.assign(state, { gone: empty(), undo: [], best: {}, compared: false, criterion: "magnitude", active: { group: "h", unit: 0 } });
    criterion.value = "magnitude";
    changed("Everything is back");
  }, { iconName: "reset", title: "Reset" });
  reset.classList.add("timbre-icon");
  reset.setAttribute("aria-label", "Reset");

  function show() {
    undo.disabled = !state.undo.length;
    drawNet();
    showTied();
    showResult();
  }

  const from = model.get("source");
  el.append(
    dom.h("div", { class: "timbre-row trim-top" },
      dom.field("Darker: more", criterion), least, undo, reset),
    canvas,
    dom.h("p", { class: "timbre-note" }, "A cell is a unit: press it, drag over several, or press a layer's name. Framed: inside a LayerNorm. Nothing is trained again here. Below: the note's spectrum, full (grey) and trimmed (line)."),
    results,
    picture,
    dom.h("div", { class: "timbre-row trim-hear" }, playButton, dom.choices("Which network", sides), dom.field("Note", clip)),
    tiedText,
    tiedPictures,
    challenge,
    dom.h("p", { class: "timbre-try" }, model.get("hint")),
    from ? dom.h("p", { class: "timbre-note" }, `Network: ${from}.`) : "",
  );

  // --- pointer: a mouse paints at once; a finger taps, or paints sideways, and scrolls up and down
  let stroke = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const under = (event) => (plan ? net.cellAt(plan, ...at(event)) : null);
  function activate(found) {
    if (!found || (found.group === state.active.group && found.unit === state.active.unit)) return;
    state.active = { group: found.group, unit: found.unit };
    drawNet();
    showTied();
  }
  function paint(found) {
    if (!found) return;
    stroke.out ??= !isGone(found.group, found.unit);
    if (stroke.out === isGone(found.group, found.unit)) return;
    if (!stroke.begun) state.undo.push(state.gone);
    if (!stroke.begun) state.gone = copy();
    stroke.begun = true;
    put(state.gone, found.group, found.unit, stroke.out);
    state.active = { group: found.group, unit: found.unit };
    show();
  }
  canvas.addEventListener("pointerdown", (event) => {
    const found = under(event);
    const head = found ? null : net.headAt(plan, ...at(event));
    stroke = { touch: event.pointerType === "touch", start: at(event), first: found, head, out: null, begun: false };
    if (!stroke.touch) {
      canvas.setPointerCapture(event.pointerId);
      if (found) paint(found);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const found = under(event);
    if (!stroke) {
      activate(found);
      canvas.style.cursor = found || net.headAt(plan, ...at(event)) ? "pointer" : "default";
      return;
    }
    if (stroke.touch && !stroke.begun) {
      if (Math.abs(at(event)[0] - stroke.start[0]) < 8) return;
      paint(stroke.first);
    }
    if (stroke.first) paint(found);
  });
  canvas.addEventListener("pointerup", () => {
    const ended = stroke;
    stroke = null;
    if (!ended) return;
    if (ended.head) toggleLayer(ended.head);
    else if (ended.begun) changed();
    else if (ended.touch && ended.first) {
      state.active = { group: ended.first.group, unit: ended.first.unit };
      toggle(ended.first);
    }
  });
  canvas.addEventListener("pointercancel", () => {
    const ended = stroke;
    stroke = null;
    if (ended?.begun) changed();
  });

  // --- keys
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    const key = event.key.toLowerCase();
    if (event.target === canvas && MOVES[event.key]) {
      event.preventDefault();
      const here = plan.cells.find(({ group, unit }) => group === state.active.group && unit === state.active.unit);
      activate(net.neighbour(plan, here, ...MOVES[event.key]));
      const { group, unit } = state.active;
      say(`${group} ${unit}, ${isGone(group, unit) ? "out" : "in"}, number ${rank(group, unit)} of ${widths[group]}`);
    } else if (event.target === canvas && (event.key === " " || event.key === "Enter")) {
      event.preventDefault();
      toggle(state.active);
    } else if (key === "l") toggleLayer(state.active.group);
    else if (key === "u") undo.click();
    else if (key === "p") deck.toggle();
    else if (key === "1" || key === "2") side(Number(key) - 1);
  });
  for (const event of ["focus", "blur"]) canvas.addEventListener(event, drawNet);

  // For tests: where a unit is on the screen.
  el.__timbre.where = (group, unit) => {
    const box = canvas.getBoundingClientRect();
    const found = plan.cells.find((one) => one.group === group && one.unit === unit);
    return [box.left + found.x + plan.cell / 2, box.top + found.y + plan.cell / 2];
  };
  // --- the full network, once
  for (const one of clips) {
    one.audio = play(tensors, one);
    await dom.breathe();
    one.spectrograms = spectra.spectrograms(one.audio, judged.n_ffts);
    one.levels = spectra.meanLevels(one.spectrograms, judged.n_ffts[0] / 2 + 1);
  }
  showPlaying();
  dom.choose(sides, 1);
  changed();
  const stops = [dom.onResize(el, show), theme.onThemeChange(show)];
  return () => {
    stops.forEach((each) => each());
    clearTimeout(waiting);
    round += 1;
    deck.dispose();
  };
}

// The notes that judge: [{ name, f0, loudness, z(frame) }].
function openClips(model, { latent_dims: dims }) {
  const { loudness: level, z } = ddsp.unpack(model.get("controls"), model.get("layout_of_controls"));
  const frames = level.shape[1];
  return model.get("clips").map((about, n) => ({
    ...about,
    f0: new Float64Array(frames).fill(about.f0_hz),
    loudness: level.data.subarray(n * frames, (n + 1) * frames),
    z: (t) => z.data.subarray((n * frames + t) * dims, (n * frames + t + 1) * dims),
  }));
}

// The same noise for every network: then only the network makes a difference.
function evenNoise(length) {
  return Float32Array.from({ length }, noiseSource(3));
}

export default { render };
