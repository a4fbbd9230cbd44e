"""What every benchmark says of the machine and of time."""

from __future__ import annotations

import csv
import ctypes
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
    """Write a table as CSV, replacing what an earlier run wrote."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
