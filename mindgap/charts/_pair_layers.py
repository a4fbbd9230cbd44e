"""Matched pairs as charts draw them: a line, a blue point and an orange one."""

from __future__ import annotations

from typing import Any

import altair as alt

from mindgap._theme import IMAGE, NEUTRAL, TEXT

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
