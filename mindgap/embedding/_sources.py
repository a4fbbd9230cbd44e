"""What there is to embed: images in an order that does not change, each with the captions that are wanted of it."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from mindgap import _files, _inputs
from mindgap._errors import first_few
from mindgap.pairs._captioned import (
    IMAGE_ENDINGS,
    Captioned,
    Stored,
    Wrong,
    captioned_images,
    in_archive,
    natural,
    with_caption,
)

CAPTIONS = ("first", "last", "all")
EXPECTED = (
    "a folder of captioned images, a .csv or .tsv table, a COCO captions .json, or webdataset archives: a .tar, a "
    "folder of them, or a pattern such as 'part-*.tar' or 'part-{000..099}.tar'"
)


@dataclass(frozen=True)
class Item:
    """An image, still unread, by its name within the source, with its captions."""

    name: str
    stored: Stored
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """All that is to be embedded; `problems` are the name and the reason of what cannot be, as far as one sees now.

    `sha256` is that of the names, sizes and captions in their order: what was added, removed or renamed changes it.
    """

    kind: str
    path: str
    items: tuple[Item, ...]
    problems: tuple[tuple[str, str], ...]
    sha256: str

    @property
    def captions(self) -> int:
        """How many there are, of all images."""
        return sum(len(item.captions) for item in self.items)


def listed(data: str | os.PathLike[str], images: str | os.PathLike[str] | None, captions: str) -> Source:
    """The images of `data` in their order, with the "first", the "last" or "all" of their captions.

    `images` is the folder of the images that a COCO file names. Raises FileNotFoundError for what is not there,
    ValueError for what cannot be read, and for fewer than two images.
    """
    _inputs.choice(captions, "captions", CAPTIONS)
    if not isinstance(data, str | os.PathLike):
        raise TypeError(f"data: expected {EXPECTED}, got {data!r}")
    path = _files.user_path(data, "data")
    if images is not None and path.suffix.lower() != ".json":
        raise ValueError(f"images: the folder of a COCO captions .json, and data is {str(path)!r}")
    errors: list[str] = []
    root, kind, found = _opened(path, images, lambda error: errors.append(str(error)))
    items = _grouped(root, found, captions)
    problems = [_problem(root, error) for error in errors]
    if len(items) < 2:
        unused = first_few([f"{name}: {why}" for name, why in problems])
        raise ValueError(
            f"data: expected at least 2 captioned images in {path}, got {len(items)}"
            + f"; {len(problems)} cannot be used: {unused}" * bool(problems)
        )
    digest = hashlib.sha256()
    for item in items:
        digest.update(json.dumps([item.name, item.stored.size(), item.captions]).encode() + b"\n")
    return Source(kind, str(path), items, tuple(problems), digest.hexdigest())


def _opened(path: Path, images: str | os.PathLike[str] | None, noted: Wrong) -> tuple[Path, str, Iterator[Captioned]]:
    """The folder that names are told from, the kind of the source, and what is in it."""
    if archives := _archives(path):
        folders = {archive.parent for archive in archives}
        root = archives[0].parent if len(folders) == 1 else Path(os.path.commonpath(folders))
        return root, "webdataset", itertools.chain.from_iterable(in_archive(one, noted) for one in archives)
    if path.suffix.lower() == ".json":
        if not path.is_file():
            raise FileNotFoundError(f"data: {path} does not exist")
        root = _image_folder(path, images)
        return root, "COCO captions", _coco(path, root, noted)
    if not path.exists():
        raise FileNotFoundError(f"data: {path} does not exist; expected {EXPECTED}")
    if path.is_file() and path.suffix.lower() not in (".csv", ".tsv"):
        raise ValueError(f"data: expected {EXPECTED}, got {path}")
    kind = "folder" if path.is_dir() else "table"
    return (path if path.is_dir() else path.parent), kind, iter(captioned_images(path, wrong=noted))


def _archives(path: Path) -> list[Path]:
    """The webdataset archives that a path names, in natural order; none if it names something else."""
    text = str(path)
    if path.is_dir():
        inside = [one for one in path.iterdir() if not one.name.startswith(".")]
        tars = [one for one in inside if one.suffix.lower() == ".tar"]
        images = any(one.suffix.lower() in IMAGE_ENDINGS for one in inside)
        return [] if images else sorted(tars, key=natural)
    if path.is_file():
        return [path] if path.suffix.lower() == ".tar" else []
    if braces := re.search(r"\{(\d+)\.\.(\d+)\}", text):
        first, last = braces[1], braces[2]
        named = [
            Path(text.replace(braces[0], f"{number:0{len(first)}}", 1)) for number in range(int(first), int(last) + 1)
        ]
        if missing := [str(one) for one in named if not one.is_file()]:
            raise FileNotFoundError(f"data: {len(missing)} of {len(named)} archives are missing: {first_few(missing)}")
        return named
    if has_magic(text):
        found = [Path(one) for one in glob(text)]
        if not found:
            raise FileNotFoundError(f"data: no file has a name like {text!r}")
        if other := next((one for one in found if one.suffix.lower() != ".tar"), None):
            raise ValueError(f"data: expected archives that end in .tar, and {text!r} also means {str(other)!r}")
        return sorted(found, key=natural)
    return []


def _grouped(root: Path, pairs: Iterator[Captioned], captions: str) -> tuple[Item, ...]:
    """The images in the order of their first captions."""
    groups: dict[str, list[Captioned]] = {}
    for pair in pairs:
        groups.setdefault(pair.image_at, []).append(pair)
    chosen = {"first": slice(0, 1), "last": slice(-1, None), "all": slice(None)}[captions]
    return tuple(
        Item(_within(root, name), group[0].stored, tuple(pair.caption for pair in group[chosen]))
        for name, group in groups.items()
    )


def _problem(root: Path, error: str) -> tuple[str, str]:
    """What an error is about, within the source, and the reason."""
    parts = error.split(": ")
    names = 2 if parts[0].lower().endswith(".tar") and len(parts) > 2 else 1  # an archive and what is in it
    return _within(root, ": ".join(parts[:names])), ": ".join(parts[names:])


def _within(root: Path, name: str) -> str:
    """`name` as seen from `root`, so that a source that has moved is the same one; with escapes where it is no text.

    Names of files may be any bytes, and nothing that is written of them takes those that are not UTF-8.
    """
    return name.removeprefix(f"{root}{os.sep}").encode(errors="backslashreplace").decode()


def _image_folder(path: Path, images: str | os.PathLike[str] | None) -> Path:
    """The folder of a COCO file's images: the one that is named, or one called val2017 beside captions_val2017.json."""
    if images is not None:
        folder = _files.user_path(images, "images")
        if not folder.is_dir():
            raise FileNotFoundError(f"images: no folder {str(folder)!r}")
        return folder
    name = path.stem.partition("_")[2]
    places = [path.parent / name, path.parent.parent / name, path.parent.parent / "images" / name] if name else []
    for place in places:
        if place.is_dir():
            return place
    looked = ", ".join(map(str, places)) or "nowhere"
    raise FileNotFoundError(f"images: expected the folder of the images that {path} names (looked in: {looked})")


def _coco(path: Path, folder: Path, wrong: Wrong) -> Iterator[Captioned]:
    """The images in the order of the file, the captions of each in theirs."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected COCO's captions as JSON, got an error: {error}") from error
    try:
        files = [(image["id"], str(image["file_name"])) for image in content["images"]]
        said = [
            (one["image_id"], "" if one["caption"] is None else str(one["caption"])) for one in content["annotations"]
        ]
    except (TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: expected COCO's captions, images with id and file_name and annotations with image_id and "
            f"caption, got an error: {type(error).__name__} {error}"
        ) from error
    for what, values in (("id", [id for id, _ in files]), ("file_name", [name for _, name in files])):
        if repeated := [value for value, times in Counter(values).items() if times > 1]:
            raise ValueError(f"{path}: expected images that differ in {what}, got {repeated[0]!r} twice")
    captions: dict[Any, list[str]] = {id: [] for id, _ in files}
    for id, caption in said:
        if id not in captions:
            wrong(ValueError(f"{path.name}: a caption of an image that the file does not have, {id}"))
        else:
            captions[id].append(caption)
    for id, name in files:
        where, image = f"{folder}{os.sep}{name}", folder / name
        if not captions[id]:
            wrong(FileNotFoundError(f"{where}: no caption in {path.name}"))
        elif not os.path.isfile(image):  # which a name too long for a file is not, either
            wrong(FileNotFoundError(f"{where}: no such file, which {path.name} names"))
        else:
            for caption in captions[id]:
                text = caption.encode(errors="surrogatepass")  # JSON may hold half a character
                yield from with_caption(where, text, where, Stored(image), wrong)
