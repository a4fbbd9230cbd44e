"""A sphere one can turn, with pairs on it, beside the loss against their height (chapter 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import WIDE, caption, fixed, hint, names_above, radios, runtime, slider
from mindgap.charts.theme import ACCENT, IMAGE, NEUTRAL, TEXT

_PARALLELS, _MERIDIANS, _STEP = 5, 12, 10  # lines of the graticule, and degrees between points on them
_RADIANS = "*PI/180"


def sphere_pairs(
    arrangements: Mapping[str, tuple[Sequence[float], Sequence[int]]],
    curves: pd.DataFrame,
    height: float = 0.0,
    controls: bool = True,
    before: pd.DataFrame | None = None,
) -> alt.ConcatChart:
    """Images on the equator and texts above them, on a globe that sliders turn, beside the loss at every height.

    `arrangements` maps a name to azimuths (n, degrees) and the image below each text, as `sphere.arc_pairs` takes them.
    `curves` has `arrangement`, `tau` (a label), `height` (degrees, evenly spaced) and `loss`; the slider steps through
    its heights. The chart starts at `height`. Without `controls` it has no inputs; its parameters `raised`, `tau_`,
    `arrangement_`, `turn` and `tilt` are set from outside. `before` is as `curves`: those of pairs that were shown
    before, drawn in grey.
    """
    choices = {"arrangement": list(arrangements), "tau": list(dict.fromkeys(curves["tau"]))}
    params, chosen = radios(choices, {"arrangement": "captions", "tau": "temperature τ"}, bound=controls)
    heights = sorted(set(curves["height"]))
    params += [
        slider("raised", height, heights[0], heights[-1], heights[1] - heights[0], "height Δθ", controls),
        slider("turn", 30, -180, 180, 5, "turn the globe", controls),
        slider("tilt", 20, -90, 90, 5, "tilt it", controls),
    ]
    if before is not None:  # a parameter, so that other curves need no other chart
        params.append(alt.param("loss_ranges", value=_ranges(curves)))
    globe = _globe(arrangements)
    chart: alt.ConcatChart = (
        alt.concat(globe, _losses(curves, chosen, choices["arrangement"][0], before), columns=2)
        .add_params(*params)
        .properties(
            description="Left: a globe with images on its equator and texts at a height above them; lines join what "
            "belongs together, dashed where captions were exchanged. Right: the contrastive loss against that height, "
            "with a marker, on one axis for all arrangements at a temperature; grey, the first arrangement."
        )
    )
    if controls:
        chart = runtime(
            chart, play=["raised", "turn"], numbers="data-2", drag={"view": "equal_globe", "x": "turn", "y": "tilt"}
        )
    return chart


def _globe(arrangements: Mapping[str, tuple[Sequence[float], Sequence[int]]]) -> alt.LayerChart:
    pairs = pd.DataFrame(
        {"arrangement": name, "pair": i, "own": azimuths[i], "above": azimuths[above[i]]}
        for name, (azimuths, above) in arrangements.items()
        for i in range(len(azimuths))
    )
    # One chain places a pair, image and text, each under names of its own: Vega calculates in place, so that a name
    # used twice holds what was written last, and whatever was calculated from the first is wrong at the next turn.
    placed = _placed(
        _placed(alt.Chart(pairs).transform_filter("datum.arrangement == arrangement_"), "image", "0", "datum.own"),
        "text",
        "raised",
        "datum.above",
    )
    exchanged = "datum.own != datum.above"

    def dots(name: str, colour: str, shape: str, size: int) -> Any:
        cosine = f"cos((datum.own - datum.above){_RADIANS})*cos(raised{_RADIANS})"
        lines = {"cosine of the pair": f"format({cosine}, '.2f')"}
        return placed.mark_point(shape=shape, filled=True, size=size, color=colour).encode(
            *_at(name),
            opacity=alt.condition(f"datum.{name}_front > 0", alt.value(1), alt.value(0.35)),
            tooltip=hint(lines, f"'pair ' + datum.pair + ({exchanged} ? ', caption exchanged' : '')"),
        )

    x, y = _at("image")
    links = placed.mark_rule(strokeWidth=2).encode(
        x,
        y,
        x2="text_x:Q",
        y2="text_y:Q",
        color=alt.condition(exchanged, alt.value(ACCENT), alt.value(NEUTRAL)),
        strokeDash=alt.condition(exchanged, alt.value([7, 4]), alt.value([1, 0])),
    )
    some = placed.transform_filter(exchanged).transform_aggregate(count="count()").transform_filter("datum.count > 0")
    legend = caption(
        "'dashed: exchanged'", alt.value(0), alt.value("height"), some, align="left", dy=-4, color=ACCENT, fontSize=13
    )
    outline = (
        alt.Chart(alt.sequence(0, 61, as_="i"))
        .transform_calculate(round_x="cos(datum.i*PI/30)", round_y="sin(datum.i*PI/30)")
        .mark_line(color=NEUTRAL, strokeWidth=1.4)
        .encode(*_at("round"), order="i:Q")
    )
    globe: alt.LayerChart = alt.layer(
        outline,
        *_graticule(),
        links,
        dots("image", IMAGE, "circle", 150),
        dots("text", TEXT, "square", 130),
        legend,
        *names_above("'images'", "'texts'"),
    ).properties(name="equal_globe", width=330, height=330)
    return globe


def _losses(curves: pd.DataFrame, chosen: str, first: str, before: pd.DataFrame | None) -> alt.LayerChart:
    # One axis for all arrangements at a temperature: what is higher looks higher.
    ranges = _ranges(curves)
    known = json.dumps(ranges) if before is None else "loss_ranges"
    domain = [alt.ExprRef(f"({known})[tau_][{end}]") for end in (0, 1)]
    # Given in full: nothing, as the reference is at first, has no extent.
    ends = [float(curves["height"].min()), float(curves["height"].max())]
    across = alt.X("height:Q", title="height Δθ of the texts, degrees", scale=alt.Scale(domain=ends, nice=False))
    loss = alt.Y(
        "loss:Q",
        title="contrastive loss",
        scale=alt.Scale(domain=domain, nice=False, zero=False),
        axis=alt.Axis(minExtent=WIDE, format=".4~g"),
    )
    frame = alt.Chart(curves)
    other = frame.transform_filter(f"datum.arrangement == {first!r} && datum.tau == tau_ && arrangement_ != {first!r}")
    reference = other.mark_line(color=NEUTRAL, strokeWidth=1.4, strokeDash=[4, 3]).encode(across, loss)
    named = caption(
        repr(f"grey: {first}"),
        alt.value("width"),
        alt.value("height"),  # in a corner: above the frame a phone has room for the loss alone
        other.transform_filter("datum.height == 0"),
        align="right",
        dx=-4,
        dy=-7,
        color=NEUTRAL,
    )
    shown = frame.transform_filter(chosen)
    curve = shown.mark_line(color=ACCENT).encode(across, loss)
    here = shown.transform_filter("abs(datum.height - raised) < 1e-6")
    marker = here.mark_point(filled=True, size=130, opacity=1, color=ACCENT).encode(
        across, loss, tooltip=hint({"loss": "format(datum.loss, '.4f')"}, "'height ' + datum.height + '°'")
    )
    words = caption(
        "'loss ' + format(datum.loss, '.4f') + ' at ' + datum.height + '°'",
        alt.value(0),
        alt.value(-9),
        here,
        align="left",
        color=ACCENT,
    )
    layers = [reference, curve, marker, words, named]
    if before is not None:
        then = alt.Chart(before).transform_filter("datum.tau == tau_")
        layers.append(then.mark_line(color=NEUTRAL, strokeDash=[4, 3], clip=True).encode(across, loss))
    view: alt.LayerChart = alt.layer(*layers).properties(name="equal_loss", width=330, height=330)
    return view


def _ranges(curves: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """The ends of the loss axis at each temperature."""
    return {tau: fixed(part["loss"]) for tau, part in curves.groupby("tau", sort=False)}


def _at(name: str) -> tuple[alt.X, alt.Y]:
    """The channels of what `_placed` calls `name`."""
    equal = alt.Scale(domain=[-1.08, 1.08], nice=False)
    return alt.X(f"{name}_x:Q", scale=equal, axis=None), alt.Y(f"{name}_y:Q", scale=equal, axis=None)


def _placed(chart: alt.Chart, name: str, lat: str, lon: str) -> alt.Chart:
    """Points at `lat` and `lon` (expressions, degrees) in orthographic projection, as fields that begin with `name`.

    They are name_x, name_y and name_front, above 0 on the near side; name_out and name_up, what does not turn with
    the globe, come first, so that turning it does not calculate them again.
    """
    angle = f"({lon} - turn){_RADIANS}"
    toward = f"datum.{name}_out*cos({angle})"
    placed: alt.Chart = chart.transform_calculate(
        **{f"{name}_out": f"cos({lat}{_RADIANS})", f"{name}_up": f"sin({lat}{_RADIANS})"}
    ).transform_calculate(
        **{
            f"{name}_x": f"datum.{name}_out*sin({angle})",
            f"{name}_y": f"datum.{name}_up*cos(tilt{_RADIANS}) - {toward}*sin(tilt{_RADIANS})",
            f"{name}_front": f"datum.{name}_up*sin(tilt{_RADIANS}) + {toward}*cos(tilt{_RADIANS})",
        }
    )
    return placed


def _graticule() -> list[alt.Chart]:
    """Parallels and meridians, broken where they pass behind."""
    around, up = 360 // _STEP + 1, 180 // _STEP + 1
    parallels = alt.Chart(alt.sequence(0, _PARALLELS * around, as_="i")).transform_calculate(
        line=f"floor(datum.i/{around})",
        lat=f"(floor(datum.i/{around}) - {_PARALLELS // 2})*{180 // (_PARALLELS + 1)}",
        lon=f"(datum.i % {around})*{_STEP}",
    )
    meridians = alt.Chart(alt.sequence(0, _MERIDIANS * up, as_="i")).transform_calculate(
        line=f"floor(datum.i/{up})",
        lat=f"(datum.i % {up})*{_STEP} - 90",
        lon=f"floor(datum.i/{up})*{360 // _MERIDIANS}",
    )
    return [
        _placed(lines, "grid", "datum.lat", "datum.lon")
        .transform_calculate(seen_x="datum.grid_front >= 0 ? datum.grid_x : null", seen_y="datum.grid_y")
        .mark_line(color=NEUTRAL, strokeWidth=0.6, opacity=0.7)
        .encode(*_at("seen"), detail="line:N", order="i:Q")
        for lines in (parallels, meridians)
    ]
