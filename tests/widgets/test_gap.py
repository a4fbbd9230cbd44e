"""The explorers, driven by `.value` as a hand would: every control, every kind of wrong input, no browser."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mindgap import geometry, widgets
from mindgap.landscape import loss_landscape
from mindgap.pairs import load_pairs

SMALL = {"mini": {"n": 120}, "mini@0.07": {"n": 120}}


@pytest.fixture
def own(tmp_path: Path) -> str:
    random = np.random.default_rng(0)
    image = random.normal(size=(60, 8)).astype("float32") + 1
    paths = [tmp_path / "image.npy", tmp_path / "text.npy"]
    for path, array in zip(paths, (image, image[:, ::-1] - 2), strict=True):
        np.save(path, array)
    return ",".join(map(str, paths))


@pytest.fixture(scope="module")
def gap() -> widgets.GapExplorer:
    return widgets.gap_explorer(options=SMALL)


@pytest.fixture
def shift() -> widgets.ShiftExplorer:
    return widgets.shift_explorer(options=SMALL)


def datasets(explorer: widgets.GapExplorer) -> list[list[dict]]:
    return list(explorer.chart.children[0].spec["datasets"].values())


class TestGapExplorer:
    def test_it_starts_with_a_chart_and_measures(self, gap: widgets.GapExplorer) -> None:
        assert gap.message.value == ""
        assert [len(rows) for rows in datasets(gap)] == [120]
        pairs = load_pairs("mini", n=120)
        assert f"{geometry.gap_distance(pairs.x, pairs.y):.3f}" in gap.readout.value
        assert f"{geometry.recall_at_k(pairs.x, pairs.y):.3f}" in gap.readout.value

    def test_two_sets_are_drawn_beside_each_other(self, gap: widgets.GapExplorer) -> None:
        gap.sets.value = ("mini", "mini@0.07")
        assert len(gap.chart.children[0].spec["concat"]) == 2
        assert gap.readout.value.count("<tr") == 3
        gap.sets.value = ("mini",)
        assert len(gap.chart.children[0].spec["concat"]) == 1

    def test_axes_and_number_of_pairs_choose_what_is_drawn(self, gap: widgets.GapExplorer) -> None:
        first = datasets(gap)[0]
        gap.axes.value = (1, 3)
        (other,) = datasets(gap)
        assert [row["x"] for row in other] == [row["x"] for row in first]
        assert [row["y"] for row in other] != [row["y"] for row in first]
        gap.pairs.value = 50
        assert len(datasets(gap)[0]) == 50
        gap.axes.value, gap.pairs.value = (1, 2), 150

    def test_pair_lines_can_be_hidden(self, gap: widgets.GapExplorer) -> None:
        def opacity() -> float:
            return gap.chart.children[0].spec["concat"][0]["layer"][0]["encoding"]["opacity"]["value"]

        assert opacity() > 0
        gap.lines.value = False
        assert opacity() == 0
        gap.lines.value = True

    def test_own_files_join_the_others(self, gap: widgets.GapExplorer, own: str) -> None:
        gap.own.value = own
        assert gap.readout.value.count("<tr") == 3
        gap.own.value = ""
        assert gap.readout.value.count("<tr") == 2

    def test_a_wrong_name_is_said_in_words_and_the_rest_stays(self, gap: widgets.GapExplorer) -> None:
        gap.own.value = "mimi"
        assert "unknown name" in gap.message.value
        assert "mini" in gap.message.value
        assert len(gap.chart.children[0].spec["concat"]) == 1
        gap.own.value = ""
        assert gap.message.value == ""

    def test_choosing_nothing_asks_for_a_choice(self, gap: widgets.GapExplorer) -> None:
        gap.sets.value = ()
        assert "Choose at least one" in gap.message.value
        gap.sets.value = ("mini",)
        assert gap.message.value == ""


class TestShiftExplorer:
    def numbers(self, explorer: widgets.ShiftExplorer) -> list[float]:
        return [float(number) for number in re.findall(r"-?\d+\.\d+", explorer.readout.value)]

    def expected(self, temperature: float, batch: int | None, amount: float, direction: str = "loss") -> float:
        pairs = load_pairs("mini", n=120)
        found = loss_landscape(pairs.x, pairs.y, [amount], [temperature], batch)
        return getattr(found, direction).item()

    def test_lambda_moves_the_chart_and_the_readout(self, shift: widgets.ShiftExplorer) -> None:
        for amount in (0.0, 0.5, -0.75):
            shift.shift.value = amount
            assert shift.chart.children[0].params.shift == amount
            shown = self.numbers(shift)
            assert shown[0] == amount
            assert shown[2] == pytest.approx(self.expected(1 / 100, None, amount), abs=6e-4)

    def test_temperature_and_direction_choose_the_curve(self, shift: widgets.ShiftExplorer) -> None:
        shift.temperature.value = "1/10"
        assert shift.chart.children[0].params.temperature == "1/10"
        assert self.numbers(shift)[2] == pytest.approx(self.expected(1 / 10, None, 0.0), abs=6e-4)
        shift.direction.value = "text→image"
        assert shift.chart.children[0].params.direction == "text→image"
        assert self.numbers(shift)[2] == pytest.approx(self.expected(1 / 10, None, 0.0, "text_to_image"), abs=6e-4)

    def test_batch_size_recomputes_once_and_is_kept(
        self, shift: widgets.ShiftExplorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shift.batch.value = 50
        assert self.numbers(shift)[2] == pytest.approx(self.expected(1 / 100, 50, 0.0), abs=6e-4)
        assert shift.batch.value == 50
        monkeypatch.setattr(widgets, "loss_landscape", lambda *_, **__: pytest.fail("computed twice"))
        shift.batch.value = None
        shift.batch.value = 50

    def test_moving_computes_no_loss(self, shift: widgets.ShiftExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(widgets, "loss_landscape", lambda *_, **__: pytest.fail("a move must not compute"))
        shift.shift.value, shift.temperature.value, shift.direction.value = 0.3, "1/20", "image→text"
        assert shift.message.value == ""

    def test_another_source_and_its_batches(self, shift: widgets.ShiftExplorer, own: str) -> None:
        shift.source.value = own
        assert shift.message.value == ""
        assert [size for _, size in shift.batch.options] == [None, 50]
        shift.source.value = "mini"
        assert [size for _, size in shift.batch.options] == [None, 50, 100]

    def test_a_wrong_name_leaves_the_last_chart(self, shift: widgets.ShiftExplorer) -> None:
        chart = shift.chart.children[0]
        shift.source.value = "no such model"
        assert "unknown name" in shift.message.value
        assert shift.chart.children[0] is chart
        shift.source.value = "mini"
        assert shift.message.value == ""

    def test_angle_brackets_in_a_name_are_shown_not_run(self, shift: widgets.ShiftExplorer) -> None:
        shift.source.value = "<script>x</script>"
        assert "<script>" not in shift.message.value

    def test_progress_is_shown_only_meanwhile(self, shift: widgets.ShiftExplorer) -> None:
        assert shift.progress.value == 1.0
        assert shift.progress.layout.visibility == "hidden"


def test_hiding_the_progress_hides_nothing_else() -> None:
    explorer = widgets.shift_explorer(options=SMALL)
    assert [control.layout.visibility for control in (explorer.source, explorer.shift)] == [None, None]


def test_every_temperature_of_the_explorer_is_on_its_slider() -> None:
    explorer = widgets.shift_explorer(options=SMALL)
    for label in explorer.temperature.options:
        explorer.temperature.value = label
        assert "Least at this temperature" in explorer.readout.value


def test_charts_bring_their_own_vega() -> None:
    explorer = widgets.gap_explorer(options=SMALL)
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


def test_projected_has_the_axes_asked_for() -> None:
    pairs = load_pairs("mini", n=40)
    shared = geometry.shared_projection(pairs.x, pairs.y, 3)
    frame = widgets.projected(pairs, (1, 3), most=10)
    assert len(frame) == 10
    torch.testing.assert_close(torch.tensor(frame["y"].to_numpy()), shared.x[:10, 2])
    torch.testing.assert_close(torch.tensor(frame["x2"].to_numpy()), shared.y[:10, 0])
