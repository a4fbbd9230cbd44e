"""Charts of trainings and temperatures: both Vega-Lite versions, what controls do, and the page's own softmax."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import vl_convert

from mindgap import charts
from mindgap.charts.theme import stored
from tests.charts.test_charts import _symbols
from tests.charts.test_cones import texts

STEPS = (0, 1, 10, 100)


def history(kinds: tuple[str, ...] = ("1/100", "1")) -> pd.DataFrame:
    rows = [
        {"kind": kind, "seed": seed, "step": step, "gap": 1.2 - number * step / 100 + seed / 50, "recall": step / 200}
        for number, kind in enumerate(kinds)
        for seed in range(3)
        for step in STEPS
    ]
    return pd.DataFrame(rows)


def clouds(kinds: tuple[str, ...] = ("1/100", "1")) -> pd.DataFrame:
    rows = [
        {"kind": kind, "step": step, "x": 0.5, "y": i / 10, "x2": -0.5, "y2": -i / 10}
        for kind in kinds
        for step in STEPS
        for i in range(2 + STEPS.index(step))
    ]
    return pd.DataFrame(rows)


def cosines() -> pd.DataFrame:
    values = np.linspace(-0.1, 0.35, 40)
    return pd.DataFrame({"image": "a dog", "cosine": values, "own": values == values[-3]})


def distances() -> pd.DataFrame:
    rows = [{"set": name, "temperature": t, "distance": 0.01 / t} for name in ("a", "b") for t in (0.01, 0.1, 1.0)]
    return pd.DataFrame(rows)


EVERY = {
    "training_scrubber": lambda: charts.training_scrubber(history(), clouds()),
    "training_curves": lambda: charts.training_curves(
        history(("random", "aligned")), {"gap": "gap distance", "recall": "R@1"}, "start"
    ),
    "training_view": lambda: charts.training_view(history(), clouds().query("kind == '1' and step == 10"), 10),
    "gap_at_recall": lambda: charts.gap_at_recall(history()),
    "measured_by": lambda: charts.measured_by(
        history().query("step == 100").assign(temperature=0.1, kind="frozen"),
        "temperature",
        "temperature τ",
        {"gap": "gap", "recall": "R@1"},
    ),
    "best_distances": lambda: charts.best_distances(distances(), distances().query("set == 'a'")),
    "softmax_weights": lambda: charts.softmax_weights(cosines()),
}


@pytest.mark.parametrize("version", ["5.20", "6.4"])
@pytest.mark.parametrize("name", EVERY)
def test_both_vega_lite_versions_draw_it(name: str, version: str, capfd: pytest.CaptureFixture) -> None:
    spec = stored(EVERY[name]().to_dict())
    assert vl_convert.vegalite_to_svg(spec, vl_version=version).count("<path") > 5
    assert "WARN" not in capfd.readouterr().err
    assert len(spec["description"]) > 30
    assert json.dumps(spec).count("http") == 1


@pytest.mark.parametrize("at", range(len(STEPS)))
def test_the_slider_scrubs_through_the_steps(at: int) -> None:
    spec = EVERY["training_scrubber"]().to_dict()
    for param in spec["params"]:
        param["value"] = {"training_step": at, "kind_": "1"}.get(param["name"], param["value"])
    in_legend = 2
    drawn = _symbols(vl_convert.vegalite_to_scenegraph(spec)["scenegraph"])
    assert len(drawn) - in_legend == 2 * (2 + at)
    assert f"after {STEPS[at]} steps" in texts(EVERY["training_scrubber"](), training_step=at)


@pytest.mark.parametrize("sharpness", [1, 20, 100])
def test_the_page_computes_the_softmax(sharpness: int) -> None:
    weights = np.exp(sharpness * cosines()["cosine"].to_numpy())
    weights /= weights.sum()
    shared = np.exp(-(weights * np.log(weights)).sum())
    assert f"the weight of {shared:.1f} texts" in texts(EVERY["softmax_weights"](), sharpness=sharpness)


def test_only_positive_numbers_have_a_log_axis() -> None:
    table = history().query("step == 100").assign(kind="frozen", share=0.0)
    linear = charts.measured_by(table, "share", "share", {"gap": "gap"}).to_json()
    log = charts.measured_by(table.assign(share=0.1), "share", "share", {"gap": "gap"}).to_json()
    assert ('"log"' in linear, '"log"' in log) == (False, True)


def test_temperatures_have_the_pages_colours_and_other_kinds_their_own() -> None:
    by_temperature = json.dumps(stored(charts.training_curves(history(), {"gap": "gap"}).to_dict()))
    by_start = json.dumps(stored(charts.training_curves(history(("random", "aligned")), {"gap": "gap"}).to_dict()))
    assert "1b9e77" not in by_temperature
    assert "1b9e77" in by_start
