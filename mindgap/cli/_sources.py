"""The one way to name embeddings at the prompt: names, files and folders, several of them where a table is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindgap.pairs import Name, PairedEmbeddings


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
