"""Charts of what a gap is worth to those who use embeddings: tasks, groups, search, along a shift (chapter 7)."""

from __future__ import annotations

import altair as alt
import pandas as pd

from mindgap.charts._parts import caption, emphasis, fixed, hint, radio, runtime, slider, words
from mindgap.charts.theme import DASHES, HUES, KIND_COLOURS, NEUTRAL, TEMPERATURE_COLOURS

COLOURS = [*KIND_COLOURS, HUES["pink"], HUES["olive"]]
"""For up to seven kinds."""

STROKES = [*DASHES, [2, 4]]
WIDE = 560
FEW = 15  # places on an axis, of which each is drawn as a dot


def curves_along(
    table: pd.DataFrame,
    x: str,
    titles: tuple[str, str],
    menu: str | None = None,
    percent: bool = False,
    root: bool = False,
    here: float | None = 0.0,
    chosen: pd.DataFrame | None = None,
    description: str = "",
) -> alt.LayerChart:
    """A curve a kind along `x`, with a menu for one more column; the axes stand still.

    `table` has `kind`, the column `x`, `value`, and, where there are intervals, `low` and `high`, drawn as bars.
    `titles` are those of both axes. `percent` writes shares in per cent, `root` spreads small values by their square
    root. A rule stands at `here`. `chosen` has `kind`, `x` and `value` of marks on the curves, and `words`, what the
    legend calls them.
    """
    kinds = list(dict.fromkeys(table["kind"]))
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, labelLimit=320)
    colours, dashes = (alt.Scale(domain=kinds, range=every[: len(kinds)]) for every in (COLOURS, STROKES))
    colour = alt.Color("kind:N", title=None, scale=colours, legend=legend)
    dash = alt.StrokeDash("kind:N", title=None, scale=dashes, legend=legend)
    intervals = {"low", "high"} <= set(table.columns)
    heights = [*table["value"], *(list(table["low"]) + list(table["high"]) if intervals else [])]
    form = ".0%" if percent else ".2~f"
    across = alt.X(f"{x}:Q", title=titles[0], scale=alt.Scale(domain=fixed(table[x], 0.02), nice=False))
    height = alt.Y(
        "value:Q",
        title=None,
        scale=alt.Scale(
            type="sqrt" if root else "linear", domain=[0 if root else fixed(heights)[0], fixed(heights)[1]]
        ),
        axis=alt.Axis(format=form),
    )
    params, strong = emphasis("kind")
    base = alt.Chart(table)
    controls = []
    if menu is not None:
        options = list(dict.fromkeys(table[menu]))
        controls, base = [radio("menu_", options, menu)], base.transform_filter(f"datum['{menu}'] == menu_")
    number = f"format(datum.value, '{'.1%' if percent else '.3f'}')"
    said = {titles[0]: f"format(datum['{x}'], '.2~f')", titles[1]: number}
    if intervals:
        ends = [f"format(datum.{end}, '{'.1%' if percent else '.3f'}')" for end in ("low", "high")]
        said["interval"] = f"{ends[0]} + ' to ' + {ends[1]}"
    opacity = alt.condition(strong, alt.value(1), alt.value(0.18))
    layers: list[alt.Chart] = []
    if here is not None:
        layers.append(alt.Chart(pd.DataFrame({x: [here]})).mark_rule(color=NEUTRAL, strokeDash=[3, 3]).encode(across))
    if intervals:
        low = alt.Y("low:Q", title=None)
        layers.append(base.mark_rule(strokeWidth=1.5).encode(across, low, alt.Y2("high:Q"), colour, opacity=opacity))
    line = base.mark_line().encode(across, height, colour, dash, opacity=opacity)
    layers.append(line.properties(name="task_lines").add_params(*params))
    dense = table[x].nunique() > FEW
    dots = base.mark_point(filled=True, size=6 if dense else 34)
    layers.append(dots.encode(across, height, colour, opacity=opacity, tooltip=hint(said, "datum.kind")))
    if chosen is not None:
        names = list(dict.fromkeys(chosen["words"]))
        shapes = alt.Scale(domain=names, range=["diamond", "triangle-up"][: len(names)])
        key = alt.Legend(symbolFillColor=NEUTRAL, symbolStrokeColor=NEUTRAL, labelLimit=320)
        marks = alt.Chart(chosen)
        if menu is not None and menu in chosen:
            marks = marks.transform_filter(f"datum['{menu}'] == menu_")
        layers.append(
            marks.mark_point(filled=True, size=130).encode(
                across,
                height,
                alt.Color("kind:N", title=None, scale=colours, legend=legend),
                alt.Shape("words:N", title=None, scale=shapes, legend=key),
                opacity=opacity,
                tooltip=hint(said, "datum.kind + ', ' + datum.words"),
            )
        )
    # Above the axis and not beside it, where a phone has no room.
    layers.append(
        caption(f"'{titles[1]}'", alt.value(0), alt.value(-10), align="left", fontWeight="normal", fontSize=13)
    )
    chart: alt.LayerChart = (
        alt.layer(*layers)
        .resolve_scale(shape="independent")
        .add_params(*controls)
        .properties(
            width=WIDE,
            height=320,
            description=description
            or f"Curves of {titles[1]} against {titles[0]} for {', '.join(kinds)}"
            + (f", with a menu for {menu}" if menu else "")
            + ".",
        )
    )
    return chart


def accuracy_against_gap(table: pd.DataFrame, chance: pd.DataFrame) -> alt.ConcatChart:
    """A panel a task: the accuracy of trained models against the gap that they have, a mark a model.

    `table` has `task`, `gap`, `accuracy`, `temperature` (a label) and `seed`; `chance` has `task` and `accuracy`, drawn
    as a dashed line.
    """
    tasks, labels = list(dict.fromkeys(table["task"])), list(dict.fromkeys(table["temperature"]))
    reach = fixed(table["gap"])
    shapes = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"][: len(labels)]
    legend = alt.Legend(symbolOpacity=1, symbolSize=90)
    colours = alt.Scale(domain=labels, range=TEMPERATURE_COLOURS[: len(labels)])
    forms = alt.Scale(domain=labels, range=shapes)
    panels = []
    for task in tasks:
        across = alt.X("gap:Q", title="gap ‖Δ‖", scale=alt.Scale(domain=reach, nice=False))
        height = alt.Y("accuracy:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
        models = alt.Chart(table[table["task"] == task])
        points = models.mark_point(filled=True, size=70, opacity=0.9).encode(
            across,
            height,
            alt.Color("temperature:N", title="temperature", scale=colours, legend=legend),
            alt.Shape("temperature:N", title="temperature", scale=forms, legend=legend),
            tooltip=hint(
                {"accuracy": "format(datum.accuracy, '.1%')", "gap": "format(datum.gap, '.2f')", "seed": "datum.seed"},
                "'trained at ' + datum.temperature",
            ),
        )
        line = alt.Chart(chance[chance["task"] == task]).mark_rule(color=NEUTRAL, strokeDash=[4, 3])
        by_chance = line.encode(alt.Y("accuracy:Q", title=None))
        name = caption(f"'{task}: accuracy'", alt.value(0), alt.value(-10), align="left", fontSize=13)
        panels.append(alt.layer(by_chance, points, name).properties(width=250, height=190))
    chart: alt.ConcatChart = alt.concat(*panels, columns=2).properties(
        description=f"{len(tasks)} panels, {', '.join(tasks)}: zero-shot accuracy against the gap, a mark a "
        "trained model, its colour and shape the temperature of training; dashed lines are chance."
    )
    return chart


def selection_gains(expected: pd.DataFrame, printed: pd.DataFrame) -> alt.LayerChart:
    """What a paper's best shifts gained, over what choosing the best of many gains where none is better.

    `printed` has `set` and `gain`. `expected` has `set`, `changed` (a share of the answers), and of the gains by choice
    alone `low`, `mean` and `high`: a band for the `changed` that a slider chooses.
    """
    sets, levels = list(dict.fromkeys(printed["set"])), sorted(set(expected["changed"]))
    params = [
        slider("answers", len(levels) // 2, 0, len(levels) - 1, 1, "answers that change"),
        words("answers", "format(levels[answers], '.0%') + ' of the answers'"),
        alt.param("levels", value=levels),
    ]
    rows = alt.Y("set:N", title=None, sort=sets, axis=None)
    reach = fixed([0, *expected["high"], *printed["gain"]])
    across = alt.X("gain:Q", title="gain in accuracy", scale=alt.Scale(domain=reach), axis=alt.Axis(format=".1%"))
    alone = alt.Chart(expected).transform_filter("datum.changed == levels[answers]")
    said = {"95 % of choices gain": "format(datum.low, '.2%') + ' to ' + format(datum.high, '.2%')"}
    band = alone.mark_bar(height=16, color=NEUTRAL, opacity=0.55).encode(
        alt.X("low:Q", title="gain in accuracy"),
        rows,
        x2="high:Q",
        tooltip=hint(said, "datum.set + ', by choice alone'"),
    )
    mean = alone.mark_tick(color=NEUTRAL, thickness=3, size=22).encode(alt.X("mean:Q"), rows)
    dots = (
        alt.Chart(printed)
        .mark_point(filled=True, size=130, shape="diamond", color=KIND_COLOURS[0], opacity=1)
        .encode(across, rows, tooltip=hint({"gain": "format(datum.gain, '.2%')"}, "datum.set + ', as printed'"))
    )
    named = alt.Chart(printed).mark_text(align="left", dx=2, dy=-16, fontWeight="bold")
    names = named.encode(alt.X(datum=0, type="quantitative"), rows, text="set:N")
    legend = [
        caption("'◆ as printed'", alt.value(0), alt.value(-12), align="left", color=KIND_COLOURS[0]),
        caption("'■ by choice alone'", alt.value(130), alt.value(-12), align="left", color=NEUTRAL),
    ]
    chart: alt.LayerChart = (
        alt.layer(band, mean, dots, names, *legend)
        .add_params(*params)
        .properties(
            width=480,
            height=50 * len(sets),
            description=f"For {', '.join(sets)}: a diamond is the gain that the paper prints, a grey bar what choosing "
            "the best of forty settings gains where none is better than any other; a slider sets how many answers "
            "change from one end of the settings to the other.",
        )
    )
    return chart


def mixed_search(table: pd.DataFrame, asked: tuple[str, str] = ("text", "image")) -> alt.ConcatChart:
    """Search in a gallery of both modalities: a slider sets the share that is of the query's own modality.

    `table` has `way`, `share`, `recall` and `rank`. Left the recall of every way at that share, with its median rank;
    right all shares at once, with a rule at the chosen one.
    """
    ways, shares = list(dict.fromkeys(table["way"])), sorted(set(table["share"]))
    own, other = asked
    params = [
        slider("mixture", min(2, len(shares) - 1), 0, len(shares) - 1, 1, f"share of {own}s"),
        words("mixture", f"format(shares[mixture], '.0%') + ' of the gallery are {own}s'"),
        alt.param("shares", value=shares),
    ]
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1)
    scale = alt.Scale(domain=ways, range=COLOURS[: len(ways)])
    colour = alt.Color("way:N", title=None, scale=scale, legend=None)
    now = alt.Chart(table).transform_filter("datum.share == shares[mixture]")
    rows = alt.Y("way:N", title=None, sort=ways, axis=None)
    reach = alt.Scale(domain=[0, 1], nice=False)
    said = {"R@10": "format(datum.recall, '.1%')", "median rank": "format(datum.rank, '.3~g')"}
    bars = now.mark_bar(height=12, yOffset=8).encode(
        alt.X("recall:Q", title=f"{other}s found among the first ten", scale=reach, axis=alt.Axis(format=".0%")),
        rows,
        colour,
        tooltip=hint(said, "datum.way"),
    )
    said_of = "datum.way + ': ' + format(datum.recall, '.0%') + ', rank ' + format(datum.rank, '.3~g')"
    named = now.transform_calculate(words=said_of).mark_text(align="left", dx=2, dy=-8, fontWeight="bold")
    places = named.encode(alt.X(datum=0, type="quantitative"), rows, text="words:N")
    left = alt.layer(bars, places).properties(width=380, height=40 * len(ways))
    across = alt.X(
        "share:Q",
        title=f"share of {own}s in the gallery",
        scale=alt.Scale(domain=fixed(shares, 0.02), nice=False),
        axis=alt.Axis(format=".0%"),
    )
    height = alt.Y("recall:Q", title=None, scale=reach, axis=alt.Axis(format=".0%"))
    params_of_lines, strong = emphasis("way")
    dash = alt.StrokeDash("way:N", title=None, scale=alt.Scale(domain=ways, range=STROKES[: len(ways)]), legend=legend)
    lines = (
        alt.Chart(table)
        .mark_line()
        .encode(
            across,
            height,
            alt.Color("way:N", title=None, scale=scale, legend=legend),
            dash,
            opacity=alt.condition(strong, alt.value(1), alt.value(0.18)),
        )
        .properties(name="mixed_lines")
        .add_params(*params_of_lines)
    )
    rule = now.transform_filter(f"datum.way == '{ways[0]}'").mark_rule(color=NEUTRAL, strokeDash=[3, 3])
    named = caption("'R@10'", alt.value(0), alt.value(-10), align="left", fontSize=13)
    right = alt.layer(rule.encode(alt.X("share:Q")), lines, named).properties(width=330, height=40 * len(ways))
    chart: alt.ConcatChart = (
        alt.concat(left, right, columns=2)
        .resolve_scale(color="independent", strokeDash="independent")
        .add_params(*params)
        .properties(
            description=f"Left: bars of the recall at ten of {', '.join(ways)}, with median ranks. Right: recall "
            f"against the share of {own}s in the gallery, a line each. A slider sets the share."
        )
    )
    return runtime(chart, play=["mixture"])
