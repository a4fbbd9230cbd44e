"""Marks on their way back: into a copy of Canvas's gradebook or Moodle's grading worksheet, and pages of feedback as an
archive that either takes."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handing_in import number_of

CANVAS, MOODLE = ("Student", "ID"), ("Identifier", "Grade")


@dataclass(frozen=True)
class Worksheet:
    """A platform's table as it came: its lines, how they are written, and the places of students' numbers and marks."""

    lines: list[list[str]]
    delimiter: str
    encoding: str
    identifier: int
    column: int


def read_lines(path: Path) -> tuple[list[list[str]], str]:
    """The lines of a CSV and what separates its columns, which is a semicolon in spreadsheets of half of Europe.

    Raises ValueError if the file is not in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: expected a CSV in UTF-8; save it as such, in Excel as 'CSV UTF-8'") from None
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), delimiter


def open_worksheet(worksheet: Path, column: str | None) -> Worksheet:
    """A platform's table with the one column that is called, or else begins with, `column`.

    Raises ValueError if the file is neither Canvas's nor Moodle's, or has no such column.
    """
    lines, delimiter = read_lines(worksheet)
    header = lines[0] if lines else []
    if all(name in header for name in MOODLE):
        identifier, column = "Identifier", column or "Grade"
    elif all(name in header for name in CANVAS):
        identifier = "ID"
    else:
        raise ValueError(
            f"{worksheet}: expected the gradebook of Canvas or the grading worksheet of Moodle as CSV, with columns "
            f"{' and '.join(CANVAS)}, or {' and '.join(MOODLE)}; there are {', '.join(header)}"
        )
    fitting = [place for place, name in enumerate(header) if column and name == column]
    fitting = fitting or [place for place, name in enumerate(header) if column and name.startswith(column)]
    if len(fitting) != 1:
        told = f"{len(fitting)} begin with {column!r}" if column else "none is named"
        raise ValueError(f"{worksheet}: name one column by --column; there are {', '.join(header)}, and {told}")
    encoding = "utf-8-sig" if worksheet.read_bytes().startswith(codecs.BOM_UTF8) else "utf-8"
    return Worksheet(lines, delimiter, encoding, header.index(identifier), fitting[0])


def fill(worksheet: Path, column: str | None, totals: Mapping[str, float | None], out: Path) -> tuple[int, list[str]]:
    """Write the worksheet to `out` with the totals of students in it; how many, and whom it has no line for.

    A student whose total is None, since a person has still to mark something, is left as the worksheet has it. Lines,
    columns and values besides are kept. `column` is needed for Canvas, whose gradebook has one for each assignment.
    Raises as `open_worksheet` does.
    """
    sheet = open_worksheet(worksheet, column)
    whole = [line for line in sheet.lines[1:] if len(line) > max(sheet.identifier, sheet.column)]
    by_number = {line[sheet.identifier].split()[-1]: line for line in whole if line[sheet.identifier].strip()}
    filled, unknown = 0, []
    for student, total in totals.items():
        line = by_number.get(number_of(student))
        if line is None:
            unknown.append(student)
        elif total is not None:
            line[sheet.column] = f"{total:g}"
            filled += 1
    with out.open("w", newline="", encoding=sheet.encoding) as file:
        csv.writer(file, delimiter=sheet.delimiter).writerows(sheet.lines)
    return filled, unknown


def pack_feedback(pages: Mapping[str, Path], out: Path) -> None:
    """An archive with each page under the name that its notebook came by, which is how Moodle and Canvas know whose it
    is."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, page in pages.items():
            archive.write(page, f"{place}.html")
