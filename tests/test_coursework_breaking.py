"""What breaks a grading: odd files, tables as spreadsheets and platforms write them, and commands that are stopped."""

from __future__ import annotations

import argparse
import json
import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

import marks
from autograding import HERE, MARK, QUIET, Assignment, last_error, nbgrader, release
from grade import grade_folder, moment
from grading import grade
from handing_in import Handed, find_submissions, left_aside
from lms import fill, open_worksheet
from marks import alone, handed_in_at, mark_by_rubric, open_course
from mending import mended
from tests.test_coursework import cell, changed, read_table, solved, write_toy


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Assignment:
    return release("toy", tmp_path_factory.mktemp("course") / "toy", seed=77, sources=sources)


# Files


def placed(folder: Path, *places: str) -> None:
    for place in places:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).touch()


def test_everybody_of_a_platform_is_there_once_whatever_was_handed_in(tmp_path: Path) -> None:
    placed(
        tmp_path,
        "doejane_101_9001_toy.py",
        "leebo_102_9002_toy.ipynb.txt",
        "roejim_103_9003_toy.ipynb",
        "roejim_103_9004_notes.pdf",
        "Cy Ng_204_assignsubmission_file/toy.ipynb",
        "Cy Ng_204_assignsubmission_file/._toy.ipynb",
        "Cy Ng_204_assignsubmission_onlinetext/onlinetext.html",
        "Di Ek_205_assignsubmission_onlinetext_/onlinetext.html",
        "Eve [1].ipynb",
        "ada/my toy.ipynb",
        "ada/._my toy.ipynb",
        "gus/toy.ipynb/inside.txt",
        "__MACOSX/ada/._my toy.ipynb",
        "fay.py",
        "README.txt",
    )
    (tmp_path / "eve.ipynb").symlink_to(tmp_path / "nowhere")
    found = find_submissions(tmp_path, "toy")
    assert {student: one if isinstance(one, str) else one.path.name for student, one in found.items()} == {
        "doejane_101": "no notebook toy.ipynb",
        "leebo_102": "no notebook toy.ipynb",
        "roejim_103": "roejim_103_9003_toy.ipynb",
        "Cy Ng_204": "toy.ipynb",
        "Di Ek_205": "no notebook toy.ipynb",
        "Eve _1_": "Eve [1].ipynb",
        "ada": "my toy.ipynb",
        "gus": "no notebook toy.ipynb",
        "eve": "no notebook toy.ipynb",
    }
    assert left_aside(tmp_path) == ["README.txt", "fay.py"]
    with pytest.raises(FileNotFoundError, match=r"README.txt: expected a folder, got a file"):
        find_submissions(tmp_path / "README.txt", "toy")


CELL: dict[str, Any] = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": [], "execution_count": None}


@pytest.mark.parametrize(
    "content",
    [
        [1],
        {"cells": None},
        {"cells": {"a": 1}},
        {"cells": [], "metadata": None},
        {"cells": [{**CELL, "metadata": None}]},
        {"cells": [{**CELL, "metadata": {"nbgrader": "x"}}]},
        {"cells": [{**CELL, "metadata": {"nbgrader": {"grade_id": ["x"]}}}]},
        {"cells": [{**CELL, "id": ["x"]}]},
    ],
)
def test_json_that_is_no_notebook_is_told_in_words(content: Any) -> None:
    with pytest.raises(ValueError, match="the file is no notebook"):
        mended(json.dumps(content).encode(), {"cells": []})


def test_another_notebook_is_told_and_a_cell_out_of_one_is_the_students_own(toy: Assignment) -> None:
    """As JupyterLab pastes it between notebooks, with its metadata; a test that was copied above is no loss, either."""
    released = json.loads(toy.release.read_text())
    with pytest.raises(ValueError, match=r"of the assignment's 3 cells the notebook has 0, and of another one 0"):
        mended(b'{"cells": []}', released)
    with pytest.raises(ValueError, match=r"of the assignment's 3 cells the notebook has 0, and of another one \d\d"):
        mended((HERE.parent / "book" / "assignments" / "cones.ipynb").read_bytes(), released)
    notebook = solved(toy)
    notebook.cells[2].metadata["nbgrader"] = {"grade_id": "test-double", "schema_version": 99, "points": "many"}
    found = mended(json.dumps(notebook).encode(), released)
    assert found["cells"][2]["metadata"] == released["cells"][2]["metadata"]
    notebook = solved(toy)
    notebook.cells.insert(0, notebook.cells[2].copy())
    found = mended(json.dumps(notebook).encode(), released)
    assert ["nbgrader" in one["metadata"] for one in found["cells"]] == [False, False, True, True, True]
    assert found["metadata"]["mindgap"] == [
        "test-double is there more than once, copied or split; the one in its place counts"
    ]
    notebook = solved(toy)
    notebook.cells.insert(1, cell("code", "relu-map", "1", solution=True))
    found = mended(json.dumps(notebook).encode(), released)
    assert "nbgrader" not in found["cells"][1]["metadata"]
    assert found["metadata"]["mindgap"] == ["cells of another assignment are the student's own: relu-map"]


def test_a_notebook_of_the_old_format_is_told_how_to_be_renewed(toy: Assignment) -> None:
    old = json.dumps(nbformat.convert(solved(toy), 3))
    with pytest.raises(ValueError, match=r"format of 2014; opened and saved in JupyterLab"):
        mended(old.encode(), {"cells": []})


def test_a_file_that_cannot_be_copied_costs_only_its_student(toy: Assignment, tmp_path: Path) -> None:
    results = dict(grade([("gone", Handed(tmp_path / "gone.ipynb"))], toy, tmp_path))
    assert results["gone"].status.startswith("crashed: [Errno 2]")


def test_marks_do_not_depend_on_the_machine_or_on_what_runs_beside(
    monkeypatch: pytest.MonkeyPatch, toy: Assignment
) -> None:
    assert QUIET["MINDGAP_DEVICE"] == "cpu"
    seen: dict[str, str] = {}

    class Stopped:
        exitcode, sentinel = 0, os.open(os.devnull, os.O_RDONLY)

        def __init__(self, target: object, args: tuple[Path, tuple[str, ...], dict[str, str]]) -> None:
            seen.update(args[2])

        def start(self) -> None: ...

        join = kill = start

    monkeypatch.setattr("autograding.PROCESSES", SimpleNamespace(Process=Stopped))
    monkeypatch.chdir(toy.course.parent)
    nbgrader(Path(toy.course.name), "list")
    assert seen["MINDGAP_DEVICE"] == "cpu"
    assert seen[MARK] == str(toy.course), "and not a relative path, which another class has, too"
    assert seen["TMPDIR"] == str(toy.course / "tmp")


def test_what_nbgrader_logs_as_an_error_is_told(tmp_path: Path) -> None:
    assert last_error(tmp_path) == "the process ended without a word"
    log = (
        "[App | ERROR] Traceback\n      raise e\n    sqlalchemy.exc.DatabaseError: not a database\n    [SQL: SELECT]\n"
    )
    (tmp_path / "log.txt").write_text(log)
    assert last_error(tmp_path) == "sqlalchemy.exc.DatabaseError: not a database"


# Times


def test_a_day_alone_is_refused_as_due(tmp_path: Path) -> None:
    for text in ("2027-01-31 18:00+01:00", "2027-01-31T17:00:00+00:00"):
        assert moment(text) == datetime(2027, 1, 31, 17)
    with pytest.raises(argparse.ArgumentTypeError, match=r"such as '2027-01-31 18:00', got a day, '2027-01-31'"):
        moment("2027-01-31")
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a time such as .*, got '31.1.2027 18:00'"):
        moment("31.1.2027 18:00")
    for percent, due in ((10, None), (-5, moment("2027-01-31 18:00")), (101, moment("2027-01-31 18:00"))):
        with pytest.raises(ValueError, match=f"expected --late from 0 to 100, together with --due, got {percent}"):
            grade_folder("toy", tmp_path / "in", tmp_path / "marks.csv", late_percent=percent, due=due)


def test_a_time_is_taken_from_who_can_know_it(tmp_path: Path) -> None:
    placed(tmp_path, "ada/toy.ipynb", "Cy_204_assignsubmission_file/toy.ipynb")
    for folder in ("ada", "Cy_204_assignsubmission_file"):
        (tmp_path / folder / "timestamp.txt").write_text("2026-11-01 12:00:00.000000 UTC\n")
        os.utime(tmp_path / folder / "toy.ipynb", (1_800_000_000, 1_800_000_000))
    assert handed_in_at(tmp_path / "ada" / "toy.ipynb") == datetime(2026, 11, 1, 12)
    assert handed_in_at(tmp_path / "Cy_204_assignsubmission_file" / "toy.ipynb") == datetime(2027, 1, 15, 8)
    (tmp_path / "ada" / "timestamp.txt").write_text("at noon")
    with pytest.raises(ValueError, match=r"ada.timestamp.txt: expected a time as nbgrader writes it, got 'at noon'"):
        handed_in_at(tmp_path / "ada" / "toy.ipynb")


def test_numbers_that_make_no_sense_are_refused(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a seed of at least 0, got -5"):
        release("toy", tmp_path / "course", seed=-5, sources=sources)
    with pytest.raises(ValueError, match="expected --jobs of at least 1, got 0"):
        grade_folder("toy", tmp_path / "in", tmp_path / "marks.csv", jobs=0)


# Tables


MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 501,Ann de Vries,a@example.org,Submitted,,5.00,Yes,"Friday, 1 January",-,\n'
)
SEMICOLONS = (
    "\ufeffStudent;ID;SIS Login ID;Section;Toy (77);Toy 2 (78);Notes;Notes\r\nDoe, Jörg;501;j;A;;9;mine;other\r\n"
)


@pytest.mark.parametrize(
    ("text", "column", "mark"), [(MOODLE, None, ",4.5,5.00,Yes"), (SEMICOLONS, "Toy (77)", ";4.5;9;mine;other")]
)
def test_a_worksheet_as_the_platforms_write_it_is_filled(
    tmp_path: Path, text: str, column: str | None, mark: str
) -> None:
    given, out = tmp_path / "given.csv", tmp_path / "out.csv"
    given.write_bytes(text.encode())
    assert fill(given, column, {"ann_501": 4.5, "bo_502": 3.0}, out) == (1, ["bo_502"])
    written = out.read_bytes().decode()
    assert mark in written
    assert written.replace("4.5", "").replace("\r", "") == text.replace("\r", "")


def test_a_worksheet_that_does_not_fit_is_told_before_anything_is_graded(tmp_path: Path) -> None:
    placed(tmp_path, "in/ada.ipynb")
    sheet, table = tmp_path / "sheet.csv", tmp_path / "marks.csv"
    options: dict[str, Any] = {"worksheet": sheet, "column": "Toy"}
    sheet.write_text(SEMICOLONS, encoding="utf-8")
    with pytest.raises(ValueError, match=r"name one column by --column; there are .*, and 2 begin with 'Toy'"):
        grade_folder("toy", tmp_path / "in", table, **options)
    sheet.write_text("Name,Mark\n")
    with pytest.raises(ValueError, match=r"expected the gradebook of Canvas.*; there are Name, Mark"):
        grade_folder("toy", tmp_path / "in", table, **options)
    sheet.write_bytes(SEMICOLONS.encode("cp1252", errors="ignore"))
    with pytest.raises(ValueError, match=r"sheet.csv: expected a CSV in UTF-8"):
        open_worksheet(sheet, "Toy (77)")
    assert not table.with_suffix("").exists()


def test_marks_do_not_go_among_the_submissions(tmp_path: Path) -> None:
    placed(tmp_path, "ada.ipynb")
    with pytest.raises(ValueError, match=r"marks.csv: expected a place outside of"):
        grade_folder("toy", tmp_path, tmp_path / "marks.csv")
    (tmp_path / "in").mkdir()
    (tmp_path / "grades.csv").write_text(MOODLE)
    with pytest.raises(ValueError, match=r"grades.csv: expected a table of marks of an earlier grading, or none"):
        grade_folder("toy", tmp_path / "in", tmp_path / "grades.csv", force=True)
    with pytest.raises(ValueError, match=r"without \[, \], \* and \? in its path"):
        open_course("toy", tmp_path / "marks [2027]", 77, tmp_path)


def marked_by_hand(course: Path, student: str = "ada") -> float | None:
    with marks.gradebook(course) as book:
        notebook = book.find_submission_notebook("toy", "toy", student)
        return next(cell.manual_score for cell in notebook.grades if cell.name == "why")


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")
def test_a_rubric_from_any_spreadsheet_loses_nothing(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what was marked in the formgrader after it stays."""
    toy, _ = open_course("toy", tmp_path / "marks", 77, sources)
    with marks.gradebook(toy.course) as book:
        book.add_student("ada")
        book.add_submission("toy", "ada")
        book.db.commit()
    table = toy.course / "rubric.csv"
    head = "student;part;criterion;points;mark;comment;mine\r\n"
    table.write_bytes(f"\ufeff{head}ada;why;why;2;1,5;Say why.;by Jörg\r\n017;why;why;2;1;;\r\n;;;;;;\r\n".encode())
    mark_by_rubric(toy, ["ada", "0017"])
    assert marked_by_hand(toy.course) == 1.5
    assert "nothing graded is called why of 017, so its marks are left" in capsys.readouterr().out
    assert [row["mine"] for row in read_table(table)] == ["by Jörg", "", ""], "0017 has a line, and the column stays"

    with marks.gradebook(toy.course) as book:
        next(
            cell for cell in book.find_submission_notebook("toy", "toy", "ada").grades if cell.name == "why"
        ).manual_score = 2
        book.db.commit()
    mark_by_rubric(toy, ["ada", "0017"])
    assert marked_by_hand(toy.course) == 2, "taken once"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace('"1,5"', "0.5"), encoding="utf-8")
    mark_by_rubric(toy, ["ada", "0017"])
    assert marked_by_hand(toy.course) == 0.5
    table.write_text(text.replace('"1,5"', ""), encoding="utf-8")
    mark_by_rubric(toy, ["ada", "0017"])
    assert marked_by_hand(toy.course) == 0.5
    assert "why of ada is no longer marked here; the mark 0.5 stays" in capsys.readouterr().out

    # What crashed can be marked by hand; where it is not clear what was handed in, nothing counts.
    states = {
        "ada": {"status": "crashed: so it is", "seconds": 0.0, "digest": ""},
        "eve": {"status": "two", "seconds": 0.0},
    }
    assert marks.write_table(tmp_path / "marks.csv", toy, states) == {"ada": None, "eve": None}
    assert [(row["why"], row["total"]) for row in read_table(tmp_path / "marks.csv")] == [("0.5", "0.5"), ("", "0")]
    assert marks.write_table(tmp_path / "marks.csv", toy, {"ada": {"status": "two", "seconds": 0.0}}) == {"ada": None}
    assert read_table(tmp_path / "marks.csv")[0]["why"] == ""

    for content, told in [
        (
            b"student;part\nada;why\n",
            "expected the columns student, .*, and there is no criterion, points, mark, comment",
        ),
        (b"", "expected the columns"),
        (
            b"student,part,criterion,points,mark,comment\nada,why,why,2\nada,why,why,,1\n",
            "line 3: expected a mark from 0",
        ),
    ]:
        table.write_bytes(content)
        with pytest.raises(ValueError, match=told):
            mark_by_rubric(toy, ["ada"])
        assert table.read_bytes() == content


# What is stopped, and begun again


def test_a_course_is_made_whole_or_not_at_all(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = tmp_path / "marks"

    def stopped(name: str, folder: Path, seed: int | None, sources: Path) -> Assignment:
        folder.mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(marks, "release", stopped)
        with pytest.raises(KeyboardInterrupt):
            open_course("toy", course, 77, sources)
    assert not list(tmp_path.iterdir())
    toy, _ = open_course("toy", course, 77, sources)
    (course / "rubric.csv").write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr(marks, "release", stopped)
        with pytest.raises(KeyboardInterrupt):
            open_course("toy", course, 78, sources, regrade=True)
    assert [path.name for path in tmp_path.iterdir()] == ["marks"]
    assert open_course("toy", course, 77, sources)[0] == toy
    assert (course / "rubric.csv").read_text() == "mine"


def test_a_gradebook_that_cannot_be_read_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_text("no database" * 100)
    with pytest.raises(ValueError, match=r"gradebook.db: .*file is not a database$"), marks.gradebook(tmp_path):
        pass


def test_two_commands_do_not_grade_in_one_folder(tmp_path: Path) -> None:
    with alone(tmp_path / "marks"):
        with pytest.raises(ValueError, match=r"marks: another command grades in it"), alone(tmp_path / "marks"):
            pass
        with alone(tmp_path / "others"):
            pass
    (tmp_path / ".full-lock").mkdir()
    with pytest.raises(ValueError, match=r"full: cannot be written: unable to open"), alone(tmp_path / "full"):
        pass
    with alone(tmp_path / "marks"):
        pass


def test_what_is_handed_in_later_is_what_counts(sources: Path, tmp_path: Path, toy: Assignment) -> None:
    """A time that is known better later, and a second notebook beside the one that was graded."""
    handed_in, table = tmp_path / "in", tmp_path / "marks.csv"
    (handed_in / "ada").mkdir(parents=True)
    path = changed(toy, handed_in / "ada" / "toy.ipynb").path
    options: dict[str, Any] = {"seed": 77, "sources": sources, "force": True, "due": datetime(2027, 1, 15, 8)}
    os.utime(path, (1_800_090_000, 1_800_090_000))
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 1, "kept": 0}
    assert [(row["days late"], row["total"]) for row in read_table(table)] == [("2", "3")]
    os.utime(path, (1_800_000_000, 1_800_000_000))
    (tmp_path / "marks" / "rubric.csv").write_text("student,part,criterion,points,mark,comment\nada,why,why,2,1.5,\n")
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 0, "kept": 1}
    assert [(row["days late"], row["total"], row["status"]) for row in read_table(table)] == [("0", "4.5", "graded")]

    # Another text after a mark by hand: the mark stays, and somebody is told.
    changed(toy, path, why="Another text.")
    os.utime(path, (1_800_000_000, 1_800_000_000))
    assert grade_folder("toy", handed_in, table, **options)["graded"] == 1
    told = "graded; marked by hand before this was handed in: why"
    assert [(row["why"], row["total"], row["status"]) for row in read_table(table)] == [("1.5", "4.5", told)]

    changed(toy, handed_in / "ada" / "toy (1).ipynb")
    assert grade_folder("toy", handed_in, table, **options) == {"graded": 0, "kept": 1}
    (row,) = read_table(table)
    assert (row["test-double"], row["total"], row["to mark by hand"]) == ("", "0", "5")
    assert row["status"].startswith("several notebooks")
