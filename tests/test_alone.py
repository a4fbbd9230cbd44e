"""A chapter alone: downloaded into an empty folder, with the package and nothing else, it runs from first to last cell.

What `make test` compares outputs with runs every notebook that way already (book/conftest.py), but leaves out the cells
of chapter 1 whose feature files are missing. Here these run without them, and the empty folder shows that it is empty.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from nbclient.exceptions import CellExecutionError

from book.notebooks import notebooks, run
from mindgap import results
from tests.notebooks import READ, TRANSFORMER, V4, loans, needs


def printed(*sources: str) -> str:
    """What cells print that run alone."""
    notebook = V4.new_notebook(cells=[V4.new_code_cell(source) for source in sources])
    run(notebook)
    return "".join(output.text for cell in notebook.cells for output in cell.outputs if output.output_type == "stream")


def test_alone_is_an_empty_folder_an_empty_home_and_no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINDGAP_DATA", "/somewhere")
    said = printed(
        "import os\nfrom pathlib import Path",
        "print(list(Path().iterdir()), list(Path.home().iterdir()), [k for k in os.environ if 'MINDGAP' in k])",
        "import importlib.util as u\nprint([name for name in ('mindgap', 'book', 'tests') if u.find_spec(name)])",
        "import mindgap\nprint(mindgap.results.path('cones.json').exists())",
    )
    assert said.splitlines() == ["[] [] ['MINDGAP_DEVICE']", "['mindgap']", "True"]


@pytest.mark.parametrize("source", [
    "open('data/cones.json')",
    "import urllib.request\nurllib.request.urlopen('https://192.0.2.1', timeout=1)",
    "import socket\nsocket.getaddrinfo('example.org', 443)",
    "from mindgap import load_pairs\nload_pairs('clasp', progress=False)",
])  # fmt: skip
def test_alone_there_is_no_other_file_and_no_network(source: str) -> None:
    with pytest.raises(CellExecutionError, match=r"No such file|unreachable|features_clasp\.npy is missing"):
        printed(source)


def test_chapter_1_runs_without_the_other_features() -> None:
    (path,) = (path for path in notebooks() if path.name.startswith("01_"))
    notebook = READ(path, as_version=4)
    used = {number for number, cell in enumerate(notebook.cells) if needs(cell)}
    for loan in reversed(list(loans(notebook.cells))):  # and the cells whose names they use
        used |= {loan.lender} if loan.user in used else set()
    notebook.cells = [notebook.cells[number] for number in sorted(used)]
    before = [[output.output_type for output in cell.outputs] for cell in notebook.cells]
    run(notebook)
    now = [[output.output_type for output in cell.outputs] for cell in notebook.cells]
    first = next(number for number, cell in enumerate(notebook.cells) if needs(cell))
    assert now == [*before[:first], ["stream", *before[first]], *before[first + 1 :]]
    line = notebook.cells[first].outputs[0].text
    assert re.fullmatch(r"Not here: clip_random, videoclip, .*, clasp_random\. `mindgap fetch` .*\n", line)
    assert "of 1" in str(notebook.cells[-1].outputs), "of the authors' sets, CLIP's is here"


def imported(cell: Any) -> set[str]:
    """The modules, and names from mindgap, that a cell imports."""
    found = set()
    for node in ast.walk(ast.parse(TRANSFORMER().transform_cell(cell.source))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.partition(".")[0], *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_what_misses_an_extra_is_first_met_in_mindgap_which_names_it(path: Path) -> None:
    """A package says only that it is missing; `mindgap.charts` and the small CLIP say how to get it."""
    behind = {"pandas": "mindgap.charts", "altair": "mindgap.charts", "torchvision": "clip", "open_clip": "clip"}
    met: set[str] = set()
    for cell in READ(path, as_version=4).cells:
        if cell.cell_type == "code":
            needed = imported(cell)
            assert {behind[name] for name in needed & set(behind)} <= met, cell.source
            met |= needed | ({"clip"} if 'load_pairs("mini"' in cell.source else set())


def test_a_stored_result_is_named_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert results.path("cones.json").read_bytes().startswith(b'{"recipe"')
    assert results.path("speed_cosines.csv").is_file()
    assert len(results.names()) == 23


@pytest.mark.parametrize(("name", "message"), [
    ("cone.json", r"^name: unknown name 'cone\.json'; did you mean 'cones\.json'"),
    ("sweep_temperature", r"did you mean 'sweep_temperature\.json'"),
    ("../recipe.py", r"^name: unknown name '../recipe\.py'; known: claims\.json, clip_random\.json, cones\.json"),
])  # fmt: skip
def test_an_unknown_result_is_one_clear_error(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        results.path(name)
