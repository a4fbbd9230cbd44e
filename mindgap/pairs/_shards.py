"""Pairs that need not fit into memory: the rows of .npy files, some at a time, in one order that never changes.

What is read takes the memory of one part, whatever the size of a shard. One thread that reads is faster than what is
computed from the rows, and a library that reads ahead would have to be told which of them have been counted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _embedded
from mindgap._reprs import Readable, Shown, listed, short
from mindgap.pairs import _arrays, _npy_rows
from mindgap.pairs._npy_rows import Layout

AT_ONCE = 1024  # rows that are picked at a time

Pair = tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]


class Stamp(NamedTuple):
    """What a file was when it was first looked at: its name, its bytes, and when it was written (nanoseconds)."""

    name: str
    size: int
    written: int

    @classmethod
    def of(cls, path: Path, about: os.stat_result | None = None) -> Stamp:
        """Of a file as it is now, or as it was when it was opened."""
        about = about or path.stat()
        return cls(path.name, about.st_size, about.st_mtime_ns)


class Side(NamedTuple):
    """One side of a shard: a file, or one half of a stacked one."""

    path: Path
    half: int | None
    stamp: Stamp
    layout: Layout

    def rows(self, numbers: _npy_rows.Numbers) -> Float[Tensor, "m d"]:
        """Those of rising numbers, checked, float32 or float64.

        Raises ValueError for what is no row, or if the file is no longer what it was.
        """
        with self.path.open("rb", buffering=0) as file:
            if Stamp.of(self.path, os.fstat(file.fileno())) != self.stamp:
                raise ValueError(f"{self.path}: has been changed while it was read; start over")
            try:
                values = _npy_rows.read(file, self.layout, self.half, numbers)
            except EOFError as error:
                raise ValueError(f"{self.path}: {error}; it has been changed while it was read") from None
        return _arrays.checked_rows(str(self.path), values, numbers)


class Shard(NamedTuple):
    """Some pairs: where their two sides are, and how many."""

    x: Side
    y: Side
    n: int


@dataclass(frozen=True, eq=False, repr=False)
class Shards(Readable):
    """Pairs in files, of which some are read at a time: see `open_shards`.

    `shards` are in the order of their rows, `dimension` is d; `name`, `modalities` and `source` as in
    `PairedEmbeddings`.
    """

    shards: tuple[Shard, ...]
    dimension: int
    name: str
    modalities: tuple[str, str]
    source: str

    def __len__(self) -> int:
        return sum(shard.n for shard in self.shards)

    def _shown(self) -> Shown:
        sizes = [shard.n for shard in self.shards]
        return Shown(
            f"Shards {short(self.name)!r}: {len(self)} pairs of {listed(self.modalities)}, d = {self.dimension}, in "
            f"{len(sizes)} shards; {short(self.source, 160)}",
            ("shard", *self.modalities, "rows"),
            [(place, one.x.path.name, one.y.path.name, one.n) for place, one in enumerate(self.shards)],
        )

    @property
    def bytes(self) -> int:
        """What both sides take in memory as float32."""
        return 8 * len(self) * self.dimension

    def stamps(self) -> list[Stamp]:
        """Names, sizes and times of all files, by which a later run knows that they are the same."""
        return list(dict.fromkeys(side.stamp for shard in self.shards for side in shard[:2]))

    @cached_property
    def dtype(self) -> torch.dtype:
        """What rows are given as: float64 where one file has that, so that equal rows are equal in any two of them."""
        wide = any(side.layout.wide for shard in self.shards for side in shard[:2])
        return torch.float64 if wide else torch.float32

    def read(self, start: int, stop: int) -> Pair:
        """The pairs `start` to `stop` − 1.

        Raises ValueError, naming the file, for what is no row: NaN, infinity, all zeros; or if a file has changed.
        """
        return self._picked(torch.arange(start, stop))

    def take(self, numbers: Sequence[int] | Int[Tensor, " m"]) -> Pair:
        """The pairs of these numbers, in their order. Raises ValueError as `read` does."""
        return self._picked(torch.as_tensor(numbers))

    def _picked(self, wanted: Int[Tensor, " m"]) -> Pair:
        """A thousand at a time, so that nothing but what is given away takes memory."""
        x, y = (torch.empty(len(wanted), self.dimension, dtype=self.dtype) for _ in "xy")
        rising, order = wanted.sort(stable=True)
        ends = torch.tensor(list(accumulate(shard.n for shard in self.shards)))
        places = torch.searchsorted(ends, rising, right=True)
        for place in places.unique().tolist():
            shard = self.shards[place]
            before = int(ends[place]) - shard.n
            for some in (places == place).nonzero()[:, 0].split(AT_ONCE):
                inside, back = (rising[some] - before).unique(return_inverse=True)
                for side, into in ((shard.x, x), (shard.y, y)):
                    into[order[some]] = side.rows(inside.numpy())[back].to(self.dtype)
        return x, y


def shards_of_folder(folder: Path) -> Shards:
    """The shards of a folder with img_emb/ and text_emb/, in numeric order; errors as in `load_pairs`."""
    manifest = _embedded.read_manifest(folder)
    numbered = _arrays.numbered_shards(folder, manifest)
    found = [_pair_of_files(*paths) for paths in numbered.values()]
    if manifest is None:
        _arrays.warn_of_missing(folder, numbered, len(found))
    return _shards(found, folder.name, f"the shards in {folder}")


def shards_of_files(members: Sequence[_arrays.Member]) -> Shards:
    """Two .npy files, or one of shape (2, n, d), as one shard."""
    for member in members:
        if member.path.suffix.lower() != ".npy" or member.key is not None:
            raise ValueError(
                f"{member}: expected a .npy file, of which some rows can be read without the others; only a folder of "
                "such shards, two such files, or one of shape (2, n, d) can be streamed"
            )
    name, source = ",".join(member.name for member in members), f"rows of {' and '.join(map(str, members))}"
    if len(members) == 2:
        return _shards([_pair_of_files(members[0].path, members[1].path)], name, source)
    path = members[0].path
    layout = _npy_rows.layout(path)
    if len(layout.shape) != 3 or layout.shape[0] != 2:
        raise ValueError(f"{path}: expected both sides, as one array of shape (2, n, d), got {layout.shape}")
    x, y = (Side(path, half, Stamp.of(path), layout) for half in (0, 1))
    return _shards([(Shard(x, y, layout.shape[1]), layout.shape[2])], name, source)


def _pair_of_files(*paths: Path) -> tuple[Shard, int]:
    """A shard and its dimension."""
    x, y = (Side(path, None, Stamp.of(path), _npy_rows.layout(path)) for path in paths)
    for side in (x, y):
        if len(side.layout.shape) != 2:
            raise ValueError(f"{side.path}: expected shape (n, d), got {side.layout.shape}")
    _arrays.same_shape((str(x.path), str(y.path)), x.layout.shape, y.layout.shape)
    n, d = x.layout.shape
    return Shard(x, y, n), d


def _shards(found: Sequence[tuple[Shard, int]], name: str, source: str) -> Shards:
    dimension = found[0][1]
    for shard, d in found:
        if shard.n < 1 or d < 1:
            raise ValueError(f"{shard.x.path}: expected at least 1 row and 1 column, got shape {(shard.n, d)}")
        if d != dimension:
            raise ValueError(f"{shard.x.path}: expected {dimension} columns, as in the shards before it, got {d}")
    result = Shards(tuple(shard for shard, _ in found), dimension, name, ("image", "text"), source)
    if len(result) < 2:
        raise ValueError(f"{name}: expected at least 2 rows, got {len(result)}")
    return result
