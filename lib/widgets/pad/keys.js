// A piano in the page: by pointer, by two rows of letters, by a MIDI keyboard.

import * as dom from "../shared/dom.js";
import * as spacemap from "../shared/spacemap.js";

// As in most music programs: Z to M and Q to P are white keys, the rows above them black ones. By place on the keyboard
// (event.code), so that it works on any layout.
const LOWER = ["KeyZ", "KeyS", "KeyX", "KeyD", "KeyC", "KeyV", "KeyG", "KeyB", "KeyH", "KeyN", "KeyJ", "KeyM", "Comma"];
const UPPER = ["KeyQ", "Digit2", "KeyW", "Digit3", "KeyE", "KeyR", "Digit5", "KeyT", "Digit6", "KeyY", "Digit7", "KeyU", "KeyI", "Digit9", "KeyO", "Digit0", "KeyP"];
const BLACK = [1, 3, 6, 8, 10];
const LETTER = (code) => code.replace(/^(Key|Digit)/, "").replace("Comma", ",");

// press(id, midi, velocity, height), lift(id), bend(cents), say(text), slide(id, height): where on the key a finger is, 0 at
// its top and 1 at its end; null for keys that are not touched.
export function piano({ press, lift, bend, say, slide = () => {} }) {
  let base = 48;
  const down = new Map();
  const keyboard = dom.h("div", { class: "pad-piano", role: "group", "aria-label": "Piano" });
  const midiButton = dom.button("midi", "Connect a MIDI keyboard", connect);
  const note = dom.h("span", { class: "timbre-note" }, "Letters Z to M and Q to P play two octaves.");
  const lower = dom.button("octave-down", "Octave −", () => shift(-12));
  const higher = dom.button("octave-up", "Octave +", () => shift(12));
  const element = dom.h("div", {}, keyboard, dom.h("div", { class: "timbre-row" }, lower, higher, midiButton, note));
  if (!navigator.requestMIDIAccess) {
    midiButton.disabled = true;
    midiButton.title = "This browser knows no MIDI.";
  }
  const codes = new Map([...LOWER.map((code, i) => [code, i]), ...UPPER.map((code, i) => [code, 12 + i])]);

  function on(id, midi, velocity = 1, height = null) {
    if (down.has(id)) return;
    down.set(id, midi);
    press(id, midi, velocity, height);
    show();
  }
  function off(id) {
    if (!down.delete(id)) return;
    lift(id);
    show();
  }
  function show() {
    const sounding = new Set(down.values());
    for (const button of keyboard.children) button.setAttribute("aria-pressed", String(sounding.has(Number(button.dataset.midi))));
  }
  function shift(by) {
    base = Math.max(36, Math.min(60, base + by));
    resize();
  }

  function resize() {
    const width = keyboard.clientWidth;
    if (!width) return;
    const count = width > 480 ? 25 : 13;
    const first = width > 480 ? base : base + 12;
    const white = Array.from({ length: count }, (_, i) => i).filter((i) => !BLACK.includes(i % 12));
    const wide = 100 / white.length;
    const letters = new Map([...codes].map(([code, i]) => [i, LETTER(code)]));
    keyboard.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const black = BLACK.includes(i % 12);
      const before = white.filter((w) => w < i).length;
      const left = black ? before * wide - 0.3 * wide : before * wide;
      const letter = letters.get(first - base + i) ?? "";
      const button = dom.h("button", {
        type: "button", class: black ? "pad-black" : "pad-white", "data-midi": first + i, "data-control": `key-${first + i}`,
        "aria-pressed": "false", tabindex: i ? -1 : 0, style: `left: ${left}%; width: ${black ? 0.6 * wide : wide}%`,
        "aria-label": spacemap.pitchName(first + i).replace("♯", " sharp ").replace("♭", " flat "),
      }, letter);
      return button;
    }));
  }

  // Glide over the keys with one finger.
  const keyAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-midi]");
  const glide = (event) => {
    const under = keyAt(event);
    const midi = under && keyboard.contains(under) ? Number(under.dataset.midi) : null;
    if (midi === null) return;
    const { top, height } = under.getBoundingClientRect();
    const place = Math.max(0, Math.min(1, (event.clientY - top) / height));
    if (down.get("finger") === midi) {
      slide("finger", place);
      return;
    }
    off("finger");
    on("finger", midi, 1, place);
  };
  keyboard.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    keyboard.setPointerCapture(event.pointerId);
    glide(event);
    keyboard.addEventListener("pointermove", glide);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    keyboard.addEventListener(end, () => {
      keyboard.removeEventListener("pointermove", glide);
      off("finger");
    });
  }

  // --- MIDI, asked for only here
  let access = null;
  async function connect() {
    try {
      access = await navigator.requestMIDIAccess();
      listen();
      access.onstatechange = listen;
    } catch {
      note.textContent = "The browser did not allow MIDI.";
    }
  }
  function listen() {
    const inputs = [...access.inputs.values()];
    for (const input of inputs) input.onmidimessage = ({ data }) => message(...data);
    note.textContent = inputs.length ? `Listening to ${inputs.map(({ name }) => name).join(", ")}.` : "No MIDI keyboard is connected.";
    say(note.textContent);
  }
  function message(status, first, second) {
    const kind = status & 0xf0;
    if (kind === 0x90 && second) on(`midi-${first}`, first, 0.25 + (0.9 * second) / 127);
    else if (kind === 0x80 || kind === 0x90) off(`midi-${first}`);
    else if (kind === 0xb0 && first === 1) bend(2 * Math.round((60 * second) / 127 / 2));
  }

  return {
    element,
    resize,
    keydown: (event) => {
      if (event.repeat || !codes.has(event.code)) return;
      event.preventDefault();
      on(event.code, base + codes.get(event.code));
    },
    keyup: (event) => off(event.code),
    letGo: () => [...down.keys()].forEach(off),
    dispose: () => {
      if (access) for (const input of access.inputs.values()) input.onmidimessage = null;
    },
  };
}
