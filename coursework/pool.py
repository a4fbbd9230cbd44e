"""Grade submissions: each in a process, a kernel and a scratch copy of the course of its own.

One submission cannot hurt another, short of leaving its folder on purpose: its processes are killed when its time is
over, and only its marks and its pages come back. What would leave on purpose is a matter for a container.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from autograding import HERE, STUDENT, Assignment
from mending import mended

HANG = 3600.0  # seconds by the clock for one notebook, which only takes what hangs and cannot be stopped from within


@dataclass(frozen=True)
class Result:
    """What grading one notebook gave: a mark for each graded cell, None for one that waits for a person.

    `status` is "graded", "partly graded" if the notebook was stopped on its way, "timed out …", or "crashed: …", with
    what was stopped in words. What did not run is left to a person. `missing` names graded cells that the notebook
    lacks. `folder` is the scratch course with autograded and feedback notebooks, which the caller may take from and
    should remove. `seconds` of processor time are 0 where nothing was graded.
    """

    marks: dict[str, float | None]
    status: str
    seconds: float
    missing: tuple[str, ...]
    folder: Path


def grade(
    submissions: Iterable[tuple[str, Path]],
    assignment: Assignment,
    scratch: Path,
    jobs: int = 2,
    limits: Mapping[str, float] | None = None,
    feedback: bool = False,
    hang: float = HANG,
) -> Iterator[tuple[str, Result]]:
    """Grade the notebooks of (label, path), at most `jobs` at a time; gives (label, result) as each is done.

    `limits` replace those of `Run` in nbgrader_config.py, which count processor time.
    """
    context = _context()
    waiting = list(submissions)[::-1]
    running: dict[BaseProcess, tuple[str, Path, Path, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                label, path = waiting.pop()
                folder = Path(tempfile.mkdtemp(dir=scratch))
                try:
                    _submit(label, path, assignment, folder)
                except ValueError as error:
                    yield label, _result(assignment, folder, f"crashed: {error}")
                    continue
                process = context.Process(target=_enter, args=(folder, assignment.name, feedback, limits))
                process.start()
                running[process] = label, path, folder, time.perf_counter()
            multiprocessing.connection.wait([process.sentinel for process in running], timeout=0.1)
            for process in list(running):
                label, path, folder, started = running[process]
                if process.is_alive() and time.perf_counter() - started < hang:
                    continue
                status = f"timed out after {hang:g} s" if process.is_alive() else "graded"
                _end(process, folder)
                del running[process]
                # Only a process that ended well has written the marks itself.
                if status == "graded" and process.exitcode != 0:
                    status = f"crashed: {_last_error(folder)}"
                yield label, _result(assignment, folder, status)
    finally:
        for process, (_, _, folder, _) in running.items():
            _end(process, folder)


def _context() -> Any:
    """Where processes come from: forked from a server that has nbgrader and torch in memory, they start in no time."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["_autograde"])
    # Before Python 3.12 the server finds modules by PYTHONPATH alone. Kernels that are killed leave semaphores behind,
    # of which the tracker that starts beside it would warn.
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    before = dict(os.environ)
    os.environ.update(PYTHONPATH=path, PYTHONWARNINGS="ignore")
    try:
        first = context.Process(target=_nothing)  # whose end says that the server is there
        first.start()
        first.join()
    finally:
        for name in ("PYTHONPATH", "PYTHONWARNINGS"):
            os.environ.pop(name)
            os.environ.update({name: before[name]} if name in before else {})
    return context


def _nothing() -> None:
    pass


def beside(label: str, path: Path, name: str) -> list[Path]:
    """The files that belong to the notebook at `path`, such as a table of results: only from a folder of that label.

    What lies beside notebooks that share a folder belongs to none of them.
    """
    own = path.parent.name == label or (path.parent.name == name and path.parent.parent.name == label)
    there = sorted(path.parent.glob(f"{name}_*")) if own else []
    return [file for file in there if file.is_file() and file.suffix != ".ipynb"]


def _submitted(assignment: Assignment, folder: Path) -> Path:
    return folder / "submitted" / STUDENT / assignment.name / f"{assignment.name}.ipynb"


def _submit(label: str, path: Path, assignment: Assignment, folder: Path) -> None:
    """A scratch course with the gradebook of the release and one submission. Raises ValueError if this is none."""
    shutil.copy(assignment.course / "gradebook.db", folder)
    there = _submitted(assignment, folder).parent
    there.mkdir(parents=True)
    released = json.loads(assignment.release.read_text(encoding="utf-8"))
    notebook = mended(path.read_bytes(), released)
    _submitted(assignment, folder).write_text(json.dumps(notebook), encoding="utf-8")
    for file in beside(label, path, assignment.name):
        shutil.copy(file, there)


def _enter(folder: Path, name: str, feedback: bool, limits: Mapping[str, float] | None) -> None:
    import _autograde  # in the new process only: nbgrader takes seconds to import

    _autograde.main(folder, name, feedback, limits)


def _end(process: BaseProcess, folder: Path) -> None:
    """Kill what is left of a submission: its process, and its kernel with all that this one started."""
    with contextlib.suppress(OSError, ValueError):
        if (kernel := int((folder / "kernel.pid").read_text())) > 1:
            os.killpg(kernel, signal.SIGKILL)
    with contextlib.suppress(OSError):
        if process.pid:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # if it had no time to become a group
    process.join()


def _result(assignment: Assignment, folder: Path, status: str) -> Result:
    graded = status == "graded"
    found: dict[str, Any] = {"marks": {}, "notes": [], "seconds": 0.0}
    if graded:
        found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    missing = _missing(assignment, _submitted(assignment, folder))
    known: dict[str, float | None] = {}
    for part in assignment.parts:
        mark = 0.0 if part.name in missing else found["marks"].get(part.name)
        known[part.name] = min(mark, part.points) if mark is not None else None
    if graded and any(known[part.name] is None for part in assignment.parts if not part.by_hand):
        status = "partly graded"
    return Result(known, "; ".join([status, *found["notes"]]), found["seconds"], missing, folder)


def _missing(assignment: Assignment, path: Path) -> tuple[str, ...]:
    """The graded cells that a submission does not have, or no longer has as graded cells."""
    try:
        held = [cell["metadata"].get("nbgrader", {}) for cell in json.loads(path.read_bytes())["cells"]]
        there = {cell["grade_id"] for cell in held if cell.get("grade") or cell.get("task")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(part.name for part in assignment.parts if part.name not in there)


def _last_error(folder: Path) -> str:
    """The line of nbgrader's log that says what went wrong."""
    for name in ("log.txt", "process.txt"):
        with contextlib.suppress(OSError):
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
            errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Interrupt|TooOld|TooNew)\b", line)]
            if errors:
                return errors[0][:200]
    return "the process ended without a word"
