"""Tables for charts: the rows and columns that charts draw, from results as functions return them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch

from mindgap import charts, cosine_histogram
from mindgap.charts import tables
from mindgap.landscape import Landscape, loss_landscape

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(40, 8, generator=GENERATOR, dtype=torch.float64) + 1
Y = X + torch.randn(40, 8, generator=GENERATOR, dtype=torch.float64) - 2
SHIFTS = torch.arange(-4, 9, dtype=torch.float64) / 4


def test_a_row_of_points_is_a_pair() -> None:
    x, y = torch.tensor([[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0], [9.0, 9.0]])
    found = tables.points(x, y, most=2)
    assert list(found) == ["x", "y", "x2", "y2"]
    assert found.to_numpy().tolist() == [[1, 2, 5, 6], [3, 4, 7, 8]]
    assert len(tables.points(x, y)) == 3


class TestLandscapes:
    def test_every_curve_and_every_landmark_is_there_once(self) -> None:
        found: dict[str | tuple[str, str], Landscape] = {
            ("a", "all"): loss_landscape(X, Y, SHIFTS, [1 / 100, 1]),
            ("b", "tens"): loss_landscape(X, Y, SHIFTS, [1 / 100, 1], batch_size=10),
        }
        curves, marks = tables.landscapes(found)
        assert set(curves) == {"set", "batch", "tau", "shift", "distance", "image_to_text", "text_to_image"}
        counts = curves.groupby(["set", "batch", "tau"]).size()
        assert counts.to_dict() == {
            (*key, tau): len(SHIFTS) for key in (("a", "all"), ("b", "tens")) for tau in ("1/100", "1")
        }
        landmarks = [
            (*key, charts.temperature_label(t), label, kind, point.distance, point.loss)
            for key, landscape in found.items()
            for t in (1 / 100, 1)
            for label, direction in charts.DIRECTIONS.items()
            for kind, point in landscape.landmarks(t, direction).items()
        ]
        assert [tuple(row) for row in marks.drop(columns="below").to_numpy()] == landmarks
        start = SHIFTS.tolist().index(0)
        first = marks.iloc[0]
        landscape = next(iter(found.values()))
        assert first["below"] == pytest.approx(float(landscape.loss[start, 0]) - first["loss"])
        charts.landscape_curves(curves, marks).to_dict()  # the columns that it asks for

    def test_a_set_alone_has_the_batch_of_all_pairs(self) -> None:
        curves, marks = tables.landscapes({"a": loss_landscape(X, Y, SHIFTS, [1])})
        assert set(curves["batch"]) == set(marks["batch"]) == {"the whole set"}


class TestRidges:
    def test_a_histogram_is_as_high_as_its_row_and_has_its_marks(self) -> None:
        found = cosine_histogram(X, 20)
        bars, marks = tables.ridges([("one", "image", found, 0.4), ("other", "text", found, None)])
        assert list(dict.fromkeys(bars["row"])) == ["one", "other"]
        assert bars.groupby("row")["height"].max().tolist() == [1, 1]
        share = found.frame()["share"]
        assert bars[bars["row"] == "one"]["height"].tolist() == (share / share.max()).tolist()
        first = marks.iloc[0]
        assert (first["mean"], first["low"], first["high"]) == (found.mean, found.min, found.max)
        assert first["label"] == f"{found.mean:.2f}"
        assert marks["reference"].isna().tolist() == [False, True]
        charts.ridges(bars, marks, "cosine", (-1, 1)).to_dict()

    @pytest.mark.parametrize(
        ("cosine", "label"), [(0.531, "0.53"), (0.99, "0.99"), (0.9993, "0.9993"), (-0.2, "-0.20")]
    )
    def test_narrow_cones_are_labelled_so_that_they_differ(self, cosine: float, label: str) -> None:
        assert tables.cosine_label(cosine) == label

    def test_other_numbers_are_counted_between_edges(self) -> None:
        found = tables.counted([0.1, 0.2, 0.25, 0.9], np.arange(0, 1.01, 0.25).tolist())
        assert found.counts.tolist() == [2, 1, 0, 1]
        assert (found.min, found.max) == (0.1, 0.9)
        assert found.mean == pytest.approx(1.45 / 4)
        assert found.frame()["value"].tolist() == [0.125, 0.375, 0.625, 0.875]


class TestBands:
    RUNS = torch.tensor([[1.0, 4.0], [3.0, 8.0]])

    def test_a_row_is_a_layer(self) -> None:
        found = tables.bands({("relu", "with"): self.RUNS, ("tanh", "with"): -self.RUNS}, ["activation", "biases"])
        assert list(found) == ["activation", "biases", "layer", "mean", "low", "high"]
        assert found.to_numpy().tolist() == [
            ["relu", "with", 0, 2, 1, 3],
            ["relu", "with", 1, 6, 4, 8],
            ["tanh", "with", 0, -2, -3, -1],
            ["tanh", "with", 1, -6, -8, -4],
        ]

    def test_one_column_needs_no_tuple_and_layers_may_start_later(self) -> None:
        found = tables.bands({"22.6": self.RUNS}, ["norm"], first=1)
        assert found[["norm", "layer"]].to_numpy().tolist() == [["22.6", 1], ["22.6", 2]]

    def test_a_key_of_another_length_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"columns activation, biases, got 'relu'"):
            tables.bands({"relu": self.RUNS}, ["activation", "biases"])


def test_heights_are_labelled_as_the_globe_wants_them() -> None:
    at = torch.tensor([-90.0, 0.0, 90.0])
    found = tables.heights(at, {("six", 1 / 50): at / 90, ("six", 1.0): at / 45})
    assert list(found) == ["arrangement", "tau", "height", "loss"]
    assert found["tau"].tolist() == ["1/50"] * 3 + ["1"] * 3
    assert found["loss"].tolist() == [-1, 0, 1, -2, 0, 2]


class TestKinds:
    HISTORY = pd.DataFrame({
        "start": ["random", "aligned"], "temperature": [0.01, 1.0], "seed": 0, "gap": [0.7, 0.2], "image_to_text": 0.1,
    })  # fmt: skip

    @pytest.mark.parametrize(("columns", "kinds"), [
        ({"temperature": charts.temperature_label}, ["1/100", "1"]),
        ({"start": {"random": "as initialised", "aligned": "aligned at the start"}},
         ["as initialised", "aligned at the start"]),
        ({"start": str, "temperature": charts.temperature_label}, ["random, 1/100", "aligned, 1"]),
    ])  # fmt: skip
    def test_what_was_varied_becomes_one_column(self, columns: dict[str, tables.Names], kinds: list[str]) -> None:
        found = tables.kinds(self.HISTORY, **columns)
        assert found["kind"].tolist() == kinds
        assert found["recall"].tolist() == [0.1, 0.1]
        assert found["gap"].tolist() == [0.7, 0.2]

    @pytest.mark.parametrize(("call", "error"), [
        (lambda: tables.kinds(TestKinds.HISTORY), ValueError),
        (lambda: tables.kinds(TestKinds.HISTORY, colour=str), KeyError),
        (lambda: tables.kinds(TestKinds.HISTORY, start={"random": "as initialised"}), KeyError),
    ])  # fmt: skip
    def test_nothing_is_made_up(self, call: Callable[[], pd.DataFrame], error: type[Exception]) -> None:
        with pytest.raises(error):
            call()
