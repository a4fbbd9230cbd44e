"""Charts of gaps, landscapes and cones: they draw what they are given and compute nothing.

Every function returns an ordinary Altair chart. The sliders, menus and moving points are Vega expressions, so they
work on a page without a kernel. Call `enable()` once to have charts shown in the book's look.
"""

from __future__ import annotations

from mindgap._extras import extra

with extra("charts"):
    from mindgap.charts.cones import cap_sizes, depth_curves, linear_cone, network_view, raised_curves, ridges, squeeze
    from mindgap.charts.costs import cost_curves
    from mindgap.charts.gap import gap_against, gap_map, gap_orders, gap_panels
    from mindgap.charts.landscape import (
        DIRECTIONS,
        direction_curves,
        far_shifts,
        labelled,
        landscape_curves,
        shift_explorer,
        temperature_label,
    )
    from mindgap.charts.schematic import clip_schematic
    from mindgap.charts.seeds import seed_clouds, share_curves, singular_cliff, trained_clouds
    from mindgap.charts.since import closing_paths, experiment_runs, gap_directions, what_is_left
    from mindgap.charts.sphere import sphere_pairs
    from mindgap.charts.tasks import accuracy_against_gap, curves_along, mixed_search, selection_gains
    from mindgap.charts.temperature import best_distances, softmax_weights
    from mindgap.charts.theme import IMAGE, TEMPERATURE_COLOURS, TEXT, enable
    from mindgap.charts.training import (
        gap_at_recall,
        measured_by,
        training_curves,
        training_scrubber,
        training_view,
    )

__all__ = [
    "DIRECTIONS",
    "IMAGE",
    "TEMPERATURE_COLOURS",
    "TEXT",
    "accuracy_against_gap",
    "best_distances",
    "cap_sizes",
    "clip_schematic",
    "closing_paths",
    "cost_curves",
    "curves_along",
    "depth_curves",
    "direction_curves",
    "enable",
    "experiment_runs",
    "far_shifts",
    "gap_against",
    "gap_at_recall",
    "gap_directions",
    "gap_map",
    "gap_orders",
    "gap_panels",
    "labelled",
    "landscape_curves",
    "linear_cone",
    "measured_by",
    "mixed_search",
    "network_view",
    "raised_curves",
    "ridges",
    "seed_clouds",
    "selection_gains",
    "share_curves",
    "shift_explorer",
    "singular_cliff",
    "softmax_weights",
    "sphere_pairs",
    "squeeze",
    "temperature_label",
    "trained_clouds",
    "training_curves",
    "training_scrubber",
    "training_view",
    "what_is_left",
]
