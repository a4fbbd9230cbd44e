"""Pre-trained open_clip models over the reader's own captioned images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import open_clip
import torch
from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from jaxtyping import Float, Int
from open_clip.pretrained import get_pretrained_cfg
from open_clip.transform import PreprocessCfg, image_transform_v2
from torch import Tensor
from tqdm.auto import tqdm

from mindgap import _inputs
from mindgap._errors import ModelUnavailable
from mindgap._open_clip import create, known_architecture, tokenizer
from mindgap.pairs._captioned import captioned_images

Embedded = tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]


def embed_captioned(
    architecture: str,
    weights: str | os.PathLike[str],
    data: object,
    n: int | None,
    batch_size: int,
    device: str | torch.device,
    progress: bool,
) -> Embedded:
    """A pre-trained model on the first n captioned images in `data`; `weights` is a tag of open_clip or a file."""
    architecture = known_architecture(architecture)
    batch_size = _inputs.count(batch_size, "batch_size")
    # What costs nothing to check comes first, the download and the model last.
    pairs = captioned_images(data, None if n is None else _inputs.count(n, "n", 2))
    tokenize = tokenizer(architecture)
    model = create(architecture, 0, *_weights(architecture, weights))
    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        remaining = iter(pairs)
        while batch := list(islice(remaining, batch_size)):
            yield torch.stack([transform(pair.image()) for pair in batch]), tokenize([pair.caption for pair in batch])

    return _embed(model, batches(), len(pairs), device, progress)


def _weights(architecture: str, weights: str | os.PathLike[str]) -> tuple[Path, dict[str, Any]]:
    """The local file of the weights, and how open_clip has to build the model around them."""
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    configs = {tag: get_pretrained_cfg(architecture, tag) for tag in tags}
    tag, path = os.fspath(weights), Path(weights).expanduser()
    if tag in configs:
        return _download(architecture, tag, configs[tag]["hf_hub"]), {
            # The architecture alone does not say which of the two activations its weights were trained with.
            "force_quick_gelu": bool(configs[tag].get("quick_gelu")),
            "force_preprocess_cfg": _preprocessing(configs[tag]),
        }
    if path.suffix == ".safetensors" or path.is_file():
        if path.suffix != ".safetensors":
            raise ValueError(f"{path}: expected a .safetensors file; other checkpoints run code when they are loaded")
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        # A bare file does not say how images were normalised; where all published weights agree, take their word.
        known = [_preprocessing(config) for config in configs.values()]
        return path, {"force_preprocess_cfg": known[0] if known and all(k == known[0] for k in known) else None}
    if not tags:
        raise ValueError(f"pretrained: {architecture} has no published weights; give the path of a .safetensors file")
    _inputs.choice(tag, f"pretrained weights of {architecture}", tags)
    raise AssertionError("every known tag was served above")


def _preprocessing(config: dict[str, Any]) -> dict[str, Any]:
    return {key: config[key] for key in ("mean", "std", "interpolation", "resize_mode") if key in config}


def _download(architecture: str, tag: str, location: str) -> Path:
    repository, _, name = location.rpartition("/")
    # Weights are published as pickles with a .safetensors beside most of them; only the latter is ever asked for.
    name = Path(name).with_suffix(".safetensors").name if name else "open_clip_model.safetensors"
    cached = try_to_load_from_cache(repository, name)
    if isinstance(cached, str):
        return Path(cached)
    try:
        return Path(hf_hub_download(repository, name))
    except (OSError, EntryNotFoundError) as error:
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise ModelUnavailable(
                f"{architecture}/{tag}: {repository} publishes no {name}, and other checkpoints run code when loaded"
            ) from error
        raise ModelUnavailable(
            f"{architecture}/{tag}: its weights, {name} of {repository}, are not in the Hugging Face cache, and the "
            f"hub could not be reached. Run `hf download {repository} {name}` once while online, or give the path of a "
            f".safetensors file: 'open_clip:{architecture}//path/to/weights.safetensors'."
        ) from error


def _embed(
    model: Any,
    batches: Iterable[tuple[Float[Tensor, "b c h w"], Int[Tensor, "b length"]]],
    n: int,
    device: str | torch.device,
    progress: bool,
) -> Embedded:
    model.to(device)
    x, y = [], []
    with torch.no_grad(), tqdm(total=n, unit="pair", disable=not progress) as bar:
        for images, tokens in batches:
            x.append(model.encode_image(images.to(device)).float())
            y.append(model.encode_text(tokens.to(device)).float())
            bar.update(len(images))
    return torch.cat(x), torch.cat(y)
