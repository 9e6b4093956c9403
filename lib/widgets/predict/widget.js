import * as dom from "../shared/dom.js";
import * as store from "../shared/store.js";

const STORE = "predictions";
const CHANGED = "timbre-predictions";

// --- what counts

export function isRight(given, { numeric, answer, target, tolerance, logarithmic }) {
  if (!numeric) return given === answer;
  if (logarithmic) return Math.abs(Math.log(given / target)) <= Math.log(tolerance) + 1e-9;
  return Math.abs(given - target) <= tolerance + 1e-9;
}

// Three significant digits, and no more than the number has.
export function formatNumber(value, unit = "") {
  const digits = String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))).replace("-", "−");
  return unit === "%" ? `${digits} %` : `${digits}${unit ? ` ${unit}` : ""}`;
}

export function score(kept) {
  const all = Object.values(kept);
  return { right: all.filter((entry) => entry.right).length, of: all.length };
}

export function exportRows(kept) {
  const rows = Object.entries(kept).map(([key, e]) => [key, e.page, e.question, e.given, e.answer, e.right ? 1 : 0, e.when]);
  return [["key", "page", "question", "predicted", "answer", "right", "time"], ...rows];
}

// *emphasis*, **bold** and `code` as elements; everything else as text.
function inline(text) {
  return text
    .split(/(\*\*[^*]+\*\*|\*[^*\s][^*]*\*|`[^`]+`)/)
    .filter(Boolean)
    .map((part) => {
      if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) return dom.h("strong", {}, part.slice(2, -2));
      if (part.length > 2 && part.startsWith("*") && part.endsWith("*")) return dom.h("em", {}, part.slice(1, -1));
      if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return dom.h("code", {}, part.slice(1, -1));
      return part;
    });
}

function drawing(paths) {
  const svg = dom.icon("stop");
  svg.innerHTML = paths;
  return svg;
}
const LOCK = '<path d="M7 10V7.5a5 5 0 0 1 10 0V10h1.2c.7 0 1.3.6 1.3 1.3v8.4c0 .7-.6 1.3-1.3 1.3H5.8c-.7 0-1.3-.6-1.3-1.3v-8.4c0-.7.6-1.3 1.3-1.3zm2.1 0h5.8V7.5a2.9 2.9 0 0 0-5.8 0z"/>';
const TICK = '<path d="M9.6 18.2 3.9 12.4l1.7-1.7 4 4.1L18.4 6l1.7 1.7z"/>';
const CROSS = '<path d="m6.4 4.9 5.6 5.6 5.6-5.6 1.5 1.5-5.6 5.6 5.6 5.6-1.5 1.5-5.6-5.6-5.6 5.6-1.5-1.5 5.6-5.6-5.6-5.6z"/>';

async function child(model, trait) {
  const reference = model.get(trait);
  if (!reference) return null;
  const manager = model.widget_manager;
  const inner = typeof reference === "string" ? await manager.get_model(reference.replace("IPY_MODEL_", "")) : reference;
  return manager.create_view(inner);
}

async function render({ model, el }) {
  dom.root(el, model, "predict");
  const options = model.get("options");
  const numeric = options.length === 0;
  const low = model.get("low");
  const high = model.get("high");
  const logarithmic = model.get("logarithmic");
  const unit = model.get("unit");
  const key = model.get("key");
  const rule = { numeric, answer: model.get("answer"), target: model.get("target"), tolerance: model.get("tolerance"), logarithmic };
  const say = dom.announcer(el);
  const views = [];
  let given = null;
  let committed = false;

  // --- elements
  const tag = dom.h("span", { class: "predict-tag" }, "Predict");
  const question = dom.h("p", { class: "predict-question" }, tag, ...inline(model.get("question")));
  el.append(question);
  const before = dom.h("div", { class: "predict-before" });
  el.append(before);
  const form = dom.h("form", { class: "predict-form" });
  const commit = dom.h("button", { type: "submit", class: "timbre-primary", "data-control": "commit", disabled: true }, drawing(LOCK), "Commit");
  const name = dom.uniqueId("predict");
  const choices = options.map((text, index) => {
    const input = dom.h("input", { type: "radio", name, value: index, "data-control": `option-${index + 1}` });
    input.addEventListener("change", () => choose(index));
    const mark = dom.h("span", { class: "predict-mark" });
    return { input, mark, label: dom.h("label", { class: "predict-option" }, input, dom.h("span", {}, ...inline(text)), mark) };
  });
  // The slider counts steps; a step is a difference, or on a logarithmic slider a ratio.
  const steps = logarithmic ? 200 : Math.max(1, Math.round((high - low) / (model.get("step") || 1)));
  const middle = Math.round(steps / 2);
  const valueAt = (at) => (logarithmic ? low * (high / low) ** (at / steps) : low + ((high - low) * at) / steps);
  const fractionOf = (value) => (logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const scale = dom.h("div", { class: "predict-scale", "aria-hidden": "true" });
  let slider = null;
  if (numeric) {
    const format = (at) => formatNumber(valueAt(at), unit);
    slider = dom.slider("number", "Your prediction", { min: 0, max: steps, step: 1, value: middle, format, oninput: (at) => choose(valueAt(at)) });
    const ends = [low, high].map((value) => dom.h("span", {}, formatNumber(value, unit)));
    slider.input.after(scale, dom.h("div", { class: "predict-ends", "aria-hidden": "true" }, ...ends));
    form.append(slider.block);
  } else {
    form.append(dom.h("fieldset", {}, dom.h("legend", { class: "timbre-hidden" }, "Your prediction"), ...choices.map((c) => c.label)));
  }
  const hint = dom.h("span", { class: "timbre-note" }, numeric ? "Move the slider, then commit. No second try." : "Choose, then commit. No second try.");
  const bottom = dom.h("div", { class: "predict-bottom" }, commit, hint);
  form.append(bottom);
  const verdict = dom.h("p", { class: "predict-verdict" });
  const explanation = dom.h("p", { class: "predict-explanation" }, ...inline(model.get("explanation")));
  const then = dom.h("div", { class: "predict-then" });
  const tally = dom.h("span", { "data-role": "score" });
  const foot = dom.h(
    "div",
    { class: "predict-foot" },
    tally,
    dom.h("span", { class: "predict-links" },
      dom.button("export", "Export", () => store.download("timbre-predictions.csv", store.toCsv(exportRows(store.read(STORE, {})))), { title: "Keep all your predictions as a CSV file" }),
      dom.button("reset", "Ask me again", reset, { title: "Forget this answer and ask again" }),
    ),
  );
  const revealed = dom.h("div", { class: "predict-revealed" }, verdict, explanation, then, foot);
  revealed.hidden = true;
  el.append(form, revealed);

  // --- what happens
  function choose(value) {
    if (committed) return;
    given = value;
    commit.disabled = false;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (committed || given === null) return;
    const kept = store.read(STORE, {});
    kept[key] = {
      page: document.title,
      question: model.get("question"),
      given: numeric ? Number(given.toPrecision(6)) : options[given],
      answer: numeric ? rule.target : options[rule.answer],
      right: isRight(given, rule),
      when: new Date().toISOString(),
    };
    store.write(STORE, kept);
    show(true);
    dispatchEvent(new CustomEvent(CHANGED));
  });

  function reset() {
    const kept = store.read(STORE, {});
    delete kept[key];
    store.write(STORE, kept);
    given = null;
    committed = false;
    revealed.hidden = true;
    while (views.length > (model.get("before") ? 1 : 0)) views.pop().remove();
    then.replaceChildren();
    form.classList.remove("predict-committed");
    bottom.hidden = false;
    commit.disabled = true;
    choices.forEach(({ input, label, mark }) => {
      input.disabled = false;
      input.checked = false;
      label.className = "predict-option";
      mark.replaceChildren();
    });
    if (slider) {
      slider.input.disabled = false;
      slider.set(middle);
      scale.replaceChildren();
    }
    dispatchEvent(new CustomEvent(CHANGED));
    (choices[0]?.input ?? slider.input).focus();
  }

  async function show(fresh) {
    const right = isRight(given, rule);
    committed = true;
    form.classList.add("predict-committed");
    bottom.hidden = true;
    choices.forEach(({ input, label, mark }, index) => {
      input.disabled = true;
      input.checked = index === given;
      if (index === rule.answer) label.classList.add("predict-right");
      else if (index === given) label.classList.add("predict-wrong");
      mark.replaceChildren(...(index === rule.answer ? [drawing(TICK)] : index === given ? [drawing(CROSS)] : []));
    });
    if (slider) showOnScale();
    const said = numeric ? formatNumber(given, unit) : options[given];
    const is = numeric ? formatNumber(rule.target, unit) : options[rule.answer];
    const lead = numeric && right && said !== is ? "close enough" : "right";
    verdict.replaceChildren(
      ...(right && lead === "right"
        ? ["You said ", dom.h("strong", {}, ...inline(said)), ", and so it is."]
        : ["You said ", dom.h("strong", {}, ...inline(said)), "; it is ", dom.h("strong", {}, ...inline(is)), right ? ": close enough." : "."]),
    );
    verdict.classList.toggle("predict-yes", right);
    revealed.hidden = false;
    update();
    if (fresh) say(verdict.textContent);
    const view = await child(model, "then");
    if (view && committed && !then.childElementCount) {
      views.push(view);
      then.append(view.el);
    }
  }

  function showOnScale() {
    slider.input.disabled = true;
    slider.set(Math.round(fractionOf(given) * steps));
    const left = `left: calc(8px + (100% - 16px) * ${fractionOf(rule.target).toFixed(4)})`; // the thumb is 16 px wide
    scale.replaceChildren(dom.h("span", { class: "predict-pin", style: left }));
  }

  function update() {
    const { right, of } = score(store.read(STORE, {}));
    tally.textContent = `Your predictions in this book: ${right} of ${of} right`;
  }
  addEventListener(CHANGED, update);

  child(model, "before").then((view) => {
    if (!view) return;
    views.unshift(view);
    before.append(view.el);
  });
  const earlier = store.read(STORE, {})[key];
  if (earlier) {
    given = numeric ? Number(earlier.given) : options.indexOf(earlier.given);
    if (numeric ? Number.isFinite(given) : given >= 0) show(false);
    else given = null;
  }
  return () => {
    removeEventListener(CHANGED, update);
    views.forEach((view) => view.remove());
  };
}

export default { render };
