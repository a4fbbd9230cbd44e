"""`mindgap gap`, driven as a user would."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mindgap import load_pairs, metrics
from mindgap.metrics import _spread
from tests.cli.conftest import Invoke, assert_one_line

LIGHT = {"pandas", "altair", "ipywidgets", "anywidget", "matplotlib"}
CLIP = {"open_clip", "torchvision", "timm", "transformers", "huggingface_hub"}


def write_pairs(folder: Path) -> tuple[str, str]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 20)).astype("f4")
    np.save(folder / "image.npy", x + 1)
    np.save(folder / "text.npy", x + generator.normal(size=x.shape).astype("f4") - 1)
    return "image.npy", "text.npy"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Sixty pairs in twenty dimensions, and a gap."""
    return write_pairs(tmp_path)


def test_the_table_has_every_measure_of_the_report(mindgap: Invoke, tmp_path: Path, files: tuple[str, str]) -> None:
    result = mindgap("gap", ",".join(files), "--k", 2)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert result.stdout.startswith("image.npy,text.npy: 60 pairs of image and text, d = 20; rows of ")
    loaded = load_pairs((tmp_path / files[0], tmp_path / files[1]))
    expected = metrics.report(loaded.x.double(), loaded.y.double(), k=2)
    for label, name in {
        "gap distance": "gap_distance", "mean cosine within text": "mean_cosine_y", "R@2, image to text": "recall_xy",
        "R@2 by chance": "recall_chance", "effective rank of image": "effective_rank_x", "alignment": "alignment",
    }.items():  # fmt: skip
        (row,) = [line for line in result.stdout.splitlines() if f" {label} – {metrics.MEANINGS[name][:9]}" in line]
        assert float(row.split()[1]) == pytest.approx(expected[name], abs=5.1e-5), label
    numbers = [line for line in result.stdout.splitlines() if line.startswith("│ ") and line.split()[1] != "│"]
    assert len(numbers) == len(expected) - 4 - 3  # without those in words, and the grouped
    assert "grouped" not in result.stdout


def test_two_files_are_one_source(mindgap: Invoke, files: tuple[str, str]) -> None:
    assert mindgap("gap", *files).stdout == mindgap("gap", ",".join(files)).stdout


def test_json_has_all_digits_of_all_measures(mindgap: Invoke, tmp_path: Path, files: tuple[str, str]) -> None:
    result = mindgap("gap", *files, "--json", "--k", 3)
    found = json.loads(result.stdout)
    loaded = load_pairs((tmp_path / files[0], tmp_path / files[1]))
    about = {"name": "image.npy,text.npy", "source": found["source"], "modalities": ["image", "text"], "k": 3}
    assert found == {**about, **metrics.report(loaded.x.double(), loaded.y.double(), k=3)}
    assert "image.npy" in found["source"]


def test_only_what_is_asked_for_is_computed(
    mindgap: Invoke, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_spread, "uniformity", lambda *_: pytest.fail("computed what nobody asked for"))
    found = json.loads(mindgap("gap", *files, "--only", "gap_distance", "--json").stdout)
    assert list(found)[4:] == ["pairs", "dimension", "distinct_x", "distinct_y", "gap_distance"]
    assert_one_line(mindgap("gap", *files, "--only", "gap_distanse"), "did you mean 'gap_distance'")


def test_repeated_rows_are_told_and_recall_is_given_by_groups_too(mindgap: Invoke, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    images = np.repeat(generator.normal(size=(30, 16)), 5, axis=0)
    np.save(tmp_path / "image.npy", images.astype("f4"))
    np.save(tmp_path / "text.npy", (images + 0.5 * generator.normal(size=images.shape)).astype("f4"))
    result = mindgap("gap", "image.npy,text.npy")
    assert "30 distinct image rows among 150." in result.stdout
    assert "text rows" not in result.stdout
    cells = [line.split("│") for line in result.stdout.splitlines() if "│" in line]
    lines = {cell[2].partition(" – ")[0].strip(): cell[1] for cell in cells}
    assert float(lines["R@1, image to text"]) < 0.3 < 0.9 < float(lines["R@1, image to text, grouped"])
    assert float(lines["R@1 by chance, grouped"]) == pytest.approx(5 / 150, abs=1e-4)


def test_there_is_no_negative_zero(mindgap: Invoke, tmp_path: Path) -> None:
    corners = np.concatenate([np.eye(4), -np.eye(4)]).astype("f4")
    np.save(tmp_path / "x.npy", corners)
    np.save(tmp_path / "y.npy", corners[::-1].copy() + np.float32(1e-6))
    assert "-0.0000" not in mindgap("gap", "x.npy,y.npy").stdout


@pytest.mark.parametrize(("words", "said"), [
    (["clpi"], "did you mean 'clip'"), (["absent.npy,text.npy"], "absent.npy: no such file"),
    (["image.npy,text.npy", "--k", 61], "k: expected a whole number from 1 to 60, got 61"),
    (["image.npy", "wide.npy"], "wide.npy"),
])  # fmt: skip
def test_errors_are_one_line(
    mindgap: Invoke, tmp_path: Path, files: tuple[str, str], words: list[str], said: str
) -> None:
    np.save(tmp_path / "wide.npy", np.ones((60, 21), "f4"))
    assert_one_line(mindgap("gap", *words), said)


CALLS = """
import contextlib, sys
from mindgap.cli import main
for source in ("image.npy,text.npy", "mini"):
    sys.argv = ["mindgap", "gap", source]
    with contextlib.suppress(SystemExit):
        main()
    print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    """The top-level modules that a new interpreter has loaded after the user's own files, and then after `mini`."""
    folder = tmp_path_factory.mktemp("own")
    write_pairs(folder)
    ran = subprocess.run([sys.executable, "-c", CALLS], cwd=folder, capture_output=True, text=True)
    assert ran.stdout.count("│") > 40, ran.stderr
    return [{name.partition(".")[0] for name in line.split()} for line in ran.stderr.splitlines()]


def test_your_own_files_load_neither_charts_nor_open_clip(loaded: list[set[str]]) -> None:
    own, _ = loaded
    assert "torch" in own
    assert not own & (LIGHT | CLIP)


def test_the_small_clip_loads_no_tables_and_no_charts(loaded: list[set[str]]) -> None:
    _, both = loaded
    assert "open_clip" in both
    assert not both & LIGHT


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line(mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mindgap import _errors, pairs

    def load(*_: object, **__: object) -> pairs.PairedEmbeddings:
        _errors.warn("shard 3 is missing [on both sides]")
        return pairs.PairedEmbeddings(torch.eye(3), torch.eye(3), "mine", ("image", "text"), "nowhere")

    monkeypatch.setattr(pairs, "load_pairs", load)
    result = mindgap("gap", "clip", "--only", "gap_distance")
    assert result.exit_code == 0
    assert result.stderr == "warning: shard 3 is missing [on both sides]\n"


def test_several_sources_make_one_table(mindgap: Invoke, files: tuple[str, str]) -> None:
    result = mindgap("gap", "clip", ",".join(files), "--n", 50)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    clip, own = (
        next(line.split() for line in result.stdout.splitlines() if line.startswith(f" {name}"))
        for name in ("clip ", "image.npy")
    )
    pairs = load_pairs("clip").take(50)
    assert clip[1:3] == ["50", "512"]
    assert own[1:3] == ["50", "20"]
    assert float(clip[3]) == pytest.approx(
        metrics.report(pairs.x, pairs.y, only=["gap_distance"])["gap_distance"], abs=6e-4
    )


def test_csv_has_a_row_a_source_and_a_file_has_the_same(
    mindgap: Invoke, tmp_path: Path, files: tuple[str, str]
) -> None:
    words = ("gap", "clip", ",".join(files), "--only", "gap_distance", "--only", "recall_xy")
    printed = mindgap(*words, "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["name"] for row in rows] == ["clip", "image.npy,text.npy"]
    assert float(rows[0]["recall_xy"]) == pytest.approx(0.552)
    assert mindgap(*words, "-o", "found.csv").exit_code == 0
    assert (tmp_path / "found.csv").read_text() == printed
    assert mindgap(*words, "-o", "found.json").exit_code == 0
    assert [one["gap_distance"] for one in json.loads((tmp_path / "found.json").read_text())] == [
        float(row["gap_distance"]) for row in rows
    ]
    assert_one_line(mindgap(*words, "-o", "found.json"), "'found.json' exists already")
    assert_one_line(mindgap(*words, "--csv", "-o", "found.json", "--force"), "--csv and --output: expected one of them")


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """More rows than are taken exactly, where that are few."""
    from mindgap.metrics import _sampled

    for name, value in {"EXACT": 80, "ASKED": 50, "SAMPLE": 20}.items():
        monkeypatch.setattr(_sampled, name, value)
    monkeypatch.setattr(metrics, "EXACT", 80)
    generator = np.random.default_rng(2)
    x = generator.normal(size=(200, 8)).astype("f4")
    np.save(tmp_path / "image.npy", x + 1)
    np.save(tmp_path / "text.npy", x + generator.normal(size=x.shape).astype("f4"))
    return "image.npy", "text.npy"


def test_of_many_rows_what_costs_their_square_is_sampled_and_said_to_be(
    mindgap: Invoke, tmp_path: Path, many: tuple[str, str]
) -> None:
    result = mindgap("gap", *many)
    assert result.exit_code == 0, result.output
    assert "From samples, with 95 % intervals" in result.stdout
    assert "recall of 50 random rows among all 200" in result.stdout
    found = json.loads(mindgap("gap", *many, "--json", "--seed", 4).stdout)
    one = found["sampled"]["recall_xy"]
    assert one["low"] <= found["recall_xy"] <= one["high"]
    assert (one["rows"], one["gallery"]) == (50, 200)
    assert set(found["sampled"]) == set(metrics.MEASURES) - set(metrics.LINEAR)
    loaded = load_pairs((tmp_path / many[0], tmp_path / many[1]))
    expected = metrics.report(loaded.x.double(), loaded.y.double())
    for name in metrics.LINEAR:
        assert found[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-6), name
    (row,) = csv.DictReader(io.StringIO(mindgap("gap", *many, "--csv", "--seed", 4).stdout))
    assert float(row["recall_xy_low"]) == one["low"]
    exact = json.loads(mindgap("gap", *many, "--json", "--exact").stdout)
    assert "sampled" not in exact
    assert exact["recall_xy"] == expected["recall_xy"]
