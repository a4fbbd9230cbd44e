"""Which rows are equal, where there are too many to remember: 64-bit hashes in a file, looked at a part at a time.

A row is hashed by its bytes, as `geometry.row_groups` does. The hashes of a row of x and of its row of y are 16 bytes
in a file; different rows with one hash are to be expected once in 10⁵ streams of 10⁷ rows. To count the different ones,
the file is read once for each part of all possible hashes, of which each fits into memory.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """The hashes of n pairs, in a file."""

    def __init__(self, path: Path, n: int, kept: bool) -> None:
        """`kept`: whether the file holds what an earlier run has put there. Raises ValueError if it does not."""
        size = 16 * n
        if not kept:
            with path.open("wb") as file:
                file.truncate(size)
        elif not path.is_file() or path.stat().st_size != size:
            raise ValueError(f"{path}: belongs to the kept state beside it and is missing or cut short; "
                             "remove both and start over")  # fmt: skip
        self._file: Hashes = np.memmap(path, np.uint64, "r+", shape=(n, 2))
        self.n = n

    def put(self, span: Span, hashes: Int[Tensor, "b 2"]) -> None:
        """Those of some rows, written before anything says that they were."""
        self._file[slice(*span)] = hashes.numpy().view(np.uint64)
        self._file.flush()  # type: ignore[attr-defined]

    def distinct(self) -> tuple[int, int]:
        """How many different rows x has, and y."""
        x, y = (sum(len(np.unique(hashes)) for _, hashes in self._parts(side)) for side in ("x", "y"))
        return x, y

    def chance(self, k: int) -> float:
        """Recall at k in random order, where any pair with an equal row is right: see `metrics.recall_by_chance`."""
        with tempfile.TemporaryFile() as file:
            file.truncate(8 * self.n)
            right: NDArray[np.int64] = np.memmap(file, np.int64, "r+", shape=(self.n,))
            # Rows of an equal x or an equal y, without counting twice.
            for side, sign in (("x", 1), ("y", 1), ("both", -1)):
                for rows, hashes in self._parts(side):
                    _, where, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
                    right[rows] += sign * sizes[where]
            sizes_of: Counter[int] = Counter()
            for start in range(0, self.n, AT_ONCE):
                values, counts = np.unique(right[start : start + AT_ONCE], return_counts=True)
                sizes_of.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
            del right
        missed = math.fsum(
            count * (math.comb(self.n - size, k) / math.comb(self.n, k)) for size, count in sizes_of.items()
        )
        return 1 - missed / self.n

    def equal_to(self, numbers: Int[Tensor, " m"]) -> Iterator[tuple[Int[Tensor, " p"], Int[Tensor, " p"]]]:
        """Pairs that are right for some rows: places in `numbers`, and rows with an equal x or y; some at a time."""
        asked = self._file[numbers.numpy()]
        for start in range(0, self.n, AT_ONCE // 64):
            here = self._file[start : start + AT_ONCE // 64]
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
                hashes = self._side(side, slice(start, start + AT_ONCE))
                here = (hashes % np.uint64(parts) == part).nonzero()[0]
                rows.append(here + start)
                found.append(hashes[here])
            yield np.concatenate(rows), np.concatenate(found)

    def _side(self, side: str, rows: slice) -> Hashes:
        x: Hashes = self._file[rows, 0]
        y: Hashes = self._file[rows, 1]
        if side == "both":
            mixed: Hashes = x * np.uint64(0x9E3779B97F4A7C15) + y  # as good as random as they are
            return mixed
        return x if side == "x" else y


@contextmanager
def equal_rows(beside: Path | None, n: int, kept: bool) -> Iterator[Equal]:
    """The hashes beside a kept state, or in a file that nobody sees again."""
    if beside is not None:
        yield Equal(beside.with_name(f"{beside.name}.rows"), n, kept)
        return
    with tempfile.TemporaryDirectory(prefix="mindgap-") as folder:
        found = Equal(Path(folder, "rows"), n, False)
        yield found
        del found
