"""How far two sets are apart: between their means, between matched rows, between the sets as distributions."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs, geometry
from mindgap._inputs import Rows
from mindgap.metrics._moments import Moments, Undefined, euclidean_within, matched_distance

DISTANCES = ("cosine", "euclidean")


def centroid_distance(x: Rows, y: Rows) -> float:
    """Cosine distance of the two centres, 1 − cos(mean(x̂), mean(ŷ)), from 0 to 2.

    The lengths of the centres, which say how narrow the cones are, play no part. Shapes: (n, d) and (m, d). In float64
    whatever the input: O(nd) time.

    Raises ValueError unless x and y have one dimension and device, at least two rows each, all of them finite and not
    zero, and unless both centres differ from the origin.
    """
    return Moments.of(x, y).centroid_distance()


def pair_distance(x: Rows, y: Rows) -> float:
    """Mean distance of the n matched pairs, mean ‖x̂_i − ŷ_i‖, from 0 to 2: what several papers of 2025 call the gap.

    `alignment` is the mean of the squares. In float64 whatever the input: O(nd) time. Raises ValueError as
    `gap_vector` does.
    """
    return matched_distance(*_inputs.pair(x, y))


def relative_modality_gap(x: Rows, y: Rows, distance: str = "cosine", diagonal: bool = False) -> float:
    """RMG: the matched pairs' dissimilarity, against that within the modalities (Schrodi et al., ICLR 2025).

        RMG = m / (m + (w_x + w_y) / 2)

    with m the mean of D(x̂_i, ŷ_i), and w the mean of D over the pairs i ≠ j of one modality. 0 where matched rows
    are equal, ½ where a row is as far from its partner as two rows of one kind are from each other, on average over
    both kinds. D is (1 − cos) / 2, or ‖·‖ with `distance="euclidean"`. Public codes differ in D, and in whether a
    row's zero distance to itself counts in w, as it does with `diagonal=True`; so say which. Squared Euclidean
    distances give what cosines give.

    In float64 whatever the input: O(nd) time for cosines, by `mean_cosine`'s line of algebra; O(n²d) for Euclidean
    distances, in tiles.

    Raises ValueError as `gap_vector` does, for an unknown distance, or where all rows of both are equal.
    """
    _inputs.choice(distance, "distance", DISTANCES)
    x, y = (_inputs.widened(rows) for rows in _inputs.pair(x, y))
    if distance == "cosine":
        matched = (1 - geometry.matched_cosine(x, y)) / 2
        within = [(1 - geometry.mean_cosine(rows)) / 2 for rows in (x, y)]
    else:
        matched, within = matched_distance(x, y), [euclidean_within(rows) for rows in (x, y)]
    return ratio(matched, within, len(x), diagonal)


def ratio(matched: float, within: list[float], n: int, diagonal: bool) -> float:
    """RMG of the mean dissimilarities, those within being of the pairs i ≠ j."""
    spread = sum(within) / 2 * ((n - 1) / n if diagonal else 1)
    if matched + spread < 1e-12:
        raise Undefined("x and y: expected rows that differ, got the same direction in every row of both")
    return matched / (matched + spread)


def frechet_distance(x: Rows, y: Rows) -> float:
    """Squared Fréchet distance of Gaussians fitted to the two sets of unit rows, as in FID (Heusel et al., 2017).

        ‖μ_x − μ_y‖² + tr(C_x + C_y − 2 (C_x C_y)^½)

    with the unbiased covariances C. Its first term is ‖Δ‖²; what the second adds is how differently the two sets are
    spread. Shapes: (n, d) and (m, d); the rows need not match. In float64 whatever the input: O(nd·min(n, d)) time and
    some d³ more.

    Raises ValueError as `centroid_distance` does.
    """
    return Moments.of(x, y).frechet_distance()


def top_dimensions_share(x: Rows, y: Rows, dimensions: int = 10) -> float:
    """The share of ‖Δ‖² that lies in the coordinates in which |Δ| is largest (Schrodi et al., ICLR 2025).

    Δ = mean(x̂) − mean(ŷ). Shapes: (n, d) and (m, d). It speaks of the axes that the model happens to have: after a
    rotation, which changes no cosine, it is another number. O(nd) time.

    Raises ValueError as `centroid_distance` does, unless 1 ≤ dimensions ≤ d, or where Δ = 0.
    """
    moments = Moments.of(x, y)
    return moments.top_share(_inputs.count(dimensions, "dimensions", 1, moments.d))


@torch.no_grad()
def centred(x: Rows, y: Rows) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """Both sets without the mean of their own modality, back on the unit sphere.

        x̂ᶜ_i = normalize(x̂_i − mean(x̂))        ŷᶜ_i = normalize(ŷ_i − mean(ŷ))

    This is how GR-CLIP (2025) repairs search over mixed galleries. The two means are then near 0, and not exactly,
    since the way back to the sphere moves them. Shapes: (n, d) and (m, d), which they keep.

    Raises ValueError as `centroid_distance` does, or if a row is its modality's mean and has no direction left.
    """
    x, y = _inputs.two_sets(x, y)
    return _without_mean(x, "x"), _without_mean(y, "y")


def _without_mean(rows: Float[Tensor, "n d"], name: str) -> Float[Tensor, "n d"]:
    rows = geometry.unit(rows)
    rows = rows - rows.mean(dim=0)
    lost = torch.linalg.vector_norm(rows, dim=1) < 8 * torch.finfo(rows.dtype).eps
    if lost.any():
        raise Undefined(f"{name}: expected rows that differ from their mean, got it in row {int(lost.nonzero()[0])}")
    return geometry.unit(rows)
