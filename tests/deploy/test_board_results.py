"""Which measurements are believed: a made-up one that could be true, and what every lie does to it."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.deploy import board_results
from lib.errors import BookError

TODAY = dt.date(2030, 1, 2)


def spread(mean: float) -> dict[str, Any]:
    return {"n": 100, "mean_s": mean, "median_s": 0.9 * mean, "p95_s": 1.5 * mean, "worst_s": 3 * mean}


def made_up() -> dict[str, Any]:
    """What a board might say; no board ever said it, and it is never shown."""
    step, rate, samples = 0.001, 16_000, 160
    blocks = []
    for block in (64, 512):
        period, mean = block / rate, step * block / samples
        blocks.append(
            {
                "block": block,
                "period_s": period,
                "steps_least": block // samples,
                "steps_most": block // samples + 1,
                "real_time_factor": mean / period,
                "worst_factor": 3 * mean / period,
                **spread(mean),
            }
        )
    cool = {"temperature_c": 50.0, "clock_hz": 1.5e9, "throttled": "0x0"}
    return {
        "provenance": {
            "command": "python measure.py m.onnx",
            "config": {},
            "seeds": [0],
            "commit": "measure.py 0",
            "date": "2030-01-01",
            "machine": "fiction",
        },
        "results": {
            "format": 1,
            "evidence": "measured",
            "board": {
                "name": "Raspberry Pi 4 Model B Rev 1.4",
                "architecture": "aarch64",
                "bits": 64,
                "cores": 4,
                "fastest_clock_hz": 1.8e9,
                "governor": "ondemand",
                "memory_bytes": 4 << 30,
                "os": "Debian",
                "kernel": "6",
                "python": "3.11.2",
                "numpy": "2",
                "onnxruntime": "1",
            },
            "model": {
                "model": "ddsp",
                "part": "step",
                "precision": "float32",
                "run": "",
                "widths": {"h": 64},
                "parameters": 80_000,
                "sample_rate": rate,
                "block_samples": samples,
                "macs_per_second": 1e7,
                "file_bytes": 310_000,
                "sha256": "0" * 64,
            },
            "step": {
                "samples": samples,
                "network": spread(0.0006),
                "synthesiser": spread(0.0004),
                "both": spread(step),
            },
            "blocks": blocks,
            "real_time_factor": step * rate / samples,
            "simulation": {
                "block": 512,
                "seconds": 60.0,
                "blocks": 1875,
                "dropouts": 0,
                "worst_late_s": 0.0,
                "busy": 0.1,
            },
            "memory": {"before_model_bytes": 60 << 20, "resident_bytes": 70 << 20, "highest_bytes": 80 << 20},
            "conditions": {"before": cool, "during": [{"at_s": 1.0, **cool}], "after": cool},
            "energy": None,
        },
    }


#: A block of 512 samples in a thirtieth of the time of its steps.
TOO_QUICK = made_up()["results"]["blocks"][1] | spread(1e-4) | {"real_time_factor": 1e-4 / 0.032}


def lie(path: str, value: Any) -> dict[str, Any]:
    record = copy.deepcopy(made_up())
    place: Any = record["results"]
    *way, last = path.split("/")
    for word in way:
        place = place[int(word) if isinstance(place, list) else word]
    place[int(last) if isinstance(place, list) else last] = value
    return record


def test_a_plausible_one_is_believed() -> None:
    assert board_results.problems(made_up(), TODAY) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("format", 2, "format"),
        ("evidence", "emulated", "evidence"),
        ("surplus", 1, "surplus"),
        ("model/sha256", "abc", "sha256"),
        ("model/precision", "float16", "precision"),
        ("real_time_factor", 0.05, "mean step over the sound"),
        ("blocks/0/median_s", 1.0, "not in order"),
        ("blocks/0/period_s", 1.0, "its samples over the rate"),
        ("blocks/1/real_time_factor", 0.01, "mean over its period"),
        ("blocks/1/steps_most", 2, "do not make it"),
        ("blocks/1", TOO_QUICK, "far less time"),
        ("simulation/blocks", 900, "fill the time"),
        ("simulation/dropouts", 2, "contradict"),
        ("simulation/busy", 1.4, "busy"),
        ("board/bits", 32, "32-bit"),
        ("board/architecture", "x86_64", "is no x86_64"),
        ("board/cores", 8, "4 cores, not 8"),
        ("board/fastest_clock_hz", 2.2e9, "overclocked"),
        ("conditions/during/0/clock_hz", 3e9, "overclocked"),
        ("conditions/before/temperature_c", 400.0, "temperature"),
        ("memory/resident_bytes", 8 << 30, "larger than the machine"),
        # 4 cores, 4 multiply-adds a cycle, 1.8 GHz: 28.8 G/s, so 0.9 ms bears 26 M a step, 2.6 G a second.
        ("model/macs_per_second", 4e9, "at its very best"),
    ],
)  # fmt: skip
def test_lies_are_found(path: str, value: Any, said: str) -> None:
    found = board_results.problems(lie(path, value), TODAY)
    assert any(said in problem for problem in found), found


def test_nothing_from_the_future() -> None:
    assert board_results.problems(made_up(), dt.date(2029, 12, 1)) == ["2030-01-01 is in the future."]


def test_an_unknown_machine_is_compared_with_itself_only() -> None:
    record = lie("board/name", "Someone's workstation")
    record["results"]["board"] |= {"architecture": "x86_64", "cores": 64, "fastest_clock_hz": 5e9}
    assert board_results.problems(record, TODAY) == []


def past(record: dict[str, Any]) -> dict[str, Any]:
    record["provenance"]["date"] = "2020-01-01"
    return record


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def made(name: str, record: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(past(record)))
        return path

    return made


def test_the_loader_says_measured(write: Callable[..., Path], tmp_path: Path) -> None:
    write("one.json", made_up())
    [found] = board_results.load(tmp_path)
    assert (found.evidence, found.board, found.model) == ("measured", "Raspberry Pi 4 Model B", "ddsp")
    assert found.known is not None and found.real_time_factor == pytest.approx(0.1) and found.dropouts == 0
    assert board_results.load(tmp_path / "empty") == []


def test_the_command(write: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = write("good.json", made_up()), write("bad.json", lie("board/bits", 32))
    assert board_results.main(["check", str(good)]) == 0
    assert "good.json: fine" in capsys.readouterr().out
    assert board_results.main(["check", str(good), str(bad)]) == 1
    assert "32-bit" in capsys.readouterr().out
    cut = tmp_path / "cut.json"
    cut.write_text(good.read_text()[:100])
    with pytest.raises(BookError, match="cut short"):
        board_results.check(cut)


def test_what_ships_is_believed() -> None:
    """Every board in the book passes, and the example is what it says: this kind of machine, not a board."""
    board_results.load()
    example = board_results.example()
    assert example is not None and example.known is None
    assert example.record["results"]["board"]["architecture"] == "x86_64"
    assert board_results.problems(example.record) == []
