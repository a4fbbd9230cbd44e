"""Charts of training runs: gap, recall and clouds over the steps, at each temperature (chapter 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import (
    ALONG_AND_ACROSS,
    ONE_ROW,
    TEMPERATURE_AXIS,
    caption,
    emphasis,
    hint,
    marking,
    names_above,
    pair_layers,
    radio,
    reach,
    runtime,
    shapes,
    slider,
    words,
)
from mindgap.charts.theme import DASHES, KIND_COLOURS, NEUTRAL

STEP_SCALE = alt.Scale(type="symlog", constant=1, nice=False)  # step 0 has a place, and later ones are on a log axis
STEP_TICKS = [0, 1, 3, 10, 30, 100, 300, 1000, 3000]
FAINT = 0.18  # of a curve while another one stands out
WIDTH, HEIGHT = 380, 323


def _colour(kinds: Sequence[str], title: str | None, legend: bool = True) -> alt.Color:
    """Temperatures by the page's scale, which is light in dark mode; other kinds in colours of their own."""
    shown = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1) if legend else None
    if all(kind[0].isdigit() for kind in kinds):
        return alt.Color("kind:O", title=title, scale=alt.Scale(domain=list(kinds)), legend=shown)
    return alt.Color(
        "kind:N", title=title, scale=alt.Scale(domain=list(kinds), range=KIND_COLOURS[: len(kinds)]), legend=shown
    )


def _dash(kinds: Sequence[str], title: str | None, legend: bool = True) -> alt.StrokeDash:
    """The same kinds for whoever cannot tell colours apart, in the same legend."""
    kind = "kind:O" if all(kind[0].isdigit() for kind in kinds) else "kind:N"
    shown = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1) if legend else None
    scale = alt.Scale(domain=list(kinds), range=DASHES[: len(kinds)])
    return alt.StrokeDash(kind, title=title, scale=scale, legend=shown)


def training_scrubber(
    history: pd.DataFrame, clouds: pd.DataFrame, drawn: pd.DataFrame | None = None
) -> alt.ConcatChart:
    """Two clouds during training, beside the gap over the steps; a slider scrubs from the start, a menu chooses a run.

    `history` has `kind` (a temperature, or another word for what is varied), `seed`, `step` and `gap`. `clouds` has
    `kind`, `step` and the pairs of one seed, along the gap of the moment and across it: `x`, `y` (images), `x2`, `y2`
    (texts), the same pairs in the same order at each step; points say the `cosine` of their pair, where there is such a
    column. Lines are means over seeds, bands reach from the least to the most. `drawn` has a `picture` (an address) and
    a `caption` for each pair.
    """
    kinds, steps = list(dict.fromkeys(clouds["kind"])), sorted({int(step) for step in clouds["step"]})
    tracks = _tracks(clouds)
    count = int(tracks["pair"].max()) + 1
    said = " + ', ' + drawn_scenes[marked].caption" if drawn is not None else ""
    params = [
        radio("kind_", kinds, "temperature τ"),
        slider("training_step", 0, 0, len(steps) - 1, 1, "training"),
        words("training_step", "'step ' + steps[training_step]"),
        *marking(count, said),
        alt.param("steps", value=steps),
    ]
    if drawn is not None:
        params.append(alt.param("drawn_scenes", value=drawn[["picture", "caption"]].head(count).to_dict("records")))
    now = "steps[training_step]"
    # A row is the whole track of a pair: a step moves the marks that are there, and none is made anew.
    base = alt.Chart(tracks).transform_filter("datum.kind == kind_")
    moves = {name: f"datum.{name}_at[training_step]" for name in ("x", "y", "x2", "y2")}
    said = _pair_hint(clouds, "drawn_scenes[datum.pair]" if drawn is not None else "", "datum.cosine_at[training_step]")
    across = reach(pd.concat([clouds["y"], clouds["y2"]]))
    cloud = _cloud(base, f"'after ' + {now} + ' steps'", across, said, marked=True, moves=moves)
    curves = _curves(history, "gap", "gap distance", chosen="datum.kind == kind_", dots=False)
    gaps = alt.layer(_marker(now), *curves).properties(name="equal_frame", width=WIDTH, height=round(WIDTH * across))
    chart: alt.ConcatChart = (
        alt.concat(cloud, gaps, columns=2)
        .resolve_scale(color="independent", strokeDash="independent")
        .add_params(*params)
        .properties(
            description="Left: image and text embeddings of a small CLIP during training, along the gap and across it. "
            f"Right: the gap distance over the steps for {len(kinds)} temperatures, with a marker at the chosen step."
        )
    )
    return runtime(chart, play=["training_step"], numbers="data-2")


def _tracked(clouds: pd.DataFrame) -> list[str]:
    """The columns that follow a pair through the steps."""
    return [name for name in ("x", "y", "x2", "y2", "cosine") if name in clouds]


def _pair_hint(cloud: pd.DataFrame, scene: str = "", cosine: str = "datum.cosine") -> Any:
    """What a point says of its pair; `scene` is the expression of its picture and caption, `cosine` of its cosine."""
    lines = {"cosine of the pair": f"format({cosine}, '.2f')"} if "cosine" in cloud else {}
    return hint(lines, "'pair ' + datum.pair", scene)


def _tracks(clouds: pd.DataFrame) -> pd.DataFrame:
    """A row a pair of each kind, with where it is at all steps, in order, as lists: x_at, y_at, x2_at, y2_at, …."""
    ordered = clouds.sort_values("step", kind="stable")
    ordered = ordered.assign(pair=ordered.groupby(["kind", "step"], sort=False).cumcount())
    kinds = {kind: number for number, kind in enumerate(dict.fromkeys(clouds["kind"]))}
    tracks = ordered.groupby(["kind", "pair"], sort=False)[_tracked(clouds)].agg(list).add_suffix("_at").reset_index()
    return tracks.sort_values("kind", key=lambda kind: kind.map(kinds), kind="stable", ignore_index=True)


def training_view(history: pd.DataFrame, cloud: pd.DataFrame, step: int) -> alt.ConcatChart:
    """A training at one step: its clouds, and gap and recall of this run and of others over the steps.

    `history` has `kind` (a run's name), `step`, `gap` and `recall`; `cloud` is as in `training_scrubber`.
    """
    history = history.assign(seed=0)
    cloud = cloud.assign(pair=range(len(cloud)))
    panels = [
        alt.layer(_marker("shown_step"), *_curves(history, "gap", "gap distance", "run")),
        alt.layer(_marker("shown_step"), *_curves(history, "recall", "R@1, image to text", "run", legend=False)),
    ]
    charts: list[Any] = [panel.properties(width=300, height=255) for panel in panels]
    across = reach(pd.concat([cloud["y"], cloud["y2"]]))
    scene = _cloud(alt.Chart(cloud), "'after ' + shown_step + ' steps'", across, _pair_hint(cloud))
    chart: alt.ConcatChart = (
        alt.concat(scene, *charts, columns=2)
        .resolve_scale(color="independent", strokeDash="independent")
        .add_params(alt.param("shown_step", value=step))
        .properties(description=f"The two clouds, and gap and recall of {history['kind'].nunique()} runs.")
    )
    return chart


def _cloud(base: alt.Chart, said: str, across: float, tooltip: Any, **options: Any) -> alt.LayerChart:
    """Pairs along the gap and across it, on scales that stand still and cut no pair."""
    note = caption(said, alt.value(4), alt.value(10), align="left", fontSize=13, color=NEUTRAL)
    layers = pair_layers(base, alt.value(0.4), ALONG_AND_ACROSS, across, tooltip, **options)
    chart: alt.LayerChart = alt.layer(*layers, note, *names_above("'images'", "'texts'")).properties(
        name="equal_axes", width=WIDTH, height=round(WIDTH * across)
    )
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

    `history` has `kind`, `seed`, `step` and a column a measure; `columns` maps those to axis titles. A kind stands out
    in all panels while the pointer is on one of its points, and when its entry in the legend is clicked.
    """
    first = next(iter(columns))
    panels: list[Any] = [
        alt.layer(*_curves(history, column, name, title, legend=column == first)).properties(width=WIDTH, height=280)
        for column, name in columns.items()
    ]
    kinds = ", ".join(dict.fromkeys(map(str, history["kind"])))
    chart: alt.ConcatChart = (
        alt.concat(*panels, columns=2)
        .resolve_scale(color="independent", strokeDash="independent")
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
    chosen: str = "",
    dots: bool = True,
) -> list[alt.Chart]:
    """Band, line and points of one measure; kinds that do not stand out are faint.

    The expression `chosen` says which do; without it the pointer and the legend of the first panel do.
    """
    kinds = list(dict.fromkeys(history["kind"]))
    table = history.groupby(["kind", "step"], sort=False)[column].agg(["mean", "min", "max"]).reset_index()
    x = alt.X("step:Q", title="step of training", scale=STEP_SCALE, axis=alt.Axis(values=STEP_TICKS, format="d"))
    low, mean = (alt.Y(f"{part}:Q", title=name, scale=alt.Scale(zero=True)) for part in ("min", "mean"))
    params, strong = ([], chosen) if chosen else emphasis("kind")
    base = alt.Chart(table).encode(x, _colour(kinds, title, legend))
    band = base.mark_area().encode(low, y2="max:Q", opacity=alt.condition(strong, alt.value(0.25), alt.value(0.06)))
    line = base.mark_line().encode(
        mean, _dash(kinds, title, legend), opacity=alt.condition(strong, alt.value(1), alt.value(2 * FAINT))
    )
    if legend and params:
        line = line.properties(name=f"{column}_lines").add_params(*params)
    if not dots:
        return [band, line]
    lines = {
        name: "format(datum.mean, '.3f')",
        "over seeds": "format(datum.min, '.3f') + ' to ' + format(datum.max, '.3f')",
    }
    points = base.mark_point(filled=True, size=34).encode(
        mean,
        shape=shapes("kind", kinds),
        opacity=alt.condition(strong, alt.value(1), alt.value(FAINT)),
        tooltip=hint(lines, "datum.kind + ', step ' + datum.step"),
    )
    return [band, line, points]


def gap_at_recall(history: pd.DataFrame) -> alt.LayerChart:
    """The path of every run through gap and recall; `history` has `kind`, `seed`, `step`, `recall` and `gap`.

    All paths of a kind stand out when a menu, the legend or the pointer chooses it.
    """
    kinds = list(dict.fromkeys(history["kind"]))
    x = alt.X("recall:Q", title="R@1, image to text", scale=alt.Scale(zero=True))
    y = alt.Y("gap:Q", title="gap distance", scale=alt.Scale(zero=True))
    params, lit = emphasis("kind")
    choice = radio("shown", ["all", *kinds], "stands out")
    strong = f"(shown == 'all' || datum.kind == shown) && ({lit})"
    table = history[["kind", "seed", "step", "recall", "gap"]]
    base = alt.Chart(table).encode(x, y, _colour(kinds, "temperature τ"))
    opacity = alt.condition(strong, alt.value(0.9), alt.value(0.12))
    path = (
        base.mark_line(strokeWidth=1.8)
        .encode(_dash(kinds, "temperature τ"), detail="seed:N", order="step:Q", opacity=opacity)
        .properties(name="paths")
        .add_params(*params)
    )
    lines = {"step": "datum.step", "recall": "format(datum.recall, '.3f')", "gap": "format(datum.gap, '.3f')"}
    dots = base.mark_point(filled=True, size=30).encode(
        shape=shapes("kind", kinds),
        opacity=opacity,
        tooltip=hint(lines, "datum.kind + ', seed ' + datum.seed"),
    )
    chart: alt.LayerChart = (
        alt.layer(path, dots)
        .add_params(choice)
        .properties(
            width=600,
            height=340,
            description="Paths of training runs at several temperatures: gap distance against R@1, from the first step "
            "at the upper left to the last at the right. A menu makes the paths of one temperature stand out.",
        )
    )
    return chart


def measured_by(table: pd.DataFrame, by: str, title: str, columns: dict[str, str]) -> alt.ConcatChart:
    """Measures after training against what was varied: a dot a seed, a line through the means, a colour a kind.

    `table` has `kind`, `seed`, the column `by` and a column a measure; `title` is the title of the shared axis, and
    `columns` maps measures to those of theirs. Numbers that are all positive, as temperatures, have a log axis.
    """
    table = table[["kind", by, "seed", *columns]]
    kinds = list(dict.fromkeys(table["kind"]))
    log = bool((table[by] > 0).all())
    x = alt.X(
        f"{by}:Q",
        title=title,
        scale=alt.Scale(type="log" if log else "linear", nice=False, padding=12),
        axis=alt.Axis(**TEMPERATURE_AXIS) if by == "temperature" else alt.Axis(format=".3~g"),
    )
    params, strong = emphasis("kind")
    opacity = alt.condition(strong, alt.value(1), alt.value(FAINT))
    panels: list[Any] = []
    for column, name in columns.items():
        legend = None if panels else alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1)
        scale = alt.Scale(domain=kinds, range=KIND_COLOURS[: len(kinds)])
        dashes = alt.Scale(domain=kinds, range=DASHES[: len(kinds)])
        y = alt.Y(f"{column}:Q", title=name, scale=alt.Scale(zero=True))
        base = alt.Chart(table).encode(x, alt.Color("kind:N", title=None, scale=scale, legend=legend), opacity=opacity)
        line = base.mark_line().encode(
            alt.Y(f"mean({column}):Q", title=name),
            alt.StrokeDash("kind:N", title=None, scale=dashes, legend=legend),
        )
        dots = base.mark_point(filled=True, size=45).encode(
            y,
            shape=shapes("kind", kinds),
            tooltip=hint(
                {title: f"datum['{by}']", name: f"format(datum['{column}'], '.3f')"},
                "datum.kind + ', seed ' + datum.seed",
            ),
        )
        if not panels:
            line = line.properties(name=f"{column}_lines").add_params(*params)
        panels.append(alt.layer(line, dots).properties(width=WIDTH, height=280))
    chart: alt.ConcatChart = (
        alt.concat(*panels, columns=2)
        .resolve_scale(color="independent", strokeDash="independent")
        .properties(
            description=f"Dots and lines of {', '.join(columns.values())} against the {title}, for {', '.join(kinds)}."
        )
    )
    return chart
