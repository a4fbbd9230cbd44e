"""Grade submissions: each by nbgrader's own commands, in a process and a scratch copy of the course of its own.

One submission cannot hurt another, short of leaving its folder on purpose: its processes are killed when it is done,
and only its marks and its pages come back. What would leave on purpose is a matter for a container.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograding import STUDENT, Assignment, configure, end, gradebook, nbgrader
from handing_in import Handed
from mending import mended

HANG = 3600.0  # seconds by the clock for one notebook, which only takes what hangs and cannot be stopped from within
BEHIND = re.compile(
    r"_getframe|get_ipython|\bbuiltins\b|\bsetattr\(|\binspect\b|\bopen\(|_transformers\w*|history_manager|__import__"
    r"|__code__|__globals__|\bsubprocess\b|\bctypes\b|\bos\._exit|sys\.modules"
)


@dataclass(frozen=True)
class Result:
    """What grading one notebook gave: a mark for each graded cell, None for one that waits for a person.

    `status` is "graded", "partly graded" if the notebook was stopped on its way, "timed out …", or "crashed: …", with
    what was stopped in words. What did not run is left to a person. `missing` names graded cells that the notebook
    lacks, `look` the words in it that a person should look at.
    `folder` is the scratch course with the autograded notebook, which the caller may take from and
    should remove. `seconds` are the processor time of the notebook, 0 where nothing was graded.
    """

    marks: dict[str, float | None]
    status: str
    seconds: float
    missing: tuple[str, ...]
    folder: Path
    look: tuple[str, ...] = ()


def grade(
    submissions: Iterable[tuple[str, Handed]],
    assignment: Assignment,
    scratch: Path,
    jobs: int = 2,
    limits: Mapping[str, float] | None = None,
    hang: float = HANG,
) -> Iterator[tuple[str, Result]]:
    """Grade what each label handed in, at most `jobs` at a time; gives (label, result) as each is done.

    `limits` replace those of `Run` in nbgrader_config.py, which count processor time.
    """
    running: set[Path] = set()

    def one(handed: Handed) -> Result:
        folder = Path(tempfile.mkdtemp(dir=scratch))
        try:
            submit(handed, assignment, folder)
        except (OSError, ValueError) as error:
            return result(assignment, folder, f"crashed: {error}")
        configure(folder, limits)
        running.add(folder)
        wrong = nbgrader(folder, "autograde", assignment.name, "--student", STUDENT, hang=hang)
        running.discard(folder)
        return result(assignment, folder, wrong or "graded")

    pool = ThreadPoolExecutor(jobs)
    try:
        labels = {pool.submit(one, handed): label for label, handed in submissions}
        for done in as_completed(labels):
            yield labels[done], done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for folder in set(running):
            end(folder)
        pool.shutdown()


def submitted(assignment: Assignment, folder: Path) -> Path:
    return folder / "submitted" / STUDENT / assignment.name / f"{assignment.name}.ipynb"


def submit(handed: Handed, assignment: Assignment, folder: Path) -> None:
    """A scratch course with the gradebook of the release and one submission. Raises ValueError if this is none."""
    shutil.copy(assignment.course / "gradebook.db", folder)
    there = submitted(assignment, folder).parent
    there.mkdir(parents=True)
    released = json.loads(assignment.release.read_text(encoding="utf-8"))
    notebook = mended(handed.path.read_bytes(), released)
    submitted(assignment, folder).write_text(json.dumps(notebook), encoding="utf-8")
    for name, file in handed.files.items():
        shutil.copy(file, there / name)


def result(assignment: Assignment, folder: Path, status: str) -> Result:
    marks: dict[str, float | None] = {}
    notes: list[str] = []
    seconds = 0.0
    if status == "graded":
        try:
            marks, notes, seconds = graded(assignment, folder)
        except (OSError, ValueError, LookupError) as error:
            status = f"crashed: {error}"
    absent = missing(assignment, submitted(assignment, folder))
    known: dict[str, float | None] = {}
    for part in assignment.parts:
        mark = 0.0 if part.name in absent else marks.get(part.name)
        known[part.name] = min(mark, part.points) if mark is not None else None
    if status == "graded" and any(known[part.name] is None for part in assignment.parts if not part.by_hand):
        status = "partly graded"
    return Result(known, "; ".join([status, *notes]), seconds, absent, folder, look(assignment, folder))


def graded(assignment: Assignment, folder: Path) -> tuple[dict[str, float | None], list[str], float]:
    """Marks, what was mended or stopped in words, and processor seconds; what did not run has no mark."""
    name = assignment.name
    with gradebook(folder) as book:
        marks = {grade.name: grade.auto_score for grade in book.find_submission_notebook(name, name, STUDENT).grades}
    path = folder / "autograded" / STUDENT / name / f"{name}.ipynb"
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    notes: list[str] = list(notebook.metadata.get("mindgap", []))
    for number, cell in enumerate(notebook.cells, start=1):
        called = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {number}"
        what = cell.metadata.get("mindgap", "")
        if what.startswith("interrupted"):
            notes.append(f"{called} {what}")
        elif what:
            if (reason := what.removeprefix("did not run: ")) not in notes:
                notes.append(reason)
            if called in marks:
                marks[called] = None
    return marks, notes, float(notebook.metadata.get("mindgap_seconds", 0.0))


def look(assignment: Assignment, folder: Path) -> tuple[str, ...]:
    """Words by which code reaches behind the tests, in cells that are not as handed out; each with its cell."""
    found: dict[str, None] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        given = {"".join(cell["source"]) for cell in json.loads(assignment.release.read_bytes())["cells"]}
        for number, cell in enumerate(json.loads(submitted(assignment, folder).read_bytes())["cells"], start=1):
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and source not in given:
                name = cell["metadata"].get("nbgrader", {}).get("grade_id") or f"cell {number}"
                found |= dict.fromkeys(f"{word} in {name}" for word in BEHIND.findall(source))
    return tuple(found)


def missing(assignment: Assignment, path: Path) -> tuple[str, ...]:
    """The graded cells that a submission does not have, or no longer has as graded cells."""
    try:
        held = [cell["metadata"].get("nbgrader", {}) for cell in json.loads(path.read_bytes())["cells"]]
        there = {cell["grade_id"] for cell in held if cell.get("grade") or cell.get("task")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(part.name for part in assignment.parts if part.name not in there)
