"""Clips have the pitch and loudness they claim; training is seeded, improves, and keeps the best state."""

from __future__ import annotations

import pytest
import torch

from lib import corpus
from lib.errors import BookError
from lib.models import data, training
from lib.models.base import HOP, MODEL_RATE
from tests.pruning.test_lottery import TASK


def test_clips_are_level_and_in_tune() -> None:
    notes = corpus.notes(instrument="Oboe", midi=[69, 70], velocity=80)
    batch = data.batch_of(notes, seconds=1.0)
    assert batch.audio.shape == (2, MODEL_RATE) and batch.f0_hz.shape == (2, 100)
    assert torch.allclose(batch.audio.abs().amax(1), torch.full((2,), data.PEAK))
    spectrum = torch.fft.rfft(batch.audio * torch.hann_window(MODEL_RATE)).abs()
    for row, note in zip(spectrum, notes):
        nearby = slice(int(note.f0_hz * 0.97), int(note.f0_hz * 1.03))  # bins of 1 Hz, half a semitone
        assert row[nearby].max() > 30 * row[20 : int(note.f0_hz * 0.8)].max()


def test_loudness_is_rms() -> None:
    audio = 0.5 * torch.sin(2 * torch.pi * 400 * torch.arange(10 * HOP) / MODEL_RATE)[None]
    assert torch.allclose(data.loudness_db(audio)[0, 1:-1], torch.tensor(-9.03), atol=0.02)
    assert data.loudness_db(torch.zeros(1, HOP)).item() == data.SILENCE_DB


def test_no_recording_is_on_two_sides() -> None:
    sides = {
        split: {r for n in corpus.notes(split=split, velocity=80, instrument=corpus.INSTRUMENTS) for r in n.recordings}
        for split in ("train", "valid", "test")
    }
    assert not sides["train"] & sides["test"] and not sides["valid"] & sides["test"]


def test_training_repeats_improves_and_keeps_the_best() -> None:
    first, second = TASK.build(0), TASK.build(0)
    before = TASK.error(first, "valid")
    a, b = (TASK.train(model, seed=3, snapshot_at=3) for model in (first, second))
    assert a.curve == b.curve and a.valid < before
    assert TASK.error(first, "valid") == pytest.approx(a.valid, rel=1e-6)
    assert all(torch.equal(x, b.snapshot[name]) for name, x in a.snapshot.items())


def test_going_on_from_the_snapshot_is_the_same_training() -> None:
    """Adam starts afresh at the snapshot, so only the batches and the schedule repeat: the errors are close."""
    model = TASK.build(0)
    whole = TASK.train(model, seed=3, snapshot_at=3)
    model.load_state_dict(whole.snapshot)
    again = TASK.train(model, seed=3, start_step=3)
    assert again.curve[-1][1] == pytest.approx(whole.curve[-1][1], rel=0.05)


def test_crops_move_all_three_together() -> None:
    batch = TASK.train_clips
    cut = batch.crop(torch.arange(6) % 4, 5)
    assert torch.equal(cut.audio[3], batch.audio[3, 3 * HOP : 8 * HOP])
    assert cut.f0_hz.shape == (6, 5)


def test_mistakes_are_named() -> None:
    with pytest.raises(BookError, match="No note"):
        data.batch_of([])
    with pytest.raises(BookError, match="diverged"):
        bad = TASK.train_clips
        training.train(
            TASK.build(0), type(bad)(bad.audio * torch.nan, bad.f0_hz, bad.loudness_db), TASK.valid_clips, TASK.recipe
        )
