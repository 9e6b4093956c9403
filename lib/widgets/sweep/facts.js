// The chosen point in numbers, and all rounds as a table.
import * as dom from "../shared/dom.js";
import * as words from "./words.js";

// What one point costs: tiles of a name, a value and a note.
export function tiles(found, record, round, against, latencies) {
  const at = (key) => record[key]?.[round];
  const stored = found.how === "mask" ? "as stored: masked weights are zeros" : `of ${words.number(record.n_parameters[0])}`;
  const [size, small, state] = [4 * at("n_parameters"), at("bytes_int8"), at("state_bytes")].map(words.bytes);
  const error = at(against);
  return [
    tile("Error", error === undefined || error === null ? "–" : `× ${error.toFixed(3)}`, words.spread(found[against]?.[round])),
    tile("Parameters", words.number(at("n_parameters")), stored),
    tile("Size", size, `as 32-bit floats; ${small} as 8-bit weights; ${state} of state between blocks`),
    tile("Work", words.macs(at("macs_per_second")), "multiply-adds per second of sound"),
    speed(words.nearestTimed(latencies, at("n_parameters"))),
  ];
}

// What makes the whole sound comes before a part of it, however fast.
function speed(timed) {
  if (!timed.length) return tile("Real-time factor", "not measured yet");
  const whole = timed.filter((one) => one.covers === "all of it");
  const among = whole.length ? whole : timed;
  const fastest = among.reduce((best, one) => (one.real_time_factor < best.real_time_factor ? one : best));
  const { real_time_factor: factor, runtime, n_parameters: n, covers } = fastest;
  const part = covers === "all of it" ? "" : `, ${covers}`;
  return tile(
    "Real-time factor",
    words.factor(factor),
    `${runtime}, one thread${part}: ${words.seconds(factor)} per second of sound. Measured at the nearest width timed, ${words.number(n)} parameters.`,
  );
}

function tile(name, value, note = null) {
  return dom.h("div", {}, dom.h("dt", {}, name), dom.h("dd", {}, value), note ? dom.h("dd", { class: "timbre-note" }, note) : null);
}

const HEADS = ["Round", "Removed", "Parameters", "This run", "Against round 0, all seeds", "Against dense, all seeds"];

// A table that opens, and fill(found, runs, run, round).
export function table() {
  const rows = dom.h("tbody");
  const heads = HEADS.map((text) => dom.h("th", { scope: "col" }, text));
  const whole = dom.h("table", {}, dom.h("thead", {}, dom.h("tr", {}, ...heads)), rows);
  const element = dom.h(
    "details",
    { "data-control": "table", class: "sweep-table" },
    dom.h("summary", {}, "All rounds as a table"),
    dom.h("div", {}, whole),
  );
  const fill = (found, runs, run, round) => {
    const ended = found.runs.filter((name) => runs[name].ended).map((name) => failure(name, runs[name].ended));
    rows.replaceChildren(...found.removed.map((_, number) => row(found, runs[run], number, number === round)), ...ended);
  };
  return { element, fill };
}

function row(found, record, round, current) {
  const own = record.test[round];
  const n = record.n_parameters[round];
  const cells = [
    words.share(record.removed[round] ?? found.removed[round][0]),
    n === undefined ? "–" : words.number(n),
    own === undefined ? "–" : `× ${own.toFixed(3)}`,
    words.spread(found.test[round]),
    words.spread(found.against_dense?.[round]),
  ];
  const head = dom.h("th", { scope: "row" }, String(round));
  return dom.h("tr", { "aria-current": current ? "true" : null }, head, ...cells.map((text) => dom.h("td", {}, text)));
}

function failure(name, { round, reason }) {
  const text = dom.h("td", { colspan: HEADS.length - 1 }, `${name} failed: ${reason}`);
  return dom.h("tr", {}, dom.h("th", { scope: "row" }, String(round)), text);
}
