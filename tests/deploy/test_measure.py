"""The runner for boards: its synthesiser against the book's, its bookkeeping against a clock of our own."""

from __future__ import annotations

import ast
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
import torch

from lib.deploy import board_results, measure
from lib.deploy import onnx as exchange
from lib.models import make
from lib.models.ddsp import _noise

RUNNER = Path(measure.__file__)


class Clock:
    """Time that passes only when somebody works or sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Worker:
    """A model that makes `samples` at 16 kHz, each step taking what `costs` says, over and over."""

    rate, harmonics = 16_000, None

    def __init__(self, clock: Clock, samples: int, costs: list[float]) -> None:
        self.clock, self.samples, self.costs, self.steps = clock, samples, costs, 0

    def step(self) -> None:
        self.clock.now += self.costs[self.steps % len(self.costs)]
        self.steps += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(measure, "time", made)
    return made


def run(folder: Path, *words: str, isolated: str = "-I") -> subprocess.CompletedProcess[str]:
    shutil.copy(RUNNER, folder / "measure.py")
    return subprocess.run(
        [sys.executable, isolated, *(["-S"] if isolated == "-IS" else []), "measure.py", *words],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def toy(folder: Path, name: str = "ddsp") -> Path:
    return exchange.export(make(name, "toy"), folder / f"{name}.onnx", run="a test")


def test_it_stands_alone_and_runs_on_python_3_9() -> None:
    tree = ast.parse(RUNNER.read_text(), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported - sys.stdlib_module_names == {"numpy", "onnxruntime"}


def test_its_synthesiser_is_the_books(tmp_path: Path) -> None:
    """Frame by frame, one frame late, the board plays what torch renders for the whole clip."""
    torch.manual_seed(0)
    model = make("ddsp", "book").eval()
    frames = 40
    drawn = torch.Generator().manual_seed(1)
    f0_hz = 200.0 + 100.0 * torch.rand(1, frames, generator=drawn)
    partials = torch.rand(1, frames, model.config.n_partials, generator=drawn) / 40
    gains = torch.rand(1, frames, model.config.n_bands, generator=drawn)
    noise = _noise(1, frames, drawn)
    expected = model.render(f0_hz, {"partials": partials, "noise": gains}, noise)[0].numpy()
    about = exchange.read_about(exchange.export(model, tmp_path / "m.onnx"))
    player = measure.Harmonics(16_000, about["details"])
    played = [
        player.render(float(f), a, g, n)
        for f, a, g, n in zip(f0_hz[0], partials[0].numpy(), gains[0].numpy(), noise[0].numpy())
    ]
    found = np.concatenate(played)[160:]
    # The last frame waits for one that never comes. Phases of the 40th partial are rounded to 1e-5 of a turn or so.
    assert np.abs(found - expected[: len(found)]).max() < 1e-4 * np.abs(expected).max()


def test_durations_by_hand() -> None:
    found = measure.distribution([0.1] * 18 + [0.5, 2.0])
    assert found["n"] == 20 and found["median_s"] == 0.1 and found["p95_s"] == 0.5 and found["worst_s"] == 2.0
    assert found["mean_s"] == pytest.approx(0.215)


def test_small_blocks_wait_for_whole_steps(clock: Clock) -> None:
    """160 samples a step, 64 a block: two steps make five blocks, so most blocks cost nothing or everything."""
    found = measure.measure_block(Worker(clock, 160, [0.002]), 64, budget_s=0.1)
    assert (found["steps_least"], found["steps_most"]) == (0, 1)
    assert found["worst_s"] == pytest.approx(0.002)
    assert found["median_s"] == 0.0
    assert found["real_time_factor"] == pytest.approx(0.2, rel=0.05)  # 2 ms of work per 10 ms of sound
    large = measure.measure_block(Worker(clock, 160, [0.002]), 1024, budget_s=1.0)
    assert (large["steps_least"], large["steps_most"]) == (6, 7)
    assert large["real_time_factor"] == pytest.approx(0.2, rel=0.05)


def test_a_fast_model_never_drops(clock: Clock) -> None:
    found = measure.simulate(Worker(clock, 160, [0.001]), 512, seconds=10.0)
    assert found["dropouts"] == 0 and found["worst_late_s"] == 0.0
    assert found["blocks"] == pytest.approx(10.0 / 0.032, abs=2)
    assert found["busy"] == pytest.approx(0.1, rel=0.05)


def test_a_slow_model_drops_every_other_block(clock: Clock) -> None:
    """1.5 times slower than real time: every block is half a period late, and silence fills the period."""
    found = measure.simulate(Worker(clock, 512, [0.048]), 512, seconds=10.0)
    assert found["dropouts"] == found["blocks"]
    assert found["worst_late_s"] == pytest.approx(0.016)


def test_one_hiccup_is_counted_in_periods(clock: Clock) -> None:
    """One step of 100 ms among fast ones: asked for at 0, due at 32 ms, so 68 ms late: three periods of silence."""
    found = measure.simulate(Worker(clock, 512, [0.001] * 50 + [0.1] + [0.001] * 10_000), 512, seconds=20.0)
    assert found["dropouts"] == 3
    assert found["worst_late_s"] == pytest.approx(0.068)


def test_what_it_writes_fits_the_schema_and_is_plausible(tmp_path: Path) -> None:
    for name in ("ddsp", "wavenet"):
        done = run(tmp_path, str(toy(tmp_path, name)), "--seconds", "0.5", "--out", "bench.json")
        assert done.returncode == 0, done.stderr
        record = json.loads((tmp_path / "bench.json").read_text())
        jsonschema.Draft202012Validator(board_results.schema()).validate(record)
        found = record["results"]
        assert found["model"]["run"] == "a test" and found["model"]["model"] == name
        assert [b["block"] for b in found["blocks"]] == [64, 128, 256, 512, 1024, 2048]
        assert (found["step"]["synthesiser"] is not None) == (name == "ddsp")
        assert found["memory"]["resident_bytes"] > found["memory"]["before_model_bytes"] > 0
        assert not list(tmp_path.glob("*.part"))


def test_the_timbre_space_has_steps_only(tmp_path: Path) -> None:
    exchange.export_space(tmp_path / "space.onnx")
    done = run(tmp_path, "space.onnx", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "bench.json").read_text())
    assert record["results"]["blocks"] == [] and record["results"]["real_time_factor"] is None
    assert board_results.problems(record) == []


def test_a_meter_is_read(tmp_path: Path) -> None:
    (tmp_path / "microwatts").write_text("2500000\n")
    words = ("--seconds", "2.5", "--meter-file", "microwatts", "--meter-scale", "1e-6")
    assert run(tmp_path, str(toy(tmp_path)), *words).returncode == 0
    energy = json.loads((tmp_path / "bench.json").read_text())["results"]["energy"]
    assert energy["watts_playing"] == pytest.approx(2.5) and energy["readings"] >= 1
    done = run(tmp_path, str(toy(tmp_path)), "--meter-command", "no-such-meter --watts")
    assert done.returncode == 2 and "meter" in done.stderr


def test_clear_errors_and_nothing_written(tmp_path: Path) -> None:
    good = toy(tmp_path)
    (tmp_path / "cut.onnx").write_bytes(good.read_bytes()[:500])
    for words, said in (
        (("none.onnx",), "There is no file"),
        (("cut.onnx",), "cut short"),
        ((good.name, "--seconds", "0"), "above 0"),
        ((good.name, "--out", "nowhere/bench.json"), "no folder"),
    ):
        done = run(tmp_path, *words)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr
    done = run(tmp_path, good.name, isolated="-IS")  # no site packages: no numpy
    assert done.returncode == 2 and "pip install numpy onnxruntime" in done.stderr
    assert not (tmp_path / "bench.json").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_leaves_the_old_result_alone(tmp_path: Path, how: signal.Signals) -> None:
    shutil.copy(RUNNER, tmp_path / "measure.py")
    (tmp_path / "bench.json").write_text("the old one")
    words = [sys.executable, "-I", "measure.py", toy(tmp_path).name, "--seconds", "10"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stderr:
            if "timing blocks of 128" in line:
                running.send_signal(how)
                break
        said = running.stderr.read()
        assert running.wait(timeout=60) == 130
    assert "nothing was written" in said and "Traceback" not in said
    assert (tmp_path / "bench.json").read_text() == "the old one"
    assert not list(tmp_path.glob("*.part"))


def test_conditions_come_from_what_the_machine_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/sys/class/thermal/thermal_zone0/temp": "48312",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000",
        "/sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
    }
    monkeypatch.setattr(measure, "read_text", lambda path: files.get(str(path), ""))
    assert measure.conditions() == {"temperature_c": 48.312, "clock_hz": 1_500_000_000, "throttled": "0x50005"}
    answers = {
        "measure_temp": "temp=51.0'C",
        "measure_clock arm": "frequency(48)=1800404352",
        "get_throttled": "throttled=0x0",
    }

    def firmware(words, **_):
        return SimpleNamespace(returncode=0, stdout=answers[" ".join(words[1:])] + "\n")

    monkeypatch.setattr(measure.subprocess, "run", firmware)
    assert measure.conditions(ask_firmware=True) == {
        "temperature_c": 51.0, "clock_hz": 1_800_404_352, "throttled": "0x0"
    }  # fmt: skip
    files.clear()
    monkeypatch.setattr(measure.subprocess, "run", lambda *a, **k: (_ for _ in ()).throw(FileNotFoundError()))
    assert set(measure.conditions(ask_firmware=True).values()) == {None}


def test_json_appears_whole(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        measure.write_whole(tmp_path / "bench.json", {"factor": float("nan")})
    assert list(tmp_path.iterdir()) == []
    measure.write_whole(tmp_path / "bench.json", {"factor": 0.5})
    assert [p.name for p in tmp_path.iterdir()] == ["bench.json"]
