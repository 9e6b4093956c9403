"""Bring your own sound: the page finds what the library finds, refuses what it refuses, and asks nobody."""

from __future__ import annotations

from pathlib import Path

import node
import numpy as np
import page as pages
import pytest
import soundfile

from lib import corpus
from lib.timbre import export, synthesize
from lib.timbre.space import load_space
from lib.widgets.base import bundle
from lib.widgets.own import own

ROOT = '[data-widget="own"]'
STATE = f"document.querySelector('{ROOT}').__timbre"
STATUS = f"document.querySelector('{ROOT} .own-status')"


def test_examples_are_instruments_the_space_never_heard() -> None:
    widget = own()
    assert [name.split()[0] for name in widget.names] == ["Viola", "Tuba"]
    assert not {"Viola", "Tuba"} & set(corpus.INSTRUMENTS)
    code = bundle("own")
    assert not any(word in code for word in ("fetch(", "XMLHttpRequest", "sendBeacon", "WebSocket"))


@pytest.mark.parametrize("f0_hz", [98.0, 440.0])
def test_pitch_and_level_curves_are_the_library_s(tmp_path: Path, f0_hz: float) -> None:
    t = np.arange(22050) / 22050
    cents = 30 * np.sin(2 * np.pi * 5.5 * t)
    phase = 2 * np.pi * np.cumsum(f0_hz * 2 ** (cents / 1200)) / 22050
    audio = sum(np.sin(k * phase) / k for k in range(1, 8)) * np.minimum(1, 10 * t) * 0.1
    expression = f"performance.ofSound(Float32Array.from(argument), {f0_hz})"
    expression = f"(() => {{ const p = {expression}; return [Array.from(p.f0), Array.from(p.level)]; }})()"
    f0, level = node.run(tmp_path, "own", expression, audio.astype(np.float32).tolist())
    how = synthesize.of_sound(audio.astype(np.float32), f0_hz)
    assert np.allclose(level, how.level, atol=1e-7)
    # Cents are what one hears; half a cent is far below the 5 cents a good ear tells apart.
    assert np.abs(1200 * np.log2(np.array(f0) / how.f0_hz)).max() < 0.5


@pytest.mark.parametrize(
    ("sound", "words"),
    [([], "no sound"), ([0.0] * 5000, "silent"), ([0.1] * 3, "too short"), ([0.1, None] * 3000, "damaged")],
)
def test_what_is_no_sound_is_refused_in_words(tmp_path: Path, sound: list, words: str) -> None:
    expression = "refusal(argument.map((x) => (x === null ? NaN : x)))"
    assert words in node.run(tmp_path, "own", expression, sound)
    assert node.run(tmp_path, "own", expression, [0.1] * 5000) is None


@pytest.mark.browser
def test_an_example_lands_where_the_library_puts_it_and_morphs(tmp_path: Path) -> None:
    note = corpus.notes(instrument="Viola", velocity=80)
    note = min(note, key=lambda one: abs(one.midi - 62))
    place = export.rounded(load_space()).place(note.audio())
    with pages.open_page(pages.write_page(tmp_path, [own()])) as page:
        page.locator(f"{ROOT} [data-control=example-0]").click()
        page.wait_for_function(f"{STATE}.result?.name.startsWith('Viola')")
        found = page.evaluate(f"{STATE}.result")
        # The note travels as 16-bit FLAC; f0 comes from the page's own estimate.
        assert found["f0_hz"] == pytest.approx(place.f0_hz, rel=1e-3)
        assert np.abs(np.array(found["point"]) - place.point).max() < 0.05
        assert max(found["likeness"], key=found["likeness"].get) == max(place.likeness, key=place.likeness.get)
        assert len(found["nearest"]) == 5
        through = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        page.locator(f"{ROOT} [data-control=morph]").fill("100")
        page.locator(f"{ROOT} [data-control=track-2]").click()
        page.wait_for_timeout(1500)
        morphed = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        assert len(morphed) == len(through)
        assert np.linalg.norm(morphed - through) > 0.3 * np.linalg.norm(through)
        page.locator(f"{ROOT} [data-control=play]").click()
        page.wait_for_timeout(500)
        assert page.evaluate("globalThis.__timbre.rms()") > 1e-3


@pytest.mark.browser
def test_files_of_all_kinds_get_an_answer(tmp_path: Path) -> None:
    rate = 44100
    t = np.arange(rate) / rate
    tone = 0.2 * sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 12)) * np.minimum(1, 20 * t)
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone, 0.5 * tone], axis=1), rate)
    soundfile.write(tmp_path / "silent.wav", np.zeros(rate), rate)
    soundfile.write(tmp_path / "tiny.wav", tone[:60], rate)
    (tmp_path / "text.wav").write_text("no sound at all")
    with pages.open_page(pages.write_page(tmp_path / "page", [own()])) as page:
        chooser = page.locator(f"{ROOT} [data-control=file]")
        chooser.wait_for(state="attached")
        for name, words in (("silent", "silent"), ("tiny", "too short"), ("text", "no sound this browser can read")):
            chooser.set_input_files(tmp_path / f"{name}.wav")
            page.wait_for_function(f"{STATUS}.dataset.kind === 'error' && {STATUS}.textContent.includes('{words}')")
        chooser.set_input_files(tmp_path / "stereo.wav")
        page.wait_for_function(f"{STATE}.result?.name === 'stereo.wav'")
        assert page.evaluate(f"{STATE}.result.f0_hz") == pytest.approx(220, rel=2e-3)
        assert "A3" in page.locator(f"{ROOT} .own-status").text_content()
        assert pages.rms(page, ROOT) > 1e-3


@pytest.mark.browser
def test_a_microphone_is_asked_for_only_by_its_button(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    monkeypatch.setattr(pages, "EXTRA_FLAGS", [*pages.EXTRA_FLAGS, *fake])
    with pages.open_page(pages.write_page(tmp_path, [own()]), width=360, height=800) as page:
        record = page.locator(f"{ROOT} [data-control=record]")
        record.wait_for()
        assert page.evaluate("globalThis.__timbre.context === undefined")
        record.click()
        page.wait_for_function(f"{STATUS}.textContent.startsWith('Recording')")
        page.wait_for_timeout(2500)
        record.click()
        page.wait_for_function(f"!{STATUS}.textContent.startsWith('Recording')")
        page.wait_for_function(f"!{STATUS}.textContent.startsWith('Listening')")
        assert "your recording" in page.locator(f"{ROOT} .own-status").text_content()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
