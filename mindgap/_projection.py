"""Two clouds through the same few axes, and how a shift moves their points there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs
from mindgap._inputs import Rows
from mindgap._unit import unit_pair


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
