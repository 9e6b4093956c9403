// Pictures of levels over time and frequency, with axes in Hz and octaves of C.

import * as dom from "./dom.js";
import * as theme from "./theme.js";

export const MARGIN = { left: 40, right: 30, top: 6, bottom: 20 };
const TICKS_HZ = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

// Draw { db [rows * columns, lowest row first], rows, columns, duration } on a canvas, `range` dB from its maximum
// down. `y(hz)` maps a frequency to 0 (bottom) ... 1 (top); by default logarithmic from fMin to fMax. Returns the
// rectangle of the picture inside the canvas, in CSS pixels.
export function draw(canvas, picture, { el, range = 70, ticksHz = TICKS_HZ, y = null, landmarks = true, margin = MARGIN } = {}) {
  const colours = theme.colours(el);
  const { context, width, height } = dom.canvas2d(canvas);
  const box = { x: margin.left, y: margin.top, width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(paint(picture, range, theme.colourMap(colours.background, colours.dark)), box.x, box.y, box.width, box.height);
  const place = y ?? logarithmic(picture.fMin, picture.fMax);
  axes(context, box, colours, { place, ticksHz, landmarks, duration: picture.duration });
  return box;
}

// Where along the picture's time axis a pointer event is, from 0 to 1.
export function fractionAt(canvas, event, margin = MARGIN) {
  const x = event.clientX - canvas.getBoundingClientRect().left - margin.left;
  return x / (canvas.clientWidth - margin.left - margin.right);
}

export function logarithmic(fMin, fMax) {
  return (hz) => Math.log(hz / fMin) / Math.log(fMax / fMin);
}

// "440 Hz", "1.2 kHz"
export function formatHz(hz) {
  return hz >= 1000 ? `${Number((hz / 1000).toFixed(hz < 10000 ? 2 : 1))} kHz` : `${Math.round(hz)} Hz`;
}

function paint({ db, rows, columns }, range, table) {
  const image = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const level = Math.max(0, Math.min(1, 1 + db[row * columns + column] / range));
      const colour = 3 * Math.round(255 * level);
      const at = 4 * ((rows - 1 - row) * columns + column);
      image.data[at] = table[colour];
      image.data[at + 1] = table[colour + 1];
      image.data[at + 2] = table[colour + 2];
      image.data[at + 3] = 255;
    }
  }
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function axes(context, box, colours, { place, ticksHz, landmarks, duration }) {
  context.font = `11px ${colours.font}`;
  context.strokeStyle = colours.border;
  context.lineWidth = 1;
  context.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
  context.textBaseline = "middle";
  context.fillStyle = colours.muted;
  context.textAlign = "right";
  const row = (hz) => box.y + box.height * (1 - place(hz));
  const inside = (hz) => place(hz) >= 0.015 && place(hz) <= 0.985;
  let last = Infinity;
  for (const hz of ticksHz.filter(inside)) {
    if (last - row(hz) < 13) continue;
    last = row(hz);
    context.fillText(hz >= 1000 ? `${hz / 1000}k` : `${hz}`, box.x - 6, row(hz));
    line(context, box.x - 4, row(hz), box.x, row(hz));
  }
  context.save();
  context.textAlign = "left";
  context.fillText("Hz", 2, box.y + box.height + 10);
  if (landmarks) {
    last = Infinity;
    for (let octave = 1; octave <= 9; octave++) {
      const hz = 440 * 2 ** (octave - 4 - 9 / 12);
      if (!inside(hz) || last - row(hz) < 13) continue;
      last = row(hz);
      context.fillText(`C${octave}`, box.x + box.width + 7, row(hz));
      line(context, box.x + box.width, row(hz), box.x + box.width + 4, row(hz));
    }
  }
  context.restore();
  context.textAlign = "center";
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60].find((s) => (box.width * s) / duration > 52) ?? 60;
  const digits = step < 1 ? 1 : 0;
  for (let t = 0; t <= duration + 1e-9; t += step) {
    const x = box.x + (box.width * t) / duration;
    line(context, x, box.y + box.height, x, box.y + box.height + 4);
    const unit = t + step > duration + 1e-9 ? " s" : "";
    context.fillText(`${t.toFixed(digits)}${unit}`, Math.min(x, box.x + box.width - 4), box.y + box.height + 11);
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
