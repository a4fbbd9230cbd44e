"""What every benchmark says of the machine and of time."""

from __future__ import annotations

import csv
import ctypes
import io
import itertools
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch


def seconds(function: Callable[..., object], *arguments: object) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def most_memory() -> float:
    """The most memory that this process has had, in MB; of Linux, where getrusage would begin with the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@contextmanager
def peak() -> Iterator[Callable[[], float]]:
    """Gives a function that says by how many MB the block raised the peak resident memory of the process.

    What the process holds unused is given back first. NaN where the system cannot forget an earlier peak, such as that
    of the imports: only Linux can.
    """
    forget = Path("/proc/self/clear_refs")
    if not forget.exists():
        yield lambda: float("nan")
        return
    with suppress(AttributeError):  # only glibc can
        ctypes.CDLL(None).malloc_trim(0)
    forget.write_text("5")
    before = most_memory()
    found: list[float] = []
    yield lambda: found[0]
    found.append(most_memory() - before)


def processor() -> str:
    """The model name of the CPU, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def machine() -> dict[str, object]:
    """What figures depend on besides the code, as columns of a table."""
    return {
        "threads": torch.get_num_threads(),
        "cpu": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def introduce() -> None:
    """Print a line on the machine."""
    print(f"{processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}")


def write(rows: Sequence[dict[str, object]], path: Path) -> None:
    """Write a table as CSV, replacing what an earlier run wrote; a file with other columns stays, and one with a number
    in its name is written beside it. What took long to measure is not lost for want of a folder, which is made."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\r\n")
    writer.writeheader()
    header = text.getvalue().strip().encode()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = itertools.chain([path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2)))
    place = next(name for name in names if not name.exists() or _starts_with(name, header))
    if place != path:
        print(f"{path} is there with other columns: written to {place}")
    place.write_bytes(text.getvalue().encode())


def _starts_with(path: Path, line: bytes) -> bool:
    """Whether that is the first line of a file."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline().strip() == line
