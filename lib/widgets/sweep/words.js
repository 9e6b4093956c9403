// Numbers for people, and the sentences that say in words what the pictures show.

export function number(value) {
  return Math.round(value).toLocaleString("en-GB");
}

export function bytes(value) {
  if (value < 1000) return `${value} B`;
  return value < 1e6 ? `${(value / 1000).toFixed(value < 1e5 ? 1 : 0)} kB` : `${(value / 1e6).toFixed(2)} MB`;
}

export function macs(value) {
  if (value < 1e6) return `${(value / 1000).toFixed(0)} k`;
  return value < 1e8 ? `${(value / 1e6).toFixed(1)} M` : `${(value / 1e6).toFixed(0)} M`;
}

export function factor(value) {
  if (value >= 10) return value.toFixed(0);
  return String(Number(value.toPrecision(2)));
}

export function seconds(value) {
  if (value < 1e-3) return `${factor(1e6 * value)} µs`;
  return value < 1 ? `${factor(1e3 * value)} ms` : `${factor(value)} s`;
}

export function share(value) {
  return `${(100 * value).toFixed(value > 0.985 && value < 1 ? 2 : 1)} %`;
}

// [median, least, greatest, how many]
export function spread(row) {
  if (!row) return "not measured";
  const [median, least, greatest, n] = row;
  if (n === 1) return `× ${median.toFixed(2)} (one seed)`;
  return `× ${median.toFixed(2)} (${least.toFixed(2)} to ${greatest.toFixed(2)}, ${n} seeds)`;
}

// Of what was timed, for each runtime the width nearest in parameters (by ratio): measured, never interpolated.
export function nearestTimed(latencies, nParameters) {
  const found = new Map();
  const far = (row) => Math.abs(Math.log(row.n_parameters / nParameters));
  for (const row of latencies) {
    const best = found.get(row.runtime);
    if (!best || far(row) < far(best)) found.set(row.runtime, row);
  }
  return [...found.values()];
}

// The sentence under the plot; `at` holds what is chosen.
export function point({ title, name, run, record, round, row, against, left }) {
  const error = record[against]?.[round];
  const measure = against === "test" ? "that of its own round 0" : "that of the dense network trained as long";
  const said = error === undefined || error === null ? "Its error has not been set against that control." : `Its error on test recordings is ${error.toFixed(3)} times ${measure}.`;
  const all = row && row[3] > 1 ? ` All ${row[3]} seeds: median ${row[0].toFixed(2)}, from ${row[1].toFixed(2)} to ${row[2].toFixed(2)}.` : "";
  return `${title}, ${name}: round ${round} has removed ${share(record.removed[round])} of the weights and left ${number(left)}. ${said}${all} Run ${run}, seed ${record.seed}.`;
}

// The groups that lost most and least.
export function thinnest(widths, groups) {
  const rest = Object.entries(groups).map(([group, whole]) => ({ group, whole, left: widths[group], share: widths[group] / whole }));
  rest.sort((a, b) => a.share - b.share);
  const [least, most] = [rest[0], rest.at(-1)];
  if (least.share === 1) return "All groups have all their units.";
  if (most.share - least.share < 0.02) return `All groups keep about ${(100 * least.share).toFixed(0)} % of their units.`;
  return `Thinnest: ${least.group}, ${least.left} of ${least.whole} units; widest: ${most.group}, ${most.left} of ${most.whole}.`;
}
