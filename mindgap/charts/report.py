"""Charts of one report, without controls: what stands in a page by itself, on paper, and in the shell's picture."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from mindgap.charts._parts import ALONG_AND_ACROSS, names_above, pair_layers, reach
from mindgap.charts.theme import ACCENT, IMAGE, NEUTRAL, TEMPERATURE_COLOURS, TEXT, WRONG

WIDTH, HEIGHT = 640, 260


def projection(points: pd.DataFrame, modalities: Sequence[str]) -> alt.LayerChart:
    """Both sets seen along the gap (across the page) and along the main axis across it: columns x, y, x2, y2."""
    across = reach(pd.concat([points["y"], points["y2"]]))
    layers = pair_layers(alt.Chart(points), alt.value(0.25), ALONG_AND_ACROSS, across)
    chart: alt.LayerChart = alt.layer(*layers, *names_above(*(repr(name) for name in modalities))).properties(
        width=420, height=round(420 * across), description=f"Rows of {' and '.join(modalities)} along the gap."
    )
    return chart


def spreads(shares: pd.DataFrame, kinds: Sequence[str], marks: pd.DataFrame | None = None) -> alt.LayerChart:
    """Distributions of cosines: columns kind, value, share; `marks` (value, name) stand as ticks above the axis."""
    colours = dict(zip(kinds, (IMAGE, TEXT) if len(kinds) == 2 and marks is None else (ACCENT, NEUTRAL), strict=True))
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    dashes = alt.Scale(domain=list(colours), range=[[1, 0], [5, 3]])
    base = alt.Chart(shares).encode(
        x=alt.X("value:Q", title="cosine", scale=alt.Scale(nice=False)),
        y=alt.Y("share:Q", title="share of the pairs", axis=alt.Axis(format="~%")),
    )
    layers: list[alt.Chart] = [
        base.mark_area(opacity=0.18, interpolate="step").encode(color=alt.Color("kind:N", scale=scale, title=None)),
        base.mark_line(interpolate="step").encode(
            color=alt.Color("kind:N", scale=scale, title=None),
            strokeDash=alt.StrokeDash("kind:N", scale=dashes, title=None),
        ),
    ]
    if marks is not None:
        layers.append(
            alt.Chart(marks).mark_tick(thickness=2, size=14, color=WRONG).encode(
                x="value:Q", y=alt.value(HEIGHT - 7)
            )
        )  # fmt: skip
    chart: alt.LayerChart = alt.layer(*layers).properties(
        width=WIDTH, height=HEIGHT, description=f"Distributions of cosines: {', '.join(kinds)}."
    )
    return chart


def valleys(curves: pd.DataFrame, least: pd.DataFrame) -> alt.LayerChart:
    """The loss above its value at no shift, against the shift; both tables have the columns tau, shift, rise."""
    labels = list(dict.fromkeys(curves["tau"]))
    colours = TEMPERATURE_COLOURS if len(labels) == len(TEMPERATURE_COLOURS) else None
    scale = alt.Scale(domain=labels, range=colours) if colours else alt.Scale(domain=labels)
    x = alt.X("shift:Q", title="shift λ: 0 as it is, ½ the means meet, 1 they have changed sides")
    y = alt.Y("rise:Q", title="loss above that at no shift, nats", scale=alt.Scale(nice=False))
    line = (
        alt.Chart(curves)
        .mark_line()
        .encode(x, y, color=alt.Color("tau:N", scale=scale, title="temperature τ", sort=labels))
    )
    point = alt.Chart(least).mark_point(filled=True, size=90).encode(
        x, y, color=alt.Color("tau:N", scale=scale, sort=labels)
    )  # fmt: skip
    chart: alt.LayerChart = alt.layer(line, point).properties(
        width=WIDTH, height=300, description="The contrastive loss along the shift, at each temperature."
    )
    return chart
