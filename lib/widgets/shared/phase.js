// Sound from magnitudes alone: random phases, and Griffin-Lim with momentum, as lib/transforms/phase.py.

import * as dom from "./dom.js";

// A small generator of numbers in [0, 1), the same in every browser (mulberry32).
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function magnitudes({ re, im }) {
  return re.map((x, i) => (im.length ? Math.hypot(x, im[i]) : Math.abs(x)));
}

export function withRandomPhase(transform, wanted, seed = 0) {
  const chance = random(seed);
  const re = new Float64Array(wanted.length);
  const im = new Float64Array(transform.isComplex ? wanted.length : 0);
  for (let i = 0; i < wanted.length; i++) {
    const turn = chance();
    if (transform.isComplex) {
      re[i] = wanted[i] * Math.cos(2 * Math.PI * turn);
      im[i] = wanted[i] * Math.sin(2 * Math.PI * turn);
    } else {
      re[i] = turn < 0.5 ? -wanted[i] : wanted[i];
    }
  }
  return { re, im };
}

// How far the magnitudes of `actual` are from those wanted, relative to these: 0 is perfect.
export function convergence(transform, actual, wanted) {
  const { re, im } = actual;
  let error = 0;
  let energy = 0;
  for (let i = 0; i < wanted.length; i++) {
    const magnitude = im.length ? Math.hypot(re[i], im[i]) : Math.abs(re[i]);
    error += transform.norms[i] * (wanted[i] - magnitude) ** 2;
    energy += transform.norms[i] * wanted[i] ** 2;
  }
  return energy ? Math.sqrt(error / energy) : 0;
}

// Look for a sound with the wanted magnitudes. The page gets a turn after every iteration: `onprogress(done)` may
// show how far it is and returns false to give up (the result is then null). `initial`: coefficients whose phases to
// begin with, instead of random ones.
export async function griffinLim(transform, wanted, options = {}) {
  const { iterations = 32, momentum = 0.99, seed = 0, initial = null, onprogress = () => true } = options;
  const start = initial ? withMagnitudes(initial, wanted) : withRandomPhase(transform, wanted, seed);
  let audio = transform.synthesize(start);
  let now = transform.analyze(audio);
  let before = null;
  const curve = [convergence(transform, now, wanted)];
  for (let iteration = 0; iteration < iterations; iteration++) {
    const ahead = { re: stepBeyond(now.re, before?.re, momentum), im: stepBeyond(now.im, before?.im, momentum) };
    before = now;
    audio = transform.synthesize(withMagnitudes(ahead, wanted));
    now = transform.analyze(audio);
    curve.push(convergence(transform, now, wanted));
    await dom.breathe();
    if (onprogress(iteration + 1) === false) return null;
  }
  return { audio, convergence: curve };
}

function stepBeyond(now, before, momentum) {
  return before ? now.map((x, i) => x + momentum * (x - before[i])) : Float64Array.from(now);
}

function withMagnitudes({ re, im }, wanted) {
  for (let i = 0; i < wanted.length; i++) {
    const magnitude = im.length ? Math.hypot(re[i], im[i]) : Math.abs(re[i]);
    if (magnitude > 0) {
      re[i] *= wanted[i] / magnitude;
      if (im.length) im[i] *= wanted[i] / magnitude;
    } else {
      re[i] = wanted[i];
    }
  }
  return { re, im };
}
