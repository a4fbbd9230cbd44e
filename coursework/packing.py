"""The archives: one for students of each assignment, one for instructors."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat

from autograding import HERE, Assignment

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


def student_folder(assignment: Assignment, folder: Path) -> Path:
    """The release, the data beside it, and a README, in a folder of the assignment's name."""
    there = folder / assignment.name
    shutil.copytree(assignment.release.parent, there)
    heading = title(nbformat.read(assignment.release, as_version=4))
    beside = sorted(path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file())
    beside.remove(assignment.release.name)
    more = "".join(f"\n  {name}    needed by the notebook; leave it beside it" for name in beside)
    text = README.format(title=heading, line="=" * len(heading), name=assignment.name, more=more)
    (there / "README.txt").write_text(text, encoding="utf-8")
    return there


def instructor_folder(assignments: Iterable[Assignment], solutions: Mapping[str, Path], folder: Path) -> Path:
    """Sources with their seed, executed solutions, wrong submissions, rubrics, settings, scripts and notes."""
    there = folder / "mindgap-coursework"
    shutil.copytree(HERE, there, ignore=shutil.ignore_patterns("source", "__pycache__", ".*"))
    for assignment in assignments:
        shutil.copytree(assignment.source.parent, there / "source" / assignment.name)
    for name, graded in solutions.items():
        (there / "solutions").mkdir(exist_ok=True)
        shutil.copy(graded, there / "solutions" / f"{name}.ipynb")
    return there


def pack(assignments: Iterable[Assignment], solutions: Mapping[str, Path], out: Path) -> list[Path]:
    """Write students-<name>.zip for each assignment and instructors.zip into `out`; gives their paths.

    `solutions` are the executed notebooks by the names of the assignments.
    """
    listed = list(assignments)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="coursework-") as scratch:
        folders = {f"students-{one.name}": student_folder(one, Path(scratch)) for one in listed}
        folders["instructors"] = instructor_folder(listed, solutions, Path(scratch))
        return [
            Path(shutil.make_archive(str(out / name), "zip", scratch, folder.name)) for name, folder in folders.items()
        ]
