"""Build the coursework: the students' releases, a self-test of the marks, and the archives to hand out.

`build.py` does all of it for every assignment; `build.py selftest NAME …` only grades the solution, the bare release
and the wrong submissions of some, and compares their marks with what they must be. With `--brief` it takes as few wrong
ones as make every test fail once, several in one notebook where they have nothing in common.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from autograding import HERE, STUDENT, Assignment, release
from grading import Result, grade
from handing_in import Handed
from packing import pack
from submissions import Submission, enough, leaks, submissions

ORDER = ["measure_the_gap", "cones", "landscape", "temperature", "move_the_gap"]
LONGEST = 60.0  # seconds of processor time for one notebook, above which the self-test warns


@dataclass(frozen=True)
class Trial:
    """One submission of the self-test, and what came of it."""

    submission: Submission
    result: Result

    @property
    def differences(self) -> list[str]:
        """What is not as it must be, in words; empty if all is well."""
        wrong = [
            f"{name}: expected {_mark(expected)}, got {_mark(self.result.marks[name])}"
            for name, expected in self.submission.marks.items()
            if self.result.marks[name] != expected
        ]
        if not self.result.status.startswith("graded"):
            wrong.insert(0, self.result.status)
        return wrong


def _mark(mark: float | None) -> str:
    return "to be marked by hand" if mark is None else f"{mark:g}"


def names(sources: Path = HERE / "source") -> list[str]:
    """The assignments there are, in the order of the course."""
    found = {path.parent.name for path in sources.glob("*/*.ipynb") if path.stem == path.parent.name}
    return sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def selftest(
    assignments: Iterable[Assignment], scratch: Path, jobs: int, wrong: Path = HERE / "wrong", brief: bool = False
) -> list[Trial]:
    """Grade what `submissions` finds for these assignments, `enough` of it if `brief`, with progress on stderr."""
    choose = enough if brief else list
    listed = [(assignment, choose(submissions(assignment, wrong))) for assignment in assignments]
    trials: list[Trial] = []
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("self-test", total=sum(len(found) for _, found in listed))
        for assignment, found in listed:
            progress.update(task, description=f"self-test of {assignment.name}")
            labelled = {one.label: one for one in found}
            files = [(one.label, Handed(one.write(scratch / "submissions" / assignment.name))) for one in found]
            done: dict[str, Trial] = {}
            for label, result in grade(files, assignment, scratch, jobs):
                done[label] = Trial(labelled[label], result)
                progress.advance(task)
            trials += [done[label] for label in labelled]
    return trials


def table(trials: Iterable[Trial]) -> Table:
    """Assignment, submission, marks expected and got, processor seconds; points that a person gives are apart."""
    shown = Table("assignment", "submission", box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("expected", "got", "by hand", "seconds"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    last = None
    for trial in trials:
        expected, got = trial.submission.marks, trial.result.marks
        waiting = sum(mark is None for mark in got.values())
        shown.add_row(
            trial.submission.assignment if trial.submission.assignment != last else "",
            trial.submission.label,
            f"{sum(mark or 0 for mark in expected.values()):g}",
            f"{sum(mark or 0 for mark in got.values()):g}",
            f"{waiting} cells" if waiting else "",
            f"{trial.result.seconds:.1f}",
            "[red]differs[/]" if trial.differences else "[green]as expected[/]",
        )
        last = trial.submission.assignment
    return shown


def report(trials: list[Trial]) -> bool:
    """Print the table and every difference; whether there was none."""
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(table(trials))
    for trial in trials:
        for difference in trial.differences:
            console.print(
                f"[red]{trial.submission.assignment}, {trial.submission.label}:[/] {difference}", soft_wrap=True
            )
    for trial in trials:
        if trial.result.seconds > LONGEST:
            slow = f"{trial.submission.assignment}, {trial.submission.label}"
            console.print(f"[yellow]more than {LONGEST:.0f} s of processor time:[/] {slow}", soft_wrap=True)
    return not any(trial.differences for trial in trials)


def solutions(trials: Iterable[Trial]) -> dict[str, Path]:
    """The executed solution of each assignment."""
    right = {one.submission.assignment: one.result.folder for one in trials if one.submission.label == "solution"}
    return {name: folder / "autograded" / STUDENT / name / f"{name}.ipynb" for name, folder in right.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["all", "selftest"], default="all")
    parser.add_argument("names", nargs="*", metavar="NAME", help="assignments (default: every one there is)")
    parser.add_argument(
        "--seed", type=int, help="the secret number in the hidden tests (default: the one in the source)"
    )
    parser.add_argument("--brief", action="store_true", help="as few wrong submissions as make every test fail once")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks graded at a time (default: 2)")
    parser.add_argument("--out", type=Path, default=HERE.parent / "_build" / "coursework", help="where the archives go")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="coursework-"))
    try:
        assignments = [release(name, scratch / "course" / name, options.seed) for name in options.names or names()]
        leaking = {assignment.name: found for assignment in assignments if (found := leaks(assignment))}
        for name, lines in leaking.items():
            for line in lines:
                print(f"{name}: the release must not contain: {line}", file=sys.stderr)
        trials = selftest(assignments, scratch, options.jobs, brief=options.brief)
        if options.command == "all" and not leaking and not any(trial.differences for trial in trials):
            for path in pack(assignments, solutions(trials), options.out):
                print(f"packed {path}")
        if not report(trials) or leaking:
            sys.exit("The coursework is not ready: marks or releases differ from what they must be, see above.")
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
