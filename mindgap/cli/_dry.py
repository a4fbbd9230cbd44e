"""`--dry-run`: what a command would compute and write, and about how long that takes on this machine.

The time is that of a short sample, taken when it is asked for: a few steps of a training, some inputs of a
network. Nothing is written.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindgap.cli._messages import show

if TYPE_CHECKING:
    import torch

    from mindgap.experiments import Run
    from mindgap.recipe import Recipe, SeedsRecipe

STEPS = 9  # of a training, five of them with a look at the model, as there are at 1, 2, 3, 5 and 7
FEW, MORE = 2, 18  # inputs of a tower, whose difference is what an input takes


def say(computed: str, out: str, seconds: float, sample: str) -> None:
    """The three lines of a dry run."""
    show(f"would compute: {computed}")
    show(f"would write: {out}")
    show(f"would take: about {spoken(seconds)} here, by {sample}; nothing was written")


def spoken(seconds: float) -> str:
    """A time, no more exact than an estimate is."""
    if seconds < 1:
        return "a second"
    if seconds < 100:
        return f"{float(f'{seconds:.2g}'):.0f} s"
    if seconds < 100 * 60:
        return f"{float(f'{seconds / 60:.2g}'):g} min"
    return f"{float(f'{seconds / 3600:.2g}'):g} h"


def file(out: Path, force: bool, *suffixes: str) -> str:
    """A file to write, and whether it may be. Raises ValueError for a name that does not end in one of `suffixes`."""
    from mindgap import _files
    from mindgap.cli._messages import as_typed

    try:
        path = _files.free_path(out, force, suffixes)
    except OSError as error:
        return f"{out}, which is refused: {as_typed(str(error), None).removeprefix('path: ')}"
    return f"{path}, {'in place of what is there' if path.exists() else 'which is free'}"


def of_training(recipe: Recipe, device: torch.device, first: int = 0) -> float:
    """The seconds of a training from step `first` on."""
    from mindgap import training
    from mindgap.training import _steps

    ticks: list[float] = []

    def watch(_model: Any, step: int, _measured: Any) -> bool:
        _finish(device)
        ticks.append(time.perf_counter())
        return step >= STEPS

    start = time.perf_counter()
    training.train(recipe, device=device, progress=False, watch=watch)
    if recipe.steps <= STEPS:  # which was all of it
        return (ticks[-1] - start) * (recipe.steps - first) / recipe.steps
    looks = _steps.milestones(recipe.steps)
    taken = [(step, ticks[step] - ticks[step - 1]) for step in range(2, STEPS + 1)]  # the first one warms up
    plain = statistics.median(seconds for step, seconds in taken if step not in looks)
    look = statistics.median(seconds for step, seconds in taken if step in looks) - plain
    to_come = sum(first < step <= recipe.steps for step in looks)
    return ticks[0] - start + (recipe.steps - first) * plain + to_come * max(0.0, look)


def of_trainings(runs: Sequence[Run], device: torch.device) -> float:
    """The seconds of several trainings, one after the other; each kind of them is tried."""
    from mindgap.training import ensembles

    known: dict[tuple[object, ...], float] = {}
    for run in runs:
        kind = ensembles.shape_of(run.recipe)
        if kind not in known:
            known[kind] = of_training(run.recipe, device)
    return sum(known[ensembles.shape_of(run.recipe)] for run in runs)


def of_seeds(recipe: SeedsRecipe, device: torch.device, missing: dict[str, int]) -> float:
    """The seconds of so many `missing` initialisations on each kind of inputs."""
    from mindgap import towers

    def once(kind: str, n: int) -> float:
        start = time.perf_counter()
        next(towers.embed_seeds(recipe.towers, [0], kind, n, recipe.data_seed, device))
        _finish(device)
        return time.perf_counter() - start

    once(recipe.inputs[0], FEW)  # imports, and what is only made once
    total = 0.0
    for kind, seeds in missing.items():
        if not seeds:
            continue
        few, more = once(kind, min(FEW, recipe.n)), once(kind, min(MORE, recipe.n))
        each = max(0.0, more - few) / (MORE - FEW)
        total += seeds * (few + (recipe.n - FEW) * each if recipe.n > MORE else more)
    return total


def _finish(device: torch.device) -> None:
    """Wait for what a GPU is still at."""
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
