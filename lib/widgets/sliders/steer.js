// Which point sounds as asked? Newton's method on descriptors of the *sound*: slopes from the spectrum one expects, values
// measured on rendered samples. The smallest change counts by how the instrument itself varies (lib/timbre/steer.py).

import * as additive from "../shared/additive.js";
import * as loudness from "../shared/loudness.js";
import * as measure from "../bench/measure.js";

export const NAMES = ["centroid", "bandwidth", "flatness", "loudness"];
const RATE = additive.SAMPLE_RATE;
const FRAME = 2048;
const ITERATIONS = 10;
// A target counts as reached within this share of the instrument's range.
const REACHED = 0.004;
const RMS = 0.1;

const hertz = (midi) => 440 * 2 ** ((midi - 69) / 12);

// The note that is searched, measured and shown: one and the same, since a longer one would measure a little otherwise.
const SECONDS = 0.6;

// A steady note of a point at equal power, and its four descriptors; flatness as a power of ten, loudness in LUFS.
export function soundOf(space, z, midi) {
  const how = additive.plain(hertz(midi), SECONDS, { level: RMS, attack: 0.03, release: 0.05 });
  return additive.render([space.decode(z, midi)], how, space.frequencies);
}

export function measured(samples, midi) {
  const { centroid_hz, bandwidth_hz, flatness } = measure.describe(samples, RATE, hertz(midi));
  return [centroid_hz, bandwidth_hz, Math.log10(flatness), loudness.lufs(samples, RATE)];
}

// The same four of the spectrum one expects of a point: no rendering, for slopes.
export function expected(space, z, midi) {
  const f0 = hertz(midi);
  const { amplitudes, noise } = additive.splitHarmonics(space.decode(z, midi), space.frequencies, f0);
  const step = RATE / FRAME;
  const bins = FRAME / 2 + 1;
  const density = additive.noiseDensity(noise, space.frequencies, frameFrequencies());
  const power = density.map((d) => d * step * 1.5);
  amplitudes.forEach((a, k) => {
    const centre = ((k + 1) * f0) / step;
    for (let bin = Math.max(0, Math.ceil(centre - 6)); bin <= Math.min(bins - 1, centre + 6); bin++) power[bin] += (a * a * hann(bin - centre)) / 2;
  });
  let [total, first, second, heard] = [0, 0, 0, 0];
  const weights = frameWeights();
  for (let k = 0; k < bins; k++) {
    total += power[k];
    first += k * power[k];
    second += k * k * power[k];
    heard += weights[k] * power[k];
  }
  const mean = total / bins;
  let logs = 0;
  for (let k = 0; k < bins; k++) logs += Math.log10(Math.max(power[k] / mean, 1e-10)) / bins;
  const centre = first / total;
  return [centre * step, Math.sqrt(Math.max(0, second / total - centre * centre)) * step, logs, 10 * Math.log10(heard / total)];
}

// Power of a Hann window's transform, x bins from its centre, 1 in all.
function hann(x) {
  const sinc = (y) => (Math.abs(y) < 1e-9 ? 1 : Math.sin(Math.PI * y) / (Math.PI * y));
  return ((sinc(x) + 0.5 * sinc(x - 1) + 0.5 * sinc(x + 1)) ** 2 * 2) / 3;
}

let frequenciesOfFrame = null;
function frameFrequencies() {
  frequenciesOfFrame ??= Float64Array.from({ length: FRAME / 2 + 1 }, (_, k) => (k * RATE) / FRAME);
  return frequenciesOfFrame;
}
let weightsOfFrame = null;
function frameWeights() {
  weightsOfFrame ??= frameFrequencies().map(additive.kWeight);
  return weightsOfFrame;
}

// What an instrument does around a pitch: its mean point, the spread of its free code, and the notes to measure.
export function reachOf(space, instrument, midi, most = 14) {
  const { notes, dims, headDims } = space;
  const own = Array.from({ length: notes.count }, (_, i) => i).filter((i) => space.instruments[notes.instrument[i]].name === instrument);
  const gaps = own.map((i) => Math.abs(notes.midi[i] - midi)).sort((a, b) => a - b);
  const limit = Math.max(7, gaps[Math.min(7, gaps.length - 1)]);
  const near = own.filter((i) => Math.abs(notes.midi[i] - midi) <= limit);
  const origin = new Float64Array(dims);
  for (const i of near) notes.point(i).forEach((x, d) => (origin[d] += x / near.length));
  const size = dims - headDims;
  const spread = Array.from({ length: size }, () => new Float64Array(size));
  for (const i of near) {
    const v = notes.point(i).subarray(headDims);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) spread[a][b] += ((v[a] - origin[headDims + a]) * (v[b] - origin[headDims + b])) / Math.max(1, near.length - 1);
    }
  }
  const trace = spread.reduce((sum, row, a) => sum + row[a], 0) / size || 1;
  spread.forEach((row, a) => row.forEach((_, b) => (row[b] = 0.7 * row[b] + (a === b ? 0.3 * trace : 0))));
  // Evenly many of them, so that measuring takes no longer for a piano than for an oboe.
  const kept = near.length <= most ? near : Array.from({ length: most }, (_, k) => near[Math.round((k * (near.length - 1)) / (most - 1))]);
  return { origin, spread, near: kept.map((i) => notes.point(i)), offset: headDims };
}

// Begin at the note that sounds most usual, by the measured descriptors of the notes in reach: the mean of points need not
// sound like a mean.
export function settle(reach, known) {
  const ranges = rangesOf(known);
  const gaps = known.map((values) => values.reduce((sum, x, k) => sum + ((x - (ranges[k].low + ranges[k].high) / 2) / (ranges[k].high - ranges[k].low)) ** 2, 0));
  reach.origin = Float64Array.from(reach.near[gaps.indexOf(Math.min(...gaps))]);
  return ranges;
}

// 10 and 90 % points of measured descriptors: { low, high } of each.
export function rangesOf(values) {
  return NAMES.map((_, k) => {
    const sorted = values.map((row) => row[k]).sort((a, b) => a - b);
    const at = (p) => {
      const position = p * (sorted.length - 1);
      const i = Math.floor(position);
      return sorted[i] + (position - i) * ((sorted[i + 1] ?? sorted[i]) - sorted[i]);
    };
    const [low, high] = [at(0.1), at(0.9)];
    return { low, high: Math.max(high, low + 1e-6 * Math.abs(low) + 1e-9) };
  });
}

// asked: { centroid: value, ... } (any of the four). Returns { z, values (measured), error (largest, in ranges), away (in
// standard deviations of the instrument) }. Where the mean note cannot get there, the note that sounds nearest tries;
// `known` are the measured descriptors of the notes in reach.
export function solve(space, reach, ranges, asked, midi, known = []) {
  const rows = NAMES.map((name, k) => ({ k, wanted: asked[name], range: ranges[k].high - ranges[k].low })).filter(({ wanted }) => wanted !== undefined);
  const errorsOf = (values) => rows.map(({ k, wanted, range }) => (wanted - values[k]) / range);
  let found = approach(space, reach, rows, errorsOf, reach.origin, midi);
  if (found.error > REACHED && known.length) {
    const gaps = known.map((values) => largest(errorsOf(values)));
    const start = Float64Array.from(reach.near[gaps.indexOf(Math.min(...gaps))]);
    start.set(reach.origin.subarray(0, reach.offset));
    const second = approach(space, reach, rows, errorsOf, start, midi);
    if (second.error < found.error) found = second;
  }
  return { ...found, away: distance(reach, found.z) };
}

const largest = (errors) => Math.max(0, ...errors.map(Math.abs));

function approach(space, reach, rows, errorsOf, start, midi) {
  const measuredAt = (z) => measured(soundOf(space, z, midi), midi);
  let z = Float64Array.from(start);
  let values = measuredAt(z);
  let errors = errorsOf(values);
  for (let round = 0; round < ITERATIONS && largest(errors) > REACHED; round++) {
    const slopes = slopesAt(space, reach, rows, z, midi);
    const towards = slopes.map((row) => times(reach.spread, row));
    const inner = slopes.map((a) => towards.map((b) => dot(a, b)));
    const mean = inner.reduce((sum, row, i) => sum + row[i], 0) / inner.length;
    inner.forEach((row, i) => (row[i] += 1e-4 * mean + 1e-12));
    const weights = linearSolve(inner, errors.map((e) => Math.max(-1, Math.min(1, e))));
    let better = false;
    for (let size = 1; size > 0.1 && !better; size /= 2) {
      const tried = Float64Array.from(z);
      towards.forEach((direction, i) => direction.forEach((x, d) => (tried[reach.offset + d] += size * weights[i] * x)));
      const found = measuredAt(tried);
      const left = errorsOf(found);
      if (!(largest(left) < largest(errors))) continue;
      [z, values, errors, better] = [tried, found, left, true];
    }
    if (!better) break;
  }
  return { z, values, error: largest(errors) };
}

function slopesAt(space, reach, rows, z, midi) {
  const step = 0.02;
  const size = reach.spread.length;
  const base = expected(space, z, midi);
  const slopes = rows.map(() => new Float64Array(size));
  for (let d = 0; d < size; d++) {
    const moved = Float64Array.from(z);
    moved[reach.offset + d] += step;
    const values = expected(space, moved, midi);
    rows.forEach(({ k, range }, i) => (slopes[i][d] = (values[k] - base[k]) / step / range));
  }
  return slopes;
}

// How far a point is from the instrument's usual note, in standard deviations along the way there.
function distance({ origin, spread, offset }, z) {
  const gap = Array.from(spread, (_, d) => z[offset + d] - origin[offset + d]);
  const solved = linearSolve(spread.map((row) => Float64Array.from(row)), gap);
  return Math.sqrt(Math.max(0, dot(gap, solved)));
}

function times(matrix, vector) {
  return Float64Array.from(matrix, (row) => dot(row, vector));
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

// Gauss with pivots; the matrix is used up.
function linearSolve(matrix, right) {
  const n = right.length;
  const b = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(matrix[r][i]) > Math.abs(matrix[pivot][i])) pivot = r;
    [matrix[i], matrix[pivot]] = [matrix[pivot], matrix[i]];
    [b[i], b[pivot]] = [b[pivot], b[i]];
    for (let r = i + 1; r < n; r++) {
      const factor = matrix[r][i] / matrix[i][i];
      for (let c = i; c < n; c++) matrix[r][c] -= factor * matrix[i][c];
      b[r] -= factor * b[i];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = i + 1; c < n; c++) b[i] -= matrix[i][c] * b[c];
    b[i] /= matrix[i][i];
  }
  return b;
}
