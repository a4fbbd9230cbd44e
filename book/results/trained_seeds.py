"""Train the small CLIP from six seeds, for chapter 3: `make seeds` (about four minutes on two cores).

Every training starts from random weights and sees scenes of its own; both follow from its seed. Before the first step
and after the last one both towers embed the same 64 scenes and captions, which no training saw. What chapter 3 shows of
these embeddings is kept in `trained_seeds.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from mindgap import _files, cones, geometry, miniclip, results, training
from mindgap._files import rounded
from mindgap.recipe import Recipe
from mindgap.scenes import Scenes, draw
from mindgap.seeds import gap_matrix, principal_points

SEEDS, STEPS, TEMPERATURE = 6, 300, 0.01
INPUTS, DATA_SEED = 64, 20240517  # of the scenes that all models embed
STAGES, TOWERS = ("untrained", "trained"), ("image", "text")
SHOWN, SINGULAR_VALUES = 16, 12

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
        trained = embedded(training.train(recipe(seed), progress=False), pairs)
        for stage, both in zip(STAGES, (untrained(seed), trained), strict=True):
            for tower, cloud in zip(TOWERS, both, strict=True):
                kept[f"{stage}/{tower}"].append(cloud)
    return {name: torch.stack(clouds) for name, clouds in kept.items()}


def untrained(seed: int) -> list[Tensor]:
    """What both towers make of the scenes before the first step."""
    return embedded(miniclip.build(recipe(seed)).eval(), scenes())


def between(a: Float[Tensor, "seeds n d"], b: Float[Tensor, "seeds n d"]) -> list[float]:
    """The product of the two means, for every two seeds: the cone of one, and that of another, of one or two towers."""
    means_a, means_b = a.mean(dim=1), b.mean(dim=1)
    seeds = range(len(a))
    return [float(means_a[i] @ means_b[j]) for i in seeds for j in seeds if (i < j if a is b else i != j)]


def summary(clouds: Clouds) -> dict[str, Any]:
    """What is kept of the embeddings, stage by stage, in numbers rounded to what the chapter shows."""
    return {stage: of_stage(*(clouds[f"{stage}/{tower}"] for tower in TOWERS)) for stage in STAGES}


def of_stage(image: Float[Tensor, "seeds n d"], text: Float[Tensor, "seeds n d"]) -> dict[str, Any]:
    seeds = range(len(image))
    found: dict[str, Any] = {}
    for tower, side in zip(TOWERS, (image, text), strict=True):
        pooled = side.flatten(0, 1)
        found[tower] = {
            "cosines": [geometry.mean_cosine(cloud) for cloud in side],
            "singular_values": torch.linalg.svdvals(pooled - pooled.mean(dim=0))[:SINGULAR_VALUES].tolist(),
            "variance_share": cones.variance_share(side),
            "same_seed": same_seed(side),
        }
    found["between"] = {"image": between(image, image), "text": between(text, text), "both": between(image, text)}
    found["own"] = [float(a.mean(dim=0) @ b.mean(dim=0)) for a, b in zip(image, text, strict=True)]
    found["gaps"] = gap_matrix([cloud.mean(dim=0) for side in (image, text) for cloud in side]).tolist()
    found["recall"] = [[geometry.recall_at_k(image[i], text[j]) for j in seeds] for i in seeds]
    found = rounded(found)
    found["points"] = rounded(principal_points(torch.cat([image, text]))[:, :SHOWN].tolist(), 3)
    return found


def same_seed(side: Float[Tensor, "seeds n d"]) -> float:
    """How often the nearest neighbour of an embedding, among those of all seeds, has the same seed."""
    rows = side.flatten(0, 1)
    nearest = (rows @ rows.T).fill_diagonal_(-1).argmax(dim=1)
    seed = torch.arange(len(side)).repeat_interleave(side.shape[1])
    return float((seed[nearest] == seed).double().mean())


def main() -> None:
    found = summary(embeddings())
    header = {
        "recipe": asdict(recipe(0)) | {"seed": list(range(SEEDS)), "inputs": INPUTS, "data_seed": DATA_SEED},
        "versions": _files.versions(*training.PACKAGES),
    }
    path = results.FOLDER / "trained_seeds.json"
    _files.write_json(path, header | {"stages": found})
    print(f"{path.name}: {SEEDS} trainings")


if __name__ == "__main__":
    main()
