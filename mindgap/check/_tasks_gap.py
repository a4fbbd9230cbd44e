"""The tasks of the first chapter: unit rows, the gap, mean cosines and recall.

The mistakes of a task are functions of the same arguments: a wrong result that one of them reproduces is told by its
name.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize as unit  # rows

from mindgap import geometry
from mindgap.check._cases import clouds, matrices
from mindgap.check._feedback import Case, Task


def _with_one_row(generator: torch.Generator) -> list[Case]:
    return [*matrices(1)(generator)[1:], Case("a single row", (clouds(generator, 1, 5)[0],))]


NOT_UNIT = "the rows are not put on the unit sphere first"

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
)


def gap(x: Tensor, y: Tensor) -> Tensor:
    return unit(x).mean(dim=0) - unit(y).mean(dim=0)


def one(x: Tensor) -> Tensor:
    return x / x.norm()


GAP_VECTOR = Task(
    "gap_vector",
    "from the mean text to the mean image, rows of any length",
    matrices(2),
    geometry.gap_vector,
    {
        "it points the other way": lambda x, y: -gap(x, y),
        "the rows are summed, not averaged": lambda x, y: len(x) * gap(x, y),
        "the means are normalised": lambda x, y: one(unit(x).mean(dim=0)) - one(unit(y).mean(dim=0)),
        "the gap is normalised, and its length lost": lambda x, y: one(gap(x, y)),
        NOT_UNIT: lambda x, y: x.mean(dim=0) - y.mean(dim=0),
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
        "the means are normalised": lambda x, y: (one(unit(x).mean(dim=0)) - one(unit(y).mean(dim=0))).norm(),
        "that is the squared length": lambda x, y: gap(x, y).square().sum(),
        "that is the mean squared entry of the gap": lambda x, y: gap(x, y).square().mean(),
        "the rows are summed, not averaged": lambda x, y: len(x) * gap(x, y).norm(),
        "that is the mean distance of the matched pairs": lambda x, y: (unit(x) - unit(y)).norm(dim=1).mean(),
        "the absolute entries are summed": lambda x, y: gap(x, y).abs().sum(),
        "that is one less the cosine of the means": lambda x, y: (
            1 - one(unit(x).mean(dim=0)) @ one(unit(y).mean(dim=0))
        ),
        NOT_UNIT: lambda x, y: (x.mean(dim=0) - y.mean(dim=0)).norm(),
    },
)


def _off(cosines: Tensor) -> Tensor:
    return cosines.sum() - cosines.diagonal().sum()


MEAN_COSINE = Task(
    "mean_cosine",
    "the mean over pairs of different rows, whatever their lengths",
    matrices(1),
    geometry.mean_cosine,
    {
        "the diagonal is included: each row with itself, whose cosine is 1": lambda x: (unit(x) @ unit(x).T).mean(),
        "the sum of the right pairs is divided by the wrong number of pairs": lambda x: (
            _off(unit(x) @ unit(x).T) / len(x) ** 2
        ),
        "each pair is summed once but counted twice": lambda x: _off(unit(x) @ unit(x).T) / (2 * len(x) * (len(x) - 1)),
        "the cosines are summed, not averaged": lambda x: _off(unit(x) @ unit(x).T),
        "the cosines of the pairs are summed once, not averaged": lambda x: _off(unit(x) @ unit(x).T) / 2,
        "those are distances, not cosines": lambda x: torch.cdist(unit(x), unit(x)).sum() / (len(x) * (len(x) - 1)),
        "that is the length of the mean row": lambda x: unit(x).mean(dim=0).norm(),
        "cosines are averaged without their signs": lambda x: (
            _off((unit(x) @ unit(x).T).abs()) / (len(x) * (len(x) - 1))
        ),
        NOT_UNIT: lambda x: _off(x @ x.T) / (len(x) * (len(x) - 1)),
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
            _off(unit(x) @ unit(y).T) / len(x) ** 2
        ),
        "the cosines are summed, not averaged": lambda x, y: _off(unit(x) @ unit(y).T),
        "n is taken off for the matched pairs, whose cosines are not 1": lambda x, y: (
            ((unit(x) @ unit(y).T).sum() - len(x)) / (len(x) * (len(x) - 1))
        ),
        "those are distances, not cosines": lambda x, y: _off(torch.cdist(unit(x), unit(y))) / (len(x) * (len(x) - 1)),
        "y is not used": lambda x, y: geometry.mean_cosine(x),
        "x is not used": lambda x, y: geometry.mean_cosine(y),
        NOT_UNIT: lambda x, y: _off(x @ y.T) / (len(x) * (len(x) - 1)),
    },
)


def _recall(similarity: Tensor, k: int) -> Tensor:
    """Share of rows whose diagonal entry is among the k largest."""
    better = (similarity > similarity.diagonal()[:, None]).sum(dim=1)
    return (better < k).double().mean()


def _recall_cases(generator: torch.Generator) -> list[Case]:
    made: list[Case] = []
    for on, n, k, lengths, dtype in [
        ("rows of length 1, k = 1", 60, 1, False, torch.float64),
        ("rows of length 1, k = 3", 60, 3, False, torch.float64),
        ("rows of any length, k = 1", 80, 1, True, torch.float64),
        ("rows of any length, k = 5", 80, 5, True, torch.float64),
        ("few rows and k = n, where nothing can be missed", 9, 9, True, torch.float64),
        ("float32, k = 2", 80, 2, True, torch.float32),
    ]:
        x, y = clouds(generator, n, 12, lengths, dtype)
        x = x + 0.1 * x.norm(dim=1, keepdim=True) * torch.randn(n, 12, generator=generator, dtype=dtype)
        made.append(Case(on, ((x if lengths else unit(x)), y, k)))
    return made


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
