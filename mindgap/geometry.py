"""Two clouds of points on the unit sphere: how far apart, how narrow, how well matched.

Every function takes embeddings of shape (n, d) with rows of any norm and puts them on the unit
sphere itself; x̂ and ŷ below are the normalised rows. Row i of `x` belongs with row i of `y`.
`normalize`, `unit_pair`, `gap_vector` and `shift` are differentiable; what returns numbers, projections or
labels is not. Section and figure numbers refer to Liang et al., *Mind the Gap* (NeurIPS 2022).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs
from mindgap._inputs import Rows
from mindgap._reprs import Readable, Shown, digits

__all__ = [
    "Projection",
    "ShiftPath",
    "distinct_rows",
    "gap_distance",
    "gap_vector",
    "matched_cosine",
    "mean_cosine",
    "normalize",
    "recall_at_k",
    "row_groups",
    "separability",
    "shared_projection",
    "shift",
    "shift_path",
    "unit_pair",
]

FARTHEST = 1e18  # a shift beyond which the gap alone decides where a unit row goes; float32 holds its square
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
    x = x / x.detach().abs().amax(dim=1, keepdim=True)  # a factor without effect, and so without a gradient
    norms: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / norms


def _tiled_unit(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """`unit` without a gradient, and without memory for more than its result."""
    result = torch.empty_like(x)
    for to, tile in zip(result.split(_TILE_ROWS), x.split(_TILE_ROWS), strict=True):
        to.copy_(unit(tile))
    return result


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


@torch.no_grad()
def gap_distance(x: Rows, y: Rows) -> float:
    """The length of the gap ‖Δ‖, between 0 (one centre) and 2 (opposite poles) (§4.2; .82 in Fig 1b).

    Raises ValueError as `gap_vector` does.
    """
    a, b = (sum_of_unit_rows(rows) / len(rows) for rows in _inputs.pair(x, y))
    return float(torch.linalg.vector_norm(a - b))


@torch.no_grad()
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


@torch.no_grad()
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
    amount = _shift(amount)
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


def _shift(amount: float) -> float:
    """λ as a finite number, at most so large that float32 holds what is computed from it."""
    return max(-FARTHEST, min(FARTHEST, _inputs.number(amount, "amount")))


@torch.no_grad()
def recall_at_k(
    x: Rows,
    y: Rows,
    k: int = 1,
    groups: Iterable[object] | str | None = None,
    rows: Iterable[int] | Int[Tensor, " m"] | None = None,
    progress: Callable[[float], object] | None = None,
) -> float:
    """Share of rows of `x` whose own row of `y` is among the `k` with the highest cosine (R@k).

    Where several captions belong to one image, none of them is wrong. With `groups`, n labels of any kind such as image
    ids, a row counts if any row of `y` with its label is among the k nearest. `groups="equal"` is for repeated rows
    without ids: those of pairs whose x, or whose y, is equal to that of the row count (see `row_groups`). By default
    every pair stands for itself, even where rows are equal: a collapsed tower makes equal rows, too, and should not be
    taken for perfect.

    Ties share their places fairly, as if their order were drawn at random. With g rows of y strictly nearer than the
    best of its own and t rows equally near, s of them its own, a row counts with the probability that one of the s is
    among m = max(0, k − g) drawn from t, 1 − C(t − s, m) / C(t, m); that is min(1, m / t) for s = 1. Embeddings that
    have collapsed to one point score k/n, which is chance.
    Cosines are equal within 8 units of rounding (1e-6) in float32, within 2√d (1e-14 for d = 512) in float64: the same
    row twice may differ by so much, by its place in a matrix product. Where a float32 product leaves open which of two
    rows is nearer, float64 decides (on the CPU, if `x` is on Apple's MPS). The n × n similarities
    are walked in tiles: O(n²d) time, no n² memory.

    `rows` are numbers of rows of `x`: the share is taken over them alone, each still among all n rows of `y`. For m
    rows drawn at random that estimates the whole in O(mnd), with an interval from `theorems.binomial_interval`.
    `progress` is called with the share that is done, and what it raises ends the work.

    Raises ValueError as `gap_vector` does, unless 1 ≤ k ≤ n, unless `groups` are n labels or "equal", or unless `rows`
    are one or more numbers from 0 to n − 1.
    """
    given = _inputs.pair(x, y)
    n, d = given[0].shape
    k = _inputs.count(k, "k", 1, n)
    chosen = torch.arange(n) if rows is None else _row_numbers(rows, n)
    chosen = chosen.to(given[0].device)
    x, y = _tiled_unit(given[0] if rows is None else given[0][chosen]), _tiled_unit(given[1])
    labels = [] if groups is None else [part.to(x.device) for part in labels_of(groups, *given)]
    band = rounding(d, x.dtype)
    tie = 8 * torch.finfo(x.dtype).eps if x.dtype == torch.float32 else band
    hits, done = 0.0, 0
    for numbers, similarity in _similarity_tiles(x, y, chosen):
        nearer, near, own = standing(similarity, numbers, labels, band)
        sure = nearer + near - own < k
        hits += int(sure.sum())
        undecided = numbers[~sure & (nearer < k)]
        if len(undecided):
            asked = unit(_inputs.widened(given[0][undecided]))
            # The gallery in parts, of which a copy in float64 would take twice its memory, and more on the way.
            similarity = torch.cat([asked @ unit(_inputs.widened(tile)).T for tile in given[1].split(_TILE_ROWS)], 1)
            nearer, near, own = (counts.cpu().double() for counts in standing(similarity, undecided, labels, tie))
            hits += float(chance_of_one(own, near, k - nearer).sum())
        done += len(numbers)
        if progress is not None:
            progress(done / len(chosen))
    return hits / len(chosen)


def rounding(d: int, dtype: torch.dtype) -> float:
    """What rounding can do to the product of two unit rows of d numbers."""
    return max(8.0, 2 * math.sqrt(d)) * torch.finfo(dtype).eps


def _row_numbers(rows: Iterable[int] | Tensor, n: int) -> Int[Tensor, " m"]:
    numbers = torch.as_tensor(rows if isinstance(rows, Tensor) else list(rows))
    if numbers.ndim != 1 or not len(numbers) or numbers.is_floating_point() or numbers.dtype == torch.bool:
        raise ValueError(f"rows: expected one or more numbers of rows, got {rows!r}")
    if int(numbers.min()) < 0 or int(numbers.max()) >= n:
        raise ValueError(f"rows: expected numbers from 0 to {n - 1}, got {int(numbers.min())} to {int(numbers.max())}")
    return numbers.long()


def labels_of(
    groups: Iterable[object] | str, x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]
) -> list[Int[Tensor, " n"]]:
    """Labels that pairs must share, one of them at least, for the one to be right for the other."""
    if isinstance(groups, str):
        _inputs.choice(groups, "groups", ["equal"])
        return [row_groups(x), row_groups(y)]
    return [_inputs.labels(groups, "groups", len(x))]


def standing(
    similarity: Float[Tensor, "m n"], rows: Int[Tensor, " m"], labels: list[Int[Tensor, " n"]], tie: float
) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"], Int[Tensor, " m"]]:
    """For some rows of x: how many of y are nearer than the best of its own, how many as near, and how many of those
    are its own. Cosines `tie` apart are equal.
    """
    rows, *labels = (part.to(similarity.device) for part in (rows, *labels))
    if labels:
        right = torch.stack([label[rows, None] == label for label in labels]).any(dim=0)
        best = similarity.masked_fill(~right, -math.inf).amax(dim=1, keepdim=True)
    else:
        best = similarity.gather(1, rows[:, None])
    nearer, reached = (similarity > best + tie).sum(dim=1), similarity >= best - tie
    own = (reached & right).sum(dim=1) if labels else torch.ones_like(nearer)
    return nearer, reached.sum(dim=1) - nearer, own


def chance_of_one(
    own: Float[Tensor, " m"], of: Float[Tensor, " m"], places: Float[Tensor, " m"]
) -> Float[Tensor, " m"]:
    """The probability that one of `own` is among `places` drawn from `of`."""
    places = places.clamp(min=0).minimum(of)
    others = (of - own - places).clamp(min=0)
    none = (of - own + 1).lgamma() + (of - places + 1).lgamma() - (others + 1).lgamma() - (of + 1).lgamma()
    several = torch.where(places > of - own, 1.0, -none.expm1())
    return torch.where(own == 1, places / of, several)


def row_groups(x: Rows) -> Int[Tensor, " n"]:
    """A number for each row of `x` (n, d), the same for equal rows, from 0 in the order of appearance; int64, CPU.

    Rows are compared as they are given, number by number and not by direction (by 128-bit hashes of their bytes), in
    O(nd). The same image embedded in two batches may differ in the last digit and be two; then its id is the label.

    Raises ValueError for a wrong rank, no rows, NaN or infinity, or a zero row.
    """
    x = _inputs.rows(x, "x", least=1).detach()
    # −0 and 0 are equal but differ in their bytes: adding 0 leaves only one of them.
    tiles = ((tile + 0.0).contiguous().cpu().numpy() for tile in x.split(_TILE_ROWS))
    return _inputs.labels(
        [hashlib.blake2b(row, digest_size=16).digest() for tile in tiles for row in tile], "x", len(x)
    )


def distinct_rows(x: Rows) -> int:
    """How many different rows `x` (n, d) has, compared as in `row_groups`; n if none is repeated.

    Raises ValueError as `row_groups` does.
    """
    return int(row_groups(x).max()) + 1


def _similarity_tiles(
    x: Float[Tensor, "m d"], y: Float[Tensor, "n d"], numbers: Int[Tensor, " m"]
) -> Iterator[tuple[Int[Tensor, " tile"], Float[Tensor, "tile n"]]]:
    """The numbers of the rows that x has, and their cosines with all of y, for one tile after the other."""
    size = max(1, TILE_ENTRIES // len(y))
    for rows, tile in zip(numbers.split(size), x.split(size), strict=True):
        yield rows, tile @ y.T


@torch.no_grad()
def separability(x: Rows, y: Rows) -> float:
    """Share of all 2n points that lie on their own modality's side of the plane halfway between the means.

    The plane is orthogonal to Δ: this is nearest-centroid classification of the modality, 1 when the clouds are
    linearly separated along the gap and about ½ when they overlap. A point on the plane counts one half.

    Raises ValueError as `gap_vector` does.
    """
    x, y = _inputs.pair(x, y)
    a, b = (sum_of_unit_rows(rows) / len(rows) for rows in (x, y))
    delta, middle = a - b, (a + b) / 2
    right = 0.0
    for tile in x.split(_TILE_ROWS):
        right += on_the_side((unit(tile) - middle) @ delta)
    for tile in y.split(_TILE_ROWS):
        right += on_the_side((middle - unit(tile)) @ delta)
    return right / (len(x) + len(y))


def on_the_side(sides: Float[Tensor, " tile"]) -> float:
    return int((sides > 0).sum()) + 0.5 * int((sides == 0).sum())


@dataclass(frozen=True, repr=False)
class Projection(Readable):
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

    def _shown(self) -> Shown:
        c, d = self.basis.shape
        columns = (self.explained, self.x.mean(dim=0), self.y.mean(dim=0))
        return Shown(
            f"Projection of {len(self.x)} pairs from {d} dimensions to {c}: the variance that each axis explains, and "
            "where the means are.",
            ("axis", "explained", "mean of x", "mean of y"),
            list(zip(range(1, c + 1), *(one.tolist() for one in columns), strict=True)),
        )

    def apply(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "m c"]:
        """Project more points, of shape (m, d), with the same map."""
        return (points - self.center) @ self.basis.T


@torch.no_grad()
def shared_projection(x: Rows, y: Rows, components: int = 2, gap_first: bool = False) -> Projection:
    """The principal axes of both clouds together, as one linear map (Fig 1b shows UMAP instead, which is not linear).

    The axes are the leading eigenvectors of the covariance of the 2n stacked, centred points. With `gap_first` the
    first axis is Δ/‖Δ‖, and the others are the principal axes of what is orthogonal to it (if Δ is not 0). Signs are
    fixed: the first axis points from `y` towards `x`, each other has its largest entry positive. The axes are found in
    float64, for inputs on Apple's MPS on the CPU; all results have the device of `x`.

    Raises ValueError as `gap_vector` does, or unless 1 ≤ components ≤ d.
    """
    x, y = unit_pair(x, y)
    components = _inputs.count(components, "components", 1, x.shape[1])
    center = (x.mean(dim=0) + y.mean(dim=0)) / 2
    stacked = _inputs.widened(torch.cat([x, y])) - _inputs.widened(center)
    delta = _inputs.widened(x.mean(dim=0) - y.mean(dim=0))
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
    basis = basis.to(x)
    return Projection(basis, center, (x - center) @ basis.T, (y - center) @ basis.T, explained.to(x))


@dataclass(frozen=True, repr=False)
class ShiftPath(Readable):
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

    def _shown(self) -> Shown:
        columns = (self.gap, self.x.mean(dim=0), self.y.mean(dim=0))
        return Shown(
            f"ShiftPath of {len(self.x)} pairs on {len(self.gap)} axes, across a gap of "
            f"{digits(self.squared_gap**0.5)}; where the means are before the shift:",
            ("axis", "gap", "mean of x", "mean of y"),
            list(zip(range(1, len(self.gap) + 1), *(one.tolist() for one in columns), strict=True)),
        )

    def at(self, amount: float) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c"]]:
        """The coordinates of all points after a shift by λ = `amount`: (n, c) for x, (n, c) for y."""
        amount = _shift(amount)

        def moved(points: Tensor, along: Tensor, step: float) -> Tensor:
            norm = (1 - 2 * step * along + step**2 * self.squared_gap).sqrt()
            return (points - step * self.gap) / norm[:, None]

        return moved(self.x, self.x_along, amount), moved(self.y, self.y_along, -amount)


@torch.no_grad()
def shift_path(x: Rows, y: Rows, components: int = 2) -> ShiftPath:
    """The numbers that let a picture move every point exactly along the shift: `shared_projection` with `gap_first`.

    Raises ValueError as `shared_projection` does.
    """
    basis = shared_projection(x, y, components, gap_first=True).basis
    x, y = unit_pair(x, y)
    delta = x.mean(dim=0) - y.mean(dim=0)
    return ShiftPath(x @ basis.T, y @ basis.T, x @ delta, y @ delta, basis @ delta, float(delta @ delta))
