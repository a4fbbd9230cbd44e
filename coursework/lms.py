"""Marks on their way back: into a copy of Canvas's gradebook or Moodle's grading worksheet, and pages of feedback as an
archive that either takes."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping
from pathlib import Path

from handing_in import number_of

CANVAS, MOODLE = ("Student", "ID"), ("Identifier", "Grade")


def fill(worksheet: Path, column: str | None, totals: Mapping[str, float | None], out: Path) -> tuple[int, list[str]]:
    """Write the worksheet to `out` with the totals of students in it; how many, and whom it has no line for.

    A student whose total is None, since a person has still to mark something, is left as the worksheet has it. Lines,
    columns and values besides are kept. `column` is needed for Canvas, whose gradebook has one for each assignment.

    Raises ValueError if the file is neither, or has no such column.
    """
    with worksheet.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
        file.seek(0)
        header = next(csv.reader(file), [])
    if all(name in header for name in MOODLE):
        identifier, column = "Identifier", column or "Grade"
    elif all(name in header for name in CANVAS):
        identifier = "ID"
    else:
        raise ValueError(f"{worksheet}: expected the gradebook of Canvas or the grading worksheet of Moodle as CSV")
    fitting = [name for name in header if column and name.startswith(column)]
    if len(fitting) != 1:
        raise ValueError(f"{worksheet}: name one column by --column; there are {', '.join(header)}")
    by_number = {line[identifier].split()[-1]: line for line in lines if (line[identifier] or "").strip()}
    filled, unknown = 0, []
    for student, total in totals.items():
        line = by_number.get(number_of(student))
        if line is None:
            unknown.append(student)
        elif total is not None:
            line[fitting[0]] = f"{total:g}"
            filled += 1
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(lines)
    return filled, unknown


def pack_feedback(pages: Mapping[str, Path], out: Path) -> None:
    """An archive with each page under the name that its notebook came by, which is how Moodle and Canvas know whose it
    is."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, page in pages.items():
            archive.write(page, f"{place}.html")
