"""`mindgap train`, driven as a user would."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mindgap import _unfinished, miniclip, training
from mindgap.recipe import Recipe
from mindgap.training import _steps
from tests.cli.conftest import Invoke, assert_one_line

SMALL = {"steps": 6, "batch-size": 16, "width": 16, "heads": 2, "layers": 1, "embed-dim": 8, "patch": 8}
TINY = [part for name, value in SMALL.items() for part in (f"--{name}", str(value))]
OTHER: dict[str, Any] = {  # each another value than the default
    "temperature": 0.05, "learn_temperature": True, "steps": 6, "batch_size": 16, "learning_rate": 0.001, "warmup": 3,
    "schedule": "constant",
    "weight_decay": 0.2, "width": 16, "layers": 1, "heads": 2, "embed_dim": 8, "patch": 8, "start": "mini",
    "modalities": "text-text", "objects": (1, 2), "scenes": 200, "drop": ("size", "place"), "mismatch": 0.1, "seed": 4,
    "cool_from": 0.3, "loss": "sigmoid", "shared": True,
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("few_held_out")


def words(name: str, value: Any) -> list[str]:
    """A field of the recipe as it is written at the command line."""
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        return [flag]
    if name == "drop":
        return [word for one in value for word in (flag, one)]
    return [flag, *map(str, value if isinstance(value, tuple) else [value])]


def test_every_field_of_the_recipe_can_be_given(mindgap: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Recipe] = []

    def train(recipe: Recipe, *_: Any, **__: Any) -> None:
        asked.append(recipe)
        raise ValueError("enough")

    monkeypatch.setattr(training, "train", train)
    assert OTHER.keys() == {field.name for field in fields(Recipe)}
    assert_one_line(mindgap("train", "out.safetensors"), "enough")
    for name, value in OTHER.items():
        assert_one_line(mindgap("train", "out.safetensors", *words(name, value)), "enough")
    assert asked == [Recipe(), *(replace(Recipe(), **{name: value}) for name, value in OTHER.items())]


def test_training_writes_the_model_it_was_asked_for(mindgap: Invoke, tmp_path: Path) -> None:
    result = mindgap("train", "out.safetensors", *TINY, "--temperature", "0.05", "--learn-temperature", "--seed", "4")
    assert result.exit_code == 0, result.output
    trained = miniclip.load(tmp_path / "out.safetensors")
    assert trained.recipe == Recipe(
        temperature=0.05, learn_temperature=True, seed=4, steps=6, batch_size=16, width=16, heads=2, layers=1,
        embed_dim=8, patch=8,
    )  # fmt: skip
    last = trained.history[-1]
    assert f"{last.gap:.3f} after" in result.stdout
    assert f"R@1 {last.image_to_text:.3f} image to text, {last.text_to_image:.3f} text to image" in result.stdout
    assert f"temperature {last.temperature:.4g}" in result.stdout
    assert re.search(r"out.safetensors: \d+ s,", result.stdout)
    assert result.stderr == ""  # a bar is for terminals


def test_a_finished_file_is_kept_unless_forced(mindgap: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"mine")
    assert_one_line(mindgap("train", "out.safetensors", *TINY), "exists already")
    assert out.read_bytes() == b"mine"
    assert mindgap("train", "out.safetensors", *TINY, "--force").exit_code == 0
    assert miniclip.load(out).recipe.steps == 6


def interrupt_at(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """As if the user pressed Ctrl-C at the beginning of a step."""
    rate = _steps.learning_rate

    def interrupted(recipe: Recipe, step: int) -> float:
        if step == at:
            raise KeyboardInterrupt
        return rate(recipe, step)

    monkeypatch.setattr(_steps, "learning_rate", interrupted)


def test_an_interrupted_run_is_resumed_and_says_so(
    mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        result = mindgap("train", "out.safetensors", *TINY, "--save-every", "2", "--quiet")
    assert result.exit_code == 130
    assert result.stderr == "interrupted; the same command goes on from unfinished-out.safetensors\n"

    other = mindgap("train", "out.safetensors", *TINY, "--seed", "1")
    assert_one_line(other, "another recipe (seed 0 there, 1 here)")

    resumed = mindgap("train", "out.safetensors", *TINY, "--quiet")
    assert resumed.exit_code == 0
    assert "resuming unfinished-out.safetensors at step 4 of 6" in resumed.stderr
    assert miniclip.load(tmp_path / "out.safetensors").history[-1].step == 6


def test_an_interruption_before_the_first_save_leaves_nothing(
    mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(monkeypatch, 2)
    result = mindgap("train", "out.safetensors", *TINY, "--quiet")
    assert (result.exit_code, result.stderr) == (130, "interrupted before anything was saved\n")
    assert not list(tmp_path.iterdir())


def test_force_replaces_an_unfinished_run_that_cannot_be_read(mindgap: Invoke, tmp_path: Path) -> None:
    kept = _unfinished.working_path(tmp_path / "out.safetensors")
    kept.write_bytes(b"torn")
    assert_one_line(mindgap("train", "out.safetensors", *TINY), "start over with force (--force)")
    assert kept.read_bytes() == b"torn"
    assert mindgap("train", "out.safetensors", *TINY, "--force").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--temperature", "0"], "temperature: expected a number above 0, got 0"),
        (["--start", "alinged"], "start: unknown name 'alinged'; did you mean 'aligned'?"),
        (["--objects", "1", "5"], "objects[1]: expected a whole number from 1 to 3, got 5"),
        (["--drop", "color"], "drop: unknown name 'color'; did you mean 'colour'?"),
        (["--device", "toaster"], "device: 'toaster' cannot be used here"),
        ([*TINY, "--learning-rate", "1e30"], "--learning-rate: the training has diverged by step"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    mindgap: Invoke, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert_one_line(mindgap("train", "out.safetensors", "--quiet", *arguments), message)
    assert not list(tmp_path.iterdir())


def test_a_variable_with_a_device_that_is_not_here_is_one_line(
    mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINDGAP_DEVICE", "toaster")
    assert_one_line(mindgap("train", "out.safetensors", *TINY), "MINDGAP_DEVICE: 'toaster' cannot be used here")
    assert mindgap("train", "out.safetensors", *TINY, "--device", "cpu", "--quiet").exit_code == 0


def test_help_tells_cost_and_defaults(mindgap: Invoke) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", mindgap("train", "--help").stdout)
    assert "minutes on two CPU cores" in text
    assert f"[default: {Recipe().steps}]" in text
    assert "--learn-temperature" in text
