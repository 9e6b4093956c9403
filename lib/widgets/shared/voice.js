// A voice that sounds while you move: harmonics in one oscillator, noise in one loop, and a second pair of both to fade
// into when the timbre changes. Harmonics start at fixed phases, so a fade moves each of them straight from its old
// strength to its new one: no click, no beating.

import * as additive from "./additive.js";

const FADE_S = 0.03;
// A fade is planned this far ahead: sound is made in blocks of some 10 ms, and a ramp that begins in the past jumps.
const LEAD_S = 0.02;
const ONSET_S = 0.012;
const LOUDNESS_LUFS = -23;
const LOWEST_GAIN = 1e-4;

// What a point sounds like at a pitch: { amplitudes, density (of the noise, per bin of the loop) }, at the book's loudness, or
// where loudness is the point all with the same power (`equal: "power"`).
export function timbre(spectrum, frequencies, f0, { equal = "loudness" } = {}) {
  const { amplitudes, noise } = additive.splitHarmonics(spectrum, frequencies, f0);
  const step = additive.SAMPLE_RATE / additive.LOOP;
  const density = additive.noiseDensity(noise, frequencies, additive.loopFrequencies());
  const weights = loopWeights();
  const weigh = equal === "loudness" ? additive.kWeight : () => 0.6;
  let heard = 0;
  amplitudes.forEach((a, k) => (heard += (a * a * weigh((k + 1) * f0)) / 2));
  for (let k = 0; k < density.length; k++) heard += density[k] * step * (equal === "loudness" ? weights[k] : 0.6);
  const gain = Math.sqrt(10 ** ((LOUDNESS_LUFS + 0.691) / 10) / Math.max(heard, 1e-9));
  // Very low notes weigh little; they must not clip for it.
  const safe = Math.min(gain, 0.9 / amplitudes.reduce((a, b) => a + b, 1e-9));
  return { amplitudes: amplitudes.map((a) => a * safe), density: density.map((d) => d * safe * safe), f0 };
}

let weightsOfLoop = null;
function loopWeights() {
  weightsOfLoop ??= additive.loopFrequencies().map(additive.kWeight);
  return weightsOfLoop;
}

let phases = null;

function wave(context, { amplitudes }) {
  phases ??= additive.startPhases(80);
  const real = new Float32Array(amplitudes.length + 1);
  const imag = new Float32Array(amplitudes.length + 1);
  amplitudes.forEach((a, k) => {
    real[k + 1] = a * Math.cos(phases[k]);
    imag[k + 1] = -a * Math.sin(phases[k]);
  });
  return context.createPeriodicWave(real, imag, { disableNormalization: true });
}

export class Voice {
  // sound: from `timbre`; level: linear, 1 is the book's loudness; attack in s, slope in dB/s (0: it lasts).
  constructor(context, out, sound, { f0, level = 1, vibrato = 0, attack = 0.03, slope = 0 }) {
    const now = context.currentTime + ONSET_S;
    this.context = context;
    this.envelope = context.createGain();
    this.envelope.gain.value = 0;
    this.level = context.createGain();
    this.level.gain.value = level;
    this.envelope.connect(this.level).connect(out);
    this.bend = context.createOscillator();
    this.bend.frequency.value = 5.5;
    this.depth = context.createGain();
    this.depth.gain.value = 0;
    this.bend.connect(this.depth);
    this.bend.start(now);
    this.setVibrato(vibrato, 0.25);
    this.slots = [0, 1].map(() => {
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.frequency.value = f0;
      this.depth.connect(oscillator.detune);
      gain.gain.setValueAtTime(0, now);
      oscillator.connect(gain).connect(this.envelope);
      oscillator.start(now);
      return { oscillator, gain, noise: null };
    });
    this.active = 0;
    this.readyAt = now;
    this.fill(0, sound, now);
    this.slots[0].gain.gain.setValueAtTime(1, now);
    this.waiting = null;
    // Last, since making all this takes a while.
    const onset = context.currentTime + ONSET_S;
    const rise = Math.max(0.006, attack);
    this.envelope.gain.setValueAtTime(0, onset);
    this.envelope.gain.linearRampToValueAtTime(1, onset + rise);
    if (slope < -1) this.envelope.gain.setTargetAtTime(0, onset + rise, 8.686 / -slope);
  }

  fill(index, sound, when) {
    const slot = this.slots[index];
    slot.oscillator.setPeriodicWave(wave(this.context, sound));
    slot.noise?.stop(when);
    const source = this.context.createBufferSource();
    source.buffer = this.context.createBuffer(1, additive.LOOP, additive.SAMPLE_RATE);
    source.buffer.copyToChannel(Float32Array.from(additive.noiseLoop(sound.density)), 0);
    source.loop = true;
    source.connect(slot.gain);
    // All loops run in step, so that equal frequencies fade without cancelling.
    const length = additive.LOOP / additive.SAMPLE_RATE;
    source.start(when, when % length);
    slot.noise = source;
  }

  // Fade to another timbre; of several asked for during a fade, the last one counts.
  morph(sound) {
    const now = this.context.currentTime;
    if (now < this.readyAt) {
      const first = this.waiting === null;
      this.waiting = sound;
      if (first) this.timer = setTimeout(() => this.next(), 1000 * (this.readyAt - now) + 2);
      return;
    }
    const idle = 1 - this.active;
    this.fill(idle, sound, now);
    const from = now + LEAD_S;
    this.readyAt = from + FADE_S + 0.004;
    for (const [index, target] of [[idle, 1], [this.active, 0]]) {
      const gain = this.slots[index].gain.gain;
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(1 - target, from);
      gain.linearRampToValueAtTime(target, from + FADE_S);
    }
    this.active = idle;
  }

  next() {
    const sound = this.waiting;
    this.waiting = null;
    if (sound && !this.ended) this.morph(sound);
  }

  setPitch(f0) {
    const now = this.context.currentTime;
    for (const { oscillator } of this.slots) oscillator.frequency.setTargetAtTime(f0, now, 0.012);
  }

  setLevel(level) {
    this.level.gain.setTargetAtTime(Math.max(LOWEST_GAIN, level), this.context.currentTime, 0.02);
  }

  setVibrato(cents, delay = 0) {
    this.depth.gain.setTargetAtTime(cents, this.context.currentTime + delay, 0.08);
  }

  release(seconds = 0.12) {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.timer);
    const now = this.context.currentTime;
    const gain = this.envelope.gain;
    if (gain.cancelAndHoldAtTime) gain.cancelAndHoldAtTime(now);
    else {
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(gain.value, now);
    }
    gain.setTargetAtTime(0, now, seconds / 4);
    const end = now + 2 * seconds;
    for (const { oscillator, noise } of this.slots) {
      oscillator.stop(end);
      noise?.stop(end);
    }
    this.bend.stop(end);
    setTimeout(() => this.level.disconnect(), 2000 * seconds + 200);
  }
}

// A little room around dry tones: early reflections and a tail of .9 s, 17 dB down.
export function room(context) {
  const length = Math.round(0.9 * context.sampleRate);
  const buffer = context.createBuffer(2, length, context.sampleRate);
  for (let channel = 0; channel < 2; channel++) {
    const random = additive.generator(21 + channel);
    const data = buffer.getChannelData(channel);
    let low = 0;
    for (let i = 0; i < length; i++) {
      const t = i / context.sampleRate;
      low += (0.6 - 0.5 * (t / 0.9)) * (2 * random() - 1 - low);
      data[i] = t < 0.008 ? 0 : low * Math.exp(-5.5 * t);
    }
  }
  const convolver = context.createConvolver();
  convolver.buffer = buffer;
  const wet = context.createGain();
  wet.gain.value = 0.14;
  convolver.connect(wet);
  return { input: convolver, output: wet };
}

const TAP = `registerProcessor("timbre-tap", class extends AudioWorkletProcessor {
  process(inputs) {
    const [left, right] = inputs[0];
    if (left) this.port.postMessage(right ? left.map((x, i) => (x + right[i]) / 2) : left.slice());
    return true;
  }
});`;

// Record what goes through `node`: start() resolves to stop(), which gives { samples, sampleRate }.
export async function recorder(context, node) {
  if (!context.audioWorklet) throw new Error("This page may not record: open the book from a file or over https.");
  // A page opened as a file may not load a worklet from a blob, but from its own text.
  context.timbreTap ??= context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(TAP)}`);
  await context.timbreTap;
  const tap = new AudioWorkletNode(context, "timbre-tap", { numberOfOutputs: 1 });
  const chunks = [];
  tap.port.onmessage = ({ data }) => chunks.push(data);
  node.connect(tap);
  const silent = context.createGain();
  silent.gain.value = 0;
  tap.connect(silent).connect(context.destination);
  return () => {
    node.disconnect(tap);
    tap.disconnect();
    tap.port.onmessage = null;
    const samples = new Float32Array(chunks.reduce((n, chunk) => n + chunk.length, 0));
    chunks.reduce((at, chunk) => (samples.set(chunk, at), at + chunk.length), 0);
    return { samples, sampleRate: context.sampleRate };
  };
}

// A WAV file of 16 bits.
export function wav(samples, sampleRate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, string) => [...string].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((x, i) => view.setInt16(44 + 2 * i, Math.round(Math.max(-1, Math.min(1, x)) * 32767), true));
  return new Blob([view], { type: "audio/wav" });
}
