"""Charts of trainings: gap, recall and clouds over the steps, at each temperature (chapter 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import (
    ALONG_AND_ACROSS,
    ONE_ROW,
    TEMPERATURE_TICKS,
    caption,
    pair_layers,
    radio,
    slider,
)
from mindgap.charts.theme import KIND_COLOURS, NEUTRAL

STEP_SCALE = alt.Scale(type="symlog", constant=1, nice=False)  # step 0 has a place, and later ones are on a log axis
STEP_TICKS = [0, 1, 3, 10, 30, 100, 300, 1000]


def _colour(kinds: Sequence[str], title: str, legend: bool = True) -> alt.Color:
    """Temperatures by the page's scale, which is light in dark mode; other kinds in colours of their own."""
    shown = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, columns=6) if legend else None
    if all(kind[0].isdigit() for kind in kinds):
        return alt.Color("kind:O", title=title, scale=alt.Scale(domain=list(kinds)), legend=shown)
    return alt.Color(
        "kind:N", title=title, scale=alt.Scale(domain=list(kinds), range=KIND_COLOURS[: len(kinds)]), legend=shown
    )


def training_scrubber(history: pd.DataFrame, clouds: pd.DataFrame) -> alt.ConcatChart:
    """Two clouds during training, beside the gap over the steps; a slider scrubs, a menu chooses the training.

    `history` has `kind` (a temperature, or another word for what is varied), `seed`, `step` and `gap`. `clouds` has
    `kind`, `step` and the pairs of one seed, along the gap of the moment and across it: `x`, `y` (images), `x2`, `y2`
    (texts). Lines are means over seeds, bands reach from the least to the most.
    """
    kinds, steps = list(dict.fromkeys(clouds["kind"])), sorted({int(step) for step in clouds["step"]})
    params = [
        radio("kind_", kinds, "temperature τ"),
        slider("training_step", len(steps) - 1, 0, len(steps) - 1, 1, "training"),
        alt.param("steps", value=steps),
    ]
    now = "steps[training_step]"
    base = alt.Chart(clouds).transform_filter(f"datum.kind == kind_ && datum.step == {now}")
    curves = _curves(history, "gap", "gap distance", strong="datum.kind == kind_")
    gaps = alt.layer(_marker(now), *curves).properties(name="equal_frame", width=380, height=323)
    chart: alt.ConcatChart = (
        alt.concat(_cloud(base, f"'after ' + {now} + ' steps'"), gaps, columns=2)
        .resolve_scale(color="independent")
        .add_params(*params)
        .properties(
            description="Left: image and text embeddings of a small CLIP during training, along the gap and across it. "
            f"Right: the gap distance over the steps for {len(kinds)} temperatures, with a marker at the chosen step."
        )
    )
    return chart


def training_view(history: pd.DataFrame, cloud: pd.DataFrame, step: int) -> alt.ConcatChart:
    """One look at a training: its clouds, and gap and recall of this run and of others over the steps.

    `history` has `kind` (a run's name), `step`, `gap` and `recall`; `cloud` is as in `training_scrubber`.
    """
    history = history.assign(seed=0)
    panels = [
        alt.layer(_marker(str(step)), *_curves(history, "gap", "gap distance", "run")),
        alt.layer(_marker(str(step)), *_curves(history, "recall", "R@1, image to text", "run", legend=False)),
    ]
    charts: list[Any] = [panel.properties(width=300, height=255) for panel in panels]
    chart: alt.ConcatChart = (
        alt.concat(_cloud(alt.Chart(cloud), f"'after {step} steps'"), *charts, columns=2)
        .resolve_scale(color="independent")
        .properties(
            description=f"The two clouds after {step} steps, and gap and recall of {history['kind'].nunique()} runs."
        )
    )
    return chart


def _cloud(base: alt.Chart, words: str) -> alt.LayerChart:
    """Pairs along the gap and across it, on scales that stand still."""
    note = caption(words, alt.value(4), alt.value(8), align="left", fontSize=13, color=NEUTRAL)
    layers = pair_layers(base, alt.value(0.2), ALONG_AND_ACROSS)
    chart: alt.LayerChart = alt.layer(*layers, note).properties(name="equal_axes", width=380, height=323)
    return chart


def _marker(step: str) -> alt.Chart:
    """A line at a step, which is an expression."""
    marker: alt.Chart = (
        alt.Chart(ONE_ROW)
        .transform_calculate(step=step)
        .mark_rule(strokeDash=[4, 4], color=NEUTRAL, strokeWidth=1.5)
        .encode(alt.X("step:Q", scale=STEP_SCALE))
    )
    return marker


def training_curves(history: pd.DataFrame, columns: dict[str, str], title: str = "temperature τ") -> alt.ConcatChart:
    """Measures over the steps of training: a line a kind, the mean over seeds, with a band from least to most.

    `history` has `kind`, `seed`, `step` and a column a measure; `columns` maps those to axis titles.
    """
    panels: list[Any] = [
        alt.layer(*_curves(history, column, name, title, legend=column == next(iter(columns)))).properties(
            width=380, height=280
        )
        for column, name in columns.items()
    ]
    kinds = ", ".join(dict.fromkeys(map(str, history["kind"])))
    chart: alt.ConcatChart = (
        alt.concat(*panels, columns=2)
        .resolve_scale(color="independent")
        .properties(
            description=f"Line charts of {', '.join(columns.values())} over the steps of training, for {kinds}."
        )
    )
    return chart


def _curves(
    history: pd.DataFrame,
    column: str,
    name: str,
    title: str = "temperature τ",
    legend: bool = True,
    strong: str = "true",
) -> tuple[alt.Chart, alt.Chart]:
    """Band and line of one measure; kinds for which the expression `strong` does not hold are faint."""
    kinds = list(dict.fromkeys(history["kind"]))
    table = history.groupby(["kind", "step"], sort=False)[column].agg(["mean", "min", "max"]).reset_index()
    x = alt.X("step:Q", title="step of training", scale=STEP_SCALE, axis=alt.Axis(values=STEP_TICKS, format="d"))
    low, mean = (alt.Y(f"{part}:Q", title=name, scale=alt.Scale(zero=True)) for part in ("min", "mean"))
    base = alt.Chart(table).encode(x, _colour(kinds, title, legend))
    band = base.mark_area().encode(low, y2="max:Q", opacity=alt.condition(strong, alt.value(0.25), alt.value(0.07)))
    return band, base.mark_line().encode(mean, opacity=alt.condition(strong, alt.value(1), alt.value(0.4)))


def gap_at_recall(history: pd.DataFrame) -> alt.LayerChart:
    """The path of every training through gap and recall; `history` has `kind`, `seed`, `step`, `recall` and `gap`."""
    kinds = list(dict.fromkeys(history["kind"]))
    colour = _colour(kinds, "temperature τ")
    x = alt.X("recall:Q", title="R@1, image to text", scale=alt.Scale(zero=True))
    y = alt.Y("gap:Q", title="gap distance", scale=alt.Scale(zero=True))
    base = alt.Chart(history[["kind", "seed", "step", "recall", "gap"]]).encode(x, y, colour)
    path = base.mark_line(opacity=0.8, strokeWidth=1.6).encode(detail="seed:N", order="step:Q")
    dots = base.mark_circle(size=30, opacity=0.9)
    chart: alt.LayerChart = alt.layer(path, dots).properties(
        width=600,
        height=340,
        description="Paths of trainings at several temperatures: gap distance against R@1, from the first step at the "
        "upper left to the last at the right.",
    )
    return chart


def measured_by(table: pd.DataFrame, by: str, title: str, columns: dict[str, str]) -> alt.ConcatChart:
    """Measures after training against what was varied: a dot a seed, a line through the means, a colour a kind.

    `table` has `kind`, `seed`, the column `by` and a column a measure; `title` is the title of the shared axis, and
    `columns` maps measures to those of theirs. Numbers that are all positive, as temperatures, have a log axis.
    """
    table = table[["kind", by, "seed", *columns]]
    kinds = list(dict.fromkeys(table["kind"]))
    colours = alt.Scale(domain=kinds, range=KIND_COLOURS[: len(kinds)])
    log = bool((table[by] > 0).all())
    x = alt.X(
        f"{by}:Q",
        title=title,
        scale=alt.Scale(type="log" if log else "linear", nice=False, padding=12),
        axis=alt.Axis(values=TEMPERATURE_TICKS, format="~g") if log else alt.Axis(format="~g"),
    )
    panels: list[Any] = []
    for column, name in columns.items():
        legend = None if panels else alt.Legend(symbolOpacity=1, labelLimit=300)
        y = alt.Y(f"{column}:Q", title=name, scale=alt.Scale(zero=True))
        base = alt.Chart(table).encode(x, alt.Color("kind:N", title=None, scale=colours, legend=legend))
        line = base.mark_line().encode(alt.Y(f"mean({column}):Q", title=name))
        panels.append(
            alt.layer(line, base.mark_circle(size=45, opacity=0.7).encode(y)).properties(width=380, height=280)
        )
    chart: alt.ConcatChart = (
        alt.concat(*panels, columns=2)
        .resolve_scale(color="independent")
        .properties(
            description=f"Dots and lines of {', '.join(columns.values())} against the {title}, for {', '.join(kinds)}."
        )
    )
    return chart
