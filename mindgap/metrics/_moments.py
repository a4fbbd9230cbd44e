"""Means and covariances of two sets of unit rows, each computed once, in float64, a tile of rows at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import Rows
from mindgap.geometry import TILE_ENTRIES

TILE_ROWS = 1024  # a few MB in float64, which stay in cache from one step to the next


def wide_unit(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Checked rows on the unit sphere, in float64, without a copy on the way for those of less precision.

    Only where squares of float64 might overflow or vanish are rows scaled before their norms are taken.
    """
    wide, limits = _inputs.widened(x), torch.finfo(torch.float64)
    norms = torch.linalg.vector_norm(wide, dim=1, keepdim=True)
    if not (norms.isfinite().all() and norms.amin() > limits.tiny**0.5 / limits.eps):
        return geometry.unit(wide)
    return wide / norms if wide is x else wide.div_(norms)


class Undefined(ValueError):
    """These rows are in order, but this measure has no value for them; in a report it is NaN."""


class Distribution:
    """Mean and covariance of n unit rows, and what follows from them without the rows."""

    @property
    def n(self) -> int:
        """How many rows."""
        raise NotImplementedError

    @property
    def mean(self) -> Float[Tensor, " d"]:
        """The mean of the unit rows."""
        raise NotImplementedError

    @property
    def covariance(self) -> Float[Tensor, "d d"]:
        """The unbiased covariance of the unit rows."""
        raise NotImplementedError

    @property
    def spread(self) -> Float[Tensor, "r d"]:
        """Some rows whose Gram matrix is the covariance. For few rows."""
        raise NotImplementedError

    @property
    def d(self) -> int:
        """Their dimension."""
        return len(self.mean)

    def mean_cosine(self) -> float:
        """See `geometry.mean_cosine`."""
        return (self.n * float(self.mean @ self.mean) - 1) / (self.n - 1)

    @cached_property
    @torch.no_grad()
    def principal(self) -> tuple[Float[Tensor, " r"], Float[Tensor, "r d"]]:
        """The variances along the principal axes, from the largest to the smallest, and the axes; min(n, d) of them."""
        values, vectors = torch.linalg.eigh(self.covariance)
        values, axes = values.clamp(min=0).flip(0)[: self.n], vectors.flip(1).T[: self.n]
        values[self.n - 1 :] = 0  # n rows vary in n − 1 directions: what is left there is rounding
        return values, axes

    @property
    def variances(self) -> Float[Tensor, " r"]:
        """Along the principal axes, from the largest to the smallest."""
        return self.principal[0]

    @property
    def rank(self) -> int:
        """Principal axes along which the rows vary, beyond rounding; along the others every direction is as good."""
        variances = self.variances[: self.n - 1]
        return int((variances > max(1e-24, 1e-12 * float(variances[0]))).sum())

    def axes(self, count: int) -> Float[Tensor, "count d"]:
        """The first principal axes, orthonormal."""
        return self.principal[1][:count]

    @torch.no_grad()
    def root(self) -> Float[Tensor, "d d"]:
        """The symmetric square root of the covariance."""
        variances, axes = self.principal
        result: Tensor = (axes.T * variances.sqrt()) @ axes
        return result


@dataclass(frozen=True)
class Cloud(Distribution):
    """One set of checked rows, seen on the unit sphere."""

    rows: Float[Tensor, "n d"]

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.rows)

    @property
    def d(self) -> int:
        """Their dimension."""
        return self.rows.shape[1]

    def tiles(self) -> Iterator[Float[Tensor, "tile d"]]:
        """The unit rows in float64, some at a time."""
        for tile in self.rows.split(TILE_ROWS):
            yield wide_unit(tile)

    @cached_property
    @torch.no_grad()
    def mean(self) -> Float[Tensor, " d"]:
        """The mean of the unit rows."""
        total: Tensor | float = 0.0  # and no list of sums, which would lie between the tiles and keep their memory
        for tile in self.tiles():
            total = total + tile.sum(dim=0)
        return torch.as_tensor(total) / self.n

    @cached_property
    @torch.no_grad()
    def covariance(self) -> Float[Tensor, "d d"]:
        """The unbiased covariance of the unit rows."""
        total = self.mean.new_zeros(self.d, self.d)
        for tile in self.tiles():
            centred = tile - self.mean
            total.addmm_(centred.T, centred)
        return total / (self.n - 1)

    @cached_property
    @torch.no_grad()
    def spread(self) -> Float[Tensor, "n d"]:
        """The centred unit rows, divided by √(n − 1): their Gram matrix is the covariance. For few rows."""
        return (torch.cat(list(self.tiles())) - self.mean).div(math.sqrt(self.n - 1))

    @cached_property
    @torch.no_grad()
    def principal(self) -> tuple[Float[Tensor, " r"], Float[Tensor, "r d"]]:
        """The variances along the principal axes, from the largest to the smallest, and the axes; min(n, d) of them."""
        if self.n < self.d:
            _, singular, axes = torch.linalg.svd(self.spread, full_matrices=False)
            return singular.square(), axes
        values, vectors = torch.linalg.eigh(self.covariance)
        return values.clamp(min=0).flip(0), vectors.flip(1).T


@dataclass(frozen=True)
class Part(Cloud):
    """Some rows of a set, by their numbers, picked a tile at a time."""

    numbers: Int[Tensor, " m"]

    @property
    def n(self) -> int:
        """How many of them."""
        return len(self.numbers)

    def tiles(self) -> Iterator[Float[Tensor, "tile d"]]:
        """The unit rows in float64, some at a time."""
        for numbers in self.numbers.split(TILE_ROWS):
            yield wide_unit(self.rows[numbers])


@dataclass(frozen=True)
class Centred(Cloud):
    """A set without its mean, back on the unit sphere, see `metrics.centred`; made a tile at a time."""

    def tiles(self) -> Iterator[Float[Tensor, "tile d"]]:
        """The unit rows in float64, some at a time. Raises Undefined for a row that is the mean itself."""
        cloud, start = Cloud(self.rows), 0
        for tile in cloud.tiles():
            tile = tile - self.before
            lost = torch.linalg.vector_norm(tile, dim=1) < 8 * torch.finfo(tile.dtype).eps
            if lost.any():
                row = start + int(lost.nonzero()[0])
                raise Undefined(f"expected rows that differ from their mean, got it in row {row}")
            yield geometry.unit(tile)
            start += len(tile)

    @cached_property
    def before(self) -> Float[Tensor, " d"]:
        """The mean that is taken away."""
        return Cloud(self.rows).mean


@dataclass(frozen=True)
class Moments:
    """Two sets, which need not match row by row, and what several measures need of them."""

    x: Distribution
    y: Distribution

    @classmethod
    def of(cls, x: Rows, y: Rows) -> Moments:
        """Of rows as they are given; the errors are those of `_inputs.two_sets`."""
        return cls(*(Cloud(rows.detach()) for rows in _inputs.two_sets(x, y)))

    @property
    def d(self) -> int:
        """The dimension that both have."""
        return self.x.d

    @cached_property
    def gap(self) -> Float[Tensor, " d"]:
        """Δ, in float64."""
        return self.x.mean - self.y.mean

    def squared_gap(self) -> float:
        """‖Δ‖²."""
        return float(self.gap @ self.gap)

    def centroid_distance(self) -> float:
        """See `metrics.centroid_distance`."""
        lengths = [float(torch.linalg.vector_norm(cloud.mean)) for cloud in (self.x, self.y)]
        for name, length in zip("xy", lengths, strict=True):
            if length < 1e-12:
                raise Undefined(f"{name}: expected a mean with a direction, got unit rows whose mean is the origin")
        return 1 - float(self.x.mean @ self.y.mean) / (lengths[0] * lengths[1])

    def top_share(self, dimensions: int) -> float:
        """See `metrics.top_dimensions_share`."""
        squares = self.gap.square()
        if float(squares.sum()) < 1e-24:
            raise Undefined("x and y: expected two means, got the same mean in both")
        return float(squares.topk(dimensions).values.sum() / squares.sum())

    @torch.no_grad()
    def frechet_distance(self) -> float:
        """See `metrics.frechet_distance`; never below 0, where rounding might lead."""
        traces = float(self.x.variances.sum() + self.y.variances.sum())
        return max(0.0, self.squared_gap() + traces - 2 * self._overlap())

    def _overlap(self) -> float:
        """tr (C_x C_y)^½, the sum of the singular values of C_x^½ C_y^½; of A Bᵀ, if C_x = AᵀA and C_y = BᵀB."""
        if max(self.x.n, self.y.n) <= self.d:
            return float(torch.linalg.svdvals(self.x.spread @ self.y.spread.T).sum())
        return float(torch.linalg.svdvals(self.x.root() @ self.y.root()).sum())

    @torch.no_grad()
    def principal_angles(self, dimensions: int) -> Float[Tensor, " k"]:
        """See `metrics.principal_angles`."""
        first, second = self.x.axes(dimensions), self.y.axes(dimensions)
        # From sines where the angle is small and from cosines where it is not, each where it has digits.
        cosines = torch.linalg.svdvals(first @ second.T).clamp(max=1)
        sines = torch.linalg.svdvals(second - second @ first.T @ first).clamp(max=1).flip(0)
        return torch.where(cosines > 0.7, sines.asin(), cosines.acos()).rad2deg()

    @torch.no_grad()
    def shared_energy(self, dimensions: int) -> tuple[float, float]:
        """See `metrics.shared_energy`."""
        return _energy(self.x, self.y.axes(dimensions)), _energy(self.y, self.x.axes(dimensions))


def _energy(cloud: Distribution, axes: Float[Tensor, "k d"]) -> float:
    total = float(cloud.variances.sum())
    if cloud.n < cloud.d:
        return float((cloud.spread @ axes.T).square().sum()) / total
    return float(((axes @ cloud.covariance) * axes).sum()) / total


@torch.no_grad()
def separability_of(x: Cloud, y: Cloud) -> float:
    """See `geometry.separability`."""
    middle, gap = (x.mean + y.mean) / 2, x.mean - y.mean
    right = 0.0
    for cloud, towards in ((x, gap), (y, -gap)):
        right += sum(geometry.on_the_side((tile - middle) @ towards) for tile in cloud.tiles())
    return right / (x.n + y.n)


@torch.no_grad()
def matched_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> float:
    """Mean ‖x̂_i − ŷ_i‖ of checked rows, in float64."""
    return distance_of(Cloud(x), Cloud(y))


@torch.no_grad()
def distance_of(x: Cloud, y: Cloud) -> float:
    """Mean distance of the pairs of two clouds."""
    pairs = zip(x.tiles(), y.tiles(), strict=True)
    return sum(float(torch.linalg.vector_norm(first - second, dim=1).sum()) for first, second in pairs) / x.n


@torch.no_grad()
def cosine_of(x: Cloud, y: Cloud) -> float:
    """Mean cosine of the pairs of two clouds."""
    return sum(float((first * second).sum()) for first, second in zip(x.tiles(), y.tiles(), strict=True)) / x.n


@torch.no_grad()
def euclidean_within(x: Float[Tensor, "n d"]) -> float:
    """Mean ‖x̂_i − x̂_j‖ over i ≠ j of checked rows, in float64, a tile of the n² at a time."""
    unit, start, total = geometry.unit(_inputs.widened(x)), 0, 0.0
    for part in unit.split(max(1, TILE_ENTRIES // len(unit))):
        squares = (part @ unit.T).mul_(-2).add_(2).clamp_(min=0)  # in the memory of one tile
        squares.diagonal(start).zero_()
        total += float(squares.sqrt_().sum())
        start += len(part)
    return total / (len(x) * (len(x) - 1))
