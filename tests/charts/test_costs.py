"""Charts of costs: axes on which powers are straight, a bound in grey, marks that say how they were measured."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mindgap import charts
from mindgap.charts.theme import NEUTRAL
from tests.tiny import VEGA_LITE, assert_drawable, marks, symbols, with_params

WAYS = {"ours": 1e-8, "loop": 1e-6}


def table() -> pd.DataFrame:
    rows = [
        {"way": way, "size": size, "cost": each * size**power, "said": "all timed", "growing": growing}
        for growing, power in {"pairs": 2, "shifts": 1}.items()
        for way, each in {**WAYS, "bound": 4e-9}.items()
        for size in (100, 1000, 20_000)
    ]
    return pd.DataFrame(rows)


def costs() -> Any:
    return charts.cost_curves(table(), ("pairs", "seconds"), bound="bound", menu="growing")


@pytest.mark.parametrize("version", VEGA_LITE)
def test_it_draws(version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(costs(), version, capfd)


def test_marks_are_those_of_the_ways_and_none_of_the_bound() -> None:
    legend = len(WAYS) + 1
    assert len(symbols(costs().to_dict())) == 3 * len(WAYS) + legend


def test_the_bound_is_grey() -> None:
    scale = costs().to_dict()["layer"][0]["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True))["bound"] == NEUTRAL


def test_a_straight_line_is_a_power() -> None:
    items = marks(costs().to_dict(), "line")
    assert len(items) == 3 * (len(WAYS) + 1)
    for start in range(0, len(items), 3):
        (x0, y0), (x1, y1), (x2, y2) = ((item.get("x", 0), item["y"]) for item in items[start : start + 3])
        assert (y1 - y0) / (x1 - x0) == pytest.approx((y2 - y1) / (x2 - x1), rel=1e-6)


def test_without_a_menu_there_is_none_and_without_a_bound_nothing_is_grey() -> None:
    chart = charts.cost_curves(table().query("growing == 'pairs'"), ("pairs", "seconds")).to_dict()
    assert not any("bind" in param and param["name"] == "menu_" for param in chart["params"])
    assert NEUTRAL not in chart["layer"][0]["encoding"]["color"]["scale"]["range"]


def test_names_may_have_any_letters() -> None:
    odd = table().replace({"way": {"bound": "the cache's \\ bound"}}).rename(columns={"growing": "what's [growing]"})
    chart = charts.cost_curves(odd, ("a pair's", "it's \\ long"), bound="the cache's \\ bound", menu="what's [growing]")
    assert len(symbols(chart.to_dict())) == len(symbols(costs().to_dict()))


def test_the_menu_chooses_what_is_drawn() -> None:
    one, other = (symbols(with_params(costs(), menu_=value)) for value in ("pairs", "shifts"))
    assert len(one) == len(other)
    assert one != other
