"""The widgets in JupyterLab, with a kernel: they appear, sound, and answer to keys."""

from __future__ import annotations

import pytest

from tests.browser.lab import notebook_in_lab

pytestmark = pytest.mark.lab

PLAYER = """
from lib import corpus
from lib.widgets.player import player
notes = [corpus.notes(instrument=name, midi=60, velocity=80)[0] for name in ("Oboe", "Flute")]
player([(note.instrument, note) for note in notes], caption="Two notes")
"""


def test_the_player_sounds_in_lab(tmp_path):
    with notebook_in_lab(tmp_path, [PLAYER]) as page:
        page.wait_for_selector('[data-widget="player"]', timeout=90_000)
        page.click('[data-widget="player"] [data-control="play"]')
        page.wait_for_function(
            """() => { const b = document.querySelector('[data-widget="player"]').__timbre?.lastBuffer;
                       return b && b.some((x) => Math.abs(x) > 0.01); }""",
            timeout=20_000,
        )
        assert "Traceback" not in page.inner_text(".jp-Notebook")
