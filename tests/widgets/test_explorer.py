"""What all explorers share: they answer once, and bring what their charts need."""

from __future__ import annotations

import asyncio

from mindgap import widgets


def test_charts_bring_their_own_vega() -> None:
    explorer = widgets.network_explorer([])
    source = str(explorer.chart.children[0]._esm)
    assert len(source) > 500_000
    assert "esm.sh" not in source[:5000]


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
