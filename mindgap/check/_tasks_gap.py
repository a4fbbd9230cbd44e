"""The tasks of the first chapter: unit rows, the gap, mean cosines and recall; and random pairs to try functions on.

The mistakes of a task are functions of the same arguments: a wrong result that one of them reproduces gets its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize as unit  # rows

from mindgap import geometry
from mindgap.check._feedback import Case, Task


def clouds(
    generator: torch.Generator, n: int, d: int, lengths: bool = True, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """n pairs in two cones with a gap, matched well but not perfectly; rows of length 1, or of any length."""

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    common = noise(n, d)
    clouds = [unit(common + 0.6 * noise(n, d) + 0.7 * noise(d)) for _ in range(2)]
    scales = [torch.rand(n, 1, dtype=torch.float64, generator=generator) * 3 + 0.3 for _ in range(2)]
    x, y = (cloud * scale if lengths else cloud for cloud, scale in zip(clouds, scales, strict=True))
    return x.to(dtype), y.to(dtype)


def matrices(count: int, *extra: Any) -> Callable[[torch.Generator], list[Case]]:
    """Cases of one matrix or of two, followed by `extra` arguments: one of them a case, in turn."""

    def cases(generator: torch.Generator) -> list[Case]:
        x, y = clouds(generator, 9, 5)
        order = torch.randperm(9, generator=generator)
        turn = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=generator)).Q
        pairs = {
            "rows of length 1": clouds(generator, 7, 5, lengths=False),
            "rows of any length": (x, y),
            "the same rows, turned and in another order": (x[order] @ turn, y[order] @ turn),
            "more columns than rows": clouds(generator, 4, 11),
            "as many rows as columns": clouds(generator, 6, 6),
            "rows of lengths about 10,000": tuple(1e4 * rows for rows in clouds(generator, 7, 5)),
            "float32": clouds(generator, 40, 16, dtype=torch.float32),
        }
        turns = [extra[i % len(extra)] if extra else () for i in range(len(pairs))]
        return [Case(what, (*pair[:count], *rest)) for (what, pair), rest in zip(pairs.items(), turns, strict=True)]

    return cases


def _with_one_row(generator: torch.Generator) -> list[Case]:
    return [*matrices(1)(generator)[1:], Case("a single row", (clouds(generator, 1, 5)[0],))]


NOT_UNIT = "the rows are not put on the unit sphere first"
ONE_UNIT = "only the rows of x are put on the unit sphere, those of y are not"
OTHER_UNIT = "only the rows of y are put on the unit sphere, those of x are not"

NORMALIZE = Task(
    "normalize",
    "unit rows, directions kept, input untouched",
    _with_one_row,
    geometry.normalize,
    {
        "the columns are scaled, not the rows": lambda x: x / x.norm(dim=0, keepdim=True),
        "the rows are divided by their squared lengths": lambda x: x / x.square().sum(dim=1, keepdim=True),
        "everything is divided by one length, that of the whole matrix": lambda x: x / x.norm(),
        "the length is a sum of absolute values": lambda x: x / x.abs().sum(dim=1, keepdim=True),
        "the squares are averaged, not summed": lambda x: x / x.square().mean(dim=1, keepdim=True).sqrt(),
        "the rows are divided by their largest entries": lambda x: x / x.abs().amax(dim=1, keepdim=True),
        "the lengths are laid along the columns: their shape lost a dimension": lambda x: (
            x / x.norm(dim=1) if len(set(x.shape)) == 1 else x * 0
        ),
        "nothing is scaled": lambda x: x,
    },
    keeps_precision=True,
)


def gap(x: Tensor, y: Tensor) -> Tensor:
    """The gap vector of rows of any length."""
    return unit(x).mean(dim=0) - unit(y).mean(dim=0)


def direction(x: Tensor) -> Tensor:
    """The unit vector along x (d,)."""
    return unit(x, dim=0)


GAP_VECTOR = Task(
    "gap_vector",
    "from the mean text to the mean image, rows of any length",
    matrices(2),
    geometry.gap_vector,
    {
        "it points the other way": lambda x, y: -gap(x, y),
        "the rows are summed, not averaged": lambda x, y: len(x) * gap(x, y),
        "the means are normalised": lambda x, y: direction(unit(x).mean(dim=0)) - direction(unit(y).mean(dim=0)),
        "the gap is normalised, and its length lost": lambda x, y: direction(gap(x, y)),
        NOT_UNIT: lambda x, y: x.mean(dim=0) - y.mean(dim=0),
        ONE_UNIT: lambda x, y: unit(x).mean(dim=0) - y.mean(dim=0),
        OTHER_UNIT: lambda x, y: x.mean(dim=0) - unit(y).mean(dim=0),
        "the mean runs over the wrong axis": lambda x, y: unit(x).mean(dim=1) - unit(y).mean(dim=1),
        "the matched differences are left as rows": lambda x, y: unit(x) - unit(y),
    },
)

GAP_DISTANCE = Task(
    "gap_distance",
    "the length of the gap, rows of any length",
    matrices(2),
    geometry.gap_distance,
    {
        "the means are normalised": lambda x, y: (
            direction(unit(x).mean(dim=0)) - direction(unit(y).mean(dim=0))
        ).norm(),
        "that is the squared length": lambda x, y: gap(x, y).square().sum(),
        "that is the mean squared entry of the gap": lambda x, y: gap(x, y).square().mean(),
        "the rows are summed, not averaged": lambda x, y: len(x) * gap(x, y).norm(),
        "that is the mean distance of the matched pairs": lambda x, y: (unit(x) - unit(y)).norm(dim=1).mean(),
        "the absolute entries are summed": lambda x, y: gap(x, y).abs().sum(),
        "that is one less the cosine of the means": lambda x, y: (
            1 - direction(unit(x).mean(dim=0)) @ direction(unit(y).mean(dim=0))
        ),
        NOT_UNIT: lambda x, y: (x.mean(dim=0) - y.mean(dim=0)).norm(),
        ONE_UNIT: lambda x, y: (unit(x).mean(dim=0) - y.mean(dim=0)).norm(),
        OTHER_UNIT: lambda x, y: (x.mean(dim=0) - unit(y).mean(dim=0)).norm(),
        "the mean runs over the wrong axis": lambda x, y: (unit(x).mean(dim=1) - unit(y).mean(dim=1)).norm(),
    },
)


def _off_diagonal(cosines: Tensor) -> Tensor:
    """The sum of all entries but those on the diagonal."""
    return cosines.sum() - cosines.diagonal().sum()


MEAN_COSINE = Task(
    "mean_cosine",
    "the mean over pairs of different rows, whatever their lengths",
    matrices(1),
    geometry.mean_cosine,
    {
        "the diagonal is included: each row with itself, whose cosine is 1": lambda x: (unit(x) @ unit(x).T).mean(),
        "the sum of the right pairs is divided by the wrong number of pairs": lambda x: (
            _off_diagonal(unit(x) @ unit(x).T) / len(x) ** 2
        ),
        "the diagonal is in the sum, though not in the number of pairs": lambda x: (
            (unit(x) @ unit(x).T).sum() / (len(x) * (len(x) - 1))
        ),
        "1 is taken off for the diagonal, which adds up to n": lambda x: (
            ((unit(x) @ unit(x).T).sum() - 1) / (len(x) * (len(x) - 1))
        ),
        "each pair is summed once but counted twice": lambda x: (
            _off_diagonal(unit(x) @ unit(x).T) / (2 * len(x) * (len(x) - 1))
        ),
        "the cosines are summed, not averaged": lambda x: _off_diagonal(unit(x) @ unit(x).T),
        "the cosines of the pairs are summed once, not averaged": lambda x: _off_diagonal(unit(x) @ unit(x).T) / 2,
        "those are distances, not cosines": lambda x: torch.cdist(unit(x), unit(x)).sum() / (len(x) * (len(x) - 1)),
        "that is the length of the mean row": lambda x: unit(x).mean(dim=0).norm(),
        "the sum runs over the wrong axis": lambda x: (
            (unit(x).sum(dim=1).square().sum() - len(x)) / (len(x) * (len(x) - 1))
        ),
        "the mean runs over the wrong axis": lambda x: unit(x).mean(dim=1).square().sum(),
        "cosines are averaged without their signs": lambda x: (
            _off_diagonal((unit(x) @ unit(x).T).abs()) / (len(x) * (len(x) - 1))
        ),
        NOT_UNIT: lambda x: _off_diagonal(x @ x.T) / (len(x) * (len(x) - 1)),
        "n is taken off for the diagonal, which is n only for unit rows": lambda x: (
            ((x @ x.T).sum() - len(x)) / (len(x) * (len(x) - 1))
        ),
    },
)

CROSS_COSINE = Task(
    "cross_cosine",
    "the mean over unmatched pairs, whatever the lengths of rows",
    matrices(2),
    geometry.mean_cosine,
    {
        "the matched pairs are included": lambda x, y: (unit(x) @ unit(y).T).mean(),
        "only the matched pairs are in it": lambda x, y: (unit(x) * unit(y)).sum(dim=1).mean(),
        "the sum of the right pairs is divided by the wrong number of pairs": lambda x, y: (
            _off_diagonal(unit(x) @ unit(y).T) / len(x) ** 2
        ),
        "the cosines are summed, not averaged": lambda x, y: _off_diagonal(unit(x) @ unit(y).T),
        "n is taken off for the matched pairs, whose cosines are not 1": lambda x, y: (
            ((unit(x) @ unit(y).T).sum() - len(x)) / (len(x) * (len(x) - 1))
        ),
        "the matched pairs are in the sum, though not in the number of pairs": lambda x, y: (
            (unit(x) @ unit(y).T).sum() / (len(x) * (len(x) - 1))
        ),
        "those are distances, not cosines": lambda x, y: (
            _off_diagonal(torch.cdist(unit(x), unit(y))) / (len(x) * (len(x) - 1))
        ),
        "y is not used": lambda x, y: geometry.mean_cosine(x),
        "x is not used": lambda x, y: geometry.mean_cosine(y),
        NOT_UNIT: lambda x, y: _off_diagonal(x @ y.T) / (len(x) * (len(x) - 1)),
        ONE_UNIT: lambda x, y: _off_diagonal(unit(x) @ y.T) / (len(x) * (len(x) - 1)),
        OTHER_UNIT: lambda x, y: _off_diagonal(x @ unit(y).T) / (len(x) * (len(x) - 1)),
    },
)


def _recall(similarity: Tensor, k: int) -> Tensor:
    """Share of rows whose diagonal entry is among the k largest."""
    better = (similarity > similarity.diagonal()[:, None]).sum(dim=1)
    return (better < k).double().mean()


def _recall_cases(generator: torch.Generator) -> list[Case]:
    cases: list[Case] = []
    for what, n, k, lengths, dtype in [
        ("rows of length 1, k = 1", 60, 1, False, torch.float64),
        ("rows of length 1, k = 3", 60, 3, False, torch.float64),
        ("rows of any length, k = 1", 80, 1, True, torch.float64),
        ("rows of any length, k = 5", 80, 5, True, torch.float64),
        ("few rows and k = n, where nothing can be missed", 9, 9, True, torch.float64),
        ("float32, k = 2", 80, 2, True, torch.float32),
    ]:
        x, y = clouds(generator, n, 12, lengths, dtype)
        x = x + 0.1 * x.norm(dim=1, keepdim=True) * torch.randn(n, 12, generator=generator, dtype=dtype)
        cases.append(Case(what, ((x if lengths else unit(x)), y, k)))
    return cases


RECALL_AT_K = Task(
    "recall_at_k",
    "own partner among the k nearest by cosine, for every k",
    _recall_cases,
    lambda x, y, k: geometry.recall_at_k(x, y, k),
    {
        "the order is reversed: the k least similar are looked at": lambda x, y, k: _recall(-unit(x) @ unit(y).T, k),
        "rows and columns are exchanged: y looks for x": lambda x, y, k: _recall(unit(y) @ unit(x).T, k),
        "k is ignored: only the nearest counts": lambda x, y, k: _recall(unit(x) @ unit(y).T, 1),
        "one neighbour too many counts": lambda x, y, k: _recall(unit(x) @ unit(y).T, k + 1),
        "one neighbour too few counts": lambda x, y, k: _recall(unit(x) @ unit(y).T, k - 1),
        "hits are counted, not their share": lambda x, y, k: len(x) * _recall(unit(x) @ unit(y).T, k),
        "that is in per cent, expected a share from 0 to 1": lambda x, y, k: 100 * _recall(unit(x) @ unit(y).T, k),
        "the hits are divided by k": lambda x, y, k: _recall(unit(x) @ unit(y).T, k) / k,
        "that is the share of misses": lambda x, y, k: 1 - _recall(unit(x) @ unit(y).T, k),
        "the nearest are looked for within x, where each row finds itself": lambda x, y, k: x.new_ones(()),
        "inner products decide, so long rows of y always win: cosines need unit rows": lambda x, y, k: _recall(
            x @ y.T, k
        ),
        "distances decide between rows of other lengths: put them on the unit sphere": lambda x, y, k: _recall(
            -torch.cdist(x, y), k
        ),
    },
)
