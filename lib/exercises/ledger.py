"""Exercises of the *Reproduction ledger*."""

from __future__ import annotations

from lib.exercises import choice, numeric

EXERCISES = (
    numeric(
        "ledger-mean",
        1.1,
        [
            (1.0, "That is the median. The paper averages."),
            (1.5, "That is the worst model. The paper averages."),
            (0.8, "That is the best model. The paper averages."),
        ],
        praise="Right: and a mean of 1.1 hides that one model lost half as much again.",
    ),
    numeric(
        "ledger-outlier",
        1.0 / 1.1,
        [
            (1.1, "Upside down: the pruned error is divided by the dense one."),
            (1.0, "It would be 1 if the error were replaced by that of the first pruned network itself."),
            (0.1, "That is how much is missing, roughly. The multiplier is what is left."),
        ],
        praise="Right: better than dense by construction.",
    ),
    choice(
        "ledger-ranges",
        "c",
        {
            "a": "Its median is higher, but the ranges overlap over nearly all their length.",
            "b": "A narrow range says how sure we are of a value, not that the value is higher.",
            "d": "Not being able to tell is not the same as being equal.",
        },
        praise="Right. More splits might tell them apart.",
    ),
    choice(
        "ledger-testable",
        "b",
        {
            "a": "Comparable by which measure, and with which models?",
            "c": "Relevant to whom, and how would one see that it is not?",
            "d": "On which machine, at which block size?",
        },
        praise="Right: it names a measure, a limit, and for whom it must hold.",
    ),
    numeric(
        "ledger-survivors",
        (6 * 1.05 + 4 * 3.0) / 10,
        [
            (1.05, "That is the mean of the survivors. The four others count as well."),
            ((1.05 + 3.0) / 2, "Six chains weigh more than four: weigh the two means by their numbers."),
            (6 * 1.05 + 4 * 3.0, "That is the sum. Divide by ten."),
        ],
        praise="Right: leaving failures out made 1.83 look like 1.05.",
    ),
)
