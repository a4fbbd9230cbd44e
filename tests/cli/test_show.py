"""`mindgap show`: models, results, unfinished runs and embeddings; nothing is run, and what is none is told."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from mindgap import _unfinished
from tests.cli.conftest import Invoke, assert_one_line


def test_a_model_with_recipe_history_and_versions(mindgap: Invoke) -> None:
    ran = mindgap("show", "mini@0.07")
    assert ran.exit_code == 0, ran.output
    for words in ("a trained model of 219,777 parameters", "learn_temperature", "History", "Made by python", "torch"):
        assert words in ran.stdout
    found = json.loads(mindgap("show", "mini@0.07", "--json").stdout)
    assert (found["kind"], found["recipe"]["temperature"]) == ("model", 0.07)
    assert found["history"][-1]["step"] == found["recipe"]["steps"]


@pytest.mark.parametrize(("name", "kind", "words"), [
    ("sweep_temperature.json", "sweep", "35 runs of 300 steps"), ("cones.json", "cones", "25 seeds"),
    ("published.json", "result", "recipe"),
])  # fmt: skip
def test_a_result(mindgap: Invoke, name: str, kind: str, words: str) -> None:
    ran = mindgap("show", name)
    assert ran.exit_code == 0, ran.output
    assert words in ran.stdout
    assert json.loads(mindgap("show", name, "--json").stdout)["kind"] == kind


@pytest.mark.parametrize(("header", "kind"), [
    ({"recipe": {"steps": 5}, "step": 3, "history": [], "seconds": 1.0, "versions": {}}, "unfinished training"),
    ({"recipe": {"steps": 5}, "runs": {"0": {}}}, "unfinished sweep"), ({"recipe": {"n": 5}}, "unfinished cones"),
])  # fmt: skip
def test_an_unfinished_run(mindgap: Invoke, tmp_path: Path, header: dict, kind: str) -> None:
    _unfinished.write(tmp_path / "out.safetensors", header, {})
    file = _unfinished.working_path("out.safetensors")
    assert mindgap("show", file).exit_code == 0
    assert json.loads(mindgap("show", file, "--json").stdout)["kind"] == kind


def test_embeddings(mindgap: Invoke, tmp_path: Path) -> None:
    rows = np.eye(5, 3, dtype="f2")
    rows[:3] *= 4
    np.savez(tmp_path / "x.npz", image=rows, ids=np.arange(5), names=np.array(["a"] * 5))
    np.save(tmp_path / "stack.npy", np.ones((2, 4, 9)))
    (image, *_) = json.loads(mindgap("show", "x.npz", "--json").stdout)["arrays"]
    assert image == {
        "key": "image", "shape": [5, 3], "dtype": "float16", "least_norm": 4, "mean_norm": 4, "largest_norm": 4,
        "unusable_rows": 2,
    }  # fmt: skip
    ran = mindgap("show", "x.npz")
    assert "image: 2 rows are all zeros, or not finite" in ran.stdout
    assert "5 × 3" in ran.stdout
    assert "3.000 to 3.000" in mindgap("show", "stack.npy").stdout


def test_a_folder_of_shards(mindgap: Invoke, tmp_path: Path) -> None:
    for side in ("img_emb", "text_emb"):
        (tmp_path / "mine" / side).mkdir(parents=True)
        np.save(tmp_path / "mine" / side / f"{side}_0.npy", np.ones((4, 9)))
    assert "mine: 2 files of shards" in mindgap("show", "mine").stdout
    assert_one_line(mindgap("show", "."), "a folder without shards")


def test_what_is_nothing_of_ours(mindgap: Invoke, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "sprung",)

    (tmp_path / "x.pkl").write_bytes(pickle.dumps(Trap()))
    np.save(tmp_path / "objects.npy", np.array([Trap()]), allow_pickle=True)
    for name in ("x.pkl", "objects.npy"):
        assert_one_line(mindgap("show", name), name)
    assert not (tmp_path / "sprung").exists()
    (tmp_path / "x.json").write_text('{"a": 1}')
    (tmp_path / "torn.json").write_text('{"a')
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    assert_one_line(mindgap("show", "x.json"), "x.json: JSON, but no result of mindgap")
    assert_one_line(mindgap("show", "torn.json"), "torn.json: expected a result")
    assert_one_line(mindgap("show", "torn.safetensors"), "torn.safetensors: not a whole safetensors file")
    assert_one_line(mindgap("show", "absent.npy"), "absent.npy: no such file or folder")
    assert_one_line(mindgap("show", "mini@0.8"), "did you mean '0.07'")
