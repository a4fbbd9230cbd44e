"""Live explorers for Jupyter: one a chapter, thin over the plain functions, on any source `load_pairs` knows.

Each explorer is an ipywidgets box, a class that chapters call by its name in lower case: `gap_explorer("mini")` is
`GapExplorer("mini")`. Its controls are attributes (`explorer.source`, `explorer.shift`, …) whose `.value`
can be set from code as well as by hand. What takes long is computed beside the kernel's loop, on `mindgap.device()`.
Errors appear in words inside the explorer; charts bring their own copy of Vega, so nothing is fetched from a network.

They are tested in JupyterLab 4 and in Notebook 7. Voilà 0.5 was tried without a network: it shows a chapter's text and
tables, and its charts as pictures, but no explorer, since its pages fetch what widgets need from a CDN.
"""

from __future__ import annotations

from mindgap._extras import extra

with extra("widgets"):
    from mindgap.widgets._explorer import debounced
    from mindgap.widgets._pairs import projected
    from mindgap.widgets.gap import GapExplorer, gap_explorer
    from mindgap.widgets.network import NetworkExplorer, network_cosines, network_explorer
    from mindgap.widgets.seeds import SeedExplorer, seed_explorer
    from mindgap.widgets.shift import ShiftExplorer, shift_explorer
    from mindgap.widgets.sphere import SphereExplorer, sphere_explorer
    from mindgap.widgets.training import TrainingExplorer, training_explorer

__all__ = [
    "GapExplorer",
    "NetworkExplorer",
    "SeedExplorer",
    "ShiftExplorer",
    "SphereExplorer",
    "TrainingExplorer",
    "debounced",
    "gap_explorer",
    "network_cosines",
    "network_explorer",
    "projected",
    "seed_explorer",
    "shift_explorer",
    "sphere_explorer",
    "training_explorer",
]
