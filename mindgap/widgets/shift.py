"""The live explorer of chapter 4: move the clouds and read the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as ipw
import torch

from mindgap import charts, geometry, landscape
from mindgap.landscape import Landscape, loss_landscape
from mindgap.pairs import PairedEmbeddings
from mindgap.widgets._explorer import WIDE, debounced
from mindgap.widgets._pairs import SOURCES, PairsExplorer

SHIFTS = torch.arange(-20, 51, dtype=torch.float64) / 20
# The paper's, and two between 1/10 and 1, where it has none.
TEMPERATURES = tuple(sorted({*landscape.TEMPERATURES, 1 / 5, 1 / 2}))


class ShiftExplorer(PairsExplorer):
    """Chapter 4: move the clouds by λ and read the loss, for any source, temperature, direction and batch.

    `source` is a name for `load_pairs`; `options` maps a name to more options for it.
    """

    def __init__(self, source: str = "mini", options: Mapping[str, Mapping[str, Any]] | None = None) -> None:
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
        sizes = [size for size in (50, 100, 500, 1000) if size < len(pairs)]
        batch = self.batch.value if self.batch.value in sizes else None
        key = (self.source.value.strip(), batch)
        if key not in self._computed:
            self._computed[key] = self.compute(pairs, batch)
        self.landscape = self._computed[key]
        options = (("the whole set", None), *((f"batches of {size}", size) for size in sizes))
        if options != self.batch.options:
            # The choice does not change here, only what may be chosen next.
            self.batch.unobserve(self._recompute_soon, "value")
            self.batch.options, self.batch.value = options, batch
            self.batch.observe(self._recompute_soon, "value")
        path = geometry.shift_path(pairs.x, pairs.y)
        chart = charts.shift_explorer(path, self.landscape, pairs.modalities, controls=())
        self.show_chart(chart)
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


shift_explorer = ShiftExplorer
"""The explorer as chapter 4 calls it."""
