"""Alignment, uniformity and effective rank: definitions, extremes, symmetries."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from mindgap import geometry, metrics


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_by_definition() -> None:
    x, y = rows(40, 7), rows(40, 7, seed=1)
    u, v = geometry.normalize(x).numpy(), geometry.normalize(y).numpy()
    assert metrics.alignment(x, y) == pytest.approx(np.square(u - v).sum(axis=1).mean())
    squared = np.square(u[:, None] - u[None]).sum(axis=2)[~np.eye(40, dtype=bool)]
    assert metrics.uniformity(x) == pytest.approx(math.log(np.exp(-2 * squared).mean()))
    assert metrics.uniformity(x, t=3) == pytest.approx(math.log(np.exp(-3 * squared).mean()))
    singular = np.linalg.svd(u - u.mean(axis=0), compute_uv=False)
    shares = singular / singular.sum()
    assert metrics.effective_rank(x) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


def test_uniformity_is_walked_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows(50, 5)
    whole = metrics.uniformity(x)
    monkeypatch.setattr(metrics, "_TILE_ENTRIES", 120)
    assert metrics.uniformity(x) == pytest.approx(whole, abs=1e-12)


def test_extremes() -> None:
    same = torch.ones(10, 4)
    assert metrics.alignment(same, -same) == pytest.approx(4)
    assert metrics.uniformity(same) == pytest.approx(0, abs=1e-9)
    assert metrics.effective_rank(same) == 1
    assert metrics.uniformity(rows(2000, 512)) == pytest.approx(-4, abs=0.05)
    axes = torch.cat([torch.eye(6), -torch.eye(6)])
    assert metrics.effective_rank(axes) == pytest.approx(6)
    line = torch.tensor([[1.0, 0.1 * k, 0.0] for k in range(-3, 4)])
    assert metrics.effective_rank(line) < 1.6


def test_norms_and_rotations_change_nothing() -> None:
    x, y = rows(30, 6), rows(30, 6, seed=1)
    turn = torch.linalg.qr(rows(6, 6, seed=2)).Q
    scale = rows(30, 1, seed=3).abs() + 0.1
    for measure in (metrics.uniformity, metrics.effective_rank):
        assert measure(scale * x @ turn) == pytest.approx(measure(x), abs=1e-9)
    assert metrics.alignment(scale * x @ turn, y @ turn) == pytest.approx(metrics.alignment(x, y), abs=1e-9)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: metrics.uniformity(torch.ones(1, 3)), "x: expected at least 2 rows"),
    (lambda: metrics.uniformity(torch.ones(3, 3), 0), "t: .* above 0"),
    (lambda: metrics.effective_rank(torch.zeros(3, 3)), "x: expected non-zero rows"),
    (lambda: metrics.alignment(torch.ones(3, 3), torch.ones(4, 3)), "x and y: expected the same shape"),
])  # fmt: skip
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
