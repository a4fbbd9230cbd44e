"""The data of a stored figure as columns: what a page and a notebook to download hold of it.

A notebook keeps a chart's data row by row, each row with the names of its columns, so that a change of one number is
one line of a difference. Most of that is names. Vega-Lite reads the same as CSV, whose first line names the columns
once: as standard a form of the same chart, a third as long.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any

KINDS: dict[str, set[type]] = {"boolean": {bool}, "string": {str}, "number": {int, float}}
PLAIN = re.compile(r"[^\[\].\\'\"\r]+")  # a name in which Vega sees no path, and no end of a line


def kind(values: list[Any]) -> str | None:
    """What a column holds: "number", "string" or "boolean", missing values apart; None if CSV cannot tell."""
    there = {type(value) for value in values if value is not None}
    if not there or "" in values:  # an empty cell is a missing value
        return None
    if any(isinstance(value, str) and "\r" in value for value in values):  # Vega ends a line there, csv does not
        return None
    return next((name for name, types in KINDS.items() if there <= types), None)


def columns(rows: Any) -> dict[str, str] | None:
    """The columns of `rows` with their kinds; None where CSV would lose something."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and row for row in rows):
        return None
    names = list(rows[0])
    if any(list(row) != names for row in rows) or not all(map(PLAIN.fullmatch, names)):
        return None
    kinds = {name: kind([row[name] for row in rows]) for name in names}
    return {name: one for name, one in kinds.items() if one} if all(kinds.values()) else None


def cell(value: Any) -> str:
    """A value as JSON has it, so that it is read as the same, and no number is longer than there."""
    if isinstance(value, float) and value.is_integer() and math.fabs(value) < 1e15:
        return f"{value:.0f}"  # which keeps the sign of −0
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def as_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def references(node: Any) -> Iterator[dict[str, Any]]:
    """Whatever in a part of a specification has a name, datasets that it reads among them."""
    if isinstance(node, dict):
        if isinstance(node.get("name"), str):
            yield node
        node = list(node.values())
    for part in node if isinstance(node, list) else ():
        yield from references(part)


def compact(spec: dict[str, Any]) -> dict[str, Any]:
    """The Vega-Lite `spec` with its named datasets as CSV, but for those that CSV cannot hold, and those that are read
    nowhere, or somewhere in a format of their own."""
    datasets = spec.get("datasets", {})
    named = list(references({key: value for key, value in spec.items() if key != "datasets"}))
    plain = {node["name"] for node in named if len(node) == 1} - {node["name"] for node in named if len(node) > 1}
    kinds = {name: found for name, rows in datasets.items() if name in plain and (found := columns(rows))}

    def reading(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) == {"name"} and node["name"] in kinds:
                return {"name": node["name"], "format": {"type": "csv", "parse": kinds[node["name"]]}}
            return {key: reading(value) for key, value in node.items()}
        return [reading(value) for value in node] if isinstance(node, list) else node

    if not kinds:
        return spec
    body = {key: reading(value) for key, value in spec.items() if key != "datasets"}
    return {**body, "datasets": {name: as_csv(rows) if name in kinds else rows for name, rows in datasets.items()}}
