"""The explorer of seeds, driven by `.value` and `.click()`."""

from __future__ import annotations

import pytest
import torch

from mindgap import cones, geometry, towers, widgets

TOWER = "resnet18"  # of which a network is made soonest


@pytest.fixture(scope="module")
def explorer() -> widgets.SeedExplorer:
    return widgets.seed_explorer(TOWER, n=4)


def datasets(explorer: widgets.SeedExplorer) -> list[list[dict]]:
    return list(explorer.chart.data.values())


def test_it_starts_with_three_seeds(explorer: widgets.SeedExplorer) -> None:
    assert explorer.message.value == ""
    assert list(explorer.clouds) == [0, 1, 2]
    ((_, found),) = towers.embed_seeds([TOWER], [1], n=4)
    assert torch.equal(explorer.clouds[1], found[TOWER])
    assert f"3 seeds of {TOWER}" in explorer.readout.value


def test_drawing_adds_the_next_seeds_and_what_they_say(explorer: widgets.SeedExplorer) -> None:
    explorer.draw.click()
    explorer.draw_five.click()
    assert list(explorer.clouds) == list(range(9))
    (points,) = datasets(explorer)
    assert len(points) == 36
    matrix = explorer.chart.params["gaps"]["noise"][TOWER]
    assert matrix[0][8] == pytest.approx(geometry.gap_distance(explorer.clouds[0], explorer.clouds[8]), abs=1e-5)
    share = cones.variance_share(
        torch.stack([geometry.normalize(cloud.double()) for cloud in explorer.clouds.values()])
    )
    assert f"decided by the seed: {share:.3f}" in explorer.readout.value


def test_what_was_drawn_is_kept_when_something_else_is_chosen(explorer: widgets.SeedExplorer) -> None:
    count = len(explorer.clouds)
    explorer.inputs.value = "scenes"
    assert list(explorer.clouds) == [0, 1, 2]
    explorer.n.value = 6
    assert explorer.clouds[0].shape[0] == 6
    explorer.inputs.value, explorer.n.value = "noise", 4
    assert len(explorer.clouds) == count
    explorer.again.click()
    assert len(explorer.clouds) == 3


def test_of_more_inputs_only_the_new_ones_are_embedded(
    explorer: widgets.SeedExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    embed = towers.embed_seeds

    def counting(names: list[str], seeds: list[int], kind: str, n: int, first: int) -> object:
        asked.append(n - first)
        return embed(names, seeds, kind, n, first=first)

    monkeypatch.setattr(towers, "embed_seeds", counting)
    before = explorer.clouds[0]
    explorer.n.value = 7
    assert asked == [1, 1, 1], "six were there, from the test before"
    assert torch.equal(explorer.clouds[0][: len(before)], before)
    ((_, found),) = embed([TOWER], [0], n=7)
    torch.testing.assert_close(explorer.clouds[0], found[TOWER], rtol=0, atol=1e-5)
    explorer.n.value = 3
    assert len(asked) == 3
    explorer.n.value = 4


def test_a_wrong_name_leaves_the_last_chart(explorer: widgets.SeedExplorer) -> None:
    data = explorer.chart.data
    explorer.tower.value = "resnet19"
    assert "did you mean &#x27;resnet18&#x27;" in explorer.message.value
    assert explorer.chart.data == data
    explorer.tower.value = TOWER
    assert explorer.message.value == ""
