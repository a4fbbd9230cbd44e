"""What was left out and why, in one short table at the end of a test run, and of several runs together.

A conftest.py that imports `pytest_terminal_summary` has the table. If the environment variable MINDGAP_SKIPS names a
file, each run adds what it skipped to it, and `python -m tests.skips FILE` prints them all as one table.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

FILE = "MINDGAP_SKIPS"
_DONE = pytest.StashKey[bool]()


class Skip(NamedTuple):
    """One test that was skipped: why, and the file it is in."""

    reason: str
    where: str


def table(skips: Iterable[Skip]) -> list[str]:
    """Lines of text, one a reason: how many, why, and in which files; those with the most tests first.

    Reasons that agree up to their first colon are one. What follows it is shown if it is the same in all of them.
    """
    groups: dict[str, list[Skip]] = {}
    for skip in skips:
        groups.setdefault(skip.reason.partition(": ")[0], []).append(skip)
    rows = []
    for kind, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        reasons = {skip.reason for skip in group}
        files = [name for name, _ in Counter(skip.where for skip in group).most_common()]
        more = [f"and {len(files) - 2} more"] if len(files) > 2 else []
        rows.append((str(len(group)), reasons.pop() if len(reasons) == 1 else kind, ", ".join(files[:2] + more)))
    most, widest = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    return [f"{count:>{most}}  {reason:<{widest}}  {files}" for count, reason, files in rows]


def of(report: pytest.TestReport | pytest.CollectReport) -> Skip:
    """The skip that a report of pytest tells of."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
    lines = reason.removeprefix("Skipped: ").splitlines()
    return Skip(lines[0].strip() if lines and lines[0] else "no reason given", report.nodeid.partition("::")[0])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of this run, and keep its rows for the one of all runs; once, where two conftest.py have it."""
    if terminalreporter.config.stash.setdefault(_DONE, False):
        return
    terminalreporter.config.stash[_DONE] = True
    skips = [of(report) for report in terminalreporter.stats.get("skipped", [])]
    if path := os.environ.get(FILE):
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(skip) + "\n" for skip in skips)
    if skips:
        terminalreporter.section("what was skipped, and why")
        for line in table(skips):
            terminalreporter.write_line(line)


def main(path: str) -> None:
    """Print the table of all runs that have added to the file at `path`."""
    text = Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""
    skips = [Skip(*json.loads(line)) for line in text.splitlines()]
    width = shutil.get_terminal_size().columns
    if not skips:
        print("Nothing was skipped.")
        return
    print(" What was skipped in all, and why ".center(width, "="))
    print(*table(skips), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
