"""CLIP's own first axes, a start of the playground: `python book/results/playground_clip.py` (a second).

The first 200 pairs of the features that come with the package, in 32 axes: the mean of both sides, what the gap has at
right angles to it, and the principal axes of the rest. In thousandths, which the page holds as they are.
"""

from __future__ import annotations

from typing import Any

import torch

from mindgap import _files, geometry, load_pairs, results
from mindgap.playground import DIMENSIONS

PAIRS, AXES = 200, max(DIMENSIONS)


def measured() -> dict[str, Any]:
    pairs = load_pairs("clip")
    x, y = (geometry.normalize(side[:PAIRS].double()) for side in (pairs.x, pairs.y))
    middle = geometry.normalize((x.mean(dim=0) + y.mean(dim=0))[None])[0]
    gap = geometry.gap_vector(x, y)
    across = geometry.normalize((gap - (gap @ middle) * middle)[None])[0]
    rest = torch.cat([x, y])
    for axis in (middle, across):
        rest = rest - (rest @ axis)[:, None] * axis
    axes = torch.linalg.svd(rest, full_matrices=False).Vh[: AXES - 2]
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    basis = torch.cat([middle[None], across[None], axes * largest.sign()])
    images, texts = ((1000 * side @ basis.T).round().int().tolist() for side in (x, y))
    recipe = {"source": "load_pairs('clip')", "pairs": PAIRS, "axes": AXES, "unit": "thousandths"}
    return {"recipe": recipe, "images": images, "texts": texts}


def main() -> None:
    found = measured()
    path = results.FOLDER / "playground_clip.json"
    _files.write_json(path, found)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
