import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as svg from "./svg.js";
import * as plot from "./plot.js";
import * as picture from "./picture.js";
import * as conditions from "./conditions.js";
import * as words from "./words.js";
import * as curves from "./curves.js";
import * as hear from "./hear.js";
import * as facts from "./facts.js";

const AGAINST = { test: "its own round 0", against_dense: "equally trained dense" };

function render({ model, el }) {
  dom.root(el, model, "sweep");
  const data = model.get("data");
  const heard = model.get("heard");
  const start = model.get("start");
  const first = { choice: conditions.choiceOf(start.condition), run: start.run, round: start.round, against: "test", clip: 0 };
  let state = structuredClone(first);
  let drawn = null;
  const say = dom.announcer(el);

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
  const sounds = hear.make({ el, model, data, get: () => state, go: (change) => go({ ...state, ...change }, "round" in change), say });
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
        ...sounds.elements,
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

  // Another condition keeps the share removed as nearly as it can, unless a round is asked for.
  function go(next, asked = false) {
    const removed = data.runs[state.run]?.removed?.[state.round];
    const same = conditions.keyOf(next.choice) === conditions.keyOf(state.choice);
    state = next;
    const here = runsHere();
    if (here.length && !here.includes(state.run)) {
      const seed = data.runs[next.run]?.seed;
      const audible = here.find((name) => heard.runs[name]);
      state.run = here.find((name) => data.runs[name].seed === seed) ?? audible ?? here[0];
    }
    if (here.length && !same && !asked && removed !== undefined) state.round = hear.nearestPoint(rounds(state.run), removed).round;
    if (here.length) state.round = Math.min(state.round, data.runs[state.run].removed.length - 1);
    if (!condition()?.against_dense) state.against = "test";
    show(same);
    sounds.prepare();
  }

  function rounds(run) {
    return data.runs[run].removed.map((removed, round) => ({ removed, round }));
  }

  function goNearest() {
    const key = conditions.nearest(state.choice, ofModel(state.choice.model));
    if (key) go({ ...state, choice: conditions.choiceOf(key) });
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
    const left = record.widths[state.round].split(" ").map(Number);
    const widths = Object.fromEntries(Object.keys(groups).map((group, index) => [group, left[index]]));
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
      left: record.n_parameters[state.round] * (found.how === "mask" ? 1 - record.removed[state.round] : 1),
    });
    tiles.replaceChildren(...facts.tiles(found, record, state.round, state.against, data.models[state.choice.model].latencies));
    sounds.show();
    table.fill(found, data.runs, state.run, state.round);
  }

  function showSelects() {
    const { choice } = state;
    if (selects.dataset.shown === JSON.stringify(choice)) return;
    selects.dataset.shown = JSON.stringify(choice);
    const make = (control, text, part, names, onchange) => {
      const options = conditions.options(part, names, choice, data.conditions, data.planned);
      return dom.field(text, dom.select(control, options, choice[part], onchange));
    };
    const focused = el.ownerDocument.activeElement?.dataset?.control;
    const lengths = [false, true].map((long) => [String(long), data.conditions[conditions.keyOf({ ...choice, long })]]);
    const training = lengths.map(([value, one]) => {
      const steps = one?.steps ?? Object.values(data.conditions).find((c) => c.model === choice.model && String(c.long) === value)?.steps;
      const text = steps ? `${steps.toLocaleString("en-GB")} steps` : value === "true" ? "long" : "short";
      return [value, one ? text : `${text} (not run)`];
    });
    selects.replaceChildren(
      make("how", "Remove", "how", conditions.HOW, (how) => choose({ how })),
      make("criterion", "Rank by", "criterion", conditions.CRITERIA, (criterion) => choose({ criterion })),
      make("rest", "The rest then", "reset", conditions.RESETS, (value) => choose({ reset: value })),
      dom.field("Training a round", dom.select("training", training, String(choice.long), (value) => choose({ long: value === "true" }))),
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
    if (has("length")) add("length", `trained ${state.choice.long ? "shorter" : "longer"}`);
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
    const on = event.target.closest("button, summary, select, input");
    const last = () => data.runs[state.run].removed.length - 1;
    const step = (by) => condition() && go({ ...state, round: Math.max(0, Math.min(last(), state.round + by)) });
    const playing = { " ": sounds.toggle, l: sounds.loop, 1: () => sounds.hear(0), 2: () => sounds.hear(1), 3: () => sounds.hear(2) };
    const moving = { ArrowLeft: () => step(-1), ArrowRight: () => step(1) };
    const action = moving[event.key] ?? (sounds.audible() ? playing[event.key.toLowerCase()] : null);
    const pressed = on?.matches("button, summary") && (event.key === " " || event.key === "Enter");
    if (!action || pressed || on?.matches("select") || (on?.matches("input") && moving[event.key])) return;
    event.preventDefault();
    action();
  });

  el.tabIndex = -1;
  show(false);
  const redraw = () => {
    show(false);
    sounds.redraw();
  };
  const stops = [dom.onResize(plotBox, redraw), theme.onThemeChange(redraw), () => removeEventListener("pointerup", release), drawing.stop];
  return () => {
    stops.forEach((stop) => stop());
    sounds.dispose();
  };
}

export default { render };
