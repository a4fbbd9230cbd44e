"""The sweep behind `landscape.loss_landscape`: all shifts and temperatures from one matrix product.

Moving both clouds along the gap changes every cosine, but in a way that two numbers a row and shift describe.
With steps λΔ for the images x̂_i and −λΔ for the texts ŷ_j, let

    u_i = λ x̂_i·Δ − λ²‖Δ‖²/2        v_j = −λ ŷ_j·Δ − λ²‖Δ‖²/2        p_i = 1/√(1 − 2u_i)        q_j = 1/√(1 − 2v_j).

The moved rows have the squared lengths 1 − 2u_i and 1 − 2v_j, and the cosines are

    x'_i·y'_j = p_i q_j (x̂_i·ŷ_j + u_i + v_j).

So x̂ŷᵀ is computed once, in tiles of rows, and one exponential of each logit serves both directions of the loss, as row
sums and as column sums (see `_exponentials`). Rows, products and cosines are float64: at τ = 1/1000 the rounding of a
float32 cosine, 1e-7, is 1e-4 in the logit. Exponentials have the dtype of the input, where float32 holds their range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mindgap.landscape._exponentials import WORTH_COMPILING, Moves, compiled_sums, in_passes

# The highest 1/τ of each type, for float32 because e⁻⁶⁰ then spans cosines that differ by .47.
SHARPEST = {torch.float32: 128.0, torch.float64: math.inf}
LEAST_SUM = {torch.float32: math.exp(-60), torch.float64: math.exp(-600)}  # below, terms cut off may matter
NEAR = 1e-3  # squared length of a moved row below which differences of larger numbers are not exact enough
NARROW = 16  # batches smaller than this are done in passes: a loop over their columns would hardly have begun
BLOCK = 1024  # columns of a rectangle at a time, where there is no batch to say
AT_ONCE = 2**28  # exponentials between two reports of progress: a tenth of a second


def tile_entries(device: torch.device) -> int:
    """Cosines held at once: few enough for the second cache (4 MB), or enough to keep a GPU busy."""
    return 2**19 if device.type == "cpu" else 2**22


class Shifted(NamedTuple):
    """The rows of one modality, in k batches of b, and what each of S shifts makes of them.

    `offset` has the u_i (or v_j) of the equations above, `scale` the p_i (or q_j).
    """

    rows: Float[Tensor, "k b d"]
    offset: Float[Tensor, "s k b"]
    scale: Float[Tensor, "s k b"]

    def mean(self, steps: Float[Tensor, "s d"]) -> Float[Tensor, "s d"]:
        """The mean of all moved rows, for each of the steps they are moved by."""
        rows, scale = self.rows.flatten(0, 1), self.scale.flatten(1)
        return scale @ rows / len(rows) - scale.mean(dim=1, keepdim=True) * steps

    def at(self, shifts: Bool[Tensor, " s"]) -> Shifted:
        """The same rows for some of the shifts."""
        return Shifted(self.rows, self.offset[shifts], self.scale[shifts])

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


class Group(NamedTuple):
    """Some of the shifts, with what they make of both modalities; `steps` are those by which x is still to be moved."""

    where: Bool[Tensor, " s"]
    x: Shifted
    y: Shifted
    steps: Float[Tensor, "some d"]

    @property
    def between(self) -> Float[Tensor, "some d"]:
        """How far apart the means are then."""
        return self.x.mean(self.steps) - self.y.mean(-self.steps)


def groups(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], steps: Float[Tensor, "s d"]) -> Iterator[Group]:
    """All shifts that one product serves, then each that brings a row near the origin, with rows really moved.

    Raises ValueError as `shifted` does.
    """
    sides = shifted(x, steps, "x"), shifted(y, -steps, "y")
    near = torch.stack([side.scale.amax(dim=(1, 2)) for side in sides]).amax(dim=0) > NEAR**-0.5
    if not near.all():
        some, other = (side.at(~near) for side in sides)
        yield Group(~near, some, other, steps[~near])
    for s in near.nonzero().flatten():
        moved = [torch.nn.functional.normalize(rows, dim=1, eps=0) for rows in (x - steps[s], y + steps[s])]
        still = torch.zeros_like(steps[:1])
        one, other = (shifted(rows, still, "") for rows in moved)
        yield Group(torch.arange(len(steps), device=near.device) == s, one, other, still)


def summed_losses(
    x: Shifted, y: Shifted, inverses: Float[Tensor, " t"], dtype: torch.dtype, report: Callable[[int], object]
) -> Float[Tensor, "2 s t"]:
    """Both cross-entropies at each shift and each of the rising `inverses` of τ, summed over k batches of b pairs.

    `dtype` is that of the exponentials. `report` is called with each number of rows done, times that of the shifts.
    """
    k, b, _ = x.rows.shape
    own = own_cosines(x, y)
    # Exponentials are relative to the middle of the matched cosines of each batch: that is known without a search
    # through n² cosines, and sums over- or underflow only where some row is far from it.
    reference = (own.amax(dim=-1) + own.amin(dim=-1)) / 2
    losses = ((reference[:, :, None] - own).sum(dim=(1, 2))[:, None] * inverses).repeat(2, 1, 1)
    columns = own.new_zeros(len(own), len(inverses), k, b)
    cells = len(own) * len(inverses)
    loops = own.device.type == "cpu" and b >= NARROW and cells * k * b * b >= WORTH_COMPILING
    sums_of = compiled_sums if loops else in_passes
    tile = max(1, min(tile_entries(own.device), AT_ONCE // cells) // (k * b))
    for start in range(0, b, tile):
        here = x.part(slice(start, start + tile))
        moves = Moves(here.offset, here.scale, y.offset, y.scale, reference)
        rows = sums_of(here.rows @ y.rows.mT, moves, inverses, dtype, columns)
        for s, sums in enumerate(rows):
            losses[0, s] += _logs(sums, LEAST_SUM[dtype], here, y, s, reference[s], inverses).sum(dim=(1, 2))
        report(here.rows.shape[:2].numel() * len(own))
    for s, sums in enumerate(columns):
        losses[1, s] += _logs(sums, LEAST_SUM[dtype], y, x, s, reference[s], inverses).sum(dim=(1, 2))
    return losses


def own_cosines(x: Shifted, y: Shifted) -> Float[Tensor, "s k b"]:
    """Cosines of the matched rows, after each of the shifts."""
    cosines: Tensor = (torch.linalg.vecdot(x.rows, y.rows) + x.offset + y.offset) * x.scale * y.scale
    return cosines


def row_logs(
    left: Shifted,
    right: Shifted,
    reference: Float[Tensor, " s"],
    inverses: Float[Tensor, " t"],
    dtype: torch.dtype,
) -> Float[Tensor, "s t m"]:
    """log Σ_j exp((c_ij − reference)/τ) of each of the m rows on the left over the b on the right, which are one batch.

    The two need not match, nor be as many. `dtype` is that of the exponentials.
    """
    (_, m, _), b = left.rows.shape, right.rows.shape[1]
    cells = len(reference) * len(inverses)
    logs = left.rows.new_full((len(reference), len(inverses), m), -math.inf)
    across = max(NARROW, min(b, BLOCK))
    along = max(1, min(tile_entries(logs.device), AT_ONCE // cells) // across)
    references = reference[:, None]
    for first in range(0, b, across):
        there = right.part(slice(first, first + across))
        for start in range(0, m, along):
            here = left.part(slice(start, start + along))
            r, c = here.rows.shape[1], there.rows.shape[1]
            loops = logs.device.type == "cpu" and c >= NARROW and cells * r * c >= WORTH_COMPILING
            unused = logs.new_zeros(len(reference), len(inverses), 1, c)
            moves = Moves(here.offset, here.scale, there.offset, there.scale, references)
            found = (compiled_sums if loops else in_passes)(here.rows @ there.rows.mT, moves, inverses, dtype, unused)
            for s, sums in enumerate(found):
                some = _logs(sums, LEAST_SUM[dtype], here, there, s, references[s], inverses)[:, 0]
                part = logs[s, :, start : start + along]
                torch.logaddexp(part, some, out=part)
    return logs


def _logs(
    sums: Float[Tensor, "t k r"],
    least: float,
    left: Shifted,
    right: Shifted,
    s: int,
    reference: Float[Tensor, " k"],
    inverses: Float[Tensor, " t"],
) -> Float[Tensor, "t k r"]:
    """The logarithms of sums over `right` of exponentials; where one is out of range, got in another way."""
    doubtful = ~((sums >= least) & sums.isfinite())
    logs = sums.log()
    if doubtful.any():
        _recompute(logs, doubtful, left, right, s, reference, inverses)
    return logs


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
