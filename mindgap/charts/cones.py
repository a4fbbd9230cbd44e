"""Charts of how narrow a cone is, and of what random layers do to cosines (chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import caption, emphasis, hint, radios, runtime, slider, superscript, words
from mindgap.charts.sphere import _at, _graticule, _placed
from mindgap.charts.theme import ACCENT, HUES, IMAGE, NEUTRAL, SHAPES, TEXT

MODALITY_SCALE = alt.Scale(domain=["image", "text", "both"], range=[IMAGE, TEXT, ACCENT])
# Colour and dashes of an activation, and its name as people write it; orange stands for texts and is none of them.
ACTIVATIONS: dict[str, tuple[str, str, list[int]]] = {
    "relu": ("ReLU", ACCENT, [1, 0]),
    "leaky_relu": ("leaky ReLU", HUES["pink"], [5, 5]),  # on top of the other one
    "sigmoid": ("sigmoid", HUES["violet"], [9, 3]),
    "tanh": ("tanh", HUES["green"], [2, 2]),
    "linear": ("linear", HUES["olive"], [10, 3, 2, 3]),
    "maxout": ("maxout", HUES["ochre"], [14, 4]),
}


# Three squares in a row, which a legend draws for a dotted line.
DOTTED = "M-1,-.1h.3v.2h-.3zM-.15,-.1h.3v.2h-.3zM.7,-.1h.3v.2h-.3z"


def ridges(
    bars: pd.DataFrame, marks: pd.DataFrame, title: str, domain: tuple[float, float], reference: str = "the paper"
) -> alt.LayerChart:
    """Histograms one above the other, each as high as its row, with their means and reference values.

    `bars` has `row`, `modality` ("image", "text" or "both"), `value` (the middle of a bin) and `height` (0 to 1);
    `marks` has a line a row, in the order in which rows are drawn: `row`, `modality`, `mean`, `label` (what is written
    at the mean), `low` and `high` (the extremes), and `reference` (or None), and may have `band`: a range around 0 that
    is shaded, its half-width. `title` is that of the horizontal axis,
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
    colour = alt.Color("modality:N", scale=MODALITY_SCALE, legend=None)
    area = (
        alt.Chart(bars)
        .mark_area(opacity=0.6, interpolate="step", line=False)
        .encode(alt.X("value:Q", title=title, scale=scale), y, alt.Y2("top:Q"), colour, detail="base:N")
    )
    base = alt.Chart(marks).encode(y=y)
    span = base.mark_rule(strokeWidth=1, color=NEUTRAL).encode(alt.X("low:Q", scale=scale), x2="high:Q")
    said = {"mean": "datum.label", "least to largest": "format(datum.low, '.2f') + ' to ' + format(datum.high, '.2f')"}
    mean = base.mark_rule(strokeWidth=2.5).encode(
        alt.X("mean:Q", scale=scale), y2="top:Q", color=colour, tooltip=hint(said, "datum.row")
    )
    mean_labels = base.mark_text(align="right", dx=-6, dy=-7, baseline="bottom").encode(
        alt.X("mean:Q", scale=scale), text="label:N"
    )
    # On a line of their own above the histogram, where a narrow page has room for them too.
    titles = (
        base.transform_calculate(line="datum.base + 0.7")
        .mark_text(align="left", baseline="middle", dx=4)
        .encode(x=alt.value(0), y=alt.Y("line:Q", scale=rows_scale), text="row:N")
    )
    references = (
        alt.Chart(marks.dropna(subset="reference"))
        .transform_calculate(what=repr(reference))
        .mark_point(filled=True, size=75, opacity=1)
        .encode(
            alt.X("reference:Q", scale=scale),
            y="base:Q",
            shape=alt.Shape(
                "what:N",
                title=None,
                scale=alt.Scale(range=["diamond"]),
                legend=alt.Legend(labelLimit=320, symbolFillColor=NEUTRAL, symbolStrokeColor=NEUTRAL),
            ),
            color=alt.value(NEUTRAL),
            tooltip=hint({"value": "format(datum.reference, '.3~f')"}, "datum.what"),
        )
    )
    layers = [span, area, mean, mean_labels, titles]
    if marks["reference"].notna().any():  # a layer without rows has a legend without end
        layers.append(references)
    if "band" in marks:
        sides = base.transform_calculate(left="-datum.band")
        layers.insert(
            0,
            sides.mark_rect(color=NEUTRAL, opacity=0.22).encode(alt.X("left:Q", scale=scale), x2="band:Q", y2="top:Q"),
        )
    chart: alt.LayerChart = (
        alt.layer(*layers)
        .resolve_scale(color="independent", shape="independent")
        .properties(
            width=560,
            height=62 * len(rows),
            description=f"Histograms of {title} for {', '.join(rows)}, each with its mean.",
        )
    )
    return chart


def cap_sizes(shares: pd.DataFrame, cosine: float = 0.56, dimension: int = 512) -> alt.ConcatChart:
    """Two caps of a sphere in cross-section, and how little of it they cover, as cosine and dimension move.

    `shares` has `cosine`, `index` (of the dimension, from 0), `dimension`, `cap` ("the paper's" or "of a typical
    point") and `log2`, the log2 of the share; the sliders step through what is there.
    """
    cosines = sorted(set(shares["cosine"]))
    dimensions = sorted(set(shares["dimension"]))
    step = round(cosines[1] - cosines[0], 6)
    params = [
        slider("cosine", cosine, cosines[0], cosines[-1], step, "mean cosine"),
        slider("dimension_step", dimensions.index(dimension), 0, len(dimensions) - 1, 1, "dimension"),
        words("dimension_step", f"'' + {dimensions}[dimension_step]"),
    ]
    caps = {"the paper's": ("acos(cosine)/2", NEUTRAL), "of a typical point": ("acos(sqrt(cosine))", ACCENT)}
    stroke = alt.Legend(symbolType="stroke", symbolStrokeWidth=3)
    colour = alt.Color(
        "cap:N",
        title="cap",
        scale=alt.Scale(domain=list(caps), range=[colour for _, colour in caps.values()]),
        legend=stroke,
    )
    dashes = {"the paper's": [5, 3], "of a typical point": [1, 0]}
    dash = alt.StrokeDash(
        "cap:N", title="cap", scale=alt.Scale(domain=list(dashes), range=list(dashes.values())), legend=stroke
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
    for name, (half_angle, cap_colour) in reversed(caps.items()):
        # From the centre along an arc and back; the order closes the outline.
        arc = (
            alt.Chart(alt.sequence(-31, 32, as_="i"))
            .transform_calculate(
                half=half_angle,
                arc_x="abs(datum.i) == 31 ? 0 : sin(datum.i/30*datum.half)",
                arc_y="abs(datum.i) == 31 ? 0 : cos(datum.i/30*datum.half)",
                cap=repr(name),
            )
            .mark_line(fill=cap_colour, fillOpacity=0.16, strokeWidth=2.2, strokeJoin="round", strokeDash=dashes[name])
            .encode(alt.X("arc_x:Q"), alt.Y("arc_y:Q"), colour, order="i:Q")
        )
        wedges.append(arc)
    angles = [
        caption(f"format({degrees}, '.1f') + '° half-angle'", alt.datum(0), alt.datum(height), color=cap_colour)
        for height, cap_colour, degrees in [
            (-0.42, NEUTRAL, "acos(cosine)*90/PI"),
            (-0.64, ACCENT, "acos(sqrt(cosine))*180/PI"),
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
        axis=alt.Axis(values=[1, 10, 100, 1000, 10000], labelExpr=f"'2' + {superscript('-datum.value')}", grid=True),
    )
    chosen = chosen.transform_calculate(bits="-datum.log2")
    curve = chosen.mark_line().encode(across, up, colour, dash)
    here = chosen.transform_filter("datum.index == dimension_step")
    # In the lower left corner, where no curve comes, from positions on the axes.
    corner = alt.X(datum=2.3)
    share = f"(datum.log2 > -12 ? format(pow(2, datum.log2), '.2%') : '2' + {superscript('datum.log2')})"
    dot = here.mark_point(filled=True, size=90, opacity=1).encode(
        across, up, colour, tooltip=hint({"share of the sphere": share}, "datum.cap + ', dimension ' + datum.dimension")
    )
    said = [
        caption(
            f"datum.cap + ': ' + {share}", corner, alt.Y(datum=height), here, align="left", color=cap_colour
        ).transform_filter(f"datum.cap == {name!r}")
        for (name, (_, cap_colour)), height in zip(caps.items(), (8000, 3000), strict=True)
    ]
    size = caption(f"'dimension ' + {dimensions}[dimension_step]", corner, alt.Y(datum=1125), align="left")
    sizes = alt.layer(curve, dot, *said, size).properties(name="equal_sizes", width=330, height=300)
    chart: alt.ConcatChart = (
        alt.concat(picture, sizes, columns=2)
        .add_params(*params)
        .properties(
            description="Left: a circle with two wedges, the cap of the paper and the wider one that reaches out to a "
            "typical point. Right: the share of the sphere that each covers, against the dimension."
        )
    )
    return runtime(chart, play=["cosine", "dimension_step"])


def depth_curves(
    bands: pd.DataFrame, predicted: pd.DataFrame, printed: pd.DataFrame, choices: Mapping[str, Sequence[str]]
) -> alt.LayerChart:
    """Mean cosine against depth, a line an activation with a band over seeds, for a choice of nets and layers.

    `bands` has `activation`, `layer`, `mean`, `low`, `high`; `predicted` has `layer`, `cosine` (of ReLU nets);
    `printed` has `layer`, `cosine` (the authors' numbers for ReLU nets). All three have a column for each key of
    `choices`, which maps it to its values, the first one shown first.
    """
    params, chosen = radios(choices)
    depth = int(bands["layer"].max())
    # Given in full: what is chosen may hold no authors' numbers, and nothing has no extent.
    shown = alt.Scale(domain=[0, alt.ExprRef("depth")], nice=False)
    x = alt.X("layer:Q", title="layer", scale=shown, axis=alt.Axis(tickMinStep=1))
    looks = [look for name, look in ACTIVATIONS.items() if name in set(bands["activation"])]
    names = [name for name, _, _ in looks]
    bands = bands.assign(activation=[ACTIVATIONS[name][0] for name in bands["activation"]])
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1)
    scale = alt.Scale(domain=names, range=[colour for _, colour, _ in looks])
    colour = alt.Color("activation:N", title=None, scale=scale, legend=legend)
    dash = alt.StrokeDash(
        "activation:N", title=None, scale=alt.Scale(domain=names, range=[dash for _, _, dash in looks]), legend=legend
    )
    params += [
        alt.param("shown", value="all", bind=alt.binding_select(options=["all", *names], name="activation ")),
        slider("depth", depth, 2, depth, 1, "layers"),
    ]
    over, strong = emphasis("activation")
    y = alt.Y("mean:Q", title="mean cosine", scale=alt.Scale(domain=[-0.05, 1], nice=False))
    within = "datum.layer <= depth"
    base = (
        alt.Chart(bands)
        .transform_filter(chosen)
        .transform_filter(f"{within} && (shown == 'all' || datum.activation == shown)")
    )
    band = base.mark_area().encode(
        x, alt.Y("low:Q"), alt.Y2("high:Q"), colour, opacity=alt.condition(strong, alt.value(0.25), alt.value(0.05))
    )
    opacity = alt.condition(strong, alt.value(1), alt.value(0.18))
    line = base.mark_line().encode(x, y, colour, dash, opacity=opacity).properties(name="depth_lines").add_params(*over)
    cosine = "format(datum.mean, '.4f')"
    points = base.mark_point(filled=True, size=22).encode(
        x,
        y,
        colour,
        opacity=opacity,
        tooltip=hint({"mean cosine": cosine}, "datum.activation + ', layer ' + datum.layer"),
    )
    # What is not measured here has a legend of its own, as dots of a line and as diamonds.
    prediction, authors_said = "predicted, infinitely wide ReLU", "printed by the authors"
    field = (
        alt.Chart(predicted)
        .transform_filter(f"{chosen} && {within}")
        .transform_calculate(source=repr(prediction))
        .mark_line(strokeWidth=2, color=NEUTRAL, strokeDash=[2, 4])
        .encode(
            x,
            alt.Y("cosine:Q"),
            alt.Detail("source:N"),
        )
    )
    printed_points = (
        alt.Chart(printed)
        .transform_filter(f"{chosen} && {within}")
        .transform_calculate(source=repr(authors_said))
        .mark_point(filled=True, size=70, opacity=1, color=NEUTRAL)
        .encode(
            x,
            alt.Y("cosine:Q"),
            alt.Shape(
                "source:N",
                title=None,
                scale=alt.Scale(domain=[prediction, authors_said], range=[DOTTED, "diamond"]),
                legend=alt.Legend(symbolFillColor=NEUTRAL, symbolStrokeColor=NEUTRAL, labelLimit=320),
            ),
            tooltip=hint({"mean cosine": "format(datum.cosine, '.4f')"}, "datum.source + ', layer ' + datum.layer"),
        )
    )
    chart: alt.LayerChart = (
        alt.layer(band, line, points, field, printed_points)
        .resolve_scale(shape="independent")
        .add_params(*params)
        .properties(
            width=600,
            height=340,
            description="Mean cosine of the outputs of each layer of random networks against the layer, a line an "
            "activation with a band over seeds; dotted, the prediction for infinitely wide ReLU nets.",
        )
    )
    return runtime(chart, play=["depth"])


def linear_cone(measured: pd.DataFrame, depth: int, norm: float = 4) -> alt.LayerChart:
    """The cosine that biases alone make, L/(L + ‖u‖²), at any input norm, with measured nets at some norms.

    `measured` has `norm` (a label), `layer`, `mean`, `low`, `high`; the slider moves the curve, from `norm` on.
    """
    x = alt.X("layer:Q", title="layer L", scale=alt.Scale(domain=[0, depth], nice=False))
    y = alt.Y("mean:Q", title="mean cosine", scale=alt.Scale(domain=[0, 1], nice=False))
    curve = (
        alt.Chart(alt.sequence(0, 4 * depth + 1, as_="i"))
        .transform_calculate(layer="datum.i/4", mean="datum.layer/(datum.layer + norm*norm)")
        .mark_line(color=ACCENT, strokeWidth=2.6)
        .encode(x, y)
    )
    norms = list(dict.fromkeys(measured["norm"]))
    shape = alt.Shape(
        "norm:N",
        title="measured at norm",
        scale=alt.Scale(domain=norms, range=SHAPES[: len(norms)]),
        legend=alt.Legend(symbolFillColor=NEUTRAL, symbolStrokeColor=NEUTRAL),
    )
    base = alt.Chart(measured)
    bars = base.mark_rule(color=NEUTRAL).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
    dots = base.mark_point(color=NEUTRAL, filled=True, opacity=0.9, size=42).encode(
        x,
        y,
        shape,
        tooltip=hint({"mean cosine": "format(datum.mean, '.3f')"}, "'norm ' + datum.norm + ', layer ' + datum.layer"),
    )
    formula = caption(
        f"'L/(L + ' + format(norm*norm, '.2~f') + '): ' + format({depth}/({depth} + norm*norm), '.3f') "
        f"+ ' at layer {depth}'",
        alt.value("width"),
        alt.value(-8),
        align="right",
        color=ACCENT,
    )
    chart: alt.LayerChart = (
        alt.layer(bars, dots, curve, formula)
        .add_params(slider("norm", norm, 0.5, 24, 0.5, "input norm ‖u‖"))
        .properties(
            width=600,
            height=300,
            description="Mean cosine of linear nets with biases against depth: a curve that the input norm moves, and "
            "measured nets at three norms.",
        )
    )
    return runtime(chart, play=["norm"])


def raised_curves(table: pd.DataFrame) -> alt.LayerChart:
    """Theorem 1: the share of random layers that raise the cosine, with the condition's edge as a line.

    `table` has `ratio`, `width`, `cosine`, `share`, `low`, `high` and `sufficient`, the cosine up to which the
    theorem promises a rise.
    """
    choices = {key: [f"{value:g}" for value in dict.fromkeys(table[key])] for key in ("ratio", "width")}
    titles = {"ratio": "‖u‖ / ‖v‖", "width": "neurons"}
    start = {"ratio": choices["ratio"][min(1, len(choices["ratio"]) - 1)], "width": choices["width"][-1]}
    labelled = table.assign(**{key: [f"{value:g}" for value in table[key]] for key in choices})
    params, chosen = radios(choices, titles, start)
    x = alt.X("cosine:Q", title="cosine of u and v before the layer", scale=alt.Scale(domain=[-0.4, 1], nice=False))
    y = alt.Y("share:Q", title="share of layers that raise it", scale=alt.Scale(domain=[0, 1.02], nice=False))
    base = alt.Chart(labelled).transform_filter(chosen)
    edge = base.transform_aggregate(sufficient="min(sufficient)").transform_calculate(start="-0.4")
    promised = edge.mark_rect(opacity=0.12, color=ACCENT).encode(x="start:Q", x2="sufficient:Q")
    rule = edge.mark_rule(color=ACCENT, strokeDash=[5, 4]).encode(x="sufficient:Q")
    bars = base.mark_rule(color=NEUTRAL).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
    line = base.mark_line(color=NEUTRAL, strokeWidth=1.4).encode(x, y)
    said = {
        "share of layers": "format(datum.share, '.1%')",
        "interval": "format(datum.low, '.1%') + ' to ' + format(datum.high, '.1%')",
    }
    dots = base.mark_point(color=NEUTRAL, filled=True, opacity=1, size=46).encode(
        x, y, tooltip=hint(said, "'cosine ' + datum.cosine")
    )
    promise = caption("'promised by the theorem'", alt.value(4), alt.value(-9), align="left", color=ACCENT)
    chart: alt.LayerChart = (
        alt.layer(promised, rule, line, bars, dots, promise)
        .add_params(*params)
        .properties(
            width=600,
            height=300,
            description="The share of random ReLU layers that raise the cosine of two vectors, against that cosine, "
            "for a chosen ratio of norms and number of neurons; the region of the theorem is shaded.",
        )
    )
    return chart


def squeeze(points: pd.DataFrame, shared: pd.DataFrame) -> alt.ConcatChart:
    """A ring of inputs that random layers lift from the equator to the pole: seen from the side, and on a globe.

    `points` has a row for each input of each network: `network`, `input`, and two lists with an entry for the inputs
    and for each layer, `latitude` and `longitude` (degrees): the pole is the direction of the mean, so that the sine of
    the latitude is the cosine with it. `shared` has `network`, and the lists `length`, that of the mean vector, and
    `cosine`, the mean cosine of two inputs. The slider goes through the layers, in between along straight lines.
    """
    networks = list(dict.fromkeys(points["network"]))
    depth = len(shared["length"].iloc[0]) - 1
    params, chosen = radios({"network": networks})
    params += [
        slider("layer", 0, 0, depth, 0.25, "layers"),
        words("layer", f"format(layer, '.2~f') + ' of {depth}'"),
        slider("turn", 20, -180, 180, 5, "turn the globe"),
        alt.param("tilt", value=25),
    ]

    def now(name: str) -> str:
        low, high = f"datum.{name}[floor(layer)]", f"datum.{name}[min({depth}, floor(layer) + 1)]"
        return f"({low} + (layer - floor(layer))*({high} - {low}))"

    ring = alt.Chart(points).transform_filter(chosen).transform_calculate(lat=now("latitude"), lon=now("longitude"))
    placed = _placed(ring, "dot", "datum.lat", "datum.lon").transform_calculate(
        side_x="datum.dot_out*sin(datum.lon*PI/180)", side_y="datum.dot_up"
    )
    said = hint({"angle to the shared vector": "format(90 - datum.lat, '.1f') + '°'"}, "'input ' + datum.input")
    mean = (
        alt.Chart(shared)
        .transform_filter(chosen)
        .transform_calculate(long=now("length"), alike=now("cosine"), side_x="0", side_y="datum.long", zero="0")
    )
    arrow = mean.mark_rule(strokeWidth=4, color=ACCENT).encode(*_at("side"), x2=alt.X2("zero:Q"), y2=alt.Y2("zero:Q"))
    tip = mean.mark_point(shape="triangle-up", filled=True, size=150, color=ACCENT, opacity=1).encode(*_at("side"))
    spokes = (
        placed.transform_calculate(origin="0")
        .mark_rule(strokeWidth=1, color=NEUTRAL, opacity=0.35)
        .encode(*_at("side"), x2=alt.X2("origin:Q"), y2=alt.Y2("origin:Q"))
    )
    dots = placed.mark_point(filled=True, size=70, color=IMAGE, opacity=0.9).encode(*_at("side"), tooltip=said)
    outline = (
        alt.Chart(alt.sequence(0, 61, as_="i"))
        .transform_calculate(round_x="cos(datum.i*PI/30)", round_y="sin(datum.i*PI/30)")
        .mark_line(color=NEUTRAL, strokeWidth=1.2)
        .encode(*_at("round"), order="i:Q")
    )
    below: dict[str, Any] = {"align": "left", "fontSize": 13}
    number = caption(
        "'mean cosine ' + format(datum.alike, '.3f')", alt.value(0), alt.value(-9), mean, color=ACCENT, **below
    )
    side = alt.layer(outline, spokes, dots, arrow, tip, number).properties(name="equal_side", width=330, height=330)

    pole = _placed(mean, "tip", "90", "0").transform_calculate(
        end_x="datum.tip_x*datum.long", end_y="datum.tip_y*datum.long", middle="0"
    )
    axis = pole.mark_rule(strokeWidth=4, color=ACCENT).encode(*_at("end"), x2=alt.X2("middle:Q"), y2=alt.Y2("middle:Q"))
    on_globe = placed.mark_point(filled=True, size=70, color=IMAGE).encode(
        *_at("dot"), opacity=alt.condition("datum.dot_front > 0", alt.value(0.9), alt.value(0.3)), tooltip=said
    )
    title = caption(params[0].name, alt.value(0), alt.value(-9), **below)
    globe = alt.layer(outline, *_graticule(), axis, on_globe, title).properties(
        name="equal_globe", width=330, height=330
    )
    chart: alt.ConcatChart = (
        alt.concat(side, globe, columns=2)
        .add_params(*params)
        .properties(
            description="A ring of inputs as blue points, seen from the side within a circle and on a globe; the "
            "vector they share as an arrow to the pole. A slider goes through the layers, a menu chooses the network."
        )
    )
    return runtime(chart, play=["layer", "turn"])


def network_view(
    cosines: pd.DataFrame, predicted: pd.DataFrame, bars: pd.DataFrame, before: pd.DataFrame | None = None
) -> alt.ConcatChart:
    """One random network: mean cosine after each layer, a thin line a seed, beside the cosines after the last one.

    `cosines` has `layer`, `seed`, `cosine`; `predicted` has `layer`, `cosine`, or no rows; `bars` has `value`, the
    middle of a bin, and `share` of all pairs. `before` is as `predicted`: the mean of a network that was shown before.
    """
    # Given, since a table without rows has no extent, and as a parameter, so that more layers need no other chart.
    ends: list[float | alt.ExprRef] = [0, alt.ExprRef("deepest")]
    x = alt.X("layer:Q", title="layer", scale=alt.Scale(domain=ends, nice=False), axis=alt.Axis(tickMinStep=1))
    y = alt.Y("cosine:Q", title="mean cosine", scale=alt.Scale(domain=[-0.05, 1], nice=False))
    base = alt.Chart(cosines)
    thin = base.mark_line(strokeWidth=1, opacity=0.5, color=NEUTRAL).encode(x, y, detail="seed:N")
    average = base.transform_aggregate(average="mean(cosine)", groupby=["layer"])
    height = alt.Y("average:Q", title="mean cosine")
    mean = average.mark_line(color=ACCENT).encode(x, height)
    dots = average.mark_point(filled=True, color=ACCENT, size=40, opacity=1).encode(
        x, height, tooltip=hint({"mean cosine": "format(datum.average, '.3f')"}, "'layer ' + datum.layer")
    )
    field = alt.Chart(predicted).mark_line(strokeDash=[2, 4], color=NEUTRAL).encode(x, y)
    layers = [thin, mean, dots, field]
    if before is not None:
        layers.append(alt.Chart(before).mark_line(strokeDash=[8, 4], color=NEUTRAL).encode(x, y))
    depth = alt.layer(*layers).properties(width=330, height=280)
    across = alt.X("value:Q", title="cosine after the last layer", scale=alt.Scale(domain=[-1, 1], nice=False))
    last = (
        alt.Chart(bars)
        .mark_bar(color=ACCENT, width=3)
        .encode(across, alt.Y("share:Q", title="share of pairs"))
        .properties(width=330, height=280)
    )
    deepest = alt.param("deepest", value=max(1, int(cosines["layer"].max())))
    chart: alt.ConcatChart = (
        alt.concat(depth, last, columns=2)
        .add_params(deepest)
        .properties(
            description="Left: mean cosine of the inputs and after each layer of a random network, for several seeds. "
            "Right: histogram of the cosines of all pairs after the last layer."
        )
    )
    return chart
