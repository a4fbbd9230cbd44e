"""What the extension for the playground puts together: the scripts, the questions, the stored results."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")

import yaml

from book._ext import mindgap_modules
from book._ext import mindgap_playground as extension
from mindgap import playground
from mindgap.charts import predict

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book/playground.md").read_text(encoding="utf-8")
STEPS = {
    name: yaml.safe_load(body) for name, body in re.findall(r"```\{playground-run\} (\w+)\n(.*?)```", PAGE, re.DOTALL)
}
KEPT = extension.stored("playground.json")["presets"]


def test_every_module_is_in_a_script_and_none_is_asked_for() -> None:
    page, worker = extension.script(), extension.worker()
    for path in extension.PARTS.rglob("*.js"):
        defined = f"const {mindgap_modules.constant(path)} = "
        assert (page if path.parent.name == "page" else worker).count(defined) == 1, path
    for text in (page, worker):
        assert not re.search(r"^\s*(?:import|export)\b", text, re.MULTILINE)
        assert set(re.findall(r"https?://[^\"'\s]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_the_script_is_light() -> None:
    assert len(gzip.compress(extension.script().encode(), 9)) < 100_000


def test_the_story_has_the_seven_presets_each_with_a_question() -> None:
    assert list(STEPS) == list(playground.PRESETS)
    options = [preset.options for preset in playground.PRESETS.values()]
    assert any(one.redrawn for one in options)
    assert any(one.loss == "sigmoid" for one in options)
    assert any(one.captions > 1 for one in options)


@pytest.mark.parametrize("name", STEPS)
def test_a_question_is_one_that_notebooks_could_ask(name: str) -> None:
    asked: dict[str, Any] = dict(STEPS[name])
    kind = asked.pop("kind")
    for other in ("title", "caption"):
        assert asked.pop(other)
    asked |= {"name": f"predict-play-{name}", "figure": f"fig-play-{name}"}
    (predict.choice if kind == "choice" else predict.number)(**asked)
    html = extension.step_html(name, STEPS[name], KEPT[name], 10)
    (script,) = re.findall(r'<script type="application/json">(.*?)</script>', html)
    assert json.loads(script) == {**asked, "kind": kind}
    assert html.index('class="mindgap-predict"') < html.index(f'data-play="{name}"') < html.index("<figure")


def means(name: str, measure: str, step: int) -> float:
    at = KEPT[name]["marks"].index(step)
    values = [run[at] for run in KEPT[name]["runs"][measure]]
    return sum(values) / len(values)


def test_what_the_page_says_in_words_is_what_was_stored() -> None:
    """Every number of the story's captions and answers, to the digits with which it is said."""
    assert means("warm", "gap", 300) < 0.01
    assert means("warm", "recall", 100) == pytest.approx(0.3, abs=0.05)
    assert means("warm", "recall", 300) > 0.99
    found = KEPT["cold"]["found"]
    gaps = [one["gap"] for one in found]
    assert STEPS["cold"]["truth"] == round(sum(gaps) / len(gaps), 2)
    assert f"from {min(gaps):.2f} to {max(gaps):.2f}" in STEPS["cold"]["caption"]
    assert [round(means("cold", name, 1995), 2) for name in ("recall", "gap")] == [0.98, 0.27]
    assert means("cold", "loss", 1995) == pytest.approx(1.51, abs=0.006)
    assert round(means("cold", "recall", 2512), 2) == 0.87
    assert (means("cold", "gap", 2818), round(means("cold", "loss", 2818), 2)) == (pytest.approx(0, abs=1e-3), 0.26)
    assert 1 - means("cold", "loss", 2818) / means("cold", "loss", 1995) == pytest.approx(5 / 6, abs=0.01)
    assert round(sum(one["gap"] for one in KEPT["warm"]["found"]) / 10, 2) == 0.04
    assert "in the warm run it was 0.04" in STEPS["cold"]["caption"]
    assert STEPS["wide"]["truth"] == round(means("wide", "gap", 100), 2)
    assert [round(means("wide", "gap", step), 2) for step in (0, 100, 3000)] == [1.24, 1.15, 1.05]
    assert [round(means("wide", "loss", step), 3) for step in (100, 3000)] == [0.02, 0.001]
    assert round(means("wide", "loss", 0), 1) == 7.0
    assert means("wide", "recall", 13) == means("wide", "recall", 3000) == 1
    assert 1 - means("wide", "gap", 316) / means("wide", "gap", 0) == pytest.approx(0.1, abs=0.01)
    assert means("overshoot", "recall", 100) > 0.9
    late = [mark for mark in KEPT["overshoot"]["marks"] if 300 < mark <= 1000]
    assert [means("overshoot", "gap", mark) for mark in late] == pytest.approx([1.78] * len(late), abs=0.005)
    assert round(means("overshoot", "gap", 0), 2) == 1.87
    assert means("overshoot", "gap", 1000) == pytest.approx(1.78, abs=0.005)
    assert means("overshoot", "recall", 1000) < 0.35
    assert means("overshoot", "loss", 1000) == pytest.approx(2.6, abs=0.05)
    assert means("overshoot", "gap", 3000) == pytest.approx(1.46, abs=0.005)
    assert means("overshoot", "loss", 3000) < means("overshoot", "loss", 1000) / 2
    ends = [run[-1] - run[0] for run in KEPT["redrawn"]["runs"]["gap"]]
    assert min(ends) > 0
    assert (round(means("redrawn", "gap", 0), 2), round(means("redrawn", "gap", 3000), 2)) == (1.32, 1.45)
    assert means("redrawn", "recall", 3000) == pytest.approx(1 / 9, abs=0.015)
    assert round(means("captions", "gap", 3000), 2) == 0.08
    assert round(means("captions", "pair_distance", 3000), 2) == 0.20
    assert 1.386 < means("captions", "loss", 3000) < 1.392
    assert {round(run[-1], 3) for run in KEPT["sigmoid"]["runs"]["gap"]} == {1.195}
    assert means("sigmoid", "recall", 1000) > 0.95


def test_what_the_page_says_of_time_is_what_was_stored() -> None:
    """Warm, the gap closes in fewer steps, and in more of steps times τ."""
    closing = extension.stored("playground.json")["closing"]
    steps = {int(inverse): sum(found) / len(found) for inverse, found in closing.items()}
    assert (round(steps[1]), round(steps[30], -1)) == (142, 2560)
    assert [round(steps[inverse] / inverse) for inverse in (30, 10, 3, 1)] == [85, 90, 100, 142]
    assert "after 2,560 steps, warm after 142" in PAGE
    assert "it is 85 against 142 (90 at 1/10, 100 at 1/3)" in PAGE


def test_a_result_shows_the_least_and_the_largest_of_the_seeds() -> None:
    html = extension.step_html("cold", STEPS["cold"], KEPT["cold"], 10)
    values = [run[-1] for run in KEPT["cold"]["runs"]["loss"]]
    assert f"{sum(values) / 10:.2f} <small>{min(values):.2f} to {max(values):.2f}</small>" in html
    assert html.count("<polyline") == 20
    assert "{label}" not in html
