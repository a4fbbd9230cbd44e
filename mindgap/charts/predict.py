"""Predict, then reveal: questions that a reader answers before a figure shows the answer.

`number` asks for a point on an axis, `choice` for one of several statements, `curve` for a sketch. Each is the result
of a cell just before the figure that it guards. On the site that figure is veiled until the reader commits to a guess,
or asks to see it; anywhere else the cell shows the question alone, and never the answer.

What a reader answers stays in their browser, in its local storage: under `mindgap-predict:` and the name of the
question an object in JSON with `guess` (a number; the place of a statement, from 0; the heights of a curve; null for
who only asked to see), `score` (0 to 1, or null without a guess) and `time` (ISO 8601). The score of a number or of a
curve is 1 less the share of the largest error that the axis has room for, on the scale of that axis (for a curve, of
its mean error over the points that were to be drawn); that of a statement is 1 if it is right, else 0.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

from mindgap import _scalars
from mindgap._files import rounded

MIME = "application/vnd.mindgap.predict.v1+json"
DIGITS = 3
"""Significant digits of the numbers in what a notebook keeps."""

FEWEST, MOST = 5, 12
"""Points of a curve."""

STATEMENTS = (2, 6)
LOGS = ("", "x", "y", "xy")


@dataclass(frozen=True, repr=False)
class Prediction:
    """A question about a figure: its name, of which there is one in the book, and the label of the figure."""

    name: str
    question: str
    figure: str

    def _fields(self) -> dict[str, Any]:
        raise NotImplementedError

    def _lines(self) -> list[str]:
        """What belongs to the question beside its words, a line each; nothing of the answer."""
        return []

    def __repr__(self) -> str:
        return "\n".join([f"Predict: {self.question}", *(f"  ({n}) {line}" for n, line in enumerate(self._lines(), 1))])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        own = {"name": self.name, "question": self.question, "figure": self.figure, **self._fields()}
        listed = "".join(f"\n{n}. {_plain(line)}" for n, line in enumerate(self._lines(), 1))
        markdown = f"**Predict, before you look at the next figure.** {_plain(self.question)}"
        return {
            MIME: rounded(own, DIGITS),
            "text/markdown": f"{markdown}\n{listed}" if listed else markdown,
            "text/plain": repr(self),
        }


@dataclass(frozen=True, repr=False)
class NumberPrediction(Prediction):
    """A point on an axis from `low` to `high`."""

    truth: float
    low: float
    high: float
    step: float
    words: str
    log: bool = False

    def _fields(self) -> dict[str, Any]:
        axis = {name: _whole(getattr(self, name)) for name in ("low", "high", "step")}
        return {"kind": "number", "truth": self.truth, **axis, "words": self.words, "log": self.log}


@dataclass(frozen=True, repr=False)
class ChoicePrediction(Prediction):
    """One of several statements, of which one is right."""

    statements: tuple[str, ...]
    right: int
    because: str

    def _fields(self) -> dict[str, Any]:
        return {
            "kind": "choice",
            "statements": list(self.statements),
            "right": self.right,
            "because": self.because,
        }

    def _lines(self) -> list[str]:
        return list(self.statements)


@dataclass(frozen=True, repr=False)
class CurvePrediction(Prediction):
    """A curve over some points, of which the first may be given."""

    x: tuple[float, ...]
    truth: tuple[float, ...]
    x_title: str
    y_title: str
    y_range: tuple[float, float]
    x_labels: tuple[str, ...] | None = None
    given: int = 0
    log: str = ""

    def _fields(self) -> dict[str, Any]:
        lists = {"x": list(map(_whole, self.x)), "truth": list(self.truth), "y_range": list(map(_whole, self.y_range))}
        words = {name: getattr(self, name) for name in ("x_title", "y_title", "given", "log")}
        labels = None if self.x_labels is None else list(self.x_labels)
        return {"kind": "curve", **lists, **words, "x_labels": labels}


def number(
    name: str,
    question: str,
    truth: SupportsFloat,
    low: float,
    high: float,
    step: float,
    figure: str,
    words: str = "value",
    log: bool = False,
) -> NumberPrediction:
    """Ask for a number from `low` to `high`, as a point on an axis with steps of `step`.

    `words` are what the number is called in the sentence that compares guess and `truth` ("gap distance"); `log` makes
    the axis logarithmic, on which `step` still says how many decimals are shown.

    Raises ValueError, or TypeError, that names the argument: a name that is not of the form predict-closing-costs, a
    figure that is not of the form fig-landscape, a truth outside of the axis, an axis without room for a step.
    """
    _check_names(name, question, figure)
    bottom, top = _range((low, high), "low and high")
    if log and bottom <= 0:
        raise ValueError(f"low: expected a number above 0 for a logarithmic axis, got {bottom:g}")
    stride = _scalars.positive(step, "step")
    if stride > (top - bottom) / 2:
        raise ValueError(f"step: expected at most half of the axis from {bottom:g} to {top:g}, got {stride:g}")
    return NumberPrediction(
        name, question, figure, _within(truth, "truth", bottom, top), bottom, top, stride, _line(words, "words"), log
    )


def choice(
    name: str, question: str, statements: Sequence[str], right: int, because: str, figure: str
) -> ChoicePrediction:
    """Ask which of two to six `statements` holds: that at the place `right`, from 0, `because` of one sentence.

    Raises ValueError, or TypeError, that names the argument.
    """
    _check_names(name, question, figure)
    least, most = STATEMENTS
    if isinstance(statements, str) or not least <= len(statements) <= most:
        got = repr(statements) if isinstance(statements, str) else len(statements)
        raise ValueError(f"statements: expected {least} to {most} statements, got {got}")
    lines = tuple(_line(one, "statements") for one in statements)
    if len(set(lines)) < len(lines):
        raise ValueError("statements: expected different statements, got one twice")
    place = _scalars.count(right, "right", 0, len(lines) - 1)
    return ChoicePrediction(name, question, figure, lines, place, _line(because, "because"))


def curve(
    name: str,
    question: str,
    x: Iterable[SupportsFloat],
    truth: Iterable[SupportsFloat],
    x_title: str,
    y_title: str,
    y_range: Sequence[float],
    figure: str,
    x_labels: Sequence[str] | None = None,
    given: int = 0,
    log: str = "",
) -> CurvePrediction:
    """Ask for a sketch of the curve `truth` over 5 to 12 points `x`, in the range `y_range`.

    The first `given` points are shown as a start. With `x_labels` the points stand at equal distances, called so;
    without, where their numbers are. `log` names the axes that are logarithmic: "x", "y" or "xy".

    Raises ValueError, or TypeError, that names the argument.
    """
    _check_names(name, question, figure)
    if log not in LOGS:
        raise ValueError(f"log: expected one of {', '.join(map(repr, LOGS))}, got {log!r}")
    places = [_scalars.number(one, "x") for one in x]
    if not FEWEST <= len(places) <= MOST:
        raise ValueError(f"x: expected {FEWEST} to {MOST} points, got {len(places)}")
    if any(after <= before for before, after in itertools.pairwise(places)):
        raise ValueError("x: expected numbers that rise, got one that does not")
    if "x" in log and places[0] <= 0:
        raise ValueError(f"x: expected numbers above 0 for a logarithmic axis, got {places[0]:g}")
    bottom, top = _range(y_range, "y_range")
    if "y" in log and bottom <= 0:
        raise ValueError(f"y_range: expected numbers above 0 for a logarithmic axis, got {bottom:g}")
    heights = [_within(one, "truth", bottom, top) for one in truth]
    if len(heights) != len(places):
        raise ValueError(f"truth: expected {len(places)} numbers, one for each of x, got {len(heights)}")
    labels = None if x_labels is None else tuple(_line(one, "x_labels") for one in x_labels)
    if labels is not None and len(labels) != len(places):
        raise ValueError(f"x_labels: expected {len(places)} labels, one for each of x, got {len(labels)}")
    first = _scalars.count(given, "given", 0, len(places) - 1)
    titles = _line(x_title, "x_title"), _line(y_title, "y_title")
    return CurvePrediction(
        name, question, figure, tuple(places), tuple(heights), *titles, (bottom, top), labels, first, log
    )


def _check_names(name: str, question: str, figure: str) -> None:
    for given, argument, start in ((name, "name", "predict-"), (figure, "figure", "fig-")):
        if not isinstance(given, str) or not re.fullmatch(rf"{start}[a-z0-9]+(?:-[a-z0-9]+)*", given):
            raise ValueError(f"{argument}: expected {start}… in small letters, digits and hyphens, got {given!r}")
    _line(question, "question")


def _line(value: object, name: str) -> str:
    """`value` as words that mean the same in a page, in Markdown and in a console."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a string, got {value!r:.80}")
    if not value.strip() or "\n" in value:
        raise ValueError(f"{name}: expected one line of words, got {value!r:.80}")
    if marked := re.search(r"[$`{}\\]", value):
        raise ValueError(f"{name}: expected plain words (λ and τ as they are), got {marked[0]!r} in {value!r:.80}")
    return value


def _range(values: Sequence[float], name: str) -> tuple[float, float]:
    if len(values) != 2:
        raise ValueError(f"{name}: expected a lower and a higher number, got {len(values)} numbers")
    low, high = (_scalars.number(one, name) for one in values)
    if low >= high:
        raise ValueError(f"{name}: expected a lower and a higher number, got {low:g} and {high:g}")
    return low, high


def _whole(value: float) -> float:
    """A whole number as one, which is kept with all of its digits: an axis to 1024 does not end at 1020."""
    return int(value) if value.is_integer() else value


def _within(value: object, name: str, low: float, high: float) -> float:
    found = _scalars.number(value, name)
    if not low <= found <= high:
        raise ValueError(f"{name}: expected numbers within the axis, {low:g} to {high:g}, got {found:g}")
    return found


def _plain(words: str) -> str:
    """Words that Markdown shows as they are."""
    return re.sub(r"([*_<>\[\]#|~])", r"\\\1", words)
