"""Pairs that need not fit into memory: the rows of .npy files, some at a time, in one order that never changes.

The files are mapped a part at a time and let go, so that what is read takes the memory of one part, whatever the size
of a shard. Mapping is enough: one thread that copies pages is faster than what is computed from them, and a library
that reads ahead would have to be told which rows have been counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap._reprs import Readable, Shown, listed, short
from mindgap.pairs import _arrays, _formats

Pair = tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]


class Stamp(NamedTuple):
    """What a file was when it was first looked at: its name, its bytes, and when it was written (nanoseconds)."""

    name: str
    size: int
    written: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Of a file as it is now."""
        about = path.stat()
        return cls(path.name, about.st_size, about.st_mtime_ns)


class Side(NamedTuple):
    """One side of a shard: a file, or one half of a stacked one."""

    path: Path
    half: int | None
    stamp: Stamp

    def array(self) -> Any:
        """The numbers, mapped anew. Raises ValueError if the file is no longer what it was."""
        if Stamp.of(self.path) != self.stamp:
            raise ValueError(f"{self.path}: has been changed while it was read; start over")
        return _formats.stored(self.path)[""]

    def rows(self, chosen: slice | Any) -> Any:
        """Some rows, by a slice or by rising numbers."""
        array = self.array()
        return array[chosen] if self.half is None else array[self.half, chosen]


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

    def read(self, start: int, stop: int) -> Pair:
        """The pairs `start` to `stop` − 1, float32, or float64 where a file has that.

        Raises ValueError, naming the file, for what is no row: NaN, infinity, all zeros; or if a file has changed.
        """
        parts = [
            (self._checked(shard.x, slice(first, last)), self._checked(shard.y, slice(first, last)))
            for shard, first, last in self._overlaps(start, stop)
        ]
        return _joined(parts)

    def take(self, numbers: Sequence[int] | Int[Tensor, " m"]) -> Pair:
        """The pairs of these numbers, in their order. Raises ValueError as `read` does."""
        wanted = torch.as_tensor(numbers)
        rising, back = wanted.unique(return_inverse=True)
        ends = torch.tensor(list(accumulate(shard.n for shard in self.shards)))
        places = torch.searchsorted(ends, rising, right=True)
        parts = []
        for place in places.unique().tolist():
            shard = self.shards[place]
            inside = (rising[places == place] - (int(ends[place]) - shard.n)).numpy()
            parts.append((self._checked(shard.x, inside), self._checked(shard.y, inside)))
        x, y = _joined(parts)
        return x[back], y[back]

    def _overlaps(self, start: int, stop: int) -> Iterator[tuple[Shard, int, int]]:
        """The shards that have some of the rows, and which of theirs these are."""
        before = 0
        for shard in self.shards:
            first, last = max(start - before, 0), min(stop - before, shard.n)
            if first < last:
                yield shard, first, last
            before += shard.n

    @staticmethod
    def _checked(side: Side, chosen: slice | np.ndarray) -> Float[Tensor, "n d"]:
        where = f" from row {chosen.start} on" if isinstance(chosen, slice) else f" rows {chosen[0]} to {chosen[-1]}"
        return _arrays.checked_rows(f"{side.path},{where}", side.rows(chosen))


def _joined(parts: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    if len(parts) == 1:
        return parts[0]
    x, y = (torch.cat(side) for side in zip(*parts, strict=True))
    return x, y


def shards_of_folder(folder: Path) -> Shards:
    """The shards of a folder with img_emb/ and text_emb/, in numeric order; errors as in `load_pairs`."""
    numbered = _arrays.numbered_shards(folder)
    found = [_pair_of_files(*paths) for paths in numbered.values()]
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
    array = _formats.stored(path)[""]
    if len(array.shape) != 3 or array.shape[0] != 2:
        raise ValueError(f"{path}: expected both sides, as one array of shape (2, n, d), got {tuple(array.shape)}")
    stamp = Stamp.of(path)
    return _shards([(Shard(Side(path, 0, stamp), Side(path, 1, stamp), array.shape[1]), array.shape[2])], name, source)


def _pair_of_files(x: Path, y: Path) -> tuple[Shard, int]:
    """A shard and its dimension."""
    arrays = [_formats.stored(path)[""] for path in (x, y)]
    for path, array in zip((x, y), arrays, strict=True):
        if len(array.shape) != 2:
            raise ValueError(f"{path}: expected shape (n, d), got {tuple(array.shape)}")
    _arrays.same_shape((str(x), str(y)), *arrays)
    n, d = arrays[0].shape
    return Shard(Side(x, None, Stamp.of(x)), Side(y, None, Stamp.of(y)), n), d


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
