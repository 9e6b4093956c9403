import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as plot from "./plot.js";

const MARGIN = { left: 48, right: 12, top: 10, bottom: 40 };
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
const LEVEL_DB = -28; // notes play at this loudness; softer ones as they are, since an audio element cannot amplify
const FADE_MS = 24;
const pitch = (midi) => `${NAMES[midi % 12]}${Math.floor(midi / 12) - 1}`;

// Bytes of a trait as a typed array of its own.
function numbers(view, Type) {
  return new Type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

// Where a note's file is on a built page, or null where the kernel has to send it.
export function address(file, root, base) {
  return root === undefined ? null : new URL(`_static/corpus/${file}`, new URL(root || "./", base)).href;
}

async function render({ model, el }) {
  dom.root(el, model, "descriptors");
  const say = dom.announcer(el);
  const known = model.get("descriptors");
  const names = model.get("instruments");
  const values = numbers(model.get("values"), Float32Array);
  const facts = numbers(model.get("notes"), Uint8Array);
  const count = facts.length / 3;
  const notes = Array.from({ length: count }, (_, i) => ({ instrument: facts[3 * i], midi: facts[3 * i + 1], velocity: facts[3 * i + 2] }));
  const column = Object.fromEntries(known.map(({ key }, k) => [key, Float32Array.from({ length: count }, (_, i) => values[i * known.length + k])]));
  const about = Object.fromEntries(known.map((each) => [each.key, each]));
  const lowest = Math.min(...notes.map((n) => n.midi));
  const highest = Math.max(...notes.map((n) => n.midi));
  let shown, from, to, x, y, selected;
  let points = [];
  const title = (i) => `${names[notes[i].instrument]} ${pitch(notes[i].midi)}`;
  const file = (i) => `${names[notes[i].instrument]}/${String(notes[i].midi).padStart(3, "0")}-${String(notes[i].velocity).padStart(3, "0")}.flac`;
  const visible = (i) => shown.has(notes[i].instrument) && notes[i].midi >= from && notes[i].midi <= to;

  // --- elements
  const options = known.map(({ key, name }) => [key, name]);
  const chooseX = dom.select("x", options, model.get("x"), (key) => ((x = key), draw()));
  const chooseY = dom.select("y", options, model.get("y"), (key) => ((y = key), draw()));
  const reset = dom.h("button", { type: "button", class: "timbre-icon", "data-control": "reset", title: "Reset", "aria-label": "Reset", onclick: () => (start(), draw()) }, dom.icon("reset"));
  const swap = dom.button("swap", "⇄", () => {
    [x, y] = [y, x];
    chooseX.value = x;
    chooseY.value = y;
    draw();
  }, { title: "Swap the axes" });
  swap.setAttribute("aria-label", "Swap the axes");
  const canvas = dom.h("canvas", { class: "descriptors-plot", tabindex: 0, role: "application", "data-control": "plot", "aria-label": "Notes as points: arrow keys go to the nearest note, Enter plays it" });
  const info = dom.h("p", { class: "descriptors-info" });
  const relation = dom.h("p", { class: "descriptors-relation" });
  const chips = names.map((name, i) => {
    const mark = dom.h("canvas", { class: "descriptors-mark", "aria-hidden": "true" });
    const button = dom.h("button", { type: "button", "data-control": `instrument-${name}`, "aria-pressed": "true", onclick: () => toggle(i) }, mark, name);
    return { button, mark };
  });
  const all = dom.button("all", "All", () => {
    const every = shown.size === names.length;
    shown = new Set(every ? [] : names.map((_, i) => i));
    draw();
  });
  const low = dom.slider("lowest", "From", { min: lowest, max: highest, step: 1, value: lowest, format: pitch, oninput: (v) => limit(v, Math.max(v, to)) });
  const high = dom.slider("highest", "To", { min: lowest, max: highest, step: 1, value: highest, format: pitch, oninput: (v) => limit(Math.min(v, from), v) });
  el.append(
    dom.h("div", { class: "descriptors-top" }, dom.field("Across", chooseX), swap, dom.field("Up", chooseY), reset),
    canvas, info,
    dom.h("div", { class: "descriptors-chips", role: "group", "aria-label": "Instruments shown" }, all, ...chips.map(({ button }) => button)),
    dom.h("div", { class: "descriptors-range", role: "group", "aria-label": "Pitches shown" }, low.block, high.block),
    relation,
  );
  if (model.get("axes").rows?.length) el.append(panel(model.get("axes").rows));
  el.append(dom.h("p", { class: "timbre-try" }, "find the two notes furthest apart and play both. Then keep one octave only: does the centroid still sort the instruments?"));

  // --- state
  function start() {
    shown = new Set(names.map((_, i) => i));
    [from, to] = [lowest, highest];
    [x, y] = [model.get("x"), model.get("y")];
    selected = -1;
    chooseX.value = x;
    chooseY.value = y;
    limit(from, to, false);
  }
  function toggle(i) {
    if (shown.has(i)) shown.delete(i);
    else shown.add(i);
    draw();
  }
  function limit(a, b, redraw = true) {
    [from, to] = [a, b];
    low.set(a);
    high.set(b);
    if (redraw) draw();
  }

  // --- sound: an audio element, which plays files even where a page may not read them
  const player = new Audio();
  player.preload = "none";
  const me = { pause: () => stop() };
  const sent = new Map(); // from the kernel: file to the address of its bytes
  let wanted = null;
  model.on("msg:custom", (content, buffers) => {
    if (content.error) return fail(content.error);
    const view = buffers[0];
    sent.set(content.file, URL.createObjectURL(new Blob([view], { type: "audio/flac" })));
    if (wanted !== null && file(wanted) === content.file) sound(wanted, sent.get(content.file));
    return undefined;
  });
  function fail(text) {
    info.textContent = text;
    el.dataset.error = text;
  }
  async function stop() {
    for (let step = 3; step >= 0 && !player.paused; step--) {
      player.volume *= step / 4;
      await new Promise((resolve) => setTimeout(resolve, FADE_MS / 4));
    }
    player.pause();
  }
  function play(i) {
    wanted = i;
    const there = sent.get(file(i)) ?? address(file(i), document.documentElement.dataset.content_root, document.baseURI);
    if (there) return sound(i, there);
    model.send({ file: file(i) }); // the kernel answers, if there is one
    setTimeout(() => wanted === i && !sent.has(file(i)) && fail(`${title(i)} is not beside this page, and no kernel sends it.`), 4000);
    return undefined;
  }
  async function sound(i, url) {
    const shared = globalThis.__timbre;
    if (shared.deck && shared.deck !== me) shared.deck.pause();
    shared.deck = me;
    await stop();
    if (wanted !== i) return;
    player.src = url;
    const loudness = column.loudness_db?.[i];
    player.volume = Number.isFinite(loudness) ? Math.min(1, 10 ** ((LEVEL_DB - loudness) / 20)) : 0.5;
    Object.assign(el.__timbre, { player, file: file(i), volume: player.volume });
    player.play().catch((error) => error.name !== "AbortError" && fail(`${title(i)} cannot be played here: its file is not beside this page.`));
  }

  // --- choosing a note
  function select(i, { announce = true } = {}) {
    selected = i;
    paint();
    const { velocity } = notes[i];
    const words = (key) => `${about[key].name} ${plot.formatValue(column[key][i], about[key].unit)}`;
    info.replaceChildren(dom.h("strong", {}, title(i)), ` · velocity ${velocity} · ${words(x)} · ${words(y)}`);
    if (announce) say(info.textContent);
  }
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    const i = plot.nearest(points, event.offsetX, event.offsetY, 14);
    canvas.style.cursor = i < 0 ? "" : "pointer";
    if (i >= 0 && i !== selected) select(i, { announce: false });
  });
  canvas.addEventListener("click", (event) => {
    const i = plot.nearest(points, event.offsetX, event.offsetY, 26);
    if (i < 0) return;
    select(i);
    play(i);
  });
  canvas.addEventListener("keydown", (event) => {
    const direction = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (direction) {
      const seen = selected >= 0 && points[selected];
      const middle = plot.nearest(points, canvas.clientWidth / 2, canvas.clientHeight / 2);
      const next = seen ? plot.neighbour(points, selected, direction) : middle;
      if (next >= 0) select(next);
    } else if ((event.key === "Enter" || event.key === " ") && selected >= 0 && points[selected]) play(selected);
    else return;
    event.preventDefault();
  });

  // --- pictures
  function draw() {
    const box = { x: MARGIN.left, y: MARGIN.top, width: canvas.clientWidth - MARGIN.left - MARGIN.right, height: canvas.clientHeight - MARGIN.top - MARGIN.bottom };
    if (box.width <= 0) return;
    const ax = plot.axis(column[x], about[x].scale === "log");
    const ay = plot.axis(column[y], about[y].scale === "log");
    points = notes.map((_, i) => {
      const [u, v] = [ax.place(column[x][i]), ay.place(column[y][i])];
      return visible(i) && u !== null && v !== null ? [box.x + u * box.width, box.y + (1 - v) * box.height] : null;
    });
    draw.frame = { box, ax, ay };
    paint();
    chips.forEach(({ button, mark }, i) => {
      button.setAttribute("aria-pressed", String(shown.has(i)));
      paintMark(mark, names[i]);
    });
    all.textContent = shown.size === names.length ? "None" : "All";
    all.setAttribute("aria-label", shown.size === names.length ? "Hide all instruments" : "Show all instruments");
    const chosen = notes.map((_, i) => i).filter((i) => points[i]);
    const { r, n } = plot.correlation(chosen.map((i) => column[x][i]), chosen.map((i) => column[y][i]), ax.log, ay.log);
    const logs = [ax.log && about[x].name, ay.log && about[y].name].filter(Boolean);
    const how = logs.length ? ` (logarithm of ${logs.join(" and ")})` : "";
    relation.textContent = r === null ? `${n} notes shown: too few for a correlation.` : `Correlation r = ${r.toFixed(2).replace("-", "−")} over the ${n.toLocaleString("en")} notes shown${how}. ${about[x].hears}`;
    el.__timbre.shown = n;
    el.__timbre.correlation = r;
    if (selected < 0 || !points[selected]) info.textContent = "Point at a note, or step through with the arrow keys; click or press Enter to hear it.";
    else select(selected, { announce: false });
  }
  function paint() {
    const { box, ax, ay } = draw.frame;
    const colours = theme.colours(el);
    const { context } = dom.canvas2d(canvas);
    context.font = `11px ${colours.font}`;
    context.strokeStyle = colours.border;
    context.fillStyle = colours.muted;
    context.lineWidth = 1;
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    let last = -Infinity;
    for (const tick of ax.ticks) {
      const at = box.x + ax.place(tick) * box.width;
      line(context, at, box.y, at, box.y + box.height);
      if (at - last < 34) continue;
      last = at;
      context.fillText(plot.formatTick(tick), at, box.y + box.height + 14);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of ay.ticks) {
      const at = box.y + (1 - ay.place(tick)) * box.height;
      line(context, box.x, at, box.x + box.width, at);
      context.fillText(plot.formatTick(tick), box.x - 6, at);
    }
    context.fillStyle = colours.text;
    context.font = `12px ${colours.font}`;
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    const label = ({ name, unit }) => (unit ? `${name} (${unit})` : name);
    context.fillText(label(about[x]), box.x + box.width / 2, box.y + box.height + 32);
    context.save();
    context.translate(12, box.y + box.height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(label(about[y]), 0, 0);
    context.restore();
    const size = box.width < 420 ? 2.8 : 3.4;
    points.forEach((point, i) => {
      if (point && i !== selected) spot(context, names[notes[i].instrument], point, size, colours, 0.72);
    });
    const point = points[selected];
    if (!point) return;
    spot(context, names[notes[selected].instrument], point, size + 2.4, colours, 1);
    context.strokeStyle = colours.text;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(point[0], point[1], size + 6, 0, 2 * Math.PI);
    context.stroke();
  }
  function paintMark(mark, name) {
    if (!mark.clientWidth) return;
    const { context, width, height } = dom.canvas2d(mark);
    spot(context, name, [width / 2, height / 2], 4.4, theme.colours(el), 1);
  }

  start();
  draw.frame = null;
  const stops = [dom.onResize(canvas, draw), theme.onThemeChange(draw)];
  return () => {
    stops.forEach((end) => end());
    player.pause();
    sent.forEach((url) => URL.revokeObjectURL(url));
    if (globalThis.__timbre.deck === me) globalThis.__timbre.deck = null;
  };

  // Which descriptor goes with which axis of the space of the published ratings.
  function panel(rows) {
    const axes = [...new Set(rows.map((row) => row.axis))];
    const list = dom.h("div", { class: "descriptors-axes" });
    const buttons = axes.map((axis) => dom.h("button", { type: "button", "data-control": `axis-${axis}`, onclick: () => show(axis) }, `Axis ${axis}`));
    const sure = rows.filter((row) => row.p_holm < 0.05).length;
    const note = `Correlation over the twelve instruments, with 95 % intervals. ${sure ? `${sure} of the ${rows.length}` : `None of the ${rows.length}`} would stand after allowing for having looked at all of them (Holm).`;
    function show(axis) {
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(axes[i] === axis)));
      const sorted = rows.filter((row) => row.axis === axis).sort((a, b) => Math.abs(b.r) - Math.abs(a.r));
      const place = (r) => `${(50 * (r + 1)).toFixed(1)}%`;
      const fixed = (r) => r.toFixed(2).replace("-", "−");
      list.replaceChildren(...sorted.map(({ descriptor, r, interval }) =>
        dom.h("div", { class: "descriptors-row" },
          dom.h("span", {}, about[descriptor].name),
          dom.h("span", { class: "descriptors-scale", role: "img", "aria-label": `from ${fixed(interval[0])} to ${fixed(interval[1])}` },
            dom.h("i", { style: `left: ${place(interval[0])}; right: calc(100% - ${place(interval[1])})` }), dom.h("b", { style: `left: ${place(r)}` })),
          dom.h("span", {}, fixed(r)))));
    }
    show(axes[0]);
    return dom.h("details", { class: "descriptors-panel", "data-control": "axes" }, dom.h("summary", {}, "Which descriptor explains which axis of the timbre space?"),
      dom.h("div", { class: "timbre-row" }, ...buttons), list, dom.h("p", { class: "timbre-note" }, note));
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function spot(context, name, [x, y], size, colours, alpha) {
  const style = theme.instrumentStyle(name, colours.dark);
  context.globalAlpha = alpha;
  context.fillStyle = context.strokeStyle = style?.colour ?? colours.accent;
  context.lineWidth = 1.8;
  if (plot.marker(context, style?.marker ?? "o", x, y, size)) context.fill();
  else context.stroke();
  context.globalAlpha = 1;
}

export default { render };
