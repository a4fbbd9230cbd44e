"""What is not here, or not what it should be: errors that name what is missing and the command that mends it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from itertools import count


class FeaturesUnavailable(FileNotFoundError):
    """The authors' features are not on this machine and could not be fetched."""


class FeaturesAltered(ValueError):
    """A features file is here, but it is not the one its authors published. It is left as it is and not used."""


class ModelUnavailable(FileNotFoundError):
    """A model's weights, configuration or tokenizer are not on this machine and could not be fetched."""


class DataWarning(UserWarning):
    """The data were read, and there is something about them to know.

    `items`: what the message counts, all of it, where the message names only the first few.
    """

    def __init__(self, message: str, items: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.items = tuple(items)


def warn(message: str, items: Sequence[str] = ()) -> None:
    """Warn at the line that called into mindgap, however deep inside of it the matter came up."""
    for level in count(2):
        try:
            name = sys._getframe(level - 1).f_globals.get("__name__", "")
        except ValueError:  # called from nowhere but mindgap
            break
        if name.partition(".")[0] not in ("mindgap", "jaxtyping"):  # the latter, where it checks shapes, lies between
            break
    warnings.warn(DataWarning(message, items), stacklevel=level)


def first_few(items: Sequence[str], most: int = 5) -> str:
    """The first `most` items in one line, and how many more there are."""
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return "; ".join([*items[:most], *more])
