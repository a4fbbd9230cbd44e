"""Streamed measures are those of rows in memory, and what costs n² is what `metrics.estimates` gives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mindgap import metrics, pairs, stream
from mindgap.metrics import _sampled
from mindgap.stream import _equal, _walk
from tests.stream.conftest import rows, write


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units and tiles of which a few hundred rows have several."""
    monkeypatch.setattr(_walk, "LEAST", 150)
    monkeypatch.setattr(_walk, "TILE", 64)
    monkeypatch.setattr(_equal, "AT_ONCE", 128)


@pytest.fixture
def sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples that a test can draw from hundreds of rows."""
    for name, value in {"EXACT": 400, "ASKED": 200, "SAMPLE": 100}.items():
        monkeypatch.setattr(_sampled, name, value)
    monkeypatch.setattr(metrics, "EXACT", 400)


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_every_measure_is_that_of_rows_in_memory(tmp_path: Path, kind: str) -> None:
    folder = write(tmp_path / "s", *rows(800), [100, 500, 501], kind)
    shards = pairs.open_shards(folder)
    found = stream.report(shards, k=3)
    x, y = shards.read(0, 800)
    expected = metrics.report(x.double(), y.double(), k=3)
    assert list(found.measures) == list(expected) == list(metrics.MEASURES)
    assert found.measures == pytest.approx(expected, rel=0, abs=1e-9)
    assert {name for name, value in expected.items() if isinstance(value, int)} == {
        name for name, value in found.measures.items() if isinstance(value, int)
    }
    assert (found.passes, found.sampled) == (2, {})
    # And of numpy, which shares no line with either.
    sides = [[np.load(path) for path in sorted((folder / side).iterdir())] for side in ("img_emb", "text_emb")]
    assert sides[0][1].dtype == np.dtype(kind)
    a, b = (np.concatenate(parts).astype("f8") for parts in sides)
    a, b = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (a, b))
    gap = a.mean(axis=0) - b.mean(axis=0)
    assert found.measures["gap_distance"] == pytest.approx(np.linalg.norm(gap), abs=1e-12)
    assert found.measures["pair_distance"] == pytest.approx(np.linalg.norm(a - b, axis=1).mean(), abs=1e-12)


@pytest.mark.usefixtures("small_units", "sampling")
@pytest.mark.parametrize("repeated", [False, True])
def test_what_costs_the_square_is_the_estimate_of_rows_in_memory(tmp_path: Path, repeated: bool) -> None:
    x, y = rows(800)
    if repeated:  # four captions an image, and some captions twice
        x, y = np.repeat(x[:200], 4, axis=0), np.concatenate([y[:700], y[:100]])
    shards = pairs.open_shards(write(tmp_path / "s", x, y, [350]))
    found = stream.report(shards, k=3, seed=4)
    given = shards.read(0, 800)
    expected = metrics.estimates(*given, k=3, seed=4)
    assert set(found.sampled) == set(expected) == set(metrics.MEASURES) - set(metrics.LINEAR)
    for name, one in found.sampled.items():
        for field in ("value", "low", "high", "rows", "gallery"):
            assert getattr(one, field) == pytest.approx(getattr(expected[name], field), abs=1e-9), name
    linear = metrics.report(*given, k=3, only=metrics.LINEAR)
    assert {name: found.measures[name] for name in metrics.LINEAR} == pytest.approx(linear, abs=1e-9)
    grouped = found.measures["recall_yx_grouped"], found.measures["recall_yx"]
    assert (grouped[0] > grouped[1]) == repeated


@pytest.mark.usefixtures("sampling")
def test_k_is_at_most_the_rows_of_a_sample(shards: pairs.Shards) -> None:
    with pytest.raises(ValueError, match="k: expected a whole number from 1 to 100, got 101"):
        stream.report(shards, k=101)
    assert stream.report(shards, k=101, only="gap_distance").k == 101


def test_only_what_is_asked_for_is_computed_and_read(shards: pairs.Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    from mindgap.stream import _report

    monkeypatch.setattr(_report, "hashed", lambda *_: pytest.fail("hashed what nobody asked for"))
    once = stream.report(shards, only=["gap_distance", "frechet_distance"])
    assert (once.passes, list(once.measures)) == (1, ["gap_distance", "frechet_distance"])
    assert stream.report(shards, only=["separability"]).passes == 2
    with pytest.raises(ValueError, match="did you mean 'gap_distance'"):
        stream.report(shards, only=["gap_distanse"])
    with pytest.raises(ValueError, match="k: expected a whole number from 1 to 7000"):
        stream.report(shards, k=7001)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_rows_have_the_same_values_and_lack_the_same(tmp_path: Path, n: int) -> None:
    shards = pairs.open_shards(write(tmp_path / "s", *rows(n), [1]))
    x, y = shards.read(0, n)
    expected = metrics.report(x.double(), y.double())
    assert stream.report(shards).measures == pytest.approx(expected, abs=1e-7, nan_ok=True)
    assert math.isnan(expected["linear_probe"]) == (n < 4)


def test_a_collapsed_tower_lacks_the_same_measures(tmp_path: Path) -> None:
    images, texts = rows(60)
    shards = pairs.open_shards(write(tmp_path / "s", np.ones_like(images), texts, [20]))
    x, y = (side.double() for side in shards.read(0, 60))
    expected = metrics.report(x, y)
    found = stream.report(shards).measures
    assert {name for name, value in found.items() if math.isnan(value)} == {
        name for name, value in expected.items() if math.isnan(value)
    } >= {"residual_pair_distance", "principal_angle"}  # fmt: skip
    assert (found["distinct_x"], found["distinct_y"]) == (1, 60)


@pytest.mark.parametrize(("spoil", "said"), [
    (lambda y: y.__setitem__(5000, np.nan), r"text_emb_2.npy: expected finite numbers, got NaN or infinity in row 500"),
    (lambda y: y.__setitem__(5000, 0), r"text_emb_2.npy: expected non-zero rows, got all zeros in row 500"),
])  # fmt: skip
def test_a_bad_row_is_named_with_its_file(tmp_path: Path, spoil: object, said: str) -> None:
    x, y = rows()
    spoil(y)  # type: ignore[operator]
    shards = pairs.open_shards(write(tmp_path / "s", x, y, [1000, 4500]))
    with pytest.raises(ValueError, match=said):
        stream.report(shards, only=["gap_distance"])
