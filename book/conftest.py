"""How the notebooks are run and their stored outputs compared: alone, and strictly, with three rules.

Every kernel starts in an empty folder with nothing but the package (`book.notebooks.alone`), so what passes here runs
wherever it is downloaded to. A live explorer has no stored output; it is built, and compared with nothing.

A cell that says in its metadata that it needs some of the authors' features, {"mindgap": {"needs": ["clasp"]}}, is
skipped with that reason where they cannot be had; all other cells run. The data inside a chart is kept to four
significant digits, so the fourth may fall either way on another processor: one unit of it is allowed, in the formulas
that move a chart's points too; everything else in a chart must be equal. A prediction keeps three digits. And no cell
may use more than ten minutes of processor time, however long it waits for a busy machine; the most expensive ones are
listed at the end.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import re
from collections.abc import Generator, Iterable
from typing import Any

import psutil
import pytest
from nbval import kernel as nbval_kernel
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from book.notebooks import alone
from tests.notebooks import needs
from tests.skips import pytest_terminal_summary as summarise_skips
from tests.waiting import HANG

# Seconds of processor time: what a cell should stay under, and what only a cell that runs away uses.
DEAR, TOO_DEAR = 15, 600
# Kernels compute with one thread: two that share a busy core use many times the processor time, waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
LISTED = 10
USED = pytest.StashKey[dict[str, float]]()

DECIMAL = re.compile(r"(?<![\w.])(\d+\.\d+(?:e[+-]?\d+)?)(?![\w.])")


class StoredChart(dict):
    """A chart's specification that equals another one if only the last kept digits of its numbers differ."""

    digits = 4

    def __eq__(self, other: object) -> bool:
        return same(dict(self), dict(other) if isinstance(other, dict) else other, self.digits)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


class StoredPrediction(StoredChart):
    """The same of what is kept of a prediction, which is one digit less."""

    digits = 3


def same(a: Any, b: Any, digits: int = 4) -> bool:
    """Whether two JSON values agree, numbers to one unit of the last of some significant digits."""
    numbers = (int, float)
    if isinstance(a, numbers) and isinstance(b, numbers) and not isinstance(a, bool) and not isinstance(b, bool):
        largest = max(abs(a), abs(b))
        unit = 10.0 ** (math.floor(math.log10(largest)) - digits + 1) if largest > 0 else 0.0
        return abs(a - b) <= max(1.01 * unit, 1e-6)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key], digits) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(*both, digits) for both in zip(a, b, strict=True))
    if isinstance(a, str) and isinstance(b, str) and a != b:
        ours, theirs = DECIMAL.split(a), DECIMAL.split(b)
        one, other = ([float(text) for text in parts[1::2]] for parts in (ours, theirs))
        return ours[::2] == theirs[::2] and same(one, other, digits)
    return type(a) is type(b) and a == b


def features_reason(names: Iterable[str]) -> str | None:
    """Why what needs these feature files cannot run here; None if it can."""
    from mindgap.pairs import FeaturesUnavailable, fetch  # loads torch, for which only those who need files wait

    try:
        for name in names:
            fetch(name, progress=False)
    except FeaturesUnavailable as error:
        return f"needs the authors' features: {str(error).splitlines()[0]}"
    return None


def pytest_configure(config: pytest.Config) -> None:
    config.stash[USED] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = functools.lru_cache(maxsize=None)(features_reason)  # one look for each list of files
    for item in items:
        if not isinstance(item, IPyNbCell):
            continue
        item.output_timeout = HANG
        item.options["skip"] = False  # a live explorer; nbval compares nothing of a cell without a number
        if (names := needs(item.cell)) and (missing := reason(tuple(sorted(names)))):
            item.add_marker(pytest.mark.skip(reason=missing))


def _processor_seconds(kernel: RunningKernel) -> float:
    """What a kernel and the processes that it started have used of the processors so far."""
    process = psutil.Process(kernel.km.provisioner.pid)
    times = [process.cpu_times()]
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended, and is then among its parent's
            times.append(child.cpu_times())
    return sum(sum(one[:4]) for one in times)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    if not isinstance(item, IPyNbCell):
        return (yield)
    before = _processor_seconds(item.parent.kernel)
    result = yield
    used = _processor_seconds(item.parent.kernel) - before
    item.config.stash[USED][item.nodeid] = used
    if used > TOO_DEAR:
        pytest.fail(f"took {used:.0f} seconds of processor time, more than {TOO_DEAR}", pytrace=False)
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was skipped, and the cells that used the processor most."""
    summarise_skips(terminalreporter)
    used = sorted(config.stash[USED].items(), key=lambda item: -item[1])
    if used:
        terminalreporter.section("seconds of processor time, the most expensive cells")
    for name, seconds in used[:LISTED]:
        terminalreporter.write_line(f"{seconds:6.1f}  {name}{f'  (more than {DEAR})' if seconds > DEAR else ''}")


_sanitize = IPyNbCell.sanitize


def _sanitize_charts(self: IPyNbCell, value: Any) -> Any:
    if isinstance(value, dict) and "vega-lite" in str(value.get("$schema", "")):
        return StoredChart(value)
    if isinstance(value, dict) and {"question", "figure", "kind"} <= value.keys():
        return StoredPrediction(value)
    return _sanitize(self, value)


IPyNbCell.sanitize = _sanitize_charts


_setup = IPyNbFile.setup
_start_new_kernel = nbval_kernel.start_new_kernel


def _setup_alone(self: IPyNbFile) -> None:
    """nbval starts a kernel beside the notebook, with all that this process has."""
    reader = contextlib.ExitStack()
    self.addfinalizer(reader.close)
    folder, environment = reader.enter_context(alone(features=any(map(needs, self.nb.cells))))
    place = {"cwd": str(folder), "env": environment}
    nbval_kernel.start_new_kernel = lambda **options: _start_new_kernel(**options | place)
    _setup(self)


IPyNbFile.setup = _setup_alone


_await_reply = RunningKernel.await_reply


def _await_reply_patiently(self: RunningKernel, message: str, timeout: float | None = None) -> None:
    """nbval gives a kernel ten seconds to say that it is there."""
    _await_reply(self, message, max(timeout or 0, HANG))


RunningKernel.await_reply = _await_reply_patiently
