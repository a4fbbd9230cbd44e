"""Tokens, towers and checkpoint files; the shipped models against the figures of their README."""

import dataclasses
import hashlib
import json
import os
import re

import pytest
import safetensors
import safetensors.torch
import torch

from mindgap import geometry, miniclip, scenes
from mindgap.miniclip import Trained
from mindgap.recipe import Measurement, Recipe
from tests.tiny import tiny

TINY = tiny(steps=1)


def words(row):
    return [miniclip.VOCABULARY[number] for number in row.tolist()]


@pytest.fixture
def trained():
    history = (Measurement(0, 7.0, 1.2, 0.001, 0.002, 0.99, 0.6, 0.01),)
    return Trained(miniclip.build(TINY).eval(), TINY, history, 1.5, {"mindgap": "0"})


def test_tokens_read_back():
    tokens = miniclip.tokenize(["A large RED circle, at the top left!", "a photo of a star"])
    assert tokens.dtype == torch.int64
    assert tokens.shape == (2, miniclip.CONTEXT_LENGTH)
    pads = miniclip.CONTEXT_LENGTH - 10
    assert " ".join(words(tokens[0])) == "<start> a large red circle at the top left <end>" + " <pad>" * pads
    assert words(tokens[1])[:7] == ["<start>", "a", "<unknown>", "<unknown>", "a", "star", "<end>"]


@pytest.mark.parametrize("drop", [(), ("shape",), ("size",), ("size", "colour", "shape")])
def test_every_caption_is_within_vocabulary_and_length(drop):
    captions = scenes.caption(scenes.arrange(3000, objects=(3, 3)).attributes, drop)
    tokens = miniclip.tokenize(captions)
    assert not (tokens == miniclip.VOCABULARY.index("<unknown>")).any()
    ends = tokens.argmax(dim=1)  # how CLIP finds the token to read
    assert (tokens[torch.arange(3000), ends] == miniclip.VOCABULARY.index("<end>")).all()
    if not drop:
        assert ends.max() == miniclip.CONTEXT_LENGTH - 1


def test_vocabulary_has_no_word_twice():
    assert len(set(miniclip.VOCABULARY)) == len(miniclip.VOCABULARY)
    assert miniclip.VOCABULARY[0] == "<pad>"
    assert miniclip.VOCABULARY[-1] == "<end>"


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        ([], r"captions: expected at least one, got none"),
        ("", r"captions: expected 1 to 26 words each, got 0 in row 0"),
        (["a star", " ?! "], r"got 0 in row 1"),
        (["red " * 27], r"got 27 in row 0 \('red red"),
    ],
)
def test_bad_captions_are_named(captions, message):
    with pytest.raises(ValueError, match=message):
        miniclip.tokenize(captions)


def test_a_model_is_open_clips_own_and_settled_by_its_seed():
    from open_clip.model import CLIP

    before = torch.get_rng_state()
    model, again = miniclip.build(TINY), miniclip.build(TINY)
    other = miniclip.build(dataclasses.replace(TINY, seed=1))
    assert torch.equal(torch.get_rng_state(), before)
    assert type(model) is CLIP
    weights = model.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in again.state_dict().items())
    assert not torch.equal(weights["visual.proj"], other.state_dict()["visual.proj"])
    assert model.logit_scale.exp().item() == pytest.approx(1 / TINY.temperature)


def test_embeddings_are_unit_rows_whatever_the_batch():
    model = miniclip.build(TINY).train()
    drawn = scenes.draw(11)
    x, y = miniclip.encode(model, drawn)
    assert x.shape == y.shape == (11, 8)
    assert x.dtype == y.dtype == torch.float32
    assert not x.requires_grad
    assert model.training  # left as it was
    torch.testing.assert_close(torch.cat([x, y]).norm(dim=1), torch.ones(22))
    for part, whole in zip(miniclip.encode(model, drawn, batch_size=4), (x, y), strict=True):
        torch.testing.assert_close(part, whole)
    with torch.no_grad():
        own = model.eval().encode_text(miniclip.tokenize(drawn.captions), normalize=True)
    torch.testing.assert_close(y, own)


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match="images: expected 32 pixels a side, got 16"):
        miniclip.encode(miniclip.build(TINY), scenes.draw(2, size=16))


def test_an_aligned_start_turns_the_texts_onto_the_images():
    recipe = dataclasses.replace(TINY, embed_dim=16)
    drawn = scenes.draw(500, seed=1)
    x, y = miniclip.encode(miniclip.build(recipe), drawn)
    turned_x, turned_y = miniclip.encode(miniclip.build(dataclasses.replace(recipe, start="aligned")), drawn)
    assert torch.equal(turned_x, x)
    torch.testing.assert_close(turned_y @ turned_y.T, y @ y.T, atol=1e-5, rtol=0)  # a rotation
    assert geometry.gap_distance(x, y) > 0.5
    # What is left is the difference in length of the two means, which no rotation can change.
    assert geometry.gap_distance(turned_x, turned_y) < 0.3 * geometry.gap_distance(x, y)


def test_a_saved_model_comes_back_whole(trained, tmp_path):
    path = miniclip.save(trained, tmp_path / "model.safetensors")
    again = miniclip.load(path)
    assert dataclasses.replace(again, model=trained.model) == trained
    weights = trained.model.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in again.model.state_dict().items())
    assert not again.model.training
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    assert dataclasses.replace(miniclip.load(str(path)), model=trained.model) == trained


def test_the_file_is_plain_safetensors_with_json(trained, tmp_path):
    path = miniclip.save(trained, tmp_path / "model.safetensors")
    with safetensors.safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["mindgap"])
        assert set(file.keys()) == set(trained.model.state_dict())
    assert header["recipe"] == json.loads(json.dumps(dataclasses.asdict(TINY)))
    assert header["history"][0]["gap"] == 1.2
    assert header["seconds"] == 1.5
    assert header["versions"] == {"mindgap": "0"}


def test_a_saved_model_is_never_replaced_silently(trained, tmp_path):
    path = miniclip.save(trained, tmp_path / "model.safetensors")
    before = path.read_bytes()
    other = dataclasses.replace(trained, seconds=9.0)
    with pytest.raises(FileExistsError, match=r"model.safetensors' exists already"):
        miniclip.save(other, path)
    assert path.read_bytes() == before
    miniclip.save(other, path, force=True)
    assert miniclip.load(path).seconds == 9.0


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_other(trained, tmp_path, monkeypatch, moment):
    path = miniclip.save(trained, tmp_path / "model.safetensors")
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, moment, full_disk)
    with pytest.raises(OSError, match="no space left"):
        miniclip.save(trained, path, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("model.bin", ValueError, r"path: expected a name ending in .safetensors"),
        ("absent/model.safetensors", FileNotFoundError, r"path: no folder '.*absent' to write 'model.safetensors' in"),
    ],
)
def test_bad_places_to_save_are_named(trained, tmp_path, path, error, message):
    with pytest.raises(error, match=message):
        miniclip.save(trained, tmp_path / path)


def damaged(data, tensors):
    header = {"recipe": dataclasses.asdict(TINY), "history": [], "seconds": 0.0, "versions": {}}
    write = safetensors.torch.save
    return {
        "truncated": data[:-100],
        "beginning only": data[:5],
        "empty": b"",
        "a pickle": b"\x80\x04\x95" + b"a" * 200,
        "foreign": write({"a": torch.zeros(1)}),
        "foreign with metadata": write({"a": torch.zeros(1)}, metadata={"format": "pt"}),
        "unfinished": write(tensors, metadata={"mindgap": json.dumps({**header, "step": 3})}),
        "weights missing": write({"a": torch.zeros(1)}, metadata={"mindgap": json.dumps(header)}),
        "newer recipe": write(tensors, metadata={"mindgap": json.dumps({**header, "recipe": {"depth": 3}})}),
        "no history": write(tensors, metadata={"mindgap": json.dumps({"recipe": header["recipe"]})}),
    }


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "not a whole safetensors file"),
        ("beginning only", "not a whole safetensors file"),
        ("empty", "not a whole safetensors file"),
        ("a pickle", "not a whole safetensors file"),
        ("foreign", "a safetensors file, but not a mindgap model"),
        ("foreign with metadata", "a safetensors file, but not a mindgap model"),
        ("unfinished", r"an unfinished run \(step 3\)"),
        ("weights missing", "not a model of this version of mindgap"),
        ("newer recipe", "not a model of this version of mindgap"),
        ("no history", "not a model of this version of mindgap"),
    ],
)
def test_files_that_are_no_models_are_refused(trained, tmp_path, kind, message):
    path = miniclip.save(trained, tmp_path / "model.safetensors")
    path.write_bytes(damaged(path.read_bytes(), trained.model.state_dict())[kind])
    with pytest.raises(ValueError, match=message) as caught:
        miniclip.load(path)
    assert str(path) in str(caught.value)


def test_unknown_names_get_near_matches():
    with pytest.raises(ValueError, match=r"name: unknown name '0.1'; did you mean '0.01'"):
        miniclip.load("0.1")
    with pytest.raises(ValueError, match=r"device: 'toaster' cannot be used here"):
        miniclip.load("0.01", device="toaster")
    with pytest.raises(FileNotFoundError, match=r"name: no file 'nowhere.safetensors'"):
        miniclip.load("nowhere.safetensors")


def readme_figures():
    """The table of weights/README.md: {name: {column: cell}}."""
    lines = (miniclip.WEIGHTS / "README.md").read_text(encoding="utf-8").splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    head, _, *rows = table
    return {row[0].strip("`"): dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def test_the_readme_lists_what_is_shipped():
    assert miniclip.shipped() == ("0.01", "0.07")
    files = {path.name for path in miniclip.WEIGHTS.glob("*.safetensors")}
    assert set(readme_figures()) == files == {f"mini-{name}.safetensors" for name in miniclip.shipped()}


@pytest.mark.parametrize("name", ["0.01", "0.07"])
def test_shipped_models_have_the_figures_of_their_readme(name):
    path = miniclip.WEIGHTS / f"mini-{name}.safetensors"
    figures = readme_figures()[path.name]
    data = path.read_bytes()
    assert len(data) == int(figures["bytes"].replace(",", "")) < 1_000_000
    assert hashlib.sha256(data).hexdigest() == figures["SHA-256"].strip("`")

    model = miniclip.load(name)
    assert model.recipe == Recipe(temperature=float(name))  # so "the defaults" is the whole command
    assert model.history[0].step == 0
    assert model.history[-1].step == model.recipe.steps
    all_x, all_y = miniclip.encode(model, scenes.draw(5000, seed=0))
    x, y = all_x[:1000], all_y[:1000]  # scenes.draw(1000, seed=0)
    measured = {
        "gap": (geometry.gap_distance(x, y),),
        "R@1 of 1,000": (geometry.recall_at_k(x, y), geometry.recall_at_k(y, x)),
        "R@1 of 5,000": (geometry.recall_at_k(all_x, all_y), geometry.recall_at_k(all_y, all_x)),
        "cosine within": (geometry.mean_cosine(x), geometry.mean_cosine(y)),
        "matched cosine": (geometry.matched_cosine(x, y),),
    }
    for column, values in measured.items():
        printed = [float(number) for number in re.findall(r"-?\d*\.\d+", figures[column])]
        # Half a unit of the last digit printed, and what arithmetic on another machine may change.
        assert values == pytest.approx(printed, abs=0.004), column


def test_shipped_models_show_the_effect_of_temperature():
    drawn = scenes.draw(500, seed=1)
    cold, warm = (miniclip.encode(miniclip.load(name), drawn) for name in ("0.01", "0.07"))
    assert geometry.gap_distance(*cold) > 0.3 > 0.1 > geometry.gap_distance(*warm)
    assert geometry.mean_cosine(cold[0]) > 0.15
    assert abs(geometry.mean_cosine(warm[0])) < 0.05


class TestOneModality:
    @pytest.fixture(scope="class")
    @staticmethod
    def pairs():
        return scenes.draw(12, seed=2)

    @pytest.mark.parametrize("kind", ["image-image", "text-text"])
    def test_both_towers_see_the_same_with_other_weights(self, kind, pairs):
        model = miniclip.build(Recipe(modalities=kind))
        x, y = miniclip.encode(model, pairs)
        assert x.shape == y.shape == (12, 64)
        assert geometry.gap_distance(x, y) > 0.5  # each initialisation is its own cone
        first, second = (dict(tower.named_parameters()) for tower in (model.visual, model.text))
        assert first.keys() == second.keys()
        assert not any(torch.equal(first[name], second[name]) for name in first if name.endswith("in_proj_weight"))

    def test_the_first_tower_of_captions_is_that_of_a_custom_text_clip(self, pairs):
        texts = miniclip.encode(miniclip.build(Recipe(modalities="text-text", seed=5)), pairs)
        again = miniclip.encode(miniclip.build(Recipe(modalities="text-text", seed=5)), pairs)
        other = miniclip.encode(miniclip.build(Recipe(modalities="text-text", seed=6)), pairs)
        assert torch.equal(texts[0], again[0])
        assert not torch.allclose(texts[0], other[0])

    def test_a_tower_that_is_not_there_is_named(self, pairs):
        with pytest.raises(ValueError, match="model: expected one that sees texts, got one of image and image"):
            miniclip.encode_texts(miniclip.build(Recipe(modalities="image-image")), "a red star")
        with pytest.raises(ValueError, match="model: expected one that sees images, got one of text and text"):
            miniclip.encode_images(miniclip.build(Recipe(modalities="text-text")), pairs.images)
