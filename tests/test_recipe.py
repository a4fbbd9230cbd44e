"""Recipes check themselves."""

import json
from dataclasses import FrozenInstanceError, asdict

import pytest

from mindgap.recipe import Recipe, from_json


def test_a_recipe_survives_json():
    recipe = Recipe(temperature=0.05, objects=(2, 3), drop=("size", "place"), scenes=4000)
    again = from_json(json.loads(json.dumps(asdict(recipe))))
    assert again == recipe
    assert again.objects == (2, 3)
    assert again.drop == ("size", "place")


def test_a_recipe_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Recipe().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 0.0}, r"temperature: expected a number above 0, got 0"),
        ({"temperature": float("inf")}, r"temperature: expected a finite number, got inf"),
        ({"temperature": 1e-8}, r"temperature: expected a number at least 1e-06, below which float32 cannot tell"),
        ({"learning_rate": -1e-3}, r"learning_rate: expected a number above 0"),
        ({"steps": 0}, r"steps: expected a whole number at least 1, got 0"),
        ({"batch_size": 1}, r"batch_size: expected a whole number at least 2, got 1"),
        ({"warmup": -1}, r"warmup: .*at least 0, got -1"),
        ({"weight_decay": -0.1}, r"weight_decay: expected a number from 0 to inf, got -0.1"),
        ({"mismatch": 1.1}, r"mismatch: expected a number from 0 to 1, got 1.1"),
        ({"loss": "softmin"}, r"loss: unknown name 'softmin'; did you mean 'softmax'"),
        ({"cool_from": 0.0}, r"cool_from: expected a number above 0, got 0"),
        ({"cool_from": 0.1, "learn_temperature": True}, r"cool_from: expected none where the temperature is learned"),
        ({"shared": True, "start": "aligned"}, r"start: 'aligned' needs towers of their own"),
        ({"shared": True, "modalities": "text-text"}, r"shared: True needs images and texts"),
        ({"width": 0}, r"width: .*at least 1"),
        ({"width": 10, "heads": 4}, r"width: expected a multiple of heads \(4\), got 10"),
        ({"layers": 0}, r"layers: .*at least 1"),
        ({"embed_dim": 0}, r"embed_dim: .*at least 1"),
        ({"patch": 5}, r"patch: expected a divisor of the image size 32, got 5"),
        ({"patch": 64}, r"patch: .*from 1 to 32, got 64"),
        ({"schedule": "cosin"}, r"schedule: unknown name 'cosin'; did you mean 'cosine'"),
        ({"start": "aligne"}, r"start: unknown name 'aligne'; did you mean 'aligned'"),
        ({"objects": (1, 4)}, r"objects\[1\]: .*from 1 to 3, got 4"),
        ({"scenes": 100}, r"scenes: .*at least 128, got 100"),
        ({"drop": ("shapes",)}, r"drop: unknown name 'shapes'; did you mean 'shape'"),
        ({"seed": -1}, r"seed: .*got -1"),
    ],
)
def test_bad_fields_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**fields)


@pytest.mark.parametrize(("changes", "message"), [
    ({"modalities": "image-images"}, "modalities: unknown name 'image-images'; did you mean 'image-image'"),
    ({"modalities": "text-text", "mismatch": 0.1}, "mismatch: 0.1 needs images and texts, not text-text"),
    ({"modalities": "image-image", "start": "aligned"}, "start: 'aligned' needs images and texts, not image-image"),
])  # fmt: skip
def test_one_modality_has_no_pairs_to_mismatch(changes, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**changes)
