"""Files that are written whole or not at all, never over another by accident, and read without running code."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
else:  # importing torch takes seconds, and only those who read or write tensors need it
    Tensor = Any

SUFFIX = ".safetensors"
KEY = "mindgap"  # the entry of a file's metadata that makes it one of ours


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def user_path(path: str | os.PathLike[str], name: str = "path") -> Path:
    """`path`, with the home folder put for a leading ~.

    Raises ValueError naming `name` if there is no such home, and for the address of a site.
    """
    if isinstance(path, str) and _ADDRESS.match(path):
        raise ValueError(f"{name}: {path!r} is an address; download what is there, and give the path of the file")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{name}: {os.fspath(path)!r} names no folder ({error})") from None


def free_path(path: str | Path, force: bool = False, suffix: str | tuple[str, ...] = SUFFIX) -> Path:
    """`path`, if a file can and may be written there: to be asked before hours of computing.

    Of a symbolic link it is the file that the link leads to.

    Raises FileExistsError if it exists, unless `force`; ValueError if it does not end in `suffix`, or one of several;
    FileNotFoundError if its folder does not exist, IsADirectoryError if it is a folder itself, and PermissionError if
    nothing can be written there.
    """
    path = user_path(path)
    if path.is_symlink():
        path = path.resolve()  # the file that is meant: writing to the link itself would put a file in its place
    suffixes = (suffix,) if isinstance(suffix, str) else suffix
    if path.suffix not in suffixes:
        raise ValueError(f"path: expected a name ending in {' or '.join(suffixes)}, got {str(path)!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path: no folder {str(path.parent)!r} to write {path.name!r} in")
    if path.is_dir():
        raise IsADirectoryError(f"path: {str(path)!r} is a folder; expected the name of a file")
    if path.exists() and not force:
        raise FileExistsError(f"path: {str(path)!r} exists already; it is only replaced with force (--force)")
    try:
        with tempfile.TemporaryFile(dir=path.parent):  # permissions alone do not tell: it may be mounted read-only
            return path
    except OSError as error:
        raise PermissionError(
            f"path: nothing can be written in the folder {str(path.parent)!r} ({error.strerror})"
        ) from None


@contextmanager
def claimed(path: str | Path, force: bool = False, suffix: str | tuple[str, ...] = SUFFIX) -> Iterator[Path]:
    """`free_path`, and for as long as the block lasts no other process can claim the same path.

    The claim is a lock on a hidden file beside `path`, which the system lifts however the process ends.

    Raises BlockingIOError if another process has claimed it, and the errors of `free_path`.
    """
    path = free_path(path, force, suffix)
    lock = path.with_name(f".{path.name}.lock")
    with locked(lock, path):
        try:
            yield path
        finally:
            lock.unlink(missing_ok=True)


def locked(lock: Path, path: Path) -> IO[bytes]:
    """The open file `lock`, locked, which stands for `path`. Raises BlockingIOError if another process has it."""
    while True:
        file = lock.open("ab")
        try:
            _lock(file)
        except BlockingIOError:
            file.close()
            raise BlockingIOError(
                f"path: another process is writing {str(path)!r}; wait for it, or name another file"
            ) from None
        except OSError:  # a file system without locks
            return file
        try:
            if os.path.samestat(lock.stat(), os.fstat(file.fileno())):
                return file
        except FileNotFoundError:
            pass
        file.close()  # its owner has removed it in between


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_whole(path: Path, data: bytes) -> None:
    """Write `data`; a reader sees the old file or the whole new one, never a part."""
    # Unlike that of any other process, also of another machine that writes to the same disk.
    part = path.with_name(f".{path.name}.{os.getpid()}{time.monotonic_ns()}")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:  # such as a full disk, of which Python does not say which file it was for
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as one line of JSON, whole."""
    write_whole(path, (json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n").encode())


def sha256(path: Path) -> str:
    """The digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


def known(values: dict[str, float]) -> dict[str, float | None]:
    """The same with None for NaN, which JSON has not."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def write_tensors(path: Path, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Tensors and a JSON header as one safetensors file, written whole."""
    import safetensors.torch
    import torch

    # Copies: towers may share a tensor, which the format has no word for.
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in tensors.items()
    }
    write_whole(path, safetensors.torch.save(tensors, metadata={KEY: json.dumps(header)}))


def read_tensors(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors of a file of `write_tensors`.

    Raises FileNotFoundError if it is not there, ValueError if it is damaged or not one of ours.
    """
    if not path.is_file():
        raise FileNotFoundError(f"name: no file {str(path)!r}")
    import safetensors.torch

    found = _metadata(path)
    try:
        tensors = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from None
    if KEY not in found:
        raise ValueError(f"{path}: a safetensors file, but not a mindgap model (no {KEY!r} in its metadata)")
    try:
        header = json.loads(found[KEY])
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: its mindgap header is damaged ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(f"{path}: its mindgap header is damaged (no object)")
    return header, tensors


def is_ours(path: Path) -> bool:
    """Whether a file is one of `write_tensors`: a model, or an unfinished run. Raises ValueError if it is damaged."""
    return path.suffix == SUFFIX and path.is_file() and KEY in _metadata(path)


def _metadata(path: Path) -> dict[str, str]:
    import safetensors

    try:
        file: Any
        with safetensors.safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from None


def read_results(path: str | Path, command: str, *keys: str) -> dict[str, Any]:
    """The JSON object that `command` has written to `path`, with at least these keys.

    Raises FileNotFoundError if it is not there, ValueError if it is another file.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: expected a file of `{command}` ({error})") from None
    if not isinstance(found, dict) or not set(keys) <= set(found):
        raise ValueError(f"{path}: expected a file of `{command}`, an object with {', '.join(keys)}")
    return found


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of the named packages, for what is kept with a result."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}


def rounded(value: Any, digits: int = 4) -> Any:
    """`value` with every float in it, however deep, rounded to `digits` significant digits; NaN becomes None."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(f"{value:.{digits}g}") + 0.0  # no negative zero
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item, digits) for item in value]
    return value
