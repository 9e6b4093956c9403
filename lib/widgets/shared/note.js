// What the models see of a sound, as lib/timbre/features.py and note_features.py: 12 spectra spread over the sounding
// part and 78 numbers about the whole note. `place` sends them through encoder and head.

import * as additive from "./additive.js";
import * as fft from "./fft.js";
import * as nsgt from "./nsgt.js";
import * as pitch from "./pitch.js";
import * as space from "./space.js";

const SAMPLE_RATE = 22050;
const LEVEL_HOP = 220;
const STEP_S = 0.02;
const LONGEST_S = 2;
const SILENCE_S = 0.4;
const LONG = { window: 4096, hop: 1024, fft: 8192 };
const HARMONIC_HZ = 12;
const NOISE_EDGES_HZ = [0, 400, 800, 1600, 3200, 8000];
const ATTACK_EDGES_HZ = [400, 1200, 3200, 12000];

// Where a sound lies: { z, trajectory, f0, clarity, likeness ({ name: share }), level, times, seconds, notes (features) }.
export function place(audio, encoder, { f0 = null } = {}) {
  const { about, arrays } = encoder;
  const found = analyse(audio, about.front, f0);
  const midi = 69 + 12 * Math.log2(found.f0 / 440);
  const short = found.seconds < about.short_below_s && arrays["short_head/weights"];
  const head = short ? "short_head" : "head";
  const likely = about.head_names.length ? likenessOf(found.note, head, encoder) : [];
  const u = new Float64Array(about.head_dims);
  likely.forEach((share, i) => u.forEach((_, d) => (u[d] += share * arrays[`${head}/anchors`].values[i * u.length + d])));
  const code = space.pitchCode(midi);
  const trajectory = found.spectra.map((spectrum) => {
    const input = new Float64Array(spectrum.length + code.length);
    spectrum.forEach((a, i) => {
      input[i] = Math.max(-6, Math.min(6, (a ** about.exponent - encoder.centre) / encoder.spread));
    });
    input.set(code, spectrum.length);
    const v = encoder.run(input).subarray(0, about.dims - about.head_dims);
    return Float32Array.from([...u, ...withoutForecast(v, u, arrays)]);
  });
  const z = trajectory[0].map((_, d) => trajectory.reduce((total, frame) => total + frame[d] / trajectory.length, 0));
  const likeness = likely.length ? Object.fromEntries(about.head_names.map((name, i) => [name, likely[i]])) : null;
  return { ...found, z, midi, trajectory, likeness };
}

// The free code is what the rated code does not foretell (lib.timbre.space.Forecast); all of it where nothing is rated.
function withoutForecast(v, u, arrays) {
  const matrix = arrays["forecast/matrix"]?.values;
  if (!matrix) return v;
  const offset = arrays["forecast/offset"].values;
  return v.map((value, j) => value - offset[j] - u.reduce((sum, a, d) => sum + a * matrix[d * v.length + j], 0));
}

function likenessOf(features, head, { about, arrays }) {
  const [centre, spread, weights, bias] = ["centre", "spread", "weights", "bias"].map((part) => arrays[`${head}/${part}`].values);
  const x = features.map((f, j) => Math.max(-about.clip, Math.min(about.clip, (f - centre[j]) / spread[j])));
  const logits = Array.from(bias, (b, i) => x.reduce((total, v, j) => total + v * weights[i * x.length + j], b) / about.temperature);
  const highest = Math.max(...logits);
  const likely = logits.map((l) => Math.exp(l - highest));
  const total = sum(likely);
  return likely.map((l) => l / total);
}

export function analyse(audio, front, f0 = null) {
  const picture = pictureOf(audio);
  const [start, end] = soundingPart(audio, front.threshold_db);
  let clarity = 1;
  if (f0 === null) [f0, clarity] = pitch.estimate(audio.subarray(Math.floor(start * SAMPLE_RATE), Math.floor(end * SAMPLE_RATE) + 1), SAMPLE_RATE);
  const half = Math.min(front.smoothing_s / 2, (end - start) / 4);
  const [first, last] = [start + half, Math.max(start + half, end - half)];
  const times = Float64Array.from({ length: front.n_frames }, (_, i) => first + ((last - first) * i) / (front.n_frames - 1));
  const chosen = averaged(picture, times, 2 * half).map((power) => power.map(Math.sqrt));
  const level = chosen.map((frame) => Math.max(1e-7, Math.sqrt(frame.reduce((s, a) => s + a * a, 0))));
  const spectra = chosen.map((frame, i) => frame.map((a) => a / level[i]));
  const note = describeNote(audio, spectra, picture, [start, end], f0);
  return { spectra, level, times, note, f0, clarity, seconds: end - start, start, end };
}

// Power of every band over time, cumulated: { cumulated [bin][frame + 1], times, frequencies }.
function pictureOf(audio) {
  const length = audio.length + Math.floor(SILENCE_S * SAMPLE_RATE);
  const axis = nsgt.spread("erb", 168);
  const layout = nsgt.plan(axis, length, SAMPLE_RATE);
  const { re, im } = nsgt.analyze(audio, layout);
  const bands = layout.bands.slice(1, -1);
  const frames = bands[0].frames;
  const cumulated = bands.map(({ offset }) => {
    const total = new Float64Array(frames + 1);
    for (let t = 0; t < frames; t++) total[t + 1] = total[t] + re[offset + t] ** 2 + im[offset + t] ** 2;
    return total;
  });
  const times = Float64Array.from({ length: frames }, (_, t) => (t * layout.fftLength) / frames / SAMPLE_RATE);
  return { cumulated, times, frequencies: Float64Array.from(bands, (_, k) => axis.frequency(k)) };
}

// Average power over `width` seconds around each centre, at least one frame: [centre][bin].
function averaged({ cumulated, times }, centres, width) {
  return Array.from(centres, (centre) => {
    let from = below(times, centre - width / 2, false);
    let to = below(times, centre + width / 2, true);
    if (to <= from) {
      from = 0;
      for (let t = 1; t < times.length; t++) if (Math.abs(times[t] - centre) < Math.abs(times[from] - centre)) from = t;
      to = from + 1;
    }
    return Float64Array.from(cumulated, (total) => (total[to] - total[from]) / (to - from));
  });
}

function below(times, limit, orEqual) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < limit || (orEqual && times[middle] === limit)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Seconds from the first to the last moment within 30 dB of the loudest.
export function soundingPart(audio, thresholdDb = -30) {
  const level = additive.levelCurve(audio, LEVEL_HOP);
  const limit = highestOf(level) * 10 ** (thresholdDb / 20);
  let first = 0;
  while (first < level.length - 1 && !(level[first] > limit)) first += 1;
  let last = level.length - 1;
  while (last > first && !(level[last] > limit)) last -= 1;
  return [(first * LEVEL_HOP) / SAMPLE_RATE, Math.min(((last + 1) * LEVEL_HOP) / SAMPLE_RATE, audio.length / SAMPLE_RATE)];
}

function describeNote(audio, spectra, picture, part, f0) {
  const end = Math.min(part[1], part[0] + LONGEST_S);
  const stop = Math.max(end, part[0] + STEP_S);
  const count = Math.ceil((stop - (part[0] + STEP_S / 2)) / STEP_S);
  const centres = Float64Array.from({ length: count }, (_, i) => part[0] + STEP_S / 2 + i * STEP_S);
  const steps = averaged(picture, centres, STEP_S);
  const energies = steps.map(sum);
  const levels = energies.map(db);
  const loudest = Math.max(...levels);
  const loud = levels.map((level) => level > loudest - 30);
  const coefficients = spectra.map((spectrum) => cepstra(spectrum, 20));
  const column = (k) => coefficients.map((c) => c[k]);
  return [
    ...range(20).map((k) => mean(column(k))),
    ...range(10).map((k) => deviation(column(k))),
    ...onsetShape(steps, energies, loud),
    logAttack(audio),
    flux(steps),
    slope(audio, part),
    ...harmonicFeatures(audio.subarray(Math.floor(part[0] * SAMPLE_RATE), Math.floor(end * SAMPLE_RATE)), f0),
    ...movement(steps, energies, loud),
    ...bandOnsets(steps, energies, loud, picture.frequencies),
  ];
}

// Coefficients 1 ... n of the orthonormal cosine transform of a spectrum in dB over a soft floor of -40 dB.
function cepstra(spectrum, n) {
  const size = spectrum.length;
  const levels = spectrum.map((a) => 20 * Math.log10(a + 0.01));
  const { cos } = cosines(size, n);
  return Float64Array.from({ length: n }, (_, k) => {
    let total = 0;
    for (let i = 0; i < size; i++) total += levels[i] * cos[k * size + i];
    return total * Math.sqrt(2 / size);
  });
}

const tables = new Map();
function cosines(size, n) {
  const key = `${size}:${n}`;
  if (!tables.has(key)) {
    const cos = new Float64Array(size * n);
    for (let k = 0; k < n; k++) for (let i = 0; i < size; i++) cos[k * size + i] = Math.cos((Math.PI * (k + 1) * (2 * i + 1)) / (2 * size));
    tables.set(key, { cos });
  }
  return tables.get(key);
}

function onsetShape(steps, energies, loud) {
  const coefficients = steps.map((power, t) => cepstra(power.map((p) => Math.sqrt(p / Math.max(energies[t], 1e-20))), 8));
  const steady = range(8).map((k) => mean(coefficients.filter((_, t) => loud[t]).map((c) => c[k])));
  return [[0, 2], [2, 5], [5, 10]].flatMap(([from, to]) => {
    const piece = coefficients.length > from ? coefficients.slice(from, to) : coefficients.slice(-1);
    return range(8).map((k) => mean(piece.map((c) => c[k])) - steady[k]);
  });
}

function logAttack(audio) {
  const level = additive.levelCurve(audio, 64);
  const highest = highestOf(level);
  const top = level.findIndex((x) => x > highest * 10 ** (-1 / 20));
  let start = Math.max(top, 0);
  while (start > 0 && level[start] > highest * 0.1) start -= 1;
  if (level[start] > highest * 0.1) start = 0;
  return Math.log10((Math.max(top - start, 1) * 64) / SAMPLE_RATE);
}

function flux(steps) {
  if (steps.length < 2) return -4;
  const shapes = steps.map((power) => {
    const shape = power.map(Math.sqrt);
    const size = Math.max(1e-12, Math.sqrt(sum(power)));
    return shape.map((x) => x / size);
  });
  const turns = shapes.slice(1).map((shape, t) => 1 - shape.reduce((s, x, i) => s + x * shapes[t][i], 0));
  return Math.log10(Math.max(0, mean(turns)) + 1e-4);
}

function slope(audio, part) {
  const level = additive.levelCurve(audio, LEVEL_HOP);
  const first = level.indexOf(highestOf(level));
  const last = roundEven((part[1] * SAMPLE_RATE) / LEVEL_HOP);
  if (last - first < 3) return 0;
  const y = Array.from(level.subarray(first, last), (x) => 20 * Math.log10(x + 1e-6));
  const x = y.map((_, i) => (i * LEVEL_HOP) / SAMPLE_RATE);
  const [mx, my] = [mean(x), mean(y)];
  const fitted = sum(x.map((v, i) => (v - mx) * (y[i] - my))) / sum(x.map((v) => (v - mx) ** 2));
  return Math.max(-100, Math.min(100, fitted));
}

// Power spectrum averaged over 186 ms windows, each scaled to a sum of one.
function longSpectrum(audio) {
  const length = Math.max(audio.length, LONG.window);
  const result = new Float64Array(LONG.fft / 2 + 1);
  const window = Float64Array.from({ length: LONG.window }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (LONG.window - 1)));
  let frames = 0;
  for (let start = 0; start + LONG.window <= length; start += LONG.hop, frames++) {
    const padded = new Float64Array(LONG.fft);
    for (let i = 0; i < LONG.window; i++) padded[i] = window[i] * (audio[start + i] ?? 0);
    const { re, im } = fft.rfft(padded);
    const power = re.map((a, k) => a * a + im[k] * im[k]);
    const total = Math.max(sum(power), 1e-20);
    for (let k = 0; k < result.length; k++) result[k] += power[k] / total;
  }
  return result.map((x) => x / frames);
}

function refine(power, f0) {
  const step = SAMPLE_RATE / LONG.fft;
  const at = (hz) => {
    const position = Math.min(hz / step, power.length - 1);
    const k = Math.min(Math.floor(position), power.length - 2);
    return power[k] + (position - k) * (power[k + 1] - power[k]);
  };
  let best = { strength: -1, hz: f0 };
  for (let cents = -40; cents <= 40; cents += 5) {
    const hz = f0 * 2 ** (cents / 1200);
    const strength = sum(range(8).map((k) => Math.sqrt(at((k + 1) * hz))));
    if (strength > best.strength) best = { strength, hz };
  }
  return best.hz;
}

function harmonicFeatures(audio, givenF0) {
  const power = longSpectrum(audio);
  const f0 = refine(power, givenF0);
  const step = SAMPLE_RATE / LONG.fft;
  const count = Math.max(1, Math.floor(Math.min(30, 8000 / f0)));
  const part = (centre, half) => power.subarray(Math.ceil((centre - half) / step), Math.floor((centre + half) / step) + 1);
  const harmonics = range(count).map((k) => sum(part((k + 1) * f0, HARMONIC_HZ)));
  const noise = range(count).map((k) => {
    const between = part((k + 0.5) * f0, 0.2 * f0);
    return between.length ? 8 * median(between) : 0;
  });
  const first = range(4).map((k) => (k < count ? Math.max(-60, Math.min(0, db(harmonics[k]))) : -60));
  const even = count > 1 ? sum(harmonics.filter((_, k) => k % 2)) : 1e-6;
  const odd = sum(harmonics.filter((_, k) => k % 2 === 0));
  const levels = harmonics.slice(0, 10).map(db);
  const bends = levels.slice(2).map((level, k) => Math.abs(level - 2 * levels[k + 1] + levels[k]));
  const overall = db(sum(harmonics)) - db(sum(noise));
  const bands = range(5).map((b) => {
    const inside = range(count).filter((k) => (k + 1) * f0 >= NOISE_EDGES_HZ[b] && (k + 1) * f0 < NOISE_EDGES_HZ[b + 1]);
    if (!inside.length) return overall;
    return db(sum(inside.map((k) => harmonics[k])) + 1e-7) - db(sum(inside.map((k) => noise[k])) + 1e-7);
  });
  const [h1, h2, h3, h4] = first;
  return [db(odd) - db(even), h1 - h2, h1 - h3, h2 - h3, h3 - h4, count > 2 ? mean(bends) : 0, overall, ...bands];
}

function movement(steps, energies, loud) {
  const keep = range(steps.length).filter((t) => loud[t] && t > 8);
  if (keep.length < 4) return [Math.log(0.05), Math.log(0.05), 0, Math.log(0.02)];
  const level = withoutTrend(keep.map((t) => db(energies[t])));
  const scale = 168 / steps[0].length;
  const centre = keep.map((t) => steps[t].reduce((s, p, i) => s + p * i * scale, 0) / Math.max(energies[t], 1e-20));
  const n = level.length;
  const padded = new Float64Array(128);
  for (let i = 0; i < Math.min(n, 128); i++) padded[i] = level[i] * (n > 1 ? 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (n - 1)) : 1);
  const { re, im } = fft.rfft(padded);
  const spectrum = re.map((a, k) => Math.hypot(a, im[k]));
  const share = (test) => sum(Array.from(spectrum).filter((_, k) => test(k / (128 * STEP_S))));
  const vibrato = share((hz) => hz > 4 && hz < 8) / (share((hz) => hz > 1) + 1e-6);
  const jitter = mean(level.slice(1).map((x, i) => Math.abs(x - level[i])));
  return [Math.log(deviation(level) + 0.05), Math.log(deviation(withoutTrend(centre)) + 0.05), vibrato, Math.log(jitter + 0.02)];
}

function bandOnsets(steps, energies, loud, frequencies) {
  const first = steps.slice(0, 60);
  const times = range(4).map((band) => {
    const low = band ? ATTACK_EDGES_HZ[band - 1] : -1;
    const level = first.map((power) => {
      let total = 0;
      for (let b = 0; b < power.length; b++) if (frequencies[b] >= low && frequencies[b] < ATTACK_EDGES_HZ[band]) total += power[b];
      return Math.sqrt(total);
    });
    const limit = 0.7 * Math.max(...level);
    return Math.log10((Math.max(0, level.findIndex((x) => x > limit)) + 1) * STEP_S);
  });
  const average = mean(times);
  const levels = energies.map(db);
  const loudLevel = mean(levels.filter((_, t) => loud[t]));
  return [...times.map((t) => t - average), levels[Math.min(5, levels.length - 1)] - loudLevel];
}

function withoutTrend(curve, half = 12) {
  const at = (i) => curve[Math.max(0, Math.min(curve.length - 1, i))];
  return curve.map((x, i) => {
    let total = 0;
    for (let k = -half; k <= half; k++) total += at(i + k);
    return x - total / (2 * half + 1);
  });
}

function db(power) {
  return 10 * Math.log10(power + 1e-9);
}

// Python rounds halves to the even neighbour.
function roundEven(x) {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x);
}

function range(n) {
  return Array.from({ length: n }, (_, i) => i);
}

function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function mean(values) {
  return sum(values) / values.length;
}

function deviation(values) {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - middle) ** 2)));
}

function highestOf(values) {
  let highest = -Infinity;
  for (const value of values) highest = Math.max(highest, value);
  return highest;
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
