"""Files that hold arrays: one reader a format, none of which runs what a file holds, and words for what cannot be read.

`stored(path)` gives the arrays of a file by key ("" where a format knows no keys), still unread: their shapes cost next
to nothing, and the first rows of a large file can be had without the rest wherever its format allows.
"""

from __future__ import annotations

import csv
import math
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mindgap._files import KEY
from mindgap.pairs._kinds import READ, SUFFIXES, UNREAD, kind

IMAGE_COLUMNS = {"image", "filepath", "file_name", "filename"}  # a table that names images holds no embeddings

# What pandas calls the index of a table that it writes, and reads again; and what people do.
_INDEX = re.compile(r"|Unnamed: \d+|__index_level_\d+__|id|index", re.IGNORECASE)

Values: TypeAlias = NDArray[Any] | Tensor


@runtime_checkable
class Stored(Protocol):
    """An array in a file."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: Any, /) -> Values: ...


Arrays: TypeAlias = Mapping[str, Stored]


def _npy(path: Path) -> Arrays:
    with path.open("rb") as file:
        shape, dtype = _header(file, str(path))
        there = path.stat().st_size - file.tell()
    _no_objects(dtype, str(path))
    needed = math.prod(shape) * dtype.itemsize
    if there < needed:
        raise ValueError(
            f"{path}: cut short; {there} of its {needed} bytes of numbers are there. Get or write it again"
        )
    # Mapped, so that the first rows of a large file can be had without reading the rest.
    return {"": np.load(path, mmap_mode="r", allow_pickle=False)}


def _header(file: Any, where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of what follows in a .npy file; numpy's own errors come with advice to load pickles."""
    formats = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        shape, _, dtype = formats[np.lib.format.read_magic(file)](file)
        if any(size < 0 for size in shape):
            raise ValueError("a negative size")
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{where}: expected an array of numbers in NumPy's format, but its header is damaged or missing"
        ) from None
    return shape, dtype


def _no_objects(dtype: np.dtype[Any], where: str) -> None:
    if dtype.hasobject:
        raise ValueError(
            f"{where}: holds Python objects, which are pickled and could run code, so they are never loaded. Write "
            "them as one array of numbers: numpy.save(path, numpy.stack(list(objects)).astype('float32'))"
        )


@dataclass(frozen=True)
class _Zipped:
    """An array of a .npz archive, which has no way to a part of it."""

    path: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, rows: Any, /) -> Values:
        _no_objects(self.dtype, f"{self.path}, {self.key!r}")
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                array: Values = archive[self.key][rows]
                return array
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{self.path}: its array {self.key!r} is damaged ({error})") from error


def _npz(path: Path) -> Arrays:
    arrays: dict[str, Stored] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                key = name.removesuffix(".npy")
                with archive.open(name) as file:
                    arrays[key] = _Zipped(path, key, *_header(file, f"{path}, {key!r}"))
    return arrays


class _Slice:
    """A tensor of a safetensors file."""

    def __init__(self, file: Any, key: str) -> None:
        self._file = file  # keeps the mapping alive
        self._slice = file.get_slice(key)
        self.shape: tuple[int, ...] = tuple(self._slice.get_shape())

    def __getitem__(self, rows: Any, /) -> Tensor:
        found: Tensor = self._slice[rows]
        return found


def _safetensors(path: Path) -> Arrays:
    import safetensors

    try:
        file: Any = safetensors.safe_open(path, framework="pt")
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from None
    if KEY in (file.metadata() or {}):
        raise ValueError(f"{path}: a model of mindgap, not embeddings; 'mini@{path}' embeds drawn scenes with it")
    return {key: _Slice(file, key) for key in file.keys()}  # noqa: SIM118 - it is no mapping


def _torch(path: Path) -> Arrays:
    try:
        # What is no tensor is refused, not run.
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError:
        raise ValueError(
            f"{path}: holds more than tensors, and what else it holds could run code, so it is not loaded. Save the "
            "tensors alone: torch.save({'image': x, 'text': y}, path)"
        ) from None
    except (RuntimeError, LookupError, ValueError) as error:
        raise ValueError(f"{path}: not a whole PyTorch file ({str(error).splitlines()[0]})") from error
    return dict(_tensors(found, ""))


def _tensors(found: object, key: str) -> Iterable[tuple[str, Tensor]]:
    """The tensors in dictionaries, tuples and lists, by their way there: "features.image", "0"."""
    if isinstance(found, Tensor) and found.layout == torch.strided:
        yield key, found.detach()
    elif isinstance(found, (dict, tuple, list)):
        for name, item in found.items() if isinstance(found, dict) else enumerate(found):
            yield from _tensors(item, f"{key}.{name}" if key else str(name))


def _matrices(path: Path, columns: Sequence[str], numeric: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Columns of single numbers as matrices: image_0, image_1, … are one; without such names the whole table is.

    The index that pandas writes along, or a column called id or index, is no dimension of the whole table. Raises
    ValueError for two columns of one name, or of one number.
    """
    numbered: dict[str, dict[int | str, str]] = {}
    for name in columns:
        match = re.fullmatch(r"(.*?)[\s_.:-]*(\d+)", name)
        group, place = (
            (numbered.setdefault(match[1], {}), int(match[2])) if match else (numbered.setdefault("", {}), name)
        )
        if place in group:
            raise ValueError(f"{path}: expected columns of different names, got {group[place]!r} and {name!r}")
        group[place] = name
    found = {
        key: tuple(names[place] for place in sorted(place for place in names if isinstance(place, int)))
        for key, names in numbered.items()
    }
    found = {key: names for key, names in found.items() if len(names) > 1 and set(names) & set(numeric)}
    whole = tuple(name for name in columns if not _INDEX.fullmatch(name))
    return found or ({"": whole} if whole and set(whole) <= set(numeric) else {})


@dataclass(frozen=True)
class _Columns:
    """A matrix in a Parquet table: one column of lists, or a column a dimension."""

    path: Path
    names: tuple[str, ...]
    shape: tuple[int, ...]
    lists: bool

    def __getitem__(self, rows: slice, /) -> Values:
        import pyarrow.parquet

        wanted = range(self.shape[0])[rows]
        parts: list[NDArray[Any]] = [np.empty((0, self.shape[1]), dtype=np.float32)]
        done = 0
        with pyarrow.parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(columns=list(self.names)):
                if done >= wanted.stop:
                    break
                parts.append(self._matrix(batch, done))
                done += len(batch)
        return np.concatenate(parts)[wanted.start : wanted.stop : wanted.step]

    def _matrix(self, batch: Any, before: int) -> NDArray[Any]:
        columns = [batch.column(name) for name in self.names]
        if not self.lists:
            # An empty cell becomes NaN, and is named with its row as such.
            return np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1)
        rows = columns[0].to_numpy(zero_copy_only=False)
        lengths = np.array([0 if row is None else len(row) for row in rows])
        if (lengths != self.shape[1]).any():
            row = int((lengths != self.shape[1]).argmax())
            raise ValueError(
                f"{self.path}: expected {self.shape[1]} numbers in each row of {self.names[0]!r}, as in its first, "
                f"got {lengths[row]} in row {before + row}"
            )
        return np.stack(rows)


def _parquet(path: Path) -> Arrays:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            f"{path}: reading Parquet needs the package pyarrow. Install it by `pip install pyarrow`, or write the "
            f"embeddings as one of {', '.join(suffix for suffix in SUFFIXES if suffix != '.parquet')}"
        ) from None

    def is_number(kind: Any) -> bool:
        return bool(pyarrow.types.is_floating(kind) or pyarrow.types.is_integer(kind))

    def is_list(kind: Any) -> bool:
        tests = (pyarrow.types.is_list, pyarrow.types.is_large_list, pyarrow.types.is_fixed_size_list)
        return any(test(kind) for test in tests) and is_number(kind.value_type)

    arrays: dict[str, Stored] = {}
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            fields, n = list(file.schema_arrow), file.metadata.num_rows
            numeric = [field.name for field in fields if is_number(field.type)]
            for key, names in _matrices(path, [field.name for field in fields], numeric).items():
                arrays[key] = _Columns(path, names, (n, len(names)), lists=False)
            for name in [field.name for field in fields if is_list(field.type)]:
                first = next(file.iter_batches(batch_size=1, columns=[name]), None)
                d = len(first.column(0)[0].as_py() or ()) if first is not None else 0
                arrays[name] = _Columns(path, (name,), (n, d), lists=True)
    except pyarrow.ArrowException as error:
        raise ValueError(f"{path}: not a whole Parquet file ({error})") from error
    return arrays


def _csv(path: Path) -> Arrays:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline()
            file.seek(0)
            delimiter = next((mark for mark in "\t;" if mark in line), ",")
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            lines = [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a table of numbers in UTF-8, got an error: {error}") from error
    except csv.Error as error:
        raise ValueError(f"{path}: expected a table of numbers, got an error: {error}") from error
    names = lines[0][1] if lines else []
    if IMAGE_COLUMNS & {name.strip().lower() for name in names}:
        raise ValueError(
            f"{path}: a table of captioned images, not of embeddings; a model makes those: "
            f"load_pairs('open_clip:ViT-B-32/openai', data='{path}')"
        )
    if _is_header(path, names, lines[1][1] if len(lines) > 1 else []):
        lines = lines[1:]
    else:
        names = [str(i) for i in range(len(names))]
    for number, row in lines:
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {number}: expected {len(names)} cells, as in the first line, got {len(row)}"
            )
    numeric = [name for name, value in zip(names, lines[0][1], strict=True) if _is_float(value)] if lines else []
    arrays: dict[str, Stored] = {}
    for key, chosen in _matrices(path, names, numeric).items():
        places = [names.index(name) for name in chosen]
        matrix = np.empty((len(lines), len(places)))
        for index, (number, row) in enumerate(lines):
            try:
                matrix[index] = [row[place] for place in places]
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: expected numbers, got an error: {error}") from None
        arrays[key] = matrix
    others = [name for name in names if name not in numeric] if lines and not arrays else []
    if others:
        (number, row), name = lines[0], others[0]
        cell = row[names.index(name)]
        raise ValueError(
            f"{path}, line {number}: expected a number in every column, or columns called image_0, image_1, …, set "
            f"apart by commas, semicolons or tabs, got {cell!r} in the column {name!r}"
        )
    return arrays


def _is_header(path: Path, first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first row of a table names its columns. Raises ValueError where it can neither be names nor numbers.

    Over columns without names pandas writes 0, 1, 2, …, and nothing over its index; others count from 1, or hold a part
    of the columns. A first row of whole numbers that count is taken for names where the next has fractions.
    """
    numbers = [cell for cell in first if _is_float(cell)]
    if not numbers:
        return True
    whole = all(cell.isdecimal() for cell in numbers)
    if len(numbers) < len(first):
        if whole and len(set(numbers)) == len(numbers) and "" not in first[1:]:
            return True
        other = next(cell for cell in first[::-1] if not _is_float(cell))
        raise ValueError(
            f"{path}, line 1: expected the names of the columns or numbers alone, got {other!r} beside {numbers[0]!r}"
        )
    if not whole or numbers != [str(int(numbers[0]) + i) for i in range(len(numbers))]:
        return False
    return numbers[0] == "0" or (len(numbers) > 2 and not all(re.fullmatch(r"-?\d+", cell) for cell in second))


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".pt": _torch,
    ".pth": _torch,
    ".parquet": _parquet,
    ".csv": _csv,
    ".tsv": _csv,
}


def stored(path: Path) -> Arrays:
    """The arrays in a file, by key.

    Raises FileNotFoundError if it is not there, and ValueError naming it, with what it is and what mends it, if it is
    of another format than its name says or of none that is read, damaged, cut short, or holds what could run code.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    suffix = path.suffix.lower()
    found = kind(path)
    if found and suffix not in found.suffixes:
        raise ValueError(f"{path}: {found.what}; {found.remedy}")
    if suffix not in SUFFIXES:
        what = UNREAD.get(suffix, "of no kind that is read")
        raise ValueError(f"{path}: {what}. Write it as one of {READ}, for example by numpy.save('{path.stem}.npy', …)")
    try:
        return _READERS[suffix](path)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read as a {suffix} file and may be damaged ({error})") from error
