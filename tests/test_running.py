"""The bar under a cell that runs long: there while the cell shows nothing, and never kept."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mindgap import landscape, running, training
from tests.tiny import tiny
from tests.waiting import until

Told = list[tuple[str, Any]]


class Kernel:
    """What a bar needs of a kernel; `told` is what the notebook is told."""

    def __init__(self) -> None:
        self.told: Told = []
        self.iopub_socket = object()
        self.session = SimpleNamespace(send=self.send)

    def get_parent(self) -> dict[str, Any]:
        return {"header": {"msg_id": "the cell"}}

    def send(self, stream: object, message: Any, content: Any = None, parent: Any = None) -> None:
        whole = {"header": {"msg_type": message}, "content": content} if isinstance(message, str) else message
        self.told.append((whole["header"]["msg_type"], whole.get("content")))

    def show(self, kind: str) -> None:
        """Something that the cell shows, as ipykernel sends it."""
        self.session.send(self.iopub_socket, {"header": {"msg_type": kind}, "content": "the cell's"})


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setattr(running, "AFTER", 0.01)
    monkeypatch.setattr(running, "EVERY", 0.01)
    return Kernel()


@pytest.fixture
def bar(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> running.Bar:
    made = running.Bar(kernel)
    monkeypatch.setattr(running, "_shown", made)
    return made


@pytest.mark.parametrize("kind", ["stream", "display_data", "execute_result", "error"])
def test_it_is_gone_before_the_cell_shows_anything(bar: running.Bar, kernel: Kernel, kind: str) -> None:
    bar.begin()
    until(lambda: len(kernel.told) > 3, "the bar is drawn, and drawn again")
    kernel.show(kind)
    bar.end()
    *drawn, gone, shown = kernel.told
    assert [one for one, _ in drawn] == ["display_data"] + ["update_display_data"] * (len(drawn) - 1)
    assert "<progress></progress> running for 0 s" in drawn[0][1]["data"]["text/html"]
    assert gone == ("clear_output", {"wait": False})
    assert shown == (kind, "the cell's")


def test_once_the_cell_has_shown_something_there_is_none(bar: running.Bar, kernel: Kernel) -> None:
    bar.begin()
    watching = [one for one in threading.enumerate() if "_watch" in one.name]
    kernel.show("stream")
    for one in watching:
        one.join()
    bar.end()
    assert kernel.told[-1][0] == "stream", "nothing is drawn or cleared after it"


def test_a_cell_that_shows_nothing_ends_with_nothing(bar: running.Bar, kernel: Kernel) -> None:
    bar.begin()
    until(lambda: kernel.told, "the bar is drawn")
    bar.end()
    assert kernel.told[-1][0] == "clear_output"


def test_what_computes_says_how_far_it_is(bar: running.Bar) -> None:
    shares: list[tuple[float, str]] = []

    class Listening(running.Bar):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "said":
                shares.append(value[1:])
            super().__setattr__(name, value)

    bar.__class__ = Listening
    training.train(tiny(steps=4), progress=False)
    assert shares == [(step / 4, f"training, step {step} of 4") for step in (1, 2, 3, 4)]
    shares.clear()
    x, y = torch.randn(2, 40, 8, generator=torch.Generator().manual_seed(0))
    landscape.loss_landscape(x, y, [0.0, 0.5], [0.1])
    assert shares[-1] == (1.0, "losses along the gap")
    shares.clear()
    beside = threading.Thread(target=lambda: running.at(0.5, "beside"))
    beside.start()
    beside.join()
    assert shares == [], "work of an explorer is none of the cell's"


def test_a_share_that_is_fresh_is_drawn(bar: running.Bar, kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    bar.begin()
    running.at(0.25, "step 1 <of> 4")
    until(lambda: "0.250" in str(kernel.told[-1:]), "the share is drawn")
    html = kernel.told[-1][1]["data"]["text/html"]
    assert html == '<progress value="0.250"></progress> step 1 &lt;of&gt; 4, 0 s'
    monkeypatch.setattr(running, "FRESH", 0.0)
    until(lambda: "running for" in str(kernel.told[-1:]), "the share has become old")
    bar.end()


def test_where_nobody_looks_nothing_is_changed(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[str] = []
    events = SimpleNamespace(register=lambda name, _call: registered.append(name))
    shell = SimpleNamespace(kernel=kernel, events=events)
    monkeypatch.setattr(running, "_shown", None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.delenv(running.OPEN, raising=False)
    running.show()
    assert registered == []
    monkeypatch.setenv(running.OPEN, "chapter.ipynb")
    del shell.kernel
    running.show()
    assert registered == []
    shell.kernel = kernel
    running.show()
    running.show()
    assert registered == ["pre_run_cell", "post_run_cell"], "once"
