"""What a class handed in: the notebook of each student, by the names that learning platforms give to files.

Students' own names, folders of students, nbgrader's folders, and what Canvas and Moodle hand out as an archive of all
submissions: `doejane_LATE_123_4567_cones-1.ipynb` (123 is the student's ID there), and files or folders that begin with
`Jane Doe_123_assignsubmission_file`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

CANVAS = re.compile(r"(?P<who>[^_\s]+?)(?:_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)")
MOODLE = re.compile(r"(?P<who>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)")
PATTERNS = re.compile(r"[][*?]")  # nbgrader looks for its own folders by patterns
AGAIN = re.compile(r"-\d+$|\s*\(\d+\)$")  # what Canvas and browsers add to the name of another try


@dataclass(frozen=True)
class Handed:
    """A student's notebook, the files that belong to it by the names they are to have, and the place it came in."""

    path: Path
    files: dict[str, Path] = field(default_factory=dict)
    place: str = ""


def find_submissions(folder: Path, name: str) -> dict[str, Handed | str]:
    """What each student handed in, by student; where there is nothing, or it is not clear what, this in words.

    A table of results, or what else is called `<name>_…`, goes with a notebook if both lie in a folder of that student
    or bear that student's name from the platform.

    Raises FileNotFoundError if there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: {'expected a folder, got a file' if folder.exists() else 'no such folder'}")
    notebooks: dict[str, list[Path]] = {}
    files: dict[str, dict[str, Path]] = {}
    for entry in sorted(folder.iterdir()):
        if _hidden(entry):
            continue
        called = entry.name if entry.is_dir() else entry.stem
        known = MOODLE.fullmatch(called) or CANVAS.fullmatch(called)
        student = PATTERNS.sub("_", f"{known['who']}_{known['id']}" if known else called)
        if entry.is_dir():
            candidates = sorted({*entry.glob("*.ipynb"), *entry.glob(f"{name}/{name}.ipynb")})
            there = [path for path in candidates if path.is_file() and not _hidden(path)]
            named = [path for path in there if path.stem.startswith(name)]  # "… (1)" is another try
            notebooks.setdefault(student, []).extend(named or there)
            found = [*entry.glob(f"{name}_*"), *entry.glob(f"{name}/{name}_*")]
            files.setdefault(student, {}).update({path.name: path for path in found if _goes_along(path)})
        elif known or entry.suffix == ".ipynb":  # who handed in something else on a platform is a student, too
            notebook = entry.suffix == ".ipynb" and entry.is_file()
            notebooks.setdefault(student, []).extend([entry] if notebook else [])
            if known and not notebook and known["file"].startswith(f"{name}_"):
                files.setdefault(student, {})[AGAIN.sub("", known["file"]) + entry.suffix] = entry
    if not notebooks:
        raise FileNotFoundError(f"{folder}: expected <student>.ipynb or <student>/{name}.ipynb, and there is none")
    return {student: _one(there, folder, name, files.get(student, {})) for student, there in notebooks.items()}


def left_aside(folder: Path) -> list[str]:
    """The names of files in the folder that are no notebook and that no platform has named after a student."""
    return [
        entry.name
        for entry in sorted(folder.iterdir())
        if entry.is_file() and entry.suffix != ".ipynb" and not _hidden(entry)
        if not (MOODLE.fullmatch(entry.stem) or CANVAS.fullmatch(entry.stem))
    ]


def _hidden(path: Path) -> bool:
    """Whether it is what a system puts beside files, or into an archive, for itself."""
    return path.name.startswith(".") or path.name == "__MACOSX"


def _goes_along(path: Path) -> bool:
    return path.is_file() and path.suffix != ".ipynb" and not _hidden(path)


def _one(there: list[Path], folder: Path, name: str, files: dict[str, Path]) -> Handed | str:
    if not there:
        return f"no notebook {name}.ipynb"
    if len({path.parent == folder for path in there}) > 1:
        return "two submissions, a file and a folder"
    if len(there) > 1:
        return f"several notebooks, leave one: {', '.join(str(path.relative_to(folder)) for path in there)}"
    return Handed(there[0], files, str(there[0].relative_to(folder).with_suffix("")))


def number_of(student: str) -> str:
    """The number that Canvas or Moodle knows a student by, "" for one of no platform."""
    return found[1] if (found := re.search(r"_(\d+)$", student)) else ""
