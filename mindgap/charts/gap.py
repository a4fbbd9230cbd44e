"""Charts of a gap: two clouds and their measures (chapter 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import pair_layers, radio
from mindgap.charts.theme import ACCENT, NEUTRAL


def gap_map(points: pd.DataFrame, links: bool = True) -> alt.LayerChart:
    """Pairs of several embedding sets, one set shown at a time, in one of several projections.

    `points` has a row a pair: `set`, `projection`, `x`, `y` (first modality), `x2`, `y2` (second modality). The set
    and the projection are chosen from menus in the page, the pair lines by a tick box.
    """
    sets = list(dict.fromkeys(points["set"]))
    projections = list(dict.fromkeys(points["projection"]))
    chosen = alt.param("set", value=sets[0], bind=alt.binding_select(options=sets, name="embeddings "))
    lines = alt.param("lines", value=links, bind=alt.binding_checkbox(name="pair lines "))
    base = alt.Chart(points).transform_filter("datum.set == set && datum.projection == projection")
    opacity = alt.value(alt.ExprRef("lines ? 0.22 : 0"))
    chart: alt.LayerChart = (
        alt.layer(*pair_layers(base, opacity))
        .add_params(chosen, radio("projection", projections, "axes"), lines)
        .properties(
            name="equal_axes",
            width=600,
            height=510,
            description="Scatter plot of matched pairs, first modality blue and second orange, joined by grey lines. "
            f"Menus choose one of {len(sets)} embedding sets and the projection.",
        )
    )
    return chart


def measure_dots(table: pd.DataFrame, columns: Mapping[str, str]) -> alt.ConcatChart:
    """A row of dot plots, one a measure, with the embedding sets as shared rows.

    `table` has the columns `set`, `weights` ("trained" or "random") and one column a measure; `columns` maps those to
    axis titles.
    """
    order = list(table["set"])
    axis = alt.Axis(ticks=False, domain=False, labelLimit=150, labelPadding=9)
    colour = alt.Color(
        "weights:N",
        title=None,
        legend=alt.Legend(symbolOpacity=1),
        scale=alt.Scale(domain=["trained", "random"], range=[ACCENT, NEUTRAL]),
    )
    base = alt.Chart(table).encode(alt.Y("set:N", sort=order, title=None, axis=axis), colour)
    panels: list[Any] = []
    for column, title in columns.items():
        x = alt.X(f"{column}:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
        stem = base.mark_rule(opacity=0.35).encode(x, x2=alt.datum(0))
        panels.append((stem + base.mark_circle(size=90, opacity=1).encode(x)).properties(width=220, height=190))
    chart: alt.ConcatChart = alt.concat(*panels, columns=2).properties(
        description=f"Dot plots of {', '.join(columns.values())} for {', '.join(order)}."
    )
    return chart


def gap_panels(points: pd.DataFrame, links: bool = True) -> alt.ConcatChart:
    """Pairs of a few embedding sets beside each other, on the same scale.

    `points` has a row a pair: `set`, `x`, `y` (first modality), `x2`, `y2` (second modality).
    """
    panels: list[Any] = []
    for name, part in points.groupby("set", sort=False):
        layers = pair_layers(alt.Chart(part), alt.value(0.22 if links else 0.0))
        panels.append(
            alt.layer(*layers).properties(name=f"equal_{len(panels)}", title=str(name), width=330, height=280)
        )
    names = ", ".join(dict.fromkeys(map(str, points["set"])))
    chart: alt.ConcatChart = alt.concat(*panels, columns=2).properties(
        description=f"Scatter plots of matched pairs of {names}."
    )
    return chart
