"""Trim it by hand: the page cuts, counts, ranks and measures as the library does."""

from __future__ import annotations

import base64
from pathlib import Path

import node as nodes
import numpy as np
import page as pages
import pytest
import torch

from lib.errors import BookError
from lib.models import make
from lib.models.losses import multi_scale_spectral
from lib.pruning.cost import int8_bytes
from lib.pruning.criteria import magnitude
from lib.pruning.groups import trim, zero
from lib.pruning.scope import select
from lib.widgets.base import bundle
from lib.widgets.ddsp import decoder_data, decoder_parameters, decoder_state
from lib.widgets.trimmer import page_layout, trimmer, trimmer_from_run

ROOT = '[data-widget="trimmer"]'
STATE = f"document.querySelector('{ROOT}').__timbre"
LEVEL = "globalThis.__timbre.rms()"
RUN = "ddsp-trim-local-information-rewind-s0"


def small():
    """A network of uneven widths, so that no two axes can be mistaken for each other."""
    torch.manual_seed(0)
    widths = {"c1": 3, "c2": 3, "c3": 3, "h": 7, "f1": 4, "f2": 5, "f3": 6, "l1": 8, "l2": 9, "l3": 10}
    model = make("ddsp", "book")
    return type(model)(model.config, widths=widths | {"o1": 11, "o2": 12, "o3": 13}).eval()


def data_of(model) -> dict:
    made = decoder_data(model, 32)
    widths = {group: n for group, n in model.widths.items() if not group.startswith("c")}
    return {
        "data": base64.b64encode(made.data).decode(),
        "layout_of_data": made.layout_of_data,
        "layout": page_layout(model),
        "widths": widths,
        "config": made.about["config"],
    }


OPEN = """
  const bytes = Uint8Array.from(Buffer.from(argument.data, "base64"));
  const tensors = ddsp.unpack(new DataView(bytes.buffer), argument.layout_of_data);
  const { layout, widths, config } = argument;
"""


def test_the_page_cuts_zeroes_and_counts_as_the_library(tmp_path: Path) -> None:
    model = small()
    keep = {"h": torch.tensor([0, 2, 3, 6]), "f3": torch.tensor([1, 5]), "o2": torch.tensor([0, 4, 11])}
    expression = f"""(() => {{ {OPEN}
      const {{ keep }} = argument;
      const each = (made, f) => Object.fromEntries(Object.entries(made).map(([name, one]) => [name, f(one)]));
      const plain = (made) => each(made, ({{ shape, data }}) => [shape, [...data]]);
      const smaller = {{ ...widths, ...each(keep, (units) => units.length) }};
      return {{
        trimmed: plain(groups.trim(tensors, layout, widths, keep)),
        zeroed: plain(groups.zero(tensors, layout, widths, keep)),
        size: groups.size(layout, smaller), bytes: groups.bytes(layout, smaller), macs: groups.macs(smaller, config),
        tied: groups.tied(layout, widths, "h", 2) }};
    }})()"""
    argument = data_of(model) | {"keep": {group: units.tolist() for group, units in keep.items()}}
    got = nodes.run(tmp_path, "trimmer", expression, argument)
    trimmed = trim(model, keep)
    for which, wanted in (("trimmed", trimmed), ("zeroed", zero(model, keep))):
        for name, tensor in decoder_state(wanted).items():
            shape, values = got[which][name]
            assert shape == list(tensor.shape), name
            assert np.array_equal(np.float32(values), tensor.flatten().numpy()), name
    assert got["size"] == decoder_parameters(trimmed)
    assert got["bytes"] == sum(int8_bytes(tensor) for tensor in decoder_state(trimmed).values())
    macs = trimmed.macs_per_second()
    assert got["macs"] == pytest.approx(macs["dense"] + macs["recurrent"] + macs["outputs"])
    tied = {one["name"]: one for one in got["tied"]}
    assert set(tied) == {f"gru.{kind}_{part}h_l0" for kind in ("weight", "bias") for part in "ih"} | {
        "after.linear.0.weight"
    }
    assert tied["gru.weight_hh_l0"]["rows"] == [2, 9, 16] and tied["gru.weight_hh_l0"]["columns"] == [2]
    alone = trim(model, {"h": torch.tensor([u for u in range(7) if u != 2])})
    assert sum(one["numbers"] for one in got["tied"]) == decoder_parameters(model) - decoder_parameters(alone)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_least_are_those_that_the_library_would_take(tmp_path: Path, share: float) -> None:
    model = small()
    scores = {group: values for group, values in magnitude(model).items() if not group.startswith("c")}
    n_encoder = model.n_parameters() - decoder_parameters(model)
    # The library counts the encoder, too: ask it for as many numbers.
    fraction = share * decoder_parameters(model) / (decoder_parameters(model) + n_encoder)
    wanted = select(model, scores, fraction, floor=1).keep
    argument = data_of(model) | {"scores": {g: v.tolist() for g, v in scores.items()}, "share": share}
    expression = """(() => {
      const { layout, widths, scores, share } = argument;
      const gone = groups.least(layout, widths, scores, groups.size(layout, widths) * (1 - share));
      return Object.fromEntries(Object.entries(gone).map(([group, units]) => [group, [...units]]));
    })()"""
    got = nodes.run(tmp_path, "trimmer", expression, argument)
    for group, units in wanted.items():
        assert sorted(set(range(model.widths[group])) - set(got[group])) == units.tolist(), group


def test_the_distance_is_the_models_own_error(tmp_path: Path) -> None:
    a, b = (0.3 * torch.randn(1, 3200, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    expression = "spectra.distance(...argument.map((x) => spectra.spectrograms(Float32Array.from(x), [1024, 256, 64])))"
    got = nodes.run(tmp_path, "trimmer", expression, [a[0].tolist(), b[0].tolist()])
    # Single against double precision in a mean over thousands of bins.
    assert got == pytest.approx(multi_scale_spectral(a, b, (1024, 256, 64)).item(), rel=1e-4)


def test_what_cannot_be_trimmed_by_hand_is_refused() -> None:
    wide = make("ddsp", "book", hidden=80)
    for model, options, says in [
        (make("sing", "toy"), {}, "SING"),
        (wide, {}, "80 units"),
        (small(), {"instruments": ()}, "one or more"),
        (small(), {"instruments": ("Kazoo",)}, "Kazoo"),
    ]:
        with pytest.raises(BookError, match=says):
            trimmer(model, **options)
    with pytest.raises(BookError):
        trimmer_from_run("no-such-run")
    assert "fetch(" not in bundle("trimmer")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.write_page(
        tmp_path_factory.mktemp("trimmer"), [trimmer_from_run(RUN, 0.88, instruments=("Clarinet-Bb", "Flute"))]
    )


def ready(page) -> None:
    page.wait_for_selector(ROOT)
    page.wait_for_function(f"{STATE}.sizes !== undefined")


def settled(page, before: int) -> dict:
    """Wait until the page has judged a network of another size than `before`."""
    page.wait_for_function(f"{STATE}.sizes.size !== {before}")
    return page.evaluate(f"(({{ lastBuffer, deck, where, ...rest }}) => rest)({STATE})")


def cell(page, group: str, unit: int) -> tuple[float, float]:
    """Where a unit is on the screen."""
    return page.evaluate(f"([group, unit]) => {STATE}.where(group, unit)", [group, unit])


@pytest.mark.browser
def test_the_law_is_seen_the_gru_obeys_and_a_layer_norm_does_not(path: Path) -> None:
    with pages.open_page(path) as page:
        ready(page)
        assert page.evaluate("globalThis.__timbre.context === undefined")  # silent until asked
        whole = page.evaluate(f"{STATE}.sizes.size")
        first = page.evaluate(f"Array.from({STATE}.lastBuffer)")
        page.mouse.click(*cell(page, "h", 3))
        state = settled(page, whole)
        assert state["removed"]["h"] == [3]
        assert 0 < state["distance"] == pytest.approx(state["zeroed"], abs=1e-6)
        assert state["apart"] < 1e-6 and "same sound" in page.locator(f"{ROOT} .trim-facts").inner_text()
        assert "reset, update, new" in page.locator(f"{ROOT} .trim-tied-text").inner_text()
        heard = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        assert np.abs(heard).max() < 1 and np.abs(heard - first).max() > 1e-3
        page.mouse.click(*cell(page, "o2", 1))
        state = settled(page, state["sizes"]["size"])
        assert state["distance"] != pytest.approx(state["zeroed"], abs=1e-5) and state["apart"] > 1e-4
        assert "LayerNorm" in page.locator(f"{ROOT} .trim-facts").inner_text()
        page.locator(f"{ROOT} [data-control=undo]").click()
        page.locator(f"{ROOT} [data-control=undo]").click()
        page.wait_for_function(f"{STATE}.sizes.size === {whole}")
        # The same network, at the same level: its sound is matched to itself.
        assert np.allclose(page.evaluate(f"Array.from({STATE}.lastBuffer)"), first, atol=1e-6)


@pytest.mark.browser
def test_keys_take_out_units_and_layers_and_play_both(path: Path) -> None:
    with pages.open_page(path, width=360, height=800, dark=True) as page:
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        whole = page.evaluate(f"{STATE}.sizes.size")
        page.locator(f"{ROOT} [data-control=net]").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        state = settled(page, whole)
        assert sum(len(units) for units in state["removed"].values()) == 1
        page.keyboard.press("l")
        state = settled(page, state["sizes"]["size"])
        fullest = max(state["removed"].values(), key=len)
        assert len(fullest) == 18  # of 19: one stays
        page.keyboard.press("p")
        page.wait_for_function("globalThis.__timbre.rms && globalThis.__timbre.rms() > 1e-4")
        trimmed = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        page.keyboard.press("1")
        full = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        assert np.abs(full - trimmed).max() > 1e-3 and max(np.abs(full).max(), np.abs(trimmed).max()) < 1
        page.locator(f"{ROOT} [data-control=reset]").click()
        page.wait_for_function(f"{STATE}.sizes.size === {whole}")
        page.wait_for_function(f"{LEVEL} < 1e-4")


@pytest.mark.browser
def test_the_challenge_compares_with_the_criteria(path: Path) -> None:
    with pages.open_page(path) as page:
        ready(page)
        whole = page.evaluate(f"{STATE}.sizes.size")
        compare = page.locator(f"{ROOT} [data-control=compare]")
        assert compare.is_disabled()
        for _ in range(5):
            page.locator(f"{ROOT} [data-control=least]").click()
        page.wait_for_function(f"{STATE}.sizes.size < {0.5 * whole + 1}")
        page.wait_for_function(f"document.querySelector('{ROOT} [data-control=compare]').disabled === false")
        compare.click()
        page.wait_for_function(f"{STATE}.compared !== undefined", timeout=60_000)
        scores = page.evaluate(f"{STATE}.compared")
        assert set(scores) == {"you", "magnitude", "information", "activation", "chance"}
        assert scores["you"] == pytest.approx(scores["magnitude"], rel=1e-6)  # five times a tenth by magnitude is half
        assert page.locator(f"{ROOT} .trim-table > div").count() == 5


@pytest.mark.browser
def test_a_drag_takes_out_several_units_at_once(path: Path) -> None:
    with pages.open_page(path) as page:
        ready(page)
        whole = page.evaluate(f"{STATE}.sizes.size")
        start, end = cell(page, "f2", 0), cell(page, "f2", 4)
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*end, steps=12)
        page.mouse.up()
        state = settled(page, whole)
        assert sorted(state["removed"]["f2"]) == [0, 1, 2, 3, 4]
        page.locator(f"{ROOT} [data-control=undo]").click()  # one stroke, one step
        page.wait_for_function(f"{STATE}.sizes.size === {whole}")


TOUCH = """([from, to, end]) => {
  const canvas = document.querySelector('[data-widget="trimmer"] [data-control=net]');
  const finger = { pointerType: "touch", pointerId: 7, bubbles: true };
  const send = (type, [clientX, clientY]) =>
    canvas.dispatchEvent(new PointerEvent(type, { ...finger, clientX, clientY }));
  send("pointerdown", from);
  if (to) send("pointermove", to);
  send(end, to ?? from);
}"""


@pytest.mark.browser
def test_a_thumb_taps_and_scrolling_over_the_picture_takes_nothing_out(path: Path) -> None:
    with pages.open_page(path, width=390) as page:
        ready(page)
        whole = page.evaluate(f"{STATE}.sizes.size")
        x, y = cell(page, "h", 2)
        page.evaluate(TOUCH, [[x, y], [x + 2, y + 60], "pointercancel"])
        page.evaluate(TOUCH, [[x, y], None, "pointerup"])
        assert settled(page, whole)["removed"]["h"] == [2]
