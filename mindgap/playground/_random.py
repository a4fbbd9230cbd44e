"""Random numbers that a page draws, too: each follows from a seed, a stream, a step and a place, by 32-bit arithmetic.

A counter is mixed by the finaliser of MurmurHash3 (Appleby, public domain), the place advancing it by 2³² over the
golden ratio, so that nothing has a state that would have to be rewound. `book/_ext/playground/engine/random.js` is the
same in JavaScript.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

# What numbers are for: no two uses share any.
IMAGES, TEXTS, BATCH, PARTNERS = 1, 2, 3, 4

_GOLDEN = 0x9E3779B9
_MASK = 0xFFFFFFFF


def _mixed(h: np.ndarray) -> np.ndarray:
    """The finaliser of MurmurHash3 on 32-bit numbers, held in 64 bits."""
    h = h ^ (h >> 16)
    h = (h * 0x85EBCA6B) & _MASK
    h = h ^ (h >> 13)
    h = (h * 0xC2B2AE35) & _MASK
    return h ^ (h >> 16)


def words(seed: int, stream: int, step: int, count: int) -> np.ndarray:
    """The first `count` 32-bit numbers of a stream at a step, as uint64 (count,)."""
    key = np.array([seed & _MASK], dtype=np.uint64)
    for part in (stream, step):
        key = _mixed((key + (part & _MASK) * _GOLDEN + 1) & _MASK)
    places = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    return _mixed((key + places) & _MASK)


def uniforms(seed: int, stream: int, step: int, count: int) -> Float[Tensor, " count"]:
    """Numbers between 0 and 1, neither of them ever."""
    return torch.from_numpy((words(seed, stream, step, count).astype(np.float64) + 0.5) / 2**32)


def gaussians(seed: int, stream: int, step: int, count: int) -> Float[Tensor, " count"]:
    """Numbers from N(0, 1), two from each two uniforms (Box and Muller, 1958)."""
    u = uniforms(seed, stream, step, 2 * ((count + 1) // 2)).reshape(-1, 2)
    radius, angle = (-2 * u[:, 0].log()).sqrt(), 2 * torch.pi * u[:, 1]
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1).reshape(-1)[:count]


def chosen(seed: int, stream: int, step: int, n: int, count: int) -> list[int]:
    """`count` different numbers below `n` in random order (the beginning of Fisher and Yates' shuffle)."""
    order = list(range(n))
    for place, u in enumerate(uniforms(seed, stream, step, count).tolist()):
        other = place + int(u * (n - place))
        order[place], order[other] = order[other], order[place]
    return order[:count]
