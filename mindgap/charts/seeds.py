"""Charts of random initialisations, every one its own cone (chapter 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from mindgap.charts._parts import WIDE, caption, emphasis, fixed, hint, radios, runtime, shapes, slider, words
from mindgap.charts.theme import ACCENT, DASHES, HUES, IMAGE, NEUTRAL, SHAPES, TEXT

# Five shapes and six colours in turn: the first thirty seeds all look different.
SEED_COLOURS, SEED_SHAPES = [*HUES.values(), NEUTRAL], SHAPES[:5]


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
    # The frame stands still while seeds come and go.
    ranges = {
        f"{tower}, {inputs}": {p: [list(fixed(part[f"{p} {number}"], 0.2)) for number in (1, 2)] for p in projections}
        for (tower, inputs), part in points.groupby(["tower", "inputs"], sort=False)
    }
    params += [
        slider("seeds_shown", seeds, 1, seeds, 1, "seeds shown"),
        slider("A", 0, 0, seeds - 1, 1, "seed A"),
        slider("B", min(1, seeds - 1), 0, seeds - 1, 1, "seed B"),
        words("seeds_shown", f"seeds_shown + ' of {seeds}'"),
        words("A", "'seed ' + A"),
        words("B", "'seed ' + B"),
        alt.param(
            "gaps",
            value={kind: {labels[tower]: rows for tower, rows in by.items()} for kind, by in gaps.items()},
        ),
        alt.param("ranges", value=ranges),
    ]
    axes = {
        name: " : ".join([*(f"axes_ == '{p}' ? datum['{p} {number}']" for p in projections), "null"])
        for number, name in enumerate(("x", "y"), start=1)
    }
    chosen = (
        alt.Chart(points)
        .transform_filter("datum.tower == tower_ && datum.inputs == inputs_")
        .transform_calculate(**axes)
    )
    x, y = (
        channel(
            f"{name}:Q",
            title=f"{title} axis",
            scale=alt.Scale(
                domain=[alt.ExprRef(f"ranges[tower_ + ', ' + inputs_][axes_][{axis}][{end}]") for end in (0, 1)],
                nice=False,
                zero=False,
            ),
            axis=ruled,
        )
        for axis, (channel, name, title, ruled) in enumerate(
            [
                (alt.X, "x", "first", alt.Axis(format=".2~g")),
                (alt.Y, "y", "second", alt.Axis(format=".2~g", minExtent=WIDE)),
            ]
        )
    )
    shown = chosen.transform_filter("datum.seed < seeds_shown")
    over = alt.selection_point(name="over", fields=["seed"], on="pointerover", clear="pointerout", empty=False)
    strong = "!over.seed || over.seed[0] == datum.seed"
    numbers = list(range(seeds))
    colours = [SEED_COLOURS[seed % len(SEED_COLOURS)] for seed in numbers]
    marks = [SEED_SHAPES[seed % len(SEED_SHAPES)] for seed in numbers]
    dots = (
        shown.mark_point(filled=True, size=30)
        .encode(
            x,
            y,
            alt.Color("seed:N", scale=alt.Scale(domain=numbers, range=colours), legend=None),
            alt.Shape("seed:N", scale=alt.Scale(domain=numbers, range=marks), legend=None),
            opacity=alt.condition(strong, alt.value(0.9), alt.value(0.15)),
            tooltip=hint({}, "'seed ' + datum.seed"),
        )
        .properties(name="seed_dots")
        .add_params(over)
    )
    # Of all seeds, whether shown or not: the two sliders then move the rings alone.
    centres = (
        chosen.transform_aggregate(middle_x="mean(x)", middle_y="mean(y)", groupby=["seed"])
        .transform_filter("datum.seed < seeds_shown")
        .transform_filter("datum.seed == A || datum.seed == B")
    )
    at = (alt.X("middle_x:Q"), alt.Y("middle_y:Q"))
    rings = centres.mark_point(size=900, strokeWidth=2.5, color=NEUTRAL, opacity=1).encode(*at)
    # One below its ring and one above, so that neighbours keep their names apart.
    names = [
        centres.transform_filter(f"datum.seed == {name}")
        .mark_text(fontSize=14, fontWeight="bold", dy=dy, text=name)
        .encode(*at)
        for name, dy in (("A", 26), ("B", -26))
    ]
    said = caption(
        "'seeds ' + A + ' and ' + B + ': gap ' + format(gaps[inputs_][tower_][A][B], '.2f')",
        alt.value(0),
        alt.value(-14),
        align="left",
        fontSize=13,
    )
    chart: alt.LayerChart = (
        alt.layer(dots, rings, *names, said)
        .add_params(*params)
        .properties(
            name="equal_axes",
            width=580,
            height=450,
            description=f"The same inputs embedded by one untrained network with {seeds} random seeds: each seed is a "
            "cluster of its own. Menus choose the network, the inputs and the axes; sliders the seeds.",
        )
    )
    return runtime(chart, play=["seeds_shown", "A", "B"])


def singular_cliff(values: pd.DataFrame, seeds: int) -> alt.LayerChart:
    """Singular values of all seeds' clouds together, a line a tower, and where they fall.

    `values` has `inputs`, `tower`, `modality`, `number` (from 1) and `value`.
    """
    choices = {"inputs": list(dict.fromkeys(values["inputs"]))}
    params, chosen = radios(choices)
    towers = values.drop_duplicates("tower")
    domain = list(towers["tower"])
    dashes = DASHES[: len(domain)]
    colours = [TEXT if kind == "text" else IMAGE for kind in towers["modality"]]
    base = alt.Chart(values).transform_filter(chosen)
    x = alt.X("number:Q", title="number of the singular value", scale=alt.Scale(nice=False, zero=False))
    y = alt.Y(
        "value:Q",
        title="singular value",
        scale=alt.Scale(type="log", domain=list(_decades(values["value"])), nice=False),
    )
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolSize=900)
    colour = alt.Color("tower:N", title=None, scale=alt.Scale(domain=domain, range=colours), legend=legend)
    dash = alt.StrokeDash("tower:N", title=None, scale=alt.Scale(domain=domain, range=dashes), legend=legend)
    over, strong = emphasis("tower")
    opacity = alt.condition(strong, alt.value(1), alt.value(0.15))
    line = base.mark_line(strokeWidth=1.3).encode(x, y, colour, dash, opacity=opacity)
    dots = (
        base.mark_point(filled=True, size=48)
        .encode(
            x,
            y,
            colour,
            shape=shapes("tower", domain),
            opacity=opacity,
            tooltip=hint({"singular value": "format(datum.value, '.3~g')"}, "datum.tower + ', number ' + datum.number"),
        )
        .properties(name="cliff_dots")
        .add_params(*over)
    )
    at = alt.X("at:Q", scale=alt.Scale(nice=False, zero=False))
    edge = pd.DataFrame({"at": [seeds - 0.5], "words": [f"{seeds - 1} = seeds − 1"]})
    rule = alt.Chart(edge).mark_rule(strokeDash=[4, 4], color=NEUTRAL).encode(at)
    note = alt.Chart(edge).mark_text(align="left", dx=6).encode(at, y=alt.value(10), text="words:N")
    chart: alt.LayerChart = (
        alt.layer(rule, line, dots, note)
        .add_params(*params)
        .properties(
            width=600,
            height=300,
            description=f"Singular values of the embeddings of {seeds} seeds together, for {', '.join(domain)}: high "
            f"up to number {seeds - 1}, then a cliff.",
        )
    )
    return chart


def trained_clouds(points: pd.DataFrame) -> alt.LayerChart:
    """The clouds of both towers of several seeds, before and after training, on axes that stay.

    `points` has `stage` (one shown at a time), `seed`, `tower` ("image" or "text"), `x` and `y`. Which seed a point is
    of, the legend says by its colour, and its hint in words.
    """
    params, chosen = radios({"stage": list(dict.fromkeys(points["stage"]))})
    seeds = sorted(set(points["seed"]))
    equal = alt.Scale(domain=[-1.05, 1.05], nice=False)
    x = alt.X("x:Q", title="first axis", scale=equal)
    y = alt.Y("y:Q", title="second axis", scale=equal)
    colour = alt.Color(
        "seed:N", scale=alt.Scale(domain=seeds, range=[SEED_COLOURS[seed] for seed in seeds]), title="seed"
    )
    shape = alt.Shape("tower:N", title=None, scale=alt.Scale(domain=["image", "text"], range=["circle", "square"]))
    base = alt.Chart(points).transform_filter(chosen)
    dots = base.mark_point(filled=True, size=42, opacity=0.7).encode(
        x, y, colour, shape, tooltip=hint({}, "'seed ' + datum.seed + ', ' + datum.tower")
    )
    chart: alt.LayerChart = (
        alt.layer(dots)
        .add_params(*params)
        .properties(
            name="equal_axes",
            width=460,
            height=460,
            description=f"Embeddings of the same scenes by {len(seeds)} small CLIPs on two axes, images as circles and "
            "captions as squares, a colour for each seed; a menu chooses before or after training.",
        )
    )
    return chart


def _decades(values: pd.Series) -> tuple[float, float]:
    """The range of positive numbers on a log axis, with a little air."""
    return float(f"{0.8 * values[values > 0].min():.2g}"), float(f"{1.25 * values.max():.2g}")


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
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=3, labelLimit=320, direction="vertical"),
    )
    dash = alt.StrokeDash("quantity:N", title=None, scale=alt.Scale(domain=names, range=[[1, 0], [5, 4]]))
    x = alt.X("layer:Q", title="layer", scale=alt.Scale(nice=False, zero=False), axis=alt.Axis(tickMinStep=1))
    y = alt.Y("mean:Q", title=None, scale=alt.Scale(domain=[-0.05, 1.02], nice=False))
    base = alt.Chart(table).transform_filter(chosen)
    bars = base.mark_rule().encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour)
    line = base.mark_line(strokeWidth=1.8).encode(x, y, colour, dash)
    dots = base.mark_point(filled=True, size=46, opacity=1).encode(
        x,
        y,
        colour,
        shape=shapes("quantity", names),
        tooltip=hint(
            {
                "mean": "format(datum.mean, '.3f')",
                "over seeds": "format(datum.low, '.3f') + ' to ' + format(datum.high, '.3f')",
            },
            "datum.quantity + ', layer ' + datum.layer",
        ),
    )
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
