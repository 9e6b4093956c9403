// From dissimilarities to a map in two dimensions, and one map laid over another. As lib/ratings/mds.py.

import * as chance from "../shared/chance.js";

// Least squared misfit by majorisation, from many starts: { points: [[x, y], ...], stress } (Kruskal's stress-1).
export function smacof(delta, { starts = 30, iterations = 400, seed = 1 } = {}) {
  const next = chance.generator(seed);
  let best = null;
  for (let start = 0; start < starts; start++) {
    let points = delta.map(() => [next() - 0.5, next() - 0.5]);
    let before = Infinity;
    for (let i = 0; i < iterations; i++) {
      points = guttman(delta, points);
      const now = misfit(delta, points);
      if (before - now < 1e-10) break;
      before = now;
    }
    const stress = stress1(delta, points);
    if (!best || stress < best.stress) best = { points, stress };
  }
  return best;
}

function guttman(delta, points) {
  const n = points.length;
  return points.map((p, i) => {
    let x = 0;
    let y = 0;
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      const dx = p[0] - points[j][0];
      const dy = p[1] - points[j][1];
      const d = Math.hypot(dx, dy);
      if (d === 0) continue;
      x += (delta[i][j] / d) * dx;
      y += (delta[i][j] / d) * dy;
    }
    return [x / n, y / n];
  });
}

function misfit(delta, points) {
  return sumPairs(points.length, (i, j) => (delta[i][j] - distance(points[i], points[j])) ** 2);
}

export function stress1(delta, points) {
  const scale = sumPairs(points.length, (i, j) => distance(points[i], points[j]) ** 2);
  return scale > 0 ? Math.sqrt(misfit(delta, points) / scale) : 1;
}

export function distance([a, b], [c, d]) {
  return Math.hypot(a - c, b - d);
}

function sumPairs(n, value) {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) sum += value(i, j);
  return sum;
}

// Turn, mirror, shift and scale `moving` to lie over `target`: { points, disparity } (0 same shape, 1 no relation).
export function procrustes(target, moving) {
  const centre = mean(target);
  const a = target.map((p) => [p[0] - centre[0], p[1] - centre[1]]);
  const from = mean(moving);
  const b = moving.map((p) => [p[0] - from[0], p[1] - from[1]]);
  const cross = [[0, 0], [0, 0]];
  b.forEach((p, i) => {
    for (const r of [0, 1]) for (const s of [0, 1]) cross[r][s] += p[r] * a[i][s];
  });
  const size = (points) => points.reduce((sum, [x, y]) => sum + x * x + y * y, 0);
  // The best rotation, and the best rotation after a mirror; the larger overlap wins.
  const plain = Math.hypot(cross[0][0] + cross[1][1], cross[0][1] - cross[1][0]);
  const mirrored = Math.hypot(cross[0][0] - cross[1][1], cross[0][1] + cross[1][0]);
  const flip = mirrored > plain ? -1 : 1;
  const overlap = Math.max(plain, mirrored);
  const angle = Math.atan2(cross[0][1] - flip * cross[1][0], cross[0][0] + flip * cross[1][1]);
  const scale = size(b) > 0 ? overlap / size(b) : 0;
  const points = b.map(([x, y]) => [
    scale * (x * Math.cos(angle) - flip * y * Math.sin(angle)) + centre[0],
    scale * (x * Math.sin(angle) + flip * y * Math.cos(angle)) + centre[1],
  ]);
  return { points, disparity: Math.max(0, 1 - overlap ** 2 / (size(a) * size(b) || 1)) };
}

function mean(points) {
  return [0, 1].map((k) => points.reduce((sum, p) => sum + p[k], 0) / points.length);
}

// The pairs of a matrix in one list.
export function upper(matrix) {
  return matrix.flatMap((row, i) => row.slice(i + 1));
}

export function spearman(x, y) {
  return pearson(ranks(x), ranks(y));
}

export function pearson(x, y) {
  const centre = (values) => {
    const middle = values.reduce((sum, v) => sum + v, 0) / values.length;
    return values.map((v) => v - middle);
  };
  const [a, b] = [centre(x), centre(y)];
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  return dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
}

function ranks(values) {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const result = new Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]] === values[order[from]]) to += 1;
    for (let k = from; k <= to; k++) result[order[k]] = (from + to) / 2;
    from = to + 1;
  }
  return result;
}

// Share of random renamings of one matrix that agree at least as well (Mantel's test, one-sided).
export function mantel(a, b, { permutations = 999, seed = 1 } = {}) {
  const next = chance.generator(seed);
  const x = upper(a);
  const found = spearman(x, upper(b));
  let hits = 1;
  for (let k = 0; k < permutations; k++) {
    const order = chance.shuffle(b.map((_, i) => i), next);
    if (spearman(x, upper(order.map((i) => order.map((j) => b[i][j])))) >= found - 1e-12) hits += 1;
  }
  return { rho: found, p: hits / (permutations + 1) };
}
