"""Judge a space: reconstruction, likelihood, agreement, identity, on three sides of a split.

Chapter: *Regularising with perception*.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata

from lib.timbre import agreement as measure
from lib.timbre.fit import SpaceConfig
from lib.timbre.head import anchors, fit
from lib.timbre.note_features import decibels
from lib.timbre.regularizers import Target
from lib.timbre.space import Space
from lib.timbre.splits import Split
from lib.timbre.table import FeatureTable
from lib.timbre.vae import kl_to_standard, pitch_code, reconstruction_nll

#: Bands of the yardstick that is the same for all transforms.
COMMON_BANDS = 40


def evaluate(space: Space, table: FeatureTable, split: Split, target: Target, *, rated_dims: int) -> dict[str, Any]:
    """Everything the main table reports, for each side of a split.

    Args:
        rated_dims: how many leading dimensions the ratings act on; agreement is reported in them
            (`rated`), in the rest (`free`) and in the whole space (`whole`).

    Returns:
        {"train": {...}, "keys": {...}, "recordings": {...}}.
    """
    train = table.take(split.train)
    points = space.of_table(train).mean(axis=1)
    answer: dict[str, Any] = {}
    for side, rows in split.sides().items():
        notes = table.take(rows)
        own = space.of_table(notes)
        mean = own.mean(axis=1)
        parts = {"whole": slice(None), "rated": slice(0, rated_dims), "free": slice(rated_dims, None)}
        found: dict[str, Any] = {"n_notes": len(rows), **reconstruction(space, notes, own)}
        for name, part in parts.items():
            if mean[:, part].shape[1] == 0:
                continue
            found[name] = {
                **measure.agreement(mean[:, part], notes.instrument.tolist(), target),
                "identity": measure.identity(points[:, part], train.instrument, mean[:, part], notes.instrument),
            }
        if space.head is not None:
            likeness = space.head.probabilities(notes.note)
            named = np.asarray(space.head.names)[likeness.argmax(axis=1)]
            found["head_identity"] = measure.balanced_accuracy(named, notes.instrument)
        answer[side] = found
    return answer


@torch.no_grad()
def reconstruction(space: Space, notes: FeatureTable, points: np.ndarray) -> dict[str, float]:
    """How well spectra come back from their own points, every instrument weighing the same.

    Returns:
        db: RMS error in dB over the soft floor; convergence: norm of the magnitude error over the norm of
        the magnitudes; band_db: the dB error in 40 ERB bands, the only one of these comparable between
        transforms; nll and elbo_nats per spectrum, in the transform's own units; kl_nats.
    """
    decoded = space.decode(points, notes.midi[:, None].astype(np.float32))
    wanted = notes.spectra
    by_note = {
        "db": np.square(decibels(decoded) - decibels(wanted)).mean(axis=(1, 2)),
        "convergence": np.square(decoded - wanted).sum(axis=(1, 2)) / np.square(wanted).sum(axis=(1, 2)),
        "band_db": np.square(_bands(space, decoded) - _bands(space, wanted)).mean(axis=(1, 2)),
    }
    v, logvar = space.free_code(wanted, notes.midi, notes.note)
    x = torch.from_numpy(space.standardise(wanted))
    pitch = pitch_code(torch.as_tensor(notes.midi, dtype=torch.float32))[:, None].expand(-1, x.shape[1], -1)
    drawn = space.model.decode(torch.from_numpy(points), pitch)
    nll = reconstruction_nll(x, drawn, space.model.log_scale).mean(dim=1).numpy()
    kl = kl_to_standard(torch.from_numpy(v), torch.from_numpy(logvar)).mean(dim=1).numpy()
    averaged = {name: _per_instrument(values, notes.instrument) for name, values in by_note.items()}
    return {
        **{name: float(np.sqrt(value)) for name, value in averaged.items()},
        "nll": _per_instrument(nll, notes.instrument),
        "kl_nats": _per_instrument(kl, notes.instrument),
    }


def _bands(space: Space, spectra: np.ndarray) -> np.ndarray:
    """Pool magnitudes into 40 ERB-rate bands and take dB over the soft floor: [..., 40]."""
    return decibels(np.sqrt(np.square(spectra) @ band_weights(space.frequencies_hz)))


def band_weights(frequencies_hz: np.ndarray, n_bands: int = COMMON_BANDS) -> np.ndarray:
    """Share each bin's power between the two nearest of `n_bands` ERB-rate centres, 64 to 8000 Hz: [bins, n_bands].

    Bins outside that range count for nothing, so that all transforms are judged on the same range.
    """
    rate = 21.4 * np.log10(1.0 + 0.00437 * np.asarray(frequencies_hz))
    low, high = 21.4 * np.log10(1.0 + 0.00437 * np.array([64.0, 8000.0]))
    position = (rate - low) / (high - low) * (n_bands - 1)
    weights = (1.0 - np.abs(position[:, None] - np.arange(n_bands))).clip(min=0.0)
    return weights * ((position > -1e-6) & (position < n_bands - 1 + 1e-6))[:, None]


def _per_instrument(values: np.ndarray, instrument: np.ndarray) -> float:
    return float(np.mean([values[instrument == name].mean() for name in np.unique(instrument)]))


def leave_one_out(table: FeatureTable, target: Target, config: SpaceConfig | None = None) -> dict[str, Any]:
    """Hide one instrument from the head, its ratings and its notes, then ask where its notes fall.

    For each instrument the distances of its mean code to the eleven others' are correlated with its ratings,
    which were never used. A head that only looks names up has nothing to go by here.

    Returns:
        pearson and spearman per instrument, their means, and the share of notes closest to the anchor of
        the instrument that people find most similar.
    """
    config = config or SpaceConfig()
    rated = target.mean.numpy()
    answer: dict[str, Any] = {"pearson": {}, "spearman": {}}
    for i, hidden in enumerate(target.names):
        known = table.take(np.flatnonzero(table.instrument != hidden))
        head = fit(known.note, known.instrument.tolist(), known.recording.tolist(), target, config=config.head)
        centres = measure.centroids(head.code(table.note), table.instrument.tolist(), target.names)
        others = [j for j in range(len(target.names)) if j != i]
        gap = np.linalg.norm(centres[others] - centres[i], axis=1)
        answer["pearson"][hidden] = measure.pearson(gap, rated[i, others])
        answer["spearman"][hidden] = measure.spearman(gap, rated[i, others])
    answer["mean_pearson"] = float(np.mean(list(answer["pearson"].values())))
    answer["mean_spearman"] = float(np.mean(list(answer["spearman"].values())))
    return answer


def within_instruments(
    points: np.ndarray, labels: np.ndarray, reference: np.ndarray, midi: np.ndarray
) -> dict[str, float]:
    """Do distances between notes of ONE instrument mean anything? Spearman with an acoustic reference.

    Nobody rated two oboe notes of this corpus, so the reference is acoustic. Two notes far apart in pitch
    differ in both, so the pitch distance is taken out of both first. A lookup of names scores about 0.

    Args:
        points [n, dims]; labels [n]; reference [n, k]: acoustic coordinates whose distances are the reference;
        midi [n].
    """
    found = {}
    for name in np.unique(labels):
        own = labels == name
        if own.sum() > 3:
            gaps = (measure.pairwise(a[own]) for a in (points, reference, midi[:, None].astype(float)))
            latent, acoustic, pitch = (rankdata(measure.upper(gap)) for gap in gaps)
            found[str(name)] = measure.partial_pearson(latent, acoustic, pitch)
    return {**found, "mean": float(np.mean(list(found.values())))}


def anchor_fit(target: Target, config: SpaceConfig | None = None) -> dict[str, float | int]:
    """How well the anchors themselves keep the ratings: the ceiling of any head over them."""
    spots = anchors(target, (config or SpaceConfig()).head)
    return measure.compare(measure.pairwise(spots), target.mean.numpy())
