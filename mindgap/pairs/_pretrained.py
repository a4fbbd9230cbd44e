"""Pre-trained open_clip models over the reader's own captioned images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from jaxtyping import Bool, Float, Int
from open_clip.pretrained import get_pretrained_cfg
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL.Image import Image
from torch import Tensor
from tqdm.auto import tqdm

from mindgap import _files, _inputs
from mindgap._errors import ModelUnavailable, first_few, warn
from mindgap._open_clip import create, known_architecture, tokenizer
from mindgap.pairs._captioned import Captioned, captioned_images, refuse


@dataclass(frozen=True)
class Embedded:
    """Row i of both belongs to one caption: `x` its image, `y` itself, `images` the image's name."""

    x: Float[Tensor, "n d"]
    y: Float[Tensor, "n d"]
    images: tuple[str, ...]


def embed_captioned(
    architecture: str,
    tag: str | None,
    file: str | os.PathLike[str] | None,
    data: object,
    n: int | None = None,
    captions_per_image: int | None = None,
    on_error: str = "raise",
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> Embedded:
    """A pre-trained model on the first n captioned images in `data`; for `tag` and `file` see `weights`.

    An image with several captions is embedded once. Pairs that cannot be used are an error, or with `on_error` "skip"
    left out and listed in a warning; captions that the tokenizer cuts are counted in another.
    """
    architecture = known_architecture(architecture)
    batch_size = _inputs.count(batch_size, "batch_size")
    problems: list[str] = []
    skip = _inputs.choice(on_error, "on_error", ("raise", "skip")) == "skip"
    wrong = (lambda error: problems.append(str(error))) if skip else refuse
    # What costs nothing to check comes first, the download and the model last.
    pairs = captioned_images(
        data,
        None if n is None else _inputs.count(n, "n", 2),
        wrong,
        None if captions_per_image is None else _inputs.count(captions_per_image, "captions_per_image"),
    )
    path, options = weights(architecture, tag, file)
    tokenize = tokenizer(architecture)
    _warn_of_cut(architecture, tokenize, pairs)
    model = create(architecture, 0, path or download(architecture, str(tag)), options).to(device)
    transform = image_transform(model)

    images = list({pair.image_at: pair for pair in pairs}.values())
    place: dict[str, int] = {}
    x, y = [], []
    with torch.no_grad():
        for batch in _batches(images, batch_size, "images", progress):
            pixels = []
            for pair in batch:
                try:
                    pixels.append(transform(pair.image()))
                except ValueError as error:
                    wrong(error)
                else:
                    place[pair.image_at] = len(place)
            if pixels:
                x.append(model.encode_image(torch.stack(pixels).to(device)).float())
        pairs = _enough([pair for pair in pairs if pair.image_at in place], data, problems)
        for batch in _batches(pairs, batch_size, "captions", progress):
            y.append(model.encode_text(tokenize([pair.caption for pair in batch]).to(device)).float())
    rows = torch.cat(x)[[place[pair.image_at] for pair in pairs]]
    return Embedded(rows, torch.cat(y), tuple(pair.image_at for pair in pairs))


def image_transform(model: Any) -> Callable[[Image], Float[Tensor, "3 h w"]]:
    """What turns a picture into the pixels that a model takes."""
    transform: Callable[[Image], Tensor] = image_transform_v2(
        PreprocessCfg(**model.visual.preprocess_cfg), is_train=False
    )
    return transform


def _batches(pairs: Sequence[Captioned], batch_size: int, what: str, progress: bool) -> Iterator[Sequence[Captioned]]:
    with tqdm(total=len(pairs), unit="", desc=what, disable=not progress, dynamic_ncols=True) as bar:
        for start in range(0, len(pairs), batch_size):
            batch = pairs[start : start + batch_size]
            yield batch
            bar.update(len(batch))


def _enough(pairs: list[Captioned], data: object, problems: list[str]) -> list[Captioned]:
    """The pairs that could be read, with a warning of what could not."""
    if problems:
        message = f"{data}: {len(problems)} images or captions cannot be used: {first_few(problems)}"
        if len(pairs) < 2:
            raise ValueError(message)
        warn(f"{message}. Left are {len(pairs)} pairs", problems)
    return pairs


def _warn_of_cut(architecture: str, tokenize: Any, pairs: Sequence[Captioned]) -> None:
    """Warn of captions whose end the model never sees."""
    cut, length = [], 0
    for start in range(0, len(pairs), 1000):
        tokens, ends = tokens_and_cut(tokenize, [pair.caption for pair in pairs[start : start + 1000]])
        cut += [pairs[start + row].caption_at for row in ends.nonzero().flatten().tolist()]
        length = tokens.shape[1]
    if cut:
        warn(
            f"{len(cut)} of {len(pairs)} captions are longer than the {length} tokens that {architecture} reads, and "
            f"were cut: {first_few(cut)}",
            cut,
        )


def tokens_and_cut(tokenize: Any, captions: list[str]) -> tuple[Int[Tensor, "n length"], Bool[Tensor, " n"]]:
    """The tokens of captions, and of which captions the model never sees the end."""
    tokens = tokenize(captions)
    length = tokens.shape[1]
    padding = tokenize([""], length + 1)[0, -1]
    # In one place more, what fits is as before, and then there is padding.
    roomier = tokenize(captions, length + 1)
    fits = (roomier[:, :-1] == tokens).all(dim=1) & (roomier[:, -1] == padding)
    return tokens, ~fits


def tag_or_file(weights: str | os.PathLike[str]) -> tuple[str | None, str | None]:
    """What names pre-trained weights, as a tag of open_clip or as a path."""
    text = os.fspath(weights)
    is_file = not isinstance(weights, str) or os.sep in text or Path(text).suffix or Path(text).is_file()
    return (None, text) if is_file else (text, None)


def weights(
    architecture: str, tag: str | None, file: str | os.PathLike[str] | None
) -> tuple[Path | None, dict[str, Any]]:
    """The local file of the weights, None if it is to be downloaded, and how open_clip has to build the model.

    `tag` is one of open_clip's, `file` a path; with both, the file is built into the model of the tag. A file alone
    says neither which activation its weights were trained with nor how images were normalised: where the published
    weights of the architecture agree on that, they are followed, and where they do not, a warning says so.
    """
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    configs = {name: get_pretrained_cfg(architecture, name) for name in tags}
    if tag is not None:
        if not tags:
            raise ValueError(
                f"pretrained: {architecture} has no published weights; give the path of a .safetensors file"
            )
        config = configs[_inputs.choice(tag, f"pretrained weights of {architecture}", tags)]
        options = {"force_quick_gelu": bool(config.get("quick_gelu")), "force_preprocess_cfg": _preprocessing(config)}
        return None if file is None else _safetensors_file(file), options
    path = _safetensors_file(str(file))
    quick = [name for name, config in configs.items() if config.get("quick_gelu")]
    other = [name for name in tags if name not in quick]
    known = [_preprocessing(config) for config in configs.values()]
    agreed = not known or all(one == known[0] for one in known)
    if (quick and other) or not agreed:
        activation = f"activation (QuickGELU: {', '.join(quick)}; GELU: {', '.join(other)})"
        differ = " and ".join([activation] * bool(quick and other) + ["preprocessing"] * (not agreed))
        own = open_clip.get_model_config(architecture).get("quick_gelu") or not other
        twin = f"{architecture}-quickgelu"
        warn(
            f"{path}: the published weights of {architecture} differ in {differ}, which a file does not tell, so "
            f"open_clip's defaults for {architecture} were used ({'QuickGELU' if own else 'GELU'}). Name the weights "
            f"that the file holds or was trained from, as in load_pairs('open_clip:{architecture}/{tags[0]}', "
            f"pretrained='{path}', data=…) or `mindgap embed --pretrained {tags[0]} --weights {path} …`"
            + f", or the other architecture, 'open_clip:{twin}/{path}'"
            * (twin in open_clip.list_models())
        )
    return path, {
        "force_quick_gelu": bool(quick) and not other,
        "force_preprocess_cfg": known[0] if known and agreed else None,
    }


def _safetensors_file(file: str | os.PathLike[str]) -> Path:
    path = _files.user_path(file, "pretrained")
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: expected a .safetensors file; other checkpoints run code when they are loaded")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return path


def _preprocessing(config: dict[str, Any]) -> dict[str, Any]:
    return {key: config[key] for key in ("mean", "std", "interpolation", "resize_mode") if key in config}


def download(architecture: str, tag: str) -> Path:
    """The weights of a tag, from the cache of huggingface_hub, or by it into that.

    Raises ModelUnavailable where they are neither here nor to be had, or published as pickles alone.
    """
    repository, _, name = get_pretrained_cfg(architecture, tag)["hf_hub"].rpartition("/")
    # Weights are published as pickles with a .safetensors beside most of them; only the latter is ever asked for.
    name = Path(name).with_suffix(".safetensors").name if name else "open_clip_model.safetensors"
    cached = try_to_load_from_cache(repository, name)
    if isinstance(cached, str):
        return Path(cached)
    try:
        return Path(hf_hub_download(repository, name))
    except Exception as error:
        if not isinstance(error, OSError | EntryNotFoundError) and not _of_http(error):
            raise
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise ModelUnavailable(
                f"{architecture}/{tag}: {repository} publishes no {name}, and other checkpoints run code when loaded"
            ) from error
        raise ModelUnavailable(
            f"{architecture}/{tag}: its weights, {name} of {repository}, are not in the Hugging Face cache "
            f"({constants.HF_HUB_CACHE}), and could not be fetched from {constants.ENDPOINT} ({_reason(error)}). Run "
            f"`hf download {repository} {name}` once while online, or give a copy of that file: `mindgap embed --model "
            f"{architecture} --pretrained {tag} --weights path/to/{name} …`, in Python "
            f"load_pairs('open_clip:{architecture}/{tag}', pretrained='path/to/{name}', data=…)."
        ) from error


def _of_http(error: Exception) -> bool:
    """Whether an error is of the client that huggingface_hub speaks HTTP with; there have been three, and the later
    two do not call theirs an OSError.
    """
    return type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "requests")


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
