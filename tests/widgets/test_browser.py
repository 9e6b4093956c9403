"""Drive the player and the explorer in a page of their own: every control does what it says, and sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import page as pages
import pytest

from lib.widgets.explorer import explorer
from lib.widgets.player import player

pytestmark = pytest.mark.browser

PLAYER, EXPLORER = "[data-widget=player]", "[data-widget=explorer]"


def control(name: str) -> str:
    return f"[data-control={name}]"


def deck(page: Any, expression: str) -> Any:
    """Evaluate something about the deck that plays or played last, called `d`."""
    return page.evaluate(f"(() => {{ const d = globalThis.__timbre.deck; return {expression}; }})()")


def wait_until(page: Any, condition: str) -> None:
    page.wait_for_function(f"(() => {{ const d = globalThis.__timbre?.deck; return {condition}; }})()", timeout=15000)


def test_nothing_sounds_before_a_gesture(tmp_path: Path, tone) -> None:
    path = pages.write_page(tmp_path, [player(tone(440))])
    with pages.open_page(path) as page:
        page.wait_for_selector(control("play"))
        assert page.evaluate("globalThis.__timbre.context === undefined")


def test_the_player_plays_switches_seeks_and_loops(tmp_path: Path, tone) -> None:
    sounds = {"Oboe A4": tone(440, seconds=3.0), "Piano A3": tone(220, seconds=3.0), "soft": tone(330, 3.0, level=0.01)}
    path = pages.write_page(tmp_path, [player(sounds, caption="Three")])
    with pages.open_page(path) as page:
        page.click(control("play"))
        wait_until(page, "d && d.playing && globalThis.__timbre.rms() > 0.005")
        first = pages.rms(page, PLAYER)
        assert first > 0.01
        # Instant switching: the same position (to a tenth of a second), another sound, the same loudness.
        page.evaluate("document.querySelector('[data-control=position]').focus()")
        before = deck(page, "d.position")
        page.keyboard.press("3")
        assert deck(page, "d.current") == 2 and deck(page, "d.playing")
        assert 0 <= deck(page, "d.position") - before < 0.4
        # The K weighting counts treble more than RMS does: within 3 dB.
        assert abs(20 * np.log10(pages.rms(page, PLAYER) / first)) < 3
        wait_until(page, "globalThis.__timbre.rms() > 0.005")
        assert page.get_attribute(control("sound-3"), "aria-pressed") == "true"
        page.click(control("sound-2"))
        assert deck(page, "d.current") == 1
        page.keyboard.press("1")
        assert page.evaluate("document.activeElement.dataset.control") == "sound-1"
        page.keyboard.press("2")
        page.keyboard.press("l")
        assert page.get_attribute(control("loop"), "aria-pressed") == "true"
        page.click(control("loop"))
        assert deck(page, "d.loop") is False
        page.click(control("play"))
        assert deck(page, "d.playing") is False
        page.keyboard.press("Home")
        assert deck(page, "d.position") == 0
        page.keyboard.press("ArrowRight")
        assert deck(page, "d.position") == pytest.approx(0.1)
        box = page.locator(control("position")).bounding_box()
        page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 10)
        assert deck(page, "d.position") == pytest.approx(2.25, abs=0.03)
        page.keyboard.press(" ")
        wait_until(page, "!d.playing")  # three quarters in: it plays to its end and rewinds
        assert deck(page, "d.position") == 0


def test_a_looping_sound_goes_on(tmp_path: Path, tone) -> None:
    path = pages.write_page(tmp_path, [player(tone(440, seconds=0.3), loop=True)])
    with pages.open_page(path) as page:
        page.click(control("play"))
        page.wait_for_timeout(900)
        assert deck(page, "d.playing") and 0 <= deck(page, "d.position") <= 0.3
        wait_until(page, "globalThis.__timbre.rms() > 0.005")


def test_the_player_shows_its_spectrogram_and_its_words(tmp_path: Path, tone) -> None:
    path = pages.write_page(tmp_path, [player({"a": tone(440), "b": tone(880)})])
    with pages.open_page(path) as page:
        page.click(f"{control('spectrogram')} summary")
        page.wait_for_function(
            "(() => { const c = document.querySelector('[data-control=spectrogram-position]');"
            " if (!c.width) return false; const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            " return new Set(new Uint32Array(p.buffer)).size > 100; })()"
        )
        page.click(f"{control('words')} summary")
        text = page.locator(".player-text")
        assert text.inner_text().startswith("A4")
        page.click(control("sound-2"))
        assert text.inner_text().startswith("A5")


def test_only_one_player_sounds_at_a_time(tmp_path: Path, tone) -> None:
    path = pages.write_page(tmp_path, [player(tone(440, 3.0)), player(tone(550, 3.0))])
    with pages.open_page(path) as page:
        plays = page.locator(control("play"))
        plays.nth(0).click()
        wait_until(page, "d && d.playing")
        plays.nth(1).click()
        page.wait_for_function(
            "[...document.querySelectorAll('[data-widget=player]')].map(e => e.__timbre.deck.playing).join()"
            " === 'false,true'"
        )


def test_a_page_stores_each_sound_and_the_code_once(tmp_path: Path, tone) -> None:
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 20000)
    one = pages.write_page(tmp_path / "one", [player(audio)]).stat().st_size
    five = pages.write_page(tmp_path / "five", [player(audio) for _ in range(5)]).stat().st_size
    # Four more players of one sound: 6 kB each (their state and layout), not 60 kB.
    assert five - one < 4 * 6000


@pytest.mark.parametrize(("width", "dark"), [(1100, False), (390, True), (360, False)])
def test_nothing_is_cut_off_at_any_width(tmp_path: Path, tone, width: int, dark: bool) -> None:
    widgets = [
        player({"Oboe A4": tone(440), "Clarinet-Bb A4": tone(441), "Violoncello A4": tone(442)}, caption="Three"),
        player(tone(440), spectrogram=True),
        explorer([("Oboe A4", tone(440))]),
    ]
    path = pages.write_page(tmp_path, widgets, theme="dark" if dark else "light")
    with pages.open_page(path, width=width, dark=dark) as page:
        page.wait_for_function(f"document.querySelector('{EXPLORER}')?.__timbre?.state")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert pages.cut_off(page) == []
        nameless = page.evaluate(
            "[...document.querySelectorAll('[data-widget] :is(button, select, input)')].filter(e =>"
            " !e.textContent.trim() && !e.getAttribute('aria-label') && !e.labels?.length).map(e => e.outerHTML)"
        )
        assert nameless == []


def test_every_control_of_the_explorer_does_what_it_says(tmp_path: Path, tone) -> None:
    notes = [("Oboe A4", tone(440, 0.6)), ("Oboe A5", tone(880, 0.6, decay=3.0))]
    path = pages.write_page(tmp_path, [explorer(notes)])
    with pages.open_page(path) as page:
        page.wait_for_function(f"document.querySelector('{EXPLORER}')?.__timbre?.state")

        def timbre(expression: str) -> Any:
            return page.evaluate(f"(t => {expression})(document.querySelector('{EXPLORER}').__timbre)")

        def until(expression: str) -> None:
            condition = f"(t => {expression})(document.querySelector('{EXPLORER}').__timbre)"
            page.wait_for_function(condition, timeout=20000)

        # Round trip: double precision loses nothing one could hear (a 16-bit step is -96 dB).
        assert timbre("t.roundTripDb") < -250
        original = timbre("[...t.lastBuffer]")
        page.click(control("version-2"))
        until("t.state.version === 1 && t.deck.playing")
        assert np.allclose(timbre("[...t.lastBuffer]"), original, atol=1e-6)
        until("globalThis.__timbre.rms() > 0.003 || !t.deck.playing")
        page.click(control("version-3"))
        until("t.state.version === 2")
        assert pages.rms(page, EXPLORER) > 0.005
        assert np.abs(np.array(timbre("[...t.lastBuffer]")) - original).max() > 0.01
        page.click(control("version-4"))
        until("t.state.version === 3 && t.convergence")
        curve = timbre("t.convergence")
        assert len(curve) == 33 and curve[-1] < 0.3 * curve[0]
        assert "32 iterations" in page.inner_text(control("facts"))
        page.locator(control("iterations")).fill("8")
        until("t.convergence && t.convergence.length === 9")
        for name in ("stft", "dct", "nsgt-mel", "nsgt-erb"):
            page.select_option(control("transform"), name)
            until(f"t.state.transform === '{name}' && t.convergence && t.convergence.length === 9")
            assert timbre("t.roundTripDb") < -250
            assert pages.rms(page, EXPLORER) > 0.005
        page.click(control("version-1"))
        until("t.state.version === 0")
        before = timbre("t.state.sound")
        page.select_option(control("note"), str(1 - before))
        until(f"t.state.sound !== {before}")
        assert pages.rms(page, EXPLORER) > 0.005
        page.hover(control("picture"), position={"x": 200, "y": 60})
        high = page.inner_text(control("readout"))
        page.hover(control("picture"), position={"x": 200, "y": 200})
        assert high != page.inner_text(control("readout"))
        page.focus(control("play"))
        page.keyboard.press("2")
        until("t.state.version === 1")
        page.evaluate("globalThis.__timbre.deck.pause(); globalThis.__timbre.deck.seek(0)")
        page.keyboard.press("ArrowRight")
        assert deck(page, "d.position") == pytest.approx(0.1)
        page.click(control("reset"))
        until("t.state.version === 0 && t.state.transform === 'nsgt-cqt' && t.state.iterations === 32")
        assert page.input_value(control("transform")) == "nsgt-cqt"
