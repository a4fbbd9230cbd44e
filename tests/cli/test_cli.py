"""The command, driven as a user would."""

import re

import pytest
from typer.testing import CliRunner

from mindgap import cli, miniclip, training
from mindgap.recipe import Recipe
from mindgap.training import _steps

SMALL = {"steps": 6, "batch-size": 16, "width": 16, "heads": 2, "layers": 1, "embed-dim": 8, "patch": 8}
TINY = [part for name, value in SMALL.items() for part in (f"--{name}", str(value))]

pytestmark = pytest.mark.usefixtures("few_held_out")


@pytest.fixture
def mindgap(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli.app, ["train", *arguments])


def test_training_writes_the_model_it_was_asked_for(mindgap, tmp_path):
    result = mindgap(
        "out.safetensors", *TINY, "--temperature", "0.05", "--learn-temperature", "--seed", "4", "--objects", "1", "2",
        "--drop", "size", "--drop", "place", "--mismatch", "0.1", "--scenes", "100", "--start", "aligned",
        "--learning-rate", "0.001", "--warmup", "3", "--weight-decay", "0.2",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert miniclip.load(tmp_path / "out.safetensors").recipe == Recipe(
        temperature=0.05, learn_temperature=True, seed=4, objects=(1, 2), drop=("size", "place"), mismatch=0.1,
        scenes=100, start="aligned", learning_rate=0.001, warmup=3, weight_decay=0.2, steps=6, batch_size=16,
        width=16, heads=2, layers=1, embed_dim=8, patch=8,
    )  # fmt: skip
    last = miniclip.load(tmp_path / "out.safetensors").history[-1]
    assert f"{last.gap:.3f} after" in result.stdout
    assert f"R@1 {last.image_to_text:.3f} image to text, {last.text_to_image:.3f} text to image" in result.stdout
    assert f"temperature {last.temperature:.4g}" in result.stdout
    assert re.search(r"out.safetensors: \d+ s,", result.stdout)
    assert "6/6" in result.stderr  # the progress bar
    assert "6/6" not in result.stdout


def test_the_defaults_are_those_of_the_recipe(mindgap, monkeypatch):
    asked = []

    def train(recipe, *_, **__):
        asked.append(recipe)
        raise ValueError("enough")

    monkeypatch.setattr(training, "train", train)
    assert mindgap("out.safetensors").exit_code == 2
    assert asked == [Recipe()]


def test_a_finished_file_is_kept_unless_forced(mindgap, tmp_path):
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"mine")
    result = mindgap("out.safetensors", *TINY)
    assert result.exit_code == 2
    assert out.read_bytes() == b"mine"
    assert result.stderr.count("\n") == 1
    assert "exists already" in result.stderr
    assert mindgap("out.safetensors", *TINY, "--force").exit_code == 0
    assert miniclip.load(out).recipe.steps == 6


def test_an_interrupted_run_is_resumed_and_says_so(mindgap, tmp_path, monkeypatch):
    rate = _steps.learning_rate

    def interrupted(recipe, step):
        if step == 5:
            raise KeyboardInterrupt
        return rate(recipe, step)

    with monkeypatch.context() as patch:
        patch.setattr(_steps, "learning_rate", interrupted)
        result = mindgap("out.safetensors", *TINY, "--save-every", "2", "--quiet")
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr

    other = mindgap("out.safetensors", *TINY, "--seed", "1")
    assert other.exit_code == 2
    assert "another recipe (seed 0 there, 1 here)" in other.stderr
    assert other.stderr.count("\n") == 1

    resumed = mindgap("out.safetensors", *TINY, "--quiet")
    assert resumed.exit_code == 0
    assert "resuming unfinished-out.safetensors at step 4 of 6" in resumed.stderr
    assert miniclip.load(tmp_path / "out.safetensors").history[-1].step == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["out.bin"], "path: expected a name ending in .safetensors"),
        (["absent/out.safetensors"], "path: no folder 'absent'"),
        (["out.safetensors", "--temperature", "0"], "temperature: expected a number above 0, got 0"),
        (["out.safetensors", "--start", "alinged"], "start: unknown name 'alinged'; did you mean 'aligned'?"),
        (["out.safetensors", "--objects", "1", "5"], "objects[1]: expected a whole number from 1 to 3, got 5"),
        (["out.safetensors", "--drop", "color"], "drop: unknown name 'color'; did you mean 'colour'?"),
        (["out.safetensors", "--device", "toaster"], "device: 'toaster' cannot be used here"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(mindgap, tmp_path, arguments, message):
    result = mindgap(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_tells_cost_and_defaults(mindgap):
    result = mindgap("--help")
    assert result.exit_code == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    assert "minutes on two CPU cores" in text
    assert f"[default: {Recipe().steps}]" in text
    assert "--learn-temperature" in text
