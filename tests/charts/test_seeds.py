"""Charts of random initialisations: drawable, and in words what two seeds are apart."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mindgap import charts
from tests.tiny import VEGA_LITE, assert_drawable, texts

GAPS = {"noise": {"t": [[0, 1.25, 0.5], [1.25, 0, 0.75], [0.5, 0.75, 0]]}}


def clouds() -> Any:
    rows = [
        {"inputs": "noise", "tower": "t", "seed": s, "PCA 1": s, "PCA 2": -s + k / 9, "UMAP 1": 2 * s, "UMAP 2": k}
        for s in range(3)
        for k in range(3)
    ]
    return charts.seed_clouds(pd.DataFrame(rows), GAPS, {"t": "a tower"})


def cliff() -> Any:
    rows = [
        {"inputs": "noise", "tower": t, "modality": m, "number": k, "value": 9.0 / k}
        for t, m in (("a", "image"), ("b", "text"))
        for k in range(1, 6)
    ]
    return charts.singular_cliff(pd.DataFrame(rows), seeds=4)


def shares() -> Any:
    rows = [
        {"input norm": n, "layer": k, "quantity": q, "mean": 0.1 * k, "low": 0.05 * k, "high": 0.12 * k}
        for n in ("1", "2")
        for k in (1, 2)
        for q in ("share", "bound")
    ]
    return charts.share_curves(pd.DataFrame(rows), {"input norm": ["1", "2"]})


def trained() -> Any:
    rows = [
        {"stage": stage, "seed": seed, "tower": tower, "x": 0.3 * seed - 0.5, "y": 0.1}
        for stage in ("untrained", "trained")
        for seed in range(3)
        for tower in ("image", "text")
        for _ in range(2)
    ]
    return charts.trained_clouds(pd.DataFrame(rows))


CHARTS = {make.__name__: make for make in (clouds, cliff, shares, trained)}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


def test_two_seeds_say_their_gap() -> None:
    assert "seeds 0 and 1: gap 1.25" in texts(clouds())
    shown = texts(clouds(), A=2, B=1)
    assert "seeds 2 and 1: gap 0.75" in shown
    assert {"A", "B"} <= set(shown)
    assert "B" not in texts(clouds(), seeds_shown=1), "a seed that is not shown is not marked"
