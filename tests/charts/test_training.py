"""Charts of trainings: what controls do, and which axes and colours the columns get."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from mindgap import charts
from mindgap.charts import theme
from mindgap.charts.theme import stored
from tests.tiny import VEGA_LITE, assert_drawable, hints, symbols, texts, with_params

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
        {"kind": kind, "step": step, "x": 0.5, "y": i / 10 + step / 200, "x2": -0.5, "y2": -i / 10,
         "cosine": (step + i) / 1000 + (kind == "1") / 2}
        for kind in kinds
        for step in STEPS
        for i in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


CHARTS = {
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
}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


@pytest.mark.parametrize("look", range(len(STEPS)))
def test_the_slider_scrubs_through_the_steps(look: int) -> None:
    chart = charts.training_scrubber(history(), clouds())
    drawn = symbols(with_params(chart, training_step=look, kind_="1"))
    for i in range(3):
        up = i / 10 + STEPS[look] / 200
        assert any(abs(x - 285) < 0.1 and abs(y - 323 * (0.85 - up) / 1.7) < 0.1 for x, y in drawn)
    assert f"after {STEPS[look]} steps" in texts(chart, training_step=look)


def test_the_scrubber_begins_before_the_first_step() -> None:
    assert "after 0 steps" in texts(charts.training_scrubber(history(), clouds()))


def test_a_pair_says_its_cosine_at_the_step_of_the_slider() -> None:
    chart = charts.training_scrubber(history(), clouds())
    for look, kind, expected in ((2, "1", "0.51"), (3, "1/100", "0.10")):
        assert hints(with_params(chart, training_step=look, kind_=kind), "cosine of the pair").count(expected) == 6
    (view,) = {*hints(CHARTS["training_view"]().to_dict(), "cosine of the pair")} & {"0.51"}
    assert view
    bare = charts.training_scrubber(history(), clouds().drop(columns="cosine")).to_json()
    assert "cosine of the pair" not in bare


def test_only_positive_numbers_have_a_log_axis() -> None:
    table = history().query("step == 100").assign(kind="frozen", share=0.0)
    linear = charts.measured_by(table, "share", "share", {"gap": "gap"}).to_json()
    log = charts.measured_by(table.assign(share=0.1), "share", "share", {"gap": "gap"}).to_json()
    assert ('"log"' in linear, '"log"' in log) == (False, True)


def test_temperatures_have_the_pages_colours_and_other_kinds_their_own() -> None:
    by_temperature = json.dumps(stored(charts.training_curves(history(), {"gap": "gap"}).to_dict()))
    by_start = json.dumps(stored(charts.training_curves(history(("random", "aligned")), {"gap": "gap"}).to_dict()))
    assert theme.HUES["green"] not in by_temperature
    assert theme.HUES["green"] in by_start


def test_the_numbers_of_the_scrubber_are_its_curves() -> None:
    spec = stored(charts.training_scrubber(history(), clouds()).to_dict())
    rows = spec["datasets"][spec["usermeta"]["mindgap"]["numbers"]]
    assert {"kind", "step", "mean", "min", "max"} <= set(rows[0])
