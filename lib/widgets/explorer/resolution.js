// How finely each transform sees: window length and bandwidth against frequency, and the tiles they make.

import * as dom from "../shared/dom.js";
import * as theme from "../shared/theme.js";
import * as transforms from "../shared/transforms.js";

const LOW_HZ = 64;
const HIGH_HZ = 8000;
const TILE_BANDS = 16;
const TILE_SPAN_S = 0.25;
const MARGIN = { left: 34, right: 8, top: 8, bottom: 20 };

// A line for each transform, the chosen one in colour: value(transform, hz) from `low` to `high` on a log axis.
export function lines(canvas, el, chosen, sampleRate, { value, low, high, ticks }) {
  const pen = begin(canvas, el);
  const { context, box, colours } = pen;
  const x = (hz) => box.x + (box.width * Math.log(hz / LOW_HZ)) / Math.log(HIGH_HZ / LOW_HZ);
  const y = (v) => box.y + box.height * (1 - Math.log(v / low) / Math.log(high / low));
  context.textAlign = "right";
  for (const tick of ticks) {
    grid(pen, box.x, y(tick), box.x + box.width, y(tick));
    context.fillText(tick, box.x - 5, y(tick));
  }
  frequencyTicks(pen, x);
  const draw = (name, colour, width) => {
    const transform = transforms.make(name, sampleRate, 2205);
    context.beginPath();
    for (let i = 0; i <= 60; i++) {
      const hz = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (i / 60);
      context.lineTo(x(hz), y(value(transform, hz)));
    }
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  };
  context.save();
  context.globalAlpha = 0.4;
  for (const name of Object.keys(transforms.NAMES)) if (name !== chosen) draw(name, colours.muted, 1.25);
  context.restore();
  draw(chosen, colours.accent, 2.5);
}

// The plane of time and frequency cut into tiles, each one window long and 16 bandwidths high.
export function tiles(canvas, el, chosen, sampleRate) {
  const pen = begin(canvas, el);
  const { context, box, colours } = pen;
  const transform = transforms.make(chosen, sampleRate, 2205);
  const y = (hz) => box.y + box.height * (1 - Math.log(hz / LOW_HZ) / Math.log(HIGH_HZ / LOW_HZ));
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
  let row = 0;
  for (let hz = LOW_HZ; hz < HIGH_HZ; row++) {
    const top = hz + TILE_BANDS * transform.bandwidthHz(hz);
    const wide = (box.width * transform.windowS(Math.sqrt(hz * top))) / TILE_SPAN_S;
    for (let column = 0; column * wide < box.width; column++) {
      context.globalAlpha = (row + column) % 2 ? 0.18 : 0.5;
      context.fillStyle = colours.accent;
      context.fillRect(box.x + column * wide, y(top), wide, y(hz) - y(top));
    }
    hz = top;
  }
  context.restore();
  context.textAlign = "right";
  for (const hz of [100, 500, 2000, 8000]) context.fillText(hz < 1000 ? hz : `${hz / 1000}k`, box.x - 5, y(hz));
  context.textAlign = "left";
  context.fillText("Hz", 4, box.y + box.height + 11);
  context.textAlign = "center";
  for (const ms of [0, 100, 200]) context.fillText(ms === 200 ? "200 ms" : ms, box.x + (box.width * ms) / 1000 / TILE_SPAN_S, box.y + box.height + 11);
}

function begin(canvas, el) {
  const colours = theme.colours(el);
  const { context, width, height } = dom.canvas2d(canvas);
  const box = { x: MARGIN.left, y: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  context.clearRect(0, 0, width, height);
  context.font = `11px ${colours.font}`;
  context.fillStyle = colours.muted;
  context.textBaseline = "middle";
  return { context, box, colours };
}

function frequencyTicks(pen, x) {
  const { context, box } = pen;
  context.textAlign = "center";
  for (const [hz, text] of [[100, "100"], [500, "500"], [2000, "2k"], [8000, "8k"]]) {
    context.fillText(text, Math.min(x(hz), box.x + box.width - 8), box.y + box.height + 11);
  }
  context.textAlign = "left";
  context.fillText("Hz", 4, box.y + box.height + 11);
}

function grid({ context, colours }, x1, y1, x2, y2) {
  context.strokeStyle = colours.border;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
