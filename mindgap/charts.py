"""Charts of gaps and landscapes: they draw what they are given and compute nothing.

Every function returns an ordinary Altair chart. The sliders, menus and moving points are Vega expressions, so they
work on a page without a kernel. Call `enable()` once to have charts shown in the book's look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap._theme import IMAGE, NEUTRAL, TEMPERATURE, TEXT, enable
from mindgap.geometry import ShiftPath
from mindgap.landscape import Landscape

__all__ = ["IMAGE", "TEMPERATURE", "TEXT", "distance_axis", "enable", "gap_map", "landscape_curves", "measure_dots", "shift_explorer"]


def temperature_label(temperature: float) -> str:
    """A temperature as people write it: 1/100, 1/50, …, 1, 10."""
    inverse = 1 / temperature
    return f"1/{inverse:.3g}" if inverse > 1.0001 else f"{temperature:.3g}"


def shift_explorer(
    path: ShiftPath,
    landscape: Landscape,
    modalities: Sequence[str] = ("image", "text"),
    pairs: int = 150,
    value: float = 0.0,
    bind: bool = True,
) -> alt.ConcatChart:
    """Two clouds that a λ slider moves exactly, beside the loss curve with a marker at the same λ.

    `path` holds the points (the first `pairs` of them are drawn), `landscape` the loss at the slider's positions:
    its shifts must be evenly spaced. With `bind=False` there are no inputs; the parameters `shift` and
    `temperature` are then set from outside.
    """
    shifts = [round(float(s), 6) for s in landscape.shifts]
    labels = [temperature_label(float(t)) for t in landscape.temperatures]
    slider = alt.binding_range(min=shifts[0], max=shifts[-1], step=round(shifts[1] - shifts[0], 6), name="shift λ ")
    menu = alt.binding_radio(options=labels, name="temperature τ ")
    amount = alt.param("shift", value=value, **({"bind": slider} if bind else {}))
    temperature = alt.param("temperature", value=labels[0], **({"bind": menu} if bind else {}))

    points = pd.DataFrame(
        {
            "u": path.x[:pairs, 0].cpu(), "v": path.x[:pairs, 1].cpu(), "a": path.x_along[:pairs].cpu(),
            "p": path.y[:pairs, 0].cpu(), "q": path.y[:pairs, 1].cpu(), "b": path.y_along[:pairs].cpu(),
        }
    )  # fmt: skip
    g1, g2, g = float(path.gap[0]), float(path.gap[1]), path.squared_gap
    base = alt.Chart(points).transform_calculate(
        r=f"sqrt(1 - 2*shift*datum.a + shift*shift*{g:.5g})",
        s=f"sqrt(1 + 2*shift*datum.b + shift*shift*{g:.5g})",
        x=f"(datum.u - shift*{g1:.5g})/datum.r",
        y=f"(datum.v - shift*{g2:.5g})/datum.r",
        x2=f"(datum.p + shift*{g1:.5g})/datum.s",
        y2=f"(datum.q + shift*{g2:.5g})/datum.s",
    )
    # One domain for both axes: the middle of the unit disc that the two axes see.
    horizontal = alt.X("x:Q", title="first principal axis", scale=alt.Scale(domain=[-1, 1], nice=False))
    vertical = alt.Y("y:Q", title="second principal axis", scale=alt.Scale(domain=[-0.8, 0.8], nice=False))
    links = base.mark_rule(color=NEUTRAL, opacity=0.18, clip=True).encode(horizontal, vertical, x2="x2:Q", y2="y2:Q")
    first = base.mark_circle(color=IMAGE, clip=True).encode(horizontal, vertical)
    second = base.mark_circle(color=TEXT, clip=True).encode(horizontal.copy(), vertical.copy())
    second = second.encode(x=alt.X("x2:Q"), y=alt.Y("y2:Q"))
    names = [
        alt.Chart(alt.Data(values=[{}]))
        .mark_text(align=align, fontSize=13, fontWeight="bold", color=colour, text=_plural(name))
        .encode(x=alt.datum(x), y=alt.datum(0.74))
        for name, colour, align, x in zip(modalities, (IMAGE, TEXT), ("right", "left"), (0.98, -0.98), strict=True)
    ]
    cloud = alt.layer(links, first, second, *names).properties(name="equal_axes", width=380, height=310)

    frame = labelled(landscape.frame())
    chosen = alt.Chart(frame).transform_filter("datum.tau == temperature")
    curve = chosen.mark_line(color=NEUTRAL).encode(
        alt.X("shift:Q", title="shift λ", scale=alt.Scale(nice=False)),
        alt.Y("loss:Q", title="contrastive loss", scale=alt.Scale(zero=False)),
    )
    here = chosen.transform_filter("abs(datum.shift - shift) < 1e-4").encode(x="shift:Q", y="loss:Q")
    marker = here.mark_point(filled=True, size=130, color=TEMPERATURE[3])
    note = (
        here.transform_calculate(note="'loss ' + format(datum.loss, '.2f') + ', gap ' + format(abs(datum.distance), '.2f')")
        .mark_text(dy=-16, fontWeight="bold", color=TEMPERATURE[3], align=alt.expr("shift > 1 ? 'right' : 'left'"))
        .encode(text="note:N")
    )
    loss = alt.layer(curve, marker, note).properties(name="equal_frame", width=380, height=310)
    return (
        alt.concat(cloud, loss, columns=2)
        .add_params(amount, temperature)
        .properties(
            description=f"Left: {pairs} {modalities[0]}-{modalities[1]} pairs on two principal axes, moved by the shift "
            "slider. Right: the contrastive loss against the shift at the chosen temperature, with a marker."
        )
    )


def _plural(name: str) -> str:
    return name if name.endswith("s") else name + "s"


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """A landscape's tidy table with the temperatures as labels, in a column `tau`, for charts and menus."""
    columns = {"shift": frame["shift"].round(6), "tau": [temperature_label(t) for t in frame["temperature"]]}
    return frame.drop(columns="temperature").assign(**columns)


def gap_map(points: pd.DataFrame, links: bool = True) -> alt.LayerChart:
    """Pairs of several embedding sets, one set shown at a time, in one of several projections.

    `points` has a row a pair: `set`, `projection`, `x`, `y` (first modality), `x2`, `y2` (second modality). The set
    and the projection are chosen from menus in the page, the pair lines by a tick box.
    """
    sets = list(dict.fromkeys(points["set"]))
    projections = list(dict.fromkeys(points["projection"]))
    chosen = alt.param("set", value=sets[0], bind=alt.binding_select(options=sets, name="embeddings "))
    kind = alt.param("projection", value=projections[0], bind=alt.binding_radio(options=projections, name="axes "))
    lines = alt.param("lines", value=links, bind=alt.binding_checkbox(name="pair lines "))
    base = alt.Chart(points).transform_filter("datum.set == set && datum.projection == projection")
    x = alt.X("x:Q", title="first axis", scale=alt.Scale(zero=False))
    y = alt.Y("y:Q", title="second axis", scale=alt.Scale(zero=False))
    rule = base.mark_rule(color=NEUTRAL, opacity=alt.expr("lines ? 0.22 : 0")).encode(x, y, x2="x2:Q", y2="y2:Q")
    first = base.mark_circle(color=IMAGE).encode(x, y)
    second = base.mark_circle(color=TEXT).encode(x=alt.X("x2:Q"), y=alt.Y("y2:Q"))
    return (
        alt.layer(rule, first, second)
        .add_params(chosen, kind, *([lines] if len(projections) else []))
        .properties(
            width=600,
            height=380,
            description="Scatter plot of matched pairs, first modality blue and second orange, joined by grey lines. "
            f"Menus choose one of {len(sets)} embedding sets and the projection.",
        )
    )


def measure_dots(table: pd.DataFrame, columns: Mapping[str, str]) -> alt.ConcatChart:
    """A row of dot plots, one a measure, with the embedding sets as shared rows.

    `table` has the columns `set`, `weights` ("trained" or "random") and one column a measure; `columns` maps those to axis titles.
    """
    order = list(table["set"])
    axis = alt.Axis(ticks=False, domain=False, labelLimit=150)
    colour = alt.Color("weights:N", title=None, scale=alt.Scale(domain=["trained", "random"], range=[TEMPERATURE[3], NEUTRAL]))
    base = alt.Chart(table).encode(alt.Y("set:N", sort=order, title=None, axis=axis), colour)
    panels = []
    for column, title in columns.items():
        x = alt.X(f"{column}:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
        stem = base.mark_rule(opacity=0.35).encode(x, x2=alt.datum(0))
        panels.append((stem + base.mark_circle(size=90, opacity=1).encode(x)).properties(width=220, height=190))
    return alt.concat(*panels, columns=2).properties(
        description=f"Dot plots of {', '.join(columns.values())} for {', '.join(order)}."
    )


def distance_axis(**options: Any) -> alt.X:
    """The x axis of Fig 3: the signed distance of the shifted means, positive before they cross."""
    return alt.X("distance:Q", title="signed distance between the shifted means", scale=alt.Scale(nice=False), **options)


def landscape_curves(curves: pd.DataFrame, marks: pd.DataFrame) -> alt.LayerChart:
    """Loss against signed distance, a line a temperature, with menus for the embeddings, the direction and the batch.

    `curves` has `set`, `batch`, `tau`, `distance`, `image_to_text`, `text_to_image`; `marks` the same columns but the
    losses, with `direction`, `kind` (such as "minimum") and `loss`. The curve of one chosen temperature is drawn strong.
    """
    sets, batches, taus = (list(dict.fromkeys(curves[column])) for column in ("set", "batch", "tau"))
    params = [
        alt.param("set", value=sets[0], bind=alt.binding_radio(options=sets, name="embeddings ")),
        alt.param("tau", value=taus[0], bind=alt.binding_radio(options=taus, name="temperature τ ")),
        alt.param("direction", value="both", bind=alt.binding_radio(
            options=["both", "image→text", "text→image"], name="direction ")),
        alt.param("batch", value=batches[0], bind=alt.binding_radio(options=batches, name="batch ")),
    ]  # fmt: skip
    loss = "direction == 'both' ? (datum.image_to_text + datum.text_to_image)/2 : direction == 'image→text' ? datum.image_to_text : datum.text_to_image"
    chosen = "datum.set == set && datum.batch == batch && datum.tau == tau"
    base = alt.Chart(curves).transform_filter(chosen).transform_calculate(loss=loss)
    y = alt.Y("loss:Q", title="contrastive loss", scale=alt.Scale(zero=False))
    line = base.mark_line(color=TEMPERATURE[1]).encode(distance_axis(), y, order="shift:Q")
    dots = alt.Chart(marks).transform_filter(chosen + " && datum.direction == direction")
    point = dots.mark_point(filled=True, size=110, opacity=1).encode(
        x="distance:Q",
        y="loss:Q",
        shape=alt.Shape("kind:N", title=None, scale=alt.Scale(domain=["global minimum", "barrier", "back to back"],
                        range=["circle", "triangle-up", "diamond"])),
        color=alt.Color("kind:N", title=None, scale=alt.Scale(domain=["global minimum", "barrier", "back to back"],
                        range=[TEMPERATURE[3], NEUTRAL, IMAGE])),
    )  # fmt: skip
    words = dots.transform_calculate(
        words="format(datum.distance, '.2f') + ' → ' + format(datum.loss, '.2f')"
    ).mark_text(dy=-14).encode(x="distance:Q", y="loss:Q", text="words:N")
    now = alt.Chart(alt.Data(values=[{}])).mark_rule(strokeDash=[4, 4], color=NEUTRAL).encode(x=alt.datum(0))
    return alt.layer(now, line, point, words).add_params(*params).properties(
        width=600,
        height=360,
        description="The contrastive loss against the signed distance between the modality means, for a chosen set of "
        "embeddings, temperature, direction and batch; the least point, the barrier and the back-to-back minimum are marked.",
    )
