"""Inputs in the page that choose what a chart shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt


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
