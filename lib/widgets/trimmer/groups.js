// Cutting units out of a network: the law of lib.pruning.groups and the queue of lib.pruning.scope, in the page.
// layout: { tensor: [axis, ...] }, an axis is a list of segments { group, role, inner } of units or of fixed numbers.

const length = ({ group, inner }, widths) => inner * (group === null ? 1 : widths[group]);

// Each segment of an axis with its place: [segment, start, end].
export function segments(axis, widths) {
  let start = 0;
  return axis.map((segment) => {
    const end = start + length(segment, widths);
    const found = [segment, start, end];
    start = end;
    return found;
  });
}

// The positions of an axis that stay.
export function positions(axis, widths, keep) {
  const found = [];
  for (const [{ group, inner }, start, end] of segments(axis, widths)) {
    if (group === null || !keep[group]) for (let i = start; i < end; i++) found.push(i);
    else for (const unit of keep[group]) for (let i = 0; i < inner; i++) found.push(start + unit * inner + i);
  }
  return found;
}

// The smaller network, in which only kept units exist. Tensors have one or two axes.
export function trim(tensors, layout, widths, keep) {
  const smaller = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const [rows, columns = [0]] = layout[name].map((axis) => positions(axis, widths, keep));
    const width = shape[1] ?? 1;
    const values = new Float32Array(rows.length * columns.length);
    let at = 0;
    for (const row of rows) for (const column of columns) values[at++] = data[row * width + column];
    smaller[name] = { shape: shape.length > 1 ? [rows.length, columns.length] : [rows.length], data: values };
  }
  return smaller;
}

// The network of the same size in which every number of the other units is zero.
export function zero(tensors, layout, widths, keep) {
  const silent = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const width = shape[1] ?? 1;
    const [rows, columns = new Set([0])] = layout[name].map((axis) => new Set(positions(axis, widths, keep)));
    const values = data.map((x, i) => (rows.has(Math.floor(i / width)) && columns.has(i % width) ? x : 0));
    silent[name] = { shape, data: values };
  }
  return silent;
}

// How many numbers a network of these widths has.
export function size(layout, widths) {
  const along = (axis) => axis.reduce((sum, segment) => sum + length(segment, widths), 0);
  return Object.values(layout).reduce((sum, axes) => sum + axes.reduce((product, axis) => product * along(axis), 1), 0);
}

// As `cost.int8_bytes` counts: matrices in 8 bits with a scale for each row, vectors in 32 bits.
export function bytes(layout, widths) {
  return Object.entries(layout).reduce((sum, [name, axes]) => {
    const [rows, columns] = axes.map((axis) => size({ axis: [axis] }, widths));
    return sum + (axes.length > 1 ? rows * columns + 4 * rows : 4 * rows);
  }, 0);
}

// Multiply-adds per second of the network alone, as DDSP.macs_per_second counts them.
export function macs(w, { latent_dims, n_partials, n_bands }) {
  const dense = w.f1 + w.f1 * w.f2 + w.f2 * w.f3 + w.l1 + w.l1 * w.l2 + w.l2 * w.l3 + w.h * w.o1 + w.o1 * w.o2 + w.o2 * w.o3;
  const recurrent = 3 * w.h * (w.f3 + w.l3 + latent_dims + w.h);
  return 100 * (dense + recurrent + w.o3 * (1 + n_partials + n_bands));
}

// Tensors that hold numbers of a unit: [{ name, rows, columns, numbers }], rows and columns in the whole network.
export function tied(layout, widths, group, unit) {
  const found = [];
  for (const [name, axes] of Object.entries(layout)) {
    const places = axes.map((axis) =>
      segments(axis, widths).flatMap(([segment, start]) =>
        segment.group === group ? Array.from({ length: segment.inner }, (_, i) => start + unit * segment.inner + i) : []));
    if (!places.some((list) => list.length)) continue;
    const lengths = axes.map((axis) => size({ axis: [axis] }, widths));
    const [rows, columns = []] = places;
    const [height, width = 1] = lengths;
    found.push({ name, rows, columns, numbers: rows.length * width + columns.length * height - rows.length * columns.length });
  }
  return found;
}

// Take units out, those of the lowest rank in their own group first, until `target` numbers are left: to within one
// unit, whichever is nearer, or, if `enough`, no more than that. `gone`: { group: Set } of units that are out already.
// Returns the same with more in it.
export function least(layout, widths, scores, target, { gone = {}, floor = 1, enough = false } = {}) {
  const now = Object.fromEntries(Object.entries(widths).map(([group, n]) => [group, n - (gone[group]?.size ?? 0)]));
  const out = Object.fromEntries(Object.keys(widths).map((group) => [group, new Set(gone[group] ?? [])]));
  const queue = Object.entries(scores).flatMap(([group, values]) => {
    const order = values.map((_, unit) => unit).sort((a, b) => values[a] - values[b] || a - b);
    return order.map((unit, rank) => ({ group, unit, place: (rank + 0.5) / order.length }));
  });
  queue.sort((a, b) => a.place - b.place);
  let before = size(layout, now);
  for (const { group, unit } of queue) {
    if (before <= target) break;
    if (now[group] <= floor || out[group].has(unit)) continue;
    now[group] -= 1;
    const after = size(layout, now);
    if (!enough && after < target && target - after > before - target) break; // without this unit it is nearer
    out[group].add(unit);
    before = after;
  }
  return out;
}
