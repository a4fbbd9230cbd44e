"""What the tests of embedding share: a small model of open_clip's own kind, and drawn scenes as files."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import safetensors.torch
from PIL import Image

from mindgap import _open_clip, scenes

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
