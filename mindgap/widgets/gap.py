"""The live explorer of chapter 1: sets of embeddings beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as ipw
import pandas as pd

from mindgap import charts, metrics
from mindgap.pairs import PairedEmbeddings
from mindgap.widgets._explorer import USER_ERRORS, WIDE, debounced
from mindgap.widgets._pairs import SOURCES, PairsExplorer, projected

MEASURES = (
    "gap_distance",
    "separability",
    "mean_cosine_x",
    "mean_cosine_y",
    "matched_cosine",
    "recall_xy",
    "recall_chance",
)
"""Those of `metrics.report` that tell the gap from alignment."""


class GapExplorer(PairsExplorer):
    """Chapter 1: several sets beside each other, any principal axes, with the measures that tell gap from alignment.

    `sets` are names for `load_pairs` (by default "mini", which needs nothing); `options` maps a name to more options
    for it, as in `options={"mini": {"n": 5000}}`.
    """

    def __init__(self, *sets: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        super().__init__(options)
        sets = sets or ("mini",)
        known = tuple(dict.fromkeys((*sets, *SOURCES)))
        self.sets = ipw.SelectMultiple(options=known, value=sets, rows=7, description="embeddings", layout=WIDE)
        self.own = ipw.Text(
            description="or yours", placeholder="image.npy,text.npy", continuous_update=False, layout=WIDE
        )
        axes = [(f"{a} and {b}", (a, b)) for a, b in ((1, 2), (1, 3), (2, 3), (3, 4))]
        self.axes = ipw.Dropdown(options=axes, description="axes")
        self.pairs = ipw.IntSlider(150, 10, 1000, 10, description="pairs drawn", continuous_update=False)
        self.lines = ipw.Checkbox(True, description="pair lines")
        self.children = [self.sets, self.own, self.axes, self.pairs, self.lines, self.message, self.chart, self.readout]
        redraw = debounced(lambda: self.attempt(self.redraw))
        for control in (self.sets, self.own, self.axes, self.pairs, self.lines):
            control.observe(redraw, "value")
        self.attempt(self.redraw)

    def redraw(self) -> str:
        """Draw the chosen sets and list their measures; returns what is to be said of sets that could not be had."""
        names = [*self.sets.value, *([self.own.value.strip()] if self.own.value.strip() else [])]
        if not names:
            raise ValueError("Choose at least one set of embeddings.")
        chosen: dict[str, PairedEmbeddings] = {}
        problems = []
        for name in names:
            try:
                chosen[name] = self.load(name)
            except USER_ERRORS as error:
                problems.append(str(error))
        if not chosen:
            raise ValueError(" ".join(problems))
        axes, most = self.axes.value, self.pairs.value
        frames = [projected(pairs, axes, most).assign(set=name) for name, pairs in chosen.items()]
        chart = charts.gap_panels(pd.concat(frames), links=self.lines.value)
        table = pd.DataFrame([measures(pairs) for pairs in chosen.values()], index=list(chosen))
        self.show_chart(chart)
        self.readout.value = table.to_html(float_format="{:.3f}".format, na_rep="", border=0)
        return " ".join(problems)


def measures(pairs: PairedEmbeddings) -> dict[str, float]:
    """The measures of the explorer's table, by their labels."""
    found = metrics.report(pairs.x, pairs.y, only=MEASURES)
    return {metrics.label(name, pairs.modalities): value for name, value in found.items()}


gap_explorer = GapExplorer
"""The explorer as chapter 1 calls it."""
