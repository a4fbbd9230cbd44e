"""Train the small CLIP from eight seeds, for chapter 3: `make seeds` (about six minutes on two cores).

Every training starts from random weights and sees scenes of its own; both follow from its seed. Before the first step
and after the last one both towers embed the same 64 scenes and captions, which no training saw. What chapter 3 shows of
these embeddings is kept in `trained_seeds.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from mindgap import _files, cones, geometry, miniclip, results, training
from mindgap._files import rounded
from mindgap.charts import tables
from mindgap.recipe import Recipe
from mindgap.scenes import Scenes, draw
from mindgap.seeds import gap_matrix, principal_points

SEEDS, STEPS, TEMPERATURE = 8, 300, 0.01
INPUTS, DATA_SEED = 64, 20240517  # of the scenes that all models embed
STAGES, TOWERS = ("untrained", "trained"), ("image", "text")
BINS, SHOWN, SINGULAR_VALUES = 100, 12, 16

Clouds = Mapping[str, Float[Tensor, "seeds n d"]]
"""The embeddings of all seeds on the unit sphere, by "stage/tower"."""


def recipe(seed: int) -> Recipe:
    return Recipe(temperature=TEMPERATURE, steps=STEPS, seed=seed)


def scenes() -> Scenes:
    return draw(INPUTS, DATA_SEED)


def embedded(model: Any, pairs: Scenes) -> list[Tensor]:
    """The unit embeddings of the scenes and of their captions, in float64."""
    return [geometry.normalize(side.double()) for side in miniclip.encode(model, pairs)]


def embeddings(seeds: int = SEEDS) -> dict[str, Tensor]:
    """Train, and embed the same scenes before and after."""
    pairs = scenes()
    kept: dict[str, list[Tensor]] = {f"{stage}/{tower}": [] for stage in STAGES for tower in TOWERS}
    for seed in tqdm(range(seeds), unit="training"):
        models = {
            "untrained": miniclip.build(recipe(seed)).eval(),
            "trained": training.train(recipe(seed), progress=False),
        }
        for stage, model in models.items():
            for tower, cloud in zip(TOWERS, embedded(model, pairs), strict=True):
                kept[f"{stage}/{tower}"].append(cloud)
    return {name: torch.stack(clouds) for name, clouds in kept.items()}


def across(a: Float[Tensor, "seeds n d"], b: Float[Tensor, "seeds n d"], same: bool) -> dict[str, Any]:
    """The cosines of single pairs, one from each of two clouds: those of one seed, or of every two seeds.

    Inputs of one number are left out; `spread` is the root mean square, and `pairs` says how many clouds were paired.
    """
    seeds, n = a.shape[:2]
    couples = [(i, j) for i in range(seeds) for j in range(seeds) if (i == j) == same and (a is not b or i < j)]
    off = ~torch.eye(n, dtype=torch.bool)
    cosines = torch.stack([(a[i] @ b[j].T)[off] for i, j in couples])
    counted = tables.counted(cosines.flatten().tolist(), torch.linspace(-1, 1, BINS + 1).tolist())
    moments = {"mean": counted.mean, "std": counted.std, "min": counted.min, "max": counted.max}
    return {
        "pairs": len(couples),
        "histogram": {int(index): int(counted.counts[index]) for index in counted.counts.nonzero().flatten()},
        **rounded(moments | {"spread": float(cosines.square().mean().sqrt())}, 5),
    }


def summary(clouds: Clouds) -> dict[str, Any]:
    """What is kept of the embeddings, numbers rounded to what the chapter shows."""
    found: dict[str, Any] = {}
    for stage in STAGES:
        image, text = (clouds[f"{stage}/{tower}"] for tower in TOWERS)
        means = [cloud.mean(dim=0) for side in (image, text) for cloud in side]
        towers = {}
        for tower, side in zip(TOWERS, (image, text), strict=True):
            pooled = side.flatten(0, 1)
            singular = torch.linalg.svdvals(pooled - pooled.mean(dim=0))[:SINGULAR_VALUES]
            towers[tower] = {
                "cosines": rounded([geometry.mean_cosine(cloud) for cloud in side]),
                "singular_values": rounded(singular.tolist()),
                "variance_share": rounded(cones.variance_share(side)),
            }
        found[stage] = {
            "towers": towers,
            "recall": rounded([geometry.recall_at_k(*pair) for pair in zip(image, text, strict=True)]),
            "gaps": rounded(gap_matrix(means).tolist()),
            "points": rounded(principal_points(torch.cat([image, text]))[:, :SHOWN].tolist(), 3),
            "across": {
                "two image towers": across(image, image, same=False),
                "two text towers": across(text, text, same=False),
                "image and text, two seeds": across(image, text, same=False),
                "image and text, one seed": across(image, text, same=True),
            },
        }
    return found


def main() -> None:
    found = summary(embeddings())
    header = {
        "recipe": asdict(recipe(0)) | {"seed": list(range(SEEDS)), "inputs": INPUTS, "data_seed": DATA_SEED},
        "versions": _files.versions(*training.PACKAGES),
    }
    path = results.FOLDER / "trained_seeds.json"
    _files.write_whole(path, (json.dumps(header | {"stages": found}, separators=(",", ":")) + "\n").encode())
    print(f"{path.name}: {SEEDS} trainings")


if __name__ == "__main__":
    main()
