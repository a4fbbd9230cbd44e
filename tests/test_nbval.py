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
RULES = """
import book.conftest
from book.conftest import *
real = book.conftest.features_reason
book.conftest.features_reason = lambda names: None if "clasp" in names else real(names)
book.conftest.DEAR, book.conftest.TOO_DEAR = 0.3, 1.5
"""
WORK = "import time\nwhile time.process_time() - start < {}: pass"


def three_cells(path: Path, needed: str) -> None:
    """A notebook whose middle cell needs a feature file, and has an output that it will never print."""
    needy: dict[str, Any] = {"mindgap": {"needs": [needed]}}
    write(path, [("x = 1", None, {}), ("print(x)", "2\n", needy), ("print(x)", "1\n", {})])


def live_cells(path: Path) -> None:
    live: dict[str, Any] = {"tags": ["nbval-skip", "skip-execution"]}
    write(path, [("print('alive')", None, live), ("1 / 0", None, live)])
    notebook = READ(path, as_version=4)
    for cell in notebook.cells:
        cell.execution_count = None  # as `make execute` leaves it
    WRITE(notebook, path)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What nbval prints of five notebooks with the book's rules; of the features, clasp alone is taken to be here."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "conftest.py").write_text(RULES)
    three_cells(folder / "missing.ipynb", "convirt")
    three_cells(folder / "here.ipynb", "clasp")
    live_cells(folder / "live.ipynb")
    company = "import importlib.util, os\nprint(os.listdir(), importlib.util.find_spec('book'))"
    write(folder / "company.ipynb", [(company, "[] None\n", {})])
    start, waits = "import time\nstart = time.process_time()", "time.sleep(3)"  # which costs nothing
    work = (start, WORK.format(0.5), waits, WORK.format(2.5))
    write(folder / "work.ipynb", [(source, None, {}) for source in work])
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    variables = {name: value for name, value in os.environ.items() if name != FILE}
    run = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        cwd=ROOT, env={**variables, **NOWHERE, "MINDGAP_CACHE": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    assert not run.stderr, run.stderr
    assert run.returncode == 1, run.stdout
    return run.stdout


def outcomes(said: str, name: str) -> list[str]:
    """What became of each cell of a notebook."""
    found = re.findall(rf"{name}\W+ipynb::Cell (\d+) (PASSED|FAILED|SKIPPED)", said)
    assert [int(number) for number, _ in found] == list(range(len(found))), said
    return [what.lower() for _, what in found]


def test_only_the_cell_whose_features_are_missing_is_skipped(said: str) -> None:
    assert outcomes(said, "missing") == ["passed", "skipped", "passed"], said
    assert "needs the authors' features: features_convirt.npy" in said


def test_where_the_features_are_the_cell_is_compared(said: str) -> None:
    assert outcomes(said, "here") == ["passed", "failed", "passed"], said


def test_a_live_explorer_is_built_and_compared_with_nothing(said: str) -> None:
    assert outcomes(said, "live") == ["passed", "failed"], said


def test_a_notebook_has_no_company(said: str) -> None:
    """Neither the files beside it nor the repository are there when it is proved."""
    assert outcomes(said, "company") == ["passed"], said


def test_cells_are_listed_by_what_they_use_and_none_may_use_too_much(said: str) -> None:
    assert outcomes(said, "work") == ["passed", "passed", "passed", "failed"], said
    assert re.search(r"took 2 seconds of processor time, more than 1.5", said)
    listed = re.findall(r"^ +\d\.\d  (\w+)\.ipynb::Cell (\d)(  \(more than 0.3\))?$", said, re.MULTILINE)
    assert [(name, int(number), bool(dear)) for name, number, dear in listed[:2]] == [
        ("work", 3, True),
        ("work", 1, True),
    ]
    assert all(not dear for _, _, dear in listed[2:])
