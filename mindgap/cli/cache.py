"""`mindgap cache`: what has been downloaded, and where it lies."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from mindgap.cli._messages import say, show
from mindgap.cli._options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence


def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove what has been downloaded, after asking; nothing else.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say where downloaded features lie, which there are, and how large they are; or remove them.

    MINDGAP_CACHE names another folder. Your own files, also those in MINDGAP_DATA, are never touched.

    Examples:

        mindgap cache
        mindgap cache --clear
    """
    from mindgap import pairs

    if yes and not clear:
        raise ValueError("--yes answers the question of --clear, which was not given")
    folder = pairs.cache_folder()
    files = pairs.cached_files()
    sizes = {file.name: file.stat().st_size for file in files}
    total = sum(sizes.values())
    if clear:
        _clear(folder, files, total, yes)
    elif as_json:
        own = os.environ.get("MINDGAP_DATA")
        print(json.dumps({"folder": str(folder), "files": sizes, "bytes": total, "MINDGAP_DATA": own or None}))
    else:
        _show(folder, sizes, total)


def _show(folder: Path, sizes: dict[str, int], total: int) -> None:
    table = Table("file", "size")
    for name, size in sizes.items():
        table.add_row(escape(name), _megabytes(size))
    if sizes:
        show(f"{folder}: {len(sizes)} files, {_megabytes(total)}", table)
    else:
        show(f"{folder}: empty; `mindgap fetch` downloads the authors' features, 10 MB")
    if own := os.environ.get("MINDGAP_DATA"):
        there = "" if Path(own).expanduser().is_dir() else ", which is no folder"
        show(f"MINDGAP_DATA is {own}{there}; files there come first")


def _clear(folder: Path, files: Sequence[Path], total: int, yes: bool) -> None:
    if not files:
        show(f"{folder}: nothing to remove")
        return
    if not yes and not typer.confirm(f"Remove {len(files)} files ({_megabytes(total)}) in {folder}?", err=True):
        say("nothing was removed")
        return
    for file in files:
        file.unlink(missing_ok=True)
    show(f"{folder}: removed {len(files)} files, {_megabytes(total)}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
