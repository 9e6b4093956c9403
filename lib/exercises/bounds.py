"""Exercises of *Bounds for Raspberry Pi and Arduino*."""

from __future__ import annotations

from lib.exercises import choice, function, numeric


def load(instructions: float, clock_hz: float, ipc: float) -> float:
    """The least share of a core's time that so many instructions per second of sound take."""
    return instructions / (clock_hz * ipc)


EXERCISES = (
    numeric(
        "bounds-floor",
        0.01 / (9e6 / 84e6),
        [
            (9e6 / 84e6 / 0.01, "That is the load. How many times real time is its inverse."),
            (9e6 / 84e6, "That is the least time of a block in seconds. Compare it with how long the block sounds."),
            (84e6 / 9e6, "That is blocks a second. A second of sound has a hundred of them."),
        ],
        praise="Right: about a tenth of real time at best, so it is proved too slow.",
    ),
    numeric(
        "bounds-traffic",
        270e3 * 16_000 / 5.6e9,
        [
            (5.6e9 / (270e3 * 16_000), "Upside down: a load is what is needed over what there is."),
            (270e3 / 5.6e9, "That is for one sample. There are 16 000 a second."),
            (4 * 270e3 * 16_000 / 5.6e9, "The 270 kB are bytes already."),
        ],
        praise="Right. Unless they stay in a cache: then nothing has to be read again.",
    ),
    choice(
        "bounds-say",
        "c",
        {
            "a": "A floor of the time is not the time: stalls and caches may take the 30 % and more.",
            "b": "Only a load above 1 proves that.",
            "d": "Even alone on the board it may stall.",
        },
        praise="Right.",
    ),
    function(
        "bounds-load",
        load,
        [(20e6, 1.8e9, 3.0), (43e6, 64e6, 1.0)],
        [
            (lambda i, c, p: i / c, "A core finishes up to ipc instructions in a cycle."),
            (lambda i, c, p: i * p / c, "More instructions a cycle make the load smaller: divide by ipc."),
            (lambda i, c, p: c * p / i, "That is how many times real time. The load is its inverse."),
        ],
        praise="Right.",
    ),
    numeric(
        "bounds-amdahl",
        2.2,
        [
            (12 / 10, "Compare the whole program before with the whole program after."),
            (22 / 12, "What is left when the network is gone is the synthesiser, not the network."),
            (12.0, "Only a program that is all network could gain that much, and then there would be no end to it."),
        ],
        praise="Right: however thin the network gets.",
    ),
)
