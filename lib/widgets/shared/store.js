// What the reader did, kept in the browser; and files in and out of it. Nothing is sent anywhere.

import * as dom from "./dom.js";

const shared = (globalThis.__timbre ??= {});
const memory = (shared.memory ??= new Map());

// What was written under `key`, or `fallback`. Where the browser keeps nothing (private windows, some file:// pages),
// it lasts as long as the page.
export function read(key, fallback) {
  let text = memory.get(key);
  try {
    text = globalThis.localStorage.getItem(`timbre-${key}`) ?? text;
  } catch {
    // no storage here: what this page remembers is all there is
  }
  try {
    return text ? JSON.parse(text) : fallback;
  } catch {
    return fallback;
  }
}

export function write(key, value) {
  const text = JSON.stringify(value);
  memory.set(key, text);
  try {
    globalThis.localStorage.setItem(`timbre-${key}`, text);
  } catch {
    // as above
  }
}

export function remove(key) {
  memory.delete(key);
  try {
    globalThis.localStorage.removeItem(`timbre-${key}`);
  } catch {
    // as above
  }
}

// rows: [[cell, ...], ...], the first being the names of the columns.
export function toCsv(rows) {
  const cell = (value) => (/[",\n\r]/.test(`${value}`) ? `"${`${value}`.replaceAll('"', '""')}"` : `${value}`);
  return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

// The rows of a CSV text as arrays of strings; quoted cells may hold commas, quotes and line ends.
export function parseCsv(text) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
    cell = "";
  };
  const characters = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (characters[i + 1] === '"') {
        cell += '"';
        i += 1;
      } else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === ",") {
      row.push(cell);
      cell = "";
    } else if (c === "\n") endRow();
    else cell += c;
  }
  endRow();
  return rows;
}

// Offer `text` as a file to keep.
export function download(name, text, type = "text/csv") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = dom.h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// A button that asks for a file and hands over its text.
export function fileButton(control, text, onfile, accept = ".csv,text/csv") {
  const input = dom.h("input", { type: "file", accept, class: "timbre-hidden", "data-control": `${control}-file`, "aria-label": text, tabindex: -1 });
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (file) onfile(await file.text(), file.name);
    input.value = "";
  });
  return dom.h("span", {}, input, dom.button(control, text, () => input.click()));
}
