"""The explorer of sets of embeddings, driven by `.value` as a hand would: every control, every kind of wrong input."""

from __future__ import annotations

import pytest
import torch

from mindgap import geometry, widgets
from mindgap.pairs import load_pairs


@pytest.fixture(scope="module")
def explorer() -> widgets.GapExplorer:
    return widgets.gap_explorer(options={"mini": {"n": 120}, "mini@0.07": {"n": 120}})


def datasets(explorer: widgets.GapExplorer) -> list[list[dict]]:
    return list(explorer.chart.data.values())


def columns(explorer: widgets.GapExplorer) -> int:
    """Sets in the table of measures."""
    head = explorer.readout.value.split("</thead>")[0]
    return head.count("<th") - head.count("<thead") - 1  # but the one above the names of the measures


def test_it_starts_with_a_chart_and_measures(explorer: widgets.GapExplorer) -> None:
    assert explorer.message.value == ""
    assert [len(rows) for rows in datasets(explorer)] == [120]
    pairs = load_pairs("mini", n=120)
    assert f"{geometry.gap_distance(pairs.x, pairs.y):.3f}" in explorer.readout.value
    assert f"{geometry.recall_at_k(pairs.x, pairs.y):.3f}" in explorer.readout.value


def test_two_sets_are_drawn_beside_each_other(explorer: widgets.GapExplorer) -> None:
    explorer.sets.value = ("mini", "mini@0.07")
    assert len(explorer.chart.spec["concat"]) == 2
    assert columns(explorer) == 2
    explorer.sets.value = ("mini",)
    assert len(explorer.chart.spec["concat"]) == 1


def test_axes_and_number_of_pairs_choose_what_is_drawn(explorer: widgets.GapExplorer) -> None:
    first = datasets(explorer)[0]
    explorer.axes.value = (1, 3)
    (other,) = datasets(explorer)
    assert [row["x"] for row in other] == [row["x"] for row in first]
    assert [row["y"] for row in other] != [row["y"] for row in first]
    explorer.pairs.value = 50
    assert len(datasets(explorer)[0]) == 50
    explorer.axes.value, explorer.pairs.value = (1, 2), 150


def test_pair_lines_can_be_hidden(explorer: widgets.GapExplorer) -> None:
    def opacity() -> float:
        layers = explorer.chart.spec["concat"][0]["layer"]
        # The other lines are those of the one pair under the pointer.
        (lines,) = (one for one in layers if one["mark"]["type"] == "rule" and "opacity" in one["encoding"])
        return float(lines["encoding"]["opacity"]["value"])

    assert opacity() > 0
    explorer.lines.value = False
    assert opacity() == 0
    explorer.lines.value = True


def test_own_files_join_the_others(explorer: widgets.GapExplorer, own: str) -> None:
    explorer.own.value = own
    assert columns(explorer) == 2
    explorer.own.value = ""
    assert columns(explorer) == 1


def test_a_wrong_name_is_said_in_words_and_the_rest_stays(explorer: widgets.GapExplorer) -> None:
    explorer.own.value = "mimi"
    assert "unknown name" in explorer.message.value
    assert "mini" in explorer.message.value
    assert len(explorer.chart.spec["concat"]) == 1
    explorer.own.value = ""
    assert explorer.message.value == ""


def test_choosing_nothing_asks_for_a_choice(explorer: widgets.GapExplorer) -> None:
    explorer.sets.value = ()
    assert "Choose at least one" in explorer.message.value
    explorer.sets.value = ("mini",)
    assert explorer.message.value == ""


def test_projected_has_the_axes_asked_for() -> None:
    pairs = load_pairs("mini", n=40)
    shared = geometry.shared_projection(pairs.x, pairs.y, 3)
    frame = widgets.projected(pairs, (1, 3), most=10)
    assert len(frame) == 10
    torch.testing.assert_close(torch.tensor(frame["y"].to_numpy()), shared.x[:10, 2])
    torch.testing.assert_close(torch.tensor(frame["x2"].to_numpy()), shared.y[:10, 0])
