"""What all explorers share: they answer once, and bring what their charts need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import ipywidgets as ipw
import pytest

from mindgap import widgets


def test_charts_bring_their_own_vega() -> None:
    explorer = widgets.network_explorer([])
    source = str(explorer.chart._esm)
    assert len(source) > 500_000
    assert "esm.sh" not in source[:5000]


def controls(widget: ipw.Widget) -> Iterator[ipw.Widget]:
    for child in getattr(widget, "children", ()):
        yield child
        yield from controls(child)


@pytest.mark.parametrize("explorer", [
    lambda: widgets.gap_explorer("mini", options={"mini": {"n": 20}}),
    lambda: widgets.network_explorer([]),
    lambda: widgets.shift_explorer("mini", options={"mini": {"n": 20}}),
    lambda: widgets.sphere_explorer(),
    lambda: widgets.training_explorer(),
], ids=["gap", "network", "shift", "sphere", "training"])  # fmt: skip
def test_every_label_has_the_room_it_needs(explorer: Callable[[], ipw.Widget]) -> None:
    labelled = [one for one in controls(explorer()) if getattr(one, "description", "")]
    assert labelled
    for one in labelled:
        if one.style.has_trait("description_width"):
            assert one.style.description_width == "initial", one.description
        if isinstance(one, ipw.Button):
            assert one.layout.width == "auto", one.description


def test_debounced_answers_once_after_the_last_change() -> None:
    calls: list[int] = []

    async def changes() -> None:
        later = asyncio.Event()
        handler = widgets.debounced(lambda: calls.append(1), wait=0.02)
        for _ in range(5):
            handler(None)
        asyncio.get_running_loop().call_later(0.02, later.set)  # comes after all that those have asked for
        assert calls == []
        await later.wait()

    asyncio.run(changes())
    assert calls == [1]
    widgets.debounced(lambda: calls.append(2))(None)  # no loop runs here
    assert calls == [1, 2]


def test_an_explorer_has_its_chapters_name_too() -> None:
    names = [name.removesuffix("_explorer") for name in widgets.__all__ if name.endswith("_explorer")]
    assert len(names) >= 6
    for name in names:
        explorer = getattr(widgets, f"{name}_explorer")
        assert explorer is getattr(widgets, f"{name.title()}Explorer")
        assert explorer.__doc__.startswith("Chapter ")
