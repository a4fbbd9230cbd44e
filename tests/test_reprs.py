"""Every public result shows itself: a sentence and a small table, as text and as HTML, without addresses or tensors."""

from __future__ import annotations

import inspect
import re
import tempfile
import types
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from mindgap import (
    PairedEmbeddings,
    _reprs,
    check,
    claims,
    cones,
    embedding,
    experiments,
    geometry,
    landscape,
    metrics,
    miniclip,
    playground,
    recipe,
    report,
    results,
    scenes,
    seeds,
    stream,
    theorems,
    zeroshot,
)
from mindgap._reprs import Readable, Shown
from mindgap.charts import predict
from mindgap.pairs import Shards, StoredArray, open_shards
from mindgap.widgets._explorer import Explorer
from tests.mps import Pretend
from tests.test_api import public_names

NASTY = '<b>&"\n\x1b[31m'


def clouds(n: int = 30, d: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = torch.randn(2, n, d, generator=torch.Generator().manual_seed(0))
    return x + 1, y


def pairs(name: str = "mine", **more: Any) -> PairedEmbeddings:
    return PairedEmbeddings(*clouds(), name, ("image", "text"), "a test", **more)


_FOLDER = tempfile.TemporaryDirectory(prefix="shards-")


def shards() -> Shards:
    path = Path(_FOLDER.name, "both.npy")
    if not path.exists():
        np.save(path, torch.stack(clouds()).numpy())
    return open_shards(path)


def measurement(step: int = 3, more: bool = True) -> recipe.Measurement:
    rest = (0.31, -2.1, -1.9, 12.0, 9.25) if more else ()
    return recipe.Measurement(step, 1.25, 0.5, 0.125, 0.25, 0.44, 0.0123456, 0.01, *rest)


def trained() -> miniclip.Trained:
    history = (measurement(0), measurement(7), measurement(1000))
    return miniclip.Trained(torch.nn.Linear(3, 4), recipe.Recipe(), history, 45.4, {"torch": "2"})


def path() -> zeroshot.Path:
    x, y = clouds()
    return zeroshot.along_the_gap(x[:20], y[:2])


def embedded() -> embedding.Embedded:
    recipe = {"model": "ViT-B-32", "pretrained": "openai", "weights": None}
    return embedding.Embedded(Path("coco"), 4990, 998, 2, 1, 5, 6, {"recipe": recipe, "source": "val2017"})


SAMPLES: dict[type, Callable[[], object]] = {
    PairedEmbeddings: pairs,
    embedding.Embedded: embedded,
    landscape.Landscape: lambda: landscape.loss_landscape(*clouds(), [0.0, 0.25, 0.5], landscape.TEMPERATURES),
    landscape.Point: lambda: landscape.best_shift(*clouds(), 0.1),
    geometry.Projection: lambda: geometry.shared_projection(*clouds()),
    geometry.ShiftPath: lambda: geometry.shift_path(*clouds()),
    cones.CosineHistogram: lambda: cones.cosine_histogram(clouds()[0]),
    theorems.RaisedShare: lambda: theorems.raised_share(0.1, layers=20),
    theorems.LayerShares: lambda: theorems.layer_shares(depth=12, width=8, seeds=2, n=4),
    recipe.Measurement: measurement,
    miniclip.Trained: trained,
    seeds.Cones: lambda: seeds.Cones(results.path("cones.json")),
    experiments.Sweep: lambda: experiments.Sweep(results.path("sweep_temperature.json")),
    experiments.Run: lambda: experiments.planned("mismatch", [1], 300)[1],
    scenes.Scenes: lambda: scenes.draw(5, size=8),
    scenes.Attributes: lambda: scenes.draw(5, size=8).attributes,
    scenes.Layout: lambda: scenes.arrange(5),
    zeroshot.Task: lambda: zeroshot.scene_task("shape", 20),
    zeroshot.Rate: lambda: zeroshot.rates([True, False], ["a", "a"])[0],
    zeroshot.Path: path,
    zeroshot.Choice: lambda: zeroshot.choose_shift(path(), [0, 1] * 10),
    claims.Claim: lambda: claims.named("theorem-1"),
    claims.Finding: lambda: claims.check("cone-on-a-circle"),
    playground.State: lambda: playground.begin(playground.Options(n=4)),
    playground.Moment: lambda: playground.run(playground.Options(n=4), 2).moments[1],
    playground.Run: lambda: playground.run(playground.Options(n=4), 30),
    report.Report: lambda: report.make(pairs(), temperatures=[0.1]),
    report.Valley: lambda: report.make(pairs(), temperatures=[0.1]).valleys[0],
    Shards: lambda: shards(),
    stream.StreamedReport: lambda: stream.report(shards()),
    stream.SampledLandscape: lambda: stream.landscape(shards(), [0.0, 0.5], [0.1], rows=30),
    stream.SampledValley: lambda: stream.landscape(shards(), [0.0, 0.5], [0.1], rows=30).valleys[0],
}
"""One of each class of results."""

PLAIN: dict[type, Callable[[], object]] = {
    recipe.Recipe: recipe.Recipe,
    recipe.SeedsRecipe: recipe.SeedsRecipe,
    experiments.Settings: experiments.Settings,
    cones.Layer: cones.Layer,
    metrics.Estimate: lambda: metrics.Estimate(0.5, 0.25, 0.75, 1000, 20_000),
    StoredArray: lambda: StoredArray("image", (4, 3), "float16", (1.0, 1.0, 1.0), 0),
    claims.Change: lambda: claims.Change("cone-depth", "the verdict", "holds", "contested"),
    claims.Condition: lambda: claims.Condition("for", "least gap", 0.8, "≥", 0.5),
    claims.Number: lambda: claims.Number("gap", 0.85, 0.84, 0.86, "95 %"),
    claims.Table: lambda: claims.Table("results/cones.json", "ab12", {"seeds": 25}),
    playground.Options: playground.Options,
    playground.Change: lambda: playground.Change(3, "rate", 0.1),
    playground.Preset: lambda: playground.PRESETS["warm"],
    metrics.Measure: lambda: metrics.MEASURES["gap_distance"],
    report.Check: lambda: report.make(pairs(), temperatures=[0.1]).checks[0],
    check.Feedback: lambda: check.Feedback("shift", True, "right"),
    stream.Ranks: stream.Ranks,
    check.Variant: lambda: check.variant("0123"),
}
"""What one line is enough for: settings, as one would write them, and answers that are sentences themselves."""

QUESTIONS: dict[type, Callable[[], object]] = {
    predict.Prediction: lambda: predict.Prediction("predict-a", "How far?", "fig-a"),
    predict.NumberPrediction: lambda: predict.number("predict-a", "How far?", 0.5, 0, 1, 0.1, "fig-a"),
    predict.ChoicePrediction: lambda: predict.choice("predict-a", "Who?", ["you", "I"], 0, "I am.", "fig-a"),
    predict.CurvePrediction: lambda: predict.curve(
        "predict-a", "Which way?", range(5), range(5), "x", "y", (0, 6), "fig-a"
    ),
}
"""Shown as what they ask, with the statements to choose from and without the answer."""


def public_classes() -> set[type]:
    """All public classes but errors, and those that public functions say they return; explorers show themselves."""
    found: set[type] = set()
    for dotted in public_names():
        module, _, name = dotted.rpartition(".")
        value = getattr(import_module(module), name, None)
        named = [value]
        if isinstance(value, types.FunctionType):
            words = re.findall(r"\w+", str(value.__annotations__.get("return", "")))
            named = [value.__globals__.get(word) for word in words]
        found |= {one for one in named if inspect.isclass(one) and one.__module__.startswith("mindgap.")}
    return {one for one in found if not issubclass(one, BaseException | Explorer)}


def test_every_public_class_has_a_sample_here() -> None:
    assert public_classes() == {*SAMPLES, *PLAIN, *QUESTIONS}


def assert_fit_to_print(text: str) -> None:
    assert 10 < len(text.encode()) < 1024
    assert not re.search(r"0x[0-9a-f]{4}|object at|tensor\(|Parameter|\x1b|\.0*[1-9]\d{3}", text), text


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
def test_a_result_is_a_sentence_and_a_table(kind: type) -> None:
    result = SAMPLES[kind]()
    text = repr(result)
    assert type(result) is kind
    assert text == repr(result) == str(result) == repr(SAMPLES[kind]())
    assert_fit_to_print(text)
    sentence, header, *rows = text.splitlines()
    assert 20 < len(sentence) <= 320
    assert rows
    assert all(line.startswith("  ") and len(line) < 200 for line in (header, *rows))

    assert isinstance(result, Readable)
    page = ElementTree.fromstring(result._repr_html_())
    caption = page.find("caption")
    assert page.tag == "table"
    assert caption is not None
    assert caption.text == sentence
    columns = page.findall("thead/tr/th")
    assert columns
    assert {one.get("scope") for one in columns} == {"col"}
    shown = [line for line in page.findall("tbody/tr") if line.find("th") is not None]
    assert all([one.tag for one in line] == ["th", *["td"] * (len(columns) - 1)] for line in shown)
    assert {line[0].get("scope") for line in shown} == {"row"}
    words = " ".join(" ".join(line.itertext()) for line in page.iter("tr"))
    assert words.split() == " ".join([header, *rows]).split()


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_what_needs_no_table_is_one_line(kind: type) -> None:
    text = repr(PLAIN[kind]())
    assert_fit_to_print(text)
    assert "\n" not in text


@pytest.mark.parametrize("kind", QUESTIONS, ids=lambda kind: kind.__name__)
def test_a_question_is_shown_as_what_it_asks(kind: type) -> None:
    question = QUESTIONS[kind]()
    assert type(question) is kind
    text = repr(question)
    assert_fit_to_print(text)
    assert text.startswith(f"Predict: {question.question}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [recipe.Recipe, recipe.SeedsRecipe, experiments.Settings, cones.Layer])
def test_settings_are_shown_as_one_would_write_them(kind: type) -> None:
    assert eval(repr(kind()), {kind.__name__: kind}) == kind()


def test_pairs() -> None:
    assert repr(pairs(labels=tuple("abc" * 10), groups=tuple("ab" * 15))).splitlines() == [
        "PairedEmbeddings 'mine': 30 pairs of image and text, d = 4; 3 different labels; 2 different groups; a test",
        "  side  embeds  rows  dimension  device",
        "  x     image     30          4  cpu",
        "  y     text      30          4  cpu",
    ]


def test_names_that_users_give_are_no_markup_and_stay_short() -> None:
    for name in (NASTY, NASTY * 1000, "é" * 5000, ""):
        mine = PairedEmbeddings(*clouds(), name, (name, name), name)
        assert_fit_to_print(repr(mine))
        assert len(repr(mine).splitlines()) == 4
        page = mine._repr_html_()
        assert "<b>" not in page
        assert "\x1b" not in page
        ElementTree.fromstring(page)
        point = landscape.Point(0.0, 0.0, 0.0, name)
        assert_fit_to_print(repr(point))


def test_many_rows_are_counted() -> None:
    many = landscape.loss_landscape(*clouds(), [0.0, 1.0], [0.1 + place / 1000 for place in range(50)])
    assert repr(many).splitlines()[-1] == "  … and 42 more"
    assert "… and 42 more</td>" in many._repr_html_()
    wide = Shown("Wide.", ["a" * 90] * 4, [["b" * 90] * 4] * 20)
    assert len(_reprs.as_text(wide).encode()) < 1024
    assert _reprs.as_text(wide).endswith("more")


@pytest.mark.parametrize(("value", "shown"), [
    (0.12345, "0.123"), (-1.0, "-1.000"), (1234.5678, "1234.568"), (2.5e9, "2.5e+09"), (0.01, "0.01"),
    (1 / 30, "0.0333"), (-3e-9, "0.000"), (0.0, "0.000"), (-0.0, "0.000"), (0.0996, "0.100"),
    (float("nan"), "nan"), (float("-inf"), "-inf"),
])  # fmt: skip
def test_digits(value: float, shown: str) -> None:
    assert _reprs.digits(value) == shown


def test_what_an_older_model_did_not_measure_is_a_dash() -> None:
    assert repr(measurement(more=False)).splitlines()[-1].split() == ["effective", "rank", "–", "–"]


def test_results_on_another_device_and_with_a_history_are_shown() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, y = (cloud.requires_grad_() for cloud in clouds())
        assert "30 pairs" in repr(PairedEmbeddings(x, y, "mine", ("image", "text"), "a test"))
        with Pretend():
            there = pairs().to("mps")
            assert "mps:0" in repr(there)
            assert "explains" in repr(geometry.shared_projection(there.x, there.y))
            assert "gap" in repr(geometry.shift_path(there.x, there.y))


def test_an_explorer_is_a_line() -> None:
    assert repr(Explorer()).startswith("Explorer: A box with controls, a chart")
    assert_fit_to_print(repr(Explorer()))
