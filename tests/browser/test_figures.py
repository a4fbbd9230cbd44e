"""Every figure of the site, of whatever chart: what readers do with it, there and back, wide and narrow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.conftest import SITE, watched_page
from tests.browser.test_site import Tab, Tabs, scroll_through, settle, tabs  # noqa: F401

WITH_FIGURES = (
    [
        path.relative_to(SITE).as_posix()
        for path in sorted((SITE / "book").rglob("*.html"))
        if 'class="mindgap-figure"' in path.read_text(encoding="utf-8")
    ]
    if SITE.exists()
    else []
)

pytestmark = pytest.mark.skipif(not WITH_FIGURES, reason="the site is not built: run `make book`")

each_page = pytest.mark.parametrize("page", WITH_FIGURES, scope="module")
each_width = pytest.mark.parametrize("width", [1280, 360], scope="module")
each_theme = pytest.mark.parametrize("theme", ["light", "dark"], scope="module")

# What a figure shows: every mark and every word of it, as drawn.
MARKS = """figure => [...figure.querySelectorAll('svg.marks *')].filter(node => !node.children.length).map(node =>
  [node.tagName, ...['d', 'transform', 'x1', 'x2', 'y1', 'y2', 'width', 'height', 'fill', 'stroke', 'opacity',
    'fill-opacity', 'stroke-opacity'].map(name => node.getAttribute(name)), node.textContent].join(' ')).join('\\n')"""

# Texts of a figure, as boxes on the page, with what they are and how large their letters stand there.
TEXTS = """figure => {
  const scale = svg => svg.getBoundingClientRect().width / Number(svg.getAttribute('width'));
  return [...figure.querySelectorAll('svg.marks text')].filter(text => text.textContent.trim() &&
    Number(getComputedStyle(text).opacity) > 0 && text.getAttribute('opacity') !== '0').map(text => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    const svg = text.ownerSVGElement, frame = svg.getBoundingClientRect();
    return { words: text.textContent, left, right, top, bottom, size: parseFloat(getComputedStyle(text).fontSize) * scale(svg),
      inside: left >= frame.left - 1 && right <= frame.right + 1 && top >= frame.top - 1 && bottom <= frame.bottom + 1,
      turned: /rotate\\(-?90/.test(text.getAttribute('transform') || ''), role: text.closest('[class*=role-]').className.baseVal };
  });
}"""

PANELS = """figure => [...figure.querySelectorAll('svg.marks g.role-frame.root > g > path.background, svg.marks g.role-scope > g > path.background')]
  .filter(panel => !panel.closest('g.role-legend') && !panel.closest('g.mark-group.role-axis'))
  .map(panel => panel.getBoundingClientRect().width).filter(width => width > 1)"""


def figures(view: Page) -> list[Locator]:
    return [figure for figure in view.locator(".mindgap-figure").all() if figure.is_visible()]


def name_of(figure: Locator) -> str:
    return str(figure.evaluate("figure => figure.closest('figure')?.id"))


def spec_of(figure: Locator) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(figure.locator("script").text_content() or "")
    return found


def bound(figure: Locator) -> list[dict[str, Any]]:
    return [param for param in spec_of(figure).get("params", []) if "input" in param.get("bind", {})]


def rows_of(figure: Locator, param: dict[str, Any]) -> Locator:
    return figure.locator(f".vega-bind [name='{param['name']}']")


def places(param: dict[str, Any]) -> list[Any]:
    """Where a control can be put: every option of a menu; the ends, the middle and a step off of a slider."""
    bind, start = param["bind"], param["value"]
    if bind["input"] == "range":
        low, high, step = bind["min"], bind["max"], bind.get("step", 1)
        middle = low + step * round((high - low) / 2 / step)
        beside = start + step if start + step <= high else start - step
        return [place for place in dict.fromkeys([beside, low, middle, high]) if place != start]
    if bind["input"] == "checkbox":
        return [not start]
    return [option for option in bind["options"] if option != start]


def put(figure: Locator, param: dict[str, Any], place: Any) -> None:
    """Move a control as a reader does."""
    controls = rows_of(figure, param)
    kind = param["bind"]["input"]
    if kind == "range":
        controls.first.evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })) }", place
        )
    elif kind == "checkbox":
        controls.first.set_checked(place)
    elif kind == "select":
        controls.first.select_option(index=param["bind"]["options"].index(place))
    else:
        controls.nth(param["bind"]["options"].index(place)).check()
    settle(figure)


def faults(figure: Locator) -> list[str]:
    """What is wrong with a figure as it stands: words cut off, too small or on each other, panels too narrow."""
    found = []
    texts = figure.evaluate(TEXTS)
    for text in texts:
        if not text["inside"]:
            found.append(f"cut off: {text['words']}")
        if text["size"] < 10.95:
            found.append(f"letters of {text['size']:.1f} px: {text['words']}")
    for index, one in enumerate(texts):
        for other in texts[index + 1 :]:
            wide = min(one["right"], other["right"]) - max(one["left"], other["left"])
            high = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
            # Boxes of letters are higher than the letters.
            if wide > 2 and high > 4 and one["words"] != other["words"]:
                found.append(f"on each other: {one['words']} / {other['words']}")
    found += [f"a panel of {width:.0f} px" for width in figure.evaluate(PANELS) if width < 199]
    return found


def titles(figure: Locator) -> list[str]:
    axes = figure.locator("svg.marks g.role-axis-title text")
    return sorted(text for text in axes.all_text_contents() if text.strip())


@each_page
@each_width
def test_every_control_goes_there_and_back(tabs: Tabs, page: str, width: int) -> None:  # noqa: F811
    view, watch = tabs(width, "light").use(page)
    wrong = []
    for figure in figures(view):
        before, names = figure.evaluate(MARKS), titles(figure)
        wrong += [f"{name_of(figure)}: {fault}" for fault in faults(figure)]
        for param in bound(figure):
            for place in places(param):
                where = f"{name_of(figure)}, {param['name']} = {place}"
                put(figure, param, place)
                if figure.evaluate(MARKS) == before:
                    wrong.append(f"{where}: nothing changes")
                if len(titles(figure)) != len(names):
                    wrong.append(f"{where}: axis titles {titles(figure)}")
                wrong += [f"{where}: {fault}" for fault in faults(figure)]
            put(figure, param, param["value"])
            if figure.evaluate(MARKS) != before:
                wrong.append(f"{name_of(figure)}: {param['name']} does not come back")
    assert wrong == []
    assert watch.errors == []
