"""Sections that are laid out a moment later: nothing of it is seen, in links, reloads and explanations."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import SITE, Tab, Tabs

CHAPTERS = [
    path.relative_to(SITE).as_posix()
    for path in sorted(SITE.glob("book/0*.html"))
    if 'http-equiv="refresh"' not in path.read_text(encoding="utf-8")
]
pytestmark = pytest.mark.skipif(not CHAPTERS, reason="the site is not built: run `make book`")

LONG = "book/02_cone_effect.html"
SECTIONS = ".bd-article > section > section"
TALL = f"""() => [...document.querySelectorAll('{SECTIONS}')].map(section => {{
  section.style.contentVisibility = 'visible';
  return [Number(section.style.getPropertyValue('--tall')), section.getBoundingClientRect().height];
}})"""


@pytest.mark.parametrize("page", CHAPTERS)
def test_how_tall_sections_are_is_guessed_about_right(tabs: Tabs, page: str) -> None:
    guessed, true = map(sum, zip(*tabs(1280, "light").show(page)[0].evaluate(TALL), strict=True))
    assert 0.6 < guessed / true < 1.6


NEVER_IDLE = "window.requestIdleCallback = () => 0"
SEEN = (
    f"[...document.querySelectorAll('{SECTIONS}')]"
    ".map(one => one.lastElementChild.checkVisibility({contentVisibilityAuto: true}))"
)
TOP = "document.getElementById('summary').getBoundingClientRect().top"


def test_what_is_far_is_laid_out_when_the_browser_is_idle(browser: Browser) -> None:
    tab = Tab(browser)
    tab.view.add_init_script("window.requestIdleCallback = act => { window.whenIdle = act }")
    tab.view.goto(f"{SITE.as_uri()}/{LONG}")
    tab.view.wait_for_function("Boolean(window.whenIdle)")
    seen = tab.view.evaluate(SEEN)
    assert (seen[0], seen[-1]) == (True, False)
    tall = tab.view.evaluate("document.body.scrollHeight")
    for _ in seen:
        tab.view.evaluate("whenIdle()")
    assert all(tab.view.evaluate(SEEN))
    assert tab.view.evaluate("document.body.scrollHeight") != tall  # it had been guessed
    assert tab.view.evaluate("scrollY") == 0
    tab.context.close()


def test_a_link_leads_to_the_very_place_before_all_is_laid_out(browser: Browser) -> None:
    tab = Tab(browser)
    tab.view.add_init_script(NEVER_IDLE)
    tab.view.goto(f"{SITE.as_uri()}/{LONG}")
    tab.view.get_by_role("link", name="Summary", exact=True).last.click()
    tab.view.wait_for_function(f"0 < {TOP} && {TOP} < 120 && scrollY > 9000")
    tab.context.close()


@pytest.mark.parametrize("address", [f"{LONG}#summary", "book/04_embedding_shift.html#exercises"])
def test_an_address_leads_to_the_very_place(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    tab.view.add_init_script(NEVER_IDLE)
    tab.view.goto(f"{SITE.as_uri()}/{address}")
    top = TOP.replace("summary", address.partition("#")[2])
    tab.view.wait_for_function(f"all => 0 < {top} && {top} < 160 && {SEEN}.every(Boolean)")
    tab.context.close()


@pytest.mark.parametrize("idle", [True, False])
def test_a_page_that_is_loaded_again_opens_where_the_reader_was(browser: Browser, idle: bool) -> None:
    tab = Tab(browser)
    if not idle:
        tab.view.add_init_script(NEVER_IDLE)
    tab.view.goto(f"{SITE.as_uri()}/{LONG}")
    # With a wheel, as readers go, and not by a script that has measured all that lies between.
    read = "document.elementFromPoint(500, 450)?.closest('.bd-article > section > section > *')?.textContent"
    tab.view.mouse.move(500, 450)
    for _ in range(8):
        tab.view.mouse.wheel(0, 900)
        tab.view.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tab.view.wait_for_function("scrollY > 6000")
    before = tab.view.evaluate(read)
    tab.view.reload()
    tab.view.wait_for_function(f"before => {read} === before", arg=before)
    tab.context.close()


def test_an_explanation_is_seen_beyond_the_end_of_its_section(tabs: Tabs) -> None:
    view, _ = tabs(1280, "light").use("book/01_modality_gap.html")
    first = """() => {
      const word = document.querySelector('.bd-article > section > section .explained');
      word.id ||= 'first-explained';
      // Its section ends right below it.
      const paragraph = word.closest('p');
      while (paragraph.nextElementSibling) paragraph.nextElementSibling.remove();
      return word.id;
    }"""
    word = view.locator(f"[id='{view.evaluate(first)}']")
    word.scroll_into_view_if_needed()
    word.hover()
    box = word.locator(".explanation")
    expect(box).to_be_visible()
    assert box.evaluate(
        """box => {
          const { left, bottom, width } = box.getBoundingClientRect();
          const end = box.closest('.bd-article > section > section').getBoundingClientRect().bottom;
          return bottom > end + 10 && box.contains(document.elementFromPoint(left + width / 2, bottom - 5));
        }"""
    )


def test_the_figure_of_an_address_waits_for_no_other_script(browser: Browser) -> None:
    tab = Tab(browser)
    held: list[Route] = []
    tab.view.route(
        re.compile(r"pydata-sphinx-theme\.js|mindgap-predict\.js|bootstrap\.js"), lambda route: held.append(route)
    )
    tab.view.goto(f"{SITE.as_uri()}/book/04_embedding_shift.html#fig-landscape", wait_until="commit")
    expect(tab.view.locator("#fig-landscape .mindgap-figure")).to_have_attribute("data-drawn", "light")
    assert held
    for route in held:
        route.continue_()
    tab.view.wait_for_load_state("load")
    assert tab.watch.errors == []
    tab.context.close()


def test_the_end_of_a_page_keeps_its_distance_from_what_follows(tabs: Tabs) -> None:
    view = tabs(1280, "light").read("book/appendix/performance.html")
    view.wait_for_function(f"{SEEN}.every(Boolean)")
    distance = """() => {
      const last = document.querySelector('.bd-article > section > section:last-of-type > :last-child');
      const next = document.querySelector('.prev-next-footer');
      return next.getBoundingClientRect().top - last.getBoundingClientRect().bottom;
    }"""
    assert view.evaluate(distance) > 10


def test_a_tooltip_has_its_arrow_beside_it(browser: Browser) -> None:
    tab = Tab(browser)
    tab.view.goto(f"{SITE.as_uri()}/{LONG}")
    tab.view.locator(".theme-switch-button").first.hover()
    arrow = tab.view.locator(".tooltip-arrow")
    expect(arrow).to_be_visible()
    out = """arrow => {
      const [a, box] = [arrow, arrow.nextElementSibling].map(one => one.getBoundingClientRect());
      return a.bottom <= box.top + 1 || a.top >= box.bottom - 1 || a.right <= box.left + 1 || a.left >= box.right - 1;
    }"""
    assert arrow.evaluate(out)
    tab.context.close()


def test_each_visit_to_a_page_is_gone_back_to_where_it_was_left(browser: Browser) -> None:
    tab = Tab(browser)
    section = "[...document.querySelectorAll('.bd-article > section > section')]"
    at = f"{section}.findLast(one => one.getBoundingClientRect().top <= 5)?.id"
    left = []
    for number in (2, 5):
        tab.view.goto(f"{SITE.as_uri()}/{LONG}")
        tab.view.wait_for_function(f"{section}.every(one => one.classList.contains('is-laid-out'))")
        tab.view.evaluate(f"scrollTo(0, scrollY + {section}[{number}].getBoundingClientRect().top + 20)")
        left.append(tab.view.evaluate(at))
        tab.view.goto(f"{SITE.as_uri()}/book/appendix/notation.html")
    tab.view.go_back()
    tab.view.wait_for_function(f"id => {at} === id", arg=left[1])
    tab.view.go_back()
    tab.view.go_back()
    tab.view.wait_for_function(f"id => {at} === id", arg=left[0])
    assert left[0] != left[1]
    tab.context.close()


def test_sections_are_laid_out_where_nothing_may_be_remembered(browser: Browser) -> None:
    tab = Tab(browser)
    denied = "{ get() { throw new DOMException('denied', 'SecurityError'); } }"
    tab.view.add_init_script(f"Object.defineProperty(window, 'sessionStorage', {denied})")
    tab.view.goto(f"{SITE.as_uri()}/{LONG}")
    tab.view.reload()
    tab.view.wait_for_function(f"{SEEN}.every(Boolean)")  # the theme's script stops there, and ours does not
    tab.context.close()
