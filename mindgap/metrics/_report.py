"""`report`: every measure by name, of pairs or of sets, each computed once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import Rows
from mindgap.metrics import _gap, _retrieval, _spread
from mindgap.metrics._moments import (
    Centred,
    Cloud,
    Moments,
    Undefined,
    cosine_of,
    distance_of,
    euclidean_within,
    matched_distance,
    separability_of,
)

DIMENSIONS = 10  # of the subspaces and the share of the gap that `report` takes


class Summary:
    """What the measures are computed from: of rows in memory, or of rows that were streamed past.

    What needs the rows themselves is for those who have them to say; what follows from it is here.
    """

    k: int

    @property
    def n(self) -> int:
        """Rows of x."""
        return self.moments.x.n

    @property
    def d(self) -> int:
        """Their dimension."""
        return self.moments.d

    @property
    def moments(self) -> Moments:
        """Means and covariances."""
        raise NotImplementedError

    @property
    def centred(self) -> Moments:
        """The same without the means, see `metrics.centred`."""
        raise NotImplementedError

    @property
    def matched_cosine(self) -> float:
        """Of the pairs."""
        raise NotImplementedError

    @property
    def pair_distance(self) -> float:
        """Mean distance of the pairs."""
        raise NotImplementedError

    @property
    def residual_pair_distance(self) -> float:
        """The same of the centred pairs."""
        raise NotImplementedError

    @property
    def distances_within(self) -> list[float]:
        """Mean distance of different rows, within x and within y."""
        raise NotImplementedError

    @property
    def separability(self) -> float:
        """See `geometry.separability`."""
        raise NotImplementedError

    @property
    def linear_probe(self) -> float:
        """See `metrics.linear_probe`."""
        raise NotImplementedError

    @property
    def distinct(self) -> tuple[int, int]:
        """Different rows of x and of y."""
        raise NotImplementedError

    @property
    def recall_chance_grouped(self) -> float:
        """Recall in random order, any pair with an equal row being right."""
        raise NotImplementedError

    @property
    def dimensions(self) -> int:
        """Of the subspaces: ten, or as many as there are."""
        return min(DIMENSIONS, _spread.most_dimensions(self.moments))

    @cached_property
    def mean_cosines(self) -> tuple[float, float]:
        """Within x and within y."""
        return self.moments.x.mean_cosine(), self.moments.y.mean_cosine()

    def mean_cosine_xy(self) -> float:
        """Of the pairs that do not match, see `geometry.mean_cosine`."""
        n, everything = self.n, float(self.moments.x.mean @ self.moments.y.mean)
        return (n * everything - self.matched_cosine) / (n - 1)

    def relative_gap(self, distance: str, diagonal: bool) -> float:
        """See `metrics.relative_modality_gap`."""
        if distance == "cosine":
            matched, within = (1 - self.matched_cosine) / 2, [(1 - cosine) / 2 for cosine in self.mean_cosines]
        else:
            matched, within = self.pair_distance, self.distances_within
        return _gap.ratio(matched, within, self.n, diagonal)

    @cached_property
    def shared_energy(self) -> tuple[float, float]:
        """See `metrics.shared_energy`."""
        return self.moments.shared_energy(self.dimensions)


@dataclass(frozen=True)
class Sets(Summary):
    """Two checked sets, and what several measures need of them, computed once and in float64.

    The linear measures see rows as they are given, a tile at a time, so that a copy of all in float64 takes no memory.
    """

    x: Float[Tensor, "n d"]
    y: Float[Tensor, "m d"]
    k: int

    @property
    def n(self) -> int:
        """Rows of x."""
        return len(self.x)

    @property
    def d(self) -> int:
        """Their dimension."""
        return self.x.shape[1]

    @cached_property
    def moments(self) -> Moments:
        """Means and covariances."""
        return Moments(*self.clouds)

    @cached_property
    def clouds(self) -> tuple[Cloud, Cloud]:
        """Both on the unit sphere."""
        return Cloud(self.x), Cloud(self.y)

    @cached_property
    def without_means(self) -> tuple[Centred, Centred]:
        """Both centred, see `metrics.centred`."""
        return Centred(self.x), Centred(self.y)

    @cached_property
    def centred(self) -> Moments:
        """Means and covariances of the centred ones."""
        return Moments(*self.without_means)

    @cached_property
    def wide(self) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
        """All rows in float64, for what walks through all pairs of them."""
        return _inputs.widened(self.x), _inputs.widened(self.y)

    @cached_property
    def matched_cosine(self) -> float:
        """Of the pairs."""
        return cosine_of(*self.clouds)

    @cached_property
    def pair_distance(self) -> float:
        """Mean distance of the pairs."""
        return matched_distance(self.x, self.y)

    @property
    def residual_pair_distance(self) -> float:
        """The same of the centred pairs."""
        return distance_of(*self.without_means)

    @cached_property
    def distances_within(self) -> list[float]:
        """Mean distance of different rows, within x and within y."""
        return [euclidean_within(rows) for rows in self.wide]

    @property
    def separability(self) -> float:
        """See `geometry.separability`."""
        return separability_of(*self.clouds)

    @property
    def linear_probe(self) -> float:
        """See `metrics.linear_probe`."""
        return _spread.linear_probe(self.x, self.y)

    @cached_property
    def mixed_xy(self) -> _retrieval.Mixed:
        """Places in a mixed gallery, asked by x."""
        return _retrieval.mixed(*self.wide)

    @cached_property
    def mixed_yx(self) -> _retrieval.Mixed:
        """Places in a mixed gallery, asked by y."""
        return _retrieval.mixed(*self.wide[::-1])

    @cached_property
    def groups_x(self) -> Int[Tensor, " n"]:
        """Equal rows of x have equal numbers."""
        return geometry.row_groups(self.x)

    @cached_property
    def groups_y(self) -> Int[Tensor, " m"]:
        """Equal rows of y have equal numbers."""
        return geometry.row_groups(self.y)

    @cached_property
    def recall_xy(self) -> float:
        """From x to y."""
        return geometry.recall_at_k(*self.wide, self.k)

    @cached_property
    def recall_yx(self) -> float:
        """From y to x."""
        return geometry.recall_at_k(*self.wide[::-1], self.k)

    @property
    def distinct(self) -> tuple[int, int]:
        """Different rows of x and of y."""
        return int(self.groups_x.max()) + 1, int(self.groups_y.max()) + 1

    def recall_xy_grouped(self) -> float:
        """From x to y, any pair with an equal row being right."""
        return geometry.recall_at_k(*self.wide, self.k, "equal") if self._repeated() else self.recall_xy

    def recall_yx_grouped(self) -> float:
        """From y to x, any pair with an equal row being right."""
        return geometry.recall_at_k(*self.wide[::-1], self.k, "equal") if self._repeated() else self.recall_yx

    @property
    def recall_chance_grouped(self) -> float:
        """Of both, in random order."""
        n, first, second = len(self.x), self.groups_x, self.groups_y
        sizes = [
            labels.bincount()[labels] for labels in (first, second, (first * n + second).unique(return_inverse=True)[1])
        ]
        right = sizes[0] + sizes[1] - sizes[2]  # rows of an equal x or an equal y, without counting twice
        return _retrieval.recall_by_chance(right.tolist(), self.k)

    def _repeated(self) -> bool:
        return min(self.distinct) < len(self.x)


@dataclass(frozen=True)
class Measure:
    """One measure of `report`: how it is computed, and what readers call it; {x} and {y} are the modalities.

    `paired` ones need the rows of x and y to match, and so as many of both; the `linear` ones cost O(n) time.
    """

    compute: Callable[[Any], float] = field(repr=False)  # of a Summary; of Sets where it is not linear
    label: str
    paired: bool = False
    linear: bool = True


MEASURES: dict[str, Measure] = {
    "pairs": Measure(lambda s: s.n, "pairs", paired=True),
    "dimension": Measure(lambda s: s.d, "dimension"),
    "distinct_x": Measure(lambda s: s.distinct[0], "different rows of {x}"),
    "distinct_y": Measure(lambda s: s.distinct[1], "different rows of {y}"),
    "gap_distance": Measure(lambda s: math.sqrt(s.moments.squared_gap()), "gap distance"),
    "squared_gap": Measure(lambda s: s.moments.squared_gap(), "squared gap ‖Δ‖²"),
    "mean_squared_gap": Measure(lambda s: s.moments.squared_gap() / s.d, "squared gap per dimension ‖Δ‖²/d"),
    "centroid_distance": Measure(lambda s: s.moments.centroid_distance(), "cosine distance of the centres"),
    "pair_distance": Measure(lambda s: s.pair_distance, "mean distance of matched pairs", paired=True),
    "rmg_cosine": Measure(lambda s: s.relative_gap("cosine", False), "RMG, cosine", paired=True),
    "rmg_cosine_diagonal": Measure(
        lambda s: s.relative_gap("cosine", True), "RMG, cosine, rows with themselves counted", paired=True
    ),
    "rmg_euclidean": Measure(lambda s: s.relative_gap("euclidean", False), "RMG, Euclidean", paired=True, linear=False),
    "rmg_euclidean_diagonal": Measure(
        lambda s: s.relative_gap("euclidean", True),
        "RMG, Euclidean, rows with themselves counted",
        paired=True,
        linear=False,
    ),
    "frechet_distance": Measure(lambda s: s.moments.frechet_distance(), "Fréchet distance, squared"),
    "top_dimensions_share": Measure(
        lambda s: s.moments.top_share(min(DIMENSIONS, s.d)),
        f"share of ‖Δ‖² in its top {DIMENSIONS} coordinates",
    ),
    "separability": Measure(lambda s: s.separability, "separable along the gap"),
    "linear_probe": Measure(lambda s: s.linear_probe, "separable by a plane, held-out rows"),
    "mean_cosine_x": Measure(lambda s: s.mean_cosines[0], "mean cosine within {x}"),
    "mean_cosine_y": Measure(lambda s: s.mean_cosines[1], "mean cosine within {y}"),
    "mean_cosine_xy": Measure(lambda s: s.mean_cosine_xy(), "mean cosine across, unmatched pairs", paired=True),
    "matched_cosine": Measure(lambda s: s.matched_cosine, "mean cosine across, matched pairs", paired=True),
    "alignment": Measure(lambda s: 2 - 2 * s.matched_cosine, "alignment", paired=True),
    "uniformity_x": Measure(lambda s: _spread.uniformity(s.wide[0]), "uniformity of {x}", linear=False),
    "uniformity_y": Measure(lambda s: _spread.uniformity(s.wide[1]), "uniformity of {y}", linear=False),
    "uniformity_joint": Measure(lambda s: _spread.joint_uniformity(*s.wide), "uniformity of both", linear=False),
    "effective_rank_x": Measure(lambda s: _spread.rank_of(s.moments.x), "effective rank of {x}"),
    "effective_rank_y": Measure(lambda s: _spread.rank_of(s.moments.y), "effective rank of {y}"),
    "principal_angle": Measure(
        lambda s: float(s.moments.principal_angles(s.dimensions).mean()),
        f"mean angle between the {DIMENSIONS} main axes of each, degrees",
    ),
    "shared_energy_x": Measure(
        lambda s: s.shared_energy[0], f"share of the variance of {{x}} along {DIMENSIONS} main axes of {{y}}"
    ),
    "shared_energy_y": Measure(
        lambda s: s.shared_energy[1], f"share of the variance of {{y}} along {DIMENSIONS} main axes of {{x}}"
    ),
    "residual_pair_distance": Measure(
        lambda s: s.residual_pair_distance, "mean distance of matched pairs, centred", paired=True
    ),
    "residual_frechet": Measure(lambda s: s.centred.frechet_distance(), "Fréchet distance, squared, centred"),
    "recall_xy": Measure(lambda s: s.recall_xy, "R@{k}, {x} to {y}", paired=True, linear=False),
    "recall_yx": Measure(lambda s: s.recall_yx, "R@{k}, {y} to {x}", paired=True, linear=False),
    "recall_chance": Measure(lambda s: s.k / s.n, "R@{k} by chance", paired=True),
    "recall_xy_grouped": Measure(Sets.recall_xy_grouped, "R@{k}, {x} to {y}, grouped", paired=True, linear=False),
    "recall_yx_grouped": Measure(Sets.recall_yx_grouped, "R@{k}, {y} to {x}, grouped", paired=True, linear=False),
    "recall_chance_grouped": Measure(lambda s: s.recall_chance_grouped, "R@{k} by chance, grouped", paired=True),
    "median_rank_xy": Measure(
        lambda s: _retrieval.median_rank(*s.wide), "median rank, {x} to {y}", paired=True, linear=False
    ),
    "median_rank_yx": Measure(
        lambda s: _retrieval.median_rank(*s.wide[::-1]), "median rank, {y} to {x}", paired=True, linear=False
    ),
    "mixed_recall_xy": Measure(
        lambda s: s.mixed_xy.recall(s.k), "R@{k} in a mixed gallery, {x} to {y}", paired=True, linear=False
    ),
    "mixed_recall_yx": Measure(
        lambda s: s.mixed_yx.recall(s.k), "R@{k} in a mixed gallery, {y} to {x}", paired=True, linear=False
    ),
    "mixed_median_rank_xy": Measure(
        lambda s: s.mixed_xy.median_rank(), "median rank in a mixed gallery, {x} to {y}", paired=True, linear=False
    ),
    "mixed_median_rank_yx": Measure(
        lambda s: s.mixed_yx.median_rank(), "median rank in a mixed gallery, {y} to {x}", paired=True, linear=False
    ),
}
"""The measures that `report` takes, by name, in its order."""

QUOTED = ("gap_distance", "pair_distance", "rmg_cosine", "matched_cosine", "residual_pair_distance")
"""Those to quote where there is room for a few; the last is the pairs' distance once each modality's mean is out."""

LINEAR = tuple(name for name, measure in MEASURES.items() if measure.linear)
"""Those whose time grows with the number of rows and not with its square: `report(x, y, only=LINEAR)`."""

LABELS = {name: measure.label for name, measure in MEASURES.items()}
"""What readers call the measures, before `label` puts in the modalities and the k of recall."""


def label(name: str, modalities: tuple[str, str] = ("x", "y"), k: int = 1) -> str:
    """What readers call a measure of `report`: "mean cosine within image", "R@5, image to text", ….

    Raises ValueError for an unknown name, with the nearest that there are.
    """
    x, y = modalities
    return LABELS[_inputs.choice(name, "name", LABELS)].format(x=x, y=y, k=k)


def report(
    x: Rows | Mapping[str, Rows],
    y: Rows | None = None,
    k: int = 1,
    only: Iterable[str] | None = None,
    progress: Callable[[str], object] | None = None,
    known: Callable[[str, float], object] | None = None,
) -> dict[str, Any]:
    """Every measure of two sets, by names that stay; `only` some of them, and then nothing else is computed.

    Shapes: x (n, d) and y (m, d), rows of any norm. With n = m, row i of `x` belongs with row i of `y`. With other
    numbers of rows, the result has the measures that need no pairs. A mapping of two or more modalities to rows gives
    such a report for every two of them, as `{"image and text": {…}, "image and audio": {…}, …}`. `pairs`, `dimension`
    and `distinct_…` are ints. `progress` is called with the name of each measure before it is computed, and
    what it raises ends the work; `known` with its name and value as soon as it is known.

    | name | definition | source | time |
    |---|---|---|---|
    | `pairs` | n | – | – |
    | `dimension` | d | – | – |
    | `distinct_x` | how many different rows x has: `geometry.distinct_rows` | – | nd |
    | `distinct_y` | how many different rows y has | – | nd |
    | `gap_distance` | ‖mean(x̂) − mean(ŷ)‖, from 0 to 2 | Liang et al. (2022), §4.2 | nd |
    | `squared_gap` | ‖Δ‖² | Fahim et al. (2024), among others | nd |
    | `mean_squared_gap` | ‖Δ‖²/d, the mean squared error of the means | – | nd |
    | `centroid_distance` | 1 − cos(mean(x̂), mean(ŷ)) | – | nd |
    | `pair_distance` | mean of ‖x̂_i − ŷ_i‖ | – | nd |
    | `rmg_cosine` | `relative_modality_gap` | Schrodi et al. (2025) | nd |
    | `rmg_cosine_diagonal` | the same, each row's distance to itself counted | – | nd |
    | `rmg_euclidean` | the same of Euclidean distances | – | n²d |
    | `rmg_euclidean_diagonal` | the same, each row's distance to itself counted | – | n²d |
    | `frechet_distance` | of Gaussian fits, squared | Heusel et al. (2017) | nd·min(n, d) |
    | `top_dimensions_share` | share of ‖Δ‖² in the ten coordinates of largest Δ | Schrodi et al. (2025) | nd |
    | `separability` | share of points nearer to the mean of their own modality | nearest centroid | nd |
    | `linear_probe` | share of held-out rows on the right side of a plane | Fisher (1936) | nd² |
    | `mean_cosine_x` | mean of x̂_i·x̂_j over i ≠ j: how narrow the cone is | Liang et al. (2022), §2.1 | nd |
    | `mean_cosine_y` | mean of ŷ_i·ŷ_j over i ≠ j | Liang et al. (2022), §2.1 | nd |
    | `mean_cosine_xy` | mean of x̂_i·ŷ_j over i ≠ j: the unmatched pairs | Liang et al. (2022), §2.1 | nd |
    | `matched_cosine` | mean of x̂_i·ŷ_i | – | nd |
    | `alignment` | mean of ‖x̂_i − ŷ_i‖² | Wang & Isola (2020) | nd |
    | `uniformity_x` | log of the mean of exp(−2‖x̂_i − x̂_j‖²) over i ≠ j | Wang & Isola (2020) | n²d |
    | `uniformity_y` | log of the mean of exp(−2‖ŷ_i − ŷ_j‖²) over i ≠ j | Wang & Isola (2020) | n²d |
    | `uniformity_joint` | the same of the n + m rows of both | Wang & Isola (2020) | n²d |
    | `effective_rank_x` | exp of the entropy of the singular values, centred x̂ | Roy & Vetterli (2007) | nd·min(n, d) |
    | `effective_rank_y` | exp of the entropy of the singular values, centred ŷ | Roy & Vetterli (2007) | nd·min(n, d) |
    | `principal_angle` | mean of the `principal_angles` between ten main axes of each | Björck & Golub (1973) | nd² |
    | `shared_energy_x` | share of the variance of x̂ along ten main axes of ŷ | – | nd² |
    | `shared_energy_y` | share of the variance of ŷ along ten main axes of x̂ | – | nd² |
    | `residual_pair_distance` | `pair_distance` of the `centred` rows | – | nd |
    | `residual_frechet` | `frechet_distance` of the `centred` rows | – | nd·min(n, d) |
    | `recall_xy` | share of rows of x whose own y is among the k nearest | `geometry.recall_at_k` | n²d |
    | `recall_yx` | share of rows of y whose own x is among the k nearest | `geometry.recall_at_k` | n²d |
    | `recall_chance` | what both are in random order: k/n | – | – |
    | `recall_xy_grouped` | `recall_xy`, if any pair with an equal x, or equal y, is right | `groups="equal"` | n²d |
    | `recall_yx_grouped` | `recall_yx`, if any pair with an equal x, or equal y, is right | `groups="equal"` | n²d |
    | `recall_chance_grouped` | what both are in random order | – | nd |
    | `median_rank_xy` | median place of the own y | `median_rank` | n²d |
    | `median_rank_yx` | median place of the own x | `median_rank` | n²d |
    | `mixed_recall_xy` | R@k where half of the gallery is of x | `mixed_recall_at_k`, seed 0 | n²d |
    | `mixed_recall_yx` | R@k where half of the gallery is of y | `mixed_recall_at_k`, seed 0 | n²d |
    | `mixed_median_rank_xy` | median place of the own y there | `mixed_median_rank`, seed 0 | n²d |
    | `mixed_median_rank_yx` | median place of the own x there | `mixed_median_rank`, seed 0 | n²d |

    The grouped ones differ from the others only where rows are repeated, as an image with several captions is. They
    mean something only if it is the *inputs* that are repeated: a collapsed tower makes equal rows, too, and then even
    `recall_chance_grouped` is 1. With ids, use `recall_at_k(x, y, k, groups=ids)`. What is measured "along ten axes" is
    so along as many as there are, where rows or dimensions are fewer. `QUOTED` names the few to quote by default, and
    `LINEAR` those that take seconds for 100,000 rows.

    Everything is computed in float64, whatever the input. A measure that has no value for these rows is NaN: the
    direction of a mean at the origin, say, or the share of a gap of 0. Raises ValueError where rows are no rows, as
    `gap_vector` does; unless 1 ≤ k ≤ n; for an unknown name in `only`, or one that needs pairs where there are
    none; for a mapping of fewer than two modalities, or of two whose names are written alike. Raises TypeError for
    a mapping beside `y`.
    """
    if isinstance(x, Mapping):
        if y is not None:
            raise TypeError(
                f"x: expected a tensor, an array or nested lists of numbers, got {type(x).__name__} beside y; "
                "a mapping of modalities to rows comes alone"
            )
        if len(x) < 2:
            raise ValueError(f"x: expected at least two modalities, got {len(x)}")
        couples = [
            (f"{a} and {b}", first, second, (str(a), str(b)))
            for (a, first), (b, second) in itertools.combinations(x.items(), 2)
        ]
        if len({couple for couple, *_ in couples}) < len(couples):
            raise ValueError(f"x: expected modalities that differ in their names, got {', '.join(map(str, x))}")
        return {
            couple: _report(first, second, k, only, names, progress, known) for couple, first, second, names in couples
        }
    return _report(x, y, k, only, ("x", "y"), progress, known)


def _report(
    x: object,
    y: object,
    k: int,
    only: Iterable[str] | None,
    names: tuple[str, str],
    progress: Callable[[str], object] | None,
    known: Callable[[str, float], object] | None,
) -> dict[str, float]:
    first, second = (rows.detach() for rows in _inputs.two_sets(x, y, names))
    matched = len(first) == len(second)
    if only is None:
        chosen = [name for name, measure in MEASURES.items() if matched or not measure.paired]
    else:
        chosen = [_inputs.choice(name, "only", MEASURES) for name in _names(only)]
        for name in chosen:
            if MEASURES[name].paired and not matched:
                raise ValueError(
                    f"only: {name} needs pairs, and so as many rows of {names[0]} as of {names[1]}, "
                    f"got {len(first)} and {len(second)}"
                )
    sets = Sets(first, second, _inputs.count(k, "k", 1, len(first)) if matched else k)
    found = {}
    for name in chosen:
        if progress is not None:
            progress(name)
        found[name] = _value(MEASURES[name], sets)
        if known is not None:
            known(name, found[name])
    return found


def _value(measure: Measure, sets: Sets) -> float:
    try:
        return measure.compute(sets)
    except Undefined:
        return math.nan


def _names(only: Iterable[str]) -> list[str]:
    return [only] if isinstance(only, str) else list(only)
