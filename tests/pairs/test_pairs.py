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
    assert repr(pair) == "PairedEmbeddings('paired': 7 pairs of image and text, d = 3; a test)"
    first = pair.take(2)
    assert torch.equal(first.x, pair.x[:2])
    assert torch.equal(first.y, pair.y[:2])
    assert first.labels == ("a", "b")
    assert first.name == "paired"
    assert torch.equal(pair.to("cpu").y, pair.y)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"y": torch.full((7, 3), torch.nan)}, r"y: expected finite numbers"),
        ({"x": torch.zeros(7, 3)}, r"x: expected non-zero rows"),
        ({"labels": ("a", "b")}, r"labels: expected 7, one for each pair, got 2"),
        ({"groups": ("a", "b")}, r"groups: expected 7, one for each pair, got 2"),
        ({"x": torch.from_numpy(X).double().mul(1e300).index_fill(0, torch.tensor(3), torch.inf)}, r"x: .* in row 3"),
    ],
)
def test_bad_paired_embeddings(changes, says):
    with pytest.raises(ValueError, match=says):
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
    ("name", "error", "says"),
    [
        ("clop", ValueError, r"name: unknown name 'clop'; did you mean 'clip'"),
        ("clip-random", ValueError, r"did you mean 'clip_random'"),
        ("random", ValueError, r"name: expected an architecture as in 'random:ViT-B-32', got 'random'"),
        ("open_clip:", ValueError, r"name: expected an architecture as in 'open_clip:ViT-B-32', got 'open_clip:'"),
        ("rndom:ViT-B-32", ValueError, r"did you mean 'random:ViT-B-32'"),
        ("qqq", ValueError, r"name: unknown name 'qqq'; known: clip, clip_random, .*mini.*random:ViT-B-32.*open_clip:"),
        ("no/such/folder", FileNotFoundError, r"no/such/folder: expected 'image.npy,text.npy', or a folder"),
        ("one.npy", FileNotFoundError, r"one.npy: expected 'image.npy,text.npy'"),
        ("open_clip:ViT-B-32", ValueError, r"expected pre-trained weights, once, as in 'open_clip:ViT-B-32/openai'"),
        ("open_clip:ViT-B-32/openai", ValueError, r"data: expected your captioned images: a folder"),
    ],
)
def test_bad_names(here, name, error, says):
    with pytest.raises(error, match=says):
        load_pairs(name)


def test_a_name_of_another_type():
    with pytest.raises(TypeError, match="name: expected a name, a path or a pair of paths, got 3"):
        pairs._source(3)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("clip", {"n": 3}, r"n: 'clip' takes no such option; it takes device, progress, url"),
        ("mini", {"inputs": "noise"}, r"inputs: 'mini' takes no such option; it takes device, n, seed"),
        ("a.npy,b.npy", {"seed": 3}, r"seed: 'a.npy,b.npy' takes no such option; it takes device, n"),
        ("random:ViT-B-32", {"data": "x"}, r"it takes batch_size, device, inputs, n, progress, seed"),
    ],
)
def test_unknown_options(name, options, says):
    with pytest.raises(ValueError, match=says):
        load_pairs(name, **options)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_two_files(here, dtype):
    np.save("image.npy", X.astype(dtype))
    np.save("text.npy", Y.astype(dtype))
    expected = (
        torch.from_numpy(X.astype(dtype).astype(np.float32)),
        torch.from_numpy(Y.astype(dtype).astype(np.float32)),
    )
    for name in ("image.npy,text.npy", "image.npy, text.npy", (here / "image.npy", "text.npy")):
        loaded = load_pairs(name)
        assert loaded.x.dtype == torch.float32
        assert torch.equal(loaded.x, expected[0])
        assert torch.equal(loaded.y, expected[1])
    assert loaded.name == "image.npy,text.npy"
    assert str(here / "image.npy") in loaded.source
    assert torch.equal(load_pairs("image.npy,text.npy", n=3).x, expected[0][:3])
    assert len(load_pairs("image.npy,text.npy", n=100)) == 7
    assert len(load_pairs("image.npy,text.npy", device="cpu")) == 7


def test_loaded_rows_are_a_copy_of_the_files(here):
    np.save("image.npy", X)
    np.save("text.npy", Y)
    loaded = load_pairs("image.npy,text.npy")
    loaded.x.zero_()
    assert np.array_equal(np.load("image.npy"), X)


def with_row(row, value):
    array = X.copy()
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (X[:5], r"image.npy and text.npy: expected the same shape, .*got \(5, 3\) and \(7, 3\)"),
        (X[:, :2], r"expected the same shape, .*got \(7, 2\) and \(7, 3\)"),
        (X[0], r"image.npy: expected shape \(n, d\), got \(3,\)"),
        (X[None], r"image.npy: expected shape \(n, d\), got \(1, 7, 3\)"),
        (with_row(4, np.nan), r"image.npy: expected finite numbers, got NaN or infinity in row 4"),
        (with_row(5, 0), r"image.npy: expected non-zero rows, got all zeros in row 5"),
        (X + 0j, r"image.npy: expected real numbers, got torch.complex64"),
        (np.full((7, 3), "a"), r"image.npy: expected a tensor"),
        (np.full((7, 3), None), r"image.npy: expected a complete .npy file of numbers \(pickled objects are never"),
        (b"not an array", r"image.npy: expected a complete .npy file"),
        (b"", r"image.npy: expected a complete .npy file"),
        ("cut", r"image.npy: expected a complete .npy file"),
        ("npz", r"image.npy: expected a .npy file with one array, got a .npz archive"),
    ],
)
def test_bad_files_are_named(here, bad, says):
    np.save("text.npy", Y)
    if isinstance(bad, bytes):
        (here / "image.npy").write_bytes(bad)
    elif isinstance(bad, str):
        np.save("image.npy", X)
        if bad == "cut":
            (here / "image.npy").write_bytes((here / "image.npy").read_bytes()[:-4])
        else:
            np.savez("image.npz", X)
            (here / "image.npz").rename("image.npy")
    else:
        np.save("image.npy", bad, allow_pickle=True)
    with pytest.raises(ValueError, match=says):
        load_pairs("image.npy,text.npy")


def test_a_missing_file_is_named(here):
    np.save("image.npy", X)
    with pytest.raises(FileNotFoundError, match=r"text.npy: no such file"):
        load_pairs("image.npy,text.npy")


def shards(folder, numbers, **changes):
    """Two rows a shard; the first entry of each row is its shard's number, the second is 1 for texts."""
    for side, kind in enumerate(("img_emb", "text_emb")):
        (folder / kind).mkdir(parents=True)
        for number in numbers:
            rows = np.stack([[number + 1, side, row] for row in range(2)]).astype(np.float16)
            np.save(folder / kind / f"{kind}_{number}.npy", changes.get(f"{kind}_{number}", rows))


def test_shards_come_in_numeric_order(tmp_path):
    shards(tmp_path / "mine", range(12))
    loaded = load_pairs(str(tmp_path / "mine"))
    assert loaded.x[:, 0].tolist() == [number + 1 for number in range(12) for _ in range(2)]
    assert torch.equal(loaded.x[:, [0, 2]], loaded.y[:, [0, 2]])
    assert (loaded.x[:, 1] == 0).all()
    assert (loaded.y[:, 1] == 1).all()
    assert loaded.name == "mine"
    part = load_pairs(tmp_path / "mine", n=5)
    assert torch.equal(part.x, loaded.x[:5])
    assert torch.equal(part.y, loaded.y[:5])


def test_n_reads_no_further_than_it_must(tmp_path):
    shards(tmp_path, range(3), img_emb_2=np.zeros((2, 3)))
    assert len(load_pairs(tmp_path, n=4)) == 4
    with pytest.raises(ValueError, match=r"img_emb_2.npy: expected non-zero rows"):
        load_pairs(tmp_path, n=5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"img_emb_1": np.ones((3, 3))}, r"img_emb_1.npy and .*text_emb_1.npy: expected the same shape"),
        (
            {"img_emb_1": np.ones((2, 4)), "text_emb_1": np.ones((2, 4))},
            r"img_emb_1.npy: expected 3 columns, as in the shards before it, got 4",
        ),
        ({"text_emb_0": np.array([[1, 2, np.inf], [1, 2, 3]])}, r"text_emb_0.npy: expected finite numbers"),
    ],
)
def test_bad_shards_are_named(tmp_path, change, says):
    shards(tmp_path, range(2), **change)
    with pytest.raises(ValueError, match=says):
        load_pairs(tmp_path)


def test_incomplete_shards_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"img_emb: expected a folder of shards"):
        load_pairs(tmp_path)
    shards(tmp_path, range(2))
    (tmp_path / "text_emb" / "text_emb_1.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"img_emb_1.npy: no text_emb_1.npy in .*text_emb belongs"):
        load_pairs(tmp_path)
    (tmp_path / "img_emb" / "img_emb_1.npy").rename(tmp_path / "img_emb" / "img_emb_00.npy")
    with pytest.raises(ValueError, match=r"img_emb_00?.npy: has the same number as img_emb_00?.npy"):
        load_pairs(tmp_path)
    (tmp_path / "img_emb" / "img_emb_00.npy").rename(tmp_path / "img_emb" / "other.npy")
    with pytest.raises(ValueError, match=r"other.npy: expected shards named img_emb_0.npy"):
        load_pairs(tmp_path)
    (tmp_path / "img_emb" / "other.npy").unlink()
    (tmp_path / "img_emb" / "img_emb_0.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"img_emb: expected shards .* there are none"):
        load_pairs(tmp_path)


def test_a_path_is_never_taken_for_a_name(here):
    shards(here / "clip", range(1))
    assert len(load_pairs("./clip")) == 2
    assert len(load_pairs(here / "clip")) == 2


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
