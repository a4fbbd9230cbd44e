"""Feedback on exercises: is a function right, and if not, which mistake is it likely to contain?

    from mindgap import check

    check.mean_cosine(my_function)         # ✓ mean_cosine: …  or  ✗ mean_cosine: wrong on … Likely the diagonal …
    check.mean_cosine(my_function).require()     # the same, and an AssertionError if it is wrong
    check.answer("ex-cone-abs", 0.5)       # the number, word or list that an exercise of the book asks for
    check.variant("0123456").generator()   # random numbers that an assignment draws for one student

A function is tried on random inputs that follow from `seed`, the plainest first; it gets torch tensors and returns
tensors, or numbers. The first failure is named, in words, without the solution. Global random numbers stay as they are.
Where the data of an exercise are missing, nothing can be said of an answer: ○ ex-gap-noise: cannot be checked here …
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from mindgap import _inputs
from mindgap.check import (
    _answers_cones,  # noqa: F401 - it puts its exercises on the list of answers, as do the next
    _answers_loss,  # noqa: F401
    _answers_since,  # noqa: F401
    _answers_tasks,  # noqa: F401
    _tasks_cones,
    _tasks_gap,
    _tasks_shift,
    _tasks_temperature,
)
from mindgap.check._expect import ANSWERS
from mindgap.check._feedback import Case, Failed, Feedback, Largest, Task, call, judge, report
from mindgap.check._tasks_layer import mlp_layer
from mindgap.check._variant import Variant, variant

__all__ = [
    "Feedback",
    "Variant",
    "add_gap",
    "answer",
    "best_temperature",
    "contrastive_loss",
    "cross_cosine",
    "effective_temperature",
    "flattering_gap",
    "gap_distance",
    "gap_vector",
    "loss_at",
    "mean_cosine",
    "mean_field",
    "mlp_layer",
    "normalize",
    "recall_at_k",
    "relu_map",
    "shift",
    "split_change",
    "variant",
]

Function: TypeAlias = Callable[..., Any] | object  # what is no function gets words, not an exception


def answer(label: str, value: Any) -> Feedback:
    """Whether `value`, a number, a word or a list, answers the exercise `label` of the book, such as "ex-cone-abs".

    Numbers need two or three digits. Neither right nor wrong (○) where data for it are missing. Raises ValueError for
    an unknown label, with the nearest that there are.
    """
    praise, find_fault = ANSWERS[_inputs.choice(label, "label", ANSWERS)]
    return report(label, praise, lambda: find_fault(value))


def _judge(task: Task, function: Function, seed: int) -> Feedback:
    return judge(task, function, _inputs.generator(seed, stream=7))


def normalize(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x)` puts the rows of x (n, d) on the unit sphere."""
    return _judge(_tasks_gap.NORMALIZE, function, seed)


def _judge_memory(found: Feedback, function: Function, seed: int, n: int = 1500) -> Feedback:
    """The same feedback, unless torch makes a tensor of n · n numbers on the way (what numpy makes is not seen)."""
    x = torch.randn(n, 4, generator=_inputs.generator(seed, stream=7))

    def test() -> None:
        with Largest() as largest:
            call(function, Case(f"{n:,} rows", (x,)))
        if largest.entries >= n * n // 2:
            raise Failed(f"right, but for {n:,} rows it holds {largest.entries:,} numbers at once; n · d are enough")

    return report(found.name, f"{found.message}, and without n² numbers", test)


def gap_vector(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x, y)` is the gap Δ = mean(x̂) − mean(ŷ), shape (d,)."""
    return _judge(_tasks_gap.GAP_VECTOR, function, seed)


def gap_distance(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x, y)` is the length of the gap."""
    return _judge(_tasks_gap.GAP_DISTANCE, function, seed)


def mean_cosine(function: Function, *, seed: int = 0, fast: bool = False) -> Feedback:
    """`function(x)` is the mean cosine over the pairs of different rows of x; `fast`: without holding n² numbers."""
    found = _judge(_tasks_gap.MEAN_COSINE, function, seed)
    return _judge_memory(found, function, seed) if fast and found else found


def cross_cosine(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x, y)` is the mean cosine over the pairs (x_i, y_j), i ≠ j."""
    return _judge(_tasks_gap.CROSS_COSINE, function, seed)


def recall_at_k(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x, y, k)` is the share of rows of x whose own row of y is among the k with the highest cosine."""
    return _judge(_tasks_gap.RECALL_AT_K, function, seed)


def shift(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x, y, amount)` moves both clouds along the gap and back onto the sphere, as `geometry.shift`."""
    return _judge(_tasks_shift.SHIFT, function, seed)


def contrastive_loss(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x, y, temperature)` is the symmetric contrastive loss of all pairs as one batch, in nats."""
    return _judge(_tasks_shift.CONTRASTIVE_LOSS, function, seed)


def relu_map(function: Function, *, seed: int = 0) -> Feedback:
    """`function(cosine)` is the cosine of two inputs after a wide random ReLU layer without bias.

    It may take a tensor or numbers.
    """

    if not callable(function):
        return _judge(_tasks_cones.RELU_MAP, function, seed)

    def of_each(cosine: Tensor) -> Any:
        try:
            return function(cosine)
        except (TypeError, ValueError, RuntimeError):  # as of Python's own math
            return [function(value) for value in cosine.tolist()]

    return _judge(_tasks_cones.RELU_MAP, of_each, seed)


def mean_field(function: Function, *, seed: int = 0) -> Feedback:
    """`function(depth, input_norm)` are depth + 1 cosines, as of `cones.relu_mean_field` with biases."""
    return _judge(_tasks_cones.MEAN_FIELD, function, seed)


def loss_at(function: Function, *, seed: int = 0) -> Feedback:
    """`function(cosines, temperature)` is the symmetric contrastive loss of n pairs with these cosines (n, n)."""
    return _judge(_tasks_temperature.LOSS_AT, function, seed)


def add_gap(function: Function, *, seed: int = 0) -> Feedback:
    """`function(x, y, gap)` puts the clouds `gap` apart along one coordinate more, and keeps all else in proportion."""
    return _judge(_tasks_temperature.ADD_GAP, function, seed)


def effective_temperature(function: Function, *, seed: int = 0) -> Feedback:
    """`function(gap, temperature)` is where the pairs without the gap of `add_gap` have the loss of those with it."""
    return _judge(_tasks_temperature.EFFECTIVE_TEMPERATURE, function, seed)


def best_temperature(function: Function, *, seed: int = 0) -> Feedback:
    """`function(cosines)` is the temperature at which pairs with these cosines (n, n) have their least loss."""
    return _judge(_tasks_temperature.BEST_TEMPERATURE, function, seed)


def flattering_gap(function: Function, *, seed: int = 0) -> Feedback:
    """`function(cosines, temperature)` is the gap whose `add_gap` makes the loss at this temperature least, or 0."""
    return _judge(_tasks_temperature.FLATTERING_GAP, function, seed)


def split_change(function: Function, *, seed: int = 0) -> Feedback:
    """`function(before, after, temperature)` splits a change of the loss into what a temperature mends and the rest."""
    return _judge(_tasks_temperature.SPLIT_CHANGE, function, seed)
