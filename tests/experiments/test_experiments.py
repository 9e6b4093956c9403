"""Runs resume, failures are kept, and a cluster gives what a process gives."""

from __future__ import annotations

import json
import types
from pathlib import Path

import pytest

from lib import results
from lib.errors import BookError
from lib.experiments import runner, runs, timbre
from lib.experiments.__main__ import main
from lib.experiments.runs import Run


@pytest.fixture
def toy(monkeypatch) -> list[Run]:
    """A topic of three runs, one of which fails."""

    def perform(config):
        if config["seed"] == 2:
            raise ValueError("no luck")
        return {"square": config["seed"] ** 2, "not_finite": float("nan")}

    module = types.SimpleNamespace(perform=perform)
    monkeypatch.setattr(runs, "topic_module", lambda topic: module)
    return [Run("toy", f"toy-s{seed}", {"seed": seed}, ("squares",)) for seed in range(3)]


def test_runs_resume_and_failures_are_kept(toy, tmp_path: Path) -> None:
    assert runner.perform_all(toy[:1], folder=tmp_path) == {"skipped": 0, "ok": 1, "failed": 0}
    stamp = toy[0].path(tmp_path).stat().st_mtime_ns
    assert runner.perform_all(toy, folder=tmp_path) == {"skipped": 1, "ok": 1, "failed": 1}
    assert toy[0].path(tmp_path).stat().st_mtime_ns == stamp
    assert [runs.status(run, tmp_path) for run in toy] == ["ok", "ok", "failed"]
    record = results.read_result(toy[2].path(tmp_path))
    assert "no luck" in record["results"]["error"]
    assert record["provenance"]["seeds"] == [2]
    assert runs.finished(toy, tmp_path)["toy-s1"]["square"] == 1
    assert runs.finished(toy, tmp_path)["toy-s1"]["not_finite"] is None
    assert runner.perform_all(toy, folder=tmp_path)["skipped"] == 3
    assert runner.perform_all(toy, folder=tmp_path, again=True)["skipped"] == 0


def test_a_file_cut_short_is_done_again(toy, tmp_path: Path) -> None:
    runner.perform_all(toy[:1], folder=tmp_path)
    path = toy[0].path(tmp_path)
    path.write_text(path.read_text()[:40])
    assert runs.status(toy[0], tmp_path) == "missing"
    assert runner.perform_all(toy[:1], folder=tmp_path)["ok"] == 1


def test_choosing_by_name_and_group(toy) -> None:
    assert [run.name for run in runner.choose(toy, ["toy-s[12]"])] == ["toy-s1", "toy-s2"]
    assert len(runner.choose(toy, ["squares", "toy-s1"])) == 3
    with pytest.raises(BookError, match="squares"):
        runner.choose(toy, ["cubes"])


def test_the_plan_covers_the_issue() -> None:
    everything = timbre.runs()
    names = [run.name for run in everything]
    assert len(set(names)) == len(names)
    main_runs = runner.choose(everything, ["main"])
    assert {(run.config["variant"], run.config["seed"]) for run in main_runs} == {
        (variant, seed) for variant in ("none", "recipe") for seed in range(10)
    }
    transforms = {run.config["transform"] for run in runner.choose(everything, ["transforms"])}
    assert transforms == {"stft", "dct", "nsgt-cqt", "nsgt-mel", "nsgt-erb"}
    assert json.dumps([dict(run.config) for run in everything])


def test_command_line(tmp_path: Path, capsys) -> None:
    assert main(["list", "timbre", "--folder", str(tmp_path), "--only", "leave_one_out"]) == 0
    assert "missing  leave-one-out-head" in capsys.readouterr().out
    assert main(["run", "nonesuch"]) == 2
    assert main(["run", "timbre", "--only", "nothing-like-that"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_dask_worker_does_a_real_run(tmp_path: Path) -> None:
    """A quick run of the topic itself on a cluster of one worker, found by address."""
    distributed = pytest.importorskip("distributed")
    chosen = runner.choose(timbre.runs(quick=True), ["quick-nsgt-erb-none-s0"])
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp://"
    ) as cluster:
        counts = runner.perform_all(chosen, folder=tmp_path, dask=cluster.scheduler_address)
    assert counts == {"skipped": 0, "ok": 1, "failed": 0}
    found = runs.finished(chosen, tmp_path)["quick-nsgt-erb-none-s0"]
    assert set(found["sides"]) == {"train", "keys", "recordings"}


def test_a_scheduler_that_is_not_there_is_told(toy, tmp_path: Path, monkeypatch) -> None:
    distributed = pytest.importorskip("distributed")

    def refuse(*args, **kwargs):
        raise OSError("nobody there")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(BookError, match="scheduler"):
        runner.perform_all(toy, folder=tmp_path, dask="tcp://127.0.0.1:1")


def test_summary_counts_what_is_missing(tmp_path: Path) -> None:
    written = timbre.summarise(tmp_path)
    assert {"splits.json", "regularizers.json", "transforms.json", "zero_shot.json"} <= {p.name for p in written}
    assert len(results.read_result(written[0])["results"]["missing"]) == 20
