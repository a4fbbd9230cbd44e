"""The archives: one for students of each assignment, one for instructors. Equal contents give equal bytes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from autograding import HERE, STUDENT, Assignment

if TYPE_CHECKING:
    from build import Trial

TIMESTAMP = (2022, 11, 28, 0, 0, 0)  # of every file in an archive: the first day of NeurIPS 2022
README = """\
{title}
{line}

What is here
  {name}.ipynb    the assignment: read, write your code and your answers, run{more}

Before you start
  Install mindgap and JupyterLab, as your course or the book's page of assignments says, and open the notebook with

      jupyter lab {name}.ipynb

  No GPU is needed, and no network: what the notebook needs comes with mindgap.

While you work
  Replace each line  raise NotImplementedError("write this")  by your code, and each  YOUR ANSWER HERE  by your words.
  The cells below your code test it and say what is wrong. Add as many cells of your own as you like. Leave the cells
  that test where they are: they are restored before grading, and one that was deleted counts as failed. Of a cell that
  you copied or split, the first counts.

Before you hand in
  Choose Kernel > Restart Kernel and Run All Cells. What only works in the order in which you happened to run it does
  not work. Save, and hand in {name}.ipynb under this name, with any file of results that it says it reads.
"""


def title(notebook: nbformat.NotebookNode) -> str:
    """The first heading."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := re.search(r"^# (.+)$", cell.source, re.MULTILINE)):
            return heading[1].strip()
    return "Assignment"


def student_files(assignment: Assignment) -> dict[str, bytes]:
    """The release, the data beside it, and a README."""
    folder = assignment.release.parent
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    heading = title(nbformat.read(assignment.release, as_version=4))
    beside = sorted(set(files) - {assignment.release.name})
    more = "".join(f"\n  {name}    needed by the notebook; leave it beside it" for name in beside)
    text = README.format(title=heading, line="=" * len(heading), name=assignment.name, more=more)
    files["README.txt"] = text.encode()
    return {f"{assignment.name}/{name}": content for name, content in files.items()}


def instructor_files(assignments: Iterable[Assignment], trials: Iterable[Trial], out: Path) -> dict[str, bytes]:
    """Sources, executed solutions, wrong submissions, settings and scripts, and the notes as far as they are there."""
    files: dict[str, bytes] = {}
    wanted = {assignment.name: assignment for assignment in assignments}
    for name, assignment in wanted.items():
        for path in sorted(assignment.source.parent.rglob("*")):
            if path.is_file():
                files[f"source/{name}/{path.relative_to(assignment.source.parent).as_posix()}"] = path.read_bytes()
        if (wrong := HERE / "wrong" / f"{name}.yml").is_file():
            files[f"wrong/{name}.yml"] = wrong.read_bytes()
    for trial in trials:
        name, folder = trial.submission.assignment, trial.result.folder
        if trial.submission.label == "solution" and folder is not None:
            graded = folder / "autograded" / STUDENT / name / f"{name}.ipynb"
            if graded.is_file():
                files[f"solutions/{name}.ipynb"] = graded.read_bytes()
    for path in [*HERE.glob("*.py"), HERE / "instructor_notes.md"]:
        if path.is_file():
            files[path.name] = path.read_bytes()
    if (notes := out / "instructor_notes.pdf").is_file():
        files[notes.name] = notes.read_bytes()
    return {f"mindgap-coursework/{name}": content for name, content in files.items()}


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    """An archive with these files, in the order of their names and all of one time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, TIMESTAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # as on Unix, wherever it is packed
            archive.writestr(entry, files[name])
    return temporary.replace(path)


def pack(assignments: Iterable[Assignment], trials: Iterable[Trial], out: Path) -> list[Path]:
    """Write students-<name>.zip for each assignment and instructors.zip into `out`; gives their paths."""
    listed = list(assignments)
    paths = [write_zip(out / f"students-{one.name}.zip", student_files(one)) for one in listed]
    return [*paths, write_zip(out / "instructors.zip", instructor_files(listed, trials, out))]
