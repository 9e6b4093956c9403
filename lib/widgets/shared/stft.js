// The short-time Fourier transform, and the picture of a sound on a logarithmic frequency axis.

import * as fft from "./fft.js";

export function hann(size) {
  return Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / size));
}

// Level in dB of one sound over `columns` moments and `rows` log-spaced frequencies from fMin to fMax, relative to
// the loudest point: { db: Float32Array [rows * columns, lowest row first], rows, columns, fMin, fMax, duration }.
export function logSpectrogram(samples, sampleRate, { columns = 400, rows = 160, fMin = 60, fMax = 10000, size = 2048 } = {}) {
  const top = Math.min(fMax, sampleRate / 2);
  const padded = 2 * size; // twice as many bins, so that low rows do not look like stairs
  const window = hann(size);
  const frame = new Float64Array(padded);
  const db = new Float32Array(rows * columns);
  const bins = Float64Array.from({ length: rows + 1 }, (_, r) => ((fMin * (top / fMin) ** ((r - 0.5) / (rows - 1))) / sampleRate) * padded);
  let highest = 1e-12;
  for (let column = 0; column < columns; column++) {
    const centre = Math.round((samples.length * (column + 0.5)) / columns);
    for (let i = 0; i < size; i++) {
      const at = centre - size / 2 + i;
      frame[i] = at >= 0 && at < samples.length ? samples[at] * window[i] : 0;
    }
    const { re, im } = fft.rfft(frame);
    const power = re.map((x, k) => x * x + im[k] * im[k]);
    for (let row = 0; row < rows; row++) {
      const value = strongest(power, bins[row], bins[row + 1]);
      db[row * columns + column] = value;
      if (value > highest) highest = value;
    }
  }
  for (let i = 0; i < db.length; i++) db[i] = 10 * Math.log10(Math.max(db[i], 1e-30) / highest);
  return { db, rows, columns, fMin, fMax: top, duration: samples.length / sampleRate };
}

// The strongest power between two (fractional) bins; where they lie within one bin, interpolated.
function strongest(power, low, high) {
  const first = Math.ceil(low);
  const last = Math.min(Math.floor(high), power.length - 1);
  if (first > last) {
    const middle = Math.min((low + high) / 2, power.length - 1.001);
    const k = Math.floor(middle);
    return power[k] * (1 - middle + k) + power[k + 1] * (middle - k);
  }
  let value = 0;
  for (let k = first; k <= last; k++) if (power[k] > value) value = power[k];
  return value;
}
