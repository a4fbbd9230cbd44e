"""The ledger of claims: it says all without a script, and with one it filters, shares its choice and counts guesses."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mindgap import claims
from tests.browser.conftest import SITE, Tabs, watched_page
from tests.browser.judging import grave

PAGE = "book/ledger.html"
ROWS = ".mindgap-claim"
LEDGER = claims.committed()
COUNTS = Counter(row["verdict"] for row in LEDGER.values())

pytestmark = pytest.mark.skipif(not (SITE / PAGE).exists(), reason="the site is not built: run `make book`")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The page in a browser that knows nothing yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    view, watch = watched_page(context, veiled=True)
    view.goto(f"{SITE.as_uri()}/{PAGE}")
    yield view
    assert watch.errors == []
    assert watch.outside == []
    context.close()


def shown(view: Page) -> list[str]:
    found: list[str] = view.locator(ROWS).evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.id)"
    )
    return found


def test_without_a_script_every_claim_is_there(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto(f"{SITE.as_uri()}/{PAGE}")
    assert shown(view) == [f"claim-{id}" for id in LEDGER]
    for id, row in LEDGER.items():
        card = view.locator(f"#claim-{id}")
        assert card.locator(".mindgap-claim-statement").inner_text() == row["statement"]
        assert card.locator(".mindgap-verdict").inner_text() == row["verdict"]
    assert view.locator("select").count() == 0
    context.close()


def test_it_filters_by_verdict_and_chapter_and_says_how_many(page: Page) -> None:
    status = page.locator(".mindgap-ledger-tools [role=status]")
    expect(status).to_have_text(f"All {len(LEDGER)} claims are shown.")
    button = page.get_by_role("button", name=re.compile("^contested"))
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert shown(page) == [f"claim-{id}" for id, row in LEDGER.items() if row["verdict"] == "contested"]
    expect(status).to_have_text(f"{COUNTS['contested']} claims of {len(LEDGER)} shown.")
    page.get_by_label("Chapter", exact=True).select_option("6")
    wanted = [f"claim-{id}" for id, row in LEDGER.items() if (row["verdict"], row["chapter"]) == ("contested", 6)]
    assert shown(page) == wanted
    assert not page.locator("#ledger-chapter-2").is_visible()
    address = page.url
    assert address.endswith("#verdict=contested&chapter=6")
    page.get_by_role("button", name="Show all").click()
    assert len(shown(page)) == len(LEDGER)
    page.goto("about:blank")
    page.goto(address)  # a link shares the choice
    assert shown(page) == wanted
    expect(page.get_by_role("button", name=re.compile("^contested"))).to_have_attribute("aria-pressed", "true")


def test_a_link_to_a_claim_shows_it_whatever_is_chosen(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^fails here")).click()
    assert not page.locator("#claim-cone-depth").is_visible()
    page.evaluate("location.hash = 'claim-cone-depth'")
    expect(page.locator("#claim-cone-depth")).to_be_in_viewport()
    assert len(shown(page)) == len(LEDGER)


def test_under_a_fold_stands_how_it_was_decided(page: Page) -> None:
    card = page.locator("#claim-shi-local-minima")
    card.get_by_text("How it was decided").click()
    text = card.inner_text()
    for part in ("Confirms a failure", "difference at the end 0.05", "mindgap/results/sweep_long.json",
                 LEDGER["shi-local-minima"]["tables"][0]["sha256"], "def shi_local_minima"):  # fmt: skip
        assert part in text, part


def test_predictions_are_counted_from_all_pages(page: Page) -> None:
    score = page.locator(".mindgap-ledger-score")
    asked = sum(len(one["names"]) for one in json.loads(page.locator(".mindgap-ledger-questions").inner_text()
                or page.locator(".mindgap-ledger-questions").text_content() or "[]"))  # fmt: skip
    expect(score).to_contain_text(f"none yet in this browser. The book asks {asked} questions")
    kept = {"predict-gap-nearer": 0.95, "predict-gap-recall": 0.0, "predict-cone-noise": None}
    for name, value in kept.items():
        answer = json.dumps({"guess": value, "score": value, "time": ""})
        page.evaluate("([name, text]) => localStorage.setItem(`mindgap-predict:${name}`, text)", [name, answer])
    page.reload()
    expect(score).to_contain_text(f"you have answered 2 of {asked} questions; 1 of your answers was right or near")
    expect(score.get_by_role("listitem").first).to_have_text("The modality gap: 2 of 2 answered, 1 near")
    link = score.get_by_role("link", name="The cone effect")
    assert (link.get_attribute("href") or "").startswith("02_cone_effect.html#predict-cone-")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everyone_can_use_it(tabs: Tabs, width: int, theme: str) -> None:
    view, watch = tabs(width, theme).show(PAGE)
    assert watch.errors == []
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    view.evaluate("document.querySelectorAll('.mindgap-claim details').forEach((one, i) => { one.open = i < 5; })")
    assert grave(view) == []


def test_chapters_lead_to_the_claims_that_they_cite(page: Page) -> None:
    page.goto(f"{SITE.as_uri()}/book/02_cone_effect.html")
    link = page.get_by_role("link", name="cone-depth")
    assert link.get_attribute("title") == f"holds: {LEDGER['cone-depth']['statement']}"
    link.click()
    page.wait_for_url("**/ledger.html#claim-cone-depth")
    expect(page.locator("#claim-cone-depth")).to_be_in_viewport()
