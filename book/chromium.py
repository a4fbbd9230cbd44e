"""The Chromium of this machine: it prints the book, and tests and benchmarks look at the pages with it."""

from __future__ import annotations

import os
import shutil


def executable() -> str | None:
    """Where Chromium or Chrome is, if it is there."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def arguments() -> list[str]:
    """What it is started with everywhere; its sandbox refuses to start for root."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return ["--disable-gpu", *["--no-sandbox"] * root]
