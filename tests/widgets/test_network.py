"""The explorer of random networks, driven by `.value` and `.click()`."""

from __future__ import annotations

import pytest
import torch

from mindgap import cones, widgets
from mindgap.cones import Layer


@pytest.fixture
def explorer() -> widgets.NetworkExplorer:
    return widgets.network_explorer([Layer("relu", 64)])


def datasets(explorer: widgets.NetworkExplorer) -> list[list[dict]]:
    return list(explorer.chart.data.values())


def cosines(explorer: widgets.NetworkExplorer) -> list[dict]:
    return next(rows for rows in datasets(explorer) if rows and "seed" in rows[0])


def test_it_shows_what_the_plain_function_finds(explorer: widgets.NetworkExplorer) -> None:
    assert explorer.message.value == ""
    shown = [row["cosine"] for row in cosines(explorer) if row["layer"] == 1]
    assert len(shown) == 5
    assert shown == pytest.approx([1 / torch.pi] * 5, abs=0.06)
    field = cones.relu_mean_field(1)[1]
    assert f"Infinitely wide ReLU layers: {field:.3f}." in explorer.readout.value


def test_buttons_add_and_remove_what_the_controls_describe(explorer: widgets.NetworkExplorer) -> None:
    explorer.activation.value, explorer.width.value, explorer.bias.value, explorer.norm.value = (
        "tanh",
        32,
        False,
        "layer",
    )
    explorer.add.click()
    explorer.add_five.click()
    assert explorer.layers == [Layer("relu", 64), *[Layer("tanh", 32, False, "layer")] * 6]
    assert "1 × relu 64 → 6 × tanh 32 without bias, layer norm" in explorer.readout.value
    assert "Infinitely" not in explorer.readout.value
    assert {row["layer"] for row in cosines(explorer)} == set(range(8))
    explorer.remove.click()
    assert len(explorer.layers) == 6
    explorer.clear.click()
    assert explorer.layers == []
    assert "add a layer" in explorer.readout.value
    explorer.remove.click()
    assert explorer.layers == []


def test_input_norm_and_seeds_recompute(explorer: widgets.NetworkExplorer) -> None:
    explorer.seeds.value = 2
    assert {row["seed"] for row in cosines(explorer)} == {0, 1}
    before = explorer.readout.value
    explorer.input_norm.value = 1.0
    assert explorer.readout.value != before
    assert [row["cosine"] for row in cosines(explorer) if row["layer"] == 1] == pytest.approx([0.61] * 2, abs=0.1)


def test_a_layer_that_cannot_be_is_said_in_words_and_not_kept(explorer: widgets.NetworkExplorer) -> None:
    explorer.clear.click()
    explorer.attempt(lambda: explorer.build([Layer("relu", 1)]))
    assert "turned input" in explorer.message.value
    assert explorer.layers == []
    explorer.add.click()
    assert explorer.message.value == ""


def test_the_last_histogram_counts_every_pair(explorer: widgets.NetworkExplorer) -> None:
    bars = next(rows for rows in datasets(explorer) if rows and "share" in rows[0])
    assert sum(row["share"] for row in bars) == pytest.approx(1, abs=1e-3)  # each is rounded
    mean = sum(row["share"] * row["value"] for row in bars)
    assert mean == pytest.approx(1 / torch.pi, abs=0.06)


def test_it_starts_with_three_relu_layers() -> None:
    assert widgets.NetworkExplorer().layers == [Layer("relu", 512)] * 3
