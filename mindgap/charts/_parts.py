"""What charts of several chapters are made of: inputs in the page, and matched pairs as points and lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from mindgap.charts.theme import IMAGE, NEUTRAL, TEXT


def radio(signal: str, options: Sequence[str], title: str, start: str | None = None, bound: bool = True) -> Any:
    """The parameter `signal`, with a radio input for several options; one option alone, or unbound, has none."""
    bind = alt.binding_radio(options=list(options), name=f"{title} ") if bound and len(options) > 1 else alt.Undefined
    return alt.param(signal, value=options[0] if start is None else start, bind=bind)


def radios(
    choices: Mapping[str, Sequence[str]],
    titles: Mapping[str, str] | None = None,
    start: Mapping[str, str] | None = None,
    bound: bool = True,
) -> tuple[list[Any], str]:
    """A radio input for each choice between the values of a column, and the filter for what is chosen.

    `titles` says what the inputs are called if not by their names, `start` what is chosen first if not the first value.
    """
    signals = {name: re.sub(r"\W", "_", name) + "_" for name in choices}  # what Vega takes as a name
    params = [
        radio(signals[name], values, (titles or {}).get(name, name), (start or {}).get(name), bound)
        for name, values in choices.items()
    ]
    return params, " && ".join(f"datum['{name}'] == {signals[name]}" for name in choices)


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
