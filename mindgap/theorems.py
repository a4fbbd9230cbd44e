"""The paper's two theorems by Monte Carlo: does a random layer raise the cosine, and who decides an embedding?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs, cones, geometry
from mindgap._reprs import Readable, Shown
from mindgap.cones import ACTIVATIONS, Layer

_TILE_ENTRIES = 2**22  # pre-activations drawn at once


__all__ = [
    "LayerShares",
    "RaisedShare",
    "binomial_interval",
    "layer_shares",
    "raised_share",
    "sufficient_cosine",
]


@dataclass(frozen=True, repr=False)
class RaisedShare(Readable):
    """How many of `layers` random layers raised the cosine: `raised`, and their `share` with its interval."""

    raised: int
    layers: int
    low: float
    high: float

    def _shown(self) -> Shown:
        return Shown(
            f"RaisedShare: {self.raised} of {self.layers} random layers raised the cosine.",
            ("share", "low", "high"),
            [(self.share, self.low, self.high)],
        )

    @property
    def share(self) -> float:
        """The observed share, between 0 and 1."""
        return self.raised / self.layers


def binomial_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for the probability behind `successes` in `trials`.

    Raises ValueError unless 0 ≤ successes ≤ trials, trials ≥ 1 and 0 < confidence < 1.
    """
    trials = _inputs.count(trials, "trials")
    successes = _inputs.count(successes, "successes", 0, trials)
    if not 0 < _inputs.number(confidence, "confidence") < 1:
        raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence:g}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = successes / trials, z**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    # At the ends the bounds are exact, whatever rounding says.
    return middle - half if successes else 0.0, middle + half if successes < trials else 1.0


def sufficient_cosine(ratio: float) -> float:
    """The cosine below which Theorem 1 promises a rise, (½(r + 1/r))⁻¹, for ‖u‖ = r‖v‖.

    Raises ValueError for ratio ≤ 0.
    """
    ratio = _inputs.positive(ratio, "ratio")
    smaller = min(ratio, 1 / ratio)
    return 2 * smaller / (1 + smaller**2)


def raised_share(
    cosine: float,
    ratio: float = 1.0,
    width: int = 512,
    layers: int = 1000,
    norm: float = 1.0,
    seed: int = 0,
    confidence: float = 0.95,
) -> RaisedShare:
    """Share of random ReLU layers with cos(φ(Wu + b), φ(Wv + b)) > cos(u, v) (Theorem 1).

    ‖v‖ = `norm`, ‖u‖ = `ratio` · ‖v‖, cos(u, v) = `cosine`; the layers have `width` outputs (d_out in the paper), W_kl
    and b_k from N(0, 1/width). Neurons are independent, and what a neuron sees of u and v is one pair from the
    Gaussian with covariance ((‖u‖² + 1, u·v + 1), (u·v + 1, ‖v‖² + 1))/width. Those pairs are drawn directly, which
    is exact and needs no input dimension. A layer that silences u or v altogether, as very narrow ones do, counts
    as not raising. Vectors of one direction have the cosine 1, and nothing raises that. The interval is Wilson's.

    Raises ValueError unless −1 ≤ cosine ≤ 1, ratio > 0, norm > 0, width ≥ 1, layers ≥ 1 and
    0 < confidence < 1.
    """
    cosine, ratio, norm = (
        _inputs.number(cosine, "cosine"),
        _inputs.positive(ratio, "ratio"),
        _inputs.positive(norm, "norm"),
    )
    if not -1 <= cosine <= 1:
        raise ValueError(f"cosine: expected a number from -1 to 1, got {cosine:g}")
    width, layers = _inputs.count(width, "width"), _inputs.count(layers, "layers")
    generator = _inputs.generator(seed)
    # Pre-activations of variance 1 each: what the cosine does not see is their lengths, which could overflow. Their
    # correlation is `along`, and along² + across² = 1, written so that nothing cancels where u and v are nearly equal.
    (u, u_bias), (v, v_bias) = _share_of_bias(ratio * norm), _share_of_bias(norm)
    along = cosine * u * v + u_bias * v_bias
    across = math.sqrt(
        (u * v) ** 2 * (1 - cosine) * (1 + cosine)
        + (u * v_bias - v * u_bias) ** 2
        + 2 * (1 - cosine) * u * v * u_bias * v_bias
    )
    raised, tile = 0, max(1, _TILE_ENTRIES // width)
    for start in range(0, layers, tile):
        first, second = torch.randn(2, min(tile, layers - start), width, dtype=torch.float64, generator=generator)
        a, b = torch.relu_(along * first + across * second), torch.relu_(first)
        a, b = (h.div_(torch.linalg.vector_norm(h, dim=1, keepdim=True)) for h in (a, b))  # NaN if nothing is left
        if cosine < 0.5:  # a product is exactly 0 where no neuron sees both
            higher = a.mul_(b).sum(dim=1) > cosine
        else:  # ‖â − b̂‖² = 2 − 2 cos(a, b): exact where that is nearly 0, and never below it
            higher = torch.linalg.vector_norm(a.sub_(b), dim=1).square() < 2 * (1 - cosine)
        raised += int(higher.sum())
    return RaisedShare(raised, layers, *binomial_interval(raised, layers, confidence))


def _share_of_bias(length: float) -> tuple[float, float]:
    """(length, 1) on the unit circle: what a vector and the bias contribute to its pre-activations."""
    whole = math.hypot(length, 1)
    return (length / whole, 1 / whole) if math.isfinite(whole) else (1.0, 0.0)


@dataclass(frozen=True, repr=False)
class LayerShares(Readable):
    """Theorem 2 layer by layer: `share` (depth,) of the variance decided by the initialisation, and `cosine` (depth,),
    the average cosine of what goes *into* each layer, over pairs and seeds, the theorem's lower bound for `share`.
    """

    share: Float[Tensor, " depth"]
    cosine: Float[Tensor, " depth"]

    def _shown(self) -> Shown:
        depth = len(self.share)
        return Shown(
            f"LayerShares of {depth} layers: the share of the variance that the initialisation decides, and the cosine "
            "before the layer.",
            ("layer", "share", "cosine"),
            list(zip(range(1, depth + 1), self.share.tolist(), self.cosine.tolist(), strict=True)),
        )


def layer_shares(
    depth: int = 10,
    width: int = 256,
    seeds: int = 50,
    n: int = 128,
    activation: str = "relu",
    bias: bool = True,
    input_norm: float = 1.0,
    stage: str = "output",
    seed: int = 0,
) -> LayerShares:
    """Var[E[h|Θ]] / Var[h] of every layer of random networks, beside the average cosine before it (Theorem 2).

    For each of `seeds` networks, `n` new Gaussian inputs of the norm `input_norm` (1 in the theorem) pass through
    `depth` layers of `width`. `stage`: "output", h = φ(W h' + b), or "preactivation", h = W h' + b. The share is
    estimated as in `variance_share`; networks are walked one at a time and only their means are kept.

    Raises ValueError for an unknown name, seeds < 2, n < 2, depth < 1, width < 1, or an input_norm outside of
    [1e-30, 1e30].
    """
    layer = Layer(activation, width, bias)
    depth, seeds, n = _inputs.count(depth, "depth"), _inputs.count(seeds, "seeds", 2), _inputs.count(n, "n", 2)
    input_norm = cones.input_length(input_norm)
    stage = _inputs.choice(stage, "stage", ("output", "preactivation"))
    generator = _inputs.generator(seed)
    means: list[list[Tensor]] = [[] for _ in range(depth)]
    within: list[list[Tensor]] = [[] for _ in range(depth)]
    cosines = torch.zeros(depth, dtype=torch.float64)
    for _ in range(seeds):
        h = cones.gaussian_inputs(n, layer.width, input_norm, generator)
        for number in range(depth):
            cosines[number] += geometry.mean_cosine(h.double()) / seeds
            before = cones.preactivation(h, layer, generator)
            h = ACTIVATIONS[activation](before)
            seen = (h if stage == "output" else before).double()
            means[number].append(seen.mean(dim=0))
            within[number].append(seen.var(dim=0).sum())
    shares = [cones.share_of_means(torch.stack(m), torch.stack(w), n) for m, w in zip(means, within, strict=True)]
    return LayerShares(torch.tensor(shares, dtype=torch.float64), cosines)
