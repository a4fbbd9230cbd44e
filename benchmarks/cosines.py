"""What mean cosines and histograms cost, against the obvious ways, on the same inputs in one process.

    python benchmarks/cosines.py                   # about a minute
    python benchmarks/cosines.py --csv mindgap/results/speed_cosines.csv

The obvious mean multiplies every row with every other, n²d operations, here in tiles so that it fits in memory;
`mean_cosine` needs n·d, by one line of algebra. The obvious histogram keeps all n² cosines.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np
import torch
from _machine import introduce, machine, seconds, write
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mindgap.cones import cosine_histogram
from mindgap.geometry import mean_cosine, normalize

BINS = 100


class Largest(TorchDispatchMode):
    """The bytes of the largest tensor that any operation makes."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.bytes = max(self.bytes, leaf.numel() * leaf.element_size())
        return result


def cloud(n: int, d: int) -> Tensor:
    """Rows of norms near 20 in a cone like that of CLIP's images, whose mean cosine is .53."""
    generator = torch.Generator().manual_seed(0)
    axis = normalize(torch.randn(1, d, generator=generator, dtype=torch.float64))
    rows = 0.53**0.5 * axis + 0.47**0.5 * normalize(torch.randn(n, d, generator=generator, dtype=torch.float64))
    return rows * (20 + torch.randn(n, 1, generator=generator, dtype=torch.float64))


def all_pairs(x: Tensor) -> float:
    """The mean over all n² products, less the diagonal; 1,000 rows at a time."""
    unit = normalize(x)
    total = sum(float((rows @ unit.T).sum()) for rows in unit.split(1000))
    return (total - float(unit.square().sum())) / (len(x) * (len(x) - 1))


def kept_histogram(x: Tensor) -> np.ndarray:
    """The histogram of the whole matrix of cosines, less its diagonal."""
    unit = normalize(x)
    cosines = (unit @ unit.T).numpy()
    return np.histogram(cosines[~np.eye(len(x), dtype=bool)].clip(-1, 1), BINS, (-1, 1))[0]


def measure_mean(n: int, d: int, repeat: int) -> dict[str, object]:
    x = cloud(n, d)
    mean_cosine(x[:100])
    rounds = [(seconds(mean_cosine, x), seconds(all_pairs, x)) for _ in range(repeat)]
    ours, obvious = (statistics.median(column) for column in zip(*rounds, strict=True))
    difference = abs(mean_cosine(x) - all_pairs(x))
    print(f"mean cosine, n = {n}, d = {d}, float64, medians of {repeat} turns")
    print(f"  mean_cosine    {ours * 1e3:10.1f} ms")
    print(f"  all pairs      {obvious * 1e3:10.1f} ms")
    print(f"  ratio          {obvious / ours:10.1f}")
    print(f"  difference     {difference:10.1e}", flush=True)
    return row("mean_cosine", n, d, ours, obvious, f"{difference:.1e}", "")


def measure_histogram(n: int, d: int, repeat: int) -> dict[str, object]:
    x = cloud(n, d).float()
    cosine_histogram(x[:100])
    rounds = [(seconds(cosine_histogram, x, BINS), seconds(kept_histogram, x)) for _ in range(repeat)]
    ours, obvious = (statistics.median(column) for column in zip(*rounds, strict=True))
    with Largest() as largest:
        counts = cosine_histogram(x, BINS).counts.numpy()
    moved = np.abs(counts - kept_histogram(x)).sum() / 2
    share = largest.bytes / (4 * n**2)
    print(f"histogram of all pairs, n = {n}, d = {d}, float32, {BINS} bins, medians of {repeat} turns")
    print(f"  cosine_histogram {ours:8.2f} s")
    print(f"  whole matrix     {obvious:8.2f} s")
    print(f"  ratio            {obvious / ours:8.1f}")
    print(f"  largest tensor   {largest.bytes / 2**20:8.1f} MB ({share:.1%} of a float32 matrix of all pairs)")
    print(f"  pairs in another bin {moved:.0f} of {n * (n - 1)} (rounding at the edges)", flush=True)
    return row("cosine_histogram", n, d, ours, obvious, f"{moved:.0f} pairs", f"{largest.bytes / 2**20:.1f}")


def row(what: str, n: int, d: int, ours: float, obvious: float, difference: str, largest: str) -> dict[str, object]:
    """One line of the table."""
    return {
        "what": what,
        "n": n,
        "d": d,
        "ours_s": f"{ours:.4f}",
        "obvious_s": f"{obvious:.4f}",
        "ratio": f"{obvious / ours:.1f}",
        "difference": difference,
        "largest_tensor_mb": largest,
        **machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20_000, help="rows for the mean (20000)")
    parser.add_argument("--histogram-n", type=int, default=5_000, help="rows for the histograms (5000)")
    parser.add_argument("--d", type=int, default=512, help="dimensions (512)")
    parser.add_argument("--threads", type=int, default=2, help="threads torch may use (2)")
    parser.add_argument("--repeat", type=int, default=3, help="turns, of which the median counts (3)")
    parser.add_argument("--csv", type=Path, help="where to write the figures, replacing what an earlier run wrote")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    introduce()
    rows = [
        measure_mean(arguments.n, arguments.d, arguments.repeat),
        measure_histogram(arguments.histogram_n, arguments.d, arguments.repeat),
    ]
    if arguments.csv:
        write(rows, arguments.csv)


if __name__ == "__main__":
    main()
