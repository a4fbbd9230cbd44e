"""The explorer of sets of embeddings, driven by `.value` as a hand would: every control, every kind of wrong input."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import ipywidgets as ipw
import pytest
import torch

from mindgap import geometry, widgets
from mindgap.pairs import PairedEmbeddings, load_pairs
from mindgap.widgets._pairs import FilePicker


@pytest.fixture(scope="module")
def explorer() -> widgets.GapExplorer:
    return widgets.gap_explorer(options={"mini": {"n": 120}, "mini@0.07": {"n": 120}})


def datasets(explorer: widgets.GapExplorer) -> list[list[dict]]:
    return list(explorer.chart.data.values())


def columns(explorer: widgets.GapExplorer) -> int:
    """Sets in the table of measures."""
    return explorer.readout.value.count('<th scope="col">') - 1  # but the one above the names of the measures


def test_it_starts_with_a_chart_and_measures(explorer: widgets.GapExplorer) -> None:
    assert explorer.message.value == ""
    assert [len(rows) for rows in datasets(explorer)] == [120]
    pairs = load_pairs("mini", n=120)
    assert f"{geometry.gap_distance(pairs.x, pairs.y):.3f}" in explorer.readout.value
    assert f"{geometry.recall_at_k(pairs.x, pairs.y):.3f}" in explorer.readout.value


def test_what_is_drawn_and_what_is_measured_is_said(explorer: widgets.GapExplorer) -> None:
    assert "Circles: image, squares: text. The first 150 pairs of each set are drawn" in explorer.readout.value
    assert "-0.0" not in explorer.readout.value


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
        # The line of the one pair under the pointer is a rule; those of all pairs are one mark.
        (lines,) = (one for one in layers if one["mark"]["type"] == "line")
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


class TestOwn:
    """What the notebook has itself: tensors, arrays, pairs, files."""

    @pytest.fixture
    def pairs(self) -> PairedEmbeddings:
        return load_pairs("mini", n=40)

    def test_two_arrays_are_a_set(self, pairs: PairedEmbeddings) -> None:
        for x, y in ((pairs.x, pairs.y), (pairs.x.numpy(), pairs.y.numpy()), (pairs.x.tolist(), pairs.y.tolist())):
            made = widgets.gap_explorer(x, y)
            assert made.sets.value == ("yours",)
            assert f"{geometry.gap_distance(pairs.x, pairs.y):.3f}" in made.readout.value

    def test_pairs_are_a_set_beside_names(self, pairs: PairedEmbeddings) -> None:
        mine = replace(pairs, name="mine")
        made = widgets.gap_explorer(mine, "mini", options={"mini": {"n": 30}})
        assert made.sets.value == ("mine", "mini")
        assert columns(made) == 2

    def test_two_files_are_one_set_and_named_without_their_folder(self, own: str) -> None:
        made = widgets.gap_explorer(*own.split(","))
        assert made.sets.value == (own,)
        assert "image.npy, text.npy" in made.readout.value
        assert str(Path(own.split(",")[0]).parent) not in made.readout.value
        assert widgets.gap_explorer(*map(Path, own.split(","))).sets.value == (own,)

    @pytest.mark.parametrize("given", [(torch.eye(3),), (torch.eye(3), "mini"), (torch.eye(3),) * 3])
    def test_one_side_alone_is_none(self, given: tuple[object, ...]) -> None:
        with pytest.raises(TypeError, match="two arrays x and y"):
            widgets.gap_explorer(*given)

    def test_arrays_that_do_not_match_are_told(self) -> None:
        with pytest.raises(ValueError, match="same shape"):
            widgets.gap_explorer(torch.eye(3), torch.eye(4))


class TestFilePicker:
    def picker(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FilePicker:
        monkeypatch.chdir(folder)
        made = FilePicker(ipw.Text())
        made.browse.value = True
        return made

    def test_it_lists_folders_and_files_that_can_be_read(self, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = Path(own.split(",")[0]).parent
        (folder / "more").mkdir()
        for name in ("notes.txt", ".hidden.npy", "table.csv"):
            (folder / name).touch()
        shown = [value for _, value in self.picker(folder, monkeypatch).entries.options]
        assert shown == [None, "..", "more", "image.npy", "table.csv", "text.npy"]

    def test_two_files_follow_each_other_and_a_third_starts_anew(
        self, own: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = Path(own.split(",")[0]).parent.resolve()
        made = self.picker(folder, monkeypatch)
        made.entries.value = "image.npy"
        assert made.box.value == f"{folder}/image.npy"
        made.entries.value = "text.npy"
        assert made.box.value == f"{folder}/image.npy,{folder}/text.npy"
        made.entries.value = "image.npy"
        assert made.box.value == f"{folder}/image.npy"

    def test_folders_are_entered_and_left_and_shards_taken_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "deep").mkdir()
        (tmp_path / "shards" / "img_emb").mkdir(parents=True)
        made = self.picker(tmp_path, monkeypatch)
        made.entries.value = "deep"
        assert made.folder == (tmp_path / "deep").resolve()
        made.entries.value = ".."
        made.entries.value = "shards"
        assert made.box.value == str((tmp_path / "shards").resolve())

    def test_a_folder_that_cannot_be_listed_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made = self.picker(tmp_path, monkeypatch)
        gone = tmp_path / "gone"
        gone.mkdir()
        made.folder = gone
        gone.rmdir()
        made.look()
        assert "cannot be listed" in made.entries.options[0][0]


def test_of_very_many_pairs_recall_is_that_of_a_sample_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mindgap.widgets.gap.EXACT", 100)
    monkeypatch.setattr("mindgap.widgets.gap.SAMPLE", 50)
    made = widgets.gap_explorer(options={"mini": {"n": 120}})
    found = re.search(r"50 sampled rows among all \(95 %: ([\d.]+) to ([\d.]+)\)</th><td>([\d.]+)", made.readout.value)
    assert found is not None
    low, high, value = map(float, found.groups())
    pairs = load_pairs("mini", n=120)
    assert low < value < high
    assert low < geometry.recall_at_k(pairs.x, pairs.y) < high
