"""What holds for every chart: those that the package can make, and those that the book has stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
import vl_convert

from mindgap import charts
from mindgap.charts import theme
from mindgap.charts.theme import MIME, THEME, stored
from tests.charts.makers import MAKERS, NO_CHARTS

BOOK = Path(__file__).parents[2] / "book"


def book() -> dict[str, dict[str, Any]]:
    """The figures of the book, by chapter and cell."""
    return {
        f"book:{cell.id}": output.data[MIME]
        for path in sorted([*BOOK.glob("*.ipynb"), *BOOK.glob("appendix/*.ipynb")])
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    }


BOOKED = book()
NAMES = [*MAKERS, *BOOKED]
each_chart = pytest.mark.parametrize("name", NAMES)


@cache
def spec_of(name: str) -> dict[str, Any]:
    if name in BOOKED:
        return BOOKED[name]
    theme.use_theme()
    return stored(MAKERS[name]().to_dict())


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object within a specification, but for its data."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("datasets", "values", "usermeta"):
                yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def units(spec: dict[str, Any], inherited: tuple[Any, ...] = (), data: Any = None) -> Iterator[tuple[Any, list[Any]]]:
    """Every view with marks: its data, and all that is done to them on the way to its marks, in order."""
    own = spec.get("data", data)
    # Other data begin anew: what was done to those of the whole is not done to them.
    chain = (*(inherited if "data" not in spec else ()), *spec.get("transform", ()))
    parts = [part for kind in ("layer", "concat", "hconcat", "vconcat") for part in spec.get(kind, ())]
    for part in parts:
        yield from units(part, chain, own)
    if not parts:
        yield own, list(chain)


def fields(spec: dict[str, Any], data: Any) -> set[str]:
    if "sequence" in data:
        return {data["sequence"].get("as", "data")}
    rows = data.get("values") if "values" in data else spec.get("datasets", {}).get(data["name"], [])
    return {name for row in rows for name in row}


def overwritten(spec: dict[str, Any]) -> list[str]:
    """Fields that a chain of transforms writes although they are there already."""
    found = []
    for data, chain in units(spec):
        known = fields(spec, data)
        for step in chain:
            if "filter" in step:
                continue
            if "calculate" in step:
                written = [step["as"]]
            elif "flatten" in step:
                written = step.get("as", step["flatten"])
            else:
                kind = next(kind for kind in ("joinaggregate", "window", "aggregate") if kind in step)
                written = [part["as"] for part in step[kind]]
                if kind == "aggregate":
                    known = set(step.get("groupby", ()))
            found += [name for name in written if name in known]
            known |= set(written)
    return found


def test_every_public_chart_has_a_maker() -> None:
    assert set(MAKERS) == set(charts.__all__) - NO_CHARTS
    assert len(BOOKED) >= 20


@each_chart
def test_no_field_is_calculated_twice(name: str) -> None:
    """Vega calculates in place: a name used twice holds what came last, and what was calculated from the first is wrong
    as soon as a control moves."""
    assert overwritten(spec_of(name)) == []


@pytest.mark.parametrize(("transforms", "names"), [
    ([{"calculate": "0", "as": "a"}, {"calculate": "datum.a", "as": "b"}, {"calculate": "1", "as": "a"}], ["a"]),
    ([{"calculate": "datum.x", "as": "x"}], ["x"]),
    ([{"aggregate": [{"op": "mean", "field": "x", "as": "x"}]}], []),
    ([{"filter": "datum.x > 0"}, {"calculate": "1", "as": "y"}], []),
    ([{"calculate": "[0, 1]", "as": "a"}, {"flatten": ["a"]}], ["a"]),
    ([{"calculate": "[0, 1]", "as": "a"}, {"flatten": ["a"], "as": ["b"]}], []),
])  # fmt: skip
def test_a_field_calculated_twice_is_found(transforms: list[Any], names: list[str]) -> None:
    for spec in (
        {"data": {"values": [{"x": 1}]}, "transform": transforms, "mark": "point"},
        {"data": {"name": "d"}, "datasets": {"d": [{"x": 1}]}, "transform": transforms[:1],
         "layer": [{"mark": "point", "transform": transforms[1:]}]},
    ):  # fmt: skip
        assert overwritten(spec) == names


@each_chart
def test_a_chart_is_described_once(name: str) -> None:
    spec = spec_of(name)
    described = [node["description"] for node in nodes(spec) if "description" in node]
    assert described == [spec["description"]]
    assert len(spec["description"]) > 30
    assert spec["config"]["aria"] is False, "each mark would be read out"


@each_chart
def test_no_text_is_small(name: str) -> None:
    sizes = [(key, value) for node in nodes(spec_of(name)) for key, value in node.items() if "ontSize" in key]
    assert sizes
    assert [(key, value) for key, value in sizes if not value >= 11] == []


PALETTE = {*THEME["colours"].values(), *THEME["hues"].values(), *THEME["temperature"]["light"]}
NAMED = {"white", "transparent"}


def explicit(spec: dict[str, Any]) -> set[str]:
    """The colours that a specification names."""
    found = set()
    for node in nodes(spec):
        assert "scheme" not in node, "a scheme's colours are no theme's"
        for key, value in node.items():
            if value == "independent":  # a scale of its own, and no colour
                continue
            strings = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
            found |= {item for item in strings if re.fullmatch(r"#[0-9a-fA-F]{3,8}", item)}
            if re.search(r"[cC]olor$|^fill$|^stroke$|^background$", key):
                found |= set(strings)
    return found


@each_chart
def test_colours_are_the_themes(name: str) -> None:
    assert explicit(spec_of(name)) - PALETTE - NAMED == set()


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, ground: str) -> float:
    dark, light = sorted((luminance(colour), luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


# The page's grounds, and the lightest and darkest of its frames that words of a colour stand in.
GROUNDS = {"light": ("#ffffff", "#f3f4f5"), "dark": ("#121212", "#14181e", "#29313d")}


def test_contrast_is_the_known_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_colour_can_be_seen_and_read_in_both_themes() -> None:
    assert set(THEME["dark"]) == PALETTE, "each colour has one for dark pages"
    written = {*THEME["colours"].values(), *THEME["hues"].values(), theme.ACCENT}
    for light, dark in THEME["dark"].items():
        least = 4.5 if light in written else 3
        assert contrast(light, "#ffffff") >= least, light
        for ground in GROUNDS["dark"][:2]:
            assert contrast(dark, ground) >= least, dark
    for name in ("image", "text", "neutral", "wrong"):
        colour = THEME["colours"][name]
        assert all(contrast(colour, ground) >= 4.5 for ground in GROUNDS["light"]), name
        assert all(contrast(THEME["dark"][colour], ground) >= 4.5 for ground in GROUNDS["dark"]), name
    for mode, grounds in GROUNDS.items():
        assert all(contrast(THEME["ink"][mode]["text"], ground) >= 7 for ground in grounds)
    assert THEME["temperature"]["dark"] == [THEME["dark"][colour] for colour in THEME["temperature"]["light"]]


def sliders(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    params = spec.get("params", [])
    bound = {param["name"]: param.get("bind") for param in params}
    return {name: bind for name, bind in bound.items() if isinstance(bind, dict) and bind.get("input") == "range"}


@each_chart
def test_the_sites_script_is_told_what_there_is(name: str) -> None:
    spec = spec_of(name)
    told = spec.get("usermeta", {}).get("mindgap", {})
    assert set(told) <= {"play", "drag", "numbers"}
    assert set(spec.get("usermeta", {})) <= {"mindgap"}
    assert set(told.get("play", ())) <= set(sliders(spec))
    if "drag" in told:
        assert told["drag"]["view"] in [node.get("name") for node in nodes(spec)]
        assert {told["drag"]["x"], told["drag"]["y"]} <= set(sliders(spec))
    if "numbers" in told:
        assert len(spec["datasets"][told["numbers"]]) > 0


@each_chart
def test_a_slider_through_a_list_says_what_it_stands_at(name: str) -> None:
    spec = spec_of(name)
    known = {param["name"]: param for param in spec.get("params", [])}
    text = json.dumps({key: value for key, value in spec.items() if key != "datasets"})
    for slider in sliders(spec):
        if re.search(rf"\[{slider}\]", text):  # an index
            assert f"{slider}_words" in known, slider
    for words in (param for param in known if param.endswith("_words")):
        assert words.removesuffix("_words") in sliders(spec)
        assert isinstance(known[words].get("expr"), str)


@each_chart
def test_legends_leave_their_columns_to_the_page(name: str) -> None:
    for node in nodes(spec_of(name)):
        if isinstance(legend := node.get("legend"), dict):
            assert "columns" not in legend


@each_chart
def test_axes_whose_numbers_change_keep_their_room(name: str) -> None:
    """Wider numbers would push the axis, and its title out of the picture."""
    spec = spec_of(name)
    if not any("bind" in param for param in spec.get("params", [])):
        return
    axes = [node["y"] for node in nodes(spec) if isinstance(node.get("y"), dict) and node["y"].get("type")]
    for channel in axes:
        domain = channel.get("scale", {}).get("domain", [])
        moving = any(isinstance(end, dict) for end in domain)
        if moving and channel.get("axis", {}) is not None:
            assert channel.get("axis", {}).get("minExtent", 0) >= 30, channel


NARROW, PLOT = 328, 200  # the column of a phone 360 pixels wide, and the least width of a plot


def narrowed(spec: dict[str, Any]) -> dict[str, Any]:
    """The chart as a phone shows it: views one below the other, legends in one column."""
    spec = json.loads(json.dumps(spec))
    views = spec.get("concat") or [spec]
    spec["columns"] = 1
    if "concat" not in spec:
        del spec["columns"]
    for view in views:
        view["width"] = PLOT
    config = spec.setdefault("config", {})
    config["legend"] = {**config.get("legend", {}), "columns": 1}
    return spec


@each_chart
def test_a_phone_has_room_for_a_plot_of_200_pixels(name: str) -> None:
    svg = vl_convert.vegalite_to_svg(narrowed(spec_of(name)), vl_version="6.4")
    width = float(re.search(r'width="([\d.]+)"', svg)[1])  # type: ignore[index]
    assert width <= NARROW, f"{width - PLOT:.0f} pixels beside the plot"


NO_COSINES = {"gap_panels", "book:index-hand-figure"}  # which compare sets, and have nothing of single pairs


@each_chart
def test_a_point_of_a_pair_says_the_cosine_of_its_pair(name: str) -> None:
    """In every branch: with a picture of the scene and without one."""
    said = {json.dumps(node["tooltip"]) for node in nodes(spec_of(name)) if "tooltip" in node}
    for hint in said if name not in NO_COSINES else ():
        titles = re.findall(r"{title: (?:datum\.set \+ ', |')pair ' \+ datum\.pair", hint)
        assert hint.count("'cosine of the pair'") == len(titles), hint


@each_chart
def test_points_say_what_they_are(name: str) -> None:
    assert any("tooltip" in node for node in nodes(spec_of(name)))
