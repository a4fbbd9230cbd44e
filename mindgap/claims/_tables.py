"""The stored results and data files that checks read, each with the digest and the recipe they were written for.

When a result is made anew, its digest changes here, by hand and after a look at what else has changed.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mindgap.claims._parts import Number, Table

if TYPE_CHECKING:
    from torch import Tensor
else:  # importing torch takes seconds, and the ledger is read without it
    Tensor = Any

CLIP = Table("data/clip.npy", "f94f2f4bef30149c80337b35836ca27ca4d740a186dbab3a60c88c2e5d171a7e")
MINI = (
    Table("weights/mini-0.01.safetensors", "946b234cc4521b3faf7654f39296cbf48e8288a2ab0153dadc3dd9ede3292112"),
    Table("weights/mini-0.07.safetensors", "c1a61ce66da4275a3d321bacbb1448dafadc367143257ee91c9f45225e417f90"),
)
PUBLISHED = Table(
    "results/published.json",
    "dcf4bee96df8654c1d951c5d0ac072938918d3a98e50d0f479a037fe8e216bb3",
    {"files": "Figure_1_Modality_Gap/features_….npy of the authors"},
)
CLIP_RANDOM = Table(
    "results/clip_random.json",
    "bb6107e3d545c6d920bb652b884326f7784884f7f4ab87fba5a812dd360b45ae",
    {"pairs": 500, "bins": 200},
)
CONES = Table(
    "results/cones.json",
    "ea02b0474df1c5a1ade4ff39579c344a4b10d7fd8e59d910b24cf7626c119a30",
    {
        "towers": ["resnet18", "ViT-B-32:image", "ViT-B-32:text"], "inputs": ["noise", "scenes"], "seeds": 25, "n": 64,
        "data_seed": 0,
    },
)  # fmt: skip
TRAINED_SEEDS = Table(
    "results/trained_seeds.json",
    "bb5ea12445507d6c2ecb8cc3e364aa8d637ba4861b8102675cc0c249f31638d5",
    {"temperature": 0.01, "steps": 300, "batch_size": 128, "start": "random", "seed": [0, 1, 2, 3, 4, 5]},
)


def _sweep(experiment: str, sha256: str, seeds: int, steps: int) -> Table:
    recipe = {"experiment": experiment, "seeds": list(range(seeds)), "steps": steps, "quick": False}
    return Table(f"results/sweep_{experiment}.json", sha256, recipe)


TEMPERATURE = _sweep("temperature", "e0b5c0ab61f1965adc797c52d48e403ec21c09d0e1952fea6c41175f410cf297", 5, 300)
FINETUNE = _sweep("finetune", "d1035dc78bc5e3383175e99545684ef9e4b1a6dc08fec683f766dab79df0dda9", 3, 300)
INITIALISATION = _sweep("initialisation", "a4512403822b38f7451f3bc0bc59d96e436ef2009974d8001a42f0fd14de752e", 5, 300)
LONG = _sweep("long", "f5de82f9d67c1379384210eeccaa6a962276d2af63d3145e513df72b27739da1", 3, 5000)
SLOW = _sweep("slow", "f81812ae4780f1c02e17bdc9e88a5111620bc85d7146d96f3fe8753bf40867cf", 1, 781)
MISMATCH = _sweep("mismatch", "42cfe06b9040df4f4aad9e5f5c6e2d5888e41a39b3dbec572a015a121ca8e70f", 3, 300)
CAPTIONS = _sweep("captions", "b72daaef40af03cf16579b5ef0813ab06d32dd284eca56df332bc34d81d0ed35", 3, 300)
MODALITY = _sweep("modality", "2837aab3e081942a22e7346b7e6633ca989f67ce8b8bfc2ecdf4eb44220b40ae", 3, 300)
TASKS = Table(
    "results/tasks.json",
    "e1747f91055619a1d9e95474a3d7484fca5316a79a61f9c05eee85ec59a9a621",
    {"steps": 300, "seed": [0, 1, 2], "asked": 4000, "clustered": 800, "few": [-0.5, 0.0, 0.5, 1.0]},
)
FAIRFACE = Table(
    "results/fairface.json",
    "9f84973c018b291ec7a814c2a9869c0fdc615cf12ce7a818bf97b6d14dd3c6b2",
    {"model": "CLIP ViT-B/32", "labels": 21},
)

SEEDS, BOOTSTRAP, WILSON = "least to most of the seeds", "95 % by bootstrap of the pairs", "95 %, Wilson"


def looks(table: Table, measure: str, step: int | None = None, **labels: Any) -> list[float]:
    """A measure of every run of a sweep that has these labels, in the order of seeds, at a step or the last.

    Raises ValueError where no run has them.
    """
    data = table.read()
    columns = data["columns"]
    place, at, step = columns.index(measure), columns.index("step"), data["steps"] if step is None else step
    found = [next(row[place] for row in history if row[at] == step) for history in _histories(data, labels)]
    if not found:
        raise ValueError(f"labels: no run of {table.name} has {labels}")
    return found


def course(table: Table, measure: str, **labels: Any) -> list[list[float]]:
    """A measure of every run of a sweep that has these labels, at all steps: a list a seed."""
    data = table.read()
    place = data["columns"].index(measure)
    return [[row[place] for row in history] for history in _histories(data, labels)]


def _histories(data: Any, labels: dict[str, Any]) -> list[list[list[float]]]:
    """The looks at every run of a sweep that has these labels, whose spaces are underscores here."""
    wanted = {name.replace("_", " "): value for name, value in labels.items()}
    return [run["history"] for run in data["runs"] if wanted.items() <= run["labels"].items()]


def over_seeds(name: str, values: Sequence[float]) -> Number:
    """The mean over seeds, and from the least of them to the most."""
    return Number(name, statistics.fmean(values), min(values), max(values), SEEDS)


def wilson(name: str, successes: float, trials: int) -> Number:
    """A share with its interval."""
    from mindgap.theorems import binomial_interval

    return Number(name, successes / trials, *binomial_interval(round(successes), trials), WILSON)


@functools.cache
def clip() -> tuple[Tensor, Tensor]:
    """The authors' CLIP features as unit rows, float64."""
    from mindgap import geometry, pairs

    found = pairs.load_pairs("clip")
    return geometry.normalize(found.x.double()), geometry.normalize(found.y.double())


@functools.cache
def mini(temperature: str = "0.01", n: int = 1000) -> tuple[Tensor, Tensor]:
    """New scenes and captions (seed 1) as the small CLIP sees them that was trained at `temperature`, float64."""
    from mindgap import pairs

    found = pairs.load_pairs(f"mini@{temperature}", n=n, seed=1)
    return found.x.double(), found.y.double()


def published(*names: str) -> list[dict[str, Any]]:
    """What `metrics.report` found in some of the authors' eight files."""
    sets = {one["name"]: one for one in PUBLISHED.read()["sets"]}
    return [sets[name] for name in names]


def label(temperature: float) -> str:
    """1/100, 1/50, …, 1."""
    return "1" if temperature == 1 else f"1/{1 / temperature:.0f}"
