"""Ranks of the right answer, among the other modality alone and in galleries that hold both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import Rows
from mindgap.geometry import TILE_ENTRIES

SHARE = 0.5


@torch.no_grad()
def median_rank(x: Rows, y: Rows, groups: Iterable[object] | str | None = None) -> float:
    """The median, over the rows of `x`, of the place of their own row of `y` among all, the nearest having place 1.

    Ties share their places: a row's place is the mean over the orders that they can have. With `groups` as in
    `recall_at_k`, the place of the best right row. A collapsed set scores (n + 1) / 2, which is chance. The cosines are
    walked in tiles, in float64: O(n²d) time, no n² memory.

    Raises ValueError as `recall_at_k` does.
    """
    x, y = _inputs.pair(x, y)
    labels = [] if groups is None else geometry.labels_of(groups, x, y)
    ranks = [_places(*counts) for _, counts in _standings(x, y, labels)]
    return float(torch.cat(ranks).quantile(0.5))


def recall_by_chance(right: Sequence[int], k: int) -> float:
    """What R@k is in a random order of n rows, if for row i there are `right[i]` right ones among them.

    The mean of 1 − C(n − right_i, k) / C(n, k). Raises ValueError unless 1 ≤ k ≤ n and each `right[i]` is from 0 to n.
    """
    n = len(right)
    k = _inputs.count(k, "k", 1, n)
    for row, size in enumerate(right):
        if not 0 <= size <= n:
            raise ValueError(f"right[{row}]: expected a number from 0 to {n}, got {size}")
    missed = {size: math.comb(n - size, k) / math.comb(n, k) for size in set(right)}
    return 1 - math.fsum(missed[size] for size in right) / n


@dataclass(frozen=True)
class Mixed:
    """Places in a gallery of both modalities: of each query, how many rows are nearer than its own, and as near."""

    nearer: Float[Tensor, " q"]
    near: Float[Tensor, " q"]

    def recall(self, k: int) -> float:
        """The share of queries whose own row is among the `k` nearest, ties sharing their places."""
        alone = torch.ones_like(self.near)
        return float(geometry.chance_of_one(alone, self.near, k - self.nearer).mean())

    def median_rank(self) -> float:
        """The median place, the nearest having place 1."""
        return float(_places(self.nearer, self.near, torch.ones_like(self.near)).quantile(0.5))


def mixed_recall_at_k(x: Rows, y: Rows, k: int = 10, share: float = SHARE, seed: int = 0) -> float:
    """R@k in a gallery that holds both modalities, as a search over pages, some of text and some of pictures, does.

    Each of the n things is in the gallery once: a random `share` of them as their row of `x`, the queries' own
    modality, the others as their row of `y`. Each of the others is asked for by its row of `x`, and its row of `y` is
    the right answer (GR-CLIP, 2025). Where a gap parts the modalities, every wrong row of the queries' own modality
    is nearer than any right one, and R@k is 0 however well the pairs match. `share` 0 is `recall_at_k`. In float64, in
    tiles: O(n²d) time.

    Raises ValueError as `gap_vector` does, unless 1 ≤ k ≤ n, for a bad seed, or unless 0 ≤ share < 1 leaves at least
    one row of `y`.
    """
    x, y = _inputs.pair(x, y)
    k = _inputs.count(k, "k", 1, len(x))
    return mixed(x, y, share, seed).recall(k)


def mixed_median_rank(x: Rows, y: Rows, share: float = SHARE, seed: int = 0) -> float:
    """The median place of the right answer in the gallery of `mixed_recall_at_k`, whose errors are these, too."""
    return mixed(*_inputs.pair(x, y), share, seed).median_rank()


@torch.no_grad()
def mixed(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], share: float = SHARE, seed: int = 0) -> Mixed:
    """The places of all queries in one mixed gallery of checked rows."""
    foreign = of_the_queries(len(x), share, seed).to(x.device)
    gallery = torch.where(foreign[:, None], x, y)
    counts = [counts for _, counts in _standings(x, gallery, [], (~foreign).nonzero()[:, 0])]
    return Mixed(*(torch.cat([one[place] for one in counts]) for place in (0, 1)))


def of_the_queries(n: int, share: float, seed: int) -> Bool[Tensor, " n"]:
    """Which of n things are in the gallery in the modality of the queries."""
    count = round(n * _inputs.number(share, "share"))
    if share < 0 or count >= n:
        raise ValueError(f"share: expected a number from 0 to below 1 that leaves a row of y of {n}, got {share:g}")
    chosen = torch.zeros(n, dtype=torch.bool)
    chosen[torch.randperm(n, generator=_inputs.generator(seed))[:count]] = True
    return chosen


def _standings(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "n d"],
    labels: list[Int[Tensor, " n"]],
    queries: Int[Tensor, " q"] | None = None,
) -> Iterator[tuple[Int[Tensor, " tile"], tuple[Float[Tensor, " tile"], ...]]]:
    """For some rows of x at a time: how many of y are nearer than their own, as near, and of those their own."""
    gallery = geometry.unit(_inputs.widened(y))
    numbers = torch.arange(len(x)) if queries is None else queries
    tie = geometry.rounding(x.shape[1], torch.float64)
    for part in numbers.to(gallery.device).split(max(1, TILE_ENTRIES // len(gallery))):
        similarity = geometry.unit(_inputs.widened(x[part.to(x.device)])) @ gallery.T
        yield part, tuple(count.double() for count in geometry.standing(similarity, part, labels, tie))


def _places(nearer: Tensor, near: Tensor, own: Tensor) -> Tensor:
    """The mean place of the first of `own` among `near` equals, after `nearer` others."""
    return nearer + (near + 1) / (own + 1)
