"""Embeddings that the reader already has: two files, one file that holds both sides, or folders of numbered shards."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _embedded, _files, _inputs
from mindgap._errors import first_few, warn
from mindgap._extras import extra
from mindgap.pairs import _formats, _kinds
from mindgap.pairs._formats import Stored, Values

SHARDS = (_embedded.IMAGES, _embedded.TEXTS)  # folders, and beginnings of file names, that clip-retrieval writes
EXPECTED = (
    "'image.npy,text.npy', one file that holds both such as 'pairs.npz', "
    f"or a folder with {SHARDS[0]} and {SHARDS[1]}; files end in {_kinds.READ}"
)

# Words in a key that tell its side; a word of both sides, or of none, tells nothing.
_SIDES = (
    {"image", "images", "img", "imgs", "visual", "vision", "picture", "pictures", "photo", "photos", "x"},
    {"text", "texts", "txt", "caption", "captions", "language", "y"},
)
_IN_ORDER = (["arr_0", "arr_1"], ["0", "1"])  # what numpy.savez and a tuple call two arrays without names

Manifest = Mapping[str, Any] | None
Pair = tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]


@dataclass(frozen=True)
class Member:
    """A file, or one array in it."""

    path: Path
    key: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.key is None else f"{self.path}:{self.key}"

    @property
    def name(self) -> str:
        return self.path.name if self.key is None else f"{self.path.name}:{self.key}"


def files_named(name: str) -> tuple[Member, ...] | None:
    """The one or two files that a name means, None if it means none.

    Read are "image.npy,text.npy", "pairs.npz", "pairs.npz:image,text" and "image.npz:key,text.npz:key", with quotes
    around the whole or a part, and ~ for the home folder. Where names hold commas or colons themselves, files that
    exist decide. Raises ValueError if they cannot, and for three files.
    """
    name = unquoted(name)
    if (whole := _files.user_path(name, "name")).is_file():
        return (Member(whole),)
    parts = name.split(",")
    splits = [(_file(",".join(parts[:i])), _file(",".join(parts[i:]))) for i in range(1, len(parts))]
    pairs = [(first, second) for first, second in splits if first and second]
    there = [pair for pair in pairs if all(member.path.is_file() for member in pair)]
    if len(there) == 1 or len(pairs) == 1:
        return (there or pairs)[0]
    if pairs:
        raise ValueError(f"name: expected one or two files, got {name!r}; give a tuple of two paths")
    one = _file(",".join(parts[:-1]))
    if one and one.key:  # two keys of one file
        return one, Member(one.path, parts[-1].strip())
    return (one,) if (one := _file(name)) else None


def file_named(path: str | os.PathLike[str]) -> Member:
    """One of a pair of paths, which may say a key."""
    text = unquoted(os.fspath(path))
    if not text:
        raise ValueError("name: expected two paths, got an empty one")
    whole = _files.user_path(text, "name")
    return Member(whole) if whole.exists() else _file(text) or Member(whole)


def _file(text: str) -> Member | None:
    """A path that ends as a file of arrays does, with or without a key."""
    suffix = "|".join(re.escape(suffix) for suffix in _kinds.KNOWN)
    if match := re.fullmatch(rf"(.+?(?:{suffix}))(?::([^:]+))?", unquoted(text), re.IGNORECASE):
        return Member(_files.user_path(unquoted(match[1]), "name"), match[2])
    return None


def unquoted(text: str) -> str:
    """`text` without spaces around it, and without the quotes that a shell or a copied path may have left there."""
    text = text.strip()
    quoted = re.fullmatch(r"([\"'])((?:(?!\1).)*)\1", text)
    return quoted[2].strip() if quoted else text


def load_files(members: Sequence[Member], n: int | None) -> Pair:
    """The first `n` pairs of rows (default: all) of two files, or of one that holds both sides, as float32.

    Raises FileNotFoundError for a missing file, and ValueError naming the file for one that cannot be read, holds no
    pair or more arrays than a pair, or anything but (n, d) finite numbers in non-zero rows; for two that differ in
    shape; and for fewer than n rows. Warns where rows and columns look exchanged.
    """
    if len(members) == 1:
        (one,) = members
        names, (x, y) = (str(one), str(one)), _both(one)
    else:
        names, (x, y) = (str(members[0]), str(members[1])), (_one(members[0]), _one(members[1]))
    same_shape(names, tuple(x.shape), tuple(y.shape))
    _enough(names[0] if len(members) == 1 else " and ".join(names), x.shape[0], n)
    pair = _rows(names[0], x, n), _rows(names[1], y, n)
    _look_exchanged(names[0], tuple(x.shape), *pair)
    return pair


def holds_both(member: Member) -> bool:
    """Whether a file holds both sides; not if it cannot be read."""
    try:
        _both(member)
    except (ValueError, OSError):
        return False
    return True


def _both(member: Member) -> tuple[Stored, Stored]:
    """The two sides in one file."""
    arrays = _arrays(member)
    stacked = {key: array for key, array in arrays.items() if len(array.shape) == 3 and array.shape[0] == 2}
    matrices = {key: array for key, array in arrays.items() if len(array.shape) == 2}
    if len(stacked) == 1 and not matrices:
        (both,) = stacked.values()
        return _Half(both, 0), _Half(both, 1)
    if sorted(matrices) in _IN_ORDER:
        return matrices[min(matrices)], matrices[max(matrices)]
    sides = [[key for key in matrices if _side(key) == side] for side in (0, 1)]
    if len(sides[0]) == len(sides[1]) == 1:
        return matrices[sides[0][0]], matrices[sides[1][0]]
    if len(matrices) > 1:
        raise ValueError(
            f"{member}: expected one array of images and one of texts, got {_listed(arrays)}; say which two: "
            f"'{member.path}:{','.join(list(matrices)[:2])}'"
        )
    raise ValueError(
        f"{member}: expected both sides, as two arrays (n, d) or as one of shape (2, n, d), got {_listed(arrays)}; two "
        "files go with a comma: 'image.npy,text.npy'"
    )


def _one(member: Member) -> Stored:
    """The one side in a file."""
    arrays = _arrays(member)
    matrices = {key: array for key, array in arrays.items() if len(array.shape) == 2}
    if len(matrices) == 1:
        return next(iter(matrices.values()))
    if matrices:
        raise ValueError(
            f"{member}: expected one array, got {_listed(arrays)}; say which: '{member.path}:{next(iter(matrices))}'"
        )
    raise ValueError(f"{member}: expected shape (n, d), got {_listed(arrays)}")


def _arrays(member: Member) -> Mapping[str, Stored]:
    arrays = _formats.stored(member.path)
    if member.key is None:
        return arrays
    if set(arrays) == {""}:
        raise ValueError(f"{member.path}: holds one array without a key, so it has none of the name {member.key!r}")
    return {member.key: arrays[_inputs.choice(member.key, f"{member.path}: key", arrays)]}


def _listed(arrays: Mapping[str, Stored]) -> str:
    if not arrays:
        return "none"
    shapes = [f"{key} {tuple(array.shape)}".strip() for key, array in arrays.items()]
    return first_few(shapes, 8).replace("; ", ", ")


def _side(key: str) -> int | None:
    """0 for a key of images, 1 for one of texts, None for another: "img_emb", "textFeatures", "x"."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", key)}
    sides = [side for side in (0, 1) if words & _SIDES[side]]
    return sides[0] if len(sides) == 1 else None


@dataclass(frozen=True)
class _Half:
    """One side of a stacked array."""

    both: Stored
    side: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.both.shape[1:])

    def __getitem__(self, rows: slice, /) -> Values:
        return self.both[self.side, rows]


def load_shards(folder: Path, n: int | None, manifest: Manifest) -> Pair:
    """The first `n` pairs (default: all) of img_emb/img_emb_*.npy and text_emb/text_emb_*.npy, in numeric order.

    `manifest` is what `_embedded.read_manifest` says of the folder; it is read once, by the caller.

    Raises as `load_files`, and FileNotFoundError where a folder, or the partner of a shard, is missing. Warns of
    numbers that are missing on both sides, between two shards or of a metadata file, and of a folder of `mindgap embed`
    that is not finished.
    """
    numbered = numbered_shards(folder, manifest)
    x: list[Tensor] = []
    y: list[Tensor] = []
    total = last = 0
    for number, paths in numbered.items():
        names = str(paths[0]), str(paths[1])
        image, text = (_one(Member(path)) for path in paths)
        same_shape(names, tuple(image.shape), tuple(text.shape))
        if x and image.shape[1] != x[0].shape[1]:
            raise ValueError(
                f"{names[0]}: expected {x[0].shape[1]} columns, as in the shards before it, got {image.shape[1]}"
            )
        left = None if n is None else n - total
        x.append(_rows(names[0], image, left))
        y.append(_rows(names[1], text, left))
        total, last = total + len(x[-1]), number
        if n is not None and total >= n:
            break
    _enough(str(folder), total, n)
    if manifest is None:
        warn_of_missing(folder, numbered, len(x), None if n is None else last)
    pair = torch.cat(x), torch.cat(y)
    _look_exchanged(str(folder), (total, pair[0].shape[1]), *pair)
    return pair


def numbered_shards(folder: Path, manifest: Manifest) -> dict[int, tuple[Path, Path]]:
    """The files of images and texts of each shard, in numeric order; with a manifest of `mindgap embed`, of whole ones.

    Raises FileNotFoundError where a folder, or the partner of a shard, is missing, and ValueError for other names.
    """
    if manifest is not None:
        return _whole_shards(folder, manifest["shards"])
    images, texts = (_shards(folder, kind) for kind in SHARDS)
    for number in sorted(images.keys() ^ texts.keys()):
        there = images.get(number) or texts[number]
        kind = SHARDS[number in images]
        raise FileNotFoundError(f"{there}: no {kind}_{number}.npy in {folder / kind} belongs to this shard")
    return {number: (images[number], texts[number]) for number in sorted(images)}


def warn_of_missing(folder: Path, shards: Mapping[int, object], read: int, below: int | None = None) -> None:
    """Warn of numbers that are missing on both sides; only of those below the last that was read, if it is given.

    Not for a folder with a manifest: its records have told already which are there.
    """
    if missing := [str(number) for number in _missing(folder, shards) if below is None or number < below]:
        warn(f"{folder}: no shards {first_few(missing, 8)} on either side; read were the {read} others", missing)


def _whole_shards(folder: Path, shards: int) -> dict[int, tuple[Path, Path]]:
    """The images and the texts of the shards of `mindgap embed` that are whole and have rows."""
    records = list(_embedded.records(folder, shards))
    for record in records:
        if wrong := _embedded.what_is_wrong(folder, record):
            raise ValueError(f"{wrong}; the command that wrote {folder} computes that shard anew")
    numbers = [record.number for record in records if record.rows]
    if not numbers:
        raise FileNotFoundError(f"{folder}: none of {shards} shards is whole yet; the command that began them goes on")
    if len(records) < shards:
        there = {record.number for record in records}
        missing = [str(number) for number in range(shards) if number not in there]
        warn(
            f"{folder}: unfinished, {len(records)} of {shards} shards are whole, and read were these; the command that "
            "began them goes on",
            missing,
        )
    return {
        n: (_embedded.path_of(folder, _embedded.IMAGES, n), _embedded.path_of(folder, _embedded.TEXTS, n))
        for n in numbers
    }


def image_names(folder: Path, n: int, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The images of the first n rows in a folder of `mindgap embed`."""
    return _metadata_column(folder, "image_path", n, manifest)


def captions(folder: Path, n: int, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The captions of the first n rows in a folder of `mindgap embed`."""
    return _metadata_column(folder, "caption", n, manifest)


def _metadata_column(folder: Path, name: str, n: int, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    with extra("parquet"):
        import pyarrow.parquet

    values: list[str] = []
    for record in _embedded.records(folder, manifest["shards"]):
        if not record.rows or len(values) >= n:
            continue
        path = _embedded.path_of(folder, _embedded.METADATA, record.number)
        try:
            values += pyarrow.parquet.read_table(path, columns=[name])[name].to_pylist()
        except (pyarrow.ArrowException, KeyError) as error:
            raise ValueError(f"{path}: expected metadata with a column {name}, got an error: {error}") from error
    return tuple(values[:n])


def _shards(folder: Path, kind: str) -> dict[int, Path]:
    inside = folder / kind
    if not inside.is_dir():
        captioned = any(path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") for path in folder.iterdir())
        raise FileNotFoundError(
            f"{inside}: expected a folder of shards {kind}_0.npy, {kind}_1.npy, …, and there is no such folder"
            + f"; captioned images need a model: load_pairs('open_clip:ViT-B-32/openai', data='{folder}')" * captioned
        )
    shards: dict[int, Path] = {}
    for path in sorted(path for path in inside.iterdir() if path.suffix.lower() == ".npy"):
        match = re.fullmatch(rf"{kind}_(\d+)\.npy", path.name, re.IGNORECASE)
        if match is None:
            raise ValueError(f"{path}: expected shards named {kind}_0.npy, {kind}_1.npy, …")
        if int(match[1]) in shards:
            raise ValueError(f"{path}: has the same number as {shards[int(match[1])].name}")
        shards[int(match[1])] = path
    if not shards:
        raise FileNotFoundError(f"{inside}: expected shards {kind}_0.npy, {kind}_1.npy, …, and there are none")
    return shards


def _missing(folder: Path, shards: Mapping[int, object]) -> list[int]:
    """Numbers that should be there: those between two shards, and those for which there is metadata."""
    names = [path.name for path in folder.glob("metadata/metadata_*.parquet")]
    described = {int(match[1]) for name in names if (match := re.fullmatch(r"metadata_(\d+)\.parquet", name))}
    return sorted((described | set(range(min(shards), max(shards)))) - shards.keys())


def same_shape(names: tuple[str, str], x: tuple[int, ...], y: tuple[int, ...]) -> None:
    if x != y:
        raise ValueError(
            f"{' and '.join(names)}: expected the same shape, row i of one belonging with row i of the other, "
            f"got {x} and {y}"
        )


def _enough(where: str, rows: int, n: int | None) -> None:
    if rows < 2:
        raise ValueError(f"{where}: expected at least 2 rows, got {rows}")
    if n is not None and rows < n:
        raise ValueError(f"n: expected at most {rows}, the rows of {where}, got {n}")


def _rows(name: str, array: Stored, n: int | None) -> Float[Tensor, "n d"]:
    """The first `n` rows, checked, in memory, as float32."""
    return _inputs.single(checked_rows(name, array[:n]))


def checked_rows(name: str, values: Values, numbers: Int[np.ndarray, " n"] | None = None) -> Float[Tensor, "n d"]:
    """Rows as they came from a file, checked, float32 or float64, and in memory: they must outlive the file.

    `numbers` are those that errors know them by, if it is not their place here.
    """
    if isinstance(values, np.ndarray):
        # In one copy, without a second one in between.
        wide = values.dtype.kind == "f" and values.dtype.itemsize >= 8
        values = np.array(values, dtype=(np.float64 if wide else np.float32) if values.dtype.kind in "fiub" else None)
    else:
        values = values.clone()
    try:
        return _inputs.rows(values, name, 1, numbers)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _look_exchanged(name: str, shape: tuple[int, ...], x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> None:
    """Warn of (d, n) in the place of (n, d): unit columns, or as many rows as dimensions usually are, of odd length."""
    if _unit(x, 1) or _unit(y, 1):
        return
    rows, columns = shape
    if (len(x) == rows and _unit(x, 0) and _unit(y, 0)) or (rows < columns and rows % 32 == 0 and columns % 32):
        warn(
            f"{name}: shape {(rows, columns)} is taken for {rows} pairs in {columns} dimensions. If the columns are "
            "the embeddings, write the arrays transposed: a row has to be one"
        )


def _unit(x: Float[Tensor, "n d"], dim: int) -> bool:
    return bool((torch.linalg.vector_norm(x, dim=dim) - 1).abs().max() < 0.01)
