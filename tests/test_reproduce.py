"""The page on reproducing Figure 3 and Table 1: its commands are ones that there are, and its Python runs."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

from mindgap import claims, cli, load_pairs
from mindgap.claims import _reproduced, _shift
from mindgap.embedding._sources import listed
from mindgap.landscape import TEMPERATURES
from tests.embedding import drawn

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book/appendix/reproduce.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line.split() for kind, text in BLOCKS if kind == "bash" for line in text.replace("\\\n", "").splitlines()]
FIGURE, CIFAR = (text for kind, text in BLOCKS if kind == "python")


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "mindgap"], ids=" ".join)
def test_commands_are_ones_that_there_are(words: list[str]) -> None:
    command = get_command(cli.app).commands[words[1]]  # type: ignore[attr-defined]
    with command.make_context(words[1], words[2:]):  # fails for an option or a number of words that it does not take
        pass


def test_the_folders_are_those_that_the_ledger_looks_for() -> None:
    outs = {words[words.index("--out") + 1] for words in COMMANDS if "--out" in words}
    assert outs == {f"results/{name}" for name in (*_reproduced.COCO, *_reproduced.CIFAR)}
    decided = {one.id for one in claims.CLAIMS if one.needs}
    assert set(re.findall(r"\{claim\}`([\w-]+)`", PAGE)) == decided


def test_figures_of_the_paper_are_those_of_the_ledger() -> None:
    rows = dict(re.findall(r"^\| (?:best distance )?at (1(?:/\d+)?) \| (?:about )?(0\.\d+) \|", PAGE, re.MULTILINE))
    assert {name: float(value) for name, value in rows.items()} == {
        f"1/{1 / t:.0f}" if t < 1 else "1": value for t, value in _shift.READ.items()
    }
    for name, (before, after) in _reproduced.ACCURACY.items():
        row = f"| {name.upper().replace('CIFAR', 'CIFAR-')} | {before} | | {after} | | |"
        assert row in PAGE


def test_the_figure_is_computed_as_the_ledger_computes_it(tmp_path: Path) -> None:
    """On the authors' 500 pairs: the same best distances as the claim finds."""
    pairs = load_pairs("clip")
    drawn.folder_of(tmp_path / "results/coco", pairs.x, pairs.y, ["a caption"] * 500, "ViT-B-16")
    ran = subprocess.run([sys.executable, "-c", FIGURE], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    numbers = claims.check("shift-temperature-coco", tmp_path / "results").numbers
    first, *others = ran.stdout.splitlines()
    assert first == "gap 0.85"
    assert [line.rpartition(" ")[2] for line in others[: len(TEMPERATURES)]] == [f"{one.value:.2f}" for one in numbers]
    assert [line.partition(":")[0] for line in others[len(TEMPERATURES) :]] == [
        "global minimum", "barrier", "back to back",
    ]  # fmt: skip


@pytest.mark.parametrize("labels", [1, 2])
def test_cifars_binary_format_becomes_captioned_images(tmp_path: Path, labels: int) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (5, 3, 32, 32), np.uint8)
    fine = np.array([2, 0, 1, 2, 2], np.uint8)
    heads = [np.full(5, 1, np.uint8), fine][-labels:]
    np.concatenate([np.stack(heads, axis=1), pixels.reshape(5, -1)], axis=1).tofile(tmp_path / "test.bin")
    (tmp_path / "names.txt").write_text("apple\naquarium_fish\nbaby\n\n")
    (tmp_path / "cifar.py").write_text(CIFAR)
    subprocess.run([sys.executable, "cifar.py", "test.bin", "names.txt", "out"], cwd=tmp_path, check=True)
    with (tmp_path / "out/captions.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["image", "caption"]
    names = ("apple", "aquarium fish", "baby")
    assert [caption for _, caption in rows] == [f"a photo of a {names[number]}." for number in fine]
    assert [item.captions for item in listed(tmp_path / "out", None, "first").items] == [(text,) for _, text in rows]
    for (image, _), expected in zip(rows, pixels, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / image)), expected.transpose(1, 2, 0))
