"""What a file is, by its first bytes, whatever it is called, and what its owner can do about it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".npy", ".npz", ".safetensors", ".pt", ".pth", ".parquet", ".csv", ".tsv")
"""How files of arrays end that are read; `_formats` has the readers."""

READ = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"

_HDF = 'an HDF5 file: h5py.File(path)["…"][:] gives an array of it'
_PICKLE = "a Python pickle, which can run any code when it is loaded: load it yourself if you trust its source"
_ARROW = "an Arrow file: pandas.read_feather(path) gives a table of it"
# What may hold embeddings and is not read, with the way to what is.
UNREAD = {
    ".h5": _HDF,
    ".hdf5": _HDF,
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".ckpt": _PICKLE,
    ".feather": _ARROW,
    ".arrow": _ARROW,
    ".mat": 'a MATLAB file: scipy.io.loadmat(path)["…"] gives an array of it',
    ".json": "text: json.load gives lists, and numpy.asarray an array of them",
    ".tar": "an archive, of captioned images perhaps; a model embeds those: load_pairs('open_clip:…', data=path)",
    ".jsonl": "text: pandas.read_json(path, lines=True) gives a table of it",
    ".bin": "numbers without a shape: numpy.fromfile(path, dtype).reshape(n, d) gives an array of them",
}
KNOWN = (*SUFFIXES, *UNREAD)


@dataclass(frozen=True)
class Kind:
    """What a file is by its first bytes, what to do about it, and the suffixes with which it is read, if any."""

    what: str
    remedy: str
    suffixes: tuple[str, ...] = ()


def _named(what: str, *suffixes: str) -> Kind:
    return Kind(what, f"rename it to end in {suffixes[0]}", suffixes)


def _packed(program: str) -> Kind:
    return Kind(f"compressed by {program}", f"unpack it by {program} first")


_PAGE = Kind("a web page", "get the file itself")
_MAGIC = {
    b"version https://git-lfs": Kind(
        "a git-LFS pointer, which stands for data that are not here", "run `git lfs pull` in its repository"
    ),
    b"<!doctype html": _PAGE,
    b"<!DOCTYPE html": _PAGE,
    b"<html": _PAGE,
    b"<?xml": Kind("XML, such as a server's refusal", "get the file itself"),
    b"\x93NUMPY": _named("a NumPy array", ".npy"),
    b"\x89HDF\r\n": Kind(_HDF, f"write that as one of {READ}"),
    b"PAR1\x15": _named("a Parquet table", ".parquet"),
    b"\x1f\x8b": _packed("gzip"),
    b"\xfd7zXZ": _packed("xz"),
    b"BZh91AY": _packed("bzip2"),
    b"\x28\xb5\x2f\xfd": _packed("zstd"),
    # The number that PyTorch wrote first, pickled, before its files became zip archives.
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.": Kind(
        "a PyTorch file of the format before 2020", "load it in PyTorch and save it again by torch.save"
    ),
}


def kind(path: Path) -> Kind | None:
    """What a file certainly is; None where its first bytes do not tell."""
    with path.open("rb") as file:
        start = file.read(64)
    if found := kind_of_bytes(start):
        return found
    if start.startswith(b"PK\x03\x04"):
        return _zipped(path)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size - 8:
        return _named("a safetensors file", ".safetensors")
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return Kind(_PICKLE, f"then write its arrays as one of {READ}")
    return None


def kind_of_bytes(start: bytes) -> Kind | None:
    """What certainly begins with these bytes."""
    if not start:
        return Kind("an empty file", "get or write it again")
    return next((found for magic, found in _MAGIC.items() if start.lstrip().startswith(magic)), None)


def _zipped(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return Kind("a zip archive without its end, so cut short", "get or write it again")
    if any(name.endswith("data.pkl") for name in names):
        return _named("a PyTorch file", ".pt", ".pth")
    if any(name.endswith(".npy") for name in names):
        return _named("an archive of NumPy arrays", ".npz")
    return Kind("a zip archive", "unpack it")
