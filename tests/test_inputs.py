"""What numbers, labels and temperatures may look like, and the one error for what they may not."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from mindgap import _inputs, geometry
from mindgap.landscape import best_shift, contrastive_loss, loss_landscape
from mindgap.sphere import arc_loss, best_angle


@pytest.mark.parametrize("value", [
    3, 3.0, np.int64(3), np.uint8(3), np.float32(3), np.float64(3), np.array(3), np.array(3.0), Fraction(3),
    torch.tensor(3), torch.tensor(3.0), torch.tensor([3.0]), torch.tensor(3.0, requires_grad=True),
])  # fmt: skip
def test_a_number_of_any_kind(value: Any) -> None:
    assert _inputs.number(value, "n") == 3.0
    assert type(_inputs.number(value, "n")) is float
    assert _inputs.count(value, "n", 3, 3) == 3
    assert type(_inputs.count(value, "n")) is int


@pytest.mark.parametrize(("value", "error", "message"), [
    (None, TypeError, "n: expected a number, got None"),
    ("many", TypeError, "n: expected a number, got 'many'"),
    (1j, TypeError, "n: expected a number"),
    ([3], TypeError, "n: expected a number"),
    (np.ones(2), TypeError, "n: expected a number"),
    (torch.ones(2), TypeError, "n: expected a number"),
    (torch.ones((), dtype=torch.complex64) * 1j, TypeError, "n: expected a number"),
    (math.nan, ValueError, "n: expected a finite number, got nan"),
    (-math.inf, ValueError, "n: expected a finite number, got -inf"),
    (10**400, ValueError, "n: expected a number that a float holds"),
    (2.5, ValueError, "n: expected a whole number at least 1, got 2.5"),
    (0, ValueError, "n: expected a whole number at least 1, got 0"),
])  # fmt: skip
def test_what_is_no_number_is_named(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        _inputs.count(value, "n")


class TestTemperatures:
    """τ, not 1/τ."""

    def calls(self, value: float) -> None:
        x = torch.eye(4) + 0.1
        for call in (
            lambda: contrastive_loss(x, x, value),
            lambda: contrastive_loss(x, x, torch.tensor(value)),
            lambda: loss_landscape(x, x.flip(0), [0.0], [0.1, value]),
            lambda: best_shift(x, x.flip(0), value, [0.0, 1.0], tolerance=0.6),
            lambda: arc_loss(10.0, value),
            lambda: best_angle(value),
        ):
            with pytest.warns(
                UserWarning, match=f"temperatures?: .* divided by {value:g}.*did you mean 1/{value:g}\\?"
            ):
                call()

    @pytest.mark.parametrize("value", [100.0, 1 / 0.07, 10.5])
    def test_one_that_looks_like_an_inverse_is_asked_about(self, value: float) -> None:
        self.calls(value)

    def test_from_ten_down_there_is_no_question(self) -> None:
        for value in (10.0, 1.0, 1e-3):
            assert _inputs.temperature(value) == value
            assert _inputs.temperatures([value, 0.5]).tolist() == [value, 0.5]

    @pytest.mark.parametrize("value", [0.0, -1.0, 1e-31, 1e-310])
    def test_none_is_below_what_float32_can_divide_by(self, value: float) -> None:
        with pytest.raises(ValueError, match=r"^temperature: expected .* above 0"):
            _inputs.temperature(value)
        with pytest.raises(ValueError, match=r"^temperatures: expected numbers above 0"):
            _inputs.temperatures([0.1, value])


class TestLabels:
    @pytest.mark.parametrize("values", [
        [7, 7, 3, 7], ["b", "b", "a", "b"], np.array([7, 7, 3, 7]), torch.tensor([7, 7, 3, 7]),
        ((1, 2), (1, 2), 0, (1, 2)), pd.Series(["b", "b", "a", "b"]), (label for label in (1, 1, 2, 1)),
        [True, True, False, True], list(torch.tensor([7, 7, 3, 7])), [torch.tensor(7), 7, torch.tensor(3.5), 7.0],
    ])  # fmt: skip
    def test_of_any_kind(self, values: Any) -> None:
        assert _inputs.labels(values, "groups", 4).tolist() == [0, 0, 1, 0]

    @pytest.mark.parametrize(("values", "message"), [
        ([1, 2, 3], "expected 4 labels, one for each row, got 3"),
        ("abcd", "expected 4 labels, one for each row, got 'abcd'"),
        (7, "expected 4 labels, one for each row, got 7"),
        (torch.tensor(7), "expected 4 labels"),
        ([1, None, 2, 3], "expected a label for each row, got None for row 1"),
        (np.array([1, 2, np.nan, 3]), "expected a label for each row, got nan for row 2"),
        ([1, 2, pd.NA, 3], "expected a label for each row, got <NA> for row 2"),
        (list(torch.ones(4, 1)), "expected one label for each row, got Tensor for row 0"),
        (np.ones((4, 1)), "expected one label for each row, got list for row 0"),
        ([{}, 1, 2, 3], "expected one label for each row, got dict for row 0"),
    ])  # fmt: skip
    def test_what_is_none_is_named(self, values: Any, message: str) -> None:
        with pytest.raises((ValueError, TypeError), match=f"^groups: {message}"):
            _inputs.labels(values, "groups", 4)


class TestSingle:
    """float64 rows as float32 rows of the same directions."""

    def test_rows_that_float32_cannot_hold_are_scaled(self) -> None:
        x = torch.randn(4, 5, dtype=torch.float64)
        far = x * torch.tensor([[1e300], [1.0], [1e-300], [1e39]], dtype=torch.float64)
        single = _inputs.single(far)
        assert single.dtype == torch.float32
        torch.testing.assert_close(geometry.normalize(single), geometry.normalize(x).float())

    @pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
    def test_all_others_stay_as_they_are(self, scale: float) -> None:
        x = torch.randn(4, 5, dtype=torch.float64) * scale
        assert torch.equal(_inputs.single(x), x.float())
        assert torch.equal(_inputs.single(x.float()), x.float())

    def test_of_checked_rows_only_those_that_are_bad_are_refused(self) -> None:
        far = torch.tensor([[1e300, 1.0], [0.0, 1e-320]], dtype=torch.float64)
        assert _inputs.single(_inputs.rows(far, "x.npy")).tolist() == [[1.0, 0.0], [0.0, 1.0]]
