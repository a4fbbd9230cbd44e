"""The six pairs of Figure 3e: the paper's minima, the closed form against the plain loss, and what it must refuse."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mindgap import geometry, sphere
from mindgap.landscape import contrastive_loss, loss_landscape


class TestThePapersSimulation:
    @pytest.mark.parametrize(("inverse", "degrees"), [(1, 0), (5, 0), (35, 53), (50, 65), (100, 78)])
    def test_best_heights(self, inverse: float, degrees: int) -> None:
        grid = torch.arange(-90, 91, dtype=torch.float64)
        losses = sphere.arc_loss(grid, 1 / inverse)
        assert abs(grid[losses.argmin()]) == degrees
        assert round(sphere.best_angle(1 / inverse)) == degrees

    @pytest.mark.parametrize("inverse", [35, 50, 100])
    def test_least_loss_and_its_value_at_the_poles(self, inverse: float) -> None:
        assert 0.8095 <= float(sphere.arc_loss(sphere.best_angle(1 / inverse), 1 / inverse)) <= 0.8096
        poles = sphere.arc_loss([-90.0, 90.0], 1 / inverse)
        torch.testing.assert_close(poles, torch.full((2,), math.log(6)).double())

    @pytest.mark.parametrize("inverse", [1, 5, 35, 50, 100])
    def test_without_mismatch_the_best_height_is_none(self, inverse: float) -> None:
        losses = sphere.arc_loss(torch.arange(-90, 91, dtype=torch.float64), 1 / inverse, above=None)
        assert losses.argmin() == 90
        assert sphere.best_angle(1 / inverse, above=None) == 0

    def test_the_pairs_themselves(self) -> None:
        x, y = sphere.six_pairs(30)
        assert x.shape == y.shape == (6, 3)
        torch.testing.assert_close(x.norm(dim=1), torch.ones(6).double())
        torch.testing.assert_close(y.norm(dim=1), torch.ones(6).double())
        assert (x[:, 2] == 0).all()
        torch.testing.assert_close(y[:, 2], torch.full((6,), 0.5).double())
        own = torch.rad2deg(torch.atan2(y[:, 1], y[:, 0]))
        torch.testing.assert_close(own, torch.tensor([0.0, -20, 20, 40, 60, 80]).double())
        matched = sphere.six_pairs(30, mismatched=False)[1]
        torch.testing.assert_close(matched[[1, 0, 2, 3, 4, 5]], y)

    def test_the_gap_is_the_height(self) -> None:
        """Both clouds have the same mean direction in the plane, so the gap is that of two rings."""
        x, y = sphere.six_pairs(60)
        flat = x.mean(dim=0).norm()
        expected = math.hypot(0.5 * flat, math.sin(math.pi / 3))
        assert geometry.gap_distance(x, y) == pytest.approx(expected)


class TestClosedForm:
    @settings(deadline=None)
    @given(
        height=st.floats(-90, 90),
        inverse=st.floats(0.5, 200),
        azimuths=st.lists(st.floats(-180, 180), min_size=2, max_size=7),
        seed=st.integers(0, 100),
    )
    def test_equals_the_plain_loss_of_the_points(
        self, height: float, inverse: float, azimuths: list[float], seed: int
    ) -> None:
        above = torch.randperm(len(azimuths), generator=torch.Generator().manual_seed(seed)).tolist()
        x, y = sphere.arc_pairs(height, azimuths, above)
        found = float(sphere.arc_loss(height, 1 / inverse, azimuths, above))
        assert found == pytest.approx(float(contrastive_loss(x, y, 1 / inverse)), abs=1e-9)

    def test_equals_the_landscape(self) -> None:
        x, y = sphere.six_pairs(37)
        assert float(sphere.arc_loss(37, 1 / 50)) == pytest.approx(float(loss_landscape(x, y, [0.0], [1 / 50]).loss))

    def test_best_sharpness_is_the_least_of_a_fine_search(self) -> None:
        for above in [(1, 0, 2, 3, 4, 5), (1, 0, 3, 2, 4, 5), (1, 0, 3, 2, 5, 4)]:
            best = sphere.best_sharpness(above=above)
            around = [float(sphere.arc_loss(0, 1 / s, above=above)) for s in (best - 0.05, best, best + 0.05)]
            assert around[1] == min(around)

    def test_two_exchanged_pairs_alone_want_to_be_as_far_as_can_be(self) -> None:
        assert sphere.best_sharpness([0, 30], [1, 0]) == 0
        assert sphere.best_angle(0.01, [0, 30], [1, 0]) == 90

    def test_all_matched_want_ever_larger_cosines(self) -> None:
        assert sphere.best_sharpness(above=None) == math.inf


@pytest.mark.parametrize(("call", "words"), [
    (lambda: sphere.six_pairs(math.nan), "delta_theta: .* finite"),
    (lambda: sphere.arc_loss([math.inf], 1), "delta_theta: expected finite"),
    (lambda: sphere.arc_loss(0, 0), "temperature: .* above 0"),
    (lambda: sphere.best_angle(-1), "temperature: .* above 0"),
    (lambda: sphere.arc_pairs(0, [10.0]), "azimuths: .* at least 2"),
    (lambda: sphere.arc_pairs(0, [10.0, math.nan]), "azimuths: .* finite"),
    (lambda: sphere.arc_pairs(0, [0, 10], [0]), "above: expected 2 numbers"),
    (lambda: sphere.arc_pairs(0, [0, 10], [0, 2]), "above: .* from 0 to 1, got 2"),
])  # fmt: skip
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
