// The picture of a flat map: notes as dots by instrument on a soft ground of their colours, names, and what moves on it.

import * as dom from "./dom.js";
import * as markers from "./markers.js";
import * as theme from "./theme.js";

export const SHORT = {
  "Clarinet-Bb": "Clarinet", "Alto-Sax": "Saxophone", "Trumpet-C": "Trumpet", Violoncello: "Cello", "French-Horn": "French horn",
  "English-Horn": "English horn", "Tenor-Trombone": "Trombone",
};

export function shortName(name) {
  return SHORT[name] ?? name;
}

const NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

export function pitchName(midi) {
  const nearest = Math.round(midi);
  return `${NOTES[((nearest % 12) + 12) % 12]}${Math.floor(nearest / 12) - 1}`;
}

// The blend of the instruments' colours by their shares, as [r, g, b].
export function blend(space, shares, dark) {
  const mixed = [0, 0, 0];
  space.instruments.forEach(({ name }, k) => {
    const rgb = theme.parseColour(theme.instrumentStyle(name, dark)?.colour ?? "#888888");
    mixed.forEach((_, c) => (mixed[c] += shares[k] * rgb[c]));
  });
  return mixed.map(Math.round);
}

// The two or three instruments a place is made of, in words: "71 % oboe, 20 % English horn".
export function inWords(space, shares) {
  const order = Array.from(shares, (share, k) => ({ share, name: shortName(space.instruments[k].name) }));
  const kept = order.sort((a, b) => b.share - a.share).filter(({ share }, i) => i === 0 || (i < 3 && share > 0.08));
  return kept.map(({ share, name }) => `${Math.round(100 * share)} % ${/^(English|French)/.test(name) ? name : name.toLowerCase()}`).join(", ");
}

// A canvas in a box. `onmove(x, y, phase)` gets places in the map's coordinates ("down", "move", "up").
export class SpaceMap {
  constructor({ root, space, flat, label, onmove = () => {} }) {
    Object.assign(this, { root, space, flat, onmove, hover: null });
    this.still = dom.h("canvas", { "aria-hidden": "true" });
    this.moving = dom.h("canvas", { tabindex: 0, role: "application", "aria-label": label, "data-control": "map" });
    this.tip = dom.h("span", { class: "spacemap-tip", hidden: true });
    this.element = dom.h("div", { class: "spacemap" }, this.still, this.moving, this.tip);
    this.listen();
  }

  setFlat(flat) {
    this.flat = flat;
    this.redraw();
  }

  // --- places and pixels: one scale for both axes, since distances are the point
  fit() {
    const { clientWidth: width, clientHeight: height } = this.still;
    const [left, right] = extent(this.flat.x);
    const [low, high] = extent(this.flat.y);
    const scale = Math.min((width - 70) / (right - left || 1), (height - 84) / (high - low || 1));
    this.box = { width, height, scale, x: (left + right) / 2, y: (low + high) / 2 };
  }

  pixel(x, y) {
    const { width, height, scale, x: cx, y: cy } = this.box;
    return [width / 2 + (x - cx) * scale, height / 2 - (y - cy) * scale];
  }

  place(px, py) {
    const { width, height, scale, x: cx, y: cy } = this.box;
    return [cx + (px - width / 2) / scale, cy - (py - height / 2) / scale];
  }

  clamp([x, y]) {
    const [px, py] = this.pixel(x, y);
    return this.place(Math.max(6, Math.min(this.box.width - 6, px)), Math.max(6, Math.min(this.box.height - 6, py)));
  }

  listen() {
    const at = (event) => {
      const box = this.moving.getBoundingClientRect();
      return this.clamp(this.place(event.clientX - box.left, event.clientY - box.top));
    };
    let held = false;
    this.moving.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      held = true;
      this.point(null);
      this.moving.setPointerCapture(event.pointerId);
      this.moving.focus({ preventScroll: true });
      event.preventDefault();
      this.onmove(...at(event), "down");
    });
    this.moving.addEventListener("pointermove", (event) => {
      if (held) this.onmove(...at(event), "move");
      else this.point(at(event));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.moving.addEventListener(end, (event) => {
        if (held) this.onmove(...at(event), "up");
        held = false;
      });
    }
    this.moving.addEventListener("pointerleave", () => this.point(null));
  }

  // Name the note under a resting pointer.
  point(place) {
    let found = null;
    if (place) {
      let least = (11 / this.box.scale) ** 2;
      for (let i = 0; i < this.flat.x.length; i++) {
        const gap = (this.flat.x[i] - place[0]) ** 2 + (this.flat.y[i] - place[1]) ** 2;
        if (gap < least) [least, found] = [gap, i];
      }
    }
    this.tip.hidden = found === null;
    if (found === null) return;
    const { notes, instruments } = this.space;
    const [px, py] = this.pixel(this.flat.x[found], this.flat.y[found]);
    this.tip.textContent = `${shortName(instruments[notes.instrument[found]].name)} ${pitchName(notes.midi[found])}`;
    this.tip.style.left = `${Math.max(4, Math.min(this.box.width - 130, px + 12))}px`;
    this.tip.style.top = `${Math.max(2, py - 26)}px`;
  }

  // --- what stays: ground, dots, names
  redraw() {
    if (!this.still.clientWidth) return;
    const { context, width, height } = dom.canvas2d(this.still);
    this.colours = theme.colours(this.root);
    this.fit();
    this.drawGround(context, width, height);
    this.drawGrid(context, width, height);
    this.drawNotes(context);
    this.drawNames(context, width, height);
    if (this.last) this.draw(this.last);
  }

  style(k) {
    return theme.instrumentStyle(this.space.instruments[k].name, this.colours.dark) ?? { colour: "#888888", marker: "o" };
  }

  drawGround(context, width, height) {
    const cell = 6;
    const [columns, rows] = [Math.ceil(width / cell), Math.ceil(height / cell)];
    const sums = new Float32Array(columns * rows * 4);
    const reach = Math.max(4, Math.round(width / cell / 14));
    const { notes, instruments } = this.space;
    const paint = instruments.map((_, k) => theme.parseColour(this.style(k).colour));
    for (let i = 0; i < notes.count; i++) {
      const [px, py] = this.pixel(this.flat.x[i], this.flat.y[i]);
      const [cx, cy] = [px / cell, py / cell];
      const [r, g, b] = paint[notes.instrument[i]];
      const share = 30 / instruments[notes.instrument[i]].count;
      for (let y = Math.max(0, Math.floor(cy - 2 * reach)); y < Math.min(rows, cy + 2 * reach); y++) {
        for (let x = Math.max(0, Math.floor(cx - 2 * reach)); x < Math.min(columns, cx + 2 * reach); x++) {
          const w = share * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.55 * reach * reach));
          const at = 4 * (y * columns + x);
          sums[at] += w * r;
          sums[at + 1] += w * g;
          sums[at + 2] += w * b;
          sums[at + 3] += w;
        }
      }
    }
    const ground = document.createElement("canvas");
    [ground.width, ground.height] = [columns, rows];
    const pen = ground.getContext("2d");
    const image = pen.createImageData(columns, rows);
    const strongest = this.colours.dark ? 120 : 92;
    for (let at = 0; at < sums.length; at += 4) {
      const w = sums[at + 3] || 1e-9;
      for (let c = 0; c < 3; c++) image.data[at + c] = sums[at + c] / w;
      image.data[at + 3] = strongest * (1 - Math.exp(-0.16 * w));
    }
    pen.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(ground, 0, 0, columns * cell, rows * cell);
  }

  drawGrid(context, width, height) {
    context.strokeStyle = this.colours.text;
    context.globalAlpha = 0.06;
    context.lineWidth = 1;
    context.beginPath();
    const [left, bottom] = this.place(0, height);
    const [right, top] = this.place(width, 0);
    for (let x = Math.ceil(left); x <= right; x++) {
      const [px] = this.pixel(x, 0);
      context.moveTo(Math.round(px) + 0.5, 0);
      context.lineTo(Math.round(px) + 0.5, height);
    }
    for (let y = Math.ceil(bottom); y <= top; y++) {
      const [, py] = this.pixel(0, y);
      context.moveTo(0, Math.round(py) + 0.5);
      context.lineTo(width, Math.round(py) + 0.5);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  drawNotes(context) {
    const { notes, instruments } = this.space;
    const radius = this.box.width < 420 ? 2.6 : 3.3;
    instruments.forEach((_, k) => {
      const { colour, marker } = this.style(k);
      context.beginPath();
      for (let i = 0; i < notes.count; i++) {
        if (notes.instrument[i] !== k) continue;
        markers.trace(context, marker, ...this.pixel(this.flat.x[i], this.flat.y[i]), radius);
      }
      context.globalAlpha = 0.82;
      context.fillStyle = colour;
      context.fill();
    });
    context.globalAlpha = 1;
  }

  // Names near the middle of their notes, moved apart until none covers another.
  drawNames(context, width, height) {
    const size = width < 420 ? 11 : 12.5;
    context.font = `600 ${size}px ${this.colours.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const { notes } = this.space;
    const boxes = this.space.instruments.map(({ name, mean }, k) => {
      const [x, y] = this.pixel(...this.flat.place(mean));
      const text = shortName(name);
      // Above most of its notes, so that it does not hide them.
      const tops = Array.from(this.flat.y).filter((_, i) => notes.instrument[i] === k).sort((a, b) => b - a);
      const top = Math.min(y - 16, Math.max(y - 60, this.pixel(0, tops[Math.floor(0.06 * tops.length)] ?? 0)[1] - 14));
      return { k, text, x, y: top, homeX: x, homeY: y, top, w: context.measureText(text).width + 24, h: size + 8 };
    });
    for (let round = 0; round < 160; round++) {
      for (const a of boxes) {
        a.x += 0.02 * (a.homeX - a.x);
        a.y += 0.02 * (a.top - a.y);
        for (const b of boxes) {
          if (a === b) continue;
          const [dx, dy] = [a.x - b.x || 0.1 * (a.k - b.k), a.y - b.y || 0.1 * (a.k - b.k)];
          const [ox, oy] = [(a.w + b.w) / 2 + 3 - Math.abs(dx), (a.h + b.h) / 2 + 2 - Math.abs(dy)];
          if (ox <= 0 || oy <= 0) continue;
          if (ox < oy) a.x += Math.sign(dx) * ox * 0.4;
          else a.y += Math.sign(dy) * oy * 0.4;
        }
        a.x = Math.max(a.w / 2 + 3, Math.min(width - a.w / 2 - 3, a.x));
        a.y = Math.max(a.h / 2 + 3, Math.min(height - a.h / 2 - 22, a.y));
      }
    }
    for (const { k, text, x, y, homeX, homeY, w, h } of boxes) {
      const { colour, marker } = this.style(k);
      if (Math.hypot(x - homeX, y - homeY) > 70) {
        context.globalAlpha = 0.55;
        context.strokeStyle = colour;
        context.lineWidth = 1;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(homeX, homeY);
        context.stroke();
      }
      context.globalAlpha = 0.84;
      context.fillStyle = this.colours.background;
      context.beginPath();
      context.roundRect(x - w / 2, y - h / 2, w, h, h / 2);
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = colour;
      context.beginPath();
      markers.trace(context, marker, x - w / 2 + 10, y, 3.6);
      context.fill();
      context.fillText(text, x + 7, y + 0.5);
    }
  }

  // --- what moves: { cursor: { x, y, amplitudes, colour, sounding, turn }, trail, path, lit, target, inviting }
  draw(scene) {
    this.last = scene;
    if (!this.box) return;
    const { context, width, height } = dom.canvas2d(this.moving);
    context.clearRect(0, 0, width, height);
    if (scene.path) this.drawPath(context, scene.path);
    if (scene.trail) this.drawTrail(context, scene.trail, scene.cursor?.colour);
    if (scene.lit) this.drawLit(context, scene.lit);
    for (const mark of scene.marks ?? []) this.drawMark(context, mark);
    if (scene.cursor) this.drawCursor(context, scene.cursor);
    if (scene.inviting && scene.cursor) this.drawInvitation(context, scene.cursor, scene.inviting);
  }

  drawPath(context, points) {
    context.lineJoin = context.lineCap = "round";
    for (const [style, line, alpha] of [[this.colours.background, 6, 0.8], [this.colours.text, 2, 0.9]]) {
      context.globalAlpha = alpha;
      context.strokeStyle = style;
      context.lineWidth = line;
      context.beginPath();
      points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](...this.pixel(x, y)));
      context.stroke();
    }
    const ends = [points[0], points[points.length - 1]].map(([x, y]) => this.pixel(x, y));
    ends.forEach(([x, y], i) => {
      context.beginPath();
      context.arc(x, y, i ? 5.5 : 4, 0, 2 * Math.PI);
      context.fillStyle = i ? this.colours.text : this.colours.background;
      context.fill();
      context.stroke();
    });
    context.globalAlpha = 1;
  }

  drawTrail(context, trail, colour) {
    context.lineCap = "round";
    for (let i = 1; i < trail.length; i++) {
      const part = i / trail.length;
      context.globalAlpha = 0.5 * part * part;
      context.lineWidth = 1 + 6 * part;
      context.strokeStyle = colour ?? this.colours.accent;
      context.beginPath();
      context.moveTo(...this.pixel(...trail[i - 1]));
      context.lineTo(...this.pixel(...trail[i]));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  drawLit(context, indices) {
    context.lineWidth = 1.5;
    context.strokeStyle = this.colours.text;
    context.beginPath();
    for (const i of indices) {
      const [x, y] = this.pixel(this.flat.x[i], this.flat.y[i]);
      context.moveTo(x + 6, y);
      context.arc(x, y, 6, 0, 2 * Math.PI);
    }
    context.stroke();
  }

  drawMark(context, { x, y, text }) {
    const [px, py] = this.pixel(x, y);
    context.font = `600 12px ${this.colours.font}`;
    context.textAlign = px > this.box.width - 90 ? "right" : "left";
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.strokeStyle = this.colours.background;
    context.fillStyle = this.colours.text;
    const shift = context.textAlign === "right" ? -12 : 12;
    context.strokeText(text, px + shift, py);
    context.fillText(text, px + shift, py);
    context.beginPath();
    context.arc(px, py, 5, 0, 2 * Math.PI);
    context.fill();
    context.strokeStyle = this.colours.background;
    context.lineWidth = 1.5;
    context.stroke();
  }

  // The cursor wears one period of its sound, bent into a ring.
  drawCursor(context, { x, y, amplitudes = null, phases = null, colour, sounding = false, turn = 0 }) {
    const [px, py] = this.pixel(x, y);
    const radius = this.box.width < 420 ? 22 : 27;
    const glow = context.createRadialGradient(px, py, 2, px, py, radius * 2.1);
    glow.addColorStop(0, withAlpha(colour, sounding ? 0.7 : 0.35));
    glow.addColorStop(1, withAlpha(colour, 0));
    context.fillStyle = glow;
    context.beginPath();
    context.arc(px, py, radius * 2.1, 0, 2 * Math.PI);
    context.fill();
    context.beginPath();
    const points = 240;
    let largest = 1e-9;
    const shape = Float64Array.from({ length: points }, (_, i) => {
      let value = 0;
      amplitudes?.forEach((a, k) => (value += a * Math.cos(((k + 1) * 2 * Math.PI * i) / points + (phases?.[k] ?? 0))));
      largest = Math.max(largest, Math.abs(value));
      return value;
    });
    for (let i = 0; i <= points; i++) {
      const r = radius + ((amplitudes ? 0.36 : 0) * radius * shape[i % points]) / largest;
      const angle = turn + (2 * Math.PI * i) / points;
      context[i ? "lineTo" : "moveTo"](px + r * Math.sin(angle), py - r * Math.cos(angle));
    }
    context.closePath();
    context.lineWidth = 5;
    context.strokeStyle = withAlpha(this.colours.background, 0.85);
    context.stroke();
    context.lineWidth = 2.2;
    context.strokeStyle = this.colours.text;
    context.stroke();
    context.beginPath();
    context.arc(px, py, 4, 0, 2 * Math.PI);
    context.fillStyle = this.colours.text;
    context.fill();
  }

  drawInvitation(context, { x, y }, text) {
    const [px, py] = this.pixel(x, y);
    context.font = `650 14px ${this.colours.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const w = context.measureText(text).width + 26;
    const cx = Math.max(w / 2 + 6, Math.min(this.box.width - w / 2 - 6, px));
    const cy = py + 58 > this.box.height - 20 ? py - 58 : py + 58;
    context.fillStyle = this.colours.text;
    context.beginPath();
    context.roundRect(cx - w / 2, cy - 16, w, 32, 16);
    context.fill();
    context.fillStyle = this.colours.background;
    context.fillText(text, cx, cy + 0.5);
  }
}

function withAlpha(colour, alpha) {
  const [r, g, b] = Array.isArray(colour) ? colour : theme.parseColour(colour);
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}
