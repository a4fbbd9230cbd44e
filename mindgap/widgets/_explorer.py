"""What the live explorers share: answering after a pause, words for what is going on, words for what went wrong."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Iterable

import altair as alt
import ipywidgets as ipw

from mindgap.charts import theme

WIDE = {"width": "min(100%, 34rem)"}  # not a Layout: that would be one for all who share it
USER_ERRORS = (ValueError, TypeError, OSError)  # what a name, an option or a file of a user can cause
DEBOUNCE = 0.12  # seconds without a change before an explorer answers


def debounced(call: Callable[[], object], wait: float = DEBOUNCE) -> Callable[[object], None]:
    """`call`, once `wait` seconds have passed without another change; at once where no event loop runs."""
    pending: asyncio.TimerHandle | None = None

    def handler(_change: object) -> None:
        nonlocal pending
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            call()
            return
        if pending is not None:
            pending.cancel()
        pending = loop.call_later(wait, call)

    return handler


def show_labels_whole(widgets: Iterable[ipw.Widget]) -> None:
    """Give the label of every control among `widgets`, and of those inside them, the room it needs."""
    for widget in widgets:
        show_labels_whole(getattr(widget, "children", ()))
        style = getattr(widget, "style", None)
        if style is not None and style.has_trait("description_width"):
            style.description_width = "initial"
        if isinstance(widget, ipw.ToggleButtons):
            widget.style.button_width = "auto"
        elif isinstance(widget, ipw.Button):
            widget.layout.width = "auto"


class Explorer(ipw.VBox):
    """A box with a chart, a line of words about it and one about what is going on."""

    def __init__(self) -> None:
        alt.JupyterChart.enable_offline()
        theme.use_theme()
        self.message = ipw.HTML()
        self.readout = ipw.HTML()
        self.chart = ipw.VBox()
        super().__init__()
        self.observe(lambda change: show_labels_whole(change.new), "children")

    def __repr__(self) -> str:
        about = (type(self).__doc__ or "").partition("\n")[0]
        return f"{type(self).__name__}: {about} It needs a notebook that is running."

    def say(self, text: str = "", wrong: bool = False) -> None:
        """Show a line of text; in red if something is wrong."""
        colour = theme.WRONG if wrong else theme.NEUTRAL
        self.message.value = f'<span role="status" style="color:{colour}">{html.escape(text)}</span>' if text else ""

    def show_chart(self, chart: alt.LayerChart | alt.ConcatChart) -> None:
        """Show a chart in place of the last one."""
        # The menu of actions would offer to open the chart on a web site.
        self.chart.children = [alt.JupyterChart(chart, embed_options={"actions": False})]

    def attempt(self, step: Callable[[], str]) -> None:
        """Run `step`; what a user can cause is shown in words, and the last good chart stays."""
        try:
            problems = step()
        except USER_ERRORS as error:
            problems = str(error)
        self.say(problems, wrong=True)
