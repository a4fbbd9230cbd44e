"""The sweep behind `landscape.loss_landscape`: all shifts and temperatures from one matrix product.

Moving both clouds along the gap changes every cosine, but in a way that two numbers a row and shift describe.
With steps λΔ for the images x̂_i and −λΔ for the texts ŷ_j, let

    u_i = λ x̂_i·Δ − λ²‖Δ‖²/2        v_j = −λ ŷ_j·Δ − λ²‖Δ‖²/2        p_i = 1/√(1 − 2u_i)        q_j = 1/√(1 − 2v_j).

The moved rows have the squared lengths 1 − 2u_i and 1 − 2v_j, and the cosines are

    x'_i·y'_j = p_i q_j (x̂_i·ŷ_j + u_i + v_j).

So x̂ŷᵀ is computed once, in tiles of rows that stay in cache. One exponential of each logit serves both directions
of the loss, as row sums and as column sums (see `mindgap._exponentials`).

What is not products of matrices is bound by memory, so all passes write into the same few tiles, in float32 wherever
one rounding, even of the largest number on the way, moves a logit by less than ROUNDING.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mindgap._exponentials import LEAST_SUM, Workspace, exponentials, planned

ROUNDING = 5e-6  # the most that one float32 rounding may move a logit: more asks for float64 cosines


def tile_entries(device: torch.device) -> int:
    """Cosines held at once: what stays in cache (2 MB in float32), or what keeps a GPU busy."""
    return 2**19 if device.type == "cpu" else 2**22


class Shifted(NamedTuple):
    """The rows of one modality, in k batches of b, and what each of S shifts makes of them.

    `offset` has the u_i (or v_j) of the equations above, `scale` the p_i (or q_j).
    """

    rows: Float[Tensor, "k b d"]
    offset: Float[Tensor, "s k b"]
    scale: Float[Tensor, "s k b"]

    def mean(self, steps: Float[Tensor, "s d"]) -> Float[Tensor, "s d"]:
        """The mean of all moved rows, for each of the steps they were moved by."""
        rows, scale = self.rows.flatten(0, 1), self.scale.flatten(1)
        return scale @ rows / len(rows) - scale.mean(dim=1, keepdim=True) * steps

    def part(self, rows: slice) -> Shifted:
        """Some rows of each batch."""
        return Shifted(self.rows[:, rows], self.offset[..., rows], self.scale[..., rows])

    def batches(self, part: slice, size: int) -> Shifted:
        """Some rows of a single batch as batches of `size`."""
        rows, offset, scale = self.rows[0, part], self.offset[:, 0, part], self.scale[:, 0, part]
        return Shifted(rows.unflatten(0, (-1, size)), offset.unflatten(1, (-1, size)), scale.unflatten(1, (-1, size)))


def shifted(rows: Float[Tensor, "n d"], steps: Float[Tensor, "s d"], name: str) -> Shifted:
    """Unit rows as one batch, to be moved by each of `steps`. Raises ValueError if a row has no direction then."""
    offset = steps @ rows.T - steps.square().sum(dim=1, keepdim=True) / 2
    squared_norm = 1 - 2 * offset
    if (squared_norm < 1e-12).any():
        s, row = (squared_norm < 1e-12).nonzero()[0].tolist()
        raise ValueError(
            f"shifts: expected every row to keep a direction, but shifts[{s}] moves row {row} of {name} to the origin"
        )
    return Shifted(rows[None], offset[:, None], squared_norm.rsqrt()[:, None])


class _Move(NamedTuple):
    """What takes centred cosines before one shift to those after it: · q_j, + left @ right, and finally · p_i.

    Both have three columns, so a row of the first product costs three more multiplications. The first row of `right`
    is q. No entry of `left @ right` exceeds `size`.
    """

    left: Float[Tensor, "k b 3"]
    right: Float[Tensor, "k 3 b"]
    size: float


def _move(x: Shifted, y: Shifted, s: int, centre: float, reference: Float[Tensor, " k"]) -> _Move:
    """How to get (x'_i·y'_j − reference) / p_i at shift s from x̂_i·ŷ_j − centre.

    Each of the three terms is centred by means (ū, v̄, q̄ and that of 1/p), so that all are small and rounding is too.
    """
    (u, p), (v, q) = (x.offset[s], x.scale[s]), (y.offset[s], y.scale[s])
    u_mean, v_mean, q_mean, stretch = (part.mean(dim=-1, keepdim=True) for part in (u, v, q, 1 / p))
    middle, ones = u_mean + v_mean + centre, torch.ones_like(u)
    reference = reference[:, None]
    column = q * (v - v_mean) + (q - q_mean) * middle + q_mean * middle - reference * stretch
    left = torch.stack([u - u_mean, ones, reference * (stretch - 1 / p)], dim=-1)
    right = torch.stack([q, column, ones], dim=-2)
    return _Move(left, right, float((left.abs().amax(dim=1) * right.abs().amax(dim=2)).sum(dim=1).max()))


def summed_losses(
    x: Shifted, y: Shifted, inverses: Float[Tensor, " t"], dtype: torch.dtype, report: Callable[[int], object]
) -> Float[Tensor, "2 s t"]:
    """Both cross-entropies at each shift and each of the rising `inverses` of τ, summed over k batches of b pairs.

    `dtype` is that of the exponentials. `report` is called with each number of rows done.
    """
    k, b, _ = x.rows.shape
    own = (torch.linalg.vecdot(x.rows, y.rows) + x.offset + y.offset) * x.scale * y.scale
    # Exponentials are relative to the highest matched cosine of each batch: that is known without a search through
    # n² cosines, and sums over- or underflow only where some row is far from its match, or near to another's.
    reference = own.amax(dim=-1)
    centre = float(x.rows.flatten(0, 1).mean(dim=0) @ y.rows.flatten(0, 1).mean(dim=0))
    moves = [_move(x, y, s, centre, reference[s]) for s in range(len(own))]
    most_x, most_y = (side.scale.amax(dim=(1, 2)).tolist() for side in (x, y))

    plan = planned(inverses.tolist(), dtype)
    least = own.new_tensor([LEAST_SUM[step.dtype] for step in plan])[:, None, None]
    losses = ((reference[:, :, None] - own).sum(dim=(1, 2))[:, None] * inverses).repeat(2, 1, 1)
    columns = own.new_zeros(len(own), len(plan), k, b)
    tile = max(1, tile_entries(own.device) // (k * b))
    workspace = Workspace()
    for start in range(0, b, tile):
        here = x.part(slice(start, start + tile))
        product = (here.rows @ y.rows.mT).sub_(centre)
        products = {torch.float64: product, dtype: product.to(dtype)}
        spread = max(abs(float(end)) for end in product.aminmax())
        sharpness = here.scale[:, None, :, :, None] * inverses[:, None, None, None]
        rows = own.new_empty(len(moves), len(plan), k, product.shape[1])
        for s, move in enumerate(moves):
            # No number on the way to a cosine is larger, so this bounds each single rounding.
            size = (spread * most_y[s] + move.size) * most_x[s]
            rounding = torch.finfo(dtype).eps / 2 * size * plan[-1].inverse
            kind = dtype if rounding < ROUNDING else torch.float64
            left, right = move.left[:, start : start + tile].to(kind), move.right.to(kind)
            found = exponentials(products[kind], left, right, sharpness[s], -size, plan, workspace)
            across, down = zip(*((e.sum(dim=-1), e.sum(dim=-2)) for e in found), strict=True)
            torch.cat(across, out=rows[s])
            columns[s] += torch.cat(down)
        for s, sums in enumerate(rows):
            losses[0, s] += _logs(sums, least, here, y, s, reference[s], inverses)
        report(k * product.shape[1])
        del product, products  # or the next ones would be made beside them
    for s, sums in enumerate(columns):
        losses[1, s] += _logs(sums, least, y, x, s, reference[s], inverses)
    return losses


def _logs(
    sums: Float[Tensor, "t k r"],
    least: Float[Tensor, "t 1 1"],
    left: Shifted,
    right: Shifted,
    s: int,
    reference: Float[Tensor, " k"],
    inverses: Float[Tensor, " t"],
) -> Float[Tensor, " t"]:
    """The summed logarithms of sums over `right` of exponentials; where one is out of range, got in another way."""
    doubtful = ~((sums >= least) & sums.isfinite())
    logs = sums.log()
    if doubtful.any():
        _recompute(logs, doubtful, left, right, s, reference, inverses)
    return logs.sum(dim=(1, 2))


def _recompute(
    logs: Float[Tensor, "t k r"],
    doubtful: Bool[Tensor, "t k r"],
    left: Shifted,
    right: Shifted,
    s: int,
    reference: Float[Tensor, " k"],
    inverses: Float[Tensor, " t"],
) -> None:
    """Replace the doubtful logarithms of sums over `right` by log-sum-exps that have a reference each, in place."""
    _, batches, b = right.scale.shape
    for k in range(batches):
        for rows in doubtful[:, k].any(dim=0).nonzero().flatten().split(max(1, tile_entries(logs.device) // b)):
            cosines = left.rows[k, rows] @ right.rows[k].T + left.offset[s, k, rows, None] + right.offset[s, k]
            cosines = cosines * left.scale[s, k, rows, None] * right.scale[s, k] - reference[k]
            for t in doubtful[:, k, rows].any(dim=1).nonzero().flatten().tolist():
                logs[t, k, rows] = torch.logsumexp(cosines * inverses[t], dim=1)
