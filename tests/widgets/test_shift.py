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


def test_two_arrays_or_two_files_are_the_source(own: str) -> None:
    pairs = load_pairs("mini", n=40)
    made = widgets.shift_explorer(pairs.x, pairs.y.numpy())
    image, text = own.split(",")
    assert made.source.value == "yours"
    assert numbers(made)[1] == pytest.approx(float(loss_landscape(pairs.x, pairs.y, [0.0], [1.0]).distance), abs=6e-4)
    assert widgets.shift_explorer(image, text).source.value == own
    with pytest.raises(TypeError, match="two arrays"):
        widgets.shift_explorer(pairs.x)


def test_the_curve_before_stays_as_a_ghost(explorer: widgets.ShiftExplorer) -> None:
    explorer.temperature.value = "1/10"
    explorer.shift.value = 0.5  # which changes no curve
    shown = explorer.chart.params
    assert (shown["temperature_before"], shown["direction_before"]) == ("1/100", "both")
    explorer.direction.value = "text→image"
    shown = explorer.chart.params
    assert (shown["temperature_before"], shown["direction_before"]) == ("1/10", "both")


def test_of_very_many_pairs_it_is_the_first_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mindgap.widgets.shift.LARGEST", 60)
    made = widgets.shift_explorer(options={"mini": {"n": 120}})
    assert "The first 60 of 120 pairs." in made.message.value


def test_playing_goes_through_the_places_of_the_slider_and_follows_it(explorer: widgets.ShiftExplorer) -> None:
    explorer.play_shift.value = 30
    assert explorer.shift.value == 0.5
    explorer.shift.value = 0.15000000000000002  # as a page may send it
    assert explorer.play_shift.value == 23
    assert explorer.shift.value == 0.15000000000000002
    explorer.play_temperature.value = 1
    assert explorer.temperature.value == "1/50"
