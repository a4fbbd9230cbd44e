"""Numbers and names as the public functions accept them, checked without torch: the command's help needs no more."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any

LARGEST_SEED = 2**32 - 1


def number(value: object, name: str) -> float:
    """`value` as one finite float."""
    try:
        # A number needs no history, and torch warns of converting a tensor that has one.
        plain: Any = value.detach() if hasattr(value, "detach") else value
        result = float(plain)
    except OverflowError:  # a whole number of more than 308 digits
        raise ValueError(f"{name}: expected a number that a float holds, got one that is too large") from None
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name}: expected a number, got {value!r}") from None
    if not math.isfinite(result):
        raise ValueError(f"{name}: expected a finite number, got {result}")
    return result


def positive(value: object, name: str) -> float:
    """`value` as one finite float above zero."""
    result = number(value, name)
    if result <= 0:
        raise ValueError(f"{name}: expected a number above 0, got {result:g}")
    return result


def count(value: object, name: str, least: int = 1, most: int | None = None) -> int:
    """`value` as a whole number within [least, most]."""
    result = number(value, name)
    if result != int(result) or result < least or (most is not None and result > most):
        span = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name}: expected a whole number {span}, got {result:g}")
    return int(result)


def choice(value: object, name: str, options: Iterable[str]) -> str:
    """`value`, if it is one of `options`; otherwise an error with the nearest of them."""
    known = list(options)
    if isinstance(value, str) and value in known:
        return value
    near = difflib.get_close_matches(str(value), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(known)}"
    raise ValueError(f"{name}: unknown name {value!r}; {hint}")
