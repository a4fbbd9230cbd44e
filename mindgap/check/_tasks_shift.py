"""The tasks of the fourth chapter: the shift along the gap, and the contrastive loss."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize as unit  # rows

from mindgap import geometry
from mindgap.check._feedback import Case, Task
from mindgap.check._tasks_gap import NOT_UNIT, ONE_UNIT, OTHER_UNIT, clouds, direction, gap, matrices


def _shifted(x: Tensor, y: Tensor, a: float, b: float, along: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """x moved by −a and y by +b gaps, and back onto the sphere."""
    along = gap(x, y) if along is None else along
    return unit(unit(x) - a * along), unit(unit(y) + b * along)


def _one_after_the_other(x: Tensor, y: Tensor, amount: float) -> tuple[Tensor, Tensor]:
    moved = unit(unit(x) - amount * gap(x, y))
    return moved, unit(unit(y) + amount * gap(moved, y))


SHIFT = Task(
    "shift",
    "both clouds along the gap, back on the sphere, for amounts of any sign",
    matrices(2, (0.3,), (-0.4,), (0.5,), (0.2,), (1.0,), (0.0,), (0.7,)),
    lambda x, y, amount: geometry.shift(x, y, amount),
    {
        "the sign is reversed: a positive amount widens the gap": lambda x, y, t: _shifted(x, y, -t, -t),
        "the unit vector along the gap is used, as the authors do, and not the gap": lambda x, y, t: _shifted(
            x, y, t, t, direction(gap(x, y))
        ),
        "half of the unit vector along the gap is used, as the authors do": lambda x, y, t: _shifted(
            x, y, t / 2, t / 2, direction(gap(x, y))
        ),
        "x alone moves, and along the unit vector, as in the authors' Table 2": lambda x, y, t: _shifted(
            x, y, t, 0, direction(gap(x, y))
        ),
        "each side moves half as far as it should": lambda x, y, t: _shifted(x, y, t / 2, t / 2),
        "each side moves twice as far as it should": lambda x, y, t: _shifted(x, y, 2 * t, 2 * t),
        "y stays where it was": lambda x, y, t: _shifted(x, y, t, 0),
        "x stays where it was": lambda x, y, t: _shifted(x, y, 0, t),
        "both move the same way": lambda x, y, t: _shifted(x, y, t, -t),
        "the amount is ignored": lambda x, y, t: _shifted(x, y, 1, 1),
        "the moved rows are not put back on the sphere": lambda x, y, t: (
            unit(x) - t * gap(x, y),
            unit(y) + t * gap(x, y),
        ),
        "y moves by the gap that is left when x has moved": _one_after_the_other,
        "the two results are exchanged": lambda x, y, t: _shifted(x, y, t, t)[::-1],
        "the rows are not put on the unit sphere before they move": lambda x, y, t: (
            unit(x - t * gap(x, y)),
            unit(y + t * gap(x, y)),
        ),
        NOT_UNIT: lambda x, y, t: (
            unit(x - t * (x.mean(dim=0) - y.mean(dim=0))),
            unit(y + t * (x.mean(dim=0) - y.mean(dim=0))),
        ),
        "the gap is that of rows of any length, not of unit rows": lambda x, y, t: _shifted(
            x, y, t, t, x.mean(dim=0) - y.mean(dim=0)
        ),
        ONE_UNIT: lambda x, y, t: (
            unit(unit(x) - t * (unit(x).mean(dim=0) - y.mean(dim=0))),
            unit(y + t * (unit(x).mean(dim=0) - y.mean(dim=0))),
        ),
    },
)


def _entropies(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row's choice among columns, and of each column's choice among rows."""
    own = logits.diagonal()
    return logits.logsumexp(dim=1) - own, logits.logsumexp(dim=0) - own


def _both(logits: Tensor) -> Tensor:
    return sum(_entropies(logits), torch.zeros(())).mean() / 2


def _cosines(x: Tensor, y: Tensor) -> Tensor:
    return unit(x) @ unit(y).T


def _without_own(logits: Tensor) -> Tensor:
    others = logits.clone().fill_diagonal_(-torch.inf)
    return ((others.logsumexp(dim=1) + others.logsumexp(dim=0)) / 2 - logits.diagonal()).mean()


def _loss_cases(generator: torch.Generator) -> list[Case]:
    plain = matrices(2, (0.3,), (0.2,), (0.5,), (2.0,), (0.15,), (0.4,), (0.1,))(generator)
    near, _ = clouds(generator, 6, 4)
    moved = near + 0.2 * near.norm(dim=1, keepdim=True) * torch.randn(6, 4, dtype=torch.float64, generator=generator)
    return [
        *plain,
        Case("pairs at temperature 1/1000, where exponentials overflow", (near, moved, 1 / 1000)),
        Case("opposite pairs at temperature 1/1000, where exponentials vanish", (near, -moved, 1 / 1000)),
    ]


CONTRASTIVE_LOSS = Task(
    "contrastive_loss",
    "both directions, unit rows, finite at every temperature",
    _loss_cases,
    lambda x, y, t: _both(_cosines(x, y) / t),
    {
        "the temperature is multiplied, not divided": lambda x, y, t: _both(_cosines(x, y) * t),
        "the temperature is not used": lambda x, y, t: _both(_cosines(x, y)),
        # An assignment asks what a loss with this slip computes, so that is not said here.
        "x and y are not treated alike: exchange them, and the loss should stay": lambda x, y, t: _entropies(
            _cosines(x, y) / t
        )[0].mean(),
        "x and y are not treated alike: the loss should stay when they are exchanged": lambda x, y, t: _entropies(
            _cosines(x, y) / t
        )[1].mean(),
        "the two directions are added, not averaged": lambda x, y, t: 2 * _both(_cosines(x, y) / t),
        "the losses of the pairs are summed, not averaged": lambda x, y, t: len(x) * _both(_cosines(x, y) / t),
        "the pairs are summed and the directions added: neither is averaged": lambda x, y, t: (
            2 * len(x) * _both(_cosines(x, y) / t)
        ),
        "the log-sum-exp runs over the wrong axis, or rather over both at once": lambda x, y, t: (
            (_cosines(x, y) / t).flatten().logsumexp(dim=0) - (_cosines(x, y) / t).diagonal().mean()
        ),
        "the pair itself is left out of the sum of exponentials": lambda x, y, t: _without_own(_cosines(x, y) / t),
        "the sign is reversed": lambda x, y, t: -_both(_cosines(x, y) / t),
        "that is in bits, expected nats": lambda x, y, t: _both(_cosines(x, y) / t) / math.log(2),
        "the pairs' own cosines are not subtracted": lambda x, y, t: (
            _both(_cosines(x, y) / t) + (_cosines(x, y) / t).diagonal().mean()
        ),
        "the mean is taken over all n² entries": lambda x, y, t: _both(_cosines(x, y) / t) / len(x),
        NOT_UNIT: lambda x, y, t: _both(x @ y.T / t),
        ONE_UNIT: lambda x, y, t: _both(unit(x) @ y.T / t),
        OTHER_UNIT: lambda x, y, t: _both(x @ unit(y).T / t),
    },
    tolerance=1e-3,
    not_finite="an exponential overflows, or all of them vanish. Only differences of logits matter, so there is a way "
    "to keep the exponentials in range",
)
