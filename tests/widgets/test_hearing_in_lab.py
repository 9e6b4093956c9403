"""The widgets of Part I in JupyterLab: they appear, keys stay theirs, and the kernel sends the notes of the corpus."""

from __future__ import annotations

import pytest

from tests.browser.lab import notebook_in_lab

pytestmark = pytest.mark.lab

CELLS = [
    "from lib.widgets.bench import bench\nbench()",
    "from lib.widgets.rate import rate\nrate()",
    """
from lib import corpus
from lib.widgets.listen import listen
note = {name: corpus.notes(instrument=name, midi=63, velocity=80)[0] for name in ("Oboe", "Flute")}
listen(note)
""",
    """
from lib.widgets.predict import predict
predict("How many?", (0, 10), 7, sounds=note)
""",
    "from lib.widgets.descriptors import descriptors\ndescriptors()",
]


def widget(name: str) -> str:
    return f'[data-widget="{name}"]'


def test_all_five_work_with_a_kernel(tmp_path):
    with notebook_in_lab(tmp_path, CELLS) as page:
        for name in ("bench", "rate", "listen", "predict", "descriptors"):
            page.wait_for_selector(f"{widget(name)} [data-control]", timeout=120_000)
        # Arrow keys move the controls, not the notebook's cells.
        tilt = page.locator(f"{widget('bench')} [data-control=tilt]")
        before = tilt.input_value()
        tilt.focus()
        page.keyboard.press("ArrowRight")
        assert tilt.input_value() != before
        page.locator(f"{widget('bench')} [data-control=hold]").click()
        page.wait_for_function("globalThis.__timbre.rms() > 0.01")
        page.locator(f"{widget('bench')} [data-control=hold]").click()
        page.locator(f"{widget('rate')} [data-control=begin]").click()
        page.locator(f"{widget('rate')} [data-control=play]").click()
        page.wait_for_function("globalThis.__timbre.rms() > 0.005")
        page.locator(f"{widget('listen')} [data-control=play-x]").click()
        page.locator(f"{widget('predict')} [data-control=number]").fill("70")
        page.locator(f"{widget('predict')} [data-control=commit]").click()
        page.wait_for_selector(f"{widget('predict')} {widget('player')} [data-control=play]", timeout=20_000)
        plot = page.locator(f"{widget('descriptors')} [data-control=plot]")
        plot.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_function(
            f"document.querySelector('{widget('descriptors')}').__timbre.player?.currentTime > 0.1", timeout=20_000
        )
        page.screenshot(path=str(tmp_path / "lab.png"))
        assert "Traceback" not in page.inner_text(".jp-Notebook")
