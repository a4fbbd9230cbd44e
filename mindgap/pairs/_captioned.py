"""Captioned images of the reader's own: a folder, a CSV file or a webdataset .tar, none of them trusted."""

from __future__ import annotations

import csv
import io
import os
import re
import struct
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mindgap import _files
from mindgap._errors import first_few, warn
from mindgap.pairs import _kinds

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
CAPTION_FILES = ("captions.csv", "metadata.csv")
IMAGE_COLUMNS = ("image", "filepath", "file_name", "filename", "path")
CAPTION_COLUMNS = ("caption", "title", "text")

# What Pillow raises for a damaged image; it has no one error for them.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, struct.error, Image.DecompressionBombError)

Wrong = Callable[[Exception], None]
"""What is done about a pair that cannot be used: raise the error, or note it and go on without the pair."""

Item = TypeVar("Item", Path, tarfile.TarInfo)


def refuse(error: Exception) -> None:
    raise error


@dataclass(frozen=True)
class Stored:
    """The bytes of a file, or `length` of them from `offset` on, which are read when they are asked for.

    A value and no closure, so that it can be sent to another process.
    """

    path: Path
    offset: int = 0
    length: int | None = None

    def read(self) -> bytes:
        """All of them."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.length)

    def size(self) -> int:
        """How many there are."""
        return self.path.stat().st_size if self.length is None else self.length


@dataclass(frozen=True)
class Captioned:
    """One image, still unread, with one caption.

    `image_at` and `caption_at` name them; captions of one image have the same `image_at`.
    """

    image_at: str
    caption: str
    caption_at: str
    stored: Stored

    def image(self) -> Image.Image:
        """The image in RGB, upright. Raises ValueError naming the file if it is damaged or no image at all."""
        try:
            data = self.stored.read()
        except OSError as error:
            raise ValueError(f"{self.image_at}: expected a file that can be read, got an error: {error}") from error
        return decoded(data, self.image_at)


def decoded(data: bytes, name: str) -> Image.Image:
    """The image in RGB, upright. Raises ValueError with its name if it is damaged or no image at all."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return _rgb(image)
    except _DAMAGED as error:
        if kind := _kinds.kind_of_bytes(data[:64]):
            raise ValueError(f"{name}: {kind.what}; {kind.remedy}") from error
        said = "it is no image that it knows" if isinstance(error, UnidentifiedImageError) else error
        raise ValueError(f"{name}: expected a complete image, got an error from Pillow: {said}") from error


def _rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as 8-bit RGB, turned as its EXIF orientation says. Transparency is dropped, as CLIP does."""
    grey16 = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
    image = ImageOps.exif_transpose(image)
    if grey16:  # which Pillow would clip at 255
        image = Image.fromarray((np.asarray(image) / 257).round().clip(0, 255).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode}, whose range is not known; write it with 8 or 16 bits a channel")
    elif image.mode in ("P", "PA"):  # a palette may hide transparency that converts to RGB only with a warning
        image = image.convert("RGBA")
    return image.convert("RGB")


def captioned_images(
    data: object, n: int | None = None, wrong: Wrong = refuse, captions_per_image: int | None = None
) -> list[Captioned]:
    """The first `n` (default: all) captioned images in `data`, every caption read, no image opened yet.

    `data` is a folder, with captions.csv or metadata.csv or one .txt beside each image; or a .csv or .tsv file, with a
    column `image` (or filepath, file_name, filename, path; relative to the file) and a column `caption` (or title,
    text); or an uncompressed webdataset .tar of key.jpg (or png, webp, bmp) and key.txt. Folders come in natural
    order (9.jpg before 10.jpg), the others in their own. In a table an image may stand in several rows, with a caption
    each; of these the first `captions_per_image` are kept (default: all). What belongs to no pair (files whose names
    begin with a dot, links in an archive, other parts of a webdataset's sample such as key.seg.png) is warned of.

    `wrong` is given an error for each pair that cannot be used: FileNotFoundError for an image without caption, a
    caption without image or a row without file, ValueError for an empty or undecodable caption.

    Raises FileNotFoundError for a path that is not there; ValueError, naming file and line, for a table or an archive
    that cannot be read to its end, for fewer than two pairs, or fewer than n; TypeError for `data` that is no path.
    """
    if not isinstance(data, str | os.PathLike):
        raise TypeError(f"data: expected a folder of captioned images, a CSV file or a .tar, got {data!r}")
    path = _files.user_path(data, "data")
    unused: list[str] = []

    def noted(error: Exception) -> None:
        wrong(error)
        unused.append(str(error))

    if path.is_dir():
        table = next((path / name for name in CAPTION_FILES if (path / name).is_file()), None)
        found = _table(table, noted) if table else _folder(path, noted)
    elif not path.is_file():
        raise FileNotFoundError(f"data: {path} does not exist")
    elif path.suffix.lower() in (".csv", ".tsv"):
        found = _table(path, noted)
    elif path.suffix.lower() == ".tar":
        found = in_archive(path, noted)
    else:
        raise ValueError(f"data: expected a folder, a .csv, .tsv or .tar file, got {path}")
    pairs = list(found if captions_per_image is None else _at_most(captions_per_image, found))
    if len(pairs) < 2:
        raise ValueError(
            f"data: expected at least 2 captioned images in {path}, got {len(pairs)}; see the columns or file endings "
            f"read: {', '.join(IMAGE_ENDINGS)} with .txt, or a table with {IMAGE_COLUMNS[0]} and {CAPTION_COLUMNS[0]}"
            + f"; {len(unused)} cannot be used: {first_few(unused)}"
            * bool(unused)
        )
    if n is not None and n > len(pairs):
        raise ValueError(f"n: expected at most {len(pairs)}, the captioned images in {path}, got {n}")
    return pairs[:n]


def _at_most(most: int, pairs: Iterator[Captioned]) -> Iterator[Captioned]:
    seen: Counter[str] = Counter()
    for pair in pairs:
        seen[pair.image_at] += 1
        if seen[pair.image_at] <= most:
            yield pair


def _folder(folder: Path, wrong: Wrong) -> Iterator[Captioned]:
    images: dict[str, Path] = {}
    texts: dict[str, Path] = {}
    skipped = []
    for path in sorted((p for p in folder.rglob("*") if p.is_file()), key=natural):
        ending = path.suffix.lower()
        if ending not in (*IMAGE_ENDINGS, ".txt"):
            continue
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            skipped.append(str(path))
        else:
            _add(texts if ending == ".txt" else images, str(path.with_suffix("")), path)
    _warn_of(folder, skipped)
    for stem in _matched(images, texts, wrong):
        yield from with_caption(
            str(images[stem]), texts[stem].read_bytes(), str(texts[stem]), Stored(images[stem]), wrong
        )


def _table(path: Path, wrong: Wrong) -> Iterator[Captioned]:
    header, rows = _read_table(path)
    if repeated := [name for name, times in Counter(header).items() if times > 1]:
        raise ValueError(f"{path}: expected columns of different names, got {repeated[0]!r} twice")
    image_column = next((name for name in IMAGE_COLUMNS if name in header), None)
    caption_column = next((name for name in CAPTION_COLUMNS if name in header), None)
    if image_column is None or caption_column is None:
        raise ValueError(
            f"{path}: expected a column {' or '.join(IMAGE_COLUMNS)}, and a column {' or '.join(CAPTION_COLUMNS)}; "
            f"its first line names {', '.join(map(repr, header))}"
        )
    for line, row in rows:
        where = f"{path}, line {line}"
        if len(row) != len(header):
            raise ValueError(
                f"{where}: expected {len(header)} cells, as in the first line, got {len(row)}; a caption that holds "
                "the separator needs quotes around it"
            )
        name, caption = row[header.index(image_column)], row[header.index(caption_column)]
        image = path.parent / name
        if not name or not os.path.isfile(image):  # which a name too long for a file is not, either
            wrong(FileNotFoundError(f"{where}: expected the path of an image, got {name!r}: no such file"))
        else:
            yield from with_caption(str(image), caption.encode(), where, Stored(image), wrong)


def _read_table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each row with the number of the line it begins on."""
    if kind := _kinds.kind(path):
        raise ValueError(f"{path}: {kind.what}; {kind.remedy}")
    line, rows = 1, []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = "\t" if "\t" in file.readline() else ","
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                if row:
                    rows.append((line, row))
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a table in UTF-8, got an error: {error}") from error
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {line}: expected a table whose quotes are closed, and doubled within quotes, got an error: "
            f"{error}"
        ) from error
    return (rows[0][1] if rows else []), rows[1:]


def in_archive(path: Path, wrong: Wrong) -> Iterator[Captioned]:
    """The captioned images of one webdataset .tar, as `captioned_images` reads them."""
    if kind := _kinds.kind(path):
        raise ValueError(f"{path}: {kind.what}; {kind.remedy}")
    images: dict[str, tarfile.TarInfo] = {}
    texts: dict[str, tarfile.TarInfo] = {}
    skipped = []
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                inside = PurePosixPath(member.name)
                ending = inside.suffix.lower()
                if member.isdir() or ending not in (*IMAGE_ENDINGS, ".txt"):
                    continue
                if not member.isreg() or member.issparse() or inside.name.startswith("."):
                    skipped.append(member.name)
                else:
                    _add(texts if ending == ".txt" else images, str(inside.with_suffix("")), member, path)
            end = archive.offset
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{path}: expected a complete, uncompressed .tar, got an error: {error}") from error
    _ended(path, end)
    # To webdataset a key ends at the first dot, so 0.seg.png is a part of the sample 0; dr.who.png with dr.who.txt is
    # one of its own all the same.
    for group, other in ((images, texts), (texts, images)):
        for stem in [stem for stem in group if stem not in other]:
            key = str(PurePosixPath(stem).with_name(PurePosixPath(stem).name.partition(".")[0]))
            if key != stem and key in images and key in texts:
                skipped.append(group.pop(stem).name)
    _warn_of(path, skipped)

    for stem in _matched(images, texts, wrong, path):
        image, text = (Stored(path, member.offset_data, member.size) for member in (images[stem], texts[stem]))
        yield from with_caption(_where(images[stem], path), text.read(), _where(texts[stem], path), image, wrong)


def _ended(path: Path, end: int) -> None:
    """Raise unless the archive ends as it should: without a block of zeros, more may have followed."""
    with path.open("rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise ValueError(
                f"{path}: expected a complete .tar, but it is cut short or damaged at byte {end}, where another "
                "member or the end-of-archive block should be; get it again"
            )
        while more := file.read(tarfile.RECORDSIZE):
            if more.strip(b"\0"):
                raise ValueError(
                    f"{path}: expected one archive, but more follows its end at byte {end}; archives joined by cat are "
                    "not one, so give them one by one"
                )


def _warn_of(path: Path, skipped: list[str]) -> None:
    if skipped:
        warn(
            f"{path}: {len(skipped)} images or texts belong to no pair and were left out: {first_few(skipped)}", skipped
        )


def _where(item: Path | tarfile.TarInfo, archive: Path | None) -> str:
    return f"{archive}: {item.name}" if archive else str(item)


def _add(group: dict[str, Item], key: str, item: Item, archive: Path | None = None) -> None:
    if key in group:
        raise ValueError(f"{_where(item, archive)}: has the same stem as {_where(group[key], archive)}")
    group[key] = item


def _matched(
    images: Mapping[str, Item], texts: Mapping[str, Item], wrong: Wrong, archive: Path | None = None
) -> Iterator[str]:
    """The stems of the images that have a caption."""
    for key, text in texts.items():
        if key not in images:
            wrong(
                FileNotFoundError(
                    f"{_where(text, archive)}: its image, of the same stem and ending in {' or '.join(IMAGE_ENDINGS)}, "
                    "is missing"
                )
            )
    for key, image in images.items():
        if key in texts:
            yield key
        else:
            wrong(FileNotFoundError(f"{_where(image, archive)}: its caption, a .txt of the same stem, is missing"))


def with_caption(image_at: str, text: bytes, caption_at: str, stored: Stored, wrong: Wrong) -> Iterator[Captioned]:
    """The pair of an image and its caption, unless the caption is empty or cannot be decoded."""
    try:
        caption = text.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        wrong(ValueError(f"{caption_at}: expected a caption in UTF-8, got an error: {error}"))
        return
    if text and (kind := _kinds.kind_of_bytes(text[:64])):
        wrong(ValueError(f"{caption_at}: {kind.what}; {kind.remedy}"))
    elif caption:
        yield Captioned(image_at, caption, caption_at, stored)
    else:
        wrong(ValueError(f"{caption_at}: expected a caption, got an empty one"))


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts numbers within names by value."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
