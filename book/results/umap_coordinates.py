"""Compute the UMAP coordinates that chapter 1 shows beside PCA: `make coordinates`.

UMAP places points by a random search, so its pictures are computed once, with a seed, and kept in
`umap_coordinates.json` with the recipe. All pairs of a set are placed together, on their unit rows.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version

import numpy as np
import torch

from mindgap import load_pairs, normalize, results
from mindgap.pairs import feature_names

SEED, NEIGHBORS, MIN_DIST = 0, 15, 0.1
MINI = {"n": 500, "seed": 1}


def coordinates(name: str, **options: int) -> dict[str, list]:
    """Coordinates of both modalities, scaled into the unit square, to three decimals: {"x": [[u, v], …], "y": …}."""
    import umap

    pairs = load_pairs(name, **options)
    points = torch.cat([normalize(pairs.x), normalize(pairs.y)]).numpy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # a seed means one thread, as wanted
        placed = umap.UMAP(n_neighbors=NEIGHBORS, min_dist=MIN_DIST, random_state=SEED).fit_transform(points)
    low, high = placed.min(axis=0), placed.max(axis=0)
    scaled = np.round((placed - low) / (high - low), 3).tolist()
    return {"x": scaled[: len(pairs)], "y": scaled[len(pairs) :]}


def main() -> None:
    sets = {name: coordinates(name) for name in feature_names()}
    sets["mini"] = coordinates("mini", **MINI)
    recipe = {
        "umap-learn": version("umap-learn"),
        "numba": version("numba"),
        "seed": SEED,
        "n_neighbors": NEIGHBORS,
        "min_dist": MIN_DIST,
        "metric": "euclidean on unit rows",
        "mini": MINI,
    }
    path = results.FOLDER / "umap_coordinates.json"
    _files.write_json(path, {"recipe": recipe, "sets": sets})
    print(f"{path.name}: {len(sets)} sets")


if __name__ == "__main__":
    main()
