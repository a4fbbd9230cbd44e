"""The cone effect: how narrow a cloud of embeddings is, and how random networks make it so.

What is measured here needs no trained weights. `mlp_cosines` and `relu_mean_field` follow a cloud through random
layers (§2.2, Fig 2b), `cosine_histogram` and `cap_fraction` say how narrow a cone is (§2.1, Fig 2a), `variance_share`
how much of an embedding is decided by the random initialisation alone (§2.3, Theorem 2). The real architectures are
in `towers`, Monte Carlo checks of the two theorems in `theorems`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mindgap import _inputs, devices, geometry
from mindgap._extras import late
from mindgap._inputs import ArrayLike, Rows
from mindgap._reprs import Readable, Shown, digits

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = late("pandas", "charts")

__all__ = [
    "CosineHistogram",
    "Layer",
    "cap_fraction",
    "cosine_histogram",
    "layer_cosines",
    "mlp_cosines",
    "relu_kernel",
    "relu_mean_field",
    "variance_share",
]


TILE_ENTRIES = 2**20  # cosines held at once
MOST_BINS = 10**7
LONGEST = 1e30  # inputs whose squares float32 holds in a net of any depth; the shortest are as far below 1
PIECES = 2  # linear pieces of a maxout unit
SLOPE = 0.01  # of a leaky ReLU below zero

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": lambda h: nn.functional.leaky_relu(h, SLOPE),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "linear": lambda h: h,
    "maxout": lambda h: h.unflatten(1, (PIECES, -1)).amax(dim=1),
}


def _over_neurons(h: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    return nn.functional.layer_norm(h, h.shape[1:])


def _over_inputs(h: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    return nn.functional.batch_norm(h, None, None, training=True)


NORMS: dict[str, Callable[[Tensor], Tensor]] = {"none": lambda h: h, "layer": _over_neurons, "batch": _over_inputs}


@dataclass(frozen=True)
class Layer:
    """One random layer h ↦ φ(norm(W h + b)) with `width` outputs.

    `activation` is one of "relu", "leaky_relu" (slope 0.01), "sigmoid", "tanh", "linear" and "maxout" (the larger of
    two linear pieces). `norm` is "none", "layer" (each input standardised over its neurons) or "batch" (each neuron
    standardised over the inputs, as batch normalisation does while training; in evaluation mode, at initialisation,
    it does nothing).

    Raises ValueError for an unknown name or a width below 1.
    """

    activation: str = "relu"
    width: int = 512
    bias: bool = True
    norm: str = "none"

    def __post_init__(self) -> None:
        _inputs.choice(self.activation, "activation", ACTIVATIONS)
        _inputs.choice(self.norm, "norm", NORMS)
        object.__setattr__(self, "width", _inputs.count(self.width, "width"))


def preactivation(h: Float[Tensor, "n d"], layer: Layer, generator: torch.Generator) -> Float[Tensor, "n pieces_width"]:
    """W h + b with new random weights; the numbers are drawn on the CPU, so that every device gets the same ones."""
    rows = layer.width * (PIECES if layer.activation == "maxout" else 1)
    scale = layer.width**-0.5
    weight = torch.randn(rows, h.shape[1], generator=generator).to(h) * scale
    # Drawn in any case, so that a net with and without biases has the same weights.
    bias = torch.randn(rows, generator=generator).to(h) * scale
    return nn.functional.linear(h, weight, bias if layer.bias else None)


def forward(
    h: Float[Tensor, "n d"], layers: Sequence[Layer], generator: torch.Generator
) -> Iterator[Float[Tensor, "n width"]]:
    """The outputs of one random layer after the other.

    Raises ValueError if a layer turns an input into zeros, which have no direction.
    """
    for number, layer in enumerate(layers, start=1):
        h = ACTIVATIONS[layer.activation](NORMS[layer.norm](preactivation(h, layer, generator)))
        if (zero := (h == 0).all(dim=1)).any():
            raise ValueError(
                f"width: expected every input to keep a direction, but layer {number}, of width {layer.width}, "
                f"turned input {int(zero.nonzero()[0])} into zeros; wider layers do not"
            )
        yield h


def gaussian_inputs(
    n: int, d: int, norm: float | None, generator: torch.Generator, device: str | torch.device = "cpu"
) -> Float[Tensor, "n d"]:
    """n inputs from N(0, I), scaled to the length `norm` if one is given."""
    h = torch.randn(n, d, generator=generator)
    if norm is not None:
        h = h * (norm / torch.linalg.vector_norm(h, dim=1, keepdim=True))
    return h.to(devices.usable(device))


def input_length(value: float) -> float:
    """`input_norm` as a length whose inputs float32 can follow through the layers."""
    length = _inputs.positive(value, "input_norm")
    if not 1 / LONGEST <= length <= LONGEST:
        raise ValueError(f"input_norm: expected a length from {1 / LONGEST:g} to {LONGEST:g}, got {length:g}")
    return length


@torch.no_grad()
def layer_cosines(
    layers: Sequence[Layer],
    inputs: Rows,
    seed: int = 0,
) -> Float[Tensor, " layers_and_one"]:
    """Mean off-diagonal cosine of the `inputs` (n, d), and of the outputs of each random layer after the other.

    Weights and biases are from N(0, 1/d_out) and follow from `seed`; nothing else is random. The layers run on the
    device and in the precision of the inputs, the cosines are taken in float64 (on the CPU, for inputs on Apple's MPS);
    the result, of shape (len(layers) + 1,), is on the CPU.

    Raises ValueError as `mean_cosine` does, or if a narrow layer turns an input into zeros.
    """
    h = _inputs.rows(inputs, "inputs")
    generator = _inputs.generator(seed)
    outputs = forward(h, layers, generator)
    cosines = [geometry.mean_cosine(_inputs.widened(one)) for one in (h, *outputs)]
    return torch.tensor(cosines, dtype=torch.float64)


def mlp_cosines(
    activation: str,
    depth: int = 25,
    width: int = 512,
    n: int = 1024,
    bias: bool = True,
    input_norm: float | None = None,
    seed: int = 0,
    norm: str = "none",
    device: str | torch.device = "cpu",
) -> Float[Tensor, " depth_and_one"]:
    """Mean cosine of random inputs after each layer of a random network (§2.2, Fig 2b).

    A layer is h ↦ φ(W h + b) with `width` inputs and outputs, W_kl and b_k from N(0, 1/width). The `n` inputs are from
    N(0, I), whose norm is about √width; `input_norm` scales them to that norm instead. Entry 0 of the result, of shape
    (depth + 1,), float64, belongs to the inputs, entry l to the outputs of layer l.

    `activation`: "relu", "leaky_relu" (slope 0.01), "sigmoid", "tanh", "linear" or "maxout" (two pieces). `norm`:
    "none", "layer" or "batch", the normalisation between W h + b and φ. The mean runs over the n(n − 1) off-diagonal
    pairs; the paper's own includes the diagonal, which adds (1 − cosine)/n. Equal seeds give equal weights on every
    device.

    Raises ValueError for an unknown name, a count below its least (depth 1, width 1, n 2), input_norm outside of
    [1e-30, 1e30], a device that cannot be used, or a width so small that an input becomes zero.
    """
    layers = [Layer(activation, width, bias, norm)] * _inputs.count(depth, "depth")
    length = None if input_norm is None else input_length(input_norm)
    # The inputs get a stream of their own, so that they stay the same when the layers change.
    inputs = gaussian_inputs(
        _inputs.count(n, "n", 2), layers[0].width, length, _inputs.generator(seed, stream=1), device
    )
    return layer_cosines(layers, inputs, seed)


def relu_kernel(cosine: Float[Tensor, "*shape"] | ArrayLike | float) -> Float[Tensor, "*shape"]:
    """Cosine of φ(u), φ(v) for φ = ReLU, when (u_k, v_k) are many centred Gaussian pairs with correlation `cosine`.

        κ(ρ) = (√(1 − ρ²) + ρ (π − arccos ρ)) / π

    the arc-cosine kernel of degree 1. κ(0) = 1/π is what a ReLU gives two orthogonal inputs. Any shape, values in
    [−1, 1]; float64, and so on the CPU for an input on Apple's MPS. Raises ValueError outside of it.
    """
    rho = _inputs.double(cosine, "cosine")
    if not ((rho >= -1) & (rho <= 1)).all():
        raise ValueError(f"cosine: expected numbers from -1 to 1, got {rho.flatten().tolist()[:5]}")
    return ((1 - rho.square()).sqrt() + rho * (math.pi - rho.acos())) / math.pi


def relu_mean_field(
    depth: int = 25, input_norm: float = 512**0.5, bias: bool = True
) -> Float[Tensor, " depth_and_one"]:
    """What `mlp_cosines("relu", …)` tends to as the width grows, for orthogonal inputs of one norm.

    With p_l = h_l(u)·h_l(v) and q_l = ‖h_l‖², weights and biases from N(0, 1/width) give the pre-activations of two
    inputs the correlation ρ, and the ReLU halves the squared norm:

        ρ_l = (p_l + 1) / (q_l + 1)        q_{l+1} = (q_l + 1) / 2        p_{l+1} / q_{l+1} = κ(ρ_l)

    from p_0 = 0, q_0 = `input_norm`² (without bias, leave out the ones), with κ of `relu_kernel`. Shape (depth + 1,),
    float64. At the norm √512, layer 1 is .3193.

    Raises ValueError for depth < 1 or input_norm ≤ 0.
    """
    depth = _inputs.count(depth, "depth")
    # 1/(q_l + 1), the weight of the biases, instead of q_l: no input norm over- or underflows in it.
    weight, cosines = math.hypot(_inputs.positive(input_norm, "input_norm"), 1) ** -2 if bias else 0.0, [0.0]
    for _ in range(depth):
        cosines.append(float(relu_kernel(min(1.0, cosines[-1] * (1 - weight) + weight))))
        weight = 2 * weight / (1 + 2 * weight)
    return torch.tensor(cosines, dtype=torch.float64)


@torch.no_grad()
def variance_share(embeddings: Float[Tensor, "seeds n d"] | ArrayLike) -> float:
    """Share of the variance of embeddings that is decided by the initialisation: Var[E[h|Θ]] / Var[h] (Theorem 2).

    `embeddings` (seeds, n, d) holds n embeddings of each of several random initialisations Θ, as they are (they are
    not normalised). Variances are summed over the d coordinates. With m_s the mean of seed s and w_s the unbiased
    variance within it, the two parts of Var[h] = Var[E[h|Θ]] + E[Var[h|Θ]] are estimated by

        Var[E[h|Θ]] ≈ var_s(m_s) − mean_s(w_s)/n        E[Var[h|Θ]] ≈ mean_s(w_s)

    since a mean over n random embeddings scatters by w_s/n even where all initialisations agree. The estimate can
    therefore fall a little below 0. Both are unbiased for inputs drawn anew for each seed; where all seeds share their
    inputs, the first is too small, by at most 1/n of the whole.

    Scaling all embeddings alike changes nothing. In float64, for embeddings on Apple's MPS on the CPU.

    Raises ValueError unless seeds ≥ 2, n ≥ 2, d ≥ 1, all finite, and not all equal.
    """
    values = _inputs.tensor(embeddings, "embeddings")
    if values.ndim != 3:
        raise ValueError(f"embeddings: expected shape (seeds, n, d), got {tuple(values.shape)}")
    if min(values.shape[:2]) < 2 or values.shape[2] < 1:
        raise ValueError(f"embeddings: expected at least 2 seeds, 2 rows and 1 column, got {tuple(values.shape)}")
    if not values.isfinite().all():
        seed = int((~values.isfinite()).flatten(1).any(dim=1).nonzero()[0])
        raise ValueError(f"embeddings: expected finite numbers, got NaN or infinity in seed {seed}")
    # A share has no unit: the largest number is made 1, so that no square over- or underflows.
    largest = max(float(one.abs().max()) for one in values) or 1.0
    means = torch.stack([(_inputs.widened(one) / largest).mean(dim=0) for one in values])
    within = torch.stack([(_inputs.widened(one) / largest).var(dim=0).sum() for one in values])
    return share_of_means(means, within, values.shape[1])


def share_of_means(means: Float[Tensor, "seeds d"], within: Float[Tensor, " seeds"], n: int) -> float:
    """`variance_share` from what can be kept of each seed: the mean and the summed variance of its n embeddings."""
    inside = within.mean()
    between = means.var(dim=0).sum() - inside / n
    total = between + inside
    if total <= 0:
        raise ValueError("embeddings: expected some variance, got the same embedding throughout")
    return float(between / total)


@dataclass(frozen=True, repr=False)
class CosineHistogram(Readable):
    """Cosines of all off-diagonal pairs: `counts` (bins,) between the `edges` (bins + 1,), and their moments.

    Each of the n(n − 1)/2 pairs is counted twice, as in the matrix of cosines: counts sum to n(n − 1) if the edges
    span all of them. `mean`, `std`, `min` and `max` are over all pairs, whatever the edges.
    """

    counts: Int[Tensor, " bins"]
    edges: Float[Tensor, " bins_and_one"]
    mean: float
    std: float
    min: float
    max: float

    def _shown(self) -> Shown:
        low, high = self.edges[[0, -1]].tolist()
        return Shown(
            f"CosineHistogram: {int(self.counts.sum())} cosines in {len(self.counts)} bins from {digits(low)} to "
            f"{digits(high)}; of all pairs:",
            ("mean", "std", "min", "max"),
            [tuple(map(float, (self.mean, self.std, self.min, self.max)))],
        )

    def frame(self) -> pd.DataFrame:
        """The bins from the first to the last that is not empty, and one on either side, as a table for charts: `value`
        (the middle of the bin) and `share` of what was counted.
        """
        middles = ((self.edges[1:] + self.edges[:-1]) / 2).tolist()
        table = pd.DataFrame({"value": middles, "share": (self.counts / self.counts.sum()).tolist()})
        filled = self.counts.nonzero().flatten().tolist()
        return table.iloc[max(0, filled[0] - 1) : filled[-1] + 2] if filled else table.iloc[:0]


@torch.no_grad()
def cosine_histogram(x: Rows, bins: int | ArrayLike = 100) -> CosineHistogram:
    """Histogram of the cosines of all off-diagonal pairs of rows of `x` (n, d), without n² memory (Fig 2a).

    `bins`: a number of equal bins over [−1, 1], or increasing edges. A bin contains its lower edge, and the last one
    its upper edge too; with edges given, cosines beyond them are not counted. The upper half of the matrix of
    cosines is walked in tiles on the device of `x`; counts and edges come back on the CPU. Moments are summed in
    float64, on the CPU if `x` is on Apple's MPS.

    Raises ValueError as `mean_cosine` does, unless 1 ≤ bins ≤ 10⁷, or for edges that do not increase.
    """
    x = geometry.normalize(_inputs.rows(x, "x"))
    n, start = len(x), 0
    tally = Tally(bins, geometry.mean_cosine(_inputs.widened(x)), x)
    while start < n - 1:
        size = max(1, min(TILE_ENTRIES // (n - start), n - start))
        tile = x[start : start + size] @ x[start:].T
        above = torch.ones(size, size, dtype=torch.bool, device=x.device).triu_(1)
        for cosines in (tile[:, :size][above], tile[:, size:].reshape(-1)):
            tally.add(cosines)
        start += size
    return tally.histogram(times=2)


class Tally:
    """Cosines counted in bins, some at a time, around their known mean; what `like` is on is where they are counted."""

    def __init__(self, bins: int | ArrayLike, mean: float, like: Float[Tensor, "n d"]) -> None:
        self.edges, self.given = _edges(bins, like)
        self.counts = torch.zeros(len(self.edges) + 1, dtype=torch.int64, device=like.device)
        self.mean, self.squares, self.low, self.high, self.number = mean, 0.0, math.inf, -math.inf, 0

    def add(self, cosines: Float[Tensor, " m"]) -> None:
        """Count some more of them."""
        if not len(cosines):
            return
        cosines = cosines.clamp(-1, 1)
        self.squares += float(_inputs.holding_float64((cosines - self.mean).square()).sum(dtype=torch.float64))
        self.low, self.high = min(self.low, float(cosines.min())), max(self.high, float(cosines.max()))
        places = torch.bucketize(cosines, self.edges, right=True)
        self.counts += torch.bincount(places, minlength=len(self.counts))
        self.number += len(cosines)

    def histogram(self, times: int = 1) -> CosineHistogram:
        """All that was counted, each cosine standing for `times` pairs."""
        counts = times * self.counts.cpu()[1:-1]  # beyond the last edge lies nothing that equals it, see `_edges`
        return CosineHistogram(
            counts, self.given, self.mean, math.sqrt(self.squares / self.number), self.low, self.high
        )


def _edges(bins: int | ArrayLike, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " edges"], Float[Tensor, " edges"]]:
    """Edges as they are searched, the last one a hair higher so that it belongs to its bin, and as they were given."""
    given = _inputs.double(bins, "bins").detach().cpu()
    if given.ndim == 0:
        given = torch.linspace(-1, 1, _inputs.count(given, "bins", 1, MOST_BINS) + 1, dtype=torch.float64)
    else:
        if given.ndim != 1 or len(given) < 2 or not (given[1:] > given[:-1]).all():
            raise ValueError(
                f"bins: expected a whole number or at least 2 increasing edges, got {given.tolist()!r:.80}"
            )
    searched = given.to(x.dtype, copy=True)
    searched[-1] = torch.nextafter(searched[-1], searched.new_tensor(math.inf))
    return searched.to(x.device), given


def cap_fraction(cosine: float, dim: int) -> float:
    """How much of the unit sphere in `dim` dimensions a cap covers, as the log2 of its share of the surface (§2.1).

    The cap has the opening angle θ = arccos(`cosine`), that is, the half-angle θ/2, and covers

        ½ I_{sin²(θ/2)}((dim − 1)/2, ½)        with the regularised incomplete beta function I

    of the surface; `2 ** cap_fraction(0.56, 2)` is .1554. In high dimensions the share itself is smaller than any
    float64, its log2 is not. The cap that holds all points whose *pairwise* cosine is c is wider than the paper's:
    such points lie at the angle arccos √c from their centre, so its opening angle has the cosine 2c − 1.

    Raises ValueError unless −1 ≤ cosine ≤ 1 and dim ≥ 2. A cosine of 1 gives −inf.
    """
    cosine, dim = _inputs.number(cosine, "cosine"), _inputs.count(dim, "dim", 2)
    if not -1 <= cosine <= 1:
        raise ValueError(f"cosine: expected a number from -1 to 1, got {cosine:g}")
    if cosine == 1:
        return -math.inf
    import mpmath

    with mpmath.workdps(30):  # numbers of any exponent
        share = mpmath.betainc(mpmath.mpf(dim - 1) / 2, 0.5, 0, (1 - mpmath.mpf(cosine)) / 2, regularized=True) / 2
        return float(mpmath.log(share, 2))
