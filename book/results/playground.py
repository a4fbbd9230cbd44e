"""The seven presets of the playground from ten seeds, for its page: `python book/results/playground.py` (a minute).

Of each run gap, mean distance of a pair, R@1 and loss are kept at the steps at which the page measures, too; of four
temperatures, how many steps it takes until the gap has closed.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch
from tqdm.auto import tqdm

from mindgap import _files, geometry, playground, results
from mindgap._files import rounded

SEEDS = 10
MEASURES = ("gap", "pair_distance", "recall", "loss")
FOUND = 0.9  # R@1 at which a run counts as having found its pairs
CLOSED = 0.05  # a gap that counts as none
INVERSE = (1, 3, 10, 30)  # temperatures, as 1/τ


def of_preset(preset: playground.Preset, seeds: int = SEEDS) -> dict[str, Any]:
    """What it is, and each measure (seeds, marks)."""
    runs = [playground.run(replace(preset.options, seed=seed), preset.steps, preset.changes) for seed in range(seeds)]
    first = [next((one for one in run.moments if one.recall >= FOUND), None) for run in runs]
    return {
        "options": asdict(preset.options),
        "changes": [list(change) for change in preset.changes],
        "steps": preset.steps,
        "marks": playground.marks(preset.steps),
        "runs": {name: [[getattr(one, name) for one in run.moments] for run in runs] for name in MEASURES},
        "found": [None if one is None else {"step": one.step, "gap": one.gap} for one in first],
    }


def closing(inverse: int, seeds: int = SEEDS, most: int = 5000) -> list[int]:
    """The first step of each seed at which the gap of two cones has closed at a temperature."""
    found = []
    for seed in range(seeds):
        options = playground.Options(temperature=1 / inverse, seed=seed)
        for state, _ in playground.states(options, most):
            if geometry.gap_distance(state.images, state.texts) < CLOSED:
                found.append(state.step)
                break
        else:
            raise RuntimeError(f"at a temperature of 1/{inverse}, seed {seed}: the gap is open after {most} steps")
    return found


def main() -> None:
    torch.set_num_threads(1)
    found = {
        "recipe": {"seeds": SEEDS, "found": FOUND, "closed": CLOSED, "versions": _files.versions("mindgap", "torch")},
        "presets": {name: of_preset(preset) for name, preset in tqdm(playground.PRESETS.items())},
        "closing": {str(inverse): closing(inverse) for inverse in INVERSE},
    }
    path = results.FOLDER / "playground.json"
    _files.write_json(path, rounded(found))
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
