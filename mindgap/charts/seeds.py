"""Charts of random initialisations, every one its own cone (chapter 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from mindgap.charts._parts import caption, radios, slider
from mindgap.charts.theme import ACCENT, IMAGE, NEUTRAL, TEXT


def seed_clouds(
    points: pd.DataFrame, gaps: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], labels: Mapping[str, str]
) -> alt.LayerChart:
    """The clouds of many seeds on shared axes; a slider adds them one by one, two more pick a pair and show its gap.

    `points` has `inputs`, `tower`, `seed` and the columns of one or more projections, named "PCA 1", "PCA 2", … .
    `gaps[inputs][tower][a][b]` is the gap distance of seeds a and b; `labels` maps towers to what readers call them.
    """
    points = points.assign(tower=[labels[tower] for tower in points["tower"]])
    seeds = int(points["seed"].max()) + 1
    projections = list(dict.fromkeys(name.rsplit(" ", 1)[0] for name in points.columns if name.endswith(" 1")))
    choices = {key: list(dict.fromkeys(points[key])) for key in ("tower", "inputs")} | {"axes": projections}
    params, _ = radios(choices)
    params += [
        slider("seeds_shown", seeds, 1, seeds, 1, "seeds shown"),
        slider("A", 0, 0, seeds - 1, 1, "seed A"),
        slider("B", min(1, seeds - 1), 0, seeds - 1, 1, "seed B"),
        alt.param(
            "gaps",
            value={kind: {labels[tower]: rows for tower, rows in by.items()} for kind, by in gaps.items()},
        ),
    ]
    axes = {
        name: " : ".join([*(f"axes_ == '{p}' ? datum['{p} {number}']" for p in projections), "null"])
        for number, name in enumerate(("x", "y"), start=1)
    }
    base = (
        alt.Chart(points)
        .transform_filter("datum.tower == tower_ && datum.inputs == inputs_")
        .transform_calculate(**axes)
    )
    x = alt.X("x:Q", title="first axis", scale=alt.Scale(zero=False))
    y = alt.Y("y:Q", title="second axis", scale=alt.Scale(zero=False))
    frame = base.mark_point(opacity=0).encode(x, y)  # the frame stands still while seeds come and go
    shown = base.transform_filter("datum.seed < seeds_shown")
    colour = alt.Color("seed:Q", scale=alt.Scale(scheme="sinebow", domain=[0, seeds]), legend=None)
    dots = shown.mark_circle(size=24, opacity=0.8).encode(x, y, colour)
    centres = shown.transform_aggregate(x="mean(x)", y="mean(y)", groupby=["seed"]).transform_filter(
        "datum.seed == A || datum.seed == B"
    )
    rings = centres.mark_point(size=900, strokeWidth=2.5, color=NEUTRAL).encode(x, y)
    names = (
        centres.transform_calculate(name="(datum.seed == A ? 'A' : '') + (datum.seed == B ? 'B' : '')")
        .mark_text(fontSize=14, fontWeight="bold", dy=26)
        .encode(x, y, text="name:N")
    )
    words = caption(
        "'seeds ' + A + ' and ' + B + ': gap ' + format(gaps[inputs_][tower_][A][B], '.2f')",
        alt.value(0),
        alt.value(-9),
        align="left",
        fontSize=13,
    )
    chart: alt.LayerChart = (
        alt.layer(frame, dots, rings, names, words)
        .add_params(*params)
        .properties(
            name="equal_axes",
            width=580,
            height=450,
            description=f"The same inputs embedded by one untrained network with {seeds} random seeds: each seed is a "
            "cluster of its own. Menus choose the network, the inputs and the axes; sliders the seeds.",
        )
    )
    return chart


def singular_cliff(values: pd.DataFrame, seeds: int) -> alt.LayerChart:
    """Singular values of all seeds' clouds together, a line a tower, and where they fall.

    `values` has `inputs`, `tower`, `modality`, `number` (from 1) and `value`.
    """
    choices = {"inputs": list(dict.fromkeys(values["inputs"]))}
    params, chosen = radios(choices)
    towers = values.drop_duplicates("tower")
    domain = list(towers["tower"])
    shapes = ["circle", "square", "diamond", "triangle-up"][: len(domain)]
    colours = [TEXT if kind == "text" else IMAGE for kind in towers["modality"]]
    base = alt.Chart(values).transform_filter(chosen)
    x = alt.X("number:Q", title="number of the singular value", scale=alt.Scale(nice=False, zero=False))
    y = alt.Y("value:Q", title="singular value", scale=alt.Scale(type="log"))
    colour = alt.Color("tower:N", title=None, scale=alt.Scale(domain=domain, range=colours))
    shape = alt.Shape("tower:N", title=None, scale=alt.Scale(domain=domain, range=shapes))
    line = base.mark_line(strokeWidth=1.3).encode(x, y, colour, detail="tower:N")
    dots = base.mark_point(filled=True, size=48, opacity=1).encode(x, y, colour, shape)
    at = alt.X("at:Q", scale=alt.Scale(nice=False, zero=False))
    edge = pd.DataFrame({"at": [seeds - 0.5], "words": [f"{seeds - 1} = seeds − 1"]})
    rule = alt.Chart(edge).mark_rule(strokeDash=[4, 4], color=NEUTRAL).encode(at)
    words = alt.Chart(edge).mark_text(align="left", dx=6).encode(at, y=alt.value(10), text="words:N")
    chart: alt.LayerChart = (
        alt.layer(rule, line, dots, words)
        .add_params(*params)
        .properties(
            width=600,
            height=300,
            description=f"Singular values of the embeddings of {seeds} seeds together, for {', '.join(domain)}: high "
            f"up to number {seeds - 1}, then a cliff.",
        )
    )
    return chart


def share_curves(table: pd.DataFrame, choices: Mapping[str, Sequence[str]]) -> alt.LayerChart:
    """Theorem 2: the share of variance that the seed decides, beside the cosine that should bound it from below.

    `table` has `layer`, `quantity` (two names, the share first), `mean`, `low`, `high` and a column for each key of
    `choices`, which maps it to its values, the first one shown first.
    """
    params, chosen = radios(choices)
    names = list(dict.fromkeys(table["quantity"]))
    colour = alt.Color(
        "quantity:N",
        title=None,
        scale=alt.Scale(domain=names, range=[ACCENT, NEUTRAL]),
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=3, labelLimit=320, columns=1),
    )
    dash = alt.StrokeDash("quantity:N", title=None, scale=alt.Scale(domain=names, range=[[1, 0], [5, 4]]))
    x = alt.X("layer:Q", title="layer", scale=alt.Scale(nice=False, zero=False), axis=alt.Axis(tickMinStep=1))
    y = alt.Y("mean:Q", title=None, scale=alt.Scale(domain=[-0.05, 1.02], nice=False))
    base = alt.Chart(table).transform_filter(chosen)
    bars = base.mark_rule().encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour)
    line = base.mark_line(strokeWidth=1.8).encode(x, y, colour, dash)
    dots = base.mark_point(filled=True, size=46, opacity=1).encode(x, y, colour)
    chart: alt.LayerChart = (
        alt.layer(line, bars, dots)
        .add_params(*params)
        .properties(
            width=600,
            height=320,
            description=f"{names[0]} and {names[1]} against the layer, for a chosen kind of random network.",
        )
    )
    return chart
