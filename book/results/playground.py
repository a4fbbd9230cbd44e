"""The six presets of the playground from ten seeds, for its page: `python book/results/playground.py` (half a minute).

Of each run gap, mean distance of a pair, R@1 and loss are kept at the steps at which the page measures, too.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch
from tqdm.auto import tqdm

from mindgap import _files, playground, results
from mindgap._files import rounded

SEEDS = 10
MEASURES = ("gap", "pair_distance", "recall", "loss")
FOUND = 0.9  # R@1 at which a run counts as having found its pairs


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


def main() -> None:
    torch.set_num_threads(1)
    found = {
        "recipe": {"seeds": SEEDS, "found": FOUND, "versions": _files.versions("mindgap", "torch")},
        "presets": {name: of_preset(preset) for name, preset in tqdm(playground.PRESETS.items())},
    }
    path = results.FOLDER / "playground.json"
    _files.write_json(path, rounded(found))
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
