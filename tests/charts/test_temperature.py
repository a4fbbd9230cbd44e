"""Charts of what temperature does: the page computes its own softmax."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mindgap import charts
from tests.tiny import VEGA_LITE, assert_drawable, texts


def cosines() -> pd.DataFrame:
    values = np.linspace(-0.1, 0.35, 40)
    return pd.DataFrame({"image": "a dog", "cosine": values, "own": values == values[-3]})


def distances() -> pd.DataFrame:
    rows = [{"set": name, "temperature": t, "distance": 0.01 / t} for name in ("a", "b") for t in (0.01, 0.1, 1.0)]
    return pd.DataFrame(rows)


def valleys() -> pd.DataFrame:
    return distances().assign(low=-0.1, high=1.1)


CHARTS = {
    "best_distances": lambda: charts.best_distances(valleys(), distances().query("set == 'a'")),
    "softmax_weights": lambda: charts.softmax_weights(cosines()),
}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


def test_a_valley_that_is_given_has_a_band() -> None:
    deep, wide = (charts.best_distances(table, distances()).to_dict() for table in (distances(), valleys()))
    assert [layer["mark"]["type"] for layer in wide["layer"]] == ["area", "line", "point", "point"]
    assert len(deep["layer"]) == 3
    assert "nearly as good" in str(wide)


@pytest.mark.parametrize("inverse", [(1, 200), (20, 40)])
def test_what_comes_with_the_chart_is_the_softmax_at_each_step(inverse: tuple[int, int]) -> None:
    two = pd.concat([cosines(), cosines().assign(image="a cat", cosine=lambda rows: rows["cosine"] ** 3 - 2)])
    spec = charts.softmax_weights(two, inverse).to_dict()
    sums = next(param["value"] for param in spec["params"] if param["name"] == "sums")
    for name, rows in two.groupby("image"):
        values = rows["cosine"].to_numpy()
        steps = zip(range(inverse[0], inverse[1] + 1), sums[name]["log"], sums[name]["texts"], strict=True)
        for sharpness, log, shared in steps:
            weights = np.exp(sharpness * values) / np.exp(sharpness * values).sum()
            assert np.exp(-log) == pytest.approx(weights.max(), rel=2e-6)
            assert shared == pytest.approx(np.exp(-(weights * np.log(weights)).sum()), abs=6e-4)


@pytest.mark.parametrize("sharpness", [1, 20, 100])
def test_the_page_computes_the_softmax(sharpness: int) -> None:
    weights = np.exp(sharpness * cosines()["cosine"].to_numpy())
    weights /= weights.sum()
    shared = np.exp(-(weights * np.log(weights)).sum())
    assert f"the weight of {shared:.1f} texts" in texts(charts.softmax_weights(cosines()), sharpness=sharpness)


@pytest.mark.parametrize("inverse", [(1, 50), (150, 200), (7, 7)])
def test_the_slider_starts_within_its_ends(inverse: tuple[int, int]) -> None:
    params = charts.softmax_weights(cosines(), inverse).to_dict()["params"]
    assert inverse[0] <= next(one["value"] for one in params if one["name"] == "sharpness") <= inverse[1]


def test_the_softmax_has_at_least_one_temperature_and_one_text() -> None:
    with pytest.raises(ValueError, match=r"inverse: expected .*from the lower, got \(200, 1\)"):
        charts.softmax_weights(cosines(), (200, 1))
    with pytest.raises(ValueError, match="cosines: expected at least one row"):
        charts.softmax_weights(cosines()[:0])
