"""What all explorers share: they answer once, and bring what their charts need."""

from __future__ import annotations

import ast
import asyncio
import pkgutil
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as ipw
import pytest
import torch

from mindgap import widgets
from mindgap.charts import theme
from mindgap.cones import Layer
from mindgap.widgets import _explorer, shift, sphere
from mindgap.widgets._explorer import Explorer
from tests.tiny import tiny
from tests.waiting import HANG


def test_charts_bring_their_own_vega() -> None:
    explorer = widgets.network_explorer([])
    source = str(explorer.chart._esm)
    assert len(source) > 500_000
    assert "esm.sh" not in source[:5000]


def controls(widget: ipw.Widget) -> Iterator[ipw.Widget]:
    for child in getattr(widget, "children", ()):
        yield child
        yield from controls(child)


MAKERS: dict[str, Callable[[], Explorer]] = {
    "gap": lambda: widgets.gap_explorer("mini", options={"mini": {"n": 20}}),
    "network": lambda: widgets.network_explorer([Layer("relu", 16)]),
    "seeds": lambda: widgets.seed_explorer("ViT-S-32-alt:image", n=2),
    "shift": lambda: widgets.shift_explorer("mini", options={"mini": {"n": 20}}),
    "sphere": lambda: widgets.sphere_explorer(),
    "training": lambda: widgets.training_explorer(tiny(steps=10)),
}
each = pytest.mark.parametrize("name", MAKERS)


@each
def test_every_label_has_the_room_it_needs(name: str) -> None:
    labelled = [one for one in controls(MAKERS[name]()) if getattr(one, "description", "")]
    assert labelled
    for one in labelled:
        if one.style.has_trait("description_width"):
            assert one.style.description_width == "initial", one.description
        if isinstance(one, ipw.Button):
            assert one.layout.width == "auto", one.description


@each
def test_every_control_says_what_it_is(name: str) -> None:
    made = MAKERS[name]()
    words = ipw.HTML | ipw.FloatProgress
    explained = [one for one in controls(made) if hasattr(one, "description") and not isinstance(one, words)]
    files = [one.entries for one in [getattr(made, "files", None)] if one is not None]  # below its own button
    assert [one for one in explained if not one.description and one not in files] == []


def other(control: ipw.Widget) -> object:
    """A value that a control can have and has not."""
    options = getattr(control, "_options_values", None)
    if isinstance(control, ipw.SelectMultiple):
        return tuple((options or ())[2:4])
    if isinstance(control, ipw.Checkbox | ipw.ToggleButton):
        return not control.value
    if isinstance(control, ipw.Combobox):
        return control.options[-1] if control.options[-1] != control.value else control.options[0]
    if isinstance(control, ipw.Text):
        return "mini"
    if options is not None:
        return next(value for value in options if value != control.value)
    if isinstance(control, ipw.FloatLogSlider):
        return 1.0
    return control.min if control.value != control.min else control.max


@each
@pytest.mark.usefixtures("few_held_out")
def test_reset_takes_every_control_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = MAKERS[name]()
    monkeypatch.setattr(type(made), "work", lambda *_: None)  # this is about the controls
    before = {one: one.value for one in made._start}
    assert len(before) > 2
    for control in before:
        offered = getattr(control, "_options_values", None)
        if offered is None or len(offered) > 1:
            control.value = other(control)
            assert control.value != before[control], control.description
    made.reset.click()
    assert {one.description: one.value for one in before} == {one.description: before[one] for one in before}


@each
@pytest.mark.usefixtures("few_held_out")
def test_the_copied_lines_compute_what_is_shown(name: str) -> None:
    made = MAKERS[name]()
    if name == "training":
        made.train.click()
    names: dict[str, object] = {}
    *before, last = ast.parse(made.chart.code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(before, []), "copied", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "copied", "eval"), names)
    shown = made.readout.value
    if name == "gap":
        assert f"{value['gap_distance']:.3f}" in shown
    elif name == "network":
        assert f"mean cosine {value[value['layer'] == 1]['cosine'].mean():.3f}" in shown
    elif name == "seeds":
        assert f"mean cosine {min(value[0]):.4f} to {max(value[0]):.4f}" in shown
    elif name == "training":
        assert f"gap {value.history[0].gap:.2f} → {value.history[-1].gap:.2f}" in shown
    else:
        assert f"loss {float(value):.3f}" in shown


HEAVY = """_figure:Picture.of gap:projected gap:metrics.report _pairs:load_pairs network:cones.forward
    seeds:towers.embed_seeds seeds:picture shift:loss_landscape sphere:loss_curves training:training.train""".split()


@each
@pytest.mark.usefixtures("few_held_out")
def test_all_that_takes_long_is_done_beside_the_loop(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where: set[str] = set()

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*arguments: Any, **options: Any) -> Any:
            where.add(threading.current_thread().name)
            return call(*arguments, **options)

        return watching

    for target in HEAVY:
        path, _, called = target.replace(":", ".").rpartition(".")
        place = pkgutil.resolve_name(f"mindgap.widgets.{path}")
        monkeypatch.setattr(place, called, watched(getattr(place, called)))

    async def drive() -> None:
        made = MAKERS[name]()
        if name == "training":
            made.train.click()
            while made.train.disabled:
                await asyncio.sleep(0.01)
        while not made.chart.spec or made._worker.current or made._artist.current:
            await asyncio.sleep(0.01)
        made.close()

    asyncio.run(asyncio.wait_for(drive(), HANG))
    assert where == {"mindgap"}


def test_of_many_changes_at_once_the_last_is_shown() -> None:
    async def drive() -> None:
        made = MAKERS["network"]()
        for _ in range(20):
            made.add.click()
        while len(made.chart.data.get("data-1", [])) < 5 * 22 or made._worker.current:
            await asyncio.sleep(0.01)
        assert made.readout.value.startswith("21 layers")
        made.close()

    asyncio.run(asyncio.wait_for(drive(), HANG))


def test_what_is_cancelled_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object, progress: Callable[[float], None], **__: object) -> None:
        while True:
            progress(0.25)

    async def drive() -> None:
        made = MAKERS["shift"]()
        while made.landscape is None:
            await asyncio.sleep(0.01)
        spec, data = made.chart.spec, made.chart.data
        monkeypatch.setattr(shift, "loss_landscape", endless)
        made._computed.clear()
        made.attempt(made.recompute)
        while made._busy.layout.display == "none":
            await asyncio.sleep(0.01)
        assert made.progress.value == 0.25
        assert "Computing the loss of 20 pairs" in made.message.value
        made.cancel.click()
        while made._worker.current:
            await asyncio.sleep(0.01)
        assert "cancelled" in made.message.value
        assert made._busy.layout.display == "none"
        assert (made.chart.spec, made.chart.data) == (spec, data)
        made.close()

    asyncio.run(asyncio.wait_for(drive(), HANG))


def test_a_bug_is_said_and_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sphere, "loss_curves", lambda *_: dict[str, int]()["a bug"])
    with pytest.raises(KeyError, match="a bug"):
        MAKERS["sphere"]()


def test_running_a_cell_again_ends_the_work_of_the_explorer_it_showed(monkeypatch: pytest.MonkeyPatch) -> None:
    place: tuple[object, object] = ("a cell", 1)
    monkeypatch.setattr(_explorer, "_place", lambda: place)
    first, beside = MAKERS["sphere"](), MAKERS["sphere"]()
    assert not first._worker._closed
    place = ("another cell", 2)
    MAKERS["sphere"]()
    assert not first._worker._closed
    place = ("a cell", 3)
    MAKERS["sphere"]()
    assert first._worker._closed
    assert beside._worker._closed


def test_before_an_explorer_stands_the_picture_that_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    made = MAKERS["sphere"]()
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(_explorer, "display", lambda bundle, **_: shown.append(bundle))
    made._ipython_display_()
    picture, live = shown
    assert picture["text/html"].startswith('<div class="mindgap-stored"><img src="data:image/png;base64,')
    assert "Run this cell to make it live" in picture["text/html"]
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == made.model_id


def test_the_picture_of_what_is_shown_is_made_apart_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process it would keep the kernel from answering: vl-convert lets no other thread run."""
    made = MAKERS["sphere"]()
    here = made.chart.png()
    monkeypatch.setattr(theme, "png", None)
    assert made.chart.png(apart=True) == here


def test_the_words_for_a_picture_are_its_own() -> None:
    made = MAKERS["sphere"]()
    made.chart.spec = {**made.chart.spec, "description": '<b>"words"</b>'}
    assert 'alt="&lt;b&gt;&quot;words&quot;&lt;/b&gt;"' in made._picture()


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


@pytest.mark.parametrize("name", ["gap", "shift", "training"])
@pytest.mark.usefixtures("few_held_out")
def test_it_computes_where_the_package_does_and_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def device() -> torch.device:
        asked.append(name)
        return torch.device("cpu", 0)

    monkeypatch.setattr("mindgap.devices.device", device)
    made = MAKERS[name]()
    if name == "training":
        made.train.click()
    assert asked
    assert "omputed" not in made.readout.value
    monkeypatch.setattr(f"mindgap.widgets.{name}.where", lambda: " on cuda:0")
    if name == "training":
        made.train.click()
    else:
        made.tell(["mini"]) if name == "gap" else made.move()
    assert " on cuda:0." in made.readout.value


def test_the_sheet_has_the_colours_of_the_theme_that_it_names() -> None:
    sheet = str(widgets.network_explorer([]).chart._css)
    named = set(re.findall(r"var\((--mindgap-\w+)", sheet))
    assert named
    for start in ("body {", 'body[data-jp-theme-light="false"] {'):
        rule = sheet[sheet.index(start) :].partition("}")[0]
        assert named <= set(re.findall(r"(--mindgap-\w+):", rule))
    assert theme.WRONG in sheet
    assert theme.THEME["dark"][theme.WRONG] in sheet
