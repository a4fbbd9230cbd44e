"""Compute the clouds over training that chapter 6 shows: `make clouds` (about four minutes on two cores).

One training of the small CLIP at each temperature of the paper, seed 0, by the recipe of `mindgap sweep temperature`.
At every look at the model a few held-out pairs are kept, along the gap of the moment and the main axis across it, with
their cosines.
"""

from __future__ import annotations

from tqdm.auto import tqdm

from mindgap import _files, results, training
from mindgap.charts import temperature_label
from mindgap.landscape import TEMPERATURES
from mindgap.recipe import Recipe
from mindgap.training import snapshots

PAIRS, STEPS, SEED = 60, 300, 0
COLUMNS = ["step", "x", "y", "x2", "y2", "cosine"]


def main() -> None:
    clouds = {}
    for temperature in tqdm(TEMPERATURES, unit="training"):
        recipe = Recipe(temperature=temperature, steps=STEPS, seed=SEED)
        _, frame = snapshots.clouds(recipe, PAIRS, progress=False)
        kept = frame.set_index("step").round(3).reset_index()
        clouds[temperature_label(temperature)] = kept[COLUMNS].to_numpy().tolist()
    recipe = {"pairs": PAIRS, "steps": STEPS, "seed": SEED, "versions": _files.versions(*training.PACKAGES)}
    path = results.FOLDER / "training_clouds.json"
    _files.write_json(path, {"recipe": recipe, "columns": COLUMNS, "clouds": clouds})
    print(f"{path.name}: {len(clouds)} trainings")


if __name__ == "__main__":
    main()
