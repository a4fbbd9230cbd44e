"""Predictions: what a notebook keeps of them, that a question never gives its answer away, and one name each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import nbformat
import numpy as np
import pytest
import torch

from book.notebooks import notebooks
from mindgap.charts import predict

NUMBER: dict[str, Any] = {
    "name": "predict-a",
    "question": "How far apart are the means?",
    "truth": 0.853146,
    "low": 0,
    "high": 2,
    "step": 0.01,
    "figure": "fig-a",
    "words": "gap distance",
}
CHOICE: dict[str, Any] = {
    "name": "predict-b",
    "question": "What happens to the loss?",
    "statements": ["It rises *a lot*.", "It falls.", "Nothing."],
    "right": 1,
    "because": "That is what losses do.",
    "figure": "fig-b",
}
CURVE: dict[str, Any] = {
    "name": "predict-c",
    "question": "Draw the cosine after each layer.",
    "x": [0, 1, 2, 5, 1024],
    "truth": [0.0009712, 0.3195, 0.4943, 0.7541, 0.9999],
    "x_title": "layer",
    "y_title": "mean cosine",
    "y_range": (0, 1),
    "figure": "fig-c",
}
KINDS: dict[str, tuple[Callable[..., predict.Prediction], dict[str, Any]]] = {
    "number": (predict.number, NUMBER),
    "choice": (predict.choice, CHOICE),
    "curve": (predict.curve, CURVE),
}


def bundle(kind: str, **changed: Any) -> dict[str, Any]:
    call, arguments = KINDS[kind]
    return call(**(arguments | changed))._repr_mimebundle_()


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_is_kept_beside_its_words(kind: str) -> None:
    found = bundle(kind)
    assert set(found) == {predict.MIME, "text/markdown", "text/plain"}
    kept = json.loads(json.dumps(found[predict.MIME]))
    assert kept["kind"] == kind
    assert kept["question"] in found["text/markdown"].replace("\\", "")
    assert kept["question"] in found["text/plain"]


def test_what_is_kept_has_three_digits_and_whole_numbers_whole() -> None:
    assert bundle("number")[predict.MIME]["truth"] == 0.853
    kept = bundle("curve")[predict.MIME]
    assert kept["x"] == [0, 1, 2, 5, 1024]
    assert kept["truth"] == [0.000971, 0.32, 0.494, 0.754, 1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_words_give_nothing_of_the_answer(kind: str) -> None:
    call, arguments = KINDS[kind]
    prediction = call(**arguments)
    for words in (bundle(kind)["text/markdown"], bundle(kind)["text/plain"], repr(prediction), str(prediction)):
        assert "0.85" not in words
        assert "0.49" not in words
        assert "losses do" not in words


def test_statements_are_the_same_for_every_right_one() -> None:
    """Neither their order nor their look depends on which is right."""
    for kind in ("text/markdown", "text/plain"):
        assert len({bundle("choice", right=place)[kind] for place in range(3)}) == 1
    assert "1. It rises \\*a lot\\*." in bundle("choice")["text/markdown"]


@pytest.mark.parametrize("truth", [np.float32(0.5), torch.tensor(0.5, requires_grad=True), 0.5])
def test_numbers_are_of_any_kind(truth: Any) -> None:
    assert bundle("number", truth=truth)[predict.MIME]["truth"] == 0.5


@pytest.mark.parametrize("make", [np.array, torch.DoubleTensor, list])
def test_points_are_of_any_kind(make: Callable[[list[float]], Any]) -> None:
    assert bundle("curve", truth=make(CURVE["truth"]))[predict.MIME] == bundle("curve")[predict.MIME]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("number", {"name": "closing costs"}, r"name: expected predict-… .*, got 'closing costs'"),
    ("number", {"figure": "hero"}, r"figure: expected fig-…"),
    ("number", {"question": "Is $x$ large?"}, r"question: expected plain words .* got '\$'"),
    ("number", {"question": "two\nlines"}, r"question: expected one line"),
    ("number", {"truth": 3}, r"truth: expected numbers within the axis, 0 to 2, got 3"),
    ("number", {"truth": float("nan")}, r"truth: expected a finite number"),
    ("number", {"low": 2}, r"low and high: expected a lower and a higher number, got 2 and 2"),
    ("number", {"step": 0}, r"step: expected a number above 0"),
    ("number", {"step": 1.5}, r"step: expected at most half of the axis"),
    ("number", {"log": True}, r"low: expected a number above 0 for a logarithmic axis"),
    ("number", {"words": ""}, r"words: expected one line"),
    ("choice", {"statements": ["one"]}, r"statements: expected 2 to 6 statements, got 1"),
    ("choice", {"statements": "yes"}, r"statements: expected 2 to 6 statements, got 'yes'"),
    ("choice", {"statements": ["a", "a"], "right": 0}, r"statements: expected different statements"),
    ("choice", {"right": 3}, r"right: expected a whole number from 0 to 2, got 3"),
    ("choice", {"because": " "}, r"because: expected one line"),
    ("curve", {"x": [1, 2, 3, 4]}, r"x: expected 5 to 12 points, got 4"),
    ("curve", {"x": [1, 2, 3, 4, 4]}, r"x: expected numbers that rise"),
    ("curve", {"truth": [0, 0, 0, 0]}, r"truth: expected 5 numbers, one for each of x, got 4"),
    ("curve", {"y_range": (0, 0.5)}, r"truth: expected numbers within the axis, 0 to 0.5, got 0.7541"),
    ("curve", {"y_range": (0, 1, 2)}, r"y_range: expected a lower and a higher number, got 3"),
    ("curve", {"y_range": (1, 0)}, r"y_range: expected a lower"),
    ("curve", {"x_labels": ["a"]}, r"x_labels: expected 5 labels"),
    ("curve", {"given": 5}, r"given: expected a whole number from 0 to 4, got 5"),
    ("curve", {"log": "z"}, r"log: expected one of '', 'x', 'y', 'xy', got 'z'"),
    ("curve", {"log": "x"}, r"x: expected numbers above 0 for a logarithmic axis, got 0"),
    ("curve", {"log": "y"}, r"y_range: expected numbers above 0"),
]


@pytest.mark.parametrize(("kind", "changed", "message"), WRONG)
def test_a_wrong_argument_is_named(kind: str, changed: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        bundle(kind, **changed)


def stored() -> list[tuple[str, dict[str, Any], list[str]]]:
    """The page, what is kept, and the figures after it, of each prediction of the book."""
    found = []
    for path in notebooks():
        cells = nbformat.read(path, as_version=4).cells
        for place, cell in enumerate(cells):
            for output in cell.get("outputs", []):
                if kept := output.get("data", {}).get(predict.MIME):
                    after = [later.metadata.get("mystnb", {}).get("figure", {}).get("name") for later in cells[place:]]
                    found.append((path.stem, kept, [name for name in after if name]))
    return found


def test_each_prediction_of_the_book_has_a_name_of_its_own_and_guards_the_figure_after_it() -> None:
    names = [kept["name"] for _, kept, _ in stored()]
    assert len(names) == len(set(names))
    assert names
    for page, kept, after in stored():
        assert kept["figure"] in after[:2], f"{page}: {kept['name']} guards no figure close after it"


def test_a_prediction_s_code_is_folded_since_it_tells_the_answer() -> None:
    for path in notebooks():
        for cell in nbformat.read(path, as_version=4).cells:
            if any(predict.MIME in output.get("data", {}) for output in cell.get("outputs", [])):
                assert "hide-input" in cell.metadata.get("tags", []), f"{path.stem}: {cell.id}"
