"""Claims of chapter 2: narrow cones, what makes them, and Theorem 1 and 2."""

from __future__ import annotations

import math

from mindgap.claims._parts import (
    ARCHITECTURES,
    FEATURES,
    MATHEMATICS,
    OWN,
    Claim,
    Evidence,
    Number,
    Thresholds,
    caveat,
    claim,
    confirms,
    opposes,
    supports,
    untestable,
)
from mindgap.claims._tables import CLIP, CLIP_RANDOM, CONES, clip, over_seeds, wilson

CLAIMS: list[Claim] = []

PAPER = "liang2022mind"
LAYERS = {0: 0.00097, 1: 0.3195, 2: 0.4943, 3: 0.6069, 5: 0.7541, 10: 0.9477, 15: 0.9980, 25: 0.999997}
"""The authors' mean cosines of a ReLU network, layer by layer (Figure 2b, stored outputs; diagonal included)."""


@claim(
    CLAIMS,
    statement="In the trained CLIP the embeddings of one tower fill a narrow cone: two different photographs, or two "
    "different captions, have a cosine far above zero, and never a negative one.",
    chapter=2,
    figure="02_cone_effect#fig-cones",
    source="Figure 2a",
    cites=PAPER,
    published="image 0.468, least 0.053; text 0.508, least 0.0096 (S)",
    protocol="ViT-B/16 and 500 pairs in place of ViT-B/32 and 5,000. Far above zero is ten standard deviations of the "
    "cosine of random directions in 512 dimensions.",
    scale=FEATURES,
    thresholds={"standard deviations": 10.0, "least cosine": 0.0, "difference from the paper": 0.1},
    tables=(CLIP,),
)
def cone_models(limits: Thresholds) -> Evidence:
    from mindgap import cosine_histogram

    for name, rows, printed in zip(("image", "text"), clip(), (0.468, 0.508), strict=True):
        found = cosine_histogram(rows, 200)
        yield Number(f"mean cosine, {name}", found.mean, found.min, found.max, "least to most of all pairs")
        yield supports(
            f"{name}: mean, in standard deviations",
            found.mean * rows.shape[1] ** 0.5,
            "≥",
            limits["standard deviations"],
        )
        yield supports(f"{name}: least cosine", found.min, "≥", limits["least cosine"])
        yield supports(
            f"{name}: difference from the paper", abs(found.mean - printed), "≤", limits["difference from the paper"]
        )


untestable(
    CLAIMS,
    id="cone-models-resnet",
    statement="A ResNet-18 that was trained on ImageNet has a cone, too.",
    chapter=2,
    source="Figure 2a",
    cites=PAPER,
    published="mean 0.556, standard deviation 0.070, least 0.232 (S)",
    protocol="–",
    scale=ARCHITECTURES,
    reason="It needs the trained weights and photographs; neither comes with the package, and checks use no network.",
)


@claim(
    CLAIMS,
    statement="Random weights make a narrower cone than trained ones: training widens CLIP's cones.",
    chapter=2,
    figure="02_cone_effect#fig-cones",
    source="Figure 2a",
    cites=PAPER,
    published="untrained against trained: image 0.717 and 0.468, text 0.672 and 0.508 (S)",
    protocol="The authors' files of ViT-B/16 on the same 500 COCO pairs, one draw of random weights.",
    scale=FEATURES,
    thresholds={"fall of the mean cosine": 0.05, "rise of the least cosine": 0.05},
    tables=(CLIP, CLIP_RANDOM),
)
def cone_random(limits: Thresholds) -> Evidence:
    from mindgap import cosine_histogram

    before = CLIP_RANDOM.read()
    rises = []
    for name, rows in zip(("image", "text"), clip(), strict=True):
        after = cosine_histogram(rows, 200)
        yield Number(
            f"mean cosine untrained, {name}",
            before[name]["mean"],
            before[name]["min"],
            before[name]["max"],
            "least to most of all pairs",
        )
        yield Number(f"mean cosine trained, {name}", after.mean, after.min, after.max, "least to most of all pairs")
        yield supports(
            f"{name}: fall of the mean", before[name]["mean"] - after.mean, "≥", limits["fall of the mean cosine"]
        )
        rises.append(after.min - before[name]["min"])
    yield caveat(
        "by the least cosine, not the mean, the trained image tower is the narrower one: rise",
        rises[0],
        "≥",
        limits["rise of the least cosine"],
    )


@claim(
    CLAIMS,
    statement="Untrained towers fill a cone even when their inputs are pure noise.",
    chapter=2,
    figure="02_cone_effect#fig-cones",
    source="Figure 2a",
    cites=PAPER,
    published="ResNet-18 0.99928, image tower 0.9366, text tower 0.4112 (S)",
    protocol="64 inputs and 25 seeds in place of one draw and more inputs. One draw must lie within three standard "
    "deviations of ours; it is compared with their scatter, not with the error of their mean.",
    scale=ARCHITECTURES,
    thresholds={"standard deviations": 3.0, "mean cosine": 0.3},
    tables=(CONES,),
)
def cone_noise(limits: Thresholds) -> Evidence:
    import statistics

    printed = {"resnet18": 0.99928, "ViT-B-32:image": 0.9366, "ViT-B-32:text": 0.4112}
    for tower, cloud in CONES.read()["clouds"]["noise"].items():
        means = [one["mean"] for one in cloud["cosines"]]
        yield over_seeds(f"mean cosine, {tower}", means)
        away = abs(printed[tower] - statistics.fmean(means)) / statistics.stdev(means)
        yield supports(
            f"{tower}: the paper's draw, in our standard deviations", away, "≤", limits["standard deviations"]
        )
        yield supports(f"{tower}: least mean cosine", min(means), "≥", limits["mean cosine"])


@claim(
    CLAIMS,
    statement="A cap that is 55.94° across, the angle of the cosine 0.56, covers 15.53 % of a circle.",
    chapter=2,
    figure="02_cone_effect#fig-cap",
    source="section 2.1",
    cites=PAPER,
    published="15.53 % (P)",
    protocol="None: the same formula, a regularised incomplete beta function.",
    scale=MATHEMATICS,
    thresholds={"difference in per cent": 0.02},
)
def cone_on_a_circle(limits: Thresholds) -> Evidence:
    from mindgap import cap_fraction

    share = 100 * 2 ** cap_fraction(0.56, 2)
    yield Number("share of the circle, per cent", share)
    yield supports("difference from 15.53", abs(share - 15.53), "≤", limits["difference in per cent"])


@claim(
    CLAIMS,
    statement="A cap that is 55.94° across, the angle of the cosine 0.56, covers 3.34 % of a sphere in three "
    "dimensions.",
    chapter=2,
    figure="02_cone_effect#fig-cap",
    source="section 2.1",
    cites=PAPER,
    published="3.34 % (P)",
    protocol="The paper's own formula gives 5.84 %; points thrown at random on the sphere agree. The point that the "
    "paper makes with this number does not depend on it.",
    scale=MATHEMATICS,
    thresholds={"difference in per cent": 0.05},
)
def cone_on_a_sphere(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import cap_fraction

    share = 100 * 2 ** cap_fraction(0.56, 3)
    yield Number("share of the sphere, per cent", share)
    yield supports("difference from 3.34", abs(share - 3.34), "≤", limits["difference in per cent"])
    points = torch.randn(1_000_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inside = points[:, 0] / points.norm(dim=1) >= math.cos(math.acos(0.56) / 2)
    thrown = wilson("the same by a million random points", float(inside.sum()), len(points))
    yield Number(thrown.name, 100 * thrown.value, 100 * (thrown.low or 0), 100 * (thrown.high or 0), thrown.interval)
    away = 100 * (thrown.low or 0) - 3.34
    yield confirms("random points: lower end less 3.34", away, "≥", limits["difference in per cent"])


@claim(
    CLAIMS,
    statement="In 512 dimensions a cap that is 55.94° across, the angle of the cosine 0.56, is less than one part in "
    "2⁵¹² of the sphere.",
    chapter=2,
    figure="02_cone_effect#fig-cap",
    source="section 2.1",
    cites=PAPER,
    published="less than 2⁻⁵¹² (P)",
    protocol="The same formula. Points with pairwise cosines of 0.56 stand at a cosine of √0.56 from their centre, so "
    "the cap that reaches out to a typical one of them is wider than the paper's.",
    scale=MATHEMATICS,
    thresholds={"log2 of the share": -512.0},
)
def cone_in_512_dimensions(limits: Thresholds) -> Evidence:
    from mindgap import cap_fraction

    share = cap_fraction(0.56, 512)
    reaching = cap_fraction(2 * 0.56 - 1, 512)  # the opening is twice the angle whose cosine is √0.56
    yield Number("log2 of the share of the paper's cap", share)
    yield Number("log2 of the share of the cap that reaches a typical point", reaching)
    yield supports("log2 of the share", share, "≤", limits["log2 of the share"])
    yield caveat(
        "the cap that holds half of the points is a larger share: log2", reaching, "≥", limits["log2 of the share"]
    )


@claim(
    CLAIMS,
    statement="Depth makes the cone: the outputs of random ReLU layers become more and more alike, at the pace that "
    "the paper prints.",
    chapter=2,
    figure="02_cone_effect#fig-depth",
    source="Figure 2b",
    cites=PAPER,
    published="0.32 after 1 layer, 0.754 after 5, 0.948 after 10, 0.999997 after 25 (S)",
    protocol="The same network; 128 inputs in place of 1,024, five draws in place of one, the diagonal left out (it "
    "adds 0.001 at most). The limit of infinite width is a second implementation.",
    scale=OWN,
    thresholds={"difference": 0.03},
)
def cone_depth(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import mlp_cosines, relu_mean_field

    nets = torch.stack([mlp_cosines("relu", n=128, seed=seed) for seed in range(5)])
    wide = relu_mean_field()
    for layer in (1, 5, 10, 25):
        yield over_seeds(f"mean cosine after {layer} layer{'s' * (layer > 1)}", nets[:, layer].tolist())
    worst = max(abs(float(nets[:, layer].mean()) - printed) for layer, printed in LAYERS.items())
    yield supports("largest difference of our mean from the paper, eight layers", worst, "≤", limits["difference"])
    worst = max(abs(float(wide[layer]) - printed) for layer, printed in LAYERS.items())
    yield supports("the same, of the infinitely wide network", worst, "≤", limits["difference"])


@claim(
    CLAIMS,
    statement="Other non-linear activations make a cone as well, the sigmoid within two layers and tanh slowly.",
    chapter=2,
    figure="02_cone_effect#fig-depth",
    source="Figure 2b",
    cites=PAPER,
    published="sigmoid 0.85 after 1 layer and 0.99 after 2; tanh 0.52 after 25; leaky ReLU as ReLU (~)",
    protocol="As cone-depth, with ten draws. One draw, read off a plot, must lie within three standard deviations "
    "of ours, with 0.01 for the reading.",
    scale=OWN,
    thresholds={"standard deviations": 3.0, "leaky ReLU from ReLU": 0.02},
)
def cone_other_activations(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import mlp_cosines

    def ten(activation: str, depth: int) -> torch.Tensor:
        return torch.stack([mlp_cosines(activation, depth, n=128, seed=seed) for seed in range(10)])

    sigmoid, tanh = ten("sigmoid", 2), ten("tanh", 25)
    for name, nets, layer, read in (
        ("sigmoid", sigmoid, 1, 0.85),
        ("sigmoid", sigmoid, 2, 0.99),
        ("tanh", tanh, 25, 0.52),
    ):
        yield over_seeds(
            f"{name}, after {layer} layers" if layer > 1 else f"{name}, after 1 layer", nets[:, layer].tolist()
        )
        away = max(0.0, abs(float(nets[:, layer].mean()) - read) - 0.01) / float(nets[:, layer].std())
        yield supports(
            f"{name}, layer {layer}: the paper's draw, in our standard deviations",
            away,
            "≤",
            limits["standard deviations"],
        )
    relu, leaky = (
        torch.stack([mlp_cosines(name, 10, n=128, seed=seed) for seed in range(3)]).mean(dim=0)
        for name in ("relu", "leaky_relu")
    )
    yield supports(
        "leaky ReLU: largest difference from ReLU, ten layers",
        float((relu - leaky).abs().max()),
        "≤",
        limits["leaky ReLU from ReLU"],
    )


@claim(
    CLAIMS,
    statement="Non-linearity makes the cone: a network of linear layers has almost none.",
    chapter=2,
    figure="02_cone_effect#fig-linear",
    source="section 2.2, Figure 2b",
    cites=PAPER,
    published="linear, 25 layers: 0.045 (~)",
    protocol="The paper's inputs, of norm 22.6, and inputs of norm 1, which its Theorem 2 assumes. With biases and "
    "orthogonal inputs of norm ‖u‖ the cosine after L linear layers is L/(L + ‖u‖²).",
    scale=OWN,
    thresholds={"almost none": 0.1, "a narrow cone": 0.9, "without biases": 0.02},
)
def cone_linear(limits: Thresholds) -> Evidence:
    import torch

    from mindgap import mlp_cosines

    def three(**options: float | bool) -> list[float]:
        nets = [mlp_cosines("linear", n=128, seed=seed, **options) for seed in range(3)]  # type: ignore[arg-type]
        return [float(net[25]) for net in nets]

    long, unit, bare = three(), three(input_norm=1.0), three(input_norm=1.0, bias=False)
    yield over_seeds("25 linear layers, inputs of norm 22.6", long)
    yield over_seeds("25 linear layers, inputs of norm 1", unit)
    yield over_seeds("the same without biases", bare)
    yield supports("norm 22.6: largest of three", max(long), "≤", limits["almost none"])
    yield supports(
        "norm 1, no biases: largest of three", float(torch.tensor(bare).abs().max()), "≤", limits["without biases"]
    )
    yield opposes(
        "with biases and inputs of norm 1 a linear network has a narrow cone: least of three",
        min(unit),
        "≥",
        limits["a narrow cone"],
    )


@claim(
    CLAIMS,
    statement="A ReLU makes a cone on its own, without any bias.",
    chapter=2,
    figure="02_cone_effect#fig-depth",
    source="section 2.2 and appendix",
    cites=PAPER,
    published="the same picture without biases (P)",
    protocol="128 inputs, five draws; the limit of infinite width beside them.",
    scale=OWN,
    thresholds={"mean cosine after 25 layers": 0.8, "difference from infinite width": 0.05},
)
def cone_relu_without_biases(limits: Thresholds) -> Evidence:
    from mindgap import mlp_cosines, relu_mean_field

    nets = [float(mlp_cosines("relu", n=128, bias=False, seed=seed)[25]) for seed in range(5)]
    mean, wide = sum(nets) / len(nets), float(relu_mean_field(bias=False)[25])
    yield over_seeds("mean cosine after 25 layers", nets)
    yield Number("the same, infinitely wide", wide)
    yield supports("least of five", min(nets), "≥", limits["mean cosine after 25 layers"])
    yield supports("difference from infinite width", abs(mean - wide), "≤", limits["difference from infinite width"])


@claim(
    CLAIMS,
    statement="Theorem 1: where cos(u, v) is below (½(r + 1/r))⁻¹, for norms of the ratio r, a random ReLU layer "
    "raises the cosine with a probability that differs from 1 by the order of one over its width.",
    chapter=2,
    figure="02_cone_effect#fig-theorem-1",
    source="Theorem 1",
    cites=PAPER,
    published="a proof; no code",
    protocol="Monte Carlo: 1,000 layers each for ratios 1, 2 and 4, cosines up to nine tenths of the bound.",
    scale=OWN,
    thresholds={"probability at width 512": 0.99, "failures at width 256 over those at 64": 0.25},
)
def theorem_1(limits: Thresholds) -> Evidence:
    from mindgap import theorems

    def shares(width: int) -> list[theorems.RaisedShare]:
        return [
            theorems.raised_share(part * theorems.sufficient_cosine(ratio), ratio, width, layers=1000)
            for ratio in (1.0, 2.0, 4.0)
            for part in (-0.5, 0.0, 0.5, 0.9)
        ]

    wide = min(shares(512), key=lambda found: found.share)
    yield Number("least share of layers that raise it, width 512", wide.share, wide.low, wide.high, "95 %, Wilson")
    failures = {width: sum(1 - found.share for found in shares(width)) / 12 for width in (64, 256)}
    yield from (Number(f"share that does not, width {width}", share) for width, share in failures.items())
    yield supports("lower end of the least share", wide.low, "≥", limits["probability at width 512"])
    # An order of 1/width is a quarter for four times the width; faster is fine.
    yield supports(
        "failures at width 256 over those at 64",
        failures[256] / failures[64],
        "≤",
        limits["failures at width 256 over those at 64"],
    )


@claim(
    CLAIMS,
    statement="Theorem 2: in random networks the initialisation decides at least the share β of an embedding's "
    "variance, where β is the mean cosine of the inputs of the layer.",
    chapter=3,
    figure="03_random_cones#fig-theorem-2",
    source="Theorem 2",
    cites=PAPER,
    published="a proof; no code",
    protocol="40 networks of six ReLU layers of 256 neurons; inputs of norm 1, as the theorem assumes. 40 "
    "networks leave about 0.01 to chance.",
    scale=OWN,
    thresholds={"margin": -0.02},
)
def theorem_2(limits: Thresholds) -> Evidence:
    from mindgap import theorems

    def margin(norm: float) -> float:
        found = theorems.layer_shares(6, 256, 40, 64, "relu", True, norm)
        return float((found.share - found.cosine).min())

    unit, long = margin(1.0), margin(512**0.5)
    yield Number("least margin over β in six layers, inputs of norm 1", unit)
    yield Number("the same, inputs of norm 22.6", long)
    yield supports("least margin, norm 1", unit, "≥", limits["margin"])
    yield caveat(
        "with the long inputs of the paper's figures the bound is missed: least margin", long, "≤", limits["margin"]
    )
