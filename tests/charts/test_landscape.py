"""Charts of the loss over the shift: the page's formula moves points as `geometry.shift` does."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd
import pytest
import torch

from mindgap import charts, geometry
from mindgap.charts.theme import stored
from mindgap.landscape import loss_landscape
from tests.tiny import VEGA_LITE, assert_drawable, hints, symbols, texts, with_params

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(30, 8, generator=GENERATOR, dtype=torch.float64) + 1
Y = X + torch.randn(30, 8, generator=GENERATOR, dtype=torch.float64) - 2


def explorer(**options: Any) -> alt.ConcatChart:
    shifts = torch.arange(-4, 9, dtype=torch.float64) / 4
    return charts.shift_explorer(geometry.shift_path(X, Y), loss_landscape(X, Y, shifts, [0.01, 1]), **options)


def curve_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    where = {"set": "a", "batch": "all", "tau": "1/100"}
    curve = [
        {**where, "shift": s / 2, "distance": 1 - s / 2, "image_to_text": s * s / 4, "text_to_image": s / 2}
        for s in range(5)
    ]
    mark = {**where, "direction": "both", "kind": "barrier", "distance": 0.5, "loss": 0.25, "below": 0.0}
    return pd.DataFrame(curve), pd.DataFrame([mark])


def directions() -> alt.ConcatChart:
    curve = pd.DataFrame(
        {"direction": name, "distance": 1 - s / 5, "loss": 0.5 + height + (s / 5) ** 2}
        for name, height in (("both", 0.0), ("one way", -0.05))
        for s in range(11)
    )
    return charts.direction_curves(curve, curve.loc[curve.groupby("direction")["loss"].idxmin()], valley=(0.6, 1))


CHARTS: dict[str, Callable[[], Any]] = {
    "direction_curves": directions,
    "shift_explorer": explorer,
    "landscape_curves": lambda: charts.landscape_curves(*curve_tables()),
    "far_shifts": lambda: charts.far_shifts(
        pd.DataFrame({"shift": [0, 1, 50], "loss": [1, 3, 2], "recall": [0.5, 0.2, 0.5], "spread": [0.1, 0.2, 0]}), 2.5
    ),
}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


def test_a_stored_chart_is_the_same_every_time() -> None:
    first, second = (json.dumps(stored(explorer().to_dict())) for _ in range(2))
    assert first == second


def test_a_coordinate_that_is_zero_but_for_rounding_is_written_as_zero() -> None:
    path = geometry.shift_path(X, Y)
    landscape = loss_landscape(X, Y, torch.linspace(-1, 1, 5, dtype=torch.float64), [0.01, 1])
    texts = []
    for noise in (-5.2e-18, 9.4e-17):
        gap = torch.tensor([float(path.gap[0]), noise], dtype=torch.float64)
        texts.append(charts.shift_explorer(dataclasses.replace(path, gap=gap), landscape).to_json())
    assert texts[0] == texts[1]
    assert "shift*0)/datum.r" in texts[0]


@pytest.mark.parametrize("amount", [-0.5, 0.25, 1.0])
def test_the_page_formula_moves_points_as_shift_does(amount: float) -> None:
    """The expressions in the chart, evaluated by Vega itself, against `geometry.shift` and the shared projection."""
    basis = geometry.shared_projection(X, Y, gap_first=True).basis
    x, y = (points @ basis.T for points in geometry.shift(X, Y, amount))
    formula_x, formula_y = geometry.shift_path(X, Y).at(amount)
    assert torch.allclose(x, formula_x, atol=1e-12)
    assert torch.allclose(y, formula_y, atol=1e-12)
    drawn = symbols(with_params(explorer(), shift=amount))
    view = explorer().to_dict()["concat"][0]
    across, height = view["layer"][0]["encoding"]["y"]["scale"]["domain"][1], view["height"]
    expected = [(190 * (1 + float(u)), height * (across - float(v)) / (2 * across)) for u, v in torch.cat([x, y])]
    assert len(expected) > 10
    for u, v in expected:
        assert -1 < u < 381
        assert -1 < v < height + 1
        assert any(abs(u - drawn_u) < 0.5 and abs(v - drawn_v) < 0.5 for drawn_u, drawn_v in drawn)


def test_controls_named_get_inputs_and_the_others_do_not() -> None:
    def bound(chart: alt.ConcatChart) -> set[str]:
        return {param["name"] for param in chart.to_dict()["params"] if "bind" in param}

    assert bound(explorer()) == {"shift", "temperature"}
    assert bound(explorer(controls=())) == set()
    assert bound(explorer(controls=("shift", "temperature", "direction"))) == {
        "shift",
        "temperature",
        "direction",
    }


def test_temperatures_are_labelled_as_people_write_them() -> None:
    assert [charts.temperature_label(t) for t in (1 / 1000, 1 / 100, 1 / 30, 0.07, 1, 10)] == [
        "1/1000",
        "1/100",
        "1/30",
        "1/14.3",
        "1",
        "10",
    ]


def test_the_valley_is_drawn_on_an_axis_of_its_own() -> None:
    whole, valley = directions().to_dict()["concat"]
    domains = [
        [view["layer"][0]["encoding"][axis]["scale"]["domain"] for axis in ("x", "y")] for view in (whole, valley)
    ]
    assert domains[0] == [[-1, 1], [0, 4.8]]
    assert domains[1][0] == [0.6, 1]
    assert 0.4 < domains[1][1][0] < 0.45 < 0.66 < domains[1][1][1] < 0.75
    assert {"both", "one way", "the whole curves", "the valley, large"} <= set(texts(directions()))


class TestAxes:
    """One axis holds for whatever the menus choose, so that shallow looks shallow; a menu fits it to the curve."""

    def tables(self, heights: dict[str, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
        curve, mark = curve_tables()
        curves = pd.concat(
            curve.assign(set=name, image_to_text=1 + h * curve["shift"], text_to_image=1 + h * curve["shift"])
            for name, h in heights.items()
        )
        return curves, mark

    def params(self, heights: dict[str, float]) -> dict[str, Any]:
        spec = charts.landscape_curves(*self.tables(heights)).to_dict()
        return {param["name"]: param["value"] for param in spec["params"]}

    def test_one_axis_holds_all_curves_and_begins_at_zero(self) -> None:
        low, high = self.params({"low": 0.01, "high": 4})["common"]
        assert low == 0
        assert 9 < high < 10

    def test_an_axis_of_its_own_is_filled_by_the_curve(self) -> None:
        ranges = self.params({"low": 0.01, "high": 4})["ranges"]["1/100"]
        assert 0.99 < ranges["low, all"][0] < 1 < ranges["low, all"][1] < 1.03
        assert ranges["high, all"][1] > 9

    def test_the_first_set_stays_in_grey_where_the_axis_is_its_own(self) -> None:
        chart = charts.landscape_curves(*self.tables({"one": 0.01, "two": 4}))
        assert "grey: one" in texts(chart, set="two")
        assert "grey: one" not in texts(chart)
        assert "grey: one" not in texts(chart, set="two", axis="fitted to the curve")

    def test_the_distance_falls_from_left_to_right(self) -> None:
        drawn = [(round(u), round(v)) for u, v in symbols(charts.landscape_curves(*curve_tables()).to_dict())]
        assert any(u == 600 * (2 - 0.5) / 4 for u, _ in drawn)


def test_landmarks_are_named_above_the_frame() -> None:
    said = texts(charts.landscape_curves(*curve_tables()))
    assert "barrier: 0.25 at 0.50" in said
    curve, mark = curve_tables()
    least = mark.assign(kind="global minimum", below=0.003)
    assert "least: 0.25 at 0.50, saves 0.003" in texts(charts.landscape_curves(curve, least))


def test_one_loss_axis_for_all_temperatures_begins_at_zero() -> None:
    spec = explorer(from_zero=True).to_dict()
    ranges = next(param["value"] for param in spec["params"] if param["name"] == "ranges")
    ends = {tuple(ends) for ends in ranges.values()}
    assert len(ends) == 1
    assert ends.pop()[0] == 0


def test_a_pair_says_its_cosine_at_the_slider() -> None:
    """The page's formula, as Vega evaluates it, against the shifted vectors themselves."""
    x, y = geometry.shift(X, Y, 0.5)
    expected = [f"{float(cosine):.2f}" for cosine in (x * y).sum(dim=1)]
    start = (geometry.normalize(X) * geometry.normalize(Y)).sum(dim=1).tolist()
    spec = with_params(explorer(cosines=start), shift=0.5)
    said = [text for text in hints(spec, "cosine of the pair") if text in expected]
    assert said[:30] == expected
    assert said[30:] == expected
