"""Do the intervals of sampled landscapes hold their level? Known truth, many samples, and how often each covers.

    python benchmarks/intervals.py                 # about two minutes
    python benchmarks/intervals.py --times 500 --csv benchmarks/intervals.csv

The population is finite and known: the small CLIP on 3,000 new scenes (and the
500 pairs of CLIP), its loss of all rows in one batch at each shift.
From it m rows are drawn without replacement, over and over, and their intervals made as `stream.landscape` makes them.
With a precision the rows are drawn look by look until it stops. For each of the losses here and at the true best shift,
and for the place of the least loss: how often the interval has the truth, and how wide it is.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _machine import introduce, write
from torch import Tensor

from mindgap import load_pairs, pairs
from mindgap.stream import _intervals
from mindgap.stream._landscape import LEVEL, SHIFTS, _along, _losses, grown
from mindgap.stream._walk import Walk

PAIRS, TIMES, ROWS, PRECISIONS = 3000, 100, (50, 200, 1000), (0.08, 0.05)
TEMPERATURES = (1 / 100, 1 / 20, 1.0)


def population(name: str, n: int | None) -> Tensor:
    """The losses of all rows, (2, S, T, n), in random order."""
    found = load_pairs(name, **({} if n is None else {"n": n}))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pairs.npy")
        np.save(path, torch.stack([found.x, found.y]).numpy())
        walk = Walk(pairs.open_shards(path))
        taus = torch.tensor(TEMPERATURES, dtype=torch.float64)
        along = _along(walk, SHIFTS, taus, torch.device("cpu"))
        return _losses(walk, along, torch.arange(len(found)), 0, len(found), torch.device("cpu"))


def taken(values: Tensor, start: int, stop: int) -> Tensor:
    """Some rows."""
    return values[..., start:stop]


def covered(values: Tensor, rows: int | None, precision: float | None, times: int) -> list[dict[str, object]]:
    """How often the intervals of samples have what is true of all, for each temperature."""
    both = values.mean(dim=0)
    n, random = both.shape[-1], torch.Generator().manual_seed(0)
    place = _intervals.least(both.mean(dim=-1).T, SHIFTS)
    zero = _intervals.weights_at(0.0, SHIFTS)
    points = torch.stack([torch.stack([zero, _intervals.weights_at(float(p), SHIFTS)]) for p in place])
    losses = torch.einsum("tps,stn->tpn", points, both)  # here, and at the true best shift
    truth = losses.mean(dim=-1)
    hits, width, sizes = torch.zeros(len(place), 3), torch.zeros(len(place), 3), []
    for _ in range(times):
        order = torch.randperm(n, generator=random)
        if precision is None:
            level, m = LEVEL, rows or n
        else:
            mixed = values[..., order]
            drawn, level, _ = grown(partial(taken, mixed), n, SHIFTS, precision)
            m = drawn.shape[-1]
        sizes.append(m)
        some = losses[..., order[:m]]
        half = _intervals.half_widths(some, n, level)
        _, low, high = _intervals.resampled_least(both[..., order[:m]], SHIFTS, n, level, random)
        near = (some.mean(dim=-1) - truth).abs() <= half + 1e-12
        inside = (low <= place + 1e-9) & (place <= high + 1e-9)
        hits += torch.cat([near, inside[:, None]], dim=1)
        width += torch.cat([half, ((high - low) / 2)[:, None]], dim=1)
    return [
        {
            "rows": round(sum(sizes) / times) if precision is not None else rows, "precision": precision or "",
            "temperature": f"{temperature:.4g}",
            **{f"{name} covered": round(float(hits[t, i]) / times, 3) for i, name in enumerate(NAMES)},
            **{f"{name} ±": float(f"{float(width[t, i]) / times:.2g}") for i, name in enumerate(NAMES)},
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
    for name, n in (("mini", PAIRS), ("clip", None)):
        values = population(name, n)
        every = values.shape[-1]
        ways = [(m, None) for m in ROWS if m < every] + [(None, p) for p in PRECISIONS if every > 1000]
        for m, precision in ways:
            rows += [{"pairs": name, "n": every, **row} for row in covered(values, m, precision, given.times)]
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items() if value != ""))
    if given.csv:
        write(rows, given.csv)


if __name__ == "__main__":
    main()
