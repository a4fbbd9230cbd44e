"""`loss_landscape` on a GPU against what else one could do there, on the same inputs in one process.

    python benchmarks/landscape_gpu.py                          # n = 500 … 50,000; a few minutes
    python benchmarks/landscape_gpu.py --csv speed_gpu.csv
    python benchmarks/landscape_gpu.py --device cpu --n 300     # shows that the script runs, and nothing else

Beside it: the loop that shifts, normalises, multiplies and takes two cross-entropies for each of 41 shifts and 6
temperatures, as it stands and under torch.compile, open_clip's ClipLoss and, where memeff is installed, its loss, both
of features shifted in the same way, and our own passes over memory, which stand in where Triton cannot compile. Of all
but the last some cells are timed and scaled to all. Times are medians after a first call that is not timed; memory is
the peak that torch allocated beyond the inputs; errors are against float64, of the cells that are timed.
Without a GPU nothing is measured.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from _machine import machine, write
from _ways import compiled_loss, memeff_loss, open_clip_loss, plain_loss
from landscape import SHIFTS, pairs
from torch import Tensor

from mindgap.landscape import TEMPERATURES, _fused, loss_landscape

CELLS = [(s, t) for s in SHIFTS for t in TEMPERATURES]
FEW = CELLS[:: len(CELLS) // 12]  # of the obvious ways


@contextmanager
def in_passes() -> Iterator[None]:
    """As where Triton cannot compile."""
    usable, _fused.usable = _fused.usable, lambda device: False  # type: ignore[assignment]
    try:
        yield
    finally:
        _fused.usable = usable


def measured(function: Callable[[], object], device: torch.device, repeat: int) -> tuple[float, float]:
    """Seconds, the median after a first call, and by how many MB the most allocated at once exceeds what was before."""
    cuda = device.type == "cuda"
    function()
    times = []
    if cuda:
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        if cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    memory = (torch.cuda.max_memory_allocated() - before) / 2**20 if cuda else float("nan")
    return statistics.median(times), memory


def rows_of(n: int, device: torch.device, repeat: int, compiled: bool) -> list[dict[str, object]]:
    """One row for each way, printed on the way."""
    x, y = (part.to(device) for part in pairs(n, 512))
    few: dict[str, Callable[..., Tensor]] = {"plain loop": plain_loss}
    if compiled:
        few["torch.compile of it"] = compiled_loss
    few["open_clip's ClipLoss"] = open_clip_loss
    if device.type == "cuda" and importlib.util.find_spec("memeff"):
        few["memeff's loss"] = memeff_loss

    def losses(loss: Callable[..., Tensor]) -> Tensor:
        return torch.stack([loss(x, y, shift, temperature) for shift, temperature in FEW])

    def whole() -> Tensor:
        return loss_landscape(x, y, SHIFTS, TEMPERATURES).loss.flatten()[:: len(CELLS) // 12]

    ways: dict[str, tuple[Callable[[], Tensor], float]] = {"loss_landscape": (whole, 1)}
    ways |= {name: (functools.partial(losses, loss), len(CELLS) / len(FEW)) for name, loss in few.items()}
    doubles = (x.double(), y.double())
    exact = torch.stack([plain_loss(*doubles, *each) for each in FEW]).cpu() if n <= 5000 else None
    found: list[dict[str, object]] = []

    def add(name: str, way: Callable[[], Tensor], times: float) -> None:
        error = None if exact is None else float((way().cpu().double() - exact).abs().max())
        found.append(row(n, name, *measured(way, device, repeat), times, error))

    for name, (way, times) in ways.items():
        add(name, way, times)
    with in_passes():
        add("our passes", whole, 1)
    return found


def row(n: int, name: str, taken: float, memory: float, times: float, error: float | None) -> dict[str, object]:
    wrong = "" if error is None else f"  error {error:.0e}"
    print(f"  {n:>7}  {name:22} {1000 * taken * times:10.1f} ms  {memory:9.0f} MB{wrong}", flush=True)
    return {
        "n": n, "way": name, "ms": f"{1000 * taken * times:.2f}", "cells_timed": round(len(CELLS) / times),
        "memory_mb": f"{memory:.0f}", "max_error": "" if error is None else f"{error:.1e}",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[500, 5000, 20_000, 50_000], help="numbers of pairs")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to see that the script runs")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--csv", type=Path, help="write the table here")
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("no GPU on this machine: nothing is measured")
        return
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU"
    print(f"{card}, torch {torch.__version__}, products: {_fused.precision(device)}")
    rows = [row for n in options.n for row in rows_of(n, device, options.repeat, not options.no_compile)]
    if options.csv:
        write([{**row, "card": card, **machine()} for row in rows], options.csv)


if __name__ == "__main__":
    main()
