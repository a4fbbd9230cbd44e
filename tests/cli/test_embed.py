"""`mindgap embed`, driven as a user would: a folder that other commands take, and one line for what goes wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch

from mindgap import embedding
from tests.cli.conftest import Invoke, assert_one_line
from tests.embedding import drawn


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    drawn.known(folder)
    return drawn.weights(folder / "tiny.safetensors", drawn.TINY)


@pytest.fixture
def words(tmp_path: Path, model: Path) -> list[str]:
    """The command on twelve drawn scenes in the current folder."""
    drawn.captioned(tmp_path / "photos", 12)
    return ["embed", "--model", drawn.TINY, "--pretrained", str(model), "--data", "photos", "--shard-rows", "5"]


@pytest.mark.filterwarnings("default")
def test_what_it_writes_is_a_source_of_every_command(mindgap: Invoke, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "photos/00003.png").write_bytes(b"")
    result = mindgap(*words, "--out", "results/mine")
    assert result.exit_code == 0, result.output
    pace = r"[\d.e+]+ rows a second, 0:\d\d:\d\d to go"
    *shards, warning = result.stderr.splitlines()
    for line, (rows, left) in zip(shards, ((4, f"2 of 3 shards left, {pace}"), (5, f"1 of 3 shards left, {pace}"),
                                           (2, "0 of 3 shards left")), strict=True):  # fmt: skip
        assert re.fullmatch(rf"shard \d: {rows} rows; {left}", line), line
    assert warning == ("warning: 1 images or captions cannot be used; results/mine/skipped.csv lists them")
    said = " ".join(result.stdout.split())
    assert f"results/mine: {drawn.TINY}/tiny.safetensors in float32 on photos" in said
    assert "11 │ 11 │ 1 │ 0 │ 3" in said
    assert json.loads(mindgap("gap", "results/mine", "--json").stdout)["pairs"] == 11
    shown = mindgap("show", "results/mine")
    assert "made by mindgap embed" in " ".join(shown.stdout.split())


def test_the_same_command_goes_on_after_ctrl_c(
    mindgap: Invoke, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = embedding._folder.write_shard

    def interrupted(folder: Path, number: int, *rest: object) -> None:
        if number == 1:
            raise KeyboardInterrupt
        real(folder, number, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("mindgap.embedding._folder.write_shard", interrupted)
        result = mindgap(*words, "--out", "mine", "--quiet")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "interrupted; the same command goes on from the shards in mine\n"
    again = mindgap(*words, "--out", "mine")
    assert again.exit_code == 0, again.output
    assert again.stderr.startswith("shard 1: 5 rows; 1 of 2 shards left, ")
    assert embedding.read(tmp_path / "mine").rows == 12


def test_ctrl_c_before_the_first_shard_promises_nothing(
    mindgap: Invoke, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for place in ("_open_clip.create", "embedding._folder.write_shard"):
        with monkeypatch.context() as patch:
            patch.setattr(f"mindgap.{place}", interrupted)
            result = mindgap(*words, "--out", "mine", "--quiet")
        assert (result.exit_code, result.stderr) == (130, "interrupted before anything was saved\n")
    (tmp_path / "mine/img_emb").mkdir()
    (tmp_path / "mine/img_emb/img_emb_0.npy").write_bytes(b"of a shard that is not whole")
    shown = mindgap("show", "mine")
    assert "0 of 3 shards" in shown.stdout
    assert "img_emb_0.npy" not in shown.stdout


def test_weights_of_another_model_are_one_short_line(mindgap: Invoke, words: list[str], tmp_path: Path) -> None:
    safetensors.torch.save_file({"other": torch.zeros(2)}, tmp_path / "other.safetensors")
    words[words.index("--pretrained") + 1] = "other.safetensors"
    result = mindgap(*words, "--out", "mine")
    assert_one_line(result, f"other.safetensors: expected weights of {drawn.TINY}, got an error: Error(s) in loading")
    assert "Missing key(s) in state_dict" in result.stderr
    assert len(result.stderr) < 500


def test_what_is_wrong_is_one_line(mindgap: Invoke, words: list[str], tmp_path: Path) -> None:
    assert_one_line(mindgap(*words, "--out", "photos"), "out: 'photos' holds '00000.png' and no manifest")
    assert_one_line(mindgap(*words, "--out", "mine", "--captions", "none"), "captions: unknown name 'none'")
    assert_one_line(mindgap(*words, "--out", "mine", "--precision", "bfloat16"), "expected float32 on cpu")
    assert_one_line(mindgap(*words[:-2], "--shard-rows", "0", "--out", "mine"), "--shard-rows: expected a whole number")
    assert not (tmp_path / "mine").exists()
    assert mindgap(*words, "--out", "mine", "--quiet").exit_code == 0
    assert_one_line(mindgap(*words, "--out", "mine", "--captions", "all"), '"first" there, "all" here')
    assert mindgap(*words, "--out", "mine", "--captions", "all", "--force", "--quiet").exit_code == 0


def test_a_process_of_several_says_that_others_are_at_work(
    mindgap: Invoke, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    result = mindgap(*words, "--out", "mine", "--quiet")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "mine: 2 of 3 shards are there; others are still at work\n"
    monkeypatch.setenv("RANK", "1")
    assert "mindgap gap mine" in mindgap(*words, "--out", "mine", "--quiet").stdout
