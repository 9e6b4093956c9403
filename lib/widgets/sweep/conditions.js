// Which runs belong to what the reader has chosen, and which are nearest to it where there are none.

export const HOW = {
  "trim-local": "units, per layer",
  "trim-global": "units, anywhere",
  "trim-priced": "units, by price",
  "mask-local": "weights, per layer",
  "mask-global": "weights, anywhere",
};
export const CRITERIA = {
  information: "information",
  magnitude: "magnitude",
  gradient: "gradient",
  activation: "activation",
  normalisation: "normalisation",
  taylor: "Taylor",
  random: "chance",
};
export const RESETS = {
  rewind: "rewind",
  reinit: "new weights",
  keep: "go on",
  scratch: "thin from the start",
};
const REMOVED = {
  "trim-local": "whole units trimmed in every layer",
  "trim-global": "whole units trimmed wherever",
  "trim-priced": "whole units trimmed where they are worth least for each weight",
  "mask-local": "single weights masked in every layer",
  "mask-global": "single weights masked wherever",
};
const THEN = { rewind: "then rewound", reinit: "then begun anew", keep: "then trained on" };

// The condition's name, as its runs have it before the seed.
export function keyOf({ model, how, criterion, reset, long }) {
  if (reset === "scratch" || reset === "dense") return `${model}-${reset}`;
  return `${long ? "long-" : ""}${model}-${how}-${criterion}-${reset}`;
}

// What a condition is made of, the other way round.
export function choiceOf(key) {
  const long = key.startsWith("long-");
  const parts = key.slice(long ? 5 : 0).split("-");
  if (parts.length === 2) return { model: parts[0], how: "trim-local", criterion: "random", reset: parts[1], long };
  const [model, how, scope, criterion, reset] = parts;
  return { model, how: `${how}-${scope}`, criterion, reset, long };
}

// The name in words.
export function nameOf(key, conditions) {
  const { how, criterion, reset, long } = choiceOf(key);
  if (reset === "scratch") return "evenly thin networks trained from new weights";
  if (reset === "dense") return "nothing removed, trained on";
  const steps = conditions[key] ? `, ${conditions[key].steps.toLocaleString("en-GB")} steps a round` : long ? ", trained long" : "";
  return `${REMOVED[how] ?? how} by ${CRITERIA[criterion] ?? criterion}, ${THEN[reset] ?? reset}${steps}`;
}

// Of the given conditions the one with fewest differences; a difference of model counts most.
export function nearest(choice, keys) {
  const weight = { model: 100, how: 8, reset: 4, criterion: 3, long: 2 };
  const far = (key) => {
    const other = choiceOf(key);
    return Object.entries(weight).reduce((sum, [part, cost]) => sum + (other[part] === choice[part] ? 0 : cost), 0);
  };
  return keys.reduce((best, key) => (best === null || far(key) < far(best) ? key : best), null);
}

// Options of one setting: those of the plan, in their order, marked where nothing was run with the other settings.
export function options(part, names, choice, conditions, planned) {
  const possible = new Set([...planned, ...Object.keys(conditions)]);
  return Object.entries(names)
    .map(([value, text]) => [value, text, keyOf({ ...choice, [part]: value })])
    .filter(([value, , key]) => possible.has(key) || value === choice[part] || anywhere(part, value, choice.model, possible))
    .map(([value, text, key]) => [value, conditions[key] ? text : `${text} (not run)`]);
}

function anywhere(part, value, model, possible) {
  return [...possible].some((key) => {
    const other = choiceOf(key);
    return other.model === model && other[part] === value;
  });
}
