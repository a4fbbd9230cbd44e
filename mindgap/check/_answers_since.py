"""Answers to the exercises of chapter 8: what closing a gap closes, and what a loss can see of it."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize as unit  # rows

from mindgap import closing, geometry, metrics
from mindgap.check._expect import clip_rows, exercise, expect
from mindgap.check._feedback import Failed, numbers

HALVES = range(20)  # seeds of the ways to cut the pairs in two
FEWEST = 50


@exercise("ex-since-apart", "one mean, every pair found, and still two clouds that never meet")
def since_apart(value: Any) -> None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Failed("expected two matrices, first the images and then the texts")
    x, y = (numbers(part) for part in value)
    if x.ndim != 2 or x.shape != y.shape:
        raise Failed(f"expected two matrices of one shape, got {tuple(x.shape)} and {tuple(y.shape)}")
    if len(x) < FEWEST:
        raise Failed(f"with {len(x)} pairs much is chance; make at least {FEWEST}")
    try:
        gap, own = geometry.gap_distance(x, y), closing.own_neighbours(x, y)
        found = min(geometry.recall_at_k(x, y), geometry.recall_at_k(y, x))
    except ValueError as error:
        raise Failed(str(error)) from None
    if gap > 0.05:
        raise Failed(
            f"the gap is {gap:.2f}. The mean of random rows is not zero; that of a cloud with every row's opposite is"
        )
    if own < 1:
        raise Failed(
            f"only {own:.0%} of the nearest neighbours are of their own modality. Likely the part that both share is "
            "too large against the parts that only one has"
        )
    if found < 1:
        raise Failed(f"R@1 is {found:.2f} in one direction; what tells pairs apart must be in both, and be the same")


def _centred(x: Tensor, y: Tensor, means: Tensor, rows: Tensor, sphere: bool = True) -> float:
    """The gap of some rows, less the means of others."""
    sides = [side[rows] - side[means].mean(dim=0) for side in (x, y)]
    images, texts = [unit(side) for side in sides] if sphere else sides
    return float((images.mean(dim=0) - texts.mean(dim=0)).norm())


@exercise("ex-since-halves", "a mean is only as good as the rows it was taken from")
def since_halves(value: Any) -> None:
    x, y = (unit(rows) for rows in clip_rows())
    own, other, flat = [], [], []
    for seed in HALVES:
        first, second = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).chunk(2)
        own.append(_centred(x, y, first, first))
        other.append(_centred(x, y, first, second))
        flat.append(_centred(x, y, first, second, sphere=False))
    middle = {name: sum(found) / len(found) for name, found in (("own", own), ("other", other), ("flat", flat))}
    spread = 2 - geometry.mean_cosine(x) - geometry.mean_cosine(y)
    unrelated = (2 * spread / (len(x) / 2)) ** 0.5 * middle["other"] / middle["flat"]
    expect(
        value,
        {"the gap that the means of the other half leave": middle["other"]},
        {
            "each half is centred by its own means": middle["own"],
            "the rows are not back on the sphere": middle["flat"],
            "the two means are taken to miss independently, but a half with more dogs has more of them in both": (
                unrelated
            ),
            "nothing is subtracted": geometry.gap_distance(x, y),
        },
        within=0.08,
    )


@cache
def _as_many() -> float:
    """The noise after centring that makes as many flips as .1 makes in CLIP's pairs as published."""
    x, y = clip_rows()
    goal = sum(closing.flips(x, y, 0.1, seeds=range(5)))
    low, high = 0.1, 0.4
    for _ in range(8):
        middle = (low * high) ** 0.5
        fewer = sum(closing.flips(x, y, middle, metrics.centred, seeds=range(5))) < goal
        low, high = (middle, high) if fewer else (low, middle)
    return low


@exercise("ex-since-noise", "two protocols, one effect: the same noise, stretched or not")
def since_noise(value: Any) -> None:
    x, y = (unit(rows) for rows in clip_rows())
    length = sum(float((side - side.mean(dim=0)).norm(dim=1).mean()) for side in (x, y)) / 2
    expect(
        value,
        {"the noise after centring that flips as much as .1 before it": 0.1 / length},
        {
            "the stretch goes the wrong way: a row is longer after centring, beside the same noise": 0.1 * length,
            "nothing is stretched there": 0.1,
            "that is as much as .1 flips in the pairs as published, which are not centred at all": _as_many(),
            "that is by how much rows are stretched, not the noise": 1 / length,
        },
        within=0.08,
    )


@exercise("ex-since-bias", "a softmax does not see the constant, and a sigmoid learns it away")
def since_bias(value: Any) -> None:
    tau, bias, gap = 0.1, -10.0, 0.6

    def moved(a: float, b: float) -> list[float]:
        return [tau / math.sqrt((1 - a**2) * (1 - b**2)), bias - a * b / tau]

    right = moved(gap / 2, gap / 2)
    expect(
        value,
        dict(zip(["the temperature", "the bias"], right, strict=True)),
        {
            "the factor goes the wrong way: the pairs with the gap are the less sharp ones": [
                tau**2 / right[0],
                math.nan,
            ],
            "the constant is not divided by the temperature": [math.nan, bias - gap**2 / 4],
            "the constant has the wrong sign: a gap lowers every cosine": [math.nan, 2 * bias - right[1]],
            "each tower carries half of the gap, not all of it": moved(gap, gap),
            "the bias stays, which is what a softmax would allow": [math.nan, bias],
        },
    )
