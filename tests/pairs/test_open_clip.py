"""open_clip models: at random initialisation, and with weights from a local file on captioned images."""

import logging

import open_clip
import pytest
import safetensors.torch
import torch

from mindgap import _open_clip, geometry, scenes
from mindgap.pairs import DataWarning, ModelUnavailable, _pretrained, load_pairs
from mindgap.pairs._captioned import captioned_images
from tests.pairs.test_captioned import CAPTIONS, SOURCES, folder, several_captions

SMALL = "ViT-S-32-alt"  # the quickest to build of the architectures open_clip knows


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Weights of a real architecture as a local file."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    model = _open_clip.create(SMALL, seed=5)
    safetensors.torch.save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path)
    return path


@pytest.mark.parametrize("inputs", ["scenes", "noise"])
def test_random_follows_the_seed_alone(inputs):
    torch.manual_seed(7)
    state, handlers = torch.get_rng_state(), list(logging.root.handlers)
    first = load_pairs(f"random:{SMALL}", n=3, inputs=inputs)
    assert torch.equal(state, torch.get_rng_state())
    assert logging.root.handlers == handlers
    assert logging.root.manager.disable == logging.NOTSET
    assert first.x.shape == first.y.shape == (3, 256)
    torch.manual_seed(8)
    again = load_pairs(f"random:{SMALL}", n=3, inputs=inputs, batch_size=2)
    torch.testing.assert_close((first.x, first.y), (again.x, again.y), rtol=0, atol=1e-5)
    other = load_pairs(f"random:{SMALL}", n=3, inputs=inputs, seed=1)
    assert not torch.allclose(first.x, other.x, atol=1e-2)
    assert not torch.allclose(first.y, other.y, atol=1e-2)
    assert first.name == f"random:{SMALL}"
    assert "random initialisation (seed 0) on 3" in first.source


def test_scenes_go_in_as_the_model_would_see_them():
    """The same numbers as by hand: drawn at the model's size, its own normalisation, its own tokenizer."""
    loaded = load_pairs(f"random:{SMALL}", n=3, seed=2)
    drawn = scenes.draw(3, 2, size=224)
    model = _open_clip.create(SMALL, seed=2)
    mean, std = torch.tensor(open_clip.OPENAI_DATASET_MEAN), torch.tensor(open_clip.OPENAI_DATASET_STD)
    with torch.no_grad():
        x = model.encode_image((drawn.images - mean[:, None, None]) / std[:, None, None])
        y = model.encode_text(open_clip.get_tokenizer(SMALL)(list(drawn.captions)))
    torch.testing.assert_close((loaded.x, loaded.y), (x, y), rtol=0, atol=1e-5)
    assert loaded.labels is not None
    assert all(label in caption for label, caption in zip(loaded.labels, drawn.captions, strict=True))


def test_noise_is_normal_pixels_and_uniform_tokens_of_another_stream_than_the_weights():
    model = _open_clip.create(SMALL, seed=0)
    ((images, tokens),) = _open_clip.noise_batches(_open_clip.format_of(model), 8, 0, 8)
    assert images.shape == (8, 3, 224, 224)
    assert abs(images.mean()) < 0.01
    assert abs(images.std() - 1) < 0.01
    assert tokens.shape == (8, 77)
    assert tokens.float().mean() / 49408 == pytest.approx(0.5, abs=0.05)
    assert tokens.max() < 49408
    same_stream = torch.randn(3, 224, 224, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(images[0], same_stream)


def test_a_random_vit_has_the_papers_cones_on_noise():
    """Fig 2a at random weights on noise: mean cosine .937 of images, .411 of texts; the gap of §4.4 is 1.189."""
    pairs = load_pairs("random:ViT-B-32", inputs="noise", n=16)
    assert geometry.mean_cosine(pairs.x) == pytest.approx(0.93, abs=0.02)
    assert geometry.mean_cosine(pairs.y) == pytest.approx(0.41, abs=0.1)
    assert geometry.gap_distance(pairs.x, pairs.y) == pytest.approx(1.19, abs=0.1)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("random:ViT-B-23", {}, ValueError, r"architecture: unknown name 'ViT-B-23'; did you mean 'ViT-B-32"),
        (f"random:{SMALL}", {"n": 1}, ValueError, r"n: expected a whole number at least 2, got 1"),
        (f"random:{SMALL}", {"seed": -1}, ValueError, r"seed: expected a whole number from 0"),
        (f"random:{SMALL}", {"inputs": "nose"}, ValueError, r"inputs: unknown name 'nose'; did you mean 'noise'"),
        (f"random:{SMALL}", {"batch_size": 0}, ValueError, r"batch_size: expected a whole number at least 1"),
    ],
)
def test_bad_random_options(name, options, error, message):
    with pytest.raises(error, match=message):
        load_pairs(name, **options)


def no_network(*_, **__):
    raise OSError("we couldn't connect to the hub")


def test_a_tokenizer_that_is_not_here_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("open_clip.factory.HFTokenizer", no_network)
    with pytest.raises(ModelUnavailable, match=r"ViT-B-16-SigLIP: its tokenizer .*connect to the hub.*inputs='noise'"):
        load_pairs("random:ViT-B-16-SigLIP")


def test_an_architecture_that_needs_the_hub_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("open_clip.model.HFTextEncoder", no_network)
    with pytest.raises(
        ModelUnavailable, match=r"roberta-ViT-B-32: open_clip cannot build it on this machine: we could"
    ):
        load_pairs("random:roberta-ViT-B-32", inputs="noise", n=2)


@pytest.fixture(scope="module")
def by_hand(checkpoint, tmp_path_factory):
    """What open_clip itself makes of the three captioned squares."""
    model, _, preprocess = open_clip.create_model_and_transforms(SMALL, pretrained=str(checkpoint))
    images = [pair.image() for pair in captioned_images(folder(tmp_path_factory.mktemp("by_hand")))]
    with torch.no_grad():
        x = model.eval().encode_image(torch.stack([preprocess(image) for image in images]))
        return x, model.encode_text(open_clip.get_tokenizer(SMALL)(list(CAPTIONS)))


@pytest.mark.parametrize("kind", ["folder", "csv", "tar"])
def test_local_weights_on_captioned_images(checkpoint, by_hand, tmp_path, kind):
    data = SOURCES[kind](tmp_path / "data")
    state = torch.get_rng_state()
    loaded = load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data, batch_size=2)
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close((loaded.x, loaded.y), by_hand, rtol=0, atol=1e-5)
    assert str(checkpoint) in loaded.source
    assert str(data) in loaded.source


def test_weights_by_option_and_a_limit(checkpoint, by_hand, tmp_path, capsys):
    data = SOURCES["folder"](tmp_path / "data")
    loaded = load_pairs(f"open_clip:{SMALL}", pretrained=checkpoint, data=str(data), n=2, progress=True)
    torch.testing.assert_close(loaded.x, by_hand[0][:2], rtol=0, atol=1e-5)
    shown = capsys.readouterr().err
    assert "images" in shown
    assert "captions" in shown
    assert "2/2" in shown
    for twice in (("openai", "laion2b_e16"), (checkpoint, checkpoint)):
        with pytest.raises(ValueError, match="expected pre-trained weights, once"):
            load_pairs(f"open_clip:{SMALL}/{twice[0]}", pretrained=twice[1], data=data)
    with pytest.raises(ValueError, match=r"n: expected at most 3, the captioned images in .*data, got 4"):
        load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data, n=4)


def test_an_image_with_several_captions_is_embedded_once(checkpoint, by_hand, tmp_path):
    """Its rows are equal to the bit, and the groups say which belong together."""
    data = several_captions(tmp_path)
    loaded = load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data, batch_size=2)
    images = [f"{tmp_path}/images/{i}.png" for i in (0, 0, 0, 1, 1, 2)]
    assert loaded.groups == tuple(images)
    assert torch.equal(loaded.x, loaded.x[[0, 0, 0, 3, 3, 5]])
    torch.testing.assert_close(loaded.x[[0, 3, 5]], by_hand[0], rtol=0, atol=1e-5)
    assert "6 captions of 3 images" in loaded.source
    first = load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data, captions_per_image=1)
    assert first.groups is None
    torch.testing.assert_close(first.x, loaded.one_each().x)
    torch.testing.assert_close(first.y, loaded.one_each().y, rtol=0, atol=1e-5)


def test_what_cannot_be_used_is_an_error_or_listed_and_skipped(checkpoint, by_hand, tmp_path):
    data = folder(tmp_path)
    (data / "10.png").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    (data / "12.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"12.png: its caption"):
        load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data)
    (data / "12.txt").write_text("green")
    with pytest.raises(ValueError, match=r"10.png: a git-LFS pointer"):
        load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data)
    (data / "13.txt").write_text("no image")
    with pytest.warns(DataWarning, match=r"3 images or captions cannot be used: .*Left are 2 pairs") as caught:
        loaded = load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data, on_error="skip", batch_size=1)
    assert [item.split(f"{data}/")[1].split(":")[0] for item in caught[0].message.items] == [  # type: ignore[union-attr]
        "13.txt",
        "10.png",
        "12.png",
    ]
    torch.testing.assert_close((loaded.x, loaded.y), (by_hand[0][[0, 2]], by_hand[1][[0, 2]]), rtol=0, atol=1e-5)
    (data / "9.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"4 images or captions cannot be used: .*13.txt"):
        load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data, on_error="skip")
    with pytest.raises(ValueError, match=r"on_error: unknown name 'ignore'; known: raise, skip"):
        load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data, on_error="ignore")


def test_captions_that_the_tokenizer_cuts_are_named(checkpoint, tmp_path):
    data = folder(tmp_path)
    long = " ".join(["red"] * 76)  # one token a word, and two around them
    for name, caption in (("9", long), ("10", f"{long} square"), ("deeper/11", long.removesuffix(" red"))):
        (data / name).with_suffix(".txt").write_text(caption)
    with pytest.warns(
        DataWarning, match=rf"2 of 3 captions are longer than the 77 tokens that {SMALL} reads"
    ) as caught:
        loaded = load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=data)
    left_out = caught[0].message.items  # type: ignore[union-attr]
    assert left_out == (f"{data}/9.txt", f"{data}/10.txt")
    assert torch.equal(loaded.y[0], loaded.y[1])  # nothing of "square" is left


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "open_clip:RN50/openay",
            ValueError,
            r"pretrained weights of RN50: unknown name 'openay'; did you mean 'openai'",
        ),
        ("open_clip:RN50/zzz", ValueError, r"unknown name 'zzz'; known: openai, yfcc15m, cc12m"),
        ("open_clip:RN500/openai", ValueError, r"architecture: unknown name 'RN500'; did you mean 'RN50"),
        (
            f"open_clip:{SMALL}/openai",
            ValueError,
            rf"{SMALL} has no published weights; give the path of a .safetensors",
        ),
        (f"open_clip:{SMALL}", ValueError, "expected pre-trained weights, once"),
        ("open_clip:RN50//none/w.safetensors", FileNotFoundError, r"/none/w.safetensors: no such file"),
    ],
)
def test_unknown_weights(tmp_path, name, error, message):
    with pytest.raises(error, match=message):
        load_pairs(name, data=SOURCES["folder"](tmp_path / "data"))


def test_data_is_checked_before_the_weights(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(ValueError, match="at least 2 captioned images"):
        load_pairs("open_clip:RN50/openai", data=tmp_path / "data")


def test_pickles_are_never_loaded(tmp_path, checkpoint):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save(Bomb(), tmp_path / "weights.pt")
    data = SOURCES["folder"](tmp_path / "data")
    with pytest.raises(ValueError, match=r"weights.pt: expected a .safetensors file"):
        load_pairs(f"open_clip:{SMALL}/{tmp_path / 'weights.pt'}", data=data)
    (tmp_path / "weights.pt").rename(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=rf"weights.safetensors: expected weights of {SMALL}, got an error"):
        load_pairs(f"open_clip:{SMALL}/{tmp_path / 'weights.safetensors'}", data=data)
    assert not (tmp_path / "exploded").exists()
    with pytest.raises(ValueError, match=r"small.safetensors: expected weights of ViT-S-32, got an error"):
        load_pairs(f"open_clip:ViT-S-32/{checkpoint}", data=data)


def test_published_weights_come_with_their_activation_and_normalisation(monkeypatch, checkpoint):
    asked = []

    def cached(*where):
        asked.append(where)
        return str(checkpoint)

    monkeypatch.setattr(_pretrained, "try_to_load_from_cache", cached)
    assert _pretrained.download("ViT-B-32", "openai") == checkpoint
    assert asked == [("timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors")]
    for file in (None, checkpoint):
        path, options = _pretrained.weights("ViT-B-32", "openai", file)
        assert path == file
        assert options["force_quick_gelu"]
        assert options["force_preprocess_cfg"]["mean"] == open_clip.OPENAI_DATASET_MEAN
        assert not _pretrained.weights("ViT-B-32", "laion2b_s34b_b79k", file)[1]["force_quick_gelu"]
        options = _pretrained.weights("ViT-B-16-SigLIP", "webli", file)[1]
        assert options["force_preprocess_cfg"]["mean"] == (0.5, 0.5, 0.5)


def test_a_file_alone_is_built_as_all_published_weights_are(checkpoint):
    """Every weight of RN50 is for QuickGELU, which open_clip's own configuration of RN50 does not say."""
    assert not open_clip.get_model_config("RN50").get("quick_gelu")
    assert _pretrained.weights("RN50", None, checkpoint)[1]["force_quick_gelu"]
    options = _pretrained.weights("ViT-B-16-SigLIP", None, checkpoint)[1]
    assert not options["force_quick_gelu"]
    assert options["force_preprocess_cfg"]["mean"] == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("architecture", "differ"),
    [
        ("ViT-B-32", r"activation \(QuickGELU: openai, .*; GELU: laion2b_e16.*\), which a file .* \(GELU\)"),
        ("ViT-L-14", r"activation \(.*\) and preprocessing, which a file .* \(GELU\)"),
        ("ViT-H-14-quickgelu", r"preprocessing, which a file .* \(QuickGELU\)"),
    ],
)
def test_a_file_alone_is_asked_about_where_published_weights_differ(checkpoint, architecture, differ):
    with pytest.warns(
        DataWarning, match=rf"small.safetensors: the published weights of {architecture} differ in {differ}"
    ) as caught:
        _, options = _pretrained.weights(architecture, None, checkpoint)
    assert options["force_quick_gelu"] == architecture.endswith("quickgelu")
    advice = str(caught[0].message)
    assert f"load_pairs('open_clip:{architecture}/" in advice
    assert f"pretrained='{checkpoint}'" in advice
    assert (f"'open_clip:{architecture}-quickgelu/{checkpoint}'" in advice) == (architecture != "ViT-H-14-quickgelu")


def test_the_file_of_a_tag_is_built_as_the_tag_says(checkpoint, tmp_path, monkeypatch):
    """The same weights with another activation give other embeddings: naming the tag is what makes them right."""
    tag = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "quick_gelu": True}
    monkeypatch.setattr("open_clip.list_pretrained_tags_by_model", lambda _: ["openai"])
    monkeypatch.setattr(_pretrained, "get_pretrained_cfg", lambda *_: tag)
    data = folder(tmp_path)
    loaded = load_pairs(f"open_clip:{SMALL}/openai", pretrained=checkpoint, data=data)
    model, _, preprocess = open_clip.create_model_and_transforms(
        SMALL, pretrained=str(checkpoint), force_quick_gelu=True, image_mean=tag["mean"], image_std=tag["std"]
    )
    with torch.no_grad():
        x = model.eval().encode_image(torch.stack([preprocess(pair.image()) for pair in captioned_images(data)]))
    torch.testing.assert_close(loaded.x, x, rtol=0, atol=1e-5)
    assert str(checkpoint) in loaded.source


def test_an_unreachable_hub_is_one_clear_error(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelUnavailable) as caught:
        load_pairs("open_clip:RN50/openai", data=SOURCES["folder"](tmp_path / "data"))
    for part in (
        "RN50/openai: its weights",
        "`hf download timm/resnet50_clip.openai open_clip_model.safetensors`",
        "load_pairs('open_clip:RN50/openai', pretrained='path/to/open_clip_model.safetensors'",
    ):
        assert part in str(caught.value)


def test_a_repository_without_safetensors_is_one_clear_error(monkeypatch):
    from huggingface_hub.errors import EntryNotFoundError

    def only_pickles(*_):
        raise EntryNotFoundError("404")

    monkeypatch.setattr(_pretrained, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(_pretrained, "hf_hub_download", only_pickles)
    with pytest.raises(
        ModelUnavailable, match=r"publishes no open_clip_model.safetensors, and other checkpoints run code"
    ):
        _pretrained.download("RN50", "openai")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(checkpoint, by_hand, tmp_path):
    state = torch.cuda.get_rng_state()
    on_cpu, on_gpu = (load_pairs(f"random:{SMALL}", n=4, device=device) for device in ("cpu", "cuda"))
    assert on_gpu.x.is_cuda
    torch.testing.assert_close(on_gpu.x.cpu(), on_cpu.x, rtol=0, atol=1e-2)
    torch.testing.assert_close(on_gpu.y.cpu(), on_cpu.y, rtol=0, atol=1e-2)
    assert torch.equal(state, torch.cuda.get_rng_state())
    mine = load_pairs(f"open_clip:{SMALL}/{checkpoint}", data=SOURCES["folder"](tmp_path / "data"), device="cuda")
    torch.testing.assert_close(mine.x.cpu(), by_hand[0], rtol=0, atol=1e-2)
