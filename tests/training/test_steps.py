"""The steps of a training: batches, learning rate, and how parameters are grouped."""

import dataclasses
import itertools

import pytest
import torch

from mindgap import miniclip, scenes
from mindgap.recipe import Recipe
from mindgap.training import _steps

TINY = Recipe(width=16, heads=2, layers=1, embed_dim=8, patch=8, steps=12, batch_size=16, warmup=2)


def batches(**changes):
    return list(_steps.batches(dataclasses.replace(TINY, **changes), 0))


def test_new_scenes_never_repeat():
    pictures = torch.cat([images for images, _ in batches(steps=40)])
    assert len(torch.unique(pictures.flatten(1), dim=0)) == 40 * 16


def test_a_fixed_set_is_walked_in_shuffled_epochs():
    seen = torch.cat([images for images, _ in batches(scenes=50, steps=6)]).flatten(1)
    assert len(torch.unique(seen, dim=0)) <= 50
    for epoch in seen.split(48):  # 3 batches of 16; the rest of 2 is dropped
        assert len(torch.unique(epoch, dim=0)) == 48
    assert not torch.equal(seen[:48], seen[48:])


@pytest.mark.parametrize("fixed", [None, 64])
def test_batches_depend_on_their_step_alone(fixed):
    recipe = dataclasses.replace(TINY, steps=40, scenes=fixed, mismatch=0.3)
    later = list(_steps.batches(recipe, 21))
    for (a, b), (c, d) in zip(list(_steps.batches(recipe, 0))[21:], later, strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)


def test_captions_drop_and_mismatch_as_the_recipe_says():
    dropped = torch.cat([tokens for _, tokens in batches(drop=("colour",))])
    colours = {miniclip.VOCABULARY.index(colour) for colour in scenes.COLOURS}
    assert not colours & set(dropped.flatten().tolist())
    straight = {tuple(row) for _, tokens in batches(steps=16) for row in tokens.tolist()}
    right = [(images, tokens) for images, tokens in batches(steps=16)]
    wrong = [(images, tokens) for images, tokens in batches(steps=16, mismatch=0.25)]
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(right, wrong, strict=True))
    assert {tuple(row) for _, tokens in wrong for row in tokens.tolist()} == straight
    moved = torch.cat([(a != b).any(dim=1) for (_, a), (_, b) in zip(right, wrong, strict=True)]).float().mean()
    assert 0.2 < moved <= 0.25  # a few are exchanged for the same words


def test_learning_rate_rises_and_falls():
    recipe = dataclasses.replace(TINY, steps=100, warmup=10, learning_rate=1.0)
    rates = [_steps.learning_rate(recipe, step) for step in range(1, 101)]
    assert max(rates) == rates[9]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert rates[-1] == pytest.approx(0)
    assert all(a > b for a, b in itertools.pairwise(rates[9:]))


def test_a_constant_rate_stays_where_the_warm_up_has_led():
    recipe = dataclasses.replace(TINY, steps=100, warmup=10, learning_rate=0.5, schedule="constant")
    rates = [_steps.learning_rate(recipe, step) for step in range(1, 101)]
    assert rates[:10] == pytest.approx([0.05 * step for step in range(1, 11)])
    assert set(rates[9:]) == {0.5}
    longer = dataclasses.replace(recipe, steps=1000)
    assert rates == [_steps.learning_rate(longer, step) for step in range(1, 101)]


def test_both_towers_see_what_the_recipe_says():
    (pictures, same_pictures), *_ = batches(modalities="image-image")
    assert pictures.shape == (16, 3, 32, 32)
    assert torch.equal(pictures, same_pictures)
    (tokens, same_tokens), *_ = batches(modalities="text-text")
    assert tokens.shape == (16, miniclip.CONTEXT_LENGTH)
    assert torch.equal(tokens, same_tokens)


@pytest.mark.parametrize("stacked", [0, 1])
def test_only_matrices_decay(stacked):
    model = miniclip.build(TINY)
    named = [(name, p.expand(3, *p.shape) if stacked else p) for name, p in model.named_parameters()]
    decayed, others = _steps.parameter_groups(named, 0.1, stacked)
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert len(decayed["params"]) + len(others["params"]) == len(named)
    assert all(p.ndim - stacked >= 2 for p in decayed["params"])
    names = [name for name, p in named if any(p is other for other in others["params"])]
    assert "logit_scale" in names
    assert {"token_embedding.weight", "positional_embedding"} <= set(names)
