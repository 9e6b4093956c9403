import * as chance from "../shared/chance.js";

// Which pair comes next, and how consistent the answers were. State: { seed, answers }, an answer being
// { sitting, first, second (positions of instruments), rating 0 to 1, repeat, seconds }.

// Pairs of sitting s (from 0): all among the first few instruments, then those of one more instrument each time.
export function pairsOf(sitting, first) {
  const pairs = [];
  if (sitting === 0) for (let i = 0; i < first; i++) for (let j = i + 1; j < first; j++) pairs.push([i, j]);
  else for (let i = 0; i < first + sitting - 1; i++) pairs.push([i, first + sitting - 1]);
  return pairs;
}

export function repeatsOf(sitting, repeats) {
  return sitting === 0 ? repeats : 2;
}

export function lengthOf(sitting, { first, repeats }) {
  return pairsOf(sitting, first).length + repeatsOf(sitting, repeats);
}

// The pair to ask next in `sitting`, or null when it is done.
export function nextTrial({ seed, answers }, sitting, { first, repeats }) {
  const mine = answers.filter((answer) => answer.sitting === sitting);
  const pairs = pairsOf(sitting, first);
  const next = chance.generator(seed + 1000003 * (sitting + 1));
  const order = chance.shuffle(pairs, next).map(([i, j]) => (next() < 0.5 ? [i, j] : [j, i]));
  if (mine.length < pairs.length) {
    const [a, b] = order[mine.length];
    return { sitting, first: a, second: b, repeat: false };
  }
  const done = mine.length - pairs.length;
  const count = repeatsOf(sitting, repeats);
  if (done >= count) return null;
  // Again, in the other order: the pairs rated most alike and most different.
  const sorted = mine.slice(0, pairs.length).sort((x, y) => x.rating - y.rating);
  const again = chance.shuffle([...sorted.slice(0, count / 2), ...sorted.slice(-count / 2)], next);
  return { sitting, first: again[done].second, second: again[done].first, repeat: true };
}

export function finishedSittings(state, design, instruments) {
  let sitting = 0;
  while (sitting <= instruments - design.first && nextTrial(state, sitting, design) === null) sitting += 1;
  return sitting;
}

// Mean rating of each pair of the instruments rated so far: [n][n], repeats averaged in.
export function matrix(answers, n) {
  const sum = Array.from({ length: n }, () => new Array(n).fill(0));
  const count = Array.from({ length: n }, () => new Array(n).fill(0));
  for (const { first, second, rating } of answers) {
    for (const [i, j] of [[first, second], [second, first]]) {
      if (i >= n || j >= n) continue;
      sum[i][j] += rating;
      count[i][j] += 1;
    }
  }
  return sum.map((row, i) => row.map((x, j) => (count[i][j] ? x / count[i][j] : 0)));
}

// How far second answers lie from first ones: { difference, chance, ratio, consistent, pairs }. `chance` is what the
// difference would be if second answers were drawn by lot from all of one's own.
export function consistency(answers) {
  const once = answers.filter((answer) => !answer.repeat);
  const pairs = answers
    .filter((answer) => answer.repeat)
    .map((again) => {
      const before = once.find((a) => a.sitting === again.sitting && a.first === again.second && a.second === again.first);
      return [before.rating, again.rating];
    });
  if (!pairs.length) return null;
  const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const difference = mean(pairs.map(([before, again]) => Math.abs(before - again)));
  const chance = mean(pairs.map(([before]) => mean(once.map(({ rating }) => Math.abs(rating - before)))));
  const ratio = chance > 0.02 ? difference / chance : 1;
  return { difference, chance, ratio, consistent: ratio <= 0.5, pairs };
}

export function consistencyText(found, pairs) {
  const points = Math.round(100 * found.difference);
  const lot = Math.round(100 * found.chance);
  if (found.chance <= 0.02) return "You gave nearly all pairs the same rating, so there is no map to draw. Try to use the whole slider: the most alike pair near its left end, the most different near its right.";
  if (found.consistent) return `You are consistent: asked again about ${pairs} pairs, you moved by ${points} of 100 points on average. Answers drawn by lot would have moved by ${lot}.`;
  if (found.ratio <= 0.75) return `You are fairly consistent: asked again about ${pairs} pairs, you moved by ${points} of 100 points on average; answers drawn by lot would have moved by ${lot}. Trust the large distances on the map more than the small ones.`;
  return `Your second answers lay ${points} of 100 points from your first on ${pairs} pairs; answers drawn by lot would have moved by ${lot}. This happens to everyone who is tired, in a noisy room or new to the sounds. Take the map lightly, and try again with headphones.`;
}
