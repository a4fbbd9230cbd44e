"""Merged moments are those of all rows, wherever they were cut, and keep the digits of a narrow cone."""

from __future__ import annotations

import functools
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mindgap.stream._moments import Collected, as_parts, from_parts, merge


@given(cuts=st.lists(st.integers(0, 40), max_size=6), seed=st.integers(0, 100))
def test_parts_merge_to_the_whole_wherever_they_are_cut(cuts: list[int], seed: int) -> None:
    rows = torch.randn(40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 3
    edges = [0, *sorted(cuts), 40]
    parts = [Collected.of(rows[a:b]) for a, b in itertools.pairwise(edges)]  # some of them empty
    found = functools.reduce(Collected.merged, parts)
    assert found.n == 40
    torch.testing.assert_close(found.mean, rows.mean(dim=0), rtol=0, atol=1e-14)
    torch.testing.assert_close(found.covariance, torch.cov(rows.T), rtol=0, atol=1e-13)


def test_a_narrow_cone_keeps_digits_that_plain_sums_lose() -> None:
    random = torch.Generator().manual_seed(0)
    apart = 1e-7 * torch.randn(4000, 3, dtype=torch.float64, generator=random)
    rows = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64) / 3 + apart
    found = functools.reduce(Collected.merged, [Collected.of(part) for part in rows.split(100)])
    expected = torch.cov(apart.T)
    torch.testing.assert_close(found.covariance, expected, rtol=1e-6, atol=0)
    sums = rows.T @ rows / len(rows) - torch.outer(rows.mean(dim=0), rows.mean(dim=0))
    assert ((sums - expected) / expected).abs().max() > 1e-3


def test_what_follows_from_few_rows_has_no_more_directions_than_they() -> None:
    rows = torch.randn(4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = Collected.of(rows)
    assert found.rank == 3
    assert found.variances[3:].tolist() == [0.0]
    torch.testing.assert_close(found.spread.T @ found.spread, torch.cov(rows.T))


def test_sums_of_every_kind_survive_the_way_through_parts() -> None:
    rows = torch.randn(6, 3, dtype=torch.float64)
    one, other = ({**as_parts("x", Collected.of(part)), "count of hits": torch.tensor(2.0)} for part in rows.split(3))
    total = merge(one, other)
    assert float(total["count of hits"]) == 4
    torch.testing.assert_close(from_parts("x", total).covariance, torch.cov(rows.T))
    assert from_parts("x", as_parts("x", Collected.of(rows, with_scatter=False))).scatter is None
    with pytest.raises(KeyError):
        merge(one, {})
