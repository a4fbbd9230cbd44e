"""Claims of chapter 1: where the two modalities lie, before and after training."""

from __future__ import annotations

from typing import Any

from mindgap.claims._parts import (
    ARCHITECTURES,
    FEATURES,
    Claim,
    Evidence,
    Number,
    Thresholds,
    caveat,
    claim,
    supports,
)
from mindgap.claims._tables import (
    BOOTSTRAP,
    CLIP,
    CLIP_RANDOM,
    CONES,
    PUBLISHED,
    clip,
    over_seeds,
    published,
    wilson,
)

CLAIMS: list[Claim] = []

TRAINED = ("clip", "videoclip", "convirt", "clasp")


def noise(found: dict[str, Any]) -> float:
    """The gap of two samples of one cloud, √(2(1 − c)/n): what is to be expected by accident."""
    c = (found["mean_cosine_x"] + found["mean_cosine_y"]) / 2
    return float((2 * (1 - c) / found["pairs"]) ** 0.5)


@claim(
    CLAIMS,
    statement="Four models that were trained on pairs (photographs and captions, videos and narrations, X-rays and "
    "reports, proteins and descriptions) each keep their two modalities in two separate regions.",
    chapter=1,
    figure="01_modality_gap#fig-gap-map",
    source="Figure 1b",
    cites="liang2022mind",
    published="separate in all four (UMAP, by eye)",
    protocol="The authors' own features, 99 to 500 pairs a model. No UMAP: the plane halfway between the two means "
    "either parts the modalities or does not.",
    scale=FEATURES,
    thresholds={"share on its own side": 0.95, "gap over an accidental one": 3.0},
    tables=(PUBLISHED,),
)
def gap_pretrained(limits: Thresholds) -> Evidence:
    sets = published(*TRAINED)
    shares = [
        wilson(
            f"{one['name']}: share of points on their own side",
            one["separability"] * 2 * one["pairs"],
            2 * one["pairs"],
        )
        for one in sets
    ]
    yield from shares
    yield from (Number(f"{one['name']}: gap distance", one["gap_distance"]) for one in sets)
    lows = [share.low or 0.0 for share in shares]
    yield supports("lowest end of the four intervals", min(lows), "≥", limits["share on its own side"])
    ratio = min(one["gap_distance"] / noise(one) for one in sets)
    yield supports("least gap, in gaps of two samples of one cloud", ratio, "≥", limits["gap over an accidental one"])


@claim(
    CLAIMS,
    statement="The gap of CLIP, the distance between the mean of its unit image embeddings and that of its texts, is "
    "about 0.82.",
    chapter=1,
    figure="01_modality_gap#fig-gap-map",
    source="section 4.2",
    cites="liang2022mind",
    published="0.82 (P)",
    protocol="ViT-B/16 and the first 500 pairs of COCO's validation set, in place of ViT-B/32 and 5,000 pairs.",
    scale=FEATURES,
    thresholds={"difference": 0.05, "half-widths": 1.0},
    tables=(CLIP,),
)
def gap_size(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import geometry

    x, y = clip()
    gap, n = geometry.gap_distance(x, y), len(x)
    drawn = torch.randint(n, (500, n), generator=torch.Generator().manual_seed(0))
    weights = torch.stack([rows.bincount(minlength=n) for rows in drawn]).double() / n  # how often each pair is drawn
    spread = 1.96 * float((weights @ (x - y)).norm(dim=1).std())
    yield Number("gap distance", gap, gap - spread, gap + spread, BOOTSTRAP)
    yield supports("difference from 0.82", abs(gap - 0.82), "≤", limits["difference"])
    yield caveat(
        "another draw of such pairs would not explain the difference: difference over the half-width of the interval",
        abs(gap - 0.82) / spread,
        "≥",
        limits["half-widths"],
    )


@claim(
    CLAIMS,
    statement="The gap is there before any training: an image tower and a text tower with random weights put their "
    "outputs in two separate regions.",
    chapter=1,
    figure="03_random_cones#fig-gaps",
    source="Figure 1c",
    cites="liang2022mind",
    published="separate (UMAP, by eye); R@1 of the untrained CLIP 0.002 (S)",
    protocol="Fresh towers of ViT-B/32, 25 seeds each, 625 couples, on noise and on drawn scenes; and the authors' "
    "untrained ViT-B/16. Of their other random files two are not random throughout, and are left out.",
    scale=ARCHITECTURES,
    thresholds={"least gap": 0.41, "recall by chance": 0.002},
    tables=(CONES, CLIP_RANDOM, PUBLISHED),
)
def gap_random(limits: Thresholds) -> Evidence:
    size = CONES.recipe["seeds"]
    gaps = {
        kind: [gap for row in rows[size : 2 * size] for gap in row[2 * size :]]
        for kind, rows in CONES.read()["gaps"].items()
    }
    (random,) = published("clip_random")
    yield from (over_seeds(f"gap of ViT-B/32 towers on {kind}", found) for kind, found in gaps.items())
    yield Number("gap of the authors' untrained ViT-B/16", random["gap_distance"])
    recall = wilson("its R@1, image to text", random["recall_xy"] * random["pairs"], random["pairs"])
    yield recall
    least = min(min(found) for found in gaps.values())
    yield supports("least gap of a couple of towers", least, "≥", limits["least gap"])
    yield supports("gap of the untrained ViT-B/16", random["gap_distance"], "≥", limits["least gap"])
    yield supports("chance of R@1 within its interval", recall.low or 0.0, "≤", limits["recall by chance"])


@claim(
    CLAIMS,
    statement="The size of a gap does not tell how well a model matches its pairs.",
    chapter=1,
    figure="01_modality_gap#fig-gap-match",
    source="chapter 1 of this book",
    published="not in the paper",
    protocol="VideoCLIP's and CLASP's files, whose gaps are nearly the same. Recall is pooled over both directions.",
    scale=FEATURES,
    thresholds={"difference of the gaps": 0.05, "recall over that of the other": 2.0},
    tables=(PUBLISHED,),
)
def gap_says_little_of_matching(limits: Thresholds) -> Evidence:
    video, protein = published("videoclip", "clasp")
    recalls = []
    for one in (video, protein):
        hits = (one["recall_xy"] + one["recall_yx"]) * one["pairs"]
        recalls.append(wilson(f"{one['name']}: R@1, both directions", hits, 2 * one["pairs"]))
        yield Number(f"{one['name']}: gap distance", one["gap_distance"])
    yield from recalls
    apart = abs(video["gap_distance"] - protein["gap_distance"])
    yield supports("difference of the gaps", apart, "≤", limits["difference of the gaps"])
    ratio = (recalls[0].low or 0.0) / (recalls[1].high or 1.0)
    yield supports("one recall's lower end over the other's upper", ratio, "≥", limits["recall over that of the other"])


@claim(
    CLAIMS,
    statement="CLIP finds the caption of a photograph although most other photographs are nearer to it than the "
    "caption is.",
    chapter=1,
    figure="01_modality_gap#fig-cosines",
    source="chapter 1 of this book",
    published="not in the paper",
    protocol="CLIP ViT-B/16, 500 pairs; for each photograph the mean cosine with the 499 others.",
    scale=FEATURES,
    thresholds={"share of photographs": 0.95, "recall over chance": 50.0},
    tables=(CLIP,),
)
def photographs_nearer_than_captions(limits: Thresholds) -> Evidence:
    from mindgap import geometry

    x, y = clip()
    n, own = len(x), (x * y).sum(dim=1)
    average = (x @ x.sum(dim=0) - 1) / (n - 1)
    nearer = wilson("photographs nearer to the average other one", float((average > own).sum()), n)
    recall = wilson("photographs whose own caption is the nearest of all", geometry.recall_at_k(x, y) * n, n)
    yield nearer
    yield recall
    yield supports("share of photographs, lower end", nearer.low or 0.0, "≥", limits["share of photographs"])
    yield supports("recall over chance, lower end", (recall.low or 0.0) * n, "≥", limits["recall over chance"])
