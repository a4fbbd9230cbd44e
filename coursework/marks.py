"""The course folder of a grading: gradebook, graded notebooks and feedback, and the tables made from them.

What a person writes is kept: marks and comments of the formgrader stay with a cell until it is marked anew, and the
table `rubric.csv`, with a line for each criterion, is only ever added to.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import math
import shutil
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from typing import Any

import yaml

from autograding import HERE, STUDENT, Assignment, Part, gradebook, nbgrader, release
from grading import Result
from handing_in import PATTERNS, Handed
from lms import read_lines

DAY = 86_400.0
RAN = ("graded", "partly graded")  # how the status of a notebook begins whose tests ran
COLUMNS = ("student", "part", "criterion", "points", "mark", "comment")
RUBRIC, TAKEN = "rubric.csv", "rubric.json"  # what a person fills in, and what was taken of it into the gradebook


def digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()


def fingerprint(handed: Handed, version: str) -> str:
    """A digest of all that a student's marks depend on: the notebook, the files beside it, and the tests."""
    files = [text for name, path in sorted(handed.files.items()) for text in (name.encode(), path.read_bytes())]
    return digest(handed.path.read_bytes(), *files, version.encode())


def open_course(
    name: str, course: Path, seed: int | None, sources: Path = HERE / "source", regrade: bool = False
) -> tuple[Assignment, str]:
    """The course folder of a grading, made or found again, and a digest of what its marks depend on.

    Where the tests have changed since, `regrade` puts the old folder aside, as `<course>-before-1`, and begins anew.
    The new one takes its place when it is whole, so that nothing is half made, whenever this is interrupted.
    Raises ValueError if the folder was made from another source or another seed and `regrade` is not given.
    """
    if PATTERNS.search(str(course.absolute())):
        raise ValueError(f"{course}: expected a --csv without [, ], * and ? in its path, which mislead nbgrader")
    source = sources / name / f"{name}.ipynb"
    state = course / "assignment.json"
    version = digest(source.read_bytes(), str(seed).encode()) if source.is_file() else ""
    before = ""
    if state.is_file():
        kept = json.loads(state.read_text(encoding="utf-8"))
        if kept["name"] == name and kept["digest"] == version:
            return Assignment(name, course, tuple(Part(**part) for part in kept["parts"])), version
        if not regrade or kept["name"] != name:
            raise ValueError(
                f"{course}: made for another assignment, seed or version of the tests; name another --csv, "
                "or grade all again with --regrade, which keeps marks by hand"
            )
        numbered = (course.with_name(f"{course.name}-before-{number}") for number in range(1, 1000))
        before = str(next(place for place in numbered if not place.exists()))
    elif course.exists():
        raise ValueError(f"{course}: is there, but no grading was begun in it; name another --csv")
    begun = course.with_name(f".{course.name}-begun")
    shutil.rmtree(begun, ignore_errors=True)
    try:
        assignment = release(name, begun, seed, sources)
    except BaseException:
        shutil.rmtree(begun, ignore_errors=True)
        raise
    for marked in (RUBRIC, TAKEN) if before else ():  # marks by hand that are written down already
        if (course / marked).is_file():
            shutil.copy(course / marked, begun)
    kept = {
        "name": name,
        "digest": version,
        "parts": [part.__dict__ for part in assignment.parts],
        "before": before,
    }
    (begun / state.name).write_text(json.dumps(kept, indent=1), encoding="utf-8")
    if before:
        course.rename(before)
    begun.rename(course)
    return replace(assignment, course=course), version


@contextlib.contextmanager
def alone(course: Path) -> Iterator[None]:
    """Holds the course against another command that would grade in it at the same time.

    Raises ValueError if one does. Whatever ends this one, the hold ends with it.
    """
    course.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        try:
            lock = sqlite3.connect(course.with_name(f".{course.name}-lock"), timeout=0)
            held.enter_context(contextlib.closing(lock))
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            why = "another command grades in it" if "locked" in str(error) else f"cannot be written: {error}"
            raise ValueError(f"{course}: {why}") from None
        yield


def keep(student: str, handed: Handed, result: Result, assignment: Assignment) -> None:
    """Take what one grading left into the course: marks into the gradebook, notebooks and feedback into its folders.

    A notebook that could not be graded takes the place of the graded one, so that the formgrader can show it. Marks by
    hand stay; where they were given to another notebook, the gradebook has a person look at them again.
    """
    name = assignment.name
    submitted = assignment.course / "submitted" / student / name
    last = submitted / f"{name}.ipynb"
    again = last.is_file() and last.read_bytes() != handed.path.read_bytes()
    shutil.rmtree(submitted, ignore_errors=True)
    submitted.mkdir(parents=True)
    shutil.copyfile(handed.path, submitted / f"{name}.ipynb")
    for called, file in handed.files.items():
        shutil.copyfile(file, submitted / called)
    there, here = assignment.course / "autograded" / student / name, result.folder / "autograded" / STUDENT / name
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(here if here.is_dir() else submitted, there, symlinks=True)
    # How nbgrader makes a submission is not how SQLAlchemy 2 would like it, and does no harm.
    with warnings.catch_warnings(), gradebook(assignment.course) as book:
        warnings.filterwarnings("ignore", "Object of type <Submitted")
        book.update_or_create_student(student)
        book.update_or_create_submission(name, student)
        for cell in book.find_submission_notebook(name, name, student).grades:
            mark = result.marks.get(cell.name)
            cell.auto_score = mark
            cell.needs_manual_grade = mark is None if cell.manual_score is None else again
        book.db.commit()


def handed_in_at(path: Path) -> datetime:
    """When a notebook was handed in: what nbgrader's timestamp.txt beside it says, or else the time of the file.

    In a platform's folder such a file is the student's own, and says nothing. Raises ValueError if it holds no time.
    """
    from nbgrader.utils import parse_utc

    stamp = path.parent / "timestamp.txt"
    if stamp.is_file() and not any("_assignsubmission_" in folder.name for folder in path.parents):
        text = stamp.read_text(encoding="utf-8-sig", errors="replace").strip()
        try:
            return parse_utc(text)
        except (ValueError, OverflowError):
            raise ValueError(f"{stamp}: expected a time as nbgrader writes it, got {text[:80]!r}") from None
    return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).replace(tzinfo=None)


def note_times(assignment: Assignment, times: Mapping[str, datetime]) -> None:
    """Note when each student handed in what was graded, which may be known better than at the time of grading."""
    from nbgrader.api import MissingEntry

    with gradebook(assignment.course) as book:
        for student, time in times.items():
            with contextlib.suppress(MissingEntry):
                book.find_submission(assignment.name, student).timestamp = time
        book.db.commit()


def write_feedback(assignment: Assignment, states: Mapping[str, Mapping[str, object]]) -> None:
    """Everybody's page of feedback, with marks and comments by hand as far as there are any.

    Where nbgrader makes none of a notebook that was graded, a page says so, and a line is printed.
    """
    graded = [student for student, state in states.items() if str(state["status"]).startswith(RAN)]
    shutil.rmtree(assignment.course / "feedback", ignore_errors=True)
    wrong = nbgrader(assignment.course, "generate_feedback", assignment.name, "--force") if graded else ""
    for student, state in states.items():
        if student not in graded:
            status = escape(str(state["status"]))
            explain(
                student,
                assignment,
                f"This notebook could not be graded: {status}.",
                "None of its tests has run to the end. Please ask your instructor.",
            )
    for student in graded:
        if not page_of(student, assignment).is_file():
            print(f"{student}: graded, but nbgrader could make no page of feedback ({wrong or 'it did not say why'})")
            explain(
                student,
                assignment,
                "This notebook was graded, but it cannot be shown here.",
                "Its marks are with your instructor.",
            )


def explain(student: str, assignment: Assignment, *paragraphs: str) -> None:
    """A page of feedback in words, where there is no notebook to show."""
    page = page_of(student, assignment)
    shutil.rmtree(page.parent, ignore_errors=True)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{assignment.name}</title>\n'
        f"<h1>{assignment.name}</h1>\n{''.join(f'<p>{one}</p>{chr(10)}' for one in paragraphs)}</html>\n",
        encoding="utf-8",
    )


def page_of(student: str, assignment: Assignment) -> Path:
    return assignment.course / "feedback" / student / assignment.name / f"{assignment.name}.html"


def carry_over(assignment: Assignment) -> None:
    """Take marks and comments by hand from the folder that a regrading put aside, wherever there are none yet."""
    from nbgrader.api import MissingEntry

    before = json.loads((assignment.course / "assignment.json").read_text(encoding="utf-8")).get("before")
    if not before:
        return
    name = assignment.name
    with gradebook(Path(before)) as old, gradebook(assignment.course) as new:
        for submission in old.assignment_submissions(name):
            try:
                fresh = new.find_submission_notebook(name, name, submission.student_id)
            except MissingEntry:
                continue
            known = old.find_submission_notebook(name, name, submission.student_id)
            marks = {cell.name: cell.manual_score for cell in known.grades}
            comments = {comment.name: comment.manual_comment for comment in known.comments}
            for cell in fresh.grades:
                if cell.manual_score is None and marks.get(cell.name) is not None:
                    cell.manual_score, cell.needs_manual_grade = marks[cell.name], False
            for comment in fresh.comments:
                comment.manual_comment = comment.manual_comment or comments.get(comment.name)
        new.db.commit()


def criteria(assignment: Assignment) -> dict[str, list[dict[str, Any]]]:
    """The criteria of each part that a person marks, with their points; a part without a rubric is one criterion.

    Raises ValueError if a rubric's points are not those of its part.
    """
    path = HERE / "rubrics" / f"{assignment.name}.yml"
    listed = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = {part.name: listed.pop(part.name, None) for part in assignment.parts if part.by_hand}
    if listed:
        raise ValueError(f"{path.name}: {', '.join(listed)} is no part of {assignment.name} that a person marks")
    for part in assignment.parts:
        if part.by_hand:
            found[part.name] = found[part.name] or [{"criterion": part.name, "points": part.points}]
            if (worth := sum(one["points"] for one in found[part.name])) != part.points:
                raise ValueError(f"{path.name}: {part.name} is worth {part.points:g} points, its criteria {worth:g}")
    return found


def mark_by_rubric(assignment: Assignment, students: Iterable[str]) -> None:
    """Take the marks in rubric.csv into the gradebook, and add lines for whoever has none yet.

    A part is marked when all its criteria are. What was taken before is not taken again, so that a mark given in the
    formgrader later stays. Prints whose marks have no place. Raises ValueError if the table lacks a column, or for a
    mark that is no number from 0 to its points.
    """
    from nbgrader.api import MissingEntry

    table, record = assignment.course / RUBRIC, assignment.course / TAKEN
    header, lines = read_rubric(table) if table.is_file() else (list(COLUMNS), [])
    taken: dict[str, list[Any]] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    by_part: dict[tuple[str, str], list[dict[str, str]]] = {}
    for line in lines:
        by_part.setdefault((line["student"], line["part"]), []).append(line)
    with gradebook(assignment.course) as book:
        for (student, part), marked in by_part.items():
            whole = all(line["mark"].strip() for line in marked)
            words = "\n".join(line["comment"] for line in marked if line["comment"].strip())
            given = [sum(_number(line["mark"]) for line in marked) if whole else None, words]
            before = taken.get(f"{student}/{part}", [None, ""])
            try:
                notebook = book.find_submission_notebook(assignment.name, assignment.name, student)
                cells = [one for one in notebook.grades if one.name == part]
            except MissingEntry:
                cells = []
            if not cells and any(line["mark"].strip() or line["comment"].strip() for line in marked):
                print(f"{table}: nothing graded is called {part} of {student}, so its marks are left")
            if not cells or given == before:
                continue
            if given[0] is None and before[0] is not None:
                print(f"{table}: {part} of {student} is no longer marked here; the mark {before[0]:g} stays")
            for cell in cells if given[0] is not None else []:
                cell.manual_score, cell.needs_manual_grade = given[0], False
            for comment in (one for one in notebook.comments if words and one.name == part):
                comment.manual_comment = words
            taken[f"{student}/{part}"] = given
        book.db.commit()
    write_json(record, taken)
    fresh = [
        {"student": student, "part": part, "mark": "", "comment": "", **one, "points": f"{one['points']:g}"}
        for student in students
        for part, ones in criteria(assignment).items()
        if (student, part) not in by_part
        for one in ones
    ]
    if fresh:
        _write(table, [header, *([str(line.get(column, "")) for column in header] for line in [*lines, *fresh])])


def read_rubric(table: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of rubric.csv, a person's own among them, and its lines. Raises as `mark_by_rubric` does."""
    header, *rows = read_lines(table)[0] or [[]]
    if lacking := [column for column in COLUMNS if column not in header]:
        raise ValueError(f"{table}: expected the columns {', '.join(COLUMNS)}, and there is no {', '.join(lacking)}")
    lines: list[dict[str, str]] = []
    for number, row in enumerate(rows, start=2):
        line = dict(zip(header, [*row, *[""] * (len(header) - len(row))], strict=False))
        if line["mark"].strip() and not 0 <= _number(line["mark"]) <= _number(line["points"]):
            raise ValueError(f"{table}, line {number}: expected a mark from 0 to {line['points']}, got {line['mark']}")
        if any(row):
            lines.append(line)
    return header, lines


def write_json(path: Path, content: Any) -> None:
    """Write it whole or not at all, so that a full disk leaves nothing that cannot be read."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def write_table(
    table: Path,
    assignment: Assignment,
    states: Mapping[str, Mapping[str, object]],
    due: datetime | None = None,
    late_percent: float = 0.0,
) -> dict[str, float | None]:
    """A CSV with a line for each student of `states`: the marks now in the gradebook, and how the grading went.

    With `due`, in UTC, it has the days that each was late, and `late_percent` of all points a day are taken off, as far
    as there are any. Gives each student's total, None for one of whom a person has still to mark something.
    """
    from nbgrader.api import MissingEntry

    parts, name = assignment.parts, assignment.name
    late = ["days late", "taken off"] if due else []
    last = ["total", "max", "to mark by hand", "seconds", "look at", "status"]
    lines = [["student", *(part.name for part in parts), *late, *last]]
    totals: dict[str, float | None] = {}
    most = sum(part.points for part in parts)
    with gradebook(assignment.course) as book:
        book.update_or_create_assignment(name, duedate=due)
        for student, state in states.items():
            grades: dict[str, Any] = {}
            days = 0
            try:
                if "digest" not in state:
                    raise MissingEntry  # it is not clear what counts, so what was handed in earlier does not
                notebook = book.find_submission_notebook(name, name, student)
                grades = {cell.name: cell for cell in notebook.grades}
                days = math.ceil(notebook.assignment.total_seconds_late / DAY)
            except MissingEntry:
                notebook = None
            before = [one.name for one in grades.values() if one.manual_score is not None and one.needs_manual_grade]
            again = f"; marked by hand before this was handed in: {' '.join(before)}" if before else ""
            marks: list[float | None] = []
            for part in parts:
                cell = grades.get(part.name)
                by_hand = cell is not None and cell.manual_score is not None
                marks.append(None if cell is None else cell.manual_score if by_hand else cell.auto_score)
            waiting = sum(part.points for part, mark in zip(parts, marks, strict=True) if mark is None)
            earned = sum(mark or 0 for mark in marks)
            off = min(earned, days * late_percent / 100 * most)
            if notebook is not None:
                notebook.late_submission_penalty = off  # where nbgrader keeps it, for its own export
            totals[student] = None if waiting else earned - off
            numbers = [*marks, *([days, off] if due else []), earned - off, most, waiting]
            shown = ["" if number is None else f"{number:g}" for number in numbers]
            told = [f"{state['seconds']:.1f}", str(state.get("look", "")), f"{state['status']}{again}"]
            lines.append([student, *shown, *told])
        book.db.commit()
    _write(table, lines)
    return totals


def _write(table: Path, lines: list[list[str]]) -> None:
    temporary = table.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
    temporary.replace(table)
