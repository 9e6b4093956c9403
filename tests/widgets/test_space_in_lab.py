"""The widgets of Part III in JupyterLab: they sound, keys stay theirs, and a run trains while its map moves."""

from __future__ import annotations

import pytest

from tests.browser.lab import notebook_in_lab

pytestmark = pytest.mark.lab

CELLS = [
    "from lib.widgets.pad import pad\npad()",
    "from lib.widgets.own import own\nmine = own()\nmine",
    "from lib.widgets.sliders import sliders\nsliders()",
    "%matplotlib widget\nfrom lib.widgets.live import live\nrun = live(steps=80)\nrun",
]


def widget(name: str) -> str:
    return f'[data-widget="{name}"]'


def test_all_four_work_with_a_kernel(tmp_path):
    with notebook_in_lab(tmp_path, CELLS) as page:
        for name in ("pad", "own", "sliders", "live"):
            page.wait_for_selector(f"{widget(name)} [data-control]", timeout=120_000)
        map_ = page.locator(f"{widget('pad')} [data-control=map]")
        map_.focus()
        place = f"document.querySelector('{widget('pad')}').__timbre.place"
        page.wait_for_function(f"{place} !== undefined")
        before = page.evaluate(place)
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{place}[0] > {before[0]}")
        page.wait_for_function("globalThis.__timbre.rms() > 0.003")
        page.locator(f"{widget('own')} [data-control=example-0]").click()
        page.wait_for_function(f"document.querySelector('{widget('own')}').__timbre.result", timeout=60_000)
        live = widget("live")
        assert page.get_attribute(live, "data-static") == "false"
        page.locator(".live-controls button", has_text="Start").click()
        page.wait_for_function(f"document.querySelector('{live}').dataset.state === 'live'", timeout=120_000)
        page.wait_for_function(
            f"document.querySelector('{live} .live-numbers').textContent.includes('step 80')", timeout=120_000
        )
        page.screenshot(path=str(tmp_path / "lab.png"))
        assert "Traceback" not in page.inner_text(".jp-Notebook")
