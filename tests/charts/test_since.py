"""Charts of what came after the paper: menus that choose, and looks that stay."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from mindgap import charts
from mindgap.charts import theme
from mindgap.charts.theme import stored
from tests.tiny import VEGA_LITE, assert_drawable, marks, symbols, texts, with_params

WAYS = ("centred", "shifted by half")


def left() -> pd.DataFrame:
    rows = [
        {"set": name, "way": way, "measure": measure, "value": value, "share": 2 * value}
        for name, part in (("CLIP", 0.1), ("small CLIP", 0.4))
        for number, way in enumerate(WAYS, 1)
        for measure in ("gap", "pairs")
        for value in [part * number]
    ]
    return pd.DataFrame(rows)


def paths() -> pd.DataFrame:
    rows = [
        {"measure": measure, "way": way, "amount": amount, "gap": 0.8 - 0.7 * amount, "value": 0.5 - slope * amount}
        for measure, slope in (("R@1", 0.1), ("flips", 0.3))
        for way in WAYS
        for amount in (0, 0.5, 1)
    ]
    return pd.DataFrame(rows)


def directions() -> tuple[pd.DataFrame, pd.DataFrame]:
    shares = [
        {"axes": axes, "number": number, "share": number / 100}
        for axes in ("largest coordinates", "principal axes of images")
        for number in (1, 10, 100)
    ]
    deleted = [
        {"which": which, "number": number, "measure": measure, "value": value / number}
        for which, value in (("largest in Δ", 0.5), ("at random", 0.9))
        for number in (1, 10)
        for measure in ("gap distance", "R@1 to texts", "R@1 to images")
    ]
    return pd.DataFrame(shares), pd.DataFrame(deleted)


def runs() -> pd.DataFrame:
    kinds = {"temperature": ("fixed", "learned", "cooled"), "towers": ("own", "shared")}
    rows = [
        {
            "question": question,
            "kind": kind,
            "seed": seed,
            "step": step,
            "gap": 1.2 - place * step / 40 + seed / 50,
            "recall": step / 40,
        }
        for question, names in kinds.items()
        for (place, kind), seed, step in itertools.product(enumerate(names), range(2), (0, 1, 10))
    ]
    return pd.DataFrame(rows)


CHARTS = {
    "closing_paths": lambda: charts.closing_paths(paths()),
    "experiment_runs": lambda: charts.experiment_runs(runs()),
    "gap_directions": lambda: charts.gap_directions(*directions()),
    "what_is_left": lambda: charts.what_is_left(left()),
}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


def test_the_menu_chooses_the_pairs() -> None:
    chart = CHARTS["what_is_left"]()
    clip, small = (symbols(with_params(chart, set_=name)) for name in ("CLIP", "small CLIP"))
    assert len(clip) == len(small)
    assert clip != small


def test_the_menu_chooses_the_measure_and_says_it() -> None:
    chart = CHARTS["closing_paths"]()
    assert "flips" in texts(chart, measure_="flips")
    assert "flips" not in texts(chart, measure_="R@1")
    ends = [max(y for _, y in symbols(with_params(chart, measure_=name))) for name in ("R@1", "flips")]
    assert ends[1] - ends[0] == pytest.approx(0.2 * 340, abs=0.5)


def test_the_menu_chooses_what_is_deleted() -> None:
    chart = CHARTS["gap_directions"]()
    assert "at random" in texts(chart, which_="at random")
    assert symbols(with_params(chart, which_="at random")) != symbols(with_params(chart, which_="largest in Δ"))


@pytest.mark.parametrize(("question", "shown", "hidden"), [
    ("temperature", {"fixed", "learned", "cooled"}, {"own", "shared"}),
    ("towers", {"own", "shared"}, {"fixed", "learned", "cooled"}),
])  # fmt: skip
def test_the_legend_names_the_kinds_of_one_experiment(question: str, shown: set[str], hidden: set[str]) -> None:
    written = set(texts(CHARTS["experiment_runs"](), question_=question))
    assert shown <= written
    assert not hidden & written


def test_every_experiment_begins_with_the_same_look() -> None:
    spec = str(stored(CHARTS["experiment_runs"]().to_dict()))
    first = theme.KIND_COLOURS[0]
    assert f"'range': ['{first}', '{theme.HUES['green']}', '{theme.HUES['violet']}', '{first}'," in spec


def test_two_experiments_cannot_share_a_kind() -> None:
    with pytest.raises(ValueError, match="kinds of different names"):
        charts.experiment_runs(runs().replace({"kind": {"own": "fixed"}}))


def test_every_run_has_a_path() -> None:
    drawn = marks(with_params(CHARTS["experiment_runs"](), question_="towers"), "symbol")
    assert len(drawn) >= 2 * 2 * 3
