"""The live explorer of pairs on a sphere: move them by hand, exchange their texts, raise all texts (chapter 6)."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as ipw
import pandas as pd
import torch

from mindgap import charts, geometry, sphere
from mindgap.charts import tables
from mindgap.widgets._explorer import WIDE, Explorer, debounced

HEIGHTS = torch.arange(-90, 91, 2, dtype=torch.float64)
# Those of the paper's sphere (Fig 3e-g), which are not those of its landscapes, and two between 1/35 and 1/5.
TEMPERATURES = tuple(1 / k for k in (100, 50, 35, 20, 10, 5, 1))
MAX_PAIRS = 9
NAME = "yours"


def exchanged(n: int, chosen: Sequence[int]) -> list[int]:
    """The image below each of n texts, when the texts of the `chosen` pairs move on by one, in a ring."""
    above = list(range(n))
    for pair, following in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True):
        above[pair] = following
    return above


def loss_curves(azimuths: Sequence[float], above: Sequence[int]) -> pd.DataFrame:
    """The loss at every height and temperature of the explorer: columns arrangement, tau, height, loss."""
    losses = {(NAME, t): sphere.arc_loss(HEIGHTS, t, azimuths, above) for t in TEMPERATURES}
    return tables.heights(HEIGHTS, losses)


class SphereExplorer(Explorer):
    """Chapter 6: pairs on a globe, moved by hand, exchanged at will, and the loss at every height of the texts.

    From two to nine pairs at `azimuths` in degrees, the `swapped` ones exchanged; three or more that are exchanged pass
    their texts on in a ring. It starts as Figure 3e of the paper: six pairs, the first two exchanged.
    """

    def __init__(self, azimuths: Sequence[float] = sphere.AZIMUTHS, swapped: Sequence[int] = (0, 1)) -> None:
        super().__init__()
        start = [*azimuths, *(20.0 * i for i in range(len(azimuths), MAX_PAIRS))][:MAX_PAIRS]
        self.pairs = ipw.IntSlider(len(azimuths), 2, MAX_PAIRS, description="pairs", layout=WIDE)
        self.azimuths = [
            ipw.FloatSlider(
                value, min=-180, max=180, step=1, description=f"pair {i}", continuous_update=False, readout_format=".0f"
            )
            for i, value in enumerate(start)
        ]
        self.swapped = ipw.SelectMultiple(options=range(len(azimuths)), value=tuple(swapped), description="exchange")
        labels = [charts.temperature_label(t) for t in TEMPERATURES]
        self.temperature = ipw.SelectionSlider(options=labels, description="temperature", layout=WIDE)
        self.height = ipw.FloatSlider(40, min=-90, max=90, step=2, description="height Δθ", layout=WIDE)
        self.turn = ipw.FloatSlider(30, min=-180, max=180, step=5, description="turn", layout=WIDE)
        self.tilt = ipw.FloatSlider(20, min=-90, max=90, step=5, description="tilt", layout=WIDE)
        self.places = ipw.GridBox(
            self.azimuths, layout={"grid_template_columns": "repeat(auto-fill, minmax(18rem, 1fr))"}
        )
        self.children = [
            self.pairs, self.places, self.swapped, self.temperature, self.height, self.turn, self.tilt,
            self.message, self.chart, self.readout,
        ]  # fmt: skip
        self.curves = pd.DataFrame()
        self._redraw_soon = debounced(lambda: self.attempt(self.redraw))
        self.pairs.observe(lambda _change: self.count(), "value")
        for control in (*self.azimuths, self.swapped):
            control.observe(self._redraw_soon, "value")
        for control in (self.temperature, self.height, self.turn, self.tilt):
            control.observe(lambda _change: self.move(), "value")
        self.count()

    def count(self) -> None:
        """Show as many azimuths, and offer as many pairs to exchange, as there are pairs."""
        n = self.pairs.value
        self.places.children = self.azimuths[:n]
        kept = tuple(pair for pair in self.swapped.value if pair < n)
        self.swapped.unobserve(self._redraw_soon, "value")
        self.swapped.options, self.swapped.value = range(n), kept
        self.swapped.observe(self._redraw_soon, "value")
        self.attempt(self.redraw)

    @property
    def arrangement(self) -> tuple[list[float], list[int]]:
        """The azimuths, and the image below each text."""
        places = [slider.value for slider in self.azimuths[: self.pairs.value]]
        return places, exchanged(len(places), self.swapped.value)

    def redraw(self) -> str:
        """Draw the arrangement anew, with its loss at every height; returns what is to be said of the exchange."""
        azimuths, above = self.arrangement
        self.curves = loss_curves(azimuths, above)
        chart = charts.sphere_pairs({NAME: (azimuths, above)}, self.curves, self.height.value, controls=False)
        self.show_chart(chart)
        self.move()
        return "" if len(self.swapped.value) != 1 else "One pair alone has no other to exchange its text with."

    def move(self) -> None:
        """Send height, temperature and the turn of the globe to the chart, and say what they give."""
        view = self.chart.children[0].params
        view.raised, view.tau_ = self.height.value, self.temperature.value
        view.turn, view.tilt = self.turn.value, self.tilt.value
        azimuths, above = self.arrangement
        temperature = TEMPERATURES[self.temperature.index]
        loss = float(sphere.arc_loss(self.height.value, temperature, azimuths, above))
        best = sphere.best_angle(temperature, azimuths, above)
        gap = geometry.gap_distance(*sphere.arc_pairs(self.height.value, azimuths, above))
        self.readout.value = (
            f"Δθ = {self.height.value:.0f}°: loss {loss:.4f}, gap {gap:.3f}. Least at this temperature: "
            f"{float(sphere.arc_loss(best, temperature, azimuths, above)):.4f} at ±{best:.0f}°."
        )


sphere_explorer = SphereExplorer
"""The explorer as chapter 6 calls it."""
