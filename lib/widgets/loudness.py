"""How loud a sound is to a listener: ITU-R BS.1770 with its gates, so that players can make sounds equally loud.

`lib.descriptors.loudness` is the same measure without gates, of a spectrum. Here the gates matter: a note that
dies away is matched by its sounding part, and silence around a note does not make it louder.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

_BLOCK_S, _HOP_S = 0.4, 0.1
_ABSOLUTE_GATE_LUFS, _RELATIVE_GATE_LU = -70.0, -10.0


def loudness_lufs(audio: np.ndarray, sample_rate: int) -> float:
    """Measure the gated loudness of one channel in LUFS, `-inf` for silence.

    Args:
        audio: `[time]`, full scale at 1. A sound shorter than 0.4 s is one block.
        sample_rate: in Hz.

    Source: ITU-R BS.1770-4, annex 1; the two filters are recomputed for the sample rate from their analogue
    parameters, as the standard allows. `shared/loudness.js` is the same measure for sounds made in the page.

    >>> t = np.arange(48000) / 48000
    >>> round(loudness_lufs(np.sin(2 * np.pi * 997 * t), 48000), 1)   # the standard's own check: -3.01
    -3.0
    """
    weighted = np.asarray(audio, dtype=np.float64)
    for b, a in k_weighting(sample_rate):
        weighted = lfilter(b, a, weighted)
    block = min(len(weighted), round(_BLOCK_S * sample_rate))
    hop = max(1, round(_HOP_S * sample_rate))
    starts = range(0, len(weighted) - block + 1, hop)
    powers = np.array([np.mean(weighted[start : start + block] ** 2) for start in starts])
    loud = powers[_lufs(powers) > _ABSOLUTE_GATE_LUFS]
    if not loud.size:
        return float("-inf")
    gate = _lufs(loud.mean()) + _RELATIVE_GATE_LU
    return float(_lufs(loud[_lufs(loud) > gate].mean()))


def k_weighting(sample_rate: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the two second-order filters of the K weighting, head shelf then high pass, as `(b, a)`."""
    gain, shelf_hz, shelf_q = 3.999843853973347, 1681.974450955533, 0.7071752369554196
    k = np.tan(np.pi * shelf_hz / sample_rate)
    high, band = 10 ** (gain / 20), (10 ** (gain / 20)) ** 0.4996667741545416
    a0 = 1 + k / shelf_q + k * k
    shelf = (
        np.array([high + band * k / shelf_q + k * k, 2 * (k * k - high), high - band * k / shelf_q + k * k]) / a0,
        np.array([1, 2 * (k * k - 1) / a0, (1 - k / shelf_q + k * k) / a0]),
    )
    pass_hz, pass_q = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * pass_hz / sample_rate)
    a0 = 1 + k / pass_q + k * k
    high_pass = (np.array([1.0, -2.0, 1.0]), np.array([1, 2 * (k * k - 1) / a0, (1 - k / pass_q + k * k) / a0]))
    return [shelf, high_pass]


def _lufs(power: np.ndarray | float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(power)
