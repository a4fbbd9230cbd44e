"""One look, from one file; what is stored is rounded, offline, and drawable by Vega-Lite 5 and 6."""

from __future__ import annotations

import json
import re

import altair as alt
import nbformat
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from book import plain
from mindgap import charts, running
from mindgap._files import rounded
from mindgap.charts import theme
from mindgap.charts.theme import CONFIG, MIME


def test_data_is_kept_to_four_significant_digits() -> None:
    assert rounded({"a": [1 / 3, 12345.678, -1e-9], "b": 7, "c": True, "d": "x"}) == {
        "a": [0.3333, 12350.0, -1e-9],
        "b": 7,
        "c": True,
        "d": "x",
    }
    assert rounded(float("nan")) is None
    assert theme.stored({"encoding": {"x": {"scale": {"domain": [0, 2 / 3]}}}})["encoding"]["x"]["scale"] == {
        "domain": [0, 0.6667]
    }
    assert str(rounded(-0.0)) == "0.0"


def test_enable_shows_charts_as_vega_lite_5_with_a_description() -> None:
    renderer, theme = alt.renderers.active, alt.theme.active
    try:
        charts.enable()
        data, _ = DisplayFormatter().format(
            charts.gap_panels(pd.DataFrame({"set": ["a"], "x": [0.4], "y": [0.1], "x2": [-0.4], "y2": [0.2]}))
        )
        assert set(data) >= {MIME, "text/plain"}
        assert data[MIME]["config"]["range"]["category"] == CONFIG["range"]["category"]
        assert "v5" in data[MIME]["$schema"]
    finally:
        alt.renderers.enable(renderer)
        alt.theme.enable(theme)


def test_views_are_called_by_their_order() -> None:
    spec = {"layer": [{"name": "view_99abc_1"}, {"name": "view_7"}], "params": [{"name": "p", "views": ["view_7"]}]}
    stored = theme.stored({**spec, "datasets": {"d": [{"name": "view_of_the_sea"}]}})
    assert stored["layer"] == [{"name": "view_0"}, {"name": "view_1"}]
    assert stored["params"] == [{"name": "p", "views": ["view_1"]}]
    assert stored["datasets"] == {"data-1": [{"name": "view_of_the_sea"}]}


def test_in_an_open_notebook_a_chart_comes_with_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which the plain notebooks have already, byte for byte: to save one after running it changes nothing."""
    spec = alt.Chart(pd.DataFrame({"x": [1, 2]})).mark_point().encode(x="x").to_dict()
    monkeypatch.delenv(running.OPEN, raising=False)
    assert "image/png" not in theme._render(spec)
    monkeypatch.setenv(running.OPEN, "chapter.ipynb")
    drawn = theme._render(spec)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("chart", outputs=[
        nbformat.v4.new_output("display_data", {MIME: theme.stored(spec)})
    ])], metadata={"kernelspec": {"name": "python3", "display_name": ""}})  # fmt: skip
    written = json.loads(plain.as_lab_writes(notebook))["cells"][0]["outputs"][0]["data"]
    assert written["image/png"].strip() == drawn["image/png"]
    assert written[MIME]["$schema"] == drawn[MIME]["$schema"] == theme.ANY_MINOR_VERSION


def test_every_colour_of_the_theme_is_one() -> None:
    light, dark = theme.THEME["temperature"]["light"], theme.THEME["temperature"]["dark"]
    assert len(light) == len(dark)
    inks = [colour for ink in theme.THEME["ink"].values() for colour in ink.values()]
    for colour in [*theme.THEME["colours"].values(), *theme.THEME["hues"].values(), *light, *dark, *inks]:
        assert re.fullmatch(r"#[0-9a-f]{6}", colour)


def test_a_dark_picture_is_turned_light_and_a_light_one_stays_as_it_is() -> None:
    """Paper takes both through the same map from dark colours to light ones."""
    dark = {*theme.THEME["dark"].values(), *theme.THEME["ink"]["dark"].values()}
    assert not dark & {*theme.THEME["dark"], *theme.THEME["ink"]["light"].values()}


def test_kinds_are_told_apart() -> None:
    assert len(set(theme.KIND_COLOURS)) == len(theme.KIND_COLOURS) == 5
    assert not {theme.IMAGE, theme.TEXT} & set(theme.KIND_COLOURS)
