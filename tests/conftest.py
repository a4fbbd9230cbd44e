"""Run every `mindgap` module with its annotated shapes checked, and one thread count for all."""

import pytest
import torch
from jaxtyping import install_import_hook

import tests.typecheck  # noqa: F401 - the hook below names it

install_import_hook("mindgap", "tests.typecheck.checked")

torch.set_num_threads(2)


@pytest.fixture
def few_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings measure themselves on 64 held-out scenes, which takes no time."""
    monkeypatch.setattr("mindgap.training._steps.HELD_OUT", 64)
