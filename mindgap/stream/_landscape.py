"""The loss along the gap of more pairs than a landscape can take: sampled rows against all others, or random batches.

The loss of n pairs in one batch is the mean over rows of what row i makes of *all* n of the other side. So the mean
over m rows drawn at random, each still against all n, is unbiased, whatever m: image→text over m images against all
texts, text→image over the m texts that belong to them against all images. It costs m·n instead of n². To draw the
columns as well would be cheaper and would be another quantity, since fewer negatives make a smaller loss. That quantity
is of interest where a model was trained in batches: `batch_size` takes the mean over random batches of that size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindgap import _inputs, devices, geometry
from mindgap._inputs import ArrayLike
from mindgap._reprs import Readable, Shown, digits, short
from mindgap.landscape import TEMPERATURES, Landscape
from mindgap.landscape._identity import SHARPEST, groups, own_cosines, row_logs, summed_losses
from mindgap.pairs import Shards
from mindgap.stream import _intervals
from mindgap.stream._moments import Collected, as_parts, from_parts, merge
from mindgap.stream._ranks import ALONE, Parts, Ranks
from mindgap.stream._walk import Span, Walk, kept_in, tiles

SHIFTS = torch.linspace(-1, 2, 61, dtype=torch.float64)
ROWS, PILOT = 1000, 400  # rows without a wish, and the first ones with a precision to reach
MOST = 20_000  # rows that a precision may ask for: their losses at all shifts and temperatures are in memory
LEVEL = 0.95
FEWEST = 30  # rows or batches from which an interval is made


@dataclass(frozen=True, repr=False)
class SampledValley(Readable):
    """Where the loss is least along the shift at one temperature, each number with its interval.

    `shift` λ lies between `low` and `high`; `distance` of the means there is that of all rows, and needs none. The
    losses and `depth`, what moving there would gain, are theirs ± `loss_half`, `here_half` and `depth_half`. What is
    here, at no shift, is NaN where 0 is outside of the range of shifts.
    """

    temperature: float
    shift: float
    low: float
    high: float
    distance: float
    loss: float
    loss_half: float
    loss_here: float
    here_half: float
    depth: float
    depth_half: float

    def as_row(self) -> dict[str, float]:
        """Its numbers by name, for JSON and tables."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _shown(self) -> Shown:
        return Shown(
            f"Valley at temperature {self.temperature:.3g}: the loss is least at shift {digits(self.shift)}, from "
            f"{digits(self.low)} to {digits(self.high)}.",
            ("", "value", "±"),
            [
                ("loss", self.loss, self.loss_half),
                ("loss here", self.loss_here, self.here_half),
                ("depth", self.depth, self.depth_half),
            ],
        )


@dataclass(frozen=True, repr=False)
class SampledLandscape(Readable):
    """The loss along the gap, estimated, and the half-widths of its intervals: see `stream.landscape`.

    `landscape` has the estimates; `half_image_to_text`, `half_text_to_image` and `half` (of their mean) are (S, T), at
    `level`. `rows` were drawn of `pairs`; `batch_size` is None where each was held against all, `looks` how often the
    sample was looked at before it was large enough.
    """

    name: str
    landscape: Landscape
    half_image_to_text: Float[Tensor, "s t"]
    half_text_to_image: Float[Tensor, "s t"]
    half: Float[Tensor, "s t"]
    valleys: tuple[SampledValley, ...]
    pairs: int
    rows: int
    batch_size: int | None
    level: float
    precision: float | None
    looks: int

    @property
    def quantity(self) -> str:
        """In words what was estimated, and from what."""
        if self.batch_size is not None:
            return (
                f"the mean loss of random batches of {self.batch_size:,} pairs, from {self.rows // self.batch_size:,} "
                f"batches of {self.pairs:,} pairs; fewer negatives than all make a smaller loss"
            )
        if self.rows == self.pairs:
            return f"the loss of all {self.pairs:,} pairs in one batch, of all rows: exact"
        return (
            f"the loss of all {self.pairs:,} pairs in one batch, from {self.rows:,} random rows of each side against "
            "all of the other"
        )

    def _shown(self) -> Shown:
        reached = "" if self.precision is None else (
            f"; half-widths at most {self.precision:g}" if self.reached else f"; half-widths above {self.precision:g}"
        )  # fmt: skip
        return Shown(
            f"SampledLandscape of {short(self.name)!r}: {self.quantity}{reached}. The least at each temperature:",
            ("temperature", "shift", "from", "to", "loss", "±"),
            [(f"{v.temperature:.3g}", v.shift, v.low, v.high, v.loss, v.loss_half) for v in self.valleys],
        )

    @property
    def reached(self) -> bool:
        """Whether the losses here and at the best shifts are as precise as was asked."""
        return self.precision is None or all(
            half <= self.precision for v in self.valleys for half in (v.loss_half, v.here_half) if not math.isnan(half)
        )


@dataclass(frozen=True)
class Along:
    """Shifts along the gap of all pairs, and temperatures, as the kernels want them."""

    delta: Float[Tensor, " d"]
    steps: Float[Tensor, "s d"]
    inverses: Float[Tensor, " t"]  # rising
    order: Int[Tensor, " t"]  # of the temperatures that were given, for that
    kinds: tuple[tuple[torch.dtype, Bool[Tensor, " t"]], ...]


@torch.no_grad()
def landscape(
    shards: Shards,
    shifts: ArrayLike | None = None,
    temperatures: ArrayLike | None = None,
    rows: int | None = None,
    precision: float | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    state: str | Path | None = None,
    device: str | torch.device = "cpu",
    ranks: Ranks = ALONE,
    progress: Callable[[str, float], object] | None = None,
) -> SampledLandscape:
    """The contrastive loss of n pairs after shifts along their gap, from random rows, with intervals of 95 %.

    image→text is the mean over `rows` random images (default 1,000), each against all n texts, text→image that over
    their texts, each against all n images: both are unbiased for the loss of one batch of n. The gap and the distances
    are those of all pairs. The pairs are read once for the gap, and once for the rows: O(m n (d + S·T)) time.

    `precision` in place of `rows`: 400 rows at first, then as many more as their variance says, until the losses here
    and at the best shift of every temperature are known to ± `precision` nats, or 20,000 rows are taken. To stop when
    one likes what one sees would make intervals too narrow; so that of the k-th look is one of 1 − .05/2ᵏ, and what
    is reported holds 95 % wherever it stops, since all of them together miss with a probability of at most .05.

    `batch_size=b` is another quantity: the mean over random batches of b pairs, of `rows` in all (default: 64 batches,
    or as many as there are), with the gap of all pairs. Disjoint batches are taken for independent.

    `state`, `device`, `ranks` and `progress` are as in `stream.report`. Each interval is for its own cell, not for all
    at once.

    Raises ValueError as `report` and `loss_landscape` do; for rows below 30 (or below 30 batches) unless there are no
    more; for rows and precision together, and for a precision of batches.
    """
    n = len(shards)
    if rows is not None and precision is not None:
        raise ValueError("precision: expected it or rows, got both; a precision finds the rows by itself")
    if batch_size is not None and precision is not None:
        raise ValueError("precision: expected rows with batch_size, got a precision; see how wide the intervals are")
    grid = _inputs.axis(SHIFTS if shifts is None else shifts, "shifts").double().unique()
    taus = _inputs.temperatures(list(TEMPERATURES) if temperatures is None else temperatures).double()
    if precision is not None:
        precision = _inputs.positive(precision, "precision")
    size = None if batch_size is None else _inputs.count(batch_size, "batch_size", 2, n)
    if size is not None:
        fewest = min(FEWEST, n // size) * size
        if n < 2 * size:
            raise ValueError(f"batch_size: expected at least two batches in {n} pairs, got {size}")
        rows = min(64, n // size) * size if rows is None else _inputs.count(rows, "rows", fewest, n) // size * size
    elif rows is not None:
        rows = _inputs.count(rows, "rows", min(FEWEST, n), n)
    random = _inputs.generator(seed)
    order = torch.randperm(n, generator=random)[: max(MOST, rows or ROWS)].clone()
    device = _inputs.holding_float64(torch.empty(0, device=devices.usable(device))).device
    options = {
        "what": "landscape", "shifts": grid.tolist(), "temperatures": taus.tolist(), "rows asked for": rows,
        "precision": precision, "batch_size": size, "seed": seed,
    }  # fmt: skip
    with kept_in(state, shards, ranks, **options) as kept:
        walk = Walk(shards, kept, ranks, progress)
        along = _along(walk, grid, taus, device)
        if size is not None:
            assert rows is not None, "set above"
            values = _of_batches(walk, along, order[:rows].split(size), device)
            level, looks = LEVEL, 1
        else:
            values, level, looks = _of_rows(walk, along, grid, order, rows, precision, device)
        between = _between(walk, along, device)
    m = values.shape[-1]
    return _made(
        shards, grid, taus, along.delta.cpu(), between, values, None if size is not None else n, m * (size or 1),
        size, level, precision, looks, random,
    )  # fmt: skip


def _unit(rows: Float[Tensor, "n d"], device: torch.device) -> Float[Tensor, "n d"]:
    return geometry.unit(_inputs.widened(rows.to(device)))


def _unit_tiles(shards: Shards, span: Span, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    for start, stop in tiles(span):
        x, y = shards.read(start, stop)
        yield _unit(x, device), _unit(y, device)


def _along(walk: Walk, grid: Float[Tensor, " s"], taus: Float[Tensor, " t"], device: torch.device) -> Along:
    """The gap of all pairs, in one pass."""

    def means(span: Span) -> Parts:
        total: Parts | None = None
        for pair in _unit_tiles(walk.shards, span, device):
            parts: Parts = {}
            for name, rows in zip("xy", pair, strict=True):
                parts |= as_parts(name, Collected.of(rows, with_scatter=False))
            total = parts if total is None else merge(total, parts)
        assert total is not None, "a unit has rows"
        return {name: part.cpu() for name, part in total.items()}

    found = walk.fold("the gap", means, merge)
    delta = (from_parts("x", found).mean - from_parts("y", found).mean).to(device)
    inverses, order = (1 / taus).sort()
    dtype = walk.shards.read(0, 1)[0].dtype
    plain = inverses <= SHARPEST[dtype]
    kinds = tuple((kind, where) for kind, where in [(dtype, plain), (torch.float64, ~plain)] if where.any())
    steps = grid.to(device).clamp(-geometry.FARTHEST, geometry.FARTHEST)[:, None] * delta
    return Along(delta, steps, inverses.to(device), order, kinds)


def _of_rows(
    walk: Walk,
    along: Along,
    grid: Float[Tensor, " s"],
    order: Int[Tensor, " rows"],
    rows: int | None,
    precision: float | None,
    device: torch.device,
) -> tuple[Float[Tensor, "2 s t m"], float, int]:
    """The losses of some rows, the level at which they are looked at, and the looks it took."""
    n = len(walk.shards)
    if precision is None:
        return _losses(walk, along, order, 0, min(n, rows or ROWS), device), LEVEL, 1
    return grown(lambda start, stop: _losses(walk, along, order, start, stop, device), n, grid, precision)


def grown(
    losses: Callable[[int, int], Float[Tensor, "2 s t m"]], n: int, grid: Float[Tensor, " s"], precision: float
) -> tuple[Float[Tensor, "2 s t m"], float, int]:
    """As many rows as a precision needs: `losses(start, stop)` gives those of some places in their random order."""
    most, start, looks = min(n, MOST), 0, 0
    stop = min(most, PILOT)
    found: list[Tensor] = []
    while True:
        found.append(losses(start, stop))
        values, looks = torch.cat(found, dim=-1), looks + 1
        level = 1 - (1 - LEVEL) / 2**looks
        looked_at = _at_the_points(values.mean(dim=0), grid)
        half = float(_intervals.half_widths(looked_at, n, level).max())
        if half <= precision or stop >= most:
            return values, level, looks
        needed = _intervals.rows_needed(looked_at, n, 1 - (1 - LEVEL) / 2 ** (looks + 1), precision)
        start, stop = stop, min(most, max(math.ceil(1.1 * needed), stop + PILOT // 4))


def _at_the_points(values: Float[Tensor, "s t m"], grid: Float[Tensor, " s"]) -> Float[Tensor, "points m"]:
    """The losses of the rows at the best shift of each temperature, and at none."""
    points = []
    for column in range(values.shape[1]):
        curve = values[:, column]
        best = float(_intervals.least(curve.mean(dim=-1)[None], grid))
        points.append(_intervals.weights_at(best, grid) @ curve)
        if grid[0] <= 0 <= grid[-1]:
            points.append(_intervals.weights_at(0.0, grid) @ curve)
    return torch.stack(points)


def _losses(
    walk: Walk, along: Along, order: Int[Tensor, " rows"], start: int, stop: int, device: torch.device
) -> Float[Tensor, "2 s t m"]:
    """Both cross-entropies of each of some rows of an order against all, at each shift and temperature."""
    x, y = (_unit(rows, device) for rows in walk.shards.take(order[start:stop]))
    s, m = len(along.steps), stop - start
    own = torch.empty(s, m, dtype=torch.float64, device=device)
    for group in groups(x, y, along.steps):
        own[group.where] = own_cosines(group.x, group.y)[:, 0]
    reference = (own.amax(dim=1) + own.amin(dim=1)) / 2

    def against(span: Span) -> Parts:
        total: Parts | None = None
        for tile_x, tile_y in _unit_tiles(walk.shards, span, device):
            logs = own.new_empty(2, s, len(along.inverses), m)
            for way, (first, second) in enumerate(((x, tile_y), (tile_x, y))):
                for group in groups(first, second, along.steps):
                    asked, gallery = (group.x, group.y) if way == 0 else (group.y, group.x)
                    for kind, where in along.kinds:
                        cells = group.where[:, None] & where.to(device)
                        found = row_logs(asked, gallery, reference[group.where], along.inverses[where], kind)
                        logs[way, cells] = found.flatten(0, 1)
            parts = {"logs": logs}
            total = parts if total is None else _added(total, parts)
        assert total is not None, "a unit has rows"
        return {name: part.cpu() for name, part in total.items()}

    logs = walk.fold(f"rows {start + 1} to {stop}", against, _added)["logs"]
    apart = (reference[:, None] - own).cpu()
    losses = logs + apart[:, None] * along.inverses.cpu()[:, None]
    return losses[:, :, along.order.argsort()]


def _added(one: Parts, other: Parts) -> Parts:
    """Logarithms of sums, of which the sums are added."""
    return {"logs": torch.logaddexp(one["logs"], other["logs"])}


def _of_batches(
    walk: Walk, along: Along, batches: tuple[Tensor, ...], device: torch.device
) -> Float[Tensor, "2 s t batches"]:
    """Both cross-entropies of each batch, at each shift and temperature."""
    s, t = len(along.steps), len(along.inverses)

    def of_one(span: Span) -> Parts:
        x, y = (_unit(rows, device) for rows in walk.shards.take(batches[span[0]]))
        losses = torch.zeros(2, s, t, len(batches), dtype=torch.float64)
        for group in groups(x, y, along.steps):
            for kind, where in along.kinds:
                cells = (group.where[:, None] & where.to(device)).cpu()
                found = summed_losses(group.x, group.y, along.inverses[where], kind, lambda _: None)
                losses[:, cells, span[0]] = found.flatten(1).cpu() / len(x)
        return {"losses": losses}

    places = [(place, place + 1) for place in range(len(batches))]
    found = walk.fold(
        f"{len(batches)} batches", of_one, lambda a, b: {"losses": a["losses"] + b["losses"]}, units=places
    )
    return found["losses"][:, :, along.order.argsort()]


def _between(walk: Walk, along: Along, device: torch.device) -> Float[Tensor, "s d"]:
    """From the mean of all texts to that of all images after each shift, in one pass."""

    def moved(span: Span) -> Parts:
        total = torch.zeros(len(along.steps), walk.shards.dimension, dtype=torch.float64, device=device)
        for x, y in _unit_tiles(walk.shards, span, device):
            for group in groups(x, y, along.steps):
                total[group.where] += len(x) * group.between
        return {"between": total.cpu()}

    return walk.fold("the distances", moved, merge)["between"] / len(walk.shards)


def _signed(between: Float[Tensor, "*s d"], delta: Float[Tensor, " d"]) -> Float[Tensor, "*s"]:
    """Lengths, with the sign of `Landscape.distance`."""
    side = torch.where(between @ delta < 0, -1.0, 1.0)
    distance: Tensor = side * torch.linalg.vector_norm(between, dim=-1)
    return distance


def _made(
    shards: Shards,
    grid: Float[Tensor, " s"],
    taus: Float[Tensor, " t"],
    delta: Float[Tensor, " d"],
    between: Float[Tensor, "s d"],
    values: Float[Tensor, "2 s t m"],
    n: int | None,
    rows: int,
    size: int | None,
    level: float,
    precision: float | None,
    looks: int,
    random: torch.Generator,
) -> SampledLandscape:
    """Means and intervals."""
    both = values.mean(dim=0)
    shift, low, high = _intervals.resampled_least(both, grid, n, level, random)

    def stated(weights: Float[Tensor, " s"], column: int) -> tuple[float, float]:
        one = weights @ both[:, column]
        return float(one.mean()), float(_intervals.half_widths(one, n, level))

    valleys = []
    inside = bool(grid[0] <= 0 <= grid[-1])
    for column, temperature in enumerate(taus.tolist()):
        there = _intervals.weights_at(float(shift[column]), grid)
        here = _intervals.weights_at(0.0, grid) if inside else torch.full_like(grid, math.nan)
        valleys.append(
            SampledValley(
                temperature, float(shift[column]), float(low[column]), float(high[column]),
                float(_signed(there @ between, delta)),
                *stated(there, column), *stated(here, column), *stated(here - there, column),
            )
        )  # fmt: skip
    image_to_text, text_to_image = values.mean(dim=-1)
    halves = tuple(_intervals.half_widths(one, n, level) for one in (values[0], values[1], both))
    found = Landscape(grid, taus, _signed(between, delta), image_to_text, text_to_image)
    return SampledLandscape(
        shards.name, found, halves[0], halves[1], halves[2], tuple(valleys), len(shards), rows, size, LEVEL,
        precision, looks,
    )  # fmt: skip
