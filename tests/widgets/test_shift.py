"""The explorer of the shift, driven by `.value`: what it says is what the landscape holds."""

from __future__ import annotations

import re

import pytest

from mindgap import widgets
from mindgap.landscape import loss_landscape
from mindgap.pairs import load_pairs


@pytest.fixture
def explorer() -> widgets.ShiftExplorer:
    return widgets.shift_explorer(options={"mini": {"n": 120}})


def numbers(explorer: widgets.ShiftExplorer) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", explorer.readout.value)]


def expected(temperature: float, batch: int | None, amount: float, direction: str = "loss") -> float:
    pairs = load_pairs("mini", n=120)
    found = loss_landscape(pairs.x, pairs.y, [amount], [temperature], batch)
    return getattr(found, direction).item()


def test_lambda_moves_the_chart_and_the_readout(explorer: widgets.ShiftExplorer) -> None:
    for amount in (0.0, 0.5, -0.75):
        explorer.shift.value = amount
        assert explorer.chart.params["shift"] == amount
        shown = numbers(explorer)
        assert shown[0] == amount
        assert shown[2] == pytest.approx(expected(1 / 100, None, amount), abs=6e-4)


def test_temperature_and_direction_choose_the_curve(explorer: widgets.ShiftExplorer) -> None:
    explorer.temperature.value = "1/10"
    assert explorer.chart.params["temperature"] == "1/10"
    assert numbers(explorer)[2] == pytest.approx(expected(1 / 10, None, 0.0), abs=6e-4)
    explorer.direction.value = "text→image"
    assert explorer.chart.params["direction"] == "text→image"
    assert numbers(explorer)[2] == pytest.approx(expected(1 / 10, None, 0.0, "text_to_image"), abs=6e-4)


def test_batch_size_recomputes_once_and_is_kept(
    explorer: widgets.ShiftExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.batch.value = 50
    assert numbers(explorer)[2] == pytest.approx(expected(1 / 100, 50, 0.0), abs=6e-4)
    assert explorer.batch.value == 50
    monkeypatch.setattr("mindgap.widgets.shift.loss_landscape", lambda *_, **__: pytest.fail("computed twice"))
    explorer.batch.value = None
    explorer.batch.value = 50


def test_moving_computes_no_loss(explorer: widgets.ShiftExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mindgap.widgets.shift.loss_landscape", lambda *_, **__: pytest.fail("a move must not compute"))
    explorer.shift.value, explorer.temperature.value, explorer.direction.value = 0.3, "1/20", "image→text"
    assert explorer.message.value == ""


def test_another_source_and_its_batches(explorer: widgets.ShiftExplorer, own: str) -> None:
    explorer.source.value = own
    assert explorer.message.value == ""
    assert [size for _, size in explorer.batch.options] == [None, 50]
    explorer.source.value = "mini"
    assert [size for _, size in explorer.batch.options] == [None, 50, 100]


def test_a_wrong_name_leaves_the_last_chart(explorer: widgets.ShiftExplorer) -> None:
    data = explorer.chart.data
    explorer.source.value = "no such model"
    assert "unknown name" in explorer.message.value
    assert explorer.chart.data == data
    explorer.source.value = "mini"
    assert explorer.message.value == ""


def test_angle_brackets_in_a_name_are_shown_not_run(explorer: widgets.ShiftExplorer) -> None:
    explorer.source.value = "<script>x</script>"
    assert "<script>" not in explorer.message.value


def test_every_temperature_of_the_explorer_is_on_its_slider(explorer: widgets.ShiftExplorer) -> None:
    for label in explorer.temperature.options:
        explorer.temperature.value = label
        assert "Least at this temperature" in explorer.readout.value
