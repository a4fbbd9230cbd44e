"""Charts of gaps: what several embedding sets look like, and their measures."""

from __future__ import annotations

import pandas as pd
import pytest

from mindgap import charts
from tests.tiny import VEGA_LITE, assert_drawable


def gap_points() -> pd.DataFrame:
    row = {"x": 0.4, "y": 0.1, "x2": -0.4, "y2": 0.2}
    return pd.DataFrame([{**row, "set": s, "projection": p} for s in ("a", "b") for p in ("PCA", "UMAP")])


MATCHES = pd.DataFrame(
    {"set": ["a", "b"] * 2, "direction": ["to texts"] * 2 + ["to images"] * 2, "gap": 0.8, "gap_random": 1.1,
     "recall": [0.5, 0.1, 0.4, 0.2], "recall_random": 0.01}
)  # fmt: skip
MODELS = pd.DataFrame(
    {"‖Δ‖": [0.33, 0.85, 1.14], "pairs": [0.61, 1.17, 1.39], "Fréchet": [1.1, 0.31, 1.85]},
    index=["small CLIP", "CLIP", "CLIP, random"],
)
KINDS = {"small CLIP": "trained", "CLIP": "trained", "CLIP, random": "random weights"}
CHARTS = {
    "gap_orders": lambda: charts.gap_orders(MODELS, KINDS),
    "gap_map": lambda: charts.gap_map(gap_points()),
    "gap_panels": lambda: charts.gap_panels(gap_points().query("projection == 'PCA'")),
    "gap_against": lambda: charts.gap_against(MATCHES, {"recall": ("recall at 1", 0.01)}),
}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


def test_one_projection_has_no_menu() -> None:
    params = charts.gap_map(gap_points().query("projection == 'PCA'")).to_dict()["params"]
    assert {param["name"] for param in params if "bind" in param} == {"set", "lines", "marked"}


def test_orders_put_the_least_first_and_name_models_by_the_first_measure() -> None:
    spec = charts.gap_orders(MODELS, KINDS).to_dict()
    rows = pd.DataFrame(next(iter(spec["datasets"].values())))
    placed = rows.pivot_table(index="model", columns="measure", values="place").loc[list(MODELS.index)]
    assert placed["‖Δ‖"].tolist() == [1, 2, 3]
    assert placed["Fréchet"].tolist() == [2, 1, 3]
    assert '[["small CLIP"], ["CLIP"], ["CLIP", "random"]]' in str(spec["layer"])


def test_orders_tell_two_kinds_apart_and_no_third() -> None:
    with pytest.raises(ValueError, match="one kind or two, got 3"):
        charts.gap_orders(MODELS, dict(zip(MODELS.index, "abc", strict=True)))
