"""Options that come from dataclasses: each field is one, with its default, its help and its panel."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from typer.main import get_command

from mindgap import recipe as recipes
from mindgap import scenes
from mindgap.cli import app
from mindgap.experiments import EXPERIMENTS, Settings, planned
from mindgap.recipe import Recipe, SeedsRecipe
from tests.cli.conftest import Invoke

FED = {"train": Recipe, "cones": SeedsRecipe, "sweep": Settings}


def parameters(command: str) -> dict[str, Any]:
    return {one.name: one for one in get_command(app).commands[command].params}  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", FED)
def test_every_field_is_an_option_with_the_default_of_the_field(command: str) -> None:
    found = parameters(command)
    for field in dataclasses.fields(FED[command]):
        option = found[field.name]
        default: Any = field.default
        if field.name in ("towers", "inputs", "drop"):  # of any length
            default = list(default)
        assert option.default == default, field.name
        assert option.help == field.metadata["help"]
        assert option.rich_help_panel == field.metadata["panel"]
    assert {panel for one in found.values() if (panel := one.rich_help_panel)} == (
        {"Optimiser", "Towers", "Data"} if command == "train" else set()
    )


def test_help_names_what_can_be_chosen(mindgap: Invoke) -> None:
    helps = {field.name: field.metadata["help"] for kind in FED.values() for field in dataclasses.fields(kind)}
    for name, values in {
        "start": recipes.STARTS, "modalities": recipes.MODALITIES, "drop": scenes.ATTRIBUTES,
        "inputs": recipes.INPUTS, "experiment": EXPERIMENTS,
    }.items():  # fmt: skip
        assert all(value in helps[name] for value in values), name
    assert str(recipes.SHOWN) in helps["shown"]


def test_help_tells_the_runs_of_each_experiment() -> None:
    for name, make in EXPERIMENTS.items():
        assert f"{make.__doc__}".startswith(f"{len(planned(name, [0], 1))} runs a seed: ")
