"""Live explorers for Jupyter: one a chapter, thin over the plain functions, on any source `load_pairs` knows.

Each explorer is an ipywidgets box. Its controls are attributes (`explorer.source`, `explorer.shift`, …) whose `.value`
can be set from code as well as by hand. Errors appear in words inside the explorer; charts bring their own copy of
Vega, so nothing is fetched from a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import ipywidgets as ipw
import pandas as pd
import torch

from mindgap import charts, geometry
from mindgap._cone_explorers import NetworkExplorer, SeedExplorer, network_explorer, seed_explorer
from mindgap._explorer import EMBED, WIDE, WRONG, Explorer, debounced
from mindgap._sphere_explorer import SphereExplorer, sphere_explorer
from mindgap._training_explorer import TrainingExplorer, training_explorer
from mindgap.landscape import Landscape, loss_landscape
from mindgap.pairs import PairedEmbeddings, feature_names, load_pairs

__all__ = [
    "GapExplorer",
    "NetworkExplorer",
    "SeedExplorer",
    "ShiftExplorer",
    "SphereExplorer",
    "TrainingExplorer",
    "debounced",
    "gap_explorer",
    "measures",
    "network_explorer",
    "projected",
    "seed_explorer",
    "shift_explorer",
    "sphere_explorer",
    "training_explorer",
]

SOURCES = (*feature_names(), "mini", "mini@0.07", "random:ViT-B-32", "random:RN50")
SHIFTS = torch.arange(-20, 51, dtype=torch.float64) / 20
TEMPERATURES = tuple(1 / k for k in (100, 50, 30, 20, 10, 5, 2, 1))


def measures(pairs: PairedEmbeddings) -> dict[str, float]:
    """What an explorer says of a set of pairs: gap, separability, cosines, recall."""
    x, y = pairs.x, pairs.y
    return {
        "gap": geometry.gap_distance(x, y),
        "separable": geometry.separability(x, y),
        f"cosine within {pairs.modalities[0]}s": geometry.mean_cosine(x),
        f"cosine within {pairs.modalities[1]}s": geometry.mean_cosine(y),
        "cosine of matched pairs": geometry.matched_cosine(x, y),
        "R@1": geometry.recall_at_k(x, y),
        "R@1 by chance": 1 / len(pairs),
    }


def projected(pairs: PairedEmbeddings, axes: tuple[int, int] = (1, 2), most: int = 300) -> pd.DataFrame:
    """The first `most` pairs on two of the shared principal axes, counted from 1: columns x, y, x2, y2."""
    shared = geometry.shared_projection(pairs.x, pairs.y, max(axes))
    columns = [axis - 1 for axis in axes]
    points = torch.cat([shared.x[:most, columns], shared.y[:most, columns]], dim=1).cpu()
    return pd.DataFrame(points.numpy(), columns=["x", "y", "x2", "y2"])


class _PairsExplorer(Explorer):
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


class GapExplorer(_PairsExplorer):
    """Chapter 1: several sets beside each other, any principal axes, with the measures that tell gap from alignment."""

    def __init__(self, sets: tuple[str, ...], options: Mapping[str, Mapping[str, Any]] | None) -> None:
        super().__init__(options)
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
            except WRONG as error:
                problems.append(str(error))
        if not chosen:
            raise ValueError(" ".join(problems))
        axes, most = self.axes.value, self.pairs.value
        frames = [projected(pairs, axes, most).assign(set=name) for name, pairs in chosen.items()]
        chart = charts.gap_panels(pd.concat(frames), links=self.lines.value)
        table = pd.DataFrame([measures(pairs) for pairs in chosen.values()], index=list(chosen))
        self.chart.children = [alt.JupyterChart(chart, embed_options=EMBED)]
        self.readout.value = table.to_html(float_format="{:.3f}".format, na_rep="", border=0)
        return " ".join(problems)


class ShiftExplorer(_PairsExplorer):
    """Chapter 4: move the clouds by λ and read the loss, for any source, temperature, direction and batch."""

    def __init__(self, source: str, options: Mapping[str, Mapping[str, Any]] | None) -> None:
        super().__init__(options)
        known = tuple(dict.fromkeys((source, *SOURCES)))
        self.source = ipw.Combobox(
            value=source,
            options=known,
            description="embeddings",
            ensure_option=False,
            continuous_update=False,
            layout=WIDE,
        )
        self.batch = ipw.Dropdown(options=[("the whole set", None)], description="batch")
        labels = [charts.temperature_label(t) for t in TEMPERATURES]
        self.temperature = ipw.SelectionSlider(options=labels, description="temperature")
        self.direction = ipw.ToggleButtons(options=list(charts.DIRECTIONS), description="direction")
        low, high = float(SHIFTS[0]), float(SHIFTS[-1])
        self.shift = ipw.FloatSlider(0.0, min=low, max=high, step=0.05, description="shift λ", layout=WIDE)
        self.progress = ipw.FloatProgress(0.0, min=0.0, max=1.0, layout=WIDE)
        self.landscape: Landscape | None = None
        self._computed: dict[tuple[str, int | None], Landscape] = {}
        self.children = [
            self.source, self.batch, self.temperature, self.direction, self.shift,
            self.progress, self.message, self.chart, self.readout,
        ]  # fmt: skip
        self._recompute_soon = debounced(lambda: self.attempt(self.recompute))
        self.source.observe(self._recompute_soon, "value")
        self.batch.observe(self._recompute_soon, "value")
        for control in (self.temperature, self.direction, self.shift):
            control.observe(lambda _change: self.move(), "value")
        self.attempt(self.recompute)

    def recompute(self) -> str:
        """Compute the landscape of the chosen source and batch, and draw it anew."""
        pairs = self.load(self.source.value.strip())
        sizes = [b for b in (50, 100, 500, 1000) if b < len(pairs)]
        batch = self.batch.value if self.batch.value in sizes else None
        key = (self.source.value.strip(), batch)
        if key not in self._computed:
            self._computed[key] = self.compute(pairs, batch)
        self.landscape = self._computed[key]
        options = (("the whole set", None), *((f"batches of {b}", b) for b in sizes))
        if options != self.batch.options:
            # The choice does not change here, only what may be chosen next.
            self.batch.unobserve(self._recompute_soon, "value")
            self.batch.options, self.batch.value = options, batch
            self.batch.observe(self._recompute_soon, "value")
        path = geometry.shift_path(pairs.x, pairs.y)
        chart = charts.shift_explorer(path, self.landscape, pairs.modalities, controls=())
        self.chart.children = [alt.JupyterChart(chart, embed_options=EMBED)]
        self.move()
        return ""

    def compute(self, pairs: PairedEmbeddings, batch: int | None) -> Landscape:
        """The landscape of `pairs`, with the progress bar shown meanwhile."""
        self.say(f"Computing the loss of {len(pairs)} pairs at {len(SHIFTS)} × {len(TEMPERATURES)} positions …")
        self.progress.layout.visibility = "visible"
        try:
            return loss_landscape(pairs.x, pairs.y, SHIFTS, TEMPERATURES, batch, progress=self._advance)
        finally:
            self.progress.layout.visibility = "hidden"

    def _advance(self, done: float) -> None:
        self.progress.value = done

    def move(self) -> None:
        """Send λ, temperature and direction to the chart, and say what they give; nothing is computed anew."""
        if self.landscape is None:
            return
        view = self.chart.children[0].params
        view.shift, view.temperature, view.direction = self.shift.value, self.temperature.value, self.direction.value
        row = int((SHIFTS - self.shift.value).abs().argmin())
        column = self.temperature.options.index(self.temperature.value)
        direction = charts.DIRECTIONS[self.direction.value]
        best = self.landscape.minimum(TEMPERATURES[column], direction)
        loss = getattr(self.landscape, "loss" if direction == "both" else direction)[row, column]
        self.readout.value = (
            f"λ = {self.shift.value:.2f}: signed gap {self.landscape.distance[row]:.3f}, loss {loss:.3f}. "
            f"Least at this temperature: {best.loss:.3f} at λ = {best.shift:.2f}, gap {best.distance:.3f}."
        )


def gap_explorer(*sets: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> GapExplorer:
    """The live explorer of chapter 1: choose sets, axes and pair lines, or name your own files.

    `sets` are names for `load_pairs` (by default "mini", which needs nothing); `options` maps a name to more options
    for it, as in `options={"mini": {"n": 5000}}`.
    """
    return GapExplorer(sets or ("mini",), options)


def shift_explorer(source: str = "mini", options: Mapping[str, Mapping[str, Any]] | None = None) -> ShiftExplorer:
    """The live explorer of chapter 4: λ, temperature, direction and batch over the full landscape of `source`.

    `source` is a name for `load_pairs`; `options` maps a name to more options for it.
    """
    return ShiftExplorer(source, options)
