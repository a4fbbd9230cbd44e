"""`mindgap cache`: it lists what was downloaded, and removes that alone, after a yes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mindgap.cli import app
from tests.cli.conftest import Invoke, assert_one_line


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a file of the authors', a rest of a download, and something of the user's."""
    folder = tmp_path / "cache"
    folder.mkdir()
    for name in ("features_clasp.npy", "tmpab12cd_x", "mine.npy"):
        (folder / name).write_bytes(b"x" * 500_000)
    monkeypatch.setenv("MINDGAP_CACHE", str(folder))
    monkeypatch.delenv("MINDGAP_DATA", raising=False)
    return folder


def test_what_lies_there(mindgap: Invoke, folder: Path) -> None:
    ran = mindgap("cache")
    assert f"{folder}: 2 files, 1.0 MB" in ran.stdout
    assert "features_clasp.npy" in ran.stdout
    assert "mine.npy" not in ran.stdout
    found = json.loads(mindgap("cache", "--json").stdout)
    assert (found["folder"], found["bytes"], found["MINDGAP_DATA"]) == (str(folder), 1_000_000, None)


def test_clear_asks_and_leaves_what_is_not_ours(folder: Path) -> None:
    asked = CliRunner().invoke(app, ["cache", "--clear"], input="n\n")
    assert (asked.exit_code, len(list(folder.iterdir()))) == (0, 3)
    assert "Remove 2 files (1.0 MB)" in asked.stderr
    assert CliRunner().invoke(app, ["cache", "--clear"], input="y\n").exit_code == 0
    assert [file.name for file in folder.iterdir()] == ["mine.npy"]


def test_yes_does_not_ask(mindgap: Invoke, folder: Path) -> None:
    assert "removed 2 files" in mindgap("cache", "--clear", "--yes").stdout
    assert "nothing to remove" in mindgap("cache", "--clear", "--yes").stdout
    assert_one_line(mindgap("cache", "--yes"), "--clear")


def test_an_empty_cache_says_how_to_fill_it(mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINDGAP_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("MINDGAP_DATA", str(tmp_path / "absent"))
    ran = mindgap("cache")
    assert "empty; `mindgap fetch`" in ran.stdout
    assert "which is no folder" in ran.stdout
    assert not (tmp_path / "none").exists()
