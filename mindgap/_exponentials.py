"""The exponentials of the same cosines at many temperatures, in as few passes over memory as can be.

Where an inverse temperature is the sum of two others, its exponentials are products, e^{50c} = e^{30c} e^{20c}, at half
the cost. What is left is bound by memory, not by arithmetic: so all passes write into the same few tiles, and two
temperatures are kept at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

SHARPEST_FLOAT32 = 128.0  # the highest 1/τ for float32: its e⁻⁶⁰ then spans cosines that differ by .47
LEAST_SUM = {torch.float32: math.exp(-60), torch.float64: math.exp(-600)}  # below, terms flushed to 0 may matter
LEAST_EXPONENT = {torch.float32: -87.0, torch.float64: -708.0}  # below, exponentials are subnormal, and slow
MOST_FACTORS = 16  # the relative errors of multiplied exponentials add up: here to 1e-6 at most


class Step(NamedTuple):
    """How to get the exponentials for one temperature: from the cosines, or as a product of two that came before."""

    inverse: float
    dtype: torch.dtype
    factors: tuple[int, int] | None = None  # −1 the step before, −2 the one before that
    leaves: int = 1  # exponentials multiplied in all


def planned(inverses: Sequence[float], dtype: torch.dtype) -> list[Step]:
    """A step for each of the rising inverse temperatures: a product wherever it is the sum of one or two before it."""
    steps: list[Step] = []
    for inverse in inverses:
        step = Step(inverse, dtype if inverse <= SHARPEST_FLOAT32 else torch.float64)
        for factors in [(-1, -1), (-2, -1), (-2, -2)]:
            if len(steps) < -factors[0]:
                continue
            one, other = (steps[i] for i in factors)
            leaves = one.leaves + other.leaves
            adds_up = math.isclose(one.inverse + other.inverse, inverse, rel_tol=1e-14)
            if adds_up and one.dtype == other.dtype == step.dtype and leaves <= MOST_FACTORS:
                step = step._replace(factors=factors, leaves=leaves)
                break
        steps.append(step)
    return steps


class Workspace:
    """Tiles that all passes write into: new memory for each would cost more than the work itself."""

    def __init__(self) -> None:
        self._tiles: dict[tuple[str, torch.dtype], tuple[Tensor, ...]] = {}

    def tiles(self, name: str, like: Tensor, dtype: torch.dtype, several: int = 1) -> tuple[Tensor, ...]:
        """`several` tiles shaped `like` another, as one tensor and one by one, with whatever was last written there."""
        there = self._tiles.get((name, dtype))
        if there is None or there[1].shape != like.shape:
            together = like.new_empty(several, *like.shape, dtype=dtype)
            there = self._tiles[name, dtype] = (together, *together.unbind())
        return there


def exponentials(
    product: Float[Tensor, "k r b"],
    left: Float[Tensor, "k r 3"],
    right: Float[Tensor, "k 3 b"],
    sharpness: Float[Tensor, "t k r 1"],
    lowest: float,
    plan: Sequence[Step],
    workspace: Workspace,
) -> Iterator[Float[Tensor, "two k r b"]]:
    """exp(sharpness · c) for the steps of the plan, one or two at a time, each to be used before the next.

    c = product · right[0] + left @ right, and `sharpness` is 1/τ for each step and row, times what makes c a cosine.
    No exponent is below `lowest`/τ.
    """
    cosines = workspace.tiles("cosines", product, product.dtype)[1]
    torch.mul(product, right[:, :1], out=cosines).baddbmm_(left, right)
    first = 0
    for dtype, group in itertools.groupby(plan, key=lambda step: step.dtype):
        steps = list(group)
        rounded, weights = cosines, sharpness[first : first + len(steps)].to(dtype)
        if cosines.dtype != dtype:
            rounded = workspace.tiles("rounded", cosines, dtype)[1].copy_(cosines)
        both, *slots = workspace.tiles("exponentials", cosines, dtype, 2)
        for number, step in enumerate(steps):
            slot = number % 2  # that of the step before the last, which is needed no longer than for this product
            result = slots[slot]
            far = lowest * step.inverse < LEAST_EXPONENT[dtype]  # a product could be subnormal, too
            if step.factors is None or far:
                torch.mul(rounded, weights[number], out=result)
                (result.clamp_(min=LEAST_EXPONENT[dtype]) if far else result).exp_()
            else:
                one, other = (slots[(slot + factor) % 2] for factor in step.factors)
                torch.mul(one, other, out=result)
            if slot == 1:
                yield both
            elif number == len(steps) - 1:
                yield result[None]
        first += len(steps)
