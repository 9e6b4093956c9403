"""Exercises of *Which units matter? Criteria and mutual information*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import kendalltau, pearsonr, rankdata, spearmanr

from lib.exercises import array, choice, function, numeric

Array = NDArray[np.float64]

#: How often a unit fires (rows: no, yes) while the note is soft or loud (columns).
JOINT = np.array([[0.4, 0.1], [0.1, 0.4]])
#: The input weights of a GRU with two units: three gate blocks of two rows each, three inputs.
GATES = np.array(
    [[1.0, -2.0, 0.0], [0.5, 0.5, 0.5], [0.0, 1.0, -1.0], [2.0, 0.0, 0.0], [3.0, 0.0, -1.0], [0.0, 0.0, 0.5]]
)
#: What a criterion says of five units, and the damage of losing each.
SCORES, DAMAGE = np.array([2.0, 8.0, 3.0, 5.0, 1.0]), np.array([0.001, 0.05, 0.002, 0.2, 0.004])


def table_bits(joint: Array) -> float:
    """Mutual information of a table of probabilities, in bits."""
    rows, columns = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    return float((joint * np.log2(joint / (rows * columns))).sum())


def gru_magnitude(weights: Array) -> Array:
    """Sum of the absolute weights of each unit of a GRU, over its three gate blocks: [3 units, inputs] -> [units]."""
    return np.abs(weights).reshape(3, -1, weights.shape[1]).sum(axis=(0, 2))


def copula_bits(x: Array, y: Array) -> float:
    """Mutual information of two variables [n] in bits, as a Gaussian copula sees it, without bias correction."""
    u, v = (ndtri(rankdata(z) / (len(z) + 1)) for z in (x, y))
    return float(-0.5 * np.log2(1 - np.corrcoef(u, v)[0, 1] ** 2))


def _plain_correlation(x: Array, y: Array) -> float:
    return float(-0.5 * np.log2(1 - np.corrcoef(x, y)[0, 1] ** 2))


def _entropy(p: Array) -> float:
    return float(-(p * np.log2(p)).sum())


_rng = np.random.default_rng(5)
_x = _rng.normal(size=60)
_samples = [(_x, np.exp(2 * _x + 0.5 * _rng.normal(size=60))), (_x, _x + _rng.normal(size=60))]

EXERCISES = (
    numeric(
        "crit-table",
        table_bits(JOINT),
        [
            (table_bits(JOINT) * np.log(2), "That is in nats: take the logarithm to base two."),
            (_entropy(JOINT), "That is the entropy of the whole table. Compare it with what independence would give."),
            (_entropy(JOINT) - 1, "That is what remains uncertain once the unit is known. What is saved is the rest."),
            (0.6, "That is the correlation. Sum p log2(p / product of the margins) over the four cells."),
        ],
        praise="Right: of the one bit that says loud or soft, the unit gives about a quarter.",
    ),
    numeric(
        "crit-gaussian",
        -0.5 * np.log2(1 - 0.8**2),
        [
            (-0.5 * np.log(1 - 0.8**2), "That is in nats: take the logarithm to base two."),
            (-np.log2(1 - 0.8**2), "One half is missing."),
            (-0.5 * np.log2(1 - 0.8), "The correlation is squared under the logarithm."),
        ],
        praise="Right. A correlation of 0.8 sounds like nearly everything; it is less than one bit.",
    ),
    array(
        "crit-gru",
        lambda: gru_magnitude(GATES),
        [
            (
                lambda: np.abs(GATES).sum(axis=1),
                "Six rows, but two units: each unit has a row in each of three blocks.",
            ),
            (
                lambda: np.abs(GATES).reshape(2, -1).sum(axis=1),
                "You gave unit 0 the first three rows. The blocks stand one below the other: it has rows 0, 2 and 4.",
            ),
            (
                lambda: np.abs(GATES.reshape(3, 2, 3).sum(axis=(0, 2))),
                "Take the absolute value before the sum: signs cancel.",
            ),
            (lambda: np.abs(GATES).sum(axis=0), "You summed over units and got one number for each input."),
        ],
        praise="Right: what goes together is valued together.",
    ),
    numeric(
        "crit-spearman",
        float(spearmanr(SCORES, DAMAGE).statistic),
        [
            (
                float(pearsonr(SCORES, DAMAGE).statistic),
                "That is Pearson's correlation of the numbers. Rank both first.",
            ),
            (
                -float(spearmanr(SCORES, DAMAGE).statistic),
                "You ranked one of them from the top and the other from the bottom.",
            ),
            (
                float(kendalltau(SCORES, DAMAGE).statistic),
                "That is Kendall's tau, which counts pairs. Take Spearman's.",
            ),
        ],
        praise="Right.",
    ),
    function(
        "crit-copula",
        copula_bits,
        _samples,
        [
            (
                _plain_correlation,
                "You correlated the values as they are. Bend each variable to a Gaussian by its ranks first.",
            ),
            (lambda x, y: copula_bits(x, y) * np.log(2), "That is in nats: take the logarithm to base two."),
            (lambda x, y: 2 * copula_bits(x, y), "One half is missing."),
            (
                lambda x, y: _plain_correlation(rankdata(x), rankdata(y)),
                "You correlated ranks. A rank is uniform; send rank / (n + 1) through the Gaussian's quantiles.",
            ),
        ],
        praise="Right.",
    ),
    choice(
        "crit-twins",
        "a",
        {
            "b": "It asks about one unit at a time, and each of the two knows the whole bit.",
            "c": "The damage of one alone is small: the twin is still there.",
            "d": "Each is valued by itself; nothing in the formula knows of the other unit.",
        },
        praise="Right: it measures relevance, and is blind to redundancy. Ablation one by one errs the other way.",
    ),
    choice(
        "crit-mode",
        "c",
        {
            "a": "Nothing was trained: no optimiser took a step.",
            "b": "The weights are the same. Something else is kept in the state and is updated by looking.",
            "d": "This DDSP has no dropout, and the loss without a generator draws nothing.",
        },
        praise="Right. A measurement that changes what it measures is none.",
    ),
)
