"""Answers to the exercises of chapters 1 to 3: the gap, cones, and random cones."""

from __future__ import annotations

import math
from typing import Any

from mindgap import cones, geometry
from mindgap.check._expect import clip_rows, exercise, expect, values
from mindgap.check._feedback import Failed, numbers


@exercise("ex-gap-noise", "two samples of one cone are that far apart by accident")
def gap_noise(value: Any) -> None:
    x, y = clip_rows()
    n, spread = len(x), 1 - (geometry.mean_cosine(x) + geometry.mean_cosine(y)) / 2
    measured = geometry.gap_distance(x, y)
    expect(
        value,
        {"the gap that noise alone makes between 500 images and 500 texts": (2 * spread / n) ** 0.5},
        {
            "that is its square": 2 * spread / n,
            "the mean cosine c stands where 1 - c belongs: the more alike the points, the less their mean scatters": (
                (2 * (1 - spread) / n) ** 0.5
            ),
            "only one of the two means scatters": (spread / n) ** 0.5,
            "the points are taken to be spread over the whole sphere; in a cone they scatter less": (2 / n) ** 0.5,
            "the two square roots of the noise are added, but it is squares that add": 2 * (spread / n) ** 0.5,
            "that is what is left of CLIP's gap, not the noise": (measured**2 - 2 * spread / n) ** 0.5,
            "that is how much longer noise makes CLIP's gap, not how long it is by itself": (
                measured - (measured**2 - 2 * spread / n) ** 0.5
            ),
        },
    )


@exercise("ex-gap-shuffle", "only these two know which text belongs to which image")
def gap_shuffle(value: Any) -> None:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple | set | frozenset) or not all(isinstance(word, str) for word in words):
        raise Failed('expected the names of the measures that change, such as ["gap distance", …]')
    kinds = {"unmatched": "sets", "matched": "pairs", "recall": "pairs", "r@1": "pairs"}
    kinds |= dict.fromkeys(["gap", "separab", "within"], "sets")
    found = set()
    for word in words:
        kind = next((kind for kind in kinds if kind in word.lower()), None)
        if kind is None:
            raise Failed(f"{word!r} is none of the measures of the figure")
        if kind == "unmatched":
            raise Failed(
                "the mean over unmatched pairs moves by .0003, which two decimals do not show, for it is nearly all "
                "pairs. Likely you mean the matched ones"
            )
        if kinds[kind] == "sets":
            raise Failed(f"{word!r} does not change: it is a function of the two sets, whoever belongs to whom")
        found.add("recall" if kind in ("recall", "r@1") else kind)
    if len(found) < 2:
        raise Failed(f"{', '.join(found) or 'nothing'} is not all; which other measure asks about pairs?")


@exercise("ex-gap-among", "the fewer there are to choose from, the higher R@1")
def gap_among(value: Any) -> None:
    x, y = (geometry.normalize(rows.double()) for rows in clip_rows())
    cosines = x @ y.T
    own = cosines.diagonal()[:, None]
    nearer = (cosines > own + 1e-9).sum(dim=1).tolist()
    n, few = len(x), 100
    # None of the nearer ones is among those drawn.
    share = sum(math.comb(n - 1 - g, few - 1) / math.comb(n - 1, few - 1) for g in nearer) / n
    expect(
        value,
        {"R@1 among 100 captions": share},
        {
            "that is R@1 among all 500": geometry.recall_at_k(x, y),
            "that is R@5 among all 500; being first among a fifth of them asks more": geometry.recall_at_k(x, y, 5),
            "R@1 does not grow in proportion: most of what is missed among 500 is not missed by chance": min(
                1.0, 5 * geometry.recall_at_k(x, y)
            ),
        },
        within=0.015,
    )


@exercise("ex-cone-abs", "twice what a ReLU is worth")
def cone_abs(value: Any) -> None:
    expect(
        value,
        {"the cosine after one wide layer": 2 / math.pi},
        {
            "that is what a ReLU makes of orthogonal inputs": 1 / math.pi,
            "that is the mean of |a|, which comes in twice": (2 / math.pi) ** 0.5,
            "a mean of squares is taken for the square of a mean": 1.0,
            "that holds before the activation": 0.0,
        },
    )


@exercise("ex-cone-positive", "a narrow cone with both signs, and a positive one that stops narrowing")
def cone_positive(value: Any) -> None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Failed("expected two results of mlp_cosines: first of the network with both signs, then the positive one")
    first, second = (numbers(part).flatten() for part in value)
    if min(len(first), len(second)) < 12:
        raise Failed("these networks are too shallow to tell; give both more than ten layers")
    relu = [cones.relu_mean_field(len(first) - 1, norm) for norm in (512**0.5, 1.0)]
    if any((first - curve).abs().max() < 0.06 for curve in relu):
        raise Failed("the first looks like a plain ReLU network, whose outputs are never negative")
    sigmoid = cones.mlp_cosines("sigmoid", len(first) - 1, n=64)
    if (first - sigmoid).abs().max() < 0.03:
        raise Failed("the first looks like a sigmoid network, whose outputs are never negative")
    if first[-1] < 0.9:
        also = "; are the two exchanged?" if second[-1] > 0.9 else ". What do biases do, and when are they large?"
        raise Failed(f"the first is no narrow cone, with {first[-1]:.2f} at its end{also}")
    if second[-1] < 0.1:
        raise Failed("the outputs of the second have both signs, or their cosines would be larger")
    if second[-1] - second[5] > 0.02:
        raise Failed(
            f"the second still narrows, from {second[5]:.2f} at layer 5 to {second[-1]:.2f} at its end. Likely nothing "
            "takes away the common part before the activation, or the normalisation is over neurons, not over inputs"
        )
    if second[-1] > 0.95:
        raise Failed(f"the second narrows until nothing is left to narrow, {second[-1]:.2f}: it has not stopped before")


@exercise("ex-cone-norm", "layer normalisation is no protection")
def cone_norm(value: Any) -> None:
    def last(norm: str, activation: str = "relu") -> float:
        return float(cones.mlp_cosines(activation, 25, n=256, norm=norm)[-1])

    expect(
        value,
        {"the cosine after 25 ReLU layers with layer normalisation": last("layer")},
        {
            "that is the plain network; norm chooses a normalisation, input_norm a length": last("none"),
            "that is batch normalisation in training mode": last("batch"),
            "that is a linear network": last("layer", "linear"),
        },
        within=0.025,
    )


@exercise("ex-seeds-gap", "each change alone would have left about 1.0")
def seeds_gap(value: Any) -> None:
    # What the exercise gives: within images and texts, trained and untrained, and across.
    trained, untrained, across = 0.531 + 0.515, 0.681 + 0.664, 0.162
    right = [trained - 2 * across, trained, untrained - 2 * across]
    asked = ["the gap of trained CLIP", "the gap of wider cones, not turned", "the gap of turned cones, not wider"]
    expect(
        value,
        {name: squared**0.5 for name, squared in zip(asked, right, strict=True)},
        {
            "that is its square": right,
            "the second and the third are exchanged": [right[0] ** 0.5, right[2] ** 0.5, right[1] ** 0.5],
            "the cosine across is taken off once only": [(squared + across) ** 0.5 for squared in right],
            "the cosine across is still in it; cones that have not turned are orthogonal": right[0] ** 0.5,
            "that is two untrained towers": untrained**0.5,
        },
        within=0.008,
    )


@exercise("ex-seeds-umap", "the clusters are in the space and not in the map, and the cone is not their only mark")
def seeds_umap(value: Any) -> None:
    before, after = values(value, ["the share as drawn", "the share after subtracting each seed's mean"])
    if before < 0.97:
        also = "; are the two exchanged?" if after > 0.99 else " or too low"
        raise Failed(f"{before:.2f} is not the share as drawn; by chance it would be {31 / 127:.2f}{also}")
    if after > 0.995:
        raise Failed("both are 1. Likely each row finds itself, or one mean of all was taken off, not each seed's own")
    if after < 31 / 127:
        raise Failed(
            f"{after:.2f} is below chance: so few inputs a seed turn away from each other once centred. Take 32"
        )
    if after < 0.75:
        raise Failed(f"{after:.2f} is not the share after subtracting each seed's mean. Likely another mean was taken.")


@exercise("ex-seeds-three", "three that are closer than chance are likely one initialisation, not three")
def seeds_three(value: Any) -> None:
    window = 0.0042 / 0.03
    pair = window / math.pi**0.5  # two numbers, whose difference has the standard deviation √2
    expect(
        value,
        {"the probability that three gaps lie within 0.0042": 3 * window**2 / (2 * math.pi * 3**0.5)},
        {
            "that is the probability for two runs": pair,
            "the three are taken for two independent pairs; but if two pairs are close, they share a run": pair**2,
            "that is in per cent; a probability is asked": 100 * 3 * window**2 / (2 * math.pi * 3**0.5),
            "each pair in turn is close to the first, but the second and the third may lie on either side of it": (
                4 * window**2 / (2 * math.pi * 3**0.5)
            ),
        },
        within=0.12,
    )


@exercise("ex-seeds-theorem", "below β, so the bound needs its biases")
def seeds_theorem(value: Any) -> None:
    after = float(cones.relu_kernel(0.6))
    expect(
        value,
        {"the share after the ReLU at β = .6": (math.pi * after - 1) / (math.pi - 1)},
        {
            "that is the share before the activation": 0.6,
            "that is the mean cosine after the ReLU, not the share": after,
            "the part that is common to all seeds is not taken off": after * math.pi / (math.pi - 1),
            "the common part is taken off above the line only": after - 1 / math.pi,
        },
    )
