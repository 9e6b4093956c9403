// The book's transforms by name, as lib.transforms.make: what they compute, and how fine they see.

import * as framed from "./framed.js";
import * as nsgt from "./nsgt.js";

export const NAMES = {
  stft: "STFT",
  dct: "DCT",
  "nsgt-cqt": "NSGT, constant Q",
  "nsgt-mel": "NSGT, Mel",
  "nsgt-erb": "NSGT, ERB",
};

// A transform of `length` samples:
//   analyze(audio) -> { re, im } (im is empty when coefficients are real), synthesize(coefficients) -> audio,
//   bins, frames (of the lowest bin; framesOf(bin) of any), frequency(bin), place(hz) (0 ... 1 up the axis),
//   bandwidthHz(hz), windowS(hz), redundancy, at(bin, frame) (the index of a coefficient), and
//   norms (the weight of each coefficient in the energy of a picture).
export function make(name, sampleRate, length, options = {}) {
  return name === "stft" || name === "dct"
    ? makeFramed(name, sampleRate, length, options)
    : makeNsgt(name, sampleRate, length, options);
}

function makeFramed(name, sampleRate, length, options) {
  const layout = framed.plan(name, length, sampleRate, options);
  const width = framed.bandwidthHz(layout);
  const stepHz = sampleRate / layout.size / (name === "stft" ? 1 : 2);
  return {
    name,
    isComplex: name === "stft",
    length,
    sampleRate,
    bins: layout.bins,
    frames: layout.frames,
    frequency: (bin) => bin * stepHz,
    place: (hz) => (hz / stepHz + 0.5) / layout.bins,
    bandwidthHz: () => width,
    windowS: () => layout.size / sampleRate,
    redundancy: (layout.bins * (name === "stft" ? 2 : 1)) / layout.hop,
    framesOf: () => layout.frames,
    at: (bin, frame) => frame * layout.bins + bin,
    // Frames may reach past the last sample: how far along the signal the picture ends, in seconds.
    durationS: ((layout.frames - 1) * layout.hop) / sampleRate,
    norms: new Float64Array(layout.total).fill(1 / layout.frames),
    analyze: (audio) => framed.analyze(audio, layout),
    synthesize: (coefficients) => framed.synthesize(coefficients, layout),
  };
}

function makeNsgt(name, sampleRate, length, options) {
  const axis = name === "nsgt-cqt" ? nsgt.perOctave(24) : nsgt.spread(name === "nsgt-mel" ? "mel" : "erb", 168);
  const layout = nsgt.plan(axis, length, sampleRate, options);
  const { bands } = layout;
  const width = (hz) => axis.frequency(axis.position(hz) + 0.5) - axis.frequency(axis.position(hz) - 0.5);
  const norms = new Float64Array(layout.size);
  for (const { offset, frames } of bands) norms.fill(1 / frames, offset, offset + frames);
  return {
    name,
    isComplex: true,
    length,
    sampleRate,
    bins: axis.bins,
    frames: bands[1].frames,
    frequency: axis.frequency,
    place: (hz) => (axis.position(hz) + 0.5) / axis.bins,
    bandwidthHz: width,
    windowS: (hz) => 2 / width(hz),
    redundancy: (2 * layout.size) / length,
    framesOf: (bin) => bands[bin + 1].frames,
    at: (bin, frame) => bands[bin + 1].offset + frame,
    durationS: layout.fftLength / sampleRate,
    norms,
    analyze: (audio) => nsgt.analyze(audio, layout),
    synthesize: (coefficients) => nsgt.synthesize(coefficients, layout),
  };
}

// Levels in dB relative to the strongest, as a picture for spectrogram.draw, at most `columns` wide and cut to the
// length of the sound. A column shows the strongest of the frames that fall in it.
export function picture(transform, { re, im }, columns = 500) {
  const { bins, durationS, length, sampleRate } = transform;
  const seconds = length / sampleRate;
  const most = Math.max(...Array.from({ length: bins }, (_, bin) => transform.framesOf(bin)));
  const wide = Math.max(1, Math.min(columns, Math.round((most * seconds) / durationS)));
  const db = new Float32Array(bins * wide);
  let highest = 1e-30;
  for (let bin = 0; bin < bins; bin++) {
    const frames = transform.framesOf(bin);
    const shown = (frames * seconds) / durationS;
    for (let column = 0; column < wide; column++) {
      const from = Math.min(frames - 1, Math.floor((column * shown) / wide));
      const to = Math.max(from + 1, Math.min(frames, Math.floor(((column + 1) * shown) / wide)));
      let power = 0;
      for (let frame = from; frame < to; frame++) {
        const i = transform.at(bin, frame);
        power = Math.max(power, re[i] * re[i] + (im.length ? im[i] * im[i] : 0));
      }
      db[bin * wide + column] = power;
      highest = Math.max(highest, power);
    }
  }
  for (let i = 0; i < db.length; i++) db[i] = 10 * Math.log10(Math.max(db[i], 1e-30) / highest);
  return { db, rows: bins, columns: wide, duration: seconds };
}
