"""Where embeddings come from: one name, two matrices whose rows belong together.

`load_pairs(name)` takes the paper's own features, the book's small CLIP, any open_clip architecture at random or with
pre-trained weights, or the reader's own files, and always returns `PairedEmbeddings`. Nothing here computes a gap.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs
from mindgap._errors import FeaturesAltered, FeaturesUnavailable, ModelUnavailable
from mindgap.pairs import _arrays, _paper
from mindgap.pairs._paper import feature_names, fetch

__all__ = [
    "FeaturesAltered",
    "FeaturesUnavailable",
    "ModelUnavailable",
    "PairedEmbeddings",
    "feature_names",
    "fetch",
    "load_pairs",
]

IMAGE_TEXT = ("image", "text")


@dataclass(frozen=True, eq=False, repr=False)
class PairedEmbeddings:
    """Two matrices of embeddings, row i of `x` belonging with row i of `y`.

    `x`, `y`: (n, d) float32, rows of any norm but zero, on one device. `name`: what `load_pairs` was given.
    `modalities`: what x and y embed, for example ("image", "text"). `source`: one line on where the numbers came from.
    `labels`: a class name for each pair, or None. `groups`: for each pair the name of what it shows, equal for the
    captions of one image, or None where nothing is shown twice; `recall_at_k` takes it.

    float64 rows beyond the range of float32 are scaled into it. Raises ValueError unless x and y have one shape, n ≥ 2,
    finite non-zero rows, and n labels and groups if any.
    """

    x: Float[Tensor, "n d"]
    y: Float[Tensor, "n d"]
    name: str
    modalities: tuple[str, str]
    source: str
    labels: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        x, y = _inputs.pair(self.x, self.y)
        for name, values in (("labels", self.labels), ("groups", self.groups)):
            if values is not None and len(values) != len(x):
                raise ValueError(f"{name}: expected {len(x)}, one for each pair, got {len(values)}")
        object.__setattr__(self, "x", _inputs.single(x))
        object.__setattr__(self, "y", _inputs.single(y))

    def __len__(self) -> int:
        return self.x.shape[0]

    def __repr__(self) -> str:
        return (
            f"PairedEmbeddings({self.name!r}: {len(self)} pairs of {' and '.join(self.modalities)}, "
            f"d = {self.x.shape[1]}; {self.source})"
        )

    def to(self, device: str | torch.device) -> PairedEmbeddings:
        """The same pairs on another device."""
        return replace(self, x=self.x.to(device), y=self.y.to(device))

    def take(self, n: int) -> PairedEmbeddings:
        """The first `n` pairs. Raises ValueError unless 2 ≤ n ≤ len(self)."""
        n = _inputs.count(n, "n", 2, len(self))
        labels, groups = (None if values is None else values[:n] for values in (self.labels, self.groups))
        return replace(self, x=self.x[:n], y=self.y[:n], labels=labels, groups=groups)

    def one_each(self) -> PairedEmbeddings:
        """One caption an image: the first pair of each group, or of each distinct row of x where there are no groups.

        Raises ValueError if fewer than two pairs are left.
        """
        shown = self.groups or self.x.unique(dim=0, return_inverse=True)[1].tolist()
        first: dict[object, int] = {}
        for row, what in enumerate(shown):
            first.setdefault(what, row)
        if len(first) < 2:
            raise ValueError(f"x: expected at least two different rows, got one, {len(self)} times")
        rows = list(first.values())
        labels, groups = (
            None if values is None else tuple(values[row] for row in rows) for values in (self.labels, self.groups)
        )
        return replace(self, x=self.x[rows], y=self.y[rows], labels=labels, groups=groups)


def load_pairs(
    name: str | os.PathLike | tuple[str | os.PathLike, str | os.PathLike], **options: Any
) -> PairedEmbeddings:
    """Embeddings by name. All sources take `device` (default: the CPU); n is a number of pairs.

    | name | what | options |
    |---|---|---|
    | "clip", "videoclip", "convirt", "clasp", "clip_random", … | the paper's own features (Fig 1) | url, progress |
    | "mini", "mini@0.07", … | the book's small CLIP on drawn scenes | n = 1000, seed = 0 |
    | "random:ViT-B-32", … | any open_clip architecture, untrained | n = 64, seed = 0, inputs = "scenes" or "noise",
      batch_size, progress |
    | "open_clip:ViT-B-32/openai", or …//path/to/weights.safetensors | a pre-trained model on your captioned images |
      data (a folder, a CSV file or a webdataset .tar), n = all, batch_size, progress, pretrained (instead of /…) |
    | "image.npy,text.npy", a pair of paths, or a folder with img_emb/ and text_emb/ | your own embeddings | n |

    Raises ValueError for an unknown name (with near matches) or option (with those there are), FeaturesUnavailable or
    ModelUnavailable for what is not here and cannot be fetched, FileNotFoundError for a missing file of yours, and
    ValueError naming the file for one that cannot be used.
    """
    loader, argument = _source(name)
    known = list(inspect.signature(loader).parameters)[1:]
    for option in options:
        if option not in (taken := sorted({*known, "device"})):
            raise ValueError(f"{option}: {name!r} takes no such option; it takes {', '.join(taken)}")
    if "device" in options and "device" not in known:
        return loader(argument, **{k: v for k, v in options.items() if k != "device"}).to(options["device"])
    return loader(argument, **options)


Loader = Callable[..., PairedEmbeddings]


def _source(name: object) -> tuple[Loader, Any]:
    """The function that serves `name`, and what to give it."""
    if isinstance(name, tuple) and len(name) == 2:
        return _load_files, name
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"name: expected a name, a path or a pair of paths, got {name!r}")
    text = os.fspath(name)
    if isinstance(name, str):
        if name in feature_names():
            return _load_paper, name
        if name.partition("@")[0] == "mini":
            return _load_mini, name
        kind, _, model = name.partition(":")
        if kind in MODELS:
            if not model:
                raise ValueError(f"name: expected an architecture as in '{kind}:ViT-B-32', got {name!r}")
            return MODELS[kind], model
        if files := re.fullmatch(r"(.+\.np[yz])\s*,\s*(.+)", name):
            return _load_files, files.groups()
    if Path(text).expanduser().is_dir():
        return _load_folder, text
    if not isinstance(name, str) or text.endswith((".npy", ".npz")) or os.sep in text:
        raise FileNotFoundError(
            f"{text}: expected 'image.npy,text.npy', or a folder with {' and '.join(_arrays.SHARDS)}; no such folder"
        )
    _inputs.choice(name, "name", [*feature_names(), "mini", "random:ViT-B-32", "open_clip:ViT-B-32/openai"])
    raise AssertionError("every known name was served above")


def _load_paper(name: str, url: str | None = None, progress: bool = True) -> PairedEmbeddings:
    x, y, source = _paper.load(name, url, progress)
    return PairedEmbeddings(x, y, name, _paper.MODALITIES[name.removesuffix("_random")], source)


def _load_random(
    architecture: str,
    n: int = 64,
    seed: int = 0,
    inputs: str = "scenes",
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> PairedEmbeddings:
    from mindgap.pairs import _open_clip  # open_clip takes seconds to import

    x, y, labels = _open_clip.embed_random(architecture, n, seed, inputs, batch_size, device, progress)
    what = "drawn scenes and captions" if inputs == "scenes" else "pictures and texts of noise"
    source = f"open_clip's {architecture} at random initialisation (seed {seed}) on {n} {what}"
    return PairedEmbeddings(x, y, f"random:{architecture}", IMAGE_TEXT, source, labels)


def _load_open_clip(
    model: str,
    data: str | os.PathLike | None = None,
    n: int | None = None,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    progress: bool = False,
    pretrained: str | os.PathLike | None = None,
) -> PairedEmbeddings:
    architecture, _, weights = model.partition("/")
    if bool(weights) == (pretrained is not None):
        raise ValueError(
            f"name: expected pre-trained weights, once, as in 'open_clip:{architecture}/openai' or "
            f"'open_clip:{architecture}//path/to/weights.safetensors' or by pretrained=, got 'open_clip:{model}' "
            f"and pretrained={pretrained!r}"
        )
    if data is None:
        raise ValueError(
            "data: expected your captioned images: a folder of images with captions.csv or a .txt beside each image, "
            "a CSV file with the columns image and caption, or a webdataset .tar"
        )
    from mindgap.pairs import _open_clip  # open_clip takes seconds to import

    chosen = weights if pretrained is None else os.fspath(pretrained)
    x, y = _open_clip.embed_captioned(architecture, chosen, data, n, batch_size, device, progress)
    source = f"open_clip's {architecture} with the weights {chosen} on {len(x)} captioned images of {data}"
    return PairedEmbeddings(x, y, f"open_clip:{architecture}/{chosen}", IMAGE_TEXT, source)


def _load_files(paths: tuple[str | os.PathLike, str | os.PathLike], n: int | None = None) -> PairedEmbeddings:
    image, text = (Path(path).expanduser() for path in paths)
    x, y = _arrays.load_files(image, text, None if n is None else _inputs.count(n, "n", 2))
    return PairedEmbeddings(x, y, f"{image.name},{text.name}", IMAGE_TEXT, f"rows of {image} and {text}")


def _load_folder(path: str, n: int | None = None) -> PairedEmbeddings:
    folder = Path(path).expanduser()
    x, y = _arrays.load_shards(folder, None if n is None else _inputs.count(n, "n", 2))
    return PairedEmbeddings(x, y, folder.name, IMAGE_TEXT, f"{len(x)} rows of the shards in {folder}")


def _load_mini(name: str, n: int = 1000, seed: int = 0, device: str | torch.device = "cpu") -> PairedEmbeddings:
    from mindgap import miniclip, scenes

    temperature = name.partition("@")[2]
    trained = miniclip.load(temperature, device) if temperature else miniclip.load(device=device)
    n = _inputs.count(n, "n", 2)
    # Training draws its scenes from seeds that are hashes, so these are new to the model.
    drawn = scenes.draw(n, seed, miniclip.IMAGE_SIZE, trained.recipe.objects)
    x, y = miniclip.encode(trained, drawn)
    labels = tuple(scenes.SHAPES[i] for i in drawn.attributes.shape[:, 0].tolist())
    source = f"our small CLIP, trained at temperature {trained.recipe.temperature:g}, on {n} new scenes (seed {seed})"
    return PairedEmbeddings(x, y, name, IMAGE_TEXT, source, labels)


MODELS: dict[str, Loader] = {"random": _load_random, "open_clip": _load_open_clip}
