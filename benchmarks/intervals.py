"""Do the intervals of sampled landscapes hold their level? Known truth, many samples, and how often each covers.

    python benchmarks/intervals.py                 # several minutes, most of them for the batches
    python benchmarks/intervals.py --times 500 --csv benchmarks/intervals.csv

The population is finite and known: the small CLIP on 3,000 new scenes (and the
500 pairs of CLIP), its loss of all rows in one batch at each shift.
From it m rows are drawn without replacement, over and over, and their intervals made as `stream.landscape` makes them.
With a precision the rows are drawn look by look until it stops. For each of the losses here and at the true best shift,
and for the place of the least loss: how often the interval has the truth, and how wide it is.

Random batches are another quantity, and its truth is the mean of all that are drawn here: as many times as many as
there are in a sample as there are draws, and so known √draws times as well.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _machine import introduce, write
from torch import Tensor

from mindgap import load_pairs, pairs
from mindgap.stream import _intervals
from mindgap.stream._landscape import LEVEL, SHIFTS, Along, _along, _losses, _of_batches, grown
from mindgap.stream._walk import Walk

PAIRS, TIMES, ROWS, PRECISIONS = 3000, 100, (50, 200, 1000), (0.08, 0.05)
BATCHES = {"mini": ((32, 30),), "clip": ((10, 30), (25, 20))}  # sizes, and how many
TEMPERATURES = (1 / 100, 1 / 20, 1.0)
CPU = torch.device("cpu")

Sample = tuple[Tensor, float]
"""Losses (S, T, m) of a sample, and the level of its intervals."""


@contextmanager
def opened(name: str, n: int | None) -> Iterator[Callable[[], Walk]]:
    """Walks over some pairs, each of which begins anew."""
    found = load_pairs(name, **({} if n is None else {"n": n}))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pairs.npy")
        np.save(path, torch.stack([found.x, found.y]).numpy())
        yield lambda: Walk(pairs.open_shards(path))


def population(walk: Walk, along: Along) -> Tensor:
    """The losses of all rows, (2, S, T, n)."""
    n = len(walk.shards)
    return _losses(walk, along, torch.arange(n), 0, n, CPU)


def taken(values: Tensor, start: int, stop: int) -> Tensor:
    """Some rows."""
    return values[..., start:stop]


def of_rows(
    values: Tensor, rows: int | None, precision: float | None, times: int, random: torch.Generator
) -> Iterator[Sample]:
    """The losses of random rows, as many as are asked for, or as a precision needs."""
    n = values.shape[-1]
    for _ in range(times):
        mixed = values[..., torch.randperm(n, generator=random)]
        if precision is None:
            yield mixed[..., :rows].mean(dim=0), LEVEL
        else:
            drawn, level, _ = grown(partial(taken, mixed), n, SHIFTS, precision)
            yield drawn.mean(dim=0), level


def of_batches(
    walk: Callable[[], Walk], along: Along, size: int, count: int, times: int, random: torch.Generator
) -> Iterator[Sample]:
    """The losses of random batches, no two of a sample with a row in common."""
    n = len(walk().shards)
    for _ in range(times):
        order = torch.randperm(n, generator=random)[: size * count]
        yield _of_batches(walk(), along, order.split(size), CPU).mean(dim=0), LEVEL


def covered(
    samples: Iterable[Sample], truth: Tensor, n: int | None, random: torch.Generator
) -> list[dict[str, object]]:
    """How often the intervals of samples have what is true, for each temperature; n as `half_widths` takes it."""
    place = _intervals.least(truth.T, SHIFTS)
    zero = _intervals.weights_at(0.0, SHIFTS)
    points = torch.stack([torch.stack([zero, _intervals.weights_at(float(p), SHIFTS)]) for p in place])
    expected = torch.einsum("tps,st->tp", points, truth)  # here, and at the true best shift
    hits, width, sizes = torch.zeros(len(place), 3), torch.zeros(len(place), 3), []
    for both, level in samples:
        sizes.append(both.shape[-1])
        some = torch.einsum("tps,stm->tpm", points, both)
        half = _intervals.half_widths(some, n, level)
        _, low, high = _intervals.resampled_least(both, SHIFTS, n, level, random)
        near = (some.mean(dim=-1) - expected).abs() <= half + 1e-12
        inside = (low <= place + 1e-9) & (place <= high + 1e-9)
        hits += torch.cat([near, inside[:, None]], dim=1)
        width += torch.cat([half, ((high - low) / 2)[:, None]], dim=1)
    times = len(sizes)
    return [
        {
            "sample": round(sum(sizes) / times), "temperature": f"{temperature:.4g}",
            **{f"{name} covered": round(float(hits[t, i]) / times, 3) for i, name in enumerate(NAMES)},
            **{f"{name} ±": float(f"{float(width[t, i]) / times:.2g}") for i, name in enumerate(NAMES)},
            "draws": times,
        }
        for t, temperature in enumerate(TEMPERATURES)
    ]  # fmt: skip


NAMES = ("loss here", "loss at best", "best shift")


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--times", type=int, default=TIMES)
    given = parser.parse_args()
    introduce()
    rows: list[dict[str, object]] = []
    taus = torch.tensor(TEMPERATURES, dtype=torch.float64)
    for name, n in (("mini", PAIRS), ("clip", None)):
        with opened(name, n) as walk:
            along = _along(walk(), SHIFTS, taus, CPU)
            values = population(walk(), along)
            every = values.shape[-1]
            about = {"pairs": name, "n": every}
            ways = [(m, None) for m in ROWS if m < every] + [(None, p) for p in PRECISIONS if every > 1000]
            for m, precision in ways:
                random = torch.Generator().manual_seed(0)
                samples = of_rows(values, m, precision, given.times, random)
                found = covered(samples, values.mean(dim=(0, 3)), every, random)
                rows += [
                    {**about, "of": "rows", "batch size": "", "precision": precision or "", **row} for row in found
                ]
            for size, count in BATCHES[name]:
                random = torch.Generator().manual_seed(0)
                drawn = list(of_batches(walk, along, size, count, given.times, random))
                truth = torch.stack([both.mean(dim=-1) for both, _ in drawn]).mean(dim=0)
                found = covered(drawn, truth, None, random)
                rows += [{**about, "of": "batches", "batch size": size, "precision": "", **row} for row in found]
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items() if value != ""))
    if given.csv:
        write(rows, given.csv)


if __name__ == "__main__":
    main()
