"""What this package asks of open_clip: its architectures, models, tokenizers, and what a model takes as input.

Importing open_clip takes seconds, so this module is imported where it is needed and not before.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import open_clip
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from torch import Tensor, nn

from mindgap import _inputs, scenes
from mindgap._errors import ModelUnavailable
from mindgap._reprs import short

# What open_clip raises for weights of another architecture, damaged weights, or a missing part of a model.
_MISFITS = (SafetensorError, RuntimeError, AssertionError, LookupError, StopIteration, ImportError, OSError)

Batches = Iterator[tuple[Float[Tensor, "b 3 h w"], Int[Tensor, "b length"]]]


def known_architecture(name: str) -> str:
    """`name`, if open_clip knows such an architecture; otherwise a ValueError with near matches."""
    return _inputs.choice(name, "architecture", open_clip.list_models())


def create(architecture: str, seed: int, weights: Path | None = None, options: dict[str, Any] | None = None) -> Any:
    """A model of open_clip in evaluation mode, on the CPU; without weights, its random ones follow from `seed`."""
    # Seeding the CPU generator alone, within the fork, leaves the generators of all devices as they were.
    with torch.random.fork_rng(devices=[]), _quiet_root_logger():
        torch.default_generator.manual_seed(seed)
        try:
            model = open_clip.create_model(
                architecture,
                pretrained=None if weights is None else str(weights),
                pretrained_image=False,
                pretrained_text=False,
                **(options or {}),
            )
        except _MISFITS as error:
            if weights is not None:
                said = short(error, 300)  # torch names all tensors that differ, in many lines
                raise ValueError(f"{weights}: expected weights of {architecture}, got an error: {said}") from error
            raise ModelUnavailable(f"{architecture}: open_clip cannot build it on this machine: {error}") from error
    return model.eval()


def tokenizer(architecture: str) -> Any:
    """The tokenizer of an architecture. Raises ModelUnavailable if it is neither here nor to be had."""
    with _quiet_root_logger():
        try:
            return open_clip.get_tokenizer(architecture)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise ModelUnavailable(
                f"{architecture}: its tokenizer is not part of open_clip. It needs the package transformers and, once, "
                f"the Hugging Face hub ({error}). At random initialisation, inputs='noise' needs no tokenizer."
            ) from error


@dataclass(frozen=True)
class Format:
    """What a model takes: images of `height` × `width` pixels less `mean` over `std`, `length` tokens of `words`."""

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    words: int
    length: int


def format_of(model: Any) -> Format:
    """The format of an open_clip model."""
    size, text = model.visual.image_size, model if hasattr(model, "vocab_size") else model.text
    height, width = (size, size) if isinstance(size, int) else size
    config = model.visual.preprocess_cfg
    return Format(height, width, tuple(config["mean"]), tuple(config["std"]), text.vocab_size, text.context_length)


def noise_batches(format: Format, n: int, seed: int, batch_size: int) -> Batches:
    """Pixels from N(0, 1) and uniform tokens; models of one image size get the same images, whatever their texts."""
    pixels, letters = (_inputs.generator(seed, stream=stream) for stream in (1, 2))  # the weights have stream 0
    tokens = torch.randint(0, format.words, (n, format.length), generator=letters)
    for batch in torch.split(tokens, batch_size):
        # One call an image, so that the numbers do not depend on the batch size.
        yield torch.stack([torch.randn(3, format.height, format.width, generator=pixels) for _ in batch]), batch


def scene_batches(format: Format, tokenize: Any, layout: scenes.Layout, batch_size: int) -> Batches:
    """Drawn scenes, normalised as the model would normalise images, and their captions as tokens."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (format.mean, format.std))
    for start in range(0, len(layout.ground), batch_size):
        here = slice(start, start + batch_size)
        part = scenes.Layout(*(getattr(layout, field.name)[here] for field in fields(layout)))
        images = scenes.render(part, max(format.height, format.width))
        if format.height != format.width:
            images = nn.functional.interpolate(images, (format.height, format.width), mode="bilinear", antialias=True)
        yield (images - mean) / std, tokenize(list(scenes.caption(part.attributes)))


@contextlib.contextmanager
def _quiet_root_logger() -> Iterator[None]:
    """open_clip warns on the root logger that a random model is random, and that call would set up logging for all."""
    root, level = logging.getLogger(), logging.root.manager.disable
    handler = logging.NullHandler()
    root.addHandler(handler)
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(level)
        root.removeHandler(handler)
