"""Short trainings: they learn, they repeat, and an interruption does not show."""

import dataclasses
import itertools
import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from mindgap import miniclip, scenes, training
from mindgap.recipe import Recipe

TINY = Recipe(width=16, heads=2, layers=1, embed_dim=8, patch=8, steps=12, batch_size=16, warmup=2)


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch):
    monkeypatch.setattr(training, "HELD_OUT", 64)


def weights(trained):
    return {name: value.clone() for name, value in trained.model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@contextmanager
def interrupted_at(step):
    """As if the user pressed Ctrl-C at the beginning of a step."""
    rate = training._learning_rate

    def interrupting(recipe, now):
        if now == step:
            raise KeyboardInterrupt
        return rate(recipe, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_learning_rate", interrupting)
        yield


def test_the_loss_equals_its_definition():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.nn.functional.normalize(torch.randn(2, 7, 5, generator=generator, dtype=torch.float64), dim=2)
    logits = (x @ y.T / 0.05).tolist()
    expected = 0.0
    for i in range(7):
        row = math.log(sum(math.exp(logits[i][j]) for j in range(7))) - logits[i][i]
        column = math.log(sum(math.exp(logits[j][i]) for j in range(7))) - logits[i][i]
        expected += (row + column) / 14
    loss = training.contrastive_loss(x, y, torch.tensor(1 / 0.05, dtype=torch.float64))
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_a_short_training_learns(monkeypatch):
    monkeypatch.setattr(training, "HELD_OUT", 500)
    recipe = Recipe(
        temperature=0.07, width=32, layers=1, embed_dim=32, steps=150, batch_size=64, learning_rate=5e-3, objects=(1, 1)
    )
    trained = training.train(recipe, progress=False)
    first, last = trained.history[0], trained.history[-1]
    assert last.loss < 0.75 * min(first.loss, math.log(64))
    assert min(last.image_to_text, last.text_to_image) > 10 / 500  # ten times chance
    assert max(first.image_to_text, first.text_to_image) < 5 / 500
    assert last.gap < first.gap


def test_history_is_on_a_log_grid_and_measures_the_model():
    trained = training.train(TINY, progress=False)
    assert [row.step for row in trained.history] == [0, 1, 2, 3, 5, 7, 10, 12]
    assert all(row.temperature == pytest.approx(0.01) for row in trained.history)
    assert not trained.model.training
    held_out = scenes.draw(64, seed=training._HELD_OUT_SEED)
    x, y = miniclip.encode(trained, held_out)
    losses = [training.contrastive_loss(x[i : i + 16], y[i : i + 16], torch.tensor(100.0)) for i in range(0, 64, 16)]
    assert trained.history[-1].loss == pytest.approx(float(np.mean(losses)), rel=1e-4)
    assert trained.seconds > 0
    assert set(trained.versions) == {"python", "mindgap", "torch", "open_clip_torch"}


def test_a_recipe_settles_the_weights_and_leaves_the_global_state_alone():
    before, before_numpy = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    first, second = weights(training.train(TINY, progress=False)), weights(training.train(TINY, progress=False))
    assert same(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before_numpy)  # noqa: NPY002
    other = weights(training.train(dataclasses.replace(TINY, seed=1), progress=False))
    assert not same(first, other)


@pytest.mark.parametrize(
    "changes", [{}, {"scenes": 40, "mismatch": 0.5}, {"learn_temperature": True, "temperature": 0.07}]
)
def test_an_interrupted_run_ends_as_if_never_stopped(tmp_path, changes):
    recipe = dataclasses.replace(TINY, **changes)
    whole = training.train(recipe, progress=False)
    out = tmp_path / "model.safetensors"
    with interrupted_at(8), pytest.raises(KeyboardInterrupt):
        training.train(recipe, out, progress=False, save_every=3)
    assert not out.exists()
    assert training.resumes_at(out, recipe) == 6
    with pytest.raises(ValueError, match=r"an unfinished run \(step 6\)"):
        miniclip.load(training.working_path(out))
    resumed = training.train(recipe, out, progress=False, save_every=3)
    assert same(weights(whole), weights(resumed))
    assert resumed.history == whole.history
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert same(weights(miniclip.load(out)), weights(whole))


def test_an_unfinished_run_of_another_recipe_is_not_resumed(tmp_path):
    out = tmp_path / "model.safetensors"
    with interrupted_at(5), pytest.raises(KeyboardInterrupt):
        training.train(TINY, out, progress=False, save_every=4)
    other = dataclasses.replace(TINY, temperature=0.07)
    before = training.working_path(out).read_bytes()
    with pytest.raises(ValueError, match=r"another recipe \(temperature 0.01 there, 0.07 here\)"):
        training.train(other, out, progress=False)
    assert training.working_path(out).read_bytes() == before
    assert training.resumes_at(out, TINY, force=True) == 4
    assert training.resumes_at(out, other, force=True) == 0
    forced = training.train(other, out, force=True, progress=False)
    assert same(weights(forced), weights(training.train(other, progress=False)))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_finished_model_is_not_trained_over(tmp_path):
    out = tmp_path / "model.safetensors"
    out.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="exists already"):
        training.train(TINY, out, progress=False)
    assert out.read_bytes() == b"mine"
    training.train(TINY, out, force=True, progress=False)
    assert miniclip.load(out).recipe == TINY


def test_a_learned_temperature_moves_and_is_clamped():
    recipe = dataclasses.replace(TINY, learn_temperature=True, learning_rate=0.05, steps=10)
    warm = training.train(dataclasses.replace(recipe, temperature=0.07), progress=False)
    assert warm.history[-1].temperature != pytest.approx(0.07, rel=1e-3)
    cold = training.train(dataclasses.replace(recipe, temperature=0.001), progress=False)
    assert cold.history[0].temperature == pytest.approx(0.001)
    assert all(row.temperature > 0.00999 for row in cold.history[1:])


def batches(**changes):
    return list(training._batches(dataclasses.replace(TINY, **changes), 0))


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
    later = list(training._batches(recipe, 21))
    for (a, b), (c, d) in zip(list(training._batches(recipe, 0))[21:], later, strict=True):
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
    rates = [training._learning_rate(recipe, step) for step in range(1, 101)]
    assert max(rates) == rates[9]
    assert rates[0] == pytest.approx(0.1, rel=0.01)
    assert rates[-1] == pytest.approx(0)
    assert all(a > b for a, b in itertools.pairwise(rates[9:]))


def test_save_every_is_checked():
    with pytest.raises(ValueError, match="save_every: expected a whole number at least 1, got 0"):
        training.train(TINY, progress=False, save_every=0)
