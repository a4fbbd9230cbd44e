"""Two clouds of points on the unit sphere: how far apart, how narrow, how well matched.

Every function takes embeddings of shape (n, d) with rows of any norm and puts them on the unit
sphere itself; x̂ and ŷ below are the normalised rows. Row i of `x` belongs with row i of `y`.
Section and figure numbers refer to Liang et al., *Mind the Gap* (NeurIPS 2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs
from mindgap._inputs import Rows

__all__ = [
    "Projection",
    "ShiftPath",
    "gap_distance",
    "gap_vector",
    "matched_cosine",
    "mean_cosine",
    "normalize",
    "recall_at_k",
    "separability",
    "shared_projection",
    "shift",
    "shift_path",
    "unit_pair",
]

_TILE_ROWS = 1024  # a few MB, so that a tile is still in cache when it is read again
TILE_ENTRIES = 2**22  # similarities held at once by the tiled functions: 16 MB in float32


def normalize(x: Rows) -> Float[Tensor, "n d"]:
    """Rows of `x` on the unit sphere: x̂_i = x_i / ‖x_i‖.

    Shapes: (n, d) → (n, d), n ≥ 1; the result has the device of `x`. float64 stays float64, everything else
    becomes float32. Rows are scaled by their largest entry first, so that no norm over- or underflows.

    Raises ValueError for a wrong rank, no rows, NaN or infinity, or a zero row.
    """
    return unit(_inputs.rows(x, "x", least=1))


def unit(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    x = x / x.abs().amax(dim=1, keepdim=True)
    return x / torch.linalg.vector_norm(x, dim=1, keepdim=True)


def unit_pair(x: Rows, y: Rows) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """x̂ and ŷ, checked to be of one shape (n, d) with n ≥ 2; the common first step of every two-matrix measure."""
    x, y = _inputs.pair(x, y)
    return unit(x), unit(y)


def sum_of_unit_rows(x: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
    """Σ_i x̂_i for checked rows, as a product of the weights 1/‖x_i‖ with x: no n·d of memory, two reads of x."""
    limits = torch.finfo(x.dtype)
    total = x.new_zeros(x.shape[1])
    for tile in x.split(_TILE_ROWS):
        norms = torch.linalg.vector_norm(tile, dim=1)
        # Squares that over- or underflow would spoil the norm; `unit` scales such rows first.
        safe = norms.isfinite().all() and norms.amin() > limits.tiny**0.5 / limits.eps
        total += norms.reciprocal() @ tile if safe else unit(tile).sum(dim=0)
    return total


def sum_of_matched_cosines(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Σ_i x̂_i·ŷ_i for checked rows, a tile at a time."""
    tiles = zip(x.split(_TILE_ROWS), y.split(_TILE_ROWS), strict=True)
    return torch.stack([(unit(a) * unit(b)).sum() for a, b in tiles]).sum()


def gap_vector(x: Rows, y: Rows) -> Float[Tensor, " d"]:
    """The modality gap Δ = mean(x̂) − mean(ŷ), shape (d,) (§4.2).

    Raises ValueError unless `x` and `y` are (n, d) of one shape, n ≥ 2, finite, without zero rows.
    """
    x, y = unit_pair(x, y)
    return x.mean(dim=0) - y.mean(dim=0)


def gap_distance(x: Rows, y: Rows) -> float:
    """The length of the gap ‖Δ‖, between 0 (one centre) and 2 (opposite poles) (§4.2; .82 in Fig 1b).

    Raises ValueError as `gap_vector` does.
    """
    return float(torch.linalg.vector_norm(gap_vector(x, y)))


def mean_cosine(x: Rows, y: Rows | None = None) -> float:
    """Mean cosine over the pairs of different rows: how narrow one cone is, or how near two are (§2.1, Fig 2a).

    With `x` alone, the n(n − 1) off-diagonal pairs of x̂. With `y`, the n(n − 1) cross pairs (x̂_i, ŷ_j), i ≠ j.
    Both cost O(nd) and no n² memory, because the double sum factorises:

        Σ_{i≠j} x̂_i·ŷ_j = (Σ_i x̂_i)·(Σ_j ŷ_j) − Σ_i x̂_i·ŷ_i

    Raises ValueError as `gap_vector` does.
    """
    if y is None:
        x = _inputs.rows(x, "x")
        along, own = sum_of_unit_rows(x), float(len(x))
        product = along @ along
    else:
        x, y = _inputs.pair(x, y)
        own = float(sum_of_matched_cosines(x, y))
        product = sum_of_unit_rows(x) @ sum_of_unit_rows(y)
    return (float(product) - own) / (len(x) * (len(x) - 1))


def matched_cosine(x: Rows, y: Rows) -> float:
    """Mean cosine of the n matched pairs (x̂_i, ŷ_i): how well the two modalities are aligned.

    Raises ValueError as `gap_vector` does.
    """
    x, y = _inputs.pair(x, y)
    return float(sum_of_matched_cosines(x, y)) / len(x)


def shift(x: Rows, y: Rows, amount: float) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """Move both clouds along the gap by λ = `amount` and back onto the sphere (§4.2).

        x'_i = normalize(x̂_i − λΔ)        y'_i = normalize(ŷ_i + λΔ)

    λ = 0 leaves them, λ = ½ lets the means meet (before normalising), λ = 1 swaps the sides, λ < 0 widens the gap.
    The signed distance δ on the axis of Fig 3 and in the authors' code is δ = 2λ‖Δ‖.

    Shapes: (n, d), (n, d) → (n, d), (n, d). Raises ValueError as `gap_vector` does, if `amount` is not finite, or
    if it moves a row onto the origin.
    """
    amount = _inputs.number(amount, "amount")
    x, y = unit_pair(x, y)
    step = amount * (x.mean(dim=0) - y.mean(dim=0))
    moved_x, moved_y = x - step, y + step
    for name, moved in [("x", moved_x), ("y", moved_y)]:
        lost = torch.linalg.vector_norm(moved, dim=1) < 1e-6  # what is left of a unit row is rounding
        if lost.any():
            raise ValueError(
                f"amount: expected every row to keep a direction, but {amount:g} moves "
                f"row {int(lost.nonzero()[0])} of {name} to the origin"
            )
    return unit(moved_x), unit(moved_y)


def recall_at_k(x: Rows, y: Rows, k: int = 1) -> float:
    """Share of rows of `x` whose own row of `y` is among the `k` with the highest cosine (R@k).

    Ties share their places fairly: with g rows of y strictly nearer and t rows (its own among them) equally near, a
    row counts min(1, max(0, (k − g) / t)). Embeddings that have collapsed to one point score k/n, which is chance.
    Cosines within 8 units of rounding (1e-6 in float32) are equal: the same row twice may differ by so much, by its
    place in the matrix product. The n × n similarities are walked in tiles.

    Raises ValueError as `gap_vector` does, or unless 1 ≤ k ≤ n.
    """
    x, y = unit_pair(x, y)
    n = x.shape[0]
    k = _inputs.count(k, "k", 1, n)
    rounding = 8 * torch.finfo(x.dtype).eps
    hits = 0.0
    for start, similarity in _similarity_tiles(x, y):
        own = similarity.diagonal(start)[:, None]
        nearer = (similarity > own + rounding).sum(dim=1)
        equal = (similarity >= own - rounding).sum(dim=1) - nearer
        hits += float(((k - nearer) / equal).clamp(0, 1).sum())
    return hits / n


def _similarity_tiles(
    x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]
) -> Iterator[tuple[int, Float[Tensor, "tile n"]]]:
    size = max(1, TILE_ENTRIES // y.shape[0])
    for start in range(0, x.shape[0], size):
        yield start, x[start : start + size] @ y.T


def separability(x: Rows, y: Rows) -> float:
    """Share of all 2n points that lie on their own modality's side of the plane halfway between the means.

    The plane is orthogonal to Δ: this is nearest-centroid classification of the modality, 1 when the clouds are
    linearly separated along the gap and about ½ when they overlap. A point on the plane counts one half.

    Raises ValueError as `gap_vector` does.
    """
    x, y = unit_pair(x, y)
    a, b = x.mean(dim=0), y.mean(dim=0)
    delta, middle = a - b, (a + b) / 2
    sides = torch.cat([(x - middle) @ delta, (middle - y) @ delta])
    return float(((sides > 0).double() + 0.5 * (sides == 0).double()).mean())


@dataclass(frozen=True)
class Projection:
    """A linear map to a few dimensions, the same one for both modalities.

    `basis` (c, d) has orthonormal rows and `center` (d,) is the mean of all 2n points, so that
    p ↦ (p − center) · basisᵀ. `x` and `y` are the projected points, (n, c). `explained` (c,) is the share of the
    joint variance along each axis.
    """

    basis: Float[Tensor, "c d"]
    center: Float[Tensor, " d"]
    x: Float[Tensor, "n c"]
    y: Float[Tensor, "n c"]
    explained: Float[Tensor, " c"]

    def apply(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "m c"]:
        """Project more points, of shape (m, d), with the same map."""
        return (points - self.center) @ self.basis.T


def shared_projection(x: Rows, y: Rows, components: int = 2, gap_first: bool = False) -> Projection:
    """The principal axes of both clouds together, as one linear map (Fig 1b shows UMAP instead, which is not linear).

    The axes are the leading eigenvectors of the covariance of the 2n stacked, centred points. With `gap_first` the
    first axis is Δ/‖Δ‖, and the others are the principal axes of what is orthogonal to it (if Δ is not 0). Signs are
    fixed: the first axis points from `y` towards `x`, each other has its largest entry positive.

    Raises ValueError as `gap_vector` does, or unless 1 ≤ components ≤ d.
    """
    x, y = unit_pair(x, y)
    components = _inputs.count(components, "components", 1, x.shape[1])
    center = (x.mean(dim=0) + y.mean(dim=0)) / 2
    stacked = torch.cat([x, y]).double() - center.double()
    delta = (x.mean(dim=0) - y.mean(dim=0)).double()
    length = torch.linalg.vector_norm(delta)
    given = (delta / length)[None] if gap_first and length > 0 else delta.new_zeros(0, len(delta))
    rest = stacked - stacked @ given.T @ given
    # The given axis gets a variance of −1, so that it comes after all others.
    axes = torch.linalg.eigh(rest.T @ rest / len(rest) - given.T @ given).eigenvectors.flip(1).T
    basis = torch.cat([given, axes])[:components]
    signs = torch.gather(basis, 1, basis.abs().argmax(dim=1, keepdim=True)).sign()
    if (towards := basis[0] @ delta) != 0:
        signs[0] = towards.sign()
    basis = basis * signs
    total = stacked.square().sum().clamp_min(torch.finfo(torch.float64).tiny)
    explained = (stacked @ basis.T).square().sum(dim=0) / total
    basis = basis.to(x.dtype)
    return Projection(basis, center, (x - center) @ basis.T, (y - center) @ basis.T, explained.to(x.dtype))


@dataclass(frozen=True)
class ShiftPath:
    """What a few dimensions need to follow every point exactly along the shift, for any λ.

    Seen through the orthonormal axes of a shared projection, a shifted point is a formula in λ:

        p'_i(λ) = (p_i ∓ λ Δ) / √(1 ∓ 2λ p_i·Δ + λ²‖Δ‖²)        (− for x̂, + for ŷ)

    so `x` and `y` (n, c), the coordinates of the unshifted unit rows, `x_along` and `y_along` (n,), their products
    with Δ, `gap` (c,), the coordinates of Δ, and `squared_gap` = ‖Δ‖² are all it takes.
    """

    x: Float[Tensor, "n c"]
    y: Float[Tensor, "n c"]
    x_along: Float[Tensor, " n"]
    y_along: Float[Tensor, " n"]
    gap: Float[Tensor, " c"]
    squared_gap: float

    def at(self, amount: float) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c"]]:
        """The coordinates of all points after a shift by λ = `amount`: (n, c) for x, (n, c) for y."""
        amount = _inputs.number(amount, "amount")

        def moved(points: Tensor, along: Tensor, step: float) -> Tensor:
            norm = (1 - 2 * step * along + step**2 * self.squared_gap).sqrt()
            return (points - step * self.gap) / norm[:, None]

        return moved(self.x, self.x_along, amount), moved(self.y, self.y_along, -amount)


def shift_path(x: Rows, y: Rows, components: int = 2) -> ShiftPath:
    """The numbers that let a picture move every point exactly along the shift: `shared_projection` with `gap_first`.

    Raises ValueError as `shared_projection` does.
    """
    basis = shared_projection(x, y, components, gap_first=True).basis
    x, y = unit_pair(x, y)
    delta = x.mean(dim=0) - y.mean(dim=0)
    return ShiftPath(x @ basis.T, y @ basis.T, x @ delta, y @ delta, basis @ delta, float(delta @ delta))
