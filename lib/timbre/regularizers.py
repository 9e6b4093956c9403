"""Ways to make latent distances follow human ratings, each a small pure function.

All of them take latent points `z` [batch, dims] and the *names* of the instruments the points come from.
Names, not class numbers: the released code of the paper looked its ratings up by a number from another
list and trained on permuted targets (correlation with the intended ones -.145) without anyone noticing.

All of them are means, over pairs or over points, so their strength does not depend on the batch size.

Source: Esling et al. 2018 (DAFx), section 3.2, and the authors' released code where it differs.
Chapter: *Regularising with perception*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.errors import BookError
from lib.ratings.table import pooled

#: Latent distance that stands for a rating of 1.
SCALE = 8.0
#: Keeps the gradient of a distance finite where two points coincide.
TINY = 1e-12


@dataclass(frozen=True)
class Target:
    """Ratings between named instruments: mean and standard deviation, both [n, n], 0 = same, 1 = most different."""

    names: tuple[str, ...]
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, names: Sequence[str], mean: np.ndarray, std: np.ndarray | None = None) -> Target:
        """Build a target from matrices whose rows are in the order of `names`.

        Raises:
            BookError: shapes differ, the matrix is not symmetric, or its diagonal is not zero.
        """
        mean = np.array(mean, dtype=np.float64)
        std = np.zeros_like(mean) if std is None else np.array(std, dtype=np.float64)
        n = len(names)
        if mean.shape != (n, n) or std.shape != (n, n):
            raise BookError(f"{n} names need matrices of {n} x {n}; got {mean.shape} and {std.shape}.")
        if not np.allclose(mean, mean.T) or np.abs(np.diag(mean)).max() > 1e-9:
            raise BookError("Ratings must be symmetric with a zero diagonal.")
        return cls(tuple(names), torch.from_numpy(mean), torch.from_numpy(std))

    @classmethod
    def pooled(cls) -> Target:
        """Take the pooled ratings of five studies between the book's twelve instruments."""
        table = pooled()
        return cls.of(table.names, table.mean.matrix, table.std)

    def rows(self, instruments: Sequence[str]) -> Tensor:
        """Find the row of each named instrument.

        Raises:
            BookError: nobody rated one of them.
        """
        index = {name: i for i, name in enumerate(self.names)}
        unknown = sorted(set(instruments) - set(index))
        if unknown:
            raise BookError(f"No ratings for {', '.join(unknown)}; rated are {', '.join(self.names)}.")
        return torch.tensor([index[name] for name in instruments], dtype=torch.long)

    def between(self, instruments: Sequence[str], dtype: torch.dtype = torch.float32) -> Tensor:
        """Mean ratings between all pairs of a batch: [batch, batch]."""
        rows = self.rows(instruments)
        return self.mean[rows][:, rows].to(dtype)

    def spread(self, instruments: Sequence[str], dtype: torch.dtype = torch.float32) -> Tensor:
        """Standard deviations of the ratings between all pairs of a batch: [batch, batch]."""
        rows = self.rows(instruments)
        return self.std[rows][:, rows].to(dtype)


def distances(z: Tensor) -> Tensor:
    """Euclidean distances between all rows of z [batch, dims], with a gradient even at zero: [batch, batch]."""
    squared = (z[:, None, :] - z[None, :, :]).square().sum(dim=-1)
    return (squared + TINY).sqrt()


def _pairs(n: int) -> tuple[Tensor, Tensor]:
    i, j = torch.triu_indices(n, n, offset=1)
    return i, j


def l2(z: Tensor, instruments: Sequence[str], target: Target, *, scale: float = SCALE) -> Tensor:
    """Mean squared difference between latent distance and `scale` times the rating, over all pairs.

    Source: "Euclidean" regularisation of the ISMIR-18 abstract; `l2` in the released code, which takes the
    Frobenius norm over the batch instead of the mean.
    """
    i, j = _pairs(len(instruments))
    gap = distances(z)[i, j] - scale * target.between(instruments, z.dtype)[i, j]
    return gap.square().mean()


def gaussian(z: Tensor, instruments: Sequence[str], target: Target, noise: Tensor, *, scale: float = SCALE) -> Tensor:
    """The L2 term with each rating drawn anew from the listeners' Gaussian, N(mean, std) of its pair.

    Args:
        noise: [batch, batch] standard normal draws; only the upper triangle is used.

    Source: `gaussian` in the released code.
    """
    i, j = _pairs(len(instruments))
    mean, std = target.between(instruments, z.dtype)[i, j], target.spread(instruments, z.dtype)[i, j]
    drawn = (mean + std * noise[i, j]).clamp(min=0.0)
    return (distances(z)[i, j] - scale * drawn).square().mean()


def _row_divergence(p: Tensor, q: Tensor, *, diagonal: bool) -> Tensor:
    """Mean over rows of KL(p row || n * q row).

    p has rows that sum to one, q sums to one as a whole. Their plain KL sum has its minimum at n ln n, not
    at zero; dividing by n and subtracting ln n moves that minimum to zero and makes it independent of n.
    """
    n = len(p)
    keep = torch.ones(n, n, dtype=torch.bool) if diagonal else ~torch.eye(n, dtype=torch.bool)
    terms = torch.where(keep, p * (p.clamp(min=1e-30).log() - (n * q).clamp(min=1e-30).log()), torch.zeros_like(p))
    return terms.sum() / n


def student_text(z: Tensor, instruments: Sequence[str], target: Target, *, scale: float = 1.0) -> Tensor:
    """The t-SNE-like divergence as the paper prints it.

    Latent similarities are Gaussian, normalised per row; rated similarities are Student-t, normalised over
    all pairs. Both leave the diagonal out. `scale` multiplies the ratings (the text has 1).

    Source: Esling et al. 2018 (DAFx), equations 4 to 6.
    """
    n = len(instruments)
    off = ~torch.eye(n, dtype=torch.bool)
    logits = (-distances(z).square()).masked_fill(~off, -torch.inf)
    p = torch.softmax(logits, dim=1)
    rated = scale * target.between(instruments, z.dtype)
    weights = torch.where(off, 1.0 / (1.0 + rated.square()), torch.zeros_like(rated))
    return _row_divergence(p, weights / weights.sum(), diagonal=False)


def student_code(z: Tensor, instruments: Sequence[str], target: Target, *, scale: float = 1.0) -> Tensor:
    """The t-SNE-like divergence as the released code computes it.

    Latent similarities fall exponentially with the distance (not its square); rated ones are 1 / (1 + r);
    the diagonal stays in. `scale` multiplies the ratings (the code has 1).

    Source: `student` in the released code.
    """
    p = torch.softmax(-distances(z), dim=1)
    weights = 1.0 / (1.0 + scale * target.between(instruments, z.dtype))
    return _row_divergence(p, weights / weights.sum(), diagonal=True)


def class_prior(
    mean: Tensor, logvar: Tensor, instruments: Sequence[str], anchors: Mapping[str, Tensor], *, prior_std: float = 1.0
) -> Tensor:
    """Mean KL from each posterior to a Gaussian around its instrument's anchor.

    Args:
        mean, logvar: [batch, dims] posterior of the regularised dimensions.
        anchors: instrument name -> [dims], the positions multidimensional scaling gives to the ratings.
        prior_std: standard deviation of each instrument's Gaussian.

    Source: "class-based prior" of the ISMIR-18 abstract; `prior` in the released code.
    """
    centre = _stack(anchors, instruments, mean)
    variance = prior_std**2
    kl = 0.5 * (((mean - centre).square() + logvar.exp()) / variance - 1.0 - logvar + np.log(variance))
    return kl.sum(dim=-1).mean()


def to_anchors(u: Tensor, instruments: Sequence[str], anchors: Mapping[str, Tensor]) -> Tensor:
    """Mean squared distance of each point to its instrument's anchor.

    With a code `u` of whole notes this is what generalises best to recordings never heard, because every
    note is pulled, not only averages of notes. `lib.timbre.head` solves it in closed form.
    """
    return (u - _stack(anchors, instruments, u)).square().sum(dim=-1).mean()


def _stack(anchors: Mapping[str, Tensor], instruments: Sequence[str], like: Tensor) -> Tensor:
    unknown = sorted(set(instruments) - set(anchors))
    if unknown:
        raise BookError(f"No anchor for {', '.join(unknown)}; there are {', '.join(sorted(anchors))}.")
    return torch.stack([anchors[name] for name in instruments]).to(like.dtype)
