"""Losses of sampled rows against all: those of `loss_landscape` where all are taken, and unbiased where not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mindgap import geometry, loss_landscape, pairs, stream
from mindgap.landscape import contrastive_loss
from mindgap.pairs import Shards
from mindgap.stream import _intervals, _landscape, _walk
from tests.stream.conftest import rows, write

SHIFTS, TAUS = [-0.5, -0.1, 0.0, 0.3, 0.6, 1.1], [1.0, 1 / 500, 1 / 20]


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shards:
    """300 pairs in several units and tiles."""
    monkeypatch.setattr(_walk, "LEAST", 70)
    monkeypatch.setattr(_walk, "TILE", 32)
    return pairs.open_shards(write(tmp_path / "s", *rows(300), [100, 250], "f8"))


def test_all_rows_are_the_landscape(few: Shards) -> None:
    found = stream.landscape(few, SHIFTS, TAUS, rows=300)
    x, y = few.read(0, 300)
    expected = loss_landscape(x, y, SHIFTS, TAUS)
    for name in ("distance", "image_to_text", "text_to_image", "temperatures"):
        torch.testing.assert_close(getattr(found.landscape, name), getattr(expected, name), rtol=1e-9, atol=1e-9)
    assert not found.half.any()
    assert "exact" in found.quantity
    assert [(one.low, one.high) for one in found.valleys] == [(one.shift, one.shift) for one in found.valleys]


def test_samples_that_make_up_the_whole_have_its_mean(few: Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is against all columns: were columns drawn, too, every one would be too low."""
    whole = stream.landscape(few, SHIFTS, TAUS, rows=300).landscape
    order = torch.randperm(300, generator=torch.Generator().manual_seed(5))
    found = []
    for part in order.split(60):
        monkeypatch.setattr(torch, "randperm", lambda *_, part=part, **__: part)
        found.append(stream.landscape(few, SHIFTS, TAUS, rows=60))
    for name in ("image_to_text", "text_to_image"):
        mean = torch.stack([getattr(one.landscape, name) for one in found]).mean(dim=0)
        torch.testing.assert_close(mean, getattr(whole, name), rtol=1e-10, atol=1e-10)
    assert all(torch.equal(one.landscape.distance, whole.distance) for one in found)
    inside = [(one.landscape.loss - whole.loss).abs() <= one.half for one in found]
    assert torch.stack(inside).double().mean() > 0.8


def test_float32_rows_are_as_exact_as_in_memory(shards: Shards) -> None:
    found = stream.landscape(shards, [0.0, 0.4], [1 / 100, 1 / 500], rows=40, seed=3)
    x, y = (rows.double() for rows in shards.read(0, len(shards)))
    chosen = torch.randperm(len(shards), generator=torch.Generator().manual_seed(3))[:40]
    for place, shift in enumerate((0.0, 0.4)):
        a, b = geometry.shift(x, y, shift)
        for column, tau in enumerate((1 / 100, 1 / 500)):
            logits = a[chosen] @ b.T / tau
            loss = (logits.logsumexp(dim=1) - logits[torch.arange(40), chosen]).mean()
            assert float(found.landscape.image_to_text[place, column]) == pytest.approx(float(loss), abs=1e-5)
            logits = b[chosen] @ a.T / tau
            loss = (logits.logsumexp(dim=1) - logits[torch.arange(40), chosen]).mean()
            assert float(found.landscape.text_to_image[place, column]) == pytest.approx(float(loss), abs=1e-5)


def test_batches_are_another_quantity_and_say_so(few: Shards) -> None:
    found = stream.landscape(few, SHIFTS, TAUS, rows=290, batch_size=29, seed=2)
    assert (found.rows, found.batch_size) == (290, 29)
    assert "random batches of 29 pairs, from 10 batches" in found.quantity
    x, y = few.read(0, 300)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(2))[:290]
    for place, shift in enumerate(SHIFTS):
        a, b = geometry.shift(x, y, shift)
        losses = [float(contrastive_loss(a[part], b[part], TAUS[2])) for part in order.split(29)]
        assert float(found.landscape.loss[place, 2]) == pytest.approx(np.mean(losses), abs=1e-9)
    whole = stream.landscape(few, SHIFTS, TAUS, rows=300)
    assert found.landscape.loss[2, 2] + found.half[2, 2] < whole.landscape.loss[2, 2]
    torch.testing.assert_close(found.landscape.distance, whole.landscape.distance)


def test_a_shift_that_brings_a_row_near_the_origin(tmp_path: Path) -> None:
    x, y = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in rows(40, 2))
    delta = (x - y).mean(axis=0)
    x[7] = delta / np.linalg.norm(delta)  # so that a shift by about one over the gap takes all of it away
    shards = pairs.open_shards(write(tmp_path / "s", x, y, [], "f8"))
    given = shards.read(0, 40)
    near = 1 / geometry.gap_distance(*given)
    assert (given[0][7] / given[0][7].norm() - near * geometry.gap_vector(*given)).norm() < 0.03
    found = stream.landscape(shards, [0.0, near], [0.1], rows=40)
    expected = loss_landscape(*given, [0.0, near], [0.1])
    torch.testing.assert_close(found.landscape.loss, expected.loss, rtol=1e-7, atol=1e-7)


def test_a_precision_takes_as_many_rows_as_it_needs(shards: Shards) -> None:
    found = stream.landscape(shards, [-0.3, 0.0, 0.3, 0.6, 0.9], [0.1], precision=0.12)
    assert 400 < found.rows < 7000
    assert found.reached
    assert all(half <= 0.12 for one in found.valleys for half in (one.loss_half, one.here_half))
    plain = stream.landscape(shards, [-0.3, 0.0, 0.3, 0.6, 0.9], [0.1], rows=found.rows)
    torch.testing.assert_close(plain.landscape.loss, found.landscape.loss, rtol=1e-6, atol=1e-6)
    assert (plain.half < found.half).all()  # which pays for its looks


def test_looks_at_as_many_rows_each_are_kept_apart(few: Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_landscape, "PILOT", 100)
    monkeypatch.setattr(_intervals, "rows_needed", lambda *_: 0)  # then a quarter of the pilot is added each time
    found = stream.landscape(few, [0.0, 0.5], [0.1], precision=1e-9)
    assert (found.rows, found.looks) == (300, 9)
    whole = stream.landscape(few, [0.0, 0.5], [0.1], rows=300)
    torch.testing.assert_close(found.landscape.loss, whole.landscape.loss, rtol=1e-10, atol=1e-10)


def test_without_a_shift_of_zero_nothing_is_said_of_here(few: Shards) -> None:
    (valley,) = stream.landscape(few, [0.2, 0.4, 0.6], [0.1], rows=50).valleys
    assert math.isnan(valley.loss_here)
    assert math.isnan(valley.depth_half)
    assert valley.low <= valley.shift <= valley.high


@pytest.mark.parametrize(("options", "said"), [
    ({"rows": 29}, "rows: expected a whole number from 30 to 300, got 29"),
    ({"rows": 301}, "rows: expected a whole number from 30 to 300"),
    ({"rows": 50, "precision": 0.1}, "precision: expected it or rows, got both"),
    ({"precision": 0.1, "batch_size": 20}, "precision: expected rows with batch_size"),
    ({"precision": -1}, "precision: expected a number above 0"),
    ({"batch_size": 200}, "batch_size: expected at least two"),
    ({"batch_size": 20, "rows": 20}, "rows: expected a whole number from 300 to 300"),
    ({"temperatures": [0]}, "temperatures: expected"), ({"shifts": []}, "shifts: expected"),
    ({"seed": -1}, "seed: expected"), ({"device": "toaster"}, "device: 'toaster' cannot be used here"),
])  # fmt: skip
def test_errors(few: Shards, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        stream.landscape(few, **options)


def test_default_shifts_are_those_of_the_command_in_memory() -> None:
    from mindgap import report

    assert torch.equal(_landscape.SHIFTS, report.SHIFTS)
