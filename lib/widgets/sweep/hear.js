// The sound of a point, beside the recording and the full model; where none is kept, the nearest that is.
import * as dom from "../shared/dom.js";
import * as audio from "../shared/audio.js";
import * as stft from "../shared/stft.js";
import * as spectrogram from "../shared/spectrogram.js";
import * as conditions from "./conditions.js";
import * as words from "./words.js";

const PICTURE = { columns: 240, rows: 120, fMin: 60, fMax: 8000, size: 1024 };

// get(): { choice, run, round, clip } of the moment; go(change): change them; say(text): read out.
// Returns { elements, show, prepare, hear, toggle, loop, audible, redraw, dispose }.
export function make({ el, model, data, get, go, say }) {
  const heard = model.get("heard");
  const references = model.get("sounds");
  const gainsDb = model.get("gains_db");
  const deck = new audio.Deck({ el, onchange: () => showPlaying() });
  let version = 2;
  let loading = 0;
  let loaded = [];

  const play = dom.h(
    "button",
    { type: "button", class: "timbre-icon timbre-primary", "data-control": "play", onclick: () => toggle() },
    dom.icon("play"),
  );
  const versions = ["Recording", "Full model", "This point"].map((text, index) =>
    dom.choice(`hear-${index + 1}`, index + 1, text, `Hear: ${text.toLowerCase()} (key ${index + 1})`, () => hear(index)),
  );
  const loopButton = dom.h(
    "button",
    { type: "button", class: "timbre-icon sweep-loop", "data-control": "loop", title: "Loop (L)", "aria-label": "Loop", onclick: () => loop() },
    dom.icon("loop"),
  );
  const notes = heard.clips.map((one, index) => [index, one.name]);
  const clip = dom.select("clip", notes, 0, (index) => go({ clip: Number(index) }));
  clip.setAttribute("aria-label", "Note");
  const canvas = dom.h("canvas", { role: "img", "aria-label": "Spectrogram of what is chosen" });
  const picture = dom.h("details", { "data-control": "spectrogram" }, dom.h("summary", {}, "Spectrogram"), canvas);
  picture.addEventListener("toggle", async () => {
    if (picture.open) await prepare(true);
    draw();
  });
  const which = dom.h("div", { class: "sweep-which" }, clip, loopButton);
  const row = dom.h("div", { class: "sweep-hear" }, play, dom.h("div", {}, dom.choices("What to hear", versions), which));
  const note = dom.h("p", { class: "timbre-note", "data-control": "sound-note" });
  const button = dom.button("nearest-sound", "", () => goThere());

  // The point of this run that is nearest among those that can be heard; null if the run cannot be heard.
  function audible() {
    const { run, round, choice } = get();
    const points = data.conditions[conditions.keyOf(choice)] && heard.runs[run];
    return points ? nearestPoint(points, data.runs[run].removed[round]) : null;
  }

  function nearestRun() {
    const { choice } = get();
    const names = Object.keys(heard.runs).filter((name) => data.conditions[conditionOf(name)]?.model === choice.model);
    const key = conditions.nearest(choice, [...new Set(names.map(conditionOf))]);
    return names.find((name) => conditionOf(name) === key) ?? null;
  }

  function goThere() {
    const { run, round } = get();
    const target = audible() ? run : nearestRun();
    if (!target) return;
    const at = nearestPoint(heard.runs[target], data.runs[run].removed[round]);
    go({ choice: conditions.choiceOf(conditionOf(target)), run: target, round: at.round });
  }

  function show() {
    const { run, round, clip: chosen, choice } = get();
    const at = audible();
    clip.value = chosen;
    row.hidden = picture.hidden = !at;
    button.hidden = true;
    if (!at) {
      const other = nearestRun();
      if (deck.playing) deck.pause();
      note.textContent = other
        ? `This page holds no sound of ${run}. The nearest that can be heard is ${other}.`
        : `This page holds no sound of any ${data.models[choice.model].title} run yet.`;
      button.textContent = "Go to where there is sound";
      button.hidden = !other;
      return;
    }
    const here = at.round === round;
    versions[2].lastChild.textContent = at.removed ? `${words.share(at.removed)} removed` : "Full model, again";
    const chance = heard.between_draws_db[run]?.[chosen];
    const elsewhere = `Rounds with sound carry a loudspeaker; the nearest to round ${round} is round ${at.round}, and this is what you hear. `;
    note.textContent =
      (here ? "" : elsewhere) +
      `Spectral distance of round ${at.round}: ${at.to_original_db[chosen].toFixed(1)} dB to the recording, ` +
      `${at.to_full_db[chosen].toFixed(1)} dB to the full model` +
      (chance ? ` (two draws of the full model: ${chance.toFixed(1)} dB).` : ".") +
      " All equally loud.";
    button.textContent = `Go to round ${at.round}`;
    button.hidden = here;
  }

  // Load what can be heard here, if something has been wanted before; nothing is decoded before that.
  async function prepare(wanted = loaded.length > 0) {
    const at = audible();
    if (!at || !wanted) return;
    const { run, clip: chosen } = get();
    const places = [heard.clips[chosen].sound, heard.runs[run][0].sounds[chosen], at.sounds[chosen]];
    loading += 1;
    const mine = loading;
    const sounds = await Promise.all(places.map((place) => audio.load(model, references[place])));
    if (mine !== loading) return;
    loaded = sounds;
    const tracks = sounds.map((one, index) => ({ samples: one.samples, sampleRate: one.sampleRate, gainDb: gainsDb[places[index]] }));
    if (deck.playing && deck.track.samples === tracks[version].samples) {
      tracks[version] = deck.track; // goes on as it is
      Object.assign(deck, { tracks, current: version });
    } else deck.set(tracks, version);
    showPlaying();
    draw();
  }

  async function toggle() {
    if (deck.playing) return deck.pause();
    await prepare(true);
    if (deck.tracks.length) deck.play();
  }

  async function hear(index) {
    version = index;
    await prepare(true);
    if (deck.tracks.length && !deck.playing) deck.play();
    const at = audible();
    if (!at) return;
    const { clip: chosen } = get();
    const distance = `, ${at.to_original_db[chosen].toFixed(1)} dB from the recording, ${at.to_full_db[chosen].toFixed(1)} dB from the full model`;
    say(versions[index].lastChild.textContent + (index === 2 ? distance : ""));
  }

  function loop() {
    deck.setLoop(!deck.loop);
  }

  function showPlaying() {
    play.replaceChildren(dom.icon(deck.playing ? "pause" : "play"));
    play.setAttribute("aria-label", deck.playing ? "Pause" : "Play");
    play.title = `${deck.playing ? "Pause" : "Play"} (space)`;
    loopButton.setAttribute("aria-pressed", String(deck.loop));
    dom.choose(versions, version);
  }

  function draw() {
    const sound = loaded[version];
    if (!picture.open || !sound || !canvas.clientWidth) return;
    sound.sweepPicture ??= stft.logSpectrogram(sound.samples, sound.sampleRate, PICTURE);
    spectrogram.draw(canvas, sound.sweepPicture, { el });
  }

  showPlaying();
  return { elements: [row, note, button, picture], show, prepare, hear, toggle, loop, audible, redraw: draw, dispose: () => deck.dispose() };
}

// Of points or rounds with `removed`, the nearest by what is left: half of nothing much is as far as half of all.
export function nearestPoint(points, removed) {
  const left = (share) => Math.log(1.0005 - share);
  const far = (point) => Math.abs(left(point.removed) - left(removed));
  return points.reduce((best, point) => (far(point) < far(best) ? point : best));
}

function conditionOf(run) {
  return run.replace(/-s\d+$/, "");
}
