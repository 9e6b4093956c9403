import * as dom from "../shared/dom.js";
import * as markers from "../shared/markers.js";
import * as spacemap from "../shared/spacemap.js";
import * as theme from "../shared/theme.js";

function render({ model, el }) {
  dom.root(el, model, "live");
  // A page without a kernel cannot train: what would start a run is hidden, and what is shown is called a recording.
  const isStatic = !model.comm_live && !model.comm?.kernel && !globalThis.jupyterapp && !document.querySelector(".jp-LabShell, .jp-NotebookShell");
  el.dataset.static = String(isStatic);
  const badge = dom.h("span", { class: "live-badge" });
  const numbers = dom.h("output", { class: "live-numbers", "aria-live": "off" });
  const canvas = dom.h("canvas", { class: "live-canvas", role: "img", "aria-label": model.get("alt") });
  let frames = [];
  let positions = new Int16Array();
  let index = 0;
  let following = true;
  let playing = 0;

  const play = dom.button("play", "Play", () => (playing ? pause() : start()), { iconName: "play" });
  const scrub = dom.slider("frame", "Step", { min: 0, max: 1, step: 1, value: 0, format: (i) => `${frames[i]?.step ?? 0}`, oninput: (i) => {
    pause();
    following = i === frames.length - 1;
    show(i);
  } });
  el.append(dom.h("div", { class: "live-head" }, badge, numbers), canvas, dom.h("div", { class: "live-scrub" }, play, scrub.block),
    dom.h("p", { class: "timbre-try" }, "watch the strings and the reeds: at which step do they part? Rings are where listeners' ratings alone would put the instruments."));

  function start() {
    if (index >= frames.length - 1) index = 0;
    play.replaceChildren(dom.icon("pause"), "Pause");
    playing = setInterval(() => {
      if (index >= frames.length - 1) pause();
      else show(index + 1);
    }, dom.reducedMotion() ? 400 : 110);
  }
  function pause() {
    clearInterval(playing);
    playing = 0;
    play.replaceChildren(dom.icon("play"), "Play");
  }

  function receive() {
    frames = model.get("frames");
    const data = model.get("positions");
    const bytes = data.buffer ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : new ArrayBuffer(0);
    positions = new Int16Array(bytes);
    scrub.input.max = Math.max(0, frames.length - 1);
    const recorded = model.get("recorded");
    const running = model.get("running");
    el.dataset.state = recorded ? "recorded" : running ? "live" : "stopped";
    badge.textContent = recorded ? `A recording: ${recorded}` : running ? "Training now" : frames.length ? "Stopped" : "Nothing trained yet";
    if (following || index >= frames.length) show(frames.length - 1);
    else draw();
  }

  function show(i) {
    index = Math.max(0, Math.min(frames.length - 1, i));
    scrub.set(index);
    const frame = frames[index];
    if (frame) {
      const parts = [["step", frame.step], ["seconds", frame.seconds.toFixed(1)], ["reconstruction", frame.reconstruction === null ? "–" : `${frame.reconstruction.toFixed(1)} nats`], ["agreement (training notes)", frame.agreement.toFixed(2)]];
      numbers.replaceChildren(...parts.map(([name, value]) => dom.h("div", {}, dom.h("span", {}, `${name} `), String(value))));
    }
    draw();
  }

  function draw() {
    if (!canvas.clientWidth) return;
    const { context, width, height } = dom.canvas2d(canvas);
    const colours = theme.colours(el);
    const instruments = model.get("instruments");
    const n = instruments.length;
    context.clearRect(0, 0, width, height);
    if (!frames.length || positions.length < (index + 1) * n * 2) return;
    const here = positions.subarray(index * n * 2, (index + 1) * n * 2);
    const last = positions.subarray((frames.length - 1) * n * 2);
    // One scale for all frames, that of the last, so that growing is seen as growing.
    let reach = 0.4;
    for (const set of [last, here]) for (const x of set) reach = Math.max(reach, Math.abs(x) / 1000);
    const scale = Math.min((width - 90) / 2.1, (height - 50) / 2) / reach;
    const pixel = (x, y) => [width / 2 + x * scale, height / 2 - y * scale];
    const names = [...new Set(instruments)];
    const styles = names.map((name) => theme.instrumentStyle(name, colours.dark) ?? { colour: colours.text, marker: "o" });
    const targets = model.get("targets");
    const means = names.map(() => [0, 0, 0]);
    instruments.forEach((name, i) => {
      const mean = means[names.indexOf(name)];
      mean[0] += here[2 * i] / 1000;
      mean[1] += here[2 * i + 1] / 1000;
      mean[2] += 1;
    });
    names.forEach((name, k) => {
      const { colour, marker } = styles[k];
      context.fillStyle = context.strokeStyle = colour;
      context.globalAlpha = 0.75;
      context.beginPath();
      instruments.forEach((own, i) => own === name && markers.trace(context, marker, ...pixel(here[2 * i] / 1000, here[2 * i + 1] / 1000), 3.2));
      context.fill();
      const [mx, my] = pixel(means[k][0] / means[k][2], means[k][1] / means[k][2]);
      if (targets[k]) {
        const [tx, ty] = pixel(...targets[k]);
        context.globalAlpha = 0.45;
        context.lineWidth = 1.2;
        context.beginPath();
        context.moveTo(mx, my);
        context.lineTo(tx, ty);
        context.stroke();
        context.globalAlpha = 0.9;
        context.lineWidth = 2;
        context.beginPath();
        context.arc(tx, ty, 7, 0, 2 * Math.PI);
        context.stroke();
      }
    });
    context.globalAlpha = 1;
    context.font = `600 ${width < 420 ? 10.5 : 12}px ${colours.font}`;
    context.textBaseline = "middle";
    names.forEach((name, k) => {
      const [mx, my] = pixel(means[k][0] / means[k][2], means[k][1] / means[k][2]);
      context.textAlign = mx > width - 90 ? "right" : "left";
      const shift = mx > width - 90 ? -9 : 9;
      context.lineWidth = 3.5;
      context.strokeStyle = colours.background;
      context.strokeText(spacemap.shortName(name), mx + shift, my);
      context.fillStyle = styles[k].colour;
      context.fillText(spacemap.shortName(name), mx + shift, my);
    });
    el.__timbre.frame = index;
    el.__timbre.positions = Array.from(here);
  }

  const listen = () => receive();
  for (const name of ["frames", "positions", "recorded", "running", "targets"]) model.on(`change:${name}`, listen);
  receive();
  const stops = [dom.onResize(canvas, draw), theme.onThemeChange(draw)];
  return () => {
    pause();
    stops.forEach((stop) => stop());
    for (const name of ["frames", "positions", "recorded", "running", "targets"]) model.off(`change:${name}`, listen);
  };
}

export default { render };
