"""Results that take long, as the chapters show them: small files, each made by one command and with its recipe.

`path("cones.json")` is where one of them lies, whatever the current folder.

| file | what it holds | made by |
|---|---|---|
| `cones.json` | 25 seeds of three untrained towers, for `seeds.Cones` | `mindgap cones --umap` |
| `sweep_temperature.json`, … | runs of the small CLIP, for `experiments.Sweep` | `mindgap sweep temperature`, … |
| `training_clouds.json` | held-out pairs in the course of six trainings | `book/results/training_clouds.py` |
| `trained_seeds.json` | six seeds of the small CLIP before and after training | `book/results/trained_seeds.py` |
| `tasks.json` | what 18 small CLIPs can do along their gaps | `book/results/tasks.py` |
| `fairface.json` | counts of Table 2 at five distances | typed from the stored tables of the authors' notebook |
| `umap_coordinates.json` | UMAP of the authors' features | `book/results/umap_coordinates.py` |
| `clip_random.json` | cosines and gap of the authors' untrained CLIP | `book/results/clip_random.py` |
| `playground.json` | the seven runs of the playground's story; when gaps close | `book/results/playground.py` |
| `playground_clip.json` | 200 of CLIP's pairs in 32 axes of their own | `book/results/playground_clip.py` |
| `published.json` | what `metrics.report` finds in the authors' eight feature files | `book/results/published.py` |
| `claims.json` | the ledger: each claim, its thresholds, numbers and verdict | `mindgap claims --write` |
| `speed_cosines.csv` | what mean cosines and histograms cost | `benchmarks/cosines.py` |
| `speed_landscape.csv` | what the loss landscape costs | `benchmarks/landscape.py` |
| `speed_scaling.csv` | how that grows, beside the ways of others | `benchmarks/scaling.py` |
"""

from __future__ import annotations

from pathlib import Path

from mindgap import _scalars

__all__ = ["FOLDER", "names", "path"]

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The names of all files, sorted."""
    return tuple(sorted(file.name for kind in ("csv", "json") for file in FOLDER.glob(f"*.{kind}")))


def path(name: str) -> Path:
    """Where the file `name` lies. Raises ValueError for a name that is not among `names()`, with near matches."""
    return FOLDER / _scalars.choice(name, "name", names())
