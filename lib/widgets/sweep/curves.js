// What the plot shows for a choice: the chosen condition with every seed, its controls, and the others to compare.
import * as conditions from "./conditions.js";

const ORDER = ["other", "length", "scratch", "chance", "chosen"];

// state: { choice, run, round, against }; what plot.draw takes.
export function content(data, heard, { choice, run, round, against }) {
  const key = conditions.keyOf(choice);
  const found = data.conditions[key];
  const runs = found ? found.runs : [];
  return {
    alt: "Error against the share of weights removed; the table below has its numbers.",
    curves: curves(data, choice, key, against),
    dots: runs.flatMap((name) => dots(name, data.runs[name], against, name === run ? round : -1)),
    ends: runs.flatMap((name) => ends(name, data.runs[name], against)),
    level: against === "test" && choice.long ? level(data.models[choice.model].longer) : null,
    at: found ? { x: data.runs[run].removed[round] } : null,
    heard: found ? (heard.runs[run] ?? []).map((one) => one.removed) : [],
    yName: against === "test" ? "error on test recordings, × round 0" : "error on test recordings, × equally trained dense",
  };
}

// Conditions of the same model and length of training, and the chosen one with the other length. A dense network has
// no share to stand at.
function curves(data, choice, chosen, against) {
  const kinds = {
    [conditions.keyOf({ ...choice, long: !choice.long })]: "length",
    [`${choice.model}-scratch`]: "scratch",
    [conditions.keyOf({ ...choice, criterion: "random" })]: "chance",
    [chosen]: "chosen",
  };
  return Object.entries(data.conditions)
    .filter(([key, one]) => one.model === choice.model && one.reset !== "dense" && one[against])
    .filter(([key, one]) => one.long === choice.long || ["length", "chosen"].includes(kinds[key]))
    .map(([key, one]) => ({
      kind: kinds[key] ?? "other",
      key,
      name: conditions.nameOf(key, data.conditions),
      points: one[against]
        .map((row, round) => (row && one.removed[round] ? { x: one.removed[round][0], y: row[0], low: row[1], high: row[2] } : null))
        .filter(Boolean),
    }))
    .sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

function dots(name, record, against, chosen) {
  return (record[against] ?? [])
    .map((y, round) => ({ seed: record.seed, run: name, round, x: record.removed[round], y, chosen: round === chosen }))
    .filter((dot) => dot.y !== null);
}

function ends(name, record, against) {
  const last = record.removed.length - 1;
  const y = record[against]?.[last];
  if (!record.ended || !y) return [];
  return [{ x: record.removed[last], y, text: `${name}: round ${record.ended.round} failed: ${record.ended.reason}` }];
}

function level(longer) {
  if (!longer.length) return null;
  const [{ run, test }] = longer;
  return { y: test, text: `${run}: the full network trained longer still, error × ${test.toFixed(3)}` };
}
