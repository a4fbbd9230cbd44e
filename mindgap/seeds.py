"""Every seed its own cone: the paper's experiment of 25 initialisations, its results as one small file (§2.3, Fig 2c).

`run` makes the file, `mindgap cones` at the command line calls it; `Cones` reads it for the chapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _files, _unfinished, cones, geometry
from mindgap._extras import late
from mindgap._files import rounded
from mindgap._reprs import Readable, Shown
from mindgap.recipe import SeedsRecipe
from mindgap.towers import embed_seeds

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = late("pandas", "charts")

__all__ = ["BINS", "Cones", "SeedsRecipe", "embedded", "gap_matrix", "run", "summary"]

BINS = 200
SINGULAR_VALUES = 40
PACKAGES = ("mindgap", "torch", "torchvision", "open_clip_torch")
UMAP: dict[str, Any] = {"n_neighbors": 15, "min_dist": 0.1, "random_state": 0}


def run(
    recipe: SeedsRecipe,
    out: str | Path,
    force: bool = False,
    device: str | torch.device | None = "auto",
    progress: bool = True,
) -> dict[str, Any]:
    """Embed, summarise, and write `out` (.json): the results with the recipe and the versions they come from.

    After every seed the embeddings are saved beside `out` (`_unfinished.working_path`); a run that was interrupted goes
    on from there, and removes it once `out` is written. `force` replaces `out`, and an unfinished run of another
    recipe. `device` "auto" is `devices.device`. Returns what was written.

    Raises FileExistsError if `out` exists, and ValueError if the unfinished run has another recipe or cannot be read,
    unless `force`; ValueError if `out` does not end in .json; other OSErrors if it cannot be written.
    """
    out = _files.free_path(out, force, ".json")
    tensors = embedded(recipe, out, force)
    for kind in recipe.inputs:
        missing = [seed for seed in range(recipe.seeds) if f"{kind}/{seed}/{recipe.towers[-1]}" not in tensors]
        stream = embed_seeds(
            recipe.towers, missing, kind, recipe.n, recipe.data_seed, device, progress=progress and bool(missing)
        )
        for seed, found in stream:
            tensors |= {f"{kind}/{seed}/{tower}": embeddings for tower, embeddings in found.items()}
            header = {"recipe": asdict(recipe), "versions": _files.versions(*PACKAGES)}
            _unfinished.write(out, header, tensors)
    result = summary(recipe, tensors)
    out = _files.free_path(out, force, ".json")  # another may have been written there in the meantime
    _files.write_json(out, result)
    _unfinished.remove(out)
    return result


def embedded(recipe: SeedsRecipe, out: str | Path, force: bool = False) -> dict[str, Tensor]:
    """The embeddings that an unfinished run towards `out` has left, by "inputs/seed/tower"."""
    unfinished = _unfinished.read(out, asdict(recipe), force=force)
    return unfinished[1] if unfinished else {}


def summary(recipe: SeedsRecipe, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """All results of the experiment, numbers rounded to what the figures show."""
    clouds: dict[str, dict[str, Any]] = {kind: {} for kind in recipe.inputs}
    gaps: dict[str, list[list[float]]] = {}
    for kind in recipe.inputs:
        means: dict[tuple[str, int], Tensor] = {}
        for tower in recipe.towers:
            stack = torch.stack([tensors[f"{kind}/{seed}/{tower}"] for seed in range(recipe.seeds)]).double()
            unit = torch.stack([geometry.normalize(one) for one in stack])
            means |= {(tower, seed): cloud.mean(dim=0) for seed, cloud in enumerate(unit)}
            clouds[kind][tower] = cloud_summary(stack, unit, recipe)
        gaps[kind] = rounded(gap_matrix(list(means.values())).tolist())
    versions = _files.versions(*PACKAGES, *(("umap-learn",) if recipe.umap else ()))
    return {"recipe": asdict(recipe), "versions": versions, "clouds": clouds, "gaps": gaps}


def cloud_summary(
    stack: Float[Tensor, "seeds n d"], unit: Float[Tensor, "seeds n d"], recipe: SeedsRecipe
) -> dict[str, Any]:
    """What is kept of one tower on one kind of input."""
    pooled = unit.flatten(0, 1)
    centred = pooled - pooled.mean(dim=0)
    singular = torch.linalg.svdvals(centred)
    places = {"PCA": principal_points(unit)} | (
        {"UMAP": _umap(pooled).reshape(*unit.shape[:2], 2)} if recipe.umap else {}
    )
    histograms = [cones.cosine_histogram(cloud, BINS) for cloud in unit]
    counts = torch.stack([histogram.counts for histogram in histograms]).sum(dim=0)
    return {
        "points": {name: rounded(where[:, : recipe.shown].tolist(), 3) for name, where in places.items()},
        "singular_values": rounded(singular[:SINGULAR_VALUES].tolist()),
        "cosines": [rounded({key: getattr(h, key) for key in ("mean", "std", "min", "max")}, 6) for h in histograms],
        "histogram": {int(index): int(counts[index]) for index in counts.nonzero().flatten()},
        "variance_share": rounded(cones.variance_share(stack)),
        "variance_share_unit": rounded(cones.variance_share(unit)),
    }


def principal_points(clouds: Float[Tensor, "seeds n d"]) -> Float[Tensor, "seeds n 2"]:
    """All points on the two principal axes of all clouds together, each axis with its largest entry positive."""
    pooled = clouds.flatten(0, 1)
    centred = pooled - pooled.mean(dim=0)
    axes: Tensor = torch.linalg.svd(centred, full_matrices=False)[2][:2]
    axes = axes * axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
    return (centred @ axes.T).reshape(*clouds.shape[:2], 2)


def _umap(points: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
    """UMAP coordinates, centred; one seed, hence one thread."""
    import umap

    options, threads = UMAP | {"n_neighbors": min(UMAP["n_neighbors"], len(points) - 1)}, torch.get_num_threads()
    placed: Tensor = torch.from_numpy(umap.UMAP(n_jobs=1, **options).fit_transform(points.float().numpy()))
    torch.set_num_threads(threads)  # the loops of UMAP set torch's number to theirs
    return placed - (placed.amax(dim=0) + placed.amin(dim=0)) / 2


def gap_matrix(means: Sequence[Float[Tensor, " _"]]) -> Float[Tensor, "m m"]:
    """Distances between the means of clouds; NaN between spheres of different dimension, where there is no gap."""
    rows = [
        [float(torch.linalg.vector_norm(a - b)) if a.shape == b.shape else float("nan") for b in means] for a in means
    ]
    return torch.tensor(rows, dtype=torch.float64)


class Cones(Readable):
    """The experiment's file, as tables for charts. Raises FileNotFoundError or ValueError if it is not one."""

    def __init__(self, path: str | Path) -> None:
        self.data = _files.read_results(path, "mindgap cones", "recipe", "clouds", "gaps")
        self.recipe: dict[str, Any] = self.data["recipe"]
        self.clouds: dict[str, dict[str, Any]] = self.data["clouds"]

    def _shown(self) -> Shown:
        rows = []
        for kind, by_tower in self.clouds.items():
            for tower, cloud in by_tower.items():
                means = [float(cosines["mean"]) for cosines in cloud["cosines"]]
                rows.append((tower, kind, min(means), max(means), float(cloud["variance_share"])))
        return Shown(
            f"Cones of {self.recipe['seeds']} seeds on {self.recipe['n']} inputs: the mean cosine of the seeds, least "
            "and most, and the share of the variance that the seed decides.",
            ("tower", "inputs", "least", "most", "share"),
            rows,
        )

    def points(self) -> pd.DataFrame:
        """Coordinates: columns inputs, tower, seed, and two for each projection, "PCA 1", "PCA 2", …"""
        parts = []
        for kind, by_tower in self.clouds.items():
            for tower, cloud in by_tower.items():
                places = torch.cat([torch.tensor(where) for where in cloud["points"].values()], dim=2).double()
                part = pd.DataFrame(
                    places.flatten(0, 1).numpy(),
                    columns=[f"{name} {axis}" for name in cloud["points"] for axis in (1, 2)],
                )
                part.insert(0, "seed", [seed for seed in range(len(places)) for _ in places[seed]])
                part.insert(0, "tower", tower)
                part.insert(0, "inputs", kind)
                parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def singular_values(self) -> pd.DataFrame:
        """Columns inputs, tower, number (from 1), value: of the centred unit embeddings of all seeds together."""
        rows = [
            (kind, tower, number, value)
            for kind, by_tower in self.clouds.items()
            for tower, cloud in by_tower.items()
            for number, value in enumerate(cloud["singular_values"], start=1)
        ]
        return pd.DataFrame(rows, columns=["inputs", "tower", "number", "value"])

    def cosines(self) -> pd.DataFrame:
        """Columns inputs, tower, seed, mean, std, min, max: off-diagonal cosines of one tower of one seed."""
        rows = [
            {"inputs": kind, "tower": tower, "seed": seed, **found}
            for kind, by_tower in self.clouds.items()
            for tower, cloud in by_tower.items()
            for seed, found in enumerate(cloud["cosines"])
        ]
        return pd.DataFrame(rows)

    def histogram(self, kind: str, tower: str) -> cones.CosineHistogram:
        """The cosines within the clouds of all seeds together; mean and std over all pairs of all seeds."""
        cloud = self.clouds[kind][tower]
        counts = torch.zeros(BINS, dtype=torch.int64)
        for index, count in cloud["histogram"].items():
            counts[int(index)] = count
        found = pd.DataFrame(cloud["cosines"])
        mean = found["mean"].mean()
        std = ((found["std"] ** 2 + found["mean"] ** 2).mean() - mean**2) ** 0.5
        edges = torch.linspace(-1, 1, BINS + 1, dtype=torch.float64)
        return cones.CosineHistogram(counts, edges, mean, std, found["min"].min(), found["max"].max())

    def gaps(self, kind: str) -> pd.DataFrame:
        """Gap distance of every two clouds: columns tower, seed, other, other_seed, gap; each two clouds once."""
        names = [(tower, seed) for tower in self.recipe["towers"] for seed in range(self.recipe["seeds"])]
        rows = [
            (*names[i], *names[j], self.data["gaps"][kind][i][j])
            for i in range(len(names))
            for j in range(i + 1, len(names))
        ]
        return pd.DataFrame(rows, columns=["tower", "seed", "other", "other_seed", "gap"]).dropna()

    def gap_matrices(self) -> dict[str, dict[str, list[list[float]]]]:
        """Gap distances between the seeds of one tower: by inputs and tower, a row for each seed."""
        size = self.recipe["seeds"]
        return {
            kind: {
                tower: [row[i * size : (i + 1) * size] for row in rows[i * size : (i + 1) * size]]
                for i, tower in enumerate(self.recipe["towers"])
            }
            for kind, rows in self.data["gaps"].items()
        }
