"""Embeddings that the reader already has: two .npy files, or folders of numbered shards."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs

SHARDS = ("img_emb", "text_emb")  # the folders, and the beginnings of the file names, that clip-retrieval writes


def load_files(image: Path, text: Path, n: int | None) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """The first `n` rows (default: all) of two .npy files of one shape (n, d), as float32.

    Raises FileNotFoundError for a missing file, and ValueError naming the file for one that holds anything but
    (n, d) finite numbers in non-zero rows, or for two that differ in shape.
    """
    x, y = _open(image), _open(text)
    _same_shape(image, x, text, y)
    return _rows(image, x, n), _rows(text, y, n)


def load_shards(folder: Path, n: int | None) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """The first `n` rows (default: all) of img_emb/img_emb_*.npy and text_emb/text_emb_*.npy, in numeric order.

    Raises as `load_files`, and FileNotFoundError where a folder, or the partner of a shard, is missing.
    """
    images, texts = (_shards(folder / kind, kind) for kind in SHARDS)
    for number in sorted(images.keys() ^ texts.keys()):
        there = images.get(number) or texts[number]
        kind = SHARDS[number in images]
        raise FileNotFoundError(f"{there}: no {kind}_{number}.npy in {folder / kind} belongs to this shard")
    x: list[Tensor] = []
    y: list[Tensor] = []
    total = 0
    for number in sorted(images):
        image, text = _open(images[number]), _open(texts[number])
        _same_shape(images[number], image, texts[number], text)
        if x and image.shape[1] != x[0].shape[1]:
            raise ValueError(
                f"{images[number]}: expected {x[0].shape[1]} columns, as in the shards before it, got {image.shape[1]}"
            )
        left = None if n is None else n - total
        x.append(_rows(images[number], image, left))
        y.append(_rows(texts[number], text, left))
        total += len(x[-1])
        if n is not None and total >= n:
            break
    return torch.cat(x), torch.cat(y)


def _shards(folder: Path, kind: str) -> dict[int, Path]:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: expected a folder of shards {kind}_0.npy, {kind}_1.npy, …, and there is no such folder"
        )
    shards: dict[int, Path] = {}
    for path in sorted(folder.glob("*.npy")):
        match = re.fullmatch(rf"{kind}_(\d+)\.npy", path.name)
        if match is None:
            raise ValueError(f"{path}: expected shards named {kind}_0.npy, {kind}_1.npy, …")
        if int(match[1]) in shards:
            raise ValueError(f"{path}: has the same number as {shards[int(match[1])].name}")
        shards[int(match[1])] = path
    if not shards:
        raise FileNotFoundError(f"{folder}: expected shards {kind}_0.npy, {kind}_1.npy, …, and there are none")
    return shards


def _open(path: Path) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        # Mapped, so that the first rows of a large file can be had without reading the rest.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(
            f"{path}: expected a complete .npy file of numbers (pickled objects are never loaded), got {error}"
        ) from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path}: expected a .npy file with one array, got a .npz archive")
    if array.ndim != 2:
        raise ValueError(f"{path}: expected shape (n, d), got {array.shape}")
    return array


def _same_shape(image: Path, x: np.ndarray, text: Path, y: np.ndarray) -> None:
    if x.shape != y.shape:
        raise ValueError(
            f"{image} and {text}: expected the same shape, row i of one belonging with row i of the other, "
            f"got {x.shape} and {y.shape}"
        )


def _rows(path: Path, array: np.ndarray, n: int | None) -> Float[Tensor, "n d"]:
    try:
        # A copy in memory: the result must outlive the file.
        return _inputs.rows(np.array(array[:n]), str(path), least=1).float()
    except TypeError as error:
        raise ValueError(str(error)) from error
