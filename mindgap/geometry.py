"""Two clouds of points on the unit sphere: how far apart, how narrow, how well matched.

Every function takes embeddings of shape (n, d) with rows of any norm and puts them on the unit
sphere itself; x̂ and ŷ below are the normalised rows. Row i of `x` belongs with row i of `y`.
Section and figure numbers refer to Liang et al., *Mind the Gap* (NeurIPS 2022).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs
from mindgap._inputs import Rows
from mindgap._projection import Projection, ShiftPath, shared_projection, shift_path
from mindgap._unit import normalize, sum_of_matched_cosines, sum_of_unit_rows, unit, unit_pair

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

TILE_ENTRIES = 2**22  # similarities held at once by the tiled functions: 16 MB in float32


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
