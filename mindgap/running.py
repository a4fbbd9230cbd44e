"""In a notebook that somebody has open: a bar under a cell that runs long, gone before the cell shows anything itself.

The book's notebooks ask for it in their first cell. The bar stands only while the cell has shown nothing, and what
takes it away is told to the notebook before what the cell shows; so the notebook is saved as if it had not been there.
Nothing is shown where nobody looks: in a script, under nbconvert or nbval.
"""

from __future__ import annotations

import html
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["show"]

AFTER, EVERY = 2.0, 0.5  # seconds until a bar is seen, and between two looks at how far the work is
FRESH = 3.0  # seconds for which a share is believed: what has ended says nothing more
OPEN = "JPY_SESSION_NAME"  # set by Jupyter's servers for the kernel of a notebook that somebody has open
OUTPUTS = {"stream", "display_data", "execute_result", "error", "clear_output"}

_shown: Bar | None = None


def show() -> None:
    """Show a bar under every cell that runs for more than two seconds, from the next one on. Outside of an open
    notebook, nothing happens."""
    global _shown
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if _shown is not None or OPEN not in os.environ or not hasattr(shell, "kernel"):
        return
    _shown = Bar(shell.kernel)
    shell.events.register("pre_run_cell", _shown.begin)
    shell.events.register("post_run_cell", _shown.end)


def at(share: float, words: str) -> None:
    """Say how far the work of the running cell is, from 0 to 1; of work beside the cell, nothing is shown."""
    if _shown is not None and threading.current_thread() is threading.main_thread():
        _shown.said = time.monotonic(), share, words


class Bar:
    """The bar under the cell that a kernel runs."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.said = 0.0, 0.0, ""
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._quiet = self._there = False
        self._parent: dict[str, Any] = {}
        self._send: Callable[..., Any] = kernel.session.send
        # All that a cell shows goes this way, in whatever thread.
        kernel.session.send = self._sent

    def begin(self, *_: Any) -> None:
        """A cell begins."""
        self._over, self._quiet, self._there = threading.Event(), True, False
        self.said = 0.0, 0.0, ""
        self._parent = self.kernel.get_parent()
        threading.Thread(target=self._watch, args=(self._over, time.monotonic()), daemon=True).start()

    def end(self, *_: Any) -> None:
        """It has ended."""
        self._over.set()
        self._take_away()

    def _watch(self, over: threading.Event, began: float) -> None:
        wait = AFTER
        while not over.wait(wait):
            wait = EVERY
            with self._lock:
                if over.is_set() or not self._quiet:
                    return
                self._tell("update_display_data" if self._there else "display_data", self._content(began))
                self._there = True

    def _content(self, began: float) -> dict[str, Any]:
        now = time.monotonic()
        when, share, words = self.said
        fresh = words and now - when < FRESH
        text = f"{words}, {now - began:.0f} s" if fresh else f"running for {now - began:.0f} s"
        bar = f'<progress value="{share:.3f}"></progress> ' if fresh else "<progress></progress> "
        data = {"text/html": bar + html.escape(text), "text/plain": text}
        return {"data": data, "metadata": {}, "transient": {"display_id": "mindgap-running"}}

    def _tell(self, kind: str, content: dict[str, Any]) -> None:
        self._send(self.kernel.iopub_socket, kind, content, parent=self._parent)

    def _take_away(self) -> None:
        with self._lock:
            self._quiet = False
            if self._there:
                self._there = False
                self._tell("clear_output", {"wait": False})

    def _sent(self, stream: Any, message: Any, *rest: Any, **named: Any) -> Any:
        kind = message if isinstance(message, str) else message.get("header", {}).get("msg_type")
        if kind in OUTPUTS:
            self._take_away()
        return self._send(stream, message, *rest, **named)
