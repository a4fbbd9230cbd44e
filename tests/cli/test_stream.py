"""Commands over shards that are read a part at a time: the same numbers, and what is exact and what sampled is said."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from mindgap import load_pairs, metrics
from mindgap.cli import _sources
from tests.cli.conftest import Invoke, assert_one_line
from tests.stream.conftest import rows, write

LIGHT = ("--temperatures", ".1,1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "shards", *rows(600), [100, 450])


@pytest.fixture
def sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples that a test can draw from hundreds of rows."""
    from mindgap import report
    from mindgap.metrics import _sampled

    for name, value in {"EXACT": 80, "ASKED": 50, "SAMPLE": 40}.items():
        monkeypatch.setattr(_sampled, name, value)
    monkeypatch.setattr(metrics, "EXACT", 80)
    for name, value in {"MOST": 100, "SAMPLE": 40, "STRETCHES": 10, "STRETCH": 20}.items():
        monkeypatch.setattr(report, name, value)


def test_gap_is_that_of_rows_in_memory(mindgap: Invoke, folder: Path) -> None:
    found = json.loads(mindgap("gap", folder, "--stream", "--json", "--k", 2).stdout)
    expected = json.loads(mindgap("gap", folder, "--no-stream", "--json", "--k", 2).stdout)
    assert found.pop("streamed") == {"passes": 2}
    assert found.pop("source") == f"the shards in {folder}"
    expected.pop("source")
    for name in ("name", "modalities"):
        assert found.pop(name) == expected.pop(name)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.usefixtures("sampling")
def test_gap_says_what_is_of_all_rows_and_what_is_sampled(mindgap: Invoke, folder: Path) -> None:
    ran = mindgap("gap", folder, "--stream")
    assert (ran.exit_code, ran.stderr) == (0, ""), ran.output
    assert "600 pairs of image and text, d = 12; the shards in" in ran.stdout
    assert "read twice and never held" in ran.stdout
    before, after = ran.stdout.split("From samples, with 95 % intervals: ")
    assert "Of all rows:" in before
    assert "separable by a plane" in before
    assert "recall of 50 random rows among all 600" in after
    assert "uniformity of both" in after
    assert "--exact" not in ran.stdout


@pytest.mark.usefixtures("sampling")
def test_a_report_of_a_stream(mindgap: Invoke, folder: Path, tmp_path: Path) -> None:
    ran = mindgap("report", folder, "--stream", "-o", "mine.html", *LIGHT)
    assert ran.exit_code == 0, ran.output
    assert "mine.html: 600 pairs, gap distance" in ran.stdout
    page = (tmp_path / "mine.html").read_text(encoding="utf-8")
    assert "The rows were streamed" in page
    assert "are of 200 rows, in stretches that follow each other" in page
    assert "600 pairs of image and text" in page
    found = json.loads(mindgap("report", folder, "--stream", "--json", *LIGHT, "--quiet").stdout)
    assert (found["streamed"], found["looked_at"], found["sample"]) == (600, 200, 40)
    pairs = load_pairs(folder)
    expected = metrics.report(pairs.x.double(), pairs.y.double(), only=metrics.LINEAR)
    assert {name: found["measures"][name] for name in metrics.LINEAR} == pytest.approx(expected, abs=1e-9)
    (check,) = [one for one in found["checks"] if one["name"] == "more rows than dimensions"]
    assert check["found"].startswith("600 pairs")


@pytest.mark.usefixtures("sampling")
def test_a_report_of_a_stream_sees_rows_out_of_order(mindgap: Invoke, tmp_path: Path) -> None:
    x, y = rows(600)
    folder = write(tmp_path / "moved", x, np.roll(y, 2, axis=0), [200])
    ran = mindgap("report", folder, "--stream", "--json", *LIGHT)
    assert ran.exit_code == 3
    assert "check failed, rows in order" in ran.stderr


def test_a_landscape_of_a_stream(mindgap: Invoke, tmp_path: Path) -> None:
    folder = write(tmp_path / "few", *rows(150), [60])
    ran = mindgap("landscape", folder, "--rows", 50, *LIGHT)
    assert (ran.exit_code, ran.stderr) == (0, ""), ran.output
    assert "the loss of all 150 pairs in one batch, from 50 random rows of each side against all of the" in ran.stdout
    assert "its 95 % interval" in ran.stdout
    found = json.loads(mindgap("landscape", folder, "--rows", 150, *LIGHT, "--json").stdout)
    exact = json.loads(mindgap("landscape", folder, "--no-stream", *LIGHT, "--json").stdout)
    assert "exact" in found["quantity"]
    for name in ("distance", "image_to_text", "text_to_image"):
        np.testing.assert_allclose(found[name], exact[name], atol=1e-5)
    for one, other in zip(found["valleys"], exact["valleys"], strict=True):
        assert one["shift"] == pytest.approx(other["shift"], abs=1e-3)
        assert one["loss_half"] == 0
    line = mindgap("landscape", folder, "--stream", "--batch-size", 10, *LIGHT, "--csv").stdout
    (first, _) = csv.DictReader(io.StringIO(line))
    assert float(first["low"]) <= float(first["shift"]) <= float(first["high"])
    assert mindgap("landscape", folder, "--precision", 0.3, *LIGHT, "-o", "plot.html").exit_code == 0
    assert "vega" in (tmp_path / "plot.html").read_text(encoding="utf-8").lower()


def test_a_precision_that_is_not_reached_is_told(
    mindgap: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mindgap.stream import _landscape

    monkeypatch.setattr(_landscape, "MOST", 450)
    ran = mindgap("landscape", folder, "--precision", 0.001, *LIGHT)
    assert ran.exit_code == 0
    assert "450 rows, the most there may be, do not reach ± 0.001" in ran.stderr


def test_the_same_command_goes_on_from_its_state(mindgap: Invoke, folder: Path, tmp_path: Path) -> None:
    words = ("gap", folder, "--only", "gap_distance", "--state", "kept.safetensors", "--json")
    first = mindgap(*words)
    assert first.exit_code == 0, first.output
    assert (tmp_path / "kept.safetensors").exists()
    assert mindgap(*words).stdout == first.stdout
    said = "kept.safetensors: is of another run: k 1 there, 2 here"
    assert_one_line(mindgap(*words, "--k", 2), said)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "kept.safetensors", "kept.safetensors.rows",
    ]  # fmt: skip


def test_what_is_large_is_streamed_without_being_asked_to(
    mindgap: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("gap", folder, "clip", "--only", "gap_distance", "--json")
    assert not any("streamed" in one for one in json.loads(mindgap(*words).stdout))
    monkeypatch.setattr(_sources, "STREAMED", 600 * 12 * 8 - 1)
    one, other = json.loads(mindgap(*words).stdout)
    assert one["streamed"] == {"passes": 1}
    assert "streamed" not in other
    few = json.loads(mindgap("gap", folder, "--n", 50, "--only", "gap_distance", "--json").stdout)
    assert few["pairs"] == 50


@pytest.mark.parametrize(("words", "said"), [
    (["gap", "clip", "--stream"], "SOURCE: expected .npy files to stream"),
    (["gap", "shards", "--stream", "--n", 50], "--stream and --n: expected one of them"),
    (["gap", "shards", "--no-stream", "--state", "x.safetensors"], "--state and --no-stream: expected one of them"),
    (["gap", "shards", "clip", "--state", "x.safetensors"], "--state: expected one source, got 2"),
    (["landscape", "shards", "--rows", 10], "rows: expected a whole number from 30 to 600, got 10"),
    (["landscape", "shards", "--rows", 50, "--precision", 0.1], "precision: expected it or rows, got both"),
    (["report", "shards", "--stream", "--json", "--labels", "x.txt"], "--stream and --labels: expected one of them"),
    (["gap", "shards", "--state", "kept.txt"], "expected a name ending in .safetensors"),
])  # fmt: skip
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_is_one_line(mindgap: Invoke, words: list[str], said: str) -> None:
    assert_one_line(mindgap(*words), said)
