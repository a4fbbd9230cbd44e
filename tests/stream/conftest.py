"""Shards that the tests of streams share: seven thousand pairs in twelve dimensions, in three files a side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mindgap import pairs

N, DIMENSION = 7000, 12  # four units of work


def rows(n: int = N, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Matched rows with a gap, of any length."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(n, DIMENSION))
    return tuple(
        common * scale + shift + 0.3 * generator.normal(size=common.shape) for scale, shift in ((1, 1), (2, -0.5))
    )  # type: ignore[return-value]


def write(folder: Path, x: np.ndarray, y: np.ndarray, cuts: list[int], kind: str = "f4") -> Path:
    """Shards as clip-retrieval writes them."""
    for side, values in (("img_emb", x), ("text_emb", y)):
        (folder / side).mkdir(parents=True)
        for number, part in enumerate(np.split(values.astype(kind), cuts)):
            np.save(folder / side / f"{side}_{number}.npy", part)
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody changes them."""
    return write(tmp_path_factory.mktemp("shards") / "many", *rows(), [1000, 4500])


@pytest.fixture
def shards(folder: Path) -> pairs.Shards:
    return pairs.open_shards(folder)
