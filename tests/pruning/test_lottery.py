"""Chains: the right weights come back, the same chain comes back after an interruption, failures are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lib.errors import BookError
from lib.models import Batch
from lib.models.base import HOP
from lib.models.training import AudioTask, TrainConfig
from lib.pruning import lottery
from lib.pruning.groups import trim_state
from lib.pruning.lottery import LotteryConfig


def clips(n: int, seed: int) -> Batch:
    drawn = torch.Generator().manual_seed(seed)
    f0_hz = 200.0 + 300.0 * torch.rand(n, 1, generator=drawn)
    audio = 0.3 * (2 * torch.pi * f0_hz * torch.arange(10 * HOP) / 16_000).sin()
    return Batch(audio, f0_hz.expand(n, 10).contiguous(), torch.full((n, 10), -13.0))


TASK = AudioTask(
    "sing",
    "toy",
    clips(6, 0),
    clips(3, 1),
    clips(3, 2),
    TrainConfig(steps=8, batch_size=2, crop_frames=6, evaluations=2),
)
SHORT = LotteryConfig(rounds=3, rewind_step=3, floor=1, by="units")


def test_a_chain_records_what_it_did() -> None:
    records = lottery.run(TASK, SHORT)
    assert [r["round"] for r in records] == [0, 1, 2, 3]
    sizes = [r["n_parameters"] for r in records]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 4
    assert all(abs(r["removed"] - (1 - r["n_parameters"] / sizes[0])) < 1e-9 for r in records)
    assert all(r["valid"] == min(v for _, v in r["curve"]) for r in records)


def test_resuming_gives_the_uninterrupted_chain(tmp_path) -> None:
    whole = lottery.run(TASK, SHORT)
    path = tmp_path / "chain.pt"

    class Stopped(Exception):
        pass

    def stop(number: int, model: torch.nn.Module) -> None:
        if number == 2:
            raise Stopped

    with pytest.raises(Stopped):
        lottery.run(TASK, SHORT, resume=path, after_round=stop)
    resumed = lottery.run(TASK, SHORT, resume=path)
    drop = {"cpu_seconds"}
    assert [{k: v for k, v in r.items() if k not in drop} for r in resumed] == [
        {k: v for k, v in r.items() if k not in drop} for r in whole
    ]
    with pytest.raises(BookError, match="another configuration"):
        lottery.run(TASK, replace(SHORT, seed=1), resume=path)


@pytest.mark.parametrize("reset", ["rewind", "reinit", "keep", "scratch"])
def test_where_the_survivors_start_from(reset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(SHORT, reset=reset)
    dense = lottery.train_dense(TASK, config)
    after, chosen = lottery._remove(TASK, config, dense, 1)
    assert chosen["obtained"] == pytest.approx(chosen["asked"], abs=1 / 36)
    scores = (
        lottery.random(dense.model, seed=1)
        if reset == "scratch"
        else lottery.score(dense.model, "magnitude", TASK.valid_batches(), 1)
    )
    keep = lottery.select(dense.model, scores, 0.3, by="units", floor=1).keep
    layout, widths = dense.model.layout(), dense.model.widths
    if reset in ("rewind", "keep"):
        source = dense.snapshot if reset == "rewind" else dense.model.state_dict()
        expected = trim_state(source, layout, widths, keep)
        assert all(torch.equal(expected[k], v) for k, v in after.model.state_dict().items())
    else:
        trained = trim_state(dense.model.state_dict(), layout, widths, keep)
        assert not torch.equal(trained["encoder.0.weight"], after.model.state_dict()["encoder.0.weight"])


def test_the_dense_control_removes_nothing_and_trains_on() -> None:
    records = lottery.run(TASK, replace(SHORT, reset="dense"))
    assert {r["n_parameters"] for r in records} == {records[0]["n_parameters"]}
    assert len({r["valid"] for r in records}) == 4


def test_masking_counts_what_is_masked_and_what_could_go() -> None:
    records = lottery.run(TASK, replace(SHORT, how="mask", fraction=0.5))
    assert records[-1]["removed"] == pytest.approx(1 - 0.5**3, abs=0.02)
    assert records[-1]["n_parameters"] == records[0]["n_parameters"]
    assert records[-1]["truly_removable"] < records[-1]["removed"]


def test_at_the_floor_the_chain_ends_with_its_reason() -> None:
    records = lottery.run(TASK, replace(SHORT, floor=3, fraction=0.6, rounds=6))
    assert "floor" in records[-1]["failed"] and "valid" in records[-2]
    assert records[-2]["obtained"] < records[-2]["asked"] or records[-2]["at_floor"]


def test_a_diverging_round_is_kept_as_a_record() -> None:
    broken = replace(TASK, train_clips=replace(TASK.train_clips, audio=TASK.train_clips.audio * float("nan")))
    dense = lottery.train_dense(TASK, SHORT)
    records = lottery.run(broken, SHORT, dense=dense)
    assert len(records) == 2 and "diverged" in records[1]["failed"]


def test_mistakes_are_named() -> None:
    with pytest.raises(BookError, match="values units"):
        LotteryConfig(how="mask", criterion="information")
    with pytest.raises(BookError, match="snapshot"):
        lottery.train_dense(TASK, replace(SHORT, rewind_step=99))
