"""The explorers of random networks and of seeds, driven by `.value` and `.click()`."""

from __future__ import annotations

import pytest
import torch

from mindgap import cones, geometry, towers, widgets
from mindgap.cones import Layer

TOWER = "ViT-S-32-alt:image"


def datasets(explorer: widgets.NetworkExplorer | widgets.SeedExplorer) -> list[list[dict]]:
    return list(explorer.chart.children[0].spec["datasets"].values())


class TestNetworkExplorer:
    @pytest.fixture
    def network(self) -> widgets.NetworkExplorer:
        return widgets.network_explorer([Layer("relu", 64)])

    def cosines(self, network: widgets.NetworkExplorer) -> list[dict]:
        return next(rows for rows in datasets(network) if "seed" in rows[0])

    def test_it_shows_what_the_plain_function_finds(self, network: widgets.NetworkExplorer) -> None:
        assert network.message.value == ""
        shown = [row["cosine"] for row in self.cosines(network) if row["layer"] == 1]
        assert len(shown) == 5
        assert shown == pytest.approx([1 / torch.pi] * 5, abs=0.06)
        field = cones.relu_mean_field(1)[1]
        assert f"Infinitely wide ReLU layers: {field:.3f}." in network.readout.value

    def test_buttons_add_and_remove_what_the_controls_describe(self, network: widgets.NetworkExplorer) -> None:
        network.activation.value, network.width.value, network.bias.value, network.norm.value = (
            "tanh",
            32,
            False,
            "layer",
        )
        network.add.click()
        network.add_five.click()
        assert network.layers == [Layer("relu", 64), *[Layer("tanh", 32, False, "layer")] * 6]
        assert "1 × relu 64 → 6 × tanh 32 without bias, layer norm" in network.readout.value
        assert "Infinitely" not in network.readout.value
        assert {row["layer"] for row in self.cosines(network)} == set(range(8))
        network.remove.click()
        assert len(network.layers) == 6
        network.clear.click()
        assert network.layers == []
        assert "add a layer" in network.readout.value
        network.remove.click()
        assert network.layers == []

    def test_input_norm_and_seeds_recompute(self, network: widgets.NetworkExplorer) -> None:
        network.seeds.value = 2
        assert {row["seed"] for row in self.cosines(network)} == {0, 1}
        before = network.readout.value
        network.input_norm.value = 1.0
        assert network.readout.value != before
        assert [row["cosine"] for row in self.cosines(network) if row["layer"] == 1] == pytest.approx(
            [0.61] * 2, abs=0.1
        )

    def test_a_layer_that_cannot_be_is_said_in_words_and_not_kept(self, network: widgets.NetworkExplorer) -> None:
        network.layers = []
        network.attempt(lambda: network.build([Layer("relu", 1)]))
        assert "turned input" in network.message.value
        assert network.layers == []
        network.add.click()
        assert network.message.value == ""

    def test_the_last_histogram_counts_every_pair(self, network: widgets.NetworkExplorer) -> None:
        bars = next(rows for rows in datasets(network) if "share" in rows[0])
        assert sum(row["share"] for row in bars) == pytest.approx(1)
        mean = sum(row["share"] * row["value"] for row in bars)
        assert mean == pytest.approx(1 / torch.pi, abs=0.06)


@pytest.fixture(scope="module")
def explorer() -> widgets.SeedExplorer:
    return widgets.seed_explorer(TOWER, n=4)


class TestSeedExplorer:
    def test_it_starts_with_three_seeds(self, explorer: widgets.SeedExplorer) -> None:
        assert explorer.message.value == ""
        assert list(explorer.clouds) == [0, 1, 2]
        ((_, found),) = towers.embed_seeds([TOWER], [1], n=4)
        assert torch.equal(explorer.clouds[1], found[TOWER])
        assert f"3 seeds of {TOWER}" in explorer.readout.value

    def test_drawing_adds_the_next_seeds_and_what_they_say(self, explorer: widgets.SeedExplorer) -> None:
        explorer.draw.click()
        explorer.draw_five.click()
        assert list(explorer.clouds) == list(range(9))
        (points,) = datasets(explorer)
        assert len(points) == 36
        gaps = explorer.chart.children[0].spec["params"]
        matrix = next(param["value"] for param in gaps if param["name"] == "gaps")["noise"][TOWER]
        assert matrix[0][8] == pytest.approx(geometry.gap_distance(explorer.clouds[0], explorer.clouds[8]), abs=1e-5)
        share = cones.variance_share(
            torch.stack([geometry.normalize(cloud.double()) for cloud in explorer.clouds.values()])
        )
        assert f"decided by the seed: {share:.3f}" in explorer.readout.value

    def test_what_was_drawn_is_kept_when_something_else_is_chosen(self, explorer: widgets.SeedExplorer) -> None:
        count = len(explorer.clouds)
        explorer.inputs.value = "scenes"
        assert list(explorer.clouds) == [0, 1, 2]
        explorer.n.value = 6
        assert explorer.clouds[0].shape[0] == 6
        explorer.inputs.value, explorer.n.value = "noise", 4
        assert len(explorer.clouds) == count
        explorer.again.click()
        assert len(explorer.clouds) == 3

    def test_a_wrong_name_leaves_the_last_chart(self, explorer: widgets.SeedExplorer) -> None:
        chart = explorer.chart.children[0]
        explorer.tower.value = "resnet19"
        assert "did you mean &#x27;resnet18&#x27;" in explorer.message.value
        assert explorer.chart.children[0] is chart
        explorer.tower.value = TOWER
        assert explorer.message.value == ""
