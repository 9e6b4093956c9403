// How far one sound is from another, as lib.models.losses.multi_scale_spectral.

import * as fft from "../shared/fft.js";

const FLOOR = 1e-2;

// Magnitudes and their logarithms at one window length: frames centred, the ends mirrored.
function spectrogram(audio, size) {
  const [hop, bins, half] = [size / 4, size / 2 + 1, size / 2];
  const frames = 1 + Math.floor(audio.length / hop);
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const magnitude = new Float32Array(frames * bins);
  const frame = new Float64Array(size);
  const last = audio.length - 1;
  for (let t = 0, at = 0; t < frames; t++) {
    for (let i = 0; i < size; i++) {
      let place = t * hop - half + i;
      if (place < 0) place = -place;
      if (place > last) place = 2 * last - place;
      frame[i] = audio[place] * window[i];
    }
    const { re, im } = fft.rfft(frame);
    for (let k = 0; k < bins; k++) magnitude[at++] = Math.sqrt(re[k] * re[k] + im[k] * im[k] + 1e-10);
  }
  return { magnitude, logs: magnitude.map((x) => Math.log(x + FLOOR)) };
}

export function spectrograms(audio, sizes) {
  return sizes.map((size) => spectrogram(audio, size));
}

// The mean level in dB of each bin of the longest window, as [bins].
export function meanLevels(spectrogramsOfSound, bins) {
  const { magnitude } = spectrogramsOfSound[0];
  const frames = magnitude.length / bins;
  const power = new Float64Array(bins);
  for (let i = 0; i < magnitude.length; i++) power[i % bins] += magnitude[i] ** 2 / frames;
  return power.map((x) => 10 * Math.log10(x + 1e-9));
}

// a, b: from `spectrograms`.
export function distance(a, b) {
  let total = 0;
  a.forEach((one, n) => {
    let [linear, logs] = [0, 0];
    for (let i = 0; i < one.magnitude.length; i++) {
      linear += Math.abs(one.magnitude[i] - b[n].magnitude[i]);
      logs += Math.abs(one.logs[i] - b[n].logs[i]);
    }
    total += (linear + logs) / one.magnitude.length;
  });
  return total / a.length;
}
