"""200,000 pairs of 512 numbers in float16, at the prompt and in the explorer: when numbers come, in how much memory.

    python benchmarks/large.py                    # two or three minutes
    python benchmarks/large.py FOLDER --csv benchmarks/large.csv

Two files of 205 MB are written to FOLDER, or to a temporary folder, and removed. The command and the explorer each run
in a process of their own, the explorer on an event loop as in a notebook. Of the explorer it is also told how long the
loop was kept from anything else at most, which is how long another cell would have waited, and how soon *cancel* was
obeyed while recall was being measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _machine import introduce, machine, write

PAIRS, DIMENSION = 200_000, 512
OFTEN = 0.02  # seconds between two looks at the loop


def make(folder: Path) -> list[str]:
    """Matched rows around two centres, in two files."""
    random = np.random.default_rng(0)
    common = random.standard_normal((PAIRS, DIMENSION), dtype="f4")
    paths = []
    for name, offset in (("image", 0.3), ("text", -0.3)):
        own = common + random.standard_normal(common.shape, dtype="f4") + np.float32(offset)
        path = folder / f"{name}.npy"
        np.save(path, (own / np.linalg.norm(own, axis=1, keepdims=True)).astype("f2"))
        paths.append(str(path))
    return paths


def at_the_prompt(paths: list[str]) -> dict[str, Any]:
    """When `mindgap gap` prints its first number, and when it has ended."""
    start, first = time.perf_counter(), None
    process = subprocess.Popen([sys.executable, "-m", "mindgap", "gap", *paths], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if first is None and "gap distance" in line:
            first = time.perf_counter() - start
    process.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"first number": first, "all": time.perf_counter() - start, "processor": used.ru_utime + used.ru_stime,
            "GB": used.ru_maxrss / 1e6}  # fmt: skip


async def in_the_explorer(paths: list[str]) -> dict[str, Any]:
    """When the explorer shows its first number, its chart and all; then the same again, cancelled at recall."""
    start, start_used = time.perf_counter(), time.process_time()
    from mindgap import widgets

    found: dict[str, Any] = {"imported": time.perf_counter() - start}
    start = time.perf_counter()
    made = widgets.gap_explorer(*paths)
    found["cell"] = time.perf_counter() - start
    longest = 0.0
    while made._worker.current:
        before = time.perf_counter()
        await asyncio.sleep(OFTEN)
        longest = max(longest, time.perf_counter() - before - OFTEN)
        for name, there in (("chart", bool(made.chart.spec)), ("first number", "gap distance" in made.readout.value)):
            if there:
                found.setdefault(name, time.perf_counter() - start)
    found |= {"all": time.perf_counter() - start, "longest on the loop": longest,
              "processor": time.process_time() - start_used}  # fmt: skip
    assert made.message.value == "", made.message.value
    for one in made._measured.values():
        del one["recall_xy"]
    made.redraw()
    while "R@1" not in made.message.value:
        await asyncio.sleep(OFTEN)
    start = time.perf_counter()
    made.cancel.click()
    while made._worker.current:
        await asyncio.sleep(OFTEN)
    return found | {"cancelled after": time.perf_counter() - start,
                    "GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where the two files are written")
    parser.add_argument("--csv", type=Path, help="write the table there")
    parser.add_argument("--explorer", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.explorer:
        print(json.dumps(asyncio.run(in_the_explorer(options.explorer))))
        return
    introduce()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        paths = make(Path(folder))
        rows: list[dict[str, Any]] = [{"where": "prompt", **at_the_prompt(paths)}]
        ran = subprocess.run(
            [sys.executable, __file__, "--explorer", *paths], capture_output=True, text=True, check=True
        )
        rows.append({"where": "explorer", **json.loads(ran.stdout)})
    names = list(dict.fromkeys(name for row in rows for name in row))
    on = machine()
    table = [{name: round(row[name], 2) if isinstance(row.get(name), float) else row.get(name, "") for name in names}
             | {"on": f"{on['cpu']}, {on['cores']} cores, torch {on['torch']}"} for row in rows]  # fmt: skip
    for row in table:
        print(", ".join(f"{name} {value}" for name, value in row.items() if value != "" and name != "on"))
    if options.csv:
        write(table, options.csv)


if __name__ == "__main__":
    main()
