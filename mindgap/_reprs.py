"""How results show themselves: one sentence and a small table, as text in a console and as HTML in a notebook.

Without torch, as recipes are. A result says what it shows by `_shown`, of Python's own numbers and strings.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MOST_ROWS = 8
LONGEST_SENTENCE, LONGEST_CELL = 320, 60
ROOM = 1000  # bytes of the text; rows that do not fit are counted


class Shown(NamedTuple):
    """What is shown of a result: a sentence, and a table of which the first column names the rows."""

    sentence: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


class Readable:
    """What shows itself by `_shown`, instead of by its fields."""

    def _shown(self) -> Shown:
        raise NotImplementedError

    def __repr__(self) -> str:
        return as_text(self._shown())

    def _repr_html_(self) -> str:
        return as_html(self._shown())


def digits(value: float) -> str:
    """Three decimals, three significant digits of what is small, and 0 for rounding."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) < 1e-6:
        return "0.000"
    return f"{value:.3g}" if abs(value) < 0.0995 else f"{value:.3f}" if abs(value) < 1e6 else f"{value:.4g}"


def decimals(value: float, most: int = 4) -> str:
    """So many decimals, no negative zero, and a dash for what has no value."""
    return "–" if math.isnan(value) else f"{round(value, most) + 0.0:.{most}f}"


def short(words: object, most: int = LONGEST_CELL) -> str:
    """Words in one line that can be printed, cut where they are too long."""
    line = " ".join("".join(one if one.isprintable() else " " for one in str(words)).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def listed(names: Iterable[object]) -> str:
    """The names as one says them: "a, b and c"."""
    *others, last = [short(name, 40) for name in names]
    return f"{', '.join(others)} and {last}" if others else last


def as_text(shown: Shown) -> str:
    """The sentence, and below it the table; less than 1 kB."""
    sentence, columns, rows, more = _cells(shown)
    lines = [columns, *rows]
    aligned = [_aligned([line[place] for line in lines]) for place in range(len(columns))]
    body = ["  " + "  ".join(line).rstrip() for line in zip(*aligned, strict=True)]
    return "\n".join([sentence, *body, *([f"  … and {more} more"] if more else [])])


def as_html(shown: Shown) -> str:
    """The same as a table with a caption, whose headers say what they are headers of; nothing in it is markup."""
    sentence, columns, rows, more = _cells(shown)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    body = ""
    for name, *cells in rows:
        rest = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        body += f'<tr><th scope="row">{html.escape(name)}</th>{rest}</tr>'
    body += f'<tr><td colspan="{len(columns)}">… and {more} more</td></tr>' if more else ""
    caption = f'<caption style="caption-side: top; text-align: left">{html.escape(sentence)}</caption>'
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(shown: Shown) -> tuple[str, list[str], list[list[str]], int]:
    """Everything as strings, the rows that are shown, and how many more there are."""
    every = [[digits(cell) if isinstance(cell, float) else _word(cell) for cell in row] for row in shown.rows]
    sentence, columns = short(shown.sentence, LONGEST_SENTENCE), [short(name) for name in shown.columns]
    rows = every[:MOST_ROWS]
    while len(rows) > 1 and _size(sentence, columns, rows) > ROOM:
        rows.pop()
    return sentence, columns, rows, len(every) - len(rows)


def _word(cell: object) -> str:
    return "–" if cell is None else short(cell)


def _size(sentence: str, columns: list[str], rows: list[list[str]]) -> int:
    """The bytes of the text, a little too many."""
    widths = [max(len(line[place].encode()) for line in (columns, *rows)) + 2 for place in range(len(columns))]
    return len(sentence.encode()) + (len(rows) + 1) * (sum(widths) + 1) + 24


def _aligned(cells: list[str]) -> list[str]:
    """One column: its header, and numbers to the right, words to the left."""
    width = max(map(len, cells))
    numeric = all(cell[:1] in "–-.0123456789" or cell in ("nan", "inf") for cell in cells[1:])
    return [cell.rjust(width) if numeric else cell.ljust(width) for cell in cells]
