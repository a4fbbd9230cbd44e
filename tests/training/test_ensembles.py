"""Models trained side by side are those trained alone."""

import dataclasses

import pytest
import torch

from mindgap import miniclip, scenes, training
from mindgap.training import ensembles
from tests.tiny import tiny

TINY = tiny()

pytestmark = pytest.mark.usefixtures("few_held_out")


def vary(**changes):
    return dataclasses.replace(TINY, **changes)


MIXED = [
    vary(temperature=0.05, seed=1),
    vary(temperature=0.5, seed=2, drop=("colour",)),
    vary(temperature=0.07, learn_temperature=True, seed=3, mismatch=0.2),
    vary(temperature=0.001, learn_temperature=True, seed=4, start="aligned"),
    vary(scenes=40, seed=5, objects=(1, 1)),
]


def close(a, b):
    # Attention is computed by another kernel. Weights are no measure: the loss does not depend on the biases of keys,
    # so their gradients are rounding errors, which AdamW divides by their own size.
    assert [row.step for row in a.history] == [row.step for row in b.history]
    for one, other in zip(a.history, b.history, strict=True):
        assert dataclasses.astuple(one) == pytest.approx(dataclasses.astuple(other), rel=2e-3, abs=2e-3)
    pairs = scenes.draw(50, seed=9)
    for one, other in zip(miniclip.encode(a, pairs), miniclip.encode(b, pairs), strict=True):
        assert torch.allclose(one, other, atol=2e-3)


def test_an_ensemble_is_its_members():
    together = ensembles.train_together(MIXED, progress=False)
    for recipe, one in zip(MIXED, together, strict=True):
        assert one.recipe == recipe
        close(training.train(recipe, progress=False), one)
        assert one.model.logit_scale.requires_grad == recipe.learn_temperature
        assert not one.model.training


def test_fixed_temperatures_stay_where_they_are():
    for one in ensembles.train_together(MIXED[:3], progress=False):
        moved = [row.temperature != pytest.approx(one.recipe.temperature, rel=1e-6) for row in one.history]
        assert any(moved) == one.recipe.learn_temperature


@pytest.mark.parametrize("changes", [{"shared": True}, {"cool_from": 0.5}, {"loss": "sigmoid"}], ids=str)
def test_what_later_work_changes_side_by_side(changes):
    recipes = [vary(**changes, seed=seed, temperature=temperature) for seed, temperature in ((1, 0.05), (2, 0.1))]
    for recipe, one in zip(recipes, ensembles.train_together(recipes, progress=False), strict=True):
        close(training.train(recipe, progress=False), one)


@pytest.mark.parametrize("kind", ["image-image", "text-text"])
def test_one_modality_side_by_side(kind):
    recipes = [vary(modalities=kind, seed=seed, temperature=0.1) for seed in range(2)]
    for recipe, one in zip(recipes, ensembles.train_together(recipes, progress=False), strict=True):
        close(training.train(recipe, progress=False), one)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    for one, other in zip(
        ensembles.train_together(MIXED, "cuda", progress=False),
        ensembles.train_together(MIXED, "cpu", progress=False),
        strict=True,
    ):
        assert one.history[-1].gap == pytest.approx(other.history[-1].gap, abs=0.02)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="recipes: expected the same width in all that train side by side, got 16"):
        ensembles.train_together([TINY, vary(width=32)], progress=False)
    with pytest.raises(ValueError, match="recipes: expected at least one, got none"):
        ensembles.train_together([])
