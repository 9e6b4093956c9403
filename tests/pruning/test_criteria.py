"""Every criterion against its definition, spelt out unit by unit and without the layout machinery."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lib.errors import BookError
from lib.models import MODELS, Batch, make
from lib.models.base import HOP
from lib.pruning import criteria
from lib.pruning.ablation import agreement, damage
from lib.pruning.information import gaussian_copula


def data(n_batches: int = 2) -> list[Batch]:
    rng = torch.Generator().manual_seed(0)
    made = []
    for size in range(2, 2 + n_batches):  # unequal batches: the mean must be over clips
        f0_hz = 200.0 + 300.0 * torch.rand(size, 1, generator=rng).expand(size, 10)
        audio = 0.2 * (2 * np.pi * f0_hz[:, :1] * torch.arange(10 * HOP) / 16_000).sin()
        audio = audio + 0.02 * torch.randn(audio.shape, generator=rng)
        made.append(Batch(audio, f0_hz.contiguous(), -30.0 + 20.0 * torch.rand(size, 10, generator=rng)))
    return made


def ddsp():
    torch.manual_seed(1)
    model = make("ddsp", "toy")
    model.loss(data()[0])  # gives the running statistics something
    return model.eval()


def rows_of_unit(model, group: str, unit: int) -> list[tuple[str, torch.Tensor]]:
    """Which weights make a unit, written by hand for one group of each kind."""
    w, names = model.widths, dict(model.named_parameters())
    if group == "h":
        gates = [unit + gate * w["h"] for gate in range(3)]
        return [(name, torch.tensor(gates)) for name in ("gru.weight_ih_l0", "gru.weight_hh_l0")]
    if group == "r":
        mixers = [name for name in names if name.startswith("residual") and name.endswith("weight")]
        return [(name, torch.tensor([unit])) for name in ("first.weight", *mixers)]
    if group == "g2":
        halves = torch.tensor([unit, unit + w["g2"]])
        return [("dilated.1.weight", halves), ("conditioning.1.weight", halves)]
    return [
        (
            {"c2": "encoder.1.weight", "o3": "after.linear.2.weight", "d3": "decoder.2.weight"}[group],
            torch.tensor([unit]),
        )
    ]


@pytest.mark.parametrize(
    ("name", "group"),
    [("ddsp", "h"), ("ddsp", "c2"), ("ddsp", "o3"), ("wavenet", "r"), ("wavenet", "g2"), ("sing", "d3")],
)
def test_magnitude_and_gradient_are_sums_over_the_rows_of_a_unit(name: str, group: str) -> None:
    model = ddsp() if name == "ddsp" else make(name, "toy")
    batches = data()
    model.zero_grad()
    total = sum(len(b) for b in batches)
    (sum(model.eval().loss(b) * len(b) for b in batches) / total).backward()
    weights = dict(model.named_parameters())
    magnitude, gradient = criteria.magnitude(model), criteria.gradient(model, batches)
    for unit in range(model.widths[group]):
        rows = rows_of_unit(model, group, unit)
        expected = sum(float(weights[n].detach()[i].abs().sum()) for n, i in rows)
        assert abs(float(magnitude[group][unit]) - expected) < 1e-4 * expected
        expected = sum(float(weights[n].grad[i].abs().sum()) for n, i in rows)
        assert abs(float(gradient[group][unit]) - expected) <= 1e-4 * expected + 1e-8


def test_taylor_is_the_slope_of_fading_a_unit_out() -> None:
    model, batch = make("sing", "toy").eval(), data(1)
    scores = criteria.taylor(model, batch)
    for unit in range(3):
        faded = []
        for keep in (1.001, 0.999):
            with torch.no_grad():
                copy = make("sing", "toy")
                copy.load_state_dict(model.state_dict())
                copy.decoder[0].weight[unit] *= keep
                copy.decoder[0].bias[unit] *= keep
                faded.append(
                    float(copy.double().loss(Batch(batch[0].audio.double(), batch[0].f0_hz, batch[0].loudness_db)))
                )
        slope, expected = abs(faded[0] - faded[1]) / 0.002, float(scores["d1"][unit])
        assert abs(slope - expected) < 0.02 * expected + 1e-4


def test_activation_is_the_mean_size_of_what_a_unit_says() -> None:
    model, batches = ddsp(), data()
    scores, heard = criteria.activation(model, batches), []
    handle = model.encoder_norm[1].register_forward_hook(lambda module, inputs, out: heard.append(out.relu()))
    with torch.no_grad():
        for batch in batches:
            model.loss(batch)
    handle.remove()
    everything = torch.cat([x.transpose(1, 2).flatten(0, 1) for x in heard])
    assert torch.allclose(scores["c2"], everything.abs().mean(0), rtol=1e-4)


def test_normalisation_is_the_learned_scale() -> None:
    model = ddsp()
    with torch.no_grad():
        model.after.norm[0].weight.copy_(torch.linspace(-2, 1, 6))
    scores = criteria.normalisation(model)
    assert torch.equal(scores["o1"], torch.linspace(-2, 1, 6).abs())
    assert "h" not in scores
    with pytest.raises(BookError, match="no normalisation"):
        criteria.normalisation(make("sing", "toy"))


def test_information_finds_the_unit_that_follows_the_target() -> None:
    class Told(torch.nn.Module):
        widths = {"a": 3}  # noqa: RUF012

        def information_target(self, batch):
            return batch

        def witnessed(self, batch):
            noise = torch.randn(batch.shape[0], 1, batch.shape[2], generator=torch.Generator().manual_seed(1))
            return {"a": torch.cat([noise, batch[:, :1] + 0.3 * noise, torch.zeros_like(noise)], 1)}

    target = torch.randn(4, 2, 100, generator=torch.Generator().manual_seed(2))
    bits = criteria.information(Told(), [target], n_samples=400)["a"]
    truth = gaussian_copula(
        Told().witnessed(target)["a"][:, 1].flatten()[:, None].double().numpy(),
        target.transpose(1, 2).flatten(0, 1).double().numpy(),
    )
    assert bits[0] < 0.05 and bits[2] == 0.0 and abs(float(bits[1]) - truth) < 0.2


@pytest.mark.parametrize("name", MODELS)
def test_all_criteria_value_every_unit_and_leave_the_model_alone(name: str) -> None:
    model, batches = make(name, "toy").train(), data()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for criterion in criteria.CRITERIA:
        if criterion == "normalisation" and name != "ddsp":
            continue
        scores = criteria.score(model, criterion, batches, seed=3)
        assert all(len(values) == model.widths[group] for group, values in scores.items())
        assert criterion == "normalisation" or set(scores) == set(model.widths)
        again = criteria.score(model, criterion, batches, seed=3)
        assert all(torch.equal(scores[g], again[g]) for g in scores)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_frames_are_averaged_or_repeated() -> None:
    x = torch.tensor([[[1.0, 3.0, 5.0, 7.0]]])
    assert criteria.at_frames(x, 2).tolist() == [[[2.0, 6.0]]]
    assert criteria.at_frames(x[..., :2], 4).tolist() == [[[1.0, 1.0, 3.0, 3.0]]]


def test_damage_is_the_error_without_the_unit() -> None:
    model, batches = make("sing", "toy").eval(), data()
    harm = damage(model, batches, ["d2"])["d2"]
    silent = make("sing", "toy").eval()
    silent.load_state_dict(model.state_dict())
    with torch.no_grad():
        silent.decoder[2].weight[:, 4] = 0.0
        sizes = [len(b) for b in batches]
        change = sum(float(silent.loss(b) - model.loss(b)) * n for b, n in zip(batches, sizes)) / sum(sizes)
    assert abs(float(harm[4]) - change) < 1e-5


def test_agreement_is_one_for_the_truth_itself() -> None:
    harm = {"a": torch.rand(9), "b": torch.zeros(4)}
    assert agreement({"a": 3 * harm["a"] - 1, "b": torch.rand(4)}, harm) == {"a": pytest.approx(1.0)}
    assert agreement({"a": -harm["a"]}, harm)["a"] == pytest.approx(-1.0)


def test_mistakes_are_named() -> None:
    model = make("sing", "toy")
    with pytest.raises(BookError, match="No criterion"):
        criteria.score(model, "size")
    with pytest.raises(BookError, match="validation data"):
        criteria.score(model, "gradient")
