"""A real Chromium for the tests that look at pages; without one they are skipped, with that reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urldefrag

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect, sync_playwright

from book import chromium
from tests.waiting import HANG

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"

# Chromium's own background traffic is not the page's; without these it looks for its maker's servers at every start.
QUIET = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# For this folder's tests: while Playwright is up an event loop runs, which tests without a browser must not see.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    found = chromium.bare()
    if found is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        expect.set_options(timeout=1000 * HANG)
        browser = playwright.chromium.launch(
            executable_path=found, args=[*QUIET, *chromium.arguments()], timeout=1000 * HANG
        )
        yield browser
        browser.close()


class Watched:
    """What a page did that no page of the book may do."""

    def __init__(self, page: Page, home: tuple[str, ...]) -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        own = ("file:", "data:", "blob:", "about:", *home)
        page.on("request", lambda request: None if request.url.startswith(own) else self.outside.append(request.url))
        page.on("console", self.note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def note(self, line: ConsoleMessage) -> None:
        # That a plugin of JupyterLab took its time is said of the machine, not of the page.
        if line.type in ("error", "warning") and not re.search(
            r"(took [\d.]+ms|is taking too long) to activate", line.text
        ):
            self.errors.append(line.text)


PREDICTIONS = chromium.predictions(SITE)
SHOWN = chromium.unveiled(PREDICTIONS)


def watched_page(context: BrowserContext, home: tuple[str, ...] = (), veiled: bool = False) -> tuple[Page, Watched]:
    """A new page of a context; unless `veiled`, the figures that are guarded by a prediction are seen at once."""
    context.set_default_timeout(1000 * HANG)
    if not veiled:
        context.add_init_script(SHOWN)
    page = context.new_page()
    return page, Watched(page, home)


class Watching(Protocol):
    watch: Watched


V = TypeVar("V", bound=Watching)


@contextmanager
def visiting(browser: Browser, visit: Callable[[BrowserContext], V]) -> Iterator[V]:
    """A visit to a page with a tool, by whatever drives it; it may not ask outside, nor log an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened = visit(context)
    yield opened
    assert opened.watch.errors == []
    assert opened.watch.outside == []
    context.close()


DRAWN = "figure => figure.dataset.drawn !== undefined"
LETTERS = "document.fonts.ready.then(() => true)"  # those of formulas come in a file of their own

# What is far from the reader is laid out when the browser is idle: here at once, and what is measured of it measured.
LAID_OUT = """async () => {
  document.querySelectorAll('.bd-article > section > section').forEach(one => one.classList.add('is-laid-out'));
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
}"""


# The first figure that readers can see and that is not there yet is brought near; true once there is none.
ALL_DRAWN = """() => {
  const next = [...document.querySelectorAll('.mindgap-figure')].find(figure => figure.dataset.drawn === undefined
    && figure.checkVisibility({ visibilityProperty: true }) && figure.getBoundingClientRect().height);
  next?.scrollIntoView({ block: 'center', behavior: 'instant' });
  return !next;
}"""


def scroll_through(view: Page) -> None:
    """Go through a page as readers do: its figures are drawn as they come near."""
    view.wait_for_function(ALL_DRAWN)
    view.evaluate("scrollTo(0, 0)")


class Tab:
    """A tab of one width and theme in which pages are shown one after another.

    Pages in one tab cost half of what they cost in tabs of their own; and what only looks at a page, or puts back what
    it changes, needs no new load of a page that is there already.
    """

    def __init__(self, browser: Browser, width: int = 1280, theme: str = "light", base: str = "") -> None:
        self.base = base or SITE.as_uri()
        self.context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        self.context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
        self.view, self.watch = watched_page(self.context, (base,) if base else ())
        self.untouched = ""

    def load(self, page: str) -> tuple[Page, Watched]:
        """Load a page anew, even one that differs from what is there by what comes after # only."""
        if page.partition("#")[0] == urldefrag(self.view.url)[0].removeprefix(f"{self.base}/"):
            self.view.goto("about:blank")
        self.untouched = ""
        self.watch.outside.clear()
        self.watch.errors.clear()
        self.view.goto(f"{self.base}/{page}")
        return self.view, self.watch

    def complete(self) -> None:
        """Wait until the figures and the letters of what was loaded are there."""
        scroll_through(self.view)
        self.view.evaluate(LETTERS)
        self.view.evaluate(LAID_OUT)

    def show(self, page: str) -> tuple[Page, Watched]:
        """Load a page whole."""
        self.load(page)
        self.complete()
        self.untouched = page
        return self.view, self.watch

    def read(self, page: str) -> Page:
        """A page that is only looked at."""
        return self.view if page == self.untouched else self.show(page)[0]

    def use(self, page: str) -> tuple[Page, Watched]:
        """A page to change something on, as it is after loading."""
        self.read(page)
        self.untouched = ""
        return self.view, self.watch

    @contextmanager
    def borrow(self, page: str) -> Iterator[tuple[Page, Watched]]:
        """A page to change something on that is put back in the end; if that fails, it is loaded anew."""
        yield self.use(page)
        self.untouched = page


Tabs = Callable[..., Tab]
"""A shared tab by its width and theme; and beside it others, by a name."""


@pytest.fixture(scope="package")
def tabs(browser: Browser) -> Iterator[Tabs]:
    opened: dict[tuple[int, str, str], Tab] = {}

    def tab(width: int = 1280, theme: str = "light", name: str = "") -> Tab:
        if (width, theme, name) not in opened:
            opened[width, theme, name] = Tab(browser, width, theme)
        return opened[width, theme, name]

    yield tab
    for one in opened.values():
        one.context.close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of pages in shared tabs come page by page, whatever their modules, so that they share the page's loads."""
    own = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]

    def page(place: int) -> str:
        item = items[place]
        assert isinstance(item, pytest.Function)
        shared = "tabs" in item.fixturenames and hasattr(item, "callspec")
        return str(item.callspec.params.get("page", "")) if shared else ""

    for place, item in zip(own, [items[one] for one in sorted(own, key=page)], strict=True):
        items[place] = item


def settle(figure: Locator) -> None:
    """Wait until Vega has worked off everything that a figure's inputs have told it, and has drawn the result."""
    figure.evaluate("figure => figure.mindgapView.runAsync().then(() => 0)")


def turn(view: Page, theme: str) -> None:
    """Turn a page light or dark, and wait until its figures have followed."""
    view.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    view.wait_for_function(
        "theme => [...document.querySelectorAll('.mindgap-figure[data-drawn]')]"
        ".every(figure => figure.dataset.drawn === theme || !figure.offsetParent)",
        arg=theme,
    )
