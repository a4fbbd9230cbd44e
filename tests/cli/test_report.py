"""`mindgap report`: a page or JSON; exit status 3 for what a check finds, 2 for what is no input; nothing half done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mindgap import load_pairs, metrics
from tests.cli.conftest import Invoke, assert_one_line


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    generator = np.random.default_rng(0)
    common = generator.normal(size=(60, 8))
    for name, offset in (("image", 1.0), ("text", -0.5)):
        np.save(tmp_path / f"{name}.npy", common + offset + 0.2 * generator.normal(size=(60, 8)))
    return str(tmp_path / "image.npy"), str(tmp_path / "text.npy")


def test_a_page(mindgap: Invoke, files: tuple[str, str], tmp_path: Path) -> None:
    out = tmp_path / "mine.html"
    ran = mindgap("report", *files, "-o", str(out), "--temperatures", ".05,1/10")
    assert ran.exit_code == 0
    assert f"{out}: 60 pairs, gap distance" in ran.stdout
    assert "landscape …" in ran.stderr
    text = out.read_text(encoding="utf-8")
    assert "1/20" in text
    assert "1/10" in text
    assert_one_line(mindgap("report", *files, "-o", str(out)), "exists already")
    assert out.read_text(encoding="utf-8") == text
    assert mindgap("report", *files, "-o", str(out), "--force", "--quiet", "--temperatures", "1").stderr == ""


def test_json(mindgap: Invoke, files: tuple[str, str], tmp_path: Path) -> None:
    ran = mindgap("report", *files, "--json", "--k", "3", "--temperatures", ".1")
    found = json.loads(ran.stdout)
    loaded = load_pairs(files)
    assert found["measures"] == metrics.report(loaded.x, loaded.y, 3)
    assert found["k"] == 3
    assert not list(tmp_path.glob("*.html"))


def test_the_exit_status_says_whether_a_check_has_failed(
    mindgap: Invoke, files: tuple[str, str], tmp_path: Path
) -> None:
    rows = np.load(files[1])
    np.save(files[1], np.roll(rows, 1, axis=0))
    ran = mindgap("report", *files, "--json", "--temperatures", ".1")
    assert ran.exit_code == 3
    assert json.loads(ran.stdout)["passed"] is False
    assert "check failed, rows in order" in ran.stderr
    out = tmp_path / "mine.html"
    assert mindgap("report", *files, "-o", str(out), "--temperatures", "10").exit_code == 3
    assert out.exists()


@pytest.mark.parametrize(("make", "words"), [
    (lambda rows: rows[:, :3], "expected the same"),
    (lambda rows: np.where(rows > 2, np.nan, rows), "text"),
    (lambda rows: (1e6 * rows).astype("f2"), "text"),
    (lambda rows: rows[:1], "text"),
])  # fmt: skip
def test_bad_files_leave_nothing_half_written(
    mindgap: Invoke, files: tuple[str, str], tmp_path: Path, make: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    with np.errstate(over="ignore"):
        np.save(files[1], make(np.load(files[1])))
    out = tmp_path / "mine.html"
    assert_one_line(mindgap("report", *files, "-o", str(out)), words)
    assert not out.exists()


def test_labels_and_groups(mindgap: Invoke, files: tuple[str, str], tmp_path: Path) -> None:
    names = tmp_path / "labels.txt"
    names.write_text("\n".join("dog" if i % 2 else "<cat>" for i in range(60)) + "\n")
    out = tmp_path / "mine.html"
    assert mindgap("report", *files, "-o", str(out), "--labels", str(names), "--temperatures", "1").exit_code == 0
    assert "&lt;cat&gt;" in out.read_text(encoding="utf-8")
    ran = mindgap("report", *files, "--json", "--groups", str(names), "--temperatures", "1")
    assert json.loads(ran.stdout)["measures"]["recall_chance_grouped"] == pytest.approx(0.5)
    names.write_text("dog\n")
    assert_one_line(mindgap("report", *files, "-o", str(out), "--force", "--labels", str(names)), "labels: expected 60")


def test_temperatures_that_are_none(mindgap: Invoke, files: tuple[str, str]) -> None:
    for words in ("a", ".1,,1", "1/0", "-1"):
        assert_one_line(mindgap("report", *files, "--json", "--temperatures", words), "temperatures: expected")
