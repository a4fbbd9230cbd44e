"""Which rows are equal, where there are too many to remember: 64-bit hashes in a file, looked at a part at a time.

A row is hashed by its bytes, as `geometry.row_groups` does. The hashes of a row of x and of its row of y are 16 bytes
in a file; different rows with one hash are to be expected once in 10⁵ streams of 10⁷ rows. To count the different ones,
the file is read once for each part of all possible hashes, of which each fits into memory.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mindgap.stream._walk import Span

AT_ONCE = 2**22  # hashes in memory

Hashes = NDArray[np.uint64]


def hashed(x: Float[Tensor, "b d"], y: Float[Tensor, "b d"]) -> Int[Tensor, "b 2"]:
    """A number for each row of both, as the rows were read."""
    sides = []
    for rows in (x, y):
        values = (rows + 0.0).contiguous().cpu().numpy()  # −0 and 0 are equal but differ in their bytes
        digests = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in values)
        sides.append(np.frombuffer(digests, dtype=np.int64))
    return torch.from_numpy(np.stack(sides, axis=1))


class Equal:
    """The hashes of n pairs, in a file, of which a part is read at a time."""

    def __init__(self, path: Path, n: int, kept: bool, lasting: bool) -> None:
        """`kept`: whether the file holds what an earlier run has put there. Raises ValueError if it does not.

        `lasting`: whether a later run may want it, and the disk has to have it before anything says so.
        """
        size = 16 * n
        if kept and not (path.is_file() and path.stat().st_size == size):
            raise ValueError(f"{path}: belongs to the kept state beside it and is missing or cut short; "
                             "remove both and start over")  # fmt: skip
        self._file = path.open("r+b" if kept else "w+b", buffering=0)
        self.n, self._path, self._lasting = n, path, lasting
        if not kept:
            try:
                with self._named():
                    self._file.truncate(size)
            except OSError:
                self.close()
                raise

    def close(self) -> None:
        """To be called at the end."""
        self._file.close()

    def put(self, span: Span, hashes: Int[Tensor, "b 2"]) -> None:
        """Those of some rows, written before anything says that they were."""
        with self._named():
            _write(self._file, 16 * span[0], hashes.numpy())
            if self._lasting:
                os.fsync(self._file.fileno())

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What the disk refuses is told with the name of the file."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    def _some(self, start: int, stop: int) -> Hashes:
        """Those of some rows, of x beside those of y."""
        found: Hashes = _read(self._file, 16 * start, 2 * (min(stop, self.n) - start), np.dtype(np.uint64))
        return found.reshape(-1, 2)

    def distinct(self) -> tuple[int, int]:
        """How many different rows x has, and y."""
        x, y = (sum(len(np.unique(hashes)) for _, hashes in self._parts(side)) for side in ("x", "y"))
        return x, y

    def chance(self, k: int) -> float:
        """Recall at k in random order, where any pair with an equal row is right: see `metrics.recall_by_chance`."""
        kind, sizes_of = np.dtype(np.int64), Counter[int]()
        with tempfile.TemporaryFile(buffering=0) as file:
            file.truncate(8 * self.n)
            # Rows of an equal x or an equal y, without counting twice.
            for side, sign in (("x", 1), ("y", 1), ("both", -1)):
                for rows, hashes in self._parts(side):
                    _, where, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
                    more = sign * sizes[where]
                    for start, first, last in _blocks(rows, self.n):
                        right = _read(file, 8 * start, min(AT_ONCE, self.n - start), kind)
                        right[rows[first:last] - start] += more[first:last]
                        _write(file, 8 * start, right)
            for start in range(0, self.n, AT_ONCE):
                values, counts = np.unique(
                    _read(file, 8 * start, min(AT_ONCE, self.n - start), kind), return_counts=True
                )
                sizes_of.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        missed = math.fsum(
            count * (math.comb(self.n - size, k) / math.comb(self.n, k)) for size, count in sizes_of.items()
        )
        return 1 - missed / self.n

    def equal_to(self, numbers: Int[Tensor, " m"]) -> Iterator[tuple[Int[Tensor, " p"], Int[Tensor, " p"]]]:
        """Pairs that are right for some rows: places in `numbers`, and rows with an equal x or y; some at a time."""
        asked = np.concatenate([self._some(number, number + 1) for number in numbers.tolist()])
        for start in range(0, self.n, AT_ONCE // 64):
            here = self._some(start, start + AT_ONCE // 64)
            known = (np.isin(here, asked)).any(axis=1).nonzero()[0]
            for part in np.array_split(known, max(1, math.ceil(len(known) / 1024))):
                same = (asked[:, None] == here[part]).any(axis=2)
                places, columns = same.nonzero()
                if len(places):
                    yield torch.from_numpy(places), torch.from_numpy(start + part[columns])

    def _parts(self, side: str) -> Iterator[tuple[NDArray[np.int64], Hashes]]:
        """Numbers of rows, and their hashes, such that equal hashes are always together."""
        parts = 1 << max(0, math.ceil(math.log2(self.n / AT_ONCE)))
        for part in range(parts):
            rows, found = [], []
            for start in range(0, self.n, AT_ONCE):
                hashes = self._side(side, start, start + AT_ONCE)
                here = (hashes % np.uint64(parts) == part).nonzero()[0]
                rows.append(here + start)
                found.append(hashes[here])
            yield np.concatenate(rows), np.concatenate(found)

    def _side(self, side: str, start: int, stop: int) -> Hashes:
        here = self._some(start, stop)
        if side == "both":
            mixed: Hashes = here[:, 0] * np.uint64(0x9E3779B97F4A7C15) + here[:, 1]  # as good as random as they are
            return mixed
        return here[:, "xy".index(side)]


def _read(file: BinaryIO, place: int, count: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """Some numbers from a place in a file; read, and not mapped, or the file would count as memory of the process."""
    file.seek(place)
    return np.fromfile(file, kind, count)


def _write(file: BinaryIO, place: int, numbers: NDArray[Any]) -> None:
    """Some numbers to a place in a file."""
    file.seek(place)
    rest = np.ascontiguousarray(numbers).reshape(-1).view(np.uint8).data
    while rest:
        rest = rest[file.write(rest) :]


def _blocks(rows: NDArray[np.int64], n: int) -> Iterator[tuple[int, int, int]]:
    """The first row of each block, and which of these rising numbers are in it."""
    for start in range(0, n, AT_ONCE):
        first, last = np.searchsorted(rows, [start, start + AT_ONCE]).tolist()
        if first < last:
            yield start, first, last


@contextmanager
def equal_rows(beside: Path | None, n: int, kept: bool) -> Iterator[Equal]:
    """The hashes beside a kept state, or in a file that nobody sees again."""
    with ExitStack() as stack:
        if beside is not None:
            path = beside.with_name(f"{beside.name}.rows")
        else:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mindgap-")), "rows")
        yield stack.enter_context(closing(Equal(path, n, kept, lasting=beside is not None)))
