"""What commands write: files looked at and claimed before anything is computed, and results as JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def claimed(output: Path | None, force: bool, *suffixes: str) -> Iterator[Path | None]:
    """`_files.claimed` of an output, if there is one."""
    from mindgap import _files

    if output is None:
        yield None
        return
    with _files.claimed(output, force, suffixes) as path:
        yield path


def one_form(as_json: bool, as_csv: bool, output: Path | None) -> None:
    """Raises ValueError where a result is asked for in two ways at once."""
    asked = [name for name, given in (("--json", as_json), ("--csv", as_csv), ("--output", output)) if given]
    if len(asked) > 1:
        raise ValueError(f"{' and '.join(asked)}: expected one of them; the name of OUTPUT says what is written there")


def as_csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same columns as CSV, nothing for what has no value."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def give(content: Any, rows: Sequence[Mapping[str, Any]], as_csv: bool, output: Path | None) -> None:
    """Print or write a result: `content` as JSON, or `rows` as CSV."""
    from mindgap import _files

    csv_wanted = as_csv if output is None else output.suffix == ".csv"
    text = as_csv_text(rows) if csv_wanted else json.dumps(content) + "\n"
    if output is None:
        print(text, end="")
    else:
        _files.write_whole(output, text.encode())
