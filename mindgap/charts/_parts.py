"""What charts of several chapters are made of: inputs in the page, captions, matched pairs as points and lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from mindgap.charts.theme import IMAGE, NEUTRAL, TEXT

ONE_ROW: Any = alt.Data(values=[{}])  # type: ignore[no-untyped-call]
"""Data of a mark that is drawn once, wherever expressions put it."""

# Round numbers over the range of the paper's temperatures, for a log axis. The paper's own are the reciprocals of round
# numbers: as decimals, 1/30 would be read as .0333333.
TEMPERATURE_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]


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
    text = base.transform_calculate(words=words).mark_text(fontWeight="bold", **mark)
    chart: alt.Chart = text.encode(x=x, y=y, text="words:N")
    return chart


ALONG_AND_ACROSS = ("along the gap", "main axis across it")


def pair_layers(
    base: alt.Chart, opacity: Any, titles: tuple[str, str] = ("first axis", "second axis")
) -> tuple[alt.Chart, alt.Chart, alt.Chart]:
    """Pair lines, first modality, second modality, on one scale that shows the unit sphere's middle."""
    x = alt.X("x:Q", title=titles[0], scale=alt.Scale(domain=[-1, 1], nice=False))
    y = alt.Y("y:Q", title=titles[1], scale=alt.Scale(domain=[-0.85, 0.85], nice=False))
    line = base.mark_rule(color=NEUTRAL, clip=True).encode(x, y, x2="x2:Q", y2="y2:Q", opacity=opacity)
    first = base.mark_circle(color=IMAGE, clip=True).encode(x, y)
    second = base.mark_circle(color=TEXT, clip=True).encode(alt.X("x2:Q"), alt.Y("y2:Q"))
    return line, first, second
