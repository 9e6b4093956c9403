import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as audio from "../shared/audio.js";
import * as svg from "./svg.js";
import * as plot from "./plot.js";
import * as picture from "./picture.js";
import * as conditions from "./conditions.js";
import * as words from "./words.js";
import * as curves from "./curves.js";
import * as facts from "./facts.js";

const AGAINST = { test: "its own round 0", against_dense: "equally trained dense" };

function render({ model, el }) {
  dom.root(el, model, "sweep");
  const data = model.get("data");
  const heard = model.get("heard");
  const references = model.get("sounds");
  const gainsDb = model.get("gains_db");
  const start = model.get("start");
  const first = { choice: conditions.choiceOf(start.condition), run: start.run, round: start.round, against: "test", clip: 0, version: 2 };
  let state = structuredClone(first);
  let drawn = null;
  let loading = 0;
  const say = dom.announcer(el);
  const deck = new audio.Deck({ el, onchange: () => showPlaying() });
  deck.loop = false;

  // --- elements
  const models = Object.keys(data.models);
  const modelButtons = models.map((name) =>
    dom.h("button", { type: "button", "data-control": `model-${name}`, onclick: () => choose({ model: name }) }, data.models[name].title),
  );
  const selects = dom.h("div", { class: "sweep-selects" });
  const reset = dom.button("reset", "", () => go(structuredClone(first)), { iconName: "reset", title: "Reset" });
  reset.classList.add("timbre-icon");
  reset.setAttribute("aria-label", "Reset");
  const plotBox = dom.h("div", { class: "sweep-plot", "data-control": "plot" });
  const pictureBox = dom.h("div", { class: "sweep-picture" });
  const pictureNote = dom.h("p", { class: "timbre-note sweep-picture-note" });
  const missing = dom.h("p", { class: "sweep-missing" });
  const nearestButton = dom.button("nearest", "Show the nearest that was run", () => goNearest());
  const absent = dom.h("div", { class: "sweep-absent", "data-control": "absent" }, missing, nearestButton);
  const slider = dom.slider("round", "Round", { min: 0, max: 1, step: 1, value: 0, format: roundText, oninput: (round) => go({ ...state, round }) });
  const seeds = dom.h("div", { class: "timbre-choices sweep-seeds", role: "group", "aria-label": "Seed" });
  const against = Object.entries(AGAINST).map(([key, text]) =>
    dom.h("button", { type: "button", "data-control": `against-${key}`, onclick: () => go({ ...state, against: key }) }, text),
  );
  const legend = dom.h("p", { class: "timbre-note sweep-legend" });
  const sentence = dom.h("output", { class: "sweep-sentence", "data-control": "sentence", "aria-live": "polite" });
  const tiles = dom.h("dl", { class: "sweep-tiles" });
  const play = dom.h(
    "button",
    { type: "button", class: "timbre-icon timbre-primary", "data-control": "play", onclick: () => toggle() },
    dom.icon("play"),
  );
  const versions = ["Recording", "Full model", "This point"].map((text, index) =>
    dom.choice(`hear-${index + 1}`, index + 1, text, `Hear: ${text.toLowerCase()} (key ${index + 1})`, () => hear(index)),
  );
  const loop = dom.h(
    "button",
    { type: "button", class: "timbre-icon sweep-loop", "data-control": "loop", title: "Loop (L)", "aria-label": "Loop", onclick: () => deck.setLoop(!deck.loop) },
    dom.icon("loop"),
  );
  const clip = dom.select("clip", heard.clips.map((one, index) => [index, one.name]), 0, (index) => go({ ...state, clip: Number(index) }));
  clip.setAttribute("aria-label", "Note");
  const hearing = dom.h("div", { class: "sweep-hear" }, play, dom.h("div", {}, dom.choices("What to hear", versions), dom.h("div", { class: "sweep-which" }, clip, loop)));
  const soundNote = dom.h("p", { class: "timbre-note", "data-control": "sound-note" });
  const soundButton = dom.button("nearest-sound", "", () => goSound());
  const table = facts.table();
  el.append(
    dom.h("div", { class: "sweep-top" }, dom.choices("Model", modelButtons), reset),
    selects,
    absent,
    dom.h(
      "div",
      { class: "sweep-panels" },
      dom.h(
        "div",
        { class: "sweep-left" },
        dom.h("div", { class: "timbre-choices sweep-against", role: "group", "aria-label": "Error against" }, dom.h("span", { class: "timbre-note" }, "Error against"), ...against),
        plotBox,
        slider.block,
        legend,
        hearing,
        soundNote,
        soundButton,
        sentence,
      ),
      dom.h("div", { class: "sweep-right" }, dom.h("p", { class: "timbre-note" }, "Units left in each group; outlined: the full network"), pictureBox, pictureNote, seeds, tiles),
    ),
    table.element,
    dom.h(
      "p",
      { class: "timbre-try" },
      "move the round from left to right with the recording at hand (keys 3 and 1): where does the curve leave ×1, and where do your ears? Then compare the lengths of training, and rank by chance in the shorter one: how far apart are the two curves, beside their ranges over seeds?",
    ),
  );
  const drawing = picture.make(pictureBox, dom.reducedMotion);

  // --- what is chosen
  function condition() {
    return data.conditions[conditions.keyOf(state.choice)] ?? null;
  }

  function runsHere() {
    return condition()?.runs ?? [];
  }

  function choose(change) {
    const choice = { ...state.choice, ...change };
    // A model may lack what another had: then the nearest of its own is better than nothing.
    let key = conditions.keyOf(choice);
    if (change.model && !data.conditions[key]) key = conditions.nearest(choice, ofModel(choice.model)) ?? key;
    go({ ...state, choice: data.conditions[key] ? { ...choice, ...conditions.choiceOf(key) } : choice });
  }

  function ofModel(name) {
    return Object.keys(data.conditions).filter((key) => data.conditions[key].model === name && data.conditions[key].reset !== "dense");
  }

  function go(next) {
    const removed = data.runs[state.run]?.removed?.[state.round];
    const same = conditions.keyOf(next.choice) === conditions.keyOf(state.choice);
    state = next;
    const here = runsHere();
    if (here.length && !here.includes(state.run)) {
      const seed = data.runs[next.run]?.seed;
      const audible = here.find((name) => heard.runs[name]);
      state.run = here.find((name) => data.runs[name].seed === seed) ?? audible ?? here[0];
    }
    if (here.length && !same && removed !== undefined) state.round = nearestRound(state.run, removed);
    if (here.length) state.round = Math.min(state.round, data.runs[state.run].removed.length - 1);
    if (!condition()?.against_dense) state.against = "test";
    show(same);
    prepare();
  }

  function nearestRound(run, removed) {
    return nearestOf(data.runs[run].removed.map((share) => Math.log(1.0005 - share)), Math.log(1.0005 - removed));
  }

  function nearestOf(values, wanted) {
    return values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? index : best), 0);
  }

  function goNearest() {
    const key = conditions.nearest(state.choice, ofModel(state.choice.model));
    if (key) go({ ...state, choice: conditions.choiceOf(key) });
  }

  // The point whose sound comes nearest: of this run if it can be heard at all, else of the nearest condition that can.
  function soundPoint() {
    const own = condition() && heard.runs[state.run];
    if (!own) return null;
    const removed = data.runs[state.run].removed[state.round];
    return own[nearestOf(own.map((one) => Math.log(1.0005 - one.removed)), Math.log(1.0005 - removed))];
  }

  function nearestAudible() {
    const keys = [...new Set(Object.keys(heard.runs).map((name) => name.replace(/-s\d+$/, "")))];
    const own = keys.filter((key) => data.conditions[key]?.model === state.choice.model);
    const key = conditions.nearest(state.choice, own);
    return key ? Object.keys(heard.runs).find((name) => data.conditions[key].runs.includes(name)) : null;
  }

  function goSound() {
    const run = soundPoint() ? state.run : nearestAudible();
    if (!run) return;
    const removed = data.runs[state.run].removed[state.round];
    const points = heard.runs[run];
    const at = points[nearestOf(points.map((one) => Math.log(1.0005 - one.removed)), Math.log(1.0005 - removed))];
    go({ ...state, choice: conditions.choiceOf(run.replace(/-s\d+$/, "")), run, round: at.round });
  }

  // --- what is shown
  function show(animate) {
    const found = condition();
    modelButtons.forEach((button, index) => button.setAttribute("aria-pressed", String(models[index] === state.choice.model)));
    showSelects();
    absent.hidden = Boolean(found);
    el.classList.toggle("sweep-none", !found);
    if (!found) {
      const reasons = Object.entries(data.failed).filter(([name]) => name.replace(/-s\d+$/, "") === conditions.keyOf(state.choice));
      missing.textContent = reasons.length
        ? `Run, but failed: ${reasons.map(([name, reason]) => `${name} (${reason})`).join("; ")}.`
        : `Not run: ${data.models[state.choice.model].title}, ${conditions.nameOf(conditions.keyOf(state.choice), data.conditions)}. No curve is drawn for it.`;
      nearestButton.hidden = !ofModel(state.choice.model).length;
      say(missing.textContent);
    }
    showPlot();
    if (!found) return;
    const record = data.runs[state.run];
    slider.input.max = Math.max(...runsHere().map((name) => data.runs[name].removed.length)) - 1;
    slider.set(state.round);
    const groups = data.models[state.choice.model].groups;
    const widths = Object.fromEntries(Object.keys(groups).map((group, index) => [group, record.widths[state.round][index]]));
    drawing.show(data.models[state.choice.model], widths, !animate);
    const freed = record.truly_removable?.[state.round];
    pictureNote.textContent =
      found.how === "mask"
        ? `Masking sets weights to zero and leaves every unit in place${freed === null || freed === undefined ? "" : `: only ${words.share(freed)} of the weights could truly be taken out`}.`
        : words.thinnest(widths, groups);
    showSeeds(found);
    against.forEach((button, index) => {
      const key = Object.keys(AGAINST)[index];
      button.setAttribute("aria-pressed", String(state.against === key));
      button.disabled = !found[key];
      button.title = found[key] ? "" : "No dense control was trained as long as these runs";
    });
    sentence.textContent = words.point({
      title: data.models[state.choice.model].title,
      name: conditions.nameOf(conditions.keyOf(state.choice), data.conditions),
      run: state.run,
      record,
      round: state.round,
      row: found[state.against]?.[state.round],
      against: state.against,
      total: record.n_parameters[0],
    });
    tiles.replaceChildren(...facts.tiles(found, record, state.round, state.against, data.models[state.choice.model].latencies));
    showSound();
    table.fill(found, data.runs, state.run, state.round);
  }

  function showSelects() {
    const { choice } = state;
    const make = (control, text, part, names, onchange) => {
      const options = conditions.options(part, names, choice, data.conditions, data.planned);
      return dom.field(text, dom.select(control, options, choice[part], onchange));
    };
    const focused = el.ownerDocument.activeElement?.dataset?.control;
    const lengths = [false, true].map((long) => [String(long), data.conditions[conditions.keyOf({ ...choice, long })]]);
    const training = lengths.map(([value, one]) => {
      const steps = one?.steps ?? Object.values(data.conditions).find((c) => c.model === choice.model && String(c.long) === value)?.steps;
      const text = steps ? `${steps.toLocaleString("en-GB")} steps a round` : value === "true" ? "long" : "short";
      return [value, one ? text : `${text} (not run)`];
    });
    selects.replaceChildren(
      make("how", "Remove", "how", conditions.HOW, (how) => choose({ how })),
      make("criterion", "Rank by", "criterion", conditions.CRITERIA, (criterion) => choose({ criterion })),
      make("rest", "The rest then", "reset", conditions.RESETS, (value) => choose({ reset: value })),
      dom.field("Training", dom.select("training", training, String(choice.long), (value) => choose({ long: value === "true" }))),
    );
    if (focused) selects.querySelector(`[data-control="${focused}"]`)?.focus();
  }

  function showPlot() {
    if (!el.isConnected || !plotBox.clientWidth) return;
    const content = curves.content(data, heard, state);
    drawn = plot.draw(plotBox, content);
    showLegend(content);
  }

  function showLegend({ curves: lines, ends, level }) {
    const parts = [];
    const sample = (kind) => svg.s("svg", { class: "sweep-sample", viewBox: "0 0 26 8", width: 26, height: 8, "aria-hidden": "true" }, svg.s("path", { class: `sweep-line sweep-${kind}`, d: "M1,4H25" }));
    const add = (kind, text) => parts.push(dom.h("span", {}, sample(kind), text));
    if (condition()) add("chosen", runsHere().length > 1 ? "chosen: median, range and every seed" : "chosen: one seed");
    const has = (kind) => lines.some((curve) => curve.kind === kind);
    if (has("chance")) add("chance", "ranked by chance");
    if (has("scratch")) add("scratch", "thin from the start");
    if (has("other")) add("other", "other conditions");
    if (level) add("level", "full network, trained longer");
    if (ends.length) parts.push(dom.h("span", {}, `✕ ${ends.map((end) => end.text).join("; ")}`));
    legend.replaceChildren(...parts);
  }

  function showSeeds(found) {
    const buttons = found.runs.map((name) =>
      dom.h("button", { type: "button", "data-control": `seed-${data.runs[name].seed}`, title: name, "aria-pressed": String(name === state.run), onclick: () => go({ ...state, run: name }) }, String(data.runs[name].seed)),
    );
    const had = seeds.contains(el.ownerDocument.activeElement);
    seeds.replaceChildren(dom.h("span", { class: "timbre-note" }, "Seed"), ...buttons);
    if (had) buttons[found.runs.indexOf(state.run)]?.focus();
  }

  function roundText(round) {
    const removed = data.runs[state.run]?.removed?.[round];
    return removed === undefined ? String(round) : `${round}: ${words.share(removed)} removed`;
  }

  // --- sound
  function showSound() {
    const at = soundPoint();
    hearing.hidden = !at;
    soundButton.hidden = true;
    if (!at) {
      const other = nearestAudible();
      if (deck.playing) deck.pause();
      soundNote.textContent = other ? `No sound is kept of ${state.run}. The nearest that can be heard is ${other}.` : `No sound is kept of any ${data.models[state.choice.model].title} run yet.`;
      soundButton.textContent = "Go to where there is sound";
      soundButton.hidden = !other;
      return;
    }
    const here = at.round === state.round;
    versions[2].lastChild.textContent = at.removed ? `${words.share(at.removed)} removed` : "Full model, again";
    const chance = heard.between_draws_db[state.run]?.[state.clip];
    soundNote.textContent =
      (here ? "" : `Rounds with sound carry a loudspeaker; the nearest to round ${state.round} is round ${at.round}, and this is what you hear. `) +
      `Spectral distance of round ${at.round}: ${at.to_original_db[state.clip].toFixed(1)} dB to the recording, ${at.to_full_db[state.clip].toFixed(1)} dB to the full model` +
      (chance ? ` (two draws of the full model: ${chance.toFixed(1)} dB).` : ".") +
      " All equally loud.";
    soundButton.textContent = `Go to round ${at.round}`;
    soundButton.hidden = here;
  }

  function places() {
    const at = soundPoint();
    return at ? [heard.clips[state.clip].sound, heard.runs[state.run][0].sounds[state.clip], at.sounds[state.clip]] : null;
  }

  // Load the sounds of this point if something plays or has played; nothing is decoded before it is wanted.
  async function prepare(wanted = deck.tracks.length > 0) {
    const here = places();
    if (!here || !wanted) return;
    loading += 1;
    const mine = loading;
    const loaded = await Promise.all(here.map((place) => audio.load(model, references[place])));
    if (mine !== loading) return;
    const tracks = loaded.map((one, index) => ({ samples: one.samples, sampleRate: one.sampleRate, gainDb: gainsDb[here[index]] }));
    const unchanged = deck.playing && deck.track.samples === tracks[state.version].samples;
    if (unchanged) {
      tracks[state.version] = deck.track;
      deck.tracks = tracks;
      deck.current = state.version;
    } else deck.set(tracks, state.version);
    el.__timbre.version = state.version;
    showPlaying();
  }

  async function toggle() {
    if (deck.playing) return deck.pause();
    await prepare(true);
    if (deck.tracks.length) deck.play();
  }

  async function hear(index) {
    state.version = index;
    const playing = deck.playing;
    await prepare(true);
    if (deck.tracks.length && !playing) deck.play();
    const at = soundPoint();
    const [a, b] = [at?.to_original_db[state.clip], at?.to_full_db[state.clip]];
    if (at) say(index === 2 ? `${versions[2].lastChild.textContent}: ${a.toFixed(1)} dB from the recording, ${b.toFixed(1)} dB from the full model` : versions[index].lastChild.textContent);
  }

  function showPlaying() {
    play.replaceChildren(dom.icon(deck.playing ? "pause" : "play"));
    play.setAttribute("aria-label", deck.playing ? "Pause" : "Play");
    play.title = `${deck.playing ? "Pause" : "Play"} (space)`;
    loop.setAttribute("aria-pressed", String(deck.loop));
    dom.choose(versions, state.version);
  }

  // --- hands
  const byPointer = (event) => {
    if (!drawn || !condition()) return;
    const round = drawn.nearest(event.clientX, data.runs[state.run].removed);
    if (round !== state.round) go({ ...state, round });
  };
  let held = false;
  plotBox.addEventListener("pointerdown", (event) => {
    const dot = event.target.closest?.("[data-run]");
    held = true;
    if (dot) go({ ...state, run: dot.dataset.run, round: Number(dot.dataset.round) });
    else byPointer(event);
  });
  plotBox.addEventListener("pointermove", (event) => held && event.buttons && byPointer(event));
  const release = () => (held = false);
  addEventListener("pointerup", release);
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onControl = event.target.closest("button, summary, select, input");
    const step = (by) => condition() && go({ ...state, round: Math.max(0, Math.min(data.runs[state.run].removed.length - 1, state.round + by)) });
    const actions = { " ": toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1), l: () => deck.setLoop(!deck.loop), 1: () => hear(0), 2: () => hear(1), 3: () => hear(2) };
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    const theirs = onControl?.matches("select, input") || (onControl && (event.key === " " || event.key === "Enter"));
    if (!action || theirs || (/^[123 l]$/i.test(event.key) && !soundPoint())) return;
    event.preventDefault();
    action();
  });

  el.tabIndex = -1;
  show(false);
  showPlaying();
  const redraw = () => show(false);
  const stops = [dom.onResize(plotBox, redraw), theme.onThemeChange(redraw), () => removeEventListener("pointerup", release), drawing.stop];
  return () => {
    stops.forEach((stop) => stop());
    deck.dispose();
  };
}

export default { render };
