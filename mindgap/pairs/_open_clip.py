"""open_clip models over images and texts: at random initialisation, or pre-trained on the reader's own pairs."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
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
from safetensors import SafetensorError
from torch import Tensor, nn
from tqdm.auto import tqdm

from mindgap import _inputs
from mindgap._errors import ModelUnavailable
from mindgap.pairs._captioned import captioned_images

INPUTS = ("scenes", "noise")
# What open_clip raises for weights of another architecture, damaged weights, or a missing part of a model.
MISFITS = (SafetensorError, RuntimeError, AssertionError, LookupError, StopIteration, ImportError, OSError)

Embedded = tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]


def embed_random(
    architecture: str, n: int, seed: int, inputs: str, batch_size: int, device: str | torch.device, progress: bool
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"], tuple[str, ...] | None]:
    """A randomly initialised model on n inputs: two (n, d) matrices, and for scenes the first object's shape as label.

    Noise is the paper's (Fig 2a): pixels from N(0, 1), and every token of the context uniform over the vocabulary.
    Scenes are drawn at the model's resolution, normalised as it would normalise images, and tokenised by its own
    tokenizer. Weights and inputs follow from `seed` and change no global random state.
    """
    architecture = known_architecture(architecture)
    n, seed = _inputs.count(n, "n", 2), _inputs.count(seed, "seed", 0, _inputs.LARGEST_SEED)
    batch_size, inputs = _inputs.count(batch_size, "batch_size"), _inputs.choice(inputs, "inputs", INPUTS)
    tokenize = tokenizer(architecture) if inputs == "scenes" else None
    model = create(architecture, seed)
    labels = None
    if tokenize is None:
        batches = noise_batches(format_of(model), n, seed, batch_size)
    else:
        from mindgap import scenes

        layout = scenes.arrange(n, seed)
        labels = tuple(scenes.SHAPES[i] for i in layout.attributes.shape[:, 0].tolist())
        batches = scene_batches(format_of(model), tokenize, layout, batch_size)
    return *_embed(model, batches, n, device, progress), labels


def embed_captioned(
    architecture: str,
    weights: str | os.PathLike,
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


def known_architecture(name: str) -> str:
    """`name`, if open_clip knows such an architecture; otherwise a ValueError with near matches."""
    return _inputs.choice(name, "architecture", open_clip.list_models())


def _weights(architecture: str, weights: str | os.PathLike) -> tuple[Path, dict[str, Any]]:
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
        except MISFITS as error:
            if weights is not None:
                raise ValueError(f"{weights}: expected weights of {architecture}, got an error: {error}") from error
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


def noise_batches(format: Format, n: int, seed: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pixels from N(0, 1) and uniform tokens; models of one image size get the same images, whatever their texts."""
    pixels, letters = (_inputs.generator(seed, stream=stream) for stream in (1, 2))  # the weights have stream 0
    tokens = torch.randint(0, format.words, (n, format.length), generator=letters)
    for batch in tokens.split(batch_size):
        # One call an image, so that the numbers do not depend on the batch size.
        yield torch.stack([torch.randn(3, format.height, format.width, generator=pixels) for _ in batch]), batch


def scene_batches(format: Format, tokenize: Any, layout: Any, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Drawn scenes, normalised as the model would normalise images, and their captions as tokens."""
    from mindgap import scenes

    mean, std = (torch.tensor(values)[:, None, None] for values in (format.mean, format.std))
    for start in range(0, len(layout.ground), batch_size):
        here = slice(start, start + batch_size)
        part = scenes.Layout(*(getattr(layout, field.name)[here] for field in fields(layout)))
        images = scenes.render(part, max(format.height, format.width))
        if format.height != format.width:
            images = nn.functional.interpolate(images, (format.height, format.width), mode="bilinear", antialias=True)
        yield (images - mean) / std, tokenize(list(scenes.caption(part.attributes)))


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
