"""The cone effect: how narrow a cloud of embeddings is, and how random networks make it so.

What is measured here needs no trained weights. `mlp_cosines` and `relu_mean_field` follow a cloud through random
layers (§2.2, Fig 2b), `cosine_histogram` and `cap_fraction` say how narrow a cone is (§2.1, Fig 2a), `variance_share`
how much of an embedding is decided by the random initialisation alone (§2.3, Theorem 2). The real architectures are
in `towers`, Monte Carlo checks of the two theorems in `theorems`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import mpmath
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs, _layers, geometry
from mindgap._histogram import CosineHistogram, cosine_histogram
from mindgap._inputs import ArrayLike, Rows
from mindgap._layers import Layer

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


def layer_cosines(
    layers: Sequence[Layer],
    inputs: Rows,
    seed: int = 0,
) -> Float[Tensor, " layers_and_one"]:
    """Mean off-diagonal cosine of the `inputs` (n, d), and of the outputs of each random layer after the other.

    Weights and biases are from N(0, 1/d_out) and follow from `seed`; nothing else is random. The layers run on the
    device and in the precision of the inputs, the cosines are taken in float64; the result, of shape
    (len(layers) + 1,), is on the CPU.

    Raises ValueError as `mean_cosine` does, or if a narrow layer turns an input into zeros.
    """
    h = _inputs.rows(inputs, "inputs")
    generator = _inputs.generator(seed)
    outputs = _layers.forward(h, layers, generator)
    cosines = [geometry.mean_cosine(h.double()), *(geometry.mean_cosine(output.double()) for output in outputs)]
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

    Raises ValueError for an unknown name, a count below its least (depth 1, width 1, n 2), input_norm ≤ 0, or a width
    so small that an input becomes zero.
    """
    layers = [Layer(activation, width, bias, norm)] * _inputs.count(depth, "depth")
    length = None if input_norm is None else _inputs.positive(input_norm, "input_norm")
    # The inputs get a stream of their own, so that they stay the same when the layers change.
    inputs = _layers.gaussian_inputs(
        _inputs.count(n, "n", 2), layers[0].width, length, _inputs.generator(seed, stream=1), device
    )
    return layer_cosines(layers, inputs, seed)


def relu_kernel(cosine: Float[Tensor, "*shape"] | ArrayLike | float) -> Float[Tensor, "*shape"]:
    """Cosine of φ(u), φ(v) for φ = ReLU, when (u_k, v_k) are many centred Gaussian pairs with correlation `cosine`.

        κ(ρ) = (√(1 − ρ²) + ρ (π − arccos ρ)) / π

    the arc-cosine kernel of degree 1. κ(0) = 1/π is what a ReLU gives two orthogonal inputs. Any shape, values in
    [−1, 1]; float64. Raises ValueError outside of it.
    """
    rho = _inputs.double(cosine, "cosine")
    if not ((rho >= -1) & (rho <= 1)).all():
        raise ValueError(f"cosine: expected numbers from -1 to 1, got {rho.flatten().tolist()[:5]}")
    return ((1 - rho.square()).sqrt() + rho * (math.pi - rho.acos())) / math.pi


def relu_mean_field(
    depth: int = 25, input_norm: float = 512**0.5, bias: bool = True
) -> Float[Tensor, " depth_and_one"]:
    """What `mlp_cosines("relu", …)` tends to as the width grows, for orthogonal inputs of one norm.

    With s_l = h_l(u)·h_l(v) and q_l = ‖h_l‖², weights and biases from N(0, 1/width) give the pre-activations of two
    inputs the correlation ρ, and the ReLU halves the squared norm:

        ρ_l = (s_l + 1) / (q_l + 1)        q_{l+1} = (q_l + 1) / 2        s_{l+1} / q_{l+1} = κ(ρ_l)

    from s_0 = 0, q_0 = `input_norm`² (without bias, leave out the ones), with κ of `relu_kernel`. Shape (depth + 1,),
    float64. At the norm √512, layer 1 is .3193.

    Raises ValueError for depth < 1 or input_norm ≤ 0.
    """
    depth, squared = _inputs.count(depth, "depth"), _inputs.positive(input_norm, "input_norm") ** 2
    one, cosines = float(bool(bias)), [0.0]
    for _ in range(depth):
        rho = (cosines[-1] * squared + one) / (squared + one)
        cosines.append(float(relu_kernel(rho)))
        squared = (squared + one) / 2 if bias else squared  # without bias the norm cancels
    return torch.tensor(cosines, dtype=torch.float64)


def variance_share(embeddings: Float[Tensor, "seeds n d"] | ArrayLike) -> float:
    """Share of the variance of embeddings that is decided by the initialisation: Var[E[h|Θ]] / Var[h] (Theorem 2).

    `embeddings` (seeds, n, d) holds n embeddings of each of several random initialisations Θ, as they are (they are
    not normalised). Variances are summed over the d coordinates. With m_s the mean of seed s and w_s the unbiased
    variance within it, the two parts of Var[h] = Var[E[h|Θ]] + E[Var[h|Θ]] are estimated by

        Var[E[h|Θ]] ≈ var_s(m_s) − mean_s(w_s)/n        E[Var[h|Θ]] ≈ mean_s(w_s)

    since a mean over n random embeddings scatters by w_s/n even where all initialisations agree. The estimate can
    therefore fall a little below 0. Both are unbiased for inputs drawn anew for each seed; where all seeds share their
    inputs, the first is too small, by at most 1/n of the whole.

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
    means = torch.stack([one.double().mean(dim=0) for one in values])
    within = torch.stack([one.double().var(dim=0).sum() for one in values])
    return share_of_means(means, within, values.shape[1])


def share_of_means(means: Float[Tensor, "seeds d"], within: Float[Tensor, " seeds"], n: int) -> float:
    """`variance_share` from what can be kept of each seed: the mean and the summed variance of its n embeddings."""
    inside = within.mean()
    between = means.var(dim=0).sum() - inside / n
    total = between + inside
    if total <= 0:
        raise ValueError("embeddings: expected some variance, got the same embedding throughout")
    return float(between / total)


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
    with mpmath.workdps(30):  # numbers of any exponent
        share = mpmath.betainc(mpmath.mpf(dim - 1) / 2, 0.5, 0, (1 - mpmath.mpf(cosine)) / 2, regularized=True) / 2
        return float(mpmath.log(share, 2))
