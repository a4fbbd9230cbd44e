"""Some rows of a .npy file, read from their place in it, and never mapped.

To map the file would be shorter. But what a mapping has touched counts as memory of the process, and around every row
that is picked the system maps the rows beside it; and a file that becomes shorter, or a disk that fails, while it is
mapped ends the process with a signal, where reading ends with an error that can be told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from mindgap.pairs import _formats

Numbers = Int[np.ndarray, " m"]


class Layout(NamedTuple):
    """Where the numbers of a .npy file lie, of shape (n, d), or (2, n, d) where both sides are stacked."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    columns_first: bool  # as Fortran and `numpy.asfortranarray` have them
    offset: int

    @property
    def wide(self) -> bool:
        """Whether float32 would lose digits of the numbers."""
        return self.dtype.kind == "f" and self.dtype.itemsize >= 8


def layout(path: Path) -> Layout:
    """That of a whole file of numbers. Raises as `_formats.stored` does."""
    mapped: Any = _formats.stored(path)[""]  # of which no row is touched
    return Layout(mapped.shape, mapped.dtype, not mapped.flags.c_contiguous, mapped.offset)


def read(file: Any, of: Layout, half: int | None, numbers: Numbers) -> NDArray[Any]:
    """The rows of these rising numbers, from a file that is open without a buffer; `half` is a side of a stacked one.

    Raises EOFError where the file has become shorter, OSError where it cannot be read.
    """
    n, d = of.shape[-2:]
    found = np.empty((len(numbers), d), of.dtype)
    if of.columns_first:
        halves = 1 if half is None else of.shape[0]
        first, span = int(numbers[0]), int(numbers[-1] - numbers[0]) + 1
        column = np.empty(span * halves, of.dtype)
        for place in range(d):
            _fill(file, of.offset + (place * n + first) * halves * of.dtype.itemsize, column)
            found[:, place] = column[half or 0 :: halves][numbers - first]
        return found
    before = (half or 0) * n
    for start, stop in _runs(numbers):
        _fill(file, of.offset + (before + int(numbers[start])) * d * of.dtype.itemsize, found[start:stop])
    return found


def _runs(numbers: Numbers) -> Iterator[tuple[int, int]]:
    """Where numbers that follow each other begin and end."""
    ends = (np.diff(numbers) != 1).nonzero()[0] + 1
    edges = [0, *ends.tolist(), len(numbers)]
    return pairwise(edges)


def _fill(file: Any, place: int, into: NDArray[Any]) -> None:
    """Read as many bytes as there is room for."""
    rest = into.reshape(-1).view(np.uint8).data
    file.seek(place, os.SEEK_SET)
    while rest:
        got = file.readinto(rest)
        if not got:
            raise EOFError(f"cut short: {len(rest)} bytes are missing at byte {place}")
        rest = rest[got:]
