"""Writing the folder of shards so that a kill at any point loses nothing that was whole, and doubles nothing."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from mindgap import _embedded, _files
from mindgap._embedded import IMAGES, METADATA, RECORDS, TEXTS
from mindgap._errors import warn

LOCK = ".lock"


def looked_at(out: str | os.PathLike[str], force: bool = False) -> Path:
    """`out`, if it can be the folder of embeddings: to be asked before anything heavy is done.

    Raises NotADirectoryError for a file, FileExistsError for a folder with anything that is not ours in it, ValueError
    for a damaged manifest; with `force` only where no shard beside it says that it was one of ours.
    """
    folder = _files.user_path(out, "out")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"out: expected a folder, and {str(folder)!r} is a file")
    if folder.is_dir() and _is_none_of_ours(folder, force):
        passing = rf"{re.escape(LOCK)}(\..*)?|{re.escape(f'.{_embedded.MANIFEST}.')}\d+"  # what a kill may leave
        there = sorted(path.name for path in folder.iterdir() if not re.fullmatch(passing, path.name))
        if there:
            raise FileExistsError(
                f"out: {str(folder)!r} holds {there[0]!r} and no manifest of {_embedded.MADE_BY}; name a new folder"
            )
    return folder


def _is_none_of_ours(folder: Path, force: bool) -> bool:
    try:
        return _embedded.read_manifest(folder) is None
    except _embedded.Damaged:
        if force and any(_embedded.is_ours(path) for path in (folder / RECORDS).glob("*.json")):
            return False
        raise


@contextmanager
def claimed(folder: Path, rank: int, ranks: int) -> Iterator[None]:
    """The folder is there, and no other process writes the same shards of it while the block lasts.

    Processes of as many ranks share the shards; one of another number would write the same ones. Each claims its own
    lock first and looks at those of others then, so that of two that begin together at least one sees the other.

    Raises BlockingIOError if another one does, PermissionError if nothing can be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermissionError(f"out: no folder {str(folder)!r} can be made ({error.strerror})") from None
    own = folder / (LOCK if ranks == 1 else f"{LOCK}.{rank}-of-{ranks}")
    with _locked(own, folder):
        try:
            for other in folder.glob(f"{LOCK}*"):
                if other != own and not (ranks > 1 and other.name.endswith(f"-of-{ranks}")):
                    with _locked(other, folder):  # left by one that was killed
                        other.unlink(missing_ok=True)
            yield
        finally:
            own.unlink(missing_ok=True)


def _locked(lock: Path, folder: Path) -> IO[bytes]:
    try:
        return _files.locked(lock, folder)
    except BlockingIOError:
        raise BlockingIOError(
            f"out: another process is writing {str(folder)!r} (it holds {lock.name}); wait for it, or name another "
            "folder"
        ) from None
    except OSError as error:
        raise PermissionError(f"out: nothing can be written in the folder {str(folder)!r} ({error.strerror})") from None


def begin(folder: Path, recipe: Mapping[str, Any], about: Mapping[str, Any], shards: int) -> dict[str, Any]:
    """The manifest of a folder, which is written if there is none.

    Raises ValueError, naming the differences, if there is one of another recipe.
    """
    if (found := refuses_another(folder, recipe)) is not None:
        return found
    head = {"made_by": _embedded.MADE_BY, "format": _embedded.FORMAT, "complete": False}
    begun = {**head, "recipe": dict(recipe), **about, "shards": shards}
    _write_json(folder / _embedded.MANIFEST, begun)
    return begun


def refuses_another(folder: Path, recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a folder, if it agrees with a recipe, or with the part of it that is known so far."""
    found = _embedded.read_manifest(folder)
    if found is None:
        return None
    if differences := list(_differences(found["recipe"], json.loads(json.dumps(recipe)))):
        raise ValueError(
            f"out: {str(folder)!r} holds embeddings of another recipe ({'; '.join(differences)}); name another folder, "
            "or replace them with force (--force)"
        )
    return found


def is_complete(folder: Path, recipe: Mapping[str, Any]) -> bool:
    """Whether all that a recipe makes is there, so that nothing has to be written. Raises as `refuses_another`."""
    found = refuses_another(folder, recipe)
    if found is None or not found.get("complete"):
        return False
    parts = list(_embedded.records(folder, found["shards"]))
    return len(parts) == found["shards"] and not any(_embedded.what_is_wrong(folder, part) for part in parts)


def _differences(there: Mapping[str, Any], here: Mapping[str, Any], of: str = "") -> Iterator[str]:
    """What two recipes differ in, in words. The name of a file of weights does not count, since their digest does."""
    for name, value in here.items():
        other = there.get(name)
        if name == "weights" or other == value:
            continue
        if isinstance(value, dict) and isinstance(other, dict):
            yield from _differences(other, value, f"{of}{name} ")
        else:
            yield f"{of}{name} {_short(other)} there, {_short(value)} here"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 80 else f"{text[:70]}…"


def whole(folder: Path, shards: int) -> dict[int, _embedded.Record]:
    """The records of the shards that are whole. Warns of one that was, and of which a file is gone or was changed."""
    found = {}
    for record in _embedded.records(folder, shards):
        if wrong := _embedded.what_is_wrong(folder, record):
            warn(f"shard {record.number} is computed anew: {wrong}")
            _embedded.record_path(folder, record.number).unlink()
        else:
            found[record.number] = record
    return found


def write_shard(
    folder: Path,
    number: int,
    images: np.ndarray,
    texts: np.ndarray,
    metadata: Mapping[str, Sequence[Any]],
    record: Mapping[str, Any],
) -> None:
    """Write the files of a shard, and then its record. A shard without rows has a record alone."""
    files = {}
    if len(images):
        for kind, data in (
            (IMAGES, _npy(images)), (TEXTS, _npy(texts)), (METADATA, _parquet(metadata)),
        ):  # fmt: skip
            path = _embedded.path_of(folder, kind, number)
            path.parent.mkdir(exist_ok=True)
            _files.write_whole(path, data)
            files[f"{kind}/{path.name}"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    path = _embedded.record_path(folder, number)
    path.parent.mkdir(exist_ok=True)
    _write_json(path, {"rows": len(images), **record, "files": files})


def finish(
    folder: Path, records: Mapping[int, _embedded.Record], problems: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Say in the manifest that all is there, once it is, and list what was skipped beside it."""
    manifest = _embedded.read_manifest(folder)
    assert manifest is not None, "it was written at the beginning"
    parts = [records[number].content for number in sorted(records)]
    skipped = [*problems, *((one["image"], one["why"]) for part in parts for one in part["skipped"])]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("image", "reason"))
    table.writerows(skipped)
    _files.write_whole(folder / _embedded.SKIPPED, text.getvalue().encode())
    images = hashlib.sha256("".join(part["images_sha256"] for part in parts).encode()).hexdigest()
    made_with = [json.loads(one) for one in sorted({json.dumps(part["made_with"], sort_keys=True) for part in parts})]
    done = {
        **manifest,
        "complete": True,
        **{name: sum(part[name] for part in parts) for name in ("rows", "images", "cut")},
        "skipped": len(skipped),
        "images_sha256": images,
        "made_with": made_with,
    }
    _write_json(folder / _embedded.MANIFEST, done)
    return done


def emptied(folder: Path) -> None:
    """Remove what an earlier run wrote: records first, so that no moment shows a shard as whole that is not, and the
    manifest last, which says whose the rest is.
    """
    for kind in (RECORDS, IMAGES, TEXTS, METADATA):
        for path in sorted((folder / kind).glob("*")):
            if _embedded.is_ours(path):
                path.unlink()
    (folder / _embedded.SKIPPED).unlink(missing_ok=True)
    (folder / _embedded.MANIFEST).unlink(missing_ok=True)


def tidied(folder: Path, numbers: Sequence[int], alone: bool) -> None:
    """Remove the half-written files that a killed process left behind: those of shards that nobody else writes, and,
    where one process is alone, those of the whole folder.
    """
    names = {_embedded.path_of(folder, kind, n).name for kind in _embedded.ENDINGS for n in numbers}
    names |= {_embedded.record_path(folder, number).name for number in numbers}
    names |= {_embedded.MANIFEST, _embedded.SKIPPED} if alone else set()
    for place in (folder, *(folder / kind for kind in (RECORDS, IMAGES, TEXTS, METADATA))):
        for path in place.glob(".*"):
            if (match := re.fullmatch(r"\.(.+)\.\d+", path.name)) and match[1] in names:
                path.unlink()


def _write_json(path: Path, content: Any) -> None:
    _files.write_whole(path, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())


def _npy(rows: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, rows, allow_pickle=False)
    return out.getvalue()


def _parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), out)
    return out.getvalue()
