"""The built pages: what they weigh, whether everyone can use them, and whether they can be found."""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import re
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SITE, Tab, Tabs, turn
from tests.browser.judging import grave

html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed (make test installs it)")

PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html")) if SITE.exists() else []
LEAD_ON = [page for page in PAGES if 'http-equiv="refresh"' in (SITE / page).read_text(encoding="utf-8")]
CHAPTERS = [page for page in PAGES if re.match(r"book/(0\d_|index)", page) and page not in LEAD_ON]
FIRST = "book/01_modality_gap.html"
KB = 1000
PACKED = (".woff", ".woff2", ".png", ".jpg", ".webp")  # already compressed: nothing to gain

pytestmark = pytest.mark.skipif(not PAGES, reason="the site is not built: run `make book`")


@pytest.fixture
def tab(tabs: Tabs) -> Tab:
    """The tab of a wide, light page."""
    return tabs()


def weight(path: Path) -> int:
    """What a file weighs on its way to a reader."""
    content = path.read_bytes()
    return len(content) if path.suffix in PACKED else len(gzip.compress(content, mtime=0))


def asked_for(browser: Browser, page: str) -> set[Path]:
    """The files that a page loads, to its end, in a browser that has none of them yet."""
    tab = Tab(browser)
    files: set[Path] = set()
    tab.view.on("request", lambda request: files.add(Path(unquote(urlparse(request.url).path))))
    tab.show(page)
    tab.view.wait_for_load_state("networkidle")
    tab.context.close()
    return {path for path in files if SITE in path.parents}


@pytest.fixture(scope="module")
def first_page(browser: Browser) -> set[Path]:
    return asked_for(browser, FIRST)


def test_the_site_is_small() -> None:
    files = [path for path in SITE.rglob("*") if path.is_file() and path.suffix != ".pdf"]  # the book to take away
    assert sum(path.stat().st_size for path in files) < 15_000 * KB  # of eleven notebooks, the ledger and two models
    assert [path.name for path in files if path.suffix == ".map" or path.name.startswith("fontawesome")] == []
    assert {path.suffix for path in (SITE / "_sources").rglob("*") if path.is_file()} == {".ipynb"}


def test_the_first_page_is_light(first_page: set[Path]) -> None:
    assert sum(map(weight, first_page)) < 1200 * KB
    assert len(first_page) < 40


@pytest.mark.parametrize("page", [page for page in CHAPTERS if page != FIRST])
def test_a_further_page_is_light(browser: Browser, first_page: set[Path], page: str) -> None:
    fresh = asked_for(browser, page) - first_page
    assert SITE / page in fresh
    assert sum(map(weight, fresh)) < 400 * KB


@pytest.mark.parametrize("page", CHAPTERS)
def test_no_script_stops_a_page(page: str) -> None:
    text = (SITE / page).read_text(encoding="utf-8")
    tags = re.findall(r"<script\b[^>]*\bsrc=[^>]*>", text)
    assert all(re.search(r"\b(?:defer|async)\b", tag) or 'type="module"' in tag for tag in tags)


def test_every_icon_is_drawn(tab: Tab) -> None:
    """An icon is a mask of a picture of its own, in each of the places where the theme asks for one."""
    view = tab.read(FIRST)
    without = view.evaluate(
        "[...document.querySelectorAll('[class*=\"fa-\"]')]"
        ".filter(icon => !getComputedStyle(icon, '::before').maskImage.includes('data:image/svg'))"
        ".map(icon => icon.className)"
    )
    assert without == []
    title = "getComputedStyle(document.querySelector('.admonition-title'), '::after').maskImage"
    assert "data:image/svg" in view.evaluate(title)


@pytest.mark.parametrize("page", PAGES)
def test_everyone_can_use_the_page(tabs: Tabs, page: str) -> None:
    """By all rules in the light; in the dark, where the same elements have other colours, by those of colour."""
    if page in LEAD_ON:
        pytest.skip("leads on to another page at once")
    with tabs().borrow(page) as (view, _):
        assert grave(view) == []
        turn(view, "dark")
        assert grave(view, only_colours=True) == []
        turn(view, "light")


@pytest.mark.parametrize(
    ("old", "new"),
    [("05_temperature", "06_temperature"), ("06_mismatch", "05_mismatch")],
)
def test_an_old_address_leads_to_the_same_place(tab: Tab, old: str, new: str) -> None:
    view, _ = tab.load(f"book/{old}.html?state=1#exercises")
    view.wait_for_url(lambda url: url.endswith(f"/book/{new}.html?state=1#exercises"))
    assert "Exercises" in (view.locator("#exercises").text_content() or "")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_valid_html(page: str) -> None:
    text = (SITE / page).read_text(encoding="utf-8")
    parser = html5lib.HTMLParser()
    tree = parser.parse(text)
    assert [(line, code, data) for (line, _), code, data in parser.errors] == []
    elements = list(tree.iter())
    ids = Counter(element.get("id") for element in elements if element.get("id"))
    assert [name for name, often in ids.items() if often > 1] == []
    named = {name for element in elements for name in (element.get("aria-describedby") or "").split()}
    named |= {name for element in elements for name in (element.get("aria-labelledby") or "").split()}
    assert named <= ids.keys(), "a label or a description that is not there"


@pytest.mark.parametrize("page", [page for page in PAGES if page != "404.html" and page not in LEAD_ON])
def test_the_page_says_what_it_is(page: str) -> None:
    text = (SITE / page).read_text(encoding="utf-8")
    (description,) = re.findall(r'<meta name="description" content="([^"]*)"', text)
    assert 30 < len(description) <= 320
    for name in ("og:title", "og:description", "og:image"):
        assert len(re.findall(rf'<meta property="{name}" content="[^"]+"', text)) == 1
    for address in ("https://arxiv.org/abs/2203.02053", "https://doi.org/10.48550/arXiv.2203.02053"):
        assert f'href="{address}"' in text
    assert text.count('name="viewport"') == 1


def test_descriptions_differ() -> None:
    said = [re.findall(r'name="description" content="([^"]*)"', (SITE / page).read_text()) for page in CHAPTERS]
    assert len({one for (one,) in said}) == len(CHAPTERS)


def search(tab: Tab, words: str) -> list[tuple[str, str]]:
    view, _ = tab.load(f"search.html?q={words.replace(' ', '+')}")
    expect(view.locator("#search-results h2")).to_contain_text("Search Results")
    found: list[list[str]] = view.eval_on_selector_all(
        "ul.search > li > a", "links => links.map(link => [link.textContent, link.getAttribute('href')])"
    )
    return [(title, address.split("?")[0]) for title, address in found]


@pytest.mark.parametrize(("words", "page"), [
    ("modality gap", FIRST),
    ("cone effect", "book/02_cone_effect.html"),
    ("temperature", "book/06_temperature.html"),
    ("mismatched pairs", "book/05_mismatch.html"),
    ("InfoNCE", "book/appendix/glossary.html#term-InfoNCE"),
])  # fmt: skip
def test_a_search_finds_the_right_page_first(tab: Tab, words: str, page: str) -> None:
    assert search(tab, words)[0][1].removesuffix("#") == page


def test_the_api_comes_after_the_chapters(tab: Tab) -> None:
    pages = [address for _, address in search(tab, "load_pairs")]
    kinds = ["api" if "/api/" in page else "book" for page in pages]
    assert "api" in kinds
    assert kinds == sorted(kinds, reverse=True)


def test_the_search_holds_no_noise() -> None:
    index = json.loads(re.sub(r"^Search\.setIndex\(|\)$", "", (SITE / "searchindex.js").read_text(encoding="utf-8")))
    words = {word for word, pages in index["terms"].items() if pages != []}
    assert {"temperatur", "softmax"} <= words
    assert words.isdisjoint({"vconcat", "nbformat", "opac", "linspac", "manual_se", "dataframe"})
    assert len(words) < 5000


def test_a_word_of_the_glossary_is_explained_by_keyboard_and_put_away(tab: Tab) -> None:
    view, _ = tab.use(FIRST)
    word = view.locator("a.term").first
    box = view.locator(f"[id='{word.get_attribute('aria-describedby')}']")
    expect(box).to_be_hidden()
    word.focus()
    expect(box).to_be_visible()
    view.keyboard.press("Escape")
    expect(box).to_be_hidden()
    word.blur()
    word.hover()
    expect(box).to_be_visible()
    word.click()
    view.wait_for_url("**/appendix/glossary.html#term-*")
    target = urlparse(view.url).fragment
    assert view.locator(f"[id='{target}']").count() == 1


@pytest.mark.parametrize("page", CHAPTERS)
def test_words_are_explained_once_and_in_prose_only(page: str) -> None:
    text = (SITE / page).read_text(encoding="utf-8")
    at = re.findall(r'<span class="explained" id="([^"]*)"', text)
    assert len(at) == len(set(at))
    assert len(at) >= 2
    for block in ("h1", "h2", "h3", "figcaption", "table", "pre"):
        for inside in re.findall(rf"<{block}\b.*?</{block}>", text, re.DOTALL):
            assert 'class="explained"' not in inside


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", [FIRST, "book/06_temperature.html"])
def test_explanations_stay_on_a_phone(tabs: Tabs, page: str, theme: str) -> None:
    with tabs(360, theme).borrow(page) as (view, _):
        for word in view.locator("a.term:visible").all():
            word.focus()
            place = view.locator(f"[id='{word.get_attribute('aria-describedby')}']").bounding_box()
            assert place is not None
            assert place["x"] >= 0, word.text_content()
            assert place["x"] + place["width"] <= 360, word.text_content()
            word.blur()


def test_the_code_of_a_figure_stands_below_it_closed(tab: Tab) -> None:
    view, _ = tab.use(FIRST)
    folds = view.locator("details.fold")
    said = folds.locator("summary").all_text_contents()
    assert set(said) <= {"code of this figure", "code of this table", "code of this output", "code of this step"}
    assert "code of this figure" in said
    for fold in folds.all():
        assert fold.get_attribute("open") is None
        above = fold.evaluate("fold => fold.previousElementSibling?.className || ''")
        assert "cell_output" in above or fold.locator("summary").text_content() == "code of this step"
    first = folds.filter(has_text="code of this figure").first
    first.locator("summary").focus()
    view.keyboard.press("Enter")
    expect(first.locator("pre")).to_be_visible()


def test_no_page_folds_code_above_what_it_makes() -> None:
    for page in CHAPTERS:
        assert "above-input" not in (SITE / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [*CHAPTERS, "book/appendix/notation.html", "book/assignments.html"])
def test_what_is_wider_than_a_phone_says_so(tabs: Tabs, page: str) -> None:
    """Tables of words are stacked; what scrolls fades at its edge, can be focused, and has a name."""
    view = tabs(360).read(page)
    silent = view.locator(".bd-article :is(pre, table, .formula):visible").evaluate_all(
        "blocks => blocks.filter(block => !(block.scrollWidth <= block.clientWidth + 1"
        " || getComputedStyle(block).overflowX === 'visible'"
        " || (block.classList.contains('goes-right') && block.tabIndex === 0)))"
        ".map(block => block.textContent.slice(0, 80))"
    )
    assert silent == []
    wide = view.locator("table.stackable:visible").evaluate_all(
        "tables => tables.filter(table => table.scrollWidth > table.clientWidth + 1).map(table => table.textContent)"
    )
    assert wide == []


def test_a_fade_goes_where_the_end_is_reached(tabs: Tabs) -> None:
    view, _ = tabs(360).use(FIRST)
    code = view.locator("pre.is-wide").first
    expect(code).to_have_class(re.compile("goes-right"))
    code.evaluate("code => { code.scrollLeft = code.scrollWidth }")
    expect(code).not_to_have_class(re.compile("goes-right"))
    expect(code).to_have_class(re.compile("goes-left"))


@pytest.mark.parametrize("page", [FIRST, "book/index.html", "search.html"])
def test_targets_are_large_enough_for_a_thumb(tabs: Tabs, page: str) -> None:
    """24 px each way; words in running text are exempt, as they are for WCAG."""
    small = (
        tabs(360)
        .read(page)
        .evaluate(
            """[...document.querySelectorAll('button, summary, input, select, .prev-next-area a')]
          .filter(node => node.offsetParent && !node.closest('label, p, .mindgap-figure'))
          .map(node => [(node.querySelector('.toctree-toggle') || node).getBoundingClientRect(), node.outerHTML])
          .filter(([box]) => box.width < 24 || box.height < 24)
          .map(([box, html]) => [box.width, box.height, html.slice(0, 120)])"""
        )
    )
    assert small == []


def test_what_has_the_focus_shows_it(tab: Tab) -> None:
    view, _ = tab.load(FIRST)
    for _ in range(30):
        view.keyboard.press("Tab")
        outline = view.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            "return [s.outlineStyle, parseFloat(s.outlineWidth), e.outerHTML.slice(0, 120)] })()"
        )
        assert outline[0] != "none", outline
        assert outline[1] >= 2, outline


class NotFound(http.server.SimpleHTTPRequestHandler):
    """As sites of pages answer: the page 404.html, in place of what is not there."""

    def log_message(self, *_: object) -> None: ...

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/a-book"))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        body = (SITE / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.mark.parametrize("path", ["nothing.html", "book/nothing.html", "book/appendix/api/no/such/page.html"])
def test_a_page_that_is_not_there_leads_back_from_any_depth(browser: Browser, path: str) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(NotFound, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/a-book"
        tab = Tab(browser, base=base)
        view, _ = tab.load(path)
        view.wait_for_function("document.documentElement.dataset.found")
        links = view.eval_on_selector_all("a", "links => links.map(link => link.href)")
        assert links == [f"{base}/book/index.html", f"{base}/search.html"]
        tab.context.close()
        server.shutdown()


def test_the_index_has_the_words_of_the_book() -> None:
    text = (SITE / "genindex.html").read_text(encoding="utf-8")
    for word in ("modality gap", "cone effect", "temperature", "InfoNCE", "hard negative"):
        assert re.search(rf'<a href="book/appendix/glossary\.html#term-[^"]*">(?:<strong>)?{word}', text), word
    assert "01_modality_gap.html#first-modality-gap" in text


def test_the_bibliography_is_labelled_as_the_text_cites() -> None:
    text = (SITE / "book/appendix/bibliography.html").read_text(encoding="utf-8")
    labels = re.findall(r'<span class="label"><span class="fn-bracket">\[</span>(.*?)<span', text)
    assert "Liang et al., 2022" in labels
    cited = set()
    for page in CHAPTERS:
        chapter = (SITE / page).read_text(encoding="utf-8")
        found = re.findall(r'href="appendix/bibliography\.html#[^"]*"[^>]*>(.*?)</a>', chapter)
        cited |= {re.sub("<[^>]*>", "", one).replace("\xa0", " ") for one in found if "," in one}
    assert len(cited) > 5
    assert cited <= set(labels)
