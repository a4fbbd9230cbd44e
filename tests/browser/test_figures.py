"""Every figure of the site, of whatever chart: what readers do with it, there and back, wide and narrow."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import DRAWN, SITE, Tab, Tabs, Watched, scroll_through, settle, watched_page

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

each_page = pytest.mark.parametrize("page", WITH_FIGURES)
each_width = pytest.mark.parametrize("width", [1280, 360])
each_theme = pytest.mark.parametrize("theme", ["light", "dark"])

# What a figure shows: every mark and every word of it, as drawn; Vega may put the ticks of an axis in another order.
MARKS = """figure => [...figure.querySelectorAll('svg.marks *')].filter(node => !node.children.length).map(node =>
  [node.tagName, ...['d', 'transform', 'x1', 'x2', 'y1', 'y2', 'width', 'height', 'fill', 'stroke', 'opacity',
    'fill-opacity', 'stroke-opacity'].map(name => node.getAttribute(name)), node.textContent].join(' '))
  .sort().join('\\n')"""

# Texts of a figure, as boxes on the page, with what they are and how large their letters stand there.
TEXTS = """figure => {
  const scale = svg => svg.getBoundingClientRect().width / Number(svg.getAttribute('width'));
  return [...figure.querySelectorAll('svg.marks text')].filter(text => text.textContent.trim() &&
    Number(getComputedStyle(text).opacity) > 0 && text.getAttribute('opacity') !== '0').map(text => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    const svg = text.ownerSVGElement, frame = svg.getBoundingClientRect();
    return { words: text.textContent, left, right, top, bottom,
      size: parseFloat(getComputedStyle(text).fontSize) * scale(svg),
      inside: Math.min(left - frame.left, frame.right - right, top - frame.top, frame.bottom - bottom) >= -1 };
  });
}"""

PANELS = """figure => [...figure.querySelectorAll('svg.marks g.mark-group')]
  .filter(group => / role-frame root|(^| )\\w+_group( |$)/.test(group.className.baseVal))
  .map(group => group.querySelector(':scope > g > path.background')?.getBoundingClientRect().width)
  .filter(width => width > 1)"""


def figures(view: Page) -> list[Locator]:
    return view.locator(".mindgap-figure").filter(visible=True).all()


def name_of(figure: Locator) -> str:
    return str(figure.evaluate("figure => figure.closest('figure')?.id"))


def spec_of(figure: Locator) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(figure.locator("script").text_content() or "")
    return found


def bound(figure: Locator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = figure.evaluate(
        "figure => (JSON.parse(figure.querySelector('script').textContent).params || [])"
        ".filter(param => param.bind?.input)"
    )
    return found


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


# Moves a control as a reader does, waits until the result is drawn, and returns what was in the way, if anything was.
PUT = """async (figure, [{ name, bind }, place]) => {
  const controls = [...figure.querySelectorAll(`.vega-bind [name="${name}"]`)];
  const control = controls[bind.input === 'radio' ? bind.options.indexOf(place) : 0];
  control.scrollIntoView({ block: 'center', behavior: 'instant' });
  const { x, y, width, height } = control.getBoundingClientRect();
  const top = document.elementFromPoint(x + width / 2, y + height / 2);
  if (top !== control && top?.closest('label')?.control !== control) return top?.outerHTML.slice(0, 80) ?? 'nothing';
  if (control.type === 'radio' || control.type === 'checkbox') control.click();
  else {
    if (bind.input === 'select') control.selectedIndex = bind.options.indexOf(place);
    else control.value = place;
    for (const kind of ['input', 'change']) control.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  await figure.mindgapView.runAsync();
  return '';
}"""


def put(figure: Locator, param: dict[str, Any], place: Any) -> None:
    """Move a control as a reader does."""
    assert figure.evaluate(PUT, [param, place]) == "", f"what lies over {param['name']} = {place}"


# What is wrong with a figure as it stands: words cut off, too small or on each other, panels too narrow.
FAULTS = f"""figure => {{
  const found = [], texts = ({TEXTS})(figure);
  texts.forEach((one, index) => {{
    if (!one.inside) found.push(`cut off: ${{one.words}}`);
    if (one.size < 10.95) found.push(`letters of ${{one.size.toFixed(1)}} px: ${{one.words}}`);
    for (const other of texts.slice(index + 1)) {{
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      // Boxes of letters are higher than the letters.
      if (wide > 2 && high > 4 && one.words !== other.words) {{
        found.push(`on each other: ${{one.words}} / ${{other.words}}`);
      }}
    }}
  }});
  const narrow = ({PANELS})(figure).filter(width => width < 199);
  return found.concat(narrow.map(width => `a panel of ${{width.toFixed(0)}} px`));
}}"""

# Takes every control to each of its places and back, within the page: there is much to compare.
TOUR = f"""async (figure, controls) => {{
  const marks = () => ({MARKS})(figure), put = (...what) => ({PUT})(figure, what), wrong = [];
  const titles = () => [...figure.querySelectorAll('svg.marks g.role-axis-title text')].map(text => text.textContent)
    .filter(text => text.trim());
  const look = where => wrong.push(...({FAULTS})(figure).map(fault => `${{where}}: ${{fault}}`));
  const before = marks(), names = titles();
  look('at first');
  for (const [param, places] of controls) {{
    for (const place of places) {{
      const where = `${{param.name}} = ${{place}}`, over = await put(param, place);
      if (over) wrong.push(`${{where}}: under ${{over}}`);
      if (marks() === before) wrong.push(`${{where}}: nothing changes`);
      if (titles().length !== names.length) wrong.push(`${{where}}: axis titles ${{titles()}}`);
      look(where);
    }}
    const over = await put(param, param.value);
    if (over) wrong.push(`${{param.name}}: under ${{over}} on the way back`);
    if (marks() !== before) wrong.push(`${{param.name}} does not come back`);
  }}
  return wrong;
}}"""


# Colours of words and marks, as drawn on the page's own background.
COLOURS = """figure => {
  const words = [], marks = [];
  const ground = getComputedStyle(document.querySelector('.bd-article-container') || document.body).backgroundColor;
  for (const node of figure.querySelectorAll('svg.marks text, svg.marks path, svg.marks line')) {
    if (node.classList.contains('background') || node.classList.contains('foreground')) continue;
    const { fill, stroke, opacity, fillOpacity, strokeOpacity } = getComputedStyle(node);
    if (Number(opacity) === 0) continue;
    if (node.tagName === 'text') words.push(fill);
    else if (node.closest('.role-mark, .role-legend-symbol')) {
      // What is faint on purpose (bands, lines of pairs, what is not chosen) is not what a figure is read from.
      if (fill !== 'none' && fillOpacity * opacity > 0.5) marks.push(fill);
      if (stroke !== 'none' && strokeOpacity * opacity > 0.5) marks.push(stroke);
    }
  }
  const body = getComputedStyle(document.body).backgroundColor;
  const seen = colours => [...new Set(colours)].filter(colour => !/, 0\\)$/.test(colour)); // others are transparent
  const clear = /rgba\\(0, 0, 0, 0\\)|transparent/.test(ground);
  return { ground: clear ? body : ground, words: seen(words), marks: seen(marks) };
}"""


def luminance(colour: str) -> float:
    """The relative luminance of a CSS colour, by WCAG 2.2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted([luminance(one), luminance(other)], reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def words_of(figure: Locator) -> list[str]:
    return sorted(figure.locator("svg.marks text").all_text_contents())


@each_page
@each_width
def test_every_control_goes_there_and_back(tabs: Tabs, page: str, width: int) -> None:
    with tabs(width).borrow(page) as (view, watch):
        wrong = []
        for figure in figures(view):
            found = figure.evaluate(TOUR, [(param, places(param)) for param in bound(figure)])
            wrong += [f"{name_of(figure)}, {fault}" for fault in found]
        assert list(dict.fromkeys(wrong)) == []
        assert watch.errors == []


@each_page
@each_theme
def test_colours_stand_out_from_the_page(tabs: Tabs, page: str, theme: str) -> None:
    view = tabs(1280, theme).read(page)
    faint = []
    for figure in figures(view):
        found = figure.evaluate(COLOURS)
        for kind, least in (("words", 4.5), ("marks", 3.0)):
            for colour in found[kind]:
                if contrast(colour, found["ground"]) < least:
                    faint.append(f"{name_of(figure)}: {kind} {colour}, {contrast(colour, found['ground']):.2f} : 1")
    assert faint == []


@each_page
def test_a_figure_is_one_picture_with_one_description(tabs: Tabs, page: str) -> None:
    view = tabs(1280, "light").read(page)
    for figure in figures(view):
        named = figure.locator(".mindgap-view [aria-label]:not(input):not(select):not(button):not([role=radiogroup])")
        assert named.count() == 1, name_of(figure)
        assert named.get_attribute("role") == "img"
        assert named.get_attribute("aria-label") == spec_of(figure)["description"]


@each_page
def test_sliders_say_their_value(tabs: Tabs, page: str) -> None:
    with tabs().borrow(page) as (view, _):
        for figure in figures(view):
            params = bound(figure)
            for param in params:
                if param["bind"]["input"] != "range":
                    continue
                said = []
                slider = rows_of(figure, param).first
                for place in (param["bind"]["min"], param["bind"]["max"]):
                    put(figure, param, place)
                    shown, spoken = slider.evaluate(
                        "slider => [slider.parentElement.querySelector('output').textContent, slider.ariaValueText]"
                    )
                    assert shown == spoken
                    said.append(shown)
                assert len(set(said)) == 2, param["name"]
                if f"{param['name']}_words" not in [other["name"] for other in spec_of(figure)["params"]]:
                    assert float(said[1].replace("−", "-")) == param["bind"]["max"]
                put(figure, param, param["value"])


@each_page
def test_reset_brings_everything_back(tabs: Tabs, page: str) -> None:
    with tabs().borrow(page) as (view, _):
        for figure in figures(view):
            before, params = figure.evaluate(MARKS), bound(figure)
            for param in params:
                put(figure, param, places(param)[0])
            if params:
                figure.get_by_role("button", name="Reset").click()
                settle(figure)
            assert figure.evaluate(MARKS) == before, name_of(figure)


@each_page
def test_a_link_leads_to_the_very_state(tabs: Tabs, page: str) -> None:
    with tabs().borrow(page) as (view, watch):
        figure = next((one for one in figures(view) if bound(one)), None)
        if figure is None:
            return
        # One figure a page: that all controls come back from an address is one piece of code.
        params = bound(figure)
        for param in params:
            put(figure, param, places(param)[-1])
        there, name = words_of(figure), name_of(figure)
        figure.get_by_role("button", name="Link to this view").click()
        figure.locator(".mindgap-said:not(:empty)").wait_for()
        address = view.evaluate("location.href")
        assert f"#{name}?" in address
        other, seen = tabs(name="other").load(address.removeprefix(f"{SITE.as_uri()}/"))
        opened = other.locator(f"#{name} .mindgap-figure")
        other.wait_for_function(DRAWN, arg=opened.element_handle())
        settle(opened)
        assert words_of(opened) == there, name
        for param in params:
            assert signal(opened, param["name"]) == places(param)[-1]
        assert seen.errors == []
        figure.get_by_role("button", name="Reset").click()
        settle(figure)
        view.evaluate("history.replaceState(null, '', location.pathname)")
        assert watch.errors == []


def signal(figure: Locator, name: str) -> Any:
    """What a parameter of a figure is."""
    return figure.evaluate("(figure, name) => figure.mindgapView.signal(name)", name)


def test_an_address_that_asks_for_what_cannot_be_changes_nothing(tabs: Tabs) -> None:
    for query in ("shift=NaN&temperature=7&nothing=1", "shift=", "%", "shift=9e9", "&&=&"):
        view, watch = tabs(name="other").load(f"book/index.html#fig-hero?{query}")
        figure = view.locator("#fig-hero .mindgap-figure")
        view.wait_for_function(DRAWN, arg=figure.element_handle())
        highest = next(param["bind"]["max"] for param in bound(figure) if param["name"] == "shift")
        assert signal(figure, "shift") == (highest if "9e9" in query else 0)
        assert signal(figure, "temperature") == "1/100"
        assert watch.errors == []


@each_page
def test_the_numbers_are_there_as_a_table_and_as_csv(tabs: Tabs, page: str, tmp_path: Path) -> None:
    with tabs().borrow(page) as (view, _):
        for figure in figures(view):
            figure.get_by_role("button", name="Show the numbers").click()
            assert figure.locator(".mindgap-numbers tbody tr").count() > 0, name_of(figure)
            with view.expect_download() as waiting:
                figure.locator(".mindgap-csv").first.click()
            waiting.value.save_as(tmp_path / "numbers.csv")
            lines = (tmp_path / "numbers.csv").read_text(encoding="utf-8").splitlines()
            kept = {data: rows for data, rows in spec_of(figure)["datasets"].items() if rows[0]}
            found = figure.evaluate(
                "figure => Object.fromEntries(Object.entries(figure.mindgapStored.datasets).map(([name, rows]) =>"
                " [name, [rows.length, Object.keys(rows[0] || {}), [...new Set(rows.flatMap(Object.keys))]]]))"
            )
            for data, rows in kept.items():  # as CSV, which Python reads, too
                if isinstance(rows, str):
                    names, *lines_kept = csv.reader(io.StringIO(rows))
                    assert [len(lines_kept), names] == found[data][:2]
            stored = [found[data] for data in kept]
            assert len(lines) - 1 in [count for count, *_ in stored]
            assert set(lines[0].split(",")) in [set(names) for *_, names in stored]
            figure.get_by_role("button", name="Hide the numbers").click()
            assert figure.locator(".mindgap-numbers").count() == 0


def test_the_table_shows_what_the_menus_have_chosen(tabs: Tabs) -> None:
    view, _ = tabs(1280, "light").use("book/04_embedding_shift.html")
    figure = view.locator("#fig-landscape .mindgap-figure")
    figure.get_by_role("button", name="Show the numbers").click()
    table = figure.locator(".mindgap-numbers").first
    assert "1/100" in (table.text_content() or "")
    figure.get_by_label("temperature τ: 1/10", exact=True).check()
    settle(figure)
    assert "1/100" not in (table.text_content() or "")
    figure.get_by_role("button", name="Reset").click()
    figure.get_by_role("button", name="Hide the numbers").click()


def test_printing_meets_no_dark_figure_at_any_moment_of_a_drawing(browser: Browser) -> None:
    """The page is turned dark, which draws its figures anew, and a printer comes at every turn meanwhile."""
    tab = Tab(browser, theme="light")
    tab.show("book/01_modality_gap.html")
    seen = tab.view.evaluate(
        """async () => {
          const figures = [...document.querySelectorAll('.mindgap-figure[data-drawn]')];
          const pictures = [];
          document.documentElement.dataset.theme = 'dark';
          for (let turn = 0; turn < 3000 && figures.some(figure => figure.dataset.drawn !== 'dark'); turn++) {
            window.dispatchEvent(new Event('beforeprint'));
            for (const figure of figures) {
              const copy = figure.querySelector('.mindgap-print');
              const inks = [...copy.querySelectorAll('text')].map(text => text.getAttribute('fill'));
              pictures.push(copy.querySelector('img') ? 'picture' : inks.includes('#e3e6ea') ? 'dark' : 'light');
            }
            window.dispatchEvent(new Event('afterprint'));
            await (turn % 2 ? Promise.resolve() : new Promise(go => setTimeout(go)));
          }
          return pictures.concat(figures.map(figure => figure.dataset.drawn));
        }"""
    )
    drawn = len(tab.view.locator(".mindgap-figure[data-drawn]").all())
    assert seen[-drawn:] == ["dark"] * drawn
    assert set(seen[:-drawn]) <= {"light", "picture"}
    assert "light" in seen
    tab.context.close()


def test_nothing_is_drawn_while_the_page_is_printed(browser: Browser) -> None:
    """What is drawn in the dark after the printer has come would stand dark on the paper."""
    tab = Tab(browser, theme="dark")
    tab.view.goto(f"{SITE.as_uri()}/book/01_modality_gap.html")
    drawn = tab.view.locator(".mindgap-figure[data-drawn]")
    before = tab.view.evaluate(
        "dispatchEvent(new Event('beforeprint')); document.querySelectorAll('.mindgap-figure[data-drawn]').length"
    )
    figure = tab.view.locator(".mindgap-figure:visible").last
    figure.scroll_into_view_if_needed()
    tab.view.wait_for_function("figure => figure.mindgapWaiting", arg=figure.element_handle())
    tab.view.evaluate("new Promise(go => setTimeout(() => requestAnimationFrame(go)))")
    assert drawn.count() == before
    tab.view.evaluate("dispatchEvent(new Event('afterprint'))")
    scroll_through(tab.view)
    assert drawn.count() > before
    tab.context.close()


@each_page
def test_on_paper_figures_are_light_and_whole(tabs: Tabs, page: str) -> None:
    """On a dark page, whether they were drawn before printing, or not: then their pictures are printed."""
    tab = tabs(theme="dark")
    with tab.borrow(page) as (view, _):
        assert_light_on_paper(view)
    view, _ = tab.load(page)
    assert_light_on_paper(view)


# Of each figure that is seen on paper: what is seen of it, whether anything dark or to be clicked is, and its words.
ON_PAPER = """figures => figures.map(figure => {
  const visible = one => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().height > 0;
  if (!visible(figure)) return null;
  const seen = kind => [...figure.querySelectorAll(kind)].filter(visible);
  const shown = seen('.mindgap-print svg, .mindgap-view svg, .mindgap-still');
  const inks = shown.flatMap(picture => [...picture.querySelectorAll('text')].map(text => text.getAttribute('fill')));
  return [figure.closest('figure').id, shown.length, seen('.mindgap-dark, .vega-bindings, .mindgap-tools').length,
    [...new Set(inks)]];
}).filter(found => found)"""


def assert_light_on_paper(view: Page) -> None:
    view.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    view.emulate_media(media="print")
    found = view.locator(".mindgap-figure").evaluate_all(ON_PAPER)
    for name, shown, unwanted, inks in found:
        assert (shown, unwanted) == (1, 0), name
        for ink in inks:
            red, green, blue = (int(ink[place : place + 2], 16) for place in (1, 3, 5))
            assert contrast(f"rgb({red}, {green}, {blue})", "rgb(255, 255, 255)") > 3, ink
    assert found
    view.emulate_media(media="screen")
    view.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert view.locator(".mindgap-print").count() == 0


@pytest.fixture(scope="module")
def scriptless(browser: Browser) -> Iterator[tuple[Page, Watched]]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    yield watched_page(context)
    context.close()


@each_page
def test_without_javascript_there_is_a_picture(scriptless: tuple[Page, Watched], page: str) -> None:
    view, watch = scriptless
    view.goto(f"{SITE.as_uri()}/{page}")
    for figure in figures(view):
        picture = figure.locator("img.mindgap-light")
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        assert box is not None
        assert min(box["width"] / 3, box["height"]) > 100
        source = (SITE / page).parent / (picture.get_attribute("src") or "")
        assert source.resolve().is_file()
        assert len(picture.get_attribute("alt") or "") > 30
    assert watch.outside == []


def test_the_picture_is_light_or_dark_as_its_address_says(tabs: Tabs) -> None:
    tab = tabs(name="other")
    tab.load(WITH_FIGURES[0])
    address = tab.view.evaluate("document.querySelector('img.mindgap-dark').src")
    assert address.endswith(".svg#dark")
    darkest = []
    for picture in (address, address.removesuffix("#dark")):
        tab.view.evaluate(
            """picture => {
                document.body.innerHTML = `<img id="picture" src="${picture}">`;
                return document.getElementById("picture").decode();
            }""",
            picture,
        )
        shot = Image.open(io.BytesIO(tab.view.locator("#picture").screenshot())).convert("L")
        darkest.append(np.asarray(shot).min())  # of letters, on white
    dark, light = darkest
    assert light < dark - 20


def playing() -> list[tuple[str, str, str]]:
    """Page, figure and slider of everything that plays."""
    found = []
    for page in WITH_FIGURES:
        text = (SITE / page).read_text(encoding="utf-8")
        for name, spec in re.findall(
            r'<figure[^>]* id="([^"]+)">.*?<script type="application/json">(.*?)</script>', text, re.DOTALL
        ):
            for signal in json.loads(spec).get("usermeta", {}).get("mindgap", {}).get("play", []):
                found.append((page, name, signal))
    return found


@pytest.mark.parametrize(("page", "name", "slider"), playing())
def test_play_runs_to_the_end_and_can_be_stopped(tabs: Tabs, page: str, name: str, slider: str) -> None:
    with tabs().borrow(page) as (view, watch):
        figure = view.locator(f"#{name} .mindgap-figure")
        param = next(one for one in bound(figure) if one["name"] == slider)
        start, end = param["bind"]["min"], param["bind"]["max"]
        play = rows_of(figure, param).locator("xpath=preceding-sibling::button")
        at = "([figure, name]) => figure.mindgapView.signal(name)"
        put(figure, param, start)
        play.click()
        view.wait_for_function(f"arguments => ({at})(arguments) > {start}", arg=[figure.element_handle(), slider])
        play.click()
        stopped = signal(figure, slider)
        assert start < stopped <= end
        assert "play" in (play.get_attribute("aria-label") or "")
        step = param["bind"].get("step", 1)
        put(figure, param, end - max(step, round((end - start) / step / 5) * step))  # its last fifth
        play.click()
        view.wait_for_function(f"arguments => ({at})(arguments) === {end}", arg=[figure.element_handle(), slider])
        stopping = "button => button.getAttribute('aria-label').startsWith('play')"
        view.wait_for_function(stopping, arg=play.element_handle())
        put(figure, param, param["value"])
        assert watch.errors == []


@each_page
def test_on_a_phone_a_figure_and_its_controls_are_seen_at_once(tabs: Tabs, page: str) -> None:
    view = tabs(360, "light").read(page)
    lost = []
    for figure in figures(view):
        if not bound(figure):
            continue
        below, high = figure.evaluate(
            """figure => {
              scrollTo(0, figure.getBoundingClientRect().top + scrollY - 60);
              const { bottom, top } = figure.querySelector('.vega-bindings').getBoundingClientRect();
              return [bottom - innerHeight, bottom - top];
            }"""
        )
        if below > 1 or high > 450:
            lost.append(f"{name_of(figure)}: controls end {below:.0f} px below the screen, {high:.0f} px high")
    assert lost == []


@pytest.fixture
def globe(tabs: Tabs) -> Locator:
    view, _ = tabs(1280, "light").use("book/05_mismatch.html")
    figure = view.locator("#fig-sphere .mindgap-figure")
    figure.get_by_role("button", name="Reset").click()
    settle(figure)
    figure.locator("svg.marks").scroll_into_view_if_needed()
    return figure


def angles(figure: Locator) -> list[float]:
    found: list[float] = figure.evaluate("figure => ['turn', 'tilt'].map(name => figure.mindgapView.signal(name))")
    return found


def drag(figure: Locator, across: float, down: float, button: Any = "left") -> None:
    box = figure.locator("g.equal_globe_group").first.bounding_box()
    assert box is not None
    x, y, mouse = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, figure.page.mouse
    mouse.move(x, y)
    mouse.down(button=button)
    mouse.move(x + across, y + down, steps=4)
    figure.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    mouse.up(button=button)
    settle(figure)


def test_the_globe_is_turned_by_dragging_and_comes_back(globe: Locator) -> None:
    before, (turn, tilt) = globe.evaluate(MARKS), angles(globe)
    drag(globe, 60, 40)
    assert angles(globe)[0] < turn
    assert angles(globe)[1] > tilt
    assert globe.page.evaluate("getSelection().toString()") == ""
    globe.get_by_role("button", name="Reset").click()
    settle(globe)
    assert globe.evaluate(MARKS) == before


def test_another_button_does_not_turn_the_globe(globe: Locator) -> None:
    before = angles(globe)
    drag(globe, 60, 40, "right")
    assert angles(globe) == before


def test_reset_stops_what_plays(globe: Locator) -> None:
    before = globe.evaluate(MARKS)
    play = globe.get_by_role("button", name="play: turn the globe")
    play.click()
    globe.page.wait_for_function("figure => figure.mindgapView.signal('turn') > 40", arg=globe.element_handle())
    globe.get_by_role("button", name="Reset").click()
    assert play.get_attribute("aria-label") == "play: turn the globe"
    settle(globe)
    assert globe.evaluate(MARKS) == before


@pytest.mark.parametrize(("address", "signals"), [
    ("02_cone_effect.html#fig-cap?cosine=0.333&dimension_step=4.5", {"cosine": 0.34, "dimension_step": 5}),
    ("03_random_cones.html#fig-seeds?A=2.4&B=2.6&seeds_shown=3.5", {"A": 2, "B": 3, "seeds_shown": 4}),
    ("05_mismatch.html#fig-sphere?turn=7", {"turn": 5}),
])  # fmt: skip
def test_a_value_between_two_steps_is_put_on_the_nearest(tabs: Tabs, address: str, signals: dict[str, float]) -> None:
    view, watch = tabs(name="other").load(f"book/{address}")
    figure = view.locator(f"#{address.partition('#')[2].partition('?')[0]} .mindgap-figure")
    view.wait_for_function(DRAWN, arg=figure.element_handle())
    params = bound(figure)
    for name, value in signals.items():
        low = next(param["bind"] for param in params if param["name"] == name)
        found = signal(figure, name)
        assert abs(found - value) <= low.get("step", 1)
        steps = (found - low["min"]) / low.get("step", 1)
        assert abs(steps - round(steps)) < 1e-6
    assert watch.errors == []


def test_a_percent_sign_in_an_address_harms_nothing(tabs: Tabs) -> None:
    view, watch = tabs(name="other").load("book/index.html#fig%?x=1")
    scroll_through(view)
    assert watch.errors == []


def test_who_is_at_a_control_stays_there_when_a_figure_is_drawn_again(tabs: Tabs) -> None:
    view, _ = tabs(1280, "light").use("book/index.html")
    figure = view.locator("#fig-hero .mindgap-figure")
    figure.get_by_role("slider", name="shift λ").focus()
    view.evaluate("document.documentElement.dataset.theme = 'dark'")
    view.wait_for_function("figure => figure.dataset.drawn === 'dark'", arg=figure.element_handle())
    assert view.evaluate("document.activeElement.name") == "shift"
    view.evaluate("document.documentElement.dataset.theme = 'light'")
    view.wait_for_function("figure => figure.dataset.drawn === 'light'", arg=figure.element_handle())


def test_a_figure_takes_the_room_that_a_hidden_sidebar_leaves(tabs: Tabs) -> None:
    view, _ = tabs(1280, "light").use("book/index.html")
    figure = view.locator("#fig-hero .mindgap-figure")
    before = int(figure.get_attribute("data-width") or 0)
    view.add_style_tag(content=".bd-sidebar-primary { display: none !important }")
    view.wait_for_function(f"figure => Number(figure.dataset.width) > {before} + 100", arg=figure.element_handle())


@each_page
def test_what_points_say_stays_within_a_phone(tabs: Tabs, page: str) -> None:
    with tabs(360, "dark").borrow(page) as (view, watch):
        said = 0
        for figure in figures(view):
            for mark in figure.locator("svg.marks .mark-symbol.role-mark path").all()[:40:13]:
                mark.scroll_into_view_if_needed()
                mark.dispatch_event("pointermove")
                box = mark.bounding_box()
                if box is None:
                    continue
                view.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                hint = view.locator("#mindgap-hint:not([hidden])")
                if hint.count():
                    said += 1
                    place = hint.bounding_box()
                    assert place is not None
                    assert place["x"] >= 0
                    assert place["x"] + place["width"] <= 360
                    assert place["y"] >= 0
                    assert place["y"] + place["height"] <= 900
        view.mouse.move(0, 0)
        assert watch.errors == []
        assert said > 0 or page == "book/02_cone_effect.html"


def test_a_finger_that_taps_a_point_is_told_what_it_is_until_the_next_tap(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, has_touch=True, reduced_motion="reduce")
    view, watch = watched_page(context)
    view.goto(f"{SITE.as_uri()}/book/01_modality_gap.html")
    figure = view.locator(".mindgap-figure").first
    figure.scroll_into_view_if_needed()
    view.wait_for_function(DRAWN, arg=figure.element_handle())
    view.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # it has scrolled
    hint = view.locator("#mindgap-hint:not([hidden])")
    spots = figure.evaluate("""figure => [...figure.querySelectorAll("svg.marks .mark-symbol.role-mark path")]
        .map(point => [point, point.getBoundingClientRect()])
        .map(([point, { x, y, width, height }]) => [point, x + width / 2, y + height / 2])
        .filter(([point, x, y]) => document.elementFromPoint(x, y) === point).map(([, x, y]) => [x, y])""")
    assert len(spots) > 20
    for x, y in (spots[0], spots[-1]):
        view.touchscreen.tap(x, y)
        expect(hint).to_contain_text("pair")
    view.touchscreen.tap(180, 20)
    expect(hint).to_have_count(0)
    assert watch.errors == []
    context.close()


def test_a_dark_page_prints_words_that_can_be_read(browser: Browser) -> None:
    tab = Tab(browser, theme="dark")
    view, _ = tab.show("book/01_modality_gap.html")
    view.emulate_media(media="print")
    colours = view.evaluate(
        "[...new Set([...document.querySelectorAll("
        "'.bd-article :is(p, li, td, th, code, pre span, .admonition-title)')]"
        ".filter(node => node.getBoundingClientRect().width > 1).map(node => getComputedStyle(node).color))]"
    )
    assert colours
    assert [colour for colour in colours if contrast(colour, "rgb(255, 255, 255)") < 4.5] == []
    tab.context.close()
