"""Charts of what temperature does to finished embeddings: the best gap, and whom the softmax looks at (chapter 6)."""

from __future__ import annotations

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from mindgap.charts._parts import TEMPERATURE_AXIS, caption, emphasis, hint, radio, runtime, slider, words
from mindgap.charts.theme import DASHES, KIND_COLOURS, NEUTRAL, TEXT

FLOOR = -12  # the log10 of weights that are drawn reaches down to here
WEIGHT = "exp(sharpness*datum.behind - of_all.log)"
TICK = 0.5  # the height of a tick on the floor, in the same unit


def best_distances(table: pd.DataFrame, printed: pd.DataFrame, source: str = "read off the paper") -> alt.LayerChart:
    """The best gap against the temperature, a line a set; `table` has `set`, `temperature` and `distance`.

    Where `table` also has `low` and `high`, a band says how wide the valley is: between these distances the loss is
    nearly as low. `printed` has `temperature` and `distance`: what was read off the paper's figure, drawn as crosses,
    which the legend calls `source`.
    """
    sets = list(dict.fromkeys(table["set"]))
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, labelLimit=320)
    scale = alt.Scale(domain=sets, range=KIND_COLOURS[: len(sets)])
    colour = alt.Color("set:N", title=None, scale=scale, legend=legend)
    dash = alt.StrokeDash("set:N", title=None, scale=alt.Scale(domain=sets, range=DASHES[: len(sets)]), legend=legend)
    x = alt.X(
        "temperature:Q",
        title="temperature τ",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(**TEMPERATURE_AXIS),
    )
    title = "best distance between the means"
    y = alt.Y("distance:Q", title=title, scale=alt.Scale(zero=True))
    params, strong = emphasis("set")
    wide = {"low", "high"} <= set(table.columns)
    bands = (
        alt.Chart(table)
        .mark_area()
        .encode(
            x,
            alt.Y("low:Q", title=title),
            alt.Y2("high:Q"),
            alt.Color("set:N", title=None, scale=scale, legend=legend),
            opacity=alt.condition(strong, alt.value(0.16), alt.value(0.04)),
        )
    )
    lines = (
        alt.Chart(table)
        .mark_line()
        .encode(x, y, colour, dash, opacity=alt.condition(strong, alt.value(1), alt.value(0.18)))
    )
    said = {"temperature": "format(datum.temperature, '.3~g')", "best distance": "format(datum.distance, '.3f')"}
    valley = {"nearly as good": "format(datum.low, '.2f') + ' to ' + format(datum.high, '.2f')"} if wide else {}
    dots = (
        alt.Chart(table)
        .mark_point(filled=True, size=30, opacity=1)
        .encode(x, y, colour, tooltip=hint(said | valley, "datum.set"))
    )
    crosses = (
        alt.Chart(printed)
        .transform_calculate(source=repr(source))
        .mark_point(size=90, filled=True, color=NEUTRAL, opacity=1)
        .encode(
            x,
            y,
            alt.Shape(
                "source:N",
                title=None,
                scale=alt.Scale(range=["cross"]),
                legend=alt.Legend(symbolFillColor=NEUTRAL, symbolStrokeColor=NEUTRAL),
            ),
            tooltip=hint(said, "datum.source"),
        )
    )
    chart: alt.LayerChart = (
        alt.layer(*([bands] if wide else []), lines.properties(name="best_lines").add_params(*params), dots, crosses)
        .resolve_scale(shape="independent")
        .properties(
            width=600,
            height=340,
            description=f"Line chart of the best distance between the modality means against the temperature for "
            f"{', '.join(sets)}, falling towards 0"
            + (", with bands of the distances that are nearly as good" if wide else "")
            + "; crosses are the paper's values.",
        )
    )
    return chart


def _sums(cosines: npt.NDArray[np.float64], steps: npt.NDArray[np.int64]) -> dict[str, list[float]]:
    """For each 1/τ, the log of the sum of the weights where the largest is 1, and how many texts share them."""
    behind = cosines - cosines.max()
    weights = np.exp(steps[:, None] * behind)
    totals = weights.sum(1)
    entropies = np.log(totals) - steps * (weights @ behind) / totals
    return {"log": np.log(totals).round(6).tolist(), "texts": np.exp(entropies).round(3).tolist()}


def softmax_weights(cosines: pd.DataFrame, inverse: tuple[int, int] = (1, 200)) -> alt.ConcatChart:
    """The softmax over one image's texts, as a slider moves the temperature: which texts the loss looks at.

    `cosines` has `image` (a name), `cosine` (with every text) and `own` (whether it is the image's). The slider
    goes through the whole numbers 1/τ from one end of `inverse` to the other. What each weight is divided by, and how
    many texts share them, exp(entropy), come with the chart; the weights are computed in the page.

    Raises ValueError for no rows, or ends in the wrong order.
    """
    names = list(dict.fromkeys(cosines["image"]))
    low, high = inverse
    if not low <= high:
        raise ValueError(f"inverse: expected two whole numbers from the lower, got {inverse}")
    if not len(cosines):
        raise ValueError("cosines: expected at least one row, got none")
    steps = np.arange(low, high + 1)
    sums = {name: _sums(rows["cosine"].to_numpy(), steps) for name, rows in cosines.groupby("image")}
    params = [
        radio("image_", names, "image"),
        slider("sharpness", min(max(100, low), high), low, high, 1, "1/τ"),
        words("sharpness", "'temperature 1/' + sharpness"),
        alt.param(name="sums", value=sums),
        alt.param(
            name="of_all",
            expr=f"{{log: sums[image_].log[sharpness - {low}], texts: sums[image_].texts[sharpness - {low}]}}",
        ),
    ]
    # What the slider does not change comes first, so that a step calculates the weights that are seen and nothing else.
    ranked = (
        alt.Chart(cosines)
        .transform_filter("datum.image == image_")
        .transform_joinaggregate(most="max(cosine)", texts="count()")
        .transform_window(rank="row_number()", sort=[alt.SortField("cosine", "descending")])
        .transform_calculate(behind="datum.cosine - datum.most", kind="datum.own ? 'its own text' : 'another text'")
    )
    kinds = ["its own text", "another text"]
    scale = alt.Scale(domain=kinds, range=[TEXT, NEUTRAL])
    colour = alt.Color("kind:N", title=None, scale=scale, legend=alt.Legend(symbolOpacity=1))
    height = alt.Y(
        "weight:Q",
        title="weight in the softmax",
        # By its square root, an even share of 500 texts is a twentieth of the height and not a five-hundredth.
        scale=alt.Scale(type="sqrt", domain=[0, 1], nice=False),
        axis=alt.Axis(values=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 1], format=".2~f"),
    )
    first = (
        ranked.transform_filter("datum.rank <= 30")
        .transform_calculate(weight=WEIGHT)
        .mark_bar(width=7)
        .encode(
            alt.X("rank:Q", title="texts, the most similar first", scale=alt.Scale(domain=[0, 31], nice=False)),
            height,
            colour,
            tooltip=hint(
                {"cosine": "format(datum.cosine, '.3f')", "weight": "format(datum.weight, '.2~g')"},
                "datum.kind + ', number ' + datum.rank + ' in similarity'",
            ),
        )
    )
    even = ranked.transform_filter("datum.rank == 1").transform_calculate(even="1/datum.texts")
    evenly = even.mark_rule(strokeDash=[4, 3], color=NEUTRAL, strokeWidth=1.5).encode(alt.Y("even:Q"))
    evenly_said = caption(
        "'dashed: all ' + datum.texts + ' alike'", alt.value("width"), alt.value(-9), even, align="right", color=NEUTRAL
    )
    left = alt.layer(first, evenly, evenly_said).properties(width=380, height=280)

    # log10 of the weight is a straight line over the cosine: its two ends, and every text as a tick below.
    ends = ranked.transform_aggregate(most="max(cosine)", least="min(cosine)").transform_calculate(
        top="-of_all.log/LN10", bottom="(sharpness*(datum.least - datum.most) - of_all.log)/LN10"
    )
    across = alt.X("cosine:Q", title="cosine with the image", scale=alt.Scale(zero=False))
    logs = alt.Scale(domain=[FLOOR, 0], nice=False)
    slope = ends.mark_rule(color=NEUTRAL, strokeWidth=2, clip=True).encode(
        alt.X("least:Q"), alt.Y("bottom:Q", title="log₁₀ of the weight", scale=logs), x2="most:Q", y2="top:Q"
    )
    # All other texts are one mark with gaps between its ticks: hundreds of marks would be drawn anew at each step.
    others = (
        ranked.transform_filter("!datum.own")
        .transform_calculate(ends=f"[{FLOOR}, {FLOOR + TICK}, null]", parts="[0, 1, 2]")
        .transform_flatten(["ends", "parts"], as_=["end", "part"])
        .transform_calculate(place="3*datum.rank + datum.part")
        .mark_line(strokeWidth=1, opacity=0.6, color=NEUTRAL, invalid="break-paths-show-domains")
        .encode(across, alt.Y("end:Q"), order="place:Q")
    )
    own = ranked.transform_filter("datum.own").transform_calculate(
        weight=WEIGHT, log_weight="(sharpness*datum.behind - of_all.log)/LN10"
    )
    own_tick = own.mark_rule(color=TEXT, strokeWidth=1.5, clip=True).encode(
        alt.X("cosine:Q"), alt.Y("log_weight:Q"), y2=alt.datum(FLOOR)
    )
    own_dot = own.mark_point(filled=True, shape="square", size=90, color=TEXT, opacity=1, clip=True).encode(
        alt.X("cosine:Q"),
        alt.Y("log_weight:Q"),
        tooltip=hint({"cosine": "format(datum.cosine, '.3f')", "weight": "format(datum.weight, '.2~g')"}, "datum.kind"),
    )
    count = caption(
        "'the weight of ' + format(of_all.texts, '.1f') + ' texts'",
        alt.value(0),
        alt.value(-9),
        ends,
        align="left",
        color=NEUTRAL,
    )
    right = alt.layer(slope, others, own_tick, own_dot, count).properties(width=380, height=280)
    chart: alt.ConcatChart = (
        alt.concat(left, right, columns=2)
        .add_params(*params)
        .properties(
            description="Left: the softmax weights of the 30 texts most similar to one image, on a square-root axis. "
            "Right: the weight of a text on a log axis against its cosine, a straight line, with a tick for each text. "
            "A slider moves the temperature."
        )
    )
    return runtime(chart, play=["sharpness"])
