"""What the tests of several explorers need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def own(tmp_path: Path) -> str:
    random = np.random.default_rng(0)
    image = random.normal(size=(60, 8)).astype("float32") + 1
    paths = [tmp_path / "image.npy", tmp_path / "text.npy"]
    for path, array in zip(paths, (image, image[:, ::-1] - 2), strict=True):
        np.save(path, array)
    return ",".join(map(str, paths))
