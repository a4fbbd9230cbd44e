"""What the answers to the book's exercises are made of: the list of them, and how numbers are compared.

The check of an exercise is a function that looks at a value and raises `Failed` if it is wrong. `exercise` puts it on
the list, by the label that it has in the book; what is right is computed when somebody asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from torch import Tensor

from mindgap.check._feedback import Failed, numbers
from mindgap.pairs import load_pairs

Check: TypeAlias = Callable[[Any], None]

ANSWERS: dict[str, tuple[str, Check]] = {}
"""Label → what to say to the right value, and the function that finds fault with a wrong one."""


def exercise(label: str, praise: str) -> Callable[[Check], Check]:
    """Put the function below on the list of answers."""

    def register(check: Check) -> Check:
        ANSWERS[label] = praise, check
        return check

    return register


def clip_rows() -> tuple[Tensor, Tensor]:
    """The authors' CLIP features (500, 512) of images and texts, in float64; without a word if they are missing."""
    pairs = load_pairs("clip", progress=False)
    return pairs.x.double(), pairs.y.double()


def values(value: Any, asks: Sequence[str]) -> list[float]:
    """`value` as one number for each of what is asked. Raises Failed if it is not."""
    wanted = asks[0] if len(asks) == 1 else f"{len(asks)} numbers, {'; '.join(asks)}"
    try:
        got = numbers(value).flatten().tolist()
    except Failed:
        raise Failed(f"expected {wanted}, got {value!r}") from None
    if len(got) != len(asks):
        raise Failed(f"expected {wanted}, got {len(got)} number{'s' * (len(got) != 1)}")
    return got


def expect(
    value: Any,
    right: Mapping[str, float],
    mistakes: Mapping[str, float | Sequence[float]] | None = None,
    within: float | Sequence[float] = 0.02,
) -> None:
    """Find fault with numbers that are not `right` (what is asked → its value), up to a share of each.

    `mistakes`: the name of each → the number it leads to, or one for each asked. `within`: the share, or one for each.
    """
    got = values(value, list(right))
    shares = [within] * len(got) if isinstance(within, int | float) else within
    for place, ((asked, true), share) in enumerate(zip(right.items(), shares, strict=True)):
        if math.isclose(got[place], true, rel_tol=share):
            continue
        nearest, likely = math.inf, ""
        for mistake, wrong in (mistakes or {}).items():
            number = wrong if isinstance(wrong, int | float) else wrong[place]
            away = abs(got[place] - number)
            if away < nearest and math.isclose(got[place], number, rel_tol=max(shares), abs_tol=1e-9):
                nearest, likely = away, f" Likely {mistake}."
        raise Failed(f"{got[place]:.3g} is not {asked}.{likely}")
