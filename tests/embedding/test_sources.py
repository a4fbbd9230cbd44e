"""What there is to embed: the same images in the same order, wherever they come from."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from mindgap.embedding._sources import Source, listed
from tests.embedding.conftest import Run
from tests.pairs.test_captioned import CAPTIONS, PICTURES, SOURCES, archive, folder, several_captions


def coco(path: Path, name: str = "captions_val2017.json", images: str = "val2017") -> Path:
    """Three images, out of the order of their ids, with two captions of the second."""
    (path / images).mkdir(parents=True)
    files, said = [], []
    for id, (data, caption) in zip((7, 3, 5), zip(PICTURES, CAPTIONS, strict=True), strict=True):
        (path / images / f"{id:012}.png").write_bytes(data)
        files.append({"id": id, "file_name": f"{id:012}.png", "width": 8, "height": 6})
        said.append({"id": 100 + id, "image_id": id, "caption": caption})
    said.append({"id": 2, "image_id": 3, "caption": "another one\n"})
    (path / "annotations").mkdir()
    file = path / "annotations" / name
    file.write_text(json.dumps({"images": files, "annotations": said}), encoding="utf-8")
    return file


def shards(path: Path) -> Path:
    """Three archives of one captioned image each."""
    for number, (data, caption) in enumerate(zip(PICTURES, CAPTIONS, strict=True)):
        archive(path / f"part-{number + 9:02}.tar", [("000.png", data), ("000.txt", caption.encode())])
    return path


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_that_load_pairs_takes(tmp_path: Path, kind: str) -> None:
    data = SOURCES[kind](tmp_path / "data")
    found = listed(data, None, "first")
    assert [item.captions for item in found.items] == [(caption,) for caption in CAPTIONS]
    assert [item.stored.read() for item in found.items] == list(PICTURES)
    assert [item.stored.size() for item in found.items] == [len(picture) for picture in PICTURES]
    assert not any(str(tmp_path) in item.name for item in found.items)


def told(source: Source) -> list[tuple[str, tuple[str, ...]]]:
    return [(item.name, item.captions) for item in source.items]


def test_cocos_captions_with_their_images(tmp_path: Path) -> None:
    file = coco(tmp_path)
    names = [f"{id:012}.png" for id in (7, 3, 5)]
    first, last, every = (listed(file, None, captions) for captions in ("first", "last", "all"))
    assert told(first) == [(name, (caption,)) for name, caption in zip(names, CAPTIONS, strict=True)]
    assert told(last)[1] == (names[1], ("another one",))
    assert told(every)[1] == (names[1], (CAPTIONS[1], "another one"))
    assert (every.kind, every.captions, len(every.items)) == ("COCO captions", 4, 3)
    assert len({source.sha256 for source in (first, last, every)}) == 3
    (tmp_path / "val2017").rename(tmp_path / "elsewhere")
    assert listed(file, tmp_path / "elsewhere", "first").sha256 == first.sha256
    with pytest.raises(FileNotFoundError, match=r"images: expected the folder .* \(looked in: .*annotations/val2017"):
        listed(file, None, "first")
    with pytest.raises(FileNotFoundError, match="images: no folder"):
        listed(file, tmp_path / "nowhere", "first")


def test_what_cannot_be_used_of_cocos_is_noted(tmp_path: Path) -> None:
    file = coco(tmp_path)
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    content["images"].append({"id": 8, "file_name": "8.png"})
    content["images"].append({"id": 9, "file_name": "000000000009.png"})
    content["annotations"] += [{"image_id": 8, "caption": "absent"}, {"image_id": 4, "caption": "of none"}]
    content["annotations"].append({"image_id": 7, "caption": " "})
    file.write_text(json.dumps(content), encoding="utf-8")
    found = listed(file, None, "all")
    assert len(found.items) == 3
    assert sorted(found.problems) == [
        ("000000000007.png", "expected a caption, got an empty one"),
        ("000000000009.png", "no caption in captions_val2017.json"),
        ("8.png", "no such file, which captions_val2017.json names"),
        ("captions_val2017.json", "a caption of an image that the file does not have, 4"),
    ]


@pytest.mark.parametrize(("image", "caption", "problem"), [
    ("13.png", None, ("13.png", "expected a caption, got an empty one")),
    ("13.png", "half a \ud83d", ("13.png", "expected a caption in UTF-8")),
    ("x" * 5000, "a caption", ("x" * 5000, "no such file")),
])  # fmt: skip
def test_one_odd_entry_of_cocos_does_not_end_the_others(
    tmp_path: Path, image: str, caption: str | None, problem: tuple[str, str]
) -> None:
    file = coco(tmp_path)
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    content["images"].append({"id": 13, "file_name": image})
    content["annotations"].append({"image_id": 13, "caption": caption})
    (tmp_path / "val2017/13.png").write_bytes(PICTURES[0])
    file.write_text(json.dumps(content), encoding="utf-8-sig")
    found = listed(file, None, "first")
    assert len(found.items) == 3
    ((name, why),) = found.problems
    assert name == problem[0]
    assert why.startswith(problem[1])


def test_a_file_of_another_kind_is_told_all_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "data.tar.gz").write_bytes(b"packed")
    with pytest.raises(ValueError, match=r"data: expected a folder .* a COCO captions .json, .*, got .*data.tar.gz"):
        listed(tmp_path / "data.tar.gz", None, "first")


def test_images_beside_an_archive_are_what_is_meant(tmp_path: Path) -> None:
    data = folder(tmp_path / "data")
    (tmp_path / "other").mkdir()
    (shards(tmp_path / "other") / "part-09.tar").rename(data / "backup.tar")
    assert (listed(data, None, "first").kind, len(listed(data, None, "first").items)) == ("folder", 3)


@pytest.mark.parametrize(("content", "message"), [
    ("{", "expected COCO's captions as JSON"),
    ("[]", "expected COCO's captions, images with id"),
    ('{"images": [{"id": 1}], "annotations": []}', "KeyError 'file_name'"),
    ('{"images": [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}], "annotations": []}',
     "expected images that differ in id, got 1 twice"),
    ('{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "caption": "one"}]}',
     "expected at least 2 captioned images in .*, got 0; 1 cannot be used: a.png: no such file"),
])  # fmt: skip
def test_other_json_is_one_clear_error(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "captions.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        listed(file, tmp_path, "first")


@pytest.mark.parametrize("pattern", ["", "part-*.tar", "part-{09..11}.tar"])
def test_several_archives_are_one_source(tmp_path: Path, pattern: str) -> None:
    data = shards(tmp_path / "data") / pattern
    found = listed(data, None, "first")
    assert told(found) == [
        (f"part-{number + 9:02}.tar: 000.png", (caption,)) for number, caption in enumerate(CAPTIONS)
    ]
    assert found.kind == "webdataset"
    assert [item.stored.read() for item in found.items] == list(PICTURES)


def test_archives_that_are_not_there_or_broken(tmp_path: Path) -> None:
    data = shards(tmp_path / "data")
    with pytest.raises(FileNotFoundError, match=r"data: 2 of 5 archives are missing: .*part-12.tar; .*part-13.tar"):
        listed(data / "part-{09..13}.tar", None, "first")
    with pytest.raises(FileNotFoundError, match=r"no file has a name like '.*other-\*.tar'"):
        listed(data / "other-*.tar", None, "first")
    (data / "part-10.txt").write_text("")
    with pytest.raises(ValueError, match=r"expected archives that end in .tar, and .* also means .*part-10.txt"):
        listed(data / "part-*", None, "first")
    archive(data / "part-12.tar", [("1.png", PICTURES[0]), ("2.png", PICTURES[0]), ("2.txt", b"")])
    assert sorted(listed(data, None, "first").problems) == [
        ("part-12.tar: 1.png", "its caption, a .txt of the same stem, is missing"),
        ("part-12.tar: 2.txt", "expected a caption, got an empty one"),
    ]
    whole = (data / "part-11.tar").read_bytes()
    (data / "part-11.tar").write_bytes(whole[:1280])
    with pytest.raises(ValueError, match=r"part-11.tar: expected a complete"):
        listed(data, None, "first")


def test_archives_give_the_rows_of_the_same_images_in_a_folder(run: Run, tmp_path: Path) -> None:
    import numpy as np

    from mindgap import load_pairs

    (tmp_path / "images").mkdir()
    sources = (folder(tmp_path / "images"), shards(tmp_path / "parts"), coco(tmp_path / "cocos"))
    found = [load_pairs(run(data, out=f"out {number}").folder) for number, data in enumerate(sources)]
    for one in found[1:]:
        np.testing.assert_array_equal(one.x.numpy(), found[0].x.numpy())
        np.testing.assert_array_equal(one.y.numpy(), found[0].y.numpy())


def test_only_one_of_the_captions_counts_where_one_is_wanted(tmp_path: Path) -> None:
    data = several_captions(tmp_path)
    digests = {captions: listed(data, None, captions).sha256 for captions in ("first", "last", "all")}
    assert len(set(digests.values())) == 3
    assert tarfile.is_tarfile(archive(tmp_path / "one.tar"))  # a source that is a file has names within its folder
    assert listed(tmp_path / "one.tar", None, "all").items[0].name == "one.tar: shard/000.png"
