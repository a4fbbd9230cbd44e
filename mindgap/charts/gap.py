"""Charts of gaps, landscapes and cones: they draw what they are given and compute nothing.

Every function returns an ordinary Altair chart. The sliders, menus and moving points are Vega expressions, so they
work on a page without a kernel. Call `enable()` once to have charts shown in the book's look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap._cone_charts import cap_sizes, ridges
from mindgap._curves import DIRECTIONS, LOSS, labelled, landscape_curves, temperature_label
from mindgap._depth_charts import depth_curves, linear_cone, network_view, raised_curves
from mindgap._pair_layers import ALONG_AND_ACROSS, pair_layers
from mindgap._seed_charts import seed_clouds, share_curves, singular_cliff
from mindgap._sphere_chart import sphere_pairs
from mindgap._temperature_charts import best_distances, softmax_weights
from mindgap._theme import IMAGE, NEUTRAL, TEMPERATURE, TEXT, enable
from mindgap._training_charts import (
    gap_at_recall,
    measured_by,
    training_curves,
    training_scrubber,
    training_view,
)
from mindgap.geometry import ShiftPath
from mindgap.landscape import Landscape

__all__ = [
    "DIRECTIONS",
    "IMAGE",
    "TEMPERATURE",
    "TEXT",
    "best_distances",
    "cap_sizes",
    "depth_curves",
    "enable",
    "gap_at_recall",
    "gap_map",
    "gap_panels",
    "labelled",
    "landscape_curves",
    "linear_cone",
    "measure_dots",
    "measured_by",
    "network_view",
    "raised_curves",
    "ridges",
    "seed_clouds",
    "share_curves",
    "shift_explorer",
    "singular_cliff",
    "softmax_weights",
    "sphere_pairs",
    "temperature_label",
    "training_curves",
    "training_scrubber",
    "training_view",
]

SIDES: tuple[Any, Any] = ("right", "left")


def shift_explorer(
    path: ShiftPath,
    landscape: Landscape,
    modalities: Sequence[str] = ("image", "text"),
    pairs: int = 150,
    controls: Sequence[str] = ("shift", "temperature"),
) -> alt.ConcatChart:
    """Two clouds that a λ slider moves exactly, beside the loss curve with a marker at the same λ.

    `path` holds the points (the first `pairs` of them are drawn), `landscape` the loss at the slider's positions:
    its shifts must be evenly spaced. The chart has the parameters `shift`, `temperature` and `direction` ("both",
    "image→text" or "text→image"); those named in `controls` get an input in the page, the others are set from outside.
    """
    shifts = [round(float(s), 6) for s in landscape.shifts]
    labels = [temperature_label(float(t)) for t in landscape.temperatures]
    inputs: dict[str, Any] = {
        "shift": alt.binding_range(
            min=shifts[0], max=shifts[-1], step=round(shifts[1] - shifts[0], 6), name="shift λ "
        ),
        "temperature": alt.binding_radio(options=labels, name="temperature τ "),
        "direction": alt.binding_radio(options=list(DIRECTIONS), name="direction "),
    }
    starts: dict[str, Any] = {"shift": 0.0, "temperature": labels[0], "direction": "both"}
    params = [
        alt.param(name, value=value, bind=inputs[name] if name in controls else alt.Undefined)
        for name, value in starts.items()
    ]

    points = pd.DataFrame(
        {
            "u": path.x[:pairs, 0].cpu(), "v": path.x[:pairs, 1].cpu(), "a": path.x_along[:pairs].cpu(),
            "p": path.y[:pairs, 0].cpu(), "q": path.y[:pairs, 1].cpu(), "b": path.y_along[:pairs].cpu(),
        }
    )  # fmt: skip
    # A coordinate that is zero but for rounding must be written as zero, on every processor.
    g1, g2, g = (round(float(value), 6) + 0.0 for value in (*path.gap[:2], path.squared_gap))
    base = alt.Chart(points).transform_calculate(
        r=f"sqrt(1 - 2*shift*datum.a + shift*shift*{g:.5g})",
        s=f"sqrt(1 + 2*shift*datum.b + shift*shift*{g:.5g})",
        x=f"(datum.u - shift*{g1:.5g})/datum.r",
        y=f"(datum.v - shift*{g2:.5g})/datum.r",
        x2=f"(datum.p + shift*{g1:.5g})/datum.s",
        y2=f"(datum.q + shift*{g2:.5g})/datum.s",
    )
    names = [
        alt.Chart(alt.Data(values=[{}]))
        .mark_text(align=align, fontSize=13, fontWeight="bold", color=colour, text=name.rstrip("s") + "s")
        .encode(x=alt.datum(x), y=alt.datum(0.78))
        for name, colour, align, x in zip(modalities, (IMAGE, TEXT), SIDES, (0.98, -0.98), strict=True)
    ]
    cloud = alt.layer(*pair_layers(base, alt.value(0.18), ALONG_AND_ACROSS), *names).properties(
        name="equal_axes", width=380, height=323
    )

    frame = labelled(landscape.frame().drop(columns="loss"))
    chosen = alt.Chart(frame).transform_filter("datum.tau == temperature").transform_calculate(loss=LOSS)
    curve = chosen.mark_line(color=NEUTRAL).encode(
        alt.X("shift:Q", title="shift λ", scale=alt.Scale(nice=False)),
        alt.Y("loss:Q", title="contrastive loss", scale=alt.Scale(zero=False)),
    )
    here = chosen.transform_filter("abs(datum.shift - shift) < 1e-4").encode(x="shift:Q", y="loss:Q")
    marker = here.mark_point(filled=True, size=130, color=TEMPERATURE[3])
    note = (
        here.transform_calculate(
            note="'loss ' + format(datum.loss, '.2f') + ', gap ' + format(abs(datum.distance), '.2f')"
        )
        .mark_text(fontWeight="bold", color=TEMPERATURE[3], align="left")
        .encode(text="note:N", x=alt.value(0), y=alt.value(-9))  # above the frame, where no curve runs
    )
    loss = alt.layer(curve, marker, note).properties(name="equal_frame", width=380, height=323)
    return (
        alt.concat(cloud, loss, columns=2)
        .add_params(*params)
        .properties(
            description=f"Left: {pairs} {modalities[0]}-{modalities[1]} pairs along the gap and across it, moved by "
            "the shift slider. Right: the contrastive loss against the shift at the chosen temperature, with a marker."
        )
    )


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
    opacity = alt.value(alt.ExprRef("lines ? 0.22 : 0"))
    return (
        alt.layer(*pair_layers(base, opacity))
        .add_params(chosen, kind, lines)
        .properties(
            name="equal_axes",
            width=600,
            height=510,
            description="Scatter plot of matched pairs, first modality blue and second orange, joined by grey lines. "
            f"Menus choose one of {len(sets)} embedding sets and the projection.",
        )
    )


def measure_dots(table: pd.DataFrame, columns: Mapping[str, str]) -> alt.ConcatChart:
    """A row of dot plots, one a measure, with the embedding sets as shared rows.

    `table` has the columns `set`, `weights` ("trained" or "random") and one column a measure; `columns` maps those to
    axis titles.
    """
    order = list(table["set"])
    axis = alt.Axis(ticks=False, domain=False, labelLimit=150, labelPadding=9)
    colour = alt.Color(
        "weights:N",
        title=None,
        legend=alt.Legend(symbolOpacity=1),
        scale=alt.Scale(domain=["trained", "random"], range=[TEMPERATURE[3], NEUTRAL]),
    )
    base = alt.Chart(table).encode(alt.Y("set:N", sort=order, title=None, axis=axis), colour)
    panels: list[Any] = []
    for column, title in columns.items():
        x = alt.X(f"{column}:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
        stem = base.mark_rule(opacity=0.35).encode(x, x2=alt.datum(0))
        panels.append((stem + base.mark_circle(size=90, opacity=1).encode(x)).properties(width=220, height=190))
    return alt.concat(*panels, columns=2).properties(
        description=f"Dot plots of {', '.join(columns.values())} for {', '.join(order)}."
    )


def gap_panels(points: pd.DataFrame, links: bool = True) -> alt.ConcatChart:
    """Pairs of a few embedding sets beside each other, on the same scale.

    `points` has a row a pair: `set`, `x`, `y` (first modality), `x2`, `y2` (second modality).
    """
    panels: list[Any] = []
    for name, part in points.groupby("set", sort=False):
        layers = pair_layers(alt.Chart(part), alt.value(0.22 if links else 0.0))
        panels.append(
            alt.layer(*layers).properties(name=f"equal_{len(panels)}", title=str(name), width=330, height=280)
        )
    names = ", ".join(dict.fromkeys(map(str, points["set"])))
    return alt.concat(*panels, columns=2).properties(description=f"Scatter plots of matched pairs of {names}.")
