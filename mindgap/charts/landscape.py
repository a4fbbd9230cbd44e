"""Charts of the loss over the shift, and of the clouds that it moves (index and chapter 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import ALONG_AND_ACROSS, ONE_ROW, pair_layers, radio, slider
from mindgap.charts.theme import ACCENT, IMAGE, NEUTRAL, TEXT
from mindgap.geometry import ShiftPath
from mindgap.landscape import Landscape

DIRECTIONS = {"both": "both", "image→text": "image_to_text", "text→image": "text_to_image"}
"""The directions of the loss as charts name them, and as `Landscape` does."""

LANDMARKS = {
    "global minimum": ("circle", ACCENT),
    "barrier": ("triangle-up", NEUTRAL),
    "back to back": ("diamond", IMAGE),
}
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
    `batch`, `tau`, `direction`, `kind` ("global minimum", "barrier" or "back to back"), `distance` and `loss`.
    """
    sets, batches, taus = (list(dict.fromkeys(curves[column])) for column in ("set", "batch", "tau"))
    choices = {
        "set": ("embeddings", sets),
        "tau": ("temperature τ", taus),
        "direction": ("direction", list(DIRECTIONS)),
        "batch": ("batch", batches),
    }
    params = [radio(name, options, title) for name, (title, options) in choices.items()]
    chosen = "datum.set == set && datum.batch == batch && datum.tau == tau"
    base = alt.Chart(curves).transform_filter(chosen).transform_calculate(loss=LOSS_EXPRESSION)
    y = alt.Y("loss:Q", title="contrastive loss", scale=alt.Scale(zero=False))
    x = alt.X("distance:Q", title="signed distance between the shifted means", scale=alt.Scale(domain=[-2, 2]))
    # The colours of the page's range, which are light in dark mode.
    colour = alt.Color("tau:O", scale=alt.Scale(domain=taus), legend=None)
    line = base.mark_line().encode(x, y, colour, order="shift:Q")
    dots = alt.Chart(marks).transform_filter(chosen + " && datum.direction == direction")
    shape = alt.Scale(domain=list(LANDMARKS), range=[shape for shape, _ in LANDMARKS.values()])
    own_colour = alt.Scale(domain=list(LANDMARKS), range=[colour for _, colour in LANDMARKS.values()])
    point = dots.mark_point(filled=True, size=110, opacity=1).encode(
        x="distance:Q",
        y="loss:Q",
        shape=alt.Shape("kind:N", title=None, scale=shape),
        color=alt.Color("kind:N", title=None, scale=own_colour),
    )
    words = (
        dots.transform_calculate(words="format(datum.distance, '.2f') + ' → ' + format(datum.loss, '.2f')")
        .mark_text(dy=-14)
        .encode(x="distance:Q", y="loss:Q", text="words:N")
    )
    no_gap = alt.Chart(ONE_ROW).mark_rule(strokeDash=[4, 4], color=NEUTRAL).encode(x=alt.datum(0))
    chart: alt.LayerChart = (
        alt.layer(no_gap, line, point, words)
        .resolve_scale(color="independent", shape="independent")
        .add_params(*params)
        .properties(
            width=600,
            height=360,
            description="The contrastive loss against the signed distance between the modality means, for a chosen "
            "set, temperature, direction and batch; least point, barrier and back-to-back minimum are marked.",
        )
    )
    return chart


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
    corners: tuple[tuple[str, Any, float], ...] = ((IMAGE, "right", 0.98), (TEXT, "left", -0.98))
    names = [
        alt.Chart(ONE_ROW)
        .mark_text(align=align, fontSize=13, fontWeight="bold", color=colour, text=name.rstrip("s") + "s")
        .encode(x=alt.datum(x), y=alt.datum(0.78))
        for name, (colour, align, x) in zip(modalities, corners, strict=True)
    ]
    cloud = alt.layer(*pair_layers(base, alt.value(0.18), ALONG_AND_ACROSS), *names).properties(
        name="equal_axes", width=380, height=323
    )

    frame = labelled(landscape.frame().drop(columns="loss"))
    chosen = alt.Chart(frame).transform_filter("datum.tau == temperature").transform_calculate(loss=LOSS_EXPRESSION)
    curve = chosen.mark_line(color=NEUTRAL).encode(
        alt.X("shift:Q", title="shift λ", scale=alt.Scale(nice=False)),
        alt.Y("loss:Q", title="contrastive loss", scale=alt.Scale(zero=False)),
    )
    here = chosen.transform_filter("abs(datum.shift - shift) < 1e-4").encode(x="shift:Q", y="loss:Q")
    marker = here.mark_point(filled=True, size=130, color=ACCENT)
    note = (
        here.transform_calculate(
            note="'loss ' + format(datum.loss, '.2f') + ', gap ' + format(abs(datum.distance), '.2f')"
        )
        .mark_text(fontWeight="bold", color=ACCENT, align="left")
        .encode(text="note:N", x=alt.value(0), y=alt.value(-9))  # above the frame, where no curve runs
    )
    loss = alt.layer(curve, marker, note).properties(name="equal_frame", width=380, height=323)
    chart: alt.ConcatChart = (
        alt.concat(cloud, loss, columns=2)
        .add_params(*params)
        .properties(
            description=f"Left: {pairs} {modalities[0]}-{modalities[1]} pairs along the gap and across it, moved by "
            "the shift slider. Right: the contrastive loss against the shift at the chosen temperature, with a marker."
        )
    )
    return chart
