"""The ground-floor widgets in JupyterLab, with a kernel: they appear, sound, and answer to keys."""

from __future__ import annotations

import pytest

from tests.browser.drive import drive_explorer, drive_player
from tests.browser.lab import notebook_in_lab

pytestmark = pytest.mark.lab

PLAYER = """
from lib import corpus
from lib.widgets.player import player
notes = [corpus.notes(instrument=name, midi=60, velocity=80)[0] for name in ("Oboe", "Flute")]
player([(note.instrument, note) for note in notes], caption="Two notes")
"""
EXPLORER = "from lib.widgets.explorer import explorer\nexplorer(notes)"


def test_player_and_explorer_sound_in_lab(tmp_path):
    with notebook_in_lab(tmp_path, [PLAYER, EXPLORER]) as page:
        page.wait_for_selector('[data-widget="explorer"] [data-control]', timeout=120_000)
        drive_player(page, page.locator('[data-widget="player"]').first)
        drive_explorer(page, page.locator('[data-widget="explorer"]').first)
        assert "Traceback" not in page.inner_text(".jp-Notebook")
