"""Claims of chapter 4: what the loss makes of another gap, on finished embeddings."""

from __future__ import annotations

import itertools

from mindgap.claims._parts import (
    FEATURES,
    MATHEMATICS,
    SCENES,
    Claim,
    Evidence,
    Number,
    Thresholds,
    caveat,
    claim,
    opposes,
    supports,
)
from mindgap.claims._tables import CLIP, MINI, clip, label, mini

CLAIMS: list[Claim] = []

PAPER = "liang2022mind"
COLD = 1 / 100
READ = {1 / 100: 0.82, 1 / 50: 0.60, 1 / 30: 0.60, 1 / 20: 0.35, 1.0: 0.08}
"""Best distances read off Figure 3; at 1/10 it shows a range, 0.08 to 0.35."""


@claim(
    CLAIMS,
    statement="At CLIP's own temperature, 1/100, no shift along the gap lowers the loss: the gap that is there is the "
    "global minimum, and closing it raises the loss.",
    chapter=4,
    figure="04_embedding_shift#fig-landscape",
    source="section 4.2, Figure 3b",
    cites=PAPER,
    published="global minimum at 0.82, the unshifted distance (P, ~)",
    protocol="ViT-B/16, 500 pairs as one batch, both directions of the loss. The authors' code averages batches of "
    "50 of 5,000 pairs and computes the image→text direction twice.",
    scale=FEATURES,
    thresholds={
        "best distance from the gap": 0.05,
        "gain in nats": 0.01,
        "price of closing in nats": 0.1,
        "directions apart": 0.1,
    },
    tables=(CLIP,),
)
def shift_optimal(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import geometry, loss_landscape
    from mindgap.landscape import best_shift

    x, y = clip()
    gap, best = geometry.gap_distance(x, y), best_shift(x, y, COLD)
    grid = torch.arange(-20, 51, dtype=torch.float64) / 20
    found = loss_landscape(x, y, grid, [COLD])
    here, closed = (float(found.loss[int((grid - at).abs().argmin()), 0]) for at in (0.0, 0.5))
    yield Number("best distance", best.distance)
    yield Number("gap", gap)
    yield Number("gain of the best shift, nats", here - best.loss)
    yield Number("price of closing the gap, nats", closed - here)
    yield supports("best distance from the gap", abs(best.distance - gap), "≤", limits["best distance from the gap"])
    yield supports("gain of the best shift", here - best.loss, "≤", limits["gain in nats"])
    yield supports("price of closing", closed - here, "≥", limits["price of closing in nats"])
    apart = found.minimum(COLD, "text_to_image").distance - found.minimum(COLD, "image_to_text").distance
    yield caveat(
        "each direction alone has its minimum elsewhere: distance between the two",
        abs(apart),
        "≥",
        limits["directions apart"],
    )


@claim(
    CLAIMS,
    statement="Pushed through each other, CLIP's clouds first meet a barrier and then a second, higher valley, where "
    "they stand back to back.",
    chapter=4,
    figure="04_embedding_shift#fig-landscape",
    source="section 4.2, Figure 3b",
    cites=PAPER,
    published="barrier 2.4 at −0.9, second valley 1.2 at −1.66 (~)",
    protocol="As the authors' code has it, image→text in batches of 50, but of 500 pairs and ViT-B/16. Places are "
    "compared, and the order of the losses; the losses themselves are those of another sample.",
    scale=FEATURES,
    thresholds={"difference of the places": 0.15, "order in nats": 0.1},
    tables=(CLIP,),
)
def shift_barrier(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import loss_landscape

    grid = torch.arange(-20, 51, dtype=torch.float64) / 20
    marks = loss_landscape(*clip(), grid, [COLD], batch_size=50).landmarks(COLD, "image_to_text")
    least, barrier, back = (marks[name] for name in ("global minimum", "barrier", "back to back"))
    for name, point in (("barrier", barrier), ("second valley", back)):
        yield Number(f"distance at the {name}", point.distance)
        yield Number(f"loss at the {name}, nats", point.loss)
    yield supports(
        "place of the barrier, from −0.9", abs(barrier.distance + 0.9), "≤", limits["difference of the places"]
    )
    yield supports(
        "place of the second valley, from −1.66", abs(back.distance + 1.66), "≤", limits["difference of the places"]
    )
    yield supports("barrier above the second valley", barrier.loss - back.loss, "≥", limits["order in nats"])
    yield supports("second valley above the first", back.loss - least.loss, "≥", limits["order in nats"])


@claim(
    CLAIMS,
    statement="The contrastive loss at 1/100 repels: a model that was trained at this temperature pays for closing its "
    "gap.",
    chapter=4,
    figure="04_embedding_shift#fig-shift-mini",
    source="section 4.2",
    cites=PAPER,
    published="a repulsive structure in the loss landscape that preserves the gap (P), shown on CLIP",
    protocol="CLIP's 500 pairs, and 1,000 new scenes under a small CLIP that was trained at 1/100 and kept a gap of "
    "0.33; both in batches of 50. The paper claims it of CLIP and does not name other models.",
    scale=FEATURES,
    thresholds={"price in nats": 0.1, "hardly any price in nats": 0.02},
    tables=(CLIP, *MINI),
)
def shift_repels(limits: Thresholds) -> Evidence:
    from mindgap import loss_landscape

    prices = []
    for name, pairs in (("CLIP", clip()), ("small CLIP of 1/100", mini())):
        here, closed = loss_landscape(*pairs, [0.0, 0.5], [COLD], batch_size=50).loss[:, 0].tolist()
        prices.append(closed - here)
        yield Number(f"price of closing the gap, {name}, nats", closed - here)
    yield supports("price for CLIP", prices[0], "≥", limits["price in nats"])
    yield opposes(
        "a small CLIP of the same temperature pays hardly anything", prices[1], "≤", limits["hardly any price in nats"]
    )


@claim(
    CLAIMS,
    statement="A loss that no shift can lower shows that training has converged; it is as level where the gap is "
    "nearly closed.",
    chapter=4,
    figure="04_embedding_shift#what-a-valley-proves",
    source="chapter 4 of this book",
    published="not in the paper",
    protocol="Two small CLIPs, each at the temperature of its training and in batches of 128, on 1,000 new scenes.",
    scale=SCENES,
    thresholds={"gain in nats": 0.002, "gap of the one": 0.2, "gap of the other": 0.1},
    tables=MINI,
)
def shift_level_after_convergence(limits: Thresholds) -> Evidence:
    from mindgap import geometry, loss_landscape
    from mindgap.landscape import best_shift

    gains, widths = [], []
    for temperature in ("0.01", "0.07"):
        x, y = mini(temperature)
        here = float(loss_landscape(x, y, [0.0], [float(temperature)], batch_size=128).loss)
        gains.append(here - best_shift(x, y, float(temperature), batch_size=128).loss)
        widths.append(geometry.gap_distance(x, y))
        yield Number(f"trained at {temperature}: gap", widths[-1])
        yield Number(f"trained at {temperature}: gain of the best shift, nats", gains[-1])
    yield supports("larger gain of the two", max(gains), "≤", limits["gain in nats"])
    yield supports("gap of the one of 1/100", widths[0], "≥", limits["gap of the one"])
    yield supports("gap of the one of 0.07", widths[1], "≤", limits["gap of the other"])


@claim(
    CLAIMS,
    statement="As the temperature of the loss rises, the gap that it likes best shrinks towards nothing.",
    chapter=6,
    figure="06_temperature#fig-best-distance",
    source="section 4.2, Figure 3c and d",
    cites=PAPER,
    published="0.82, 0.60, 0.60, 0.35, 0.08 to 0.35, 0.08 at 1/100, 1/50, 1/30, 1/20, 1/10, 1 (~)",
    protocol="ViT-B/16 and 500 pairs; theirs are read off a figure of ViT-B/32 and 5,000 pairs, to two digits at most.",
    scale=FEATURES,
    thresholds={"difference from the paper": 0.15, "least step down": 0.0, "best distance at 1": 0.1},
    tables=(CLIP,),
)
def shift_temperature(limits: Thresholds) -> Evidence:
    from mindgap.landscape import TEMPERATURES, best_shift

    best = {t: best_shift(*clip(), t).distance for t in TEMPERATURES}
    yield from (Number(f"best distance at {label(t)}", distance) for t, distance in best.items())
    steps = [a - b for a, b in itertools.pairwise(best.values())]
    yield supports("least step down from one temperature to the next", min(steps), "≥", limits["least step down"])
    yield supports("best distance at 1", best[1.0], "≤", limits["best distance at 1"])
    worst = max(abs(best[t] - read) for t, read in READ.items())
    yield supports("largest difference from the paper", worst, "≤", limits["difference from the paper"])


@claim(
    CLAIMS,
    statement="A gap along a direction of its own acts as a higher temperature and as nothing else: with parts a and b "
    "in the two towers it multiplies the temperature by 1/(√(1 − a²) √(1 − b²)).",
    chapter=4,
    figure="04_embedding_shift#gap-temperature",
    source="chapter 4 of this book",
    published="not in the paper",
    protocol="CLIP's 500 pairs, lifted into one more dimension; the two losses must agree to rounding.",
    scale=MATHEMATICS,
    thresholds={"difference in nats": 1e-9},
    tables=(CLIP,),
)
def gap_is_a_temperature(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import contrastive_loss

    x, y = clip()
    worst = 0.0
    for a, b in ((0.425, 0.425), (0.6, 0.25), (0.85, 0.0), (0.425, -0.425)):
        up = torch.cat([(1 - a * a) ** 0.5 * x, x.new_full((len(x), 1), a)], dim=1)
        down = torch.cat([(1 - b * b) ** 0.5 * y, y.new_full((len(y), 1), -b)], dim=1)
        factor = ((1 - a * a) * (1 - b * b)) ** 0.5
        lifted, plain = contrastive_loss(up, down, COLD), contrastive_loss(x, y, COLD / factor)
        yield Number(f"loss with a = {a:g} and b = {b:g}, nats", float(lifted))
        worst = max(worst, float((lifted - plain).abs()))
    yield supports("largest difference of four splits", worst, "≤", limits["difference in nats"])
