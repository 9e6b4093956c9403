// Sound in the page: one AudioContext for all widgets, made on the first gesture; sounds decoded once.

const FADE_S = 0.008;
const shared = (globalThis.__timbre ??= {});
shared.sounds ??= new Map();

// The page's AudioContext, running. Call it from a click or a key, or the browser will refuse to start it.
export async function context() {
  if (!shared.context) {
    shared.context = new AudioContext();
    shared.meter = shared.context.createAnalyser();
    shared.meter.fftSize = 2048;
    shared.meter.connect(shared.context.destination);
    // For tests: the level of what leaves the page at this moment.
    shared.rms = () => rms(meterSamples());
  }
  if (shared.context.state !== "running") await shared.context.resume();
  return shared.context;
}

// The sound model that a trait points to ("IPY_MODEL_...").
export function soundModel(model, reference) {
  return model.widget_manager.get_model(reference.replace("IPY_MODEL_", ""));
}

// Decode a sound once per page: { id, samples, sampleRate, label, description, gainDb, duration }. Needs no gesture.
export async function load(model, reference) {
  const soundOf = await soundModel(model, reference);
  const id = reference.replace("IPY_MODEL_", "");
  if (!shared.sounds.has(id)) shared.sounds.set(id, decode(soundOf, id));
  return shared.sounds.get(id);
}

async function decode(sound, id) {
  const sampleRate = sound.get("sample_rate");
  const view = sound.get("data"); // a DataView into a larger message
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  // An offline context at the sound's own rate decodes without resampling, and before any gesture.
  const buffer = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(bytes);
  return {
    id,
    samples: buffer.getChannelData(0),
    sampleRate,
    label: sound.get("label"),
    description: sound.get("description"),
    gainDb: sound.get("gain_db"),
    duration: buffer.duration,
  };
}

export function dbToGain(db) {
  return 10 ** (db / 20);
}

export function rms(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] * samples[i];
  return Math.sqrt(sum / Math.max(1, samples.length));
}

function meterSamples() {
  const samples = new Float32Array(shared.meter.fftSize);
  shared.meter.getFloatTimeDomainData(samples);
  return samples;
}

function toBuffer(ctx, samples, sampleRate) {
  const buffer = ctx.createBuffer(1, samples.length, sampleRate);
  buffer.copyToChannel(samples instanceof Float32Array ? samples : Float32Array.from(samples), 0);
  return buffer;
}

// One transport over one or more sounds: play, pause, seek, loop, and switch between them without losing the place.
// Only one deck of a page sounds at a time. `onchange()` is called when playing starts, stops or ends.
export class Deck {
  constructor({ el = null, onchange = () => {} } = {}) {
    this.el = el;
    this.onchange = onchange;
    this.tracks = [];
    this.current = 0;
    this.playing = false;
    this.loop = false;
    this.offset = 0; // where playing began or will begin, in seconds
    this.startedAt = 0;
    this.voice = null;
  }

  // tracks: [{ samples, sampleRate, gainDb }, ...]. What was playing goes on from the same place in the new track.
  set(tracks, current = 0) {
    const position = this.tracks.length ? this.position : this.offset;
    if (this.playing) this.release();
    this.tracks = tracks;
    this.current = Math.min(current, tracks.length - 1);
    this.offset = Math.min(position, this.duration);
    if (this.playing) this.start(shared.context, this.offset);
    this.expose();
  }

  get track() {
    return this.tracks[this.current];
  }

  get duration() {
    return this.track ? this.track.samples.length / this.track.sampleRate : 0;
  }

  get position() {
    if (!this.playing) return this.offset;
    const passed = this.offset + Math.max(0, shared.context.currentTime - this.startedAt);
    return this.loop ? passed % this.duration : Math.min(passed, this.duration);
  }

  async play(from = this.offset) {
    const ctx = await context();
    if (shared.deck && shared.deck !== this) shared.deck.pause();
    shared.deck = this;
    if (!this.loop && from >= this.duration - 0.02) from = 0;
    this.release();
    this.start(ctx, from);
    this.playing = true;
    this.expose();
    this.onchange();
  }

  pause() {
    if (!this.playing) return;
    this.offset = this.position;
    this.release();
    this.playing = false;
    this.onchange();
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  seek(seconds) {
    const target = Math.max(0, Math.min(this.duration, seconds));
    if (this.playing) {
      this.release();
      this.start(shared.context, target);
    } else {
      this.offset = target;
      this.onchange();
    }
  }

  switchTo(index) {
    const position = this.position;
    this.current = index;
    if (this.playing) {
      this.release();
      this.start(shared.context, Math.min(position, this.duration));
    } else {
      this.offset = Math.min(position, this.duration);
    }
    this.expose();
    this.onchange();
  }

  setLoop(loop) {
    const position = this.position;
    this.loop = loop;
    if (this.playing) this.seek(position);
    this.onchange();
  }

  start(ctx, from) {
    const { samples, sampleRate, gainDb = 0 } = this.track;
    const source = ctx.createBufferSource();
    this.track.buffer ??= toBuffer(ctx, samples, sampleRate);
    source.buffer = this.track.buffer;
    source.loop = this.loop;
    const level = dbToGain(gainDb);
    const gain = ctx.createGain();
    const now = ctx.currentTime;
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(level, now + FADE_S);
    if (!this.loop) {
      const end = now + this.duration - from;
      gain.gain.setValueAtTime(level, Math.max(now + FADE_S, end - FADE_S));
      gain.gain.linearRampToValueAtTime(0, Math.max(now + 2 * FADE_S, end));
    }
    source.connect(gain).connect(shared.meter);
    source.start(now, from % Math.max(this.duration, 1e-9));
    const voice = { source, gain };
    source.onended = () => {
      gain.disconnect();
      if (this.voice !== voice) return; // released on purpose
      this.voice = null;
      this.playing = false;
      this.offset = 0;
      this.onchange();
    };
    this.voice = voice;
    this.offset = from;
    this.startedAt = now;
  }

  release() {
    if (!this.voice) return;
    const { source, gain } = this.voice;
    this.voice = null;
    const now = shared.context.currentTime;
    gain.gain.cancelScheduledValues(now);
    gain.gain.setValueAtTime(gain.gain.value, now);
    gain.gain.linearRampToValueAtTime(0, now + FADE_S);
    source.stop(now + FADE_S);
  }

  // For tests and for other widgets: what plays, at the level it plays.
  expose() {
    if (!this.el || !this.track) return;
    const { samples, sampleRate, gainDb = 0 } = this.track;
    const level = dbToGain(gainDb);
    Object.assign((this.el.__timbre ??= {}), {
      lastBuffer: Float32Array.from(samples, (x) => x * level),
      sampleRate,
      deck: this,
    });
  }

  dispose() {
    this.pause();
    if (shared.deck === this) shared.deck = null;
  }
}
