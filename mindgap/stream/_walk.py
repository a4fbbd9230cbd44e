"""One walk over all rows: units of work in a fixed order, shared by the ranks, kept on the way, gone on with later.

The rows are cut into units that depend on their number alone, not on the shards or the ranks. A unit makes named sums,
and rank 0 merges those of all units in order; after each round it can keep them in a file, whole or not at all,
together with how many units they are of. So a run that was killed goes on after the last unit kept, none is counted
twice, and any number of ranks, or of kills, gives the same result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from mindgap import _files
from mindgap.pairs import Shards
from mindgap.stream._ranks import ALONE, Parts, Ranks

UNITS, LEAST = 256, 2048  # at most so many units, of at least so many rows
TILE = 512  # rows of a unit that are in memory in float64

Span: TypeAlias = tuple[int, int]
Progress: TypeAlias = Callable[[str, float], object]


def spans(n: int) -> list[Span]:
    """The first row of each unit, and the row after its last."""
    size = max(LEAST, -(-n // UNITS))
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def tiles(span: Span) -> Iterator[Span]:
    """A unit in parts that are worked on at a time."""
    for start in range(span[0], span[1], TILE):
        yield start, min(start + TILE, span[1])


class State:
    """What is kept of a run in a file; without a path nothing is.

    It holds the stamps of the shards and the options of the run, and for each stage how many units are done and their
    merged sums.
    """

    def __init__(self, path: Path | None, about: Mapping[str, Any]) -> None:
        """Raises ValueError, naming what differs, if the file is of other shards or options, or is none of ours."""
        self.path = path
        self.about: dict[str, Any] = json.loads(json.dumps(about))  # as the file has it: lists for tuples
        self._stages: dict[str, tuple[int, Parts]] = {}
        if path is not None and path.exists():
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            header, tensors = _files.read_tensors(path)
        except ValueError as error:
            raise ValueError(f"{error}; name another file, or remove this one and start over") from None
        if "streamed" not in header:
            raise ValueError(f"{path}: expected the kept state of a stream, got another file of mindgap")
        there = header["streamed"]
        for name, here in self.about.items():
            if there.get(name) != here:
                raise ValueError(f"{path}: is of another run: {_difference(name, there.get(name), here)}; "
                                 "name another file, or start over without it")  # fmt: skip
        for stage, done in header["done"].items():
            parts = {
                name: part for key, part in tensors.items() for where, _, name in [key.partition("/")] if where == stage
            }
            self._stages[stage] = (done, parts)

    def begun(self, stage: str) -> tuple[int, Parts | None]:
        """How many units of a stage are done, and their sums."""
        return self._stages.get(stage, (0, None))

    def keep(self, stage: str, done: int, parts: Parts) -> None:
        """Keep what is done."""
        self._stages[stage] = (done, parts)
        if self.path is not None:
            header = {"streamed": self.about, "done": {name: count for name, (count, _) in self._stages.items()}}
            tensors = {
                f"{name}/{key}": part for name, (_, parts) in self._stages.items() for key, part in parts.items()
            }
            _files.write_tensors(self.path, header, tensors)


def _difference(name: str, there: Any, here: Any) -> str:
    if name != "shards" or not isinstance(there, list):
        return f"{name} {there!r} there, {here!r} here"
    if len(there) != len(here):
        return f"{len(there)} files there, {len(here)} here"
    first = next(new for old, new in zip(there, here, strict=True) if old != new)
    return f"the file {first[0]} is not the one that was read (its name, size or time of writing differs)"


class Walk:
    """Shards, the ranks that share them, and what is kept."""

    def __init__(
        self,
        shards: Shards,
        state: State | None = None,
        ranks: Ranks = ALONE,
        progress: Progress | None = None,
    ) -> None:
        self.shards, self.ranks = shards, ranks
        self.state = state or State(None, {})
        self._progress = progress if ranks.first and progress is not None else lambda *_: None

    def fold(
        self,
        stage: str,
        work: Callable[[Span], Parts],
        merge: Callable[[Parts, Parts], Parts],
        put_aside: Callable[[Span, Parts], None] | None = None,
        units: list[Span] | None = None,
    ) -> Parts:
        """The merged sums of all units, by default those of all rows, on all ranks.

        `put_aside` is called on rank 0 with each unit and its sums before they are merged, and may take some out.
        """
        units, ranks = units or spans(len(self.shards)), self.ranks
        done, total = self.state.begun(stage)
        done = ranks.announced(done)
        self._progress(stage, done / len(units))
        while done < len(units):
            here = units[done : done + ranks.count]
            own = work(here[ranks.rank]) if ranks.rank < len(here) else None
            for span, parts in zip(here, ranks.gathered(own, _shapes(own, here)), strict=False):
                if put_aside is not None:
                    put_aside(span, parts)
                total = parts if total is None else merge(total, parts)
            done += len(here)
            if ranks.first:
                assert total is not None, "a unit was merged"
                self.state.keep(stage, done, total)
            self._progress(stage, done / len(units))
        return ranks.shared(total)


def _shapes(own: Parts | None, here: list[Span]) -> list[dict[str, tuple[int, ...]]]:
    """What the other ranks' sums look like: like those here, but for what has a row a row of the unit."""
    if own is None:
        return [{} for _ in here]
    return [
        {name: (stop - start, *part.shape[1:]) if name in BY_ROW else tuple(part.shape) for name, part in own.items()}
        for start, stop in here
    ]


BY_ROW = ("hashes",)
"""Sums that are none: they have an entry for each row of the unit, and are put aside."""


@contextmanager
def kept_in(path: Path | str | None, shards: Shards, ranks: Ranks, **options: Any) -> Iterator[State]:
    """The state of a run by these options over these shards, for which no other process can write meanwhile.

    Rank 0 reads and writes it; the others have an empty one. Raises ValueError as `State` does, the errors of
    `_files.claimed`, and ValueError where the ranks see different files.
    """
    stamps = shards.stamps()
    about = {"shards": stamps, "rows": len(shards), **options}
    seen = [[stamp.name, stamp.size] for stamp in stamps]  # of copies on other machines the times may differ
    if ranks.announced(seen) != seen:
        raise ValueError(f"{shards.name}: expected the same files on every machine, got others than rank 0 has")
    with ExitStack() as stack:
        if path is not None and ranks.first:
            path = stack.enter_context(_files.claimed(path, force=True))
            yield State(path, about)
        else:
            yield State(None, about)
