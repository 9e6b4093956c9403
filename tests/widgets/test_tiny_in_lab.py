"""The playable network and the one to trim in JupyterLab: keys stay theirs, and sound is made on the audio thread."""

from __future__ import annotations

import pytest

from tests.browser.lab import notebook_in_lab

pytestmark = pytest.mark.lab

RUN = "ddsp-trim-local-information-rewind-s0"
CELLS = [
    f"from lib.widgets.tiny import tiny_from_run\ntiny_from_run({RUN!r}, (0.0, 0.9))",
    f"from lib.widgets.trimmer import trimmer_from_run\ntrimmer_from_run({RUN!r}, 0.9, instruments=('Flute',))",
]


def test_both_work_with_a_kernel(tmp_path):
    with notebook_in_lab(tmp_path, CELLS) as page:
        for name in ("tiny", "trimmer"):
            page.wait_for_selector(f"[data-widget={name}] [data-control]", timeout=120_000)
        ratio = page.locator("[data-widget=tiny] [data-control=ratio]")
        ratio.focus()
        page.keyboard.press("ArrowRight")
        assert ratio.input_value() == "1"
        page.keyboard.down("q")
        page.wait_for_function("globalThis.__timbre.rms && globalThis.__timbre.rms() > 1e-3")
        page.keyboard.up("q")
        state = "document.querySelector('[data-widget=trimmer]').__timbre"
        page.wait_for_function(f"{state}.sizes !== undefined")
        page.locator("[data-widget=trimmer] [data-control=net]").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        page.wait_for_function(f"{state}.distance > 0")
        assert page.evaluate("document.querySelector('[data-widget=tiny]').__timbre.thread") == "audio thread"
        assert "Traceback" not in page.inner_text(".jp-Notebook")
