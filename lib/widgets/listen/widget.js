import * as dom from "../shared/dom.js";
import * as audio from "../shared/audio.js";
import * as chance from "../shared/chance.js";
import * as store from "../shared/store.js";
import * as session from "./session.js";

const WORDS = ["Bad", "Poor", "Fair", "Good", "Excellent"];

async function render({ model, el }) {
  dom.root(el, model, "listen");
  const names = model.get("names");
  const gainsDb = model.get("gains_db");
  const mode = model.get("mode");
  const sounds = await Promise.all(model.get("sounds").map((reference) => audio.load(model, reference)));
  const tracks = sounds.map((s, i) => ({ samples: s.samples, sampleRate: s.sampleRate, gainDb: gainsDb[i] }));
  const say = dom.announcer(el);
  let showPlaying = () => {};
  const deck = new audio.Deck({ el, onchange: () => showPlaying() });
  if (model.get("caption")) el.append(dom.h("p", { class: "timbre-caption" }, model.get("caption")));
  const stage = dom.h("div", { class: "listen-stage" });
  el.append(stage);
  const kept = `listen-${model.get("key")}`;
  let onKey = () => {};

  // A button that plays one track of the deck, marked while it sounds.
  function playButton(control, text, title, onplay) {
    return dom.h("button", { type: "button", class: "listen-play", "data-control": control, title, onclick: onplay }, dom.icon("play"), dom.h("span", {}, text));
  }
  const restart = () => {
    deck.pause();
    store.remove(kept);
    begin();
  };
  const footer = (rows, name) =>
    dom.h("div", { class: "timbre-row listen-foot" },
      dom.button("export", "Export CSV", () => store.download(name, store.toCsv(rows))),
      dom.button("reset", "Start again", restart, { iconName: "reset" }));
  const scene = (...children) => stage.replaceChildren(...children);

  function begin() {
    const seed = model.get("seed") ?? chance.freshSeed();
    if (mode === "abx") abx(seed);
    else mushra(seed);
  }

  // --- ABX
  function abx(seed) {
    const drawn = session.abx(seed, model.get("trials"));
    const order = [drawn.a, 1 - drawn.a]; // which sound A and B are
    const answers = [];
    let heard = new Set();
    const letters = ["A", "B", "X"];
    const buttons = letters.map((letter, i) => playButton(`play-${letter.toLowerCase()}`, letter, `Hear ${letter} (key ${letter})`, () => hear(i)));
    const replies = ["A", "B"].map((letter, i) =>
      dom.h("button", { type: "button", "data-control": `answer-${letter.toLowerCase()}`, title: `Key ${i + 1}`, onclick: () => answer(i) }, "X is ", dom.h("strong", {}, letter)));
    const count = dom.h("p", { class: "listen-count", "aria-live": "polite" });
    const progress = dom.h("progress", { max: drawn.x.length, value: 0, "aria-label": "Trials done" });
    const hint = dom.h("p", { class: "timbre-note" });
    const again = dom.button("reset", "Start again", restart, { iconName: "reset" });
    scene(
      dom.h("div", { class: "listen-head" }, count, again), progress,
      dom.h("div", { class: "listen-abx" }, ...buttons),
      dom.h("div", { class: "listen-replies" }, ...replies), hint,
      dom.h("p", { class: "timbre-try" }, `listen for one thing only, such as the attack or the treble. ${session.needed(drawn.x.length)} right of ${drawn.x.length} would show that you hear it.`),
    );
    showPlaying = () => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(deck.playing && deck.current === i)));
    onKey = (key) => {
      if ("abx".includes(key)) hear("abx".indexOf(key));
      else if (key === "1" || key === "2") answer(Number(key) - 1);
      else return false;
      return true;
    };
    trial();

    function trial() {
      heard = new Set();
      deck.pause();
      deck.set([tracks[order[0]], tracks[order[1]], tracks[order[drawn.x[answers.length]]]]);
      count.textContent = `Trial ${answers.length + 1} of ${drawn.x.length}`;
      progress.value = answers.length;
      ready();
    }
    function ready() {
      const enough = heard.has(2) && heard.size > 1;
      replies.forEach((button) => (button.disabled = !enough));
      hint.textContent = enough ? "Which of the two is X? Listen as often as you like." : "Hear X, and A or B, before you answer.";
      showPlaying();
    }
    function hear(index) {
      heard.add(index);
      deck.switchTo(index);
      deck.play(0);
      ready();
    }
    function answer(letter) {
      if (replies[letter].disabled) return;
      answers.push(letter);
      if (answers.length < drawn.x.length) return trial();
      deck.pause();
      const record = { seed, order, x: drawn.x, answers };
      store.write(kept, record);
      abxResult(record, true);
    }
  }

  function abxResult({ seed, order, x, answers }, fresh = false) {
    const result = session.verdict(answers, x);
    const dots = x.map((truth, i) => dom.h("span", { class: answers[i] === truth ? "listen-hit" : "listen-miss", title: `Trial ${i + 1}: X was ${"AB"[truth]}, you said ${"AB"[answers[i]]}` }, answers[i] === truth ? "●" : "○"));
    const rows = [["mode", "seed", "trial", "a", "b", "x", "answer", "right"],
      ...x.map((truth, i) => ["abx", seed, i + 1, names[order[0]], names[order[1]], names[order[truth]], names[order[answers[i]]], Number(answers[i] === truth)])];
    scene(
      dom.h("p", { class: "listen-score" }, dom.h("strong", {}, `${result.right} of ${result.trials} right`), ` · ${session.formatP(result.p)}`),
      dom.h("p", { class: "listen-dots", role: "img", "aria-label": `${result.right} right, ${result.trials - result.right} wrong` }, ...dots),
      dom.h("p", { class: "listen-verdict", "data-heard": String(result.heard) }, result.text),
      dom.h("p", { class: "timbre-note" }, `A was ${names[order[0]]}, B was ${names[order[1]]}.`),
      reveal(order), footer(rows, "abx.csv"),
    );
    onKey = () => false;
    if (fresh) say(`${result.right} of ${result.trials} right. ${result.text}`);
  }

  // --- MUSHRA
  function mushra(seed) {
    const order = chance.shuffle(names.map((_, i) => i), chance.generator(seed)); // the hidden reference is condition 0
    const ratings = order.map(() => null);
    const heard = new Set();
    deck.set([tracks[0], ...order.map((i) => tracks[i])]);
    const reference = playButton("play-reference", "Reference", "Hear the reference (key 0)", () => hear(0));
    const rows = order.map((_, i) => {
      const button = playButton(`play-${i + 1}`, `${i + 1}`, `Hear sound ${i + 1} (key ${i + 1})`, () => hear(i + 1));
      const slider = dom.slider(`rating-${i + 1}`, `Sound ${i + 1}`, {
        min: 0, max: 100, step: 1, value: 50, format: (x) => (ratings[i] === null ? "not rated" : `${x} · ${WORDS[Math.min(4, Math.floor(x / 20))]}`),
        oninput: (x) => rate(i, x),
      });
      slider.block.classList.add("listen-unrated");
      return { button, slider };
    });
    const finish = dom.button("finish", "Finish", done, { primary: true });
    const hint = dom.h("p", { class: "timbre-note" });
    const loop = dom.button("loop", "Loop", () => deck.setLoop(!deck.loop), { iconName: "loop", title: "Play round and round (L)" });
    scene(
      dom.h("p", { class: "listen-lead" }, "How close is each sound to the reference? One of them ", dom.h("em", {}, "is"), " the reference: give that one 100."),
      dom.h("div", { class: "timbre-row listen-top" }, reference, loop, dom.button("reset", "Start again", restart, { iconName: "reset" })),
      dom.h("div", { class: "listen-scale", "aria-hidden": "true" }, ...WORDS.map((word) => dom.h("span", {}, word))),
      dom.h("div", { class: "listen-rows" }, ...rows.map(({ button, slider }) => dom.h("div", { class: "listen-row" }, button, slider.block))),
      dom.h("div", { class: "timbre-row listen-foot" }, finish, hint),
      dom.h("p", { class: "timbre-try" }, "switch while it plays: the place in the sound stays the same. Sort first, then set the distances. Keys 0 to 9 switch."),
    );
    showPlaying = () => {
      [reference, ...rows.map(({ button }) => button)].forEach((button, i) => button.setAttribute("aria-pressed", String(deck.playing && deck.current === i)));
      loop.setAttribute("aria-pressed", String(deck.loop));
    };
    onKey = (key) => {
      if (/^\d$/.test(key) && Number(key) <= order.length) hear(Number(key));
      else if (key === "l") deck.setLoop(!deck.loop);
      else return false;
      return true;
    };
    ready();
    showPlaying();

    function hear(index) {
      heard.add(index);
      if (deck.playing && deck.current === index) return deck.pause();
      deck.switchTo(index);
      if (!deck.playing) deck.play();
      ready();
      return undefined;
    }
    function rate(i, value) {
      ratings[i] = value;
      rows[i].slider.block.classList.remove("listen-unrated");
      rows[i].slider.set(value);
      ready();
    }
    function ready() {
      const unheard = order.filter((_, i) => !heard.has(i + 1)).length;
      const unrated = ratings.filter((x) => x === null).length;
      finish.disabled = unheard + unrated > 0;
      hint.textContent = unheard ? `${unheard} still to hear.` : unrated ? `${unrated} still to rate.` : "Change what you like, then finish.";
    }
    function done() {
      deck.pause();
      const byCondition = names.map((_, condition) => ratings[order.indexOf(condition)]);
      const record = { seed, order, ratings: byCondition };
      store.write(kept, record);
      mushraResult(record, true);
    }
  }

  function mushraResult({ seed, order, ratings }, fresh = false) {
    const anchor = model.get("anchor");
    const screen = session.screening(ratings, anchor, model.get("screen"));
    const role = (i) => (i === 0 ? "reference" : i === anchor ? "anchor" : "condition");
    const sorted = names.map((_, i) => i).sort((a, b) => ratings[b] - ratings[a]);
    const bars = sorted.map((i) =>
      dom.h("div", { class: "listen-bar", "data-role": role(i) },
        dom.h("span", { class: "listen-name" }, names[i], role(i) === "condition" ? null : dom.h("small", {}, role(i) === "reference" ? " hidden reference" : " anchor")),
        dom.h("span", { class: "listen-track" }, dom.h("i", { style: `width: ${ratings[i]}%` })),
        dom.h("b", {}, `${ratings[i]}`)));
    const rows = [["mode", "seed", "position", "condition", "role", "rating", "counts"], ...order.map((i, at) => ["mushra", seed, at + 1, names[i], role(i), ratings[i], Number(!screen.flagged)])];
    scene(dom.h("div", { class: "listen-bars" }, ...bars), dom.h("p", { class: "listen-verdict", "data-flagged": String(screen.flagged) }, screen.text), reveal(sorted), footer(rows, "mushra.csv"));
    onKey = () => false;
    if (fresh) say(screen.text);
  }

  // After the end: hear everything by name, with its text equivalent.
  function reveal(order) {
    deck.set(order.map((i) => tracks[i]));
    const buttons = order.map((i, at) => playButton(`known-${at + 1}`, names[i], sounds[i].description, () => {
      if (deck.playing && deck.current === at) return deck.pause();
      deck.switchTo(at);
      return deck.playing ? undefined : deck.play(0);
    }));
    showPlaying = () => buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(deck.playing && deck.current === at)));
    const words = dom.h("details", {}, dom.h("summary", {}, "What they sound like"), ...order.map((i) => dom.h("p", { class: "timbre-note" }, dom.h("strong", {}, `${names[i]}: `), sounds[i].description)));
    return dom.h("div", { class: "listen-reveal" }, dom.h("div", { class: "timbre-row" }, ...buttons), words);
  }

  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (onKey(event.key.toLowerCase())) event.preventDefault();
  });

  const before = store.read(kept, null);
  const fits = before && (mode === "abx" ? before.x?.length === model.get("trials") : before.ratings?.length === names.length);
  if (!fits) begin();
  else if (mode === "abx") abxResult(before);
  else mushraResult(before);
  return () => deck.dispose();
}

export default { render };
