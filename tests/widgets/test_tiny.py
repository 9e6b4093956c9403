"""The playable tiny model: in tune, equally loud at every size, without a click when the network changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import page as pages
import pytest

from lib.errors import BookError
from lib.models import make
from lib.widgets.base import bundle
from lib.widgets.loudness import loudness_lufs
from lib.widgets.tiny import Thin, operating_models, tiny, tiny_from_run

ROOT = '[data-widget="tiny"]'
STATE = f"document.querySelector('{ROOT}').__timbre"
LEVEL = "globalThis.__timbre.rms()"
RUN = "ddsp-trim-local-information-rewind-s0"
RATE = 16000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.write_page(tmp_path_factory.mktemp("tiny"), [tiny_from_run(RUN, (0.0, 0.8, 0.95, 0.99))])


def test_what_cannot_be_played_is_refused() -> None:
    for networks, options, says in [
        ([], {}, "no network"),
        ([make("sing", "toy")], {}, "SING"),
        ([make("ddsp", "toy")], {}, "reverb"),
        ([make("ddsp", "book"), make("ddsp", "book", n_partials=20)], {}, "one configuration"),
        ([make("ddsp", "book")], {"midi": 20}, "36"),
        ([make("ddsp", "book")], {"instrument": "Kazoo"}, "Kazoo"),
        ([make("ddsp", "book")], {"first": 1}, "no number 1"),
        ([make("ddsp", "book")], {"bits": 4}, "8, 16 or 32"),
        ([make("ddsp", "book")] * 6, {"bits": 32}, "MB"),
    ]:
        with pytest.raises(BookError, match=says):
            tiny(networks, **options)
    with pytest.raises(BookError):
        tiny_from_run("no-such-run")


def test_a_network_of_the_book_is_below_100_kb_and_stored_once() -> None:
    thins = operating_models(RUN, (0.0, 0.9))
    first, second = tiny(thins), tiny([Thin(thins[0].model, thins[0].removed, thins[0].error)])
    assert first.networks[0] is second.networks[0]
    sizes = [len(one.data) for one in first.networks]
    assert sizes[1] < sizes[0] / 4 and sizes[0] < 100_000
    assert [one.about["bytes"] for one in first.networks] == sizes
    assert first.networks[1].about["removed"] == pytest.approx(0.9, abs=0.03)
    assert "fetch(" not in bundle("tiny") and "XMLHttpRequest" not in bundle("tiny")


def ready(page) -> None:
    page.wait_for_selector(ROOT)
    page.wait_for_function(f"{STATE}.lastBuffer?.length > 0")


def heard(page, events) -> np.ndarray:
    return np.array(page.evaluate(f"events => Array.from({STATE}.render(events))", events))


def pitch_hz(audio: np.ndarray, around: float) -> float:
    """The lag of the best match of a sound with itself, near the expected one, refined by a parabola."""
    spectrum = np.fft.rfft(audio - audio.mean(), 2 * len(audio))
    matches = np.fft.irfft(np.abs(spectrum) ** 2)[: len(audio)]
    low, high = int(RATE / around / 1.3), int(RATE / around * 1.3) + 2
    best = low + int(matches[low:high].argmax())
    a, b, c = matches[best - 1 : best + 2]
    return RATE / (best + 0.5 * (a - c) / (a - 2 * b + c))


def clicks(audio: np.ndarray) -> float:
    """The largest second difference in 5 ms over its RMS in the 200 ms around: noise has 4, a click 10 or more."""
    bend = np.abs(np.diff(audio, 2))
    size, around = RATE // 200, RATE // 5
    peaks = bend[: len(bend) // size * size].reshape(-1, size).max(1)
    level = np.sqrt(np.convolve(bend**2, np.ones(around) / around, mode="same"))[size // 2 :: size][: len(peaks)]
    loud = level > 1e-4
    return float((peaks[loud] / level[loud]).max())


@pytest.mark.browser
def test_every_size_plays_in_tune_and_equally_loud(path: Path) -> None:
    with pages.open_page(path) as page:
        ready(page)
        assert page.evaluate("globalThis.__timbre.context === undefined")  # silent until touched
        for hz in (196.0, 440.0):
            levels = []
            for network in range(4):
                audio = heard(page, [{"model": network, "now": 1, "on": "a", "f0": hz, "wait": 1.2}])
                sustained = audio[RATE // 2 :]
                levels.append(loudness_lufs(sustained, RATE))
                assert np.abs(audio).max() < 0.95
                # 0.3 % are 5 cents, the least difference most listeners hear.
                assert pitch_hz(sustained[:6000], hz) == pytest.approx(hz, rel=0.003)
            assert np.ptp(levels) < 1.5 and abs(np.mean(levels) + 23) < 1.5, levels
        five = enumerate((1, 1.25, 1.5, 2, 3))  # one more than there are voices
        chord = [{"on": f"{k}", "f0": 220.0 * ratio, "velocityDb": 6, "wait": 0.01} for k, ratio in five]
        audio = heard(page, [{"loudnessDb": -10, "wait": 0}, *chord, {"wait": 1}])
        assert 0.2 < np.abs(audio).max() < 0.96
        played = page.evaluate(f"({{a: {STATE}.millisecondsPerSecond, b: {STATE}.about.bytes}})")
        assert played["a"] > 0 and "real time" in page.locator(f"{ROOT} .tiny-facts").inner_text()


@pytest.mark.browser
def test_changing_the_network_in_a_note_makes_no_click(path: Path) -> None:
    with pages.open_page(path) as page:
        ready(page)
        start = {"model": 0, "now": 1, "on": "a", "f0": 220.0, "wait": 1.0}
        plain = heard(page, [start, {"wait": 1.6}])
        switched = heard(page, [start, {"model": 3, "wait": 0.7}, {"model": 1, "wait": 0.9}, {"off": "a", "wait": 0.6}])
        assert np.array_equal(plain[:RATE], switched[:RATE])
        later = slice(int(1.3 * RATE), int(1.6 * RATE))  # the other network is heard by then
        assert np.linalg.norm(switched[later] - plain[later]) > 0.1 * np.linalg.norm(plain[later])
        assert clicks(switched[RATE // 2 :]) < 8
        spoilt = switched.copy()
        spoilt[RATE + 3000 + np.abs(switched[RATE + 3000 : RATE + 3200]).argmax() :] *= -1
        assert clicks(spoilt[RATE // 2 :]) > 8  # the measure does see a click
        assert np.abs(switched[-800:]).max() < 1e-5


@pytest.mark.browser
def test_it_is_played_by_letters_and_by_a_finger_while_the_slider_moves(path: Path) -> None:
    with pages.open_page(path) as page:
        ready(page)
        page.locator(f"{ROOT} [data-control=ratio]").focus()
        page.keyboard.down("q")
        page.wait_for_function("globalThis.__timbre.rms && globalThis.__timbre.rms() > 1e-3")
        assert page.evaluate(f"{STATE}.thread") == "audio thread"  # also from file://
        for network in (1, 2, 3):
            page.keyboard.press("ArrowRight")
            page.wait_for_function(f"{STATE}.model === {network} && {LEVEL} > 1e-3")
        page.keyboard.up("q")
        page.wait_for_function(f"{LEVEL} < 1e-4")
        page.keyboard.press("Home")  # the thinnest network hardly hears how loud it should be
        box = page.locator(f"{ROOT} [data-control=key-60]").bounding_box()
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] * 0.95)
        page.mouse.down()
        page.wait_for_function(f"{LEVEL} > 0.05")  # the note at rest has 0.065
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] * 0.2)
        page.wait_for_function(f"{LEVEL} > 1e-4 && {LEVEL} < 0.035")
        page.mouse.up()
        page.wait_for_function(f"{LEVEL} < 1e-4")


@pytest.mark.browser
def test_hold_timbre_and_reset(path: Path) -> None:
    with pages.open_page(path, width=360, height=800, dark=True) as page:
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        first = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        page.locator(f"{ROOT} [data-control=hold]").click()
        page.wait_for_function("globalThis.__timbre.rms && globalThis.__timbre.rms() > 1e-3")
        page.locator(f"{ROOT} [data-control=toward]").select_option("Flute")
        page.locator(f"{ROOT} [data-control=mix]").fill("100")
        page.locator(f"{ROOT} [data-control=network-2]").click()
        page.wait_for_function(f"{STATE}.mix === 1 && {STATE}.model === 2")
        other = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        assert np.linalg.norm(other - first) > 0.25 * np.linalg.norm(first)
        page.locator(f"{ROOT} [data-control=reset]").click()
        page.wait_for_function(f"{STATE}.mix === 0 && {STATE}.model === 0")
        page.wait_for_function(f"{LEVEL} < 1e-4")
        assert np.array_equal(page.evaluate(f"Array.from({STATE}.lastBuffer)"), first)


@pytest.mark.browser
def test_a_page_without_an_audio_thread_plays_all_the_same(path: Path) -> None:
    with pages.open_page(path) as page:
        ready(page)
        page.evaluate("Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: undefined })")
        page.locator(f"{ROOT} [data-control=hold]").click()
        page.wait_for_function("globalThis.__timbre.rms && globalThis.__timbre.rms() > 1e-3")
        assert page.evaluate(f"{STATE}.thread") == "page"
        page.locator(f"{ROOT} [data-control=hold]").click()
        page.wait_for_function(f"{LEVEL} < 1e-4")
