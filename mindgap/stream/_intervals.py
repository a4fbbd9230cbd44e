"""What a sample of m of n rows says of their mean, and of where a curve of means is least, with what chance does to it.

The rows are drawn without replacement, so that the variance of a mean of m values with standard deviation s is
(1 − m/n) s²/m: 0 where all rows were taken. Its interval is Student's. Where a curve of such means is least is found
anew for a thousand resamples of the rows, each taken for all shifts at once (the bootstrap, whose spread is shrunk by
the same factor): rows that are high at one shift are high at its neighbours, so that the place is known much better
than the intervals of the losses would suggest.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import torch
from jaxtyping import Float, Int
from torch import Tensor

RESAMPLES = 1000
_DEGREE = 4  # of the polynomial through the points around the least one of a grid
_FINE = 401


def quantile(level: float, freedom: float) -> float:
    """Of Student's t, two-sided: 1.96 for 95 % and many degrees of freedom (Hill's expansion; to 1e-3 from 7 on)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))


def remaining(m: int, n: int | None) -> float:
    """The share of the variance that is left where m of n rows are known; 1 where there is no end of them."""
    return 1.0 if n is None else max(0.0, 1 - m / n)


def half_widths(values: Float[Tensor, "*cells m"], n: int | None, level: float) -> Float[Tensor, "*cells"]:
    """Half of the interval of the mean of n values of which m were drawn at random, for each cell."""
    m = values.shape[-1]
    if remaining(m, n) == 0:
        return values.new_zeros(values.shape[:-1])
    half: Tensor = values.std(dim=-1) * (quantile(level, m - 1) * math.sqrt(remaining(m, n) / m))
    return half


def rows_needed(values: Float[Tensor, "cells m"], n: int, level: float, precision: float) -> int:
    """How many of n rows make every half-width at most `precision`, as far as these m tell."""
    m = values.shape[-1]
    without_end = (quantile(level, m - 1) * float(values.std(dim=-1).max()) / precision) ** 2
    return min(n, math.ceil(without_end / (1 + without_end / n)))


def weights_at(shift: float, shifts: Float[Tensor, " s"]) -> Float[Tensor, " s"]:
    """How to weigh values at the rising `shifts` to have their value at `shift`, on a local polynomial."""
    nearest = int((shifts - shift).abs().argmin())
    weights = torch.zeros_like(shifts)
    window = _window(nearest, shifts)
    weights[window] = _lagrange(shifts[window], torch.tensor([shift], dtype=shifts.dtype))[:, 0]
    return weights


def least(curves: Float[Tensor, "b s"], shifts: Float[Tensor, " s"]) -> Float[Tensor, " b"]:
    """Where each curve over the rising `shifts` is least: between the grid's points, on a polynomial through five."""
    lowest: Int[Tensor, " b"] = curves.argmin(dim=1)
    found = shifts[lowest].clone()
    for place in lowest.unique().tolist():
        window = _window(place, shifts)
        if len(window) < 3:
            continue
        low, high = shifts[max(0, place - 1)], shifts[min(len(shifts) - 1, place + 1)]
        fine = torch.linspace(float(low), float(high), _FINE, dtype=shifts.dtype)
        here = (lowest == place).nonzero()[:, 0]
        values = curves[here][:, window] @ _lagrange(shifts[window], fine)
        best = values.argmin(dim=1)
        inner = best.clamp(1, _FINE - 2)
        a, b, c = (values.gather(1, (inner + step)[:, None])[:, 0] for step in (-1, 0, 1))
        curved = a - 2 * b + c
        offset = torch.where(curved > 0, (a - c) / (2 * curved), torch.zeros_like(curved)).clamp(-1, 1)
        offset = torch.where(best == inner, offset, (best - inner).to(offset))
        found[here] = fine[inner] + offset * (fine[1] - fine[0])
    return found


def resampled_least(
    values: Float[Tensor, "s t m"],
    shifts: Float[Tensor, " s"],
    n: int | None,
    level: float,
    random: torch.Generator,
) -> tuple[Float[Tensor, " t"], Float[Tensor, " t"], Float[Tensor, " t"]]:
    """Where the mean curve of each temperature is least, and the two ends of its interval."""
    s, t, m = values.shape
    curves = values.mean(dim=-1).T
    place = least(curves, shifts)
    if remaining(m, n) == 0:
        return place, place, place
    by_row = values.reshape(s * t, m).T
    means = []
    for start in range(0, RESAMPLES, 100):
        drawn = torch.randint(m, (min(100, RESAMPLES - start), m), generator=random)
        counts = torch.zeros(len(drawn), m, dtype=values.dtype).scatter_add_(
            1, drawn, torch.ones_like(drawn).to(values)
        )
        means.append(counts @ by_row / m)
    anew = torch.cat(means).reshape(RESAMPLES, s, t)
    places = torch.stack([least(anew[:, :, column], shifts) for column in range(t)], dim=1)
    ends = places.quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=values.dtype), dim=0)
    # A resample of few rows spreads too little, and by the normal law where it should by Student's.
    wider = math.sqrt(m / (m - 1) * remaining(m, n)) * quantile(level, m - 1) / quantile(level, 1e9)
    low, high = place + wider * (ends - place)
    low, high = (end.clamp(float(shifts[0]), float(shifts[-1])) for end in (low, high))
    return place, torch.minimum(low, place), torch.maximum(high, place)


def _window(place: int, shifts: Float[Tensor, " s"]) -> Int[Tensor, " w"]:
    """The points around one."""
    size = min(_DEGREE + 1, len(shifts))
    start = min(max(0, place - size // 2), len(shifts) - size)
    return torch.arange(start, start + size)


def _lagrange(points: Float[Tensor, " w"], at: Float[Tensor, " f"]) -> Float[Tensor, "w f"]:
    """The weights by which values at some points make those of their polynomial elsewhere."""
    rows = []
    for i, point in enumerate(points):
        others = torch.cat([points[:i], points[i + 1 :]])
        rows.append(((at - others[:, None]) / (point - others)[:, None]).prod(dim=0))
    return torch.stack(rows)
