"""Answers to the exercises of the book, right and wrong; and what every exercise of the book must have."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch

from mindgap import check, mlp_cosines
from mindgap.check import _answers_cones, _answers_loss, _answers_since, _answers_tasks
from mindgap.check._expect import ANSWERS
from mindgap.check._feedback import Failed
from mindgap.pairs import _paper

ROOT = Path(__file__).parents[2]
CHAPTERS = {path.stem: nbformat.read(path, as_version=4) for path in sorted(ROOT.glob("book/0*.ipynb"))}

BOTH_SIGNS = mlp_cosines("linear", 25, n=64, input_norm=1)
FLAT = mlp_cosines("relu", 25, n=64, norm="batch")
SIGMOID = mlp_cosines("sigmoid", 25, n=64)
RELU = mlp_cosines("relu", 25, n=64)


def clouds(shared: float = 0.3, opposite: bool = True, pairs: int = 100, same: bool = True) -> tuple[Any, Any]:
    """Two clouds in dimensions of their own, and in some that they share."""
    random = torch.Generator().manual_seed(0)
    n = pairs // 2 if opposite else pairs
    u, v = (torch.nn.functional.normalize(torch.randn(n, 3, generator=random), dim=1) for _ in range(2))
    if opposite:
        u, v = torch.cat([u, -u]), torch.cat([v, -v])
    common = shared * torch.nn.functional.normalize(torch.randn(pairs, 8, generator=random), dim=1)
    nothing = torch.zeros(pairs, 3)
    return torch.cat([u, nothing, common], 1), torch.cat([nothing, v, common if same else common.flip(0)], 1)


RIGHT: list[tuple[str, Any]] = [
    ("ex-gap-noise", 0.0437),
    ("ex-gap-noise", 0.044),
    ("ex-gap-shuffle", ["matched cosine", "R@1"]),
    ("ex-gap-shuffle", {"mean cosine across, matched pairs", "recall at 1"}),
    ("ex-gap-among", 0.745),
    ("ex-cone-abs", 0.64),
    ("ex-cone-abs", torch.tensor(2 / torch.pi)),
    ("ex-cone-positive", (BOTH_SIGNS, FLAT)),
    ("ex-cone-positive", [BOTH_SIGNS.tolist(), mlp_cosines("sigmoid", 25, n=64, norm="batch").numpy()]),
    ("ex-cone-norm", 0.95),
    ("ex-seeds-gap", [0.85, 1.02, 1.01]),
    ("ex-seeds-umap", (1.0, 0.94)),
    ("ex-seeds-three", 0.0054),
    ("ex-seeds-theorem", 0.53),
    ("ex-shift-temperature", (1 / 20, 1 / 79)),
    ("ex-shift-temperature", (0.06, 0.0126)),
    ("ex-shift-half", (0.004, 0.002)),
    ("ex-shift-converged", (0.03, 6e-6)),
    ("ex-temperature-far", 0.145),
    ("ex-temperature-far", 0.15),
    ("ex-temperature-worth", (1 / 91, 1 / 80)),
    ("ex-temperature-worth", (0.011, 0.013)),
    ("ex-temperature-depth", (0.1, 0.53)),
    ("ex-temperature-start", (0.47, 0.84)),
    ("ex-temperature-start", [0.41, 0.58]),
    ("ex-matter-bonus", ("ring", "diamond")),
    ("ex-matter-bonus", ["a ring", "A diamond"]),
    ("ex-matter-size", 53_000),
    ("ex-matter-share", (10, 5)),
    ("ex-mismatch-height", (72, 1 / 21)),
    ("ex-mismatch-carry", (0.977, 1.775)),
    ("ex-mismatch-belief", 1 / 21.2),
    ("ex-mismatch-near", (0.85, 1.04)),
    ("ex-mismatch-near", (0.85, 1.1)),
    ("ex-since-apart", clouds()),
    ("ex-since-apart", [part.numpy() for part in clouds(0.2)]),
    ("ex-since-halves", 0.105),
    ("ex-since-halves", 0.11),
    ("ex-since-noise", 0.146),
    ("ex-since-noise", 0.15),
    ("ex-since-bias", (0.11, -10.9)),
]

WRONG: list[tuple[str, Any, str]] = [
    ("ex-gap-noise", 0.0437**2, "its square"),
    ("ex-gap-noise", 0.046, "where 1 - c belongs"),
    ("ex-gap-noise", 0.045, "where 1 - c belongs"),
    ("ex-gap-noise", 0.0309, "only one of the two means"),
    ("ex-gap-noise", (2 / 500) ** 0.5, "over the whole sphere"),
    ("ex-gap-noise", 0.85, "what is left"),
    ("ex-gap-noise", 0.0011, "how much longer noise makes"),
    ("ex-gap-shuffle", "recall at 1", "is not all"),
    ("ex-gap-shuffle", ["gap distance"], "function of the two sets"),
    ("ex-gap-shuffle", ["R@1", "separable"], "function of the two sets"),
    ("ex-gap-shuffle", ["R@1", "unmatched"], "nearly all pairs"),
    ("ex-gap-shuffle", ["colour"], "none of the measures"),
    ("ex-gap-shuffle", [], "nothing is not all"),
    ("ex-gap-shuffle", 2, "expected the names"),
    ("ex-gap-among", 0.55, "among all 500"),
    ("ex-gap-among", 0.81, "R@5"),
    ("ex-gap-among", 1.0, "in proportion"),
    ("ex-cone-abs", 1 / math.pi, "what a ReLU makes"),
    ("ex-cone-abs", 0.8, "the mean of |a|"),
    ("ex-cone-abs", 1, "square of a mean"),
    ("ex-cone-abs", 0.0, "before the activation"),
    ("ex-cone-positive", (RELU, FLAT), "never negative"),
    ("ex-cone-positive", (FLAT, BOTH_SIGNS), "are the two exchanged?"),
    ("ex-cone-positive", (mlp_cosines("tanh", 25, n=64, bias=False), FLAT), "what do biases do"),
    ("ex-cone-positive", (BOTH_SIGNS, mlp_cosines("relu", 25, n=64, norm="layer")), "over neurons, not over inputs"),
    ("ex-cone-positive", (BOTH_SIGNS, mlp_cosines("tanh", 25, n=64, norm="batch")), "have both signs"),
    ("ex-cone-positive", (BOTH_SIGNS[:5], FLAT), "too shallow"),
    ("ex-cone-positive", (SIGMOID, SIGMOID), "looks like a sigmoid"),
    ("ex-cone-positive", (SIGMOID, FLAT), "looks like a sigmoid"),
    ("ex-cone-positive", (BOTH_SIGNS, SIGMOID), "has not stopped"),
    ("ex-cone-positive", (BOTH_SIGNS, mlp_cosines("linear", 25, n=64, input_norm=0.1)), "has not stopped"),
    ("ex-cone-positive", (BOTH_SIGNS, mlp_cosines("tanh", 25, n=64, input_norm=0.2)), "narrow"),
    ("ex-cone-positive", 0.32, "expected two results"),
    ("ex-cone-norm", 1.0, "the plain network"),
    ("ex-cone-norm", 0.32, "batch normalisation in training mode"),
    ("ex-cone-norm", 0.06, "a linear network"),
    ("ex-seeds-gap", [0.72, 1.05, 1.02], "its square"),
    ("ex-seeds-gap", [0.94, 1.02, 1.01], "once only"),
    ("ex-seeds-gap", [0.85, 1.01, 1.02], "are exchanged"),
    ("ex-seeds-gap", [0.85, 0.85, 1.01], "still in it"),
    ("ex-seeds-gap", [0.85, 1.02, 1.16], "two untrained towers"),
    ("ex-seeds-gap", 0.85, "expected 3 numbers"),
    ("ex-seeds-umap", (1, 1), "finds itself"),
    ("ex-seeds-umap", (0.94, 1), "exchanged"),
    ("ex-seeds-umap", (0.2, 0.2), "by chance it would be"),
    ("ex-seeds-umap", (1, 0.09), "below chance"),
    ("ex-seeds-umap", (1, 0.5), "another mean"),
    ("ex-seeds-three", 0.079, "for two runs"),
    ("ex-seeds-three", 0.54, "per cent"),
    ("ex-seeds-three", 0.0072, "either side"),
    ("ex-seeds-theorem", 0.6, "before the activation"),
    ("ex-seeds-theorem", 0.681, "not the share"),
    ("ex-seeds-theorem", 0.363, "above the line only"),
    ("ex-shift-temperature", (20, 79), "one over the temperature"),
    ("ex-shift-temperature", (1 / 79, 1 / 20), "exchanged"),
    ("ex-shift-temperature", (1, 1), "nearly closed"),
    ("ex-shift-half", (-0.004, -0.002), "right and picked"),
    ("ex-shift-converged", (6e-6, 0.03), "exchanged"),
    ("ex-shift-converged", (0.000185, 0.000036), "its own training"),
    ("ex-shift-converged", (30, 0.006), "thousandths"),
    ("ex-shift-converged", (0.0628, 0.00005), "one batch of all"),
    ("ex-shift-half", (0.002, 0.004), "the two are exchanged"),
    ("ex-shift-half", (0.0052, 0.002), "along a unit vector"),
    ("ex-shift-half", (-0.00017, 0.0048), "left out of the softmax"),
    ("ex-shift-half", (0.0061, 0.0002), "the one that comes first"),
    ("ex-shift-temperature", (1 / 20, 1 / 50), "more than 500 scenes"),
    ("ex-matter-bonus", ("diamond", "ring"), "the other way round"),
    ("ex-matter-bonus", ("star", "diamond"), "not the ends of the list"),
    ("ex-matter-bonus", ("ring", "red"), "got 'red'"),
    ("ex-matter-bonus", "ring", "the names of two shapes"),
    ("ex-matter-bonus", 2, "the names of two shapes"),
    ("ex-matter-size", 24_000, "not to its square"),
    ("ex-matter-size", 565, "one per cent"),
    ("ex-matter-size", 340_000, "is not the number of images"),
    ("ex-matter-share", (0.02, 0.01), "a share"),
    ("ex-matter-share", (5, 10), "exchanged"),
    ("ex-matter-share", (9, 4), "still found"),
    ("ex-temperature-far", 6.9, "one over the temperature"),
    ("ex-temperature-far", 1.0, "to more than one per cent already"),
    ("ex-temperature-far", 0.2, "is not the temperature"),
    ("ex-temperature-far", 0.056, "to ten per cent"),
    ("ex-temperature-far", 0.33, "not with .01 of the loss"),
    ("ex-temperature-worth", (91, 80), "one over the temperature"),
    ("ex-temperature-worth", (1 / 80, 1 / 91), "exchanged"),
    ("ex-temperature-worth", (0.0091, 0.008), "the wrong way"),
    ("ex-temperature-worth", (1 / 70, 0.0158), "the square is missing"),
    ("ex-temperature-worth", (1 / 64, 1 / 80), "not all of it"),
    ("ex-temperature-worth", (1 / 91, 1 / 64), "one root and not two"),
    ("ex-temperature-depth", (0.53, 0.1), "exchanged"),
    ("ex-temperature-start", (0.84, 0.47), "the two are exchanged"),
    ("ex-temperature-start", (0.2, 0.22), "not the last"),
    ("ex-temperature-start", (1.3, 1.4), "not the gaps of aligned towers"),
    ("ex-temperature-start", (0.503, 0.503), "both are of one temperature"),
    ("ex-temperature-start", 0.4, "expected 2 numbers"),
    ("ex-mismatch-height", (1.26, 1 / 21), "radians"),
    ("ex-mismatch-height", (105.4, 1 / 21), "its cosine that halves"),
    ("ex-mismatch-height", (26.35, 1 / 21), "the height is halved"),
    ("ex-mismatch-height", (72, 21.2), "one over the temperature"),
    ("ex-mismatch-carry", (1.775, 0.977), "exchanged"),
    ("ex-mismatch-carry", (0.977, 0.888), "what one side carries"),
    ("ex-mismatch-carry", (77.8, 62.6), "in degrees"),
    ("ex-mismatch-carry", (0.212, 0.212), "the factor on the cosines"),
    ("ex-mismatch-belief", 21.2, "one over the temperature"),
    ("ex-mismatch-belief", 0.00212, "the wrong way"),
    ("ex-mismatch-belief", 0.01, "with the gap"),
    ("ex-mismatch-near", (1.04, 0.85), "exchanged"),
    ("ex-mismatch-near", (0.85, 0.85), "moved nothing"),
    ("ex-mismatch-near", (1.04, 1.04), "moved twice"),
    ("ex-mismatch-near", (0.85, 1.65), "more than 50"),
    ("ex-mismatch-near", (0.85, 1.55), "another draw"),
    ("ex-mismatch-near", (0.85, 0.92), "fewer were exchanged"),
    ("ex-mismatch-near", (1.61, 1.04), "least alike"),
    ("ex-mismatch-near", (1.6, 1.6), "how many pairs"),
    ("ex-since-apart", clouds(opposite=False), "with every row's opposite"),
    ("ex-since-apart", clouds(3), "too large against"),
    ("ex-since-apart", clouds(same=False), "R@1 is"),
    ("ex-since-apart", clouds(pairs=20), "at least 50"),
    ("ex-since-apart", 0.03, "expected two matrices"),
    ("ex-since-apart", (torch.ones(60, 3), torch.ones(60, 4)), "of one shape"),
    ("ex-since-apart", (torch.zeros(60, 3), torch.ones(60, 3)), "expected"),
    ("ex-since-halves", 0.0285, "its own means"),
    ("ex-since-halves", 0.071, "back on the sphere"),
    ("ex-since-halves", 0.13, "miss independently"),
    ("ex-since-halves", 0.85, "nothing is subtracted"),
    ("ex-since-noise", 0.0686, "the wrong way"),
    ("ex-since-noise", 0.1, "nothing is stretched"),
    ("ex-since-noise", 0.2, "not centred at all"),
    ("ex-since-noise", 1.46, "not the noise"),
    ("ex-since-bias", (0.11, -10.09), "not divided"),
    ("ex-since-bias", (0.11, -9.1), "wrong sign"),
    ("ex-since-bias", (0.091, -10.9), "the wrong way"),
    ("ex-since-bias", (0.156, -13.6), "half of the gap"),
    ("ex-since-bias", (0.11, -10), "a softmax would allow"),
]


NEED_CLIP = [
    "ex-gap-noise",
    "ex-gap-among",
    "ex-shift-temperature",
    "ex-shift-half",
    "ex-temperature-depth",
    "ex-temperature-far",
    "ex-mismatch-near",
    "ex-matter-share",
    "ex-since-halves",
    "ex-since-noise",
]


@pytest.mark.parametrize(("label", "value"), RIGHT)
def test_right_answers_pass(label: str, value: Any) -> None:
    found = check.answer(label, value)
    assert found, found
    assert str(found).startswith(f"✓ {label}: ")


@pytest.mark.parametrize(("label", "value", "mistake"), WRONG)
def test_wrong_answers_get_the_name_of_their_mistake(label: str, value: Any, mistake: str) -> None:
    found = check.answer(label, value)
    assert not found
    assert mistake.lower() in found.message.lower()


def listed(label: str) -> tuple[list[float], dict[str, list[float]]]:
    """The right numbers of an exercise, and what each mistake on its list leads to; nothing if it has no such list."""
    found: list[tuple[list[float], dict[str, list[float]]]] = []

    def expect(value: Any, right: dict[str, float], mistakes: dict[str, Any], within: float = 0.02) -> None:
        each = {
            name: [wrong] * len(right) if isinstance(wrong, float | int) else wrong for name, wrong in mistakes.items()
        }
        found.append((list(right.values()), each))

    with pytest.MonkeyPatch.context() as patch:
        for part in (_answers_cones, _answers_loss, _answers_since, _answers_tasks):
            patch.setattr(part, "expect", expect)
        with contextlib.suppress(Failed):
            ANSWERS[label][1](None)
    return found[0] if found else ([], {})


def rounded(number: float, digits: int = 3) -> float:
    return float(f"{number:.{digits}g}")


JUDGED_OTHERWISE = {
    "ex-gap-shuffle",
    "ex-cone-positive",
    "ex-seeds-umap",
    "ex-temperature-start",
    "ex-mismatch-near",
    "ex-matter-bonus",
    "ex-since-apart",
}


@pytest.mark.parametrize("label", [label for label in ANSWERS if label not in JUDGED_OTHERWISE])
def test_tolerances_tell_the_right_number_from_every_mistake_on_the_list(label: str) -> None:
    """With three digits; the right ones below 1 with two as well."""
    right, mistakes = listed(label)
    assert right
    assert len(mistakes) >= 3
    for digits in (2, 3):
        assert check.answer(label, [rounded(number, digits if number < 1 else 3) for number in right])
    for name, wrong in mistakes.items():
        value = [rounded(true if math.isnan(one) else one) for one, true in zip(wrong, right, strict=True)]
        found = check.answer(label, value)
        assert not found, f"{name}: {value} is taken for right"
        assert f"Likely {name}." in found.message


def test_a_number_that_no_mistake_explains() -> None:
    assert check.answer("ex-cone-abs", 0.123).message == "0.123 is not the cosine after one wide layer."


@pytest.mark.parametrize("value", ["a word", None, [1, 2], torch.nan, {}])
@pytest.mark.parametrize("label", ["ex-cone-abs", "ex-seeds-theorem", "ex-mismatch-belief"])
def test_something_else_than_a_number(label: str, value: Any) -> None:
    assert not check.answer(label, value)


def test_an_unknown_label_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="label: unknown name 'ex-cone-ab'; did you mean 'ex-cone-abs'"):
        check.answer("ex-cone-ab", 1)


def test_no_answer_needs_a_file_or_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINDGAP_DATA", raising=False)
    monkeypatch.setenv("MINDGAP_CACHE", str(tmp_path))
    monkeypatch.setenv("MINDGAP_URL", "http://127.0.0.1:9/")  # nothing listens there
    for label, value in dict(RIGHT).items():
        assert check.answer(label, value), label


@pytest.mark.parametrize("label", NEED_CLIP)
@pytest.mark.parametrize("altered", [False, True])
def test_where_data_are_missing_one_neutral_line_says_so(
    label: str, altered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_paper, "SHIPPED", {})  # as in a package without them
    monkeypatch.setenv("MINDGAP_DATA", str(tmp_path))
    monkeypatch.setenv("MINDGAP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MINDGAP_URL", "http://127.0.0.1:9/")  # nothing listens there
    if altered:
        (tmp_path / "features_clip.npy").write_bytes(b"something else")
    found = check.answer(label, dict(RIGHT)[label])
    assert found.passed is None
    assert str(found) == f"○ {label}: cannot be checked here, since the data for it are missing."
    assert tuple(capfd.readouterr()) == ("", "")


def test_every_check_bears_the_name_of_its_exercise() -> None:
    for label, (_praise, function) in ANSWERS.items():
        assert label == f"ex-{function.__name__}".replace("_", "-")
    parts = ROOT.glob("mindgap/check/_answers_*.py")
    assert sum(path.read_text(encoding="utf-8").count("\n@exercise(") for path in parts) == len(ANSWERS)


def exercises() -> list[Any]:
    """Chapter, label and whole text of each exercise, from its title to the end of its folded solution."""
    found = []
    for name, chapter in CHAPTERS.items():
        text = "\n".join(cell.source for cell in chapter.cells)
        for part in text.split("```{exercise} ")[1:]:
            label = re.search(r":label: (\S+)", part)
            assert label is not None
            found.append(pytest.param(part.split("```{solution-end}")[0], label[1], id=f"{name}: {label[1]}"))
    return found


@pytest.mark.parametrize(("text", "label"), exercises())
def test_an_exercise_is_rated_and_helped_and_checked(text: str, label: str) -> None:
    check.answer(label, None)  # known
    statement = text.split("\n```")[0]
    assert re.search(r"\n\n\*Difficulty: (●○○|●●○|●●●) · \d+ minutes\*\n\n", statement)
    assert f'check.answer("{label}", ' in statement
    places = [text.index(part) for part in ("```{hint}", "```{admonition} Help\n:class: dropdown", "{solution-start}")]
    assert places == sorted(places)
    assert text.count(f'check.answer("{label}", ') == 2, "in the statement, and in the solution"


def test_solutions_show_that_they_are_right() -> None:
    shown = set()
    for chapter in CHAPTERS.values():
        for cell in chapter.cells:
            for output in cell.get("outputs", []):
                if (words := output.get("data", {}).get("text/plain", "")).startswith("✓ ex-"):
                    shown.add(words[2:].split(":")[0])
    assert shown == set(ANSWERS)
