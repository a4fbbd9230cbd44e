"""Embedding into a folder: the rows that the model gives, each once, whatever comes in between."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch

from mindgap import _embedded, _files, embedding, geometry, load_pairs, pairs
from mindgap.embedding import _folder, _images
from mindgap.pairs import DataWarning
from mindgap.pairs._captioned import captioned_images
from tests.embedding import drawn, killing
from tests.embedding.conftest import OPTIONS, Run, World
from tests.pairs.test_captioned import several_captions


def test_rows_are_those_that_open_clip_gives(world: World) -> None:
    model, _, preprocess = open_clip.create_model_and_transforms(drawn.TINY, pretrained=str(world.weights))
    pairs = captioned_images(world.data)
    with torch.no_grad():
        x = model.eval().encode_image(torch.stack([preprocess(pair.image()) for pair in pairs]))
        y = model.encode_text(open_clip.get_tokenizer(drawn.TINY)([pair.caption for pair in pairs]))
    found = load_pairs(world.undisturbed)
    torch.testing.assert_close((found.x, found.y), (geometry.normalize(x), geometry.normalize(y)), rtol=0, atol=1e-5)
    assert found.groups is None
    assert f"{drawn.TINY} with the weights tiny.safetensors on {world.data}" in found.source


def test_the_layout_is_that_of_clip_retrieval(world: World) -> None:
    import pyarrow.parquet

    names = sorted(str(path.relative_to(world.undisturbed)) for path in world.undisturbed.rglob("*.*"))
    for number in range(6):
        for name in (f"img_emb/img_emb_{number}.npy", f"text_emb/text_emb_{number}.npy"):
            rows = np.load(world.undisturbed / name, allow_pickle=False)
            assert (rows.dtype, rows.shape) == (np.float32, (5 if number < 5 else 2, 16))
            np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
        table = pyarrow.parquet.read_table(world.undisturbed / f"metadata/metadata_{number}.parquet").to_pydict()
        assert list(table) == ["image_path", "caption", "image_number"]
        for image, caption, place in zip(*table.values(), strict=True):
            assert image == f"{place:05}.png"
            assert caption == (world.data / image).with_suffix(".txt").read_text(encoding="utf-8")
    assert len(names) == 4 * 6 + 2


def test_the_manifest_says_what_made_the_numbers(world: World) -> None:
    found = embedding.read(world.undisturbed)
    assert (found.rows, found.images, found.skipped, found.shards, found.complete) == (27, 27, 0, 6, True)
    recipe = found.manifest["recipe"]
    assert recipe["model"] == drawn.TINY
    assert recipe["weights_sha256"] == _files.sha256(world.weights)
    assert recipe["preprocessing"]["mean"] == list(open_clip.OPENAI_DATASET_MEAN)
    assert recipe["preprocessing"]["size"] == [32, 32]
    assert recipe["source"]["images"] == 27
    assert recipe["precision"] == "float32"
    assert found.manifest["made_with"][0]["torch"] == torch.__version__.partition("+")[0]
    assert {name: found.manifest[name] for name in ("rows", "images", "skipped", "cut")} == {
        name: getattr(found, name) for name in ("rows", "images", "skipped", "cut")
    }


class Killed(BaseException):
    """Stands for SIGKILL within a test: nothing catches it, and nothing is tidied up."""


def same(out: Path, world: World) -> bool:
    """Whether a folder is complete and has the files of the undisturbed run."""
    complete = json.loads((out / _embedded.MANIFEST).read_text(encoding="utf-8"))["complete"]
    return complete and killing.contents(out) == killing.contents(world.undisturbed)


# The 7th file that is put in place is the second shard's images, as the first one is the manifest, and each shard has
# four; the last two are the list of what was skipped and the manifest.
@pytest.mark.parametrize("files", [0, 1, 6, 7, 8, 9, 24, 25, 26], ids=lambda n: f"after {n} files")
@pytest.mark.parametrize("half", [False, True], ids=["between", "half written"])
def test_a_run_that_is_killed_goes_on(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, half: bool
) -> None:
    replaced, real = 0, os.replace

    def replace(source: Path, target: Path) -> None:
        nonlocal replaced
        if replaced == files:
            if half:  # a part of a file, which the process that was killed could not remove
                shutil.copy(source, f"{source}0")
            raise Killed
        replaced += 1
        real(source, target)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(Killed):
            run()
    left = list(out.rglob(".*.*"))
    assert bool(left) == half
    before = {path: path.stat().st_mtime_ns for path in (out / _embedded.RECORDS).glob("shard_*.json")}
    if 6 <= files < 26:
        with pytest.warns(DataWarning, match=r"unfinished, \d of 6 shards") if files < 25 else contextlib.nullcontext():
            pairs = load_pairs(out)  # what is whole can be read, and nothing else
        assert len(pairs) == min(27, 5 * len(before))
        assert torch.equal(pairs.x, load_pairs(world.undisturbed).x[: len(pairs)])
    found = run()
    assert (found.rows, found.complete) == (27, True)
    assert same(out, world)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items()), "a whole shard was made again"
    assert not list(out.rglob(".*"))


def test_a_real_sigkill_between_a_shard_and_its_record(run: Run, world: World, tmp_path: Path) -> None:
    """The process kills itself as it is about to write the third record; another one goes on with two workers."""
    code = f"""
import os, signal, sys
from pathlib import Path
from tests.embedding import drawn
from mindgap.cli import main
drawn.known(Path({str(tmp_path)!r}))
real, how = os.replace, sys.argv[1]
def replace(source, target):
    if Path(target).name == "shard_2.json" and how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.replace = replace
sys.argv = ["mindgap", *sys.argv[2:]]
main()
"""
    out = tmp_path / "out"
    words = killing.command(out, world.data, drawn.TINY, world.weights, "--shard-rows", "5", "--batch-size", "3")[3:]

    def process(how: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code, how, *words, *more], capture_output=True, text=True)

    killed = process("killed")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stderr.splitlines()[-1].startswith("shard 1: 5 rows")
    assert killing.whole(out) == 2
    assert [path.name.rpartition(".")[0] for path in (out / _embedded.RECORDS).glob(".*")] == [".shard_2.json"]
    again = process("goes on", "--workers", "2")
    assert again.returncode == 0, again.stderr
    assert "27" in again.stdout
    assert same(out, world)


def test_a_complete_folder_is_left_as_it_is(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    monkeypatch.setattr(_folder, "write_shard", lambda *_: pytest.fail("computed what is there"))
    assert run() == first


@pytest.mark.parametrize("name", ["img_emb/img_emb_1.npy", "metadata/metadata_1.parquet"])
def test_a_file_that_is_gone_is_made_anew(run: Run, world: World, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    shutil.copytree(world.undisturbed, out)
    (out / name).unlink()
    with pytest.raises(ValueError, match=rf"{name} is missing; the command that wrote"):
        load_pairs(out)
    with pytest.warns(DataWarning, match=rf"shard 1 is computed anew: .*{name} is missing"):
        run()
    assert same(out, world)


FORKED = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # of Python 3.12 and later


@FORKED
def test_workers_and_batches_change_no_row_but_in_the_last_digits(run: Run, world: World) -> None:
    expected = load_pairs(world.undisturbed)
    found = load_pairs(run(workers=2, out="two").folder)
    assert torch.equal(found.x, expected.x)
    assert torch.equal(found.y, expected.y)
    other = load_pairs(run(batch_size=64, shard_rows=100, out="other").folder)
    torch.testing.assert_close((other.x, other.y), (expected.x, expected.y), rtol=0, atol=1e-6)
    one = run(batch_size=1, out="one").manifest
    assert one["images_sha256"] == embedding.read(world.undisturbed).manifest["images_sha256"]


DIFFERENT: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "weights": (
        lambda folder: {"pretrained": drawn.weights(folder / "w.safetensors", drawn.TINY, 6)},
        "weights_sha256",
    ),
    "captions": (lambda folder: {"captions": "all"}, "captions"),
    "rows": (lambda folder: {"shard_rows": 7}, "shard_rows"),
    "source": (lambda folder: {"data": drawn.captioned(folder / "others", 5)}, "source"),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_a_folder_holds_one_model_and_one_source(run: Run, world: World, tmp_path: Path, kind: str) -> None:
    change, name = DIFFERENT[kind]
    out = tmp_path / "out"
    shutil.copytree(world.undisturbed, out)
    options = change(tmp_path)
    with pytest.raises(ValueError, match=rf"holds embeddings of another recipe \(.*{name} .* there, .* here"):
        run(**options)
    assert same(out, world)
    found = run(**options, force=True)
    assert found.complete
    assert found.manifest["recipe"] != embedding.read(world.undisturbed).manifest["recipe"]
    assert same(out, world) == (kind == "captions")  # of which each image has one


def test_the_same_weights_under_another_name_go_on(run: Run, world: World, tmp_path: Path) -> None:
    found = run()
    shutil.copy(world.weights, tmp_path / "copy.safetensors")
    again = run(pretrained=tmp_path / "copy.safetensors")
    assert again.manifest == found.manifest


def test_what_differs_of_a_source_is_told(run: Run, tmp_path: Path) -> None:
    data = drawn.captioned(tmp_path / "data", 4)
    run(data)
    (data / "00003.png").unlink()
    with pytest.raises(ValueError, match=r"another recipe \(source sha256 .*; source images 4 there, 3 here; source c"):
        run(data)


def test_a_caption_that_was_changed_makes_another_source(run: Run, world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(world.data, data)
    run(data)
    moved = data.rename(tmp_path / "moved")
    assert run(moved).complete  # the same images in another place are the same
    (moved / "00003.txt").write_text("something else")
    with pytest.raises(ValueError, match=r"source .* there, .* here"):
        run(moved)


def test_what_is_not_ours_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(FileExistsError, match=r"holds 'notes.txt' and no manifest"):
            run(force=force)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="expected a folder"):
        run(out="file")


def test_force_removes_what_it_wrote_and_nothing_else(run: Run, world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(world.undisturbed, out)
    (out / "img_emb/notes.txt").write_text("mine")
    run(force=True, shard_rows=50)
    assert sorted(path.name for path in (out / "img_emb").iterdir()) == ["img_emb_0.npy", "notes.txt"]


@pytest.mark.parametrize("content", ["{", "[]", '{"made_by": "mindgap embed", "format": 1, "recipe": {}, "shards": 6}'])
def test_a_damaged_manifest_is_told_with_what_mends_it(run: Run, world: World, tmp_path: Path, content: str) -> None:
    out = tmp_path / "out"
    shutil.copytree(world.undisturbed, out)
    (out / _embedded.MANIFEST).write_text(content)
    for call in (run, lambda: load_pairs(out), lambda: embedding.read(out)):
        with pytest.raises(ValueError, match=r"manifest.json: .*\. Put a copy of it back, or embed anew with force"):
            call()
    run(force=True)
    assert same(out, world)
    # Where no shard beside it is ours, a file of that name may be anybody's.
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / _embedded.MANIFEST).write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json: expected"):
        run(out="other", force=True)
    assert (tmp_path / "other" / _embedded.MANIFEST).read_text() == content


def test_a_damaged_record_is_told_with_what_mends_it(run: Run, world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(world.undisturbed, out)
    record = _embedded.record_path(out, 2)
    record.write_text(record.read_text(encoding="utf-8")[:40])
    for call in (run, lambda: load_pairs(out)):
        with pytest.raises(ValueError, match=r"shard_2.json: .*\. Remove it: the command that wrote the folder then"):
            call()
    record.unlink()
    run()
    assert same(out, world)


def test_a_complete_folder_is_read_where_nothing_can_be_written(run: Run, world: World, tmp_path: Path) -> None:
    """A folder in the place of the lock keeps even root from writing it."""
    out = tmp_path / "out"
    shutil.copytree(world.undisturbed, out)
    (out / ".lock").mkdir()
    assert run().complete
    assert [path.name for path in out.glob(".*")] == [".lock"]
    (out / "img_emb/img_emb_1.npy").unlink()
    with pytest.raises(PermissionError, match=r"out: nothing can be written in the folder '.*out' \(Is a directory\)"):
        run()


def test_a_load_reads_the_manifest_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(several_captions(tmp_path), captions="all", shard_rows=3).folder
    real = _embedded.read_manifest
    asked: list[Path] = []

    def noted(folder: Path) -> dict[str, Any] | None:
        asked.append(folder)
        return real(folder)

    monkeypatch.setattr(_embedded, "read_manifest", noted)
    for call in (load_pairs, pairs.open_shards, embedding.captions):
        asked.clear()
        call(out)
        assert asked == [out]


def ranks_of(monkeypatch: pytest.MonkeyPatch, rank: int, ranks: int) -> None:
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", str(ranks))


@pytest.mark.parametrize(("there", "here"), [
    ((0, 1), (0, 1)), ((0, 1), (1, 2)), ((1, 2), (0, 1)), ((2, 3), (0, 2)), ((1, 2), (1, 2)),
])  # fmt: skip
def test_another_process_is_not_disturbed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[int, int], here: tuple[int, int]
) -> None:
    """Neither by one alone nor by one of another number of ranks, which would write the same shards."""
    ranks_of(monkeypatch, *here)
    with (
        _folder.claimed(tmp_path / "out", *there),
        pytest.raises(BlockingIOError, match=r"out: another process is writing '.*out' \(it holds \.lock"),
    ):
        run()
    ranks_of(monkeypatch, 0, 1)
    assert run().complete


def test_ranks_of_one_run_share_a_folder_and_locks_of_killed_ones_do_not_stay(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".lock.2-of-3").touch()
    ranks_of(monkeypatch, 0, 2)
    with _folder.claimed(tmp_path / "out", 1, 2):
        assert not run().complete
    assert not list((tmp_path / "out").glob(".*"))


def test_broken_images_are_listed_counted_and_skipped(run: Run, world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(world.data, data)
    (data / "00004.png").write_bytes((data / "00004.png").read_bytes()[:60])
    (data / "00006.png").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    for number in range(10, 15):
        (data / f"{number:05}.png").write_bytes(b"no image")  # the whole of the third shard
    (data / "00020.txt").unlink()
    (data / "00021.txt").write_text(" ")
    with pytest.warns(DataWarning, match=r"9 images or captions cannot be used; .*skipped.csv lists them"):
        found = run(data)
    assert (found.rows, found.images, found.skipped, found.complete) == (18, 18, 9, True)
    with (found.folder / _embedded.SKIPPED).open(encoding="utf-8", newline="") as file:
        rows = dict(csv.reader(file))
    assert rows.pop("image") == "reason"
    assert sorted(rows) == [
        *(f"{n:05}.png" for n in (4, 6, *range(10, 15), 20)), "00021.txt",
    ]  # fmt: skip
    assert rows["00006.png"].startswith("a git-LFS pointer")
    assert "image file is truncated" in rows["00004.png"]
    assert rows["00010.png"].endswith("it is no image that it knows")
    assert rows["00020.png"] == "its caption, a .txt of the same stem, is missing"
    assert rows["00021.txt"] == "expected a caption, got an empty one"
    pairs, expected = load_pairs(found.folder), load_pairs(world.undisturbed)
    kept = [n for n in range(27) if f"{n:05}.png" not in rows and n != 21]
    torch.testing.assert_close((pairs.x, pairs.y), (expected.x[kept], expected.y[kept]), rtol=0, atol=1e-6)
    assert run(data).rows == 18
    for path in data.glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"not two images of .* can be used; the first: an empty file"):
        run(data, out="nothing")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are always text")
def test_names_that_are_no_utf8_are_written_with_escapes(run: Run, tmp_path: Path) -> None:
    data = drawn.captioned(tmp_path / "data", 4)
    for number, name in ((1, b"caf\xe9"), (2, b"th\xe9")):
        for ending in ("png", "txt"):
            (data / f"{number:05}.{ending}").rename(data / os.fsdecode(name + b"." + ending.encode()))
    (data / os.fsdecode(b"th\xe9.png")).write_bytes(b"no image")
    with pytest.warns(DataWarning, match="1 images or captions"):
        found = run(data)
    assert (found.rows, found.skipped) == (3, 1)
    with (found.folder / _embedded.SKIPPED).open(encoding="utf-8", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["image", r"th\udce9.png"]
    import pyarrow.parquet

    names = pyarrow.parquet.read_table(found.folder / "metadata/metadata_0.parquet")["image_path"].to_pylist()
    assert names == ["00000.png", "00003.png", r"caf\udce9.png"]


def test_captions_that_are_cut_are_counted(run: Run, world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(world.data, data)
    for number, words in ((3, 38), (4, 39), (20, 60)):  # two tokens stand around them
        (data / f"{number:05}.txt").write_text(" ".join(["red"] * words))
    with pytest.warns(DataWarning, match=rf"2 captions are longer than {drawn.TINY} reads, and were cut"):
        assert run(data).cut == 2


def test_a_machine_that_fails_to_read_ends_the_run_and_loses_nothing(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def fails(path: Path, *arguments, **named):
        if path.name == "00012.png":
            raise OSError(5, "Input/output error", str(path))
        return real(path, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fails)
        with pytest.raises(OSError, match=r"00012.png: Input/output error; nothing is lost, the same command goes on"):
            run()
    assert embedding.read(tmp_path / "out").rows == 10
    assert run().complete
    assert same(tmp_path / "out", world)


@pytest.mark.parametrize(("captions", "chosen"), [
    ("first", [0, 3, 5]), ("last", [2, 4, 5]), ("all", [0, 1, 2, 3, 4, 5]),
])  # fmt: skip
def test_of_several_captions(run: Run, world: World, tmp_path: Path, captions: str, chosen: list[int]) -> None:
    """The same as `load_pairs` gives of the images themselves, with their groups."""
    data = several_captions(tmp_path)
    every = load_pairs(f"open_clip:{drawn.TINY}/{world.weights}", data=data)
    found = load_pairs(run(data, captions=captions, shard_rows=3).folder)
    expected = (geometry.normalize(side[chosen]) for side in (every.x, every.y))
    torch.testing.assert_close((found.x, found.y), tuple(expected), rtol=0, atol=1e-5)
    if captions == "all":
        assert found.groups == tuple(f"images/{i}.png" for i in (0, 0, 0, 1, 1, 2))
        assert torch.equal(found.x, found.x[[0, 0, 0, 3, 3, 5]])
        assert load_pairs(tmp_path / "out", n=4).groups == found.groups[:4]
        assert len(found.one_each()) == 3
    else:
        assert found.groups is None


def test_shards_hold_whole_images(run: Run, tmp_path: Path) -> None:
    found = run(several_captions(tmp_path), captions="all", shard_rows=2)
    rows = [record.rows for record in _embedded.records(found.folder, found.shards)]
    assert rows == [3, 2, 1]


def test_each_process_of_torchrun_takes_its_own_shards(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last to end completes the folder, whichever that is."""
    monkeypatch.setenv("WORLD_SIZE", "3")
    out = tmp_path / "out"
    for rank, there in ((1, [1, 4]), (2, [1, 2, 4, 5]), (0, [0, 1, 2, 3, 4, 5])):
        monkeypatch.setenv("RANK", str(rank))
        found = run()
        assert [record.number for record in _embedded.records(out, 6)] == there
        assert found.complete == (rank == 0)
    assert same(out, world)
    with pytest.raises(ValueError, match="force: 3 processes cannot agree"):
        run(force=True)
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(ValueError, match="RANK: expected a whole number in the environment, got 'first'"):
        run()


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"model": "ViT-B-23"}, ValueError, "architecture: unknown name 'ViT-B-23'; did you mean 'ViT-B-32"),
    ({"model": "RN50", "pretrained": "openay"}, ValueError, "unknown name 'openay'; did you mean 'openai'"),
    ({"pretrained": None}, ValueError, "pretrained: expected a tag such as 'openai', or the path"),
    ({"pretrained": "a.safetensors", "weights": "b.safetensors"}, ValueError, "weights: expected one file of weights"),
    ({"pretrained": "absent.safetensors"}, FileNotFoundError, "absent.safetensors: no such file"),
    ({"captions": "second"}, ValueError, "captions: unknown name 'second'; known: first, last, all"),
    ({"batch_size": 0}, ValueError, "batch_size: expected a whole number at least 1"),
    ({"shard_rows": 1}, ValueError, "shard_rows: expected a whole number at least 2"),
    ({"workers": -1}, ValueError, "workers: expected a whole number at least 0"),
    ({"precision": "half"}, ValueError, "precision: unknown name 'half'"),
    ({"precision": "float16"}, ValueError, "precision: expected float32 on cpu, got float16"),
    ({"device": "cudda"}, ValueError, "device: 'cudda' cannot be used here"),
    ({"data": "absent"}, FileNotFoundError, "data: absent does not exist; expected a folder"),
    ({"images": "somewhere"}, ValueError, "images: the folder of a COCO captions .json"),
])  # fmt: skip
def test_bad_input_is_told_before_anything_is_written(
    run: Run, tmp_path: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(**options)
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_is_no_number_is_an_error(run: Run, world: World, tmp_path: Path) -> None:
    found = safetensors.torch.load_file(world.weights)
    found["text_projection"][0, 0] = float("nan")
    safetensors.torch.save_file(found, tmp_path / "nan.safetensors")
    with pytest.raises(ValueError, match=r"the model gave a caption in float32 a row that is zero or not finite"):
        run(pretrained=tmp_path / "nan.safetensors")


@FORKED
def test_a_worker_that_is_killed_is_told_in_one_line(world: World) -> None:
    class Deadly:
        def __call__(self, _: Any) -> Any:
            os.kill(os.getpid(), signal.SIGKILL)

    from mindgap.embedding._sources import listed

    items = listed(world.data, None, "first").items
    with pytest.raises(OSError, match=r"workers: one of 1 ended before its work was done") as caught:
        list(_images.batches(items, [[0, 1]], Deadly(), open_clip.get_tokenizer(drawn.TINY), 1, False))
    assert "\n" not in str(caught.value)


def test_what_goes_to_workers_can_be_sent(world: World) -> None:
    """Where processes are spawned and not forked, as on macOS, they get a pickle."""
    import pickle

    from mindgap import _open_clip
    from mindgap.embedding._sources import listed
    from mindgap.pairs._pretrained import image_transform

    model = _open_clip.create(drawn.TINY, 0)
    items = listed(world.data, None, "first").items
    sent = (_images._Images(items, image_transform(model)), _images._Together(items, _open_clip.tokenizer(drawn.TINY)))
    images, together = pickle.loads(pickle.dumps(sent))
    assert together([images[0], images[1]]).pixels.shape == (2, 3, 32, 32)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_on_a_gpu(run: Run, world: World, precision: str) -> None:
    found, expected = load_pairs(run(device="cuda", precision=precision).folder), load_pairs(world.undisturbed)
    within = 1e-3 if precision == "float32" else 3e-2
    torch.testing.assert_close((found.x, found.y), (expected.x, expected.y), rtol=0, atol=within)


def test_options_of_the_undisturbed_run_make_several_batches_and_shards() -> None:
    assert OPTIONS["batch_size"] < OPTIONS["shard_rows"] < 27 / 2
