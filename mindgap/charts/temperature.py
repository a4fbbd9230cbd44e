"""Charts of what temperature does to finished embeddings: the best gap, and whom the softmax looks at (chapter 5)."""

from __future__ import annotations

import altair as alt
import pandas as pd

from mindgap.charts._parts import TEMPERATURE_TICKS, caption, radio, slider
from mindgap.charts.theme import KIND_COLOURS, NEUTRAL, TEXT


def best_distances(table: pd.DataFrame, printed: pd.DataFrame) -> alt.LayerChart:
    """The best gap against the temperature, a line a set; `table` and `printed` have `set`, `temperature`, `distance`.

    `printed` holds what was read off the paper's figure, drawn as crosses.
    """
    sets = list(dict.fromkeys(table["set"]))
    colour = alt.Color(
        "set:N",
        title=None,
        scale=alt.Scale(domain=sets, range=KIND_COLOURS[: len(sets)]),
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, columns=2, labelLimit=320),
    )
    x = alt.X(
        "temperature:Q",
        title="temperature τ",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=TEMPERATURE_TICKS, format="~g"),
    )
    y = alt.Y("distance:Q", title="best distance between the means", scale=alt.Scale(zero=True))
    lines = alt.Chart(table).mark_line().encode(x, y, colour)
    crosses = alt.Chart(printed).mark_point(shape="cross", size=90, filled=True, color=NEUTRAL, opacity=1).encode(x, y)
    chart: alt.LayerChart = alt.layer(lines, crosses).properties(
        width=600,
        height=340,
        description=f"Line chart of the best distance between the modality means against the temperature for "
        f"{', '.join(sets)}, falling towards 0; crosses are the paper's values.",
    )
    return chart


def softmax_weights(cosines: pd.DataFrame, inverse: tuple[float, float] = (1, 200)) -> alt.ConcatChart:
    """The softmax over one image's texts, as a slider moves the temperature: which texts the loss looks at.

    `cosines` has `image` (a name), `cosine` (with every text) and `own` (whether the text is the image's own). Weights
    and the number of texts that share them, exp(entropy), are computed in the page.
    """
    names = list(dict.fromkeys(cosines["image"]))
    low, high = inverse
    params = [
        radio("image_", names, "image"),
        slider("sharpness", 100, low, high, 1, "1/τ"),
    ]
    base = (
        alt.Chart(cosines)
        .transform_filter("datum.image == image_")
        .transform_joinaggregate(most="max(cosine)")
        .transform_calculate(share="exp(sharpness*(datum.cosine - datum.most))")
        .transform_joinaggregate(total="sum(share)")
        .transform_calculate(weight="datum.share/datum.total", kind="datum.own ? 'its own text' : 'another text'")
        .transform_window(rank="row_number()", sort=[alt.SortField("cosine", "descending")])
    )
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=["its own text", "another text"], range=[TEXT, NEUTRAL]),
        legend=alt.Legend(symbolOpacity=1),
    )
    first = (
        base.transform_filter("datum.rank <= 30")
        .mark_bar(width=9)
        .encode(
            alt.X("rank:Q", title="texts, the most similar first", scale=alt.Scale(domain=[0, 31], nice=False)),
            alt.Y("weight:Q", title="weight in the softmax", scale=alt.Scale(domain=[0, 1], nice=False)),
            colour,
        )
        .properties(width=380, height=280)
    )
    dots = (
        base.mark_circle(size=36)
        .encode(
            alt.X("cosine:Q", title="cosine with the image", scale=alt.Scale(zero=False)),
            alt.Y("logw:Q", title="log10 of the weight", scale=alt.Scale(domain=[-12, 0], nice=False)),
            colour,
        )
        .transform_calculate(logw="max(-12, log(datum.weight)/log(10))")
    )
    summed = base.transform_calculate(
        part="datum.weight > 0 ? -datum.weight*log(datum.weight) : 0"
    ).transform_aggregate(entropy="sum(part)")
    count = caption(
        "'the weight of ' + format(exp(datum.entropy), '.1f') + ' texts'",
        alt.value(4),
        alt.value(8),
        summed,
        align="left",
        color=NEUTRAL,
    )
    right = alt.layer(dots, count).properties(width=380, height=280)
    chart: alt.ConcatChart = (
        alt.concat(first, right, columns=2)
        .add_params(*params)
        .properties(
            description="Left: the softmax weights of the 30 texts most similar to one image. Right: the weights of "
            "all texts on a log axis against their cosines. A slider moves the temperature."
        )
    )
    return chart
