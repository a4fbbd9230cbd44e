"""Measures of how embeddings use their sphere, each by its published definition.

Rows of any norm are put on the unit sphere first, as everywhere.
"""

from __future__ import annotations

import math

import torch

from mindgap import _inputs, geometry
from mindgap._inputs import Rows

_TILE_ENTRIES = 2**22


def alignment(x: Rows, y: Rows) -> float:
    """Mean squared distance of the n matched pairs, E‖x̂_i − ŷ_i‖² = 2 − 2 · `matched_cosine` (Wang & Isola, 2020).

    Between 0 (every pair in one place) and 4. Raises ValueError as `gap_vector` does.
    """
    return 2 - 2 * geometry.matched_cosine(x, y)


def uniformity(x: Rows, t: float = 2.0) -> float:
    """log E exp(−t‖x̂_i − x̂_j‖²) over the pairs i ≠ j, the lower the more evenly spread (Wang & Isola, 2020).

    0 where all rows are one point; about −2t for points spread evenly over a sphere of many dimensions. All pairs are
    walked in tiles.

    Raises ValueError as `mean_cosine` does, or for t ≤ 0.
    """
    x, t = geometry.normalize(_inputs.rows(x, "x")).double(), _inputs.positive(t, "t")
    n = len(x)
    total = 0.0
    for part in x.split(max(1, _TILE_ENTRIES // n)):
        total += float(torch.exp(2 * t * (part @ x.T - 1)).sum())
    return math.log((total - n) / (n * (n - 1)))  # each row with itself was exp(0)


def effective_rank(x: Rows) -> float:
    """exp of the entropy of the normalised singular values of the centred rows of x̂ (Roy & Vetterli, 2007).

    With p_k = σ_k / Σσ, exp(−Σ p_k log p_k): from 1 (all spread along one axis) to min(n − 1, d). Rows that are all
    equal have no spread and count as 1.

    Raises ValueError as `mean_cosine` does.
    """
    x = geometry.normalize(_inputs.rows(x, "x")).double()
    singular = torch.linalg.svdvals(x - x.mean(dim=0))
    if float(singular[0]) < 1e-12 * math.sqrt(len(x)):
        return 1.0
    shares = singular / singular.sum()
    return float(torch.special.entr(shares).sum().exp())
