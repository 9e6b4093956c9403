// STFT and DCT of Hamming-windowed frames with their least-squares inverse, as lib/transforms/stft.py and dct.py.

import * as fft from "./fft.js";

// kind: "stft" or "dct". Coefficients lie frame after frame, `bins` each.
export function plan(kind, length, sampleRate, { windowS = 0.04, hopS = 0.01 } = {}) {
  const size = round(windowS * sampleRate);
  const hop = round(hopS * sampleRate);
  const frames = Math.ceil((length - 1) / hop) + 1;
  const window = Float64Array.from({ length: size }, (_, i) => 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / size));
  const bins = kind === "stft" ? Math.floor(size / 2) + 1 : size;
  const sum = window.reduce((total, w) => total + w, 0);
  return { kind, length, sampleRate, size, hop, frames, window, bins, sum, total: bins * frames };
}

export function analyze(audio, layout) {
  const { kind, size, hop, frames, window, bins, sum, length } = layout;
  const re = new Float64Array(layout.total);
  const im = new Float64Array(kind === "stft" ? layout.total : 0);
  const piece = new Float64Array(size);
  const left = Math.floor(size / 2);
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0; i < size; i++) {
      const at = frame * hop - left + i;
      piece[i] = at >= 0 && at < length ? audio[at] * window[i] : 0;
    }
    if (kind === "stft") {
      const spectrum = fft.rfft(piece);
      for (let k = 0; k < bins; k++) {
        re[frame * bins + k] = (spectrum.re[k] * 2) / sum;
        im[frame * bins + k] = (spectrum.im[k] * 2) / sum;
      }
    } else {
      const cosines = dct(piece);
      for (let k = 0; k < bins; k++) re[frame * bins + k] = (cosines[k] * Math.sqrt(2 * size)) / sum;
    }
  }
  return { re, im };
}

export function synthesize({ re, im }, layout) {
  const { kind, size, hop, frames, window, bins, sum, length } = layout;
  const audio = new Float64Array(length);
  const weight = new Float64Array(length);
  const left = Math.floor(size / 2);
  for (let frame = 0; frame < frames; frame++) {
    const at = frame * bins;
    let piece;
    if (kind === "stft") {
      piece = fft.irfft(re.slice(at, at + bins).map((x) => (x * sum) / 2), im.slice(at, at + bins).map((x) => (x * sum) / 2), size);
    } else {
      piece = idct(re.slice(at, at + bins).map((x) => (x * sum) / Math.sqrt(2 * size)));
    }
    for (let i = 0; i < size; i++) {
      const t = frame * hop - left + i;
      if (t < 0 || t >= length) continue;
      audio[t] += piece[i] * window[i];
      weight[t] += window[i] * window[i];
    }
  }
  return audio.map((x, t) => x / weight[t]);
}

// Orthonormal DCT-II through one FFT of the same size: even samples forwards, odd ones backwards.
export function dct(x) {
  const n = x.length;
  const half = Math.ceil(n / 2);
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  for (let i = 0; i < half; i++) re[i] = x[2 * i];
  for (let i = half; i < n; i++) re[i] = x[2 * (n - 1 - i) + 1];
  fft.plan(n).forward(re, im);
  const { cos, sin } = quarterTurns(n);
  return re.map((value, k) => (value * cos[k] + im[k] * sin[k]) * Math.sqrt((k ? 2 : 1) / n));
}

export function idct(coefficients) {
  const n = coefficients.length;
  const half = Math.ceil(n / 2);
  const plain = coefficients.map((c, k) => c / Math.sqrt((k ? 2 : 1) / n));
  const { cos, sin } = quarterTurns(n);
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const mirrored = k ? plain[n - k] : 0;
    re[k] = plain[k] * cos[k] + mirrored * sin[k];
    im[k] = plain[k] * sin[k] - mirrored * cos[k];
  }
  fft.plan(n).inverse(re, im);
  const x = new Float64Array(n);
  for (let i = 0; i < half; i++) x[2 * i] = re[i];
  for (let i = half; i < n; i++) x[2 * (n - 1 - i) + 1] = re[i];
  return x;
}

// Width of the window's spectrum between its points at half height (-6 dB), in Hz.
export function bandwidthHz({ window, size, sampleRate }) {
  const padded = new Float64Array(64 * size);
  padded.set(window);
  const { re, im } = fft.rfft(padded);
  const height = (k) => Math.hypot(re[k], im[k]);
  const half = height(0) / 2;
  let k = 1;
  while (height(k) >= half) k += 1;
  const crossing = k - 1 + (height(k - 1) - half) / (height(k - 1) - height(k));
  return (2 * crossing * sampleRate) / (64 * size);
}

// To the nearest integer, halves to the even one, as Python rounds: 10 ms at 22,050 Hz are 220 samples.
function round(x) {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 ? down + 1 : down;
}

const turnTables = new Map();

// cos and sin of pi k / 2n.
function quarterTurns(n) {
  if (!turnTables.has(n)) {
    const angle = (_, k) => (Math.PI * k) / (2 * n);
    const angles = Float64Array.from({ length: n }, angle);
    turnTables.set(n, { cos: angles.map(Math.cos), sin: angles.map(Math.sin) });
  }
  return turnTables.get(n);
}
