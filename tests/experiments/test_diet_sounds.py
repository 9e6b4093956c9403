"""The diet's sounds: measured as defined, equally loud, without clicks, and made again only when they must be."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from lib import results
from lib.errors import BookError
from lib.experiments import diet_render, diet_sounds
from lib.models import checkpoint, make
from lib.models.base import MODEL_RATE
from lib.widgets.loudness import loudness_lufs
from lib.widgets.sound import PEAK_DBFS, TARGET_LUFS

RUN = "ddsp-trim-local-information-rewind-s0"


def _chain(folder: Path, name: str = RUN, shares: tuple[float, ...] = (0.0, 0.3, 0.52, 0.88, 0.985)) -> None:
    """Write the result of a chain, and a toy model for each of its rounds."""
    rounds = []
    for number, removed in enumerate(shares):
        torch.manual_seed(number)
        checkpoint.save(make("ddsp", "toy"), f"{name}/round-{number:02d}.pt", {"run": name, "round": number})
        rounds.append({"round": number, "removed": removed, "n_parameters": 100 - number, "test": 1.0, "valid": 1.0})
    model, how, scope, criterion, reset, seed = name.removeprefix("long-").split("-")
    config = {"kind": "chain", "model": model, "how": how, "scope": scope, "criterion": criterion, "reset": reset}
    config |= {"seed": int(seed[1:]), "steps": 2000 if name.startswith("long") else 300}
    results.write_result(
        folder / "diet" / "runs" / f"{name}.json",
        {"status": "ok", "rounds": rounds},
        provenance=results.provenance(config=config, seeds=[0]),
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkpoint, "FOLDER", tmp_path / "checkpoints")
    _chain(tmp_path)
    return tmp_path


def test_the_distance_is_what_it_says() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.standard_normal((2, 4 * MODEL_RATE))
    distance = diet_render.spectral_distance_db
    assert distance(one, one) == 0.0
    # A gain of 6 dB is 6 dB in every cell that is above the floor, and noise has hardly any below it.
    assert distance(2 * one, one) == pytest.approx(20 * math.log10(2), abs=0.01)
    # Power of a cell of noise is exponential; the mean difference of two logarithms of it is 2 ln 2 in nepers of
    # power, 6.02 dB. The lowest and highest bins are real, hence a little more.
    assert distance(one, two) == pytest.approx(20 * math.log10(2), abs=0.15)
    # More of a disturbance is never nearer, even where it only fills what was silent.
    tone = np.sin(2 * np.pi * 440 * np.arange(MODEL_RATE) / MODEL_RATE)
    noisy = [distance(tone + gain * one[:MODEL_RATE], tone) for gain in (0.0, 1e-4, 1e-3, 1e-2, 1e-1)]
    assert noisy == sorted(noisy)
    assert noisy[1] < 1.0  # what is 60 dB down counts for nothing
    with pytest.raises(BookError, match="equal lengths"):
        distance(one, two[1:])


def test_the_notes_are_held_out_and_chosen_by_rule() -> None:
    chosen = diet_render.notes()
    assert [note.instrument for note in chosen] == list(diet_render.INSTRUMENTS)
    assert {note.split for note in chosen} == {"test"}


def test_a_finished_sound_is_level_and_has_no_clicks() -> None:
    t = np.arange(MODEL_RATE) / MODEL_RATE
    for gain in (1e-3, 1.0, 30.0):
        ready = diet_render.finish(gain * (0.2 + np.sin(2 * np.pi * 300 * t + 1)))
        assert loudness_lufs(ready, MODEL_RATE) == pytest.approx(TARGET_LUFS, abs=0.1)
        assert ready[0] == ready[-1] == 0.0
        assert np.abs(np.diff(ready)).max() < 1.2 * 2 * np.pi * 300 / MODEL_RATE * np.abs(ready).max()
    spike = np.zeros(MODEL_RATE)
    spike[8000] = 1.0
    assert np.abs(diet_render.finish(spike)).max() <= 10 ** (PEAK_DBFS / 20) + 1 / 32768  # rounded to 16 bit
    assert not diet_render.finish(np.zeros(MODEL_RATE)).any()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler here")
def test_wavenet_draws_with_the_same_lots(folder: Path) -> None:
    torch.manual_seed(0)
    model, mel = make("wavenet", "toy").eval(), np.random.default_rng(0).random((2, 4, 9), dtype=np.float32)
    one, again, other = (diet_render.sampled_in_c(model, mel, 400, seed) for seed in (0, 0, 1))
    assert [len(audio) for audio in one] == [400, 400]
    assert all((a == b).all() for a, b in zip(one, again))
    assert all((a != b).any() for a, b in zip(one, other))
    assert (one[0] != one[1]).any()


def test_rendering_makes_what_is_missing_and_keeps_the_rest(folder: Path) -> None:
    said: list[str] = []
    path = diet_render.render(folder=folder, report=said.append)
    record = results.read_result(path)["results"]
    points = record["runs"][RUN]["points"]
    # Each share goes to the round nearest to it; 95 % is too far from both of its neighbours, as 5 % are from 12 %.
    assert [(p["round"], p["stands_for"]) for p in points] == [
        (0, [0.0]),
        (2, [0.5]),
        (3, [0.9]),
        (4, [0.98]),
    ]
    for clip in record["clips"]:
        assert points[0]["sounds"][clip["key"]]["to_full_db"] == 0.0
        assert points[1]["sounds"][clip["key"]]["to_full_db"] > 0.0
        audio, rate = soundfile.read(diet_sounds.folder_of(folder) / points[1]["sounds"][clip["key"]]["file"])
        assert (rate, len(audio)) == (MODEL_RATE, round(diet_render.SECONDS * MODEL_RATE))
        assert loudness_lufs(audio, rate) == pytest.approx(points[1]["sounds"][clip["key"]]["loudness_lufs"], abs=0.05)

    stamp = path.stat().st_mtime_ns
    diet_render.render(folder=folder, report=said.append)
    assert said[-1].endswith("nothing to do")
    assert path.stat().st_mtime_ns == stamp
    # Another model: rendered again, to another sound; a chain that is kept no more: dropped, and its files with it.
    torch.manual_seed(99)
    checkpoint.save(make("ddsp", "toy"), f"{RUN}/round-02.pt", {})
    before = (diet_sounds.folder_of(folder) / f"{RUN}/round-02-oboe.flac").read_bytes()
    diet_render.render(folder=folder, report=said.append)
    assert (diet_sounds.folder_of(folder) / f"{RUN}/round-02-oboe.flac").read_bytes() != before
    (checkpoint.FOLDER / RUN / "round-02.pt").unlink()
    diet_render.render(folder=folder, report=said.append)
    assert diet_sounds.facts(folder)["runs"] == {}
    assert [p.parent.name for p in diet_sounds.folder_of(folder).rglob("*.flac")] == ["original"] * 4


def test_sounds_for_chapters(folder: Path) -> None:
    with pytest.raises(BookError, match="none yet"):
        diet_sounds.sounds(RUN, folder=folder)
    assert diet_sounds.heard_run("ddsp", folder) is None
    _chain(folder, f"long-{RUN}", (0.0, 0.9))
    diet_render.render(folder=folder, report=lambda text: None)
    assert diet_sounds.heard_run("ddsp", folder) == f"long-{RUN}"  # trained long comes before trained short
    found = diet_sounds.sounds(RUN, "piano", folder=folder)
    assert list(found) == ["Original", "Full model", "52.0 % removed", "88.0 % removed", "98.5 % removed"]
    assert len({sound.data for sound in found.values()}) == 5
    assert list(diet_sounds.sounds("ddsp", folder=folder)) == ["Original", "Full model", "90.0 % removed"]
    assert [p["removed"] for p in diet_sounds.points("ddsp", folder)] == [0.0, 0.9]
    with pytest.raises(BookError, match=r"ends at 90.0 % removed"):
        diet_sounds.listening_test("ddsp", "abx", shares=(0.99,), folder=folder)
    for wrong in ({"clip": "kazoo"}, {"shares": (0.42,)}):
        with pytest.raises(BookError):
            diet_sounds.sounds(RUN, folder=folder, **wrong)
    (diet_sounds.folder_of(folder) / f"{RUN}/round-02-oboe.flac").unlink()
    with pytest.raises(BookError, match="missing or damaged"):
        diet_sounds.sounds(RUN, folder=folder)


def test_listening_tests(folder: Path) -> None:
    diet_render.render(folder=folder, report=lambda text: None)
    rating = diet_sounds.listening_test("ddsp", folder=folder)
    assert rating.names[:2] == ["Original", "Full model"]
    assert rating.mode == "mushra"
    pair = diet_sounds.listening_test(RUN, "abx", shares=(0.5,), folder=folder)
    assert pair.names == ["Full model", "52.0 % removed"]
    with pytest.raises(BookError, match="one share"):
        diet_sounds.listening_test(RUN, "abx", shares=(0.5, 0.9), folder=folder)


def test_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diet_sounds.main(["--folder", str(folder), "--run", RUN]) == 0
    assert "4 operating points" in capsys.readouterr().out
    assert diet_sounds.main(["--folder", str(folder), "--run", "nonesuch"]) == 2
    assert "nonesuch" in capsys.readouterr().err


def test_what_is_shipped_is_as_described() -> None:
    """Every sound of the book: its level, its peak, no click at its ends, and all of them together light."""
    known = diet_sounds.facts()
    entries = list(known["clips"])
    entries += [one for run in known["runs"].values() for point in run["points"] for one in point["sounds"].values()]
    if not entries:
        pytest.skip("no sounds have been rendered yet")
    for about in entries:
        audio, rate = soundfile.read(diet_sounds.folder_of() / about["file"])
        assert rate == MODEL_RATE
        assert np.abs(audio).max() == pytest.approx(about["peak"], abs=1e-3)
        assert np.abs(audio).max() <= 10 ** (PEAK_DBFS / 20) + 1e-4
        assert max(abs(audio[0]), abs(audio[-1])) < 1e-3
        if about["loudness_lufs"] is not None:
            assert loudness_lufs(audio, rate) == pytest.approx(about["loudness_lufs"], abs=0.1)
    files = list(diet_sounds.folder_of().rglob("*.flac"))
    assert len(files) == len(entries)
    assert sum(file.stat().st_size for file in files) < 4e6
