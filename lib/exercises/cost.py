"""Exercises of *What a model costs*."""

from __future__ import annotations

from collections.abc import Sequence

from lib.exercises import function, numeric

#: The GRU of the book's DDSP: units, inputs, frames a second.
UNITS, INPUTS, FRAMES = 64, 136, 100
#: The last layer of the book's SING: channels, kernel, stride; samples a second.
CHANNELS, KERNEL, STRIDE, RATE = 128, 1024, 256, 16_000
#: The published WaveNet's dilations and its residual channels.
DILATIONS, RESIDUAL = [2**i for i in range(10)] * 2, 128


def naive_over_cached(dilations: Sequence[int]) -> float:
    """How many places of the dilated layers are computed for one sample without a memory, over one a layer with it.

    Chapter: *What a model costs*.
    """
    places = [1 + sum(dilations[i + 1 :]) for i in range(len(dilations))]
    return sum(places) / len(dilations)


EXERCISES = (
    numeric(
        "cost-bytes",
        4 * 3 * UNITS * (INPUTS + UNITS),
        [
            (3 * UNITS * (INPUTS + UNITS), "Those are the numbers. Each takes four bytes."),
            (4 * UNITS * (INPUTS + UNITS), "That is one gate. A GRU has three: reset, update, new."),
            (4 * 3 * UNITS * INPUTS, "The state goes through a matrix of its own: add its columns to the inputs."),
            (4 * 4 * UNITS * (INPUTS + UNITS), "Four gates is an LSTM. A GRU has three."),
        ],
        praise="Right: nearly half the weights of the whole model are in this one layer.",
    ),
    numeric(
        "cost-gru-rate",
        FRAMES * 3 * UNITS * (INPUTS + UNITS),
        [
            (3 * UNITS * (INPUTS + UNITS), "That is one time step. A second has a hundred of them."),
            (FRAMES * UNITS * (INPUTS + UNITS), "That is one gate of three."),
            (RATE * 3 * UNITS * (INPUTS + UNITS), "The decoder thinks once a frame, not once a sample."),
            (FRAMES * 3 * UNITS * UNITS, "You counted the state only. The inputs are multiplied, too."),
        ],
        praise="Right.",
    ),
    numeric(
        "cost-transposed",
        RATE / STRIDE * CHANNELS * KERNEL,
        [
            (
                RATE * CHANNELS * KERNEL,
                "That charges the kernel for every output sample. A transposed convolution draws it once an input.",
            ),
            (RATE / STRIDE * KERNEL, "That is one channel. All of them draw into the same output."),
            (CHANNELS * KERNEL, "That is one input position. How many come in a second?"),
            (RATE / KERNEL * CHANNELS * KERNEL, "Windows start a stride apart, not a kernel: they overlap."),
        ],
        praise="Right: three quarters of all SING's products are in its last layer.",
    ),
    numeric(
        "cost-receptive",
        2 + sum(DILATIONS),
        [
            (sum(DILATIONS), "Nearly. The first convolution has a kernel of two as well."),
            (2 + sum(DILATIONS) // 2, "That is one cycle of ten layers. There are two."),
            (2 * 2**9, "The cycles add up; the longest dilation alone is not the whole."),
            (2**20, "Twenty doublings would be that. Here the dilations start again at 1 after ten layers."),
        ],
        rtol=0.0004,
        praise="Right: an eighth of a second.",
    ),
    numeric(
        "cost-state",
        4 * RESIDUAL * sum(DILATIONS),
        [
            (RESIDUAL * sum(DILATIONS), "Those are numbers. Each is a float of four bytes."),
            (4 * sum(DILATIONS), "That is one channel. Each ring holds the whole residual stream."),
            (4 * RESIDUAL * len(DILATIONS), "A layer must look `dilation` steps back: its ring is as long as that."),
            (4 * 2 * RESIDUAL * sum(DILATIONS), "Nearly: the two taps read one ring. Or did you keep the gates, too?"),
        ],
        praise="Right: more memory than a microcontroller has, for the state alone.",
    ),
    numeric(
        "cost-rtf",
        1.5 / 4,
        [
            (4 / 1.5, "That is how many times faster than real time. The factor is its inverse: below 1 keeps up."),
            (1.5 - 4, "A factor is a ratio."),
            (1.5, "Divide by how much sound came out."),
        ],
        praise="Right: it keeps up, with more than half of the core to spare.",
    ),
    function(
        "cost-naive",
        naive_over_cached,
        [([1, 2, 4],), ([1, 2, 4, 8, 16, 32, 64, 128],), (DILATIONS,), ([1],)],
        [
            (
                lambda d: float(1 + sum(d)),
                "That runs every layer over the whole receptive field. The higher a layer, the fewer of its places are "
                "needed.",
            ),
            (
                lambda d: sum(2.0 ** (len(d) - 1 - i) for i in range(len(d))) / len(d),
                "That is the tree without what its branches share. The places between them are computed as well: a "
                "convolution runs over all of them.",
            ),
            (
                lambda d: float(sum(1 + sum(d[i + 1 :]) for i in range(len(d)))),
                "Nearly: divide by what the sampler with a memory computes, one place a layer.",
            ),
            (
                lambda d: sum(1 + sum(d[i:]) for i in range(len(d))) / len(d),
                "You counted a layer's inputs. Its outputs are one dilation fewer.",
            ),
        ],
        praise="Right. Now call it with the published dilations.",
    ),
)
