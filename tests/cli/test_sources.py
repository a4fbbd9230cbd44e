"""One way to name embeddings: every command reads the same words as the same sources."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mindgap import load_pairs, miniclip
from tests.cli.conftest import Invoke, assert_one_line


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    """A side in image.npy and text.npy, both in pairs.npz and stack.npy, shards, a model."""
    generator = np.random.default_rng(0)
    x, y = (generator.normal(size=(60, 20)).astype("f4") + offset for offset in (1, -1))
    np.save(tmp_path / "image.npy", x)
    np.save(tmp_path / "text.npy", y)
    np.savez(tmp_path / "pairs.npz", image=x, text=y)
    np.save(tmp_path / "stack.npy", np.stack([x, y]))
    for side, rows in (("img_emb", x), ("text_emb", y)):
        (tmp_path / "shards" / side).mkdir(parents=True)
        np.save(tmp_path / "shards" / side / f"{side}_0.npy", rows)
    shutil.copy(miniclip.checkpoint(), tmp_path / "mine.safetensors")


def gaps(mindgap: Invoke, *words: Any) -> list[dict[str, Any]]:
    ran = mindgap("gap", *words, "--json", "--only", "gap_distance")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize(
    "words", [["image.npy", "text.npy"], ["image.npy,text.npy"], ["pairs.npz"], ["stack.npy"], ["shards"]]
)
def test_one_source_in_every_form(mindgap: Invoke, words: Sequence[str]) -> None:
    (one,) = gaps(mindgap, *words)
    (pair,) = gaps(mindgap, "image.npy", "text.npy")
    assert one["gap_distance"] == pair["gap_distance"]


def test_two_files_with_both_sides_are_two_sources(mindgap: Invoke) -> None:
    found = gaps(mindgap, "pairs.npz", "stack.npy")
    assert [one["name"] for one in found] == ["pairs.npz", "stack.npy"]
    assert gaps(mindgap, "clip", "image.npy,text.npy", "shards", "--n", 10)[2]["pairs"] == 10


def test_a_model_stands_for_what_it_makes_of_scenes(mindgap: Invoke) -> None:
    first, second = gaps(mindgap, "mine.safetensors", "mini", "--n", 20, "--seed", 3)
    assert first["gap_distance"] == second["gap_distance"]
    assert "seed 3" in first["source"]


def test_the_same_options_reach_every_source(mindgap: Invoke) -> None:
    (one,) = gaps(mindgap, "clip", "--n", 50, "--device", "cpu")
    assert (one["pairs"], one["name"]) == (50, load_pairs("clip").name)
    assert_one_line(mindgap("gap", "clip", "--n", 501), "n: expected a whole number from 2 to 500, got 501")
    assert_one_line(mindgap("gap", "clip", "--data", "x"), "data: 'clip' takes no such option")
    assert_one_line(mindgap("gap", "open_clip:ViT-B-32/openai"), "data: expected your captioned images")
    assert_one_line(mindgap("gap", "clip", "--device", "toaster"), "device: 'toaster' cannot be used here")


@pytest.mark.parametrize(("words", "said"), [
    (["clip", "clpi"], "did you mean 'clip'"), (["image.npy", "absent.npy"], "absent.npy: no such file"),
    (["clip", "image.npy"], "image.npy: expected both sides"), (["image.npy"], "image.npy: expected both sides"),
    (["image.npy", "text.npy", "clip"], "two files go with a comma"), ([""], "got an empty one"),
    (["~nobody-of-this-name/x.npy"], "'~nobody-of-this-name/x.npy' names no folder"),
])  # fmt: skip
def test_what_names_nothing_is_told_before_anything_is_read(mindgap: Invoke, words: list[str], said: str) -> None:
    assert_one_line(mindgap("gap", *words), said)


@pytest.mark.parametrize("words", [["report", "--json"], ["shift", "--by", ".5", "-o", "x.npz"]])
def test_commands_of_one_source_take_no_two(mindgap: Invoke, tmp_path: Path, words: list[str]) -> None:
    assert_one_line(mindgap(*words, "clip", "mini"), f"{words[0]} takes one source, got 2: clip, mini")
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.filterwarnings("default")
def test_exchanged_rows_and_columns_are_noticed(mindgap: Invoke, tmp_path: Path) -> None:
    for name in ("image", "text"):
        rows = np.load(tmp_path / f"{name}.npy")
        np.save(tmp_path / f"turned_{name}.npy", (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T.copy())
    ran = mindgap("gap", "turned_image.npy", "turned_text.npy", "--only", "gap_distance")
    assert ran.exit_code == 0
    assert "warning: turned_image.npy" in ran.stderr
    assert "transposed" in ran.stderr


@pytest.mark.filterwarnings("default")
def test_missing_shards_are_noticed(mindgap: Invoke, tmp_path: Path) -> None:
    for side in ("img_emb", "text_emb"):
        shutil.copy(tmp_path / "shards" / side / f"{side}_0.npy", tmp_path / "shards" / side / f"{side}_2.npy")
    ran = mindgap("gap", "shards", "--only", "gap_distance")
    assert "warning: shards: no shards 1 on either side" in ran.stderr
