"""List the book's notebooks, write the repository's address into them, run them again in place, or lay them out to use.

A second run leaves every byte as it was.

They run as a reader runs one who has downloaded it: `alone`, in an empty folder, with nothing but the package. So does
what proves them (conftest.py, tests/test_alone.py).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
SKIP = {"skip-execution", "nbval-skip"}
INSTALL = "install"  # the id of the cell in every notebook that gets the package where it is missing
LAB = ROOT / "lab"  # where `make lab` lays out the chapters; what a reader writes there stays
HANG = 1800  # seconds; a cell that takes longer, on however busy a machine, will not end

# What a kernel runs first: no connection but to this machine.
OFFLINE = """
import sys

def offline(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        place = arguments[1 if event == "socket.connect" else 0]
        host = place[0] if isinstance(place, tuple) else None if event == "socket.connect" else place
        if host not in (None, "", "localhost", "127.0.0.1", "::1", b"localhost", b"127.0.0.1"):
            raise OSError(101, "Network is unreachable")

sys.addaudithook(offline)
del offline, sys
"""


def notebooks() -> list[Path]:
    """The notebooks of the table of contents, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = [toc["root"]]
    groups = toc.get("parts", [toc])
    pages += [page["file"] for group in groups for page in group.get("chapters", [])]
    return [path for page in pages if (path := ROOT / f"{page}.ipynb").exists()]


def address() -> str:
    """The public address of the repository, as `_config.yml` has it; empty while there is none."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return str(config["sphinx"]["config"]["html_theme_options"]["repository_url"])


def installer(address: str) -> str:
    """The source of the cell `INSTALL`: it gets the package where it is missing, or says how. Where it is, cells that
    run long have a bar, if somebody looks."""
    if address:
        get = f'%pip install -q "mindgap[all] @ git+{address}"'
    else:
        how = "mindgap is not installed; in a copy of its repository, run: pip install '.[all]'"
        get = f'raise ModuleNotFoundError("{how}")'
    show = "else:\n    from mindgap import running\n\n    running.show()"
    return f'import importlib.util\n\nif importlib.util.find_spec("mindgap") is None:\n    {get}\n{show}'


def write_installer(path: Path) -> None:
    """Put the cell that gets the package before the first code of a notebook, or bring it up to date there."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.id != INSTALL]
    first = next(place for place, cell in enumerate(cells) if cell.cell_type == "code")
    tags = ["remove-cell", *sorted(SKIP, reverse=True)]  # not on the page, and no number among the cells that are
    cell = nbformat.v4.new_code_cell(installer(address()), id=INSTALL, metadata={"tags": tags})
    notebook.cells = [*cells[:first], cell, *cells[first:]]
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


@contextmanager
def alone(features: bool = False) -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty folder, and the environment of a reader who works in it: mindgap is installed, and that is all.

    No repository on the path, an empty home, no network; and none of the authors' feature files, unless `features`.
    Computed is on the CPU, whose outputs are stored, also where there is a GPU.
    """
    found = importlib.util.find_spec("mindgap")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("mindgap is not installed")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINDGAP_", "XDG_", "JPY_"))}
    if features:
        from mindgap.pairs._paper import cache_folder  # by the home that is given up below

        kept |= {name: value for name, value in os.environ.items() if name.startswith("MINDGAP_")}
        kept["MINDGAP_CACHE"] = str(cache_folder())
    kept["MINDGAP_DEVICE"] = "cpu"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        here, home, ipython, packages = (Path(place, name) for name in ("here", "home", "ipython", "packages"))
        startup = ipython / "profile_default" / "startup"
        for folder in (here, home, startup, packages):
            folder.mkdir(parents=True)
        (startup / "offline.py").write_text(OFFLINE, encoding="utf-8")
        (packages / "mindgap").symlink_to(next(iter(found.submodule_search_locations)))
        own = {"HOME": str(home), "IPYTHONDIR": str(ipython), "PYTHONPATH": str(packages)}
        yield here, kept | own


def run(notebook: nbformat.NotebookNode, features: bool = False, live: bool = False) -> None:
    """Run the cells of a notebook `alone`, live explorers too if `live`; an error in one is an error here."""
    with alone(features) as (folder, environment):
        NotebookClient(
            notebook,
            timeout=HANG,
            kernel_name="python3",
            record_timing=False,
            skip_cells_with_tag="" if live else "skip-execution",
            coalesce_streams=True,  # where a kernel cuts what is printed is a matter of timing
            resources={"metadata": {"path": str(folder)}},
        ).execute(env=environment)


def execute(path: Path) -> float:
    """Run one notebook and write it back without what differs from run to run; returns the seconds it took.

    Raises FeaturesUnavailable if one of the authors' files that it needs is not here: the page shows all of them.
    """
    notebook = nbformat.read(path, as_version=4)
    needed = {name for cell in notebook.cells for name in cell.metadata.get("mindgap", {}).get("needs", ())}
    if needed:
        from mindgap.pairs import fetch

        for name in sorted(needed):
            fetch(name, progress=False)
    started = time.perf_counter()
    run(notebook, features=bool(needed))
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
    parser.add_argument("command", choices=["list", "execute", "address", "lab"])
    parser.add_argument("only", nargs="*", help="parts of the names of the notebooks to run (all by default)")
    options = parser.parse_args()
    if options.command == "lab":
        sys.path.insert(0, str(ROOT))
        from book import plain

        for name in plain.write(LAB, notebooks(), plain.survey(notebooks())):
            print(f"lab/{name}: yours, and left as it is; move it away to have the book's again", file=sys.stderr)
        return
    for path in notebooks():
        if options.command == "list":
            print(path.relative_to(ROOT))
        elif options.command == "address":
            write_installer(path)
        elif not options.only or any(part in path.name for part in options.only):
            print(f"{path.name} ...", end=" ", file=sys.stderr, flush=True)
            print(f"{execute(path):.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
