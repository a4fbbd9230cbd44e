"""How CLIP is trained, in one moving schematic: pairs, towers, a sphere, cosines, a softmax, the loss (front page)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from mindgap.charts._parts import ONE_ROW, caption, hint, radio, runtime, slider, words
from mindgap.charts.theme import ACCENT, IMAGE, NEUTRAL, TEXT

STEPS = ["pairs", "two towers", "one sphere", "all cosines", "softmax", "the loss"]
DIRECTIONS = ["picture picks caption", "caption picks picture"]
FAINT = 0.12
"""How strong stands what a later step brings."""

_ALL = [0, 100]  # both panels are squares of 100 by 100, whatever their pixels
_LEFT, _RIGHT = [6, 18, 30, 42], [58, 70, 82, 94]  # where four captions and four pictures stand
_MIDDLE, _RADIUS = (50, 25), 23  # of the sphere
_TOWERS = {"text": (24, TEXT), "image": (76, IMAGE)}
_CELL = (20, 16)


def clip_schematic(
    pairs: Mapping[str, Any] | pd.DataFrame,
    cosines: Sequence[Sequence[float]],
    temperatures: Sequence[float] = (1, 1 / 2, 1 / 5, 1 / 10, 1 / 20, 1 / 50, 1 / 100),
    start: int = 3,
) -> alt.ConcatChart:
    """Four pairs on their way through CLIP to its loss, which six steps build up, beside their cosines.

    `pairs` has a row a pair, as a table or as its columns: `picture` (an address), `caption`, and where its two
    embeddings lie in the unit disc, `x`, `y` (picture) and `x2`, `y2` (caption). `cosines` has a row a picture and a
    column a caption. The temperature is one of `temperatures`, at first that at the place `start`; shares and loss are
    computed in the page.

    Raises ValueError unless there are four pairs, with four rows of four cosines.
    """
    pairs = pd.DataFrame(dict(pairs))
    if len(pairs) != 4 or len(cosines) != 4 or any(len(row) != 4 for row in cosines):
        raise ValueError(f"pairs and cosines: expected 4 pairs and 4 rows of 4 cosines, got {len(pairs)} pairs")
    labels = [f"1/{round(1 / tau)}" if tau < 1 else f"{tau:g}" for tau in temperatures]
    shown = ["pairs_near", "cells_near"]
    lit = "".join(f"{name}.pair ? {name}.pair[0] : " for name in shown) + "pair"
    params = [
        slider("step", len(STEPS), 1, len(STEPS), 1, "step"),
        words("step", f"step + ' of {len(STEPS)}: ' + {json.dumps(STEPS)}[step - 1]"),
        slider("pair", 2, 1, 4, 1, "pair"),
        slider("sharp", start, 0, len(labels) - 1, 1, "temperature τ"),
        words("sharp", f"{json.dumps(labels)}[sharp]"),
        radio("picks", DIRECTIONS, "direction"),
        alt.param("by_row", expr=f"picks == {DIRECTIONS[0]!r}"),
        alt.param("tau", expr=f"{json.dumps(list(temperatures))}[sharp]"),
        alt.param("similarity", value=[[float(one) for one in row] for row in cosines]),
        alt.param("lit", expr=lit),
        alt.param("loss_now", expr=_loss()),
    ]
    numbered = pairs.assign(pair=range(1, 5), left=_LEFT, right=_RIGHT)
    for name, column, centre in (("ax", "x", 0), ("ay", "y", 1), ("bx", "x2", 0), ("by", "y2", 1)):
        numbered[name] = _MIDDLE[centre] + _RADIUS * pairs[column].to_numpy()
    cells = pd.DataFrame(
        {"pair": i + 1, "caption": j + 1, "cosine": float(cosines[i][j])} for i in range(4) for j in range(4)
    )
    chart: alt.ConcatChart = (
        alt.concat(_towers(numbered), _matrix(numbered, cells), columns=2)
        .add_params(*params)
        .properties(
            description="Left: four pictures and their four captions, a tower for each kind, and the eight points to "
            "which the towers send them on one sphere, the captions at the left, the pictures at the right. Right: the "
            "cosines of all four pictures with all four captions, as numbers or as shares of a softmax at a "
            "temperature, with the loss below."
        )
    )
    return runtime(chart, play=["step"], numbers="data-2")


def _loss() -> str:
    """The contrastive loss, both directions, as an expression of `similarity` and `tau`."""
    parts = []
    for i in range(4):
        for line in ([f"similarity[{i}][{j}]" for j in range(4)], [f"similarity[{j}][{i}]" for j in range(4)]):
            total = " + ".join(f"exp({one}/tau)" for one in line)
            parts.append(f"log({total}) - similarity[{i}][{i}]/tau")
    return f"({' + '.join(parts)})/8"


def _pair_hint() -> Any:
    own = "format(similarity[datum.pair - 1][datum.pair - 1], '.2f')"
    return hint({"caption": "datum.caption", "cosine of the pair": own}, "'pair ' + datum.pair")


def _sum(one: str) -> str:
    """The sum of exp(cosine/τ) over the four of a row or a column; `one` is that at the place k."""
    return f"({' + '.join(f'exp(({one.format(k=k)})/tau)' for k in range(4))})"


def _x(field: str) -> Any:
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=_ALL, nice=False), axis=None)


def _y(field: str) -> Any:
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=_ALL, nice=False), axis=None)


def _px(x: float) -> Any:
    return alt.XDatum(x, type="quantitative", scale=alt.Scale(domain=_ALL, nice=False), axis=None)


def _py(y: float) -> Any:
    return alt.YDatum(y, type="quantitative", scale=alt.Scale(domain=_ALL, nice=False), axis=None)


def _at(x: float, y: float) -> dict[str, Any]:
    """A place in a panel that no data decide."""
    return {"x": _px(x), "y": _py(y)}


def _from(step: int, strong: float = 1, faint: float = FAINT) -> Any:
    """An opacity that is full from a step on."""
    return alt.value(alt.ExprRef(f"step >= {step} ? {strong} : {faint}"))


def _near(name: str) -> alt.Parameter:
    return alt.selection_point(name=name, fields=["pair"], on="pointerover", clear="pointerout", empty=False)


def _write(text: str, x: float, y: float, opacity: Any = alt.Undefined, **mark: Any) -> alt.Chart:
    written: alt.Chart = caption(text, _px(x), _py(y), **mark).encode(opacity=opacity)
    return written


def _chips(base: alt.Chart, field: str, y: float, opacity: Any = alt.Undefined) -> list[alt.Chart]:
    """The captions as numbered sheets, at the places of `field`."""
    place = {"x": _x(field), "y": _py(y), "opacity": opacity}
    sheet = base.mark_point(shape="square", size=900, color=TEXT, filled=False, opacity=1).encode(
        **place, strokeWidth=alt.condition("datum.pair == lit", alt.value(3.5), alt.value(1.2))
    )
    number = base.mark_text(color=TEXT, fontSize=13, fontWeight="bold").encode(**place, text="pair:N")
    return [sheet, number]


def _towers(pairs: pd.DataFrame) -> alt.LayerChart:
    base = alt.Chart(pairs)
    chosen = base.transform_filter("datum.pair == lit")
    top, floor, bottom = 70, 58, 86
    layers: list[alt.Chart] = [
        _write("'■ captions'", 24, 97, color=TEXT, fontSize=13),
        _write("'pictures ●'", 76, 97, color=IMAGE, fontSize=13),
        *_chips(base, "left", bottom),
        chosen.mark_point(shape="square", size=1900, color=IMAGE, filled=False, opacity=1, strokeWidth=3.5).encode(
            _x("right"), y=_py(bottom)
        ),
        base.mark_image(width=34, height=34)
        .encode(_x("right"), y=_py(bottom), url="picture:N", tooltip=_pair_hint())
        .properties(name="pairs_view")
        .add_params(_near("pairs_near")),
        chosen.mark_text(color=TEXT, fontSize=12, align="left").encode(text="caption:N", **_at(0, 76)),
    ]
    for name, (middle, colour) in _TOWERS.items():
        body = alt.Chart(ONE_ROW).mark_rect(stroke=colour, strokeWidth=2, fill=colour, fillOpacity=0.12)
        layers += [
            body.encode(**_at(middle - 20, floor), x2=alt.datum(middle + 20), y2=alt.datum(top), opacity=_from(2)),
            _write(f"'{name} tower'", middle, (top + floor) / 2, _from(2), color=colour, fontSize=13),
        ]
    circle = (
        alt.Chart(alt.sequence(0, 61, as_="i"))
        .transform_calculate(
            round_x=f"{_MIDDLE[0]} + {_RADIUS}*cos(datum.i*PI/30)",
            round_y=f"{_MIDDLE[1]} + {_RADIUS}*sin(datum.i*PI/30)",
        )
        .mark_line(color=NEUTRAL, strokeWidth=1.4)
        .encode(_x("round_x"), _y("round_y"), order="i:Q", opacity=_from(3))
    )
    ways = [
        chosen.mark_rule(color=colour, strokeWidth=1.6, strokeDash=[5, 3]).encode(
            _x(f"{end}x"), _y(f"{end}y"), x2=alt.datum(_TOWERS[name][0]), y2=alt.datum(floor), opacity=_from(3, faint=0)
        )
        for name, end, colour in (("image", "a", IMAGE), ("text", "b", TEXT))
    ]
    # Arrows to the towers: one from what is chosen.
    ways.append(
        chosen.mark_rule(color=IMAGE, strokeWidth=1.6, strokeDash=[5, 3]).encode(
            _x("right"),
            y=_py(79),
            x2=alt.datum(_TOWERS["image"][0]),
            y2=alt.datum(top),
            opacity=_from(2, faint=0),
        )
    )
    join = base.mark_rule(color=NEUTRAL).encode(
        _x("ax"),
        _y("ay"),
        x2="bx:Q",
        y2="by:Q",
        opacity=_from(3),
        strokeWidth=alt.condition("datum.pair == lit", alt.value(2.5), alt.value(1)),
    )
    grown = alt.condition("datum.pair == lit", alt.value(190), alt.value(70))
    points = [
        base.mark_point(shape="circle", filled=True, color=IMAGE, opacity=1).encode(
            _x("ax"), _y("ay"), size=grown, opacity=_from(3), tooltip=_pair_hint()
        ),
        base.mark_point(shape="square", filled=True, color=TEXT, opacity=1).encode(
            _x("bx"), _y("by"), size=grown, opacity=_from(3), tooltip=_pair_hint()
        ),
    ]
    panel: alt.LayerChart = alt.layer(*layers, circle, *ways, join, *points).properties(
        name="equal_towers", width=330, height=330
    )
    return panel


def _matrix(pairs: pd.DataFrame, cells: pd.DataFrame) -> alt.LayerChart:
    wide, high = _CELL
    placed = (
        alt.Chart(cells)
        .transform_calculate(left=f"17 + {wide}*(datum.caption - 1)", foot=f"72 - {high}*(datum.pair - 1)")
        .transform_calculate(
            right=f"datum.left + {wide - 1}",
            head=f"datum.foot + {high - 1}",
            across=f"datum.left + {wide / 2 - 0.5}",
            middle=f"datum.foot + {high / 2 - 0.5}",
            total=_sum("by_row ? similarity[datum.pair - 1][{k}] : similarity[{k}][datum.caption - 1]"),
        )
        .transform_calculate(share="exp(datum.cosine/tau)/datum.total")
        .transform_calculate(seen="step >= 5 ? datum.share : datum.cosine")
    )
    box = {"x2": "right:Q", "y2": "head:Q"}
    filled = placed.mark_rect(color=ACCENT).encode(
        _x("left"), _y("foot"), **box, opacity=alt.value(alt.ExprRef("step >= 4 ? 0.5*max(0, datum.seen) : 0"))
    )
    framed = (
        placed.mark_rect(fillOpacity=0, fill=NEUTRAL, stroke=NEUTRAL)
        .encode(
            _x("left"),
            _y("foot"),
            **box,
            opacity=_from(4),
            strokeWidth=alt.condition("datum.pair == datum.caption", alt.value(2.4), alt.value(0.6)),
            tooltip=hint(
                {"cosine": "format(datum.cosine, '.3f')", "share": "format(datum.share, '.2~g')"},
                "'picture ' + datum.pair + ', caption ' + datum.caption",
            ),
        )
        .properties(name="cells_view")
        .add_params(_near("cells_near"))
    )
    number = (
        placed.transform_calculate(written="replace(format(datum.seen, '.2f'), '-', '−')")
        .mark_text(fontSize=13)
        .encode(_x("across"), _y("middle"), text="written:N", opacity=_from(4, faint=0))
    )
    line = alt.Chart(ONE_ROW).transform_calculate(
        from_x=f"by_row ? 16 : 16 + {wide}*(lit - 1)",
        to_x=f"by_row ? {17 + 4 * wide} : 17 + {wide}*lit",
        from_y=f"by_row ? 71 - {high}*(lit - 1) : {71 - 3 * high}",
        to_y=f"by_row ? 72 + {high} - {high}*(lit - 1) : {72 + high}",
    )
    lit = line.mark_rect(fillOpacity=0, fill=NEUTRAL, stroke=ACCENT, strokeWidth=2.5).encode(
        _x("from_x"), _y("from_y"), x2="to_x:Q", y2="to_y:Q", opacity=_from(5, faint=0)
    )
    base = alt.Chart(pairs)
    rows = base.transform_calculate(row_y=f"79.5 - {high}*(datum.pair - 1)")
    columns = base.transform_calculate(column_x=f"26.5 + {wide}*(datum.pair - 1)")
    own = "similarity[lit - 1][lit - 1]"
    total = _sum("by_row ? similarity[lit - 1][{k}] : similarity[{k}][lit - 1]")
    share = f"(exp({own}/tau)/{total})"
    temperature = "(tau < 1 ? '1/' + round(1/tau) : '1')"
    softmax = f"'softmax by ' + (by_row ? 'row' : 'column') + ', τ = ' + {temperature}"
    heading = f"step < 5 ? 'cosine of picture and caption' : {softmax}"
    number_of = f"format({share}, '.2f') + ' = ' + format(max(0, -log({share})), '.2f')"
    paid = f"(by_row ? 'picture ' : 'caption ') + lit + ' pays −log ' + {number_of}"
    mean = "'loss, the mean of all eight: ' + format(loss_now, '.2f')"
    panel: alt.LayerChart = alt.layer(
        filled,
        framed,
        number,
        lit,
        rows.mark_image(width=34, height=34).encode(x=_px(8), y=_y("row_y"), url="picture:N", opacity=_from(4)),
        *_chips(columns, "column_x", 94.5, _from(4)),
        _write(heading, 0, 17, _from(4, faint=0), align="left", fontSize=12),
        _write(paid, 0, 9, _from(6, faint=0), align="left", fontSize=12, fontWeight="normal"),
        _write(
            mean,
            0,
            2,
            _from(6, faint=0),
            align="left",
            fontSize=13,
        ),
    ).properties(name="equal_matrix", width=330, height=330)
    return panel
