"""`import mindgap` is light, and all its names are there when used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import mindgap

HEAVY = ("torch", "numpy", "pandas", "altair", "open_clip", "torchvision", "ipywidgets", "llvmlite", "matplotlib")
CONTRACT = (
    "Landscape PairedEmbeddings cap_fraction contrastive_loss cosine_histogram gap_distance gap_vector "
    "load_pairs loss_landscape matched_cosine mean_cosine mlp_cosines normalize recall_at_k relu_mean_field shift "
    "six_pairs variance_share"
).split()
MODULES = sorted(
    path.stem
    for path in Path(mindgap.__file__).parent.iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
)


def imported(statement: str) -> set[str]:
    """The top-level modules that a new Python has imported after `statement`."""
    code = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import mindgap; dir(mindgap)", HEAVY),
        ("import mindgap.recipe; mindgap.recipe.Recipe.__doc__", HEAVY),
        ("import mindgap; mindgap.results.path('cones.json')", HEAVY),
        (
            "from mindgap import gap_distance",
            ("pandas", "altair", "open_clip", "torchvision", "ipywidgets", "llvmlite"),
        ),
        ("from mindgap import Landscape", ("pandas", "altair", "open_clip", "torchvision", "ipywidgets", "llvmlite")),
        ("import mindgap; mindgap.experiments.Sweep", ("pandas", "altair", "open_clip", "torchvision", "ipywidgets")),
    ],
)
def test_an_import_loads_only_what_it_uses(statement: str, absent: tuple[str, ...]) -> None:
    assert imported(statement).isdisjoint(absent)


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_is_at_the_top(name: str) -> None:
    found = getattr(mindgap, name)
    assert found is getattr(import_module(found.__module__), name)
    assert name in mindgap.__all__
    assert name in dir(mindgap)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_an_attribute(name: str) -> None:
    assert getattr(mindgap, name) is import_module(f"mindgap.{name}")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="gap_distnace"):
        mindgap.gap_distnace  # type: ignore[attr-defined]  # noqa: B018
