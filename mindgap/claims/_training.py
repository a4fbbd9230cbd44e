"""Claims of chapter 6: which gap a training ends with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from mindgap.claims._parts import (
    SCENES,
    Claim,
    Evidence,
    Number,
    Thresholds,
    caveat,
    claim,
    confirms,
    opposes,
    supports,
)
from mindgap.claims._tables import (
    FINETUNE,
    INITIALISATION,
    LONG,
    SLOW,
    TEMPERATURE,
    course,
    label,
    looks,
    over_seeds,
)

CLAIMS: list[Claim] = []

PAPER = "liang2022mind"
TEMPERATURES = (1 / 100, 1 / 50, 1 / 30, 1 / 20, 1 / 10, 1.0)
LATE = (1000, 2000, 3000, 5000)
"""Steps of the long runs at which the start has had time to be forgotten."""


def steps_down(runs: Sequence[Sequence[float]]) -> float:
    """The least fall from one temperature to the next, in any seed; `runs` has a list of seeds a temperature."""
    return min(a - b for one, other in itertools.pairwise(runs) for a, b in zip(one, other, strict=True))


def overlap(first: Sequence[float], second: Sequence[float]) -> float:
    """How far two ranges reach into each other; negative where there is room between them."""
    return min(max(first), max(second)) - max(min(first), min(second))


@claim(
    CLAIMS,
    statement="Fine-tuned at a higher temperature, a finished model narrows its gap, the more the higher it is.",
    chapter=6,
    figure="06_temperature#fig-finetune",
    source="supplement, Figure 8",
    cites=PAPER,
    published="1.0006, 0.7961, 0.6352, 0.5524, 0.3028, 0.2384 at 1/100, 1/50, 1/30, 1/20, 1/10, 1 (S)",
    protocol="The small CLIP of 1/100, 300 steps on drawn scenes, temperature frozen and free, three seeds; theirs is "
    "CLIP ViT-B/16 on COCO with the temperature free.",
    scale=SCENES,
    thresholds={"least step down": 0.0},
    tables=(FINETUNE,),
)
def finetune_temperature(limits: Thresholds) -> Evidence:
    for learned, name in ((False, "frozen"), (True, "free")):
        runs = [looks(FINETUNE, "gap", temperature=t, learned=learned) for t in TEMPERATURES]
        if not learned:
            yield from (over_seeds(f"gap at {label(t)}", run) for t, run in zip(TEMPERATURES, runs, strict=True))
        yield supports(
            f"temperature {name}: least step down, in any seed", steps_down(runs), "≥", limits["least step down"]
        )


@claim(
    CLAIMS,
    statement="Recall does not need the gap: fine-tuning that closes it leaves recall as it was.",
    chapter=6,
    figure="06_temperature#fig-finetune",
    source="supplement, Figure 8",
    cites=PAPER,
    published="R@1 0.18 to 0.21 from 1/100 to 1/10, and 0.02 at 1, at gaps from 1.00 to 0.24 (S)",
    protocol="As finetune-temperature, R@1 on 1,000 held-out scenes. At temperature 1 the authors' recall breaks "
    "down and ours does not.",
    scale=SCENES,
    thresholds={"range of R@1": 0.05, "range of the gap": 0.2, "their recall at 1 over that at 1/10": 0.5},
    tables=(FINETUNE,),
)
def finetune_recall(limits: Thresholds) -> Evidence:
    recalls = [
        sum(found := looks(FINETUNE, "image_to_text", temperature=t, learned=True)) / len(found) for t in TEMPERATURES
    ]
    gaps = [sum(found := looks(FINETUNE, "gap", temperature=t, learned=True)) / len(found) for t in TEMPERATURES]
    yield Number("R@1, mean over seeds", recalls[0], min(recalls), max(recalls), "least to most of the temperatures")
    yield supports("range of R@1 over the temperatures", max(recalls) - min(recalls), "≤", limits["range of R@1"])
    yield supports("range of the gap", max(gaps) - min(gaps), "≥", limits["range of the gap"])
    yield caveat(
        "CLIP's own recall breaks down at temperature 1: printed recall there over that at 1/10",
        0.02 / 0.18,
        "≤",
        limits["their recall at 1 over that at 1/10"],
    )


@claim(
    CLAIMS,
    statement="From scratch, too, a lower temperature leaves a wider gap, and not only because it learns more slowly.",
    chapter=6,
    figure="06_temperature#fig-recall",
    source="chapter 6 of this book, after the supplement's Figure 8",
    published="the paper fine-tunes only",
    protocol="Small CLIPs, 300 steps, five seeds. Gaps are compared after equal time, and where runs reach R@1 = 0.1.",
    scale=SCENES,
    thresholds={"least step down": 0.0, "gap at 1/100 less gap at 1/10, at equal recall": 0.1, "equal recall": 0.1},
    tables=(TEMPERATURE,),
)
def temperature_from_scratch(limits: Thresholds) -> Evidence:
    runs = [looks(TEMPERATURE, "gap", temperature=t, learned=False) for t in TEMPERATURES]
    yield from (over_seeds(f"gap at {label(t)}", run) for t, run in zip(TEMPERATURES, runs, strict=True))
    yield supports("least step down, in any seed", steps_down(runs), "≥", limits["least step down"])
    recall = limits["equal recall"]

    def gaps_when(temperature: float) -> list[float]:
        """The gap of each run when its recall first reaches `recall`, by a line between two looks."""
        found = []
        for gaps, recalls in zip(
            course(TEMPERATURE, "gap", temperature=temperature, learned=False),
            course(TEMPERATURE, "image_to_text", temperature=temperature, learned=False),
            strict=True,
        ):
            place = next((i for i, one in enumerate(recalls) if one >= recall), None)
            if place:
                part = (recall - recalls[place - 1]) / (recalls[place] - recalls[place - 1])
                found.append(gaps[place - 1] + part * (gaps[place] - gaps[place - 1]))
        return found

    cold, warm = gaps_when(1 / 100), gaps_when(1 / 10)
    yield over_seeds("gap at R@1 = 0.1, 1/100", cold)
    yield over_seeds("gap at R@1 = 0.1, 1/10", warm)
    yield supports(
        "at equal recall, least gap at 1/100 less largest at 1/10",
        min(cold) - max(warm),
        "≥",
        limits["gap at 1/100 less gap at 1/10, at equal recall"],
    )


@claim(
    CLAIMS,
    statement="Training opens a gap by itself: towers that were laid on each other before the first step drift apart.",
    chapter=6,
    figure="06_temperature#fig-start",
    source="section 4.4",
    cites=PAPER,
    published="0.0388 ± 0.0351 → 0.7457 ± 0.0633 (P)",
    protocol="Small CLIPs at 1/100, 5,000 steps at a constant rate, three seeds, and 781 steps at the authors' rate "
    "and batch, one seed. Our rotation leaves a gap of 0.2 at the start, theirs of 0.04.",
    scale=SCENES,
    thresholds={"opening": 0.05},
    tables=(LONG, SLOW),
)
def optimisation_opens_a_gap(limits: Thresholds) -> Evidence:
    for table, name in ((LONG, "5,000 steps"), (SLOW, "at the authors' rate, 781 steps")):
        start, end = looks(table, "gap", 0, start="aligned"), looks(table, "gap", start="aligned")
        yield over_seeds("aligned towers, gap at the start" if table is LONG else "the same seed, at the start", start)
        yield over_seeds(f"gap after {name}" if table is LONG else f"gap {name}", end)
        opened = min(b - a for a, b in zip(start, end, strict=True))
        yield supports(f"{name}: least opening of a seed", opened, "≥", limits["opening"])


@claim(
    CLAIMS,
    statement="What is left after training still depends on how far apart the towers began.",
    chapter=6,
    figure="06_temperature#fig-start",
    source="section 4.4",
    cites=PAPER,
    published="1.2991 ± 0.0389 from random towers, 0.7457 ± 0.0633 from aligned ones, after one epoch (P)",
    protocol="Small CLIPs at 1/100: 300 steps with a falling rate (five seeds) and 781 at the authors' rate (one), "
    "against 5,000 steps at a constant rate (three).",
    scale=SCENES,
    thresholds={"difference": 0.1, "looks with overlapping ranges": 4.0},
    tables=(INITIALISATION, SLOW, LONG),
)
def initialisation_matters(limits: Thresholds) -> Evidence:
    for table, name in ((INITIALISATION, "300 steps"), (SLOW, "781 steps at the authors' rate")):
        apart, together = (looks(table, "gap", start=start) for start in ("random", "aligned"))
        yield over_seeds(f"{name}, from random towers", apart)
        yield over_seeds(f"{name}, from aligned towers", together)
        yield supports(
            f"{name}: least gap of the one less largest of the other",
            min(apart) - max(together),
            "≥",
            limits["difference"],
        )
    overlapping = 0
    for step in LATE:
        apart, together = (looks(LONG, "gap", step, start=start) for start in ("random", "aligned"))
        overlapping += overlap(apart, together) > 0
    yield over_seeds("5,000 steps, from random towers", apart)
    yield over_seeds("5,000 steps, from aligned towers", together)
    yield opposes(
        "in the long runs the start is forgotten: looks from step 1,000 on, of four, with overlapping ranges",
        overlapping,
        "≥",
        limits["looks with overlapping ranges"],
    )


@claim(
    CLAIMS,
    statement="Towers with their usual, random start end their training with a wider gap than they began with.",
    chapter=6,
    figure="06_temperature#fig-start",
    source="section 4.4",
    cites=PAPER,
    published="1.1891 ± 0.0017 → 1.2991 ± 0.0389 (P)",
    protocol="Small CLIPs at 1/100 on drawn scenes: 781 steps of 64 at the authors' rate, one seed; the longer run is "
    "5,000 steps of 128 at 200 times that rate, three seeds. Theirs is ViT-B/16 on COCO, read after one epoch. Ours "
    "widens too on the way (1.37 at step 500), before it comes back.",
    scale=SCENES,
    thresholds={"widening": 0.02, "narrowing in the long run": 0.1},
    tables=(SLOW, LONG),
)
def training_widens_the_gap(limits: Thresholds) -> Evidence:
    (start,), (end,) = looks(SLOW, "gap", 0, start="random"), looks(SLOW, "gap", start="random")
    yield Number("gap at the start, authors' rate", start)
    yield Number("widest on the way", max(course(SLOW, "gap", start="random")[0]))
    yield Number("gap after 781 steps", end)
    yield supports("widening after 781 steps", end - start, "≥", limits["widening"])
    before, after = looks(LONG, "gap", 0, start="random"), looks(LONG, "gap", start="random")
    yield over_seeds("gap after 5,000 steps", after)
    narrowed = min(a - b for a, b in zip(before, after, strict=True))
    yield confirms(
        "the longer runs: least narrowing of a seed after 5,000 steps",
        narrowed,
        "≥",
        limits["narrowing in the long run"],
    )


@claim(
    CLAIMS,
    statement="At a low temperature training first draws each modality together: for many steps all texts are nearly "
    "one point, and the loss is that of guessing.",
    chapter=6,
    figure="06_temperature#fig-collapse",
    source="chapter 6 of this book",
    published="not in the paper",
    protocol="Small CLIPs at 1/100, five seeds, batches of 128 pairs: guessing costs log 128 = 4.852 nats.",
    scale=SCENES,
    thresholds={"mean cosine within the texts": 0.95, "loss from that of guessing": 0.1},
    tables=(TEMPERATURE,),
)
def collapse_comes_first(limits: Thresholds) -> Evidence:
    steps = course(TEMPERATURE, "step", temperature=0.01, learned=False)[0]
    cosines = course(TEMPERATURE, "text_cosine", temperature=0.01, learned=False)
    losses = course(TEMPERATURE, "loss", temperature=0.01, learned=False)
    look = steps.index(50)
    at_50, loss = [run[look] for run in cosines], [run[look] for run in losses]
    yield over_seeds("mean cosine within the texts, start", [run[0] for run in cosines])
    yield over_seeds("mean cosine within the texts, step 50", at_50)
    yield over_seeds("loss at step 50, nats", loss)
    yield supports("least of the seeds at step 50", min(at_50), "≥", limits["mean cosine within the texts"])
    away = max(abs(one - math.log(128)) for one in loss)
    yield supports("loss at step 50, from log 128", away, "≤", limits["loss from that of guessing"])
