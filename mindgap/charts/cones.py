"""Charts of how narrow a cone is (chapter 2)."""

from __future__ import annotations

import altair as alt
import pandas as pd

from mindgap._theme import IMAGE, NEUTRAL, TEMPERATURE, TEXT

_MODALITY = alt.Scale(domain=["image", "text", "both"], range=[IMAGE, TEXT, TEMPERATURE[3]])


def ridges(
    bars: pd.DataFrame, marks: pd.DataFrame, title: str, domain: tuple[float, float], reference: str = "the paper"
) -> alt.LayerChart:
    """Histograms one above the other, each as high as its row, with their means and reference values.

    `bars` has `row`, `modality` ("image", "text" or "both"), `value` (the middle of a bin) and `height` (0 to 1);
    `marks` has a line a row, in the order in which rows are drawn: `row`, `modality`, `mean`, `label` (what is written
    at the mean), `low` and `high` (the extremes), and `reference` (or None). `title` is that of the horizontal axis,
    `domain` its range, and `reference` says whose the reference values are.
    """
    rows = list(marks["row"])
    place = {name: len(rows) - 1 - index for index, name in enumerate(rows)}
    bars = bars.assign(base=bars["row"].map(place))
    bars = bars.assign(top=bars["base"] + 0.6 * bars["height"]).drop(columns=["row", "height"])
    marks = marks.assign(base=marks["row"].map(place), top=marks["row"].map(place) + 0.6)
    rows_scale = alt.Scale(domain=[-0.1, len(rows) - 0.1], nice=False)
    y = alt.Y("base:Q", axis=None, scale=rows_scale)
    scale = alt.Scale(domain=list(domain), nice=False, zero=False)
    colour = alt.Color("modality:N", scale=_MODALITY, legend=None)
    area = (
        alt.Chart(bars)
        .mark_area(opacity=0.6, interpolate="step", line=False)
        .encode(alt.X("value:Q", title=title, scale=scale), y, alt.Y2("top:Q"), colour, detail="base:N")
    )
    base = alt.Chart(marks).encode(y=y)
    span = base.mark_rule(strokeWidth=1, color=NEUTRAL).encode(alt.X("low:Q", scale=scale), x2="high:Q")
    mean = base.mark_rule(strokeWidth=2).encode(alt.X("mean:Q", scale=scale), y2="top:Q", color=colour)
    words = base.mark_text(align="right", dx=-6, dy=-7, baseline="bottom").encode(
        alt.X("mean:Q", scale=scale), text="label:N"
    )
    # On a line of their own above the histogram, where a narrow page has room for them too.
    titles = (
        base.transform_calculate(line="datum.base + 0.7")
        .mark_text(align="left", baseline="middle", dx=4)
        .encode(x=alt.value(0), y=alt.Y("line:Q", scale=rows_scale), text="row:N")
    )
    theirs = (
        alt.Chart(marks.dropna(subset="reference"))
        .transform_calculate(what=repr(reference))
        .mark_point(filled=True, size=75, opacity=1)
        .encode(
            alt.X("reference:Q", scale=scale),
            y="base:Q",
            shape=alt.Shape(
                "what:N", title=None, scale=alt.Scale(range=["diamond"]), legend=alt.Legend(labelLimit=320)
            ),
            color=alt.value(NEUTRAL),
        )
    )
    return (
        alt.layer(span, area, mean, words, titles, theirs)
        .resolve_scale(color="independent", shape="independent")
        .properties(
            width=560,
            height=62 * len(rows),
            description=f"Histograms of {title} for {', '.join(rows)}, each with its mean.",
        )
    )


def cap_sizes(shares: pd.DataFrame, cosine: float = 0.56, dimension: int = 512) -> alt.ConcatChart:
    """Two caps of a sphere in cross-section, and how little of it they cover, as cosine and dimension move.

    `shares` has `cosine`, `index` (of the dimension, from 0), `dimension`, `cap` ("the paper's" or "that holds the
    cone") and `log2`, the log2 of the share; the sliders step through what is there.
    """
    cosines = sorted(set(shares["cosine"]))
    dimensions = sorted(set(shares["dimension"]))
    step = round(cosines[1] - cosines[0], 6)
    params = [
        alt.param(
            "cosine",
            value=cosine,
            bind=alt.binding_range(min=cosines[0], max=cosines[-1], step=step, name="mean cosine "),
        ),
        alt.param(
            "dimension_step",  # its number is a place in the list, which the page's style hides
            value=dimensions.index(dimension),
            bind=alt.binding_range(min=0, max=len(dimensions) - 1, step=1, name="dimension "),
        ),
    ]
    caps = {"the paper's": ("acos(cosine)/2", NEUTRAL), "that holds the cone": ("acos(sqrt(cosine))", TEMPERATURE[3])}
    colour = alt.Color(
        "cap:N", title="cap", scale=alt.Scale(domain=list(caps), range=[colour for _, colour in caps.values()])
    )
    equal = alt.Scale(domain=[-1.15, 1.15], nice=False)
    x, y = (alt.X("x:Q", scale=equal, axis=None), alt.Y("y:Q", scale=equal, axis=None))
    circle = (
        alt.Chart(alt.sequence(0, 73, as_="i"))
        .transform_calculate(x="cos(datum.i*PI/36)", y="sin(datum.i*PI/36)")
        .mark_line(color=NEUTRAL, strokeWidth=1.2)
        .encode(x, y, order="i:Q")
    )
    wedges = []
    for name, (half, tone) in reversed(caps.items()):
        # From the centre along an arc and back; the order closes the outline.
        arc = (
            alt.Chart(alt.sequence(-31, 32, as_="i"))
            .transform_calculate(
                half=half,
                x="abs(datum.i) == 31 ? 0 : sin(datum.i/30*datum.half)",
                y="abs(datum.i) == 31 ? 0 : cos(datum.i/30*datum.half)",
                cap=repr(name),
            )
            .mark_line(fill=tone, fillOpacity=0.16, strokeWidth=2.2, strokeJoin="round")
            .encode(x, y, colour, order="i:Q")
        )
        wedges.append(arc)
    angles = [
        alt.Chart(alt.Data(values=[{}]))
        .transform_calculate(words=words)
        .mark_text(fontWeight="bold", color=tone)
        .encode(x=alt.datum(0), y=alt.datum(height), text="words:N")
        for height, tone, words in [
            (-0.42, NEUTRAL, "format(acos(cosine)*90/PI, '.1f') + '° half-angle'"),
            (-0.64, TEMPERATURE[3], "format(acos(sqrt(cosine))*180/PI, '.1f') + '° half-angle'"),
        ]
    ]
    picture = alt.layer(circle, *wedges, *angles).properties(name="equal_circle", width=300, height=300)

    chosen = alt.Chart(shares).transform_filter("abs(datum.cosine - cosine) < 1e-6")
    across = alt.X(
        "dimension:Q",
        title="dimension",
        scale=alt.Scale(type="log", base=2),
        axis=alt.Axis(values=[2, 8, 32, 128, 512, 2048]),
    )
    up = alt.Y(
        "bits:Q",
        title="share of the sphere",
        scale=alt.Scale(type="log", domain=[1, 16384], reverse=True, nice=False),
        axis=alt.Axis(values=[1, 10, 100, 1000, 10000], labelExpr="'2^−' + datum.value", grid=True),
    )
    chosen = chosen.transform_calculate(bits="-datum.log2")
    curve = chosen.mark_line().encode(across, up, colour)
    here = chosen.transform_filter("datum.index == dimension_step")
    dot = here.mark_point(filled=True, size=90, opacity=1).encode(across, up, colour)
    # In the lower left corner, where no curve comes, from positions on the axes.
    corner = alt.X(datum=2.3)
    told = here.transform_calculate(
        words="datum.cap + ': ' + (datum.log2 > -12 ? format(pow(2, datum.log2), '.2%') "
        ": '2^' + format(datum.log2, '.0f'))"
    )
    words = [
        told.transform_filter(f"datum.cap == {name!r}")
        .mark_text(align="left", fontWeight="bold", color=tone)
        .encode(corner, alt.Y(datum=at), text="words:N")
        for (name, (_, tone)), at in zip(caps.items(), (8000, 3000), strict=True)
    ]
    size = (
        alt.Chart(alt.Data(values=[{}]))
        .transform_calculate(words=f"'dimension ' + {dimensions}[dimension_step]")
        .mark_text(align="left", fontWeight="bold")
        .encode(corner, alt.Y(datum=1125), text="words:N")
    )
    sizes = alt.layer(curve, dot, *words, size).properties(name="equal_sizes", width=330, height=300)
    return (
        alt.concat(picture, sizes, columns=2)
        .add_params(*params)
        .properties(
            description="Left: a circle with two wedges, the cap of the paper and the wider one that holds all points "
            "of the mean cosine. Right: the share of the sphere that each covers, against the dimension."
        )
    )
