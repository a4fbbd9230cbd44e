"""Shards that are streamed: equal to numpy on all rows, in how much time and memory, and what that means for more.

    python benchmarks/stream.py                        # two shards of 20,000 pairs; a minute or two
    python benchmarks/stream.py FOLDER --shards 10 --rows 100000 --csv benchmarks/stream.csv

The second writes 2 GB of shards to FOLDER, and removes them: ten of 100,000 × 512 in float16 on either side, drawn in
cones with a spectrum that falls as that of embeddings does. The measures of one and of two passes, and a landscape of
sampled rows, are taken in a process of their own, which says how much memory it had at most. numpy, which maps the same
files, computes means, covariances and distances in float64 by other formulas, and the largest difference is printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _machine import introduce, machine, most_memory, write

DIMENSION = 512
ONE_PASS = [
    "gap_distance", "pair_distance", "matched_cosine", "mean_cosine_x", "mean_cosine_y", "frechet_distance",
    "effective_rank_x",
]  # fmt: skip
GB = 2**20 / 1e9  # of which a MB of memory is so many
CASES: dict[str, dict[str, Any]] = {
    "means and distances, one pass": {"only": ONE_PASS[:5]},
    "with covariances, one pass": {"only": ONE_PASS},
    "every measure, two passes": {"only": None},
    "landscape, 30 rows": {"rows": 30},
}


def make(folder: Path, shards: int, rows: int) -> None:
    """Matched rows around two centres."""
    scale = (np.arange(1, DIMENSION + 1) ** -0.5).astype("f4")
    for side in ("img_emb", "text_emb"):
        (folder / side).mkdir(parents=True, exist_ok=True)
    for number in range(shards):
        random = np.random.default_rng(number)
        common = random.standard_normal((rows, DIMENSION), dtype="f4") * scale
        for side, offset in (("img_emb", 0.1), ("text_emb", -0.1)):
            own = common + 0.5 * random.standard_normal((rows, DIMENSION), dtype="f4") * scale + np.float32(offset)
            np.save(folder / side / f"{side}_{number}.npy", own.astype("f2"))


def measured(folder: Path, case: str) -> dict[str, Any]:
    """What a new process finds, how long it takes, and its memory at most."""
    ran = subprocess.run(
        [sys.executable, __file__, str(folder), "--case", case], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def one_case(folder: Path, case: str) -> None:
    """Print what `measured` reads."""
    from mindgap import pairs, stream

    shards, start = pairs.open_shards(folder), time.perf_counter()
    options = CASES[case]
    before = most_memory() * GB
    if "rows" in options:
        found = {"rows": stream.landscape(shards, rows=options["rows"]).rows}
    else:
        found = stream.report(shards, only=options["only"]).measures
    print(json.dumps({
        "values": found, "seconds": time.perf_counter() - start, "processor": time.process_time(), "start": before,
        "peak": most_memory() * GB,
    }))  # fmt: skip


def by_numpy(folder: Path) -> dict[str, float]:
    """The measures of one pass by other formulas: raw sums, and singular values of the product of covariances."""
    sums: dict[str, Any] = {}
    n = 0
    for path in sorted((folder / "img_emb").iterdir()):
        sides = [
            np.load(path, mmap_mode="r"),
            np.load(folder / "text_emb" / path.name.replace("img", "text"), mmap_mode="r"),
        ]
        for start in range(0, len(sides[0]), 10_000):
            x, y = (np.array(side[start : start + 10_000], dtype="f8") for side in sides)
            x, y = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (x, y))
            n += len(x)
            parts = {"x": x.sum(axis=0), "y": y.sum(axis=0), "xx": x.T @ x, "yy": y.T @ y,
                     "cosine": (x * y).sum(), "distance": np.linalg.norm(x - y, axis=1).sum()}  # fmt: skip
            sums = {name: sums.get(name, 0) + part for name, part in parts.items()}
    mean = {side: sums[side] / n for side in "xy"}
    covariance = {side: (sums[2 * side] - n * np.outer(mean[side], mean[side])) / (n - 1) for side in "xy"}
    spectrum = np.linalg.eigvals(covariance["x"] @ covariance["y"]).real.clip(0)
    gap = mean["x"] - mean["y"]
    shares = np.sqrt(np.linalg.eigvalsh(covariance["x"]).clip(0))
    shares /= shares.sum()
    return {
        "gap_distance": float(np.linalg.norm(gap)),
        "pair_distance": sums["distance"] / n,
        "matched_cosine": sums["cosine"] / n,
        **{f"mean_cosine_{side}": (sums[side] @ sums[side] - n) / (n * (n - 1)) for side in "xy"},
        "frechet_distance": float(
            gap @ gap + np.trace(covariance["x"] + covariance["y"]) - 2 * np.sqrt(spectrum).sum()
        ),
        "effective_rank_x": float(np.exp(-(shares * np.log(shares)).sum())),
    }


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where there is room for the shards")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--rows", type=int, default=20_000, help="of each shard")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        one_case(given.folder, given.case)
        return
    introduce()
    folder = Path(tempfile.mkdtemp(prefix="mindgap-shards-", dir=given.folder))
    rows: list[dict[str, object]] = []
    try:
        make(folder, given.shards, given.rows)
        start = time.perf_counter()
        expected = by_numpy(folder)
        print(f"numpy: {time.perf_counter() - start:.0f} s")
        for case in CASES:
            found = measured(folder, case)
            differences = [
                abs(found["values"][name] - value) for name, value in expected.items() if name in found["values"]
            ]
            rows.append({
                "what": case, "pairs": given.shards * given.rows, "dimension": DIMENSION,
                "seconds": round(found["seconds"], 1), "processor seconds": round(found["processor"], 1),
                "peak GB": round(found["peak"], 2), "of which torch": round(found["start"], 2),
                "difference": f"{max(differences):.0e}" if differences else "",
            })  # fmt: skip
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items() if value != ""), flush=True)
    finally:
        shutil.rmtree(folder)
    if given.csv:
        write([{**row, **machine()} for row in rows], given.csv)


if __name__ == "__main__":
    main()
