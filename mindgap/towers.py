"""Real architectures at random initialisation, one seed after the other (§2.1 and §2.3, Fig 2a and 2c).

A tower is "resnet18", torchvision's, pooled to 512 numbers before its classifier, or one half of an open_clip model,
"ViT-B-32:image" or "ViT-B-32:text". No weights are fetched: the point is what a network does before it has learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from mindgap import _inputs, devices, running, scenes
from mindgap._extras import extra
from mindgap.recipe import INPUTS, TOWERS, tower_parts

__all__ = ["IMAGENET", "INPUTS", "TOWERS", "Embed", "embed_seeds", "modality"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation that a ResNet's images are given
_WITH_TEXT = "ViT-B-32"  # whose tokenizer serves resnet18, which has none; its tokens are thrown away

Embed = Callable[[Tensor], Tensor]


def modality(tower: str) -> str:
    """What a tower embeds: "image" or "text". Raises ValueError for an unknown tower, with near matches."""
    return "text" if _parse(tower)[1] == "text" else "image"


def embed_seeds(
    towers: Sequence[str] = TOWERS,
    seeds: Iterable[int] = range(5),
    inputs: str = "noise",
    n: int = 64,
    data_seed: int = 0,
    device: str | torch.device | None = "auto",
    batch_size: int = 32,
    progress: bool = False,
    first: int = 0,
) -> Iterator[tuple[int, dict[str, Float[Tensor, "n d"]]]]:
    """The same `n` inputs through newly initialised towers: yields (seed, {tower: embeddings}) seed by seed.

    Towers: see the module. Both halves of one architecture come from one model, initialised as open_clip does it from
    `seed`, in evaluation mode. `inputs`: "noise" is the paper's, pixels from N(0, 1) and tokens uniform over the
    vocabulary; "scenes" are drawn pictures at the tower's resolution, normalised as it expects, and their captions.
    They follow from `data_seed` and are the same for every seed, and for every tower of one image size. They are made
    again for each seed, batch by batch, so that one model and one batch are in memory at a time. Fewer inputs are the
    first of more: who has some of them asks with `first` for those from there on. Embeddings (n - first, d), float32,
    any norms, are on the CPU; the work is done on `device` ("auto": `devices.device`). No global
    random state changes.

    Raises ValueError for an unknown tower or input, n < 2, a first that is not below n, a seed or data_seed that is no
    whole number of at most 32 bits, or a device that cannot be used.
    """
    halves = [(tower, *_parse(tower)) for tower in towers]
    seeds = [_inputs.count(seed, "seeds", 0, _inputs.LARGEST_SEED) for seed in seeds]
    n, data_seed = _inputs.count(n, "n", 2), _inputs.count(data_seed, "data_seed", 0, _inputs.LARGEST_SEED)
    first = _inputs.count(first, "first", 0, n - 1)
    inputs, batch_size = _inputs.choice(inputs, "inputs", INPUTS), _inputs.count(batch_size, "batch_size")
    where = devices.usable(device)
    groups: dict[str, list[tuple[str, str]]] = {}
    for tower, architecture, half in halves:
        groups.setdefault(architecture, []).append((tower, half))

    def stream() -> Iterator[tuple[int, dict[str, Float[Tensor, "n d"]]]]:
        # Before any model is built, for a tokenizer may have to be fetched, and may not be to be had.
        tokenizers = {name: _tokenizer(name) for name in groups} if inputs == "scenes" else dict.fromkeys(groups)
        total = len(seeds) * len(groups) * (n - first)
        with tqdm(total=total, unit="input", desc=inputs, disable=not progress, dynamic_ncols=True) as bar:
            for place, seed in enumerate(seeds):
                running.at(place / len(seeds), f"seed {seed}, {place + 1} of {len(seeds)}")
                done: dict[str, Tensor] = {}
                for architecture, wanted in groups.items():
                    parts, format = _halves(architecture, seed, where)
                    pieces: dict[str, list[Tensor]] = {tower: [] for tower, _ in wanted}
                    ahead = first
                    for images, tokens in _batches(format, tokenizers[architecture], n, data_seed, batch_size):
                        images, tokens, ahead = images[ahead:], tokens[ahead:], max(0, ahead - len(images))
                        if not len(images):
                            continue
                        with torch.inference_mode():
                            for tower, half in wanted:
                                batch = tokens if half == "text" else images
                                pieces[tower].append(parts[half](batch.to(where)).float().cpu())
                        bar.update(len(images))
                    done |= {tower: torch.cat(pieces[tower]) for tower, _ in wanted}
                # In the order asked for, and as ordinary tensors.
                yield seed, {tower: done[tower].clone() for tower in towers}

    return stream()


def _parse(tower: str) -> tuple[str, str]:
    """A tower's architecture, and which half of it: "image" or "text"."""
    if tower == "resnet18":
        return tower, "image"
    architecture, half = tower_parts(tower)
    with extra("clip"):
        from mindgap import _open_clip

    return _open_clip.known_architecture(architecture), half


def _halves(architecture: str, seed: int, device: torch.device) -> tuple[dict[str, Embed], Any]:
    """The functions that embed a batch, by half, and the format of their inputs."""
    with extra("clip"):
        from mindgap import _open_clip

    if architecture == "resnet18":
        with extra("clip"):
            import torchvision

        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            network = torchvision.models.resnet18(weights=None)
        network.fc = torch.nn.Identity()
        network.eval().to(device)
        return {"image": network}, _open_clip.Format(224, 224, *IMAGENET, words=49408, length=77)
    model = _open_clip.create(architecture, seed).to(device)
    return {"image": model.encode_image, "text": model.encode_text}, _open_clip.format_of(model)


def _tokenizer(architecture: str) -> Any:
    with extra("clip"):
        from mindgap import _open_clip

    return _open_clip.tokenizer(_WITH_TEXT if architecture == "resnet18" else architecture)


def _batches(format: Any, tokenize: Any, n: int, seed: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and tokens: of drawn scenes, or without a tokenizer of noise."""
    with extra("clip"):
        from mindgap import _open_clip

    if tokenize is None:
        return _open_clip.noise_batches(format, n, seed, batch_size)
    return _open_clip.scene_batches(format, tokenize, scenes.arrange(n, seed), batch_size)
