// The pitch of one note, as lib/timbre/pitch.py: McLeod and Wyvill's normalised square difference, a vote over frames.

import * as fft from "./fft.js";

const FRAME = 2048;
const LOWEST_HZ = 27;
const HIGHEST_HZ = 4300;
const NEARLY = 0.9;
// Lags a sample.
const FINE = 4;

// [f0 in Hz, clarity from 0 to 1] of a sound; its loudest 24 frames vote.
export function estimate(audio, sampleRate = 22050, count = 24) {
  const frame = Math.min(FRAME * (audio.length > 4 * FRAME ? 2 : 1), Math.max(64, audio.length));
  const padded = new Float64Array(Math.max(frame, audio.length));
  padded.set(audio);
  const step = Math.max(1, Math.floor(frame / 4));
  const frames = [];
  for (let start = 0; start + frame <= padded.length; start += step) {
    const samples = padded.subarray(start, start + frame);
    frames.push({ samples, energy: samples.reduce((sum, x) => sum + x * x, 0) });
  }
  const loudest = frames.sort((a, b) => b.energy - a.energy).slice(0, count);
  const votes = loudest.map(({ samples }) => oneFrame(samples, sampleRate));
  // The weighted median in octaves: one frame an octave off does not move it.
  votes.sort((a, b) => a[0] - b[0]);
  const total = votes.reduce((sum, vote) => sum + vote[1], 0);
  let reached = 0;
  const chosen = votes.find(([, clarity]) => (reached += clarity) >= 0.5 * total) ?? votes[0];
  const clarities = Float64Array.from(votes, (vote) => vote[1]).sort();
  const half = clarities.length >> 1;
  return [chosen[0], clarities.length % 2 ? clarities[half] : (clarities[half - 1] + clarities[half]) / 2];
}

function oneFrame(samples, sampleRate) {
  const n = samples.length;
  const mean = samples.reduce((sum, x) => sum + x / n, 0);
  const padded = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) padded[i] = samples[i] - mean;
  const { re, im } = fft.rfft(padded);
  const power = new Float64Array(n * FINE + 1);
  for (let k = 0; k <= n; k++) power[k] = FINE * (re[k] * re[k] + im[k] * im[k]);
  // Zeros above the highest frequency interpolate between lags.
  const correlation = fft.irfft(power, new Float64Array(n * FINE + 1), 2 * n * FINE);
  const squares = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) squares[i + 1] = squares[i] + padded[i] * padded[i];
  const low = Math.floor((FINE * sampleRate) / HIGHEST_HZ);
  const high = FINE * Math.min(Math.floor(sampleRate / LOWEST_HZ), n - Math.floor(n / 4));
  const both = new Float64Array(high);
  const total = (lag) => squares[n - lag] + squares[n] - squares[lag];
  for (let at = 0; at < high; at++) {
    const [lag, part] = [Math.floor(at / FINE), (at % FINE) / FINE];
    both[at] = (2 * correlation[at]) / Math.max((1 - part) * total(lag) + part * total(lag + 1), 1e-12);
  }
  const negative = both.findIndex((x) => x < 0);
  const first = Math.max(low, negative < 0 ? high : negative);
  if (first + 2 >= high) return [LOWEST_HZ, 0];
  const peaks = [];
  let highest = 0;
  for (let lag = first + 1; lag < high - 1; lag++) {
    if (both[lag] >= both[lag - 1] && both[lag] > both[lag + 1]) {
      peaks.push(lag);
      highest = Math.max(highest, both[lag]);
    }
  }
  if (!peaks.length || highest <= 0) return [LOWEST_HZ, 0];
  const lag = peaks.find((at) => both[at] >= NEARLY * highest);
  const [a, b, c] = [both[lag - 1], both[lag], both[lag + 1]];
  const shift = (0.5 * (a - c)) / Math.min(a - 2 * b + c, -1e-12);
  return [(FINE * sampleRate) / (lag + shift), Math.max(0, Math.min(1, b))];
}
