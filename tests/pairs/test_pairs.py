"""PairedEmbeddings, names and options, and the reader's own arrays."""

import re

import numpy as np
import pytest
import torch

from mindgap import geometry, miniclip, pairs, scenes
from mindgap.pairs import PairedEmbeddings, load_pairs

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(7, 3)).astype(np.float32) for _ in range(2))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paired(**changes):
    values = {"x": torch.from_numpy(X), "y": torch.from_numpy(Y), "name": "paired", "modalities": ("image", "text")}
    return PairedEmbeddings(**{**values, "source": "a test", **changes})


def test_paired_embeddings():
    pair = paired(x=torch.from_numpy(X).double(), labels=tuple("abcdefg"))
    assert len(pair) == 7
    assert pair.x.dtype == pair.y.dtype == torch.float32
    assert repr(pair).startswith(
        "PairedEmbeddings 'paired': 7 pairs of image and text, d = 3; 7 different labels; a test\n"
    )
    first = pair.take(2)
    assert torch.equal(first.x, pair.x[:2])
    assert torch.equal(first.y, pair.y[:2])
    assert first.labels == ("a", "b")
    assert first.name == "paired"
    assert torch.equal(pair.to("cpu").y, pair.y)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": torch.full((7, 3), torch.nan)}, r"y: expected finite numbers"),
        ({"x": torch.zeros(7, 3)}, r"x: expected non-zero rows"),
        ({"labels": ("a", "b")}, r"labels: expected 7, one for each pair, got 2"),
        ({"groups": ("a", "b")}, r"groups: expected 7, one for each pair, got 2"),
        ({"x": torch.from_numpy(X).double().mul(1e300).index_fill(0, torch.tensor(3), torch.inf)}, r"x: .* in row 3"),
    ],
)
def test_bad_paired_embeddings(changes, message):
    with pytest.raises(ValueError, match=message):
        paired(**changes)


@pytest.mark.parametrize("scale", [1e300, 1e-300, 5e-324 / 1e-3])
def test_float64_rows_beyond_float32_keep_their_direction(scale):
    """What is finite and no zero is neither refused nor rounded to infinity or nothing; other rows stay as they are."""
    x = torch.from_numpy(np.sign(X) * np.float64(1)) if scale < 1e-310 else torch.from_numpy(X.astype(np.float64))
    expected = geometry.normalize(x)
    x[2:] *= scale
    pair = paired(x=x, y=x)
    torch.testing.assert_close(geometry.normalize(pair.x).double(), expected, atol=1e-7, rtol=0)
    assert torch.equal(pair.x[:2], x[:2].float())
    assert torch.equal(pair.x, pair.y)


def test_one_caption_an_image():
    x = torch.from_numpy(X[[0, 1, 0, 2, 1, 0, 3]])
    assert torch.equal(paired(x=x).one_each().x, x[[0, 1, 3, 6]])
    assert torch.equal(paired(x=x).one_each().y, torch.from_numpy(Y[[0, 1, 3, 6]]))
    grouped = paired(groups=tuple("aabbbcc"), labels=tuple("1234567")).one_each()
    assert grouped.groups == ("a", "b", "c")
    assert grouped.labels == ("1", "3", "6")
    assert torch.equal(grouped.x, torch.from_numpy(X[[0, 2, 5]]))
    assert paired(groups=tuple("aabbbcc")).take(3).groups == ("a", "a", "b")
    with pytest.raises(ValueError, match="x: expected at least two different rows, got one, 7 times"):
        paired(x=torch.ones(7, 3)).one_each()


@pytest.mark.parametrize("n", [1, 8])
def test_take_has_limits(n):
    with pytest.raises(ValueError, match="n: expected a whole number from 2 to 7"):
        paired().take(n)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("clop", ValueError, r"name: unknown name 'clop'; did you mean 'clip'"),
        ("clip-random", ValueError, r"did you mean 'clip_random'"),
        ("random", ValueError, r"name: expected an architecture as in 'random:ViT-B-32', got 'random'"),
        ("open_clip:", ValueError, r"name: expected an architecture as in 'open_clip:ViT-B-32', got 'open_clip:'"),
        ("rndom:ViT-B-32", ValueError, r"did you mean 'random:ViT-B-32'"),
        ("qqq", ValueError, r"name: unknown name 'qqq'; known: clip, clip_random, .*mini.*random:ViT-B-32.*open_clip:"),
        ("qqq", ValueError, r"or files of your own: 'image.npy,text.npy', .* files end in .npy, .npz, .* or .tsv"),
        ("", ValueError, r"name: expected a name or a path, got an empty one"),
        ("''", ValueError, r"name: expected a name or a path, got an empty one"),
        ("no/such/folder", FileNotFoundError, r"no/such/folder: expected 'image.npy,text.npy', .* or a folder"),
        ("UP.NPY", FileNotFoundError, r"UP.NPY: no such file"),
        ("open_clip:ViT-B-32", ValueError, r"expected pre-trained weights, once, as in 'open_clip:ViT-B-32/openai'"),
        ("open_clip:ViT-B-32/openai", ValueError, r"data: expected your captioned images: a folder"),
    ],
)
def test_bad_names(here, name, error, message):
    with pytest.raises(error, match=message):
        load_pairs(name)


def test_a_name_of_another_type():
    with pytest.raises(TypeError, match="name: expected a name, a path or a pair of paths, got 3"):
        pairs._source(3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("clip", {"n": 3}, r"n: 'clip' takes no such option; it takes device, progress, url"),
        ("mini", {"inputs": "noise"}, r"inputs: 'mini' takes no such option; it takes device, n, seed"),
        ("a.npy,b.npy", {"seed": 3}, r"seed: 'a.npy,b.npy' takes no such option; it takes device, n"),
        ("random:ViT-B-32", {"data": "x"}, r"it takes batch_size, device, inputs, n, progress, seed"),
    ],
)
def test_unknown_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        load_pairs(name, **options)


@pytest.mark.parametrize("name", ["clip", "stack.npy", "random:ViT-B-32", "open_clip:ViT-B-32/openai"])
def test_a_device_that_is_not_here_is_named(here, name):
    np.save("stack.npy", np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="device: 'nowhere' cannot be used here"):
        load_pairs(name, device="nowhere")
    with pytest.raises(ValueError, match="device: 'meta' cannot be used here"):
        load_pairs("stack.npy").to("meta")


needs_checkpoints = pytest.mark.skipif(not miniclip.shipped(), reason="no checkpoint is shipped with this package")


@needs_checkpoints
@pytest.mark.parametrize("temperature", miniclip.shipped())
def test_mini(temperature):
    state = torch.get_rng_state()
    loaded = load_pairs(f"mini@{temperature}", n=40, seed=3)
    assert torch.equal(state, torch.get_rng_state())
    assert len(loaded) == 40
    assert loaded.name == f"mini@{temperature}"
    assert f"temperature {float(temperature):g}" in loaded.source
    assert loaded.labels is not None
    assert set(loaded.labels) <= set(scenes.SHAPES)
    trained = miniclip.load(temperature)
    drawn = scenes.draw(40, 3, objects=trained.recipe.objects)
    x, y = miniclip.encode(trained, drawn)
    torch.testing.assert_close((loaded.x, loaded.y), (x, y))
    assert all(label in caption for label, caption in zip(loaded.labels, drawn.captions, strict=True))


@needs_checkpoints
def test_mini_without_a_temperature_is_a_shipped_one():
    assert torch.equal(load_pairs("mini", n=4).x, load_pairs("mini@0.01", n=4).x)
    with pytest.raises(ValueError, match=r"unknown name '0.011'; did you mean .*'0.01'"):
        load_pairs("mini@0.011")
    with pytest.raises(ValueError, match="n: expected a whole number at least 2, got 1"):
        load_pairs("mini", n=1)


def test_every_error_class_is_public():
    assert {"FeaturesUnavailable", "FeaturesAltered", "ModelUnavailable"} <= set(pairs.__all__)
    for name in pairs.__all__:
        assert re.search(r"\w", getattr(pairs, name).__doc__)
