"""What the gap is worth to what one does with embeddings, for chapter 7: `make tasks` (about 12 minutes on two cores).

The small CLIP is trained at each temperature of the paper from three seeds, by the recipe of `mindgap sweep
temperature`. Each model is then asked, at many shifts along the gap of other scenes: four zero-shot tasks, search in a
mixed gallery, clusters, and how often noise changes the best match. The numbers are kept in `tasks.json`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from tqdm.auto import tqdm

from mindgap import _files, closing, geometry, metrics, miniclip, results, scenes, training, zeroshot
from mindgap._files import rounded
from mindgap.landscape import TEMPERATURES
from mindgap.miniclip import Trained
from mindgap.recipe import Recipe

SEEDS, STEPS = 3, 300
SHIFTS = [i / 10 for i in range(-10, 16)]
FEW = [-0.5, 0.0, 0.5, 1.0]  # for what takes longer than a product
PAIRS, PAIRS_SEED = 2000, 20260401
ASKED, CLUSTERED = 4000, 800


def recipe(temperature: float, seed: int) -> Recipe:
    return Recipe(temperature=temperature, steps=STEPS, seed=seed)


def of_model(trained: Trained) -> dict[str, Any]:
    """Everything that is asked of one model."""
    x, y = miniclip.encode(trained, scenes.draw(PAIRS, PAIRS_SEED))
    delta = geometry.gap_vector(x, y)
    found: dict[str, Any] = {
        "gap": geometry.gap_distance(x, y),
        "recall": [geometry.recall_at_k(x, y), geometry.recall_at_k(y, x)],
        "mixed": [metrics.mixed_recall_at_k(*geometry.shift(x, y, by)) for by in FEW],
        "recall_at_10": [geometry.recall_at_k(*geometry.shift(x, y, by), 10) for by in FEW],
        "flips": [sum(closing.flips(*geometry.shift(x, y, by), seeds=range(3))) / 3 for by in FEW],
        "tasks": {},
    }
    images = miniclip.encode_images(trained, zeroshot.scene_task("colour", ASKED).scenes.images)  # those of every task
    for attribute in scenes.ATTRIBUTES:
        task = zeroshot.scene_task(attribute, ASKED)
        weights = zeroshot.class_weights(lambda texts: miniclip.encode_texts(trained, texts), task.texts)
        path = zeroshot.along_the_gap(images, weights, SHIFTS, delta)
        choice = zeroshot.choose_shift(path, task.labels)
        found["tasks"][attribute] = {
            "accuracy": path.accuracy(task.labels).tolist(),
            "changed": path.changed().tolist(),
            "chosen": asdict(choice),
        }
        if attribute == "colour":
            texts = miniclip.encode_texts(trained, task.scenes.captions[:CLUSTERED])
            labels = task.labels[:CLUSTERED]
            moved = [geometry.shift(images[:CLUSTERED], texts, by) for by in FEW]
            found["v_measure"] = [closing.v_measure(*sides, labels) for sides in moved]
    return found


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for seed in tqdm(range(SEEDS), unit="seed"):
        for temperature in TEMPERATURES:
            trained = training.train(recipe(temperature, seed), progress=False)
            rows.append({"temperature": temperature, "seed": seed, **rounded(of_model(trained))})
    header = {
        "recipe": asdict(recipe(TEMPERATURES[0], 0))
        | {"temperature": list(TEMPERATURES), "seed": list(range(SEEDS)), "pairs": PAIRS, "pairs_seed": PAIRS_SEED}
        | {"asked": ASKED, "clustered": CLUSTERED},
        "versions": _files.versions(*training.PACKAGES, "scikit-learn"),
        "shifts": SHIFTS,
        "few": FEW,
        "classes": {name: len(zeroshot.scene_task(name, 2).classes) for name in scenes.ATTRIBUTES},
    }
    path = results.FOLDER / "tasks.json"
    _files.write_json(path, header | {"models": rows})
    print(f"{path.name}: {len(rows)} models")


if __name__ == "__main__":
    main()
