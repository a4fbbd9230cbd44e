"""Pre-trained models over many captioned images, into a folder of shards that a kill at any point cannot spoil.

`embed` takes any model and weights that open_clip has, and a folder, a table, COCO's captions or webdataset archives.
What it writes has the names that clip-retrieval uses, so that `load_pairs(folder)` and other tools read it, and a
manifest that says what made the numbers. `read` tells what a folder holds. At the command line: `mindgap embed`.

Why no webdataset library: it streams archives and has no address for a row. Here each image has one (a file, or an
offset in an archive), so that rows come in one order whatever the number of workers or of runs, and a killed run goes
on at the first row that is not there. Python's own tarfile finds these addresses in the headers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _embedded, _files, _inputs, devices
from mindgap._errors import warn
from mindgap._extras import extra
from mindgap._reprs import Readable, Shown, short
from mindgap.embedding import _folder

if TYPE_CHECKING:  # open_clip takes seconds to import
    from mindgap.embedding._images import Batch
    from mindgap.embedding._sources import Item, Source

__all__ = ["PRECISIONS", "Embedded", "captions", "embed", "read"]

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
"""What towers compute in; rows are stored as float32 in any case."""

_MOST_WORKERS = 8
_NO_ROWS = np.empty((0, 0), np.float32), np.empty((0, 0), np.float32)


@dataclass(frozen=True, repr=False)
class Embedded(Readable):
    """What a folder of `embed` holds.

    `rows` are its pairs, an image and a caption each, of `images` different images, in `shards` whole shards of
    `planned`; `skipped` images or captions could not be used, and skipped.csv lists them; `cut` captions are longer
    than the model reads. Until the last shard is there, these count those that are, and `complete` is false. `manifest`
    is all that the folder says of itself.
    """

    folder: Path
    rows: int
    images: int
    skipped: int
    cut: int
    shards: int
    planned: int
    manifest: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether all shards are there."""
        return self.shards == self.planned

    def _shown(self) -> Shown:
        recipe = self.manifest["recipe"]
        state = "complete" if self.complete else f"unfinished, {self.shards} of {self.planned} shards"
        return Shown(
            f"Embedded {short(str(self.folder))}: {named(recipe)} on {short(str(self.manifest['source']))}; {state}:",
            ("pairs", "images", "skipped", "captions cut"),
            [(self.rows, self.images, self.skipped, self.cut)],
        )


def named(recipe: Mapping[str, Any]) -> str:
    """A model with its weights, as a recipe has them."""
    parts = [recipe["model"], recipe["pretrained"], recipe["weights"]]
    return "/".join(str(part) for part in parts if part)


def read(folder: str | os.PathLike[str]) -> Embedded:
    """What a folder of `embed` holds, from its manifest and the records of its shards.

    Raises FileNotFoundError if there is no such manifest, ValueError if something is damaged.
    """
    path = _files.user_path(folder, "folder")
    manifest = _embedded.read_manifest(path)
    if manifest is None:
        raise FileNotFoundError(f"folder: {str(path)!r} has no {_embedded.MANIFEST} of {_embedded.MADE_BY}")
    parts = list(_embedded.records(path, manifest["shards"]))
    return Embedded(
        path,
        sum(part.rows for part in parts),
        sum(part.images for part in parts),
        len(manifest["problems"]) + sum(len(part.content["skipped"]) for part in parts),
        sum(part.content["cut"] for part in parts),
        len(parts),
        manifest["shards"],
        manifest,
    )


def captions(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """The caption of each row of `load_pairs(folder)`.

    Raises as `read` does, and ModuleNotFoundError where pyarrow is missing, which reads them.
    """
    from mindgap.pairs import _arrays

    found = read(folder)
    return _arrays.captions(found.folder, found.rows, found.manifest)


def class_captions(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """`captions` of a folder whose captions name the classes of its images: raises ValueError for several of one."""
    found = read(folder)
    if found.rows != found.images:
        raise ValueError(
            f"{found.folder}: expected one caption an image, which names its class, got {found.rows} of {found.images} "
            "images; embed them with captions first"
        )
    return captions(folder)


def embed(
    model: str,
    pretrained: str | os.PathLike[str] | None,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    images: str | os.PathLike[str] | None = None,
    captions: str = "first",
    batch_size: int = 64,
    workers: int | None = None,
    shard_rows: int = 1000,
    precision: str = "auto",
    device: str | torch.device = "cpu",
    force: bool = False,
    progress: bool = False,
    log: Callable[[str], object] | None = None,
) -> Embedded:
    """Embed the captioned images in `data` with a model of open_clip, into the folder `out`.

    `pretrained` is a tag of the model's published weights, or the path of a .safetensors file; with both, the tag says
    how the model is built and `weights` is the file. `data`: a folder (captions.csv, or a .txt beside each image), a
    .csv or .tsv table, COCO's captions as .json with its folder of `images`, or webdataset archives (a .tar, a folder
    of them, a pattern). `captions` "first", "last" or "all" of an image; with all, its row stands once for each of
    them, and `load_pairs(out)` has the images' names as `groups`.

    Shards have at most `shard_rows` rows, more only where one image alone has more captions; rows have length 1, are
    float32, and follow the order of the source. A shard counts once its record is there, its last file: the same call,
    after a kill at any point, computes those that are missing, and gives the same rows. A complete folder is left as it
    is. Images that cannot be used are skipped, listed in skipped.csv, and counted.

    `precision`: "float32"; on CUDA also "bfloat16" or "float16", by autocast, which keeps norms and softmax in float32;
    "auto" is bfloat16 on a CUDA device that has it, and float32 elsewhere. `workers` (default: none on the CPU, up to
    8 with a GPU) read and prepare images in processes of their own. Under torchrun (RANK, WORLD_SIZE) each process
    takes its own shards; the last to end completes the folder. `log` is called with a line for every shard.

    Raises ValueError for an unknown model or tag (with near matches), for `out` with embeddings of another recipe or
    another source, unless `force`, and for a source without two usable images; FileExistsError for an `out` with other
    things in it; ModelUnavailable for weights that are neither here nor to be had; OSError where the machine fails to
    read. Warns of captions that are cut and of what was skipped.
    """
    folder = _folder.looked_at(out, force)
    batch_size, shard_rows = _inputs.count(batch_size, "batch_size"), _inputs.count(shard_rows, "shard_rows", 2)
    rank, ranks = _rank("RANK", 0), _rank("WORLD_SIZE", 1)
    if force and ranks > 1:
        raise ValueError(f"force: {ranks} processes cannot agree on what to remove; remove {str(folder)!r} first")
    device = _device(device, ranks)
    recipe: dict[str, Any] = {"precision": _precision(precision, device), "captions": captions}
    workers = _workers(workers, device)
    with extra("parquet"):
        import pyarrow  # noqa: F401 - the metadata needs it, and the first shard may take hours
    with extra("clip"):
        from mindgap._open_clip import create, known_architecture, tokenizer
        from mindgap.embedding import _images
        from mindgap.embedding._sources import listed
        from mindgap.pairs import _pretrained

    recipe["model"] = known_architecture(model)
    tag, file = _tag_and_file(pretrained, weights)
    source = listed(data, images, captions)
    recipe |= {"pretrained": tag, "shard_rows": shard_rows, "source": _told(source)}
    if not force:
        _folder.refuses_another(folder, recipe)  # before the weights are got
    path, options = _pretrained.weights(model, tag, file)
    path = path or _pretrained.download(model, str(tag))
    recipe |= {"weights": None if file is None else Path(file).name, "weights_sha256": _files.sha256(path)}
    tokenize = tokenizer(model)
    tower = create(model, 0, path, options)
    recipe |= {"quick_gelu": options["force_quick_gelu"], "preprocessing": dict(tower.visual.preprocess_cfg)}
    if not force and _folder.is_complete(folder, recipe):  # which may be on a disk that cannot be written
        return read(folder)
    plan = _planned(source.items, shard_rows)
    with _folder.claimed(folder, rank, ranks):
        if force:
            _folder.emptied(folder)
        begun = _folder.begin(folder, recipe, {"source": source.path, "problems": source.problems}, len(plan))
        mine = range(rank, len(plan), ranks)
        _folder.tidied(folder, mine, ranks == 1)
        done = _folder.whole(folder, len(plan))
        todo = [number for number in mine if number not in done]
        if todo:
            towers = _Towers(tower.to(device), device, recipe["precision"], batch_size)
            steps = {number: _steps(plan[number], batch_size) for number in todo}
            found = _images.batches(
                source.items,
                [batch for shard in steps.values() for batch in shard],
                _pretrained.image_transform(tower),
                tokenize,
                workers,
                pinned=device.type == "cuda",
            )
            _write(folder, source.items, steps, found, towers, progress, log)
        done = _folder.whole(folder, len(plan))
        if len(done) == len(plan) and not (begun["complete"] and not todo):
            _finished(folder, done, source)
    return read(folder)


Rows = Float[Tensor, "n d"]


class _Towers:
    """A model on its device, in its precision: images and tokens to unit rows in float32, on the CPU."""

    def __init__(self, model: Any, device: torch.device, precision: str, batch_size: int) -> None:
        self.model, self.device, self.precision, self.batch_size = model, device, precision, batch_size

    def images(self, pixels: Float[Tensor, "n 3 h w"]) -> Rows:
        return self._rows(self.model.encode_image, pixels, "an image")

    def texts(self, tokens: Tensor) -> Rows:
        parts = tokens.split(self.batch_size)  # with all captions there are more of them than images
        return torch.cat([self._rows(self.model.encode_text, part, "a caption") for part in parts])

    @torch.inference_mode()
    def _rows(self, encode: Callable[[Tensor], Tensor], batch: Tensor, what: str) -> Rows:
        dtype = getattr(torch, self.precision)
        with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            rows = encode(batch.to(self.device, non_blocking=True))
        rows = rows.float()
        if not rows.isfinite().all() or not rows.any(dim=1).all():
            raise ValueError(
                f"precision: the model gave {what} in {self.precision} a row that is zero or not finite"
                + "; try --precision float32" * (dtype != torch.float32)
            )
        unit: Tensor = torch.nn.functional.normalize(rows, dim=1)
        return unit.cpu()


Made = tuple[np.ndarray, np.ndarray, dict[str, list[Any]], dict[str, Any]]


def _write(
    folder: Path,
    items: Sequence[Item],
    steps: Mapping[int, Sequence[range]],
    batches: Iterator[Batch],
    towers: _Towers,
    progress: bool,
    log: Callable[[str], object] | None,
) -> None:
    """Embed and write shards, by number, each of the batches in `steps`."""
    from tqdm.auto import tqdm

    made_with, begin, rows = _made_with(towers.device), time.monotonic(), 0
    total = sum(len(batch) for shard in steps.values() for batch in shard)
    with tqdm(total=total, unit=" images", disable=not progress, dynamic_ncols=True) as bar:
        for done, (number, shard) in enumerate(steps.items(), start=1):
            parts = []
            for batch in islice(batches, len(shard)):
                parts.append((batch, *_rows_of(batch, towers)))
                bar.update(len(batch.numbers) + len(batch.broken))
            x, y, metadata, record = _made(items, parts)
            _folder.write_shard(folder, number, x, y, metadata, {**record, "made_with": made_with})
            rows += len(x)
            if log is not None:
                log(f"shard {number}: {len(x):,} rows; {_pace(rows, done, len(steps), time.monotonic() - begin)}")


def _rows_of(batch: Batch, towers: _Towers) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a batch, of its images once for each of their captions."""
    if batch.pixels is None or batch.tokens is None:
        return _NO_ROWS
    images = towers.images(batch.pixels).repeat_interleave(torch.tensor(batch.texts), dim=0)
    return images.numpy(), towers.texts(batch.tokens).numpy()


def _made(items: Sequence[Item], parts: Sequence[tuple[Batch, np.ndarray, np.ndarray]]) -> Made:
    import hashlib

    there = [(x, y) for _, x, y in parts if len(x)]
    x, y = (np.concatenate([pair[side] for pair in there or [_NO_ROWS]]) for side in (0, 1))
    numbers = [number for batch, *_ in parts for number in batch.numbers]
    rows = [(number, text) for number in numbers for text in items[number].captions]
    metadata: dict[str, list[Any]] = {
        "image_path": [items[number].name for number, _ in rows],
        "caption": [text for _, text in rows],
        "image_number": [number for number, _ in rows],
    }
    record: dict[str, Any] = {
        "images": len(numbers),
        "cut": sum(batch.cut for batch, *_ in parts),
        "skipped": [{"image": items[n].name, "why": why} for batch, *_ in parts for n, why in batch.broken],
        "images_sha256": hashlib.sha256(b"".join(batch.digests for batch, *_ in parts)).hexdigest(),
    }
    return x, y, metadata, record


def _pace(rows: int, done: int, shards: int, seconds: float) -> str:
    """How many shards are left, at which rate, and how long they may take."""
    left = shards - done
    to_go = timedelta(seconds=round(left * seconds / done))
    return f"{left} of {shards} shards left" + (f", {rows / seconds:.3g} rows a second, {to_go} to go" if left else "")


def _planned(items: Sequence[Item], shard_rows: int) -> list[range]:
    """The images of each shard, by number: as many as have at most `shard_rows` captions together, and one at least."""
    ends = list(accumulate(len(item.captions) for item in items))
    shards: list[range] = []
    start = before = 0
    for number, end in enumerate(ends):
        if end - before > shard_rows and number > start:
            shards.append(range(start, number))
            start, before = number, ends[number - 1]
    return [*shards, range(start, len(items))]


def _steps(shard: range, batch_size: int) -> list[range]:
    """The batches of a shard; none reaches into the next one, so that its rows do not depend on where a run began."""
    return [shard[start : start + batch_size] for start in range(0, len(shard), batch_size)]


def _finished(folder: Path, done: Mapping[int, _embedded.Record], source: Source) -> None:
    """Complete the manifest, and warn of what a reader should know."""
    if sum(record.rows for record in done.values()) < 2:
        whys = [one["why"] for record in done.values() for one in record.content["skipped"]]
        raise ValueError(f"data: not two images of {source.path} can be used; the first: {(whys or ['-'])[0]}")
    manifest = _folder.finish(folder, done, source.problems)
    if manifest["skipped"]:
        warn(f"{manifest['skipped']} images or captions cannot be used; {folder / _embedded.SKIPPED} lists them")
    if manifest["cut"]:
        warn(f"{manifest['cut']} captions are longer than {manifest['recipe']['model']} reads, and were cut")
    if len(manifest["made_with"]) > 1:
        warn(f"shards were made with different versions or devices; {folder / _embedded.MANIFEST} lists them")


def _told(source: Source) -> dict[str, Any]:
    return {
        "kind": source.kind, "sha256": source.sha256, "images": len(source.items), "captions": source.captions,
    }  # fmt: skip


def _made_with(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {"device": name, **_files.versions("torch", "torchvision", "open_clip_torch", "pillow")}


def _tag_and_file(
    pretrained: str | os.PathLike[str] | None, weights: str | os.PathLike[str] | None
) -> tuple[str | None, str | None]:
    """The tag, the file or both that name pre-trained weights."""
    from mindgap.pairs._pretrained import tag_or_file

    tag, file = (None, None) if pretrained is None else tag_or_file(pretrained)
    if weights is not None and file is not None:
        raise ValueError(f"weights: expected one file of weights, got {file!r} and {os.fspath(weights)!r}")
    if weights is not None:
        file = os.fspath(weights)
    if tag is None and file is None:
        raise ValueError("pretrained: expected a tag such as 'openai', or the path of a .safetensors file")
    return tag, file


def _rank(name: str, without: int) -> int:
    """A number that torchrun gives to each of its processes."""
    text = os.environ.get(name, "")
    if text and not text.isdecimal():
        raise ValueError(f"{name}: expected a whole number in the environment, got {text!r}")
    return int(text) if text else without


def _device(device: str | torch.device, ranks: int) -> torch.device:
    """The device to compute on; of several processes on a machine with GPUs, each has its own one."""
    if ranks > 1 and device in (devices.AUTO, "cuda") and torch.cuda.is_available():
        return devices.usable(f"cuda:{_rank('LOCAL_RANK', 0) % torch.cuda.device_count()}")
    return devices.usable(device)


def _precision(wanted: str, device: torch.device) -> str:
    """What the towers compute in. Raises ValueError for half precision anywhere but on CUDA."""
    _inputs.choice(wanted, "precision", PRECISIONS)
    if device.type == "cuda":
        if wanted == "auto":
            return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
        return wanted
    if wanted not in ("auto", "float32"):
        raise ValueError(f"precision: expected float32 on {device.type}, got {wanted}; half precision is for CUDA")
    return "float32"


def _workers(wanted: int | None, device: torch.device) -> int:
    if wanted is not None:
        return _inputs.count(wanted, "workers", 0)
    return min(_MOST_WORKERS, max((os.cpu_count() or 1) - 1, 1)) if device.type == "cuda" else 0
