"""`loss_landscape` on a GPU against what else one could do there, on the same inputs in one process.

    python benchmarks/landscape_gpu.py                          # n = 500 … 50,000; a few minutes
    python benchmarks/landscape_gpu.py --csv speed_gpu.csv
    python benchmarks/landscape_gpu.py --device cpu --n 300     # shows that the script runs, and nothing else

Beside it: the loop that shifts, normalises, multiplies and takes two cross-entropies for each of 41 shifts and 6
temperatures, as it stands and under torch.compile, open_clip's ClipLoss of features shifted in the same way, and our
own passes over memory, which stand in where Triton cannot compile. Of these some cells are timed and scaled to all.
Times are medians after a first call that is not timed; memory is the peak that torch allocated beyond the inputs.
Without a GPU nothing is measured.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from _machine import machine, write
from landscape import SHIFTS, pairs
from torch import Tensor

from mindgap.landscape import TEMPERATURES, _fused, loss_landscape

CELLS = [(s, t) for s in SHIFTS for t in TEMPERATURES]
FEW = CELLS[:: len(CELLS) // 12]  # of the obvious ways


def cell(x: Tensor, y: Tensor, shift: float, temperature: float) -> Tensor:
    """The symmetric loss at one shift and temperature, all of it done afresh."""
    delta = x.mean(dim=0) - y.mean(dim=0)
    logits = F.normalize(x - shift * delta) @ F.normalize(y + shift * delta).T / temperature
    target = torch.arange(len(x), device=x.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def clip_loss(x: Tensor, y: Tensor, shift: float, temperature: float) -> Tensor:
    """The same with open_clip's loss."""
    from open_clip.loss import ClipLoss

    delta = x.mean(dim=0) - y.mean(dim=0)
    moved = F.normalize(x - shift * delta), F.normalize(y + shift * delta)
    found: Tensor = ClipLoss()(*moved, torch.tensor(1 / temperature, device=x.device))
    return found


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
    exact = loss_landscape(x.double(), y.double(), SHIFTS[::10], TEMPERATURES).loss if n <= 5000 else None
    ours = loss_landscape(x, y, SHIFTS, TEMPERATURES).loss
    error = float((ours[::10].double() - exact).abs().max()) if exact is not None else float("nan")
    scale = len(CELLS) / len(FEW)

    def few(loss: Callable[..., Tensor]) -> Callable[[], object]:
        return lambda: [loss(x, y, shift, temperature) for shift, temperature in FEW]

    def whole() -> object:
        return loss_landscape(x, y, SHIFTS, TEMPERATURES)

    ways: dict[str, tuple[Callable[[], object], float]] = {
        "loss_landscape": (whole, 1),
        "plain loop": (few(cell), scale),
    }
    if compiled:
        ways["torch.compile of it"] = (few(torch.compile(cell, dynamic=False)), scale)
    ways["open_clip's ClipLoss"] = (few(clip_loss), scale)
    found: list[dict[str, object]] = []
    for name, (function, times) in ways.items():
        found.append(row(n, name, *measured(function, device, repeat), times, error if times == 1 else None))
    with in_passes():
        found.append(row(n, "our passes", *measured(whole, device, repeat), 1, None))
    return found


def row(n: int, name: str, taken: float, memory: float, times: float, error: float | None) -> dict[str, object]:
    print(f"  {n:>7}  {name:22} {1000 * taken * times:10.1f} ms  {memory:9.0f} MB", flush=True)
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
