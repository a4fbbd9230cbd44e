"""The built site, seen as readers see it: in Chromium, from a file, light and dark, wide and narrow."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.conftest import SITE, Tab, Tabs, settle

PAGES = (
    [
        path.relative_to(SITE).as_posix()
        for path in sorted((SITE / "book").rglob("*.html"))
        if 'http-equiv="refresh"' not in path.read_text(encoding="utf-8")  # an old address leads on
    ]
    if SITE.exists()
    else []
)
pytestmark = pytest.mark.skipif(not PAGES, reason="the site is not built: run `make book`")


@pytest.fixture
def tab(tabs: Tabs) -> Tab:
    """The tab of a wide, light page."""
    return tabs(1280, "light")


@pytest.fixture
def hero(tab: Tab) -> Page:
    return tab.use("book/index.html")[0]


each_page = pytest.mark.parametrize("page", PAGES)


def give(figure: Locator, **signals: float) -> None:
    """Set parameters of a figure, and wait for the result."""
    for name, value in signals.items():
        figure.evaluate("(figure, [name, value]) => { figure.mindgapView.signal(name, value) }", [name, value])
    settle(figure)


VARIANTS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
# The pages of the API reference are one template: each is looked at wide and light, narrow and dark.
LOOKS = [(page, *variant) for page in PAGES for variant in (VARIANTS[::3] if "/api/" in page else VARIANTS)]


@pytest.mark.parametrize(("page", "width", "theme"), LOOKS)
def test_a_page_is_complete_quiet_and_fits(tabs: Tabs, page: str, width: int, theme: str) -> None:
    tab = tabs(width, theme)
    view = tab.read(page)
    assert tab.watch.outside == [], "the page asked for something outside itself"
    assert tab.watch.errors == []
    found = view.evaluate(
        """width => ({
          theme: document.documentElement.dataset.theme,
          'scrolls sideways': document.documentElement.scrollWidth > width,
          'figures wider than their column': [...document.querySelectorAll('.mindgap-figure')]
            .filter(figure => figure.offsetParent && figure.scrollWidth > figure.clientWidth + 1)
            .map(figure => figure.closest('figure')?.id),
          'mathematics that is not rendered': [...document.querySelectorAll('.math')]
            .filter(node => !node.querySelector('math')).length,
          'letters of mathematics': !document.querySelector('math') || document.fonts.check('16px "Mindgap Math"'),
        })""",
        width,
    )
    assert found == {
        "theme": theme,
        "scrolls sideways": False,
        "figures wider than their column": [],
        "mathematics that is not rendered": 0,
        "letters of mathematics": True,
    }


@each_page
def test_every_figure_has_number_caption_and_words(tab: Tab, page: str) -> None:
    view = tab.read(page)
    # One in whose place the page has a tool is seen without JavaScript and on paper only: as its picture.
    for label, captions in view.locator(".mindgap-figure").evaluate_all(
        """figures => figures.map(figure => [
          figure.checkVisibility({ visibilityProperty: true }) ? figure.querySelector('svg').getAttribute('aria-label')
            : figure.querySelector('img').alt,
          [...figure.closest('figure').querySelectorAll(':scope > figcaption')].map(one => one.textContent)])"""
    ):
        assert len(label or "") > 30
        assert len(captions) == 1, label
        assert "Fig." in captions[0]
    names = "controls => controls.map(control => control.getAttribute('aria-label'))"
    assert all(view.locator(".mindgap-figure :is(input, select)").evaluate_all(names)), "a control without a name"
    pictures = "images => images.map(image => [image.alt, image.getAttribute('src')])"
    for words, source in view.locator("article img").evaluate_all(pictures):
        assert len(words) > 10, source
        assert words != source, "a path says nothing to whoever cannot see the picture"
        assert not re.search(r"\.(png|svg|jpe?g|gif|webp)$", words), words


@functools.cache
def ids(path: str) -> set[str]:
    """Where an address can lead within a page."""
    return set(re.findall(r'\bid="([^"]*)"', Path(path).read_text(encoding="utf-8")))


@each_page
def test_links_within_the_site_lead_somewhere(tab: Tab, page: str) -> None:
    view = tab.read(page)
    here = (SITE / page).as_uri()
    made = set(view.eval_on_selector_all("[id]", "nodes => nodes.map(node => node.id)"))
    broken = []
    for address in dict.fromkeys(view.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")):
        target, fragment = urldefrag(address)
        if not target.startswith("file:"):
            continue
        path = unquote(target.removeprefix("file://"))
        there = made if target == here else ids(path) if path.endswith(".html") else None
        if there is None or not fragment:
            assert Path(path).exists(), address
        elif (unquote(fragment) if target == here else fragment) not in there:
            broken.append(address)
    assert broken == []


def bound(page: str) -> list[str]:
    """The parameters with a control of their own that the figures of a page were stored with."""
    text = (SITE / page).read_text(encoding="utf-8")
    specs = re.findall(r'class="mindgap-figure">.*?<script type="application/json">(.*?)</script>', text, re.DOTALL)
    params = [param for spec in specs for param in json.loads(spec).get("params", [])]
    return [str(param["name"]) for param in params if "input" in param.get("bind", {})]


@each_page
def test_every_parameter_with_a_control_has_one(tab: Tab, page: str) -> None:
    assert tab.read(page).locator(".mindgap-figure .vega-bind").count() == len(bound(page))


# The picture is kept and compared within the page: it is large.
KEEP = "figure => { figure.before = figure.querySelector('svg').innerHTML }"
CHANGED = "figure => figure.querySelector('svg').innerHTML !== figure.before"


@each_page
def test_every_control_of_every_figure_changes_the_picture(tab: Tab, page: str) -> None:
    view, watch = tab.use(page)
    for figure in view.locator(".mindgap-figure:visible").all():
        for control in figure.locator("input, select").all():
            if control.get_attribute("type") == "radio" and control.is_checked():
                continue
            figure.evaluate(KEEP)
            kind = control.evaluate("control => control.type")
            if kind == "range":
                control.focus()
                at_its_end = control.evaluate("control => control.value === control.max")
                view.keyboard.press("ArrowLeft" if at_its_end else "ArrowRight")
            elif kind == "select-one":
                control.select_option(index=1)
            else:
                control.click()
            settle(figure)
            assert figure.evaluate(CHANGED), control.get_attribute("aria-label")
    assert watch.errors == []


def test_there_are_controls_to_try() -> None:
    assert sum(len(bound(page)) for page in PAGES) > 15


HERO = "#fig-hero .mindgap-figure"


def positions(view: Page) -> list[str]:
    circles = f"{HERO} svg .mark-symbol path"
    marks: list[str] = view.eval_on_selector_all(circles, "marks => marks.map(mark => mark.getAttribute('transform'))")
    return marks


def test_the_hero_slider_moves_points_and_marker_by_keyboard(hero: Page) -> None:
    before = positions(hero)
    assert len(before) > 200  # 100 pairs and the marker
    figure = hero.locator(HERO)
    figure.locator("input[type=range]").first.focus()
    for _ in range(10):
        hero.keyboard.press("ArrowRight")
    settle(figure)
    assert figure.evaluate("figure => figure.mindgapView.signal('shift')") > 0.49
    after = positions(hero)
    assert len(after) == len(before)
    moved = sum(a != b for a, b in zip(before, after, strict=True))
    assert moved > 195
    note = figure.locator("svg").first.text_content() or ""
    assert "loss 3.80, gap 0.01" in note, note


def test_the_hero_points_follow_the_exact_formula(hero: Page) -> None:
    """The page's own numbers, put through the shift of the paper, land where the page draws them."""
    give(hero.locator(HERO), shift=0.3)
    rows = hero.locator(HERO).evaluate(
        "figure => { const view = figure.mindgapView;"
        "const names = Object.keys(view.getState({data: () => true}).data);"
        "for (const name of names) { const rows = view.data(name); if (rows.length && 'r' in rows[0]) return rows; }"
        "return []; }"
    )
    assert len(rows) == 100
    squared = {round((row["r"] ** 2 - 1 + 2 * 0.3 * row["a"]) / 0.09, 3) for row in rows}
    assert len(squared) == 1  # ‖Δ‖², the same for every point
    assert 0.70 < squared.pop() < 0.75  # .85²


def test_the_temperature_changes_the_curve(hero: Page) -> None:
    figure = hero.locator(HERO)
    curve = figure.locator("svg .mark-line path").last
    before = curve.get_attribute("d")
    hero.get_by_label("temperature τ: 1/10", exact=True).check()
    settle(figure)
    assert curve.get_attribute("d") != before


def test_a_change_of_theme_redraws_and_keeps_the_slider(hero: Page) -> None:
    figure = hero.locator(HERO)
    label = figure.locator("svg .role-axis-label text").first
    light = label.get_attribute("fill")
    give(figure, shift=0.5)
    hero.evaluate("document.documentElement.dataset.theme = 'dark'")
    hero.wait_for_selector(f"{HERO}[data-drawn=dark]")
    assert label.get_attribute("fill") != light
    assert figure.evaluate("figure => figure.mindgapView.signal('shift')") == 0.5


@pytest.mark.parametrize(("figure", "steps", "signal"), [
    ("fig-cap", {"cosine": 0.3}, "56.8° half-angle"),
    ("fig-linear", {"norm": 1}, "L/(L + 1): 0.980 at layer 50"),
])  # fmt: skip
def test_sliders_of_chapter_2_say_what_they_compute(
    tab: Tab, figure: str, steps: dict[str, float], signal: str
) -> None:
    holder = tab.use("book/02_cone_effect.html")[0].locator(f"#{figure} .mindgap-figure")
    give(holder, **steps)
    assert signal in (holder.locator("svg").first.text_content() or "")


def test_seeds_of_chapter_3_come_one_by_one_and_tell_their_gap(tab: Tab) -> None:
    view, _ = tab.use("book/03_random_cones.html")
    figure = view.locator("#fig-seeds .mindgap-figure")
    said = figure.locator("svg").first.text_content() or ""
    assert "seeds 0 and 1: gap 1.3" in said
    before = figure.locator(".mark-symbol path").count()
    shown = figure.get_by_role("slider", name="seeds shown")
    shown.focus()
    for _ in range(5):
        view.keyboard.press("ArrowLeft")
    figure.get_by_role("slider", name="seed B").focus()
    view.keyboard.press("ArrowRight")
    settle(figure)
    assert before - figure.locator(".mark-symbol path").count() == 5 * 12
    assert "seeds 0 and 2: gap" in (figure.locator("svg").first.text_content() or "")


def test_the_site_also_works_over_http(browser: Browser) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab = Tab(browser, base=f"http://127.0.0.1:{server.server_port}")
        _, watch = tab.show("book/index.html")
        assert watch.outside == []
        assert watch.errors == []
        tab.context.close()
        server.shutdown()


def test_solutions_are_folded_and_open(tab: Tab) -> None:
    view, _ = tab.use("book/01_modality_gap.html")
    solution = view.locator("div.solution.dropdown").first
    body = solution.locator("p").nth(1)
    assert not body.is_visible()
    solution.locator("button, .toggle-button").first.click()
    body.wait_for(state="visible")


@each_page
def test_on_paper_nothing_is_cut_off(tabs: Tabs, page: str) -> None:
    view, _ = tabs(660).show(page)  # as wide as what is printed on a sheet of A4
    view.emulate_media(media="print")
    cut = view.evaluate(
        "[...document.querySelectorAll('.bd-article *')].filter(node => !node.closest('svg, math'))"
        ".filter(node => { const { left, right, width } = node.getBoundingClientRect();"
        " return width > 1 && (left < -1 || right > 661); }).map(node => node.outerHTML.slice(0, 80)).slice(0, 5)"
    )
    view.emulate_media(media="screen")
    assert cut == []
