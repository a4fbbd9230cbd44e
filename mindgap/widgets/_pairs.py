"""What explorers of embeddings share: sources, loaded once, and their pairs in the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mindgap import geometry
from mindgap.charts import tables
from mindgap.pairs import PairedEmbeddings, feature_names, load_pairs
from mindgap.widgets._explorer import Explorer

SOURCES = (*feature_names(), "mini", "mini@0.07", "random:ViT-B-32", "random:RN50")


def projected(pairs: PairedEmbeddings, axes: tuple[int, int] = (1, 2), most: int = 300) -> pd.DataFrame:
    """The first `most` pairs on two of the shared principal axes, counted from 1: columns x, y, x2, y2."""
    shared = geometry.shared_projection(pairs.x, pairs.y, max(axes))
    columns = [axis - 1 for axis in axes]
    return tables.points(shared.x[:, columns], shared.y[:, columns], most)


class PairsExplorer(Explorer):
    """An explorer of sets of pairs, each loaded once."""

    def __init__(self, options: Mapping[str, Mapping[str, Any]] | None) -> None:
        self.options = dict(options or {})
        self._loaded: dict[str, PairedEmbeddings] = {}
        super().__init__()

    def load(self, name: str) -> PairedEmbeddings:
        """The pairs of a source, loaded once."""
        if name not in self._loaded:
            self.say(f"Loading {name} …")
            self._loaded[name] = load_pairs(name, **self.options.get(name, {}))
        return self._loaded[name]
