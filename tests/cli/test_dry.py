"""`--dry-run`: what would be computed and written, with a time from a sample, and nothing done."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from mindgap import devices, training
from mindgap.cli import _dry
from mindgap.recipe import Recipe, SeedsRecipe
from tests.cli.conftest import Invoke, assert_one_line
from tests.tiny import tiny

TINY = "--batch-size 16 --width 16 --heads 2 --layers 1 --embed-dim 8 --patch 8".split()
CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("few_held_out")


@pytest.mark.parametrize(("words", "computed", "out"), [
    (["train", "mine.safetensors", *TINY, "--steps", "300"],
     "a small CLIP, 300 steps of 16 pairs at temperature 0.01, on cpu", "mine.safetensors"),
    (["sweep", "initialisation", "--seeds", "3", "--steps", "12"],
     "the experiment initialisation, 6 runs of 12 steps, on cpu", "sweep_initialisation.json"),
    (["cones", "--tower", "ViT-S-32-alt:text", "--inputs", "noise", "--seeds", "4", "--n", "30"],
     "4 seeds of ViT-S-32-alt:text on 30 inputs each of noise, on cpu", "cones.json"),
])  # fmt: skip
def test_it_says_what_where_and_how_long_and_writes_nothing(
    mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], computed: str, out: str
) -> None:
    monkeypatch.setenv(devices.VARIABLE, "cpu")
    result = mindgap(*words, "--dry-run")
    assert result.exit_code == 0, result.output
    what, where, how_long = result.stdout.splitlines()
    assert what == f"would compute: {computed}"
    assert where == f"would write: {out}, which is free"
    assert re.fullmatch(r"would take: about (a second|[\d.]+ (s|min|h)) here, by .*; nothing was written", how_long)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_not_free_is_told_and_left(mindgap: Invoke, tmp_path: Path) -> None:
    words = ["train", "mine.safetensors", *TINY, "--steps", "2", "--dry-run"]
    (tmp_path / "mine.safetensors").write_bytes(b"mine")
    (tmp_path / "taken.safetensors").mkdir()
    for more, said in (
        ([], "mine.safetensors, which is refused: 'mine.safetensors' exists already"),
        (["--force"], "mine.safetensors, in place of what is there"),
    ):
        result = mindgap(*words, *more)
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"would write: {said}" in result.stdout
    words[1] = "taken.safetensors"
    assert "which is refused: 'taken.safetensors' is a folder" in mindgap(*words).stdout
    words[1] = "nowhere/mine.safetensors"
    assert "which is refused: no folder 'nowhere'" in mindgap(*words).stdout
    assert (tmp_path / "mine.safetensors").read_bytes() == b"mine"
    words[1] = "mine.txt"
    assert_one_line(mindgap(*words), "OUT: expected a name ending in .safetensors")


def test_of_an_unfinished_run_only_the_rest_counts(mindgap: Invoke, tmp_path: Path) -> None:
    recipe = tiny(steps=12)
    training.train(recipe, tmp_path / "mine.safetensors", progress=False, watch=lambda _model, step, _m: step == 8)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    words = [*TINY, "--steps", "12", "--warmup", str(recipe.warmup)]
    result = mindgap("train", "mine.safetensors", *words, "--dry-run")
    assert "12 steps, of which 4 are left, of 16 pairs" in result.stdout, result.output
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


class Clock:
    """A clock that goes by what is computed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


def test_a_training_takes_its_steps_and_its_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    looks = {0, 1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100}

    def train(recipe: Recipe, watch: Any, **_: Any) -> None:
        clock.now += 5
        for step in range(recipe.steps + 1):
            clock.now += (2 if step else 0) + 3 * (step in looks) + 50 * (step == 1)  # the first one warms up
            if watch(None, step, None):
                return

    monkeypatch.setattr(training, "train", train)
    assert _dry.of_training(Recipe(steps=100), CPU) == 5 + 3 + 100 * 2 + 3 * 11
    assert _dry.of_training(Recipe(steps=100), CPU, first=60) == 5 + 3 + 40 * 2 + 3 * 2
    assert _dry.of_training(Recipe(steps=4), CPU) == 5 + 3 + 4 * 2 + 3 * 3 + 50, "all of it was tried"


def test_seeds_take_what_is_built_once_and_what_each_input_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def embed(_towers: Any, _seeds: Any, kind: str, n: int, *_: Any) -> Any:
        clock.now += 7 + n * (2 if kind == "noise" else 3)
        yield 0, {}

    monkeypatch.setattr("mindgap.towers.embed_seeds", embed)
    recipe = SeedsRecipe(seeds=5, n=40)
    assert _dry.of_seeds(recipe, CPU, {"noise": 5, "scenes": 2}) == 5 * (7 + 40 * 2) + 2 * (7 + 40 * 3)
    few = SeedsRecipe(seeds=5, n=10)
    assert _dry.of_seeds(few, CPU, {"noise": 5, "scenes": 0}) == 5 * (7 + 10 * 2)


@pytest.mark.parametrize(("seconds", "words"), [
    (0.2, "a second"), (3.14159, "3 s"), (42.3, "42 s"), (99.6, "100 s"), (101, "1.7 min"), (1234, "21 min"),
    (40_000, "11 h"), (9_000, "2.5 h"),
])  # fmt: skip
def test_a_time_is_no_more_exact_than_an_estimate_is(seconds: float, words: str) -> None:
    assert _dry.spoken(seconds) == words
