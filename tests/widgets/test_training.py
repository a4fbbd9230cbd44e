"""The explorer of trainings: every control, a run in a thread that can be stopped, and what it says."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
import torch

from mindgap import miniclip, training, widgets
from mindgap.miniclip import Trained
from mindgap.recipe import Recipe
from tests.tiny import tiny
from tests.waiting import HANG

TINY = tiny(steps=10)


@pytest.fixture
def explorer(few_held_out: None) -> widgets.TrainingExplorer:
    return widgets.training_explorer(TINY)


@pytest.fixture(scope="module")
def finished() -> Trained:
    """One training, really done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mindgap.training._steps.HELD_OUT", 64)
        return training.train(TINY, progress=False)


@pytest.fixture
def replayed(finished: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training is that one, told again at its end: for tests of what the explorer makes of several."""

    def replay(recipe: Recipe, device: torch.device, progress: bool, watch: training.Watch) -> Trained:
        watch(finished.model, finished.history[-1].step, finished.history[-1])
        return dataclasses.replace(finished, recipe=recipe)

    monkeypatch.setattr(training, "train", replay)


def spec(explorer: widgets.TrainingExplorer) -> dict:
    return explorer.chart.spec


def test_it_starts_with_words_and_no_chart(explorer: widgets.TrainingExplorer) -> None:
    assert explorer.chart.spec == {}
    assert "press" in explorer.readout.value
    assert explorer.stop.disabled


def test_controls_are_the_recipe(explorer: widgets.TrainingExplorer) -> None:
    assert explorer.recipe == TINY
    explorer.temperature.value, explorer.learn.value, explorer.steps.value = "1/20", True, 40
    explorer.start.value, explorer.mismatch.value, explorer.seed.value = "aligned", 20, 7
    found = explorer.recipe
    assert (found.temperature, found.learn_temperature, found.steps) == (1 / 20, True, 40)
    assert (found.start, found.mismatch, found.seed, found.width) == ("aligned", 0.2, 7, 16)


def test_a_training_is_that_of_the_package(explorer: widgets.TrainingExplorer) -> None:
    explorer.temperature.value = "1/10"
    explorer.train.click()
    alone = training.train(explorer.recipe, progress=False)
    assert tuple(explorer.runs["1/10, seed 0"]) == alone.history
    assert explorer.bar.value == explorer.bar.max == 10
    assert f"{alone.history[0].gap:.2f} → {alone.history[-1].gap:.2f}" in explorer.readout.value
    assert "done" in explorer.readout.value
    assert not explorer.train.disabled
    assert explorer.chart.params["shown_step"] == 10


def test_looks_can_be_replayed(explorer: widgets.TrainingExplorer) -> None:
    explorer.train.click()
    assert explorer.look.max == explorer.scrub.max == len(explorer.clouds) - 1 == 6
    explorer.look.value = 0
    assert explorer.chart.params["shown_step"] == 0


@pytest.mark.usefixtures("replayed")
def test_runs_stay_beside_each_other_until_forgotten(explorer: widgets.TrainingExplorer) -> None:
    for label in ("1/100", "1/100", "1/20"):
        explorer.temperature.value = label
        explorer.train.click()
    assert list(explorer.runs) == ["1/100, seed 0", "1/100, seed 0 (2)", "1/20, seed 0"]
    assert "3 runs" in spec(explorer)["description"]
    explorer.forget.click()
    assert explorer.runs == {}
    assert explorer.chart.spec == {}


@pytest.mark.usefixtures("replayed")
def test_only_so_many_runs_are_kept(explorer: widgets.TrainingExplorer) -> None:
    for seed in range(7):
        explorer.seed.value = seed
        explorer.train.click()
    assert list(explorer.runs) == [f"1/100, seed {seed}" for seed in range(2, 7)]


@pytest.mark.parametrize("kind", ["image-image", "text-text"])
def test_one_modality(explorer: widgets.TrainingExplorer, kind: str) -> None:
    explorer.modalities.value = kind
    explorer.train.click()
    assert list(explorer.runs) == [f"1/100, {kind}, seed 0"]


def test_what_cannot_be_is_said_in_words(explorer: widgets.TrainingExplorer) -> None:
    explorer.modalities.value, explorer.mismatch.value = "text-text", 10
    explorer.train.click()
    assert "mismatch: 0.1 needs images and texts" in explorer.message.value
    assert explorer.runs == {}
    assert not explorer.train.disabled


def test_a_failing_training_is_said_in_words(
    explorer: widgets.TrainingExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(recipe: Recipe) -> None:
        raise ValueError("no such tower")

    monkeypatch.setattr(miniclip, "build", broken)
    explorer.train.click()
    assert "no such tower" in explorer.message.value
    assert not explorer.train.disabled


def test_in_a_notebook_it_runs_in_the_background_and_stops(explorer: widgets.TrainingExplorer) -> None:
    async def drive() -> None:
        explorer.steps.value = 2000
        explorer.train.click()
        assert explorer.train.disabled
        assert not explorer.stop.disabled
        while explorer.bar.value < 3:  # the page lives on meanwhile
            await asyncio.sleep(0.01)
        explorer.attempt(explorer.begin)
        assert "stop it first" in explorer.message.value
        explorer.stop.click()
        while explorer.train.disabled:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(drive(), HANG))
    assert "stopped" in explorer.readout.value
    assert 3 <= explorer.runs["1/100, seed 0"][-1].step < 2000
