"""Unfinished runs: kept beside the file they will write, and gone on with by the same command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from mindgap import _files


def working_path(out: str | Path) -> Path:
    """Where the unfinished run towards `out` is kept: every `out` of a folder has a place of its own."""
    out = _files.user_path(out)
    name = f"unfinished-{out.name}"
    return out.with_name(name if out.suffix == _files.SUFFIX else name + _files.SUFFIX)


def read(
    out: str | Path, recipe: dict[str, Any], *keys: str, force: bool = False
) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Header and tensors of the unfinished run towards `out`; None where a run by `recipe` starts from the beginning.

    `keys` are what its header must hold beside the recipe. With `force`, a run of another recipe and a file that cannot
    be read count as none: they are replaced at the next save.

    Raises ValueError, unless `force`, if the run has another recipe, naming the differences, or cannot be read.
    """
    path = working_path(out)
    if not path.exists():
        return None
    try:
        header, tensors = _files.read_tensors(path)
        if missing := [key for key in ("recipe", *keys) if key not in header]:
            raise ValueError(f"{path}: expected an unfinished run, got a file without {missing[0]!r}")
    except ValueError as error:
        if force:
            return None
        raise ValueError(f"{error}; remove it, or start over with force (--force)") from None
    here = json.loads(json.dumps(recipe))  # as the file has it: lists for tuples
    there = header["recipe"]
    differences = [
        f"{name} {there.get(name)!r} there, {new!r} here" for name, new in here.items() if there.get(name) != new
    ]
    if not differences:
        return header, tensors
    if force:
        return None
    raise ValueError(
        f"out: {str(path)!r} holds an unfinished run of another recipe ({'; '.join(differences)}); "
        "finish or remove that one, or start over with force (--force)"
    )


def write(out: str | Path, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Keep a run, whole or not at all; `header` holds its recipe."""
    _files.write_tensors(working_path(out), header, tensors)


def remove(out: str | Path) -> None:
    """Forget the unfinished run towards `out`, once that is written."""
    working_path(out).unlink(missing_ok=True)
