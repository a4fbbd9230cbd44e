"""What `loss_landscape` costs from 500 to 100,000 pairs, beside what else one could do, and how that grows.

    python benchmarks/scaling.py                                        # a quarter of an hour on two cores
    python benchmarks/scaling.py --csv mindgap/results/speed_scaling.csv
    python benchmarks/scaling.py --n 500 2000 --growth 0                # half a minute

Three questions: how time and memory grow with the number of pairs, for 41 shifts and 6 temperatures; how time grows
with the number of shifts and of temperatures, for 2,000 pairs; and from how many losses on it is worth anything at all.

Each row of the table is a fresh process, which does the work once with few pairs (libraries load, loops compile), once
in full if `torch.compile` has to see the sizes, and is then timed. `loss_landscape` always does all that was asked; of
the others, which take the same time for each loss, some are timed: the column `timed` says how many.

The bound is what one product of the two matrices and one exponential a loss and pair of rows take on this machine, each
measured alone on data that stay in cache; of two ways to take exponentials the faster one counts. `loss_landscape` may
come close to it, or below: it gets some exponentials as products of others. A way that would need more memory than the
machine has is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from _machine import introduce, machine, peak, seconds, write
from _ways import compiled_loss, open_clip_loss, plain_loss
from landscape import SHIFTS, pairs, polynomials
from torch import Tensor

from mindgap.landscape import TEMPERATURES, loss_landscape

D = 512
SIZES = [500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]
WARM = 300  # pairs, enough for loops to be compiled
LOSSES = 6  # of the other ways
OURS, LOOP, COMPILED, OPEN_CLIP, BOUND = "loss_landscape", "plain loop", "torch.compile", "open_clip", "bound"
COPIES = {LOOP: 4, COMPILED: 3, OPEN_CLIP: 4}  # n × n matrices of float32 at once, seen at n = 10,000


def ways(x: Tensor, y: Tensor, shifts: list[float], temperatures: Sequence[float]) -> dict[str, Callable[[], object]]:
    """Each way to compute the losses of all `shifts` and `temperatures`."""

    def loop(loss: Callable[[Tensor, Tensor, float, float], Tensor]) -> Callable[[], object]:
        return lambda: [float(loss(x, y, shift, temperature)) for shift in shifts for temperature in temperatures]

    return {
        OURS: lambda: loss_landscape(x, y, shifts, temperatures),
        LOOP: loop(plain_loss),
        COMPILED: loop(compiled_loss),
        OPEN_CLIP: loop(open_clip_loss),
    }


def products_a_second() -> float:
    """Cosines of rows of D numbers that one product gives in a second."""
    x, y = pairs(2048, D)
    return 2048**2 / min(seconds(torch.mm, x, y.T) for _ in range(5))


def exponentials_a_second() -> tuple[float, str]:
    """What the machine makes of numbers that stay in cache, and by which of two ways: the faster one counts."""
    many = 2**28
    values = -torch.rand(2**16 * torch.get_num_threads())
    result = torch.empty_like(values)

    def by_torch() -> None:
        for _ in range(many // len(values)):
            torch.exp(values, out=result)

    ways = {"torch.exp": by_torch, "the polynomial of our loops": lambda: polynomials(many)}
    rates = {name: many / min(seconds(way) for _ in range(4)) for name, way in ways.items()}
    best = max(rates, key=rates.__getitem__)
    return rates[best], best


def child(way: str, n: int, shifts: int, temperatures: int) -> dict[str, float]:
    """Seconds and MB of one way, measured here."""
    along = torch.linspace(-1, 2, shifts).tolist() if shifts > 1 else [0.5]
    many = torch.logspace(2, 0, temperatures, dtype=torch.float64).tolist()  # 100 … 1
    taus = list(TEMPERATURES) if temperatures == len(TEMPERATURES) else [1 / inverse for inverse in many]
    ways(*pairs(WARM, D), SHIFTS if way == OURS else along[:1], taus)[way]()
    x, y = pairs(n, D)
    if way == COMPILED:
        ways(x, y, along[:1], taus[:1])[way]()
    run = ways(x, y, along, taus)[way]
    with peak() as rise:
        first = seconds(run)
    more = [seconds(run) for _ in range(min(6, int(3 / first)))]
    return {"seconds": statistics.median([first, *more]), "memory_mb": rise()}


def measured(varies: str, way: str, n: int, shifts: int, temperatures: int, timed_shifts: int) -> dict[str, object]:
    """One row of the table, from a process of its own."""
    asked = [way, n, timed_shifts, temperatures]
    command = [sys.executable, __file__, "--threads", str(torch.get_num_threads()), "--child", *map(str, asked)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{way} of {n} pairs failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    return row(varies, way, n, shifts, temperatures, timed_shifts, found["seconds"], found["memory_mb"])


def row(
    varies: str, way: str, n: int, shifts: int, temperatures: int, timed: int, taken: float, memory: float | None
) -> dict[str, object]:
    whole = taken * shifts / timed
    text = f"{memory:8.0f} MB" if memory is not None else ""
    print(f"{varies:13} {n:>7} × {shifts:>3} × {temperatures:>2}  {way:15} {whole:10.3f} s  {text}", flush=True)
    return {
        "varies": varies, "pairs": n, "shifts": shifts, "temperatures": temperatures, "way": way,
        "seconds": f"{whole:.4g}", "timed": timed * temperatures,
        "memory_mb": "" if memory is None else f"{memory:.0f}", **machine(),
    }  # fmt: skip


def all_rows(sizes: list[int], growth: int) -> Iterator[dict[str, object]]:
    """The whole table; the number of pairs of its second part is `growth`, and 0 leaves that out."""
    product, (exponential, by) = products_a_second(), exponentials_a_second()
    print(f"{product:.3g} cosines a second by one product; {exponential:.3g} exponentials a second by {by}")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def bound(n: int, shifts: int, temperatures: int) -> float:
        return n * n / product + n * n * shifts * temperatures / exponential

    s, t = len(SHIFTS), len(TEMPERATURES)
    for n in sizes:
        yield row("pairs", BOUND, n, s, t, s, bound(n, s, t), None)
        yield measured("pairs", OURS, n, s, t, s)
        for way in (LOOP, COMPILED, OPEN_CLIP):
            if COPIES[way] * 4 * n * n < 0.9 * memory:
                yield measured("pairs", way, n, s, t, LOSSES // t)
    for varies, counts in (("shifts", [1, 3, 6, 11, 21, 41, 81, 161]), ("temperatures", [1, 2, 3, 6, 12, 24])):
        for count in counts if growth else []:
            s, t = (count, len(TEMPERATURES)) if varies == "shifts" else (len(SHIFTS), count)
            yield row(varies, BOUND, growth, s, t, s, bound(growth, s, t), None)
            yield measured(varies, OURS, growth, s, t, s)
    for n in sizes if growth else []:
        if n <= 5000:
            for way in (OURS, LOOP, COMPILED):
                yield measured("one loss", way, n, 1, 1, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=SIZES, help="numbers of pairs (500 … 100,000)")
    parser.add_argument("--growth", type=int, default=2000, help="pairs while shifts and temperatures vary (2000)")
    parser.add_argument("--threads", type=int, default=2, help="threads torch may use (2)")
    parser.add_argument("--csv", type=Path, help="where to write the table, replacing what an earlier run wrote")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.child:
        way, *numbers = arguments.child
        print(json.dumps(child(way, *map(int, numbers))))
        return
    introduce()
    rows = list(all_rows(arguments.n, arguments.growth))
    if arguments.csv:
        write(rows, arguments.csv)


if __name__ == "__main__":
    main()
