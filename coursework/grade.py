"""Grade a folder of submissions in one command: marks as CSV, nbgrader's gradebook, and a page of feedback each.

  python coursework/grade.py measure_the_gap --submitted handed_in --csv marks.csv

The folder holds one notebook a student: handed_in/<student>.ipynb, handed_in/<student>/measure_the_gap.ipynb, what
nbgrader makes (handed_in/<student>/measure_the_gap/measure_the_gap.ipynb), or what Canvas or Moodle gives as all
submissions. Beside marks.csv a folder `marks` keeps the gradebook, the graded notebooks and feedback/<student>/…html.
Parts that a person marks stand in marks/rubric.csv, a line for each criterion: fill in the column `mark` and run the
command again. Or start `jupyter lab` in that folder and choose Nbgrader > Formgrader. A command that was interrupted
goes on where it was. Once written, the CSV is only replaced with --force, which grades what is new, has changed, or
could not be graded, and keeps the rest, marks by hand included. --regrade does so when the tests have changed, for
everybody.

GRADING RUNS THE CODE OF YOUR STUDENTS, with your rights. Do it in a container without network, for example

  docker run --rm -it --network none --read-only --tmpfs /tmp:rw,size=4g --user "$(id -u):$(id -g)" \\
      --cap-drop ALL --security-opt no-new-privileges --memory 6g --memory-swap 6g --cpus 2 --pids-limit 500 \\
      --volume "$PWD/handed_in":/handed_in:ro --volume "$PWD/marks":/marks mindgap-grading \\
      python coursework/grade.py measure_the_gap --submitted /handed_in --csv /marks/measure_the_gap.csv --seed SEED

The instructor notes say how to make the image mindgap-grading.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from autograding import HERE
from grading import grade
from handing_in import Handed, find_submissions, left_aside
from lms import fill, open_worksheet, pack_feedback
from marks import (
    alone,
    carry_over,
    fingerprint,
    handed_in_at,
    keep,
    mark_by_rubric,
    note_times,
    open_course,
    page_of,
    write_feedback,
    write_json,
    write_table,
)


def grade_folder(
    name: str,
    submitted: Path,
    table: Path,
    *,
    jobs: int = 2,
    seed: int | None = None,
    limits: Mapping[str, float] | None = None,
    force: bool = False,
    regrade: bool = False,
    due: datetime | None = None,
    late_percent: float = 0.0,
    worksheet: Path | None = None,
    column: str | None = None,
    sources: Path = HERE / "source",
) -> dict[str, int]:
    """Do what the command does; gives how many notebooks were graded now, and how many were kept from before.

    Raises FileExistsError if the CSV is there and neither `force` nor `regrade` is given, and as `find_submissions`,
    `handed_in_at`, `alone`, `open_course`, `mark_by_rubric` and `fill` do.
    """
    if table.suffix != ".csv":
        raise ValueError(f"{table}: expected the name of a .csv file")
    if submitted.resolve() in table.resolve().parents:
        raise ValueError(f"{table}: expected a place outside of {submitted}, where all are taken for submissions")
    if not 0 <= late_percent <= (0 if due is None else 100):
        raise ValueError(f"expected --late from 0 to 100, together with --due, got {late_percent:g}")
    if jobs < 1:
        raise ValueError(f"expected --jobs of at least 1, got {jobs}")
    if table.exists() and not (force or regrade):
        raise FileExistsError(f"{table}: is there already; --force brings it up to date")
    if table.exists() and not table.read_bytes().removeprefix(codecs.BOM_UTF8).startswith(b"student"):
        raise ValueError(f"{table}: expected a table of marks of an earlier grading, or none; name another --csv")
    if worksheet:
        open_worksheet(worksheet, column)  # what is wrong with it is told before an hour of grading
    with alone(table.with_suffix("")):
        found = find_submissions(submitted, name)
        times = {student: handed_in_at(one.path) for student, one in found.items() if isinstance(one, Handed)}
        if left := left_aside(submitted):
            print(f"{submitted}: no notebooks, and nobody's: {', '.join(left)}")
        assignment, version = open_course(name, table.with_suffix(""), seed, sources, regrade)
        results = assignment.course / "results"
        results.mkdir(exist_ok=True)
        states: dict[str, dict[str, Any]] = {}
        todo: dict[str, Handed] = {}
        for student, handed in found.items():
            record = results / f"{student}.json"
            if isinstance(handed, str):
                states[student] = {"status": handed, "seconds": 0.0}
                continue
            state = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {"digest": ""}
            # Whatever failed is tried again.
            if state["digest"] == fingerprint(handed, version) and state["status"].startswith("graded"):
                states[student] = state
            else:
                todo[student] = handed
        kept = len(states)
        columns = [*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn()]
        scratch = Path(tempfile.mkdtemp(prefix="grading-"))
        try:
            with Progress(*columns, console=Console(stderr=True)) as progress:
                task = progress.add_task("grading", total=len(todo))
                for student, result in grade(todo.items(), assignment, scratch, jobs, limits):
                    keep(student, todo[student], result, assignment)
                    shutil.rmtree(result.folder, ignore_errors=True)
                    status = result.status + (f"; cells missing: {' '.join(result.missing)}" if result.missing else "")
                    mark = fingerprint(todo[student], version)
                    states[student] = {"digest": mark, "status": status, "seconds": round(result.seconds, 2)}
                    states[student]["look"] = "; ".join(result.look)
                    write_json(results / f"{student}.json", states[student])
                    progress.console.print(
                        f"{student}: {result.seconds:.1f} s, {status}", highlight=False, soft_wrap=True
                    )
                    progress.advance(task)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        carry_over(assignment)
        note_times(assignment, times)
        mark_by_rubric(assignment, found)
        totals = write_table(table, assignment, {student: states[student] for student in found}, due, late_percent)
        write_feedback(assignment, states)
        came = {student: handed for student, handed in found.items() if isinstance(handed, Handed)}
        pages = {handed.place: page_of(student, assignment) for student, handed in came.items()}
        pack_feedback(pages, assignment.course / "feedback.zip")
        if worksheet:
            out = table.with_name(f"{table.stem}-{worksheet.name}")
            filled, unknown = fill(worksheet, column, totals, out)
            waiting = sum(total is None for total in totals.values())
            print(f"{filled} of {len(totals)} totals written into {out}; {waiting} wait for marks by hand")
            for student in unknown:
                print(f"{student}: not in {worksheet}")
        return {"graded": len(todo), "kept": kept}


def moment(text: str) -> datetime:
    """A time of day, by this machine's clock unless it names a zone, in UTC as nbgrader keeps it.

    A day alone is refused, since it would mean its first moment.
    """
    try:
        with contextlib.suppress(ValueError):
            date.fromisoformat(text)
            raise argparse.ArgumentTypeError(f"expected a time such as '{text} 18:00', got a day, {text!r}")
        return datetime.fromisoformat(text).astimezone(timezone.utc).replace(tzinfo=None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a time such as '2027-01-31 18:00', got {text!r}") from None


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
    parser.add_argument("--due", type=moment, help="when it was due, such as '2027-01-31 18:00': shows who was late")
    parser.add_argument(
        "--late", type=float, default=0, metavar="PERCENT", help="of all points, taken off for each day (default: 0)"
    )
    parser.add_argument(
        "--worksheet", type=Path, metavar="CSV", help="Canvas's gradebook or Moodle's worksheet, to be filled in a copy"
    )
    parser.add_argument("--column", help="how the column of marks in the worksheet begins (Moodle's is Grade)")
    parser.add_argument("--force", action="store_true", help="bring an existing CSV up to date")
    parser.add_argument("--regrade", action="store_true", help="grade all again by changed tests, keep marks by hand")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing that was started runs on
    print("Grading runs the code of your students, with your rights. Do it in a container: see --help for the command.")
    if options.due:
        print(f"Due at {options.due:%Y-%m-%d %H:%M} UTC.")
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
            regrade=options.regrade,
            due=options.due,
            late_percent=options.late,
            worksheet=options.worksheet,
            column=options.column,
        )
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the same command goes on with what is left.")
    seconds = time.perf_counter() - started
    print(f"{counts['graded']} graded in {seconds:.0f} s, {counts['kept']} kept from before. Marks: {options.csv}")


if __name__ == "__main__":
    main()
