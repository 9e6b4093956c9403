// Descriptors of a note made in the page: the definitions and settings of lib/descriptors, checked to agree.

import * as fft from "../shared/fft.js";

const FRAME = 2048;
const HOP = 512;
const BLOCK = 64;
const QUIET = 10 ** (-30 / 10);
const FLATNESS_FLOOR = 1e-10;

// { centroid_hz, bandwidth_hz, flatness, odd_even_db, inharmonicity, log_attack_time }; null where there is none.
export function describe(samples, sampleRate, f0) {
  const none = { centroid_hz: null, bandwidth_hz: null, flatness: null, odd_even_db: null, inharmonicity: null, log_attack_time: null };
  let level = envelope(samples, sampleRate);
  const highest = Math.max(...level);
  if (!(highest > 1e-5)) return none;
  const start = Math.max(0, level.findIndex((x) => x > 1e-3 * highest) - 1) * BLOCK;
  const x = samples.subarray(start);
  level = envelope(x, sampleRate);
  return { ...none, log_attack_time: logAttackTime(level, BLOCK / sampleRate), ...ofFrames(x, sampleRate), ...ofTheWhole(x, sampleRate, f0) };
}

// The largest |sample| of each block of 64, held for 20 ms.
export function envelope(samples, sampleRate, smoothing = 0.02) {
  const frames = Math.ceil(samples.length / BLOCK);
  const peaks = new Float64Array(frames);
  for (let i = 0; i < samples.length; i++) {
    const at = Math.floor(i / BLOCK);
    peaks[at] = Math.max(peaks[at], Math.abs(samples[i]));
  }
  const held = Math.max(1, Math.round((smoothing * sampleRate) / BLOCK));
  return peaks.map((_, i) => {
    let value = 0;
    for (let j = Math.max(0, i - held + 1); j <= i; j++) value = Math.max(value, peaks[j]);
    return value;
  });
}

// log10 of the seconds the attack lasts ("weakest effort"): the envelope first reaches 10, 20, ... 90 % of its peak; the
// attack begins and ends where a step between these takes more than three times the median step, and two frames.
export function logAttackTime(level, step) {
  const largest = Math.max(...level);
  const firstTime = (target) => {
    const index = level.findIndex((x) => x >= target);
    if (index === 0) return 0;
    return (index - 1 + (target - level[index - 1]) / (level[index] - level[index - 1])) * step;
  };
  const reached = Array.from({ length: 9 }, (_, k) => firstTime(((k + 1) / 10) * largest));
  const effort = reached.slice(1).map((time, k) => time - reached[k]);
  const longest = Math.max(2 * step, 3 * median(effort));
  let seconds = 0;
  let k = 0;
  while (k < effort.length && effort[k] > longest) k += 1;
  for (; k < effort.length && effort[k] <= longest; k++) seconds += effort[k];
  return Math.log10(Math.max(step, seconds));
}

function ofFrames(x, sampleRate) {
  const count = Math.max(1, Math.floor((x.length - FRAME) / HOP) + 1);
  const window = Float64Array.from({ length: FRAME }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME));
  const frames = [];
  for (let frame = 0; frame < count; frame++) {
    const cut = window.map((w, i) => w * (x[frame * HOP + i] ?? 0));
    const power = powerOf(cut);
    frames.push({ power, energy: sum(power) });
  }
  const loudest = Math.max(...frames.map(({ energy }) => energy));
  const sounding = frames.filter(({ energy }) => energy > loudest * QUIET);
  const step = sampleRate / FRAME;
  const found = sounding.map(({ power, energy }) => shape(power, energy, step));
  return {
    centroid_hz: median(found.map((each) => each.centroid)),
    bandwidth_hz: median(found.map((each) => each.bandwidth)),
    flatness: median(found.map((each) => each.flatness)),
  };
}

function shape(power, energy, step) {
  let first = 0;
  let second = 0;
  let logs = 0;
  const mean = energy / power.length;
  for (let k = 0; k < power.length; k++) {
    first += k * power[k];
    second += k * k * power[k];
    logs += Math.log(Math.max(power[k] / mean, FLATNESS_FLOOR));
  }
  const centre = first / energy;
  return {
    centroid: centre * step,
    bandwidth: Math.sqrt(Math.max(0, second / energy - centre * centre)) * step,
    flatness: Math.exp(logs / power.length),
  };
}

function ofTheWhole(x, sampleRate, f0) {
  const size = fft.nextPowerOfTwo(Math.max(16, x.length));
  const windowed = new Float64Array(size);
  for (let i = 0; i < x.length; i++) windowed[i] = x[i] * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / x.length));
  const found = findPartials(powerOf(windowed), sampleRate / size, f0, 40);
  const clear = found.filter((partial) => partial.clear);
  let odd = 0;
  let even = 0;
  for (const { h, power } of found) {
    if (h % 2) odd += power;
    else even += power;
  }
  const least = 1e-6 * (odd + even || 1);
  return {
    inharmonicity: clear.length >= 4 ? stretchOf(clear).stretch : null,
    odd_even_db: found.length >= 2 ? 10 * Math.log10(Math.max(odd, least) / Math.max(even, least)) : null,
  };
}

// Partial after partial, each looked for within a quarter of f0 of where those before predict it.
function findPartials(power, step, f0, count) {
  const lobe = Math.max(3 * step, 0.04 * f0);
  const found = [];
  let fundamental = f0;
  let stretch = 0;
  for (let h = 1; h <= count; h++) {
    const expected = h * fundamental * Math.sqrt(1 + stretch * h * h);
    if (expected + f0 / 4 > (power.length - 1) * step) break;
    const low = Math.max(0, Math.ceil((expected - f0 / 4) / step));
    const high = Math.ceil((expected + f0 / 4) / step) - 1;
    if (high - low < 2) break;
    let peak = low;
    for (let k = low; k <= high; k++) if (power[k] > power[peak]) peak = k;
    let energy = 0;
    let weighted = 0;
    const first = Math.max(0, Math.ceil(peak - lobe / step));
    const last = Math.min(power.length, Math.ceil(peak + lobe / step));
    for (let k = first; k < last; k++) {
      energy += power[k];
      weighted += power[k] * k * step;
    }
    const clear = power[peak] > 0 && power[peak] > 10 * median(power.subarray(low, high + 1));
    found.push({ h, frequency: energy > 0 ? weighted / energy : 0, power: energy, clear });
    const sure = found.filter((partial) => partial.clear);
    if (sure.length < 2) continue;
    const mean = sum(sure.map(({ h: n, frequency }) => frequency / n)) / sure.length;
    const fit = sure.length < 4 ? null : stretchOf(sure);
    fundamental = fit && fit.intercept > 0 ? Math.sqrt(fit.intercept) : mean;
    stretch = fit && fit.intercept > 0 ? Math.max(0, Math.min(0.02, fit.stretch)) : 0;
  }
  return found;
}

// Line of least squares through (f / h)^2 against h^2, partial h counting h^2: B is its slope over its intercept.
function stretchOf(partials) {
  const total = sum(partials.map(({ h }) => h * h));
  const weighted = (value) => sum(partials.map((partial) => (partial.h ** 2 / total) * value(partial)));
  const y = ({ h, frequency }) => (frequency / h) ** 2;
  const middle = weighted(({ h }) => h * h);
  const slope = weighted((p) => (p.h ** 2 - middle) * y(p)) / weighted((p) => (p.h ** 2 - middle) ** 2);
  const intercept = weighted(y) - slope * middle;
  return { intercept, stretch: slope / intercept };
}

function powerOf(x) {
  const { re, im } = fft.rfft(x);
  return re.map((a, k) => a * a + im[k] * im[k]);
}

function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
