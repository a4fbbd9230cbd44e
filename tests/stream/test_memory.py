"""What a stream with its samples adds to the memory of its process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

ADDED = 370
"""MB. It was 264 when this was written, and 488 before, when rows were mapped and all samples were held at once."""

CODE = """
import json, sys
from pathlib import Path
from mindgap import metrics, pairs, stream
def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000
only = ["frechet_distance", "recall_chance_grouped", "uniformity_joint", "median_rank_xy", "recall_xy"]
stream.report(pairs.open_shards(sys.argv[1]), only=only)  # libraries are loaded when they are first asked
Path("/proc/self/clear_refs").write_text("5")
before = most()
found = stream.report(pairs.open_shards(sys.argv[2]), only=only)
print(json.dumps({"added": most() - before, "sampled": len(found.sampled), "passes": found.passes}))
"""


def write(folder: Path, shards: int, rows: int, dimension: int) -> Path:
    for side, offset in (("img_emb", 0.1), ("text_emb", -0.1)):
        (folder / side).mkdir(parents=True)
        for number in range(shards):
            values = np.random.default_rng(number).standard_normal((rows, dimension), dtype="f4") + np.float32(offset)
            np.save(folder / side / f"{side}_{number}.npy", values.astype("f2"))
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="the most memory that a process had is told by Linux")
def test_every_measure_with_its_samples_takes_little_more_than_torch(tmp_path: Path) -> None:
    few, many = write(tmp_path / "few", 1, 60, 128), write(tmp_path / "many", 2, 7_000, 256)
    ran = subprocess.run(
        [sys.executable, "-c", CODE, few, many], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, cwd=tmp_path,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert (found["sampled"], found["passes"]) == (3, 2)
    assert found["added"] < ADDED, found
