"""Charts of a gap: two clouds and their measures (chapter 1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import (
    ALONG_AND_ACROSS,
    caption,
    emphasis,
    hint,
    marking,
    names_above,
    pair_layers,
    radio,
    radios,
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


def gap_against(
    table: pd.DataFrame, measures: Mapping[str, tuple[str, float]], farthest: float = 1.5
) -> alt.LayerChart:
    """Gap distance against how well pairs match, an arrow a set from random weights to trained ones.

    `table` has a row for each set and direction: `set`, `direction`, the gap distances `gap` (trained) and
    `gap_random`, and for each key of `measures` two columns, itself and itself with `_random`, with shares
    from 0 to 1. `measures` maps these to the title of the axis and to what chance would give. The horizontal axis ends
    at `farthest`; both axes stay when the menus change.
    """
    directions = list(dict.fromkeys(table["direction"]))
    titles = [title for title, _ in measures.values()]
    tidy = pd.concat(
        table[["set", "direction", "gap", "gap_random"]].assign(
            measure=title, chance=chance, value=table[name], value_random=table[f"{name}_random"]
        )
        for name, (title, chance) in measures.items()
    )
    params, chosen = radios({"measure": titles, "direction": directions})
    least = -0.04
    x = alt.X("gap:Q", title="gap distance", scale=alt.Scale(domain=[0, farthest], nice=False))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(domain=[least, 1.04], nice=False))
    base = alt.Chart(tidy).transform_filter(chosen)
    kinds = ["trained", "random weights"]
    legend = alt.Legend(offset=28)  # above what names the vertical axis
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=kinds, range=[ACCENT, NEUTRAL]), legend=legend)
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "diamond"]), legend=legend)
    by_chance = base.transform_aggregate(by_chance="min(chance)").mark_rule(color=NEUTRAL, strokeDash=[4, 4])
    shafts = base.mark_rule(color=NEUTRAL, strokeWidth=1.5, opacity=0.8).encode(
        x, y, alt.X2("gap_random:Q"), alt.Y2("value_random:Q")
    )
    # Heads stand halfway, where no point covers them, and turn with the shafts, whatever the size of the frame.
    right = f"(datum.gap - datum.gap_random) / {farthest} * width"
    up = f"(datum.value - datum.value_random) / {1.04 - least} * height"
    heads = (
        base.transform_calculate(
            middle="(datum.gap + datum.gap_random) / 2", half="(datum.value + datum.value_random) / 2"
        )
        .mark_point(shape="triangle-up", filled=True, size=110, opacity=1, color=NEUTRAL)
        .encode(alt.X("middle:Q"), alt.Y("half:Q"), angle=alt.value(alt.ExprRef(f"atan2({right}, {up}) * 180 / PI")))
    )
    starts = (
        base.transform_calculate(kind="'random weights'")
        .mark_point(filled=True, size=80, opacity=1)
        .encode(
            alt.X("gap_random:Q"),
            alt.Y("value_random:Q"),
            colour,
            shape,
            tooltip=hint(
                {"gap distance": "format(datum.gap_random, '.2f')", "value": "format(datum.value_random, '.3f')"},
                "datum.set + ', random weights'",
            ),
        )
    )
    ends = (
        base.transform_calculate(kind="'trained'")
        .mark_point(filled=True, size=120, opacity=1)
        .encode(
            x,
            y,
            colour,
            shape,
            tooltip=hint(
                {"gap distance": "format(datum.gap, '.2f')", "value": "format(datum.value, '.3f')"},
                "datum.set + ', trained'",
            ),
        )
    )
    # Names stand on different sides of their points, since two sets may lie close together: from the least gap to the
    # widest, above, on the left, and on the right.
    ranked = list(table.groupby("set", sort=False)["gap"].mean().sort_values().index)
    places: list[dict[str, Any]] = [{"dy": -13, "align": "center"}, {"dx": -9, "dy": 1, "align": "right"}]
    places += [{"dx": 9, "dy": 1, "align": "left"}] * (len(ranked) - len(places))
    names = [
        base.transform_filter(alt.FieldEqualPredicate(field="set", equal=name))
        .mark_text(fontWeight="bold", **place)
        .encode(x, y, text="set:N")
        for name, place in zip(ranked, places, strict=False)
    ]
    said = caption(f"{params[0].name}", alt.value(0), alt.value(-12), align="left", fontWeight="normal", fontSize=13)
    chance = caption("'chance'", alt.value(4), alt.Y("by_chance:Q"), align="left", dy=-8, fontWeight="normal")
    by_chance = by_chance.encode(alt.Y("by_chance:Q", title=None))
    chance.data, chance.transform = (
        base.data,
        [
            *base.transform_aggregate(by_chance="min(chance)").transform,
            *chance.transform,
        ],
    )
    chart: alt.LayerChart = (
        alt.layer(by_chance, chance, shafts, heads, starts, ends, *names, said)
        .add_params(*params)
        .properties(
            width=600,
            height=340,
            description="Gap distance against how well pairs match, for "
            f"{', '.join(dict.fromkeys(table['set']))}: an arrow each from random weights to trained ones.",
        )
    )
    return chart


def gap_orders(table: pd.DataFrame, kinds: Mapping[str, str]) -> alt.LayerChart:
    """In which order several measures put the same models: a line a model, from its place by one measure to the next.

    `table` has a row for each model, named by its index, and a column for each measure, in the order in which they are
    drawn; the least value comes first. `kinds` says of each model what it is: one kind or two, told apart by colour and
    dashes. Models are named on the left, in the order of the first measure.
    """
    measures, named = list(table.columns), list(dict.fromkeys(kinds.values()))
    if len(named) > 2:
        raise ValueError(f"kinds: expected one kind or two, got {len(named)}: {', '.join(named)}")
    tidy = table.rank(method="first").melt(ignore_index=False, var_name="measure", value_name="place")
    tidy = tidy.assign(value=table.melt(ignore_index=False)["value"], kind=[kinds[model] for model in tidy.index])
    tidy = tidy.rename_axis(index="model").reset_index()
    order = list(table[measures[0]].sort_values(kind="stable").index)
    labels = [name.split(", ") for name in order]  # what follows a comma stands below, for the sake of a phone
    over, bright = emphasis("model")
    x = alt.X(
        "measure:N", title=None, sort=measures, scale=alt.Scale(type="point", padding=0.35),
        axis=alt.Axis(orient="top", labelAngle=-35, domain=False, ticks=False, grid=False, labelPadding=10),
    )  # fmt: skip
    y = alt.Y(
        "place:Q", title=None, scale=alt.Scale(domain=[len(table) + 0.4, 0.5], nice=False),
        axis=alt.Axis(
            values=list(range(1, len(table) + 1)), grid=False, domain=False, ticks=False, labelPadding=4,
            labelLimit=150, labelOverlap=False, labelExpr=f"{json.dumps(labels, ensure_ascii=False)}[datum.value - 1]",
        ),
    )  # fmt: skip
    legend = alt.Legend(symbolType="stroke", symbolSize=300)
    colour, dash = (
        encode("kind:N", title=None, legend=legend, scale=alt.Scale(domain=named, range=looks[: len(named)]))
        for encode, looks in ((alt.Color, [ACCENT, NEUTRAL]), (alt.StrokeDash, [[1, 0], [5, 3]]))
    )
    base = alt.Chart(tidy).encode(x, y, detail="model:N")
    strong = {"condition": {"test": f"({bright})", "value": 1}, "value": 0.2}
    lines = base.mark_line(strokeWidth=2).encode(colour, dash, opacity=strong)
    points = base.mark_point(filled=True, size=70).encode(
        colour, opacity=strong,
        tooltip=hint(
            {"place": "datum.place", "value": "format(datum.value, '.3f')"}, "datum.model + ', ' + datum.measure"
        ),
    )  # fmt: skip
    values = base.mark_text(dy=-11, fontSize=12).encode(text=alt.Text("value:Q", format=".2f"), opacity=strong)
    chart: alt.LayerChart = (
        alt.layer(lines, points.add_params(*over), values)
        .properties(
            width=600,
            height=36 * len(table),
            description=f"The places of {', '.join(order)} by {', '.join(measures)}, the least value first: "
            "a line a model, with the value at each of its points.",
        )
    )  # fmt: skip
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
