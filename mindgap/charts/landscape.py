"""Charts of the loss over the shift, and of the clouds that it moves (index and chapter 4)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import altair as alt
import pandas as pd

from mindgap.charts._parts import (
    ALONG_AND_ACROSS,
    ONE_ROW,
    WIDE,
    caption,
    fixed,
    hint,
    marking,
    names_above,
    pair_layers,
    radio,
    reach,
    runtime,
    slider,
)
from mindgap.charts.theme import ACCENT, HUES, NEUTRAL
from mindgap.geometry import ShiftPath
from mindgap.landscape import Landscape

DIRECTIONS = {"both": "both", "image→text": "image_to_text", "text→image": "text_to_image"}
"""The directions of the loss as charts name them, and as `Landscape` does."""

LANDMARKS = {
    "global minimum": ("circle", ACCENT),
    "barrier": ("triangle-up", NEUTRAL),
    "back to back": ("diamond", HUES["green"]),
}
DIRECTIONAL = ("image_to_text", "text_to_image")
AIR = 0.08  # above and below the curves
ONE_AXIS, OWN_AXIS = "the same for all", "fitted to the curve"
LINE = 17  # pixels from one line above the frame to the next
LOSS_EXPRESSION = (
    "direction == 'both' ? (datum.image_to_text + datum.text_to_image)/2 : "
    "direction == 'image→text' ? datum.image_to_text : datum.text_to_image"
)


def temperature_label(temperature: float) -> str:
    """A temperature as people write it: 1/100, 1/50, …, 1, 10."""
    inverse = 1 / temperature
    if inverse < 1.0001:
        return f"{temperature:.3g}"
    return f"1/{inverse:.3g}" if inverse < 999.5 else f"1/{inverse:.0f}"


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """A landscape's tidy table with the temperatures as labels, in a column `tau`, for charts and menus."""
    columns = {"shift": frame["shift"].round(6), "tau": [temperature_label(t) for t in frame["temperature"]]}
    return frame.drop(columns="temperature").assign(**columns)


def landscape_curves(curves: pd.DataFrame, marks: pd.DataFrame) -> alt.LayerChart:
    """Loss against signed distance, a line a temperature, with menus for the embeddings, the direction and the batch.

    `curves` has `set`, `batch`, `tau`, `shift`, `distance`, `image_to_text`, `text_to_image`; `marks` has `set`,
    `batch`, `tau`, `direction`, `kind` ("global minimum", "barrier" or "back to back"), `distance`, `loss` and `below`
    (by how much the loss is less than that of no shift).

    The distance falls from left to right, so that λ grows as everywhere. One loss axis holds for all that the menus
    choose, from 0 on, and shallow looks shallow; a menu fits it to the curve instead. The first set and batch stays in
    grey. Landmarks are named above the frame, where no curve runs.
    """
    sets, batches, taus = (list(dict.fromkeys(curves[column])) for column in ("set", "batch", "tau"))
    choices = {
        "set": ("embeddings", sets),
        "tau": ("temperature τ", taus),
        "direction": ("direction", list(DIRECTIONS)),
        "batch": ("batch", batches),
        "axis": ("loss axis", [ONE_AXIS, OWN_AXIS]),
    }
    params = [radio(name, options, title) for name, (title, options) in choices.items()]
    params.append(alt.param("ranges", value=_ranges(curves)))
    params.append(alt.param("common", value=[0, _range(curves)[1]]))
    range_of = f"(axis == {json.dumps(ONE_AXIS)} ? common : ranges[tau][set + ', ' + batch])"
    base = (
        alt.Chart(curves)
        .transform_filter("datum.tau == tau")
        .transform_filter("datum.set == set && datum.batch == batch")
        .transform_calculate(loss=LOSS_EXPRESSION)
    )
    y = alt.Y(
        "loss:Q",
        title="contrastive loss",
        scale=alt.Scale(domain=[alt.ExprRef(f"{range_of}[{end}]") for end in (0, 1)], nice=False, zero=False),
        axis=alt.Axis(minExtent=WIDE, format=".4~g"),
    )
    x = alt.X(
        "distance:Q",
        title="signed distance of the means, λ →",
        scale=alt.Scale(domain=[-2, 2], reverse=True),
    )
    # The colours of the page's range, which are light in dark mode.
    colour = alt.Color("tau:O", scale=alt.Scale(domain=taus), legend=None)
    line = base.mark_line().encode(x, y, colour, order="shift:Q")
    first = f"set == {json.dumps(sets[0])} && batch == {json.dumps(batches[0])} && direction == 'both'"
    other = (
        alt.Chart(curves)
        .transform_filter("datum.tau == tau")
        .transform_filter(
            f"!({first}) && datum.set == {json.dumps(sets[0])} && datum.batch == {json.dumps(batches[0])}"
        )
        .transform_calculate(first_loss="(datum.image_to_text + datum.text_to_image)/2")
    )
    reference = other.mark_line(color=NEUTRAL, strokeWidth=1.4, strokeDash=[4, 3], clip=True).encode(
        x, alt.Y("first_loss:Q"), order="shift:Q"
    )
    kinds = [kind for kind in LANDMARKS if kind in set(marks["kind"])]
    top = -9 - LINE * len(kinds)
    start = sets[0] if len(sets) > 1 else f"both directions, {batches[0]}"
    named = caption(
        json.dumps(f"grey: {start}"),
        alt.value(0),
        alt.value(top),
        other.transform_aggregate(rows="count()").transform_filter(
            f"datum.rows > 0 && axis == {json.dumps(ONE_AXIS)}"  # on another axis it may lie outside the frame
        ),
        align="left",
        color=NEUTRAL,
    )
    # The lines above the frame are kept free from the start: Vega makes no room for what appears later.
    reserved = caption("'grey'", alt.value(0), alt.value(top), align="left", opacity=0)
    dots = (
        alt.Chart(marks)
        .transform_filter("datum.tau == tau")
        .transform_filter("datum.set == set && datum.batch == batch && datum.direction == direction")
    )
    shape = alt.Shape(
        "kind:N", scale=alt.Scale(domain=kinds, range=[LANDMARKS[kind][0] for kind in kinds]), legend=None
    )
    own = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[LANDMARKS[kind][1] for kind in kinds]), legend=None)
    point = dots.mark_point(filled=True, size=110, opacity=1).encode(
        x="distance:Q",
        y="loss:Q",
        shape=shape,
        color=own,
        tooltip=hint({"loss": "format(datum.loss, '.3f')", "distance": "format(datum.distance, '.2f')"}, "datum.kind"),
    )
    said = (
        "(datum.kind == 'global minimum' ? 'least' : datum.kind) + ': ' + format(datum.loss, '.2f') + ' at '"
        " + format(datum.distance, '.2f') + (datum.kind == 'global minimum' && datum.below > 0.0005 ?"
        " ', saves ' + format(datum.below, '.3f') : '')"
    )
    key: list[alt.Chart] = []
    for place, kind in enumerate(kinds):
        here, height = dots.transform_filter(f"datum.kind == {json.dumps(kind)}"), -9 - LINE * (len(kinds) - 1 - place)
        sign = here.mark_point(filled=True, size=80, opacity=1)
        key.append(sign.encode(x=alt.value(6), y=alt.value(height), shape=shape, color=own))
        key.append(caption(said, alt.value(17), alt.value(height), here, align="left", fontWeight="normal"))
    no_gap = alt.Chart(ONE_ROW).mark_rule(strokeDash=[4, 4], color=NEUTRAL).encode(x=alt.datum(0))
    chart: alt.LayerChart = runtime(
        alt.layer(no_gap, reference, line, point, *key, reserved, named)
        .resolve_scale(color="independent", shape="independent")
        .add_params(*params)
        .properties(
            width=600,
            height=340,
            description="The contrastive loss against the signed distance between the modality means, for a chosen "
            "set, temperature, direction and batch; least point, barrier and back-to-back minimum are marked.",
        ),
        numbers="data-1",
    )
    return chart


def direction_curves(curves: pd.DataFrame, least: pd.DataFrame, valley: tuple[float, float]) -> alt.ConcatChart:
    """The loss of each direction against signed distance: the whole curves, and large, what they do in the `valley`.

    `curves` has `direction`, `distance` and `loss`; `least` the same columns, the lowest point of each direction. The
    distance falls from left to right, as in `landscape_curves`; `valley` gives the distances where the large one ends.
    """
    directions = list(dict.fromkeys(curves["direction"]))
    looks = [(ACCENT, [1, 0]), (HUES["violet"], [7, 3]), (HUES["green"], [2, 2])][: len(directions)]
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, orient="top")
    colour = alt.Color(
        "direction:N", title=None, scale=alt.Scale(domain=directions, range=[look for look, _ in looks]), legend=legend
    )
    dash = alt.StrokeDash(
        "direction:N", title=None, scale=alt.Scale(domain=directions, range=[dash for _, dash in looks]), legend=legend
    )
    within = curves[curves["distance"].between(*valley)]
    ends = (float(curves["distance"].min()), float(curves["distance"].max()))
    views = []
    for name, distances, losses, width in [
        ("whole", ends, (0.0, fixed(curves["loss"])[1]), 310),
        ("valley", valley, fixed(within["loss"]), 290),
    ]:
        x = alt.X(
            "distance:Q",
            title="signed distance of the means",
            scale=alt.Scale(domain=list(distances), nice=False, reverse=True),
        )
        y = alt.Y(
            "loss:Q",
            title="contrastive loss" if name == "whole" else None,
            scale=alt.Scale(domain=list(losses), nice=False, zero=False),
        )
        line = alt.Chart(curves).mark_line(clip=True).encode(x, y, colour, dash, order="distance:Q")
        said = hint(
            {"loss": "format(datum.loss, '.3f')", "distance": "format(datum.distance, '.2f')"}, "datum.direction"
        )
        point = alt.Chart(least).mark_point(filled=True, size=90, opacity=1).encode(x, y, colour, tooltip=said)
        title = "the whole curves" if name == "whole" else "the valley, large"
        named = caption(f"'{title}'", alt.value(0), alt.value(-10), align="left", fontSize=13)
        views.append(alt.layer(line, point, named).properties(name=name, width=width, height=300))
    chart: alt.ConcatChart = alt.concat(*views, columns=2).properties(
        description="The contrastive loss against the signed distance of the modality means, for "
        f"{', '.join(directions)}: on the left the whole curves, on the right the valley, the lowest points marked."
    )
    return chart


def far_shifts(table: pd.DataFrame, chance: float) -> alt.ConcatChart:
    """Loss, recall and the spread of an image's cosines, far beyond the second valley.

    `table` has `shift` (from 0 on), `loss`, `recall` and `spread`; `chance` is the loss of guessing, a dashed line.
    """
    views = []
    for column, title in {
        "loss": "contrastive loss",
        "recall": "R@1",
        "spread": "spread of the cosines",
    }.items():
        x = alt.X(
            "shift:Q",
            title="shift λ",
            scale=alt.Scale(type="symlog", domain=[0, float(table["shift"].max())], nice=False),
            axis=alt.Axis(values=[0, 0.5, 1, 2, 5, 10, 20, 50], format=".2~f", labelOverlap=True),
        )
        y = alt.Y(
            f"{column}:Q",
            title=title,
            scale=alt.Scale(domain=[0, fixed(table[column])[1]], nice=False),
            axis=alt.Axis(minExtent=WIDE, format=".4~g", tickCount=6),
        )
        lines = {title: f"format(datum.{column}, '.3~f')"}
        curve = alt.Chart(table).mark_line(color=ACCENT).encode(x, y)
        dots = (
            alt.Chart(table)
            .mark_point(filled=True, color=ACCENT, size=30)
            .encode(x, y, tooltip=hint(lines, "'λ = ' + datum.shift"))
        )
        layers = [curve, dots]
        if column == "loss":
            layers.append(alt.Chart(ONE_ROW).mark_rule(strokeDash=[4, 4], color=NEUTRAL).encode(y=alt.datum(chance)))
        views.append(alt.layer(*layers).properties(width=150, height=210))
    chart: alt.ConcatChart = alt.concat(*views, columns=3).properties(
        description="Three curves against the shift, from 0 to far beyond the second valley: the contrastive loss with "
        "that of guessing as a dashed line, R@1, and the standard deviation of an image's cosines."
    )
    return chart


def _ranges(curves: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """For every temperature, set and batch the ends of the loss axis that fits the curves."""
    return {
        str(tau): {
            f"{name}, {batch}": list(_range(part))
            for (name, batch), part in at_tau.groupby(["set", "batch"], sort=False)
        }
        for tau, at_tau in curves.groupby("tau", sort=False)
    }


def _range(curves: pd.DataFrame) -> tuple[float, float]:
    return fixed((value for column in DIRECTIONAL for value in curves[column]), AIR)


def shift_explorer(
    path: ShiftPath,
    landscape: Landscape,
    modalities: Sequence[str] = ("image", "text"),
    pairs: int = 100,
    controls: Sequence[str] = ("shift", "temperature"),
    cosines: Sequence[float] | None = None,
    drawn: pd.DataFrame | None = None,
    ghost: bool = False,
    from_zero: bool = False,
) -> alt.ConcatChart:
    """Two clouds that a λ slider moves exactly, beside the loss curve with a marker at the same λ.

    `path` holds the points (the first `pairs` of them are drawn), `landscape` the loss at the slider's positions:
    its shifts must be evenly spaced. The chart has the parameters `shift`, `temperature` and `direction` ("both",
    "image→text" or "text→image"); those named in `controls` get an input in the page, the others are set from outside.
    "pair" among them adds a slider that marks a pair. `cosines` are those of the unshifted pairs, from which the page
    says what they are now; `drawn` has a `picture` (an address) and a `caption` for each pair. With `ghost` the curve
    of the parameters `temperature_before` and `direction_before` is drawn, too, in grey dashes. `from_zero` begins
    the loss axis at 0, and ends it at one height for all temperatures, so that a shallow valley looks shallow.
    """
    shifts = [round(float(s), 6) for s in landscape.shifts]
    labels = [temperature_label(float(t)) for t in landscape.temperatures]
    step = round(shifts[1] - shifts[0], 6)
    params = [
        slider("shift", 0.0, shifts[0], shifts[-1], step, "shift λ", bound="shift" in controls),
        radio("temperature", labels, "temperature τ", bound="temperature" in controls),
        radio("direction", list(DIRECTIONS), "direction", bound="direction" in controls),
    ]

    points = pd.DataFrame(
        {
            "u": path.x[:pairs, 0].cpu(), "v": path.x[:pairs, 1].cpu(), "a": path.x_along[:pairs].cpu(),
            "p": path.y[:pairs, 0].cpu(), "q": path.y[:pairs, 1].cpu(), "b": path.y_along[:pairs].cpu(),
        }
    )  # fmt: skip
    points = points.assign(pair=range(len(points)))
    if cosines is not None:
        points = points.assign(cosine=[float(value) for value in list(cosines)[:pairs]])
    # A coordinate that is zero but for rounding must be written as zero, on every processor.
    g1, g2, g = (round(float(value), 6) + 0.0 for value in (*path.gap[:2], path.squared_gap))
    moves = {
        "r": f"sqrt(1 - 2*shift*datum.a + shift*shift*{g:.5g})",
        "s": f"sqrt(1 + 2*shift*datum.b + shift*shift*{g:.5g})",
        "x": f"(datum.u - shift*{g1:.5g})/datum.r",
        "y": f"(datum.v - shift*{g2:.5g})/datum.r",
        "x2": f"(datum.p + shift*{g1:.5g})/datum.s",
        "y2": f"(datum.q + shift*{g2:.5g})/datum.s",
    }
    lines: dict[str, str] = {}
    if cosines is not None:
        now = f"(datum.cosine + shift*(datum.a - datum.b) - shift*shift*{g:.5g})/(datum.r*datum.s)"
        lines["cosine of the pair"] = f"format({now}, '.2f')"
    said = ""
    if drawn is not None:
        params.append(alt.param("drawn_scenes", value=drawn[["picture", "caption"]].head(pairs).to_dict("records")))
        said = " + ', ' + drawn_scenes[marked].caption"
    if marked := "pair" in controls:
        params += marking(len(points), said)
    edges = [point for s in shifts for rows in path.at(s) for point in rows[:pairs, 1].tolist()]
    across = reach(edges)
    layers = pair_layers(
        alt.Chart(points),
        alt.value(0.35),
        ALONG_AND_ACROSS,
        across,
        hint(lines, "'pair ' + datum.pair", "drawn_scenes[datum.pair]" if drawn is not None else ""),
        marked=marked,
        moves=moves,
    )
    cloud = alt.layer(*layers, *names_above(*(repr(name.rstrip("s") + "s") for name in modalities))).properties(
        name="equal_axes", width=380, height=round(380 * across)
    )

    frame = labelled(landscape.frame().drop(columns="loss"))
    ranges = {tau: _range(part) for tau, part in frame.groupby("tau", sort=False)}
    if from_zero:
        ranges = dict.fromkeys(ranges, (0.0, _range(frame)[1]))
    params.append(alt.param("ranges", value={tau: list(ends) for tau, ends in ranges.items()}))
    chosen = alt.Chart(frame).transform_filter("datum.tau == temperature").transform_calculate(loss=LOSS_EXPRESSION)
    ends = [shifts[0], shifts[-1]] if ghost else alt.Undefined  # where there is no ghost yet, that has no extent
    x = alt.X("shift:Q", title="shift λ", scale=alt.Scale(nice=False, domain=ends))
    y = alt.Y(
        "loss:Q",
        title="contrastive loss",
        scale=alt.Scale(domain=[alt.ExprRef(f"ranges[temperature][{end}]") for end in (0, 1)], nice=False, zero=False),
        axis=alt.Axis(minExtent=WIDE, format=".4~g"),
    )
    curve = chosen.mark_line(color=ACCENT if ghost else NEUTRAL).encode(x, y)
    here = chosen.transform_filter("abs(datum.shift - shift) < 1e-4").encode(x="shift:Q", y="loss:Q")
    marker = here.mark_point(filled=True, size=130, color=ACCENT, opacity=1)
    note = caption(
        "'loss ' + format(datum.loss, '.2f') + ', gap ' + format(abs(datum.distance), '.2f')",
        alt.value(0),
        alt.value(-9),  # above the frame, where no curve runs
        chosen.transform_filter("abs(datum.shift - shift) < 1e-4"),
        align="left",
        color=ACCENT,
    )
    before: list[alt.Chart] = []
    if ghost:
        params += [alt.param(f"{name}_before", value="") for name in ("temperature", "direction")]
        then = (
            alt.Chart(frame)
            .transform_filter("datum.tau == temperature_before")
            .transform_calculate(loss=LOSS_EXPRESSION.replace("direction", "direction_before"))
        )
        # On the axis of the curve that is chosen: where it lies elsewhere, it is cut off.
        before = [then.mark_line(color=NEUTRAL, strokeDash=[4, 3], strokeWidth=1.4, clip=True).encode(x, y)]
    loss = alt.layer(*before, curve, marker, note).properties(name="equal_frame", width=380, height=round(380 * across))
    chart: alt.ConcatChart = (
        alt.concat(cloud, loss, columns=2)
        .add_params(*params)
        .properties(
            description=f"Left: {pairs} {modalities[0]}-{modalities[1]} pairs along the gap and across it, moved by "
            "the shift slider. Right: the contrastive loss against the shift at the chosen temperature, with a marker."
        )
    )
    return runtime(chart, play=["shift"]) if "shift" in controls else chart
