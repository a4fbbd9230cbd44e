"""Claims of Tables 1 and 2, as far as printed numbers alone can decide them: what shifting does to tasks."""

from __future__ import annotations

from mindgap.claims._parts import (
    PRINTED,
    Claim,
    Evidence,
    Number,
    Thresholds,
    caveat,
    claim,
    supports,
    untestable,
)
from mindgap.claims._tables import FAIRFACE, wilson

CLAIMS: list[Claim] = []

PAPER = "liang2022mind"
GROUPS = {
    "Black": (1556, 1.1, 1.0), "White": (2085, 15.7, 13.7), "Indian": (1516, 1.2, 1.1), "Latino": (1623, 2.8, 2.0),
    "Middle Eastern": (1209, 6.3, 5.2), "Southeast Asian": (1415, 0.5, 0.3), "East Asian": (1550, 0.7, 0.6),
}  # fmt: skip
"""Table 2: images of a group, and the percentage of offensive top-1 labels at a gap of 0.82 and of 0.97."""

GAINS = {
    "CIFAR10": (10_000, 0.9013, 0.9081), "CIFAR100": (10_000, 0.6658, 0.6737), "SVHN": (26_032, 0.5389, 0.5396),
}  # fmt: skip
"""Table 1, for the data sets whose test set has one well-known size: images, accuracy unshifted and at its best."""


@claim(
    CLAIMS,
    statement="Moving the gap raises zero-shot accuracy on CIFAR10, CIFAR100 and SVHN.",
    chapter=7,
    source="Table 1",
    cites=PAPER,
    published="gains of 0.0068, 0.0079 and 0.0007 on CIFAR10, CIFAR100 and SVHN (P)",
    protocol="The printed accuracies as if measured on separate images, 10,000, 10,000 and 26,032 of them. Both are "
    "of the same images, so the true error of a gain is smaller; that the shift was chosen on them makes it larger.",
    scale=PRINTED,
    thresholds={"data sets whose accuracy rises": 3.0, "standard errors": 1.96, "data sets within the error": 2.0},
)
def zero_shot_gains(limits: Thresholds) -> Evidence:
    rises, within = 0, 0
    for name, (n, before, after) in GAINS.items():
        error = ((before * (1 - before) + after * (1 - after)) / n) ** 0.5
        rises += after > before
        within += after - before < limits["standard errors"] * error
        yield Number(
            f"{name}: gain",
            after - before,
            after - before - 1.96 * error,
            after - before + 1.96 * error,
            "95 %, unpaired",
        )
    yield supports(
        "data sets of three whose printed accuracy rises", rises, "≥", limits["data sets whose accuracy rises"]
    )
    yield caveat(
        "printed numbers alone cannot tell most of the gains from chance: data sets within the unpaired error",
        within,
        "≥",
        limits["data sets within the error"],
    )


untestable(
    CLAIMS,
    id="fairness",
    statement="Widening the gap from 0.82 to 0.97 makes CLIP give offensive labels to fewer faces.",
    chapter=7,
    source="Table 2",
    cites=PAPER,
    published="Black 1.1 → 1.0 %, White 15.7 → 13.7 %, Middle Eastern 6.3 → 5.2 %, … (P)",
    protocol="–",
    scale=PRINTED,
    reason="It needs CLIP's weights and the 10,954 faces of FairFace. What the printed counts alone can decide is in "
    "the next three rows.",
)


@claim(
    CLAIMS,
    statement="Widening the gap from 0.82 to 0.97 lowers the share of offensive labels for every group of faces.",
    chapter=7,
    source="Table 2",
    cites=PAPER,
    published="seven of seven fall (P)",
    protocol="Printed percentages of the groups' sizes, each with a Wilson interval. Both columns are of the same "
    "images, so a test that pairs them could see more; for East Asian one image decides.",
    scale=PRINTED,
    thresholds={"groups that fall": 7.0, "groups whose new share is in the old interval": 4.0},
)
def fairness_every_group(limits: Thresholds) -> Evidence:
    falls, inside = 0, 0
    for group, (n, before, after) in GROUPS.items():
        old = wilson(f"{group}: share at 0.82, per cent", n * before / 100, n)
        low, high = 100 * (old.low or 0.0), 100 * (old.high or 0.0)
        falls += after < before
        inside += low <= after <= high
        yield Number(f"{group}, per cent at 0.82 ({after} at 0.97)", before, low, high, old.interval)
    yield supports("groups of seven whose printed share falls", falls, "≥", limits["groups that fall"])
    yield caveat(
        "for most groups the printed shares alone cannot tell the fall from chance: groups within the old interval",
        inside,
        "≥",
        limits["groups whose new share is in the old interval"],
    )


@claim(
    CLAIMS,
    statement="A gap that is made too small or too large does harm of two kinds: labels of crime, and labels that are "
    "not human.",
    chapter=7,
    figure="07_does_it_matter#fig-matter-groups",
    source="section 5, and the notebook of Table 2",
    cites=PAPER,
    published="said in the text; counts at five distances in the notebook (S)",
    protocol="The counts that the authors' notebook stores at gaps of 0.07, 0.82, 0.97, 1.13 and 1.29; those at 1.13 "
    "are from percentages with one decimal.",
    scale=PRINTED,
    thresholds={"groups that rise": 7.0, "times as many": 2.0},
    tables=(FAIRFACE,),
)
def fairness_direction(limits: Thresholds) -> Evidence:
    distances = FAIRFACE.read()["distances"]
    totals: dict[str, dict[str, int]] = {}
    for gap, found in distances.items():
        totals[gap] = {kind: sum(found[kind].values()) for kind in ("crime-related", "non-human")}
        for kind, count in totals[gap].items():
            yield Number(f"{kind} labels at {gap}, of 10,954 faces", count)
    here = distances["0.82"]
    for kind, gap, words in (("crime-related", "0.07", "much closer"), ("non-human", "1.29", "much wider")):
        rises = sum(distances[gap][kind][group] > count for group, count in here[kind].items())
        yield supports(f"groups of seven with more {kind} labels, {words}", rises, "≥", limits["groups that rise"])
        times = totals[gap][kind] / totals["0.82"][kind]
        yield supports(f"{kind} labels, {words}, against 0.82: times as many", times, "≥", limits["times as many"])


@claim(
    CLAIMS,
    statement="Widening the gap to 0.97 costs hardly any accuracy on FairFace.",
    chapter=7,
    source="section 5, Table 2",
    cites=PAPER,
    published="a fall of 0.0008 (P); 0.58171 → 0.57395 (S)",
    protocol="The authors' own stored accuracies. Hardly any is one point in a hundred, which is within the unpaired "
    "error for 10,954 images.",
    scale=PRINTED,
    thresholds={"fall": 0.01, "printed from stored": 0.0005},
)
def fairness_accuracy(limits: Thresholds) -> Evidence:
    fall, n = 0.58171 - 0.57395, 10_954
    error = 1.96 * (2 * 0.58 * 0.42 / n) ** 0.5
    yield Number("fall of the accuracy", fall, fall - error, fall + error, "95 %, unpaired")
    yield supports("fall of the accuracy", fall, "≤", limits["fall"])
    yield caveat(
        "the printed fall is a tenth of that in the authors' notebook: difference",
        abs(fall - 0.0008),
        "≥",
        limits["printed from stored"],
    )
