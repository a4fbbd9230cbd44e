"""The paper's own embeddings (Fig 1): eight small files that its authors ship; one is here, seven are fetched."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _files, _inputs
from mindgap._errors import FeaturesAltered, FeaturesUnavailable, warn

if TYPE_CHECKING:  # only those who fetch pay for what fetching needs
    import pooch

SHIPPED = {"clip": Path(__file__).parents[1] / "data" / "clip.npy"}
"""What comes with the package, as float16, which holds these numbers exactly; see the README beside them."""

COMMIT = "8e20cb24efa4c5f89aad694f2f65eb43ffc46d10"
FOLDER = "Figure_1_Modality_Gap"
URL = f"https://raw.githubusercontent.com/Weixin-Liang/Modality-Gap/{COMMIT}/{FOLDER}/"
TIMEOUT = (10, 30)  # seconds to connect, and between two packets
RETRIES = 2  # after a cut connection or a damaged download

SHA256 = {
    "clip": "7227280ace0f145d2c45afa8ab507a1cb280e9460aa271fe9052d08e35342adb",
    "clip_random": "c6a5f9ca3fba36d635fd47d20b3cdd5b9ac78dc462070240fdc2ee2786110403",
    "videoclip": "53255cac6105c5c47dd1850d77de084957d5f83841ba9ae9254bf7ae998573da",
    "videoclip_random": "c57ee05a606c4a9da0d71ad8b5d5c964d780af816890064a693eb178492c0f3b",
    "convirt": "8cfb9c31888d12726a3f8b551bed64f04b25d1c76d5353b0a3e9efeceb43edb9",
    "convirt_random": "2fd5698e712d5e0d72256a1b29044b2059818f0575ab12bfcb2c5ae13092007f",
    "clasp": "5a1d12a68729405003fe19b271a38ae35adab97c139e4b4a51d70b18c44bf628",
    "clasp_random": "2a159d008b7527e9fbd3de49daf9116d9500d1aaa250c3a5b009b162c5f4066b",
}

# Each file stacks two matrices. The authors' extraction notebooks save the text tower second in every one of them.
MODALITIES = {
    "clip": ("image", "text"),
    "videoclip": ("video", "text"),
    "convirt": ("image", "text"),  # a chest radiograph and its report
    "clasp": ("protein sequence", "text"),
}
PAIRS = {
    "clip": "CLIP ViT-B/16 on 500 COCO validation pairs",
    "videoclip": "VideoCLIP on 100 captioned videos",
    "convirt": "ConVIRT (ResNet-50, BERT) on 500 chest radiographs with reports",
    "clasp": "CLASP on 99 protein sequences with descriptions",
}


def feature_names() -> tuple[str, ...]:
    """The eight names of the authors' features, in the order of Fig 1."""
    return tuple(SHA256)


def cache_folder() -> Path:
    """Where fetched files are kept: the environment variable MINDGAP_CACHE, else the user's cache folder."""
    if own := os.environ.get("MINDGAP_CACHE"):
        return _files.user_path(own, "MINDGAP_CACHE")
    import pooch

    return Path(pooch.os_cache("mindgap"))


def fetch(name: str, force: bool = False, url: str | None = None, progress: bool = True) -> Path:
    """Path of one of the authors' files: in the folder MINDGAP_DATA or in the cache, downloaded there first if need be.

    `url` (default: the environment variable MINDGAP_URL, else the authors' repository) is the folder to download from.
    A file enters the cache under its name only when it is complete and its SHA-256 is right. A file found is verified
    again each time; one that has changed is an error, and is replaced, in the cache only, when `force` is true. A right
    one could not change by downloading it again, so it never is. `load_pairs` needs no file for "clip", whose numbers
    come with the package; `fetch` gets it like the others.

    Raises ValueError for an unknown name or a `url` that is none, FeaturesAltered for a changed file,
    FeaturesUnavailable when the file can neither be found nor downloaded, or the cache cannot be written.
    """
    name = _inputs.choice(name, "name", SHA256)
    if not force and (found := _found(name)):
        return found
    cached = cache_folder() / filename(name)
    try:
        return _download(name, cached.parent, url, progress)
    except _CacheNotWritable as error:
        raise FeaturesUnavailable(
            f"{cached.name}: the cache folder {cached.parent} cannot be written ({error}). "
            "Set MINDGAP_CACHE to a folder that can be."
        ) from error


def load(name: str, url: str | None, progress: bool) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"], str]:
    """The two matrices of one file and a line about their source: shipped, or from MINDGAP_DATA, cache or network."""
    if name in SHIPPED:
        return _read(SHIPPED[name], name)
    if found := _found(name):
        return _read(found, name)
    cached = cache_folder() / filename(name)
    try:
        return _read(_download(name, cached.parent, url, progress), name)
    except _CacheNotWritable as error:
        warn(
            f"the cache folder {cached.parent} cannot be written ({error}), so {cached.name} will be downloaded "
            "every time; set MINDGAP_CACHE to a folder that can be"
        )
        with tempfile.TemporaryDirectory() as folder:
            return _read(_download(name, Path(folder), url, progress), name)


def description(name: str) -> str:
    """What one of the authors' names is. Raises ValueError for an unknown name."""
    model, _, random = _inputs.choice(name, "name", SHA256).partition("_")
    return f"{PAIRS[model]}{', before training' if random else ''}"


def cached_files() -> tuple[Path, ...]:
    """The authors' files that are in the cache, and what an interrupted download has left there."""
    folder = cache_folder()
    names = {filename(name) for name in SHA256}
    if not folder.is_dir():
        return ()
    return tuple(
        file for file in sorted(folder.iterdir())
        if file.is_file() and (file.name in names or re.fullmatch(r"tmp[a-z0-9_]{8}", file.name))
    )  # fmt: skip


def whereabouts(name: str) -> str:
    """Where the numbers of one of the authors' names are, in words: with the package, in a folder, or not here.

    Raises ValueError for an unknown name.
    """
    if _inputs.choice(name, "name", SHA256) in SHIPPED:
        return "comes with the package"
    try:
        found = _found(name)
    except FeaturesAltered:
        return "altered, so not used"
    if found is None:
        return f"not here: mindgap fetch {name}"
    return "in the cache" if found.parent == cache_folder() else "in MINDGAP_DATA"


def _found(name: str) -> Path | None:
    """The file where it lies on this machine, verified; None if it is nowhere."""
    folder = _own_folder()
    own = folder / filename(name) if folder else None
    if own is not None and _is_file(own):
        return _verified(own, name, "replace it by an unchanged copy, or unset MINDGAP_DATA")
    cached = cache_folder() / filename(name)
    if _is_file(cached):
        return _verified(cached, name, f"run `mindgap fetch {name} --force` to download it again")
    return None


def _own_folder() -> Path | None:
    data = os.environ.get("MINDGAP_DATA")
    return _files.user_path(data, "MINDGAP_DATA") if data else None


def filename(name: str) -> str:
    return f"features_{name}.npy"


class _CacheNotWritable(OSError):
    pass


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be looked into holds nothing for us
        return False


def _verified(path: Path, name: str, remedy: str) -> Path:
    import pooch

    found = pooch.file_hash(str(path))
    if found != SHA256[name]:
        raise FeaturesAltered(
            f"{path}: this is not the file its authors published (SHA-256 {found[:12]}…, expected "
            f"{SHA256[name][:12]}…), so it was not used; {remedy}"
        )
    return path


def _read(path: Path, name: str) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"], str]:
    x, y = torch.from_numpy(np.load(path, allow_pickle=False).astype(np.float32))
    model, _, random = name.partition("_")
    # The authors' notebooks for these two build their "random" text tower from a published BERT.
    bert = " (its text tower: pre-trained BERT)" if model in ("videoclip", "convirt") else ""
    weights = f"before training{bert}" if random else "pre-trained"
    return x, y, f"{PAIRS[model]}, {weights}; the paper's authors, commit {COMMIT[:7]}, {FOLDER}/{filename(name)}"


def _download(name: str, folder: Path, url: str | None, progress: bool) -> Path:
    import pooch
    from tqdm.auto import tqdm

    base = _address(url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _CacheNotWritable(error.strerror) from error
    source = pooch.create(folder, base, registry={filename(name): SHA256[name]}, retry_if_failed=RETRIES)

    def stream(address: str, target: Any, _: pooch.Pooch) -> None:
        # pooch sets the total once the server has told it, but takes a bar without any for no bar.
        with tqdm(
            desc=filename(name), total=1, unit="B", unit_scale=True, disable=not progress, dynamic_ncols=True
        ) as bar:
            try:
                pooch.HTTPDownloader(progressbar=progress and bar, chunk_size=2**15, timeout=TIMEOUT)(
                    address, target, source
                )
            except OSError as error:
                if (response := getattr(error, "response", None)) is not None:
                    response.close()  # pooch leaves the connection of a refusal open
                if _is_final(error):  # pooch would wait and ask again
                    raise FeaturesUnavailable(_unavailable(name, address, _reason(error))) from None
                raise

    try:
        with _quiet(pooch.get_logger()):
            return Path(source.fetch(filename(name), downloader=stream))
    except FeaturesUnavailable:
        raise
    except ValueError as error:  # three downloads, each with a wrong digest
        raise FeaturesUnavailable(
            _unavailable(name, source.get_url(filename(name)), "what came is not the published file: wrong SHA-256")
        ) from error
    except OSError as error:
        if error.errno is not None:  # not from the network: a full disk, for one
            raise FeaturesUnavailable(
                f"{filename(name)} cannot be written to {folder} ({error.strerror}). "
                "Make room there, or set MINDGAP_CACHE to a folder with more."
            ) from error
        raise FeaturesUnavailable(_unavailable(name, source.get_url(filename(name)), _reason(error))) from error


def _address(url: str | None) -> str:
    """The folder to download from, checked to be an address: pooch would retry, and then blame the digest."""
    name, base = ("url", url) if url else ("MINDGAP_URL", os.environ.get("MINDGAP_URL") or URL)
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise ValueError(f"{name}: expected an address that begins with https:// or http://, got {base!r}")
    return base


def _is_final(error: OSError) -> bool:
    """Whether asking again cannot help: no connection could be made at all, or the server refused.

    A connection cut on the way, or a server in trouble (5xx), is worth another try.
    """
    response = getattr(error, "response", None)
    if response is not None:
        return bool(400 <= response.status_code < 500)
    return _could_not_connect(error)


def _could_not_connect(error: OSError) -> bool:
    import urllib3

    # requests wraps one urllib3 error in its own: this one before, ProtocolError after the connection is made.
    return bool(error.args) and isinstance(error.args[0], urllib3.exceptions.MaxRetryError)


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    return "no connection" if _could_not_connect(error) else f"the connection broke off {RETRIES + 1} times"


def _unavailable(name: str, address: str, reason: str) -> str:
    own = _own_folder()
    if own is None:
        data = "MINDGAP_DATA (not set)"
    else:
        data = f"{own} (MINDGAP_DATA)" if own.is_dir() else f"{own} (MINDGAP_DATA; there is no such folder)"
    return (
        f"{filename(name)} is missing. Looked for it in {data}, in the cache {cache_folder()}, and at {address} "
        f"({reason}). Run `mindgap fetch {name}` once while online, or set MINDGAP_DATA to a folder that holds it."
    )


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """pooch reports each file with its local path; the progress bar says enough."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
