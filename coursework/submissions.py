"""The notebooks of the self-test: solution, bare release and wrong submissions, with the marks they must get."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from autograding import HERE, Assignment

MARKERS = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*\n?", re.MULTILINE)
REGIONS = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)(.*?)### END (?:SOLUTION|HIDDEN TESTS)", re.DOTALL)
LEAST_LETTERS = 12  # a shorter line, such as `else:`, gives nothing away


@dataclass(frozen=True)
class Submission:
    """A notebook, what it stands for, and the marks it must get: a number, or None where a person has to mark."""

    assignment: str
    label: str
    notebook: NotebookNode
    marks: dict[str, float | None]

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{re.sub(r'[^a-z0-9]+', '-', self.label.lower())[:100]}.ipynb"
        nbformat.write(self.notebook, path)
        return path


def name_of(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id", "")


def _nbgrader(cell: NotebookNode) -> dict[str, Any]:
    return cell.metadata.get("nbgrader", {})


def solved(assignment: Assignment) -> NotebookNode:
    """The release with the solutions filled in: what a student hands in who has everything right."""
    source = nbformat.read(assignment.source, as_version=4)
    solutions = {
        name_of(cell): MARKERS.sub("", cell.source) for cell in source.cells if _nbgrader(cell).get("solution")
    }
    notebook = nbformat.read(assignment.release, as_version=4)
    for cell in notebook.cells:
        if name_of(cell) in solutions:
            cell.source = solutions[name_of(cell)]
    return notebook


def submissions(assignment: Assignment, wrong: Path = HERE / "wrong") -> list[Submission]:
    """Solution, release, and what `wrong/<assignment>.yml` lists.

    Raises ValueError where that file names a cell that does not exist, or is not what it should be.
    """
    full: dict[str, float | None] = {p.name: None if p.by_hand else p.points for p in assignment.parts}
    blank: dict[str, float | None] = {p.name: 0.0 for p in assignment.parts}
    right, bare = solved(assignment), nbformat.read(assignment.release, as_version=4)
    found = [
        Submission(assignment.name, "solution", right, full),
        Submission(assignment.name, "release", bare, blank),
    ]
    path = wrong / f"{assignment.name}.yml"
    if path.is_file():
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            try:
                notebook = altered(right, bare, entry["cells"])
                marks = {**full, **_marks(entry["marks"], assignment)}
                found.append(Submission(assignment.name, entry["name"], notebook, marks))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ValueError(f"{path.name}: {entry.get('name', entry)}: {error}") from error
    return found


def enough(found: list[Submission]) -> list[Submission]:
    """Solution, release, and as few of the wrong ones as make every test fail once that any of them makes fail.

    Those of them that have neither a changed cell nor a lost mark in common are handed in as one notebook.
    """
    right, bare, *wrong = found
    lost = {one.label: _lost(one, right) for one in wrong}
    left, chosen = set().union(*lost.values()), list[Submission]()
    while left:
        best = max(wrong, key=lambda one: len(lost[one.label] & left))
        left -= lost[best.label]
        for place, other in enumerate(chosen):
            if not (_changed(best, right) & _changed(other, right) or _lost(best, right) & _lost(other, right)):
                chosen[place] = _both(other, best, right)
                break
        else:
            chosen.append(best)
    return [right, bare, *chosen]


def _lost(one: Submission, right: Submission) -> set[str]:
    return {name for name, mark in one.marks.items() if mark != right.marks[name]}


def _changed(one: Submission, right: Submission) -> set[str]:
    """The cells of the solution that a submission has otherwise, or not at all."""
    own = {name_of(cell): cell.source for cell in one.notebook.cells}
    return {name_of(cell) for cell in right.notebook.cells if own.get(name_of(cell)) != cell.source}


def _both(one: Submission, other: Submission, right: Submission) -> Submission:
    """The solution with the changes of two submissions: it loses what either loses."""
    changed, given = _changed(other, right), {name_of(cell): cell for cell in other.notebook.cells}
    notebook = copy.deepcopy(one.notebook)
    notebook.cells = [
        copy.deepcopy(given[name]) if (name := name_of(cell)) in changed else cell
        for cell in notebook.cells
        if name_of(cell) not in changed or name_of(cell) in given
    ]
    lost = _lost(other, right)
    marks = {name: other.marks[name] if name in lost else mark for name, mark in one.marks.items()}
    return Submission(one.assignment, f"{one.label}; {other.label}", notebook, marks)


def _marks(listed: dict[str, float | None], assignment: Assignment) -> dict[str, float | None]:
    if unknown := set(listed) - {part.name for part in assignment.parts}:
        raise ValueError(f"marks for {', '.join(sorted(unknown))}, which no graded cell is called")
    return {name: None if mark is None else float(mark) for name, mark in listed.items()}


def altered(right: NotebookNode, bare: NotebookNode, cells: dict[str, Any]) -> NotebookNode:
    """The solution with some cells replaced, by a text, by their released stub (blank), or by nothing (delete)."""
    notebook = copy.deepcopy(right)
    stubs = {name_of(cell): cell.source for cell in bare.cells}
    there = {name_of(cell): cell for cell in notebook.cells}
    for name, change in cells.items():
        if name not in there:
            raise ValueError(f"no cell {name!r}; there are {', '.join(filter(None, there))}")
        if isinstance(change, str):
            there[name].source = change.rstrip("\n")
        elif change == {"blank": True}:
            there[name].source = stubs[name]
        elif change == {"delete": True}:
            notebook.cells.remove(there[name])
        else:
            raise ValueError(f"{name}: expected a text, 'blank: true' or 'delete: true', got {change!r}")
    return notebook


def leaks(assignment: Assignment) -> list[str]:
    """Lines of a solution or hidden test that the release still shows, and its cells that nbgrader would not hold.

    A line counts if it is long enough to tell something and the source does not also show it outside of the regions.
    """
    from nbgrader import utils

    source = nbformat.read(assignment.source, as_version=4)
    released = nbformat.read(assignment.release, as_version=4)
    secret: set[str] = set()
    visible: set[str] = set()
    for cell in source.cells:
        regions = REGIONS.findall(cell.source)
        rest = REGIONS.sub("", cell.source)
        if _nbgrader(cell).get("solution") and not regions:  # all of it is the solution
            regions, rest = [cell.source], ""
        secret |= {line.strip() for region in regions for line in region.splitlines()}
        visible |= {line.strip() for line in rest.splitlines()}
    shown = {line.strip() for cell in released.cells for line in cell.source.splitlines()}
    wrong = [line for line in sorted((secret - visible) & shown) if len(line) >= LEAST_LETTERS]
    wrong += [line for line in sorted(shown) if re.search(r"BEGIN (SOLUTION|HIDDEN)|# hidden$", line)]
    for cell in released.cells:
        if (held := _nbgrader(cell)) and held.get("checksum") != utils.compute_checksum(cell):
            wrong.append(f"{name_of(cell)}: the checksum does not fit")
        if utils.is_locked(cell) and cell.metadata.get("editable", True):
            wrong.append(f"{name_of(cell)}: not locked")
        if cell.cell_type == "code" and cell.outputs:
            wrong.append(f"{name_of(cell)}: has outputs")
    return wrong
