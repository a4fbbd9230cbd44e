"""The coursework: what its notebooks must be, and that the machinery gives nobody a mark who has not earned it."""

from __future__ import annotations

import base64
import csv
import dataclasses
import json
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import build
import marks
from autograding import HERE, SEED_LINE, STUDENT, Assignment, Part, nbgrader, release
from build import ORDER, Trial, names, selftest
from grade import grade_folder, moment
from grading import Result, grade
from handing_in import Handed, find_submissions, number_of
from lms import fill
from marks import criteria, open_course
from packing import pack
from submissions import Submission, enough, leaks, solved, submissions

SOURCES = {name: nbformat.read(HERE / "source" / name / f"{name}.ipynb", as_version=4) for name in names()}
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)


def held(cell: NotebookNode) -> dict[str, Any]:
    return cell.metadata.get("nbgrader", {})


# The notebooks of the five assignments


def test_every_assignment_has_its_place_in_the_course() -> None:
    assert set(SOURCES) <= set(ORDER)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_a_clean_notebook(name: str) -> None:
    notebook = SOURCES[name]
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count is None
            assert cell.outputs == []


@pytest.mark.parametrize("name", SOURCES)
def test_graded_cells_are_named_once_and_worth_something(name: str) -> None:
    cells = [cell for cell in SOURCES[name].cells if held(cell)]
    ids = [held(cell)["grade_id"] for cell in cells]
    assert len(ids) == len(set(ids))
    for cell in cells:
        assert held(cell)["schema_version"] == 3
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", held(cell)["grade_id"])
        assert cell.id == held(cell)["grade_id"]
        if held(cell)["grade"]:
            assert held(cell)["points"] > 0
    assert sum(held(cell).get("points", 0) for cell in cells) >= 20


SETTINGS = {"number"}  # the student's number: nothing to test, and the next cell says if it is missing


@pytest.mark.parametrize("name", SOURCES)
def test_every_solution_in_code_is_followed_by_a_test(name: str) -> None:
    untested = None
    for cell in SOURCES[name].cells:
        if cell.cell_type != "code" or not held(cell) or cell.id in SETTINGS:
            continue
        if held(cell)["solution"] and not held(cell)["grade"]:
            assert untested is None, f"{untested} has no test before {cell.id}"
            assert "### BEGIN SOLUTION" in cell.source
            untested = cell.id
        elif held(cell)["grade"]:
            assert held(cell)["locked"] or held(cell)["solution"]
            untested = None
    assert untested is None


@pytest.mark.parametrize("name", SOURCES)
def test_every_hidden_test_begins_with_the_seed(name: str) -> None:
    blocks = [block for cell in SOURCES[name].cells for block in HIDDEN.findall(cell.source)]
    assert blocks
    for block in blocks:
        assert SEED_LINE.match(block), block
    everything = "\n".join(cell.source for cell in SOURCES[name].cells)
    assert len(SEED_LINE.findall(everything)) == len(blocks), "the seed belongs in hidden tests only"


@pytest.mark.parametrize("name", SOURCES)
def test_wrong_submissions_are_many_and_cost_something(name: str) -> None:
    wrong = yaml.safe_load((HERE / "wrong" / f"{name}.yml").read_text(encoding="utf-8"))
    assert len(wrong) >= 5
    assert len({entry["name"] for entry in wrong}) == len(wrong)
    text = json.dumps(wrong)
    assert '"blank": true' in text
    assert '"delete": true' in text or "check." in text
    for entry in wrong:
        assert 0 in entry["marks"].values(), entry["name"]


# The machinery, on an assignment that needs neither torch nor time


def cell(kind: str, name: str, source: str, **nbgrader: Any) -> NotebookNode:
    made = (new_code_cell if kind == "code" else new_markdown_cell)(source, id=name)
    defaults = dict.fromkeys(["grade", "solution", "locked", "task"], False)
    made.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, **defaults, **nbgrader}
    return made


def write_toy(folder: Path) -> Path:
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Twice", id="title"),
            cell(
                "code",
                "double",
                "def double(x):\n    ### BEGIN SOLUTION\n    return x + x  # the sum\n    ### END SOLUTION",
                solution=True,
            ),
            cell(
                "code",
                "test-double",
                "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nseed = 20261  # hidden\nimport random\n\n"
                "number = random.Random(seed).random()\nassert double(number) == 2 * number\n### END HIDDEN TESTS",
                grade=True,
                locked=True,
                points=3,
            ),
            cell("markdown", "why", "Because 2 is 1 + 1.", grade=True, solution=True, points=2),
        ]
    )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = NotebookNode(kernelspec=kernel, language_info={"name": "python"})
    (folder / "toy").mkdir(parents=True)
    (folder / "toy" / "data.csv").write_text("a,b\n")
    nbformat.write(notebook, folder / "toy" / "toy.ipynb")
    return folder


WRONG: dict[str, dict[str, Any]] = {
    "hard-coded": {"double": "double = lambda x: 4"},
    "blank": {"double": {"blank": True}},
    "test edited": {"double": "double = lambda x: 4", "test-double": "assert True"},
    "test deleted": {"test-double": {"delete": True}},
    "helper replaced": {
        "double": "import random\nrandom.Random = lambda seed: type('R', (), {'random': lambda self: 0})()\n"
        "double = lambda x: 4"
    },
    "mark displayed": {
        "double": "import sys\ndef double(x):\n    sys.displayhook(3.0)\n    return 2 * x if x == 2 else 0"
    },
    "asserts dropped": {
        "double": "import ast\nclass Drop(ast.NodeTransformer):\n    visit_Assert = lambda self, node: ast.Pass()\n"
        "get_ipython().ast_transformers.append(Drop())"
    },
    "marks forged": {
        "double": "import json, os, pathlib\nfor up in pathlib.Path.cwd().parents[:4]:\n"
        "    (up / 'marks.json').write_text(json.dumps({'test-double': 3, 'why': 2}))\nos._exit(0)"
    },
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Assignment:
    """Released as from an environment that is not activated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.defpath)
        return release("toy", tmp_path_factory.mktemp("course") / "toy", seed=77, sources=sources)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Path:
    """The course folder of a grading that has just begun, to be copied."""
    course = tmp_path_factory.mktemp("opened") / "marks"
    open_course("toy", course, 77, sources)
    return course


def changed(assignment: Assignment, path: Path, **cells: str) -> Handed:
    """The solution with other sources in some cells, as a file."""
    notebook = solved(assignment)
    for one in notebook.cells:
        one.source = cells.get(one.id, one.source)
    nbformat.write(notebook, path)
    return Handed(path)


def inserted(assignment: Assignment, path: Path, source: str, at: int) -> Handed:
    """The solution with one cell more, as a file."""
    notebook = solved(assignment)
    notebook.cells.insert(at, new_code_cell(source, id="own"))
    nbformat.write(notebook, path)
    return Handed(path)


def test_the_release_hides_and_the_source_knows_the_new_seed(toy: Assignment) -> None:
    assert toy.parts == (Part("test-double", 3, False), Part("why", 2, True))
    assert leaks(toy) == []
    text = toy.release.read_text()
    assert 'raise NotImplementedError(\\"write this\\")' in text
    assert "YOUR ANSWER HERE" in text
    assert "seed = 77  # hidden" in toy.source.read_text()
    assert "the sum" not in text
    assert "random" not in text


def test_a_release_that_shows_a_solution_is_found(toy: Assignment, tmp_path: Path) -> None:
    copied = dataclasses.replace(toy, course=tmp_path)
    for path in (toy.source, toy.release):
        there = tmp_path / path.relative_to(toy.course)
        there.parent.mkdir(parents=True)
        there.write_bytes(path.read_bytes())
    notebook = nbformat.read(copied.release, as_version=4)
    notebook.cells[0].source += "\n\nassert double(number) == 2 * number"
    notebook.cells[2].source += "\n# seen"
    notebook.cells[2].metadata["editable"] = True
    nbformat.write(notebook, copied.release)
    found = "\n".join(leaks(copied))
    assert "assert double(number) == 2 * number" in found
    assert "test-double: the checksum does not fit" in found
    assert "test-double: not locked" in found


def test_an_unknown_assignment_is_named_with_those_there_are(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no assignment 'tou'; there are toy"):
        release("tou", tmp_path / "course", sources=sources)


def test_a_wrong_submission_of_a_cell_that_does_not_exist_is_refused(toy: Assignment, tmp_path: Path) -> None:
    (tmp_path / "toy.yml").write_text("- {name: slip, cells: {doubel: {blank: true}}, marks: {test-double: 0}}")
    with pytest.raises(ValueError, match=r"toy.yml: slip: no cell 'doubel'; there are title, double"):
        submissions(toy, tmp_path)
    (tmp_path / "toy.yml").write_text("- {name: slip, cells: {double: {blank: true}}, marks: {tset: 0}}")
    with pytest.raises(ValueError, match="marks for tset"):
        submissions(toy, tmp_path)


@pytest.mark.parametrize("name", SOURCES)
def test_few_wrong_submissions_are_enough_to_fail_every_test_once(name: str) -> None:
    entries = yaml.safe_load((HERE / "wrong" / f"{name}.yml").read_text(encoding="utf-8"))
    full: dict[str, float | None] = {
        part: 1.0 for entry in entries for part, mark in entry["marks"].items() if mark is not None
    }
    blank: dict[str, float | None] = dict.fromkeys(full, 0.0)
    found = [
        Submission(name, label, new_notebook(), marks) for label, marks in (("solution", full), ("release", blank))
    ]
    found += [Submission(name, entry["name"], new_notebook(), {**full, **entry["marks"]}) for entry in entries]
    chosen = enough(found)
    assert [one.label for one in chosen[:2]] == ["solution", "release"]
    lost = {part for one in chosen[2:] for part in full if one.marks[part] != full[part]}
    assert lost == {part for one in found[2:] for part in full if one.marks[part] != full[part]}
    assert len(chosen) < len(found)


@pytest.mark.parametrize("apart", [False, True])
def test_what_has_neither_a_cell_nor_a_mark_in_common_is_handed_in_as_one(
    toy: Assignment, tmp_path: Path, apart: bool
) -> None:
    slip = {"double": "double = lambda x: 4", "test-double": {"delete": True}, **({"why": "So."} if apart else {})}
    listed = [
        {"name": "slip", "cells": slip, "marks": {"test-double": 0}},
        {"name": "no word", "cells": {"why": {"blank": True}}, "marks": {"why": 0}},
    ]
    (tmp_path / "toy.yml").write_text(yaml.safe_dump(listed))
    found = submissions(toy, tmp_path)
    _, _, *chosen = enough(found)
    if apart:
        assert chosen == found[2:]
    else:
        (both,) = chosen
        assert both.label == "slip; no word"
        assert both.marks == {"test-double": 0, "why": 0}
        sources = {one.id: one.source for one in both.notebook.cells}
        assert list(sources) == ["title", "double", "why"]
        assert (sources["double"], sources["why"]) == ("double = lambda x: 4", "YOUR ANSWER HERE")
    assert solved(toy).cells == found[0].notebook.cells, "as it was"


def test_nobody_gets_a_mark_who_has_not_earned_it(toy: Assignment, tmp_path: Path) -> None:
    listed = [{"name": name, "cells": cells, "marks": {"test-double": 0}} for name, cells in WRONG.items()]
    noisy = "import sys\ndef double(x):\n    print('slow', file=sys.stderr)\n    return 2 * x"
    listed.append({"name": "right, with a warning", "cells": {"double": noisy}, "marks": {"test-double": 3}})
    (tmp_path / "toy.yml").write_text(yaml.safe_dump(listed))
    trials = {one.submission.label: one for one in selftest([toy], tmp_path, jobs=2, wrong=tmp_path)}
    assert list(trials)[:2] == ["solution", "release"]
    forged = trials.pop("marks forged")
    assert forged.result.status == "partly graded; the kernel died in double"
    assert forged.result.marks == {"test-double": None, "why": None}
    assert {label: one.differences for label, one in trials.items()} == {label: [] for label in trials}
    too_much = dataclasses.replace(trials["blank"].submission, marks={"test-double": 3.0})
    assert Trial(too_much, trials["blank"].result).differences == ["test-double: expected 3, got 0"]
    assert trials["test deleted"].result.missing == ("test-double",)
    assert all(one.result.seconds > 0 for one in trials.values())


def test_a_difference_is_told_in_words_and_slowness_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    submission = Submission("toy", "slip", new_notebook(), {"test-double": 3.0, "why": None})
    result = Result({"test-double": 0.0, "why": 2.0}, "timed out after 9 s", 9.0, (), tmp_path)
    assert Trial(submission, result).differences == [
        "timed out after 9 s",
        "test-double: expected 3, got 0",
        "why: expected to be marked by hand, got 2",
    ]
    slow = Trial(submission, Result(submission.marks, "graded", 99.0, (), tmp_path))
    assert build.report([slow])
    assert "more than 60 s of processor time: toy, slip" in capsys.readouterr().out


LIMITS = {"cell_seconds": 0.5, "notebook_seconds": 4}
SLOW = """import time
def double(x):
    while True:  # busy, and then it lets go
        try:
            sum(range(100_000))
        except KeyboardInterrupt:
            return 2 * x"""


def test_what_takes_too_long_is_stopped_and_costs_only_itself(toy: Assignment, tmp_path: Path) -> None:
    own = "while True:\n    pass"
    deaf = f"import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n{own}"
    child = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while 1: 0'])"
    files = {
        "in a test": changed(toy, tmp_path / "1.ipynb", double=SLOW),
        "in an own cell": inserted(toy, tmp_path / "2.ipynb", own, at=2),
        "for good": inserted(toy, tmp_path / "3.ipynb", deaf, at=2),
        "for good, last": inserted(toy, tmp_path / "4.ipynb", deaf, at=4),
        "waits, not busy": inserted(toy, tmp_path / "5.ipynb", "import time\ntime.sleep(2)", at=2),
        "in processes": inserted(toy, tmp_path / "6.ipynb", child, at=2),
        "deletes": changed(
            toy,
            tmp_path / "7.ipynb",
            double="import pathlib, shutil\nshutil.rmtree(pathlib.Path.cwd().parents[2], ignore_errors=True)",
        ),
    }
    results = dict(grade(files.items(), toy, tmp_path, jobs=2, limits=LIMITS))
    told = {label: (result.marks["test-double"], result.status) for label, result in results.items()}
    ended = "partly graded; the notebook was stopped after 4 s of processor time, in cell 3"
    assert told.pop("deletes")[0] != 3
    assert told == {
        "in a test": (0, "graded; test-double interrupted after 0.5 s of processor time"),
        "in an own cell": (3, "graded; cell 3 interrupted after 0.5 s of processor time"),
        "for good": (None, ended),
        "for good, last": (3, ended.replace("partly graded", "graded").replace("cell 3", "cell 5")),
        "waits, not busy": (3, "graded"),
        "in processes": (3, "graded; cell 3 interrupted after 0.5 s of processor time"),
    }
    assert {result.marks["why"] for result in results.values()} == {None}


def test_a_process_that_hangs_is_ended(toy: Assignment, tmp_path: Path) -> None:
    (label, result), *rest = grade([("any", changed(toy, tmp_path / "any.ipynb"))], toy, tmp_path, hang=0.1)
    assert (label, result.status, rest) == ("any", "timed out after 0.1 s", [])
    assert result.marks == {"test-double": None, "why": None}


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_folder_is_graded_into_a_table_and_goes_on_where_it_was(
    toy: Assignment, sources: Path, tmp_path: Path
) -> None:
    from nbgrader.api import Gradebook

    handed_in, table = tmp_path / "handed in", tmp_path / "marks.csv"
    (handed_in / "Ada B").mkdir(parents=True)
    (handed_in / "dora").mkdir()
    changed(toy, handed_in / "Ada B" / "toy.ipynb")
    changed(toy, handed_in / "bob.ipynb", double="double = lambda x: 4")
    (handed_in / "carl.ipynb").write_text("not a notebook")

    options: dict[str, Any] = {"seed": 77, "sources": sources}
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 3, "kept": 1}
    rows = read_table(table)
    assert list(rows[0]) == [
        "student",
        "test-double",
        "why",
        "total",
        "max",
        "to mark by hand",
        "seconds",
        "look at",
        "status",
    ]
    marks = {row["student"]: list(row.values())[1:6] for row in rows}
    assert marks == {
        "Ada B": ["3", "", "3", "5", "2"],
        "bob": ["0", "", "0", "5", "2"],
        "carl": ["", "", "0", "5", "5"],
        "dora": ["", "", "0", "5", "5"],
    }
    status = {row["student"]: row["status"] for row in rows}
    assert status["Ada B"] == "graded"
    page = (tmp_path / "marks" / "feedback" / "bob" / "toy" / "toy.html").read_text(encoding="utf-8")
    assert "AssertionError" in page
    assert "More tests ran here" in page
    assert not re.search("HIDDEN TESTS|Random|hidden</|= 77", page), "what is hidden stays hidden in the feedback"
    assert status["carl"] == "crashed: the file is no notebook, or not a whole one"
    assert status["dora"] == "no notebook toy.ipynb"
    pages = {name: tmp_path / "marks" / "feedback" / name / "toy" / "toy.html" for name in status}
    assert status["carl"] in pages["carl"].read_text(encoding="utf-8")
    assert status["dora"] in pages["dora"].read_text(encoding="utf-8")
    assert "What happened" not in pages["Ada B"].read_text(encoding="utf-8")

    before = table.read_bytes()
    with pytest.raises(FileExistsError, match="--force"):
        grade_folder("toy", handed_in, table, **options)
    assert table.read_bytes() == before

    # A mark by hand, and bob hands in again: he is graded, carl is tried once more, and the mark stays.
    with Gradebook(f"sqlite:///{tmp_path}/marks/gradebook.db", "mindgap") as book:
        cells = {grade.name: grade for grade in book.find_submission_notebook("toy", "toy", "Ada B").grades}
        cells["why"].manual_score = 1.5
        book.db.commit()
    changed(toy, handed_in / "bob.ipynb")
    assert grade_folder("toy", handed_in, table, force=True, **options) == {"graded": 2, "kept": 2}
    again = {row["student"]: row for row in read_table(table)}
    assert (again["Ada B"]["total"], again["Ada B"]["to mark by hand"]) == ("4.5", "0")
    assert again["bob"]["total"] == "3"

    # An interrupted run has no table yet, and keeps what it has.
    table.unlink()
    (handed_in / "carl.ipynb").unlink()
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 0, "kept": 3}
    with pytest.raises(ValueError, match="another assignment, seed or version"):
        grade_folder("toy", handed_in, table, force=True, **{**options, "seed": 78})


READS = "import pathlib\ndef double(x):\n    return 2 * x if pathlib.Path('toy_results.csv').is_file() else 0"


def test_a_table_goes_to_the_student_in_whose_folder_it_lies(
    toy: Assignment, opened: Path, sources: Path, tmp_path: Path
) -> None:
    handed_in, table = tmp_path / "handed in", tmp_path / "marks.csv"
    shutil.copytree(opened, tmp_path / "marks")
    for name in ("ada", "bob/toy", "carl"):
        (handed_in / name).mkdir(parents=True)
    for place in ("ada/toy", "bob/toy/toy", "carl/toy", "dora"):
        changed(toy, handed_in / f"{place}.ipynb", double=READS)
    for place in ("ada", "bob/toy", "."):
        (handed_in / place / "toy_results.csv").write_text("a,b\n")
    options: dict[str, Any] = {"seed": 77, "sources": sources, "force": True}
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 4, "kept": 0}
    marks = {row["student"]: row["test-double"] for row in read_table(table)}
    assert marks == {"ada": "3", "bob": "3", "carl": "0", "dora": "0"}
    assert (tmp_path / "marks" / "submitted" / "ada" / "toy" / "toy_results.csv").is_file()

    # A table that comes late counts.
    (handed_in / "carl" / "toy_results.csv").write_text("a,b\n")
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 1, "kept": 3}
    assert {row["student"]: row["test-double"] for row in read_table(table)} == marks | {"carl": "3"}


def copied(notebook: NotebookNode, name: str, first: str, second: str) -> None:
    """Split a cell as JupyterLab does, or copy it: both parts keep its metadata."""
    at = next(i for i, one in enumerate(notebook.cells) if one.id == name)
    notebook.cells[at].source = first
    notebook.cells.insert(at + 1, new_code_cell(second, id="other", metadata=notebook.cells[at].metadata))


def test_slips_with_cells_and_files_cost_nothing_but_themselves(toy: Assignment, tmp_path: Path) -> None:
    right = "def double(x):\n    return 2 * x"
    test = next(one.source for one in solved(toy).cells if one.id == "test-double")
    split, twice, lost, again, calls = (solved(toy) for _ in range(5))
    copied(split, "double", "two = 2", right.replace("2", "two"))
    copied(twice, "test-double", test, "1 / 0")
    for one in lost.cells:
        one.metadata.pop("nbgrader", None)
    again.cells.append(again.cells[0].copy())  # with its id, and the file begins with a byte-order mark
    calls.cells.insert(1, new_code_cell("exit()", id="exit"))
    calls.cells.insert(1, new_code_cell("import sys\nsys.exit(1)", id="leave"))
    files: dict[str, Path] = {}
    for label, notebook in {"split": split, "twice": twice, "lost": lost, "again": again, "exit()": calls}.items():
        files[label] = tmp_path / f"{len(files)}.ipynb"
        files[label].write_text(json.dumps(notebook), encoding="utf-8-sig" if label == "again" else "utf-8")
    results = dict(grade({label: Handed(path) for label, path in files.items()}.items(), toy, tmp_path))
    assert {label: result.marks for label, result in results.items()} == {
        label: {"test-double": 3, "why": None} for label in files
    }
    more = "is there more than once, copied or split; the first of them counts"
    assert {label: result.status for label, result in results.items()} == {
        "split": f"graded; double {more}",
        "twice": f"graded; test-double {more}",
        "lost": "graded; 3 cells had lost what names them and were found again",
        "again": "graded",
        "exit()": "graded",
    }


def feedback_of(result: Result, assignment: Assignment) -> str:
    """The page that a student would get."""
    assert nbgrader(result.folder, "generate_feedback", assignment.name) == ""
    page = result.folder / "feedback" / STUDENT / assignment.name / f"{assignment.name}.html"
    return page.read_text(encoding="utf-8")


CHART = """import json
from IPython.display import display
rows = [{"gap": 0.82, "model": "CLIP"}, {"gap": 0.5, "model": "another"}]
axes = {"x": {"field": "gap", "type": "quantitative"}, "y": {"field": "model", "type": "nominal"}}
for data in ({"values": rows}, {"url": "http://127.0.0.1:9/elsewhere.csv"}):
    display({"application/vnd.vegalite.v5+json": {"data": data, "mark": "bar", "encoding": axes},
             "text/plain": "A chart.", "text/html": "<b>fetched</b>"}, raw=True)
display({"application/vnd.vegalite.v5+json": {"mark": "no such mark"}, "text/plain": "Not a chart."}, raw=True)"""


BEHIND = """import subprocess
shell = get_ipython()
print(shell.history_manager.input_hist_raw)
print(*shell.history_manager.input_hist_raw, sep="\\n")
subprocess.Popen("sleep 98765.25 & exit", shell=True, start_new_session=True)
print("x" * 5_000_000)"""


@pytest.fixture(scope="module")
def busy(toy: Assignment, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, str]:
    """A solution with charts in its fourth cell and a look behind the tests in its last, graded, and its feedback."""
    folder, notebook = tmp_path_factory.mktemp("busy"), solved(toy)
    notebook.cells.insert(3, new_code_cell(CHART, id="charts"))
    notebook.cells.append(new_code_cell(BEHIND, id="own"))
    nbformat.write(notebook, folder / "any.ipynb")
    ((_, result),) = grade([("any", Handed(folder / "any.ipynb"))], toy, folder)
    return result, feedback_of(result, toy)


def test_figures_are_seen_in_the_feedback_and_by_the_formgrader(busy: tuple[Result, str]) -> None:
    result, page = busy
    (drawn,) = re.findall(r'<img [^>]*src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert ">another<" in base64.b64decode(drawn).decode()
    assert "<pre>Not a chart.</pre>" in page
    assert "<b>fetched</b>" not in page
    graded = nbformat.read(result.folder / "autograded" / "student" / "toy" / "toy.ipynb", as_version=4)
    assert "another" in graded.cells[3].outputs[0].data["image/svg+xml"]
    assert result.status == "graded"


def test_what_reaches_behind_the_tests_is_seen_and_gains_nothing(busy: tuple[Result, str]) -> None:
    result, page = busy
    assert result.look == ("subprocess in cell 6", "get_ipython in cell 6", "history_manager in cell 6")
    assert (result.marks["test-double"], result.status) == (3, "graded")
    assert "[a line of the tests]" in page
    assert "Random(seed)" not in page
    assert "assert double(2) == 4" in page, "the visible test"
    graded = nbformat.read(result.folder / "autograded" / "student" / "toy" / "toy.ipynb", as_version=4)
    assert len(json.dumps(graded.cells[5].outputs)) < 3_000_000
    if sys.platform == "linux":
        assert not [
            one for one in psutil.process_iter(["cmdline"]) if "98765.25" in " ".join(one.info.get("cmdline") or [])
        ]


def test_what_did_not_run_is_left_to_a_person(toy: Assignment, opened: Path, sources: Path, tmp_path: Path) -> None:
    handed_in, table = tmp_path / "handed in", tmp_path / "marks.csv"
    shutil.copytree(opened, tmp_path / "marks")
    handed_in.mkdir()
    changed(toy, handed_in / "ada.ipynb", double="import os\nos._exit(0)")
    options: dict[str, Any] = {"seed": 77, "sources": sources, "force": True}
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 1, "kept": 0}
    (row,) = read_table(table)
    assert (row["test-double"], row["why"], row["to mark by hand"]) == ("", "", "5")
    assert row["status"] == "partly graded; the kernel died in double"
    page = (tmp_path / "marks" / "feedback" / "ada" / "toy" / "toy.html").read_text(encoding="utf-8")
    assert "What happened when this notebook was graded" in page
    assert "test-double: did not run: the kernel died in double" in page


def test_submissions_are_found_as_files_and_folders(tmp_path: Path) -> None:
    folders = ["bob/toy", "carl/toy/toy", "dora/my toy", "eve/1", "eve/2", "fay/toy", "fay/toy (1)", "gus/toy", "gus/a"]
    for path in ["ada.ipynb", *(f"{place}.ipynb" for place in folders)]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = find_submissions(tmp_path, "toy")
    assert {name: handed if isinstance(handed, str) else handed.path.name for name, handed in found.items()} == {
        "ada": "ada.ipynb",
        "bob": "toy.ipynb",
        "carl": "toy.ipynb",
        "dora": "my toy.ipynb",
        "eve": "several notebooks, leave one: eve/1.ipynb, eve/2.ipynb",
        "fay": "several notebooks, leave one: fay/toy (1).ipynb, fay/toy.ipynb",
        "gus": "toy.ipynb",
    }
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "toy.ipynb").touch()
    assert find_submissions(tmp_path, "toy")["ada"] == "two submissions, a file and a folder"
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find_submissions(tmp_path / "nowhere", "toy")


def test_what_canvas_and_moodle_hand_out_is_told_apart_by_student(tmp_path: Path) -> None:
    flat = [
        "doejane_123_4567_toy.ipynb",
        "doejane_123_4568_toy_results-1.csv",
        "leebo_LATE_124_4569_toy-2.ipynb",
        "Ann de Vries_501_assignsubmission_file_toy.ipynb",
        "Ben Ok_502_assignsubmission_file_/toy.ipynb",
        "J. Poe_504_assignsubmission_file_/toy.ipynb",
        "Ben Ok_502_assignsubmission_file_/toy_results.csv",
        "Cy_503_assignsubmission_file/notes.txt",
    ]
    for place in flat:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    found = find_submissions(tmp_path, "toy")
    files = {name: list(one.files) if isinstance(one, Handed) else one for name, one in found.items()}
    assert files == {
        "Ann de Vries_501": [],
        "Ben Ok_502": ["toy_results.csv"],
        "Cy_503": "no notebook toy.ipynb",
        "J. Poe_504": [],
        "doejane_123": ["toy_results.csv"],
        "leebo_124": [],
    }
    assert [number_of(student) for student in files] == ["501", "502", "503", "504", "123", "124"]
    assert number_of("ada") == ""
    places = {one.place for one in found.values() if isinstance(one, Handed)}
    assert "Ben Ok_502_assignsubmission_file_/toy" in places
    assert "doejane_123_4567_toy" in places


CANVAS = """Student,ID,SIS Login ID,Section,Toy (77),Other (78)
    Points Possible,,,,5,10
"Doe, Jane",123,doejane,A,,9
"Lee, Bo",124,leebo,A,1,8
"""
MOODLE = """\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade
Participant 501,Ann de Vries,a@example.org,Submitted,,5.00
Participant 502,Ben Ok,b@example.org,Submitted,,5.00
"""


@pytest.mark.parametrize(("text", "column", "first"), [(CANVAS, "Toy", 123), (MOODLE, None, 501)])
def test_a_worksheet_is_filled_and_nothing_else_in_it_changes(
    tmp_path: Path, text: str, column: str | None, first: int
) -> None:
    given, out = tmp_path / "given.csv", tmp_path / "out.csv"
    given.write_text(text, encoding="utf-8")
    totals = {f"who_{first}": 4.5, f"who_{first + 1}": None, "ada": 3.0}
    assert fill(given, column, totals, out) == (1, ["ada"])
    before, after = (
        [value for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) for value in row]
        for path in (given, out)
    )
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [("", "4.5")]
    with pytest.raises(ValueError, match="name one column by --column; there are"):
        fill(given, "no such", totals, out)
    given.write_text("name,mark\nada,\n")
    with pytest.raises(ValueError, match="expected the gradebook of Canvas or the grading worksheet of Moodle"):
        fill(given, None, totals, out)


def test_marks_by_rubric_lateness_and_a_regrading(toy: Assignment, opened: Path, sources: Path, tmp_path: Path) -> None:
    """What a person has written is never lost, whatever is done in between."""
    handed_in, table = tmp_path / "handed in", tmp_path / "marks.csv"
    handed_in.mkdir()
    shutil.copytree(opened, tmp_path / "marks")
    for student, source in {"ada_1": "double = lambda x: 2 * x", "bob_2": "double = lambda x: 4"}.items():
        path = changed(toy, handed_in / f"{student.replace('_', '_assignsubmission_file_')}.ipynb", double=source).path
        path.rename(handed_in / f"{student}_assignsubmission_file_toy.ipynb")
    os.utime(handed_in / "bob_2_assignsubmission_file_toy.ipynb", (1_800_100_000, 1_800_100_000))
    os.utime(handed_in / "ada_1_assignsubmission_file_toy.ipynb", (1_800_000_000, 1_800_000_000))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("Identifier,Grade\nParticipant 1,\nParticipant 2,\n")
    options: dict[str, Any] = {
        "sources": sources,
        "due": moment("2027-01-15 08:00:00+00:00"),  # 1,800,000,000 s
        "late_percent": 10,
        "worksheet": sheet,
        "force": True,
    }
    assert grade_folder("toy", handed_in, table, seed=77, **options) == {"graded": 2, "kept": 0}
    rows = {row["student"]: row for row in read_table(table)}
    assert [(row["days late"], row["taken off"], row["total"]) for row in rows.values()] == [
        ("0", "0", "3"),
        ("2", "0", "0"),
    ]
    rubric = tmp_path / "marks" / "rubric.csv"
    assert [(row["student"], row["part"], row["points"], row["mark"]) for row in read_table(rubric)] == [
        ("ada_1", "why", "2", ""),
        ("bob_2", "why", "2", ""),
    ]
    with zipfile.ZipFile(tmp_path / "marks" / "feedback.zip") as archive:
        page = archive.read("ada_1_assignsubmission_file_toy.html").decode()
    assert "why: not marked yet</strong>; until a person has, this page counts 0 for it" in page
    assert "Not marked yet." in page

    text = rubric.read_text(encoding="utf-8")
    rubric.write_text(text.replace("bob_2,why,why,2,,", "bob_2,why,why,2,2.5,"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"rubric.csv, line 3: expected a mark from 0 to 2, got 2.5"):
        grade_folder("toy", handed_in, table, seed=77, **options)
    written = text.replace("bob_2,why,why,2,,", 'bob_2,why,why,2,"1,5",Say why.')
    rubric.write_text(written, encoding="utf-8")
    assert grade_folder("toy", handed_in, table, seed=77, **options) == {"graded": 0, "kept": 2}
    bob = read_table(table)[1]
    assert (bob["why"], bob["taken off"], bob["total"], bob["to mark by hand"]) == ("1.5", "1", "0.5", "0")
    with zipfile.ZipFile(tmp_path / "marks" / "feedback.zip") as archive:
        page = archive.read("bob_2_assignsubmission_file_toy.html").decode().lower()
    assert "not marked yet" not in page
    assert "say why." in page
    assert read_table(tmp_path / "marks-sheet.csv")[1]["Grade"] == "0.5"
    assert rubric.read_text(encoding="utf-8") == written

    # The tests change: all are graded again, in a folder of their own, and bob keeps his mark by hand.
    with pytest.raises(ValueError, match="--regrade"):
        grade_folder("toy", handed_in, table, seed=78, **options)
    assert grade_folder("toy", handed_in, table, seed=78, regrade=True, **options) == {"graded": 2, "kept": 0}
    assert read_table(table)[1]["why"] == "1.5"
    assert rubric.read_text(encoding="utf-8") == written
    assert (tmp_path / "marks-before-1" / "gradebook.db").is_file()
    rubric.unlink()
    (handed_in / "ada_1_assignsubmission_file_toy.ipynb").unlink()
    assert grade_folder("toy", handed_in, table, seed=79, regrade=True, **options)["graded"] == 1
    assert [row["why"] for row in read_table(table)] == ["1.5"], "carried from the gradebook where there is no rubric"


def test_a_page_that_nbgrader_cannot_make_stops_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assignment = Assignment("toy", tmp_path / "marks", ())
    (tmp_path / "marks").mkdir()

    def only_ada(course: Path, *command: str) -> str:
        made = marks.page_of("ada", assignment)
        made.parent.mkdir(parents=True)
        made.write_text("her page")
        return "crashed: a cell of bob's is no cell"

    monkeypatch.setattr(marks, "nbgrader", only_ada)
    states = {
        name: {"status": status} for name, status in (("ada", "graded"), ("bob", "graded"), ("eve", "unreadable"))
    }
    marks.write_feedback(assignment, states)
    pages = {name: marks.page_of(name, assignment).read_text() for name in states}
    assert pages["ada"] == "her page"
    assert "was graded, but it cannot be shown here" in pages["bob"]
    assert "could not be graded: unreadable" in pages["eve"]
    assert "bob: graded, but nbgrader could make no page of feedback (crashed: a cell" in capsys.readouterr().out


@pytest.mark.parametrize("name", SOURCES)
def test_the_criteria_of_a_rubric_add_up(name: str) -> None:
    cells = {held(cell)["grade_id"]: held(cell) for cell in SOURCES[name].cells if held(cell).get("grade")}
    parts = tuple(Part(key, one["points"], bool(one["solution"])) for key, one in cells.items())
    found = criteria(Assignment(name, Path(), parts))
    assert set(found) == {part.name for part in parts if part.by_hand}
    assert all(len(ones) > 1 for ones in found.values()), "criteria, and not the part itself"


def test_the_archives_hold_what_students_and_instructors_need(toy: Assignment, tmp_path: Path) -> None:
    students, instructors = pack([toy], {"toy": toy.source}, tmp_path / "out")
    with zipfile.ZipFile(students) as archive:
        files = {name for name in archive.namelist() if not name.endswith("/")}
        assert files == {"toy/toy.ipynb", "toy/data.csv", "toy/README.txt"}
        assert b"Twice\n=====" in archive.read("toy/README.txt")
    with zipfile.ZipFile(instructors) as archive:
        names_in = set(archive.namelist())
        for name in ("source/toy/toy.ipynb", "solutions/toy.ipynb", "grade.py", "rubrics/cones.yml", "wrong/cones.yml"):
            assert f"mindgap-coursework/{name}" in names_in
        assert b"seed = 77" in archive.read("mindgap-coursework/source/toy/toy.ipynb")


def test_a_release_needs_no_activated_environment(toy: Assignment) -> None:
    assert toy.release.is_file(), "made with no folder of an environment in PATH"
