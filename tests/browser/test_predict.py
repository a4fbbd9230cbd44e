"""Predict, then reveal: every kind of question by mouse, keyboard and finger, what is remembered, and who sees what.

The kinds are tried on a page of their own with the site's styles and scripts; what guards a figure, on the site.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from mindgap.charts import predict
from tests.browser.conftest import DRAWN, PREDICTIONS, SITE, watched_page
from tests.browser.judging import violations
from tests.browser.test_figures import contrast

pytest.importorskip("vl_convert", reason="Sphinx is not installed (make book installs it)")
from book._ext.mindgap_predict import question_html

pytestmark = pytest.mark.skipif(not PREDICTIONS, reason="the site is not built: run `make book`")

ASKED = {
    "number": predict.number(
        "predict-n", "How far apart are the means?", 0.853, 0, 2, 0.01, "fig-n", words="gap distance"
    ),
    "choice": predict.choice(
        "predict-b", "What does the loss do?", ["It falls.", "It rises.", "Nothing."], 1, "That is why.", "fig-b"
    ),
    "curve": predict.curve(
        "predict-c",
        "Draw the best distance.",
        x=[0.01, 0.02, 0.05, 0.1, 1],
        truth=[0.8, 0.6, 0.6, 0.3, 0.1],
        x_title="temperature",
        y_title="best gap distance",
        y_range=(0, 1),
        x_labels=["1/100", "1/50", "1/20", "1/10", "1"],
        given=1,
        figure="fig-c",
    ),
    "log": predict.number("predict-l", "What share?", 1e-3, 1e-6, 1, 1e-6, "fig-l", words="share", log=True),
}
KIND = {"n": "number", "b": "choice", "c": "curve", "l": "log"}


def page_of_questions(folder: Path) -> Path:
    """A page like those of the site, with a figure after each question."""
    parts = []
    for letter, kind in KIND.items():
        bundle = ASKED[kind]._repr_mimebundle_()
        parts.append(question_html(bundle[predict.MIME]))
        parts.append(
            f'<figure data-guarded="" id="fig-{letter}"><div style="height: 200px"><button>inside {letter}</button>'
            f"</div><figcaption>The answer {letter}.</figcaption></figure>"
        )
    static = (SITE / "_static").as_uri()
    names = ["styles/theme.css", "styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css"]
    names += ["mindgap-theme.css", "figures.css", "mindgap.css", "print.css", "predict.css"]
    sheets = "".join(
        f'<link rel="stylesheet" href="{static}/{name}">' for name in names if (SITE / "_static" / name).exists()
    )
    path = folder / "questions.html"
    path.write_text(
        '<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Questions</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{sheets}</head><body>'
        f'<main class="bd-article"><h1>Questions</h1>{"".join(parts)}</main>'
        f'<script defer src="{static}/mindgap-predict.js"></script></body></html>',
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of_questions(tmp_path_factory.mktemp("questions")).as_uri()


Open = Callable[..., Page]


@pytest.fixture
def show(browser: Browser, address: str) -> Iterator[Open]:
    """Open the page in a browser that remembers nothing; at the end nothing has gone wrong in it."""
    opened: list[tuple[BrowserContext, Any]] = []

    def fresh(width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
        view, watch = watched_page(context, veiled=True)
        opened.append((context, watch))
        view.goto(address)
        return view

    yield fresh
    for context, watch in opened:
        assert watch.errors == []
        assert watch.outside == []
        context.close()


def question(view: Page, letter: str) -> Locator:
    return view.locator(f"#predict-{letter}")


def remembered(view: Page, letter: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(
        view.evaluate("name => localStorage.getItem(name) || 'null'", f"mindgap-predict:predict-{letter}")
    )
    return found


def veiled(view: Page, letter: str) -> bool:
    """Whether nobody sees, focuses or hears a figure."""
    inside = view.locator(f"#fig-{letter} button")
    caption = view.locator(f"#fig-{letter} figcaption")
    hidden = [not inside.is_visible(), not caption.is_visible()]
    inside.evaluate("button => button.focus()")
    hidden.append(not inside.evaluate("button => document.activeElement === button"))
    hidden.append(f"inside {letter}" not in view.locator(f"#fig-{letter}").aria_snapshot())
    assert len(set(hidden)) == 1, hidden
    return hidden[0]


def commit(view: Page, letter: str) -> None:
    question(view, letter).get_by_role("button", name="Commit").click()


def said(view: Page, letter: str) -> str:
    return question(view, letter).locator("[role=status]").text_content() or ""


def test_figures_are_veiled_in_their_own_room_until_somebody_answers(show: Open) -> None:
    view = show()
    before = {letter: view.locator(f"#fig-{letter}").bounding_box() for letter in KIND}
    assert all(veiled(view, letter) for letter in KIND)
    question(view, "n").get_by_role("button", name="Show me").click()
    assert not veiled(view, "n")
    assert veiled(view, "b")
    now = view.locator("#fig-n").bounding_box()
    old = before["n"]
    assert now is not None
    assert old is not None
    assert now["height"] == old["height"]


def test_a_number_by_mouse(show: Open) -> None:
    view = show()
    commit(view, "n")
    assert said(view, "n") == "Move the point first."
    assert veiled(view, "n")
    slider = question(view, "n").get_by_role("slider", name="gap distance")
    assert slider.get_attribute("aria-valuetext") == "not placed yet"
    box = slider.bounding_box()
    assert box is not None
    view.mouse.click(box["x"] + 13 + (box["width"] - 26) / 4, box["y"] + box["height"] / 2)
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"0\.(49|5\d)"))
    commit(view, "n")
    guess = remembered(view, "n")
    assert guess is not None
    assert guess["guess"] == pytest.approx(0.5, abs=0.02)
    assert guess["score"] == pytest.approx(1 - (0.853 - guess["guess"]) / (2 - 0.853), abs=0.002)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", guess["time"])
    assert re.fullmatch(
        r"You said 0\.\d\d\. The gap distance is 0\.85: your guess was 0\.3\d too low\.", said(view, "n")
    )
    assert not veiled(view, "n")
    # Guess and answer stand on one axis, where they belong, and differ in more than colour.
    places = (
        question(view, "n")
        .locator(".mindgap-predict-mark")
        .evaluate_all("marks => marks.map(mark => [mark.className.split('is-')[1], Number(mark.dataset.at)])")
    )
    assert dict(places)["truth"] == pytest.approx(0.853 / 2, abs=0.001)
    assert dict(places)["guess"] == pytest.approx(guess["guess"] / 2, abs=0.001)
    labels = question(view, "n").locator(".mindgap-predict-label").all_text_contents()
    assert labels == [f"your guess {guess['guess']:.2f}", "answer 0.85"]


def test_a_number_by_keyboard(show: Open) -> None:
    view = show()
    slider = question(view, "n").get_by_role("slider")
    slider.focus()
    for _ in range(15):
        view.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "0.85"
    view.keyboard.press("Tab")
    view.keyboard.press("Enter")
    assert said(view, "n") == "You said 0.85. The gap distance is exactly that."
    kept = remembered(view, "n")
    assert kept is not None
    assert kept["score"] > 0.99
    assert view.evaluate("document.activeElement.closest('.mindgap-predict').id") == "predict-n"


def test_a_number_on_a_logarithmic_axis(show: Open) -> None:
    view = show()
    slider = question(view, "l").get_by_role("slider")
    slider.focus()
    view.keyboard.press("End")
    assert (slider.get_attribute("aria-valuetext") or "").startswith("1")
    commit(view, "l")
    kept = remembered(view, "l")
    assert kept is not None
    assert kept["guess"] == 1
    assert said(view, "l") == "You said 1. The share is 0.001: your guess was too high by a factor of 1000."
    assert kept["score"] == pytest.approx(0)  # of six decades three are the most that one can be wrong


def test_a_number_by_finger(show: Open) -> None:
    view = show(360, has_touch=True)
    slider = question(view, "n").get_by_role("slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    assert box["height"] >= 24
    view.touchscreen.tap(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    expect(slider).to_have_class(re.compile("is-placed"))
    question(view, "n").get_by_role("button", name="Commit").tap()
    kept = remembered(view, "n")
    assert kept is not None
    assert kept["guess"] > 1.4
    assert "too high" in said(view, "n")


@pytest.mark.parametrize(("place", "score", "words"), [
    (0, 0, "Not so; the right one is: It rises. That is why."),
    (1, 1, "Your choice is right. That is why."),
])  # fmt: skip
def test_a_choice_by_mouse(show: Open, place: int, score: int, words: str) -> None:
    view = show()
    commit(view, "b")
    assert said(view, "b") == "Choose a statement first."
    question(view, "b").get_by_role("radio").nth(place).check()
    commit(view, "b")
    kept = remembered(view, "b")
    assert kept is not None
    assert (kept["guess"], kept["score"]) == (place, score)
    assert said(view, "b") == words
    rows = question(view, "b").locator("li:visible").all_text_contents()
    assert ["(right" in row for row in rows] == [False, True, False]
    assert ["your choice)" in row for row in rows] == [one == place for one in range(3)]
    assert not veiled(view, "b")


def test_a_choice_by_keyboard(show: Open) -> None:
    view = show()
    question(view, "b").get_by_role("radio").first.focus()
    view.keyboard.press("Space")
    view.keyboard.press("ArrowDown")
    view.keyboard.press("Tab")
    view.keyboard.press("Enter")
    kept = remembered(view, "b")
    assert kept is not None
    assert kept["guess"] == 1


def test_a_choice_by_finger(show: Open) -> None:
    view = show(360, has_touch=True)
    statement = question(view, "b").locator("label").nth(1)
    box = statement.bounding_box()
    assert box is not None
    assert box["height"] >= 24
    statement.tap()
    question(view, "b").get_by_role("button", name="Commit").tap()
    kept = remembered(view, "b")
    assert kept is not None
    assert (kept["guess"], kept["score"]) == (1, 1)
    assert not veiled(view, "b")


def sketch(view: Page, heights: list[float], shares: list[float]) -> None:
    """Draw with the mouse, from the lower left corner in shares of the frame."""
    paper = question(view, "c").locator(".mindgap-predict-paper")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    assert box is not None
    places = [
        (box["x"] + 20 + share * (box["width"] - 32), box["y"] + box["height"] - 8 - height * (box["height"] - 16))
        for share, height in zip(shares, heights, strict=True)
    ]
    view.mouse.move(*places[0])
    view.mouse.down()
    for place in places[1:]:
        view.mouse.move(*place)
    view.mouse.up()


def test_a_curve_by_mouse(show: Open) -> None:
    view = show()
    commit(view, "c")
    assert said(view, "c") == "Draw the curve first, from left to right."
    sketch(view, [0.8, 0.8], [0.25, 0.5])
    commit(view, "c")
    assert said(view, "c") == "2 points are still to be drawn."
    sketch(view, [0.8, 0.2], [0.0, 1.0])  # one straight line, two reports of the pointer
    commit(view, "c")
    kept = remembered(view, "c")
    assert kept is not None
    assert kept["guess"] == pytest.approx([0.8, 0.65, 0.5, 0.35, 0.2], abs=0.02)
    errors = [0.05, 0.1, 0.05, 0.1]
    assert kept["score"] == pytest.approx(1 - sum(errors) / (0.6 + 0.6 + 0.7 + 0.9), abs=0.02)
    assert said(view, "c").startswith("On average your sketch was 0.0")
    assert "The answer goes from 0.80 at 1/100 to 0.10 at 1." in said(view, "c")
    picture = question(view, "c").get_by_role("img")
    assert picture.get_attribute("aria-label") == "temperature against best gap distance: your sketch and the answer"
    assert picture.locator("path.is-guess").evaluate("path => getComputedStyle(path).strokeDasharray") != "none"
    assert picture.locator("path.is-truth").evaluate("path => getComputedStyle(path).strokeDasharray") == "none"
    assert not veiled(view, "c")


def test_a_curve_by_keyboard(show: Open) -> None:
    view = show()
    fold = question(view, "c").get_by_text("Set the points one by one")
    fold.focus()
    view.keyboard.press("Enter")
    sliders = question(view, "c").get_by_role("slider")
    assert [one.get_attribute("aria-label") for one in sliders.all()] == [
        f"best gap distance, temperature {words}" for words in ("1/50", "1/20", "1/10", "1")
    ]
    assert sliders.first.get_attribute("aria-valuetext") == "not drawn yet"
    for one in sliders.all():
        one.focus()
        view.keyboard.press("End")
        assert one.get_attribute("aria-valuetext") == "1.00"
    commit(view, "c")
    kept = remembered(view, "c")
    assert kept is not None
    assert kept["guess"] == [0.8, 1, 1, 1, 1]


def test_a_curve_by_finger(show: Open) -> None:
    view = show(360, has_touch=True)
    paper = question(view, "c").locator(".mindgap-predict-paper")
    paper.scroll_into_view_if_needed()
    before = view.evaluate("scrollY")
    box = paper.bounding_box()
    assert box is not None
    client = view.context.new_cdp_session(view)
    across = [box["x"] + 20 + share * (box["width"] - 32) for share in (0.2, 0.5, 0.8, 1.0)]
    for kind, x in zip(["touchStart", "touchMove", "touchMove", "touchMove"], across, strict=True):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": box["y"] + 100}]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert view.evaluate("scrollY") == before
    commit(view, "c")
    kept = remembered(view, "c")
    assert kept is not None
    assert len(set(kept["guess"][1:])) == 1


def test_answers_are_remembered_and_forgotten(show: Open) -> None:
    view = show()
    for letter, place in (("b", 0), ("n", 1)):
        if letter == "b":
            question(view, letter).get_by_role("radio").nth(place).check()
        else:
            question(view, letter).get_by_role("slider").press("ArrowRight")
        commit(view, letter)
    question(view, "c").get_by_role("button", name="Show me").click()
    words = [said(view, letter) for letter in "bnc"]
    view.reload()
    assert [said(view, letter) for letter in "bnc"] == words
    assert not any(veiled(view, letter) for letter in "bnc")
    assert "remembers 3 predictions" in (view.locator(".mindgap-predict-foot").text_content() or "")
    shown = remembered(view, "c")
    assert shown is not None
    assert (shown["guess"], shown["score"]) == (None, None)

    question(view, "b").get_by_role("button", name="Forget my answer").click()
    assert remembered(view, "b") is None
    assert veiled(view, "b")
    assert not question(view, "b").get_by_role("radio").nth(0).is_checked()
    view.get_by_role("button", name="Forget all my predictions").click()
    assert [remembered(view, letter) for letter in KIND] == [None] * len(KIND)
    assert all(veiled(view, letter) for letter in KIND)
    assert view.locator(".mindgap-predict-foot").count() == 0


@pytest.mark.parametrize("kept", ["nonsense", '{"guess": 7}', '{"guess": [1]}', "3", '{"guess": "a"}'])
def test_what_another_version_has_kept_harms_nothing(show: Open, kept: str) -> None:
    view = show()
    for letter in KIND:
        view.evaluate("([name, kept]) => localStorage.setItem(name, kept)", [f"mindgap-predict:predict-{letter}", kept])
    view.reload()
    for letter in KIND:
        assert question(view, letter).get_by_role("button").count() >= 1


def test_a_storage_that_throws_harms_nothing(show: Open) -> None:
    view = show()
    view.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no storage'); } })"
    )
    view.reload()
    assert veiled(view, "b")
    question(view, "b").get_by_role("radio").nth(1).check()
    commit(view, "b")
    assert not veiled(view, "b")
    question(view, "b").get_by_role("button", name="Forget my answer").click()
    assert veiled(view, "b")


def test_an_address_lifts_the_veil(show: Open, address: str) -> None:
    view = show()
    view.goto(f"{address}#fig-b")
    view.reload()
    assert not veiled(view, "b")
    assert veiled(view, "n")
    view.evaluate("location.hash = '#fig-n?shift=1'")
    expect(view.locator("#fig-n button")).to_be_visible()
    view.evaluate("location.hash = '#fig%'")
    assert remembered(view, "b") is None
    assert question(view, "b").get_by_role("button", name="Commit").is_visible()


def test_on_paper_figures_are_whole_and_questions_small(show: Open) -> None:
    view = show()
    view.emulate_media(media="print")
    for letter in KIND:
        assert view.locator(f"#fig-{letter} figcaption").is_visible()
        assert view.locator(f"#predict-{letter} .mindgap-question").is_visible()
    assert view.locator(".mindgap-statements").is_visible()
    assert (
        view.locator(".mindgap-veil, .mindgap-predict button, .mindgap-predict input").filter(visible=True).count() == 0
    )


def test_without_javascript_the_figure_is_there_and_the_question_is_a_sentence(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    view, _ = watched_page(context, veiled=True)
    view.goto(address)
    for letter in KIND:
        assert view.locator(f"#fig-{letter} figcaption").is_visible()
        assert view.locator(f"#predict-{letter} .mindgap-question").is_visible()
    assert view.locator(".mindgap-statements li").all_text_contents() == ["It falls.", "It rises.", "Nothing."]
    context.close()


def answered(view: Page) -> None:
    question(view, "b").get_by_role("radio").nth(0).check()
    question(view, "n").get_by_role("slider").press("Home")
    question(view, "l").get_by_role("slider").press("Home")
    for letter in "bnl":
        commit(view, letter)
    sketch(view, [0.8, 0.2], [0.0, 1.0])
    commit(view, "c")


SMALL = """() => [...document.querySelectorAll('.mindgap-predict *')]
  .filter(node => node.offsetParent || node.ownerSVGElement)
  .filter(node => [...node.childNodes].some(one => one.nodeType === 3 && one.textContent.trim()))
  .filter(node => node.tagName !== 'SCRIPT' && parseFloat(getComputedStyle(node).fontSize) < 10.95)
  .map(node => node.outerHTML.slice(0, 100))"""
OUT = """() => [...document.querySelectorAll('.mindgap-predict, .mindgap-predict *')]
  .filter(node => !(node instanceof SVGElement && !node.getBBox) && node.checkVisibility())
  .map(node => [node.getBoundingClientRect(), node.outerHTML.slice(0, 100)])
  .filter(([box]) => box.width && (box.left < -0.5 || box.right > innerWidth + 0.5)).map(([, html]) => html)"""
TARGETS = """() => [...document.querySelectorAll(
    '.mindgap-predict :is(button, summary, label, input[type=range]), .mindgap-predict-foot button')]
  .filter(node => node.checkVisibility()).map(node => [node.getBoundingClientRect(), node.outerHTML.slice(0, 80)])
  .filter(([box]) => box.width < 24 || box.height < 24).map(([box, html]) => [box.width, box.height, html])"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_everyone_can_read_and_use_it(show: Open, width: int, theme: str) -> None:
    view = show(width)
    view.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    for state in ("asked", "answered"):
        if state == "answered":
            answered(view)
        elif width == 360:
            question(view, "c").get_by_text("Set the points one by one").click()
        assert view.evaluate(SMALL) == [], state
        assert view.evaluate(OUT) == [], state
        assert view.evaluate(TARGETS) == [], state
        found = violations(view)
        assert [(one["id"], node["html"][:150]) for one in found for node in one["nodes"]] == [], state
    ground = view.evaluate("getComputedStyle(document.querySelector('.mindgap-predict')).backgroundColor")
    for mark in view.locator(".mindgap-predict path.is-guess, .mindgap-predict path.is-truth").all():
        assert contrast(mark.evaluate("path => getComputedStyle(path).stroke"), ground) >= 3


def guarded() -> list[tuple[str, str, str]]:
    """Page, question and figure of each prediction of the site."""
    found = []
    for path in sorted((SITE / "book").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        for name, figure in re.findall(r'<div class="mindgap-predict" id="([^"]+)" data-figure="([^"]+)">', text):
            found.append((path.relative_to(SITE).as_posix(), name, figure))
    return found


# What is to be read in the outputs of the cells that follow a figure's own, before the next prose or question.
VISIBLE_BELOW = """figure => {
  const found = [];
  for (let cell = figure.closest('.cell')?.nextElementSibling; cell?.matches('.cell'); cell = cell.nextElementSibling) {
    if (cell.querySelector('.mindgap-predict, figure')) break;
    found.push(...[...cell.querySelectorAll('.cell_output *')].filter(one =>
      one.checkVisibility({ visibilityProperty: true })));
  }
  return found.map(one => one.textContent.trim()).join(' ').trim();
}"""


def test_numbers_printed_below_a_figure_wait_with_it(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    view, _ = watched_page(context, veiled=True)
    view.goto((SITE / "book/index.html").as_uri())
    figure = view.locator("#fig-hero")
    output = view.locator(".cell_output[data-follows]", has_text="gap distance of the 500 pairs")
    expect(output).to_have_count(1)
    assert figure.evaluate(VISIBLE_BELOW) == ""
    view.locator("#predict-front-loss").get_by_role("button", name="Show me").click()
    assert "gap distance of the 500 pairs" in figure.evaluate(VISIBLE_BELOW)
    expect(view.locator(".cell_output[data-follows]")).to_have_count(0)
    view.locator("#predict-front-loss").get_by_role("button", name="Forget my answer").click()
    assert figure.evaluate(VISIBLE_BELOW) == ""
    context.close()


def test_each_question_of_the_site_guards_its_figure(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    view, watch = watched_page(context, veiled=True)
    pages = sorted({page for page, *_ in guarded()})
    for page in pages:
        view.goto((SITE / page).as_uri())
        for _, name, figure in [one for one in guarded() if one[0] == page]:
            holder = view.locator(f"#{figure}")
            box = holder.bounding_box()
            assert not holder.locator("figcaption").is_visible(), name
            assert holder.locator(".mindgap-veil").is_visible(), name
            assert box is not None
            folded = holder.evaluate("figure => figure.classList.contains('mindgap-play-result')")  # seven on a page
            assert box["height"] > (70 if folded else 150), name
            spoken = holder.evaluate(VISIBLE_BELOW)
            assert spoken == "", f"{name}: printed below a veiled figure"
            view.locator(f"#{name}").get_by_role("button", name="Show me").click()
            drawn = holder.locator(".mindgap-figure")
            if drawn.count():
                drawn.scroll_into_view_if_needed()
                view.wait_for_function(DRAWN, arg=drawn.element_handle())
            expect(holder.locator("figcaption")).to_be_visible()
            assert said(view, name.removeprefix("predict-"))
    assert pages
    assert watch.errors == []
    context.close()


def test_a_link_to_a_view_of_a_guarded_figure_shows_that_view(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    view, watch = watched_page(context, veiled=True)
    view.goto(f"{(SITE / 'book/index.html').as_uri()}#fig-hero?shift=0.5")
    figure = view.locator("#fig-hero .mindgap-figure")
    view.wait_for_function(DRAWN, arg=figure.element_handle())
    assert figure.is_visible()
    assert figure.evaluate("figure => figure.mindgapView.signal('shift')") == 0.5
    assert watch.errors == []
    context.close()
