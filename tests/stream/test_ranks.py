"""Shared by torchrun, the numbers are those of one process; where one dies, all end and say so."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mindgap import metrics, pairs, stream
from mindgap.stream import _ranks
from tests.stream import shared_run
from tests.waiting import HANG

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
ROOT = Path(__file__).parents[2]


def torchrun(processes: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """What torchrun does; it must end by itself."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [*TORCHRUN, str(processes), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG, env=environment)


def numbers(found: Any) -> Iterator[float]:
    """All of them, in order."""
    for part in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from numbers(part)
    if isinstance(found, int | float):
        yield float(found)


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, Any]:
    return shared_run.found(pairs.open_shards(folder), stream.Ranks())


@pytest.mark.parametrize("processes", [2, 3])
def test_any_number_of_processes_gives_what_one_gives(folder: Path, alone: dict[str, Any], processes: int) -> None:
    ran = torchrun(processes, shared_run.__file__, folder)
    assert ran.returncode == 0, ran.stderr
    (line,) = ran.stdout.splitlines()  # rank 0 alone prints
    found = list(numbers(json.loads(line)))
    assert len(found) > 80
    assert found == pytest.approx(list(numbers(alone)), rel=0, abs=1e-12, nan_ok=True)
    assert set(alone["measures"]) == set(metrics.MEASURES)


def test_a_process_that_dies_ends_all_with_a_message(folder: Path) -> None:
    ran = torchrun(3, shared_run.__file__, folder, "1")
    assert ran.returncode != 0
    assert ran.stdout == ""
    assert "Signal 9 (SIGKILL)" in ran.stderr
    assert "rank      : 1" in ran.stderr


def test_the_command_under_torchrun(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    words = ("-m", "mindgap", "gap", folder, "--only", "gap_distance", "-o", out)
    ran = torchrun(2, *words)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("found.json") == 1
    found = json.loads(out.read_text())
    expected = stream.report(pairs.open_shards(folder), only=["gap_distance"]).measures
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found["streamed"] == {"passes": 1}


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    with stream.joined() as ranks:
        assert ranks == stream.Ranks(0, 1)
        assert ranks.first
        assert ranks.announced({"a": [1, math.pi]}) == {"a": [1, math.pi]}
    assert not stream.started_by_torchrun()


def test_a_connection_that_breaks_is_told_in_a_line() -> None:
    with pytest.raises(ConnectionError) as told, _ranks._connected():
        raise RuntimeError("peer. This is typically caused by a remote worker crashing.\nand a page more")
    assert str(told.value) == "another process of this run has ended, and so does this one (peer)"


def test_sums_keep_their_names_shapes_and_bits_on_the_way() -> None:
    parts = {
        "sum": torch.randn(2, 3, dtype=torch.float64), "one": torch.tensor(2.5, dtype=torch.float64),
        "hashes": torch.tensor([[-(2**63), 2**63 - 1], [0x7FF0000000000001, -1]]),
    }  # fmt: skip
    form = {name: (part.shape, part.dtype) for name, part in parts.items()}
    back = _ranks._unflat(_ranks._flat(parts), form)
    assert all(torch.equal(back[name], part) and back[name].dtype == part.dtype for name, part in parts.items())
