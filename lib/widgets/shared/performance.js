// How a sound is played, as lib.timbre.synthesize.of_sound: its pitch and level curves, vibrato and attack with them.

import * as additive from "./additive.js";

const { HOP, SAMPLE_RATE } = additive;

export function ofSound(audio, f0) {
  const level = additive.levelCurve(audio, HOP);
  return { f0: pitchCurve(audio, f0, level.length), level };
}

// Pitch in Hz every HOP samples: each of the first four harmonics is shifted to 0 Hz and smoothed over three periods; the
// speed of its phase is its detuning.
export function pitchCurve(audio, f0, count) {
  const width = Math.max(Math.floor((3 * SAMPLE_RATE) / f0), 441);
  const window = Float64Array.from({ length: width }, (_, j) => 0.5 - 0.5 * Math.cos((2 * Math.PI * j) / (width - 1)));
  const total = window.reduce((sum, w) => sum + w, 0);
  const detune = new Float64Array(count);
  const weight = new Float64Array(count).fill(1e-12);
  for (let k = 1; k <= 4 && k * f0 <= 5000; k++) {
    let before = null;
    for (let n = 0; n < count; n++) {
      const here = shifted(audio, k * f0, Math.min(n * HOP, audio.length - 1), window, total);
      if (before) {
        const turn = Math.atan2(here.im * before.re - here.re * before.im, here.re * before.re + here.im * before.im);
        const hz = (turn * SAMPLE_RATE) / HOP / (2 * Math.PI * k);
        const power = Math.hypot(here.re, here.im) * Math.hypot(before.re, before.im);
        if (Math.abs(hz) < 0.06 * f0) detune[n] += power * hz;
        if (Math.abs(hz) < 0.06 * f0) weight[n] += power;
      }
      before = here;
    }
  }
  const hz = detune.map((d, n) => d / weight[n]);
  if (count > 1) hz[0] = hz[1];
  const at = (n) => hz[Math.max(0, Math.min(count - 1, n))];
  return Float64Array.from(hz, (_, n) => {
    const smooth = (at(n - 2) + at(n - 1) + at(n) + at(n + 1) + at(n + 2)) / 5;
    return f0 * Math.min(2 ** (1 / 12), Math.max(2 ** (-1 / 12), 1 + smooth / f0));
  });
}

function shifted(audio, hz, centre, window, total) {
  const last = centre + Math.floor((window.length - 1) / 2);
  const step = (2 * Math.PI * hz) / SAMPLE_RATE;
  let [re, im] = [0, 0];
  for (let j = 0; j < window.length; j++) {
    const i = last - j;
    if (i < 0 || i >= audio.length) continue;
    re += window[j] * audio[i] * Math.cos(step * i);
    im -= window[j] * audio[i] * Math.sin(step * i);
  }
  return { re: re / total, im: im / total };
}
