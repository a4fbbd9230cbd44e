"""Ways to close a gap, and what they cost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mindgap import closing, geometry, metrics


def pairs(n: int = 200, d: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    common = torch.randn(n, d, generator=random, dtype=torch.float64)
    x = common + 0.4 * torch.randn(n, d, generator=random, dtype=torch.float64) + 2
    y = common @ torch.diag(torch.linspace(0.5, 2, d, dtype=torch.float64))
    return 3 * x, y + 0.4 * torch.randn(n, d, generator=random, dtype=torch.float64) - 1


@pytest.mark.parametrize("name", closing.WAYS)
def test_every_way_closes_the_gap_and_stays_on_the_sphere(name: str) -> None:
    x, y = pairs()
    moved = closing.WAYS[name](x, y)
    for rows, given in zip(moved, (x, y), strict=True):
        assert rows.shape == given.shape
        assert torch.allclose(rows.norm(dim=1), torch.ones(len(rows), dtype=rows.dtype), atol=1e-6)
    before, after = geometry.gap_distance(x, y), geometry.gap_distance(*moved)
    assert after == pytest.approx(before) if name == "as it is" else after < before / 4
    scaled = closing.WAYS[name](x * 5, y / 7)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(moved, scaled, strict=True))


def test_standardising_is_dividing_each_coordinate() -> None:
    x, y = pairs()
    u = geometry.normalize(x)
    expected = geometry.normalize((u - u.mean(0)) / u.std(0))
    assert torch.allclose(closing.standardised(x, y)[0], expected)
    x[:, 2] = 0  # never varies
    assert torch.equal(closing.standardised(x, y)[0][:, 2], torch.zeros(len(x), dtype=x.dtype))


def test_what_is_matched_has_one_mean_and_one_covariance_before_the_sphere() -> None:
    x, y = (geometry.normalize(side) for side in pairs())
    wanted = (x.T.cov() + y.T.cov()) / 2
    for rows in (x, y):
        carried = (rows - rows.mean(0)) @ closing._transport(rows.T.cov(), wanted)
        assert torch.allclose(carried.T.cov(), wanted, atol=1e-12)
    assert metrics.pair_distance(*closing.spread_matched(x, y)) < metrics.pair_distance(*metrics.centred(x, y))


def test_matching_spread_with_fewer_rows_than_dimensions() -> None:
    x, y = pairs(10, 24)
    a, b = closing.spread_matched(x, y)
    assert geometry.gap_distance(a, b) < geometry.gap_distance(x, y) / 4


@pytest.mark.parametrize("name", closing.WAYS)
def test_part_of_a_way_lies_between_its_ends(name: str) -> None:
    x, y = pairs()
    way = closing.WAYS[name]
    for amount, ends in ((0, geometry.unit_pair(x, y)), (1, way(*geometry.unit_pair(x, y)))):
        assert all(torch.allclose(a, b) for a, b in zip(closing.partly(x, y, way, amount), ends, strict=True))
    gaps = [geometry.gap_distance(*closing.partly(x, y, way, amount)) for amount in (0, 0.4, 0.8, 1)]
    assert name == "as it is" or gaps == sorted(gaps, reverse=True)


def test_a_part_of_a_way_is_a_part() -> None:
    with pytest.raises(ValueError, match="amount: expected a number from 0 to 1, got 2"):
        closing.partly(*pairs(), metrics.centred, 2)


def test_neighbours_see_what_means_do_not() -> None:
    x, y = pairs(40)
    assert closing.own_neighbours(x, y) == 1
    random = torch.Generator().manual_seed(1)
    both = torch.randn(4000, 8, generator=random)
    assert closing.own_neighbours(both[:2000], both[2000:]) == pytest.approx(0.5, abs=0.03)
    circle, still = torch.randn(200, 3, generator=random), torch.zeros(200, 3)
    apart = torch.cat([circle, still], dim=1), torch.cat([still, circle.roll(1, 0)], dim=1)
    assert geometry.gap_distance(*apart) < 0.15
    assert closing.own_neighbours(*apart) == 1


class TestFlips:
    """How often noise changes the best match."""

    def test_it_is_what_one_counts(self) -> None:
        x, y = pairs(50)
        random = torch.Generator().manual_seed(3)
        u, v = geometry.normalize(x), geometry.normalize(y)
        a, b = (
            geometry.normalize(rows + 0.2 / 6**0.5 * torch.randn(50, 6, generator=random, dtype=torch.float64))
            for rows in (u, v)
        )
        expected = ((u @ v.T).argmax(1) != (a @ b.T).argmax(1)).double().mean()
        assert closing.flips(x, y, 0.2, seeds=[3]) == (float(expected),)

    def test_more_noise_flips_more_and_none_flips_nothing(self) -> None:
        x, y = pairs()
        found = [sum(closing.flips(x, y, noise)) for noise in (0, 0.01, 0.1, 1)]
        assert found[0] == 0
        assert found == sorted(found)

    def test_noise_before_a_way_is_stretched_with_the_rows(self) -> None:
        x, y = pairs()
        after = closing.flips(x, y, 0.1, metrics.centred)
        before = closing.flips(x, y, 0.1, metrics.centred, first=True)
        assert sum(before) > sum(after)
        assert len(before) == 10

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match="noise: expected a number of at least 0, got -1"):
            closing.flips(*pairs(), noise=-1)
        with pytest.raises(ValueError, match="x and y: expected"):
            closing.flips(torch.ones(3, 2), torch.ones(4, 2))


class TestVMeasure:
    """Clusters of both modalities at once."""

    def test_clusters_that_are_labels_and_clusters_that_are_modalities(self) -> None:
        random = torch.Generator().manual_seed(0)
        labels = torch.arange(60) % 2
        centres = torch.eye(4)[labels]
        noise = 0.01 * torch.randn(2, 60, 4, generator=random)
        together, apart = torch.zeros(4), 5 * torch.eye(4)[3]
        assert closing.v_measure(centres + noise[0] + together, centres + noise[1], labels) == 1
        assert closing.v_measure(centres + noise[0] + apart, centres + noise[1] - apart, labels) < 0.05

    def test_labels_are_checked(self) -> None:
        with pytest.raises(ValueError, match="labels: expected 200 labels"):
            closing.v_measure(*pairs(), range(3))


@pytest.mark.parametrize("name", closing.WAYS)
def test_a_fitted_way_is_the_way_on_its_own_rows_and_a_fixed_map_on_others(name: str) -> None:
    x, y = pairs()
    fixed, whole = closing.fitted(name, x, y), closing.WAYS[name](x, y)
    for a, b in zip(fixed(x, y), whole, strict=True):
        assert torch.allclose(a, b, atol=1e-12)
    for a, b in zip(fixed(x[:7], y[:9]), whole, strict=True):
        assert torch.allclose(a, b[: len(a)], atol=1e-12)


def test_an_unknown_way_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="name: unknown name 'centered'; did you mean 'centred'"):
        closing.fitted("centered", *pairs())
