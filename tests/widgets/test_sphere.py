"""The explorer of pairs on a sphere, driven by `.value`."""

from __future__ import annotations

import pytest

from mindgap import sphere, widgets
from mindgap.widgets.sphere import exchanged


@pytest.fixture
def explorer() -> widgets.SphereExplorer:
    return widgets.sphere_explorer()


def test_it_starts_as_the_papers_figure(explorer: widgets.SphereExplorer) -> None:
    assert explorer.message.value == ""
    assert explorer.arrangement == (list(sphere.AZIMUTHS), list(sphere.EXCHANGED))
    loss = float(sphere.arc_loss(40, 1 / 100))
    assert f"Δθ = 40°: loss {loss:.3f}" in explorer.readout.value
    assert "0.810 at ±78°" in explorer.readout.value


def test_height_temperature_and_turn_move_the_chart_and_compute_no_curve(explorer: widgets.SphereExplorer) -> None:
    spec, data = explorer.chart.spec, explorer.chart.data
    explorer.height.value, explorer.temperature.value, explorer.turn.value, explorer.tilt.value = -20, "1/35", 60, -10
    assert (explorer.chart.spec, explorer.chart.data) == (spec, data)
    shown = explorer.chart.params
    assert [shown[name] for name in ("raised", "tau_", "turn", "tilt")] == [-20, "1/35", 60, -10]
    assert "at ±53°" in explorer.readout.value


def test_every_temperature_is_on_its_slider(explorer: widgets.SphereExplorer) -> None:
    for label in explorer.temperature.options:
        explorer.temperature.value = label
        assert "Least at this temperature" in explorer.readout.value
    assert set(explorer.curves["tau"]) == set(explorer.temperature.options)


def test_moving_a_pair_and_choosing_who_is_exchanged_change_the_curve(explorer: widgets.SphereExplorer) -> None:
    before = explorer.curves["loss"].tolist()
    explorer.azimuths[0].value = -90
    assert explorer.curves["loss"].tolist() != before
    explorer.swapped.value = ()
    assert "at ±0°" in explorer.readout.value
    explorer.swapped.value = (1, 3, 5)
    assert explorer.arrangement[1] == [0, 3, 2, 5, 4, 1]
    explorer.swapped.value = (2,)
    assert "no other to exchange" in explorer.message.value


def test_fewer_and_more_pairs(explorer: widgets.SphereExplorer) -> None:
    explorer.pairs.value = 2
    assert len(explorer.places.children) == 2
    assert explorer.arrangement[1] == [1, 0]
    assert "at ±90°" in explorer.readout.value
    explorer.pairs.value = 9
    assert len(explorer.arrangement[0]) == 9
    assert explorer.arrangement[1][:2] == [1, 0]
    explorer.pairs.value = 6
    assert explorer.message.value == ""


def test_texts_are_exchanged_in_a_ring() -> None:
    assert exchanged(4, []) == [0, 1, 2, 3]
    assert exchanged(4, [2]) == [0, 1, 2, 3]
    assert exchanged(4, [0, 3]) == [3, 1, 2, 0]
    assert sorted(exchanged(5, [0, 1, 4])) == [0, 1, 2, 3, 4]
