// The network as a picture: blocks of cells, one cell a unit, and bands between the blocks as thick as what is left.

import * as theme from "../shared/theme.js";

const COLUMN = { f1: 0, f2: 1, f3: 2, l1: 0, l2: 1, l3: 2, h: 3, o1: 4, o2: 5, o3: 6 };
const BANDS = [["f1", "f2"], ["f2", "f3"], ["f3", "h"], ["l1", "l2"], ["l2", "l3"], ["l3", "h"], ["h", "o1"], ["o1", "o2"], ["o2", "o3"]];
const HEAD = 40;
const FOOT = 18;

// Where every unit is: { blocks: { group: { x, y, width, height } }, cells: [{ group, unit, x, y }], cell, height }.
export function place(widths, width) {
  const most = Math.max(...Object.values(widths));
  const wide = width > 520;
  const across = Math.max(1, Math.ceil(most / (wide ? 11 : 16)));
  const pitch = (width - (wide ? 52 : 32)) / 7;
  const cell = Math.max(5, Math.min(wide ? 18 : 16, Math.floor((pitch - (wide ? 26 : 11)) / across)));
  const rows = Math.ceil(most / across);
  const tall = rows * cell;
  const height = 2 * tall + 2 * HEAD + 2 * FOOT;
  const blocks = {};
  const cells = [];
  for (const [group, n] of Object.entries(widths)) {
    const ownRows = Math.ceil(n / across);
    const top = group.startsWith("f") ? HEAD : group.startsWith("l") ? 2 * HEAD + FOOT + tall : (height - tall) / 2;
    const x = COLUMN[group] * pitch + 4;
    const y = top + ((rows - ownRows) * cell) / 2;
    blocks[group] = { x, y, width: across * cell, height: ownRows * cell };
    for (let unit = 0; unit < n; unit++) {
      cells.push({ group, unit, x: x + Math.floor(unit / ownRows) * cell, y: y + (unit % ownRows) * cell });
    }
  }
  return { blocks, cells, cell, height, pitch, outputs: { x: 7 * pitch + 4, y: (height - tall) / 2, height: tall, width: wide ? 26 : 18 } };
}

export function cellAt({ cells, cell }, x, y) {
  return cells.find((one) => x >= one.x && x < one.x + cell && y >= one.y && y < one.y + cell) ?? null;
}

// The group whose head or block is at a point.
export function headAt({ blocks }, x, y) {
  return Object.keys(blocks).find((group) => {
    const b = blocks[group];
    return x > b.x - 6 && x < b.x + b.width + 6 && y > b.y - 22 && y < b.y;
  }) ?? null;
}

// The next cell in a direction: near, and more ahead than beside.
export function neighbour({ cells }, from, dx, dy) {
  let [best, found] = [Infinity, from];
  for (const one of cells) {
    const ahead = (one.x - from.x) * dx + (one.y - from.y) * dy;
    const beside = Math.abs((one.x - from.x) * dy) + Math.abs((one.y - from.y) * dx);
    if (ahead > 0.5 && ahead + 3 * beside < best) [best, found] = [ahead + 3 * beside, one];
  }
  return found;
}

// value(group, unit): 0 to 1, how dark a unit is; gone(group, unit); tied: groups that the active unit reaches.
export function draw(context, width, plan, { el, widths, normed, value, gone, active, focused, tied, config, narrow }) {
  const colours = theme.colours(el);
  const { blocks, cells, cell, height, outputs } = plan;
  context.clearRect(0, 0, width, height);
  const left = (group) => cells.filter((one) => one.group === group && !gone(one.group, one.unit)).length;
  const kept = Object.fromEntries(Object.keys(widths).map((group) => [group, left(group)]));

  context.fillStyle = colours.accent;
  const band = (a, shareA, b, shareB, reached) => {
    context.globalAlpha = reached ? 0.32 : 0.12;
    const [ya, yb] = [a.y + a.height / 2, b.y + b.height / 2];
    context.beginPath();
    context.moveTo(a.x + a.width + 2, ya - (a.height / 2) * shareA);
    context.lineTo(b.x - 2, yb - (b.height / 2) * shareB);
    context.lineTo(b.x - 2, yb + (b.height / 2) * shareB);
    context.lineTo(a.x + a.width + 2, ya + (a.height / 2) * shareA);
    context.fill();
  };
  for (const [from, to] of BANDS) band(blocks[from], kept[from] / widths[from], blocks[to], kept[to] / widths[to], [from, to].includes(active.group));
  band(blocks.o3, kept.o3 / widths.o3, outputs, 1, active.group === "o3");
  context.globalAlpha = 1;

  // What is fixed: the answers to the synthesiser.
  const sizes = [["1", 1], [`${config.n_partials}`, config.n_partials], [`${config.n_bands}`, config.n_bands]];
  const total = sizes.reduce((sum, [, n]) => sum + n, 0);
  context.font = `11px ${colours.font}`;
  context.textBaseline = "alphabetic";
  let y = outputs.y;
  for (const [, n] of sizes) {
    const tall = Math.max(2, ((outputs.height - 8) * n) / total);
    context.fillStyle = colours.muted;
    context.globalAlpha = 0.45;
    context.fillRect(outputs.x, y, outputs.width, tall);
    context.globalAlpha = 1;
    y += tall + 4;
  }
  context.fillStyle = colours.muted;
  context.textAlign = "center";
  const middle = outputs.x + outputs.width / 2;
  context.fillText(narrow ? "out" : "outputs", middle, outputs.y - 8);
  context.fillText(`${total}`, middle, outputs.y + outputs.height + 14);

  const titles = [["f1", narrow ? "pitch →" : "hears pitch →"], ["l1", narrow ? "loudness →" : "hears loudness →"]];
  context.textAlign = "left";
  for (const [group, text] of titles) context.fillText(text, blocks[group].x, blocks[group].y - 25);
  context.textAlign = "center";
  context.fillText(narrow ? "+ z" : `+ code z (${config.latent_dims})`, blocks.h.x + blocks.h.width / 2, blocks.h.y - 25);

  for (const [group, block] of Object.entries(blocks)) {
    const reached = tied.has(group);
    context.fillStyle = reached ? colours.text : colours.muted;
    context.textAlign = "center";
    context.font = `${reached ? 600 : 400} 11.5px ${colours.font}`;
    context.fillText(group === "h" ? (narrow ? "h" : "h · GRU") : group, block.x + block.width / 2, block.y - 8);
    context.font = `11px ${colours.font}`;
    context.fillStyle = colours.muted;
    context.fillText(kept[group] === widths[group] ? `${kept[group]}` : `${kept[group]}/${widths[group]}`, block.x + block.width / 2, block.y + block.height + 14);
    if (normed.has(group)) {
      context.strokeStyle = colours.muted;
      context.globalAlpha = 0.6;
      context.lineWidth = 1;
      context.beginPath();
      context.roundRect(block.x - 3.5, block.y - 3.5, block.width + 6, block.height + 6, 4);
      context.stroke();
      context.globalAlpha = 1;
    }
  }

  const size = cell - (cell > 9 ? 2 : 1);
  for (const { group, unit, x, y: top } of cells) {
    const isActive = active && active.group === group && active.unit === unit;
    if (gone(group, unit)) {
      context.strokeStyle = colours.muted;
      context.globalAlpha = 0.55;
      context.lineWidth = 1;
      context.setLineDash([2, 2]);
      context.strokeRect(x + 1, top + 1, size - 1.5, size - 1.5);
      context.setLineDash([]);
    } else {
      context.fillStyle = colours.accent;
      context.globalAlpha = 0.22 + 0.78 * value(group, unit);
      context.beginPath();
      context.roundRect(x, top, size, size, 2);
      context.fill();
    }
    context.globalAlpha = 1;
    if (isActive) {
      context.strokeStyle = colours.text;
      context.lineWidth = focused ? 3 : 2;
      context.strokeRect(x - 1.5, top - 1.5, size + 3, size + 3);
    }
  }
}

// One tensor as an image: dark where weights are strong, coloured where the unit's numbers are, empty where units are gone.
export function tensor(canvas, { shape, data }, { rows, columns }, kept, el) {
  const [height, width] = [shape[0], shape[1] ?? 1];
  const colours = theme.colours(el);
  const [back, text, accent] = [colours.background, colours.text, colours.accent].map(theme.parseColour);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const strongest = Math.max(1e-9, ...data.map(Math.abs));
  const [inRow, inColumn] = [new Set(rows), new Set(columns)];
  const [keptRow, keptColumn] = kept;
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++, at++) {
      const part = Math.sqrt(Math.abs(data[at]) / strongest);
      const mine = inRow.has(i) || inColumn.has(j);
      const there = keptRow.has(i) && (shape.length < 2 || keptColumn.has(j));
      const strength = there || mine ? (mine ? 0.45 + 0.55 * part : 0.06 + 0.5 * part) : 0;
      const ink = mine ? accent : text;
      for (let c = 0; c < 3; c++) image.data[4 * at + c] = back[c] + (ink[c] - back[c]) * strength;
      image.data[4 * at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}
