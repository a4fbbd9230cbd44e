"""The ledger of claims: what the paper and the field say of the gap, and what comes out when one checks.

`CLAIMS` are in the order of the book. Each has its thresholds, written down before the check, and a function that finds
numbers and holds them against these; the verdict follows, and nobody types it. `check` does so for one claim,
`check_all` for all. `committed` is the ledger that comes with the package (`mindgap/results/claims.json`), which the
book's page *The ledger* shows; `changed` says where findings differ from it. At the command line: `mindgap claims`.

A claim that fails is said to fail only where a second implementation or a longer run agrees; what reads a stored result
looks at its recipe and digest first. To add a claim, write one function in the file of its chapter.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mindgap import _files, _scalars
from mindgap import results as stored
from mindgap.claims import _cones, _gap, _mismatch, _printed, _reproduced, _seeds, _shift, _since, _training
from mindgap.claims._parts import (
    ALTERED,
    CHAPTERS,
    SCALES,
    VERDICTS,
    Claim,
    Condition,
    Finding,
    Number,
    Table,
    decided,
)

__all__ = [
    "ALTERED",
    "CHAPTERS",
    "CLAIMS",
    "FILE",
    "SCALES",
    "VERDICTS",
    "Change",
    "Claim",
    "Condition",
    "Finding",
    "Number",
    "Table",
    "changed",
    "check",
    "check_all",
    "committed",
    "ledger",
    "named",
]

FILE = "claims.json"
"""The committed ledger, among the stored results."""

_FILES = (_gap, _cones, _seeds, _shift, _mismatch, _training, _reproduced, _printed, _since)

CLAIMS: tuple[Claim, ...] = tuple(
    sorted((one for file in _FILES for one in file.CLAIMS), key=lambda one: one.chapter)  # stable within a chapter
)
"""All claims, by chapter."""


@dataclass(frozen=True)
class Change:
    """Where a claim differs from the committed ledger: `what` it is, as it was there and as it is now."""

    id: str
    what: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.id}: {self.what} was {self.before or 'not there'}, now {self.now or 'not there'}"


def named(id: str) -> Claim:
    """The claim of this id. Raises ValueError for another, with near matches."""
    known = {one.id: one for one in CLAIMS}
    return known[_scalars.choice(id, "claim", known)]


def check(claim: str | Claim, results: str | os.PathLike[str] | None = None) -> Finding:
    """What becomes of one claim, by its id or as an object: verdict, numbers, conditions.

    `results` is a folder with what `mindgap embed` wrote, under the names that claims need: coco, cifar10, cifar100.
    Without it, what only these can decide is not testable here.

    Nothing is downloaded or trained; most checks take less than a second. Raises ValueError for an unknown id, with
    near matches, FileNotFoundError if `results` is no folder, and ModuleNotFoundError for claims on small CLIPs where
    open_clip is missing.
    """
    folder = None if results is None else _files.user_path(results, "results")
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(f"results: no folder {str(folder)!r}")
    with _one_thread():
        return decided(claim if isinstance(claim, Claim) else named(claim), folder)


@contextmanager
def _one_thread() -> Iterator[None]:
    """What a check computes is small: threads that wait for each other made all checks eight times slower."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def check_all(
    claims: Iterable[Claim] = CLAIMS,
    progress: Callable[[str], object] | None = None,
    results: str | os.PathLike[str] | None = None,
) -> list[Finding]:
    """The findings on all claims, or on some, in their order; `progress` is called with each id before its check.

    For `results` see `check`.
    """
    found = []
    for one in claims:
        if progress is not None:
            progress(one.id)
        found.append(check(one, results))
    return found


def ledger(findings: Iterable[Finding]) -> dict[str, Any]:
    """Findings as the file holds them: all that a page needs, numbers rounded to six digits."""
    recipe = {"command": "mindgap claims --write"}
    return {"recipe": recipe, "verdicts": VERDICTS, "chapters": CHAPTERS, "claims": [one.content() for one in findings]}


def committed() -> dict[str, dict[str, Any]]:
    """The ledger that comes with the package, by id. Raises FileNotFoundError or ValueError where it is damaged."""
    content = _files.read_results(stored.FOLDER / FILE, "mindgap claims --write", "claims")
    return {one["id"]: one for one in content["claims"]}


def changed(findings: Iterable[Finding], before: Mapping[str, Mapping[str, Any]] | None = None) -> list[Change]:
    """Where findings differ from the ledger `before`, by default the committed one: verdicts, and thresholds.

    Numbers are not compared, since they differ in their last digits from machine to machine, and neither are verdicts
    that come from results of the reader, which the ledger cannot have. A claim that is not in
    the ledger is a change; one that is there and has no finding counts only where all claims were checked.
    """
    before = committed() if before is None else before
    found, seen = [], set()
    for one in findings:
        seen.add(one.claim.id)
        old = before.get(one.claim.id, {})
        if old.get("verdict", "") != one.verdict and not one.results:
            found.append(Change(one.claim.id, "the verdict", old.get("verdict", ""), one.verdict))
        now, then = dict(one.claim.thresholds), dict(old.get("thresholds", {}))
        if old and now != then:
            names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
            shown = [", ".join(f"{name} {which[name]:g}" for name in names if name in which) for which in (then, now)]
            found.append(Change(one.claim.id, "a threshold", *shown))
    if seen >= {one.id for one in CLAIMS}:
        found += [Change(id, "the claim", before[id]["verdict"], "") for id in before if id not in seen]
    return found
