"""What a reader does with a widget, done the same way on the built page and in JupyterLab."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE_MS = 90_000

#: Below this RMS a sound counts as silent.
SILENT = 1e-3


def last_sound(widget: Locator) -> np.ndarray:
    """The samples a widget played last."""
    return np.array(widget.evaluate("(el) => Array.from(el.__timbre.lastBuffer ?? [])"))


def until(page: Page, widget: Locator, condition: str) -> None:
    """Wait until a condition on the widget's exposed state `t` holds."""
    handle = widget.element_handle()
    page.wait_for_function(f"(el) => ((t) => {condition})(el.__timbre)", arg=handle, timeout=PATIENCE_MS)


def press(widget: Locator, control: str) -> None:
    """Click one of a widget's own controls."""
    widget.locator(f'[data-control="{control}"]').first.click()


def drive_player(page: Page, player: Locator) -> None:
    """Play, then switch through all sounds: each sounds, none clips, and switching changes what is heard."""
    press(player, "play")
    until(page, player, "t?.lastBuffer?.length > 0")
    page.wait_for_function("() => globalThis.__timbre.rms() > 1e-4", timeout=PATIENCE_MS)
    heard = [last_sound(player)]
    names = [b.get_attribute("data-control") for b in player.locator('button[data-control^="sound-"]').all()]
    for name in names[1:]:
        press(player, name)
        until(page, player, f"t.deck.current === {int(name.split('-')[1]) - 1}")
        heard.append(last_sound(player))
    for sound in heard:
        assert np.sqrt(np.mean(sound**2)) > SILENT, "a player is silent"
        assert np.abs(sound).max() <= 1.0, "a player clips"
    # a round trip beside its original is the same on purpose; all sounds alike would be a switch that does nothing
    differ = [len(a) != len(b) or np.abs(a - b).max() > 1e-4 for a, b in itertools.pairwise(heard)]
    assert any(differ) or not differ, "all sounds of a player are the same"
    if player.evaluate("(el) => el.__timbre.deck.playing"):
        press(player, "play")


def drive_explorer(page: Page, explorer: Locator) -> None:
    """Hear all four versions, then the round trip through every transform."""
    until(page, explorer, "t?.state && t.roundTripDb")
    original = last_sound(explorer)
    assert np.sqrt(np.mean(original**2)) > SILENT
    press(explorer, "version-2")
    until(page, explorer, "t.state.version === 1 && t.deck.playing")
    assert np.allclose(last_sound(explorer), original, atol=1e-6), "the round trip is no round trip"
    press(explorer, "version-3")
    until(page, explorer, "t.state.version === 2")
    assert np.abs(last_sound(explorer) - original).max() > 0.01, "random phases sound like the original"
    explorer.locator('[data-control="iterations"]').fill("8")
    press(explorer, "version-4")
    until(page, explorer, "t.state.version === 3 && t.convergence?.length === 9")
    before = explorer.evaluate("(el) => el.__timbre.state.transform")
    names = explorer.locator('[data-control="transform"] option').evaluate_all("(all) => all.map((o) => o.value)")
    assert len(names) == 5
    for name in [n for n in names if n != before]:
        explorer.locator('[data-control="transform"]').select_option(name)
        until(page, explorer, f"t.state.transform === '{name}' && t.convergence?.length === 9")
        assert explorer.evaluate("(el) => el.__timbre.roundTripDb") < -250
        assert np.sqrt(np.mean(last_sound(explorer) ** 2)) > SILENT
    press(explorer, "reset")
    until(page, explorer, "t.state.version === 0")
