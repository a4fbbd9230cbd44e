"""A student's number becomes a draw: the same one every time, however it is written, and nobody's without a number."""

from __future__ import annotations

import pytest
import torch

from mindgap import check


@pytest.mark.parametrize(("number", "seed"), [
    ("2", 2), ("0002", 2), (" 2 ", 2), (2, 2), ("0123456", 123456), (str(2**60 + 5), 5), ("٢", 2),
])  # fmt: skip
def test_digits_are_the_seed(number: object, seed: int) -> None:
    assert check.variant(number).seed == seed


def test_letters_count_and_their_case_does_not() -> None:
    seeds = {check.variant(number).seed for number in ("s2", "s3", "2s", "é2", "s-2")}
    assert len(seeds) == 5
    assert check.variant(" ab12").seed == check.variant("AB12 ").seed


@pytest.mark.parametrize("number", [None, "", "  ", ..., [], 2.5])
def test_without_a_number_it_is_nobodys_and_says_so(number: object) -> None:
    found = check.variant(number)
    assert found == check.variant()
    assert str(found).startswith("○ No student number yet")
    assert "my_number" in found.message
    assert len(found.message) < 100
    assert found.seed not in {check.variant(text).seed for text in ("0", "1", str(2**60), str(2**61))}


def test_whose_it_is_can_be_read() -> None:
    assert str(check.variant(" s0123 ")) == "Drawn for student number S0123."


@pytest.mark.parametrize("number", [None, "2", "s0123456", str(10**30)])
def test_every_generator_of_a_variant_begins_anew(number: object) -> None:
    found = check.variant(number)
    before = torch.get_rng_state()
    first, second = (torch.rand(3, generator=found.generator()) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())
