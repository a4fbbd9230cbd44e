"""What the compiled loops must know of floating types, and of the exponentials that are products of others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

Plan: TypeAlias = tuple[tuple[int, int], ...]
"""For each temperature the places of the two whose exponentials are multiplied, or (−1, −1): see `products`."""


class Format(NamedTuple):
    """A floating type."""

    real: Any  # zero, of that type
    series: tuple[Any, ...]  # coefficients of a polynomial that is 2ᶠ, the highest first
    mantissa: int  # how many of its bits come below the exponent
    least: float  # the exponent of its smallest normal number
    large: float  # a number beside which only whole ones are left


def _format(real: type, series: Sequence[float]) -> Format:
    about = np.finfo(real)
    coefficients = tuple(real(coefficient) for coefficient in series)
    return Format(real(0), coefficients, int(about.nmant), float(about.minexp), 1.5 * 2.0**about.nmant)


def _taylor(terms: int) -> list[float]:
    return [math.log(2) ** k / math.factorial(k) for k in reversed(range(terms))]


def _interpolated(degree: int) -> list[float]:
    """1 + f r(f), exact at 0 since there most of an exponential's error would count: r goes through (2ᶠ − 1)/f at
    Chebyshev's nodes, which is nearly as good as the best polynomial, and needs a term fewer than Taylor's."""
    nodes = np.cos(np.pi * (np.arange(degree) + 0.5) / degree) / 2
    through = np.polynomial.Polynomial.fit(nodes, np.expm1(nodes * math.log(2)) / nodes, degree - 1)
    return [*through.convert().coef[::-1].tolist(), 1.0]


FORMATS = {torch.float32: _format(np.float32, _interpolated(6)), torch.float64: _format(np.float64, _taylor(14))}
