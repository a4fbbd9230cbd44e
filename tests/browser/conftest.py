"""A real Chromium for the tests that look at pages; without one they are skipped, with that reason."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.waiting import HANG

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"

# Chromium's own background traffic is not the page's; without these it looks for its maker's servers at every start.
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# For this folder's tests: while Playwright is up an event loop runs, which tests without a browser must not see.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium on this machine")
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        expect.set_options(timeout=1000 * HANG)
        browser = playwright.chromium.launch(executable_path=found, args=[*QUIET, *sandbox], timeout=1000 * HANG)
        yield browser
        browser.close()


class Watched:
    """What a page did that no page of the book may do."""

    def __init__(self, page: Page, home: tuple[str, ...]) -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        own = ("file:", "data:", "blob:", "about:", *home)
        page.on("request", lambda request: None if request.url.startswith(own) else self.outside.append(request.url))
        page.on("console", lambda line: self.errors.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))


def watched_page(context: BrowserContext, home: tuple[str, ...] = ()) -> tuple[Page, Watched]:
    context.set_default_timeout(1000 * HANG)
    page = context.new_page()
    return page, Watched(page, home)
