"""The table of what was skipped, from reports to the last line of `make test`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import FILE, Skip, table

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.skip(reason="needs a GPU")
def test_one(): ...

def test_two():
    pytest.skip("needs the features: b.npy is missing")

def test_three():
    pytest.skip("needs the features: c.npy is missing\\nand more lines")

def test_four(): ...
"""


def test_equal_reasons_are_one_line_and_the_most_come_first() -> None:
    skips = [Skip("needs a GPU", "a.py"), *(Skip("no site: run `make book`", f"{name}.py") for name in "bccde")]
    assert table(skips) == [
        "5  no site: run `make book`  c.py, b.py, and 2 more",
        "1  needs a GPU               a.py",
    ]


def test_what_follows_the_colon_is_left_out_where_it_differs() -> None:
    assert table([Skip("no file: x", "a.py"), Skip("no file: y", "a.py")]) == ["2  no file  a.py"]
    assert table([]) == []


def pytest_run(folder: Path, record: Path) -> str:
    (folder / "conftest.py").write_text("from tests.skips import pytest_terminal_summary  # noqa: F401\n")
    (folder / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    environment = {**os.environ, FILE: str(record)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_runs_say_what_they_skipped_alone_and_together(tmp_path: Path) -> None:
    record = tmp_path / "skips.jsonl"
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        lines = pytest_run(folder, record).splitlines()
        assert "2  needs the features  test_some.py" in lines
        assert "1  needs a GPU         test_some.py" in lines
        assert lines[-1].startswith("1 passed, 3 skipped"), "pytest has the last word"
    command = [sys.executable, "-m", "tests.skips", str(record)]
    together = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert together.splitlines()[1:] == ["4  needs the features  test_some.py", "2  needs a GPU         test_some.py"]


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_skipped_is_said_too(tmp_path: Path, text: str | None) -> None:
    record = tmp_path / "skips.jsonl"
    if text is not None:
        record.write_text(text)
    command = [sys.executable, "-m", "tests.skips", str(record)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout == "Nothing was skipped.\n"
