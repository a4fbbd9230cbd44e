"""What the tests of embedding share: a small model of open_clip's own kind, and drawn scenes as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import open_clip
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor

from mindgap import _open_clip, scenes
from mindgap.embedding import _folder

TINY = "mindgap-tiny"
"""An architecture that open_clip knows once `known` was called: its CLIP class, two layers a tower, 32 pixels."""

_CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 40, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


def known(folder: Path) -> str:
    """`TINY`, which open_clip knows from now on in this process."""
    if TINY not in open_clip.list_models():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{TINY}.json").write_text(json.dumps(_CONFIG), encoding="utf-8")
        open_clip.add_model_config(folder / f"{TINY}.json")
    return TINY


def weights(path: Path, architecture: str, seed: int = 5) -> Path:
    """Random weights of an architecture in the format in which open_clip's are published."""
    model = _open_clip.create(architecture, seed)
    safetensors.torch.save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return path


def captioned(folder: Path, n: int, size: int = 40, seed: int = 3) -> Path:
    """n drawn scenes as PNG with a caption each, beside one another."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = scenes.draw(n, seed, size=size)
    pixels = (drawn.images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    for number, (image, caption) in enumerate(zip(pixels, drawn.captions, strict=True)):
        Image.fromarray(image).save(folder / f"{number:05}.png")
        (folder / f"{number:05}.txt").write_text(caption, encoding="utf-8")
    return folder


def folder_of(
    out: Path, x: Tensor, y: Tensor, captions: Sequence[str], model: str, pretrained: str = "openai", shard: int = 300
) -> Path:
    """A folder as `mindgap embed` leaves it, of rows that come from elsewhere and a manifest that names a model."""
    shards = [slice(start, start + shard) for start in range(0, len(x), shard)]
    out.mkdir(parents=True)
    recipe = {"model": model, "pretrained": pretrained, "weights": None, "captions": "first"}
    _folder.begin(out, recipe, {"source": "a test", "problems": []}, len(shards))
    sides = [torch.nn.functional.normalize(side.float(), dim=1).numpy() for side in (x, y)]
    names = [f"{number}.png" for number in range(len(x))]
    for number, rows in enumerate(shards):
        metadata = {"image_path": names[rows], "caption": list(captions[rows]), "image_number": range(len(x))[rows]}
        record = {"images": len(names[rows]), "cut": 0, "skipped": [], "images_sha256": "", "made_with": {}}
        _folder.write_shard(out, number, sides[0][rows], sides[1][rows], metadata, record)
    _folder.finish(out, _folder.whole(out, len(shards)), [])
    return out
