"""What lies in files of embeddings, in every format, and whether a file is one side of pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from mindgap import pairs


@pytest.fixture
def rows() -> np.ndarray:
    found = np.random.default_rng(0).normal(size=(40, 6)).astype("f4")
    found[3], found[5, 2] = 0, np.nan
    return found


def write(path: Path, rows: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, rows)
    elif path.suffix == ".npz":
        np.savez(path, only=rows)
    elif path.suffix == ".safetensors":
        safetensors.numpy.save_file({"only": rows}, path)
    elif path.suffix == ".pt":
        torch.save({"only": torch.from_numpy(rows)}, path)
    else:
        np.savetxt(path, rows, delimiter=",")
    return path


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.safetensors", "x.pt", "x.csv"])
def test_shapes_types_norms_and_rows_that_are_none(tmp_path: Path, rows: np.ndarray, name: str) -> None:
    (found,) = pairs.described(write(tmp_path / name, rows))
    assert found.shape == (40, 6)
    assert found.dtype == ("float64" if name.endswith("csv") else "float32")
    assert found.unusable == 2
    norms = np.linalg.norm(np.delete(rows, [3, 5], axis=0), axis=1)
    assert found.norms == pytest.approx((norms.min(), norms.mean(), norms.max()), rel=1e-5)
    assert pairs.is_one_side(str(tmp_path / name))


def test_what_is_no_matrix_has_no_norms(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", ids=np.arange(4), names=np.array([["a"]]), none=np.empty((0, 3)))
    found = {one.key: one for one in pairs.described(tmp_path / "x.npz")}
    assert [one.norms for one in found.values()] == [None] * 3
    assert found["ids"].shape == (4,)
    with pytest.raises(FileNotFoundError, match="absent"):
        pairs.described(tmp_path / "absent.npy")


def test_one_side_or_both(tmp_path: Path) -> None:
    np.save(tmp_path / "stack.npy", np.ones((2, 4, 3)))
    np.savez(tmp_path / "both.npz", image=np.ones((4, 3)), text=np.ones((4, 3)))
    assert not pairs.is_one_side(str(tmp_path / "stack.npy"))
    assert not pairs.is_one_side(str(tmp_path / "both.npz"))
    assert pairs.is_one_side(f"{tmp_path / 'both.npz'}:image")
    assert not pairs.is_one_side("clip")
    assert pairs.is_one_side("absent.npy")
    with pytest.raises(ValueError, match="did you mean 'clip'"):
        pairs.is_one_side("clpi")


def test_options_by_name() -> None:
    assert pairs.options_of("mini") == ("n", "seed")
    assert pairs.options_of("clip") == ("url", "progress")
    assert "data" in pairs.options_of("open_clip:ViT-B-32/openai")
    assert pairs.options_of(("a.npy", "b.npy")) == ("n",)
