"""Charts of what came after the paper: ways to close a gap, where it lies, what makes it (chapter 8)."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import WIDE, caption, emphasis, hint, radio, shapes
from mindgap.charts.theme import ACCENT, DASHES, IMAGE, KIND_COLOURS, NEUTRAL, SHAPES, TEXT
from mindgap.charts.training import FAINT, HEIGHT, STEP_SCALE, STEP_TICKS, WIDTH

ROW = 54  # pixels for a measure, so that the marks of five ways lie beside each other


def what_is_left(table: pd.DataFrame) -> alt.LayerChart:
    """What is left of a gap, by several measures, after each of several ways to close it.

    `table` has `set`, `way`, `measure`, `value`, and `share`: the value over what it was before. A radio input chooses
    the set, and a way stands out while the pointer is on one of its marks or when its entry in the legend is clicked.
    """
    sets, ways, measures = (list(dict.fromkeys(table[name])) for name in ("set", "way", "measure"))
    over, bright = emphasis("way")
    most = max(1.1, float(table["share"].max()) * 1.05)
    base = alt.Chart(table).transform_filter("datum['set'] == set_")
    y: Any = alt.Y(
        "measure:N", title=None, sort=measures, axis=alt.Axis(
            labelLimit=150, ticks=False, domain=False, grid=False, labelPadding=4,
            labelExpr="split(datum.label, ', ')",  # on two lines, for the sake of a phone
        ),
        scale=alt.Scale(paddingInner=0.15),
    )  # fmt: skip
    offset: Any = alt.YOffset("way:N", sort=ways)
    x = alt.X("share:Q", title="share of what it was", scale=alt.Scale(domain=[0, most], nice=False))
    legend = alt.Legend(symbolOpacity=1)
    colour = alt.Color(
        "way:N", title=None, scale=alt.Scale(domain=ways, range=KIND_COLOURS[: len(ways)]), legend=legend
    )
    strong = alt.condition(bright, alt.value(1), alt.value(FAINT))
    stems = base.mark_rule(strokeWidth=2).encode(y, offset, x2=alt.datum(0), x=x, color=colour, opacity=strong)
    points = base.mark_point(filled=True, size=75).encode(
        x, y, offset, colour,
        alt.Shape("way:N", title=None, scale=alt.Scale(domain=ways, range=SHAPES[: len(ways)]), legend=legend),
        opacity=strong,
        tooltip=hint(
            {"value": "format(datum.value, '.3f')", "share of what it was": "format(datum.share, '.3f')"},
            "datum.way + ', ' + datum.measure",
        ),
    )  # fmt: skip
    before = alt.Chart(pd.DataFrame({"at": [1.0]})).mark_rule(strokeDash=[4, 4], color=NEUTRAL, strokeWidth=1.5)
    chart: alt.LayerChart = (
        alt.layer(
            before.encode(alt.X("at:Q")),
            stems,
            points.add_params(*over),
            caption("'dashed: as published'", alt.datum(1), alt.value(-9), align="center", color=NEUTRAL),
        )
        .add_params(radio("set_", sets, "pairs"))
        .properties(
            width=480,
            height=ROW * len(measures),
            description=f"What is left by {', '.join(measures)} after the ways {', '.join(ways)}, as a share of what "
            "each measure was before: a row a measure, a mark a way. A radio input chooses the pairs.",
        )
    )
    return chart


def closing_paths(table: pd.DataFrame) -> alt.LayerChart:
    """What becomes of a measure as a gap is closed step by step, in several ways: a path a way, from one start.

    `table` has `measure`, `way`, `amount` (0 to 1, in order), `gap` and `value`, a share. Radio inputs choose the
    measure.
    """
    ways, measures = (list(dict.fromkeys(table[name])) for name in ("way", "measure"))
    over, bright = emphasis("way")
    strong = alt.condition(bright, alt.value(1), alt.value(FAINT))
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1)
    colour = alt.Color(
        "way:N", title=None, scale=alt.Scale(domain=ways, range=KIND_COLOURS[: len(ways)]), legend=legend
    )
    dash = alt.StrokeDash("way:N", title=None, scale=alt.Scale(domain=ways, range=DASHES[: len(ways)]), legend=legend)
    far = max(0.1, float(table["gap"].max()) * 1.06)
    x = alt.X("gap:Q", title="gap distance: closed at the left", scale=alt.Scale(domain=[0, far], nice=False))
    y = alt.Y("value:Q", title="share", scale=alt.Scale(domain=[0, 1], nice=False))
    base = alt.Chart(table).transform_filter("datum.measure == measure_").encode(x, y)
    paths = base.mark_line().encode(colour, dash, order="amount:Q", opacity=strong)
    points = base.mark_point(filled=True, size=40).encode(
        colour,
        shape=shapes("way", ways),
        opacity=strong,
        tooltip=hint(
            {
                "of the whole way": "format(datum.amount, '.0%')",
                "gap": "format(datum.gap, '.3f')",
                "share": "format(datum.value, '.3f')",
            },
            "datum.way + ', ' + datum.measure",
        ),
    )
    start = (
        alt.Chart(table)
        .transform_filter("datum.measure == measure_ && datum.amount == 0")
        .mark_point(filled=True, size=110, color=NEUTRAL, opacity=1)
        .encode(x, y, tooltip=hint({"share": "format(datum.value, '.3f')"}, "'as published'"))
    )
    chart: alt.LayerChart = (
        alt.layer(
            paths.add_params(*over), points, start, caption("measure_", alt.value(0), alt.value(-9), align="left")
        )
        .add_params(radio("measure_", measures, "measure"))
        .properties(
            width=600,
            height=340,
            description=f"Paths of {', '.join(measures)} against the gap distance while the gap is closed by "
            f"{', '.join(ways)}, all from one grey point. Radio inputs choose the measure.",
        )
    )
    return chart


def gap_directions(shares: pd.DataFrame, deleted: pd.DataFrame) -> alt.ConcatChart:
    """How few directions carry a gap, beside what is lost with the coordinates that carry most of it.

    `shares` has `axes` (which directions), `number` (how many of them) and `share` of the squared gap; `deleted` has
    `which` (how coordinates were chosen), `number`, `measure` and `value`. Radio inputs choose what is deleted.
    """
    axes, choices, measures = (
        list(dict.fromkeys(found)) for found in (shares["axes"], deleted["which"], deleted["measure"])
    )
    over, bright = emphasis("axes")
    strong = alt.condition(bright, alt.value(1), alt.value(FAINT))
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, labelLimit=300)

    def number(title: str) -> alt.X:
        ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500]
        return alt.X(
            "number:Q", title=title, scale=alt.Scale(type="log", nice=False), axis=alt.Axis(values=ticks, format="d")
        )

    left_base = alt.Chart(shares).encode(
        number("number of directions"),
        alt.Y("share:Q", title="share of ‖Δ‖²", scale=alt.Scale(domain=[0, 1], nice=False)),
        alt.Color("axes:N", title=None, scale=alt.Scale(domain=axes, range=KIND_COLOURS[: len(axes)]), legend=legend),
        opacity=strong,
    )
    lines = left_base.mark_line().encode(
        alt.StrokeDash("axes:N", title=None, scale=alt.Scale(domain=axes, range=DASHES[: len(axes)]), legend=legend)
    )
    points = left_base.mark_point(filled=True, size=34).encode(
        shape=shapes("axes", axes),
        tooltip=hint({"share of ‖Δ‖²": "format(datum.share, '.3f')"}, "datum.number + ' of ' + datum.axes"),
    )
    left = alt.layer(lines.properties(name="shares").add_params(*over), points).properties(width=WIDTH, height=HEIGHT)

    looks = dict(zip(measures, [ACCENT, TEXT, IMAGE], strict=False))
    scale = alt.Scale(domain=measures, range=list(looks.values()))
    right_base = (
        alt.Chart(deleted)
        .transform_filter("datum.which == which_")
        .encode(
            number("coordinates deleted"),
            alt.Y("value:Q", title="after deletion", scale=alt.Scale(domain=[0, 1], nice=False)),
            alt.Color("measure:N", title=None, scale=scale, legend=legend),
        )
    )
    courses = right_base.mark_line().encode(
        alt.StrokeDash(
            "measure:N", title=None, scale=alt.Scale(domain=measures, range=DASHES[: len(measures)]), legend=legend
        )
    )
    dots = right_base.mark_point(filled=True, size=34, opacity=1).encode(
        shape=shapes("measure", measures),
        tooltip=hint({"value": "format(datum.value, '.3f')"}, "datum.measure + ', ' + datum.number + ' deleted'"),
    )
    right = alt.layer(
        courses, dots, caption("which_", alt.value("width"), alt.value(-9), align="right", color=NEUTRAL)
    ).properties(width=WIDTH, height=HEIGHT)
    chart: alt.ConcatChart = (
        alt.concat(left, right, columns=2)
        .resolve_scale(color="independent", strokeDash="independent")
        .add_params(radio("which_", choices, "delete"))
        .properties(
            description=f"Left: the share of the squared gap in a number of directions, for {', '.join(axes)}. Right: "
            f"{', '.join(measures)} after coordinates were deleted; radio inputs choose which."
        )
    )
    return chart


def experiment_runs(history: pd.DataFrame) -> alt.ConcatChart:
    """Runs of several experiments, one at a time: the gap over the steps, and the gap against the recall.

    `history` has `question` (an experiment), `kind`, `seed`, `step`, `gap` and `recall`; no experiment has more than
    five kinds. Left means over seeds with bands from least to most, right the path of every run. Radio inputs choose
    the experiment.
    """
    history = history[["question", "kind", "seed", "step", "gap", "recall"]]
    questions = list(dict.fromkeys(history["question"]))
    kinds = {name: list(dict.fromkeys(part["kind"])) for name, part in history.groupby("question", sort=False)}
    every = [kind for of_one in kinds.values() for kind in of_one]
    looks = [place for of_one in kinds.values() for place in range(len(of_one))]
    if len(set(every)) < len(every):
        raise ValueError("history: expected kinds of different names in different experiments")
    asked = "datum.question == question_"
    # The legend names the kinds of one experiment; each keeps the look of its place within its own.
    named = f"{kinds}[question_]".replace("'", '"')
    legend = alt.Legend(
        symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, labelLimit=300, values=alt.ExprRef(named)
    )
    over, bright = emphasis("kind")
    strong = alt.condition(bright, alt.value(1), alt.value(FAINT))

    def colour(legend: alt.Legend | None) -> alt.Color:
        scale = alt.Scale(domain=every, range=[KIND_COLOURS[place] for place in looks])
        return alt.Color("kind:N", title=None, scale=scale, legend=legend)

    def dash(legend: alt.Legend | None) -> alt.StrokeDash:
        scale = alt.Scale(domain=every, range=[DASHES[place] for place in looks])
        return alt.StrokeDash("kind:N", title=None, scale=scale, legend=legend)

    def gap(field: str) -> alt.Y:
        top = round(float(history["gap"].max()) * 1.05, 2)
        return alt.Y(
            field, title="gap distance", scale=alt.Scale(domain=[0, top], nice=False), axis=alt.Axis(minExtent=WIDE)
        )

    table = history.groupby(["question", "kind", "step"], sort=False)["gap"].agg(["mean", "min", "max"]).reset_index()
    x = alt.X("step:Q", title="step of training", scale=STEP_SCALE, axis=alt.Axis(values=STEP_TICKS, format="d"))
    base = alt.Chart(table).transform_filter(asked).encode(x, colour(legend))
    faint = alt.condition(bright, alt.value(0.25), alt.value(0.06))
    band = base.mark_area().encode(gap("min:Q"), y2="max:Q", opacity=faint)
    line = base.mark_line().encode(gap("mean:Q"), dash(legend), opacity=strong)
    marks = base.mark_point(filled=True, size=34).encode(
        gap("mean:Q"),
        opacity=strong,
        tooltip=hint(
            {
                "gap distance": "format(datum.mean, '.3f')",
                "over seeds": "format(datum.min, '.3f') + ' to ' + format(datum.max, '.3f')",
            },
            "datum.kind + ', step ' + datum.step",
        ),
    )
    left = alt.layer(band, line.properties(name="runs").add_params(*over), marks).properties(width=WIDTH, height=HEIGHT)

    far = max(0.1, round(float(history["recall"].max()) * 1.05, 2))
    recall = alt.X("recall:Q", title="R@1, first to second", scale=alt.Scale(domain=[0, far], nice=False))
    paths = alt.Chart(history).transform_filter(asked).encode(recall, gap("gap:Q"), colour(None), opacity=strong)
    drawn = paths.mark_line(strokeWidth=1.6).encode(dash(None), detail="seed:N", order="step:Q")
    dots = paths.mark_point(filled=True, size=28).encode(
        tooltip=hint(
            {
                "step": "datum.step",
                "gap distance": "format(datum.gap, '.3f')",
                "R@1": "format(datum.recall, '.3f')",
            },
            "datum.kind + ', seed ' + datum.seed",
        )
    )
    right = alt.layer(drawn, dots).properties(width=WIDTH, height=HEIGHT)
    chart: alt.ConcatChart = (
        alt.concat(left, right, columns=2)
        .resolve_scale(color="independent", strokeDash="independent")
        .add_params(radio("question_", questions, "what is changed"))
        .properties(
            description=f"Left: gap distance over the steps of training. Right: gap distance against R@1. Radio inputs "
            f"choose what is changed: {', '.join(questions)}."
        )
    )
    return chart
