"""How far one sound is from another, seen through spectrograms.

Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def magnitude(audio: Tensor, n_fft: int, hop_length: int) -> Tensor:
    """Magnitude spectrogram with a Hann window, frames centred: [batch, time] -> [batch, n_fft // 2 + 1, frames].

    A sine of amplitude a reads about a * n_fft / 4 in its bin.
    """
    spectrum = torch.stft(audio, n_fft, hop_length, window=torch.hann_window(n_fft), return_complex=True)
    # The square root has no gradient at zero: the small number keeps silence from becoming NaN.
    return (spectrum.real.square() + spectrum.imag.square() + 1e-10).sqrt()


def multi_scale_spectral(audio: Tensor, target: Tensor, n_ffts: Sequence[int], log_floor: float = 1e-2) -> Tensor:
    """Mean absolute difference of magnitudes plus that of their logarithms, averaged over window lengths.

    Short windows hear the attack, long ones the partials; the linear term hears the loud parts, the logarithm the
    quiet ones. Windows overlap by three quarters.

    Args:
        audio, target: [batch, time].
        n_ffts: window lengths in samples.
        log_floor: added before the logarithm, in the units of `magnitude`: quieter bins count as silence.

    Returns:
        a scalar; 0.1 of the logarithmic part is 0.87 dB.

    Source: Engel et al. 2020 (DDSP), section 4.2.1. (The released code of the diet paper takes power instead of
    magnitude and a floor of 1e-4, and sums over windows.)
    """
    total = audio.new_zeros(())
    for n_fft in n_ffts:
        heard, wanted = magnitude(audio, n_fft, n_fft // 4), magnitude(target, n_fft, n_fft // 4)
        logs = ((heard + log_floor).log() - (wanted + log_floor).log()).abs().mean()
        total = total + (heard - wanted).abs().mean() + logs
    return total / len(n_ffts)


def log_power(audio: Tensor, target: Tensor, n_fft: int, hop_length: int, gain: float = 1.0) -> Tensor:
    """Mean squared difference of log(1 + gain * power).

    Args:
        gain: what power counts as loud; the larger, the more quiet parts matter.

    Source: Défossez et al. 2018 (SING), equation 5, with gain 1.
    """
    heard, wanted = (magnitude(sound, n_fft, hop_length).square() for sound in (audio, target))
    return ((1.0 + gain * heard).log() - (1.0 + gain * wanted).log()).square().mean()
