"""An assignment and its release: nbgrader clears solutions and hidden tests, and a gradebook keeps what is graded."""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import shutil
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SEED_LINE = re.compile(r"^([ \t]*)seed = \d+  # hidden$", re.MULTILINE)
STUDENT = "student"  # what every submission is called in its scratch course
# One thread a kernel, no downloads (the port is closed, so that asking takes no time), no warnings in the pages.
KERNEL = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MINDGAP_URL": "http://127.0.0.1:9/",
    "HF_HUB_OFFLINE": "1",
    "PYTHONWARNINGS": "ignore",
    "PYTHONDONTWRITEBYTECODE": "1",
}
# nbgrader runs the command alembic, which lies beside this Python, activated or not.
if (scripts := sysconfig.get_path("scripts")) not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join(filter(None, [scripts, os.environ.get("PATH")]))


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


def settings(course: Path, name: str, limits: Mapping[str, float] | None = None) -> Any:
    """nbgrader's configuration of a course folder; `limits` replace those of `Run` in nbgrader_config.py."""
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(HERE)).load_config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.assignment_id = name
    config.CourseDirectory.student_id = STUDENT
    for limit, value in (limits or {}).items():
        config.Run[limit] = value
    return config


def convert(converter: type, course: Path, name: str, limits: Mapping[str, float] | None = None) -> None:
    """Run one of nbgrader's converters; its complaints go to log.txt in the course folder, its failure is raised."""
    from nbgrader.coursedir import CourseDirectory

    config = settings(course, name, limits)
    log = logging.getLogger(f"nbgrader.{course}")
    log.propagate = False
    handler = logging.FileHandler(course / "log.txt", encoding="utf-8")
    log.addHandler(handler)
    try:
        converter(coursedir=CourseDirectory(config=config, log=log), config=config, log=log).start()
    finally:
        log.removeHandler(handler)
        handler.close()


@functools.cache
def _empty_gradebook() -> bytes:
    """The file of a gradebook with nothing in it: nbgrader takes seconds to make one, asking alembic in a process."""
    from nbgrader.api import Gradebook

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gradebook.db"
        Gradebook(f"sqlite:///{path}", "mindgap").close()
        return path.read_bytes()


def release(name: str, course: Path, seed: int | None = None, sources: Path = HERE / "source") -> Assignment:
    """Make the student release of an assignment in `course`, with the seed of the hidden tests replaced by `seed`.

    Raises FileNotFoundError if there is no such assignment, ValueError if its seed was to be replaced and has no line.
    """
    from nbgrader.api import Gradebook
    from nbgrader.converters import GenerateAssignment

    if not (sources / name / f"{name}.ipynb").is_file():
        there = sorted(path.parent.name for path in sources.glob("*/*.ipynb"))
        raise FileNotFoundError(f"no assignment {name!r}; there are {', '.join(there)}")
    course.mkdir(parents=True, exist_ok=True)
    copied = course / "source" / name
    shutil.copytree(sources / name, copied, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    if seed is not None:
        reseed(copied / f"{name}.ipynb", seed)
    if not (course / "gradebook.db").exists():
        (course / "gradebook.db").write_bytes(_empty_gradebook())
    convert(GenerateAssignment, course, name)
    with Gradebook(f"sqlite:///{course}/gradebook.db", "mindgap") as book:
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
    notebook = json.loads(path.read_text(encoding="utf-8"))
    replaced = 0
    for cell in notebook["cells"]:
        text, count = SEED_LINE.subn(rf"\g<1>seed = {seed}  # hidden", "".join(cell["source"]))
        cell["source"], replaced = text, replaced + count
    if not replaced:
        raise ValueError(f"{path.name}: no hidden test begins with 'seed = …  # hidden'")
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
