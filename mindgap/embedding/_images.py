"""Batches of images and captions as a model takes them, made by other processes while it computes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from PIL.Image import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mindgap.embedding._sources import Item
from mindgap.pairs._captioned import decoded
from mindgap.pairs._pretrained import tokens_and_cut

GONE = (FileNotFoundError, PermissionError)
"""What is wrong with one file. Other errors are the machine's, and end the run before a row is lost."""


@dataclass(frozen=True)
class _Read:
    """One image as it was read: its pixels, or the reason why there are none."""

    number: int
    pixels: Float[Tensor, "3 h w"] | None
    digest: bytes
    why: str = ""
    fatal: str = ""


@dataclass(frozen=True)
class Batch:
    """Images by their numbers, `texts[i]` captions of each, and what cannot be used with the reasons.

    `digests` are those of the bytes of all images that could be read. `cut` captions are longer than the model reads.
    """

    numbers: tuple[int, ...]
    pixels: Float[Tensor, "b 3 h w"] | None
    tokens: Int[Tensor, "m length"] | None
    texts: tuple[int, ...]
    broken: tuple[tuple[int, str], ...]
    digests: bytes
    cut: int
    fatal: str


@dataclass(frozen=True)
class _Images(Dataset[_Read]):
    """The images of a source, by number."""

    items: Sequence[Item]
    transform: Callable[[Image], Float[Tensor, "3 h w"]]

    def __getitem__(self, number: int) -> _Read:
        item = self.items[number]
        try:
            data = item.stored.read()
        except GONE as error:
            return _Read(number, None, b"", f"it cannot be read: {error.strerror}")
        except OSError as error:
            return _Read(number, None, b"", fatal=f"{item.stored.path}: {error.strerror or error}")
        digest = hashlib.sha256(data).digest()
        try:
            return _Read(number, self.transform(decoded(data, item.name)), digest)
        except ValueError as error:
            return _Read(number, None, digest, str(error).removeprefix(f"{item.name}: "))

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class _Together:
    """Makes a batch of images."""

    items: Sequence[Item]
    tokenize: Any

    def __call__(self, found: list[_Read]) -> Batch:
        good = [one for one in found if one.pixels is not None]
        captions = [self.items[one.number].captions for one in good]
        tokens, cut = (
            tokens_and_cut(self.tokenize, [text for texts in captions for text in texts]) if good else 2 * (None,)
        )
        return Batch(
            tuple(one.number for one in good),
            torch.stack([one.pixels for one in good if one.pixels is not None]) if good else None,
            tokens,
            tuple(map(len, captions)),
            tuple((one.number, one.why) for one in found if one.why),
            b"".join(one.digest for one in found),
            0 if cut is None else int(cut.sum()),
            next((one.fatal for one in found if one.fatal), ""),
        )


def batches(
    items: Sequence[Item],
    numbers: Sequence[Sequence[int]],
    transform: Callable[[Image], Float[Tensor, "3 h w"]],
    tokenize: Any,
    workers: int,
    pinned: bool,
) -> Iterator[Batch]:
    """The images of each batch, by number, in their order; `workers` processes read and prepare them ahead.

    Raises OSError where the machine fails to read, or ends a worker.
    """
    loader = DataLoader(
        _Images(items, transform),
        batch_sampler=[list(batch) for batch in numbers],
        collate_fn=_Together(items, tokenize),
        num_workers=workers,
        pin_memory=pinned,
    )
    try:
        for batch in loader:
            if batch.fatal:
                raise OSError(f"{batch.fatal}; nothing is lost, the same command goes on from the last whole shard")
            yield batch
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise OSError(
            f"workers: one of {workers} ended before its work was done ({str(error).splitlines()[0]}); fewer workers "
            "(--workers 0) or smaller batches need less memory"
        ) from error
