"""Intervals by the formulas that they stand for, and by how often they have the truth."""

from __future__ import annotations

import math
from functools import partial

import pytest
import scipy.stats
import torch
from torch import Tensor

from mindgap import load_pairs, loss_landscape
from mindgap.landscape import best_shift
from mindgap.stream import _intervals
from mindgap.stream._landscape import SHIFTS, grown


@pytest.mark.parametrize("freedom", [7, 29, 199, 10**6])
def test_quantiles_are_students(freedom: int) -> None:
    for level in (0.95, 0.975, 0.9875):
        assert _intervals.quantile(level, freedom) == pytest.approx(
            scipy.stats.t.ppf((1 + level) / 2, freedom), abs=2e-3
        )


def test_the_half_width_is_that_of_a_draw_without_replacement() -> None:
    values = torch.randn(3, 40, dtype=torch.float64)
    expected = scipy.stats.t.ppf(0.975, 39) * values.std(dim=1) * math.sqrt((1 - 40 / 100) / 40)
    torch.testing.assert_close(_intervals.half_widths(values, 100, 0.95), expected, rtol=1e-6, atol=0)
    assert not _intervals.half_widths(values, 40, 0.95).any()  # all rows were taken
    assert (_intervals.half_widths(values, None, 0.95) > expected).all()


def test_so_many_rows_as_are_needed_suffice() -> None:
    values = torch.randn(2, 500, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for n in (600, 10**6):
        needed = _intervals.rows_needed(values, n, 0.95, 0.05)
        without = (1.96 * float(values.std(dim=1).max()) / 0.05) ** 2
        assert needed == pytest.approx(without / (1 + without / n), rel=0.02)
        assert needed <= n


def test_the_least_point_between_those_of_the_grid_is_best_shift() -> None:
    pairs = load_pairs("clip").take(100)
    taus = [1 / 100, 1 / 20, 1.0]
    curves = loss_landscape(pairs.x.double(), pairs.y.double(), SHIFTS, taus).loss.T
    found = _intervals.least(curves, SHIFTS)
    for tau, place, curve in zip(taus, found.tolist(), curves, strict=True):
        best = best_shift(pairs.x, pairs.y, tau)
        assert place == pytest.approx(best.shift, abs=1e-4)
        assert float(_intervals.weights_at(place, SHIFTS) @ curve) == pytest.approx(best.loss, abs=1e-5)


def test_a_least_point_at_an_end_stays_there_and_two_points_are_a_grid() -> None:
    shifts = torch.linspace(0, 1, 11, dtype=torch.float64)
    assert _intervals.least(torch.stack([shifts, -shifts]), shifts).tolist() == [0.0, 1.0]
    assert _intervals.least(torch.tensor([[1.0, 0.5]]).double(), shifts[:2]).tolist() == [shifts[1]]
    assert _intervals.weights_at(float(shifts[3]), shifts).tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def population() -> Tensor:
    """Losses of 2,000 rows whose curves are parabolas at places of their own, skewed as losses are: (2, S, 1, n)."""
    random = torch.Generator().manual_seed(0)
    place = 0.3 + 0.5 * torch.randn(2000, dtype=torch.float64, generator=random)
    height = torch.randn(2000, dtype=torch.float64, generator=random).exp()
    return ((SHIFTS[:, None] - place).square() + height)[None, :, None].expand(2, -1, -1, -1)


def taken(values: Tensor, start: int, stop: int) -> Tensor:
    """Some rows."""
    return values[..., start:stop]


@pytest.mark.parametrize(("rows", "precision"), [(60, None), (None, 0.25)])
def test_intervals_have_the_truth_as_often_as_they_say(rows: int | None, precision: float | None) -> None:
    """150 samples: 19 in 20 is 142 or 143 of them, with a standard deviation of 2.7."""
    values, random = population(), torch.Generator().manual_seed(1)
    both = values[0, :, 0]
    truth, place = both.mean(dim=1), float(_intervals.least(both.mean(dim=1)[None], SHIFTS))
    loss = shift = 0
    looks_taken = set()
    for _ in range(150):
        order = torch.randperm(2000, generator=random)
        if precision is None:
            some, level = values[..., order[:rows]], 0.95
        else:
            some, level, looks = grown(partial(taken, values[..., order]), 2000, SHIFTS, precision)
            looks_taken.add(looks)
        mean, half = some[0].mean(dim=-1)[20, 0], _intervals.half_widths(some[0], 2000, level)[20, 0]
        loss += int(abs(mean - truth[20]) <= half)
        _, low, high = _intervals.resampled_least(some[0], SHIFTS, 2000, level, random)
        shift += int(low <= place <= high)
    assert loss >= 133
    assert shift >= 133
    assert precision is None or max(looks_taken) > 1


def test_a_precision_is_reached_or_all_rows_are_taken() -> None:
    values = population()
    some, level, looks = grown(partial(taken, values), 2000, SHIFTS, 0.1)
    assert 400 < some.shape[-1] < 2000
    assert float(_intervals.half_widths(some[0, 26, 0], 2000, level)) <= 0.1
    assert level == pytest.approx(1 - 0.05 / 2**looks)
    assert grown(partial(taken, values), 2000, SHIFTS, 1e-6)[0].shape[-1] == 2000
