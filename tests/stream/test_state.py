"""Killed anywhere, a run goes on where it was and counts nothing twice; it never goes on with other shards."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mindgap import _files, pairs, stream
from mindgap.pairs import Shards
from mindgap.stream import _walk


class Killed(BaseException):
    """What ends a process."""


def killed_after(monkeypatch: pytest.MonkeyPatch, reads: int) -> dict[str, int]:
    """`Shards.read` ends the run at its next call after so many."""
    counted = {"reads": 0}
    read = Shards.read

    def counting(self: Shards, start: int, stop: int) -> Any:
        counted["reads"] += stop - start > 1  # and not the look at what kind of numbers they are
        if counted["reads"] > reads:
            raise Killed
        return read(self, start, stop)

    monkeypatch.setattr(Shards, "read", counting)
    return counted


ONLY = ["gap_distance", "distinct_x", "linear_probe", "residual_frechet"]


def measures(shards: Shards, state: Path | None) -> list[float]:
    """Of two passes."""
    return list(stream.report(shards, 2, only=ONLY, state=state).measures.values())


def losses(shards: Shards, state: Path | None) -> list[float]:
    """Of three passes."""
    found = stream.landscape(shards, [-0.5, 0, 0.5], [0.1, 1.0], 50, state=state)
    return torch.stack([found.landscape.loss, found.half]).flatten().tolist()


CALLS: dict[str, tuple[Callable[[Shards, Path | None], list[float]], int]] = {
    "report": (measures, 8),
    "landscape": (losses, 12),
}
"""And how many units of work they have."""


@pytest.mark.parametrize("name", CALLS)
def test_killed_at_every_unit_it_gives_what_it_gives_in_one_go(
    shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(_walk, "TILE", 2048)  # one read a unit
    call, units = CALLS[name]
    whole = call(shards, None)
    state = tmp_path / "kept.safetensors"
    for _ in range(units - 1):
        with monkeypatch.context() as patched:
            killed_after(patched, 1)
            with pytest.raises(Killed):
                call(shards, state)
    with monkeypatch.context() as patched:
        counted = killed_after(patched, 1)
        found = call(shards, state)
        assert counted["reads"] == 1
        assert call(shards, state) == found  # from the file alone
        assert counted["reads"] == 1
    assert found == whole
    assert state.exists()


def test_what_is_kept_is_never_mixed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    state = tmp_path / "kept.safetensors"
    with monkeypatch.context() as patched:
        killed_after(patched, 4)
        with pytest.raises(Killed):
            stream.report(pairs.open_shards(copy), only=ONLY, state=state)
    before = state.read_bytes()
    with pytest.raises(ValueError, match=r"is of another run: only \['distinct_x'.* there, \['gap_distance'\] here"):
        stream.report(pairs.open_shards(copy), only=["gap_distance"], state=state)
    with pytest.raises(ValueError, match="is of another run: what 'report' there, 'landscape' here"):
        stream.landscape(pairs.open_shards(copy), state=state)
    text = copy / "text_emb" / "text_emb_1.npy"
    rows = np.load(text)
    np.save(text, rows[::-1])
    os.utime(text, ns=(1, 1))
    with pytest.raises(ValueError, match=r"the file text_emb_1.npy is not the one that was read"):
        stream.report(pairs.open_shards(copy), only=ONLY, state=state)
    assert state.read_bytes() == before


def test_hashes_that_were_lost_are_told(shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "kept.safetensors"
    with monkeypatch.context() as patched:
        killed_after(patched, 4)
        with pytest.raises(Killed):
            stream.report(shards, only=ONLY, state=state)
    (tmp_path / "kept.safetensors.rows").unlink()
    with pytest.raises(ValueError, match=r"belongs to the kept state beside it and is missing"):
        stream.report(shards, only=ONLY, state=state)


def test_another_file_is_not_written_over(shards: Shards, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    _files.write_tensors(model, {"recipe": {}}, {"w": torch.ones(2)})
    before = model.read_bytes()
    with pytest.raises(ValueError, match="expected the kept state of a stream"):
        stream.report(shards, only=["gap_distance"], state=model)
    assert model.read_bytes() == before
    with pytest.raises(ValueError, match=r"expected a name ending in \.safetensors"):
        stream.report(shards, only=["gap_distance"], state=tmp_path / "kept.txt")


def test_a_damaged_state_is_told_with_what_mends_it(shards: Shards, tmp_path: Path) -> None:
    state = tmp_path / "kept.safetensors"
    stream.report(shards, only="gap_distance", state=state)
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"kept.safetensors: not a whole .*; name another file, or remove this one"):
        stream.report(shards, only="gap_distance", state=state)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit to the size of a file")
def test_a_disk_that_is_full_is_an_error_with_the_name_of_the_file(shards: Shards, tmp_path: Path) -> None:
    """A mapped file of hashes would end the process with a signal. The limit stands for the disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*kept.safetensors.rows'"):
            stream.report(shards, only=["distinct_x"], state=tmp_path / "kept.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_shard_that_changes_while_it_is_read_is_told(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    shards = pairs.open_shards(copy)
    os.utime(copy / "img_emb" / "img_emb_2.npy", ns=(1, 1))
    with pytest.raises(ValueError, match=r"img_emb_2.npy: has been changed while it was read"):
        stream.report(shards, only=["gap_distance"])
