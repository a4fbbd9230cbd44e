"""The Chromium of this machine: it prints the book, and tests and benchmarks look at the pages with it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


def executable() -> str | None:
    """Where Chromium or Chrome is, if it is there."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def bare() -> str | None:
    """The same Chromium without the window around its pages, if it is there, or else what there is.

    It lays out every page alike, to a thousandth of a pixel, in half of the time. Debian's package is
    `chromium-headless-shell`.
    """
    return shutil.which("chromium-headless-shell") or executable()


def arguments() -> list[str]:
    """What it is started with everywhere; its sandbox refuses to start for root."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return ["--disable-gpu", *["--no-sandbox"] * root]


def predictions(site: Path) -> list[str]:
    """The names of all predictions on the pages of a built site."""
    pages = (path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    return sorted({name for page in pages for name in re.findall(r'<div class="mindgap-predict" id="([^"]+)"', page)})


def unveiled(names: list[str]) -> str:
    """A script to run before a page's own: as if the reader had asked to see what those predictions guard."""
    answer = '{"guess":null,"score":null,"time":""}'
    kept = "".join(f"localStorage.setItem('mindgap-predict:{name}', '{answer}');" for name in names)
    return f"try {{ {kept} }} catch {{ /* no storage: about:blank, say */ }}"
