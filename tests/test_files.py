"""Files written whole, and read without running code."""

import json
import os
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from mindgap import _files


def test_tensors_come_back_with_their_header(tmp_path):
    header = {"recipe": {"steps": 3}, "words": "ü", "list": [1, None]}
    tensors = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor([True]), "c": torch.zeros(0)}
    _files.write_tensors(tmp_path / "x.safetensors", header, tensors)
    found, again = _files.read_tensors(tmp_path / "x.safetensors")
    assert found == header
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)
    os.unlink(tmp_path / "x.safetensors")
    assert again["a"].sum() == 15  # in memory, or in a mapping that outlives the name


def foreign(metadata):
    return safetensors.torch.save({"a": torch.zeros(2)}, metadata=metadata)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a whole safetensors file"),
        (foreign(None)[:-1], "not a whole safetensors file"),
        (foreign(None), "a safetensors file, but not a mindgap model"),
        (foreign({"format": "pt"}), "a safetensors file, but not a mindgap model"),
        (foreign({"mindgap": "{"}), "its mindgap header is damaged"),
        (foreign({"mindgap": "[]"}), "its mindgap header is damaged"),
    ],
)
def test_other_files_are_named(tmp_path, data, message):
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        _files.read_tensors(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_path_is_checked_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _files.free_path("~/x.json", suffix=".json") == tmp_path / "x.json"
    (tmp_path / "x.json").write_text("mine")
    with pytest.raises(FileExistsError, match=r"path: .*x.json' exists already"):
        _files.free_path("~/x.json", suffix=".json")
    assert _files.free_path("~/x.json", True, ".json") == tmp_path / "x.json"
    with pytest.raises(ValueError, match=r"path: expected a name ending in .json, got 'x.csv'"):
        _files.free_path("x.csv", suffix=".json")
    with pytest.raises(FileNotFoundError, match=r"path: no folder '.*none' to write 'x.json' in"):
        _files.free_path("~/none/x.json", suffix=".json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(IsADirectoryError, match=r"path: .*folder.json' is a folder"):
        _files.free_path("~/folder.json", True, ".json")

    def refused(dir):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(PermissionError, match=rf"path: nothing can be written in the folder '{tmp_path}' \(Read-only"):
        _files.free_path("~/y.json", suffix=".json")


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    _files.write_whole(path, b"first")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        _files.write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_results_of_another_command_are_named(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"runs": []}))
    assert _files.read_results(path, "mindgap sweep", "runs") == {"runs": []}
    with pytest.raises(ValueError, match=r"x.json: expected a file of `mindgap cones`, an object with clouds"):
        _files.read_results(path, "mindgap cones", "clouds")
    path.write_text("{")
    with pytest.raises(ValueError, match=r"x.json: expected a file of `mindgap cones`"):
        _files.read_results(path, "mindgap cones", "clouds")


def test_files_alone_load_no_torch():
    code = (
        "import sys, importlib.util; from mindgap import _files; assert not {'torch', 'safetensors'} & set(sys.modules)"
    )
    light = "import types, sys; sys.modules['mindgap'] = m = types.ModuleType('mindgap'); m.__path__ = [sys.argv[1]]; "
    folder = os.path.dirname(_files.__file__)
    subprocess.run([sys.executable, "-c", light + code, folder], check=True)


def test_a_claim_is_exclusive_and_leaves_nothing(tmp_path):
    with _files.claimed(tmp_path / "x.json", suffix=".json") as path:
        assert path == tmp_path / "x.json"
        with pytest.raises(BlockingIOError, match=r"another process is writing '.*x\.json'"):
            _files.claimed(path, suffix=".json").__enter__()
        with _files.claimed(tmp_path / "y.json", suffix=".json"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_process_that_was_killed_is_none(tmp_path):
    (tmp_path / ".x.json.lock").write_bytes(b"")
    with _files.claimed(tmp_path / "x.json", suffix=(".json", ".csv")):
        pass
    with pytest.raises(ValueError, match=r"ending in \.json or \.csv"):
        _files.free_path(tmp_path / "x.txt", suffix=(".json", ".csv"))


def test_what_is_ours(tmp_path):
    _files.write_tensors(tmp_path / "x.safetensors", {}, {})
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    assert _files.is_ours(tmp_path / "x.safetensors")
    assert not _files.is_ours(tmp_path / "absent.safetensors")
    assert not _files.is_ours(tmp_path / "x.npy")
    with pytest.raises(ValueError, match="torn"):
        _files.is_ours(tmp_path / "torn.safetensors")


def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*x\.json'"):
        _files.write_json(tmp_path / "x.json", {})
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_is_written_through(tmp_path):
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(target)
    path = _files.free_path(link, suffix=".json")
    _files.write_json(path, {"a": 1})
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == link.read_text(encoding="utf-8")
    with pytest.raises(FileExistsError):
        _files.free_path(link, suffix=".json")
