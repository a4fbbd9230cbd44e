"""What the measures of a gap cost, against the obvious ways, on the same inputs in one process.

    python benchmarks/metrics.py                   # about two minutes
    python benchmarks/metrics.py --csv mindgap/results/speed_metrics.csv

The cheap measures of 100,000 pairs (`metrics.LINEAR`) are timed together; some have an obvious way that makes all n²
cosines, timed on fewer rows. The obvious Fréchet distance takes a matrix root by Schur decomposition, as public codes
of the FID do, and the obvious effective rank the singular values of all rows.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
from _machine import introduce, machine, seconds, write
from torch import Tensor

from mindgap import metrics
from mindgap.geometry import normalize

MANY, FEW, DIMENSION = 100_000, 4_000, 512


def pairs(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rows in two cones, matched, with a spectrum that falls as that of real embeddings does."""
    random = torch.Generator().manual_seed(seed)
    scale = torch.arange(1, DIMENSION + 1) ** -0.5
    common = torch.randn(n, DIMENSION, generator=random) * scale
    return tuple(
        normalize(common + 0.5 * torch.randn(n, DIMENSION, generator=random) * scale + offset) for offset in (0.1, -0.1)
    )  # type: ignore[return-value]


def all_cosines(x: Tensor, y: Tensor) -> float:
    """RMG by making every cosine."""
    n = len(x)
    off = ~torch.eye(n, dtype=torch.bool)
    within = [((1 - one @ one.T) / 2)[off].mean() for one in (x, y)]
    matched = ((1 - (x @ y.T).diagonal()) / 2).mean()
    return float(matched / (matched + (within[0] + within[1]) / 2))


def all_distances(x: Tensor, y: Tensor) -> float:
    """Joint uniformity by making every distance."""
    both = torch.cat([x, y])
    squares = torch.cdist(both, both).square()[~torch.eye(len(both), dtype=torch.bool)]
    return float((-2 * squares).exp().mean().log())


def matrix_root(x: Tensor, y: Tensor) -> float:
    """The Fréchet distance by scipy's root of the product of the covariances."""
    u, v = x.double().numpy(), y.double().numpy()
    a, b = np.cov(u.T), np.cov(v.T)
    between = u.mean(axis=0) - v.mean(axis=0)
    return float(between @ between + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real))


def all_singular_values(x: Tensor, y: Tensor) -> float:
    """The effective rank of x by the singular values of its rows."""
    shares = torch.linalg.svdvals(x.double() - x.double().mean(dim=0))
    shares = shares / shares.sum()
    return float(torch.special.entr(shares).sum().exp())


CASES: dict[str, tuple[Callable[[Tensor, Tensor], float], Callable[[Tensor, Tensor], float]]] = {
    "rmg_cosine": (metrics.relative_modality_gap, all_cosines),
    "uniformity_joint": (metrics.joint_uniformity, all_distances),
    "frechet_distance": (metrics.frechet_distance, matrix_root),
    "effective_rank_x": (lambda x, _: metrics.effective_rank(x), all_singular_values),
}


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path)
    out = parser.parse_args().csv
    introduce()
    rows: list[dict[str, object]] = []
    x, y = pairs(FEW)
    for name, (ours, obvious) in CASES.items():
        ours(x, y)
        times = [statistics.median(seconds(call, x, y) for _ in range(3)) for call in (ours, obvious)]
        difference = abs(ours(x, y) - obvious(x, y))
        rows.append(
            {"what": name, "n": FEW, "d": DIMENSION, "seconds": round(times[0], 4),
             "obvious_seconds": round(times[1], 4), "ratio": round(times[1] / times[0], 2),
             "difference": float(f"{difference:.1e}")}
        )  # fmt: skip
    x, y = pairs(MANY)
    whole = seconds(lambda: metrics.report(x, y, only=metrics.LINEAR))
    rows.append({"what": "all of metrics.LINEAR", "n": MANY, "d": DIMENSION, "seconds": round(whole, 2),
                 "obvious_seconds": "", "ratio": "", "difference": ""})  # fmt: skip
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items() if value != ""))
    if out:
        write([{**row, **machine()} for row in rows], out)


if __name__ == "__main__":
    main()
