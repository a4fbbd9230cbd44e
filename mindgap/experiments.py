"""Many trainings of the small CLIP as one experiment: what temperature, start, mistakes and captions do to the gap.

`run` trains every run of an experiment, one after the other or side by side on a GPU, and writes one small table;
`Sweep` reads it. A new experiment is a function that plans its runs, and a line in `EXPERIMENTS`. What trains is
imported when it is needed, because the help of `mindgap sweep` lists the experiments and must answer at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindgap import _scalars
from mindgap._extras import late
from mindgap._reprs import Readable, Shown, short
from mindgap.recipe import MODALITIES, Measurement, Recipe, option

if TYPE_CHECKING:
    import pandas as pd
    import torch
else:
    pd, torch = late("pandas", "charts"), late("torch")

QUICK = (1 / 100, 1 / 10)
QUICK_SETTINGS: dict[str, Any] = {"seeds": 1, "first_seed": 1000, "steps": 250}  # a seed that no committed table has
FINE_TUNING_RATE = 2e-4  # a tenth of the rate from scratch
MEASURES = tuple(field.name for field in fields(Measurement))


@dataclass(frozen=True, repr=False)
class Run(Readable):
    """One training of an experiment: what it varies, as columns of the table, and its recipe."""

    labels: dict[str, Any]
    recipe: Recipe

    def _shown(self) -> Shown:
        usual = asdict(Recipe())
        changed = [(name, value) for name, value in asdict(self.recipe).items() if value != usual[name]]
        labels = ", ".join(f"{name} {_label(value)}" for name, value in self.labels.items())
        return Shown(f"Run: {labels}; where its recipe is not the usual one:", ("field", "value"), changed)


def _label(value: object) -> str:
    """The value of a label as it is shown."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _temperature(base: Recipe) -> list[Run]:
    """7 runs a seed: from scratch at six fixed temperatures, and with one learned from .07 as CLIP's is (Supp. 8)."""
    from mindgap.landscape import TEMPERATURES

    fixed = [Run({"temperature": t, "learned": False}, replace(base, temperature=t)) for t in TEMPERATURES]
    learned = replace(base, temperature=0.07, learn_temperature=True)
    return [*fixed, Run({"temperature": 0.07, "learned": True}, learned)]


def _finetune(base: Recipe) -> list[Run]:
    """12 runs a seed: the shipped model of 1/100 trained on, its temperature frozen or free to move (Supp. 8)."""
    from mindgap.landscape import TEMPERATURES

    base = replace(base, start="mini", learning_rate=FINE_TUNING_RATE)
    return [
        Run({"temperature": t, "learned": learn}, replace(base, temperature=t, learn_temperature=learn))
        for learn in (False, True)
        for t in TEMPERATURES
    ]


def _initialisation(base: Recipe) -> list[Run]:
    """2 runs a seed: at 1/100 from two unrelated towers, and from towers that a rotation laid on each other (§4.4)."""
    return [Run({"start": start}, replace(base, start=start)) for start in ("random", "aligned")]


def _long(base: Recipe) -> list[Run]:
    """2 runs a seed: as initialisation, at a constant rate, so that what is left at the end is not the schedule's."""
    return [Run(run.labels, replace(run.recipe, schedule="constant")) for run in _initialisation(base)]


def _slow(base: Recipe) -> list[Run]:
    """2 runs a seed: as initialisation, at rate and batch of the authors' script, whose epoch is 781 steps (§4.4)."""
    gentle: dict[str, Any] = {"learning_rate": 1e-5, "warmup": 0, "schedule": "constant", "batch_size": 64}
    return [Run(run.labels, replace(run.recipe, **gentle)) for run in _initialisation(base)]


def _mismatch(base: Recipe) -> list[Run]:
    """10 runs a seed: a share of the captions exchanged, at a low and a high temperature (§4.3)."""
    return [
        Run({"mismatch": share, "temperature": t}, replace(base, mismatch=share, temperature=t))
        for t in QUICK
        for share in (0.0, 0.02, 0.05, 0.1, 0.2)
    ]


def _captions(base: Recipe) -> list[Run]:
    """8 runs a seed: captions leave out attributes, so that images know more than texts (Schrodi et al., 2025)."""
    return [
        Run({"left out": " and ".join(drop) or "nothing", "temperature": t}, replace(base, drop=drop, temperature=t))
        for t in QUICK
        for drop in ((), ("size",), ("place",), ("colour", "place"))
    ]


def _modality(base: Recipe) -> list[Run]:
    """4 runs a seed: one modality in both towers, which differ in their initial weights only (Fahim et al., 2024)."""
    return [
        Run({"modalities": kind, "temperature": t}, replace(base, modalities=kind, temperature=t))
        for kind in MODALITIES[1:]
        for t in QUICK
    ]


def _since(base: Recipe) -> list[Run]:
    """6 runs a seed: what later work blames or changes: towers shared, the temperature learned or cooled, another loss.

    All but the first differ from it in one thing alone (Yaras et al., 2024; Bangachev et al., 2025; AlignCLIP, 2025).
    """
    cold = replace(base, temperature=0.01)
    ways = {
        "fixed at 1/100": cold,
        "learned from .07": replace(cold, temperature=0.07, learn_temperature=True),
        "cooled from 1/10": replace(cold, cool_from=0.1),
        "shared towers": replace(cold, shared=True),
        "sigmoid loss": replace(cold, loss="sigmoid", temperature=0.1, learn_temperature=True),
        "sigmoid loss at 1/100": replace(cold, loss="sigmoid"),
    }
    return [Run({"way": name}, recipe) for name, recipe in ways.items()]


EXPERIMENTS: dict[str, Callable[[Recipe], list[Run]]] = {
    "temperature": _temperature,
    "finetune": _finetune,
    "initialisation": _initialisation,
    "long": _long,
    "slow": _slow,
    "mismatch": _mismatch,
    "captions": _captions,
    "modality": _modality,
    "since": _since,
}


@dataclass(frozen=True)
class Settings:
    """Which runs `mindgap sweep` trains: those of `experiment` for `seeds` seeds from `first_seed` on, `steps` long.

    `quick` keeps the temperatures 1/100 and 1/10 only, see `planned`.

    Raises ValueError for an unknown experiment (with near matches) or a number outside its range, naming it.
    """

    experiment: str = option(
        "temperature", "\n\n".join(f"[b]{name}[/], {make.__doc__}" for name, make in EXPERIMENTS.items())
    )
    seeds: int = option(5, "Seeds of each run.")
    first_seed: int = option(0, "The first of them.")
    steps: int = option(300, "Steps of each run.")
    quick: bool = option(
        False,
        "Temperatures 1/100 and 1/10 only; and, where you name no other, one new seed and 250 steps. "
        "For [b]temperature[/] a minute, for the others half a minute a run.",
    )

    def __post_init__(self) -> None:
        """Check every field."""
        _scalars.choice(self.experiment, "experiment", EXPERIMENTS)
        for name, least in (("seeds", 1), ("first_seed", 0), ("steps", 1)):
            object.__setattr__(self, name, _scalars.count(getattr(self, name), name, least))


def planned(experiment: str, seeds: Sequence[int], steps: int, quick: bool = False) -> list[Run]:
    """All runs of an experiment: its recipes, `steps` long, for each of the seeds.

    `quick` keeps those at the fixed temperatures 1/100 and 1/10 only, and all of an experiment that varies none.

    Raises ValueError for an unknown experiment (with near matches), for no seeds, or as `Recipe` does.
    """
    make = EXPERIMENTS[_scalars.choice(experiment, "experiment", EXPERIMENTS)]
    if not len(seeds):
        raise ValueError("seeds: expected at least one, got none")
    runs = [run for seed in seeds for run in make(Recipe(steps=steps, seed=seed))]
    if quick:
        runs = [
            run for run in runs if run.labels.get("temperature", QUICK[0]) in QUICK and not run.labels.get("learned")
        ]
    return [Run({**run.labels, "seed": run.recipe.seed}, run.recipe) for run in runs]


def run(
    experiment: str,
    out: str | Path,
    seeds: Sequence[int] = range(Settings.seeds),
    steps: int = Settings.steps,
    quick: bool = False,
    force: bool = False,
    device: str | torch.device | None = "auto",
    together: bool | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train all runs of `experiment` and write `out` (.json): labels, recipes, histories and versions.

    `quick` keeps two temperatures only, see `planned`. `device` "auto" is `devices.device`. `together` trains runs
    of one shape side by side (`ensembles`); None does so on CUDA, where it pays. After every run, or every
    ensemble, the table so far is saved beside `out` (`unfinished-…`); an interrupted experiment goes on with the runs
    that are not in it. `force` replaces `out`, and an unfinished experiment of other settings.
    Returns what was written.

    Raises FileExistsError if `out` exists, and ValueError if the unfinished experiment has other settings or cannot be
    read, unless `force`; ValueError for an unknown experiment, no seeds, a device that cannot be used, or if `out` does
    not end in .json; other OSErrors if it cannot be written.
    """
    from tqdm.auto import tqdm

    from mindgap import _files, _unfinished, devices, training
    from mindgap._files import rounded
    from mindgap.training import ensembles

    runs, device = planned(experiment, seeds, steps, quick), devices.usable(device)
    together = device.type == "cuda" if together is None else together
    out = _files.free_path(out, force, ".json")
    settings = _settings(experiment, seeds, steps, quick)
    done = finished(experiment, out, seeds, steps, quick, force)
    with tqdm(
        total=len(runs), initial=len(done), unit="run", desc=experiment, disable=not progress, dynamic_ncols=True
    ) as bar:
        for group in _groups(runs, [i for i in range(len(runs)) if i not in done], together):
            recipes = [runs[i].recipe for i in group]
            if len(recipes) > 1:
                trained = ensembles.train_together(recipes, device, progress)
            else:
                trained = [training.train(recipes[0], device=device, progress=False)]
            for i, one in zip(group, trained, strict=True):
                history = [[getattr(row, name) for name in MEASURES] for row in one.history]
                done[i] = {"labels": runs[i].labels, "recipe": asdict(one.recipe), "history": rounded(history)}
            _unfinished.write(out, {"recipe": settings, "runs": done}, {})
            last = trained[-1].history[-1]
            bar.set_postfix(gap=f"{last.gap:.2f}", recall=f"{last.image_to_text:.2f}", refresh=False)
            bar.update(len(group))
    versions, rows = _files.versions(*training.PACKAGES), [done[i] for i in range(len(runs))]
    result = {**settings, "versions": versions, "columns": list(MEASURES), "runs": rows}
    out = _files.free_path(out, force, ".json")  # another may have been written there in the meantime
    _files.write_json(out, result)
    _unfinished.remove(out)
    return result


def _groups(runs: Sequence[Run], which: Sequence[int], together: bool) -> list[list[int]]:
    """The runs to be trained at once: each alone, or all of one shape."""
    from mindgap.training import ensembles

    if not together:
        return [[i] for i in which]
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in which:
        groups.setdefault(ensembles.shape_of(runs[i].recipe), []).append(i)
    return list(groups.values())


def _settings(experiment: str, seeds: Sequence[int], steps: int, quick: bool) -> dict[str, Any]:
    return {"experiment": experiment, "seeds": [int(seed) for seed in seeds], "steps": int(steps), "quick": quick}


def finished(
    experiment: str, out: str | Path, seeds: Sequence[int], steps: int, quick: bool = False, force: bool = False
) -> dict[int, dict[str, Any]]:
    """What an unfinished experiment towards `out` has done, by place in `planned`; the errors are those of `run`."""
    from mindgap import _unfinished

    unfinished = _unfinished.read(out, _settings(experiment, seeds, steps, quick), "runs", force=force)
    return {int(place): run for place, run in unfinished[0]["runs"].items()} if unfinished else {}


class Sweep(Readable):
    """A file of `mindgap sweep`. Raises FileNotFoundError or ValueError if it is not one."""

    def __init__(self, path: str | Path) -> None:
        from mindgap import _files

        self.data = _files.read_results(path, "mindgap sweep", "runs", "columns", "steps")
        self.runs: list[dict[str, Any]] = self.data["runs"]
        self.columns: list[str] = self.data["columns"]

    def _shown(self) -> Shown:
        groups: dict[tuple[str, ...], list[dict[str, float]]] = {}
        for run in self.runs:
            key = tuple(_label(value) for name, value in run["labels"].items() if name != "seed")
            groups.setdefault(key, []).append(dict(zip(self.columns, run["history"][-1], strict=True)))
        names = [name for name in self.runs[0]["labels"] if name != "seed"] if self.runs else []
        rows = [
            (*key, len(ends), *(sum(end[name] for end in ends) / len(ends) for name in ("gap", "image_to_text")))
            for key, ends in groups.items()
        ]
        return Shown(
            f"Sweep {short(self.data.get('experiment', ''))!r}: {len(self.runs)} runs of {self.data['steps']} steps; "
            "means over the seeds after the last:",
            (*names, "seeds", "gap", "R@1"),
            rows,
        )

    def history(self) -> pd.DataFrame:
        """Every look at every run: the labels, which include the seed, and the fields of `Measurement`.

        A label that is also a measure, such as the temperature, is the one that the run was given.
        """
        rows = [
            {**dict(zip(self.columns, row, strict=True)), **run["labels"]}
            for run in self.runs
            for row in run["history"]
        ]
        return pd.DataFrame(rows)

    def last(self) -> pd.DataFrame:
        """The last look at every run."""
        table = self.history()
        return table[table["step"] == self.data["steps"]].reset_index(drop=True)
