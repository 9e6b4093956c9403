// DDSP in the page: the decoder, its synthesiser, and an instrument of several voices that can change its network while it
// sounds. The same formulas as lib.models.ddsp and lib.models.synth; tests hold one against the other.

// Numbers stored by lib.widgets.ddsp: { name: { shape, data } } with floats. int8 has one scale per row, before the rows.
export function unpack(view, layout) {
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const tensors = {};
  for (const { name, shape, kind, offset } of layout) {
    const size = shape.reduce((a, b) => a * b, 1);
    let data;
    if (kind === "int8") {
      const scales = new Float32Array(bytes.slice(offset, offset + 4 * shape[0]));
      const whole = new Int8Array(bytes, offset + 4 * shape[0], size);
      data = Float32Array.from(whole, (x, i) => x * scales[Math.floor((i * shape[0]) / size)]);
    } else if (kind === "float16") data = Float32Array.from(new Uint16Array(bytes.slice(offset, offset + 2 * size)), half);
    else data = new Float32Array(bytes.slice(offset, offset + 4 * size));
    tensors[name] = { shape, data };
  }
  return tensors;
}

function half(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : (sign * fraction) / 2 ** 24;
}

// Everything that computes is inside one function which uses nothing outside itself: the audio thread, which cannot import,
// gets it as text.
export function engine() {
  const HOP = 160;
  const RATE = 16000;
  const SILENCE_DB = -80;
  const VOICES = 4;
  const WARM_FRAMES = 12; // a network that takes over listens for 120 ms before it is heard,
  const FADE_FRAMES = 8; // and then fades in for 80 ms
  const RELEASE_DB = 3.2; // per frame: 60 dB in 0.2 s
  const VIBRATO_HZ = 5.2;
  const THINNEST = 4; // below this many dB over silence nothing is heard

  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const positive = (x) => 2 * sigmoid(x) ** Math.LN10 + 1e-7;

  function linear({ shape: [rows, columns], data }, bias, x, y) {
    for (let i = 0, at = 0; i < rows; i++) {
      let sum = bias[i];
      for (let j = 0; j < columns; j++, at++) sum += data[at] * x[j];
      y[i] = sum;
    }
  }

  function layerNorm(x, scale, shift) {
    let [mean, variance] = [0, 0];
    for (let i = 0; i < x.length; i++) mean += x[i] / x.length;
    for (let i = 0; i < x.length; i++) variance += (x[i] - mean) ** 2 / x.length;
    const by = 1 / Math.sqrt(variance + 1e-5);
    for (let i = 0; i < x.length; i++) x[i] = (x[i] - mean) * by * scale[i] + shift[i];
  }

  // One network with its own memory: step(f0 in Hz, loudness in dB, z) fills `partials` and `noise`.
  class Decoder {
    constructor(tensors, { n_partials, n_bands, latent_dims }) {
      this.t = tensors;
      const rows = (name) => tensors[name].shape[0];
      const layers = (prefix) => [0, 1, 2].map((i) => ({
        weight: tensors[`${prefix}.linear.${i}.weight`],
        bias: tensors[`${prefix}.linear.${i}.bias`].data,
        scale: tensors[`${prefix}.norm.${i}.weight`]?.data,
        shift: tensors[`${prefix}.norm.${i}.bias`]?.data,
        out: new Float32Array(rows(`${prefix}.linear.${i}.weight`)),
      }));
      this.pitch = layers("pitch");
      this.loudness = layers("loudness");
      this.after = layers("after");
      this.h = new Float32Array(tensors["gru.weight_hh_l0"].shape[1]);
      this.x = new Float32Array(tensors["gru.weight_ih_l0"].shape[1]);
      this.fromInput = new Float32Array(3 * this.h.length);
      this.fromState = new Float32Array(3 * this.h.length);
      this.amplitude = new Float32Array(1);
      this.partials = new Float32Array(n_partials);
      this.noise = new Float32Array(n_bands);
      this.latentDims = latent_dims;
      this.one = new Float32Array(1);
    }

    dense(layers, x) {
      for (const { weight, bias, scale, shift, out } of layers) {
        linear(weight, bias, x, out);
        if (scale) layerNorm(out, scale, shift);
        for (let i = 0; i < out.length; i++) if (out[i] < 0) out[i] = 0;
        x = out;
      }
      return x;
    }

    step(f0, loudnessDb, z) {
      const { t, x, h, one } = this;
      one[0] = (12 * Math.log2(f0 / 440)) / 48;
      const f = this.dense(this.pitch, one);
      x.set(f);
      one[0] = loudnessDb / 40 + 1;
      const l = this.dense(this.loudness, one);
      x.set(l, f.length);
      x.set(z, f.length + l.length);
      const [a, b, n] = [this.fromInput, this.fromState, h.length];
      linear(t["gru.weight_ih_l0"], t["gru.bias_ih_l0"].data, x, a);
      linear(t["gru.weight_hh_l0"], t["gru.bias_hh_l0"].data, h, b);
      for (let i = 0; i < n; i++) {
        const reset = sigmoid(a[i] + b[i]);
        const update = sigmoid(a[n + i] + b[n + i]);
        h[i] = (1 - update) * Math.tanh(a[2 * n + i] + reset * b[2 * n + i]) + update * h[i];
      }
      const o = this.dense(this.after, h);
      linear(t["amplitude.weight"], t["amplitude.bias"].data, o, this.amplitude);
      linear(t["partials.weight"], t["partials.bias"].data, o, this.partials);
      linear(t["noise.weight"], t["noise.bias"].data, o, this.noise);
      let total = 0;
      for (let k = 0; k < this.partials.length; k++) {
        this.partials[k] = f0 * (k + 1) < RATE / 2 ? positive(this.partials[k]) : 0;
        total += this.partials[k];
      }
      const by = positive(this.amplitude[0]) / Math.max(total, 1e-7);
      for (let k = 0; k < this.partials.length; k++) this.partials[k] *= by;
      for (let k = 0; k < this.noise.length; k++) this.noise[k] = positive(this.noise[k] - 5);
    }
  }

  // Sines on one phase, and shaped noise. A frame goes from what it was told before to what it is told now.
  class Synth {
    constructor(nBands) {
      this.turn = 0;
      this.nTaps = 2 * (nBands - 1);
      this.response = new Float64Array(this.nTaps);
      this.tail = new Float64Array(HOP + this.nTaps);
      // Inverse Fourier transform of a real spectrum, turned by half and under a Hann window, as one table.
      this.table = new Float64Array(this.nTaps * nBands);
      for (let i = 0; i < this.nTaps; i++) {
        const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / this.nTaps);
        for (let k = 0; k < nBands; k++) {
          const twice = k === 0 || k === nBands - 1 ? 1 : 2;
          const angle = (2 * Math.PI * k * (i - this.nTaps / 2)) / this.nTaps;
          this.table[i * nBands + k] = (hann * twice * Math.cos(angle)) / this.nTaps;
        }
      }
    }

    // Add HOP samples of harmonics to out[at...]: amplitudes and pitch move in straight lines.
    sines(out, at, f0, nextF0, amplitudes, next) {
      for (let n = 0; n < HOP; n++) {
        const part = n / HOP;
        this.turn = (this.turn + (f0 + (nextF0 - f0) * part) / RATE) % 1;
        const angle = 2 * Math.PI * this.turn;
        // sin((k + 1) a) = 2 cos(a) sin(k a) - sin((k - 1) a)
        const twice = 2 * Math.cos(angle);
        let [below, here, first, second] = [0, Math.sin(angle), 0, 0];
        for (let k = 0; k < amplitudes.length; k++) {
          first += here * amplitudes[k];
          second += here * next[k];
          const above = twice * here - below;
          below = here;
          here = above;
        }
        out[at + n] += first + (second - first) * part;
      }
    }

    // Add HOP samples of noise; they are late by half the taps. The rest of the echo waits in `tail`.
    hiss(out, at, gains, noise) {
      const { response, table, tail, nTaps } = this;
      for (let i = 0, p = 0; i < nTaps; i++) {
        let sum = 0;
        for (let k = 0; k < gains.length; k++, p++) sum += table[p] * gains[k];
        response[i] = sum;
      }
      for (let n = 0; n < HOP; n++) {
        const x = noise[n];
        for (let i = 0; i < nTaps; i++) tail[n + i] += x * response[i];
      }
      for (let n = 0; n < HOP; n++) out[at + n] += tail[n];
      tail.copyWithin(0, HOP);
      tail.fill(0, nTaps);
    }
  }

  // A whole sound, as lib.models.ddsp makes it: f0, loudness [frames], z(frame), noise [frames * HOP] in -1..1.
  function render(decoder, synth, { f0, loudness, z, noise }) {
    const frames = f0.length;
    const late = synth.nTaps / 2;
    const hiss = new Float64Array((frames + 1) * HOP);
    const out = new Float64Array(frames * HOP);
    let before = null;
    const silent = new Float32Array(decoder.noise.length);
    for (let t = 0; t < frames; t++) {
      decoder.step(f0[t], loudness[t], z(t));
      if (before) synth.sines(out, (t - 1) * HOP, f0[t - 1], f0[t], before, decoder.partials);
      synth.hiss(hiss, t * HOP, decoder.noise, noise.subarray(t * HOP, (t + 1) * HOP));
      before = decoder.partials.slice();
    }
    synth.sines(out, (frames - 1) * HOP, f0[frames - 1], f0[frames - 1], before, before);
    synth.hiss(hiss, frames * HOP, silent, new Float32Array(HOP));
    return Float32Array.from(out, (x, i) => x + hiss[i + late]);
  }

  // Always the same noise, evenly in -1..1.
  function noiseSource(seed = 1) {
    let state = seed >>> 0 || 1;
    return () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2147483648 - 1;
    };
  }

  // One key. What it hears: pitch that glides, loudness that follows the instrument's own curve, and the latent code.
  class Voice {
    constructor(player, id, f0, velocityDb) {
      this.player = player;
      this.id = id;
      this.f0 = this.pitch = this.wantedF0 = f0;
      this.velocityDb = velocityDb;
      this.frame = 0;
      this.released = false;
      this.loudness = SILENCE_DB;
      this.decoder = player.decoder();
      this.model = player.model;
      this.synth = new Synth(player.config.n_bands);
      this.partials = new Float32Array(player.config.n_partials);
      this.before = new Float32Array(player.config.n_partials);
      this.noise = new Float32Array(player.config.n_bands);
      this.gains = new Float32Array(player.config.n_bands);
      this.beforeF0 = f0;
      this.next = null;
    }

    release() {
      this.released = true;
    }

    // Let the network chosen now take over: it listens first, then fades in.
    follow() {
      if (this.next || this.model === this.player.model) return;
      this.next = { decoder: this.player.decoder(), model: this.player.model, frame: 0 };
    }

    advance() {
      const { player } = this;
      const wanted = this.released ? SILENCE_DB : player.levelDb(this.frame) + this.velocityDb;
      if (this.released) this.loudness -= RELEASE_DB;
      else this.loudness += Math.max(-RELEASE_DB, wanted - this.loudness) * (this.frame < 3 ? 1 : 0.5);
      this.loudness = Math.max(SILENCE_DB, Math.min(0, this.loudness));
      this.pitch *= (this.wantedF0 / this.pitch) ** 0.35;
      // As players do: it begins late, and then grows.
      const depth = player.vibratoCents * Math.max(0, Math.min(1, (this.frame - 30) / 50));
      this.f0 = this.pitch * 2 ** ((depth / 1200) * Math.sin((2 * Math.PI * VIBRATO_HZ * this.frame * HOP) / RATE));
      this.follow();
      // What is nearly silent fades wholly away, whatever a network makes of silence.
      const gate = Math.max(0, Math.min(1, (this.loudness - SILENCE_DB - THINNEST) / 25));
      this.before.set(this.partials);
      this.partials.fill(0);
      this.gains.fill(0);
      const { next } = this;
      let share = 0;
      if (next) {
        next.frame += 1;
        share = Math.max(0, Math.min(1, (next.frame - WARM_FRAMES) / FADE_FRAMES));
      }
      this.hear(this.decoder, this.model, gate * (1 - share));
      if (next) {
        this.hear(next.decoder, next.model, gate * share);
        if (share === 1) {
          [this.decoder, this.model, this.next] = [next.decoder, next.model, null];
        }
      }
      this.frame += 1;
    }

    hear(decoder, model, weight) {
      decoder.step(this.f0, this.loudness, this.player.code(model, this.f0));
      const gain = weight * this.player.gain(model, this.f0);
      for (let k = 0; k < this.partials.length; k++) this.partials[k] += gain * decoder.partials[k];
      for (let k = 0; k < this.gains.length; k++) this.gains[k] += gain * decoder.noise[k];
    }

    // Add the next HOP samples to `out`; false when it has died away.
    play(out, noise) {
      this.advance();
      this.synth.sines(out, 0, this.beforeF0, this.f0, this.before, this.partials);
      this.synth.hiss(out, 0, this.gains, noise);
      this.beforeF0 = this.f0;
      return !this.released || this.loudness > SILENCE_DB;
    }
  }

  // The instrument. Networks: [{ tensors, line: { instrument: { at, per, low, high } }, gainDb: { instrument: [dB] } }].
  class Player {
    constructor({ config, networks, curves, seed = 1 }) {
      Object.assign(this, { config, networks, curves, model: 0, voices: [], loudnessDb: -20, mix: 0, wantedMix: 0, vibratoCents: 0 });
      [this.from, this.to] = Object.keys(curves);
      this.random = noiseSource(seed);
      this.noise = new Float32Array(HOP);
      this.z = new Float32Array(config.latent_dims);
    }

    // What comes from the page: { on, f0, velocityDb } | { off } | { f0, bend } | { model } | { loudnessDb } | ...
    receive(message) {
      if (message.on !== undefined) this.on(message.on, message.f0, message.velocityDb ?? 0);
      if (message.off !== undefined) for (const voice of this.voices) if (voice.id === message.off) voice.release();
      if (message.touch !== undefined) {
        for (const voice of this.voices) if (voice.id === message.touch && !voice.released) voice.velocityDb = message.velocityDb;
      }
      if (message.quiet) for (const voice of this.voices) voice.release();
      for (const key of ["model", "loudnessDb", "from", "to", "vibratoCents"]) if (message[key] !== undefined) this[key] = message[key];
      if (message.mix !== undefined) this.wantedMix = message.mix;
      if (message.now) this.mix = this.wantedMix;
    }

    // A note that is held under the same name glides to its new pitch.
    on(id, f0, velocityDb) {
      const held = this.voices.find((voice) => voice.id === id && !voice.released);
      if (held) {
        Object.assign(held, { wantedF0: f0, velocityDb });
        return;
      }
      const sounding = this.voices.filter((voice) => !voice.released);
      if (sounding.length >= VOICES) sounding[0].release();
      this.voices.push(new Voice(this, id, f0, velocityDb));
    }

    decoder() {
      return new Decoder(this.networks[this.model].tensors, this.config);
    }

    levelDb(frame) {
      const at = (name) => {
        const { dB, slope } = this.curves[name];
        return frame < dB.length ? dB[frame] : dB[dB.length - 1] + (slope * (frame - dB.length + 1)) / 100;
      };
      return this.loudnessDb + at(this.from) + (at(this.to) - at(this.from)) * this.mix;
    }

    code(model, f0) {
      const octaves = Math.log2(f0 / 440);
      const [a, b] = [this.from, this.to].map((name) => this.networks[model].line[name]);
      const place = ({ low, high }) => Math.max(low, Math.min(high, octaves));
      for (let d = 0; d < this.z.length; d++) {
        const start = a.at[d] + a.per[d] * place(a);
        const end = b.at[d] + b.per[d] * place(b);
        this.z[d] = start + (end - start) * this.mix;
      }
      return this.z;
    }

    // What makes all networks and instruments equally loud; stored for octaves from 3 below A4 upwards.
    gain(model, f0) {
      const { gainDb } = this.networks[model];
      const last = gainDb[this.from].length - 1;
      const place = Math.max(0, Math.min(last, Math.log2(f0 / 440) + 3));
      const below = Math.min(last - 1, Math.floor(place));
      const at = (name) => gainDb[name][below] + (gainDb[name][below + 1] - gainDb[name][below]) * (place - below);
      return 10 ** ((at(this.from) + (at(this.to) - at(this.from)) * this.mix) / 20);
    }

    // The next HOP samples at RATE, never beyond 1.
    frame(out) {
      out.fill(0);
      this.mix += (this.wantedMix - this.mix) * 0.15;
      this.voices = this.voices.filter((voice) => {
        for (let n = 0; n < HOP; n++) this.noise[n] = this.random();
        return voice.play(out, this.noise);
      });
      for (let n = 0; n < HOP; n++) {
        const over = Math.abs(out[n]) - 0.7;
        if (over > 0) out[n] = Math.sign(out[n]) * (0.7 + 0.25 * Math.tanh(over / 0.25));
      }
    }
  }

  // From RATE to the rate of the loudspeaker: a windowed sinc between the samples.
  class Resampler {
    constructor(rate, fill) {
      this.step = RATE / rate;
      this.fill = fill;
      this.half = 24;
      const size = (this.size = 2 * this.half);
      this.phases = 240;
      this.table = new Float64Array((this.phases + 1) * size);
      const cut = Math.min(0.93, 0.93 / this.step);
      for (let p = 0; p <= this.phases; p++) {
        for (let i = 0; i < size; i++) {
          const x = i - this.half + 1 - p / this.phases;
          const window = Math.abs(x) < this.half ? 0.5 + 0.5 * Math.cos((Math.PI * x) / this.half) : 0;
          this.table[p * size + i] = window * (x ? Math.sin(Math.PI * cut * x) / (Math.PI * x) : cut);
        }
      }
      this.block = new Float64Array(HOP);
      this.past = new Float64Array(size + HOP);
      this.at = this.past.length; // of the next sample, in `past`
    }

    pull(out) {
      const { size, table } = this;
      for (let n = 0; n < out.length; n++) {
        if (Math.floor(this.at) + size > this.past.length) {
          this.past.copyWithin(0, HOP);
          this.fill(this.block);
          this.past.set(this.block, size);
          this.at -= HOP;
        }
        const start = Math.floor(this.at);
        const place = (this.at - start) * this.phases;
        const row = Math.floor(place);
        const part = place - row;
        let sum = 0;
        for (let i = 0, p = row * size; i < size; i++, p++) {
          sum += this.past[start + i] * (table[p] + part * (table[p + size] - table[p]));
        }
        out[n] = sum;
        this.at += this.step;
      }
    }
  }

  return { HOP, RATE, Decoder, Synth, Voice, Player, Resampler, render, noiseSource };
}

export const core = engine();

const PROCESSOR = `
const core = (${engine})();
registerProcessor("timbre-ddsp", class extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.player = new core.Player(processorOptions);
    this.resampler = new core.Resampler(sampleRate, (block) => this.player.frame(block));
    this.count = 0;
    this.running = true;
    this.port.onmessage = ({ data }) => {
      if (data.end) this.running = false;
      this.player.receive(data);
    };
  }
  process(inputs, [[out]]) {
    this.resampler.pull(out);
    this.count += 1;
    const last = this.player.voices[this.player.voices.length - 1];
    if (this.count % 16 === 0) this.port.postMessage(last ? { partials: last.partials, noise: last.gains, f0: last.f0 } : {});
    return this.running;
  }
});`;

// Run an instrument: { node, send(message), end() }. `onframe` gets what the newest voice plays, some 20 times a second.
export async function instrument(context, setup, onframe = () => {}) {
  try {
    // A page opened as a file may not load a worklet from a blob, but from its own text.
    context.timbreDdsp ??= context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(PROCESSOR)}`);
    await context.timbreDdsp;
    const node = new AudioWorkletNode(context, "timbre-ddsp", { numberOfInputs: 0, outputChannelCount: [1], processorOptions: setup });
    node.port.onmessage = ({ data }) => onframe(data);
    const send = (message) => node.port.postMessage(message);
    return { node, send, end: () => (send({ end: true }), node.disconnect()), thread: "audio thread" };
  } catch {
    // Where a page may have no audio thread of its own (plain http), the old way: on the page's thread.
    const player = new core.Player(setup);
    const resampler = new core.Resampler(context.sampleRate, (block) => player.frame(block));
    const node = context.createScriptProcessor(1024, 0, 1);
    node.onaudioprocess = ({ outputBuffer }) => {
      resampler.pull(outputBuffer.getChannelData(0));
      const last = player.voices[player.voices.length - 1];
      onframe(last ? { partials: last.partials, noise: last.gains, f0: last.f0 } : {});
    };
    return { node, send: (message) => player.receive(message), end: () => node.disconnect(), thread: "page" };
  }
}
