"""nbgrader, run as a command in a course folder, and the release of an assignment made with it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import shutil
import sys
import sysconfig
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
SEED_LINE = re.compile(r"^([ \t]*)seed = \d+  # hidden$", re.MULTILINE)
STUDENT = "student"  # what every submission is called in its scratch course
MARK = "MINDGAP_COURSE"  # in the environment of all that runs in a course folder, by which it is found again
# One thread a kernel and no GPU, so that marks do not depend on the machine; no downloads (the port is closed, so that
# asking takes no time), no warnings in the pages.
QUIET = {
    "MINDGAP_DEVICE": "cpu",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MINDGAP_URL": "http://127.0.0.1:9/",
    "HF_HUB_OFFLINE": "1",
    "PYTHONWARNINGS": "ignore",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class Part:
    """One graded cell: its name, what it is worth, and whether a person marks it."""

    name: str
    points: float
    by_hand: bool


@dataclass(frozen=True)
class Assignment:
    """A released assignment: the course folder with source, release and gradebook, and the graded cells in order."""

    name: str
    course: Path
    parts: tuple[Part, ...]

    @property
    def source(self) -> Path:
        return self.course / "source" / self.name / f"{self.name}.ipynb"

    @property
    def release(self) -> Path:
        return self.course / "release" / self.name / f"{self.name}.ipynb"


def configure(course: Path, limits: Mapping[str, float] | None = None) -> None:
    """Put nbgrader's configuration into a course folder; `limits` replace those of `Run` in it."""
    text = (HERE / "nbgrader_config.py").read_text(encoding="utf-8")
    text += "".join(f"c.Run.{name} = {value!r}\n" for name, value in (limits or {}).items())
    (course / "nbgrader_config.py").write_text(text, encoding="utf-8")


# nbgrader takes seconds to import. So each command is a copy of a process that has done so, and has done nothing else;
# where processes cannot be copied, each imports it again.
PROCESSES: Any = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
PROCESSES.set_forkserver_preload(["nbgrader.apps.nbgraderapp", "nbclient", "psutil", "yaml", "rich.progress"])
_running: dict[Path, BaseProcess] = {}
_asking = threading.Lock()  # who starts a process asks all others for their exit codes, which can be read only once


def nbgrader(course: Path, *command: str, hang: float = 3600.0) -> str:
    """Run a command of nbgrader in a course folder, with all that it starts ended afterwards.

    Gives what went wrong in words, "" if nothing did. `hang` is in seconds by the clock.
    """
    course = course.absolute()  # the command runs in it, and what it starts is told apart by this from others
    (course / "tmp").mkdir(exist_ok=True)
    process = PROCESSES.Process(target=_nbgrader, args=(course, command, surroundings(course)))
    with _asking:
        process.start()
    _running[course] = process
    try:
        connection.wait([process.sentinel], hang)
    finally:
        with _asking:
            code = process.exitcode
        end(course)
        del _running[course]
        connection.wait([process.sentinel])
        with _asking:
            process.join()
    if code is None:
        return f"timed out after {hang:g} s"
    return f"crashed: {last_error(course)}" if code else ""


def surroundings(course: Path) -> dict[str, str]:
    """The environment of a command in a course folder, and of all that it starts."""
    own = {"TMPDIR": "tmp", "IPYTHONDIR": "tmp/ipython", "JUPYTER_RUNTIME_DIR": "tmp/runtime"}
    environment = {**os.environ, **QUIET, **{name: str(course / place) for name, place in own.items()}}
    environment[MARK] = str(course)
    # nbgrader runs the command alembic, which lies beside this Python, activated or not.
    environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), environment.get("PATH", "")])
    return environment


def _nbgrader(course: Path, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """What runs in a process of its own."""
    if os.name == "posix":
        os.setsid()
    os.chdir(course)
    os.environ.clear()
    os.environ.update(environment)
    warnings.simplefilter("ignore")
    with Path("log.txt").open("a", encoding="utf-8") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    from nbgrader.apps.nbgraderapp import main

    sys.argv = ["nbgrader", *command]
    main()


def end(course: Path) -> None:
    """Kill every process that was started in a course folder, whatever it has made of itself since."""
    if (command := _running.get(course.absolute())) is not None:
        command.kill()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(course.absolute()):
                process.kill()


def last_error(course: Path) -> str:
    """The line of nbgrader's log that says what went wrong."""
    lines: list[str] = []
    with contextlib.suppress(OSError):  # what runs in the folder can remove it
        lines = (course / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if re.match(r"\s*[\w.]+(Error|Exception|Interrupt|TooOld|TooNew)\b", line)]
    return errors[-1].strip()[:200] if errors else "the process ended without a word"


@contextlib.contextmanager
def gradebook(course: Path) -> Iterator[Any]:
    """The gradebook of a course folder. Raises ValueError if it cannot be read or written."""
    from nbgrader.api import Gradebook  # which takes seconds
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with Gradebook(f"sqlite:///{course}/gradebook.db", "mindgap") as book:
            yield book
    except SQLAlchemyError as error:
        raise ValueError(f"{course / 'gradebook.db'}: {str(error).splitlines()[0]}") from None


def release(name: str, course: Path, seed: int | None = None, sources: Path = HERE / "source") -> Assignment:
    """Make the student release of an assignment in `course`, with the seed of the hidden tests replaced by `seed`.

    Raises FileNotFoundError if there is no such assignment, ValueError if the seed is negative, was to be replaced and
    has no line, or nbgrader does not take the notebook.
    """
    if not (sources / name / f"{name}.ipynb").is_file():
        there = sorted(path.parent.name for path in sources.glob("*/*.ipynb"))
        raise FileNotFoundError(f"no assignment {name!r}; there are {', '.join(there)}")
    course.mkdir(parents=True, exist_ok=True)
    copied = course / "source" / name
    shutil.copytree(sources / name, copied, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    if seed is not None:
        reseed(copied / f"{name}.ipynb", seed)
    configure(course)
    if wrong := nbgrader(course, "generate_assignment", name):
        raise ValueError(f"{name}: {wrong}")
    with gradebook(course) as book:
        notebook = book.find_notebook(name, name)
        written = {cell.name for cell in notebook.solution_cells}
        worth = {cell.name: (float(cell.max_score), cell.cell_type) for cell in notebook.grade_cells}
        tasks = {cell.name: float(cell.max_score) for cell in notebook.task_cells}
        order = [cell.name for cell in notebook.source_cells]
    parts = [
        Part(cell, worth[cell][0], cell in written or worth[cell][1] != "code")
        if cell in worth
        else Part(cell, tasks[cell], True)
        for cell in order
        if cell in worth or cell in tasks
    ]
    return Assignment(name, course, tuple(parts))


def reseed(path: Path, seed: int) -> None:
    """Write `seed` into every hidden test of the notebook."""
    if seed < 0:
        raise ValueError(f"expected a seed of at least 0, got {seed}")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    replaced = 0
    for cell in notebook["cells"]:
        text, count = SEED_LINE.subn(rf"\g<1>seed = {seed}  # hidden", "".join(cell["source"]))
        cell["source"], replaced = text, replaced + count
    if not replaced:
        raise ValueError(f"{path.name}: no hidden test begins with 'seed = …  # hidden'")
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
