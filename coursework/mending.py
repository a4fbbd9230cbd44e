"""Slips with the notebook's file that cost only themselves: cells copied or split, metadata lost, a mark at its start.

JupyterLab copies a cell's metadata when it copies or splits the cell, and nbgrader then finds two of one name, or, of a
cell from another assignment, one that it does not know. It accepts neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def mended(content: bytes, released: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook in a student's file, with what was mended, in words, in its metadata under "mindgap".

    `released` is the notebook that was handed out. Raises ValueError if the file holds no notebook, or another one.
    """
    given = {cell["id"]: cell["metadata"]["nbgrader"] for cell in released["cells"] if "nbgrader" in cell["metadata"]}
    notebook: Any = None
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
        own, foreign = _mend(notebook, given)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        if isinstance(notebook, dict) and "worksheets" in notebook:
            raise ValueError("a notebook in the format of 2014; opened and saved in JupyterLab it has ours") from None
        raise ValueError("the file is no notebook, or not a whole one") from None
    if own <= foreign:
        raise ValueError(f"of the assignment's {len(given)} cells the notebook has {own}, and of another one {foreign}")
    return dict(notebook)


def _mend(notebook: dict[str, Any], given: Mapping[str, Any]) -> tuple[int, int]:
    """Mend it in place; how many of the `given` cells it has, and how many of other assignments."""
    cells = notebook["cells"]
    names: list[Any] = [(cell.setdefault("metadata", {}).get("nbgrader") or {}).get("grade_id") for cell in cells]
    notes: list[str] = []
    seen: set[str] = set()
    foreign = []
    for place, (name, cell) in enumerate(zip(names, cells, strict=True)):
        if name in given and name not in seen and not _copied_ahead(name, place, names, list(given)):
            seen.add(name)
            cell["metadata"]["nbgrader"] = given[name]  # with the points and the checksum that it was handed out with
        elif name in given:
            del cell["metadata"]["nbgrader"]  # a cell of the student's own
            which = "first of them" if name in seen else "one in its place"
            notes.append(f"{name} is there more than once, copied or split; the {which} counts")
        elif cell["metadata"].pop("nbgrader", None):
            foreign.append(name)
    lost = []
    ids: set[str] = set()
    for number, cell in enumerate(cells):
        name = cell.get("id")
        if name in given and name not in seen:
            cell["metadata"]["nbgrader"] = given[name]
            seen.add(name)
            lost.append(name)
        if name and name in ids:
            cell["id"] = f"cell-{number}"
        ids.add(cell.get("id", ""))
    if lost:
        notes.append(f"{len(lost)} cells had lost what names them and were found again")
    if foreign:
        notes.append(f"cells of another assignment are the student's own: {' '.join(map(str, foreign))}")
    notebook.setdefault("metadata", {})["mindgap"] = notes
    return len(seen), len(foreign)


def _copied_ahead(name: str, place: int, names: list[Any], order: list[str]) -> bool:
    """Whether a cell stands before the one that comes before it in the release, and a copy of it after that one."""
    before, later = order[order.index(name) - 1], names[place + 1 :]
    return name != order[0] and before in later and name in later[later.index(before) :]
