"""What lies in a file of embeddings: its arrays with their shapes, kinds of numbers and norms, without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mindgap.pairs import _formats

ROWS = 4096  # read at once


@dataclass(frozen=True)
class StoredArray:
    """One array in a file: its key ("" where it has none), shape and type.

    `norms` are the least, mean and largest norm of its rows, None where it has no rows of numbers; `unusable` is how
    many rows are all zeros or not finite.
    """

    key: str
    shape: tuple[int, ...]
    dtype: str
    norms: tuple[float, float, float] | None
    unusable: int


def described(path: Path) -> tuple[StoredArray, ...]:
    """The arrays in a file that `load_pairs` reads, whether or not they make pairs.

    Nothing in the file is run. Raises FileNotFoundError or ValueError, naming the file, where it cannot be read.
    """
    return tuple(_described(path, key, array) for key, array in _formats.stored(path).items())


def _described(path: Path, key: str, array: _formats.Stored) -> StoredArray:
    shape = tuple(array.shape)
    if len(shape) not in (2, 3) or not all(shape):
        return StoredArray(key, shape, _dtype(array[:]) if shape else _dtype(np.asarray(array)), None, 0)
    dtype, found = "", []
    for part in _parts(array, shape):
        dtype = dtype or _dtype(part)
        try:
            rows = torch.as_tensor(np.array(part) if isinstance(part, np.ndarray) else part)
        except TypeError:  # strings, say
            return StoredArray(key, shape, dtype, None, 0)
        if rows.is_complex():
            return StoredArray(key, shape, dtype, None, 0)
        found.append(torch.linalg.vector_norm(rows.double(), dim=-1).flatten())
    norms = torch.cat(found)
    usable = norms[norms.isfinite() & (norms > 0)]
    span = (float(usable.min()), float(usable.mean()), float(usable.max())) if len(usable) else None
    return StoredArray(key, shape, dtype, span, len(norms) - len(usable))


def _parts(array: _formats.Stored, shape: tuple[int, ...]) -> Iterator[_formats.Values]:
    """The array a few rows at a time, or all of it where its format has no way to a part."""
    if len(shape) == 3 or not isinstance(array, np.ndarray | Tensor):
        yield array[:]
        return
    for start in range(0, shape[0], ROWS):
        yield array[start : start + ROWS]


def _dtype(values: _formats.Values) -> str:
    return str(values.dtype).removeprefix("torch.")
