"""Results as tables for charts: what the chapters, the explorers and the coursework all draw from.

Nothing is computed here. Labels are given, columns named and rows put in order, as the functions of `charts` want them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap.charts.landscape import DIRECTIONS, labelled, temperature_label
from mindgap.cones import CosineHistogram
from mindgap.landscape import Landscape

WHOLE = "the whole set"
"""What `landscapes` calls the batch of all pairs."""

Names: TypeAlias = Callable[[Any], str] | Mapping[Any, str]


def points(x: Float[Tensor, "n 2"], y: Float[Tensor, "n 2"], most: int | None = None) -> pd.DataFrame:
    """The first `most` pairs of two clouds in the plane, a row a pair: columns x, y (first), x2, y2 (second)."""
    joined = torch.cat([x[:most], y[:most]], dim=1).cpu()
    return pd.DataFrame(joined.numpy(), columns=["x", "y", "x2", "y2"])


def landscapes(found: Mapping[str | tuple[str, str], Landscape]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and marks of several landscapes, as `charts.landscape_curves` draws them.

    The keys of `found` are (set, batch), or a set alone, whose batch is then called `WHOLE`. Curves have the columns
    set, batch, tau (a label), shift, distance, image_to_text, text_to_image; marks have set, batch, tau, direction,
    kind, distance, loss: the landmarks of each curve in each direction, and below, by how much the loss of each is less
    than that at the shift nearest to 0.
    """
    curves, marks = [], []
    for key, landscape in found.items():
        name, batch = (key, WHOLE) if isinstance(key, str) else key
        start = int(landscape.shifts.abs().argmin())
        curves.append(labelled(landscape.frame()).drop(columns="loss").assign(set=name, batch=batch))
        marks += [
            {
                "set": name,
                "batch": batch,
                "tau": temperature_label(temperature),
                "direction": label,
                "kind": kind,
                "distance": point.distance,
                "loss": point.loss,
                "below": float(losses[start, column]) - point.loss,
            }
            for column, temperature in enumerate(landscape.temperatures.tolist())
            for label, direction in DIRECTIONS.items()
            for losses in [landscape.loss if direction == "both" else getattr(landscape, direction)]
            for kind, point in landscape.landmarks(temperature, direction).items()
        ]
    return pd.concat(curves), pd.DataFrame(marks)


def counted(values: Sequence[float], edges: Sequence[float]) -> CosineHistogram:
    """Any numbers counted between `edges`, in the form that `ridges` takes; as `np.histogram` counts."""
    numbers = np.asarray(values, dtype=float)
    counts, bounds = np.histogram(numbers, bins=np.asarray(edges, dtype=float))
    moments = (float(moment) for moment in (numbers.mean(), numbers.std(), numbers.min(), numbers.max()))
    return CosineHistogram(torch.from_numpy(counts), torch.from_numpy(bounds), *moments)


def cosine_label(cosine: float) -> str:
    """A mean cosine in two decimals, in four where two would say 1 or nearly so."""
    return f"{cosine:.4f}" if cosine > 0.99 else f"{cosine:.2f}"


def ridges(
    rows: Iterable[tuple[str, str, CosineHistogram, float | None]], label: Callable[[float], str] = "{:.2f}".format
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bars and marks of histograms one above the other, as `charts.ridges` draws them.

    Each of `rows` has the row's name, its modality ("image", "text" or "both"), a histogram, and a reference value or
    None. `label` writes the mean. Bars have the columns value, row, modality, height (0 to 1); marks have row,
    modality, mean, low, high, reference, label.
    """
    bars, marks = [], []
    for name, modality, found, reference in rows:
        shares = found.frame()
        height = shares["share"] / shares["share"].max()
        bars.append(shares.drop(columns="share").assign(row=name, modality=modality, height=height))
        spread = {"mean": found.mean, "low": found.min, "high": found.max}
        marks.append({"row": name, "modality": modality, **spread, "reference": reference, "label": label(found.mean)})
    return pd.concat(bars), pd.DataFrame(marks)


def bands(
    runs: Mapping[str | tuple[str, ...], Float[Tensor, "runs layers"]], columns: Sequence[str], first: int = 0
) -> pd.DataFrame:
    """Mean and range over runs, layer by layer: a row for each layer of each entry of `runs`.

    An entry has a value for each of `columns` as its key (a string where there is one column), and a row of numbers
    for each run, whose first belongs to the layer `first`. The table has those columns, and layer, mean, low, high.

    Raises ValueError if a key has another number of values than there are columns.
    """
    parts = []
    for key, values in runs.items():
        labels = (key,) if isinstance(key, str) else key
        if len(labels) != len(columns):
            raise ValueError(f"runs: expected a key for the columns {', '.join(columns)}, got {key!r}")
        parts.append(
            pd.DataFrame(
                {
                    **dict(zip(columns, labels, strict=True)),
                    "layer": range(first, first + values.shape[1]),
                    "mean": values.mean(dim=0).tolist(),
                    "low": values.amin(dim=0).tolist(),
                    "high": values.amax(dim=0).tolist(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def heights(
    at: Float[Tensor, " heights"], losses: Mapping[tuple[str, float], Float[Tensor, " heights"]]
) -> pd.DataFrame:
    """Losses against the height of the texts, as `charts.sphere_pairs` draws them.

    The keys of `losses` are (arrangement, temperature); its values are the losses at the heights `at`, in degrees. The
    table has the columns arrangement, tau (a label), height, loss.
    """
    parts = [
        pd.DataFrame(
            {
                "arrangement": name,
                "tau": temperature_label(temperature),
                "height": at.tolist(),
                "loss": values.tolist(),
            }
        )
        for (name, temperature), values in losses.items()
    ]
    return pd.concat(parts, ignore_index=True)


def kinds(history: pd.DataFrame, **columns: Names) -> pd.DataFrame:
    """What an experiment's `history` or `last` has, with what was varied as one column `kind`, and R@1 as `recall`.

    Each keyword names a column and says how readers know its values: a function, or a dictionary. Several are joined
    by a comma, as in `kinds(history, modalities={…}, temperature=temperature_label)`.

    Raises ValueError without a column, and KeyError for a column or a value that is not there.
    """
    if not columns:
        raise ValueError("kinds: expected a column that says what was varied, got none")
    words = [
        [names(value) if callable(names) else names[value] for value in history[column]]
        for column, names in columns.items()
    ]
    kind = [", ".join(of_one) for of_one in zip(*words, strict=True)]
    return history.rename(columns={"image_to_text": "recall"}).assign(kind=kind)
