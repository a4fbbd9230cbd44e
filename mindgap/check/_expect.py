"""What the answers to the book's exercises are made of: the list of them, and how numbers are compared.

The check of an exercise is a function that looks at a value and raises `Failed` if it is wrong. `exercise` puts it on
the list, by the label that it has in the book; what is right is computed when somebody asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from mindgap.check._feedback import Failed, numbers

Check: TypeAlias = Callable[[Any], None]

ANSWERS: dict[str, tuple[str, Check]] = {}
"""Label → what to say to the right value, and the function that finds fault with a wrong one."""


def exercise(label: str, praise: str) -> Callable[[Check], Check]:
    """Put the function below on the list of answers."""

    def register(check: Check) -> Check:
        ANSWERS[label] = praise, check
        return check

    return register


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
    within: float = 0.02,
) -> None:
    """Find fault with numbers that are not `right` (what is asked → its value), up to a share of each.

    `mistakes`: the name of each → the number it leads to, or one for each asked.
    """
    got = values(value, list(right))
    for place, (asked, true) in enumerate(right.items()):
        if math.isclose(got[place], true, rel_tol=within):
            continue
        likely = ""
        for mistake, wrong in (mistakes or {}).items():
            number = wrong if isinstance(wrong, int | float) else wrong[place]
            if math.isclose(got[place], number, rel_tol=within, abs_tol=1e-9):
                likely = f" Likely {mistake}."
                break
        raise Failed(f"{got[place]:.3g} is not {asked}.{likely}")
