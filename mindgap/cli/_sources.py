"""The one way to name embeddings at the prompt: names, files and folders, several of them where a table is made."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindgap.pairs import Name, PairedEmbeddings, Shards

STREAMED = 2**31
"""Bytes of both sides as float32 above which .npy files are streamed without being asked to."""


def named(words: Sequence[str]) -> list[Name]:
    """What the words of a command line name, each as `load_pairs` takes it.

    A word is a source; only two words that are files of one side each are one source together. A trained model of
    mindgap stands for what it makes of drawn scenes. Raises ValueError for a word that names nothing.
    """
    from mindgap import _files, pairs

    sources = [f"mini@{word}" if _files.is_ours(_files.user_path(word, "name")) else word for word in words]
    if len(sources) == 2 and all(pairs.is_one_side(source) for source in sources):
        return [(sources[0], sources[1])]
    for source in sources:
        pairs.options_of(source)  # a typo in the last is told before the first is read
    return list(sources)


def one_named(words: Sequence[str], command: str) -> Name:
    """The only source of a command that takes one. Raises ValueError for several."""
    sources = named(words)
    if len(sources) > 1:
        raise ValueError(
            f"{command} takes one source, got {len(sources)}: {', '.join(words)}; `mindgap gap` takes several"
        )
    return sources[0]


def loaded(source: Name, n: int | None, seed: int, device: str, data: str | None, progress: bool) -> PairedEmbeddings:
    """The pairs of one source, with those of the shared options that it takes; the first `n` pairs of others."""
    from mindgap import pairs

    taken = pairs.options_of(source)
    given: dict[str, Any] = {"n": n, "seed": seed, "progress": progress}
    options = {name: value for name, value in given.items() if name in taken and value is not None}
    if data is not None:
        options["data"] = data
    found = pairs.load_pairs(source, device=device, **options)
    return found if n is None or "n" in taken else found.take(n)


def each(
    words: Sequence[str], n: int | None, seed: int, device: str, data: str | None, progress: bool
) -> Iterator[PairedEmbeddings]:
    """The pairs of all sources, one after the other, so that no two are in memory."""
    for source in named(words):
        yield loaded(source, n, seed, device, data, progress)


def first() -> bool:
    """Whether this process writes and prints: the only one, or rank 0 of those that torchrun has started."""
    return os.environ.get("RANK", "0") == "0"


def to_stream(source: Name, stream: bool | None, needed: str | None, only_in_memory: str | None) -> Shards | None:
    """The shards of a source that is to be streamed, else None.

    `needed` names an option that only a stream has, `only_in_memory` one that it has not. Raises ValueError where they
    contradict, and the errors of `open_shards` where a stream is asked for.
    """
    from mindgap import pairs

    several = int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ
    asked = "--stream" if stream else needed or ("torchrun" if several else None)
    if asked is not None:
        if stream is False or only_in_memory is not None:
            other = "--no-stream" if stream is False else only_in_memory
            raise ValueError(f"{asked} and {other}: expected one of them; {other} is for pairs in memory")
        return pairs.open_shards(source)
    if stream is False or only_in_memory is not None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever reads them warns
            found = pairs.open_shards(source)
    except (ValueError, OSError):  # no such files, or some that `load_pairs` has words for
        return None
    return found if found.bytes > STREAMED or "RANK" in os.environ else None
