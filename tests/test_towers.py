"""Real architectures at random initialisation, by seed: streams, inputs, and the paper's numbers on noise."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
import pytest
import torch
import torchvision

from mindgap import _open_clip, geometry, scenes, towers
from tests.conftest import Embedded

SMALL = ("ViT-S-32-alt:image", "ViT-S-32-alt:text")


@pytest.fixture
def noise(noise_embeddings: dict[int, Embedded]) -> list[Embedded]:
    return list(noise_embeddings.values())


class TestThePapersNumbersOnNoise:
    """Fig 2a, random weights on noise: .9993, .937 and .411; the gap of §4.4 before training is 1.189."""

    @pytest.mark.parametrize(("tower", "low", "high"), [
        ("resnet18", 0.998, 1.0), ("ViT-B-32:image", 0.92, 0.95), ("ViT-B-32:text", 0.35, 0.45),
    ])  # fmt: skip
    def test_mean_cosine(self, noise: list[Embedded], tower: str, low: float, high: float) -> None:
        for found in noise:
            assert low < geometry.mean_cosine(found[tower]) < high

    def test_gap_at_initialisation(self, noise: list[Embedded]) -> None:
        for found in noise:
            assert 1.1 < geometry.gap_distance(found["ViT-B-32:image"], found["ViT-B-32:text"]) < 1.25

    def test_two_seeds_of_one_tower_on_the_same_inputs_have_a_gap(self, noise: list[Embedded]) -> None:
        first, second = noise
        assert all(geometry.gap_distance(first[tower], second[tower]) > 0.5 for tower in towers.TOWERS)


def test_one_seed_does_not_depend_on_its_company() -> None:
    state = torch.get_rng_state()
    together = dict(towers.embed_seeds(SMALL, (0, 3), "scenes", n=5, batch_size=2))
    (alone,) = (found for _, found in towers.embed_seeds(SMALL[:1], [3], "scenes", n=5, batch_size=5))
    torch.testing.assert_close(together[3][SMALL[0]], alone[SMALL[0]], rtol=0, atol=1e-5)
    assert torch.equal(state, torch.get_rng_state())
    assert list(together[0]) == list(SMALL)


@pytest.mark.parametrize("inputs", towers.INPUTS)
@pytest.mark.parametrize("first", [1, 2, 4])
def test_the_first_of_more_inputs_need_not_be_embedded_again(inputs: str, first: int) -> None:
    (whole,) = (found for _, found in towers.embed_seeds(SMALL[:1], [3], inputs, n=5, batch_size=2))
    (begun,) = (found for _, found in towers.embed_seeds(SMALL[:1], [3], inputs, n=max(2, first), batch_size=2))
    (rest,) = (found for _, found in towers.embed_seeds(SMALL[:1], [3], inputs, n=5, batch_size=2, first=first))
    together = torch.cat([begun[SMALL[0]][:first], rest[SMALL[0]]])
    torch.testing.assert_close(together, whole[SMALL[0]], rtol=0, atol=1e-5)


def test_scenes_are_seen_as_each_tower_expects_them() -> None:
    drawn = scenes.draw(3, 4, size=224)
    ((_, found),) = towers.embed_seeds(("resnet18", *SMALL), [2], "scenes", n=3, data_seed=4)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        resnet = torchvision.models.resnet18(weights=None).eval()
    clip = _open_clip.create("ViT-S-32-alt", 2)
    mean, std = (torch.tensor(values)[:, None, None] for values in towers.IMAGENET)
    openai = (drawn.images - torch.tensor(open_clip.OPENAI_DATASET_MEAN)[:, None, None]) / torch.tensor(
        open_clip.OPENAI_DATASET_STD
    )[:, None, None]
    with torch.no_grad():
        pooled = torch.nn.Sequential(*list(resnet.children())[:-1])((drawn.images - mean) / std).flatten(1)
        image = clip.encode_image(openai)
        text = clip.encode_text(open_clip.get_tokenizer("ViT-S-32-alt")(list(drawn.captions)))
    expected = dict(zip(("resnet18", *SMALL), (pooled, image, text), strict=True))
    for tower, embeddings in found.items():
        torch.testing.assert_close(embeddings, expected[tower], rtol=1e-4, atol=1e-4)


def test_towers_of_one_image_size_get_the_same_noise() -> None:
    clip = _open_clip.Format(224, 224, *towers.IMAGENET, words=49408, length=77)
    other = _open_clip.Format(224, 224, *towers.IMAGENET, words=32000, length=64)
    ((a, _),), ((b, _),) = (list(_open_clip.noise_batches(format, 2, 5, 2)) for format in (clip, other))
    assert torch.equal(a, b)


def test_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed is computed when it is asked for, not before."""
    built: list[int] = []
    create = _open_clip.create

    def counting(architecture: str, seed: int) -> object:
        built.append(seed)
        return create(architecture, seed)

    monkeypatch.setattr(_open_clip, "create", counting)
    stream = towers.embed_seeds(SMALL, range(1000), n=2)
    assert built == []
    next(stream)
    assert built == [0]


def test_modalities() -> None:
    assert [towers.modality(tower) for tower in towers.TOWERS] == ["image", "image", "text"]


@pytest.mark.parametrize(("call", "words"), [
    (lambda: towers.embed_seeds(["resnet19"]), "towers: unknown name 'resnet19'; did you mean 'resnet18'"),
    (lambda: towers.embed_seeds(["ViT-B-33:image"]), "architecture: unknown name 'ViT-B-33'; did you mean"),
    (lambda: towers.embed_seeds(["ViT-B-32:images"]), "half of ViT-B-32: unknown name 'images'"),
    (lambda: towers.embed_seeds(inputs="noises"), "inputs: unknown name 'noises'; did you mean 'noise'"),
    (lambda: towers.embed_seeds(n=1), "n: .* at least 2, got 1"),
    (lambda: towers.embed_seeds(seeds=[-1]), "seeds: .* from 0"),
    (lambda: towers.embed_seeds(device="tpu9"), "device: 'tpu9' cannot be used here"),
    (lambda: towers.embed_seeds(n=4, first=4), "first: expected a whole number from 0 to 3, got 4"),
    (lambda: towers.embed_seeds(batch_size=0), "batch_size: .* at least 1"),
])  # fmt: skip
def test_bad_input_is_named_before_any_work(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
