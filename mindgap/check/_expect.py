"""The answers to the book's exercises: numbers and words, computed when somebody asks.

An exercise is a function that looks at a value and raises `Failed` if it is wrong; `exercise` puts it on the list, by
the label that it has in the book.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mindgap import _inputs
from mindgap._errors import FeaturesAltered, FeaturesUnavailable
from mindgap.check._feedback import Failed, Feedback, numbers, report

ANSWERS: dict[str, tuple[str, Callable[[Any], None]]] = {}
"""Label → what to say to the right value, and the function that finds fault with a wrong one."""


def answer(label: str, value: Any) -> Feedback:
    """Whether `value`, a number, a word or a list, answers the exercise `label` of the book, such as "ex-cone-abs".

    Numbers need two or three digits. Where the answer is computed from the authors' features and these are not here,
    the feedback says so. Raises ValueError for an unknown label, with the nearest that there are.
    """
    # They put the answers on the list, and need most of the package.
    from mindgap.check import (
        _answers_cones,  # noqa: F401
        _answers_loss,  # noqa: F401
    )

    praise, look = ANSWERS[_inputs.choice(label, "label", ANSWERS)]

    def test() -> None:
        try:
            look(value)
        except (FeaturesUnavailable, FeaturesAltered) as error:
            raise Failed(f"cannot be checked here, for it takes the authors' features. {error}") from None

    return report(label, praise, test)


def exercise(label: str, praise: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Put the function below on the list of answers."""

    def listed(look: Callable[[Any], None]) -> Callable[[Any], None]:
        ANSWERS[label] = praise, look
        return look

    return listed


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

    `mistakes`: what to say → the number, or one for each asked, that it explains.
    """
    got = values(value, list(right))
    for place, (asked, true) in enumerate(right.items()):
        if math.isclose(got[place], true, rel_tol=within):
            continue
        likely = ""
        for says, wrong in (mistakes or {}).items():
            made = wrong if isinstance(wrong, int | float) else wrong[place]
            if math.isclose(got[place], made, rel_tol=within, abs_tol=1e-9):
                likely = f" Likely {says}."
                break
        raise Failed(f"{got[place]:.3g} is not {asked}.{likely}")
