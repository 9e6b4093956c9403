// From a decoded spectrum to sound, as lib/timbre/synthesize.py: harmonics read off the envelope at multiples of the
// pitch, plus shaped noise. `render` makes a whole note; lib/widgets/shared/voice.js plays one that changes as you move.

import * as fft from "./fft.js";

export const SAMPLE_RATE = 22050;
export const HOP = 220;
const TOP_HZ = 8000;
const MAX_HARMONICS = 80;
const UPDATES = 12;
const FADE_S = 0.008;

const plans = new Map();

// What depends on bands and pitch alone: which share of each harmonic falls into which band.
function planFor(frequencies, f0) {
  const key = `${frequencies.length}:${frequencies[0]}:${f0}`;
  if (plans.has(key)) return plans.get(key);
  if (plans.size > 64) plans.clear();
  const bins = frequencies.length;
  const widths = gradient(frequencies);
  const count = Math.max(1, Math.min(MAX_HARMONICS, Math.floor(TOP_HZ / f0)));
  const harmonics = [];
  const most = new Float64Array(bins);
  for (let k = 1; k <= count; k++) {
    const bands = [];
    let total = 1e-12;
    for (let b = 0; b < bins; b++) {
      const gap = Math.abs(k * f0 - frequencies[b]) / widths[b];
      if (gap >= 1) continue;
      const share = Math.cos((Math.PI / 2) * gap) ** 4;
      bands.push([b, share]);
      total += share;
      most[b] = Math.max(most[b], share);
    }
    harmonics.push({ bands, total });
  }
  const quiet = [];
  for (let b = 0; b < bins; b++) if (most[b] < 0.02 && frequencies[b] > 0.5 * f0) quiet.push(b);
  const plan = { widths, harmonics, quiet, count };
  plans.set(key, plan);
  return plan;
}

// One spectrum as { amplitudes (of each harmonic), noise (magnitude of each band) }.
export function splitHarmonics(spectrum, frequencies, f0) {
  const { widths, harmonics, quiet } = planFor(frequencies, f0);
  const bins = spectrum.length;
  const power = new Float64Array(bins);
  let mean = 0;
  for (let b = 0; b < bins; b++) {
    power[b] = spectrum[b] * spectrum[b] + 1e-12;
    mean += power[b] / bins;
  }
  const strength = new Float64Array(harmonics.length).fill(mean);
  const explained = new Float64Array(bins);
  for (let update = 0; update < UPDATES; update++) {
    explained.fill(1e-12);
    harmonics.forEach(({ bands }, k) => {
      for (const [b, share] of bands) explained[b] += strength[k] * share;
    });
    harmonics.forEach(({ bands, total }, k) => {
      let sum = 0;
      for (const [b, share] of bands) sum += (power[b] / explained[b]) * share;
      strength[k] *= sum / total;
    });
  }
  const noise = new Float64Array(bins);
  if (quiet.length >= 2) {
    const log = quiet.map((b) => Math.log(power[b] / widths[b]));
    const last = quiet[quiet.length - 1];
    for (let b = 0, q = 0; b < bins; b++) {
      while (q < quiet.length - 1 && quiet[q + 1] <= b) q += 1;
      let level = log[q];
      if (b >= quiet[q] && q < quiet.length - 1) {
        const part = (frequencies[b] - frequencies[quiet[q]]) / (frequencies[quiet[q + 1]] - frequencies[quiet[q]]);
        level += part * (log[q + 1] - log[q]);
      }
      if (b > last) level += Math.min(0, Math.log(power[b]) - Math.log(power[last]));
      noise[b] = Math.sqrt(Math.min(Math.exp(level) * widths[b], power[b]));
    }
  }
  return { amplitudes: strength.map(Math.sqrt), noise };
}

// Power density of the noise at each frequency of `hz`, from its magnitudes in bands.
export function noiseDensity(noise, frequencies, hz) {
  const { widths } = planFor(frequencies, 440);
  const density = noise.map((a, b) => (a * a) / 2 / widths[b]);
  return interpolate(hz, frequencies, density, 0);
}

// A straight note with vibrato: { f0, level }, one value every HOP samples.
export function plain(f0, seconds, { level = 0.1, attack = 0.04, release = 0.08, vibrato = 0, vibratoHz = 5.5, slope = 0 } = {}) {
  const n = Math.round((seconds * SAMPLE_RATE) / HOP) + 1;
  const end = ((n - 1) * HOP) / SAMPLE_RATE;
  const curve = { f0: new Float32Array(n), level: new Float32Array(n) };
  for (let i = 0; i < n; i++) {
    const t = (i * HOP) / SAMPLE_RATE;
    const rise = clamp(t / Math.max(attack, 1e-3));
    const fall = clamp((end - t) / Math.max(release, 1e-3));
    const depth = vibrato * clamp((t - 0.25) / 0.25);
    const decay = 10 ** ((Math.min(0, slope) * Math.max(0, t - attack)) / 20);
    curve.f0[i] = f0 * 2 ** ((depth * Math.sin(2 * Math.PI * vibratoHz * t)) / 1200);
    curve.level[i] = level * decay * Math.sin((Math.PI / 2) * Math.min(rise, fall));
  }
  return curve;
}

// Play spectra [frame][bin] with a pitch and level curve: Float32Array. `times` says when each frame sounds, spread
// evenly if left out; `phases` fixes the start of each harmonic (scattered, but always the same, if left out).
//
// Each spectrum becomes one period of its harmonics in a table and a loop of its noise. To move from one spectrum to
// the next is to fade from table to table, since equal harmonics have equal phases in both.
export function render(spectra, performance, frequencies, { times = null, noise = true, phases = null } = {}) {
  const samples = (performance.level.length - 1) * HOP;
  const f0 = median(performance.f0);
  const moments = times ?? spectra.map((_, i) => (spectra.length > 1 ? (i / (spectra.length - 1)) * (samples / SAMPLE_RATE) : 0));
  const highest = performance.f0.reduce((a, b) => Math.max(a, b), 0);
  const kept = Math.floor(TOP_HZ / highest) || 1;
  const parts = spectra.map((spectrum) => {
    const split = splitHarmonics(spectrum, frequencies, f0);
    const table = harmonicTable(split.amplitudes.slice(0, kept), phases ?? startPhases(split.amplitudes.length));
    return { table, loop: noise ? noiseLoop(noiseDensity(split.noise, frequencies, loopFrequencies())) : null };
  });
  return withLevel(playTables(parts, moments, performance, samples), performance);
}

// Where each harmonic starts, in radians: scattered, so that their peaks do not pile up, but the same for every sound,
// so that two sounds cross-fade without cancelling.
export function startPhases(count) {
  const random = generator(7);
  return Float64Array.from({ length: count }, () => 2 * Math.PI * random());
}

const TABLE = 8192;

// One period of harmonics, and its first sample again at the end.
function harmonicTable(amplitudes, phases) {
  const re = new Float64Array(TABLE / 2 + 1);
  const im = new Float64Array(TABLE / 2 + 1);
  amplitudes.forEach((a, k) => {
    re[k + 1] = (TABLE / 2) * a * Math.cos(phases[k]);
    im[k + 1] = (TABLE / 2) * a * Math.sin(phases[k]);
  });
  const table = new Float64Array(TABLE + 1);
  table.set(fft.irfft(re, im, TABLE));
  table[TABLE] = table[0];
  return table;
}

// Length of a loop of noise: .74 s.
export const LOOP = 16384;
let loops = null;

export function loopFrequencies() {
  return noisePlan().hz;
}

function noisePlan() {
  if (!loops) {
    const random = generator(11);
    const hz = Float64Array.from({ length: LOOP / 2 + 1 }, (_, k) => (k * SAMPLE_RATE) / LOOP);
    const angles = hz.map(() => 2 * Math.PI * random());
    loops = { hz, cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
  }
  return loops;
}

// Noise of a given power density (at `loopFrequencies`) that repeats without a seam, always with the same phases.
export function noiseLoop(density) {
  const { cos, sin } = noisePlan();
  const re = new Float64Array(density.length);
  const im = new Float64Array(density.length);
  for (let k = 0; k < density.length; k++) {
    const size = LOOP * Math.sqrt((density[k] * SAMPLE_RATE) / LOOP / 2);
    re[k] = size * cos[k];
    im[k] = size * sin[k];
  }
  return fft.irfft(re, im, LOOP);
}

function playTables(parts, moments, { f0, level }, samples) {
  const steps = Float64Array.from({ length: level.length }, (_, i) => (i * HOP) / SAMPLE_RATE);
  const where = interpolate(steps, moments, Float64Array.from(parts, (_, i) => i));
  const sound = new Float32Array(samples);
  let turn = 0;
  for (let block = 0, i = 0; block < level.length - 1; block++) {
    const [from, to] = [where[block], where[block + 1]];
    const below = Math.min(Math.floor(from), parts.length - 1);
    const a = parts[below];
    const b = parts[Math.min(below + 1, parts.length - 1)];
    for (let n = 0; n < HOP; n++, i++) {
      turn += (f0[block] + ((f0[block + 1] - f0[block]) * n) / HOP) / SAMPLE_RATE;
      turn -= Math.floor(turn);
      const position = turn * TABLE;
      const index = Math.floor(position);
      const part = position - index;
      const fade = Math.min(1, from + ((to - from) * n) / HOP - below);
      let value = a.table[index] + part * (a.table[index + 1] - a.table[index]);
      if (a.loop) value += a.loop[i % LOOP];
      if (fade > 0) {
        let other = b.table[index] + part * (b.table[index + 1] - b.table[index]);
        if (b.loop) other += b.loop[i % LOOP];
        value += fade * (other - value);
      }
      sound[i] = value;
    }
  }
  return sound;
}

// RMS around every `hop` samples, over a window of two hops, as lib.timbre.note_features.level_curve.
export function levelCurve(samples, hop = HOP) {
  const total = new Float64Array(samples.length + 1);
  for (let i = 0; i < samples.length; i++) total[i + 1] = total[i] + samples[i] * samples[i];
  return Float64Array.from({ length: Math.floor(samples.length / hop) + 1 }, (_, i) => {
    const from = Math.max(0, (i - 1) * hop);
    const to = Math.min(samples.length, (i + 1) * hop);
    return Math.sqrt(Math.max(0, total[to] - total[from]) / (2 * hop));
  });
}

function withLevel(sound, { level }) {
  const own = levelCurve(sound).subarray(0, level.length);
  const floor = 1e-3 * own.reduce((a, b) => Math.max(a, b), 0) + 1e-9;
  const gain = level.map((wanted, i) => wanted / Math.max(own[i], floor));
  for (let i = 0; i < sound.length; i++) {
    const k = Math.floor(i / HOP);
    sound[i] *= gain[k] + (gain[Math.min(k + 1, gain.length - 1)] - gain[k]) * ((i - k * HOP) / HOP);
  }
  const fade = Math.min(Math.floor(FADE_S * SAMPLE_RATE), sound.length >> 1);
  for (let i = 0; i < fade; i++) {
    sound[i] *= i / (fade - 1);
    sound[sound.length - 1 - i] *= i / (fade - 1);
  }
  return sound;
}

// Straight lines through (xs, ys), the ends held; outside them `beyond` where it is given.
export function interpolate(at, xs, ys, beyond = null) {
  let k = 0;
  return Float64Array.from(at, (x) => {
    if (x <= xs[0] || xs.length === 1) return x < xs[0] && beyond !== null ? beyond : ys[0];
    if (x >= xs[xs.length - 1]) return x > xs[xs.length - 1] && beyond !== null ? beyond : ys[xs.length - 1];
    while (k > 0 && xs[k] > x) k -= 1;
    while (xs[k + 1] < x) k += 1;
    return ys[k] + ((x - xs[k]) / (xs[k + 1] - xs[k])) * (ys[k + 1] - ys[k]);
  });
}

// Numbers in [0, 1) that look random and are the same for the same seed (mulberry32).
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Half-way to both neighbours, as numpy.gradient.
export function gradient(x) {
  const n = x.length;
  return Float64Array.from(x, (_, i) => (i === 0 ? x[1] - x[0] : i === n - 1 ? x[n - 1] - x[n - 2] : (x[i + 1] - x[i - 1]) / 2));
}

// Power gain of the K filter (ITU-R BS.1770) at a frequency: what loudness counts.
export function kWeight(hz) {
  const part = (b, a) => {
    const w = (2 * Math.PI * hz) / 48000;
    const size = (c) => (c[0] + c[1] * Math.cos(w) + c[2] * Math.cos(2 * w)) ** 2 + (c[1] * Math.sin(w) + c[2] * Math.sin(2 * w)) ** 2;
    return size(b) / size(a);
  };
  return (
    part([1.53512485958697, -2.69169618940638, 1.19839281085285], [1, -1.69065929318241, 0.73248077421585]) *
    part([1, -2, 1], [1, -1.99004745483398, 0.99007225036621])
  );
}

function clamp(x) {
  return Math.max(0, Math.min(1, x));
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
