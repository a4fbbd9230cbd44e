"""How the rows of one set, or of both, spread over the sphere, and whether a plane parts the two."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import Rows
from mindgap.geometry import TILE_ENTRIES
from mindgap.metrics._moments import Cloud, Distribution, Moments, Part, Undefined


@torch.no_grad()
def uniformity(x: Rows, t: float = 2.0) -> float:
    """log E exp(−t‖x̂_i − x̂_j‖²) over the pairs i ≠ j, the lower the more evenly spread (Wang & Isola, 2020).

    0 where all rows are one point; about −2t for points spread evenly over a sphere of many dimensions. All pairs are
    walked in tiles, in float64 whatever the input (on the CPU, if it is on Apple's MPS): O(n²d) time, no n² memory.

    Raises ValueError as `mean_cosine` does, for t ≤ 0, or for a t so large that the result is beyond float64.
    """
    return _uniformity(_inputs.rows(x, "x"), t)


@torch.no_grad()
def joint_uniformity(x: Rows, y: Rows, t: float = 2.0) -> float:
    """`uniformity` of both sets as one: over all pairs of different rows, within a modality or across.

    Shapes: (n, d) and (m, d). A gap lowers it, since it puts rows far from each other, without spreading either set.
    Raises ValueError as `centroid_distance` and `uniformity` do.
    """
    return _uniformity(torch.cat(_inputs.two_sets(x, y)), t)


def _uniformity(x: Float[Tensor, "n d"], t: float) -> float:
    x, t = geometry.unit(_inputs.widened(x.detach())), _inputs.positive(t, "t")
    n, start, logs = len(x), 0, []
    for part in x.split(max(1, TILE_ENTRIES // n)):
        exponents = (part @ x.T).sub_(1).mul_(2).clamp_(max=0).mul_(t)  # in the memory of one tile
        # A row with itself is no pair, and its exp(0) would drown all others.
        exponents.diagonal(start).fill_(-math.inf)
        # A number, and no tensor, which would lie between the tiles and keep their memory.
        logs.append(float(exponents.logsumexp(dim=(0, 1))))
        start += len(part)
    result = float(torch.tensor(logs, dtype=torch.float64).logsumexp(dim=0)) - math.log(n * (n - 1))
    if not math.isfinite(result):
        raise ValueError(f"t: expected a number for which the result is finite, got {t:g}")
    return result


def effective_rank(x: Rows) -> float:
    """exp of the entropy of the normalised singular values of the centred rows of x̂ (Roy & Vetterli, 2007).

    With p_k = σ_k / Σσ, exp(−Σ p_k log p_k): from 1 (all spread along one axis) to min(n − 1, d). Rows that are all
    equal have no spread and count as 1. In float64 whatever the input (on the CPU, if it is on Apple's MPS):
    O(n d min(n, d)) time.

    Raises ValueError as `mean_cosine` does.
    """
    return rank_of(Cloud(_inputs.rows(x, "x").detach()))


def rank_of(cloud: Distribution) -> float:
    """`effective_rank` of a cloud whose variances may be known already."""
    singular = cloud.variances.sqrt()
    if float(singular[0]) < 1e-12:
        return 1.0
    shares = singular / singular.sum()
    return float(torch.special.entr(shares).sum().exp())


def principal_angles(x: Rows, y: Rows, dimensions: int = 10) -> Float[Tensor, " k"]:
    """The angles, in degrees, between the subspaces in which the two sets mainly vary, the smallest first.

    Each subspace is spanned by the first `dimensions` principal axes of the centred unit rows of one set; the cosines
    of the angles are the singular values of A Bᵀ, if the rows of A and B are those axes (Björck & Golub, 1973). All 0
    where both sets vary in the same subspace, 90 where they have no direction in common. Shapes: (n, d) and (m, d) →
    (dimensions,), float64. O(nd·min(n, d)) time.

    Raises ValueError as `centroid_distance` does, or unless 1 ≤ dimensions ≤ the smaller number of
    axes along which the two sets vary at all, of which there are at most n − 1 and d.
    """
    moments = Moments.of(x, y)
    return moments.principal_angles(_inputs.count(dimensions, "dimensions", 1, most_dimensions(moments)))


def shared_energy(x: Rows, y: Rows, dimensions: int = 10) -> tuple[float, float]:
    """The share of each set's variance that lies in the subspace in which the other mainly varies.

    That is ‖X_c Bᵀ‖² / ‖X_c‖² for the centred unit rows X_c of `x` and the first principal axes B of `y`, and the other
    way round: 1 where one set varies only where the other does, near dimensions / d where they have nothing to do with
    each other. Shapes: (n, d) and (m, d). O(nd·min(n, d)) time.

    Raises ValueError as `principal_angles` does, or where all rows of a set are equal.
    """
    moments = Moments.of(x, y)
    return moments.shared_energy(_inputs.count(dimensions, "dimensions", 1, most_dimensions(moments)))


def most_dimensions(moments: Moments) -> int:
    """Principal axes along which both sets vary."""
    ranks = moments.x.rank, moments.y.rank
    if not min(ranks):
        raise Undefined("x and y: expected rows that differ, got the same direction in every row of one")
    return min(ranks)


_SHRINKAGE = 1e-3  # of the mean variance, so that fewer rows than dimensions have an inverse, too


@torch.no_grad()
def linear_probe(x: Rows, y: Rows, seed: int = 0) -> float:
    """Can a plane tell the modality of rows it has not seen? The share of held-out rows on the right side.

    Linear discriminant analysis on a random half of the rows (Fisher, 1936): w = (S + ε)⁻¹ (μ_x − μ_y) with the pooled
    covariance S within the two sets and ε of a thousandth of its mean variance, the threshold halfway between the two
    means; then the mean of the two shares of the other half that are on their own side. 1 if the modalities are
    linearly separable, about ½ if nothing tells them apart. Where there are as many rows of both, the two rows of a
    pair are in the same half. Shapes: (n, d) and (m, d). In float64: O(nd² + d³) time.

    `separability` asks the same of one plane, that across Δ, and of the rows it was made from.

    Raises ValueError as `centroid_distance` does, unless there are at least 4 rows of each, or for a bad seed.
    """
    x, y = (Cloud(rows.detach()) for rows in _inputs.two_sets(x, y))
    random = _inputs.generator(seed)
    halves = [
        tuple(Part(cloud.rows, rows.to(cloud.rows.device)) for rows in order)
        for cloud, order in zip((x, y), probe_halves(x.n, y.n, random), strict=True)
    ]
    normal, middle = probe_plane(*(seen for seen, _ in halves))
    shares = [
        sum(geometry.on_the_side(sign * ((tile - middle) @ normal)) for tile in unseen.tiles()) / unseen.n
        for sign, (_, unseen) in zip((1, -1), halves, strict=True)
    ]
    return sum(shares) / 2


def probe_halves(
    n: int, m: int, random: torch.Generator
) -> tuple[tuple[Int[Tensor, " a"], Int[Tensor, " b"]], tuple[Int[Tensor, " c"], Int[Tensor, " e"]]]:
    """The rows of x, and those of y, that the probe learns from, and those that it asks."""
    for name, count in (("x", n), ("y", m)):
        if count < 4:
            raise Undefined(f"{name}: expected at least 4 rows, two to learn from and two to ask, got {count}")
    order = torch.randperm(n, generator=random)
    other = order if n == m else torch.randperm(m, generator=random)
    return (order[: n // 2], order[n // 2 :]), (other[: m // 2], other[m // 2 :])


def probe_plane(a: Distribution, b: Distribution) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """The normal of the probe's plane, and the point halfway between the two means, from the halves it learns from."""
    within = (a.covariance * (a.n - 1) + b.covariance * (b.n - 1)) / (a.n + b.n - 2)
    scale = float(within.diagonal().mean())
    if scale < 1e-24:  # two points: the plane between them
        within, scale = torch.eye(a.d, dtype=within.dtype, device=within.device), 0.0
    within.diagonal().add_(_SHRINKAGE * scale)
    return torch.linalg.solve(within, a.mean - b.mean), (a.mean + b.mean) / 2
