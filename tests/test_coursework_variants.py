"""Assignments that draw data for each student: numbers differ, verdicts and marks do not.

With the checkout and its folder coursework in PYTHONPATH, `python -m tests.test_coursework_variants 50` runs the model
solutions, hidden tests included, for the student numbers 1 to 50 and for nobody's. It prints between which ends each
number lies: the tables of the instructor notes.
"""

from __future__ import annotations

import contextlib
import functools
import io
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat
import pytest
import torch

from autograding import HERE, SEED_LINE
from mindgap import check

SOURCES = {
    name: nbformat.read(HERE / "source" / name / f"{name}.ipynb", as_version=4)
    for name in ("measure_the_gap", "cones", "landscape")
}
COSTLY = {"test-mean-cosine-large"}  # limits the memory of the process that it runs in
STUB = 'raise NotImplementedError("write this")'


@dataclass
class Run:
    """What came of a notebook's code: its names, what each cell printed, and the error of each cell that raised."""

    names: dict[str, Any]
    printed: dict[str, str] = field(default_factory=dict)
    raised: dict[str, Exception] = field(default_factory=dict)


def run(name: str, number: str | None, cells: Mapping[str, str] | None = None, seed: int | None = None) -> Run:
    """The solution of an assignment with a student's number (None: the cell is left as handed out), and some `cells`
    replaced; as a grader does, it goes on after an error."""
    replaced = {"number": STUB if number is None else f"my_number = {number!r}", **(cells or {})}
    found = Run({"display": lambda *shown: None})
    for cell in SOURCES[name].cells:
        if cell.cell_type != "code" or cell.id in COSTLY:
            continue
        source = replaced.get(cell.id, cell.source).replace("charts.enable()", "")
        if seed is not None:
            source = SEED_LINE.sub(rf"\g<1>seed = {seed}  # hidden", source)
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(source, cell.id, "exec"), found.names)
        except Exception as error:
            found.raised[cell.id] = error
        found.printed[cell.id] = printed.getvalue()
    return found


def cones_numbers(names: Mapping[str, Any]) -> dict[str, float]:
    """What an argument of `cones` rests on."""
    t = names["THRESHOLD"]
    fires, density = math.erfc(t / math.sqrt(2)) / 2, math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    mean, squares = density - t * fires, (1 + t**2) * fires - t * density
    evidence = {key: float(value) for key, value in names["evidence"].items()}
    table = names["comparison"]
    return {
        **evidence,
        "relu less flipped": evidence["relu"] - evidence["flipped"],
        "threshold": t,
        "share of active neurons": fires,
        "common part of sparse": mean**2 / squares,
        "measured less predicted": float((table["measured"] - table["predicted"]).abs().max()),
        "range of five networks": float((table["high"] - table["low"]).max()),
    }


def cones_verdict(found: Mapping[str, float]) -> dict[str, bool]:
    """What must hold for every student, or another verdict would be right."""
    cosines = ["relu", "no_bias", "linear", "linear_no_bias", "flipped", "sparse", "centred"]
    return {
        "nothing lies between cone and no cone": not any(0.1 < found[key] < 0.5 for key in cosines),
        "(a) fails both ways": found["flipped"] > 0.5 and found["sparse"] < 0.1,
        "flipping changes nothing": abs(found["relu less flipped"]) < 0.03,
        "(b) is a cause": found["relu"] - found["no_bias"] > 0.05 and found["linear"] - found["linear_no_bias"] > 0.5,
        "(c) is a cause": found["no_bias"] > 0.5 and found["ladder"] < 0.05,
        "centred makes none": abs(found["centred"]) < 0.05,
        "sparse has a common part": 0.01 < found["common part of sparse"] < 0.06,
    }


def landscape_numbers(names: Mapping[str, Any]) -> dict[str, float]:
    """What an argument of `landscape` rests on: the table, the slip, and the experiments of the model answer."""
    x, y, temperature, table = names["x"], names["y"], names["temperature"], names["table"]
    found: dict[str, float] = {}
    for place, row in table.iterrows():
        found |= {f"{column}, {place}": float(row[column]) for column in table.columns}
    found |= {f"distance, {place}": float(triple[1]) for place, triple in names["found"].items()}
    slip = names["slip_worth"](x, y, temperature), names["slip_move"](x, y, torch.arange(-20, 21) / 40, temperature)
    found |= {"worth of the slip": float(slip[0]), "move by the slip": float(slip[1])}
    higher = temperature * found["spread, barrier"] / found["spread, back to back"]
    barrier, valley = found["loss, barrier"], found["loss, back to back"]
    cooled = float(names["contrastive_loss"](*names["shift"](x, y, found["shift, barrier"]), higher))
    found["share of the fall that shrinking explains"] = (barrier - cooled) / (barrier - valley)
    for part in (2, 4):  # at a quarter the second valley is often the lower one, and `where` calls it the minimum
        behind = torch.arange(21, 101) / 20
        losses = names["landscape_curve"](x, y, behind, temperature / part)[1]
        found[f"valley at 1/{part} of the temperature"] = float(behind[losses.argmin()])
        start = float(names["contrastive_loss"](x, y, temperature / part))
        found[f"loss in the valley less that at the start, at 1/{part}"] = float(losses.min()) - start
    moved = [names["shift"](x, y, found[f"shift, {place}"]) for place in ("minimum", "barrier")]
    for place, (p, q) in zip(["start", "barrier"], moved, strict=True):
        found[f"texts nearest to any image, {place}"] = len((p @ q.T).argmax(dim=1).unique())
    return found


def landscape_verdict(found: Mapping[str, float]) -> dict[str, bool]:
    """What must hold for every student, or another explanation would be right."""

    def of(what: str) -> list[float]:
        return [found[f"{what}, {place}"] for place in ("minimum", "barrier", "back to back")]

    loss, lead, recall, spread = of("loss"), of("lead"), of("R@1"), of("spread")
    return {
        "the minimum is where training left the gap": abs(found["shift, minimum"]) < 0.06,  # a step of the grid
        "the lead is a third in the valley": lead[2] < 0.45 * min(lead[:2]),
        "recall recovers little": recall[1] < recall[2] < 0.65 * recall[0],
        "the spread grows and shrinks": spread[2] < 0.4 * spread[1] and spread[1] > 1.5 * spread[0],
        "the loss has a barrier and a second valley": loss[0] < loss[2] - 1 < loss[1] - 2,
        "it rises to log n": abs(found["loss, very far behind"] - math.log(400))
        < 0.1
        < found["loss, far behind"] - loss[2],
        "shrinking explains most of the fall": 0.6 < found["share of the fall that shrinking explains"] < 1,
        "a lower temperature moves the valley out": found["shift, back to back"]
        < found["valley at 1/2 of the temperature"]
        < found["valley at 1/4 of the temperature"],
        "the slip is worth little": abs(found["worth of the slip"]) < 0.05 * (loss[1] - loss[0]),
        "and moves less than a step of the authors": abs(found["move by the slip"]) < 0.15,
    }


Numbers = Callable[[Mapping[str, Any]], dict[str, float]]
Verdict = Callable[[Mapping[str, float]], dict[str, bool]]
ARGUMENTS: dict[str, tuple[Numbers, Verdict]] = {
    "cones": (cones_numbers, cones_verdict),
    "landscape": (landscape_numbers, landscape_verdict),
}


def ends(name: str, numbers: Iterable[str | None]) -> dict[str, tuple[float, float]]:
    """The least and the largest of each number of the model solution. Raises AssertionError where marks or verdict are
    others than they must be."""
    measured, verdict = ARGUMENTS[name]
    least: dict[str, tuple[float, float]] = {}
    for number in numbers:
        one = run(name, number)
        assert set(one.raised) == ({"number"} if number is None else set()), (number, one.raised)
        found = measured(one.names)
        wrong = [what for what, holds in verdict(found).items() if not holds]
        assert not wrong, (number, wrong, found)
        for key, value in found.items():
            low, high = least.get(key, (value, value))
            least[key] = min(low, value), max(high, value)
        print(name, number, {key: round(value, 4) for key, value in found.items()}, file=sys.stderr, flush=True)
    return least


once = functools.cache(run)


@functools.cache
def rests_on(name: str, number: str | None) -> dict[str, float]:
    """The numbers of the model solution, of one student."""
    return ARGUMENTS[name][0](once(name, number).names)


def in_the_notes(name: str) -> dict[str, tuple[float, float]]:
    """The table of the instructor notes: each number, and the least and the largest that markers will see."""
    titles = {"cones": "## Assignment 2: cones", "landscape": "## Assignment 3: the landscape"}
    text = (HERE / "instructor_notes.md").read_text(encoding="utf-8")
    section = text.split(f"{titles[name]}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|.*\| (-?[\d.]+) \| (-?[\d.]+) \|$", section.replace("−", "-"), re.MULTILINE)
    return {key: (float(low), float(high)) for key, low, high in rows}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("number", [None, "17"])
def test_numbers_lie_where_the_notes_say_and_the_verdict_is_the_same(name: str, number: str | None) -> None:
    one = once(name, number)
    assert set(one.raised) == ({"number"} if number is None else set())
    found, told, verdict = rests_on(name, number), in_the_notes(name), ARGUMENTS[name][1]
    assert all(verdict(found).values()), verdict(found)
    assert len(told) >= 10
    for key, (low, high) in told.items():
        assert low - 0.001 <= found[key] <= high + 0.001, key


@pytest.mark.parametrize("name", ARGUMENTS)
def test_two_students_have_two_arguments_and_one_verdict(name: str) -> None:
    measured, verdict = ARGUMENTS[name]
    mine, other = (rests_on(name, number) for number in (None, "17"))
    another = run(name, "s0123456", seed=7)
    assert not another.raised
    third = measured(another.names)
    assert verdict(mine) == verdict(other) == verdict(third)
    for one, two in [(mine, other), (other, third), (third, mine)]:
        alike = [key for key in in_the_notes(name) if f"{one[key]:.3f}" == f"{two[key]:.3f}"]
        assert len(alike) < len(in_the_notes(name)) / 2, alike


@pytest.mark.parametrize("name", SOURCES)
def test_without_a_number_nothing_is_lost_but_a_line_says_so(name: str) -> None:
    one = once(name, None)
    assert set(one.raised) == {"number"}, "every test passes"
    told = one.printed["sets" if name == "measure_the_gap" else f"{name}-variant"]
    assert told.startswith("○ No student number yet")
    assert (
        "Drawn for student number 17."
        in once(name, "17").printed["sets" if name == "measure_the_gap" else f"{name}-variant"]
    )


def single(cell: str, *names: str) -> str:
    """A solution whose functions of that name compute in float32, whatever they get."""
    wrapped = [
        f"{name} = (lambda inner: lambda *given: inner(*[part.float() if hasattr(part, 'float') else part "
        f"for part in given]))({name})"
        for name in names
    ]
    return "\n".join([next(one.source for one in SOURCES["landscape"].cells if one.id == cell), *wrapped])


def test_single_precision_loses_nothing_where_the_text_asks_for_no_more() -> None:
    functions = {"contrastive-loss": ["contrastive_loss"], "slip": ["fixed_loss", "slip_worth"]}
    one = run("landscape", "17", {cell: single(cell, *names) for cell, names in functions.items()})
    assert not one.raised


FAR = """def far_but_matched(n, d, generator):
    scene, step = torch.randn(n, d, generator=generator), torch.zeros(d)
    step[0] = {step}
    return {lengths}(scene) + step, {lengths}(scene) - step


def near_but_lost(n, d, generator):
    x = torch.randn(n, d, generator=generator)
    return x, x.roll(1, dims=0)
"""


def test_visible_tests_tell_what_the_hidden_ones_would_take_points_for() -> None:
    uneven = FAR.format(step=5, lengths="")
    lost = "def normalize(x):\n    return (x / x.norm(dim=1, keepdim=True)).float()"
    one = run("measure_the_gap", "17", {"constructions": uneven, "normalize": lost})
    assert set(one.raised) == {"test-far-but-matched", "test-normalize"}
    assert "keep the precision" in str(one.raised["test-normalize"])
    assert re.search(
        r"R@1 is 0\.\d\d, not 1; your rows have lengths from \d\.\d to", str(one.raised["test-far-but-matched"])
    )
    even = run("measure_the_gap", "17", {"constructions": FAR.format(step=0.1, lengths="normalize")})
    assert "lengths from" not in str(even.raised["test-far-but-matched"])


def test_no_check_names_the_slip_of_the_third_assignment() -> None:
    names = once("landscape", "17").names
    for function in (names["snippet_loss"], lambda x, y, t: names["snippet_loss"](y, x, t)):
        found = check.contrastive_loss(function)
        assert not found
        assert not re.search("direction|image|text|axis|transpose|twice", found.message)


def main() -> None:
    count, *only = sys.argv[1:] or ["50"]
    for name in only or ARGUMENTS:
        for key, (low, high) in ends(name, [None, *map(str, range(1, int(count) + 1))]).items():
            print(f"| `{key}` | {math.floor(1000 * low) / 1000:.3f} | {math.ceil(1000 * high) / 1000:.3f} |")


if __name__ == "__main__":
    main()
