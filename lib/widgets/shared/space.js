// A timbre space in the page: lib/timbre/export.py packs it, this opens it. Points are Float32Arrays [dims].

const shared = (globalThis.__timbre ??= {});
shared.spaces ??= new Map();

// The space (or encoder) that a trait points to ("IPY_MODEL_..."), opened once per page.
export async function load(model, reference) {
  const id = reference.replace("IPY_MODEL_", "");
  if (!shared.spaces.has(id)) {
    const source = await model.widget_manager.get_model(id);
    const [data, layout, about] = ["data", "layout_of_data", "about"].map((name) => source.get(name));
    shared.spaces.set(id, open({ data, layout, about }));
  }
  return shared.spaces.get(id);
}

// data: DataView or ArrayBuffer. Returns { name: { shape, values } }, matrices of 8 bits already times their scales.
export function unpack(data, layout) {
  const view = ArrayBuffer.isView(data) ? data : new DataView(data);
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const types = { f4: Float32Array, i2: Int16Array, i1: Int8Array };
  const arrays = {};
  let offset = 0;
  for (const { name, kind, shape, scale = 1 } of layout) {
    const stored = new types[kind](bytes, offset, shape.reduce((a, b) => a * b, 1));
    offset += Math.ceil(stored.byteLength / 4) * 4;
    const values = new Float32Array(stored);
    if (scale !== 1) for (let i = 0; i < values.length; i++) values[i] *= scale;
    arrays[name] = { shape, values };
  }
  for (const [name, { shape, values }] of Object.entries(arrays)) {
    const scale = arrays[`${name}/scale`]?.values;
    if (!scale) continue;
    for (let row = 0, at = 0; row < shape[0]; row++) for (let j = 0; j < shape[1]; j++) values[at++] *= scale[row];
  }
  return arrays;
}

// layers: [["dense", "decoder.0"], ["norm", "decoder.1"], ["relu", ...], ...]. Returns run(x) -> Float64Array.
export function network(layers, arrays) {
  const steps = layers.map(([kind, name]) => {
    if (kind === "relu") return relu;
    const { values, shape } = arrays[`${name}.weight`];
    const bias = arrays[`${name}.bias`].values;
    return kind === "dense" ? dense(values, bias, ...shape) : norm(values, bias);
  });
  return (x) => steps.reduce((value, step) => step(value), x);
}

function dense(values, bias, rows, columns) {
  return (x) => {
    const y = new Float64Array(rows);
    for (let i = 0, at = 0; i < rows; i++) {
      let sum = bias[i];
      for (let j = 0; j < columns; j++) sum += values[at++] * x[j];
      y[i] = sum;
    }
    return y;
  };
}

function norm(weight, bias) {
  return (x) => {
    let mean = 0;
    for (const value of x) mean += value / x.length;
    let variance = 0;
    for (const value of x) variance += (value - mean) ** 2 / x.length;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    return x.map((value, i) => (value - mean) * scale * weight[i] + bias[i]);
  };
}

function relu(x) {
  return x.map((value) => (value > 0 ? value : 0));
}

// Twelve pitch classes and nine octaves, both linearly interpolated, as lib.timbre.vae.pitch_code.
export function pitchCode(midi) {
  const clamped = Math.min(119, Math.max(12, midi));
  const code = new Float64Array(21);
  const octave = Math.min(8, Math.max(0, (clamped - 18) / 12));
  for (let c = 0; c < 12; c++) {
    const gap = (((clamped - c) % 12) + 12) % 12;
    code[c] = Math.max(0, 1 - Math.min(gap, 12 - gap));
  }
  for (let o = 0; o < 9; o++) code[12 + o] = Math.max(0, 1 - Math.abs(octave - o));
  return code;
}

// What was packed, opened: { about, arrays, dims }, with a decoder also decode(z, midi), frequencies, notes,
// instruments and view; with an encoder also run(x).
export function open({ data, layout, about }) {
  const arrays = unpack(data, layout);
  const values = (name) => arrays[name]?.values;
  const { dims, exponent } = about;
  const [centre, spread] = ["scale/centre", "scale/spread"].map((name) => values(name)[0]);
  const opened = { about, arrays, dims, headDims: about.head_dims, centre, spread };
  if (about.encoder) opened.run = network(about.encoder, arrays);
  if (!about.decoder) return opened;
  const run = network(about.decoder, arrays);
  // Magnitudes of all bands; their squares sum to about 1.
  opened.decode = (z, midi) => {
    const input = new Float64Array(dims + 21);
    input.set(z);
    input.set(pitchCode(midi), dims);
    return run(input).map((x) => Math.max(0, x * spread + centre) ** (1 / exponent));
  };
  opened.frequencies = Float64Array.from(values("frequencies_hz"));
  Object.assign(opened, withNotes(about, values));
  opened.view = makeView(values("view/centre"), values("view/axes"), dims, about.view);
  return opened;
}

function withNotes({ dims, instruments: names, n_frames: frames }, values) {
  const points = values("notes/points");
  const notes = {
    count: points.length / dims,
    instrument: Uint8Array.from(values("notes.instrument")),
    midi: values("notes.midi"),
    attack: values("notes.attack_s"),
    slope: values("notes.slope_db_s"),
    point: (i) => points.subarray(i * dims, (i + 1) * dims),
  };
  const instruments = names.map((name) => ({ name, count: 0, mean: new Float32Array(dims) }));
  for (const i of notes.instrument) instruments[i].count += 1;
  for (let i = 0; i < notes.count; i++) {
    const { mean, count } = instruments[notes.instrument[i]];
    for (let d = 0; d < dims; d++) mean[d] += points[i * dims + d] / count;
  }
  // How the most typical note of each instrument moves: [frame][dims].
  const paths = values("notes/paths");
  instruments.forEach((one, k) => {
    one.path = Array.from({ length: frames }, (_, t) => paths.subarray((k * frames + t) * dims, (k * frames + t + 1) * dims));
  });
  return { notes, instruments };
}

function makeView(centre, axes, dims, { names, explained, spread }) {
  const axis = (k) => axes.subarray(k * dims, (k + 1) * dims);
  return {
    centre,
    names,
    explained,
    spread,
    axis,
    coordinate: (z, k) => {
      const a = axis(k);
      let sum = 0;
      for (let d = 0; d < dims; d++) sum += (z[d] - centre[d]) * a[d];
      return sum;
    },
  };
}

// A flat map of a space on two of its axes: where notes lie, and which point of the space a place on it means.
// A place fixes two coordinates. The others come from the notes around it, near ones and those of near pitch first, so
// that the map passes through the notes: on a dot you hear (almost) that note, between dots a blend.
export function flatMap(space, [first, second] = [0, 1]) {
  const { notes, view, instruments, dims } = space;
  const x = new Float32Array(notes.count);
  const y = new Float32Array(notes.count);
  for (let i = 0; i < notes.count; i++) {
    x[i] = view.coordinate(notes.point(i), first);
    y[i] = view.coordinate(notes.point(i), second);
  }
  const near = (0.06 * (view.spread[first] + view.spread[second])) ** 2;
  const weights = new Float64Array(notes.count);
  const [a, b] = [view.axis(first), view.axis(second)];

  // { z, shares (of each instrument), attack (s), slope (dB/s) } at a place.
  const at = (px, py, midi) => {
    let total = 0;
    for (let i = 0; i < notes.count; i++) {
      const gap = (x[i] - px) ** 2 + (y[i] - py) ** 2 + near;
      const pitch = (notes.midi[i] - midi) / 6;
      // Instruments with many notes must not outweigh the others.
      weights[i] = (0.02 + Math.exp(-0.5 * pitch * pitch)) / (gap * gap) / instruments[notes.instrument[i]].count;
      total += weights[i];
    }
    const z = new Float32Array(dims);
    const shares = new Float64Array(instruments.length);
    let attack = 0;
    let slope = 0;
    for (let i = 0; i < notes.count; i++) {
      const w = weights[i] / total;
      shares[notes.instrument[i]] += w;
      attack += w * Math.log(notes.attack[i]);
      slope += w * notes.slope[i];
      const point = notes.point(i);
      for (let d = 0; d < dims; d++) z[d] += w * point[d];
    }
    const dx = px - view.coordinate(z, first);
    const dy = py - view.coordinate(z, second);
    for (let d = 0; d < dims; d++) z[d] += dx * a[d] + dy * b[d];
    return { z, shares, attack: Math.exp(attack), slope };
  };
  return { x, y, at, place: (z) => [view.coordinate(z, first), view.coordinate(z, second)], axes: [first, second] };
}

// The notes nearest to a point, in all dimensions: [{ index, distance }], nearest first.
export function nearest({ notes, dims }, z, count = 5) {
  const found = Array.from({ length: notes.count }, (_, index) => {
    const point = notes.point(index);
    let sum = 0;
    for (let d = 0; d < dims; d++) sum += (point[d] - z[d]) ** 2;
    return { index, distance: Math.sqrt(sum) };
  });
  return found.sort((p, q) => p.distance - q.distance).slice(0, count);
}

// --- paths, as lib.timbre.navigate has them: n points from a to b

export function linear(a, b, n) {
  return moments(n).map((t) => Float32Array.from(a, (x, d) => (1 - t) * x + t * b[d]));
}

// Along a great circle around the origin, the radius changing evenly.
export function spherical(a, b, n) {
  return moments(n).map((t) => slerp(a, b, t));
}

// The same while both ends keep moving as their own sounds do: paths are [frame][dims].
export function expressive(pathA, pathB, n, amount = 0.7) {
  const [a, b] = [pathA, pathB].map((path) => moving(path, amount));
  return moments(n).map((t) => slerp(a(t), b(t), t));
}

function moving(path, amount) {
  const mean = path[0].map((_, d) => path.reduce((sum, frame) => sum + frame[d] / path.length, 0));
  return (t) => {
    const position = t * (path.length - 1);
    const k = Math.min(path.length - 2, Math.floor(position));
    const f = position - k;
    return mean.map((m, d) => m + amount * ((1 - f) * path[k][d] + f * path[k + 1][d] - m));
  };
}

function slerp(a, b, t) {
  const [sizeA, sizeB] = [norm2(a), norm2(b)];
  const straight = () => Float32Array.from(a, (x, d) => (1 - t) * x + t * b[d]);
  if (Math.min(sizeA, sizeB) < 1e-9) return straight();
  let cosine = 0;
  for (let d = 0; d < a.length; d++) cosine += (a[d] * b[d]) / (sizeA * sizeB);
  const angle = Math.acos(Math.max(-1, Math.min(1, cosine)));
  if (angle < 1e-6 || Math.PI - angle < 1e-6) return straight();
  const radius = ((1 - t) * sizeA + t * sizeB) / Math.sin(angle);
  const [p, q] = [(Math.sin((1 - t) * angle) * radius) / sizeA, (Math.sin(t * angle) * radius) / sizeB];
  return Float32Array.from(a, (x, d) => p * x + q * b[d]);
}

function norm2(a) {
  return Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
}

function moments(n) {
  return Array.from({ length: n }, (_, i) => (n > 1 ? i / (n - 1) : 0));
}
