"""What the extension for the small CLIP in the page puts together: scripts, weights, and what the page opens with."""

from __future__ import annotations

import base64
import itertools
import json
import re
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")

from book._ext import mindgap_clip as extension
from book._ext import mindgap_modules, mindgap_packed
from book._ext.mindgap_packed import unpacked
from book.results import small_clip
from mindgap import _files, miniclip, scenes

MODELS = miniclip.shipped()
ENTRIES = ("worker/work.js", "page/tool.js")


def test_the_script_asks_for_nothing_outside() -> None:
    outside = set(re.findall(r"https?://[^\"' ]*", extension.script())) - {"http://www.w3.org/2000/svg"}
    assert outside == set()


def test_every_module_is_used() -> None:
    used = {path for entry in ENTRIES for path in mindgap_modules.needed(extension.PARTS / entry)}
    assert used == {path.resolve() for path in [*extension.PARTS.rglob("*.js"), mindgap_packed.JS]}


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_read_as_the_package_reads_them(name: str) -> None:
    """Without torch, and without safetensors."""
    recipe, found = extension.tensors(extension.PACKAGE / f"weights/mini-{name}.safetensors")
    header, wanted = _files.read_tensors(miniclip.checkpoint(name))
    assert recipe == header["recipe"]
    assert set(found) == set(wanted)
    for tensor, (shape, values) in found.items():
        assert shape == list(wanted[tensor].shape)
        assert torch.equal(torch.tensor(values).reshape(shape), wanted[tensor])


def model_of(name: str) -> dict[str, Any]:
    _, _, text = extension.model_script(name).partition(f"window.mindgapClip[{json.dumps(name)}] = ")
    found: dict[str, Any] = json.loads(text.rstrip(";\n"), strict=False)
    return found


def weights_of(model: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors of a script, read by numpy."""
    content = unpacked(model["bytes"]["letters"])
    assert len(content) == model["bytes"]["size"]
    found = {}
    for one in model["places"]:
        shape, at = one["shape"], one["at"]
        size = int(np.prod(shape))
        if len(shape) < 2:
            values = np.frombuffer(content, "<f4", size, at)
        else:
            scales = np.frombuffer(content, "<f4", shape[0], at)
            whole = np.frombuffer(content, "<i2", size, at + 4 * shape[0])
            values = (scales[:, None] * whole.reshape(shape[0], -1)).astype("f4")
        found[one["name"]] = torch.from_numpy(values.copy()).reshape(shape)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_weights_take_two_bytes_and_lose_less_than_float16(name: str) -> None:
    model = model_of(name)["model"]
    found, wanted = weights_of(model), miniclip.load(name).model.state_dict()
    assert set(found) == set(wanted) - {"logit_scale"}
    count = sum(one.numel() for one in found.values())
    assert model["bytes"]["size"] < 1.05 * 2 * count
    lost, half = 0.0, 0.0
    for tensor, values in found.items():
        original = wanted[tensor]
        if original.ndim < 2:
            assert torch.equal(values, original)
            continue
        rows = original.flatten(1)
        step = rows.abs().amax(dim=1, keepdim=True) / extension.LARGEST
        assert ((values.flatten(1) - rows).abs() <= 0.51 * step + 1e-9).all()
        lost += float((values - original).square().sum())
        half += float((original.half().float() - original).square().sum())
    assert lost < half / 16


def test_a_row_of_nothing_is_kept_as_it_is() -> None:
    assert extension.packed([2, 1], extension.array("f", [0.0, -2.0]))[-4:] == b"\x00\x00\x01\x80"


def test_other_numbers_than_float32_are_refused(tmp_path: Any) -> None:
    header = {
        "__metadata__": {"mindgap": '{"recipe": {}}'},
        "a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]},
    }
    content = json.dumps(header).encode()
    path = tmp_path / "half.safetensors"
    path.write_bytes(len(content).to_bytes(8, "little") + content + b"\0\0")
    with pytest.raises(ValueError, match=r"half.safetensors: expected numbers in float32, got F16 in a"):
        extension.tensors(path)


@pytest.fixture(scope="module")
def recomputed() -> dict[str, Any]:
    return small_clip.found()


def close(here: Any, there: Any, path: str = "") -> None:
    """Equal but for the last digits of numbers, and for what they decide between neighbours that are as near."""
    if isinstance(here, dict):
        assert here.keys() == there.keys(), path
        for key in here:
            if key not in ("images", "texts"):
                close(here[key], there[key], f"{path}.{key}")
    elif isinstance(here, list):
        assert len(here) == len(there), path
        for i, (one, other) in enumerate(zip(here, there, strict=True)):
            close(one, other, f"{path}[{i}]")
    elif isinstance(here, float):
        assert here == pytest.approx(there, abs=1.5e-3 if ".map" in path else 2e-4), path
    else:
        assert here == there, path


def test_what_the_page_opens_with_is_what_python_computes(recomputed: dict[str, Any]) -> None:
    stored = extension.stored()
    here, there = ({key: one[key] for key in one if key != "versions"} for one in (stored, recomputed))
    close(json.loads(json.dumps(here)), json.loads(json.dumps(there)))
    for name in MODELS:
        for side in ("images", "texts"):
            rows = [np.frombuffer(base64.b64decode(one["models"][name][side]), "<i2") for one in (stored, recomputed)]
            assert rows[0].shape == (small_clip.OTHERS * 64,)
            assert np.abs(rows[0].astype(int) - rows[1]).max() <= 3  # of 32,767


def test_the_script_holds_what_the_page_opens_with() -> None:
    text = extension.script()
    assert '"captions":["' in text
    for name in MODELS:
        assert extension.MODEL.format(name) in text
    assert "</script" not in text


def test_the_others_are_numbered_as_the_words_say() -> None:
    stored = extension.stored()
    assert stored["recipe"] == {"others": 500, "seed": 1}
    assert stored["captions"] == list(scenes.draw(500, seed=1).captions)


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Any]]:
    """How often another caption is nearer than the picture, for 500 scenes that are neither shown nor learned."""
    others, fresh = scenes.draw(500, seed=1), scenes.draw(500, seed=2)
    count = (fresh.attributes.shape >= 0).sum(dim=1)
    other = torch.tensor([[one != said for one in others.captions] for said in fresh.captions])
    found = {}
    for name in MODELS:
        model = miniclip.load(name)
        (u, v), (x, y) = miniclip.encode(model, others), miniclip.encode(model, fresh)
        own = (x * y).sum(dim=1, keepdim=True)
        captions = (y @ v.T).masked_fill(~other, -2)
        nearer = ((captions > own).any(dim=1)).double()
        ten = torch.cat([captions, y @ u.T], dim=1).topk(10, dim=1).indices < len(others)
        found[name] = {
            "nearer": float(nearer.mean()),
            "nearer, by objects": [float(nearer[count == n].mean()) for n in (1, 2, 3)],
            "ten": float(ten.sum(dim=1).double().mean()),
        }
    return found


def front_page() -> str:
    notebook = json.loads((extension.HERE.parent / "index.ipynb").read_text(encoding="utf-8"))
    text = " ".join("".join(cell["source"]) for cell in notebook["cells"] if cell["id"].startswith("index-hand"))
    return " ".join(text.split())


def test_what_the_front_page_says_of_other_scenes_is_measured(measured: dict[str, dict[str, Any]]) -> None:
    text = front_page()
    cold, warm = (measured[name] for name in MODELS)
    assert cold["nearer, by objects"][0] == 1
    assert f"for {100 * cold['nearer']:.0f} in 100, and for all that show a single shape" in text
    assert f"the model of 0.07 for {100 * warm['nearer']:.0f} in 100" in text
    assert f"{cold['ten']:.1f} captions on average" in text
    assert f"{warm['ten']:.1f} in the second" in text
    assert f"one scene in {1 / (1 - cold['nearer']):.0f} is like that" in text
    assert min(cold["nearer, by objects"]) == cold["nearer, by objects"][1]  # which is why it says: two


def test_what_the_front_page_says_of_retrieval_is_measured() -> None:
    cold, warm = (extension.stored()["models"][name] for name in MODELS)
    text = front_page()
    first, second = (f"{100 * one['recall']:.0f}" for one in (cold, warm))
    assert f"the first finds the right one for {first} of 100 pictures, and the second for {second}" in text
    # The second scene of those that the page opens with is the large blue triangle.
    shares = [float(torch.softmax(torch.tensor(cold["start"]["cosines"][1]) / tau, 0)[1]) for tau in (0.01, 0.1, 1)]
    assert "its own caption {:.3f} at 1/100, {:.2f} at 1/10, and {:.2f} at 1,".format(*shares) in text


def test_hardly_a_scene_with_one_object_is_nearest_to_its_caption() -> None:
    every = [[one] for one in itertools.product(scenes.SIZES, scenes.COLOURS, scenes.SHAPES, scenes.PLACES)]
    layout, others = scenes.compose(every), scenes.draw(500, seed=1)
    captions = scenes.caption(layout.attributes)
    model = miniclip.load(MODELS[0])
    y = miniclip.encode_texts(model, captions)
    own = (miniclip.encode_images(model, scenes.render(layout)) * y).sum(dim=1, keepdim=True)
    other = torch.tensor([[one != said for one in others.captions] for said in captions])
    cosines = (y @ miniclip.encode_texts(model, others.captions).T).masked_fill(~other, -2)
    alone = int((cosines <= own).all(dim=1).sum())
    assert f"{alone} drawings of the {len(every):,} with a single shape" in front_page()
