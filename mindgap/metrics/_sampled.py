"""What costs n² in `report`, estimated from samples and with an interval, where there are too many rows for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import Rows
from mindgap.metrics._moments import Cloud, Part
from mindgap.metrics._report import MEASURES, report
from mindgap.theorems import binomial_interval

EXACT = 10_000
"""Rows up to which every measure takes seconds; of more, those outside of `LINEAR` take minutes and then hours."""

ASKED = 1000  # rows whose recall among all is taken
SAMPLE, SAMPLES = 2500, 4  # rows a sample, and how many, for what is not recall
QUANTILE = 3.182  # of Student's t with SAMPLES − 1 degrees of freedom, for 95 %

# Recall from side to side, and among equal rows.
RECALLS = {
    "recall_xy": (False, None),
    "recall_yx": (True, None),
    "recall_xy_grouped": (False, "equal"),
    "recall_yx_grouped": (True, "equal"),
}


@dataclass(frozen=True)
class Estimate:
    """A measure from samples: its value, a 95 % interval for it, and how many rows each sample has.

    `gallery` is the number of rows that each was compared with: all of them for recall, those of the sample otherwise.
    """

    value: float
    low: float
    high: float
    rows: int
    gallery: int


@torch.no_grad()
def estimates(
    x: Rows,
    y: Rows,
    k: int = 1,
    only: Iterable[str] | None = None,
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
) -> dict[str, Estimate]:
    """The measures of `report` that cost n², from random samples; by default all of them.

    Recall is that of 1,000 rows drawn at random, each among all n, with Wilson's interval. The others are the mean over
    four samples of 2,500 pairs, with Student's interval: ranks and recall in a mixed gallery are therefore those among
    2,500. Shapes: x, y (n, d), n at least 10,000. O(nd) time, in float64 and in tiles. `progress` is
    called with the name of each measure before it is computed, and what it raises ends the work.

    Raises ValueError as `report` does, for a measure in `only` that needs no samples, a bad seed, or fewer rows.
    """
    x, y = (rows.detach() for rows in _inputs.pair(x, y))
    n, random = len(x), _inputs.generator(seed)
    if n < SAMPLE * SAMPLES:
        raise ValueError(f"x and y: expected at least {SAMPLE * SAMPLES} rows to draw samples from, got {n}")
    known = [name for name, measure in MEASURES.items() if not measure.linear]
    chosen = known if only is None else [_inputs.choice(name, "only", known) for name in only]
    k = _inputs.count(k, "k", 1, SAMPLE)
    order = torch.randperm(n, generator=random)
    asked, parts = order[:ASKED], order[: SAMPLE * SAMPLES].split(SAMPLE)
    repeated = any(name.endswith("_grouped") for name in chosen) and _repeated(x, y)
    found: dict[str, Estimate] = {}
    for name in chosen:
        if progress is not None:
            progress(name)
        if name not in RECALLS:
            found[name] = over_samples(name, x, y, k, parts)
        elif (plain := name.removesuffix("_grouped")) != name and not repeated and plain in found:
            found[name] = found[plain]
        else:
            turned, groups = RECALLS[name if repeated else plain]
            first, second = (y, x) if turned else (x, y)
            labels = [] if groups is None else geometry.labels_of(groups, x, y)
            found[name] = of_share(_recall(first, second, k, labels, asked.to(x.device)), n)
    return found


def of_share(share: float, n: int) -> Estimate:
    """Recall of the rows that were asked, each among all n, with Wilson's interval."""
    return Estimate(share, *binomial_interval(round(share * ASKED), ASKED), ASKED, n)


def _repeated(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> bool:
    return min(geometry.distinct_rows(x), geometry.distinct_rows(y)) < len(x)


def _recall(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "n d"],
    k: int,
    labels: list[Int[Tensor, " n"]],
    numbers: Int[Tensor, " m"],
) -> float:
    """`geometry.recall_at_k` of some rows of x among all of y, in float64; tiles of it are read, with groups twice."""
    asked = torch.cat(list(Part(x, numbers).tiles()))
    tie, groups = geometry.rounding(x.shape[1], asked.dtype), [label.to(asked.device) for label in labels]
    here = numbers.to(asked.device)

    def own(start: int, size: int) -> Bool[Tensor, "m tile"]:
        columns = torch.arange(start, start + size, device=asked.device)
        if not groups:
            return here[:, None] == columns
        return torch.stack([label[here, None] == label[columns] for label in groups]).any(dim=0)

    def tiles() -> Iterator[tuple[Float[Tensor, "m tile"], Bool[Tensor, "m tile"]]]:
        start = 0
        for tile in Cloud(y).tiles():
            yield asked @ tile.T, own(start, len(tile))
            start += len(tile)

    if groups:
        best = asked.new_full((len(asked), 1), -math.inf)
        for similarity, right in tiles():
            best = torch.maximum(best, similarity.masked_fill(~right, -math.inf).amax(dim=1, keepdim=True))
    else:  # the only right one is known, and the gallery need not be read for it
        own_rows = torch.cat(list(Part(y, numbers).tiles()))
        best = (asked * own_rows).sum(dim=1, keepdim=True)
    nearer, near, ours = (asked.new_zeros(len(asked)) for _ in range(3))
    for similarity, right in tiles():
        above, reached = similarity > best + tie, similarity >= best - tie
        nearer += above.sum(dim=1)
        near += (reached & ~above).sum(dim=1)
        ours += (reached & right).sum(dim=1)
    return float(geometry.chance_of_one(ours, near, k - nearer).mean())


def over_samples(
    name: str, x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], k: int, parts: tuple[Tensor, ...]
) -> Estimate:
    """The mean of a measure over some samples of the rows, with Student's interval."""
    return of_samples([report(x[rows.to(x.device)], y[rows.to(y.device)], k, [name])[name] for rows in parts])


def of_samples(values: Sequence[float]) -> Estimate:
    """The mean of what a measure is in each sample, with Student's interval."""
    mean = sum(values) / len(values)
    half = QUANTILE * math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
    return Estimate(mean, mean - half, mean + half, SAMPLE, SAMPLE)
