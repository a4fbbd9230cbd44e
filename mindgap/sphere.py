"""Pairs on a sphere that one can draw: what a mismatch does to the loss, in closed form (§4.3, Fig 3e–g).

Images stand on the equator, each text straight above an image, all at the same height Δθ. Since then

    x̂_i·ŷ_j = cos Δθ · cos(φ_i − φ_p(j))

with φ the azimuths of the images and p(j) the image below text j, raising the texts multiplies every logit by cos Δθ.
It is the same as raising the temperature to τ / cos Δθ, and the best height follows from the best temperature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs
from mindgap._inputs import ArrayLike
from mindgap.landscape import info_nce

__all__ = [
    "AZIMUTHS",
    "EXCHANGED",
    "arc_loss",
    "arc_pairs",
    "best_angle",
    "best_sharpness",
    "six_pairs",
]

AZIMUTHS = (-20.0, 0.0, 20.0, 40.0, 60.0, 80.0)
"""The six images of Fig 3e, in degrees."""

EXCHANGED = (1, 0, 2, 3, 4, 5)
"""Which image each text of Fig 3e stands above: the first two are exchanged."""

_ROUNDING = 1e-12
_LARGEST = 1e6  # a sharpness beyond which a loss that still falls is taken to fall for ever


def six_pairs(delta_theta: float, mismatched: bool = True) -> tuple[Float[Tensor, "6 3"], Float[Tensor, "6 3"]]:
    """The six pairs of Fig 3e on the unit sphere, texts `delta_theta` degrees above the images: (6, 3) each, float64.

    Row i of the texts belongs with row i of the images; with `mismatched`, texts 0 and 1 have changed places. The third
    coordinate is the height. Raises ValueError if `delta_theta` is not finite.
    """
    return arc_pairs(delta_theta, AZIMUTHS, EXCHANGED if mismatched else None)


def arc_pairs(
    delta_theta: float, azimuths: ArrayLike = AZIMUTHS, above: Sequence[int] | None = None
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3"]]:
    """Images on the equator at `azimuths` (n,), degrees; text i `delta_theta` degrees above image `above[i]`.

    Without `above`, every text stands above its own image. Several texts may stand above one. Shapes (n, 3), float64,
    on the device of `azimuths`, but on the CPU in place of Apple's MPS.

    Raises ValueError for fewer than 2 azimuths, numbers that are not finite, or `above` that are not
    n numbers of images.
    """
    angles, order = _arc(azimuths, above)
    height = math.radians(_inputs.number(delta_theta, "delta_theta"))
    images = torch.stack([angles.cos(), angles.sin(), torch.zeros_like(angles)], dim=1)
    texts = images[order] * math.cos(height)
    texts[:, 2] = math.sin(height)
    return images, texts


def arc_loss(
    delta_theta: ArrayLike | float,
    temperature: float,
    azimuths: ArrayLike = AZIMUTHS,
    above: Sequence[int] | None = EXCHANGED,
) -> Float[Tensor, "*heights"]:
    """The symmetric contrastive loss of `arc_pairs` at each height `delta_theta` (degrees), any shape; float64.

    The same as `loss_landscape(*arc_pairs(…), [0], [temperature]).loss`, for all heights at once. By default the six
    pairs of Fig 3e, two of them exchanged; other azimuths need an `above` of their own, None for all matched.

    Differentiable in `delta_theta` and `azimuths`. On the device of `delta_theta`, but on the CPU in place of Apple's
    MPS, which has no float64.

    Raises ValueError as `arc_pairs` does, or for a temperature below 1e-30. Warns of one above 10.
    """
    heights = _inputs.double(delta_theta, "delta_theta")
    if not heights.isfinite().all():
        raise ValueError("delta_theta: expected finite numbers, got NaN or infinity")
    sharpness = heights.deg2rad().cos() / _inputs.temperature(temperature)
    return info_nce(sharpness[..., None, None] * _cosines(azimuths, above).to(heights.device))


@torch.no_grad()
def best_sharpness(azimuths: ArrayLike = AZIMUTHS, above: Sequence[int] | None = EXCHANGED) -> float:
    """The factor s* of the cosines at which the loss is least; infinite if a larger one always helps.

    The loss is convex in s = cos Δθ / τ, and s* is where it stops falling: where the softmax-weighted mean cosine is
    that of the pairs. s* is 0 where the pairs' mean cosine is no larger than that of all. For the six pairs of Fig 3e
    s* = 21.2 with the mismatch and infinite without. Arguments as for `arc_loss`.

    Raises ValueError as `arc_pairs` does.
    """
    cosines = _cosines(azimuths, above)
    if _slope(cosines, 0.0) >= 0:
        return 0.0
    low, high = 0.0, 1.0
    while _slope(cosines, high) < _ROUNDING:  # a loss that has fallen to 0 rises by rounding only
        low, high = high, 2 * high
        if high > _LARGEST:
            return math.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _slope(cosines, middle) < 0 else (low, middle)
    return (low + high) / 2


def best_angle(temperature: float, azimuths: ArrayLike = AZIMUTHS, above: Sequence[int] | None = EXCHANGED) -> float:
    """The height at which the loss is least, in degrees from 0 to 90: arccos(min(1, s*·τ)), s* of `best_sharpness`.

    As far below the equator is as good. 53°, 65° and 78° for the six pairs at τ = 1/35, 1/50 and 1/100, 0 at 1/5 and 1
    (Fig 3g). Arguments as for `arc_loss`.

    Raises ValueError as `arc_pairs` does, or for a temperature below 1e-30. Warns of one above 10.
    """
    temperature = _inputs.temperature(temperature)
    return math.degrees(math.acos(min(1.0, best_sharpness(azimuths, above) * temperature)))


def _arc(azimuths: ArrayLike, above: Sequence[int] | None) -> tuple[Float[Tensor, " n"], list[int]]:
    """Checked azimuths in radians, and the image below each text."""
    angles = _inputs.double(azimuths, "azimuths")
    if angles.ndim != 1 or len(angles) < 2 or not angles.isfinite().all():
        raise ValueError(f"azimuths: expected a list of at least 2 finite angles, got {angles.tolist()}")
    n = len(angles)
    order = [_inputs.count(index, "above", 0, n - 1) for index in (range(n) if above is None else above)]
    if len(order) != n:
        raise ValueError(f"above: expected {n} numbers of images, one for each text, got {len(order)}")
    return angles.deg2rad(), order


def _cosines(azimuths: ArrayLike, above: Sequence[int] | None) -> Float[Tensor, "n n"]:
    """x̂_i·ŷ_j / cos Δθ."""
    angles, order = _arc(azimuths, above)
    return (angles[:, None] - angles[order]).cos()


def _slope(cosines: Float[Tensor, "n n"], sharpness: float) -> float:
    """The derivative of the loss in the sharpness: the softmax-weighted mean cosine, less that of the pairs."""
    logits = sharpness * cosines
    chosen = (logits.softmax(dim=1) + logits.softmax(dim=0)) * cosines / 2
    return float(chosen.sum() / len(cosines) - cosines.diagonal().mean())
