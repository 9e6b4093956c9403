// The painless nonstationary Gabor transform, on the same plan as lib/transforms/plan.py: Hann windows on the axis of
// a frequency scale, one inverse FFT per band, exact inverse by dual windows.

import * as fft from "./fft.js";

const SCALES = {
  octave: [Math.log2, (x) => 2 ** x],
  mel: [(f) => 2595 * Math.log10(1 + f / 700), (x) => 700 * (10 ** (x / 2595) - 1)],
  erb: [(f) => 21.4 * Math.log10(1 + 0.00437 * f), (x) => (10 ** (x / 21.4) - 1) / 0.00437],
};

// A scale: positions count bands, 0 at the centre of band 0.
export function perOctave(binsPerOctave, minimumHz = 64, maximumHz = 8000) {
  const bins = Math.floor(binsPerOctave * Math.log2(maximumHz / minimumHz) + 1e-9) + 1;
  return scale("octave", minimumHz, 1 / binsPerOctave, bins);
}

export function spread(kind, bins, minimumHz = 64, maximumHz = 8000) {
  const [toUnits] = SCALES[kind];
  return scale(kind, minimumHz, (toUnits(maximumHz) - toUnits(minimumHz)) / (bins - 1), bins);
}

function scale(kind, lowestHz, step, bins) {
  const [toUnits, toHz] = SCALES[kind];
  return {
    kind,
    bins,
    position: (hz) => (toUnits(hz) - toUnits(lowestHz)) / step,
    frequency: (position) => toHz(toUnits(lowestHz) + step * position),
  };
}

// Windows and time grids for `length` samples: { fftLength, bands: [{ centreHz, start, window, dual, frames, offset }] },
// the residual bands first and last. `offset` is where the band's coefficients lie among all of them.
export function plan(axis, length, sampleRate, { grid = "regular", minimumPoints = 4 } = {}) {
  const narrowestHz = axis.frequency(1) - axis.frequency(-1);
  const fftLength = fastSize(Math.max(length, Math.ceil((minimumPoints * sampleRate) / narrowestHz)), 2);
  const n = Math.floor(fftLength / 2) + 1;
  const position = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    position[j] = Math.min(axis.bins, Math.max(-1, axis.position((j * sampleRate) / fftLength)));
  }
  const bands = [];
  for (let number = -1; number <= axis.bins; number++) {
    const start = firstAbove(position, number - 1);
    const stop = Math.max(start, firstAbove(position, number + 1, true));
    const window = position.slice(start, stop).map((p) => Math.cos((Math.PI / 2) * (p - number)) ** 2);
    bands.push({ number, centreHz: axis.frequency(number), start, window });
  }
  const widest = Math.max(1, ...bands.slice(1, -1).map((band) => band.window.length));
  const frameOperator = new Float64Array(n);
  let offset = 0;
  for (const band of bands) {
    const residual = band.number < 0 || band.number === axis.bins;
    const points = residual || grid === "octave" ? band.window.length : widest;
    band.frames = grid === "octave" ? fft.nextPowerOfTwo(points) : fastSize(Math.max(points, 1), 16);
    band.offset = offset;
    offset += band.frames;
    band.window.forEach((w, i) => (frameOperator[band.start + i] += w * w));
  }
  for (const band of bands) band.dual = band.window.map((w, i) => w / frameOperator[band.start + i]);
  return { fftLength, length, sampleRate, bands, size: offset };
}

// Coefficients of real audio: { re, im }, all bands one after the other.
export function analyze(audio, layout) {
  const padded = new Float64Array(layout.fftLength);
  padded.set(audio);
  const spectrum = fft.rfft(padded);
  const re = new Float64Array(layout.size);
  const im = new Float64Array(layout.size);
  for (const { start, window, frames, offset } of layout.bands) {
    const a = re.subarray(offset, offset + frames);
    const b = im.subarray(offset, offset + frames);
    // c[n] = 2 / N sum_j X[j] w[j] exp(+2 pi i j n / frames): the inverse FFT without its 1 / frames.
    const factor = (2 / layout.fftLength) * frames;
    for (let i = 0, slot = start % frames; i < window.length; i++, slot++) {
      if (slot === frames) slot = 0;
      a[slot] = spectrum.re[start + i] * window[i] * factor;
      b[slot] = spectrum.im[start + i] * window[i] * factor;
    }
    fft.plan(frames).inverse(a, b);
  }
  return { re, im };
}

export function synthesize({ re, im }, layout) {
  const n = Math.floor(layout.fftLength / 2) + 1;
  const spectrumRe = new Float64Array(n);
  const spectrumIm = new Float64Array(n);
  for (const { start, dual, frames, offset } of layout.bands) {
    const a = re.slice(offset, offset + frames);
    const b = im.slice(offset, offset + frames);
    fft.plan(frames).forward(a, b);
    const factor = layout.fftLength / 2 / frames;
    for (let i = 0, slot = start % frames; i < dual.length; i++, slot++) {
      if (slot === frames) slot = 0;
      spectrumRe[start + i] += a[slot] * dual[i] * factor;
      spectrumIm[start + i] += b[slot] * dual[i] * factor;
    }
  }
  return fft.irfft(spectrumRe, spectrumIm, layout.fftLength).slice(0, layout.length);
}

// Smallest size multiple * 2^a 3^b 5^c that is not below `minimum`.
export function fastSize(minimum, multiple = 1) {
  const target = Math.ceil(minimum / multiple);
  let best = fft.nextPowerOfTwo(target);
  for (let five = 1; five < best; five *= 5) {
    for (let three = five; three < best; three *= 3) {
      best = Math.min(best, three * fft.nextPowerOfTwo(Math.ceil(target / three)));
    }
  }
  return best * multiple;
}

// Index of the first position above `limit` (or not below it), positions rising.
function firstAbove(position, limit, orEqual = false) {
  let [low, high] = [0, position.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (position[middle] > limit || (orEqual && position[middle] === limit)) high = middle;
    else low = middle + 1;
  }
  return low;
}
