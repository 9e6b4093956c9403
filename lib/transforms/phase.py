"""Finding phases for magnitudes: Griffin-Lim, and the same with momentum, for any transform."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lib.errors import BookError
from lib.transforms.coefficients import Coefficients
from lib.transforms.protocol import Transform


@dataclass(frozen=True)
class Reconstruction:
    """A sound made from magnitudes alone.

    Attributes:
        audio: `[batch, time]`.
        convergence: spectral convergence before each iteration and after the last, `[iteration + 1, batch]`:
            how far the magnitudes of the sound are from those asked for, relative to these.
    """

    audio: Tensor
    convergence: Tensor


def spectral_convergence(actual: Coefficients, wanted: Coefficients) -> Tensor:
    """Distance between two sets of magnitudes relative to the wanted ones, `[batch]`; 0 is perfect.

    The norm is that of `Coefficients.energy`. Where nothing is wanted (silence), 0 if nothing is there.
    """
    error = wanted.zip(actual, lambda mine, theirs: mine.abs() - theirs.abs()).energy()
    return torch.sqrt(error / wanted.energy().clamp_min(torch.finfo(error.dtype).tiny))


def griffin_lim(
    transform: Transform,
    magnitude: Coefficients,
    iterations: int = 100,
    momentum: float = 0.99,
    seed: int = 0,
    progress: bool = False,
    initial: Coefficients | None = None,
) -> Reconstruction:
    """Look for a sound with the given magnitudes.

    Each iteration makes a sound of the coefficients, analyses it (now they belong to a sound, but
    have the wrong magnitudes), and puts the wanted magnitudes back. With momentum it first steps
    beyond, in the direction of the last change: fast Griffin-Lim. Without (0) it is the algorithm
    of 1984, whose error never grows.

    Args:
        transform: the one the magnitudes come from.
        magnitude: as from `transform.analyze(audio).magnitude()` or `transform.from_grid(...)`.
        iterations: 0 gives the sound of random phases.
        momentum: in [0, 1); Perraudin et al. advise 0.99.
        seed: of the random initial phases (signs, for a real transform).
        progress: show a bar.
        initial: coefficients whose phases to begin with, instead of random ones.

    Raises:
        BookError: an option is out of range, or the magnitudes do not fit the transform.

    Sources: Griffin and Lim (1984); Perraudin, Balazs and Sondergaard (2013).
    Chapter: *Magnitudes only: getting the phase back*.
    """
    if iterations < 0 or not 0 <= momentum < 1:
        raise BookError(f"Need iterations >= 0 and 0 <= momentum < 1, not {iterations} and {momentum}.")
    wanted = magnitude.magnitude()
    with torch.no_grad():
        start = random_phase(transform, wanted, seed) if initial is None else wanted.with_phase_of(initial)
        audio = transform.synthesize(start)
        consistent = transform.analyze(audio)
        curve = [spectral_convergence(consistent, wanted)]
        previous = None
        for _ in _iterate(iterations, progress):
            ahead = consistent if previous is None else _step_beyond(consistent, previous, momentum)
            previous = consistent
            audio = transform.synthesize(wanted.with_phase_of(ahead))
            consistent = transform.analyze(audio)
            curve.append(spectral_convergence(consistent, wanted))
    return Reconstruction(audio, torch.stack(curve))


def random_phase(transform: Transform, magnitude: Coefficients, seed: int) -> Coefficients:
    """Give magnitudes random phases, or random signs where the transform is real; the same on every device."""
    generator = torch.Generator().manual_seed(seed)

    def rotate(part: Tensor) -> Tensor:
        chance = torch.rand(part.shape, generator=generator, dtype=torch.float64).to(part.device, part.dtype)
        if transform.is_complex:
            return torch.polar(part, 2.0 * math.pi * chance)
        return torch.where(chance < 0.5, -part, part)

    return magnitude.map(rotate)


def _step_beyond(now: Coefficients, before: Coefficients, momentum: float) -> Coefficients:
    return now.zip(before, lambda new, old: new + momentum * (new - old))


def _iterate(iterations: int, progress: bool) -> range:
    if not progress:
        return range(iterations)
    from tqdm.auto import tqdm  # only a reader who wants the bar needs it

    return tqdm(range(iterations), desc="Griffin-Lim", unit="iteration")
