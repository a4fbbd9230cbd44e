"""Claims of chapter 3: every initialisation its own cone, and the gap between two of them."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from mindgap.claims._parts import (
    ARCHITECTURES,
    SCENES,
    Claim,
    Evidence,
    Number,
    Thresholds,
    caveat,
    claim,
    confirms,
    supports,
)
from mindgap.claims._tables import CONES, TRAINED_SEEDS, over_seeds

CLAIMS: list[Claim] = []

PAPER = "liang2022mind"
RESNET, IMAGE, TEXT = "resnet18", "ViT-B-32:image", "ViT-B-32:text"
NAMES = {RESNET: "ResNet-18", IMAGE: "image tower", TEXT: "text tower"}


def gaps(kind: str, tower: str, other: str) -> list[list[float]]:
    """The gaps between all seeds of two towers, a row a seed of the first."""
    size, towers = CONES.recipe["seeds"], CONES.recipe["towers"]
    i, j = (towers.index(one) * size for one in (tower, other))
    return [row[j : j + size] for row in CONES.read()["gaps"][kind][i : i + size]]


def couples(kind: str, tower: str, other: str) -> list[float]:
    """Each couple of them once."""
    rows = gaps(kind, tower, other)
    return [gap for i, row in enumerate(rows) for gap in (row[i + 1 :] if tower == other else row)]


def mean_cosine(kind: str, tower: str) -> float:
    """Within a cloud, mean over the seeds."""
    return statistics.fmean(one["mean"] for one in CONES.read()["clouds"][kind][tower]["cosines"])


@claim(
    CLAIMS,
    statement="Each random initialisation of a network sends the same inputs to a region of its own: 25 seeds make 25 "
    "clusters, for images and for texts, on noise and on real inputs.",
    chapter=3,
    figure="03_random_cones#fig-cliff",
    source="Figure 2c",
    cites=PAPER,
    published="25 clusters by UMAP; 24 large singular values, then a cliff (S)",
    protocol="ResNet-18 and both towers of ViT-B/32, 64 inputs of noise or drawn scenes in place of photographs. The "
    "largest fall among the first 40 singular values must come after the 24th, which is as many as 25 centred means "
    "can fill.",
    scale=ARCHITECTURES,
    thresholds={"cases": 6.0, "place of the largest fall": 24.0},
    tables=(CONES,),
)
def cones_by_seed(limits: Thresholds) -> Evidence:
    right, count = limits["place of the largest fall"], 0
    for kind, clouds in CONES.read()["clouds"].items():
        for tower, cloud in clouds.items():
            values = cloud["singular_values"]
            falls = [before / after for before, after in itertools.pairwise(values)]
            place = 1 + max(range(len(falls)), key=lambda i: falls[i])
            count += place == right
            yield Number(f"fall after the {place}th value, {NAMES[tower]} on {kind}", falls[place - 1])
    yield supports("cases of six in which the largest fall comes after the 24th", count, "≥", limits["cases"])


@claim(
    CLAIMS,
    statement="After training, too, each seed keeps a region of its own.",
    chapter=3,
    figure="03_random_cones#fig-trained-seeds",
    source="supplement, section 13",
    cites=PAPER,
    published="clusters of networks trained on ImageNet (UMAP, by eye)",
    protocol="Six small CLIPs, contrastive training in place of ImageNet's classes, 64 scenes that none has seen. The "
    "seed settles the training scenes as well as the weights.",
    scale=SCENES,
    thresholds={"nearest neighbour of the same seed": 0.99},
    tables=(TRAINED_SEEDS,),
)
def cones_by_seed_after_training(limits: Thresholds) -> Evidence:
    trained = TRAINED_SEEDS.read()["stages"]["trained"]
    for kind in ("image", "text"):
        share = trained[kind]["same_seed"]
        yield over_seeds(f"mean cosine within a cloud, {kind}", trained[kind]["cosines"])
        yield supports(
            f"{kind}: nearest neighbour of the same seed", share, "≥", limits["nearest neighbour of the same seed"]
        )


@claim(
    CLAIMS,
    statement="A gap does not need two modalities: two networks that differ only in their random weights put the same "
    "inputs in two regions.",
    chapter=3,
    figure="03_random_cones#fig-gaps",
    source="section 2.3",
    cites=PAPER,
    published="stated (P)",
    protocol="300 couples of seeds for each of three towers, noise or drawn scenes. The least gap is held against half "
    "of the trained CLIP's 0.82.",
    scale=ARCHITECTURES,
    thresholds={"least gap": 0.41},
    tables=(CONES,),
)
def gap_without_two_modalities(limits: Thresholds) -> Evidence:
    least = []
    for tower in CONES.recipe["towers"]:
        found = couples("scenes", tower, tower)
        yield over_seeds(f"gap of two {NAMES[tower]}s, scenes", found)
        least += [min(found), min(couples("noise", tower, tower))]
    yield supports("least gap of two towers of one kind", min(least), "≥", limits["least gap"])


@claim(
    CLAIMS,
    statement="The gap between two untrained towers follows from how narrow their cones are: it is about √(c₁ + c₂), "
    "with c the mean cosine within each.",
    chapter=3,
    figure="03_random_cones#fig-orthogonal",
    source="chapter 3 of this book",
    published="not in the paper",
    protocol="Couples of CLIP towers of ViT-B/32. Two ResNets are no such couple: all their outputs are non-negative.",
    scale=ARCHITECTURES,
    thresholds={"difference": 0.05, "two ResNets": 0.2},
    tables=(CONES,),
)
def gap_from_cones(limits: Thresholds) -> Evidence:
    def differs(kind: str, tower: str, other: str) -> float:
        predicted = math.sqrt(mean_cosine(kind, tower) + mean_cosine(kind, other))
        return predicted - statistics.fmean(couples(kind, tower, other))

    away = []
    for kind in CONES.recipe["inputs"]:
        for pair in ((IMAGE, TEXT), (IMAGE, IMAGE), (TEXT, TEXT)):
            away.append(abs(differs(kind, *pair)))
            yield Number(
                f"predicted less measured, {NAMES[pair[0]]} and {NAMES[pair[1]]}, {kind}", differs(kind, *pair)
            )
    yield supports("largest difference of six", max(away), "≤", limits["difference"])
    yield caveat(
        "two ResNets stand in one corner of their space, and nearer: predicted less measured",
        differs("noise", RESNET, RESNET),
        "≥",
        limits["two ResNets"],
    )


@claim(
    CLAIMS,
    statement="Before training, CLIP's gap is about 1.19.",
    chapter=3,
    figure="03_random_cones#fig-gaps",
    source="section 4.4",
    cites=PAPER,
    published="1.1891 (P)",
    protocol="Untrained ViT-B/32 on noise or drawn scenes in place of ViT-B/16 on COCO. The paper's number must lie "
    "within what couples of seeds give on these two kinds of input.",
    scale=ARCHITECTURES,
    thresholds={"gap before training": 1.1891},
    tables=(CONES,),
)
def gap_before_training(limits: Thresholds) -> Evidence:
    found = {kind: couples(kind, IMAGE, TEXT) for kind in CONES.recipe["inputs"]}
    yield from (over_seeds(f"gap of an image and a text tower, {kind}", values) for kind, values in found.items())
    yield supports("least of both kinds", min(map(min, found.values())), "≤", limits["gap before training"])
    yield supports("largest of both kinds", max(map(max, found.values())), "≥", limits["gap before training"])


@claim(
    CLAIMS,
    statement="The gap before training hardly varies from one initialisation to another: three runs give ± 0.0017.",
    chapter=3,
    figure="03_random_cones#fig-gaps",
    source="section 4.4",
    cites=PAPER,
    published="1.1891 ± 0.0017, 95 % of three runs (P); 1.1898, 1.1884, 1.1892 (S)",
    protocol="Untrained ViT-B/32 in place of ViT-B/16. If the three runs began with one and the same initialisation, "
    "the interval is right and says nothing of others. The paper's conclusion does not use it.",
    scale=ARCHITECTURES,
    thresholds={"probability": 0.01},
    tables=(CONES,),
)
def gap_before_training_varies_little(limits: Thresholds) -> Evidence:
    import torch

    def within(values: Sequence[Sequence[float]], width: float) -> float:
        """How often three couples without a tower in common are within `width` of each other."""
        table, generator = torch.tensor(values, dtype=torch.float64), torch.Generator().manual_seed(0)
        image, text = (torch.rand(100_000, len(table), generator=generator).argsort(dim=1)[:, :3] for _ in range(2))
        three = table[image, text]
        return float((three.amax(dim=1) - three.amin(dim=1) <= width).double().mean())

    width = 1.1898 - 1.1884
    seen, normal = [], []
    for kind in CONES.recipe["inputs"]:
        rows = gaps(kind, IMAGE, TEXT)
        spread = statistics.stdev([gap for row in rows for gap in row])
        yield Number(f"standard deviation over couples of seeds, {kind}", spread)
        seen.append(within(rows, width))
        # Of three normal numbers the range is below a small w with probability √3 w²/(4π σ²).
        normal.append(3**0.5 * width**2 / (4 * torch.pi * spread**2))
    yield Number("probability that three couples are as close as the paper's", max(seen))
    yield Number("the same for three normal numbers of that deviation", max(normal))
    yield supports("probability that three runs are so close", max(seen), "≥", limits["probability"])
    yield confirms("the formula for normal numbers: probability", max(normal), "≤", limits["probability"])
