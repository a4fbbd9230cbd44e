"""The live explorer of pairs on a sphere: move them by hand, exchange their texts, raise all texts (chapter 5)."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as ipw
import pandas as pd
import torch

from mindgap import charts, geometry, sphere
from mindgap.charts import tables
from mindgap.widgets._explorer import WIDE, Explorer, below, debounced, player
from mindgap.widgets._figure import Picture
from mindgap.widgets._work import Work

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
    """Chapter 5: pairs on a globe, moved by hand, exchanged at will, and the loss at every height of the texts.

    From two to nine pairs at `azimuths` in degrees, the `swapped` ones exchanged; three or more that are exchanged pass
    their texts on in a ring. It starts as Figure 3e of the paper: six pairs, the first two exchanged. The loss of the
    arrangement before stays as a dashed line.
    """

    def __init__(self, azimuths: Sequence[float] = sphere.AZIMUTHS, swapped: Sequence[int] = (0, 1)) -> None:
        super().__init__()
        start = [*azimuths, *(20.0 * i for i in range(len(azimuths), MAX_PAIRS))][:MAX_PAIRS]
        self.pairs = ipw.IntSlider(len(azimuths), 2, MAX_PAIRS, description="pairs", layout=WIDE)
        self.azimuths = [
            ipw.FloatSlider(
                value, min=-180, max=180, step=1, description=f"pair {i}, azimuth °", continuous_update=False,
                readout_format=".0f", layout=WIDE,
            )
            for i, value in enumerate(start)
        ]  # fmt: skip
        self.swapped = ipw.SelectMultiple(
            options=range(len(azimuths)),
            value=tuple(swapped),
            description="exchange the texts of pairs",
            rows=4,
            layout=WIDE,
        )
        labels = [charts.temperature_label(t) for t in TEMPERATURES]
        self.temperature = ipw.SelectionSlider(options=labels, description="temperature τ", layout=WIDE)
        degrees = {"readout_format": ".0f", "layout": WIDE}
        self.height = ipw.FloatSlider(40, min=-90, max=90, step=2, description="height Δθ °", **degrees)
        self.turn = ipw.FloatSlider(30, min=-180, max=180, step=5, description="turn °", **degrees)
        self.tilt = ipw.FloatSlider(20, min=-90, max=90, step=5, description="tilt °", **degrees)
        self.places = ipw.VBox(self.azimuths, layout=WIDE)
        self.play_temperature = player(self.temperature, len(labels), 700)
        self.play_height = player(self.height, len(HEIGHTS))
        self.curves = pd.DataFrame()
        self._before = pd.DataFrame()
        self._least: dict[tuple[object, ...], tuple[float, float]] = {}
        self.arrange([
            self.temperature, below(self.play_temperature),
            self.height, below(self.play_height),
            self.turn, self.tilt, self.pairs, self.swapped, self.places,
        ])  # fmt: skip
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

    def redraw(self) -> None:
        """Draw the arrangement anew, with its loss at every height."""
        azimuths, above = self.arrangement
        before, alone = self._before, len(self.swapped.value) == 1

        def job(_work: Work) -> tuple[Picture, pd.DataFrame]:
            curves = loss_curves(azimuths, above)
            chart = charts.sphere_pairs(
                {NAME: (azimuths, above)}, curves, controls=False, before=curves if before.empty else before
            )
            return Picture.of(chart), curves

        def show(found: tuple[Picture, pd.DataFrame]) -> None:
            picture, self.curves = found
            self._before = self.curves
            self.show_chart(picture, **self._state)
            self.move()
            self.say("One pair alone has no other to exchange its text with." if alone else "", wrong=True)

        self.work(job, show, "Computing the loss at every height")

    @property
    def _state(self) -> dict[str, object]:
        return {
            "raised": self.height.value,
            "tau_": self.temperature.value,
            "turn": self.turn.value,
            "tilt": self.tilt.value,
        }

    def move(self) -> None:
        """Send height, temperature and the turn of the globe to the chart, and say what they give."""
        if self.curves.empty:
            return
        self.chart.move(**self._state)
        azimuths, above = self.arrangement
        temperature = TEMPERATURES[self.temperature.index]
        loss = float(sphere.arc_loss(self.height.value, temperature, azimuths, above))
        best, least = self._minimum(temperature)
        gap = geometry.gap_distance(*sphere.arc_pairs(self.height.value, azimuths, above))
        self.readout.value = (
            f"Δθ = {self.height.value:.0f}°: loss {loss:.3f}, gap {gap:.3f}. Least at this temperature: "
            f"{least:.3f} at ±{best:.0f}°."
        )
        self.chart.code = (
            "from mindgap import sphere\n\n"
            f"azimuths, above = {azimuths}, {above}\n"
            f"sphere.arc_loss({self.height.value:g}, 1 / {1 / temperature:g}, azimuths, above)"
        )

    def _minimum(self, temperature: float) -> tuple[float, float]:
        """The height of least loss and the loss there, found once for each arrangement."""
        azimuths, above = self.arrangement
        key = (temperature, *azimuths, *above)
        if key not in self._least:
            best = sphere.best_angle(temperature, azimuths, above)
            self._least[key] = best, float(sphere.arc_loss(best, temperature, azimuths, above))
        return self._least[key]


sphere_explorer = SphereExplorer
"""The explorer as chapter 5 calls it."""
