"""How fast `loss_landscape` is, against the obvious loop and against the floor, on the same inputs in one process.

    python benchmarks/landscape.py                 # a few minutes; times some cells of the loop and scales up
    python benchmarks/landscape.py --full          # times every cell of the loop
    python benchmarks/landscape.py --csv mindgap/results/speed_landscape.csv
    python benchmarks/landscape.py --share         # one thread, processor seconds: the share of the floor alone

The loop shifts, normalises, multiplies and takes two cross-entropies for each shift and temperature. The floor is one
product of the two matrices and one vectorised exponential a logit: the faster, on the machine at hand, of `torch.exp`
in the second cache and of the polynomial of our own loops, which neither checks nor sums, in the first. It is no lower
bound: `loss_landscape` also sums, shifts and scales, but gets some exponentials as products of others.

`--share` needs no quiet machine, since others' work takes no processor seconds of ours; but it takes caches. At n = 500
we need twice the floor, of which a half goes into what is done once a row in float64 (norms, means, offsets, scales,
logarithms) in some hundred calls of torch. At n = 5,000 the loops use three quarters of what the two vector units of a
processor with AVX-512 could do: the rest is storing sums, adding up those of a row, and waiting for the second cache.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from _machine import introduce, machine, peak, seconds, write
from _ways import plain_loss
from torch import Tensor

from mindgap.geometry import normalize
from mindgap.landscape import TEMPERATURES, loss_landscape
from mindgap.landscape._formats import FORMATS
from mindgap.landscape._loops import exponentials_of
from mindgap.landscape._vectors import processor

SHIFTS = torch.linspace(-1, 2, 41, dtype=torch.float64).tolist()
SIZES, SHARES = (500, 5000), (500, 2000, 5000)
BLOCK = 512  # rows of a product
IN_CACHE = 2048  # numbers, of which every first cache holds twice as many
APART = 512  # and so many between what is read and what is written, or processors take the one for the other
Cell = tuple[int, int]


def pairs(n: int, d: int) -> tuple[Tensor, Tensor]:
    """Matched unit rows with cosines like CLIP's: a gap of .8, about .5 within each cloud and .3 for a pair."""
    generator = torch.Generator().manual_seed(0)
    both, first, second = torch.linalg.qr(torch.randn(d, 3, generator=generator)).Q.T
    common, own_x, own_y = (normalize(torch.randn(n, d, generator=generator)) for _ in range(3))
    shared = 0.18**0.5 * both + 0.12**0.5 * common
    x, y = shared + 0.32**0.5 * first + 0.38**0.5 * own_x, shared + 0.32**0.5 * second + 0.38**0.5 * own_y
    return normalize(x), normalize(y)


def plain(x: Tensor, y: Tensor, cells: list[Cell]) -> list[float]:
    """The obvious loop: the symmetric loss of each cell, all of it done afresh, in the dtype of the input."""
    return [float(plain_loss(x, y, SHIFTS[s], TEMPERATURES[t])) for s, t in cells]


def torch_floor(x: Tensor, y: Tensor) -> None:
    """One product, and one exponential for each logit of each cell, by torch in a buffer that stays in cache."""
    n = len(x)
    block = max(1, 2**17 // n)
    values = -torch.rand(block, n)
    result = torch.empty_like(values)
    for start in range(0, n, block):
        rows = x[start : start + block]
        torch.mm(rows, y.T)
        for _ in range(len(SHIFTS) * len(TEMPERATURES)):
            torch.exp(values[: len(rows)], out=result[: len(rows)])


def polynomial_floor(x: Tensor, y: Tensor) -> None:
    """The same with the exponentials of the compiled loops."""
    n = len(x)
    for start in range(0, n, BLOCK):
        torch.mm(x[start : start + BLOCK], y.T)
    polynomials(n * n * len(SHIFTS) * len(TEMPERATURES))


def polynomials(many: int) -> None:
    """So many exponentials of the compiled loops, in a buffer that stays in the first cache of each thread."""
    threads = torch.get_num_threads()
    once = exponentials_of(FORMATS[torch.float32])
    repeats = math.ceil(many / IN_CACHE / threads)

    def work(_: int) -> None:
        cosines, between, result = torch.rand(2 * IN_CACHE + APART).neg_().split([IN_CACHE, APART, IN_CACHE])
        factor = between[:1].fill_(1 / math.log(2))
        once(repeats, IN_CACHE, *(memory.data_ptr() for memory in (cosines, factor, result)))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


FLOORS = {"torch.exp": torch_floor, "polynomial": polynomial_floor}


def share(n: int, d: int, turns: int) -> None:
    """Processor seconds of one thread, in turns: ours, both floors, and what share of the faster one we reach."""
    x, y = pairs(n, d)

    def ours(x: Tensor, y: Tensor) -> None:
        loss_landscape(x, y, SHIFTS, TEMPERATURES)

    timed = {"ours": ours, **FLOORS}
    spent: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(turns + 1):
        for name, function in timed.items():
            start = time.process_time()
            function(x, y)
            if turn:  # the first one compiles
                spent[name].append(time.process_time() - start)
    for kind, of in (("least", min), ("median", statistics.median)):
        found = {name: of(values) for name, values in spent.items()}
        name = min(FLOORS, key=lambda name: found[name])
        each = "  ".join(f"{name} {value:.4f}" for name, value in found.items())
        print(
            f"n = {n:6}  {kind:6} of {turns}  {each}  floor / ours {found[name] / found['ours']:6.1%} ({name})",
            flush=True,
        )


def extra_memory(x: Tensor, y: Tensor, threads: int) -> float:
    """By how many MB `loss_landscape` raises the peak resident memory of a fresh process that holds the inputs,
    beyond what loading libraries and compiling take."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.npy"
        np.save(path, torch.stack([x, y]).numpy())
        command = [sys.executable, __file__, "--threads", str(threads), "--measure-memory", str(path)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_memory(path: str) -> None:
    x, y = torch.from_numpy(np.load(path, allow_pickle=False))
    loss_landscape(x[:500], y[:500], SHIFTS, TEMPERATURES)  # loads libraries, compiles and starts threads
    with peak() as rise:
        loss_landscape(x, y, SHIFTS, TEMPERATURES)
    print(rise())


def measure(n: int, d: int, cells: int | None, repeat: int) -> dict[str, object]:
    """All figures for one size, printed on the way."""
    x, y = pairs(n, d)
    grid = [(s, t) for s in range(len(SHIFTS)) for t in range(len(TEMPERATURES))]
    stride = 1 if cells is None else max(1, len(grid) // cells)
    while math.gcd(stride, len(TEMPERATURES)) > 1:
        stride -= 1  # or some temperatures would never be looked at
    timed = grid[::stride][:cells]
    repeat = min(repeat, len(timed))

    landscape = loss_landscape(x, y, SHIFTS, TEMPERATURES)
    plain(x, y, timed[:1])
    plain_losses: list[float] = []
    rounds: list[tuple[float, ...]] = []
    # In turns, so that what else the machine does meanwhile slows all of them alike.
    for turn in range(repeat):
        share = timed[turn::repeat]
        start = time.perf_counter()
        plain_losses += plain(x, y, share)
        a_cell = (time.perf_counter() - start) / len(share)
        ours = seconds(loss_landscape, x, y, SHIFTS, TEMPERATURES)
        rounds.append((a_cell * len(grid), ours, *(seconds(function, x, y) for function in FLOORS.values())))
    loop, ours, *floors = (statistics.median(column) for column in zip(*rounds, strict=True))
    lowest, floor = min(zip(floors, FLOORS, strict=True))
    timed = [cell for turn in range(repeat) for cell in timed[turn::repeat]]

    index = tuple(torch.tensor(timed).T)
    difference = (landscape.loss[index].double() - torch.tensor(plain_losses, dtype=torch.float64)).abs().max()
    few = timed[:: max(1, len(timed) // 6)]
    exact = torch.tensor(plain(x.double(), y.double(), few), dtype=torch.float64)
    error = (landscape.loss[tuple(torch.tensor(few).T)].double() - exact).abs().max()
    memory = extra_memory(x, y, torch.get_num_threads())

    scaled = "all of them timed" if len(timed) == len(grid) else f"{len(timed)} of them timed, scaled to all"
    print(f"n = {n}, d = {d}, {len(SHIFTS)} shifts × {len(TEMPERATURES)} temperatures = {len(grid)} cells")
    print(f"  loss_landscape    {ours:9.3f} s  (median of {repeat} turns)")
    print(f"  plain loop        {loop:9.3f} s  ({scaled})")
    print(f"  ratio             {loop / ours:9.1f}")
    print(
        f"  floor             {lowest:9.3f} s  (one product, one exponential a logit, by {floor}; median of {repeat})"
    )
    print(f"  floor / ours      {lowest / ours:9.1%}")
    print(f"  max disagreement  {float(difference):9.1e}  (both in float32, {len(timed)} cells)")
    print(f"  max error         {float(error):9.1e}  (ours in float32, the loop in float64, {len(few)} cells)")
    print(f"  extra memory      {memory:9.1f} MB (rise of peak resident memory, in a fresh process)", flush=True)
    return {
        "n": n,
        "d": d,
        "cells": len(grid),
        "landscape_s": f"{ours:.4f}",
        "loop_s": f"{loop:.3f}",
        "loop_cells_timed": len(timed),
        "ratio": f"{loop / ours:.1f}",
        "floor": floor,
        "floor_s": f"{lowest:.4f}",
        "floor_share": f"{lowest / ours:.3f}",
        "max_disagreement": f"{float(difference):.1e}",
        "max_error": f"{float(error):.1e}",
        "extra_memory_mb": f"{memory:.1f}",
        "vector_bits": 8 * processor().width,
        **machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", help="numbers of pairs (500 5000)")
    parser.add_argument("--d", type=int, default=512, help="dimensions (512)")
    parser.add_argument("--threads", type=int, default=2, help="threads torch may use (2)")
    parser.add_argument(
        "--cells", type=int, default=30, help="cells of the plain loop to time, spread evenly over grid and turns (30)"
    )
    parser.add_argument("--full", action="store_true", help="time every cell of the plain loop")
    parser.add_argument("--repeat", type=int, default=5, help="turns, of which the median counts (5)")
    parser.add_argument(
        "--share", action="store_true", help="only ours and the floors, in processor seconds of a thread"
    )
    parser.add_argument("--csv", type=Path, help="where to write the figures, replacing what an earlier run wrote")
    parser.add_argument("--measure-memory", metavar="PATH", help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    if arguments.measure_memory:
        measure_memory(arguments.measure_memory)
        return
    introduce()
    print(f"vectors of {8 * processor().width} bits")
    if arguments.share:
        torch.set_num_threads(1)
        for n in arguments.n or SHARES:
            share(n, arguments.d, max(7, arguments.repeat))
        return
    cells = None if arguments.full else arguments.cells
    rows = [measure(n, arguments.d, cells, arguments.repeat) for n in arguments.n or SIZES]
    if arguments.csv:
        write(rows, arguments.csv)


if __name__ == "__main__":
    main()
