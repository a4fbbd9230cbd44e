"""The folder that `mindgap embed` writes: shards as clip-retrieval has them, a record of each, and a manifest.

A shard is four files. Its record is the last of them to be written, so a shard with a record is whole, whatever came
between; the manifest says what all of them were made of, and, once the last one is there, how many rows they have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST, SKIPPED = "manifest.json", "skipped.csv"
IMAGES, TEXTS, METADATA, RECORDS = "img_emb", "text_emb", "metadata", "shards"
ENDINGS = {IMAGES: "img_emb_{}.npy", TEXTS: "text_emb_{}.npy", METADATA: "metadata_{}.parquet"}
MADE_BY = "mindgap embed"
FORMAT = 1


_REMEDY = "Put a copy of it back, or embed anew with force (--force)"
_NEEDED = ("model", "pretrained", "weights", "captions")  # of a recipe, by those who read the folder


class Damaged(ValueError):
    """A manifest or a record that cannot be read, or lacks what every one has."""


def path_of(folder: Path, kind: str, number: int) -> Path:
    """Where one file of a shard lies."""
    return folder / kind / ENDINGS[kind].format(number)


def record_path(folder: Path, number: int) -> Path:
    """Where the record of a shard lies."""
    return folder / RECORDS / f"shard_{number}.json"


def is_ours(path: Path) -> bool:
    """Whether a path within the folder is one of those that are written here, by its name."""
    if path.parent.name == RECORDS:
        return re.fullmatch(r"shard_\d+\.json", path.name) is not None
    if path.parent.name in ENDINGS:
        return re.fullmatch(ENDINGS[path.parent.name].format(r"\d+").replace(".", r"\."), path.name) is not None
    return path.name in (MANIFEST, SKIPPED)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What the manifest of a folder says; None where there is none of ours.

    Raises ValueError for one that is damaged, or of a later format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    found = _json(path, _REMEDY)
    if found.get("made_by") != MADE_BY:
        return None
    if found.get("format") != FORMAT:
        raise ValueError(f"{path}: format {found.get('format')!r}, and this version of mindgap reads {FORMAT}")
    recipe, shards = found.get("recipe"), found.get("shards")
    whole = isinstance(recipe, dict) and all(name in recipe for name in _NEEDED)
    if not whole or not isinstance(shards, int) or shards < 1 or not {"source", "problems"} <= set(found):
        raise Damaged(
            f"{path}: expected a recipe, a source, problems and a number of shards; the manifest is damaged. {_REMEDY}"
        )
    return found


@dataclass(frozen=True)
class Record:
    """A shard that is whole: its number, its rows, those of `images` different pictures, and the rest of its record."""

    number: int
    rows: int
    images: int
    content: dict[str, Any]


def records(folder: Path, shards: int) -> Iterator[Record]:
    """The records that are there, of so many shards, in their order. Raises ValueError for a damaged one."""
    for number in range(shards):
        path = record_path(folder, number)
        if not path.is_file():
            continue
        remedy = "Remove it: the command that wrote the folder then computes that shard anew"
        found = _json(path, remedy)
        if not all(isinstance(found.get(key), int) for key in ("rows", "images")) or "files" not in found:
            raise Damaged(f"{path}: expected rows, images and files; the record is damaged. {remedy}")
        yield Record(number, found["rows"], found["images"], found)


def what_is_wrong(folder: Path, record: Record) -> str:
    """Which file of a shard is not as its record says, in words; nothing if all are. Only sizes are compared."""
    for name, about in record.content["files"].items():
        path = folder / name
        if not path.is_file():
            return f"{path} is missing"
        if (size := path.stat().st_size) != about["bytes"]:
            return f"{path} has {size} bytes and not {about['bytes']}"
    return ""


def _json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"{path}: expected a file of `{MADE_BY}`, and it is no JSON ({error}). {remedy}") from None
    if not isinstance(found, dict):
        raise Damaged(f"{path}: expected a file of `{MADE_BY}`, a JSON object. {remedy}")
    return found
