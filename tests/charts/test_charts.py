"""Charts draw what they are given; what is stored is rounded, offline, and drawable by Vega-Lite 5 and 6."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import altair as alt
import pandas as pd
import pytest
import torch
import vl_convert
from IPython.core.formatters import DisplayFormatter

from mindgap import charts, geometry
from mindgap.charts.theme import CONFIG, MIME, rounded, stored
from mindgap.landscape import loss_landscape


@pytest.fixture(scope="module")
def cloud() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 8, generator=generator, dtype=torch.float64) + 1
    return x, x + torch.randn(30, 8, generator=generator, dtype=torch.float64) - 2


def explorer(cloud: tuple[torch.Tensor, torch.Tensor], **options: Any) -> alt.ConcatChart:
    shifts = torch.arange(-4, 9, dtype=torch.float64) / 4
    return charts.shift_explorer(geometry.shift_path(*cloud), loss_landscape(*cloud, shifts, [0.01, 1]), **options)


def test_a_coordinate_that_is_zero_but_for_rounding_is_written_as_zero(
    cloud: tuple[torch.Tensor, torch.Tensor],
) -> None:
    path = geometry.shift_path(*cloud)
    texts = []
    for noise in (-5.2e-18, 9.4e-17):
        gap = torch.tensor([float(path.gap[0]), noise], dtype=torch.float64)
        landscape = loss_landscape(*cloud, torch.linspace(-1, 1, 5, dtype=torch.float64), [0.01, 1])
        texts.append(charts.shift_explorer(dataclasses.replace(path, gap=gap), landscape).to_json())
    assert texts[0] == texts[1]
    assert "shift*0)/datum.r" in texts[0]


def gap_points() -> pd.DataFrame:
    row = {"x": 0.4, "y": 0.1, "x2": -0.4, "y2": 0.2}
    return pd.DataFrame([{**row, "set": s, "projection": p} for s in ("a", "b") for p in ("PCA", "UMAP")])


def curve_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    where = {"set": "a", "batch": "all", "tau": "1/100"}
    curve = [
        {**where, "shift": s / 2, "distance": 1 - s / 2, "image_to_text": s * s / 4, "text_to_image": s / 2}
        for s in range(5)
    ]
    mark = {**where, "direction": "both", "kind": "barrier", "distance": 0.5, "loss": 0.25}
    return pd.DataFrame(curve), pd.DataFrame([mark])


def every_chart(cloud: tuple[torch.Tensor, torch.Tensor]) -> dict[str, Any]:
    table = pd.DataFrame({"set": ["a", "b"], "weights": ["trained", "random"], "gap": [0.8, 1.1]})
    return {
        "shift_explorer": explorer(cloud),
        "gap_map": charts.gap_map(gap_points()),
        "gap_panels": charts.gap_panels(gap_points().query("projection == 'PCA'")),
        "measure_dots": charts.measure_dots(table, {"gap": "gap distance"}),
        "landscape_curves": charts.landscape_curves(*curve_tables()),
    }


NAMES = ["shift_explorer", "gap_map", "gap_panels", "measure_dots", "landscape_curves"]


@pytest.mark.parametrize("version", ["5.20", "6.4"])
@pytest.mark.parametrize("name", NAMES)
def test_both_vega_lite_versions_that_readers_have_draw_the_stored_chart(
    cloud: tuple, name: str, version: str, capfd: pytest.CaptureFixture
) -> None:
    spec = stored(every_chart(cloud)[name].to_dict())
    svg = vl_convert.vegalite_to_svg(spec, vl_version=version)
    assert svg.count("<path") > 3
    assert "WARN" not in capfd.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_chart_has_words_and_no_address_but_its_schema(cloud: tuple, name: str) -> None:
    spec = stored(every_chart(cloud)[name].to_dict())
    assert len(spec["description"]) > 30
    assert json.dumps(spec).count("http") == 1  # $schema
    assert all(dataset.startswith("data-") for dataset in spec["datasets"])


def test_a_stored_chart_is_the_same_every_time(cloud: tuple) -> None:
    first, second = (json.dumps(stored(explorer(cloud).to_dict())) for _ in range(2))
    assert first == second


def test_data_is_kept_to_four_significant_digits() -> None:
    assert rounded({"a": [1 / 3, 12345.678, -1e-9], "b": 7, "c": True, "d": "x"}) == {
        "a": [0.3333, 12350.0, -1e-9],
        "b": 7,
        "c": True,
        "d": "x",
    }
    assert rounded(float("nan")) is None
    assert str(rounded(-0.0)) == "0.0"


def test_the_page_formula_moves_points_as_shift_does(cloud: tuple) -> None:
    """The expressions in the chart, evaluated by Vega itself, against `geometry.shift` and the shared projection."""
    path = geometry.shift_path(*cloud)
    for amount in (-0.5, 0.25, 1.0):
        basis = geometry.shared_projection(cloud[0], cloud[1], gap_first=True).basis
        x, y = (points @ basis.T for points in geometry.shift(cloud[0], cloud[1], amount))
        formula_x, formula_y = path.at(amount)
        assert torch.allclose(x, formula_x, atol=1e-12)
        assert torch.allclose(y, formula_y, atol=1e-12)
        spec = explorer(cloud).to_dict()
        for param in spec["params"]:
            if param["name"] == "shift":
                param["value"] = amount
        scene = vl_convert.vegalite_to_scenegraph(spec)
        drawn = _symbols(scene)
        expected = sorted((190 * (1 + p[0].item()), 323 * (0.85 - p[1].item()) / 1.7) for p in torch.cat([x, y]))
        inside = [p for p in expected if -1 < p[0] < 381 and -1 < p[1] < 324]
        found = sorted(drawn)
        for point in inside:
            assert any(abs(point[0] - q[0]) < 0.5 and abs(point[1] - q[1]) < 0.5 for q in found)


def _symbols(node: Any) -> list[tuple[float, float]]:
    if isinstance(node, list):
        return [point for item in node for point in _symbols(item)]
    if not isinstance(node, dict):
        return []
    here = []
    if node.get("marktype") == "symbol":
        here = [(item.get("x", 0.0), item.get("y", 0.0)) for item in node.get("items", [])]
    return here + [point for value in node.values() for point in _symbols(value)]


def test_controls_named_get_inputs_and_the_others_do_not(cloud: tuple) -> None:
    def bound(chart: alt.ConcatChart) -> set[str]:
        return {param["name"] for param in chart.to_dict()["params"] if "bind" in param}

    assert bound(explorer(cloud)) == {"shift", "temperature"}
    assert bound(explorer(cloud, controls=())) == set()
    assert bound(explorer(cloud, controls=("shift", "temperature", "direction"))) == {
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


def test_enable_shows_charts_as_vega_lite_5_with_a_description(cloud: tuple) -> None:
    renderer, theme = alt.renderers.active, alt.theme.active
    try:
        charts.enable()
        data, _ = DisplayFormatter().format(
            charts.measure_dots(pd.DataFrame({"set": ["a"], "weights": ["trained"], "g": [1.0]}), {"g": "g"})
        )
        assert set(data) >= {MIME, "text/plain"}
        assert data[MIME]["config"]["range"]["category"] == CONFIG["range"]["category"]
        assert "v5" in data[MIME]["$schema"]
    finally:
        alt.renderers.enable(renderer)
        alt.theme.enable(theme)
