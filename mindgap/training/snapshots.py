"""Snapshots of a training: the two clouds at each look at the model, as charts draw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mindgap import geometry, miniclip, training
from mindgap._extras import late
from mindgap.miniclip import CLIP, Trained
from mindgap.recipe import Measurement, Recipe
from mindgap.scenes import Scenes, draw

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = late("pandas", "charts")

SEED = 20240517  # of the scenes that are shown: no training sees them


def cloud(model: CLIP | Trained, pairs: Scenes, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """The embeddings of `pairs` along the gap of the moment and the main axis across it: columns x, y, x2, y2.

    The gap points to the right, images (x, y) to the positive side. The sign of the second axis means nothing: it is
    the one nearer to the snapshot `before`. The column `cosine` has that of each pair, in all dimensions.
    """
    x, y = miniclip.encode(model, pairs)
    shown = geometry.shared_projection(x, y, 2, gap_first=True)
    points = pd.DataFrame(torch.cat([shown.x, shown.y], dim=1).cpu().double().numpy(), columns=["x", "y", "x2", "y2"])
    points["cosine"] = (x * y).sum(dim=1).cpu().double().numpy()
    across = ["y", "y2"]
    if before is not None and (points[across].to_numpy() * before[across].to_numpy()).sum() < 0:
        points[across] *= -1
    return points


def clouds(recipe: Recipe, n: int = 80, progress: bool = True) -> tuple[Trained, pd.DataFrame]:
    """Train by `recipe`, and see `n` held-out pairs at every look: columns step, x, y, x2, y2, cosine (see `cloud`)."""
    pairs = draw(n, SEED, objects=recipe.objects)
    frames: list[pd.DataFrame] = []

    def watch(model: CLIP, step: int, measured: Measurement | None) -> None:
        if measured is not None:
            before = frames[-1] if frames else None
            frames.append(cloud(model, pairs, before).assign(step=step))

    trained = training.train(recipe, progress=progress, watch=watch)
    return trained, pd.concat(frames, ignore_index=True)
