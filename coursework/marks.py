"""The course folder of a grading: gradebook, graded notebooks and feedback, and the table of marks made from them."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping
from html import escape
from pathlib import Path

from autograding import HERE, STUDENT, Assignment, Part, release
from pool import Result, beside


def digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()


def fingerprint(student: str, path: Path, name: str, version: str) -> str:
    """A digest of all that a student's marks depend on: the notebook, the files beside it, and the tests."""
    files = [text for file in beside(student, path, name) for text in (file.name.encode(), file.read_bytes())]
    return digest(path.read_bytes(), *files, version.encode())


def open_course(name: str, course: Path, seed: int | None, sources: Path = HERE / "source") -> tuple[Assignment, str]:
    """The course folder of a grading, made or found again, and a digest of what its marks depend on.

    Raises ValueError if the folder was made from another source or another seed.
    """
    source = sources / name / f"{name}.ipynb"
    state = course / "assignment.json"
    if state.is_file():
        kept = json.loads(state.read_text(encoding="utf-8"))
        now = digest(source.read_bytes(), str(seed).encode()) if source.is_file() else ""
        if kept["name"] != name or kept["digest"] != now:
            raise ValueError(f"{course}: made for another assignment, seed or version of the tests; name another --csv")
        return Assignment(name, course, tuple(Part(**part) for part in kept["parts"])), kept["digest"]
    if course.exists():
        raise ValueError(f"{course}: is there, but no grading was begun in it; name another --csv")
    assignment = release(name, course, seed, sources)
    shutil.copy(HERE / "nbgrader_config.py", course)
    kept = {
        "name": name,
        "digest": digest(source.read_bytes(), str(seed).encode()),
        "parts": [part.__dict__ for part in assignment.parts],
    }
    state.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return assignment, kept["digest"]


def keep(student: str, path: Path, result: Result, assignment: Assignment) -> None:
    """Take what one grading left into the course: marks into the gradebook, notebooks and feedback into its folders.

    A notebook that could not be graded takes the place of the graded one, so that the formgrader can show it.
    """
    from nbgrader.api import Gradebook

    name = assignment.name
    submitted = assignment.course / "submitted" / student / name
    shutil.rmtree(submitted, ignore_errors=True)
    submitted.mkdir(parents=True)
    shutil.copyfile(path, submitted / f"{name}.ipynb")
    for file in beside(student, path, name):
        shutil.copyfile(file, submitted / file.name)
    for kind in ("autograded", "feedback"):
        there, here = assignment.course / kind / student / name, result.folder / kind / STUDENT / name
        shutil.rmtree(there, ignore_errors=True)
        if here.is_dir():
            shutil.copytree(here, there, symlinks=True)
        elif kind == "autograded":
            shutil.copytree(submitted, there)
        else:
            explain(student, result.status, assignment)
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{assignment.course}/gradebook.db", "mindgap") as book:
        # How nbgrader makes a submission is not how SQLAlchemy 2 would like it, and does no harm.
        warnings.filterwarnings("ignore", "Object of type <Submitted")
        book.update_or_create_student(student)
        book.update_or_create_submission(name, student)
        for cell in book.find_submission_notebook(name, name, student).grades:
            mark = result.marks.get(cell.name)
            cell.auto_score, cell.needs_manual_grade = mark, mark is None or cell.manual_score is not None
        book.db.commit()


def explain(student: str, status: str, assignment: Assignment) -> None:
    """A page of feedback for somebody whose notebook could not be graded."""
    page = assignment.course / "feedback" / student / assignment.name / f"{assignment.name}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{assignment.name}</title>\n'
        f"<h1>{assignment.name}</h1>\n<p>This notebook could not be graded: {escape(status)}.</p>\n"
        "<p>No part of it has a mark yet. Please ask your instructor.</p>\n</html>\n",
        encoding="utf-8",
    )


def write_table(table: Path, assignment: Assignment, states: Mapping[str, Mapping[str, object]]) -> None:
    """A CSV with a line for each student of `states`: the marks now in the gradebook, and how the grading went."""
    from nbgrader.api import Gradebook, MissingEntry

    parts = assignment.parts
    lines = [["student", *(part.name for part in parts), "total", "max", "to mark by hand", "seconds", "status"]]
    with Gradebook(f"sqlite:///{assignment.course}/gradebook.db", "mindgap") as book:
        for student, state in states.items():
            try:
                notebook = book.find_submission_notebook(assignment.name, assignment.name, student)
                grades = {cell.name: cell for cell in notebook.grades}
            except MissingEntry:
                grades = {}
            marks: list[float | None] = []
            for part in parts:
                cell = grades.get(part.name)
                by_hand = cell is not None and cell.manual_score is not None
                marks.append(None if cell is None else cell.manual_score if by_hand else cell.auto_score)
            waiting = sum(part.points for part, mark in zip(parts, marks, strict=True) if mark is None)
            numbers = [*marks, sum(mark or 0 for mark in marks), sum(part.points for part in parts), waiting]
            shown = ["" if number is None else f"{number:g}" for number in numbers]
            lines.append([student, *shown, f"{state['seconds']:.1f}", str(state["status"])])
    temporary = table.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
    temporary.replace(table)
