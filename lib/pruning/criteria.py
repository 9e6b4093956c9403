"""What is a unit worth? Seven answers, each one number per unit; the units with the lowest go.

All look at the model in evaluation mode (a pass in training mode would shift the running statistics of batch
normalisation) and at validation data, given as a list of batches that the model's `loss` understands.

Source: Esling et al. 2020, section 3.3, equations 3 to 7; Taylor: Molchanov et al. 2017.
Chapter: *Which units matter? Criteria and mutual information*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.errors import BookError
from lib.pruning import information as mi
from lib.pruning.groups import numbers_of, parameter_names

#: Group -> one value per unit; low values go first. A group without a value is left whole.
Scores = dict[str, Tensor]
#: Something a model's `loss` takes; has a length.
Batches = Sequence[Any]

_MAKES = frozenset({"out"})


def magnitude(model: nn.Module, data: Batches = (), seed: int = 0) -> Scores:
    """Sum of the absolute weights that make the unit (equation 3); biases do not count.

    Weights count as they are stored: a weight-normalised layer gives its length and its direction.
    """
    weights = {name: p.detach() for name, p in model.named_parameters()}
    return {group: values.abs().sum(1) for group, values in numbers_of(model, weights, _MAKES, min_dims=2).items()}


def gradient(model: nn.Module, data: Batches, seed: int = 0) -> Scores:
    """Sum of the absolute gradients of the validation error by the same weights (equation 4)."""
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for share, gradients in _gradients(model, data):
        for name, values in gradients.items():
            total[name] += share * values
    return {group: values.abs().sum(1) for group, values in numbers_of(model, total, _MAKES, min_dims=2).items()}


def taylor(model: nn.Module, data: Batches, seed: int = 0) -> Scores:
    """Estimate to first order how much the error changes when the unit becomes zero, averaged over batches.

    |sum of number * gradient| over everything that makes the unit, biases and normalisation included.
    """
    scores: Scores = {}
    for share, gradients in _gradients(model, data):
        products = {name: p.detach() * gradients[name] for name, p in model.named_parameters()}
        for group, values in numbers_of(model, products, frozenset({"out", "gamma", "norm"})).items():
            scores[group] = scores.get(group, 0.0) + share * values.sum(1).abs()
    return scores


def activation(model: nn.Module, data: Batches, seed: int = 0) -> Scores:
    """Mean absolute activation over the validation data (equation 5)."""
    scores: Scores = {}
    with evaluating(model):
        for share, batch in _shares(data):
            for group, units in model.witnessed(batch).items():
                scores[group] = scores.get(group, 0.0) + share * units.abs().mean(dim=(0, 2))
    return scores


def normalisation(model: nn.Module, data: Batches = (), seed: int = 0) -> Scores:
    """Absolute learned scale of the normalisation after the unit; groups without one are left whole.

    Raises:
        BookError: the model has no normalisation at all.
    """
    weights = {name: p.detach() for name, p in model.named_parameters()}
    scores = {g: values.abs().sum(1) for g, values in numbers_of(model, weights, frozenset({"gamma"})).items()}
    if not scores:
        raise BookError(f"{type(model).__name__} has no normalisation layer, so this criterion ranks nothing.")
    return scores


def information(
    model: nn.Module,
    data: Batches,
    seed: int = 0,
    *,
    estimator: str = "copula",
    n_samples: int = 1000,
    n_components: int = 4,
) -> Scores:
    """Mutual information in bits between the unit and the training target (equation 7).

    Activations and target are brought to the target's frames, `n_samples` (clip, frame) pairs are drawn once for all
    units, and the target is reduced to its first principal components: estimators fail in many dimensions.

    Args:
        estimator: one of `information.ESTIMATORS`; "copula" is one QR for all units, the others cost time per unit.
    """
    drawn = torch.Generator().manual_seed(seed)
    per_batch = -(-n_samples // max(1, len(data)))
    units: dict[str, list[Tensor]] = {}
    targets: list[Tensor] = []
    with evaluating(model):
        for batch in data:
            target = model.information_target(batch)
            place = torch.randint(len(target) * target.shape[2], (per_batch,), generator=drawn)
            targets.append(_columns(target)[place])
            for group, activations in model.witnessed(batch).items():
                aligned = at_frames(activations, target.shape[2])
                units.setdefault(group, []).append(_columns(aligned)[place])
    y = principal_components(torch.cat(targets), n_components)
    return {group: mi.per_unit(torch.cat(parts), y, estimator) for group, parts in units.items()}


def random(model: nn.Module, data: Batches = (), seed: int = 0) -> Scores:
    """Nothing but chance: what every other criterion has to beat."""
    drawn = torch.Generator().manual_seed(seed)
    return {group: torch.rand(width, generator=drawn) for group, width in model.widths.items()}


CRITERIA: dict[str, Callable[..., Scores]] = {
    "magnitude": magnitude,
    "gradient": gradient,
    "activation": activation,
    "normalisation": normalisation,
    "information": information,
    "taylor": taylor,
    "random": random,
}


def score(model: nn.Module, criterion: str, data: Batches = (), seed: int = 0) -> Scores:
    """Value every unit of every group by a criterion.

    Raises:
        BookError: there is no such criterion, it needs data and there are none, or a value is not finite.
    """
    if criterion not in CRITERIA:
        raise BookError(f"No criterion {criterion!r}: choose one of {', '.join(CRITERIA)}.")
    if criterion not in ("magnitude", "normalisation", "random") and not data:
        raise BookError(f"Criterion {criterion!r} looks at validation data; pass at least one batch.")
    scores = CRITERIA[criterion](model, data, seed)
    for group, values in scores.items():
        if not torch.isfinite(values).all():
            raise BookError(f"Criterion {criterion!r} gave group {group!r} a value that is not finite.")
    return scores


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode for a while."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def at_frames(units: Tensor, n_frames: int) -> Tensor:
    """Bring activations [batch, units, time] to another number of frames: averages, or repeats where too few."""
    if units.shape[2] == n_frames:
        return units
    if units.shape[2] > n_frames:
        return F.adaptive_avg_pool1d(units, n_frames)
    return F.interpolate(units, size=n_frames, mode="nearest")


def principal_components(x: Tensor, n_components: int) -> Tensor:
    """Project samples [n, dims] on their leading principal components; fewer dims stay as they are."""
    if x.shape[1] <= n_components:
        return x
    centred = x - x.mean(0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:n_components].T


def _columns(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(0, 1)  # [batch, channels, time] -> [batch * time, channels]


def _shares(data: Batches) -> Iterator[tuple[float, Any]]:
    total = sum(len(batch) for batch in data)
    for batch in data:
        yield len(batch) / total, batch


def _gradients(model: nn.Module, data: Batches) -> Iterator[tuple[float, dict[str, Tensor]]]:
    names = sorted(parameter_names(model))
    parameters = dict(model.named_parameters())
    with evaluating(model):
        for share, batch in _shares(data):
            found = torch.autograd.grad(model.loss(batch), [parameters[n] for n in names], allow_unused=True)
            yield share, {n: torch.zeros_like(parameters[n]) if g is None else g for n, g in zip(names, found)}
