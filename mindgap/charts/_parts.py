"""What charts of several chapters are made of: inputs in the page, captions, matched pairs as points and lines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import altair as alt

from mindgap.charts.theme import IMAGE, NEUTRAL, SHAPES, TEXT
from mindgap.landscape import TEMPERATURES

ChartT = TypeVar("ChartT", alt.LayerChart, alt.ConcatChart)

ONE_ROW: Any = alt.Data(values=[{}])  # type: ignore[no-untyped-call]
"""Data of a mark that is drawn once, wherever expressions put it."""

TEMPERATURE_AXIS: dict[str, Any] = {
    "values": list(TEMPERATURES),
    "labelExpr": "datum.value < 1 ? '1/' + format(1 / datum.value, '.0f') : '1'",
}
"""Temperatures as the book writes them, on a logarithmic axis."""


def radio(
    signal: str, options: Sequence[str], title: str, start: str | None = None, bound: bool = True
) -> alt.Parameter:
    """The parameter `signal`, with a radio input for several options; one option alone, or unbound, has none."""
    bind = alt.binding_radio(options=list(options), name=f"{title} ") if bound and len(options) > 1 else alt.Undefined
    return alt.param(signal, value=options[0] if start is None else start, bind=bind)


def radios(
    choices: Mapping[str, Sequence[str]],
    titles: Mapping[str, str] | None = None,
    start: Mapping[str, str] | None = None,
    bound: bool = True,
) -> tuple[list[alt.Parameter], str]:
    """A radio input for each choice between the values of a column, and the filter for what is chosen.

    `titles` are those of inputs that are not called by the names of their columns, `start` what is chosen first if not
    the first value.
    """
    signals = {name: re.sub(r"\W", "_", name) + "_" for name in choices}  # what Vega takes as a name
    params = [
        radio(signals[name], values, (titles or {}).get(name, name), (start or {}).get(name), bound)
        for name, values in choices.items()
    ]
    return params, " && ".join(f"datum['{name}'] == {signals[name]}" for name in choices)


def slider(
    signal: str, start: float, low: float, high: float, step: float, title: str, bound: bool = True
) -> alt.Parameter:
    """The parameter `signal`, a number with a slider from `low` to `high`; unbound, it has none."""
    bind = alt.binding_range(min=low, max=high, step=step, name=f"{title} ") if bound else alt.Undefined
    return alt.param(signal, value=start, bind=bind)


def caption(words: str, x: Any, y: Any, base: alt.Chart | None = None, **mark: Any) -> alt.Chart:
    """The Vega expression `words`, written in bold at `x` and `y`: once, or for each row of `base`.

    `x` and `y` are channels: `alt.value` for pixels of the view, `alt.datum` for a place on the axes. `mark` has more
    options for the text.
    """
    base = alt.Chart(ONE_ROW) if base is None else base
    options: dict[str, Any] = {"fontWeight": "bold", **mark}
    text = base.transform_calculate(words=words).mark_text(**options)
    chart: alt.Chart = text.encode(x=x, y=y, text="words:N")
    return chart


def words(signal: str, expression: str) -> alt.Parameter:
    """What the slider of `signal` says instead of its number, where that is a place in a list: a Vega expression."""
    return alt.param(f"{signal}_words", expr=expression)


def runtime(chart: ChartT, **usermeta: Any) -> ChartT:
    """The chart with what the site's script may do with it: `play` sliders, `drag` a view, show `numbers`."""
    annotated: ChartT = chart.properties(usermeta={"mindgap": usermeta})
    return annotated


def superscript(number: str) -> str:
    """A Vega expression that writes the whole number of the expression `number` as an exponent."""
    written = f"format({number}, 'd')"
    for plain, raised in zip("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True):
        written = f"replace({written}, /{plain}/g, '{raised}')"
    return written


def fixed(values: Iterable[Any], air: float = 0.06) -> tuple[float, float]:
    """The range of `values` with some `air`, a share of it, in round numbers: for an axis that stands still."""
    numbers = [float(value) for value in values if math.isfinite(float(value))]
    low, high = min(numbers), max(numbers)
    room = air * (high - low) or 0.05 * (abs(high) or 1)
    unit = 10 ** math.floor(math.log10(room))
    least = math.floor((low - room) / unit) * unit
    if low >= 0:
        least = max(0.0, least)
    return round(least, 12) + 0.0, round(math.ceil((high + room) / unit) * unit, 12) + 0.0


WIDE = 46  # pixels for the labels of an axis whose numbers change: more than the longest of them takes


def emphasis(field: str, name: str = "emphasis") -> tuple[list[alt.Parameter], str]:
    """Two selections by which one of several curves stands out, and the expression that holds for what does.

    A curve under the pointer stands out while it is there; one whose entry in the legend was clicked, until the next
    click. Both belong to the chart with the legend.
    """
    over, chosen = f"{name}_over", f"{name}_chosen"
    params = [
        alt.selection_point(name=over, fields=[field], on="pointerover", clear="pointerout", empty=False),
        alt.selection_point(name=chosen, fields=[field], bind="legend"),
    ]
    own = f"datum['{field}']"
    expression = (
        f"{over}['{field}'] ? {over}['{field}'][0] == {own} : "
        f"!{chosen}['{field}'] || indexof({chosen}['{field}'], {own}) >= 0"
    )
    return params, expression


def literal(text: str) -> str:
    """A text as an expression has it, whatever its letters."""
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def shapes(field: str, kinds: Sequence[str]) -> Any:
    """A shape for each of `kinds`, which leaves the legend to their lines."""
    chosen = json.dumps(SHAPES[: len(kinds)])
    return alt.value(alt.ExprRef(f"{chosen}[indexof({json.dumps(list(kinds), ensure_ascii=False)}, datum['{field}'])]"))


ALONG_AND_ACROSS = ("along the gap", "main axis across it")
MARKED, NEAR = "marked", "near"
"""The parameters of a marked pair: the slider's, by keyboard, and the pointer's."""


def marking(pairs: int, said: str = "") -> list[alt.Parameter]:
    """A slider that marks one of `pairs` pairs, or none; `said` is an expression of what else it says of the pair."""
    return [
        slider(MARKED, -1, -1, pairs - 1, 1, "mark a pair"),
        words(MARKED, f"{MARKED} < 0 ? 'none' : 'pair ' + {MARKED}{said}"),
    ]


def reach(values: Iterable[float], least: float = 0.85) -> float:
    """How far a square frame around the middle must go so that it cuts no point: at least `least`, at most 1."""
    most = max((abs(float(value)) for value in values), default=0.0)
    return min(1.0, max(least, math.ceil(20 * most + 0.2) / 20))


def pair_layers(
    base: alt.Chart,
    opacity: Any,
    titles: tuple[str | None, str | None] = ("first axis", "second axis"),
    across: float = 0.85,
    tooltip: Any = alt.Undefined,
    view: str = "pairs",
    marked: bool = False,
    moves: Mapping[str, str] | None = None,
) -> list[alt.Chart]:
    """Pair lines, first modality, second modality, on one scale that shows the unit sphere's middle.

    The second axis goes to ±`across`, as far as `reach` says: nothing is cut off at the frame. Rows have a column
    `pair`: the pair under the pointer is drawn once more and stronger, and, if `marked`, so is the one that the slider
    of `marking` chooses. `view` names the view that follows the pointer: each of a chart's needs a name of its own.
    `moves` are expressions that give x, y, x2 and y2, after what these need, where rows of `base` do not have them.
    """
    scales = [alt.Scale(domain=[-end, end], nice=False) for end in (1, across)]
    x, y = (alt.X("x:Q", title=titles[0], scale=scales[0]), alt.Y("y:Q", title=titles[1], scale=scales[1]))
    near = f"{NEAR}_{view}"
    pointer = alt.selection_point(name=near, fields=["pair"], on="pointerover", clear="pointerout", empty=False)
    chosen = f"{near}.pair && {near}.pair[0] == datum.pair" + (f" || datum.pair == {MARKED}" if marked else "")
    points = base.transform_calculate(**moves) if moves else base
    strong = points.transform_filter(chosen)
    ends = {"filled": True, "opacity": 1}
    second = (alt.X("x2:Q"), alt.Y("y2:Q"))
    # All lines of pairs are one mark with gaps in it: hundreds of marks would be drawn anew at each step of a slider.
    # Its rows are made before anything moves, and stay.
    links = base.transform_calculate(parts="[0, 1, 2]").transform_flatten(["parts"], as_=["part"])
    place = {name: f"datum.{name}" for name in ("x", "y", "x2", "y2")} | dict(moves or {})
    ways = {name: formula for name, formula in place.items() if name[0] not in "xy"}
    ways |= {f"{n}_end": f"datum.part == 0 ? {place[n]} : datum.part == 1 ? {place[f'{n}2']} : null" for n in "xy"}
    links = links.transform_calculate(**ways)
    # What stands out lies beneath what it repeats: on top it would take the pointer away from it, be gone, and so on.
    return [
        strong.mark_rule(color=NEUTRAL, strokeWidth=2.5).encode(x, y, x2="x2:Q", y2="y2:Q"),
        strong.mark_point(shape="circle", color=IMAGE, size=170, **ends).encode(x, y),
        strong.mark_point(shape="square", color=TEXT, size=150, **ends).encode(*second),
        links.mark_line(color=NEUTRAL, strokeWidth=0.8, order=False, invalid="break-paths-show-domains").encode(
            alt.X("x_end:Q"), alt.Y("y_end:Q"), opacity=opacity
        ),
        points.mark_point(shape="circle", filled=True, color=IMAGE, size=26, opacity=0.8)
        .encode(x, y, tooltip=tooltip)
        .properties(name=view)
        .add_params(pointer),
        points.mark_point(shape="square", filled=True, color=TEXT, size=22, opacity=0.8).encode(
            *second, tooltip=tooltip
        ),
    ]


def names_above(first: str, second: str) -> list[alt.Chart]:
    """The legend of `pair_layers`: both modalities, expressions, by name, colour and shape above the frame."""
    above = alt.value(-9)
    return [
        caption(f"'■ ' + {second}", alt.value(0), above, align="left", color=TEXT, fontSize=13),
        caption(f"{first} + ' ●'", alt.value("width"), above, align="right", color=IMAGE, fontSize=13),
    ]


def hint(lines: Mapping[str, str], title: str, drawn: str = "") -> Any:
    """A tooltip: expressions for its title and its lines; with `drawn`, an expression of a scene, that scene, too.

    A scene is an object with `picture`, the address of a picture, and `caption`.
    """
    body = ", ".join(f"{literal(name)}: {expression}" for name, expression in lines.items())
    plain = f"{{title: {title}, {body}}}" if body else f"{{title: {title}}}"
    if not drawn:
        return alt.value(alt.ExprRef(plain))
    full = f"{{title: {title}, {body + ', ' if body else ''}'caption': {drawn}.caption, image: {drawn}.picture}}"
    return alt.value(alt.ExprRef(f"{drawn} ? {full} : {plain}"))
