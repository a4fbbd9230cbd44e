"""Measure the authors' untrained CLIP, for chapters 2 and 3: `python book/results/clip_random.py`.

The features of CLIP ViT-B/16 with random weights do not come with the package, as those of the trained model do. What
the chapters show of them is kept in `clip_random.json`: the cosines within the photographs and within the captions,
counted, and the gap. The file of features is looked for, and fetched, as `load_pairs("clip_random")` does it.
"""

from __future__ import annotations

from typing import Any

from mindgap import _files, cosine_histogram, gap_distance, load_pairs, results
from mindgap._files import rounded

BINS = 200  # over [−1, 1]


def measured() -> dict[str, Any]:
    """Source and recipe; for each modality the fields of a `CosineHistogram`; and the gap distance."""
    pairs = load_pairs("clip_random")
    found: dict[str, Any] = {
        "source": pairs.source,
        "recipe": {"pairs": len(pairs), "bins": BINS, "versions": _files.versions("mindgap", "torch")},
    }
    for modality, rows in zip(pairs.modalities, (pairs.x, pairs.y), strict=True):
        histogram = cosine_histogram(rows, BINS)
        moments = {name: getattr(histogram, name) for name in ("mean", "std", "min", "max")}
        found[modality] = {
            "counts": histogram.counts.tolist(),
            "edges": [round(edge, 6) for edge in histogram.edges.tolist()],
            **rounded(moments, 6),
        }
    return found | {"gap_distance": rounded(gap_distance(pairs.x.double(), pairs.y.double()), 6)}


def main() -> None:
    path = results.FOLDER / "clip_random.json"
    _files.write_json(path, measured())
    print(f"{path.name}: the untrained CLIP")


if __name__ == "__main__":
    main()
