"""Captioned images from folders, tables and archives that strangers made."""

import csv
import io
import sys
import tarfile
import tracemalloc

import pytest
from PIL import Image

from mindgap.pairs._captioned import captioned_images

CAPTIONS = ("a red square", "ein grünes Quadrat", "a blue, very blue, square")
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def picture(colour=(255, 0, 0), kind="PNG", mode="RGB"):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), colour).convert(mode).save(buffer, kind)
    return buffer.getvalue()


PICTURES = tuple(picture(colour) for colour in COLOURS)


def folder(path, names=("9.png", "10.png", "deeper/11.png")):
    for name, data, caption in zip(names, PICTURES, CAPTIONS, strict=True):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
        (path / name).with_suffix(".txt").write_text(caption + "\n", encoding="utf-8")
    return path


def table(path, header=("image", "caption"), name="pairs.csv", delimiter=","):
    (path / "images").mkdir(parents=True, exist_ok=True)
    with (path / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(("id", *header))
        for number, (data, caption) in enumerate(zip(PICTURES, CAPTIONS, strict=True)):
            (path / "images" / f"{number}.png").write_bytes(data)
            writer.writerow((number, f"images/{number}.png", caption))
    return path / name


def archive(path, members=None):
    if members is None:
        members = [
            member
            for number, (data, caption) in enumerate(zip(PICTURES, CAPTIONS, strict=True))
            for member in (
                (f"shard/00{number}.png", data),
                (f"shard/00{number}.json", b"{}"),
                (f"shard/00{number}.txt", caption.encode()),
            )
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


SOURCES = {
    "folder": folder,
    "csv": table,
    "tsv": lambda path: table(path, ("filepath", "title"), "pairs.tsv", "\t"),
    "tabs in a csv": lambda path: table(path, ("filepath", "title"), delimiter="\t"),
    "folder with metadata.csv": lambda path: table(path, ("file_name", "text"), "metadata.csv").parent,
    "folder with captions.csv": lambda path: table(path, name="captions.csv").parent,
    "tar": lambda path: archive(path / "shard.tar"),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_all_kinds_of_data_hold_the_same(tmp_path, make):
    data = make(tmp_path / "data")
    found = captioned_images(data)
    assert [pair.caption for pair in found] == list(CAPTIONS)
    assert [pair.image().getpixel((3, 3)) for pair in found] == list(COLOURS)
    assert [pair.caption for pair in captioned_images(str(data), 2)] == list(CAPTIONS[:2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK"])
def test_every_kind_of_image_becomes_rgb(tmp_path, kind, mode):
    if (kind, mode) in {("JPEG", "P"), ("JPEG", "RGBA"), ("PNG", "CMYK"), ("WEBP", "CMYK"), ("BMP", "CMYK")}:
        pytest.skip("no such image can be written")
    folder(tmp_path)
    (tmp_path / "9.png").write_bytes(picture(kind=kind, mode=mode))
    image = captioned_images(tmp_path)[0].image()
    assert image.mode == "RGB"
    assert image.size == (8, 6)


def test_a_palette_with_transparency_converts_without_a_warning(tmp_path):
    folder(tmp_path)
    Image.new("P", (8, 6)).save(tmp_path / "9.png", transparency=bytes(range(200)))
    assert captioned_images(tmp_path)[0].image().mode == "RGB"


def test_images_stay_unread_until_asked_for(tmp_path):
    big = [(f"{number}.png", PICTURES[0] + bytes(2**20)) for number in range(20)]
    path = archive(tmp_path / "big.tar", [*big, *((f"{number}.txt", b"red") for number in range(20))])
    tracemalloc.start()
    found = captioned_images(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 20
    assert peak < 2**20


def broken_folder(change):
    def make(path):
        change(folder(path))
        return path

    return make


def broken_table(text, encoding="utf-8"):
    def make(path):
        made = table(path)
        made.write_bytes(text.encode(encoding))
        return made

    return make


def broken_tar(*members):
    return lambda path: archive(path / "shard.tar", [("0.png", PICTURES[0]), ("0.txt", b"red"), *members])


def cut_tar(path):
    made = archive(path / "shard.tar", [("0.txt", b"red"), ("0.png", PICTURES[0]), ("1.png", bytes(9999))])
    made.write_bytes(made.read_bytes()[:3000])
    return made


def zipped_tar(path):
    path.mkdir()
    with tarfile.open(path / "shard.tar", "w:gz") as file:
        file.addfile(tarfile.TarInfo("0.txt"), io.BytesIO(b""))
    return path / "shard.tar"


def other(path):
    path.mkdir()
    (path / "pairs.parquet").write_bytes(b"PAR1")
    return path / "pairs.parquet"


MISSING = FileNotFoundError


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda path: path, MISSING, r"data: .*data does not exist"),
        (lambda path: None, TypeError, r"data: expected a folder of captioned images, a CSV file or a .tar, got None"),
        (other, ValueError, r"data: expected a folder, a .csv, .tsv or .tar file, got .*pairs.parquet"),
        (lambda path: path.mkdir() or path, ValueError, r"data: expected at least 2 captioned images in .*, got 0"),
        (broken_folder(lambda path: (path / "9.txt").unlink()), MISSING, r"9.png: its caption, a .txt .* is missing"),
        (broken_folder(lambda path: (path / "9.png").unlink()), MISSING, r"9.txt: its image, .* is missing"),
        (broken_folder(lambda path: (path / "9.txt").write_text(" \n")), ValueError, r"9.txt: expected a caption, got"),
        (broken_folder(lambda path: (path / "9.txt").write_bytes(b"\xff")), ValueError, r"9.txt: .* in UTF-8"),
        (broken_folder(lambda path: (path / "9.jpg").write_bytes(b"")), ValueError, r"9.png: has the same stem as"),
        (
            broken_table("image,words\na,b\n"),
            ValueError,
            r"expected a column image .* first line names 'image', 'words'",
        ),
        (broken_table(""), ValueError, r"pairs.csv: expected a column image"),
        (broken_table("image,caption\nnone.png,red\n"), MISSING, r"pairs.csv, line 2: .* got 'none.png': no such file"),
        (broken_table("image,caption\n,red\n"), MISSING, r"pairs.csv, line 2: .* got ''"),
        (
            broken_table("image,caption\nimages/0.png\n"),
            ValueError,
            r"pairs.csv, line 2: expected a caption, got an em",
        ),
        (
            broken_table("image,caption\nimages/0.png,grün\n", "latin-1"),
            ValueError,
            r"pairs.csv: expected a table in UTF",
        ),
        (broken_table('image,caption\n"images/0.png,red\n'), ValueError, r"pairs.csv: expected a table"),
        (broken_tar(), ValueError, r"data: expected at least 2 captioned images in .*shard.tar, got 1"),
        (broken_tar(("1.png", b"")), MISSING, r"shard.tar: 1.png: its caption, a .txt of the same stem, is missing"),
        (broken_tar(("1.txt", b"red")), MISSING, r"shard.tar: 1.txt: its image, of the same stem, is missing"),
        (broken_tar(("0.jpg", b"")), ValueError, r"shard.tar: 0.jpg: has the same stem as .*shard.tar: 0.png"),
        (
            broken_tar(("1.png", b""), ("1.txt", b" ")),
            ValueError,
            r"shard.tar: 1.txt: expected a caption, got an empty",
        ),
        (cut_tar, ValueError, r"shard.tar: expected a complete, uncompressed .tar, got an error"),
        (zipped_tar, ValueError, r"shard.tar: expected a complete, uncompressed .tar, got an error"),
    ],
)
def test_bad_data_is_named(tmp_path, make, error, says):
    with pytest.raises(error, match=says):
        captioned_images(make(tmp_path / "data"))


@pytest.mark.parametrize("make", [folder, table, lambda path: archive(path / "shard.tar")])
@pytest.mark.parametrize("damage", [PICTURES[1][:40], b"", b"no image"])
def test_damaged_images_are_named(tmp_path, make, damage, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PICTURES", (PICTURES[0], damage, PICTURES[2]))
    found = captioned_images(make(tmp_path / "data"))
    assert found[0].image().mode == "RGB"
    with pytest.raises(ValueError, match=r"1?[10].png: expected a complete image, got an error from Pillow"):
        found[1].image()


def test_an_image_made_to_exhaust_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    folder(tmp_path)
    with pytest.raises(ValueError, match=r"9.png: expected a complete image, .*decompression bomb"):
        captioned_images(tmp_path)[0].image()


def test_links_in_an_archive_lead_nowhere(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    path = archive(tmp_path / "shard.tar")
    with tarfile.open(path, "a") as file:
        for ending in (".txt", ".png"):
            link = tarfile.TarInfo(f"009{ending}")
            link.type, link.linkname = tarfile.SYMTYPE, str(secret)
            file.addfile(link)
    assert [pair.caption for pair in captioned_images(path)] == list(CAPTIONS)
