"""The forward pass of a training is open_clip's own, and leaves out what has no effect."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mindgap import miniclip, scenes
from mindgap.miniclip import CLIP
from mindgap.recipe import Recipe
from mindgap.training import _forward, _steps
from tests.tiny import tiny

RECIPES = [
    {}, {"layers": 2}, {"layers": 3, "heads": 4}, {"shared": True, "layers": 2}, {"loss": "sigmoid"},
    {"modalities": "image-image"}, {"modalities": "text-text", "layers": 2}, {"drop": ("shape", "place"), "layers": 2},
    {"learn_temperature": True, "patch": 4, "batch_size": 5},
]  # fmt: skip


def of(**changes: Any) -> tuple[Recipe, CLIP, tuple[Tensor, ...]]:
    """A model in float64 away from its start, where biases are zero, and its first batch."""
    recipe = tiny(**changes)
    model = miniclip.build(recipe).double()
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, dtype=torch.float64, generator=noise), alpha=0.1)
    views = next(_steps.batches(recipe, 0))
    return recipe, model, tuple(view.double() if view.ndim == 4 else view for view in views)


def gradients(recipe: Recipe, model: CLIP, found: tuple[Tensor, ...]) -> dict[str, Tensor]:
    model.zero_grad(set_to_none=True)
    _steps.objective(recipe, *found).backward()  # type: ignore[no-untyped-call, unused-ignore]
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("changes", RECIPES, ids=str)
def test_embeddings_and_gradients_are_open_clips(changes: dict[str, Any]) -> None:
    recipe, model, views = of(**changes)
    own, ours = model(*views), _forward.forward(model, *views)
    assert len(own) == len(ours)
    for one, other in zip(own, ours, strict=True):
        torch.testing.assert_close(other, one, rtol=0, atol=1e-12)
    wanted, found = gradients(recipe, model, own), gradients(recipe, model, ours)
    assert wanted.keys() == found.keys()
    for name, gradient in wanted.items():
        assert torch.allclose(found[name], gradient, rtol=1e-9, atol=1e-12), name


def test_what_stands_behind_the_end_of_a_caption_has_no_effect() -> None:
    """In open_clip's pass, which is why it can be left out, and in ours, which does not look at it."""
    _, model, (images, tokens) = of(layers=2, objects=(1, 2))
    other = tokens.clone()
    other[tokens == 0] = miniclip.VOCABULARY.index("red")
    assert (other != tokens).any(dim=1).all()
    torch.testing.assert_close(model(images, other)[1], model(images, tokens)[1], rtol=0, atol=1e-12)
    assert torch.equal(_forward.forward(model, images, other)[1], _forward.forward(model, images, tokens)[1])


def test_short_captions_are_not_carried_at_full_length() -> None:
    """A batch of the same captions among longer ones costs more, and gives the same."""
    _, model, _ = of(layers=2)
    short = miniclip.tokenize(scenes.draw(6, objects=(1, 1)).captions)
    long = miniclip.tokenize(scenes.draw(2, objects=(3, 3)).captions)
    spent = []
    for tokens in (short, torch.cat([short, long])):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            y = _forward._through(model, tokens)
        spent.append(counter.get_total_flops())
        torch.testing.assert_close(y[:6], model.encode_text(short), rtol=0, atol=1e-12)
    assert spent[1] > 2 * spent[0]


def test_a_step_of_the_default_recipe_multiplies_half_as_much() -> None:
    recipe = dataclasses.replace(Recipe(), batch_size=16)
    model = miniclip.build(recipe)
    views = next(_steps.batches(recipe, 0))
    spent = []
    for run in (model, lambda *views: _forward.forward(model, *views)):
        with FlopCounterMode(display=False) as counter:
            gradients(recipe, model, run(*views))
        spent.append(counter.get_total_flops())
    assert 0.4 < spent[1] / spent[0] < 0.55


def test_looks_see_the_embeddings_of_miniclip(few_held_out: None) -> None:
    for changes in ({}, {"modalities": "text-text"}, {"modalities": "image-image"}):
        recipe = tiny(**changes)
        model, pairs = miniclip.build(recipe).train(), _steps.held_out(recipe)
        for one, other in zip(miniclip.encode(model, pairs), _forward.encode(model, pairs), strict=True):
            torch.testing.assert_close(other, one, rtol=0, atol=2e-6)
            assert not other.requires_grad
