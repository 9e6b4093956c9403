import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as audio from "../shared/audio.js";
import * as chance from "../shared/chance.js";
import * as store from "../shared/store.js";
import * as design from "./design.js";
import * as mds from "./mds.js";

const GAP_S = 0.35;
const COLUMNS = ["listener", "trial", "sitting", "first", "second", "rating", "repeat", "seconds"];
const STORE = "ratings";

// --- files

export function toRows(state, names) {
  const rows = state.answers.map((a, i) => [state.listener, i + 1, a.sitting + 1, names[a.first], names[a.second], a.rating, a.repeat ? 1 : 0, a.seconds]);
  return [COLUMNS, ...rows];
}

// The state that an exported file holds; throws an Error that says what is wrong.
export function fromRows([header = [], ...rows], names) {
  const at = Object.fromEntries(COLUMNS.map((column) => [column, header.indexOf(column)]));
  const missing = COLUMNS.filter((column) => at[column] < 0);
  if (missing.length) throw new Error(`The file has no column ${missing.join(", ")}.`);
  if (!rows.length) throw new Error("The file holds no answers.");
  const answers = rows.map((row, i) => {
    const [first, second] = [names.indexOf(row[at.first]), names.indexOf(row[at.second])];
    const rating = Number(row[at.rating]);
    if (first < 0 || second < 0) throw new Error(`Line ${i + 2}: ${row[first < 0 ? at.first : at.second]} is not an instrument here.`);
    if (row[at.rating] === "" || !(rating >= 0 && rating <= 1)) throw new Error(`Line ${i + 2}: the rating ${row[at.rating]} is not a number from 0 to 1.`);
    return { sitting: Number(row[at.sitting]) - 1, first, second, repeat: row[at.repeat] === "1", rating, seconds: Number(row[at.seconds]) };
  });
  return { listener: rows[0][at.listener], seed: parseInt(rows[0][at.listener], 16) || 1, answers };
}

export function fresh() {
  const seed = chance.freshSeed();
  return { listener: seed.toString(16).padStart(8, "0"), seed, answers: [] };
}

async function render({ model, el }) {
  dom.root(el, model, "rate");
  const names = model.get("names");
  const plan = { first: model.get("first"), repeats: model.get("repeats") };
  const published = model.get("published");
  const gainsDb = model.get("gains_db");
  const sounds = await Promise.all(model.get("sounds").map((reference) => audio.load(model, reference)));
  const say = dom.announcer(el);
  const stage = dom.h("div", { class: "rate-stage" });
  el.append(stage);
  const deck = new audio.Deck({ el, onchange: () => showPlaying() });
  const rate = sounds[0].sampleRate;
  const level = (i) => sounds[i].samples.map((x) => x * audio.dbToGain(gainsDb[i]));
  let showPlaying = () => {};
  let redraw = () => {};
  let onKey = () => false;
  let state = store.read(STORE, null);
  if (!state?.answers?.every((a) => a.first < names.length && a.second < names.length)) state = fresh();

  // Several sounds after each other, with silence between.
  function row(indices) {
    const gap = Math.round(GAP_S * rate);
    const parts = indices.map(level);
    const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length + gap, -gap));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length + gap;
    }
    return { samples: whole, sampleRate: rate, gainDb: 0 };
  }
  const save = () => store.download("my-ratings.csv", store.toCsv(toRows(state, names)));
  const load = store.fileButton("import", "Import CSV", (text) => {
    try {
      state = fromRows(store.parseCsv(text), names);
      store.write(STORE, state);
      show();
    } catch (error) {
      stage.append(dom.h("p", { class: "rate-error", role: "alert" }, error.message));
    }
  });
  const forget = dom.button("reset", "Start over", () => {
    deck.pause();
    state = fresh();
    store.remove(STORE);
    show();
  }, { iconName: "reset", title: "Forget all ratings and begin again" });

  function show() {
    onKey = () => false;
    redraw = () => {};
    const done = design.finishedSittings(state, plan, names.length);
    const begun = state.answers.filter((a) => a.sitting === done).length;
    if (done > 0 && !begun) result(done);
    else if (begun) trial(done);
    else welcome();
  }

  function welcome() {
    const all = Array.from({ length: plan.first }, (_, i) => i);
    deck.set([row(chance.shuffle(all, chance.generator(state.seed)))]);
    const hear = dom.button("hear-all", `Hear all ${plan.first} once`, () => deck.toggle(), { iconName: "play", title: "To know the range" });
    showPlaying = () => hear.replaceChildren(dom.icon(deck.playing ? "pause" : "play"), `Hear all ${plan.first} once`);
    stage.replaceChildren(
      dom.h("p", { class: "rate-lead" }, dom.h("strong", {}, "How different are two notes?"), ` ${design.lengthOf(0, plan)} pairs, about four minutes. Same pitch, same loudness, same length: what is left is timbre.`),
      dom.h("div", { class: "timbre-row" }, hear, dom.button("begin", "Begin", () => trial(0), { primary: true }), load),
      dom.h("p", { class: "timbre-try" }, "use the whole slider. The most alike pair belongs near its left end, the most different near its right. Your ratings stay in this browser."),
    );
  }

  function trial(sitting, play = false) {
    const next = design.nextTrial(state, sitting, plan);
    if (!next) {
      deck.pause();
      result(sitting + 1, true);
      return;
    }
    const done = state.answers.filter((a) => a.sitting === sitting).length;
    const total = design.lengthOf(sitting, plan);
    let value = null;
    let heardAt = 0;
    deck.set([row([next.first, next.second]), row([next.first]), row([next.second])]);
    el.__timbre.trial = next;
    const button = (control, text, index, key) => dom.h("button", { type: "button", "data-control": control, title: `Key ${key}`, onclick: () => hear(index) }, dom.icon("play"), text);
    const buttons = [button("play", "Both", 0, "B"), button("play-first", "First", 1, "1"), button("play-second", "Second", 2, "2")];
    const slider = dom.slider("rating", "How different?", {
      min: 0, max: 100, step: 1, value: 50, format: (x) => (value === null ? "move to rate" : `${x}`),
      oninput: (x) => {
        value = x;
        slider.set(x);
        slider.block.classList.remove("rate-unset");
        ready();
      },
    });
    slider.block.classList.add("rate-unset");
    slider.input.after(dom.h("div", { class: "rate-ends", "aria-hidden": "true" }, dom.h("span", {}, "same"), dom.h("span", {}, "very different")));
    const onward = dom.button("next", done + 1 < total ? "Next pair" : "See my map", answer, { primary: true, title: "Enter" });
    const back = dom.button("back", "Back", () => {
      state.answers.pop();
      store.write(STORE, state);
      trial(sitting);
    }, { title: "Undo the last rating" });
    back.disabled = done === 0;
    stage.replaceChildren(
      dom.h("div", { class: "rate-head" }, dom.h("p", { class: "rate-count", "aria-live": "polite" }, `Pair ${done + 1} of ${total}`), dom.h("span", { class: "rate-quiet" }, back, forget)),
      dom.h("progress", { max: total, value: done, "aria-label": "Pairs rated" }),
      dom.h("div", { class: "rate-plays" }, ...buttons), slider.block, dom.h("div", { class: "rate-next" }, onward),
      dom.h("p", { class: "timbre-note rate-keys" }, "Keys: B, 1 and 2 play, arrows move the slider, Enter goes on."),
    );
    showPlaying = () => buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(deck.playing && deck.current === i)));
    onKey = (key) => {
      if (key === "b" || key === "1" || key === "2") hear("b12".indexOf(key));
      else if (key === "enter") answer();
      else return false;
      return true;
    };
    ready();
    showPlaying();
    if (play) hear(0);

    function hear(index) {
      heardAt ||= performance.now();
      deck.switchTo(index);
      deck.play(0);
      ready();
    }
    function ready() {
      onward.disabled = value === null || !heardAt;
    }
    function answer() {
      if (onward.disabled) return;
      state.answers.push({ ...next, rating: value / 100, seconds: Number(((performance.now() - heardAt) / 1000).toFixed(1)) });
      store.write(STORE, state);
      trial(sitting, true); // "Next pair" is what asks for the next sound
      stage.querySelector("input[type=range]")?.focus({ preventScroll: true });
    }
  }

  function result(sittings, first = false) {
    const n = plan.first + sittings - 1;
    const mine = design.matrix(state.answers, n);
    const theirs = published.slice(0, n).map((r) => r.slice(0, n));
    const steady = design.consistency(state.answers);
    const target = mds.smacof(theirs);
    const own = mds.smacof(mine);
    const laid = mds.procrustes(target.points, own.points);
    const { rho, p } = mds.mantel(theirs, mine);
    el.__timbre.result = { rho, p, steady, stress: own.stress, disparity: laid.disparity, own: own.points, mine };
    const shape = laid.points.map((q, i) => mds.distance(q, target.points[i]));
    const far = shape.indexOf(Math.max(...shape));
    const near = shape.indexOf(Math.min(...shape));
    deck.set(Array.from({ length: n }, (_, i) => row([i])));
    const canvas = dom.h("canvas", { class: "rate-map", role: "img", tabindex: 0, "data-control": "map", "aria-label": `Your map over the published one: ${names[near]} lies closest to its published place, ${names[far]} furthest. Stress ${own.stress.toFixed(2)}.` });
    const flat = steady.chance <= 0.02;
    const agree = `Rank correlation with the published ratings: ${rho.toFixed(2).replace("-", "−")} over ${mds.upper(mine).length} pairs; of 1,000 random renamings of the instruments, ${Math.round(1000 * p)} agree as well.`;
    const table = dom.h("table", {}, dom.h("thead", {}, dom.h("tr", {}, ...["Pair", "You", "Published"].map((text) => dom.h("th", { scope: "col" }, text)))),
      dom.h("tbody", {}, ...theirs.flatMap((r, i) => r.slice(i + 1).map((x, k) => [i, i + 1 + k, x])).sort((u, v) => u[2] - v[2]).map(([i, j, x]) =>
        dom.h("tr", {}, dom.h("td", {}, `${names[i]}, ${names[j]}`), dom.h("td", {}, mine[i][j].toFixed(2)), dom.h("td", {}, x.toFixed(2))))));
    const more = n < names.length ? dom.button("more", `Add ${names[n]}: ${design.lengthOf(sittings, plan)} pairs`, () => trial(sittings), { primary: true }) : null;
    stage.replaceChildren(
      flat ? "" : dom.h("p", { class: "rate-legend" }, dom.h("span", { class: "rate-you" }, "you"), dom.h("span", { class: "rate-them" }, "five studies"), dom.h("span", { class: "timbre-note" }, "Tap a name to hear it, or step through with the arrow keys.")),
      flat ? "" : canvas,
      dom.h("p", { class: "rate-verdict", "data-consistent": String(steady.consistent) }, design.consistencyText(steady, steady.pairs.length)),
      flat ? "" : dom.h("p", { class: "rate-agree" }, agree),
      dom.h("details", {}, dom.h("summary", {}, "As a table"), table),
      dom.h("div", { class: "timbre-row rate-foot" }, more, dom.button("export", "Export CSV", save), load, forget),
      dom.h("p", { class: "timbre-try" }, `listen again to ${names[far]}, the one you place furthest from where the studies have it. Which of its neighbours do you hear it with?`),
    );
    const hear = (i) => {
      deck.switchTo(i);
      deck.play(0);
      say(names[i]);
    };
    onKey = (key) => {
      const step = { arrowright: 1, arrowdown: 1, arrowleft: -1, arrowup: -1 }[key];
      if (!step || document.activeElement !== canvas) return false;
      hear((deck.current + step + n) % n);
      redraw();
      return true;
    };
    redraw = () => {
      const boxes = drawMap(canvas, el, target.points, laid.points, names, document.activeElement === canvas ? deck.current : -1);
      canvas.onclick = (event) => {
        const hit = boxes.findIndex((b) => event.offsetX > b.x - 8 && event.offsetX < b.x + b.w + 8 && event.offsetY > b.y - 10 && event.offsetY < b.y + b.h + 10);
        if (hit >= 0) hear(hit);
      };
    };
    showPlaying = () => {};
    redraw();
    if (first) say(design.consistencyText(steady, steady.pairs.length));
  }

  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "enter" && event.target.closest("button, summary")) return;
    if (onKey(key)) event.preventDefault();
  });
  show();
  const stops = [dom.onResize(stage, () => redraw()), theme.onThemeChange(() => redraw())];
  return () => {
    stops.forEach((stop) => stop());
    deck.dispose();
  };
}

// Both maps on one canvas: rings for the studies, discs for the reader, a line between. Returns the boxes of the names.
function drawMap(canvas, el, target, own, names, marked = -1) {
  if (!canvas.clientWidth) return [];
  const colours = theme.colours(el);
  const { context, width, height } = dom.canvas2d(canvas);
  const all = [...target, ...own];
  const range = [0, 1].map((k) => [Math.min(...all.map((q) => q[k])), Math.max(...all.map((q) => q[k]))]);
  const margin = { x: Math.min(70, width * 0.16), y: 26 };
  const scale = Math.min((width - 2 * margin.x) / (range[0][1] - range[0][0] || 1), (height - 2 * margin.y) / (range[1][1] - range[1][0] || 1));
  const place = (q) => [width / 2 + (q[0] - (range[0][0] + range[0][1]) / 2) * scale, height / 2 - (q[1] - (range[1][0] + range[1][1]) / 2) * scale];
  context.clearRect(0, 0, width, height);
  context.font = `600 12.5px ${colours.font}`;
  context.textBaseline = "top";
  const taken = [];
  const boxes = own.map((q, i) => {
    const colour = theme.instrumentStyle(names[i], colours.dark)?.colour ?? colours.accent;
    const [x, y] = place(q);
    const [tx, ty] = place(target[i]);
    context.strokeStyle = colour;
    context.globalAlpha = 0.55;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(tx, ty);
    context.stroke();
    context.globalAlpha = 1;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(tx, ty, 6, 0, 2 * Math.PI);
    context.fillStyle = colours.background;
    context.fill();
    context.stroke();
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    if (i === marked) {
      context.strokeStyle = colours.text;
      context.beginPath();
      context.arc(x, y, 10, 0, 2 * Math.PI);
      context.stroke();
    }
    taken.push({ x: x - 8, y: y - 8, w: 16, h: 16 }, { x: tx - 7, y: ty - 7, w: 14, h: 14 });
    return { x, y, colour };
  });
  return boxes.map(({ x, y, colour }, i) => {
    const w = context.measureText(names[i]).width;
    const spots = [[x + 11, y - 7], [x - 11 - w, y - 7], [x - w / 2, y - 24], [x - w / 2, y + 10]].map(([sx, sy]) => ({ x: Math.max(2, Math.min(width - w - 2, sx)), y: sy, w, h: 14 }));
    const clash = (b) => taken.reduce((sum, t) => sum + Math.max(0, Math.min(b.x + b.w, t.x + t.w) - Math.max(b.x, t.x)) * Math.max(0, Math.min(b.y + b.h, t.y + t.h) - Math.max(b.y, t.y)), 0);
    const box = spots.reduce((best, spot) => (clash(spot) < clash(best) - 1e-9 ? spot : best));
    taken.push(box);
    context.fillStyle = colour;
    context.fillText(names[i], box.x, box.y);
    return box;
  });
}

export default { render };
