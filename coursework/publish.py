"""Copy the students' notebooks into the book, where its assignments page offers them for download.

    python coursework/publish.py             # make them again from the sources
    python coursework/publish.py --check     # only say which are not what the sources make

They are committed, so that the book builds without nbgrader. They do not depend on the seed of the hidden tests.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from autograding import HERE, Assignment, release
from build import names

BOOK = HERE.parent / "book" / "assignments"
MOST_BYTES = 100_000


def text_of(assignment: Assignment) -> str:
    """The released notebook as it stands in the book: nbgrader's text, and a newline at its end.

    Raises ValueError if it is larger than a page should make its readers download.
    """
    text = assignment.release.read_text(encoding="utf-8").rstrip("\n") + "\n"
    if (size := len(text.encode())) > MOST_BYTES:
        raise ValueError(f"{assignment.name}: expected a release of at most {MOST_BYTES:,} bytes, got {size:,}")
    return text


def stale(assignments: Iterable[Assignment], folder: Path = BOOK) -> list[str]:
    """What in `folder` is not what the sources make: releases missing or different, and files of no assignment."""
    wanted = {f"{assignment.name}.ipynb": text_of(assignment) for assignment in assignments}
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.ipynb")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def publish(assignments: Iterable[Assignment], folder: Path = BOOK) -> list[str]:
    """Make `folder` hold exactly the releases of these assignments; the names of the files that changed."""
    assignments = list(assignments)
    changed = stale(assignments, folder)
    texts = {f"{assignment.name}.ipynb": text_of(assignment) for assignment in assignments}
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in texts:
            (folder / name).write_text(texts[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if something would change")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coursework-") as scratch:
        assignments = [release(name, Path(scratch) / name) for name in names()]
        if options.check:
            if differ := stale(assignments):
                sys.exit(f"book/assignments: {', '.join(differ)} not as the sources make it; run {sys.argv[0]}")
        else:
            changed = publish(assignments)
            print(f"book/assignments: {', '.join(changed) or 'nothing'} changed")


if __name__ == "__main__":
    main()
