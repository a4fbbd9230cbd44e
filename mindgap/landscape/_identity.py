"""The sweep behind `landscape.loss_landscape`: all shifts and temperatures from one matrix product.

Moving both clouds along the gap changes every cosine, but in a way that two numbers a row and shift describe.
With steps λΔ for the images x̂_i and −λΔ for the texts ŷ_j, let

    u_i = λ x̂_i·Δ − λ²‖Δ‖²/2        v_j = −λ ŷ_j·Δ − λ²‖Δ‖²/2        p_i = 1/√(1 − 2u_i)        q_j = 1/√(1 − 2v_j).

The moved rows have the squared lengths 1 − 2u_i and 1 − 2v_j, and the cosines are

    x'_i·y'_j = p_i q_j (x̂_i·ŷ_j + u_i + v_j).

So x̂ŷᵀ is computed once, in tiles of rows, and one exponential of each logit serves both directions of the loss, as row
sums and as column sums (see `_exponentials`). At τ = 1/1000 the rounding of a float32 cosine, 1e-7, is 1e-4 in the
logit, so there rows, products, cosines and exponentials are float64. From τ = 1/128 on all have the dtype of the input,
save what every row adds to all of its logits, or to all of its losses: offsets, scales and matched cosines are computed
in float64 and rounded once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mindgap.landscape import _fused
from mindgap.landscape._exponentials import WORTH_COMPILING, Moves, compiled_sums, in_passes, within

# The highest 1/τ of each type, for float32 because e⁻⁶⁰ then spans cosines that differ by .47.
SHARPEST = {torch.float32: 128.0, torch.float64: math.inf}
LEAST_SUM = {torch.float32: math.exp(-60), torch.float64: math.exp(-600)}  # below, terms cut off may matter
LARGEST_OFFSET = 8  # of float32 cosines; CLIP's reach 4 at a shift of 3
LARGEST_SCALE = 4  # p q of float32 cosines, whose rounding it multiplies; CLIP's reach 1.4
NEAR = 1e-3  # squared length of a moved row below which differences of larger numbers are not exact enough
NARROW = 16  # batches smaller than this are done in passes: a loop over their columns would hardly have begun
WIDE = 2048  # columns of a tile
BLOCK = 1024  # columns of a rectangle at a time, where there is no batch to say
AT_ONCE = 2**28  # exponentials between two reports of progress: a tenth of a second
FASTER = 2**8  # is a GPU, about


def tile_entries(device: torch.device) -> int:
    """Cosines held at once: few enough for the second cache (4 MB), or enough to keep a GPU busy."""
    return 2**19 if device.type == "cpu" else 2**24


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

    def to(self, dtype: torch.dtype) -> Shifted:
        """The same in another type."""
        return Shifted(*(part.to(dtype) for part in self))

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
    # All steps are along the gap, so one product with the longest serves all.
    longest = steps[steps.square().sum(dim=1).argmax()]
    lengths = steps @ longest / longest.square().sum().clamp_min(torch.finfo(steps.dtype).tiny)
    offset = torch.outer(lengths, rows @ longest) - steps.square().sum(dim=1, keepdim=True) / 2
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
    if not near.any():
        yield Group(~near, *sides, steps)
    elif not near.all():
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
    kind = _of_cosines(x, y, dtype)
    reference = ((own.amax(dim=-1) + own.amin(dim=-1)) / 2).to(kind).double()  # as it is used
    losses = ((reference[:, :, None] - own).sum(dim=(1, 2))[:, None] * inverses).repeat(2, 1, 1)
    if kind == torch.float32 and _fused.usable(own.device):
        for direction, (left, right) in enumerate([(x, y), (y, x)]):
            half = functools.partial(_report_half, report, direction)
            found = _fused.row_sums(left.rows, right.rows, _moves(left, right, reference), inverses, half)
            losses[direction] += _logs(found, LEAST_SUM[dtype], left, right, reference, inverses).sum(dim=(2, 3))
        return losses
    columns = own.new_zeros(len(own), len(inverses), k, b)
    cells = len(own) * len(inverses)
    loops = own.device.type == "cpu" and b >= NARROW and cells * k * b * b >= WORTH_COMPILING
    # What a tile adds to the sums of its columns comes from far away, and goes there: a high tile does it less often.
    across = min(b, WIDE) if loops and k == 1 else b
    tile = _rows_at_once(own.device, cells, k * across)
    left, right, rounded = x.to(kind), y.to(kind), reference.to(kind)
    blocks = [slice(first, first + across) for first in range(0, b, across)]
    beside = [Shifted(*(part.contiguous() for part in right.part(block))) for block in blocks]  # once for all tiles
    allowed = (within(_moves(left, right, rounded), inverses, dtype),) if loops else ()
    sums_of = compiled_sums if loops else in_passes
    for start in range(0, b, tile):
        part = slice(start, start + tile)
        here = left.part(part)
        parts = [
            sums_of(
                here.rows @ there.rows.mT, _moves(here, there, rounded), inverses, dtype, columns[..., block], *allowed
            )
            for block, there in zip(blocks, beside, strict=True)
        ]
        rows = functools.reduce(torch.add, parts).contiguous()
        losses[0] += _logs(rows, LEAST_SUM[dtype], x.part(part), y, reference, inverses).sum(dim=(2, 3))
        report(here.rows.shape[:2].numel() * len(own))
    losses[1] += _logs(columns, LEAST_SUM[dtype], y, x, reference, inverses).sum(dim=(2, 3))
    return losses


def _moves(left: Shifted, right: Shifted, reference: Float[Tensor, "s k"]) -> Moves:
    return Moves(left.offset, left.scale, right.offset, right.scale, reference)


def _rows_at_once(device: torch.device, cells: int, columns: int) -> int:
    """Rows of a tile of so many columns, for so many shifts and temperatures."""
    at_once = AT_ONCE if device.type == "cpu" else FASTER * AT_ONCE
    return max(1, min(tile_entries(device), at_once // cells) // columns)


def _report_half(report: Callable[[int], object], second: int, done: int) -> None:
    """Each of two passes is half of the work."""
    report(done // 2 if second else done - done // 2)


def _of_cosines(x: Shifted, y: Shifted, dtype: torch.dtype) -> torch.dtype:
    """That of the exponentials, unless offsets cancel, or leave short rows: then cosines need more digits than float32
    has."""
    offset = max(float(side.offset.abs().max()) for side in (x, y))
    scale = float((x.scale.amax(dim=(1, 2)) * y.scale.amax(dim=(1, 2))).max())
    return dtype if offset <= LARGEST_OFFSET and scale <= LARGEST_SCALE else torch.float64


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
    along = _rows_at_once(logs.device, cells, across)
    kind = _of_cosines(left, right, dtype)
    references = reference[:, None].to(kind).double()
    if kind == torch.float32 and _fused.usable(logs.device):
        found = _fused.row_sums(left.rows, right.rows, _moves(left, right, references), inverses)
        logs = _logs(found, LEAST_SUM[dtype], left, right, references, inverses)[:, :, 0]
        return logs + ((references[:, 0] - reference)[:, None] * inverses)[:, :, None]
    asked, gallery, rounded = left.to(kind), right.to(kind), references.to(kind)
    for first in range(0, b, across):
        columns = slice(first, first + across)
        there = gallery.part(columns)
        for start in range(0, m, along):
            rows = slice(start, start + along)
            here = asked.part(rows)
            r, c = here.rows.shape[1], there.rows.shape[1]
            loops = logs.device.type == "cpu" and c >= NARROW and cells * r * c >= WORTH_COMPILING
            sums_of = compiled_sums if loops else in_passes
            unused = logs.new_zeros(len(reference), len(inverses), 1, c)
            found = sums_of(here.rows @ there.rows.mT, _moves(here, there, rounded), inverses, dtype, unused)
            some = _logs(found, LEAST_SUM[dtype], left.part(rows), right.part(columns), references, inverses)[:, :, 0]
            logs[:, :, rows] = torch.logaddexp(logs[:, :, rows], some)
    logs += ((references[:, 0] - reference)[:, None] * inverses)[:, :, None]
    return logs


def _logs(
    sums: Float[Tensor, "s t k r"],
    least: float,
    left: Shifted,
    right: Shifted,
    reference: Float[Tensor, "s k"],
    inverses: Float[Tensor, " t"],
) -> Float[Tensor, "s t k r"]:
    """The logarithms of sums over `right` of exponentials; where one is out of range, got in another way."""
    logs = sums.double().log()
    low, high = sums.aminmax()
    if low >= least and high < math.inf:  # as nearly always
        return logs
    doubtful = ~((sums >= least) & sums.isfinite())
    for s in doubtful.any(dim=3).any(dim=2).any(dim=1).nonzero().flatten().tolist():
        _recompute(logs[s], doubtful[s], left, right, s, reference[s], inverses)
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
