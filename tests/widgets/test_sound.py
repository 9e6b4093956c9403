"""Sounds: stored once, bit for bit, equally loud, and refused with a reason when they cannot be heard."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lib.errors import BookError
from lib.widgets.loudness import loudness_lufs
from lib.widgets.sound import PEAK_DBFS, TARGET_LUFS, Sound, describe, matched_gains_db, sound

SAMPLE_RATE = 22050


def decoded(made: Sound) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(made.data), dtype="int16")
    assert rate == made.sample_rate
    return samples


def test_the_same_audio_is_one_sound(tone) -> None:
    audio = tone(220)
    first = sound(audio, label="first")
    assert sound(audio.copy(), label="again") is first
    assert sound(tone(221)) is not first
    assert sound(audio, 16000) is not first
    assert sound(first) is first
    assert sound(audio, description="A plain tone.") is first and first.description == "A plain tone."


def test_a_closed_sound_is_made_again(tone) -> None:
    audio = tone(333)
    first = sound(audio)
    first.close()
    assert sound(audio) is not first


@settings(deadline=None, max_examples=25)
@given(arrays(np.int16, st.integers(1, 3000)))
def test_flac_keeps_every_16_bit_sample(samples: np.ndarray) -> None:
    assert np.array_equal(decoded(sound(samples / 32768.0, description="any")), samples)


def test_sounds_too_loud_for_16_bits_are_scaled_not_clipped(tone) -> None:
    audio = 3.0 * tone(220, level=1.0)
    samples = decoded(sound(audio)) / 32768
    # One step of 16 bits is 3e-5 of full scale.
    assert np.abs(samples - audio / np.abs(audio).max()).max() < 4e-5


def test_everything_plays_equally_loud_and_nothing_clips(tone) -> None:
    rng = np.random.default_rng(0)
    group = [tone(110, level=0.9), tone(880, level=0.01), tone(220, decay=4.0), 0.02 * rng.standard_normal(30000)]
    made = [sound(audio) for audio in group]
    gains = matched_gains_db(made)
    played = [decoded(s) / 32768 * 10 ** (gain / 20) for s, gain in zip(made, gains)]
    loudness = [loudness_lufs(audio, SAMPLE_RATE) for audio in played]
    # Half a tenth of a LU: far below what anybody hears (about 1 LU).
    assert np.ptp(loudness) < 0.05
    assert max(np.abs(audio).max() for audio in played) <= 10 ** (PEAK_DBFS / 20) + 1e-4
    assert loudness[0] <= TARGET_LUFS + 0.05


def test_a_peaky_sound_turns_its_whole_group_down(tone) -> None:
    click = np.zeros(SAMPLE_RATE)
    click[5000:5003] = 0.5
    made = [sound(click), sound(tone(440))]
    gains = matched_gains_db(made)
    assert 20 * np.log10(made[0].peak) + gains[0] == pytest.approx(PEAK_DBFS, abs=1e-6)
    assert gains[1] < TARGET_LUFS - made[1].loudness - 1
    difference = (made[0].loudness + gains[0]) - (made[1].loudness + gains[1])
    assert difference == pytest.approx(0, abs=1e-6)


def test_loudness_is_the_standards_own_number() -> None:
    t = np.arange(3 * 48000) / 48000
    # ITU-R BS.1770-4: a 0 dBFS sine of 997 Hz in one channel reads -3.01 LKFS; EBU Tech 3341 allows 0.1 LU.
    assert loudness_lufs(np.sin(2 * np.pi * 997 * t), 48000) == pytest.approx(-3.01, abs=0.1)


def test_silence_around_a_note_does_not_change_its_loudness(tone) -> None:
    note = tone(220, seconds=2.0)
    padded = np.concatenate([np.zeros(2 * SAMPLE_RATE), note, np.zeros(3 * SAMPLE_RATE)])
    # Blocks that hold the edges of the note count a little: less than the 1 LU one can hear.
    assert loudness_lufs(padded, SAMPLE_RATE) == pytest.approx(loudness_lufs(note, SAMPLE_RATE), abs=1.0)
    assert abs(20 * np.log10(np.std(padded) / np.std(note))) > 5


@pytest.mark.parametrize(
    ("audio", "complaint"),
    [
        (np.array([0.1, np.nan]), "NaN or infinity"),
        (np.array([0.1, np.inf]), "NaN or infinity"),
        (np.zeros(0), "empty"),
        (np.zeros((2, 100)), r"shape \[2, 100\]"),
        (np.zeros(10, dtype=complex), "complex128, not numbers"),
        (np.array(["a"]), "not numbers"),
    ],
)
def test_what_cannot_be_heard_is_refused(audio: np.ndarray, complaint: str) -> None:
    with pytest.raises(BookError, match=complaint):
        sound(audio, label="mine")


def test_silence_is_allowed_and_says_so() -> None:
    made = sound(np.zeros(4000))
    assert made.gain_db == 0 and made.loudness is None
    assert "silence" in made.description.lower()


def test_the_text_equivalent_tells_dark_from_bright(tone) -> None:
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    dark, bright = describe(0.1 * np.sin(2 * np.pi * 220 * t), SAMPLE_RATE), describe(tone(3000), SAMPLE_RATE)
    assert "dark" in dark and "A3" in dark and "1.0 s" in dark
    assert "bright" in bright
    assert describe(np.ones(20) * 0.1, SAMPLE_RATE) == "A click of 0.9 ms."


def test_tensors_integers_and_notes_are_taken(tone) -> None:
    import torch

    audio = tone(250)
    made = sound(torch.from_numpy(audio).requires_grad_())
    assert sound(audio) is made
    assert sound(np.round(audio * 32768).astype(np.int16)) is made

    class Note:
        name, f0_hz = "Toy A3", 250.0

        def audio(self) -> np.ndarray:
            return tone(251)

    assert sound(Note()).label == "Toy A3"
