"""The `nsgt` package, made to run on a NumPy it does not know, so that we can measure against it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from lib.errors import BookError
from lib.transforms.plan import Array, Band, Plan
from lib.transforms.scales import Scale


def load_nsgt() -> ModuleType:
    """Import `nsgt` 0.19 and mend the one call NumPy 1.25 and later refuse.

    Its window code clips an integer array to infinity in place; `np.clip` now raises. Only the name
    `np` inside that one module is replaced; NumPy itself is left alone.

    Raises:
        BookError: the package is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that pyfftw is missing
            import nsgt
            import nsgt.nsgfwin_sl as windows
    except ImportError as error:
        raise BookError(
            "The nsgt package is not here: pip install --no-build-isolation --no-deps nsgt==0.19."
        ) from error
    windows.np = NumpyWithOldClip()
    return nsgt


def package_scale(scale: Scale) -> Any:
    """The same centre frequencies as a scale of the package."""
    base = load_nsgt().fscale.Scale

    class SameCentres(base):  # type: ignore[misc, valid-type]
        def __call__(self) -> tuple[Array, Array]:
            widths = scale.frequency(np.arange(scale.n_bins) + 1) - scale.frequency(np.arange(scale.n_bins) - 1)
            return scale.frequencies_hz, scale.frequencies_hz / widths

    return SameCentres(scale.n_bins)


def package_transform(scale: Scale, length: int, sample_rate: int = 22050, matrixform: bool = False) -> Any:
    """The package's transform of `length` samples on the same centre frequencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its advice on Q factors, for windows of four bins
        return load_nsgt().NSGT(package_scale(scale), sample_rate, length, real=True, matrixform=matrixform)


@dataclass(frozen=True)
class PackagePlan:
    """The package's own windows in our terms.

    Attributes:
        plan: the positive-frequency half of every window.
        origins: for each band the FFT bin from which the package counts its phases.
        whole: for each band whether no half was cut off; the others straddle 0 or half the sample rate.
    """

    plan: Plan
    origins: tuple[int, ...]
    whole: tuple[bool, ...]


def plan_from_package(transform: Any, sample_rate: int) -> PackagePlan:
    """Describe the windows of a package transform as a plan, so that both codes can run on the same windows.

    Raises:
        BookError: the package stretched the FFT beyond the signal.
    """
    length = int(transform.Ls)
    if int(transform.nn) != length:
        raise BookError(f"The package made {transform.nn} points of {length} samples: take a longer signal.")
    bands, origins, whole = [], [], []
    for number in range(len(transform.g) // 2 + 1):
        where = np.asarray(transform.wins[number])
        window = np.fft.fftshift(transform.g[number])  # the package stores windows with their peak first
        kept = where <= length // 2
        bands.append(Band(str(number), float("nan"), int(where[kept][0]), window[kept], int(transform.M[number])))
        origins.append(int(where[len(where) // 2]))
        whole.append(bool(kept.all()))
    return PackagePlan(Plan(sample_rate, length, length, tuple(bands)), tuple(origins), tuple(whole))


class NumpyWithOldClip:
    """NumPy, but clipping from below only keeps integers integers."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def clip(values: Any, lowest: Any, highest: Any, out: Any = None) -> Any:
        return np.maximum(values, lowest, out=out) if highest == np.inf else np.clip(values, lowest, highest, out=out)
