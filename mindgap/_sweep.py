"""The sweep behind `landscape.loss_landscape`: all shifts and temperatures from one matrix product.

Moving both clouds along the gap changes every cosine, but in a way that two numbers a row and shift describe.
With steps λΔ for the images x̂_i and −λΔ for the texts ŷ_j, let

    u_i = λ x̂_i·Δ − λ²‖Δ‖²/2        v_j = −λ ŷ_j·Δ − λ²‖Δ‖²/2.

The moved rows have the squared lengths 1 − 2u_i and 1 − 2v_j, and the cosines are

    x'_i·y'_j = (x̂_i·ŷ_j + u_i + v_j) / √((1 − 2u_i)(1 − 2v_j)).

So x̂ŷᵀ is computed once, in tiles of rows that stay in cache. One exponential of each logit serves both directions
of the loss, as row sums and as column sums; and where an inverse temperature is the sum of two others even that
exponential is a product of theirs, e^{50c} = e^{30c} e^{20c}, which costs an eighth.

Cosines are float64. Exponentials, the bulk of the work, have the dtype of the input unless the temperature is
so low that float32 could not span them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

SHARPEST_FLOAT32 = 128.0  # the highest 1/τ for float32: its e⁻⁶⁰ then spans cosines that differ by .47
LEAST_SUM = {torch.float32: math.exp(-60), torch.float64: math.exp(-600)}  # below, terms flushed to 0 may matter
MOST_FACTORS = 16  # the relative errors of multiplied exponentials add up: here to 1e-6 at most


def tile_entries(device: torch.device) -> int:
    """Cosines held at once: what stays in cache (2 MB in float64), or what keeps a GPU busy."""
    return 2**18 if device.type == "cpu" else 2**22


class Shifted(NamedTuple):
    """The rows of one modality, in k batches of b, and what each of S shifts makes of them.

    `offset` has the u_i (or v_j) of the equations above, `scale` the 1/√(1 − 2u_i).
    """

    rows: Float[Tensor, "k b d"]
    offset: Float[Tensor, "s k b"]
    scale: Float[Tensor, "s k b"]

    def mean(self, steps: Float[Tensor, "s d"]) -> Float[Tensor, "s d"]:
        """The mean of all moved rows, for each of the steps they were moved by."""
        rows, scale = self.rows.flatten(0, 1), self.scale.flatten(1)
        return scale @ rows / len(rows) - scale.mean(dim=1, keepdim=True) * steps

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


def summed_losses(
    x: Shifted, y: Shifted, inverses: Float[Tensor, " t"], dtype: torch.dtype, report: Callable[[int], object]
) -> Float[Tensor, "2 s t"]:
    """Both cross-entropies at each shift and each of the rising `inverses` of τ, summed over k batches of b pairs.

    `dtype` is that of the exponentials. `report` is called with each number of rows done.
    """
    k, b, _ = x.rows.shape
    own = ((x.rows * y.rows).sum(dim=-1) + x.offset + y.offset) * x.scale * y.scale
    # Exponentials are relative to the highest matched cosine of each batch: that is known without a search through
    # n² cosines, and sums over- or underflow only where some row is far from its match, or near to another's.
    reference = own.amax(dim=-1)
    plan = _plan(inverses.tolist(), dtype)
    sums = own.new_zeros(2, len(own), len(inverses), k, b)
    tile = max(1, tile_entries(own.device) // (k * b))
    for start in range(0, b, tile):
        part = slice(start, min(start + tile, b))
        product = x.rows[:, part] @ y.rows.mT
        for s in range(len(own)):
            cosines = _cosines(
                product, x.offset[s, :, part], x.scale[s, :, part], y.offset[s], y.scale[s], reference[s]
            )
            across, down = zip(*((e.sum(dim=-1), e.sum(dim=-2)) for e in _exponentials(cosines, plan)), strict=True)
            sums[0, s, :, :, part] = torch.stack(across)
            sums[1, s] += torch.stack(down)
        report(k * (part.stop - part.start))

    least = own.new_tensor([LEAST_SUM[step.dtype] for step in plan])[:, None, None]
    losses = own.new_zeros(2, len(own), len(inverses))
    for direction, (left, right) in enumerate([(x, y), (y, x)]):
        for s in range(len(own)):
            logs = sums[direction, s].log()
            doubtful = ~((sums[direction, s] >= least) & logs.isfinite())
            if doubtful.any():
                _recompute(logs, doubtful, left, right, s, reference[s], inverses)
            losses[direction, s] = (logs - (own[s] - reference[s, :, None]) * inverses[:, None, None]).sum(dim=(1, 2))
    return losses


def _recompute(
    logs: Float[Tensor, "t k b"],
    doubtful: Bool[Tensor, "t k b"],
    left: Shifted,
    right: Shifted,
    s: int,
    reference: Float[Tensor, " k"],
    inverses: Float[Tensor, " t"],
) -> None:
    """Replace the doubtful logarithms of sums over `right` by log-sum-exps that have a reference each, in place."""
    _, batches, b = logs.shape
    for k in range(batches):
        for rows in doubtful[:, k].any(dim=0).nonzero().flatten().split(max(1, tile_entries(logs.device) // b)):
            cosines = _cosines(
                left.rows[k, rows] @ right.rows[k].T,
                left.offset[s, k, rows],
                left.scale[s, k, rows],
                right.offset[s, k],
                right.scale[s, k],
                reference[k],
            )
            for t in doubtful[:, k, rows].any(dim=1).nonzero().flatten().tolist():
                logs[t, k, rows] = torch.logsumexp(cosines * inverses[t], dim=1)


def _cosines(
    product: Float[Tensor, "*k r b"],
    left_offset: Float[Tensor, "*k r"],
    left_scale: Float[Tensor, "*k r"],
    right_offset: Float[Tensor, "*k b"],
    right_scale: Float[Tensor, "*k b"],
    reference: Float[Tensor, "*k"],
) -> Float[Tensor, "*k r b"]:
    """(product + left offset + right offset) · left scale · right scale − reference, in three passes."""
    cosines = product + left_offset[..., :, None]
    right = (right_offset * right_scale)[..., None, :]
    torch.addcmul(right, cosines, right_scale[..., None, :], out=cosines)
    return torch.addcmul(-reference[..., None, None], cosines, left_scale[..., :, None], out=cosines)


class _Step(NamedTuple):
    """How to get the exponentials for one temperature: from the cosines, or as a product of two that came before."""

    inverse: float
    dtype: torch.dtype
    factors: tuple[int, int] | None = None  # −1 the step before, −2 the one before that
    leaves: int = 1  # exponentials multiplied in all


def _plan(inverses: Sequence[float], dtype: torch.dtype) -> list[_Step]:
    """A step for each of the rising inverse temperatures: a product wherever it is the sum of one or two before it."""
    steps: list[_Step] = []
    for inverse in inverses:
        step = _Step(inverse, dtype if inverse <= SHARPEST_FLOAT32 else torch.float64)
        for factors in [(-1, -1), (-2, -1), (-2, -2)]:
            if len(steps) < -factors[0]:
                continue
            one, other = (steps[i] for i in factors)
            leaves = one.leaves + other.leaves
            adds_up = math.isclose(one.inverse + other.inverse, inverse, rel_tol=1e-14)
            if adds_up and one.dtype == other.dtype == step.dtype and leaves <= MOST_FACTORS:
                step = step._replace(factors=factors, leaves=leaves)
                break
        steps.append(step)
    return steps


def _exponentials(cosines: Float[Tensor, "k r b"], plan: Sequence[_Step]) -> Iterator[Float[Tensor, "k r b"]]:
    """exp(cosines / τ) for each step of the plan; holds the last two at once."""
    rounded = {step.dtype: cosines.to(step.dtype) for step in plan}
    last: list[Tensor] = []
    for step in plan:
        if step.factors is None:
            result = (rounded[step.dtype] * step.inverse).exp_()
        else:
            result = last[step.factors[0]] * last[step.factors[1]]
        last = [*last[-1:], result]
        yield result
