"""The processes that share the work: one without torchrun, as many as it has started with it.

Each rank reads its own rows from the shards, which all must see: what would be passed round, texts for the images of
another rank, lies in the files already, and only sums have to travel. They are float64, a few megabytes for a unit of
work that takes seconds, and go through gloo in the memory of the CPU, also where GPUs compute: NCCL would save nothing.
Rank 0 adds them up in the order of the units, which is the same for any number of ranks, and so is the result.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import torch
import torch.distributed as dist
from torch import Tensor

Parts: TypeAlias = dict[str, Tensor]
"""Named sums, float64 (or int64, of which no number is touched)."""

PATIENCE = timedelta(hours=2)
"""How long a rank waits for one that is still alive; one that has died closes its connections, and is told at once."""


@dataclass(frozen=True)
class Ranks:
    """This process, and how many there are. Rank 0 alone adds up, writes and prints."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one adds up, writes and prints."""
        return self.rank == 0

    def gathered(self, own: Parts | None, shapes: Sequence[Mapping[str, Sequence[int]]]) -> list[Parts]:
        """On rank 0 what each rank has, in their order, those that have something; nothing on the others.

        The first `len(shapes)` ranks have something, of the shapes and names that rank 0 is told of here.
        """
        if self.count == 1 or not shapes:
            return [own] if own is not None else []
        with _connected():
            if not self.first:
                if own is not None:
                    dist.send(_flat(own), 0)
                return []
            assert own is not None, "rank 0 has something whenever any has"
            found = [own]
            for rank, shape in enumerate(shapes[1:], 1):
                numbers = torch.empty(sum(torch.Size(one).numel() for one in shape.values()), dtype=torch.float64)
                dist.recv(numbers, rank)
                found.append(_unflat(numbers, {name: (shape[name], own[name].dtype) for name in own}))
            return found

    def shared(self, parts: Parts | None) -> Parts:
        """What rank 0 has, on all ranks."""
        if self.count == 1:
            assert parts is not None
            return parts
        known = self.announced({name: (list(part.shape), str(part.dtype)) for name, part in (parts or {}).items()})
        form = {name: (shape, getattr(torch, kind.removeprefix("torch."))) for name, (shape, kind) in known.items()}
        size = sum(torch.Size(shape).numel() for shape, _ in form.values())
        numbers = _flat(parts) if parts is not None else torch.empty(size, dtype=torch.float64)
        with _connected():
            dist.broadcast(numbers, 0)
        return _unflat(numbers, form)

    def announced(self, content: Any) -> Any:
        """What rank 0 says, on all ranks: anything that JSON holds. Nothing is pickled."""
        if self.count == 1:
            return content
        with _connected():
            text = torch.tensor(list(json.dumps(content).encode()) if self.first else [], dtype=torch.uint8)
            length = torch.tensor([len(text)])
            dist.broadcast(length, 0)
            text = text if self.first else torch.empty(int(length), dtype=torch.uint8)
            dist.broadcast(text, 0)
        return json.loads(bytes(text.tolist()))


ALONE = Ranks()


def started_by_torchrun() -> bool:
    """Whether torchrun, or what sets its variables, has started this process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


@contextmanager
def joined() -> Iterator[Ranks]:
    """This process among those that torchrun has started, each with a GPU of its own if there are; alone without it.

    Raises ConnectionError where another rank has ended, or does not come.
    """
    if not started_by_torchrun() or int(os.environ["WORLD_SIZE"]) == 1:
        yield ALONE
        return
    with _connected():
        dist.init_process_group("gloo", timeout=PATIENCE)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


@contextmanager
def _connected() -> Iterator[None]:
    """A connection that breaks is said to be one."""
    try:
        yield
    except RuntimeError as error:  # torch has no one error for this
        reason = str(error).strip().splitlines()[0].partition(". ")[0]
        raise ConnectionError(f"another process of this run has ended, and so does this one ({reason})") from error


def _flat(parts: Parts) -> Tensor:
    """All numbers in one row; whole numbers by their bits."""
    return torch.cat(
        [(part if part.dtype == torch.float64 else part.view(torch.float64)).flatten().cpu() for part in parts.values()]
    )


def _unflat(numbers: Tensor, form: Mapping[str, tuple[Sequence[int], torch.dtype]]) -> Parts:
    sizes = [torch.Size(shape).numel() for shape, _ in form.values()]
    pieces = zip(form.items(), numbers.split(sizes), strict=True)
    return {
        name: (piece if kind == torch.float64 else piece.view(kind)).reshape(shape)
        for (name, (shape, kind)), piece in pieces
    }
