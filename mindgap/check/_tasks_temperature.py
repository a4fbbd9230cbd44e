"""The tasks of the fifth chapter: the loss at a temperature, a gap that only raises it, and the temperature that fits.

Matrices of cosines have a row for each x and a column for each y, and the pairs on the diagonal.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize as unit  # rows

from mindgap.check._feedback import Case, Task
from mindgap.check._tasks_gap import NOT_UNIT, clouds, matrices
from mindgap.landscape import TEMPERATURES, info_nce


def _loss(cosines: Tensor, temperature: float, direction: str = "both") -> Tensor:
    return info_nce(cosines / temperature, direction)


def _without_own(logits: Tensor) -> Tensor:
    others = logits.clone().fill_diagonal_(-torch.inf)
    return ((others.logsumexp(dim=1) + others.logsumexp(dim=0)) / 2 - logits.diagonal()).mean()


def _loss_cases(generator: torch.Generator) -> list[Case]:
    cases: list[Case] = []
    for what, n, temperature, dtype in [
        ("the cosines of seven pairs", 7, 0.3, torch.float64),
        ("a high temperature", 9, 2.0, torch.float64),
        ("two pairs", 2, 0.5, torch.float64),
        ("a low temperature", 12, 0.1, torch.float64),
        ("float32", 40, 0.15, torch.float32),
    ]:
        x, y = clouds(generator, n, 5, lengths=False)
        cases.append(Case(what, ((x @ y.T).to(dtype), temperature)))
    x, y = clouds(generator, 6, 4, lengths=False)
    return [
        *cases,
        Case("pairs at temperature 1/1000, where exponentials overflow", (x @ y.T, 1 / 1000)),
        Case("opposite pairs at temperature 1/1000, where exponentials vanish", (-x @ y.T - 0.3, 1 / 1000)),
    ]


LOSS_AT = Task(
    "loss_at",
    "both directions, finite at every temperature",
    _loss_cases,
    _loss,
    {
        "the temperature is multiplied, not divided": lambda s, t: _loss(s, 1 / t),
        "the temperature is not used": lambda s, t: _loss(s, 1.0),
        # An assignment asks what a loss with this slip computes, so that is not said here.
        "rows and columns are not treated alike: transpose the cosines, and the loss should stay": lambda s, t: _loss(
            s, t, "image_to_text"
        ),
        "rows and columns are not treated alike: the loss should stay when the cosines are transposed": lambda s, t: (
            _loss(s, t, "text_to_image")
        ),
        "the two directions are added, not averaged": lambda s, t: 2 * _loss(s, t),
        "the losses of the pairs are summed, not averaged": lambda s, t: len(s) * _loss(s, t),
        "the pairs are summed and the directions added: neither is averaged": lambda s, t: 2 * len(s) * _loss(s, t),
        "the log-sum-exp runs over the whole matrix at once": lambda s, t: (
            (s / t).flatten().logsumexp(dim=0) - (s / t).diagonal().mean()
        ),
        "the pair itself is left out of the sum of exponentials": lambda s, t: _without_own(s / t),
        "the sign is reversed": lambda s, t: -_loss(s, t),
        "that is in bits, expected nats": lambda s, t: _loss(s, t) / math.log(2),
        "the pairs' own cosines are not subtracted": lambda s, t: _loss(s, t) + (s / t).diagonal().mean(),
        "the pairs' own cosines are subtracted without their temperature": lambda s, t: (
            _loss(s, t) + (s / t - s).diagonal().mean()
        ),
    },
    tolerance=1e-3,
    not_finite="an exponential overflows, or all of them vanish. Only differences within a row or a column matter, so "
    "there is a way to keep the exponentials in range",
)


def _apart(x: Tensor, y: Tensor, new: float, keep: float, sides: tuple[int, int] = (1, -1)) -> tuple[Tensor, Tensor]:
    """Unit rows times `keep`, with ±`new` in one coordinate more."""
    first, second = (
        torch.cat([keep * unit(rows), rows.new_full((len(rows), 1), side * new)], dim=1)
        for rows, side in ((x, sides[0]), (y, sides[1]))
    )
    return first, second


def _with(x: Tensor, y: Tensor, u: float, sides: tuple[int, int] = (1, -1)) -> tuple[Tensor, Tensor]:
    """The gap of which `u` is the share of a row's square in the new coordinate."""
    return _apart(x, y, u**0.5, max(0.0, 1 - u) ** 0.5, sides)


def _appended_first(x: Tensor, y: Tensor, gap: float) -> tuple[Tensor, Tensor]:
    first, second = _apart(x, y, gap / 2, 1.0)
    return unit(first), unit(second)


def _in_front(x: Tensor, y: Tensor, gap: float) -> tuple[Tensor, Tensor]:
    first, second = _with(x, y, gap**2 / 4)
    return first.roll(1, dims=1), second.roll(1, dims=1)


def _raw(x: Tensor, y: Tensor, gap: float) -> tuple[Tensor, Tensor]:
    first, second = _with(x, y, gap**2 / 4)
    keep = (1 - gap**2 / 4) ** 0.5
    return torch.cat([keep * x, first[:, -1:]], dim=1), torch.cat([keep * y, second[:, -1:]], dim=1)


ADD_GAP = Task(
    "add_gap",
    "unit rows, as far apart as they should be along the new coordinate, all else in proportion",
    matrices(2, (0.85,), (0.6,), (1.0,), (0.3,), (0.0,), (1.6,), (1.2,)),
    lambda x, y, gap: _with(x, y, gap**2 / 4),
    {
        "the gap itself stands for u: with ±√u the two sides are 2√u apart": lambda x, y, g: _with(x, y, g),
        "u is the square of the gap: then each side alone is a whole gap away from the middle": lambda x, y, g: _with(
            x, y, g**2
        ),
        "u is half of the gap: how far apart are +√u and −√u?": lambda x, y, g: _with(x, y, g / 2),
        "u is half of the gap's square: how far apart are +√u and −√u?": lambda x, y, g: _with(x, y, g**2 / 2),
        "the rows are not shortened, so with the new coordinate they are longer than 1": lambda x, y, g: _apart(
            x, y, g / 2, 1.0
        ),
        "the rows are shortened by 1 − u, not by its root, and come out shorter than 1": lambda x, y, g: _apart(
            x, y, g / 2, 1 - g**2 / 4
        ),
        "the new coordinate is u, not its root": lambda x, y, g: _apart(x, y, g**2 / 4, (1 - g**2 / 4) ** 0.5),
        "the coordinate is appended first and the row normalised afterwards, which makes the gap smaller": (
            _appended_first
        ),
        "both clouds are on the same side": lambda x, y, g: _with(x, y, g**2 / 4, (1, 1)),
        "the clouds are on each other's side: x belongs on the positive one": lambda x, y, g: _with(
            x, y, g**2 / 4, (-1, 1)
        ),
        "only x moves: y has a 0 in the new coordinate": lambda x, y, g: _with(x, y, g**2 / 4, (1, 0)),
        "the new coordinate is the first, expected as the last": _in_front,
        NOT_UNIT: _raw,
    },
)


def _floats(function: Callable[[float, float], float]) -> Callable[[float, float], float]:
    """The same, and NaN where it has no value."""

    def safe(gap: float, temperature: float) -> float:
        try:
            return function(gap, temperature)
        except (ValueError, ZeroDivisionError):
            return math.nan

    return safe


EFFECTIVE_TEMPERATURE = Task(
    "effective_temperature",
    "right for gaps from 0 to nearly 2",
    lambda generator: [
        Case("a gap of .85 at 1/100", (0.85, 0.01)),
        Case("a gap of 1 at .07", (1.0, 0.07)),
        Case("no gap", (0.0, 0.05)),
        Case("a gap of 1.6 at 1/50", (1.6, 0.02)),
        Case("some gap at 1", (0.2 + 1.7 * float(torch.rand(1, generator=generator)), 1.0)),
    ],
    lambda gap, temperature: temperature / (1 - gap**2 / 4),
    {
        "it goes the wrong way: cosines that have shrunk are like a higher temperature": lambda g, t: (
            t * (1 - g**2 / 4)
        ),
        "the gap itself stands for u": _floats(lambda g, t: t / (1 - g)),
        "u is taken for the square of the gap, but +√u and −√u are 2√u apart": _floats(lambda g, t: t / (1 - g**2)),
        "u is taken for half of the gap's square, but +√u and −√u are 2√u apart": _floats(
            lambda g, t: t / (1 - g**2 / 2)
        ),
        "the root of 1 − u stands for 1 − u: both rows of a product are shortened by the root": _floats(
            lambda g, t: t / math.sqrt(1 - g**2 / 4)
        ),
        "it is 1 + u that divides, where 1 − u should": lambda g, t: t / (1 + g**2 / 4),
        "the temperature is raised by the share u, which is right for small gaps only": lambda g, t: t * (1 + g**2 / 4),
        "that is the factor, not the temperature": lambda g, t: 1 / (1 - g**2 / 4),
        "that is 1/τ": lambda g, t: (1 - g**2 / 4) / t,
        "the gap is not used": lambda g, t: t,
    },
    tolerance=1e-6,
)


def _best(cosines: Tensor, direction: str = "both") -> float:
    """The temperature of the least loss: in 1/τ the loss is convex, so its slope changes sign there and only there."""
    low, high = math.log(1e-3), 0.0
    for _ in range(40):
        middle = (low + high) / 2
        temperature = math.exp(middle)
        looked_at = []
        if direction != "text_to_image":
            looked_at.append((cosines / temperature).softmax(dim=1))
        if direction != "image_to_text":
            looked_at.append((cosines / temperature).softmax(dim=0))
        lead = cosines.diagonal().sum() - sum((weights * cosines).sum() for weights in looked_at) / len(looked_at)
        low, high = (low, middle) if lead > 0 else (middle, high)
    return math.exp((low + high) / 2)


def _muddled(generator: torch.Generator, best: float, n: int = 40) -> Tensor:
    """Cosines of pairs that often lose against others, in such a scale that their best temperature is `best`.

    Some columns are near to all rows, so that the two directions differ.
    """

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    x = unit(noise(n, 8))
    cosines = x @ unit(x + 0.4 * noise(n, 8)).T + 0.1 * noise(n)
    return cosines * (best / _best(cosines))


BEST_TEMPERATURE = Task(
    "best_temperature",
    "the temperature of the least loss",
    lambda generator: [
        Case("cosines that fit a temperature of about 1/10", (_muddled(generator, 0.1),)),
        Case("cosines that fit about 1/8", (_muddled(generator, 0.12),)),
        Case("cosines that fit about 1/12", (_muddled(generator, 0.083, 60),)),
        Case("few pairs", (_muddled(generator, 0.11, 25),)),
    ],
    _best,
    {
        "that is 1/τ": lambda s: 1 / _best(s),
        "that is the least loss, not the temperature where it is": lambda s: _loss(s, _best(s)),
        "the logarithm of the temperature is returned": lambda s: math.log(_best(s)),
        "the power of ten is returned, not the temperature": lambda s: math.log10(_best(s)),
        "that is the best for one direction, and the loss has two": lambda s: _best(s, "image_to_text"),
        "that is the best for one direction only": lambda s: _best(s, "text_to_image"),
        "that is the best of the paper's six temperatures; search between them": lambda s: min(
            TEMPERATURES, key=lambda t: float(_loss(s, t))
        ),
        "that is where the loss is largest: the low end of the search": lambda s: 1e-3,
        "that is the high end of the search": lambda s: 1.0,
    },
    tolerance=2.5e-3,  # a fortieth: cosines are scaled to temperatures of about a tenth
)


def _flattering(cosines: Tensor, temperature: float) -> float:
    return 2 * math.sqrt(max(0.0, 1 - temperature / _best(cosines)))


def _flattering_cases(generator: torch.Generator) -> list[Case]:
    cases: list[Case] = []
    for what, ratio in [
        ("a temperature far below the best", 0.4),
        ("a temperature below the best", 0.7),
        ("a temperature above the best, where no gap helps", 1.4),
        ("a temperature of half the best", 0.5),
    ]:
        best = 0.08 + 0.06 * float(torch.rand(1, generator=generator))
        cases.append(Case(what, (_muddled(generator, best), ratio * best)))
    return cases


FLATTERING_GAP = Task(
    "flattering_gap",
    "the gap that makes the loss least, and 0 where none helps",
    _flattering_cases,
    _flattering,
    {
        "that is u, not the gap 2√u": lambda s, t: max(0.0, 1 - t / _best(s)),
        "that is √u, half of the gap": lambda s, t: _flattering(s, t) / 2,
        "that is the square of the gap": lambda s, t: _flattering(s, t) ** 2,
        "where no gap lowers the loss, the answer is 0; the sign of u was dropped": lambda s, t: (
            2 * abs(1 - t / _best(s)) ** 0.5
        ),
        "the ratio of the temperatures stands for u, where 1 less the ratio should": lambda s, t: (
            2 * min(1.0, t / _best(s)) ** 0.5
        ),
        "the square root of the ratio stands for the ratio": lambda s, t: (
            2 * max(0.0, 1 - (t / _best(s)) ** 0.5) ** 0.5
        ),
        "that is a gap that turns the temperature into the best one the wrong way round": lambda s, t: (
            2 * max(0.0, 1 - _best(s) / t) ** 0.5
        ),
        "that is the best temperature, not a gap": lambda s, t: _best(s),
    },
    tolerance=4e-2,
    not_finite="the root of a negative number, perhaps. What should come out if the temperature is too high already?",
)


def _split(
    before: Tensor, after: Tensor, temperature: float, at: tuple[float, float] | None = None
) -> tuple[Tensor, Tensor]:
    """Change of the excess and of the least loss; `at`: other temperatures than the best of each."""
    first, second = (_best(before), _best(after)) if at is None else at
    least = _loss(after, second) - _loss(before, first)
    return _loss(after, temperature) - _loss(before, temperature) - least, least


def _negated(parts: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return -parts[0], -parts[1]


def _shares(parts: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return parts[0] / (parts[0] + parts[1]), parts[1] / (parts[0] + parts[1])


def _whole(parts: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return parts[0] + parts[1], parts[1]


SPLIT_CHANGE = Task(
    "split_change",
    "two parts that add up to the change of the loss",
    lambda generator: [
        Case("two matrices of cosines", (_muddled(generator, 0.1), _muddled(generator, 0.18), 0.06)),
        Case("cosines that only grow", ((same := _muddled(generator, 0.05)), 2 * same, 0.04)),
        Case("a temperature between the best ones", (_muddled(generator, 0.05), _muddled(generator, 0.3), 0.12)),
        Case("more pairs", (_muddled(generator, 0.06, 60), _muddled(generator, 0.05, 60), 0.03)),
    ],
    _split,
    {
        "the two parts are exchanged": lambda b, a, t: _split(b, a, t)[::-1],
        "the sign is reversed: it is after less before": lambda b, a, t: _negated(_split(b, a, t)),
        "those are shares of the change, expected nats": lambda b, a, t: _shares(_split(b, a, t)),
        "the first part is the whole change: the two must add up to it": lambda b, a, t: _whole(_split(b, a, t)),
        "the first part is the excess of the second matrix alone; the first has one, too": lambda b, a, t: (
            _loss(a, t) - _loss(a, _best(a)),
            _split(b, a, t)[1],
        ),
        "both losses are taken at the best temperature of the first matrix; each has its own": lambda b, a, t: _split(
            b, a, t, (_best(b), _best(b))
        ),
        "both losses are taken at the best temperature of the second matrix; each has its own": lambda b, a, t: _split(
            b, a, t, (_best(a), _best(a))
        ),
    },
    tolerance=2e-3,
)
