"""Short trainings: they learn, they repeat, and an interruption does not show."""

import dataclasses
import itertools
import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from mindgap import _unfinished, landscape, miniclip, scenes, training
from mindgap.landscape import sigmoid_loss
from mindgap.recipe import Recipe
from mindgap.training import _steps
from tests.tiny import tiny

TINY = tiny(steps=12)

pytestmark = pytest.mark.usefixtures("few_held_out")


def weights(trained):
    return {name: value.clone() for name, value in trained.model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@contextmanager
def interrupted_at(step):
    """As if the user pressed Ctrl-C at the beginning of a step."""
    rate = _steps.learning_rate

    def interrupting(recipe, now):
        if now == step:
            raise KeyboardInterrupt
        return rate(recipe, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_steps, "learning_rate", interrupting)
        yield


def test_a_short_training_learns(monkeypatch):
    monkeypatch.setattr(_steps, "HELD_OUT", 500)
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
    held_out = scenes.draw(64, seed=_steps.HELD_OUT_SEED)
    x, y = miniclip.encode(trained, held_out)
    loss = landscape.contrastive_loss(x, y, 1 / 100, batch_size=16)
    assert trained.history[-1].loss == pytest.approx(loss.item(), rel=1e-4)
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
        miniclip.load(_unfinished.working_path(out))
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
    before = _unfinished.working_path(out).read_bytes()
    with pytest.raises(ValueError, match=r"another recipe \(temperature 0.01 there, 0.07 here\)"):
        training.train(other, out, progress=False)
    assert _unfinished.working_path(out).read_bytes() == before
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


def test_a_training_that_diverges_says_so_and_when(tmp_path):
    recipe = dataclasses.replace(TINY, learning_rate=1e30, warmup=0)
    with pytest.raises(ValueError, match=r"learning_rate: the training has diverged by step \d+ .* than 1e\+30"):
        training.train(recipe, tmp_path / "model.safetensors", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_save_every_is_checked():
    with pytest.raises(ValueError, match="save_every: expected a whole number at least 1, got 0"):
        training.train(TINY, progress=False, save_every=0)


def test_watching_sees_every_step_and_every_measurement():
    seen = []
    trained = training.train(TINY, progress=False, watch=lambda _, step, row: seen.append((step, row)))
    assert [step for step, _ in seen] == list(range(13))
    assert tuple(row for _, row in seen if row) == trained.history


@pytest.mark.parametrize("end", [0, 4, 12])
def test_a_watcher_can_end_the_training(end):
    trained = training.train(TINY, progress=False, watch=lambda _, step, __: step == end)
    assert [row.step for row in trained.history] == [s for s in (0, 1, 2, 3, 5, 7, 10, 12) if s <= end]


def test_an_ended_training_goes_on_later(tmp_path):
    out = tmp_path / "ended.safetensors"
    training.train(TINY, out, progress=False, watch=lambda _, step, __: step == 4)
    assert not out.exists()
    assert training.resumes_at(out, TINY) == 4
    assert same(weights(training.train(TINY, out, progress=False)), weights(training.train(TINY, progress=False)))


@pytest.mark.parametrize("kind", ["image-image", "text-text"])
def test_one_modality_trains_and_is_kept(kind, tmp_path):
    recipe = dataclasses.replace(TINY, modalities=kind, temperature=0.07)
    trained = training.train(recipe, tmp_path / "one.safetensors", progress=False)
    assert trained.history[-1].loss < trained.history[0].loss
    again = miniclip.load(tmp_path / "one.safetensors")
    pairs = scenes.draw(20, seed=1)
    for here, there in zip(miniclip.encode(trained, pairs), miniclip.encode(again, pairs), strict=True):
        assert torch.equal(here, there)


def test_shared_towers_stay_shared_and_are_kept(tmp_path):
    recipe = dataclasses.replace(TINY, shared=True)
    trained = training.train(recipe, tmp_path / "shared.safetensors", progress=False)
    again = miniclip.load(tmp_path / "shared.safetensors")
    for model in (trained.model, again.model):
        assert model.transformer is model.visual.transformer
        assert model.text_projection is model.visual.proj
    numbers = [sum(p.numel() for p in miniclip.build(one).parameters()) for one in (recipe, TINY)]
    assert numbers[0] < numbers[1]
    pairs = scenes.draw(20, seed=1)
    for here, there in zip(miniclip.encode(trained, pairs), miniclip.encode(again, pairs), strict=True):
        assert torch.equal(here, there)


def test_an_unfinished_run_with_shared_towers_goes_on(tmp_path):
    recipe, out = dataclasses.replace(TINY, shared=True), tmp_path / "ended.safetensors"
    training.train(recipe, out, progress=False, watch=lambda _, step, __: step == 4)
    assert same(weights(training.train(recipe, out, progress=False)), weights(training.train(recipe, progress=False)))


def test_a_temperature_cools_by_one_factor_a_step():
    recipe, seen = dataclasses.replace(TINY, temperature=0.01, cool_from=1.0), []
    training.train(recipe, progress=False, watch=lambda model, *_: seen.append(float(-model.logit_scale.detach())))
    factors = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert factors == pytest.approx([math.log(0.01) / recipe.steps] * recipe.steps, abs=1e-5)
    assert math.exp(seen[-1]) == pytest.approx(0.01, rel=1e-5)


def test_the_sigmoid_loss_is_what_is_trained_and_recorded():
    recipe = dataclasses.replace(TINY, loss="sigmoid", temperature=0.1, learn_temperature=True, steps=30)
    trained = training.train(recipe, progress=False)
    assert trained.history[-1].loss < trained.history[0].loss
    assert float(trained.model.logit_bias.detach()) != miniclip.FIRST_BIAS
    pairs = _steps.held_out(recipe)
    x, y = (side.split(recipe.batch_size) for side in miniclip.encode(trained, pairs))
    scale, bias = (float(value.detach()) for value in (trained.model.logit_scale.exp(), trained.model.logit_bias))
    losses = [
        float(sigmoid_loss(a, b, 1 / scale, bias)) for a, b in zip(x, y, strict=True) if len(a) == recipe.batch_size
    ]
    assert trained.history[-1].loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)
