"""Charts of a gap: two clouds and their measures (chapter 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import (
    ALONG_AND_ACROSS,
    caption,
    hint,
    marking,
    names_above,
    pair_layers,
    radio,
    reach,
    runtime,
)
from mindgap.charts.theme import ACCENT, NEUTRAL

AXES = {
    "along the gap": ALONG_AND_ACROSS,
    "PCA": ("first principal axis", "second principal axis"),
    "UMAP": ("first axis of UMAP", "second axis of UMAP"),
}
"""What the axes of known projections are called; those of others are the first and second axis of the name."""


def gap_map(
    points: pd.DataFrame,
    links: bool = True,
    modalities: Mapping[str, tuple[str, str]] | None = None,
    drawn: Mapping[str, pd.DataFrame] | None = None,
) -> alt.LayerChart:
    """Pairs of several embedding sets, one set shown at a time, in one of several projections.

    `points` has a row a pair: `set`, `projection`, `x`, `y` (first modality), `x2`, `y2` (second modality), and may
    have `cosine`, that of the pair. The set and the projection are chosen from menus in the page, the pair lines by a
    tick box, and one pair by a slider or the pointer. `modalities` says what a set pairs, images and texts if nothing
    else is said; `drawn` maps sets of drawn scenes to their `picture` (an address) and `caption`, a row a pair.
    """
    sets = list(dict.fromkeys(points["set"]))
    projections = list(dict.fromkeys(points["projection"]))
    titles = {name: AXES.get(name, (f"first axis of {name}", f"second axis of {name}")) for name in projections}
    names = {
        name: [f"{kind.rstrip('s')}s" for kind in (modalities or {}).get(name, ("image", "text"))] for name in sets
    }
    pair = points.groupby(["set", "projection"], sort=False).cumcount()
    points = points.assign(pair=pair)
    scenes = {name: part[["picture", "caption"]].to_dict("records") for name, part in (drawn or {}).items()}
    scene = "(drawn_scenes[datum.set] ? drawn_scenes[datum.set][datum.pair] : null)" if scenes else ""
    most = points.groupby("set", sort=False).size().max() // max(1, len(projections))

    said = ""
    if scenes:
        chosen = "drawn_scenes[set]"
        said = f" + ({chosen} && {chosen}[marked] ? ', ' + {chosen}[marked].caption : '')"
    params = [
        alt.param("set", value=sets[0], bind=alt.binding_select(options=sets, name="embeddings ")),
        radio("projection", projections, "axes"),
        alt.param("lines", value=links, bind=alt.binding_checkbox(name="pair lines ")),
        *marking(int(most), said),
        alt.param("axis_titles", value={name: list(both) for name, both in titles.items()}),
        alt.param("modality_names", value=names),
    ]
    if scenes:
        params.append(alt.param("drawn_scenes", value=scenes))

    base = alt.Chart(points).transform_filter("datum.set == set").transform_filter("datum.projection == projection")
    lines = {"cosine of the pair": "format(datum.cosine, '.2f')"} if "cosine" in points else {}
    across = reach(pd.concat([points["y"], points["y2"]]))
    layers = pair_layers(
        base,
        alt.value(alt.ExprRef("lines ? 0.45 : 0")),
        (None, None),
        across,
        hint(lines, "datum.set + ', pair ' + datum.pair", scene),
        marked=True,
    )
    # An axis has one title for ever, these follow the projection.
    middle: dict[str, Any] = {"fontSize": 13, "fontWeight": "normal"}
    below = caption(
        "axis_titles[projection][0]",
        alt.value(alt.ExprRef("width/2")),
        alt.value(alt.ExprRef("height + 34")),
        **middle,
    )
    beside = caption(
        "axis_titles[projection][1]",
        alt.value(-46),
        alt.value(alt.ExprRef("height/2")),
        angle=270,
        **middle,
    )
    legend = names_above("modality_names[set][0]", "modality_names[set][1]")
    chart: alt.LayerChart = runtime(
        alt.layer(*layers, below, beside, *legend)
        .add_params(*params)
        .properties(
            name="equal_axes",
            width=600,
            height=round(600 * across),
            description="Scatter plot of matched pairs, first modality blue circles and second orange squares, joined "
            f"by grey lines. Menus choose one of {len(sets)} embedding sets and the projection, a slider one pair.",
        ),
        numbers="data-1",
    )
    return chart


def measure_dots(table: pd.DataFrame, columns: Mapping[str, str]) -> alt.ConcatChart:
    """A row of dot plots, one a measure, with the embedding sets as shared rows.

    `table` has the columns `set`, `weights` ("trained" or "random") and one column a measure; `columns` maps those to
    axis titles.
    """
    order = list(table["set"])
    kinds = [kind for kind in ("trained", "random") if kind in set(table["weights"])]
    looks = {"trained": (ACCENT, "circle"), "random": (NEUTRAL, "diamond")}
    colour = alt.Color("weights:N", title=None, scale=alt.Scale(domain=kinds, range=[looks[k][0] for k in kinds]))
    shape = alt.Shape("weights:N", title=None, scale=alt.Scale(domain=kinds, range=[looks[k][1] for k in kinds]))
    # Names stand above their rows, so that a phone's column is left to the measures.
    base = alt.Chart(table).encode(alt.Y("set:N", sort=order, title=None, axis=None))
    panels: list[Any] = []
    for column, title in columns.items():
        x = alt.X(f"{column}:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
        stem = base.mark_rule(color=NEUTRAL, strokeWidth=1.5).encode(x, x2=alt.datum(0))
        dots = base.mark_point(filled=True, size=90, opacity=1).encode(
            x, colour, shape, tooltip=hint({title: f"format(datum['{column}'], '.3f')"}, "datum.set")
        )
        names = base.mark_text(align="left", dx=3, dy=-14).encode(x=alt.value(0), text="set:N")
        panels.append(alt.layer(stem, dots, names).properties(width=220, height=35 * len(order)))
    chart: alt.ConcatChart = alt.concat(*panels, columns=2).properties(
        description=f"Dot plots of {', '.join(columns.values())} for {', '.join(order)}."
    )
    return chart


def gap_panels(points: pd.DataFrame, links: bool = True) -> alt.ConcatChart:
    """Pairs of a few embedding sets beside each other, on the same scale.

    `points` has a row a pair: `set`, `x`, `y` (first modality), `x2`, `y2` (second modality).
    """
    panels: list[Any] = []
    across = reach(pd.concat([points["y"], points["y2"]]))
    points = points.assign(pair=points.groupby("set", sort=False).cumcount())
    for name, part in points.groupby("set", sort=False):
        layers = pair_layers(
            alt.Chart(part),
            alt.value(0.45 if links else 0.0),
            across=across,
            tooltip=hint({}, "datum.set + ', pair ' + datum.pair"),
            view=f"pairs_{len(panels)}",
        )
        panels.append(
            alt.layer(*layers).properties(
                name=f"equal_{len(panels)}", title=str(name), width=330, height=round(330 * across)
            )
        )
    names = ", ".join(dict.fromkeys(map(str, points["set"])))
    chart: alt.ConcatChart = alt.concat(*panels, columns=2).properties(
        description=f"Scatter plots of matched pairs of {names}."
    )
    return chart
