"""Waiting for what a test has set going: for the event itself, never for so many seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

HANG = 180.0
"""Seconds after which a wait is taken for a hang: five times and more what a slow and busy machine needs."""


def until(happened: Callable[[], object], what: str) -> None:
    """Return once `happened()` is true; raises TimeoutError, saying what was waited for, only if that never comes."""
    end = time.monotonic() + HANG
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {HANG:.0f} s for this, and it did not happen: {what}")
        time.sleep(0.05)
