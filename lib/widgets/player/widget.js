import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as audio from "../shared/audio.js";
import * as stft from "../shared/stft.js";
import * as spectrogram from "../shared/spectrogram.js";

const SEEK_S = 0.1;

async function render({ model, el }) {
  dom.root(el, model, "player");
  const names = model.get("names");
  const gainsDb = model.get("gains_db");
  const sounds = await Promise.all(model.get("sounds").map((reference) => audio.load(model, reference)));
  const several = names.length > 1;
  const say = dom.announcer(el);
  const deck = new audio.Deck({ el, onchange: () => update() });
  deck.loop = model.get("loop");

  const animate = dom.animator(() => showPosition(), () => deck.playing);

  // --- elements
  const playIcon = dom.icon("play");
  const pauseIcon = dom.icon("pause");
  const play = dom.h(
    "button",
    { type: "button", class: "timbre-icon timbre-primary", "data-control": "play", onclick: () => deck.toggle() },
    playIcon,
    pauseIcon,
  );
  const waveform = dom.h("canvas");
  const played = dom.h("canvas", { class: "player-played" });
  const track = dom.h(
    "div",
    { class: "player-track", role: "slider", tabindex: 0, "data-control": "position", "aria-label": "Position", "aria-valuemin": 0 },
    waveform,
    played,
    dom.h("div", { class: "timbre-cursor" }),
  );
  const time = dom.h("span", { class: "player-time" });
  const loop = dom.h(
    "button",
    { type: "button", class: "timbre-icon player-loop", "data-control": "loop", title: "Loop (L)", "aria-label": "Loop", onclick: () => deck.setLoop(!deck.loop) },
    dom.icon("loop"),
  );
  const choices = names.map((name, index) => {
    const title = `Hear ${name} (key ${index + 1})`;
    return dom.choice(`sound-${index + 1}`, index + 1, name, title, () => choose(index, true), theme.instrumentColour(name));
  });
  const canvas = dom.h("canvas", { "data-control": "spectrogram-position" });
  const panel = dom.h("div", { class: "player-spectrogram" }, canvas, dom.h("div", { class: "timbre-cursor" }));
  const picture = dom.h("details", { "data-control": "spectrogram" }, dom.h("summary", {}, "Spectrogram"));
  const words = dom.h("details", { "data-control": "words" }, dom.h("summary", {}, "What this sounds like"));
  const text = dom.h("p", { class: "player-text" });
  if (model.get("caption")) el.append(dom.h("p", { class: "timbre-caption" }, model.get("caption")));
  if (several) el.append(dom.choices("Sound", choices));
  const name = several ? null : dom.h("span", { class: "player-name" }, names[0]);
  el.append(dom.h("div", { class: "player-row" }, play, name, track, time, loop));
  el.append(dom.h("div", { class: "player-more" }, picture, words), panel, text);

  // --- what happens
  function choose(index, start = false) {
    if (index !== deck.current) deck.switchTo(index);
    if (start && !deck.playing) deck.play();
    draw();
    say(names[index]);
  }

  function seekTo(fraction) {
    deck.seek(fraction * deck.duration);
    showPosition();
  }

  dom.dragToSeek(track, (event) => (event.clientX - track.getBoundingClientRect().left) / track.clientWidth, seekTo);
  dom.dragToSeek(canvas, (event) => spectrogram.fractionAt(canvas, event), seekTo);

  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onControl = event.target.closest("button, summary");
    const actions = {
      " ": () => deck.toggle(),
      ArrowLeft: () => deck.seek(deck.position - SEEK_S),
      ArrowRight: () => deck.seek(deck.position + SEEK_S),
      Home: () => deck.seek(0),
      End: () => deck.seek(deck.duration),
      l: () => deck.setLoop(!deck.loop),
    };
    const index = Number(event.key) - 1;
    let action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (several && index >= 0 && index < names.length) action = () => choose(index);
    if (!action || (onControl && (event.key === " " || event.key === "Enter"))) return;
    event.preventDefault();
    action();
    showPosition();
  });
  picture.addEventListener("toggle", () => {
    panel.classList.toggle("player-open", picture.open);
    draw();
  });
  words.addEventListener("toggle", () => text.classList.toggle("player-open", words.open));

  // --- what is shown
  function update() {
    play.setAttribute("aria-label", deck.playing ? "Pause" : "Play");
    play.title = `${deck.playing ? "Pause" : "Play"} (space)`;
    playIcon.style.display = deck.playing ? "none" : "";
    pauseIcon.style.display = deck.playing ? "" : "none";
    loop.setAttribute("aria-pressed", String(deck.loop));
    dom.choose(choices, deck.current);
    text.textContent = sounds[deck.current].description;
    showPosition();
    animate();
  }

  function showPosition() {
    const fraction = deck.duration ? deck.position / deck.duration : 0;
    el.style.setProperty("--tb-position", fraction.toFixed(4));
    const now = `${deck.position.toFixed(1)} s of ${deck.duration.toFixed(1)} s`;
    time.textContent = `${deck.position.toFixed(1)} / ${deck.duration.toFixed(1)} s`;
    track.setAttribute("aria-valuemax", deck.duration.toFixed(2));
    track.setAttribute("aria-valuenow", deck.position.toFixed(2));
    track.setAttribute("aria-valuetext", now);
  }

  function draw() {
    if (!el.isConnected || !track.clientWidth) return;
    const colours = theme.colours(el);
    const style = theme.instrumentStyle(names[deck.current], colours.dark);
    const accent = style ? style.colour : colours.accent;
    el.style.setProperty("--player-colour", accent);
    const loudest = Math.max(...sounds.map((s, i) => peakOf(s) * audio.dbToGain(gainsDb[i])), 1e-6);
    const scale = audio.dbToGain(gainsDb[deck.current]) / loudest;
    drawWaveform(waveform, sounds[deck.current].samples, scale, accent, 0.42);
    drawWaveform(played, sounds[deck.current].samples, scale, accent, 1);
    if (picture.open) {
      const box = spectrogram.draw(canvas, pictureOf(sounds[deck.current]), { el });
      panel.style.setProperty("--player-left", `${box.x}px`);
      panel.style.setProperty("--player-width", `${box.width}px`);
      panel.style.setProperty("--player-height", `${box.height}px`);
    }
  }

  deck.set(sounds.map((s, i) => ({ samples: s.samples, sampleRate: s.sampleRate, gainDb: gainsDb[i] })));
  update();
  picture.open = model.get("spectrogram");
  const stops = [dom.onResize(track, draw), theme.onThemeChange(draw)];
  return () => {
    stops.forEach((stop) => stop());
    deck.dispose();
  };
}

function peakOf(sound) {
  sound.highest ??= sound.samples.reduce((highest, x) => Math.max(highest, Math.abs(x)), 0);
  return sound.highest;
}

function pictureOf(sound) {
  sound.picture ??= stft.logSpectrogram(sound.samples, sound.sampleRate);
  return sound.picture;
}

// The envelope, mirrored about the middle: rounded bars, so that a slim row stays readable.
function drawWaveform(canvas, samples, scale, colour, alpha) {
  const { context, width, height } = dom.canvas2d(canvas);
  const step = 3;
  const bars = Math.floor(width / step);
  context.clearRect(0, 0, width, height);
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  for (let bar = 0; bar < bars; bar++) {
    const from = Math.floor((bar * samples.length) / bars);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * samples.length) / bars));
    let highest = 0;
    for (let i = from; i < to; i++) highest = Math.max(highest, Math.abs(samples[i]));
    const half = Math.max(0.75, (height / 2 - 1) * Math.min(1, highest * scale));
    context.beginPath();
    context.roundRect(bar * step, height / 2 - half, step - 1, 2 * half, 1);
    context.fill();
  }
}

export default { render };
