"""What one set of embeddings is like: every measure, checks of its files, and what closing the gap would do.

`make(pairs)` computes it all, `Report.as_json()` and `page.write` give it away as JSON and as one page of HTML.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _files, _inputs, closing, geometry, metrics
from mindgap._reprs import Readable, Shown, digits
from mindgap.cones import CosineHistogram, Tally, cosine_histogram
from mindgap.landscape import TEMPERATURES, Landscape, best_shift, contrastive_loss, loss_landscape
from mindgap.pairs import PairedEmbeddings, Shards
from mindgap.report._checks import Check, checked
from mindgap.stream import StreamedReport

__all__ = ["MOST", "Check", "Report", "Valley", "along_the_gap", "make", "of_shards"]

MOST = 20_000
"""Rows up to which everything is exact; of more, what costs n² is taken of samples."""

SAMPLE, SAMPLES = 5_000, 4  # rows a sample, and how many
STRETCHES = STRETCH = 100  # rows that are looked at in their order, of a stream
SHIFTS = torch.linspace(-1, 2, 61, dtype=torch.float64)
RECALL_AT = 10
DRAWN = 400  # points of each modality in the projection
BINS = 60
STEPS = ("measures", "checks", "landscape", "what closing the gap does", "cosines")

WAYS = {name: closing.WAYS[name] for name in ("as it is", "centred", "standardised", "shifted by half")}
"""The ways to close a gap that cost no more than O(nd)."""


OF_SAMPLES = [name for name in metrics.MEASURES if name not in metrics.LINEAR or name.startswith("recall_chance")]
"""What is taken of samples where rows are many; recall's chance belongs to the gallery of its recall."""

OUTCOMES = ("gap_distance", "pair_distance", "recall_xy", "recall_yx", "mixed_recall_xy", "mixed_recall_yx")


@dataclass(frozen=True, repr=False)
class Valley(Readable):
    """Where the loss is least along the shift at one temperature, and how deep that is.

    `shift` λ and `distance` of the means there; `loss` there and `loss_here` at no shift. With several samples each is
    their mean and `spread` the standard deviation of `shift` over them, else None.
    """

    temperature: float
    shift: float
    distance: float
    loss: float
    loss_here: float
    spread: float | None = None

    @property
    def depth(self) -> float:
        """What moving there would gain, in nats."""
        return self.loss_here - self.loss

    def as_row(self) -> dict[str, float | None]:
        """Its numbers by name, for JSON and tables."""
        return {
            "temperature": self.temperature,
            "shift": self.shift,
            "distance": self.distance,
            "loss": self.loss,
            "loss_here": self.loss_here,
            "depth": self.depth,
            "spread": self.spread,
        }

    def _shown(self) -> Shown:
        where = "" if self.spread is None else f", with a standard deviation of {self.spread:.2g} over the samples"
        return Shown(
            f"Valley at temperature {self.temperature:.3g}: the loss is least at shift {digits(self.shift)}{where}.",
            ("distance", "loss", "loss here", "gained"),
            [(self.distance, self.loss, self.loss_here, self.depth)],
        )


@dataclass(frozen=True, repr=False)
class Report(Readable):
    """All of it: see `make`. `sample` is the rows of each sample where not all rows were taken, else None.

    Of a stream `pairs` are the rows of the samples, `n` counts all, and the checks are of `looked_at` rows.
    """

    pairs: PairedEmbeddings
    k: int
    measures: dict[str, float]
    checks: tuple[Check, ...]
    valleys: tuple[Valley, ...]
    landscape: Landscape
    ways: dict[str, dict[str, float]]
    matched: CosineHistogram
    unmatched: CosineHistogram
    within: tuple[CosineHistogram, CosineHistogram]
    points: tuple[Float[Tensor, "m 2"], Float[Tensor, "m 2"]]
    sample: int | None
    streamed: int | None = None
    looked_at: int | None = None

    @property
    def n(self) -> int:
        """All pairs that were measured."""
        return len(self.pairs) if self.streamed is None else self.streamed

    @property
    def passed(self) -> bool:
        """Whether no check has failed."""
        return not any(check.failed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """What a program wants of it: numbers with all digits, None where there is none, and the checks in words."""
        return {
            "name": self.pairs.name,
            "source": self.pairs.source,
            "modalities": list(self.pairs.modalities),
            "k": self.k,
            "measures": _files.known(self.measures),
            "sample": self.sample,
            **({} if self.streamed is None else {"streamed": self.streamed, "looked_at": self.looked_at}),
            "valleys": [one.as_row() for one in self.valleys],
            "ways": {name: _files.known(row) for name, row in self.ways.items()},
            "checks": [
                {"name": one.name, "state": one.state, "found": one.found, "limit": one.limit, "try": one.advice}
                for one in self.checks
            ],
            "passed": self.passed,
        }

    def _shown(self) -> Shown:
        failed = [check.name for check in self.checks if check.failed]
        d = self.pairs.x.shape[1]
        return Shown(
            f"Report on {self.pairs.name!r}: {self.n} pairs, d = {d}; "
            + (f"failed: {', '.join(failed)}." if failed else "no check has failed."),
            ("measure", "value"),
            [(metrics.label(name, self.pairs.modalities, self.k), self.measures[name]) for name in metrics.QUOTED],
        )


def make(
    pairs: PairedEmbeddings,
    k: int = 1,
    temperatures: Sequence[float] = TEMPERATURES,
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
) -> Report:
    """Measure and check one set of pairs.

    Everything is exact up to `MOST` rows. Of more, the measures that cost n², the landscape and what closing the gap
    does are taken of random samples of 5,000 pairs: the loss is then that of batches of 5,000, and the place of its
    minimum comes with its spread over four samples. `progress` is called with the name of each step before it begins,
    and what it raises ends the work.

    Raises ValueError as `metrics.report` and `loss_landscape` do.
    """
    tell = progress or (lambda _: None)
    x, y = pairs.x, pairs.y
    n, random = len(x), _inputs.generator(seed)
    grid = _inputs.temperatures(list(temperatures))
    samples, parts = _sampled(pairs, random)
    first = parts[0]

    tell("measures")
    if n > MOST:
        found = {
            **metrics.report(x, y, k, only=metrics.LINEAR),
            **metrics.report(*first, k, only=OF_SAMPLES),
        }
        measures = {name: found[name] for name in metrics.MEASURES}
    else:
        measures = metrics.report(x, y, k)

    if pairs.groups is not None:
        measures |= _grouped(pairs, samples[0], k)

    tell("checks")
    checks = checked(pairs, measures, k, [float(t) for t in temperatures])

    return _drawn(pairs, k, measures, checks, parts, grid, None if n <= MOST else SAMPLE, tell)


def of_shards(
    shards: Shards,
    streamed: StreamedReport,
    temperatures: Sequence[float] = TEMPERATURES,
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
) -> Report:
    """The report of pairs that were streamed, with the measures that `stream.report` has found.

    What is neither there nor to be had of single rows is taken of samples, as in `make` of many rows. The checks of
    rows (their order, their norms, …) are of 100 stretches of 100 rows that follow each other, at random places.

    Raises ValueError as `make` does, and for a report that lacks measures.
    """
    tell = progress or (lambda _: None)
    random = _inputs.generator(seed)
    grid = _inputs.temperatures(list(temperatures))
    if missing := set(metrics.MEASURES) - set(streamed.measures):
        raise ValueError(f"streamed: expected every measure, got none of {', '.join(sorted(missing))}")
    n = len(shards)
    few = n <= MOST
    rows = torch.arange(n) if few else torch.randperm(n, generator=random)[: SAMPLE * SAMPLES].clone()
    pairs = _of_rows(shards, rows)
    parts = [(pairs.x, pairs.y)] if few else list(zip(pairs.x.split(SAMPLE), pairs.y.split(SAMPLE), strict=True))

    tell("checks")
    looked_at = pairs
    if not few:
        starts = (n // STRETCHES) * torch.arange(STRETCHES) + torch.randint(
            n // STRETCHES - STRETCH + 1, (STRETCHES,), generator=random
        )
        looked_at = _of_rows(shards, (starts[:, None] + torch.arange(STRETCH)).flatten())
    known = {**streamed.measures, "matched_cosine": geometry.matched_cosine(looked_at.x, looked_at.y)}
    checks = checked(looked_at, known, streamed.k, [float(t) for t in temperatures], n)
    found = _drawn(pairs, streamed.k, streamed.measures, checks, parts, grid, None if few else SAMPLE, tell)
    return replace(found, streamed=n, looked_at=len(looked_at))


def _of_rows(shards: Shards, rows: Tensor) -> PairedEmbeddings:
    return PairedEmbeddings(*shards.take(rows), shards.name, shards.modalities, shards.source)


def _drawn(
    pairs: PairedEmbeddings,
    k: int,
    measures: dict[str, float],
    checks: tuple[Check, ...],
    parts: Sequence[tuple[Tensor, Tensor]],
    grid: Float[Tensor, " t"],
    sample: int | None,
    tell: Callable[[str], object],
) -> Report:
    """The rest of a report: what the loss and the ways to close the gap make of all rows, or of samples."""
    first = parts[0]
    tell("landscape")
    landscape = loss_landscape(*first, SHIFTS, grid)
    valleys = tuple(_valley(parts, float(temperature), None) for temperature in grid)

    tell("what closing the gap does")
    ways = {name: _outcome(way, *first) for name, way in WAYS.items()}

    tell("cosines")
    return Report(
        pairs, k, measures, checks, valleys, landscape, ways, *_cosines(*first),
        (cosine_histogram(first[0], BINS), cosine_histogram(first[1], BINS)),
        _projected(*first), sample,
    )  # fmt: skip


def along_the_gap(
    pairs: PairedEmbeddings,
    temperatures: Sequence[float] = TEMPERATURES,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
) -> tuple[Landscape, tuple[Valley, ...], int | None]:
    """The loss along the gap: its landscape, the valley at each temperature, and the rows of a sample (None: all).

    Of more than `MOST` rows it is taken of random samples of 5,000, as in `make`. `batch_size` is that of
    `loss_landscape`. `progress` is called with the name of each step before it begins, and what it raises ends the
    work.

    Raises ValueError as `loss_landscape` does; with samples, also for a batch larger than one.
    """
    tell = progress or (lambda _: None)
    grid = _inputs.temperatures(list(temperatures))
    _, parts = _sampled(pairs, _inputs.generator(seed))
    if batch_size is not None:
        batch_size = _inputs.count(batch_size, "batch_size", 2, len(parts[0][0]))
    tell("landscape")
    landscape = loss_landscape(*parts[0], SHIFTS, grid, batch_size)
    valleys = []
    for temperature in grid.tolist():
        tell(f"valley at {temperature:.3g}")
        valleys.append(_valley(parts, temperature, batch_size))
    return landscape, tuple(valleys), SAMPLE if len(parts) > 1 else None


def _sampled(
    pairs: PairedEmbeddings, random: torch.Generator
) -> tuple[list[Tensor], list[tuple[Float[Tensor, "m d"], Float[Tensor, "m d"]]]]:
    """The numbers of the rows that are taken, and the rows: all of them, or samples of too many."""
    x, y = pairs.x, pairs.y
    if len(x) <= MOST:
        return [torch.arange(len(x))], [(x, y)]
    samples = list(torch.randperm(len(x), generator=random)[: SAMPLE * SAMPLES].split(SAMPLE))
    return samples, [(x[rows.to(x.device)], y[rows.to(y.device)]) for rows in samples]


def _grouped(pairs: PairedEmbeddings, rows: Tensor, k: int) -> dict[str, float]:
    """Recall where any pair of a row's group is right, and what chance gives."""
    groups = [pairs.groups[i] for i in rows.tolist()] if pairs.groups else []
    x, y = pairs.x[rows.to(pairs.x.device)], pairs.y[rows.to(pairs.y.device)]
    sizes = Counter(groups)
    return {
        "recall_xy_grouped": geometry.recall_at_k(x, y, k, groups),
        "recall_yx_grouped": geometry.recall_at_k(y, x, k, groups),
        "recall_chance_grouped": metrics.recall_by_chance([sizes[group] for group in groups], k),
    }


def _valley(parts: Sequence[tuple[Tensor, Tensor]], temperature: float, batch_size: int | None) -> Valley:
    least = [best_shift(x, y, temperature, SHIFTS, batch_size) for x, y in parts]
    here = [float(contrastive_loss(x, y, temperature, batch_size=batch_size)) for x, y in parts]
    shifts = torch.tensor([one.shift for one in least], dtype=torch.float64)
    return Valley(
        temperature,
        float(shifts.mean()),
        sum(one.distance for one in least) / len(parts),
        sum(one.loss for one in least) / len(parts),
        sum(here) / len(parts),
        float(shifts.std()) if len(parts) > 1 else None,
    )


def _outcome(way: closing.Way, x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> dict[str, float]:
    """The columns of the table of ways; NaN where a way leaves a row without a direction, as in a collapsed set."""
    try:
        x, y = way(x, y)
        gap = geometry.gap_distance(x, y)
    except ValueError:
        return dict.fromkeys(OUTCOMES, math.nan)
    mixed = min(RECALL_AT, len(x))
    return {
        "gap_distance": gap,
        "pair_distance": metrics.pair_distance(x, y),
        "recall_xy": geometry.recall_at_k(x, y),
        "recall_yx": geometry.recall_at_k(y, x),
        "mixed_recall_xy": metrics.mixed_recall_at_k(x, y, mixed),
        "mixed_recall_yx": metrics.mixed_recall_at_k(y, x, mixed),
    }


def _cosines(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> tuple[CosineHistogram, CosineHistogram]:
    """Those of the matched pairs, and those of all others across the modalities, in the same bins."""
    x, y = geometry.unit_pair(x, y)
    own = Tally(2 * BINS, geometry.matched_cosine(x, y), x)
    others = Tally(2 * BINS, geometry.mean_cosine(x, y), x)
    start = 0
    for rows in x.split(max(1, geometry.TILE_ENTRIES // len(y))):
        cosines = rows @ y.T
        matched = torch.zeros_like(cosines, dtype=torch.bool)
        matched.diagonal(start).fill_(True)
        own.add(cosines[matched])
        others.add(cosines[~matched])
        start += len(rows)
    return own.histogram(), others.histogram()


def _projected(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    seen = geometry.shared_projection(x, y, min(2, x.shape[1]), gap_first=True)
    return seen.x[:DRAWN].cpu(), seen.y[:DRAWN].cpu()
