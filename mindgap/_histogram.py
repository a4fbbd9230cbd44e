"""The cosines of all pairs of a cloud, counted in bins without ever holding all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import ArrayLike, Rows

TILE_ENTRIES = 2**20  # cosines held at once


@dataclass(frozen=True)
class CosineHistogram:
    """Cosines of all off-diagonal pairs: `counts` (bins,) between the `edges` (bins + 1,), and their moments.

    Each of the n(n − 1)/2 pairs is counted twice, as in the matrix of cosines: counts sum to n(n − 1) if the edges
    span all of them. `mean`, `std`, `min` and `max` are over all pairs, whatever the edges.
    """

    counts: Int[Tensor, " bins"]
    edges: Float[Tensor, " bins_and_one"]
    mean: float
    std: float
    min: float
    max: float

    def frame(self) -> pd.DataFrame:
        """The bins from the first to the last that is not empty, and one on either side, as a table for charts: `value`
        (the middle of the bin) and `share` of what was counted.
        """
        middles = ((self.edges[1:] + self.edges[:-1]) / 2).tolist()
        table = pd.DataFrame({"value": middles, "share": (self.counts / self.counts.sum()).tolist()})
        filled = self.counts.nonzero().flatten().tolist()
        return table.iloc[max(0, filled[0] - 1) : filled[-1] + 2] if filled else table.iloc[:0]


def cosine_histogram(x: Rows, bins: int | ArrayLike = 100) -> CosineHistogram:
    """Histogram of the cosines of all off-diagonal pairs of rows of `x` (n, d), without n² memory (Fig 2a).

    `bins`: a number of equal bins over [−1, 1], or increasing edges. A bin contains its lower edge, and the last one
    its upper edge too; with edges given, cosines beyond them are not counted. The upper half of the matrix of
    cosines is walked in tiles on the device of `x`; counts and edges come back on the CPU.

    Raises ValueError as `mean_cosine` does, for bins < 1, or for edges that do not increase.
    """
    x = geometry.normalize(_inputs.rows(x, "x"))
    edges, given = _edges(bins, x)
    n, mean = len(x), geometry.mean_cosine(x.double())
    counts = torch.zeros(len(edges) + 1, dtype=torch.int64, device=x.device)
    squares, low, high = 0.0, math.inf, -math.inf
    start = 0
    while start < n - 1:
        size = max(1, min(TILE_ENTRIES // (n - start), n - start))
        tile = x[start : start + size] @ x[start:].T
        above = torch.ones(size, size, dtype=torch.bool, device=x.device).triu_(1)
        for cosines in (tile[:, :size][above], tile[:, size:].reshape(-1)):
            if len(cosines):
                cosines = cosines.clamp(-1, 1)
                squares += float((cosines - mean).square().sum(dtype=torch.float64))
                low, high = min(low, float(cosines.min())), max(high, float(cosines.max()))
                counts += torch.bincount(torch.bucketize(cosines, edges, right=True), minlength=len(counts))
        start += size
    # What is equal to the last edge was counted beyond it.
    counts, edges = 2 * counts.cpu(), edges.cpu()
    return CosineHistogram(counts[1:-1], given, mean, math.sqrt(squares / (n * (n - 1) / 2)), low, high)


def _edges(bins: int | ArrayLike, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " edges"], Float[Tensor, " edges"]]:
    """Edges as they are searched, the last one a hair higher so that it belongs to its bin, and as they are told."""
    if isinstance(bins, int) or (isinstance(bins, float) and bins == int(bins)):
        given = torch.linspace(-1, 1, _inputs.count(bins, "bins") + 1, dtype=torch.float64)
    else:
        given = _inputs.double(bins, "bins").cpu()
        if given.ndim != 1 or len(given) < 2 or not (given[1:] > given[:-1]).all():
            raise ValueError(f"bins: expected a whole number or at least 2 increasing edges, got {given.tolist()}")
    searched = given.to(x.dtype, copy=True)
    searched[-1] = torch.nextafter(searched[-1], searched.new_tensor(math.inf))
    return searched.to(x.device), given
