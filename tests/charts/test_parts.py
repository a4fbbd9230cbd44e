"""Inputs in the page and captions, as every chart uses them."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import pytest

from mindgap.charts._parts import caption, radios, slider
from tests.tiny import texts


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
