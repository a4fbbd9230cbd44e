"""Measure the authors' eight feature files, to compare other embeddings with: `python book/results/published.py`.

The files are looked for, and fetched, as `load_pairs` does it; only what `metrics.report` finds is kept.
"""

from __future__ import annotations

from typing import Any

from mindgap import _files, load_pairs, metrics, results
from mindgap._files import rounded
from mindgap.pairs import feature_names


def measured(names: tuple[str, ...] | None = None) -> dict[str, Any]:
    """For each file its name, its modalities and every measure, to six digits."""
    sets = []
    for name in names or tuple(feature_names()):
        pairs = load_pairs(name)
        found = rounded(metrics.report(pairs.x.double(), pairs.y.double()), 6)
        sets.append({"name": name, "modalities": list(pairs.modalities), **found})
    recipe = {
        "files": "Figure_1_Modality_Gap/features_….npy of the authors",
        "versions": _files.versions("mindgap", "torch"),
    }
    return {"source": "features published with Liang et al. (2022)", "recipe": recipe, "sets": sets}


def main() -> None:
    path = results.FOLDER / "published.json"
    found = measured()
    _files.write_json(path, found)
    print(f"{path.name}: {len(found['sets'])} files")


if __name__ == "__main__":
    main()
