"""The built site, seen as readers see it: in Chromium, from a file, light and dark, wide and narrow."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import SITE, watched_page

PAGES = sorted(path.relative_to(SITE).as_posix() for path in (SITE / "book").rglob("*.html")) if SITE.exists() else []
DRAWN = "[...document.querySelectorAll('.mindgap-figure')].every(figure => figure.dataset.drawn)"

TYPESET = "!document.querySelector('.math') || document.querySelectorAll('mjx-container').length > 0"

pytestmark = pytest.mark.skipif(not PAGES, reason="the site is not built: run `make book`")


def opened(browser: Browser, page: str, width: int = 1280, theme: str = "light", base: str = "") -> Iterator[tuple]:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    context.add_init_script(f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')")
    view, watch = watched_page(context, (base,) if base else ())
    view.goto(f"{base or SITE.as_uri()}/{page}")
    view.wait_for_function(DRAWN, timeout=30_000)
    view.wait_for_function(TYPESET, timeout=30_000)
    yield view, watch
    context.close()


@pytest.fixture
def hero(browser: Browser) -> Iterator[Page]:
    for view, _ in opened(browser, "book/index.html"):
        yield view


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_complete_quiet_and_fits(browser: Browser, page: str, width: int, theme: str) -> None:
    for view, watch in opened(browser, page, width, theme):
        assert view.evaluate("document.documentElement.dataset.theme") == theme
        assert view.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
        wide = view.evaluate(
            "[...document.querySelectorAll('.mindgap-figure')]"
            ".filter(f => f.offsetParent && f.querySelector('svg').getBoundingClientRect().width > f.clientWidth + 1)"
            ".map(f => f.closest('figure')?.id)"
        )
        assert wide == [], "figures wider than their column"
        assert watch.outside == [], "the page asked for something outside itself"
        assert watch.errors == []
        raw = view.evaluate(
            "[...document.querySelectorAll('.math')].filter(node => !node.querySelector('mjx-container')).length"
        )
        assert raw == 0, "mathematics is not rendered"


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_has_number_caption_and_words(browser: Browser, page: str) -> None:
    for view, _ in opened(browser, page):
        for figure in view.locator(".mindgap-figure").all():
            label = figure.locator("svg").first.get_attribute("aria-label") or ""
            assert len(label) > 30
            caption = figure.locator("xpath=ancestor::figure[1]/figcaption")
            assert caption.count() == 1, label
            assert "Fig." in (caption.text_content() or "")
        for control in view.locator(".mindgap-figure input, .mindgap-figure select").all():
            assert control.get_attribute("aria-label"), "a control without a name"
        for image in view.locator("article img").all():
            assert len(image.get_attribute("alt") or "") > 10, image.get_attribute("src")


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_site_lead_somewhere(browser: Browser, page: str) -> None:
    for view, _ in opened(browser, page):
        here = (SITE / page).as_uri()
        broken = []
        for address in view.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
            target, fragment = urldefrag(address)
            if not target.startswith("file:"):
                continue
            path = unquote(target.removeprefix("file://"))
            body = Path(path).read_text(encoding="utf-8") if path.endswith(".html") and target != here else None
            if target == here and fragment and view.locator(f'[id="{unquote(fragment)}"]').count() == 0:
                broken.append(address)
            if body is not None and fragment and f'id="{unquote(fragment)}"' not in body:
                broken.append(address)
        assert broken == []


def positions(view: Page, figure: int = 0) -> list[str]:
    circles = f".mindgap-figure >> nth={figure} >> svg .mark-symbol path"
    return view.eval_on_selector_all(circles, "marks => marks.map(mark => mark.getAttribute('transform'))")


def test_the_hero_slider_moves_points_and_marker_by_keyboard(hero: Page) -> None:
    before = positions(hero)
    assert len(before) > 300  # 150 pairs and the marker
    slider = hero.locator(".mindgap-figure input[type=range]").first
    slider.focus()
    for _ in range(10):
        hero.keyboard.press("ArrowRight")
    hero.wait_for_function("document.querySelector('.mindgap-figure').mindgapView.signal('shift') > 0.49")
    hero.wait_for_timeout(300)
    after = positions(hero)
    assert len(after) == len(before)
    moved = sum(a != b for a, b in zip(before, after, strict=True))
    assert moved > 290
    note = hero.locator(".mindgap-figure svg").first.text_content() or ""
    assert "loss 3.80, gap 0.01" in note, note


def test_the_hero_points_follow_the_exact_formula(hero: Page) -> None:
    """The page's own numbers, put through the shift of the paper, land where the page draws them."""
    hero.evaluate("document.querySelector('.mindgap-figure').mindgapView.signal('shift', 0.3).runAsync().then(() => 0)")
    hero.wait_for_timeout(300)
    rows = hero.evaluate(
        "(() => { const view = document.querySelector('.mindgap-figure').mindgapView;"
        "const names = Object.keys(view.getState({data: () => true}).data);"
        "for (const name of names) { const rows = view.data(name); if (rows.length && 'r' in rows[0]) return rows; }"
        "return []; })()"
    )
    assert len(rows) == 150
    squared = {round((row["r"] ** 2 - 1 + 2 * 0.3 * row["a"]) / 0.09, 3) for row in rows}
    assert len(squared) == 1  # ‖Δ‖², the same for every point
    assert 0.70 < squared.pop() < 0.75  # .85²


def test_the_temperature_changes_the_curve(hero: Page) -> None:
    curve = ".mindgap-figure >> nth=0 >> svg .mark-line path"
    before = hero.locator(curve).first.get_attribute("d")
    hero.get_by_label("temperature τ: 1/10", exact=True).check()
    hero.wait_for_timeout(300)
    assert hero.locator(curve).first.get_attribute("d") != before


def test_a_change_of_theme_redraws_and_keeps_the_slider(hero: Page) -> None:
    label = ".mindgap-figure svg .role-axis-label text"
    light = hero.locator(label).first.get_attribute("fill")
    hero.evaluate("document.querySelector('.mindgap-figure').mindgapView.signal('shift', 0.5).runAsync().then(() => 0)")
    hero.evaluate("document.documentElement.dataset.theme = 'dark'")
    hero.wait_for_function("document.querySelector('.mindgap-figure').dataset.drawn === 'dark'")
    assert hero.locator(label).first.get_attribute("fill") != light
    assert hero.evaluate("document.querySelector('.mindgap-figure').mindgapView.signal('shift')") == 0.5


def test_every_control_of_every_figure_changes_the_picture(browser: Browser) -> None:
    tried = 0
    for page in PAGES:
        for view, watch in opened(browser, page):
            for figure in view.locator(".mindgap-figure:visible").all():
                for control in figure.locator("input, select").all():
                    if control.get_attribute("type") == "radio" and control.is_checked():
                        continue
                    before = figure.locator("svg").first.inner_html()
                    kind = control.evaluate("control => control.type")
                    if kind == "range":
                        control.focus()
                        at_its_end = control.evaluate("control => control.value === control.max")
                        view.keyboard.press("ArrowLeft" if at_its_end else "ArrowRight")
                    elif kind == "select-one":
                        control.select_option(index=1)
                    else:
                        control.click()
                    view.wait_for_timeout(250)
                    assert figure.locator("svg").first.inner_html() != before, control.get_attribute("aria-label")
                    tried += 1
            assert watch.errors == []
    assert tried > 15


@pytest.mark.parametrize(("figure", "steps", "signal"), [
    ("fig-cap", {"cosine": 0.3}, "56.8° half-angle"),
    ("fig-linear", {"norm": 1}, "L/(L + 1): 0.980 at layer 50"),
])  # fmt: skip
def test_sliders_of_chapter_2_say_what_they_compute(
    browser: Browser, figure: str, steps: dict[str, float], signal: str
) -> None:
    for view, _ in opened(browser, "book/02_cone_effect.html"):
        holder = view.locator(f"#{figure} .mindgap-figure")
        for name, value in steps.items():
            holder.evaluate(
                "(node, [name, value]) => node.mindgapView.signal(name, value).runAsync().then(() => 0)", [name, value]
            )
        view.wait_for_timeout(300)
        assert signal in (holder.locator("svg").first.text_content() or "")


def test_seeds_of_chapter_3_come_one_by_one_and_tell_their_gap(browser: Browser) -> None:
    for view, _ in opened(browser, "book/03_random_cones.html"):
        figure = view.locator("#fig-seeds .mindgap-figure")
        said = figure.locator("svg").first.text_content() or ""
        assert "seeds 0 and 1: gap 1.3" in said
        before = figure.locator(".mark-symbol path").count()
        shown = figure.get_by_label("seeds shown")
        shown.focus()
        for _ in range(5):
            view.keyboard.press("ArrowLeft")
        figure.get_by_label("seed B").focus()
        view.keyboard.press("ArrowRight")
        view.wait_for_timeout(400)
        assert before - figure.locator(".mark-symbol path").count() == 5 * 12
        assert "seeds 0 and 2: gap" in (figure.locator("svg").first.text_content() or "")


def test_the_site_also_works_over_http(browser: Browser) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for _view, watch in opened(browser, "book/index.html", base=f"http://127.0.0.1:{server.server_port}"):
            assert watch.outside == []
            assert watch.errors == []
        server.shutdown()


def test_solutions_are_folded_and_open(browser: Browser) -> None:
    for view, _ in opened(browser, "book/01_modality_gap.html"):
        solution = view.locator("div.solution.dropdown").first
        body = solution.locator("p").nth(1)
        assert not body.is_visible()
        solution.locator("button, .toggle-button").first.click()
        body.wait_for(state="visible", timeout=3000)
