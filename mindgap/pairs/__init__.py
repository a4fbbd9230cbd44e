"""Where embeddings come from: one name, two matrices whose rows belong together.

`load_pairs(name)` takes the paper's own features, the book's small CLIP, any open_clip architecture at random or with
pre-trained weights, or the reader's own files, and always returns `PairedEmbeddings`. Nothing here computes a gap.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _embedded, _files, _inputs, devices
from mindgap._errors import DataWarning, FeaturesAltered, FeaturesUnavailable, ModelUnavailable
from mindgap._extras import extra
from mindgap._reprs import Readable, Shown, listed, short
from mindgap.pairs import _arrays, _paper, _shards
from mindgap.pairs._described import StoredArray, described
from mindgap.pairs._paper import cache_folder, cached_files, description, feature_names, fetch, whereabouts
from mindgap.pairs._shards import Shards

__all__ = [
    "DataWarning",
    "FeaturesAltered",
    "FeaturesUnavailable",
    "ModelUnavailable",
    "PairedEmbeddings",
    "Shards",
    "StoredArray",
    "cache_folder",
    "cached_files",
    "described",
    "description",
    "feature_names",
    "fetch",
    "is_one_side",
    "load_pairs",
    "open_shards",
    "options_of",
    "whereabouts",
]

IMAGE_TEXT = ("image", "text")


@dataclass(frozen=True, eq=False, repr=False)
class PairedEmbeddings(Readable):
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

    def _shown(self) -> Shown:
        n, d = self.x.shape
        kinds = [(self.labels, "labels"), (self.groups, "groups")]
        known = "".join(f"; {len(set(values))} different {name}" for values, name in kinds if values is not None)
        sides = zip("xy", self.modalities, (self.x, self.y), strict=True)
        return Shown(
            f"PairedEmbeddings {short(self.name)!r}: {n} pairs of {listed(self.modalities)}, d = {d}{known}; "
            f"{short(self.source, 160)}",
            ("side", "embeds", "rows", "dimension", "device"),
            [(side, kind, n, d, rows.device) for side, kind, rows in sides],
        )

    def to(self, device: str | torch.device) -> PairedEmbeddings:
        """The same pairs on another device. Raises ValueError for one that cannot be used."""
        device = devices.usable(device)
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
        shown = self.groups or torch.unique(self.x, dim=0, return_inverse=True)[1].tolist()
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


def load_pairs(name: Name, **options: Any) -> PairedEmbeddings:
    """Embeddings by name. All take `device` (default: the CPU; "auto": `devices.device`); n is a number of pairs.

    | name | what | options |
    |---|---|---|
    | "clip" | the paper's CLIP features (Fig 1), which come with the package | |
    | "videoclip", "convirt", "clasp", "clip_random", … | the paper's other features | url, progress |
    | "mini", "mini@0.07", …, "mini@path.safetensors" | the book's small CLIP, or one of yours, on drawn scenes |
      n = 1000, seed = 0 |
    | "random:ViT-B-32", … | any open_clip architecture, untrained | n = 64, seed = 0, inputs = "scenes" or "noise",
      batch_size, progress |
    | "open_clip:ViT-B-32/openai", or …//path/to/weights.safetensors | a pre-trained model on your captioned images |
      data (a folder, a CSV file or a webdataset .tar), n = all, batch_size, progress, pretrained (a tag or a file,
      instead of /… or the file of that tag), on_error = "raise" or "skip" (pairs that cannot be used),
      captions_per_image = all |
    | "image.npy,text.npy", or a pair of paths | your own embeddings, a side a file | n |
    | "pairs.npz", "pairs.npz:image,text", "stack.npy" | both sides in one file: two arrays that say which is which, two
      named by their keys, or one of shape (2, n, d) | n |
    | a folder with img_emb/ and text_emb/ | shards as clip-retrieval and `mindgap embed` write them; of the latter
      those that are whole, and groups where images have several captions | n |

    Files end in .npy, .npz, .safetensors, .pt, .pth, .parquet (needs pyarrow), .csv or .tsv. A key goes behind a colon:
    "image.npz:features,text.npz:features". Nothing in them is ever run.

    Raises ValueError for an unknown name (with near matches) or option (with those there are), FeaturesUnavailable or
    ModelUnavailable for what is not here and cannot be fetched, FileNotFoundError for a missing file of yours, and
    ValueError naming the file for one that cannot be used, or for a device that cannot. Warns (DataWarning) of what is
    odd about data that can.
    """
    loader, argument = _source(name)
    known = _options(loader)
    for option in options:
        if option not in (taken := sorted({*known, "device"})):
            raise ValueError(f"{option}: {name!r} takes no such option; it takes {', '.join(taken)}")
    if "device" not in options:
        return loader(argument, **options)
    device = devices.usable(options["device"])
    if "device" in known:
        return loader(argument, **{**options, "device": device})
    return loader(argument, **{k: v for k, v in options.items() if k != "device"}).to(device)


Loader = Callable[..., PairedEmbeddings]
Name: TypeAlias = str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]]
"""What `load_pairs` takes."""


def options_of(name: Name) -> tuple[str, ...]:
    """The options that `load_pairs` takes for `name`, beside `device`. Raises its errors for a name that is none."""
    return tuple(option for option in _options(_source(name)[0]) if option != "device")


def _options(loader: Loader) -> list[str]:
    return list(inspect.signature(loader).parameters)[1:]


def is_one_side(name: str) -> bool:
    """Whether `name` means one file, or one array in it, that holds one side of pairs only.

    A file that is not there or cannot be read counts as one: `load_pairs` says what is wrong with it. Raises ValueError
    for a name that is none.
    """
    loader, members = _source(name)
    return loader is _load_files and len(members) == 1 and not _arrays.holds_both(members[0])


def open_shards(name: Name) -> Shards:
    """Pairs in .npy files that need not fit into memory: their shapes are looked at, and no row is read.

    `name` is one of `load_pairs` that means .npy files: a folder with img_emb/ and text_emb/, two files, or one of
    shape (2, n, d). `Shards.read` gives some of the rows; `mindgap.stream` measures them all. float64 stays float64.

    Raises as `load_pairs` does, and ValueError for a source of another kind.
    """
    loader, argument = _source(name)
    if loader is _load_folder:
        return _shards.shards_of_folder(argument)
    if loader is _load_files:
        return _shards.shards_of_files(argument)
    raise ValueError(
        f"name: expected .npy files to stream, a folder of shards, two files or a stacked one, got {name!r}"
    )


def _source(name: object) -> tuple[Loader, Any]:
    """The function that serves `name`, and what to give it."""
    if isinstance(name, (tuple, list)) and len(name) == 2 and all(isinstance(p, str | os.PathLike) for p in name):
        return _load_files, tuple(_arrays.file_named(path) for path in name)
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"name: expected a name, a path or a pair of paths, got {name!r}")
    text = _arrays.unquoted(os.fspath(name))
    if not text:
        raise ValueError("name: expected a name or a path, got an empty one")
    if isinstance(name, str):
        if text in feature_names():
            return _load_paper, text
        if text.partition("@")[0] == "mini":
            return _load_mini, text
        kind, _, model = text.partition(":")
        if kind in MODELS:
            if not model:
                raise ValueError(f"name: expected an architecture as in '{kind}:ViT-B-32', got {text!r}")
            return MODELS[kind], model
    path = _files.user_path(text, "name")
    if path.is_dir():
        return _load_folder, path
    if members := _arrays.files_named(text):
        return _load_files, members
    if not isinstance(name, str) or os.sep in text:
        raise FileNotFoundError(f"{text}: expected {_arrays.EXPECTED}; no such file or folder")
    try:
        _inputs.choice(text, "name", [*feature_names(), "mini", "random:ViT-B-32", "open_clip:ViT-B-32/openai"])
    except ValueError as error:
        raise ValueError(f"{error}; or files of your own: {_arrays.EXPECTED}") from None
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
    from mindgap import scenes, towers

    n, seed = _inputs.count(n, "n", 2), _inputs.count(seed, "seed", 0, _inputs.LARGEST_SEED)
    halves = f"{architecture}:image", f"{architecture}:text"
    ((_, found),) = towers.embed_seeds(halves, [seed], inputs, n, seed, device, batch_size, progress)
    x, y = (found[half].to(device) for half in halves)
    labels = None
    if inputs == "scenes":
        labels = tuple(scenes.SHAPES[i] for i in scenes.arrange(n, seed).attributes.shape[:, 0].tolist())
    what = "drawn scenes and captions" if inputs == "scenes" else "pictures and texts of noise"
    source = f"open_clip's {architecture} at random initialisation (seed {seed}) on {n} {what}"
    return PairedEmbeddings(x, y, f"random:{architecture}", IMAGE_TEXT, source, labels)


def _load_open_clip(
    model: str,
    data: str | os.PathLike[str] | None = None,
    n: int | None = None,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    progress: bool = False,
    pretrained: str | os.PathLike[str] | None = None,
    on_error: str = "raise",
    captions_per_image: int | None = None,
) -> PairedEmbeddings:
    with extra("clip"):
        from mindgap.pairs import _pretrained  # open_clip takes seconds to import

    architecture, _, weights = model.partition("/")
    given = [_pretrained.tag_or_file(chosen) for chosen in (weights or None, pretrained) if chosen is not None]
    tags, files = [tag for tag, _ in given if tag], [file for _, file in given if file]
    if not given or len(tags) > 1 or len(files) > 1:
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
    tag, file = (one[0] if one else None for one in (tags, files))
    found = _pretrained.embed_captioned(
        architecture, tag, file, data, n, captions_per_image, on_error, batch_size, device, progress
    )
    chosen, images = file or tag, len(set(found.images))
    several = images < len(found.images)
    what = f"{len(found.images)} captions of {images} images" if several else f"{images} captioned images"
    source = f"open_clip's {architecture} with the weights {chosen} on {what} of {data}"
    name = f"open_clip:{architecture}/{chosen}"
    return PairedEmbeddings(found.x, found.y, name, IMAGE_TEXT, source, groups=found.images if several else None)


def _load_files(members: tuple[_arrays.Member, ...], n: int | None = None) -> PairedEmbeddings:
    x, y = _arrays.load_files(members, None if n is None else _inputs.count(n, "n", 2))
    name = ",".join(member.name for member in members)
    return PairedEmbeddings(x, y, name, IMAGE_TEXT, f"rows of {' and '.join(map(str, members))}")


def _load_folder(folder: Path, n: int | None = None) -> PairedEmbeddings:
    manifest = _embedded.read_manifest(folder)
    x, y = _arrays.load_shards(folder, None if n is None else _inputs.count(n, "n", 2), manifest)
    source, groups = f"{len(x)} rows of the shards in {folder}", None
    if manifest is not None:
        recipe = manifest["recipe"]
        source = (
            f"{recipe['model']} with the weights {recipe['pretrained'] or recipe['weights']} on "
            f"{manifest['source']}: {source}"
        )
        if recipe["captions"] == "all":
            names = _arrays.image_names(folder, len(x), manifest)
            groups = names if len(set(names)) < len(names) else None
    return PairedEmbeddings(x, y, folder.name, IMAGE_TEXT, source, groups=groups)


def _load_mini(name: str, n: int = 1000, seed: int = 0, device: str | torch.device = "cpu") -> PairedEmbeddings:
    from mindgap import miniclip, scenes
    from mindgap.recipe import IMAGE_SIZE

    temperature = name.partition("@")[2]
    trained = miniclip.load(temperature, device) if temperature else miniclip.load(device=device)
    n = _inputs.count(n, "n", 2)
    # Training draws its scenes from seeds that are hashes, so these are new to the model.
    drawn = scenes.draw(n, seed, IMAGE_SIZE, trained.recipe.objects)
    x, y = miniclip.encode(trained, drawn)
    labels = tuple(scenes.SHAPES[i] for i in drawn.attributes.shape[:, 0].tolist())
    source = f"our small CLIP, trained at temperature {trained.recipe.temperature:g}, on {n} new scenes (seed {seed})"
    return PairedEmbeddings(x, y, name, IMAGE_TEXT, source, labels)


MODELS: dict[str, Loader] = {"random": _load_random, "open_clip": _load_open_clip}
