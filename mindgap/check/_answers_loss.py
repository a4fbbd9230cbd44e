"""Answers to the exercises of chapters 4 to 6: what the loss thinks of the gap."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.functional import normalize as unit  # rows

from mindgap import geometry, sphere
from mindgap.check._expect import exercise, expect, values
from mindgap.check._feedback import Failed
from mindgap.landscape import loss_landscape
from mindgap.pairs import load_pairs


def _clip() -> tuple[Tensor, Tensor]:
    pairs = load_pairs("clip")
    return pairs.x.double(), pairs.y.double()


@exercise("ex-shift-temperature", "how long a low temperature holds the gap depends on how often wrong texts win")
def shift_temperature(value: Any) -> None:
    many = torch.logspace(-2, 0, 21, dtype=torch.float64)

    def lets_go(name: str) -> float:
        pairs = load_pairs(name, **({"n": 500, "seed": 1} if name == "mini" else {}))
        landscape = loss_landscape(pairs.x, pairs.y, torch.arange(26, dtype=torch.float64) / 50, many)
        half = geometry.gap_distance(pairs.x, pairs.y) / 2
        return next(float(t) for t in many if landscape.minimum(float(t)).distance < half)

    clip, mini = lets_go("clip"), lets_go("mini")
    expect(
        value,
        {"CLIP's temperature": clip, "the temperature of our small CLIP": mini},
        {
            "that is one over the temperature": [1 / clip, 1 / mini],
            "the two are exchanged": [mini, clip],
            "the gap is nearly closed there, not half": [1.0, 1.0],
        },
        within=0.3,
    )


@exercise("ex-shift-half", "what tempts an image stands nearer to it, and what tempts a text further out")
def shift_half(value: Any) -> None:
    x, y = (unit(rows) for rows in _clip())
    delta = geometry.gap_vector(x, y)
    a, b = x @ delta, y @ delta

    def surplus(logits: Tensor) -> list[float]:
        return [
            float((logits.softmax(dim=1) @ b - b).mean()),
            float((logits.softmax(dim=0).T @ a - a).mean()),
        ]

    right = surplus(100 * x @ y.T)
    names = ["the surplus of the texts that images pick", "the surplus of the images that texts pick"]
    expect(
        value,
        dict(zip(names, right, strict=True)),
        {
            "right and picked are exchanged in the difference": [-number for number in right],
            "the two are exchanged": right[::-1],
            "the logits are not divided by the temperature": surplus(x @ y.T),
            "the softmax is taken over the wrong axis": [
                float(((100 * x @ y.T).softmax(dim=0) @ b - b).mean()),
                float(((100 * x @ y.T).softmax(dim=1).T @ a - a).mean()),
            ],
        },
        within=0.25,
    )


@exercise("ex-temperature-far", "two means say it all as soon as the logits of a row spread by less than about a third")
def temperature_far(value: Any) -> None:
    x, y = _clip()
    cosines, own = unit(x) @ unit(y).T, torch.arange(len(x))
    surplus = cosines.diag().mean() - cosines.mean()

    def is_right(tau: float) -> bool:
        logits = cosines / tau
        loss = (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
        return bool((math.log(len(x)) - surplus / tau - loss).abs() < 0.01 * loss)

    true = next(tau for tau in torch.logspace(-1.5, 0, 301).tolist() if is_right(tau))
    expect(
        value,
        {"the temperature": true},
        {
            "that is one over the temperature": 1 / true,
            "the first order is right there to more than one per cent already": [1.0],
        },
        within=0.1,
    )


@exercise("ex-temperature-worth", "a gap in a direction of its own is a temperature, and nothing else")
def temperature_worth(value: Any) -> None:
    tau = 0.01 / (1 - 1 / 4)
    expect(
        value,
        {"the temperature without the gap": tau},
        {
            "that is one over the temperature": 1 / tau,
            "the factor goes the wrong way: the model with the gap is the less sharp one": 0.01 * (1 - 1 / 4),
            "the square is missing": 0.01 / (1 - 1 / 2),
        },
        within=0.01,
    )


@exercise("ex-temperature-start", "the first steps make a gap at any temperature, before anything is learned")
def temperature_start(value: Any) -> None:
    cold, warm = values(value, ["the gap at 1/100", "the gap at 1/10"])
    if cold > warm:
        raise Failed("the lower temperature opens the wider gap? Likely the two are exchanged")
    if max(cold, warm) < 0.25:
        raise Failed(
            "both are about the gap at the start. Likely that is the first entry of the history, not the last, or the "
            "learning rate never rose"
        )
    if not (0.3 < cold < 0.7 and 0.45 < warm < 1.1):
        raise Failed('those are not the gaps of aligned towers after 20 steps. Is the start "aligned"?')


@exercise("ex-mismatch-height", "one number gives all heights")
def mismatch_height(value: Any) -> None:
    height, sharpness = sphere.best_angle(1 / 70), sphere.best_sharpness()
    expect(
        value,
        {"the best height at 1/70, in degrees": height, "the temperature at which the gap closes": 1 / sharpness},
        {
            "that is in radians": [math.radians(height), math.nan],
            "the height is doubled, but it is its cosine that halves": [2 * sphere.best_angle(1 / 35), math.nan],
            "the height is halved, but it is its cosine that halves": [sphere.best_angle(1 / 35) / 2, math.nan],
            "that is counted from the pole": [90 - height, math.nan],
            "that is one over the temperature": [math.nan, sharpness],
        },
    )


@exercise("ex-mismatch-belief", "the gap does for these pairs what a higher temperature does")
def mismatch_belief(value: Any) -> None:
    sharpness = sphere.best_sharpness()
    expect(
        value,
        {"the temperature at which height 0 gives every pair the same loss": 1 / sharpness},
        {
            "that is one over the temperature": sharpness,
            "that is the temperature of the pairs with the gap": 1 / 100,
            "the factor goes the wrong way: a gap is like a higher temperature": sharpness / 100**2,
        },
    )


@exercise("ex-mismatch-near", "it matters how wrong a caption is")
def mismatch_near(value: Any) -> None:
    x, y = _clip()
    published = geometry.gap_distance(x, y)
    near, chance = values(
        value, ["the best distance with 50 nearest texts exchanged", "the best distance with 50 at random"]
    )
    if near > chance + 0.05:
        raise Failed("nearest texts move the best gap more than random ones? Likely the two are exchanged")
    if not math.isclose(near, published, abs_tol=0.06):
        raise Failed(
            f"{near:.2f} is not the best distance with 50 nearest texts exchanged. Likely some were moved twice, or "
            "texts were compared with images"
        )
    if math.isclose(chance, published, abs_tol=0.06):
        raise Failed("the random exchange moved nothing. Likely the shuffled texts are not those that were used")
    if not published + 0.06 < chance < published + 0.4:
        raise Failed(f"{chance:.2f} is not the best distance with 50 at random. How many pairs were touched?")
