"""Every measure of a modality gap by its published definition, and `report`, which takes them all.

Rows of any norm are put on the unit sphere first, as everywhere; x̂ and ŷ are the normalised rows. To add a measure,
write its function here, name it in `MEASURES` and `LABELS`, and give it a line in the table of `report`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import Rows

__all__ = ["LABELS", "MEASURES", "alignment", "effective_rank", "label", "report", "uniformity"]

_TILE_ENTRIES = 2**22


def alignment(x: Rows, y: Rows) -> float:
    """Mean squared distance of the n matched pairs, E‖x̂_i − ŷ_i‖² = 2 − 2 · `matched_cosine` (Wang & Isola, 2020).

    Between 0 (every pair in one place) and 4. Raises ValueError as `gap_vector` does.
    """
    return 2 - 2 * geometry.matched_cosine(x, y)


@torch.no_grad()
def uniformity(x: Rows, t: float = 2.0) -> float:
    """log E exp(−t‖x̂_i − x̂_j‖²) over the pairs i ≠ j, the lower the more evenly spread (Wang & Isola, 2020).

    0 where all rows are one point; about −2t for points spread evenly over a sphere of many dimensions. All pairs are
    walked in tiles, in float64 whatever the input (on the CPU, if it is on Apple's MPS): O(n²d) time, no n² memory.

    Raises ValueError as `mean_cosine` does, for t ≤ 0, or for a t so large that the result is beyond float64.
    """
    x, t = geometry.unit(_inputs.widened(_inputs.rows(x, "x"))), _inputs.positive(t, "t")
    n, start, logs = len(x), 0, []
    for part in x.split(max(1, _TILE_ENTRIES // n)):
        exponents = t * (2 * (part @ x.T - 1)).clamp(max=0)
        # A row with itself is no pair, and its exp(0) would drown all others.
        exponents.diagonal(start).fill_(-math.inf)
        logs.append(exponents.logsumexp(dim=(0, 1)))
        start += len(part)
    result = float(torch.stack(logs).logsumexp(dim=0)) - math.log(n * (n - 1))
    if not math.isfinite(result):
        raise ValueError(f"t: expected a number for which the result is finite, got {t:g}")
    return result


@torch.no_grad()
def effective_rank(x: Rows) -> float:
    """exp of the entropy of the normalised singular values of the centred rows of x̂ (Roy & Vetterli, 2007).

    With p_k = σ_k / Σσ, exp(−Σ p_k log p_k): from 1 (all spread along one axis) to min(n − 1, d). Rows that are all
    equal have no spread and count as 1. In float64 whatever the input (on the CPU, if it is on Apple's MPS):
    O(n d min(n, d)) time.

    Raises ValueError as `mean_cosine` does.
    """
    x = geometry.unit(_inputs.widened(_inputs.rows(x, "x")))
    singular = torch.linalg.svdvals(x - x.mean(dim=0))
    if float(singular[0]) < 1e-12 * math.sqrt(len(x)):
        return 1.0
    shares = singular / singular.sum()
    return float(torch.special.entr(shares).sum().exp())


@dataclass(frozen=True)
class _Pairs:
    """Checked pairs, and what several measures need of them, computed once."""

    x: Float[Tensor, "n d"]
    y: Float[Tensor, "n d"]
    k: int

    @cached_property
    def groups_x(self) -> Int[Tensor, " n"]:
        return geometry.row_groups(self.x)

    @cached_property
    def groups_y(self) -> Int[Tensor, " n"]:
        return geometry.row_groups(self.y)

    @cached_property
    def recall_xy(self) -> float:
        return geometry.recall_at_k(self.x, self.y, self.k)

    @cached_property
    def recall_yx(self) -> float:
        return geometry.recall_at_k(self.y, self.x, self.k)

    def recall_xy_grouped(self) -> float:
        return geometry.recall_at_k(self.x, self.y, self.k, "equal") if self._repeated() else self.recall_xy

    def recall_yx_grouped(self) -> float:
        return geometry.recall_at_k(self.y, self.x, self.k, "equal") if self._repeated() else self.recall_yx

    def recall_chance_grouped(self) -> float:
        n, first, second = len(self.x), self.groups_x, self.groups_y
        sizes = [
            labels.bincount()[labels] for labels in (first, second, (first * n + second).unique(return_inverse=True)[1])
        ]
        right = sizes[0] + sizes[1] - sizes[2]  # rows of an equal x or an equal y, without counting twice
        missed = {size: math.comb(n - size, self.k) / math.comb(n, self.k) for size in right.unique().tolist()}
        return 1 - math.fsum(missed[size] for size in right.tolist()) / n

    def _repeated(self) -> bool:
        return int(min(self.groups_x.max(), self.groups_y.max())) + 1 < len(self.x)


MEASURES: dict[str, Callable[[_Pairs], float]] = {
    "pairs": lambda p: len(p.x),
    "dimension": lambda p: p.x.shape[1],
    "distinct_x": lambda p: int(p.groups_x.max()) + 1,
    "distinct_y": lambda p: int(p.groups_y.max()) + 1,
    "gap_distance": lambda p: geometry.gap_distance(p.x, p.y),
    "separability": lambda p: geometry.separability(p.x, p.y),
    "mean_cosine_x": lambda p: geometry.mean_cosine(p.x),
    "mean_cosine_y": lambda p: geometry.mean_cosine(p.y),
    "mean_cosine_xy": lambda p: geometry.mean_cosine(p.x, p.y),
    "matched_cosine": lambda p: geometry.matched_cosine(p.x, p.y),
    "alignment": lambda p: alignment(p.x, p.y),
    "uniformity_x": lambda p: uniformity(p.x),
    "uniformity_y": lambda p: uniformity(p.y),
    "effective_rank_x": lambda p: effective_rank(p.x),
    "effective_rank_y": lambda p: effective_rank(p.y),
    "recall_xy": lambda p: p.recall_xy,
    "recall_yx": lambda p: p.recall_yx,
    "recall_chance": lambda p: p.k / len(p.x),
    "recall_xy_grouped": _Pairs.recall_xy_grouped,
    "recall_yx_grouped": _Pairs.recall_yx_grouped,
    "recall_chance_grouped": _Pairs.recall_chance_grouped,
}
"""The measures that `report` takes, by name, in its order."""

LABELS = {
    "pairs": "pairs",
    "dimension": "dimension",
    "distinct_x": "different rows of {x}",
    "distinct_y": "different rows of {y}",
    "gap_distance": "gap distance",
    "separability": "separable along the gap",
    "mean_cosine_x": "mean cosine within {x}",
    "mean_cosine_y": "mean cosine within {y}",
    "mean_cosine_xy": "mean cosine across, unmatched pairs",
    "matched_cosine": "mean cosine across, matched pairs",
    "alignment": "alignment",
    "uniformity_x": "uniformity of {x}",
    "uniformity_y": "uniformity of {y}",
    "effective_rank_x": "effective rank of {x}",
    "effective_rank_y": "effective rank of {y}",
    "recall_xy": "R@{k}, {x} to {y}",
    "recall_yx": "R@{k}, {y} to {x}",
    "recall_chance": "R@{k} by chance",
    "recall_xy_grouped": "R@{k}, {x} to {y}, grouped",
    "recall_yx_grouped": "R@{k}, {y} to {x}, grouped",
    "recall_chance_grouped": "R@{k} by chance, grouped",
}
"""What readers call the measures, before `label` puts in the modalities and the k of recall."""


def label(name: str, modalities: tuple[str, str] = ("x", "y"), k: int = 1) -> str:
    """What readers call a measure of `report`: "mean cosine within image", "R@5, image to text", ….

    Raises ValueError for an unknown name, with the nearest that there are.
    """
    x, y = modalities
    return LABELS[_inputs.choice(name, "name", LABELS)].format(x=x, y=y, k=k)


def report(x: Rows, y: Rows, k: int = 1, only: Iterable[str] | None = None) -> dict[str, float]:
    """Every measure of a set of pairs, by names that stay; `only` some of them, and then nothing else is computed.

    Shapes: x, y (n, d), rows of any norm, row i of `x` belonging with row i of `y`. The first four are ints.

    | name | definition | source | time |
    |---|---|---|---|
    | `pairs` | n | – | – |
    | `dimension` | d | – | – |
    | `distinct_x` | how many different rows x has: `geometry.distinct_rows` | – | nd |
    | `distinct_y` | how many different rows y has | – | nd |
    | `gap_distance` | ‖mean(x̂) − mean(ŷ)‖, from 0 to 2 | Liang et al. (2022), §4.2 | nd |
    | `separability` | share of points nearer to the mean of their own modality | nearest centroid | nd |
    | `mean_cosine_x` | mean of x̂_i·x̂_j over i ≠ j: how narrow the cone is | Liang et al. (2022), §2.1 | nd |
    | `mean_cosine_y` | mean of ŷ_i·ŷ_j over i ≠ j | Liang et al. (2022), §2.1 | nd |
    | `mean_cosine_xy` | mean of x̂_i·ŷ_j over i ≠ j: the unmatched pairs | Liang et al. (2022), §2.1 | nd |
    | `matched_cosine` | mean of x̂_i·ŷ_i | – | nd |
    | `alignment` | mean of ‖x̂_i − ŷ_i‖² | Wang & Isola (2020) | nd |
    | `uniformity_x` | log of the mean of exp(−2‖x̂_i − x̂_j‖²) over i ≠ j | Wang & Isola (2020) | n²d |
    | `uniformity_y` | log of the mean of exp(−2‖ŷ_i − ŷ_j‖²) over i ≠ j | Wang & Isola (2020) | n²d |
    | `effective_rank_x` | exp of the entropy of the singular values, centred x̂ | Roy & Vetterli (2007) | nd·min(n, d) |
    | `effective_rank_y` | exp of the entropy of the singular values, centred ŷ | Roy & Vetterli (2007) | nd·min(n, d) |
    | `recall_xy` | share of rows of x whose own y is among the k nearest | `geometry.recall_at_k` | n²d |
    | `recall_yx` | share of rows of y whose own x is among the k nearest | `geometry.recall_at_k` | n²d |
    | `recall_chance` | what both are in random order: k/n | – | – |
    | `recall_xy_grouped` | `recall_xy`, if any pair with an equal x, or equal y, is right | `groups="equal"` | n²d |
    | `recall_yx_grouped` | `recall_yx`, if any pair with an equal x, or equal y, is right | `groups="equal"` | n²d |
    | `recall_chance_grouped` | what both are in random order | – | nd |

    The grouped ones differ from the others only where rows are repeated, as an image with several captions is. They
    mean something only if it is the *inputs* that are repeated: a collapsed tower makes equal rows, too, and then even
    `recall_chance_grouped` is 1. With ids, use `recall_at_k(x, y, k, groups=ids)`.

    Raises ValueError as `gap_vector` does, unless 1 ≤ k ≤ n, or for an unknown name in `only`.
    """
    names = list(MEASURES) if only is None else [_inputs.choice(name, "only", MEASURES) for name in _names(only)]
    x, y = (rows.detach() for rows in _inputs.pair(x, y))
    pairs = _Pairs(x, y, _inputs.count(k, "k", 1, len(x)))
    return {name: MEASURES[name](pairs) for name in names}


def _names(only: Iterable[str]) -> list[str]:
    return [only] if isinstance(only, str) else list(only)
