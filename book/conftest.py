"""How the notebooks' stored outputs are compared: strictly, with two rules.

A notebook that needs the authors' features is skipped, with that reason, where they cannot be had. The data inside a
chart is kept to four significant digits, so the fourth may fall either way on another processor: one unit of it is
allowed, in the formulas that move a chart's points too; everything else in a chart must be equal.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

from mindgap.pairs import FeaturesUnavailable, fetch

DECIMAL = re.compile(r"(?<![\w.])(\d+\.\d+(?:e[+-]?\d+)?)(?![\w.])")


class StoredChart(dict):
    """A chart's specification that equals another one if only the last kept digits of its numbers differ."""

    def __eq__(self, other: object) -> bool:
        return same(dict(self), dict(other) if isinstance(other, dict) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values agree, numbers to one unit of the fourth significant digit."""
    numbers = (int, float)
    if isinstance(a, numbers) and isinstance(b, numbers) and not isinstance(a, bool) and not isinstance(b, bool):
        largest = max(abs(a), abs(b))
        unit = 10.0 ** (math.floor(math.log10(largest)) - 3) if largest > 0 else 0.0
        return abs(a - b) <= max(1.01 * unit, 1e-6)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, str) and isinstance(b, str) and a != b:
        ours, theirs = DECIMAL.split(a), DECIMAL.split(b)
        return ours[::2] == theirs[::2] and same(*([float(text) for text in parts[1::2]] for parts in (ours, theirs)))
    return type(a) is type(b) and a == b


def features_reason(names: list[str]) -> str | None:
    """Why a notebook that needs these feature files cannot run here; None if it can."""
    try:
        for name in names:
            fetch(name, progress=False)
    except FeaturesUnavailable as error:
        return f"needs the authors' features: {str(error).splitlines()[0]}"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons: dict[Any, str | None] = {}
    for item in items:
        if not isinstance(item, IPyNbCell):
            continue
        needs = item.parent.nb.metadata.get("mindgap", {}).get("needs", [])
        if item.parent not in reasons:
            reasons[item.parent] = features_reason(needs) if needs else None
        if reason := reasons[item.parent]:
            item.add_marker(pytest.mark.skip(reason=reason))


_sanitize = IPyNbCell.sanitize


def _sanitize_charts(self: IPyNbCell, value: Any) -> Any:
    if isinstance(value, dict) and "vega-lite" in str(value.get("$schema", "")):
        return StoredChart(value)
    return _sanitize(self, value)


IPyNbCell.sanitize = _sanitize_charts
