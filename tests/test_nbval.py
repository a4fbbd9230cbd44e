"""How the book's conftest.py has nbval treat a notebook: what runs, what is skipped, what is too expensive."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import READ, WRITE, write
from tests.skips import FILE

ROOT = Path(__file__).parents[1]
NOWHERE = {"MINDGAP_DATA": "", "MINDGAP_URL": "http://127.0.0.1:9/"}  # nothing listens there


def nbval(notebook: Path, preface: str = "", **environment: str) -> tuple[int, str]:
    """Run nbval on one notebook with the book's rules: its exit code and what it prints."""
    (notebook.parent / "conftest.py").write_text(f"from book.conftest import *\n{preface}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    variables = {name: value for name, value in os.environ.items() if name != FILE}
    run = subprocess.run(
        [*command, "--rootdir", str(notebook.parent), str(notebook)],
        cwd=ROOT, env=variables | environment, capture_output=True, text=True,
    )  # fmt: skip
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout


def outcomes(text: str) -> dict[str, int]:
    return {what: int(count) for count, what in re.findall(r"(\d+) (passed|failed|skipped)", text.splitlines()[-1])}


@pytest.fixture
def three_cells(tmp_path: Path) -> Path:
    """A notebook whose middle cell needs a feature file, and has an output that it will never print."""
    needy: dict[str, Any] = {"mindgap": {"needs": ["convirt"]}}
    return write(tmp_path / "book.ipynb", [("x = 1", None, {}), ("print(x)", "2\n", needy), ("print(x)", "1\n", {})])


def test_only_the_cell_whose_features_are_missing_is_skipped(three_cells: Path, tmp_path: Path) -> None:
    code, text = nbval(three_cells, **NOWHERE, MINDGAP_CACHE=str(tmp_path))
    assert outcomes(text) == {"passed": 2, "skipped": 1}, text
    assert code == 0
    assert "needs the authors' features: features_convirt.npy" in text


def test_where_the_features_are_the_cell_is_compared(three_cells: Path) -> None:
    code, text = nbval(three_cells, "import book.conftest\nbook.conftest.features_reason = lambda names: None")
    assert outcomes(text) == {"passed": 2, "failed": 1}, text
    assert code == 1


def test_a_live_explorer_is_built_and_compared_with_nothing(tmp_path: Path) -> None:
    live: dict[str, Any] = {"tags": ["nbval-skip", "skip-execution"]}
    path = write(tmp_path / "book.ipynb", [("print('alive')", None, live), ("1 / 0", None, live)])
    notebook = READ(path, as_version=4)
    for cell in notebook.cells:
        cell.execution_count = None  # as `make execute` leaves it
    WRITE(notebook, path)
    _, text = nbval(path)
    assert outcomes(text) == {"passed": 1, "failed": 1}, text


def test_a_notebook_has_no_company(tmp_path: Path) -> None:
    """Neither the files beside it nor the repository are there when it is proved."""
    (tmp_path / "beside.txt").touch()
    source = "import importlib.util, os\nprint(os.listdir(), importlib.util.find_spec('book'))"
    _, text = nbval(write(tmp_path / "book.ipynb", [(source, "[] None\n", {})]))
    assert outcomes(text) == {"passed": 1}, text


WORK = "import time\nwhile time.process_time() - start < {}: pass"


def test_cells_are_listed_by_what_they_use_and_none_may_use_too_much(tmp_path: Path) -> None:
    start = "import time\nstart = time.process_time()"
    waits = "time.sleep(3)"  # which costs nothing
    cells: list[tuple[str, None, dict[str, Any]]] = [
        (source, None, {}) for source in (start, WORK.format(0.5), waits, WORK.format(2.5))
    ]
    limits = "import book.conftest\nbook.conftest.DEAR, book.conftest.TOO_DEAR = 0.3, 1.5"
    code, text = nbval(write(tmp_path / "book.ipynb", cells), limits)
    assert code == 1
    assert outcomes(text) == {"passed": 3, "failed": 1}, text
    assert re.search(r"took 2 seconds of processor time, more than 1.5", text)
    listed = re.findall(r"^ +\d\.\d  book.ipynb::Cell (\d)(  \(more than 0.3\))?$", text, re.MULTILINE)
    assert [(int(number), bool(dear)) for number, dear in listed[:2]] == [(3, True), (1, True)]
    assert all(not dear for _, dear in listed[2:])
