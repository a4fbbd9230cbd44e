"""Captioned images from folders, tables and archives that strangers written."""

import csv
import io
import sys
import tarfile
import tracemalloc
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mindgap.pairs import DataWarning
from mindgap.pairs._captioned import captioned_images

CAPTIONS = ("a red square", "ein grünes Quadrat", "a blue, very blue, square")
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(colour=(255, 0, 0), kind="PNG", mode="RGB"):
    return encoded(Image.new("RGB", (8, 6), colour).convert(mode), kind)


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


def read_back(tmp_path, data):
    """The pixels that are written of an image file, (height, width, 3)."""
    folder(tmp_path)
    (tmp_path / "9.png").write_bytes(data)
    return np.asarray(captioned_images(tmp_path)[0].image())


GREY16 = np.linspace(0, 65535, 8 * 256).round().astype(np.uint16).reshape(8, 256)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    pixels = read_back(tmp_path, encoded(Image.fromarray(GREY16)))
    assert pixels.mean() == pytest.approx(127.5, abs=0.1)
    assert np.abs(pixels - GREY16[..., None] / 257).max() <= 0.5


VALUES = {
    "1": (Image.fromarray(np.eye(8, dtype=bool)), np.eye(8)[..., None] * [255, 255, 255]),
    "L": (Image.new("L", (8, 6), 90), (90, 90, 90)),
    "LA": (Image.new("LA", (8, 6), (90, 10)), (90, 90, 90)),
    "RGBA": (Image.new("RGBA", (8, 6), (10, 20, 30, 0)), (10, 20, 30)),
    "P": (Image.new("RGB", (8, 6), (10, 20, 30)).quantize(4), (10, 20, 30)),
    "CMYK": (Image.new("CMYK", (8, 6), (255, 0, 0, 51)), (0, 204, 204)),
}


@pytest.mark.parametrize("mode", VALUES)
def test_every_mode_keeps_its_colours(tmp_path, mode):
    image, colour = VALUES[mode]
    assert image.mode == mode
    # Only TIFF holds CMYK without loss; Pillow looks at the content, not at the name.
    assert (read_back(tmp_path, encoded(image, "TIFF" if mode == "CMYK" else "PNG")) == colour).all()


@pytest.mark.parametrize("pixels", [np.full((6, 8), 70_000, np.int32), np.full((6, 8), 0.5, np.float32)])
def test_modes_of_unknown_range_are_refused(tmp_path, pixels):
    with pytest.raises(
        ValueError, match=r"9.png: .* pixels of mode [IF], whose range is not known; write it with 8 or"
    ):
        read_back(tmp_path, encoded(Image.fromarray(pixels), "TIFF"))


@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_images_stand_upright(tmp_path, turned):
    """A photograph whose EXIF says that the camera was turned: red stays on the left, blue on the right."""
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:, :12], upright[:, 12:] = (255, 0, 0), (0, 0, 255)
    stored = np.rot90(upright, {1: 0, 3: 2, 6: 1, 8: -1}[turned])
    exif = Image.Exif()
    exif[0x0112] = turned
    pixels = read_back(tmp_path, encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif))
    assert (pixels == upright).all()


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
        written = table(path)
        written.write_bytes(text.encode(encoding))
        return written

    return make


def broken_tar(*members):
    return lambda path: archive(path / "shard.tar", [("0.png", PICTURES[0]), ("0.txt", b"red"), *members])


def cut_tar(path):
    written = archive(path / "shard.tar", [("0.txt", b"red"), ("0.png", PICTURES[0]), ("1.png", bytes(9999))])
    written.write_bytes(written.read_bytes()[:3000])
    return written


def cut_between_members(path):
    written = archive(path / "shard.tar", [(name, b"red") for name in ("0.png", "0.txt", "1.png", "1.txt")])
    written.write_bytes(written.read_bytes()[:2048])  # a header and a block each
    return written


def cut_in_a_header(path):
    written = archive(path / "shard.tar", [(name, b"red") for name in ("0.png", "0.txt", "1.png", "1.txt")])
    written.write_bytes(written.read_bytes()[:2200])
    return written


def joined_tars(path):
    written = archive(path / "shard.tar")
    written.write_bytes(2 * written.read_bytes())
    return written


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
    ("make", "error", "message"),
    [
        (lambda path: path, MISSING, r"data: .*data does not exist"),
        (lambda path: None, TypeError, r"data: expected a folder of captioned images, a CSV file or a .tar, got None"),
        (other, ValueError, r"data: expected a folder, a .csv, .tsv or .tar file, got .*pairs.parquet"),
        (lambda path: path.mkdir() or path, ValueError, r"data: expected at least 2 captioned images in .*, got 0"),
        (broken_folder(lambda path: (path / "9.txt").unlink()), MISSING, r"9.png: its caption, a .txt .* is missing"),
        (broken_folder(lambda path: (path / "9.png").unlink()), MISSING, r"9.txt: its image, .* is missing"),
        (broken_folder(lambda path: (path / "9.txt").write_text(" \n")), ValueError, r"9.txt: expected a caption, got"),
        (broken_folder(lambda path: (path / "9.txt").write_bytes(b"\xff")), ValueError, r"9.txt: .* in UTF-8"),
        (
            broken_folder(lambda path: (path / "9.txt").write_text("version https://git-lfs.github.com/spec/v1")),
            ValueError,
            r"9.txt: a git-LFS pointer",
        ),
        (broken_folder(lambda path: (path / "9.jpg").write_bytes(b"")), ValueError, r"9.png: has the same stem as"),
        (
            broken_table("image,words\na,b\n"),
            ValueError,
            r"expected a column image .* first line names 'image', 'words'",
        ),
        (broken_table(""), ValueError, r"pairs.csv: an empty file"),
        (broken_table("image,caption\nnone.png,red\n"), MISSING, r"pairs.csv, line 2: .* got 'none.png': no such file"),
        (broken_table("image,caption\n,red\n"), MISSING, r"pairs.csv, line 2: .* got ''"),
        (
            broken_table("image,caption\nimages/0.png\n"),
            ValueError,
            r"pairs.csv, line 2: expected 2 cells, as in the first line, got 1",
        ),
        (
            broken_table("image,caption\nimages/0.png,\n"),
            ValueError,
            r"pairs.csv, line 2: expected a caption, got an em",
        ),
        (
            broken_table("image,caption\n\nimages/0.png,a dog, running\n"),
            ValueError,
            r"pairs.csv, line 3: expected 2 cells, as in the first line, got 3; a caption that holds the",
        ),
        (broken_table("image,caption,caption\n"), ValueError, r"pairs.csv: .* different names, got 'caption' twice"),
        (
            broken_table('image\tcaption\nimages/0.png\tred\nimages/1.png\t"a" dog\n'),
            ValueError,
            r"pairs.csv, line 3: expected a table whose quotes are closed",
        ),
        (broken_table("version https://git-lfs.github.com/spec/v1\n"), ValueError, r"pairs.csv: a git-LFS pointer"),
        (
            broken_table("image,caption\nimages/0.png,grün\n", "latin-1"),
            ValueError,
            r"pairs.csv: expected a table in UTF",
        ),
        (broken_table('image,caption\n"images/0.png,red\n'), ValueError, r"pairs.csv, line 2: .* quotes are closed"),
        (broken_tar(), ValueError, r"data: expected at least 2 captioned images in .*shard.tar, got 1"),
        (broken_tar(("1.png", b"")), MISSING, r"shard.tar: 1.png: its caption, a .txt of the same stem, is missing"),
        (broken_tar(("1.txt", b"red")), MISSING, r"shard.tar: 1.txt: its image, .*, is missing"),
        (broken_tar(("0.jpg", b"")), ValueError, r"shard.tar: 0.jpg: has the same stem as .*shard.tar: 0.png"),
        (
            broken_tar(("1.png", b""), ("1.txt", b" ")),
            ValueError,
            r"shard.tar: 1.txt: expected a caption, got an empty",
        ),
        (cut_tar, ValueError, r"shard.tar: expected a complete, uncompressed .tar, got an error"),
        (cut_between_members, ValueError, r"shard.tar: .* cut short or damaged at byte 2048"),
        (cut_in_a_header, ValueError, r"shard.tar: .* cut short or damaged at byte 2048"),
        (joined_tars, ValueError, r"shard.tar: expected one archive, but more follows its end at byte"),
        (zipped_tar, ValueError, r"shard.tar: compressed by gzip; unpack it"),
        (broken_tar(("dr.who.png", PICTURES[0])), MISSING, r"shard.tar: dr.who.png: its caption, .* is missing"),
        (
            broken_tar(("1.gif", b""), ("1.txt", b"red")),
            MISSING,
            r"1.txt: its image, of the same stem and ending in .jpg",
        ),
    ],
)
def test_bad_data_is_named(tmp_path, make, error, message):
    with pytest.raises(error, match=message):
        captioned_images(make(tmp_path / "data"))


@pytest.mark.parametrize("make", [folder, table, lambda path: archive(path / "shard.tar")])
@pytest.mark.parametrize("damage", [PICTURES[1][:40], b"", b"no image"])
def test_damaged_images_are_named(tmp_path, make, damage, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PICTURES", (PICTURES[0], damage, PICTURES[2]))
    found = captioned_images(make(tmp_path / "data"))
    assert found[0].image().mode == "RGB"
    expected = "an empty file" if damage == b"" else "expected a complete image, got an error from Pillow"
    with pytest.raises(ValueError, match=rf"1?[10].png: {expected}"):
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
    with pytest.warns(DataWarning, match=r"shard.tar: 2 images or texts belong to no pair .*: 009.txt; 009.png"):
        assert [pair.caption for pair in captioned_images(path)] == list(CAPTIONS)


def test_names_with_dots_are_pairs_of_their_own(tmp_path):
    names = ("dr.who", "22.05", "deeper/a.b.c")
    members = [
        (f"{name}{ending}", data) for name in names for ending, data in ((".png", PICTURES[0]), (".txt", b"red"))
    ]
    for data in (
        archive(tmp_path / "shard.tar", members),
        folder(tmp_path / "folder", [f"{name}.png" for name in names]),
    ):
        assert sorted(pair.image_at.split("folder/")[-1].split(": ")[-1] for pair in captioned_images(data)) == sorted(
            f"{name}.png" for name in names
        )


def test_other_parts_of_a_sample_are_named(tmp_path):
    members = [
        (f"{number}{ending}", data)
        for number in range(3)
        for ending, data in ((".png", PICTURES[0]), (".txt", b"red"), (".seg.png", PICTURES[1]), (".alt.txt", b"rot"))
    ]
    path = archive(tmp_path / "shard.tar", [*members, ("._0.png", b""), ("._0.txt", b"")])
    with pytest.warns(
        DataWarning, match=r"shard.tar: 8 images or texts .* left out: ._0.png; .*; and 3 more"
    ) as caught:
        found = captioned_images(path)
    assert [pair.caption for pair in found] == ["red"] * 3
    assert set(caught[0].message.items) == {"._0.png", "._0.txt"} | {  # type: ignore[union-attr]
        f"{number}{ending}" for number in range(3) for ending in (".seg.png", ".alt.txt")
    }


def test_hidden_files_of_a_folder_are_named(tmp_path):
    folder(tmp_path)
    (tmp_path / ".checkpoints").mkdir()
    (tmp_path / ".checkpoints" / "9-copy.txt").write_text("red")
    (tmp_path / "._10.png").write_bytes(b"")
    with pytest.warns(DataWarning, match=r"2 images or texts belong to no pair"):
        assert len(captioned_images(tmp_path)) == 3


def test_folders_come_in_natural_order(tmp_path):
    names = ["2.png", "10.png", "a1b2.png", "a1b10.png", "a01c.png", "deeper/3.png"]
    for name in reversed(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PICTURES[0])
        (tmp_path / name).with_suffix(".txt").write_text("red")
    assert [pair.image_at.removeprefix(f"{tmp_path}/") for pair in captioned_images(tmp_path)] == names


def test_a_row_that_spans_lines_is_named_by_its_first(tmp_path):
    path = table(tmp_path)
    path.write_text('image,caption\nimages/0.png,"two\nlines"\nimages/1.png\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 4: expected 2 cells"):
        captioned_images(path)


def several_captions(path):
    """Three captions of image 0, two of image 1, one of image 2."""
    data = table(path)
    rows = [
        f"images/{image}.png,caption {image}{letter}"
        for image, letters in enumerate(("abc", "ab", "a"))
        for letter in letters
    ]
    data.write_text("\n".join(["image,caption", *rows]), encoding="utf-8")
    return data


def test_several_captions_an_image(tmp_path):
    data = several_captions(tmp_path)
    found = captioned_images(data)
    assert [pair.caption for pair in found] == [f"caption {name}" for name in ("0a", "0b", "0c", "1a", "1b", "2a")]
    assert [pair.image_at for pair in found] == [str(tmp_path / "images" / f"{i}.png") for i in (0, 0, 0, 1, 1, 2)]
    assert [pair.caption for pair in captioned_images(data, captions_per_image=1)] == [
        f"caption {i}a" for i in range(3)
    ]
    assert len(captioned_images(data, captions_per_image=2)) == 5
    with pytest.raises(ValueError, match=r"n: expected at most 3, the captioned images in .*pairs.csv, got 4"):
        captioned_images(data, 4, captions_per_image=1)


def test_pairs_that_cannot_be_used_may_be_noted_instead(tmp_path):
    folder(tmp_path)
    for name, text in (("12.txt", "red"), ("13.txt", " "), ("14.txt", "")):
        (tmp_path / name).write_text(text)
    for name in ("13.png", "14.png", "15.png"):
        (tmp_path / name).write_bytes(PICTURES[0])
    problems: list[Any] = []
    assert len(captioned_images(tmp_path, wrong=problems.append)) == 3
    assert [str(problem).split(f"{tmp_path}/")[1].split(":")[0] for problem in problems] == [
        "12.txt", "13.txt", "14.txt", "15.png",
    ]  # fmt: skip


def test_where_nothing_can_be_used_it_is_said_why(tmp_path):
    path = tmp_path / "pairs.csv"
    long = "x" * 300  # too long for the name of a file
    path.write_text(f"image,caption\n{long},a\n0.png,b\n")
    with pytest.raises(FileNotFoundError, match=r"pairs.csv, line 2: .* got 'x+': no such file"):
        captioned_images(path)
    with pytest.raises(ValueError, match=r"got 0; .*; 2 cannot be used: .*line 2: .*line 3: .* got '0.png': no such"):
        captioned_images(path, wrong=lambda _: None)
