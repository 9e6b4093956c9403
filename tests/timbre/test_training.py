"""Training: seeds repeat, a stopped run resumes to the same numbers, ratings take hold, failures are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.errors import BookError
from lib.timbre import agreement, evaluate, head, regularizers
from lib.timbre.fit import Fit, SpaceConfig, fit_space
from lib.timbre.train import TrainConfig, with_strength
from lib.timbre.vae import VAEConfig

SMALL = VAEConfig(encoder_widths=(32,), decoder_widths=(32,), latent_dims=6)
CONFIG = SpaceConfig(vae=SMALL, train=TrainConfig(steps=60, batch_size=32, regularized_dims=4))


def weights(fit: Fit) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in fit.trainer.model.parameters()])


def test_a_stopped_run_resumes_to_the_same_numbers(small_table, target) -> None:
    rows = np.arange(len(small_table))
    whole, broken, resumed = (Fit(small_table, rows, CONFIG, target) for _ in range(3))
    whole.trainer.run()
    broken.trainer.run(25)
    assert broken.trainer.step == 25
    resumed.trainer.restore(broken.trainer.state())
    resumed.trainer.run()
    # The same operations in the same order: equal to the last bit.
    assert torch.equal(weights(whole), weights(resumed))
    other = Fit(small_table, rows, replace(CONFIG, train=replace(CONFIG.train, seed=1)), target)
    with pytest.raises(BookError, match="configuration"):
        other.trainer.restore(broken.trainer.state())


def test_a_callback_can_stop_and_sees_the_loss_fall(small_table, target) -> None:
    fit = Fit(small_table, np.arange(len(small_table)), CONFIG, target)
    seen = []

    def watch(progress) -> None:
        seen.append(progress.terms["nll"])
        if progress.step >= 40:
            fit.trainer.stop()

    fit.trainer.run(callback=watch, every=10)
    assert fit.trainer.step == 40
    assert len(seen) == 4
    assert seen[-1] < seen[0]


@pytest.mark.parametrize("name", ["student_code", "student_text"])
def test_divergences_fall_when_they_are_trained(small_table, target, name) -> None:
    """These terms are flat near uniform rows; four nearly equidistant instruments say little, but the term falls."""
    rows, labels = np.arange(len(small_table)), small_table.instrument.tolist()
    term = getattr(regularizers, name)
    found = []
    for train in (CONFIG.train, with_strength(CONFIG.train, name)):
        space = fit_space(small_table, rows, replace(CONFIG, train=train, note_input=True), target)
        points = torch.from_numpy(space.of_table(small_table).mean(axis=1)[:, :4])
        found.append(term(points, labels, target).item())
    assert found[1] < 0.8 * found[0]


@pytest.mark.parametrize("name", ["l2", "gaussian", "prior"])
def test_regularised_spaces_agree_better_with_the_ratings(small_table, target, name) -> None:
    rows = np.arange(len(small_table))
    train = with_strength(replace(CONFIG.train, steps=250), name)
    space = fit_space(small_table, rows, replace(CONFIG, train=train, note_input=True), target)
    points = space.of_table(small_table).mean(axis=1)[:, :4]
    found = agreement.agreement(points, small_table.instrument.tolist(), target)
    # Four instruments have six pairs; these terms reach .9 and more here, an untrained space about 0.
    assert found["pearson"] > 0.75


def test_the_head_places_notes_near_their_anchor(small_table, target) -> None:
    rows = np.arange(len(small_table))
    space = fit_space(small_table, rows, replace(CONFIG, use_head=True), target)
    assert space.dims == 8 + 6
    u = space.rated_code(small_table.note)
    spots = dict(zip(target.names, head.anchors(target)))
    own = np.stack([spots[name] for name in small_table.instrument.tolist()])
    assert np.linalg.norm(u - own, axis=1).mean() < 0.1 * np.linalg.norm(own, axis=1).mean()


def test_the_head_weighs_recordings_not_notes(target) -> None:
    """A recording copied ten times must not move the head."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 6)) + np.repeat(rng.normal(size=(4, 6)) * 2, 10, axis=0)
    labels = [n for n in target.names for _ in range(10)]
    recordings = [f"{label} {k % 5}" for k, label in enumerate(labels)]
    once = head.fit(x, labels, recordings, target)
    first = [k for k in range(40) if recordings[k] == recordings[0]]
    again = np.concatenate([np.arange(40), np.tile(first, 9)])
    many = head.fit(x[again], [labels[k] for k in again], [recordings[k] for k in again], target)
    assert np.allclose(once.code(x), many.code(x), atol=1e-5)


def test_evaluation_has_all_sides_and_perfect_codes_score_one(small_table, target) -> None:
    split = small_table.split_by_seed(0)
    space = fit_space(small_table, split.train, replace(CONFIG, use_head=True), target)
    # The made-up bins have no place in the ERB range, so the common bands are checked elsewhere.
    space = replace(space, front=replace(space.front, transform="nsgt-erb"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(space), "frequencies_hz", property(lambda self: np.geomspace(70, 7000, 24)))
        found = evaluate.evaluate(space, small_table, split, target, rated_dims=8)
    assert set(found) == {"train", "keys", "recordings"}
    assert found["train"]["rated"]["pearson"] > 0.95
    assert found["recordings"]["head_identity"] > 0.9
    assert 0 < found["train"]["convergence"] < 1


def test_wrong_calls_are_told(small_table, target) -> None:
    rows = np.arange(len(small_table))
    strangers = replace(small_table, instrument=np.array(["Kazoo"] * len(small_table)))
    with pytest.raises(BookError, match="Kazoo"):
        fit_space(strangers, rows, replace(CONFIG, train=with_strength(CONFIG.train, "l2")), target)
    with pytest.raises(BookError, match="diverged"):
        fit_space(small_table, rows, replace(CONFIG, train=replace(CONFIG.train, learning_rate=1e30)), target)
