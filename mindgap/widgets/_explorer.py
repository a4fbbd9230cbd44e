"""What the live explorers share: a chart, words for it, a place for controls, and answering after a pause."""

from __future__ import annotations

import asyncio
import html
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import ipywidgets as ipw
from IPython import get_ipython
from IPython.display import display

from mindgap import devices
from mindgap.charts import theme
from mindgap.widgets._figure import Figure, Picture
from mindgap.widgets._work import Work, Worker, aside

T = TypeVar("T")

USER_ERRORS = (ValueError, TypeError, OSError)  # what a name, an option or a file of a user can cause
DEBOUNCE = 0.12  # seconds without a change before an explorer answers
BUSY = 0.3  # seconds after which work is seen to be going on
STILL = 1.5  # seconds without a change before the picture that is stored with the notebook is made
ROW = {"flex_flow": "row wrap"}
# Controls stand beside the chart where the cell has room for both, and above it elsewhere.
CONTROLS = {"flex": "1 1 19rem", "max_width": "26rem", "min_width": "min(100%, 17rem)", "padding": "0 12px 0 0"}
CHART = {"flex": "4 1 36rem", "min_width": "min(100%, 20rem)"}
WIDE = {"width": "auto"}  # as wide as its column; not a Layout: that would be one for all who share it

# Shown where the explorer cannot be live: once the kernel was restarted, in a notebook opened again, where none runs.
STORED = """<div class="mindgap-stored">{picture}<p>{words}</p></div>
<style>
.jp-OutputArea:has(.mindgap-live):not(:has(.jupyter-widgets-disconnected)) .mindgap-stored,
.jp-OutputArea:has(.mindgap-stored) .jp-OutputArea-output.jupyter-widgets:not(:has(*)),
.jp-OutputArea:has(.mindgap-stored) .jp-OutputArea-output:has(.jupyter-widgets-disconnected) {{
  display: none;
}}
</style>"""
NOT_YET = "Run this cell to draw the explorer."
NOT_LIVE = "This is the last picture. Run this cell to make it live."


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


def where() -> str:
    """ " on cuda:0", or whatever else is computed on; nothing for the CPU, which needs no word."""
    found = devices.device()
    return "" if found.type == "cpu" else f" on {found}"


def player(slider: ipw.Widget, steps: int, interval: int = 120) -> ipw.Play:
    """A button that plays a slider of `steps` places from where it is: a float slider, or one of a selection."""
    words = f"play {slider.description}"
    play = ipw.Play(min=0, max=steps - 1, interval=interval, description=words, tooltip=words)

    def place() -> int:
        return int(slider.index) if hasattr(slider, "index") else round((slider.value - slider.min) / slider.step)

    def follow(_change: object) -> None:
        if play.value == place():  # the slider was there first; to set it would throw a hand on it back
            return
        if hasattr(slider, "index"):
            slider.index = play.value
        else:
            slider.value = round(slider.min + play.value * slider.step, 6)

    play.value = place()
    play.observe(follow, "value")
    slider.observe(lambda _change: setattr(play, "value", place()), "value")
    return play


def below(play: ipw.Play) -> ipw.HBox:
    """A player, and what it plays in words, which a player does not show itself."""
    return ipw.HBox([ipw.HTML(play.description), play], layout=ROW)


_shown: dict[object, tuple[object, list[weakref.ref[Explorer]]]] = {}


def _place() -> tuple[object, object]:
    """The cell that is running, and which of its runs this is."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return None, None
    return shell.get_parent().get("metadata", {}).get("cellId"), shell.execution_count


class Explorer(ipw.VBox):
    """A box with controls, a chart, a line of words about it and one about what is going on.

    What takes long is done by a worker of its own (`work`), so that the kernel answers meanwhile; only what was asked
    for last is shown. Running the cell again ends the work of the explorer that it showed before.
    """

    OWN_BAR = False  # whether an explorer has a bar and a button of its own for work that is going on

    def __init__(self) -> None:
        self._worker, self._artist = Worker(), Worker()
        theme.use_theme()
        self.message = ipw.HTML()
        self.readout = ipw.HTML()
        self.chart = Figure()
        self.progress = ipw.FloatProgress(0.0, min=0.0, max=1.0, layout={"flex": "1 1 8rem"})
        self.cancel = ipw.Button(description="cancel", icon="times")
        self.reset = ipw.Button(description="reset", icon="undo", tooltip="back to how this explorer started")
        self._busy = ipw.HBox([self.progress, self.cancel], layout={"display": "none", "max_width": "30rem"})
        self._start: dict[ipw.Widget, Any] = {}
        self._stored: Any = None
        self._store_soon = debounced(self._store, STILL)
        super().__init__()
        self.add_class("mindgap-explorer")
        self.chart.observe(self._store_soon, ["spec", "data", "params"])
        self.cancel.on_click(lambda _button: self._worker.cancel())
        self.reset.on_click(lambda _button: self.start_again())
        self._take_the_place_of_earlier_ones()

    def arrange(self, controls: Sequence[ipw.Widget]) -> None:
        """Lay the explorer out, and remember how its controls start."""
        beside = ipw.VBox([*controls, self.reset], layout=CONTROLS)
        drawn = ipw.VBox([self.message, self._busy, self.chart, self.readout], layout=CHART)
        self.children = [ipw.HBox([beside, drawn], layout={**ROW, "align_items": "flex-start"})]
        show_labels_whole([beside, self.cancel])
        self._start = {one: one.value for one in _inputs(controls)}

    def start_again(self) -> None:
        """Set all controls back to how they were at the start."""
        for control, value in self._start.items():
            if not hasattr(control, "options") or _offers(control, value):
                control.value = value

    def __repr__(self) -> str:
        about = (type(self).__doc__ or "").partition("\n")[0]
        return f"{type(self).__name__}: {about} It needs a notebook that is running."

    def say(self, text: str = "", wrong: bool = False) -> None:
        """Show a line of text; in red if something is wrong."""
        kind = "mindgap-wrong" if wrong else "mindgap-said"
        self.message.value = f'<span role="status" class="{kind}">{html.escape(text)}</span>' if text else ""

    def attempt(self, step: Callable[[], object]) -> None:
        """Run `step`; what a user can cause is shown in words, and the last good chart stays."""
        try:
            step()
        except USER_ERRORS as error:
            self.say(str(error), wrong=True)

    def work(self, job: Callable[[Work], T], show: Callable[[T], object], doing: str) -> None:
        """Have `job` done aside, then `show` what it found, unless something newer was asked for meanwhile.

        The job gets a `Work` to say how far it is; what it needs of the controls it must have taken before. Without
        an event loop, as in a script, all is done at once. `doing` says after 300 ms what takes so long.
        """

        def ended(result: T | None, error: Exception | None, cancelled: bool) -> None:
            self._busy.layout.display = "none"
            if cancelled:
                self.failed()
                self.say(f"{doing}: cancelled. What is shown is what was there before.")
            elif error is not None:
                self.failed()
                ours = not isinstance(error, USER_ERRORS)
                self.say(f"{type(error).__name__}: {error}" if ours else str(error), wrong=True)
                if ours:
                    raise error
            else:
                self.say()
                self.attempt(lambda: show(result))  # type: ignore[arg-type]

        def going_on(share: float, words: str) -> None:
            self.progress.value = share
            self._busy.layout.display = "none" if self.OWN_BAR else ""
            self.say(f"{words or doing} …")

        self._worker.ask(job, ended, going_on, BUSY)

    def show_soon(self, make: Callable[[], Picture]) -> None:
        """Show a picture that is made aside, from what is there; of several that are wanted at once, the last."""

        def ended(picture: Picture | None, error: Exception | None, _cancelled: bool) -> None:
            if error is not None:
                raise error
            assert picture is not None
            self.show_chart(picture)

        self._artist.ask(lambda _work: make(), ended, lambda _share, _words: None, BUSY)

    def failed(self) -> None:
        """What is to be taken back when work came to nothing; explorers with a state of their own have something."""

    def show_chart(self, picture: Picture, **params: Any) -> None:
        """Show a picture in place of the last one."""
        self.chart.show(picture, **params)

    def close(self) -> None:
        """End the work, and close the widget."""
        for worker in (self._worker, self._artist):
            worker.close()
        super().close()

    def _take_the_place_of_earlier_ones(self) -> None:
        cell, run = _place()
        if cell is None:  # not told by every front-end: then nothing is known of what this one replaces
            return
        last, ones = _shown.get(cell, (None, []))
        if last != run:
            for one in (ref() for ref in ones):
                if one is not None:
                    one._worker.close()
            ones = []
        _shown[cell] = (run, [*ones, weakref.ref(self)])

    def _ipython_display_(self) -> None:
        """Show the explorer, and before it the picture that takes its place where it is not live."""
        bundle: Mapping[str, Any] | None = self._repr_mimebundle_()
        if bundle is None:
            print(repr(self))
            return
        words = STORED.format(picture=self._picture(), words=NOT_LIVE if self.chart.picture else NOT_YET)
        self._stored = display({"text/html": words, "text/plain": ""}, raw=True, display_id=True)
        display(bundle, raw=True)

    def _picture(self, apart: bool = False) -> str:
        address, words = self.chart.png(apart), self.chart.spec.get("description", "A chart.")
        return f'<img src="{address}" alt="{html.escape(words)}">' if address else ""

    def _store(self) -> None:
        """Put the picture of what is shown into the notebook, made aside."""
        if self._stored is None or self.chart.picture is None:
            return

        def put(picture: str) -> None:
            words = STORED.format(picture=picture, words=NOT_LIVE)
            self._stored.update({"text/html": words, "text/plain": ""}, raw=True)

        aside(lambda: self._picture(apart=True), put)


def _inputs(widgets: Iterable[ipw.Widget]) -> list[ipw.Widget]:
    """The controls among `widgets` and inside boxes of them that have a value of the reader's."""
    found: list[ipw.Widget] = []
    for one in widgets:
        if type(one) in (ipw.HBox, ipw.VBox):
            found += _inputs(one.children)
        elif hasattr(one, "value") and not isinstance(one, ipw.Play | ipw.IntProgress | ipw.HTML):
            found.append(one)
    return found


def _offers(control: ipw.Widget, value: Any) -> bool:
    """Whether a menu still has what it started with."""
    if isinstance(control, ipw.Combobox):
        return True
    offered = getattr(control, "_options_values", control.options)
    return all(one in offered for one in value) if isinstance(control, ipw.SelectMultiple) else value in offered
