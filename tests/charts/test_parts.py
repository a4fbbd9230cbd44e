"""Inputs in the page and captions, as every chart uses them."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import pytest

from mindgap.charts._parts import (
    caption,
    emphasis,
    fixed,
    marking,
    pair_layers,
    radios,
    reach,
    slider,
    superscript,
)
from tests.tiny import symbols, texts, with_params


def described(param: Any) -> dict[str, Any]:
    """A parameter as it stands in the specification of a chart."""
    return param.param.to_dict()


def test_choices_become_names_that_vega_takes() -> None:
    params, chosen = radios({"input norm": ["1", "2"], "h": ["x"]}, {"h": "stage"}, {"input norm": "2"})
    first, second = (described(param) for param in params)
    assert (first["name"], first["value"], first["bind"]["options"]) == ("input_norm_", "2", ["1", "2"])
    assert "bind" not in second, "a choice of one is none"
    assert chosen == "datum['input norm'] == input_norm_ && datum['h'] == h_"


@pytest.mark.parametrize("bound", [True, False])
def test_a_slider_is_a_number_with_an_input_or_without(bound: bool) -> None:
    found = described(slider("shift", 0.5, -1, 2, 0.25, "shift λ", bound))
    assert found.pop("bind", None) == (
        {"input": "range", "min": -1, "max": 2, "step": 0.25, "name": "shift λ "} if bound else None
    )
    assert found == {"name": "shift", "value": 0.5}


def test_a_caption_is_written_once_or_for_each_row() -> None:
    once = caption("'a' + 1", alt.value(0), alt.value(0), color="red")
    assert texts(once) == ["a1"]
    rows = alt.Chart(pd.DataFrame({"name": ["b", "c"]}))
    assert texts(caption("datum.name + 2", alt.value(0), alt.value(0), rows)) == ["b2", "c2"]
    assert once.to_dict()["mark"] == {"type": "text", "fontWeight": "bold", "color": "red"}


@pytest.mark.parametrize(("values", "expected"), [
    ([1.8, 5.8], (1.5, 6.1)),
    ([0.01, 1.0], (0.0, 1.06)),
    ([-1.0, 1.0], (-1.2, 1.2)),
    ([3.0, 3.0], (2.8, 3.2)),
    ([0.0, float("nan"), 10.0], (0.0, 10.6)),
])  # fmt: skip
def test_an_axis_that_stands_still_has_round_ends_and_air(values: list[float], expected: tuple[float, float]) -> None:
    low, high = fixed(values)
    assert (low, high) == pytest.approx(expected, abs=0.21)
    assert low <= min(value for value in values if value == value)
    assert high > max(value for value in values if value == value)
    assert len(f"{low:g}") <= 5
    assert len(f"{high:g}") <= 5


@pytest.mark.parametrize(
    ("values", "expected"), [([0.2], 0.85), ([-0.86], 0.9), ([0.95], 1.0), ([1.0], 1.0), ([], 0.85)]
)
def test_a_square_frame_cuts_no_point(values: list[float], expected: float) -> None:
    assert reach(values) == pytest.approx(expected)


def test_exponents_are_raised() -> None:
    assert texts(caption(f"'2' + {superscript('-308')}", alt.value(0), alt.value(0))) == ["2⁻³⁰⁸"]
    assert texts(caption(f"'10' + {superscript('1234567890')}", alt.value(0), alt.value(0))) == ["10¹²³⁴⁵⁶⁷⁸⁹⁰"]


def test_a_curve_stands_out_by_pointer_or_legend() -> None:
    params, strong = emphasis("kind")
    over, chosen = (described(param) for param in params)
    assert over["select"]["fields"] == chosen["select"]["fields"] == ["kind"]
    assert chosen["bind"] == "legend"
    assert over["name"] in strong
    assert chosen["name"] in strong


def test_the_marked_pair_is_drawn_once_more() -> None:
    rows = pd.DataFrame([{"pair": i, "x": 0.1 * i, "y": 0.0, "x2": -0.1 * i, "y2": 0.0} for i in range(4)])
    layers = pair_layers(alt.Chart(rows), alt.value(0.5), marked=True)
    chart = alt.layer(*layers).add_params(*marking(4))
    assert len(symbols(with_params(chart))) == 8
    assert len(symbols(with_params(chart, marked=2))) == 10
