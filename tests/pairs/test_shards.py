"""Shards are read a part at a time, in one order, checked, and never changed unnoticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mindgap import load_pairs, pairs, stream
from mindgap.pairs._shards import Stamp


def rows(kind: str = "f4") -> tuple[np.ndarray, np.ndarray]:
    x, y = np.random.default_rng(0).normal(size=(2, 40, 6))
    return x.astype(kind), y.astype(kind)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shards of 11, 2 and 27 rows, of which the last is the tenth by its number."""
    for side, values in zip(("img_emb", "text_emb"), rows(), strict=True):
        (tmp_path / "s" / side).mkdir(parents=True)
        for number, part in zip((0, 2, 10), np.split(values, [11, 13]), strict=True):
            np.save(tmp_path / "s" / side / f"{side}_{number}.npy", part)
    return tmp_path / "s"


@pytest.mark.filterwarnings("ignore:.*no shards 1; 3")
def test_parts_across_shards_are_those_of_the_whole(folder: Path) -> None:
    found = pairs.open_shards(folder)
    whole = load_pairs(folder)
    assert (len(found), found.dimension, found.bytes) == (40, 6, 40 * 6 * 8)
    assert (found.name, found.modalities) == (whole.name, whole.modalities)
    for start, stop in ((0, 40), (5, 12), (10, 30), (39, 40)):
        x, y = found.read(start, stop)
        assert torch.equal(x, whole.x[start:stop])
        assert torch.equal(y, whole.y[start:stop])
    numbers = [39, 0, 12, 12, 11, 10]
    for side, expected in zip(found.take(numbers), (whole.x, whole.y), strict=True):
        assert torch.equal(side, expected[numbers])


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f8", "i2"])
def test_two_files_and_a_stacked_one_are_one_shard(tmp_path: Path, kind: str) -> None:
    x, y = (np.round(10 * one).astype(kind) + np.array(1, kind) for one in rows("f8"))
    np.save(tmp_path / "image.npy", np.asfortranarray(x))
    np.save(tmp_path / "text.npy", y)
    np.save(tmp_path / "both.npy", np.stack([x, y]))
    for name in (f"{tmp_path / 'image.npy'},{tmp_path / 'text.npy'}", tmp_path / "both.npy"):
        found = pairs.open_shards(name)
        a, b = found.read(3, 9)
        assert a.dtype == (torch.float64 if "f8" in kind else torch.float32)
        np.testing.assert_array_equal(a.numpy(), x[3:9])
        np.testing.assert_array_equal(b.numpy(), y[3:9])
        np.testing.assert_array_equal(found.take([7, 1])[1].numpy(), y[[7, 1]])


@pytest.mark.filterwarnings("ignore:.*no shards 1; 3")
def test_what_cannot_be_read_is_named(folder: Path, tmp_path: Path) -> None:
    found = pairs.open_shards(folder)
    text = folder / "text_emb" / "text_emb_10.npy"
    values = np.load(text)
    values[20] = np.inf
    np.save(text, values)
    with pytest.raises(ValueError, match=r"text_emb_10\.npy: has been changed while it was read"):
        found.read(30, 40)
    changed = pairs.open_shards(folder)
    with pytest.raises(ValueError, match=r"text_emb_10\.npy: expected finite numbers, got NaN or infinity in row 20"):
        changed.read(30, 40)
    with pytest.raises(ValueError, match=r"text_emb_10\.npy: .* in row 20"):
        changed.take([39, 33, 2, 33])
    np.save(text, values[:, :5])
    with pytest.raises(ValueError, match="expected the same shape"):
        pairs.open_shards(folder)
    for side in ("img_emb", "text_emb"):
        np.save(folder / side / f"{side}_10.npy", np.ones((27, 5)))
    with pytest.raises(ValueError, match=r"img_emb_10\.npy: expected 6 columns, as in the shards before it, got 5"):
        pairs.open_shards(folder)
    text.unlink()
    with pytest.raises(FileNotFoundError, match="belongs to this shard"):
        pairs.open_shards(folder)


def test_what_has_no_way_to_a_part_is_refused(tmp_path: Path) -> None:
    x, y = rows()
    np.savez(tmp_path / "pairs.npz", image=x, text=y)
    np.save(tmp_path / "image.npy", x)
    np.save(tmp_path / "cube.npy", np.stack([x, y, x]))
    with pytest.raises(ValueError, match=r"pairs\.npz: expected a \.npy file, of which some rows can be read"):
        pairs.open_shards(tmp_path / "pairs.npz")
    with pytest.raises(ValueError, match=r"name: expected \.npy files to stream.*got 'clip'"):
        pairs.open_shards("clip")
    for name in ("image.npy", "cube.npy"):
        with pytest.raises(ValueError, match=r"expected both sides, as one array of shape \(2, n, d\)"):
            pairs.open_shards(tmp_path / name)


@pytest.mark.parametrize("stacked", [False, True])
def test_columns_first_are_read_a_column_at_a_time(tmp_path: Path, stacked: bool) -> None:
    x, y = rows("f2")
    if stacked:
        np.save(tmp_path / "both.npy", np.asfortranarray(np.stack([x, y])))
        found = pairs.open_shards(tmp_path / "both.npy")
    else:
        for name, side in (("image", x), ("text", y)):
            np.save(tmp_path / f"{name}.npy", np.asfortranarray(side))
        found = pairs.open_shards((tmp_path / "image.npy", tmp_path / "text.npy"))
    for numbers in ([39, 0, 12, 12, 11], list(range(3, 30))):
        for part, values in zip(found.take(numbers), (x, y), strict=True):
            np.testing.assert_array_equal(part.numpy(), values[numbers].astype("f4"))


@pytest.mark.filterwarnings("ignore:.*no shards 1; 3")
def test_a_file_that_is_cut_short_while_it_is_read_is_an_error_and_no_signal(folder: Path) -> None:
    """A mapping would end the process."""
    (shard, *_) = pairs.open_shards(folder).shards
    with shard.x.path.open("r+b") as file:
        file.truncate(shard.x.stamp.size - 24)
    stamp = Stamp.of(shard.x.path)  # as if it happened after the look at size and time
    with pytest.raises(ValueError, match=r"img_emb_0\.npy: cut short: 24 bytes are missing"):
        shard.x._replace(stamp=stamp).rows(np.arange(11))


def test_rows_are_of_one_kind_wherever_they_lie(tmp_path: Path) -> None:
    """Or a row in a float32 file and its equal in a float64 file would differ in their bytes, and count as two."""
    x, y = rows("f8")
    for number, kind in enumerate(("f4", "f8")):
        for side, values in (("img_emb", x), ("text_emb", y)):
            (tmp_path / "s" / side).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "s" / side / f"{side}_{number}.npy", values.astype("f4").astype(kind))
    found = pairs.open_shards(tmp_path / "s")
    (first, _), (second, _) = found.read(0, 40), found.read(40, 80)
    assert first.dtype == second.dtype == torch.float64
    assert torch.equal(first, second)
    assert stream.report(found, only="distinct_x").measures == {"distinct_x": 40}
