// Can this model keep up on that board? Everything is looked up; nothing is guessed.
import * as dom from "../shared/dom.js";
import * as audio from "../shared/audio.js";

const MARK = { measured: "●", emulated: "◐", predicted: "○" };
const ANSWER = { cannot: "Cannot keep up", may: "May keep up", runs: "Keeps up", "too slow": "Too slow" };
const PRECISION = { float32: "32-bit floats", int8: "8-bit integers" };
const START = { model: 0, precision: "int8", share: 0.9, block: 512, board: "Arduino Nano 33 BLE" };

function bytes(n) {
  return n >= 1 << 20 ? `${(n / (1 << 20)).toFixed(1)} MB` : `${(n / 1024).toFixed(1)} kB`;
}

function count(n) {
  for (const [size, letter] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) if (n >= size) return `${(n / size).toPrecision(3)}${letter}`;
  return n.toPrecision(3);
}

// The least share of the worst block's time that goes into computing; see least_load in __init__.py.
export function leastLoad(margin, block, step) {
  return (Math.ceil(block / step) * step) / block / margin;
}

function render({ model, el }) {
  dom.root(el, model, "advisor");
  const data = model.get("data");
  const references = model.get("sounds");
  const gainsDb = model.get("gains_db");
  const say = dom.announcer(el);
  const names = data.boards.map((board) => board.name);
  const state = { ...START };
  let version = 1;
  let loaded = 0;

  const rowsOf = () =>
    data.rows.filter((row) => row.model === data.models[state.model].key && row.precision === state.precision);
  const nearest = (rows, share) =>
    rows.reduce((best, row) => (Math.abs(row.removed - share) < Math.abs(best.removed - share) ? row : best));

  const deck = new audio.Deck({ el, onchange: () => showPlaying() });
  const pick = (control, text, options, change) => {
    const input = dom.select(control, options, "", change);
    return { input, block: dom.field(text, input) };
  };
  const which = pick("model", "Model", data.models.map((one, index) => [index, one.title]), (v) => go({ model: Number(v) }));
  const precision = pick("precision", "Precision", Object.entries(PRECISION), (v) => go({ precision: v }));
  const block = pick("block", "Block", data.blocks.map((n) => [n, `${n} samples, ${((1000 * n) / 16000).toFixed(0)} ms`]), (v) => go({ block: Number(v) }));
  const board = pick("board", "Board", names.map((name) => [name, name]), (v) => go({ board: v }));
  const longest = Math.max(...data.models.map((one) => data.rows.filter((row) => row.model === one.key && row.precision === "float32").length));
  const share = dom.slider("removed", "Removed", {
    min: 0, max: longest - 1, step: 1, value: 0,
    format: (index) => label(rowsOf()[Math.min(index, rowsOf().length - 1)]),
    oninput: (index) => go({ share: rowsOf()[Math.min(index, rowsOf().length - 1)].removed }),
  });
  function label(row) {
    return row ? (row.removed ? `${(100 * row.removed).toFixed(1)} %` : "nothing") : "";
  }

  const verdict = dom.h("p", { class: "advisor-verdict", "data-control": "verdict" });
  const sentence = dom.h("p", { "data-control": "says" });
  const open = dom.h("p", { class: "timbre-note", "data-control": "open" });
  const bars = dom.h("div", { class: "advisor-bars", role: "list", "aria-label": "Loads" });
  const facts = dom.h("dl", { class: "advisor-facts" });
  const play = dom.h("button", { type: "button", class: "timbre-icon timbre-primary", "data-control": "play", onclick: () => toggle() }, dom.icon("play"));
  const versions = ["Whole model", "This one"].map((text, index) =>
    dom.choice(`hear-${index + 1}`, index + 1, text, `Hear: ${text.toLowerCase()} (key ${index + 1})`, () => hear(index)),
  );
  const hearing = dom.h("div", { class: "timbre-row" }, play, dom.choices("What to hear", versions));
  const silent = dom.h("p", { class: "timbre-note", "data-control": "silent" }, "No sound of this model is kept.");

  const step = () => data.models[state.model].step;

  function current() {
    return nearest(rowsOf(), state.share);
  }

  function go(change) {
    Object.assign(state, change);
    show();
    prepare(loaded > 0);
  }

  function show() {
    const rows = rowsOf();
    const row = current();
    const found = row.boards[state.board];
    which.input.value = String(state.model);
    precision.input.value = state.precision;
    block.input.value = String(state.block);
    board.input.value = state.board;
    share.input.max = rows.length - 1;
    share.set(rows.indexOf(row));
    const timed = found.margin !== null && found.margin < 1e6;
    const load = timed ? leastLoad(found.margin, state.block, step()) : null;
    const late = found.answer === "may" && load !== null && load > 1;
    const answer = late ? "Cannot keep up at this block" : ANSWER[found.answer];
    el.dataset.answer = late ? "cannot" : found.answer;
    const ground = found.answer === "may" && !late ? `: nothing ${found.evidence} forbids it ` : `: ${found.evidence} `;
    verdict.replaceChildren(
      dom.h("strong", {}, answer),
      ground,
      dom.h("span", { "aria-hidden": "true", class: `advisor-mark advisor-${found.evidence}` }, MARK[found.evidence]),
    );
    const worst =
      load === null
        ? ""
        : ` In the worst block of ${state.block} samples it computes ${Math.ceil(state.block / step())} ${step() === 1 ? "samples" : `steps of ${step()} samples`}: at least ${(100 * load).toPrecision(2)} % of the time there is.`;
    sentence.textContent = found.says + worst;
    open.textContent = `Left open: ${found.cannot_say.charAt(0).toLowerCase()}${found.cannot_say.slice(1)}`;
    bars.replaceChildren(
      ...found.bounds.map(([resource, value, evidence, text]) => {
        const bar = dom.h("div", { class: `advisor-bar${value > 1 ? " advisor-over" : ""}` });
        bar.style.setProperty("--load", String(Math.min(1, value)));
        return dom.h(
          "div",
          { class: "advisor-load", role: "listitem", title: text },
          dom.h("span", {}, `${MARK[evidence]} ${resource}`),
          bar,
          dom.h("span", {}, value > 100 ? "> 100 ×" : value >= 1 ? `${value.toPrecision(2)} ×` : `${(100 * value).toPrecision(2)} %`),
        );
      }),
    );
    const about = data.boards.find((one) => one.name === state.board);
    const core = about.about.split(",")[0].split("× ")[1];
    const items = [
      ["Weights", `${row.n_parameters.toLocaleString("en")} in ${bytes(row.weight_bytes)}`],
      ["Multiply-adds", `${count(row.macs_per_second)} a second`],
      ["Instructions", row.instructions[core] ? `${count(row.instructions[core])} a second on its ${core} (emulated)` : "not counted for this chip"],
      ["Error", `${row.test_multiplier.toFixed(2)} × the whole model’s${row.precision === "int8" ? `, rounding ${row.rounding_multiplier.toFixed(3)} ×` : ""} (test recordings)`],
      ["One x86 core", `${count(1 / row.x86_real_time_factor)} × real time (measured)`],
      ["Board", `${about.about}${about.price ? `; ${about.price}` : ""}`],
    ];
    facts.replaceChildren(...items.flatMap(([term, text]) => [dom.h("dt", {}, term), dom.h("dd", {}, text)]));
    hearing.hidden = row.sound === null;
    silent.hidden = row.sound !== null;
    say(`${answer}. ${sentence.textContent}`);
    el.__timbre.row = row;
    el.__timbre.verdict = { answer: el.dataset.answer, evidence: found.evidence, load };
  }

  async function prepare(wanted) {
    const row = current();
    if (!wanted || row.sound === null) {
      if (row.sound === null && deck.playing) deck.pause();
      return;
    }
    loaded += 1;
    const mine = loaded;
    const whole = rowsOf().find((one) => one.round === 0 && one.run === row.run) ?? row;
    const places = [whole.sound, row.sound];
    const sounds = await Promise.all(places.map((place) => audio.load(model, references[place])));
    if (mine !== loaded) return;
    deck.set(sounds.map((one, index) => ({ samples: one.samples, sampleRate: one.sampleRate, gainDb: gainsDb[places[index]] })), version);
  }

  async function toggle() {
    if (deck.playing) return deck.pause();
    if (!loaded) await prepare(true);
    deck.play();
  }

  async function hear(index) {
    version = index;
    dom.choose(versions, version);
    if (!loaded) await prepare(true);
    deck.switchTo(index);
  }

  function showPlaying() {
    play.replaceChildren(dom.icon(deck.playing ? "pause" : "play"));
    play.setAttribute("aria-label", deck.playing ? "Pause" : "Play");
    play.title = deck.playing ? "Pause (space)" : "Play (space)";
  }

  function reset() {
    const first = data.boards.some((one) => one.name === START.board) ? START.board : names[0];
    const rounds = data.rows.some((row) => row.precision === START.precision) ? START.precision : "float32";
    go({ ...START, board: first, precision: rounds });
  }

  el.append(
    dom.h("div", { class: "advisor-choices" }, which.block, precision.block, block.block, board.block),
    share.block,
    verdict,
    sentence,
    bars,
    facts,
    hearing,
    silent,
    open,
    dom.h(
      "div",
      { class: "timbre-row advisor-foot" },
      dom.h("p", { class: "timbre-try" }, "remove weights until an Arduino’s cannot becomes a may; then shorten the block. ● measured, ◐ emulated, ○ predicted."),
      dom.button("reset", "Reset", reset, { iconName: "reset" }),
    ),
  );
  el.addEventListener("keydown", (event) => {
    if (["SELECT", "INPUT"].includes(event.target.tagName) && event.key !== "1" && event.key !== "2") return;
    if (event.key === " " && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      toggle();
    } else if (event.key === "1" || event.key === "2") hear(Number(event.key) - 1);
  });
  dom.choose(versions, version);
  showPlaying();
  reset();
  return () => deck.dispose?.();
}

export default { render };
