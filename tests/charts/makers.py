"""A small real chart of each public function of `mindgap.charts`, for the tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from mindgap import charts
from tests.charts import (
    test_cones,
    test_costs,
    test_gap,
    test_landscape,
    test_schematic,
    test_seeds,
    test_since,
    test_sphere,
    test_tasks,
    test_temperature,
    test_training,
)

# Arguments that are no chart's: colours, the look, names of directions, labels.
NO_CHARTS = {"DIRECTIONS", "IMAGE", "TEMPERATURE_COLOURS", "TEXT", "enable", "labelled", "temperature_label"}
SCENES = pd.DataFrame({"picture": ["data:,a", "data:,b", "data:,c"], "caption": ["a ring", "a star", "a heart"]})

MAKERS: dict[str, Callable[[], Any]] = {
    **test_tasks.CHARTS,
    "best_distances": test_temperature.CHARTS["best_distances"],
    "cap_sizes": test_cones.caps,
    "clip_schematic": test_schematic.schematic,
    "closing_paths": test_since.CHARTS["closing_paths"],
    "cost_curves": test_costs.costs,
    "depth_curves": test_cones.depth,
    "direction_curves": test_landscape.CHARTS["direction_curves"],
    "experiment_runs": test_since.CHARTS["experiment_runs"],
    "gap_against": test_gap.CHARTS["gap_against"],
    "gap_at_recall": test_training.CHARTS["gap_at_recall"],
    "gap_directions": test_since.CHARTS["gap_directions"],
    "gap_map": lambda: charts.gap_map(
        test_gap.gap_points().assign(cosine=0.5), drawn={"a": SCENES}, modalities={"a": ("video", "text")}
    ),
    "gap_orders": test_gap.CHARTS["gap_orders"],
    "gap_panels": test_gap.CHARTS["gap_panels"],
    "far_shifts": test_landscape.CHARTS["far_shifts"],
    "landscape_curves": test_landscape.CHARTS["landscape_curves"],
    "linear_cone": test_cones.linear,
    "measured_by": test_training.CHARTS["measured_by"],
    "network_view": test_cones.network,
    "raised_curves": test_cones.raised,
    "ridges": test_cones.ridges,
    "seed_clouds": test_seeds.clouds,
    "share_curves": test_seeds.shares,
    "shift_explorer": lambda: test_landscape.explorer(
        controls=("shift", "temperature", "direction", "pair"), pairs=3, cosines=[0.1, 0.2, 0.3], drawn=SCENES
    ),
    "singular_cliff": test_seeds.cliff,
    "softmax_weights": test_temperature.CHARTS["softmax_weights"],
    "sphere_pairs": test_sphere.globe,
    "squeeze": test_cones.squeezed,
    "trained_clouds": test_seeds.trained,
    "training_curves": test_training.CHARTS["training_curves"],
    "training_scrubber": lambda: charts.training_scrubber(test_training.history(), test_training.clouds(), SCENES),
    "training_view": test_training.CHARTS["training_view"],
    "what_is_left": test_since.CHARTS["what_is_left"],
}
