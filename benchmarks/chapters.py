"""How long each chapter takes to run, from a fresh kernel to its last cell. Nothing is written into the notebooks.

python benchmarks/chapters.py                  # all of them, some minutes
python benchmarks/chapters.py 01 04
python benchmarks/chapters.py --csv benchmarks/chapters.csv
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path

import nbformat
from _machine import introduce, machine, seconds, write
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from book.notebooks import notebooks  # noqa: E402, found by the line above


def processor_seconds() -> float:
    """What all kernels that have ended have used, on all cores together."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(path: Path) -> dict[str, object]:
    notebook = nbformat.read(path, as_version=4)
    title = next(line for line in notebook.cells[0].source.splitlines() if line.startswith("# "))[2:]
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        skip_cells_with_tag="skip-execution",
        resources={"metadata": {"path": str(path.parent)}},
    )
    on = machine()
    before = processor_seconds()
    clock = seconds(client.execute)
    return {
        "chapter": title,
        "seconds": round(clock),
        "processor seconds": round(processor_seconds() - before),
        "on": f"{on['cpu']}, {on['cores']} cores, torch {on['torch']}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="parts of the names of the notebooks to run (all by default)")
    parser.add_argument("--csv", type=Path, help="write the table there")
    options = parser.parse_args()
    introduce()
    rows = []
    for path in notebooks():
        if not options.only or any(part in path.name for part in options.only):
            rows.append(measure(path))
            print(
                f"{rows[-1]['chapter']}: {rows[-1]['seconds']} s, {rows[-1]['processor seconds']} s of processor time"
            )
    if options.csv:
        write(rows, options.csv)


if __name__ == "__main__":
    main()
