"""A sphere one can turn, with pairs on it, beside the loss against their height (chapter 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import caption, radios, slider
from mindgap.charts.theme import ACCENT, IMAGE, NEUTRAL, TEXT

_PARALLELS, _MERIDIANS, _STEP = 5, 12, 6  # lines of the graticule, and degrees between points on them


def sphere_pairs(
    arrangements: Mapping[str, tuple[Sequence[float], Sequence[int]]],
    curves: pd.DataFrame,
    height: float = 0.0,
    controls: bool = True,
) -> alt.ConcatChart:
    """Images on the equator and texts above them, on a globe that sliders turn, beside the loss at every height.

    `arrangements` maps a name to azimuths (n, degrees) and the image below each text, as `sphere.arc_pairs` takes them.
    `curves` has `arrangement`, `tau` (a label), `height` (degrees, evenly spaced) and `loss`; the slider steps through
    its heights. The chart starts at `height`. Without `controls` it has no inputs; its parameters `raised`, `tau_`,
    `arrangement_`, `turn` and `tilt` are set from outside.
    """
    choices = {"arrangement": list(arrangements), "tau": list(dict.fromkeys(curves["tau"]))}
    params, chosen = radios(choices, {"arrangement": "captions", "tau": "temperature τ"}, bound=controls)
    heights = sorted(set(curves["height"]))
    params += [
        slider("raised", height, heights[0], heights[-1], heights[1] - heights[0], "height Δθ", controls),
        slider("turn", 30, -180, 180, 5, "turn the globe", controls),
        slider("tilt", 20, -90, 90, 5, "tilt it", controls),
    ]

    pairs = pd.DataFrame(
        {"arrangement": name, "pair": i, "own": azimuths[i], "above": azimuths[above[i]]}
        for name, (azimuths, above) in arrangements.items()
        for i in range(len(azimuths))
    )
    equal = alt.Scale(domain=[-1.08, 1.08], nice=False)
    x, y = alt.X("x:Q", scale=equal, axis=None), alt.Y("y:Q", scale=equal, axis=None)
    outline = (
        alt.Chart(alt.sequence(0, 61, as_="i"))
        .transform_calculate(x="cos(datum.i*PI/30)", y="sin(datum.i*PI/30)")
        .mark_line(color=NEUTRAL, strokeWidth=1.4)
        .encode(x, y, order="i:Q")
    )
    base = alt.Chart(pairs).transform_filter("datum.arrangement == arrangement_")
    seen = alt.condition("datum.front > 0", alt.value(1), alt.value(0.25))
    images = _placed(base.transform_calculate(lat="0", lon="datum.own"))
    texts = _placed(base.transform_calculate(lat="raised", lon="datum.above"))
    image_dots = images.mark_circle(size=150, color=IMAGE).encode(x, y, opacity=seen)
    text_dots = texts.mark_circle(size=150, color=TEXT).encode(x, y, opacity=seen)
    links = (
        _placed(_placed(base.transform_calculate(lat="0", lon="datum.own"), "a").transform_calculate(
            lat="raised", lon="datum.above"
        ))
        .mark_rule(strokeWidth=1.8)
        .encode(
            alt.X("ax:Q", scale=equal, axis=None), alt.Y("ay:Q", scale=equal, axis=None), x2="x:Q", y2="y:Q",
            color=alt.condition("datum.own == datum.above", alt.value(NEUTRAL), alt.value(ACCENT)),
            opacity=alt.value(0.8),
        )
    )  # fmt: skip
    globe = alt.layer(outline, *_graticule(x, y), links, image_dots, text_dots).properties(
        name="equal_globe", width=330, height=330
    )

    frame = alt.Chart(curves).transform_filter(chosen)
    across = alt.X("height:Q", title="height Δθ of the texts, degrees", scale=alt.Scale(nice=False))
    loss = alt.Y("loss:Q", title="contrastive loss", scale=alt.Scale(zero=False))
    curve = frame.mark_line(color=ACCENT).encode(across, loss)
    here = frame.transform_filter("abs(datum.height - raised) < 1e-6")
    marker = here.mark_point(filled=True, size=130, opacity=1, color=ACCENT).encode(across, loss)
    words = caption(
        "'loss ' + format(datum.loss, '.4f') + ' at ' + datum.height + '°'",
        alt.value(0),
        alt.value(-9),
        here,
        align="left",
        color=ACCENT,
    )
    loss_view = alt.layer(curve, marker, words).properties(name="equal_loss", width=330, height=330)
    chart: alt.ConcatChart = (
        alt.concat(globe, loss_view, columns=2)
        .add_params(*params)
        .properties(
            description="Left: a globe with images on its equator and texts at a height above them; lines join what "
            "belongs together. Right: the contrastive loss against that height, with a marker."
        )
    )
    return chart


def _placed(chart: alt.Chart, prefix: str = "") -> alt.Chart:
    """Points at `lat` and `lon` (degrees) in orthographic projection: x, y, and front, above 0 on the near side."""
    angle = "(datum.lon - turn)*PI/180"
    lat = "datum.lat*PI/180"
    toward = f"cos({lat})*cos({angle})"
    placed: alt.Chart = chart.transform_calculate(
        **{
            f"{prefix}x": f"cos({lat})*sin({angle})",
            f"{prefix}y": f"sin({lat})*cos(tilt*PI/180) - {toward}*sin(tilt*PI/180)",
            f"{prefix}front": f"sin({lat})*sin(tilt*PI/180) + {toward}*cos(tilt*PI/180)",
        }
    )
    return placed


def _graticule(x: Any, y: Any) -> list[alt.Chart]:
    """Parallels and meridians, broken where they pass behind."""
    around, up = 360 // _STEP + 1, 180 // _STEP + 1
    parallels = alt.Chart(alt.sequence(0, _PARALLELS * around, as_="i")).transform_calculate(
        line=f"floor(datum.i/{around})",
        lat=f"(datum.line - {_PARALLELS // 2})*{180 // (_PARALLELS + 1)}",
        lon=f"(datum.i % {around})*{_STEP}",
    )
    meridians = alt.Chart(alt.sequence(0, _MERIDIANS * up, as_="i")).transform_calculate(
        line=f"floor(datum.i/{up})",
        lat=f"(datum.i % {up})*{_STEP} - 90",
        lon=f"datum.line*{360 // _MERIDIANS}",
    )
    return [
        _placed(lines)
        .transform_calculate(x="datum.front >= 0 ? datum.x : null")
        .mark_line(color=NEUTRAL, strokeWidth=0.6, opacity=0.55)
        .encode(x, y, detail="line:N", order="i:Q")
        for lines in (parallels, meridians)
    ]
