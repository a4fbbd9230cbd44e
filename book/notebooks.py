"""List the book's notebooks, or run them again in place, so that a second run leaves every byte as it was."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
SKIP = {"skip-execution", "nbval-skip"}


def notebooks() -> list[Path]:
    """The notebooks of the table of contents, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = [toc["root"]]
    groups = toc.get("parts", [toc])
    pages += [page["file"] for group in groups for page in group.get("chapters", [])]
    return [path for page in pages if (path := ROOT / f"{page}.ipynb").exists()]


def execute(path: Path) -> float:
    """Run one notebook and write it back without what differs from run to run; returns the seconds it took."""
    notebook = nbformat.read(path, as_version=4)
    started = time.perf_counter()
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # where a kernel cuts what is printed is a matter of timing
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    taken = time.perf_counter() - started
    notebook.metadata = {
        **{key: value for key, value in notebook.metadata.items() if key in ("mindgap", "title")},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if SKIP & set(cell.metadata.get("tags", [])):
            cell.outputs, cell.execution_count = [], None
        if any(output.get("name") == "stderr" for output in cell.outputs):
            raise SystemExit(f"{path.name}: a cell writes to stderr, which a page cannot show:\n{cell.source}")
    temporary = path.with_suffix(".tmp")
    temporary.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    temporary.replace(path)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["list", "execute"])
    parser.add_argument("only", nargs="*", help="parts of the names of the notebooks to run (all by default)")
    options = parser.parse_args()
    for path in notebooks():
        if options.command == "list":
            print(path.relative_to(ROOT))
        elif not options.only or any(part in path.name for part in options.only):
            print(f"{path.name} ...", end=" ", file=sys.stderr, flush=True)
            print(f"{execute(path):.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
