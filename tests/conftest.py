"""Run every `mindgap` module with its annotated shapes checked, on one thread, and no test against the clock."""

import os

import hypothesis
import pytest
import torch
from jaxtyping import install_import_hook

import tests.typecheck  # noqa: F401 - the hook below names it
from tests.skips import pytest_terminal_summary  # noqa: F401 - a hook of pytest

install_import_hook("mindgap", "tests.typecheck.checked")

# What is so small gains nothing from a second thread, and on a busy machine threads that wait for each other cost
# several times the work.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of what the tests start

hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("patient")


@pytest.fixture
def few_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings measure themselves on 64 held-out scenes, which takes no time."""
    monkeypatch.setattr("mindgap.training._steps.HELD_OUT", 64)


Embedded = dict[str, torch.Tensor]
"""Embeddings by tower."""


@pytest.fixture(scope="session")
def noise_embeddings() -> dict[int, Embedded]:
    """64 inputs of noise through the paper's three towers at initialisation, for seeds 0 and 1; nobody changes them."""
    from mindgap import towers

    return dict(towers.embed_seeds(seeds=(0, 1), inputs="noise", n=64))
