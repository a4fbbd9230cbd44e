"""Grade a folder of submissions in one command: marks as CSV, nbgrader's gradebook, and a page of feedback each.

  python coursework/grade.py measure_the_gap --submitted handed_in --csv marks.csv

The folder holds one notebook a student: handed_in/<student>.ipynb, handed_in/<student>/measure_the_gap.ipynb, or
nbgrader's own handed_in/<student>/measure_the_gap/measure_the_gap.ipynb. Beside marks.csv a folder `marks` keeps the
gradebook, the graded notebooks and feedback/<student>/…html; to mark by hand, start `jupyter lab` in that folder and
choose Nbgrader > Formgrader. A table of results, or what else is named measure_the_gap_…, is handed to the notebook
beside it if the two lie in a folder of that student. A command that was interrupted goes on where it was. Once written,
the CSV is only replaced with --force, which grades what is new, has changed, or could not be graded, and keeps the
rest, marks by hand included.

GRADING RUNS THE CODE OF YOUR STUDENTS, with your rights. Do it in a container without network, for example

  docker run --rm -it --network none --read-only --tmpfs /tmp:rw,size=4g --user "$(id -u):$(id -g)" \\
      --cap-drop ALL --security-opt no-new-privileges --memory 6g --memory-swap 6g --cpus 2 --pids-limit 500 \\
      --volume "$PWD/handed_in":/handed_in:ro --volume "$PWD/marks":/marks mindgap-grading \\
      python coursework/grade.py measure_the_gap --submitted /handed_in --csv /marks/measure_the_gap.csv --seed SEED

The instructor notes say how to make the image mindgap-grading.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from autograding import HERE
from marks import explain, fingerprint, keep, open_course, write_table
from pool import grade


def find_submissions(folder: Path, name: str) -> dict[str, Path | str]:
    """The notebook of each student, by student; where there is none, or it is not clear which, this in words.

    Raises FileNotFoundError if there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    found: dict[str, Path | str] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            there = sorted({*entry.glob("*.ipynb"), *entry.glob(f"{name}/{name}.ipynb")})
            named = [path for path in there if path.stem.startswith(name)]  # "… (1)" is another try
            student, path = entry.name, _only(named or there, name, entry)
        elif entry.suffix == ".ipynb":
            student, path = entry.stem, entry
        else:
            continue
        found[student] = "two submissions, a file and a folder" if student in found else path
    if not found:
        raise FileNotFoundError(f"{folder}: expected <student>.ipynb or <student>/{name}.ipynb, and there is none")
    return found


def _only(there: list[Path], name: str, folder: Path) -> Path | str:
    if len(there) == 1:
        return there[0]
    listed = ", ".join(str(path.relative_to(folder)) for path in there)
    return f"several notebooks, leave one: {listed}" if there else f"no notebook {name}.ipynb"


def grade_folder(
    name: str,
    submitted: Path,
    table: Path,
    *,
    jobs: int = 2,
    seed: int | None = None,
    limits: Mapping[str, float] | None = None,
    force: bool = False,
    sources: Path = HERE / "source",
) -> dict[str, int]:
    """Do what the command does; gives how many notebooks were graded now, and how many were kept from before.

    Raises FileExistsError if the CSV is there and `force` is not given, and as `find_submissions` and `open_course` do.
    """
    if table.suffix != ".csv":
        raise ValueError(f"{table}: expected the name of a .csv file")
    if table.exists() and not force:
        raise FileExistsError(f"{table}: is there already; --force brings it up to date")
    found = find_submissions(submitted, name)
    assignment, version = open_course(name, table.with_suffix(""), seed, sources)
    results = assignment.course / "results"
    results.mkdir(exist_ok=True)
    states: dict[str, dict[str, Any]] = {}
    todo: list[tuple[str, Path]] = []
    for student, path in found.items():
        if isinstance(path, str):
            states[student] = {"status": path, "seconds": 0.0}
            explain(student, path, assignment)
            continue
        record = results / f"{student}.json"
        if record.is_file():
            state = json.loads(record.read_text(encoding="utf-8"))
            same = state["digest"] == fingerprint(student, path, name, version)
            if same and state["status"].startswith("graded"):  # whatever failed is tried again
                states[student] = state
                continue
        todo.append((student, path))
    kept = len(states)
    paths = dict(todo)
    columns = [*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn()]
    scratch = Path(tempfile.mkdtemp(prefix="grading-"))
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("grading", total=len(todo))
            for student, result in grade(todo, assignment, scratch, jobs, limits, feedback=True):
                keep(student, paths[student], result, assignment)
                shutil.rmtree(result.folder, ignore_errors=True)
                status = result.status + (f"; cells missing: {' '.join(result.missing)}" if result.missing else "")
                mark = fingerprint(student, paths[student], name, version)
                states[student] = {"digest": mark, "status": status, "seconds": round(result.seconds, 2)}
                (results / f"{student}.json").write_text(json.dumps(states[student]), encoding="utf-8")
                progress.console.print(f"{student}: {result.seconds:.1f} s, {status}", highlight=False, soft_wrap=True)
                progress.advance(task)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_table(table, assignment, {student: states[student] for student in found})
    return {"graded": len(todo), "kept": kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", help="for example measure_the_gap")
    parser.add_argument("--submitted", type=Path, required=True, metavar="DIR", help="the folder of submissions")
    parser.add_argument("--csv", type=Path, required=True, help="where the table of marks goes")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks graded at a time (default: 2)")
    parser.add_argument(
        "--seed", type=int, help="the seed that the hidden tests were built with (default: the source's)"
    )
    parser.add_argument(
        "--limit", type=float, default=120, help="seconds of processor time for one notebook (default: 120)"
    )
    parser.add_argument("--cell-limit", type=float, default=30, help="the same for one cell (default: 30)")
    parser.add_argument("--force", action="store_true", help="bring an existing CSV up to date")
    options = parser.parse_args()
    print("Grading runs the code of your students, with your rights. Do it in a container: see --help for the command.")
    started = time.perf_counter()
    try:
        counts = grade_folder(
            options.assignment,
            options.submitted,
            options.csv,
            jobs=options.jobs,
            seed=options.seed,
            limits={"notebook_seconds": options.limit, "cell_seconds": options.cell_limit},
            force=options.force,
        )
    except (FileNotFoundError, FileExistsError, ValueError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the same command goes on with what is left.")
    seconds = time.perf_counter() - started
    print(f"{counts['graded']} graded in {seconds:.0f} s, {counts['kept']} kept from before. Marks: {options.csv}")


if __name__ == "__main__":
    main()
