"""Counts, means and scatters of rows that come in parts, in float64, merged as if they had come as one.

Plain sums of x̂ and x̂x̂ᵀ would lose what matters: the covariance is their difference, and of a narrow cone, whose mean
has a length near 1 and whose variance may be 1e-6 of that, no more than ten digits would be left, and none of its small
eigenvalues. Scatters about the parts' own means are merged instead (Chan, Golub and LeVeque, 1979):

    M = M_a + M_b + (n_a n_b / n) (m_b − m_a)(m_b − m_a)ᵀ        m = m_a + (n_b / n)(m_b − m_a)

which adds positive matrices only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap.metrics._moments import Distribution
from mindgap.stream._ranks import Parts


@dataclass(frozen=True)
class Collected(Distribution):
    """A set of unit rows by its count, its mean and its scatter Σ (x̂ − m)(x̂ − m)ᵀ; None where nobody needs that."""

    count: Float[Tensor, ""]
    center: Float[Tensor, " d"]
    scatter: Float[Tensor, "d d"] | None

    @classmethod
    @torch.no_grad()
    def of(cls, rows: Float[Tensor, "b d"], with_scatter: bool = True) -> Collected:
        """Of some unit rows in float64, perhaps none."""
        mean = rows.sum(dim=0) / max(1, len(rows))
        centred = rows - mean
        count = torch.tensor(float(len(rows)), dtype=torch.float64, device=rows.device)
        return cls(count, mean, centred.T @ centred if with_scatter else None)

    @torch.no_grad()
    def merged(self, other: Collected) -> Collected:
        """Of both together."""
        count = self.count + other.count
        share = other.count / count.clamp(min=1)
        apart = other.center - self.center
        scatter = None
        if self.scatter is not None and other.scatter is not None:
            scatter = self.scatter + other.scatter
            scatter.addr_(apart, apart, alpha=float(self.count * share))
        return Collected(count, self.center + share * apart, scatter)

    @property
    def n(self) -> int:
        """How many rows."""
        return int(self.count)

    @property
    def mean(self) -> Float[Tensor, " d"]:
        """The mean of the unit rows."""
        return self.center

    @property
    def covariance(self) -> Float[Tensor, "d d"]:
        """The unbiased covariance of the unit rows."""
        assert self.scatter is not None, "asked for with the covariance"
        return self.scatter / (self.n - 1)

    @cached_property
    def spread(self) -> Float[Tensor, "r d"]:
        """Principal axes as long as the standard deviation along them: their Gram matrix is the covariance."""
        variances, axes = self.principal
        return variances.sqrt()[:, None] * axes


def as_parts(name: str, one: Collected) -> Parts:
    """As named sums."""
    parts = {f"{name}.count": one.count, f"{name}.mean": one.center}
    return parts if one.scatter is None else {**parts, f"{name}.scatter": one.scatter}


def from_parts(name: str, parts: Parts) -> Collected:
    """The one of that name among them."""
    return Collected(parts[f"{name}.count"], parts[f"{name}.mean"], parts.get(f"{name}.scatter"))


def merge(one: Parts, other: Parts) -> Parts:
    """Named sums of two lots of rows: collected ones merged, all else added."""
    names = [name.removesuffix(".count") for name in one if name.endswith(".count")]
    merged: Parts = {}
    for name in names:
        merged |= as_parts(name, from_parts(name, one).merged(from_parts(name, other)))
    return {name: merged[name] if name in merged else part + other[name] for name, part in one.items()}
