"""The latent pad: press and it sounds, drag and it changes, without a click; keys, paths, takes."""

from __future__ import annotations

from pathlib import Path

import node
import numpy as np
import page as pages
import pytest

from lib.descriptors import k_weighting
from lib.errors import BookError
from lib.widgets.base import bundle
from lib.widgets.pad import pad

ROOT = '[data-widget="pad"]'
STATE = f"document.querySelector('{ROOT}').__timbre"


def test_pitches_out_of_range_are_refused_and_spaces_are_stored_once() -> None:
    with pytest.raises(BookError, match="36"):
        pad(midi=20)
    first, second = pad(), pad(other=None)
    assert first.spaces[0] is second.spaces[0]
    assert len(second.spaces) == 1 and second.names == ["With ratings"]
    assert "fetch(" not in bundle("pad") and "XMLHttpRequest" not in bundle("pad")


def test_every_timbre_has_the_same_loudness_and_the_noise_loop_has_no_seam(tmp_path: Path) -> None:
    expression = """(() => {
      const hz = Array.from({ length: 168 }, (_, k) => 64 * 125 ** (k / 167));
      return argument.map((tilt) => {
        const spectrum = hz.map((f) => (f / 500) ** tilt);
        const made = voice.timbre(spectrum, hz, 220);
        return { amplitudes: Array.from(made.amplitudes), loop: Array.from(additive.noiseLoop(made.density)) };
      });
    })()"""
    for made in node.run(tmp_path, "pad", expression, [0, -1, -2, 0.5]):
        amplitudes, loop = np.array(made["amplitudes"]), np.array(made["loop"])
        spectrum = np.abs(np.fft.rfft(loop)) ** 2 * 2 / len(loop) ** 2
        hz = np.fft.rfftfreq(len(loop), 1 / 22050)
        harmonics = np.square(amplitudes) / 2 * k_weighting(220.0 * np.arange(1, len(amplitudes) + 1))
        heard = harmonics.sum() + (spectrum * k_weighting(hz)).sum()
        assert -0.691 + 10 * np.log10(heard) == pytest.approx(-23.0, abs=0.05)
        jump = np.abs(np.diff(np.r_[loop, loop[0]]))
        assert jump[-1] <= jump.max()


def drag(page, start: tuple[float, float], end: tuple[float, float], steps: int = 25) -> None:
    """Press at a fraction of the map and move to another, 20 ms a step; the button stays down."""
    box = page.locator(f"{ROOT} [data-control=map]").first.bounding_box()
    at = [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in (start, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    for i in range(1, steps + 1):
        page.mouse.move(*(a + (b - a) * i / steps for a, b in zip(*at)))
        page.wait_for_timeout(20)


@pytest.mark.browser
def test_dragging_changes_the_sound(tmp_path: Path) -> None:
    with pages.open_page(pages.write_page(tmp_path, [pad()])) as page:
        page.wait_for_selector(ROOT)
        page.wait_for_function(f"{STATE}?.lastBuffer?.length > 0")
        rest = page.evaluate(f"Array.from({STATE}.lastBuffer)")
        assert page.evaluate("globalThis.__timbre.context === undefined")  # silent until touched
        page.wait_for_timeout(200)
        drag(page, (0.3, 0.7), (0.65, 0.25))
        page.wait_for_timeout(400)
        assert page.evaluate("globalThis.__timbre.rms()") > 1e-3
        page.mouse.up()
        page.wait_for_function(f"{STATE}.place !== undefined")
        page.wait_for_timeout(700)
        assert page.evaluate("globalThis.__timbre.rms()") < 1e-3
        moved = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        assert len(moved) == len(rest) and np.abs(moved).max() <= 1
        assert np.linalg.norm(moved - rest) > 0.3 * np.linalg.norm(rest)
        assert np.sqrt(np.mean(moved[2000:18000] ** 2)) == pytest.approx(0.1, rel=0.15)  # the level it was asked for


@pytest.mark.browser
def test_moving_makes_no_click_and_a_take_can_be_saved(tmp_path: Path) -> None:
    with pages.open_page(pages.write_page(tmp_path, [pad(other=None)])) as page:
        page.wait_for_selector(ROOT)
        page.wait_for_function(f"{STATE}?.lastBuffer?.length > 0")
        page.locator(f"{ROOT} [data-control=vibrato]").fill("0")
        page.locator(f"{ROOT} [data-control=record]").click()
        page.wait_for_function(f"document.querySelector('{ROOT} [data-control=record]').textContent === 'Stop'")
        drag(page, (0.35, 0.7), (0.35, 0.7), steps=20)
        drag(page, (0.35, 0.7), (0.75, 0.3), steps=40)
        page.wait_for_timeout(300)
        page.mouse.up()
        page.wait_for_timeout(500)
        page.locator(f"{ROOT} [data-control=record]").click()
        link = page.wait_for_selector(f"{ROOT} [data-control=take]")
        assert link.get_attribute("download").endswith(".wav")
        take = np.array(page.evaluate(f"Array.from({STATE}.recording.samples)"))
        rate = page.evaluate(f"{STATE}.recording.sampleRate")
        with page.expect_download() as download:
            link.click()
        content = Path(download.value.path()).read_bytes()
        assert content[:4] == b"RIFF" and len(content) == 44 + 2 * len(take)
    assert len(take) > rate and np.sqrt(np.mean(take**2)) > 1e-3
    # A click is a moment: what lies above 9.5 kHz (the instrument ends at 8 kHz) then has a peak far above its own
    # RMS in those 20 ms. Noise has about 3; one sample that jumps has some 15.
    spectrum = np.fft.rfft(take)
    spectrum[np.fft.rfftfreq(len(take), 1 / rate) < 9500] = 0
    size = int(0.02 * rate)
    treble = np.fft.irfft(spectrum, len(take))[: len(take) // size * size].reshape(-1, size)
    level = np.sqrt(np.square(treble).mean(axis=1)) + 1e-4 * np.abs(take).max()
    assert (np.abs(treble).max(axis=1) / level).max() < 8


@pytest.mark.browser
def test_keys_move_the_point_and_play_notes(tmp_path: Path) -> None:
    with pages.open_page(pages.write_page(tmp_path, [pad()])) as page:
        page.wait_for_selector(ROOT)
        page.wait_for_function(f"{STATE}?.lastBuffer?.length > 0")
        page.locator(f"{ROOT} [data-control=map]").first.focus()
        before = page.evaluate(f"{STATE}.place")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowUp")
        page.wait_for_timeout(400)
        after = page.evaluate(f"{STATE}.place")
        assert after[0] > before[0] and after[1] > before[1]
        page.wait_for_timeout(500)
        page.keyboard.down("q")
        page.wait_for_timeout(300)
        assert page.evaluate("globalThis.__timbre.rms()") > 1e-3
        page.keyboard.up("q")
        page.wait_for_timeout(900)
        assert page.evaluate("globalThis.__timbre.rms()") < 1e-3
        assert page.evaluate(f"{STATE}.midi") == 60
        page.keyboard.press("Space")
        page.wait_for_timeout(400)
        assert page.evaluate("globalThis.__timbre.rms()") > 1e-3
        page.keyboard.press("Space")
        page.wait_for_timeout(700)
        assert page.evaluate("globalThis.__timbre.rms()") < 1e-3


@pytest.mark.browser
@pytest.mark.parametrize("way", ["linear", "spherical", "expressive"])
def test_paths_are_drawn_and_heard(tmp_path: Path, way: str) -> None:
    with pages.open_page(pages.write_page(tmp_path, [pad()])) as page:
        page.wait_for_selector(ROOT)
        page.wait_for_function(f"{STATE}?.lastBuffer?.length > 0")
        page.locator(f"{ROOT} [data-control=open-path]").click()
        page.locator(f"{ROOT} [data-control=way]").select_option(way)
        before = page.evaluate(f"Array.from({STATE}.lastBuffer)")
        place = page.evaluate(f"{STATE}.place")
        page.locator(f"{ROOT} [data-control=walk]").click()
        page.wait_for_timeout(1500)
        assert page.evaluate("globalThis.__timbre.rms()") > 1e-3
        heard = page.evaluate(f"Array.from({STATE}.lastBuffer)")
        assert len(heard) != len(before)
        page.locator(f"{ROOT} [data-control=walk]").click()
        page.wait_for_timeout(700)
        assert page.evaluate("globalThis.__timbre.rms()") < 1e-3
        page.locator(f"{ROOT} [data-control=reset]").click()
        page.wait_for_timeout(300)
        assert page.evaluate(f"{STATE}.place") == pytest.approx(place, abs=1e-6)


@pytest.mark.browser
def test_both_spaces_stand_side_by_side_and_a_phone_has_room(tmp_path: Path) -> None:
    path = pages.write_page(tmp_path, [pad()])
    with pages.open_page(path, width=360, height=800) as page:
        page.wait_for_selector(ROOT)
        page.wait_for_function(f"{STATE}?.lastBuffer?.length > 0")
        assert page.locator(f"{ROOT} [data-control=map]").count() == 1
        page.locator(f"{ROOT} [data-control=space-1]").click()
        page.wait_for_function(f"{STATE}.space === 'nsgt-erb-free'")
        page.locator(f"{ROOT} [data-control=space-2]").click()
        assert page.locator(f"{ROOT} [data-control=map]").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator(f"{ROOT} [data-control=open-keys]").click()
        assert page.locator(f"{ROOT} .pad-piano button").count() == 13
        page.locator(f"{ROOT} [data-control=open-view]").click()
        page.locator(f"{ROOT} [data-control=axes]").select_option("2,3")
        page.wait_for_timeout(300)
        assert page.evaluate(f"{STATE}.lastBuffer.every(Number.isFinite)")
