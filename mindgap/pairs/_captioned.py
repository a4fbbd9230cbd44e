"""Captioned images of the reader's own: a folder, a CSV file or a webdataset .tar, none of them trusted."""

from __future__ import annotations

import csv
import io
import os
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
CAPTION_FILES = ("captions.csv", "metadata.csv")
IMAGE_COLUMNS = ("image", "filepath", "file_name", "filename", "path")
CAPTION_COLUMNS = ("caption", "title", "text")


@dataclass(frozen=True)
class Captioned:
    """One image, still unread, with its caption; `where` names it in errors."""

    where: str
    caption: str
    open: Callable[[], bytes]

    def image(self) -> Image.Image:
        """The image in RGB. Raises ValueError naming the file if it is damaged or no image at all."""
        try:
            with Image.open(io.BytesIO(self.open())) as image:
                # A palette may hide transparency that Pillow will convert to RGB only with a warning.
                return (image.convert("RGBA") if image.mode == "P" else image).convert("RGB")
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            raise ValueError(f"{self.where}: expected a complete image, got an error from Pillow: {error}") from error


def captioned_images(data: object, n: int | None = None) -> list[Captioned]:
    """The first `n` (default: all) captioned images in `data`, every caption read, no image opened yet.

    `data` is a folder, with captions.csv or metadata.csv or one .txt beside each image; or a .csv or .tsv file, with a
    column `image` (or filepath, file_name, filename, path; relative to the file) and a column `caption` (or title,
    text); or an uncompressed webdataset .tar of key.jpg (or png, webp, bmp) and key.txt. Folders come in natural
    order (9.jpg before 10.jpg), the others in their own.

    Raises FileNotFoundError for a path that is not there and for an image without caption, a caption without image or
    a row without file; ValueError, naming the file, for what cannot be read, for an empty caption, and for fewer than
    two pairs; TypeError for `data` that is no path.
    """
    if not isinstance(data, str | os.PathLike):
        raise TypeError(f"data: expected a folder of captioned images, a CSV file or a .tar, got {data!r}")
    path = Path(data).expanduser()
    if path.is_dir():
        table = next((path / name for name in CAPTION_FILES if (path / name).is_file()), None)
        found = _table(table) if table else _folder(path)
    elif not path.is_file():
        raise FileNotFoundError(f"data: {path} does not exist")
    elif path.suffix.lower() in (".csv", ".tsv"):
        found = _table(path)
    elif path.suffix.lower() == ".tar":
        found = _tar(path)
    else:
        raise ValueError(f"data: expected a folder, a .csv, .tsv or .tar file, got {path}")
    if len(found) < 2:
        raise ValueError(
            f"data: expected at least 2 captioned images in {path}, got {len(found)}; see the columns or file endings "
            f"read: {', '.join(IMAGE_ENDINGS)} with .txt, or a table with {IMAGE_COLUMNS[0]} and {CAPTION_COLUMNS[0]}"
        )
    return found[:n]


def _folder(folder: Path) -> list[Captioned]:
    images: dict[Path, Path] = {}
    texts: dict[Path, Path] = {}
    for path in sorted((p for p in folder.rglob("*") if p.is_file()), key=_natural):
        ending = path.suffix.lower()
        if ending in (*IMAGE_ENDINGS, ".txt"):
            _add(texts if ending == ".txt" else images, path.with_suffix(""), path)
    _matched(images, texts)
    return [_captioned(str(images[k]), texts[k].read_bytes(), str(texts[k]), images[k].read_bytes) for k in images]


def _table(path: Path) -> list[Captioned]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = "\t" if "\t" in file.readline() else ","
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            names = reader.fieldnames or []
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a table in UTF-8, got an error: {error}") from error
    image_column = next((name for name in IMAGE_COLUMNS if name in names), None)
    caption_column = next((name for name in CAPTION_COLUMNS if name in names), None)
    if image_column is None or caption_column is None:
        raise ValueError(
            f"{path}: expected a column {' or '.join(IMAGE_COLUMNS)}, and a column {' or '.join(CAPTION_COLUMNS)}; "
            f"its first line names {', '.join(map(repr, names))}"
        )
    found = []
    for line, row in rows:
        where = f"{path}, line {line}"
        image = path.parent / (row[image_column] or "")
        if not row[image_column] or not image.is_file():
            raise FileNotFoundError(f"{where}: expected the path of an image, got {row[image_column]!r}: no such file")
        found.append(_captioned(str(image), (row[caption_column] or "").encode(), where, image.read_bytes))
    return found


def _tar(path: Path) -> list[Captioned]:
    images: dict[str, tarfile.TarInfo] = {}
    texts: dict[str, tarfile.TarInfo] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if not member.isreg() or member.issparse():
                    continue
                # As webdataset has it, the key ends at the first dot of the file's own name.
                inside = PurePosixPath(member.name)
                stem, _, ending = inside.name.partition(".")
                if f".{ending.lower()}" in IMAGE_ENDINGS:
                    _add(images, str(inside.parent / stem), member, path)
                elif ending.lower() == "txt":
                    _add(texts, str(inside.parent / stem), member, path)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{path}: expected a complete, uncompressed .tar, got an error: {error}") from error
    _matched(images, texts, path)

    def slice_of(member: tarfile.TarInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            with path.open("rb") as file:
                file.seek(member.offset_data)
                return file.read(member.size)

        return read

    return [
        _captioned(_where(images[k], path), slice_of(texts[k])(), _where(texts[k], path), slice_of(images[k]))
        for k in images
    ]


def _where(item: Path | tarfile.TarInfo, archive: Path | None) -> str:
    return f"{archive}: {item.name}" if archive else str(item)


def _add(group: dict, key: object, item: Path | tarfile.TarInfo, archive: Path | None = None) -> None:
    if key in group:
        raise ValueError(f"{_where(item, archive)}: has the same stem as {_where(group[key], archive)}")
    group[key] = item


def _matched(images: dict, texts: dict, archive: Path | None = None) -> None:
    for key in images:
        if key not in texts:
            raise FileNotFoundError(f"{_where(images[key], archive)}: its caption, a .txt of the same stem, is missing")
    for key in texts:
        if key not in images:
            raise FileNotFoundError(f"{_where(texts[key], archive)}: its image, of the same stem, is missing")


def _captioned(where: str, text: bytes, text_where: str, read: Callable[[], bytes]) -> Captioned:
    try:
        caption = text.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{text_where}: expected a caption in UTF-8, got an error: {error}") from error
    if not caption:
        raise ValueError(f"{text_where}: expected a caption, got an empty one")
    return Captioned(where, caption, read)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts numbers within names by value."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
