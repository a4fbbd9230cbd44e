"""Charts of what a computation costs as its size grows (appendix on speed)."""

from __future__ import annotations

import altair as alt
import pandas as pd

from mindgap.charts._parts import emphasis, hint, literal, radio, shapes
from mindgap.charts.theme import DASHES, KIND_COLOURS, NEUTRAL
from mindgap.charts.training import FAINT


def cost_curves(
    table: pd.DataFrame, titles: tuple[str, str], bound: str | None = None, menu: str | None = None
) -> alt.LayerChart:
    """Time or memory against size on two logarithmic axes: a curve a way, on which a straight line is a power.

    `table` has `way`, `size`, `cost` and `said`, how the number was come by; `titles` are those of both axes. The way
    called `bound` is drawn in grey, without marks. `menu` names one more column, with a radio input for its values.
    Marks differ in shape and colour, and a way stands out under the pointer or when its entry in the legend is clicked.
    """
    ways = [way for way in dict.fromkeys(table["way"]) if way != bound]
    names = ways if bound is None else [*ways, bound]
    colours = [*KIND_COLOURS[: len(ways)], *([] if bound is None else [NEUTRAL])]
    dashes = [*DASHES[: len(ways)], *([] if bound is None else [[4, 4]])]
    params, strong = emphasis("way")
    base = alt.Chart(table)
    controls = []
    if menu is not None:
        controls = [radio("menu_", list(dict.fromkeys(table[menu])), menu)]
        base = base.transform_filter(f"datum[{literal(menu)}] == menu_")
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, labelLimit=320)
    across = alt.X(
        "size:Q", title=titles[0], scale=alt.Scale(type="log", domain=_decades(table["size"]), nice=False),
        axis=_axis(table["size"]),
    )  # fmt: skip
    up = alt.Y(
        "cost:Q", title=titles[1], scale=alt.Scale(type="log", domain=_decades(table["cost"]), nice=False),
        axis=_axis(table["cost"]),
    )  # fmt: skip
    colour = alt.Color("way:N", title=None, scale=alt.Scale(domain=names, range=colours), legend=legend)
    dash = alt.StrokeDash("way:N", title=None, scale=alt.Scale(domain=names, range=dashes), legend=legend)
    opacity = alt.condition(strong, alt.value(1), alt.value(FAINT))
    said = {
        titles[0]: "format(datum.size, ',')",
        titles[1]: "format(datum.cost, '.3~r')",
        "how": "datum.said",
    }
    lines = base.mark_line().encode(across, up, colour, dash, opacity=opacity).properties(name="costs")
    points = (
        base.transform_filter(f"datum.way != {literal(str(bound))}")
        .mark_point(filled=True, size=45)
        .encode(
            across,
            up,
            colour,
            shape=shapes("way", ways),
            opacity=opacity,
            tooltip=hint(said, "datum.way"),
        )
    )
    chart: alt.LayerChart = (
        alt.layer(lines.add_params(*params), points)
        .add_params(*controls)
        .properties(
            width=560,
            height=340,
            description=f"{titles[1]} against {titles[0]} for {', '.join(names)}, both on logarithmic axes"
            + (f". A radio input chooses the {menu}." if menu else "."),
        )
    )
    return chart


def _decades(values: pd.Series) -> list[float]:
    """A little beyond the ends, so that no mark is cut."""
    return [float(f"{values.min() / 1.25:.2g}"), float(f"{values.max() * 1.25:.2g}")]


def _axis(values: pd.Series) -> alt.Axis:
    """Labels at powers of ten alone where there are many of them, at 1, 2 and 5 otherwise."""
    low, high = values.min() / 1.25, values.max() * 1.25
    steps = (1,) if high / low > 1000 else (1, 2, 5)
    ticks = [step * 10.0**power for power in range(-9, 13) for step in steps if low <= step * 10.0**power <= high]
    return alt.Axis(values=ticks, labelExpr="format(datum.value, datum.value < 1 ? '~r' : ',')", grid=True)
