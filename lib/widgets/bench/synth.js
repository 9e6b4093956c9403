// Additive synthesis, twice from the same numbers: as samples (to measure) and as oscillators (to play by hand).

export const COUNT = 20; // harmonics
export const OFF_DB = -60; // a bar at the bottom is off
export const NOISE_OFF_DB = -60;
const FULL_HZ = 9000; // partials fade out from here ...
const GONE_HZ = 10500; // ... to here, below half the sample rate that everything is measured at
const SMOOTH_S = 0.025; // how quickly a held note follows a control
const LEAST_ATTACK_S = 0.003; // faster clicks

export const NEUTRAL = {
  levels: Array.from({ length: COUNT }, (_, i) => -20 * Math.log10(i + 1)),
  harmonics: COUNT, tilt: 0, balance: 0,
  attack: 0.03, decay: 0.6, sustain: 0.8, release: 0.25,
  damping: 0, noise: NOISE_OFF_DB, stretch: 0,
};

// What tilt (dB per octave) and odd-even balance (dB, positive favours the odd) add to harmonic h.
export function modifier(p, h) {
  const weakened = h % 2 ? Math.min(0, p.balance) : -Math.max(0, p.balance);
  return p.tilt * Math.log2(h) + weakened;
}

// Levels of the harmonics in dB as they sound, the strongest at most 0; OFF_DB or less is silent.
export function levels(p) {
  const shift = headroom(p);
  return p.levels.map((level, i) => (i < p.harmonics && level > OFF_DB ? Math.max(OFF_DB, level + modifier(p, i + 1) - shift) : OFF_DB));
}

export function headroom(p) {
  let highest = 0;
  for (let i = 0; i < p.harmonics; i++) {
    if (p.levels[i] > OFF_DB) highest = Math.max(highest, p.levels[i] + modifier(p, i + 1));
  }
  return highest;
}

// Frequencies in Hz and amplitudes of the partials, the sum of whose powers is 1/2 where none is silent.
export function partials(p, f0) {
  const all = levels(p).map((level, i) => {
    const h = i + 1;
    const frequency = h * f0 * Math.sqrt(1 + p.stretch * h * h);
    const fade = Math.max(0, Math.min(1, (GONE_HZ - frequency) / (GONE_HZ - FULL_HZ)));
    return { h, frequency, amplitude: level > OFF_DB ? fade * 10 ** (level / 20) : 0 };
  });
  const size = Math.sqrt(all.reduce((sum, { amplitude }) => sum + amplitude * amplitude, 0)) || 1;
  return all.map((partial) => ({ ...partial, amplitude: partial.amplitude / size }));
}

// The noise's own amplitude, for a tone whose partials are `partials(p, f0)`.
export function noiseLevel(p) {
  return p.noise > NOISE_OFF_DB ? Math.SQRT1_2 * 10 ** (p.noise / 20) : 0;
}

// Level of the envelope `t` seconds after the start of a note let go at `hold`.
export function envelope(p, t, hold = Infinity) {
  const attack = Math.max(LEAST_ATTACK_S, p.attack);
  const held = Math.min(t, hold);
  const level = held < attack ? held / attack : p.sustain + (1 - p.sustain) * Math.exp(-(held - attack) / p.decay);
  return t > hold ? level * Math.exp(-(t - hold) / releaseTau(p)) : level;
}

const releaseTau = (p) => Math.max(0.01, p.release) / 5;

// Two seconds of noise with power 1, softened above 2 kHz as breath and bow are; the same every time.
export function noise(sampleRate) {
  const samples = new Float32Array(2 * sampleRate);
  const pole = Math.exp((-2 * Math.PI * 2000) / sampleRate);
  let seed = 12345;
  let low = 0;
  for (let i = 0; i < samples.length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    low = pole * low + (1 - pole) * (seed / 2 ** 31 - 1);
    samples[i] = low;
  }
  let power = 0;
  for (const x of samples) power += x * x;
  const scale = 1 / Math.sqrt(power / samples.length);
  return samples.map((x) => x * scale);
}

const noises = new Map();
function keptNoise(sampleRate) {
  if (!noises.has(sampleRate)) noises.set(sampleRate, noise(sampleRate));
  return noises.get(sampleRate);
}

// A note as samples: held for `hold` seconds, `duration` in all.
export function render(p, f0, { sampleRate = 22050, duration = 1.5, hold = 1.2 } = {}) {
  const samples = new Float32Array(Math.round(duration * sampleRate));
  for (const { h, frequency, amplitude } of partials(p, f0)) {
    if (amplitude < 1e-5) continue;
    // z turns by one sample at each step: a damped sine without calling sin.
    const fall = Math.exp((-p.damping * (h - 1)) / sampleRate);
    const cos = fall * Math.cos((2 * Math.PI * frequency) / sampleRate);
    const sin = fall * Math.sin((2 * Math.PI * frequency) / sampleRate);
    let re = amplitude;
    let im = 0;
    for (let i = 0; i < samples.length; i++) {
      samples[i] += im;
      const next = re * cos - im * sin;
      im = re * sin + im * cos;
      re = next;
    }
  }
  const level = noiseLevel(p);
  const hiss = keptNoise(sampleRate);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = (samples[i] + level * hiss[i % hiss.length]) * envelope(p, i / sampleRate, hold);
  }
  return samples;
}

// One sounding note made of oscillators, which follows `update` while it lasts.
export class Voice {
  constructor(ctx, destination, p, f0, gain = 1) {
    this.ctx = ctx;
    this.f0 = f0;
    const now = ctx.currentTime;
    this.start = now;
    this.shape = new GainNode(ctx, { gain: 0 });
    this.level = new GainNode(ctx, { gain });
    this.shape.connect(this.level).connect(destination);
    this.sources = [];
    this.partials = partials(p, f0).map(({ h, frequency, amplitude }) => {
      const oscillator = new OscillatorNode(ctx, { frequency });
      const amount = new GainNode(ctx, { gain: amplitude });
      const fall = new GainNode(ctx, { gain: 1 });
      if (p.damping * (h - 1) > 0) fall.gain.setTargetAtTime(0, now, 1 / (p.damping * (h - 1)));
      oscillator.connect(amount).connect(fall).connect(this.shape);
      this.sources.push(oscillator);
      return { oscillator, amount };
    });
    const buffer = ctx.createBuffer(1, 2 * 22050, 22050);
    buffer.copyToChannel(keptNoise(22050), 0);
    const hiss = new AudioBufferSourceNode(ctx, { buffer, loop: true });
    this.hiss = new GainNode(ctx, { gain: noiseLevel(p) });
    hiss.connect(this.hiss).connect(this.shape);
    this.sources.push(hiss);
    this.sources.forEach((source) => source.start(now));
    const attack = Math.max(LEAST_ATTACK_S, p.attack);
    this.shape.gain.setValueAtTime(0, now);
    this.shape.gain.linearRampToValueAtTime(1, now + attack);
    this.shape.gain.setTargetAtTime(p.sustain, now + attack, p.decay);
  }

  update(p, gain) {
    const now = this.ctx.currentTime;
    partials(p, this.f0).forEach(({ frequency, amplitude }, i) => {
      this.partials[i].oscillator.frequency.setTargetAtTime(frequency, now, SMOOTH_S);
      this.partials[i].amount.gain.setTargetAtTime(amplitude, now, SMOOTH_S);
    });
    this.hiss.gain.setTargetAtTime(noiseLevel(p), now, SMOOTH_S);
    this.level.gain.setTargetAtTime(gain, now, SMOOTH_S);
  }

  release(p, when = this.ctx.currentTime) {
    const tau = releaseTau(p);
    if (when > this.ctx.currentTime) this.shape.gain.setValueAtTime(envelope(p, when - this.start), when);
    else if (this.shape.gain.cancelAndHoldAtTime) this.shape.gain.cancelAndHoldAtTime(when);
    else {
      this.shape.gain.cancelScheduledValues(when);
      this.shape.gain.setValueAtTime(envelope(p, when - this.start), when);
    }
    this.shape.gain.setTargetAtTime(0, when, tau);
    this.sources.forEach((source) => source.stop(when + 8 * tau));
    this.sources[0].onended = () => this.level.disconnect();
  }
}
