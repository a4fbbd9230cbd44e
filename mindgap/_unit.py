"""Rows on the unit sphere: the first step of every measure."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs
from mindgap._inputs import Rows

_TILE_ROWS = 1024  # a few MB, so that a tile is still in cache when it is read again


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
