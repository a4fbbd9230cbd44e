"""Every measure of a modality gap by its published definition, and `report`, which takes them all.

People quote different numbers under one name; here each has a name of its own, its equation, and whom it comes from.
Rows of any norm are put on the unit sphere first, as everywhere; x̂ and ŷ are the normalised rows. To add a measure,
write its function in the file for its kind, name it in `MEASURES`, give it a line in the table of `report`,
and a few words in `MEANINGS`.
"""

from __future__ import annotations

from mindgap import geometry
from mindgap._inputs import Rows
from mindgap.metrics._gap import (
    centred,
    centroid_distance,
    frechet_distance,
    pair_distance,
    relative_modality_gap,
    top_dimensions_share,
)
from mindgap.metrics._meanings import MEANINGS
from mindgap.metrics._report import LABELS, LINEAR, MEASURES, QUOTED, Measure, label, report
from mindgap.metrics._retrieval import median_rank, mixed_median_rank, mixed_recall_at_k, recall_by_chance
from mindgap.metrics._sampled import EXACT, Estimate, estimates
from mindgap.metrics._spread import (
    effective_rank,
    joint_uniformity,
    linear_probe,
    principal_angles,
    shared_energy,
    uniformity,
)

__all__ = [
    "EXACT",
    "LABELS",
    "LINEAR",
    "MEANINGS",
    "MEASURES",
    "QUOTED",
    "Estimate",
    "Measure",
    "alignment",
    "centred",
    "centroid_distance",
    "effective_rank",
    "estimates",
    "frechet_distance",
    "joint_uniformity",
    "label",
    "linear_probe",
    "median_rank",
    "mixed_median_rank",
    "mixed_recall_at_k",
    "pair_distance",
    "principal_angles",
    "recall_by_chance",
    "relative_modality_gap",
    "report",
    "shared_energy",
    "top_dimensions_share",
    "uniformity",
]


def alignment(x: Rows, y: Rows) -> float:
    """Mean squared distance of the n matched pairs, E‖x̂_i − ŷ_i‖² = 2 − 2 · `matched_cosine` (Wang & Isola, 2020).

    Between 0 (every pair in one place) and 4. Raises ValueError as `gap_vector` does.
    """
    return 2 - 2 * geometry.matched_cosine(x, y)
