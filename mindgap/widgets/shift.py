"""The live explorer of chapter 4: move the clouds and read the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as ipw
import torch

from mindgap import charts, geometry, landscape
from mindgap.landscape import Landscape, loss_landscape
from mindgap.pairs import PairedEmbeddings
from mindgap.widgets._explorer import WIDE, below, debounced, player, where
from mindgap.widgets._figure import Picture
from mindgap.widgets._pairs import SOURCES, FilePicker, PairsExplorer, short
from mindgap.widgets._work import Work

SHIFTS = torch.arange(-20, 51, dtype=torch.float64) / 20
# The paper's, and two between 1/10 and 1, where it has none.
TEMPERATURES = tuple(sorted({*landscape.TEMPERATURES, 1 / 5, 1 / 2}))
LARGEST = 20_000  # pairs whose landscape is computed whole; of more it is that of the first so many
Key = tuple[str, int | None]


class ShiftExplorer(PairsExplorer):
    """Chapter 4: move the clouds by λ and read the loss, for any source, temperature, direction and batch.

    `source` is a name for `load_pairs`, a path or `PairedEmbeddings`; `shift_explorer(x, y)` takes two arrays, or two
    files, whose rows belong together. `options` maps a name to more options for it. Of more than 20,000 pairs the
    landscape is that of the first 20,000, and said to be. The curve that was shown before stays, in grey.
    """

    def __init__(
        self, source: Any = "mini", other: Any = None, options: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        super().__init__(options)
        names = self.named([source] if other is None else [source, other])
        if len(names) != 1:
            raise TypeError(f"source: expected one set of pairs, got {len(names)}")
        self.source = ipw.Combobox(
            value=names[0],
            options=tuple(dict.fromkeys((names[0], *SOURCES))),
            description="embeddings",
            ensure_option=False,
            continuous_update=False,
            layout=WIDE,
        )
        self.files = FilePicker(self.source)
        self.batch = ipw.Dropdown(options=[("the whole set", None)], description="batch")
        labels = [charts.temperature_label(t) for t in TEMPERATURES]
        self.temperature = ipw.SelectionSlider(options=labels, description="temperature τ", layout=WIDE)
        self.direction = ipw.ToggleButtons(options=list(charts.DIRECTIONS), description="direction")
        low, high = float(SHIFTS[0]), float(SHIFTS[-1])
        self.shift = ipw.FloatSlider(0.0, min=low, max=high, step=0.05, description="shift λ", layout=WIDE)
        self.play_shift, self.play_temperature = (
            player(self.shift, len(SHIFTS)),
            player(self.temperature, len(labels), 700),
        )
        self.landscape: Landscape | None = None
        self._computed: dict[Key, Landscape] = {}
        self.arrange([
            self.source, self.files, self.batch, self.direction,
            self.temperature, below(self.play_temperature),
            self.shift, below(self.play_shift),
        ])  # fmt: skip
        self._recompute_soon = debounced(lambda: self.attempt(self.recompute))
        self.source.observe(self._recompute_soon, "value")
        self.batch.observe(self._recompute_soon, "value")
        for control in (self.temperature, self.direction, self.shift):
            control.observe(lambda _change: self.move(), "value")
        self.attempt(self.recompute)

    def recompute(self) -> None:
        """Compute the landscape of the chosen source and batch, and draw it anew."""
        source, wanted = self.source.value.strip(), self.batch.value

        def job(work: Work) -> tuple[Picture, Landscape, list[int], int | None, str]:
            pairs = self.load(source, work)
            said = ""
            if len(pairs) > LARGEST:
                said = f"The first {LARGEST:,} of {len(pairs):,} pairs."
                pairs = pairs.take(LARGEST)
            sizes = [size for size in (50, 100, 500, 1000) if size < len(pairs)]
            batch = wanted if wanted in sizes else None
            if (source, batch) not in self._computed:
                self._computed[source, batch] = compute(pairs, batch, work)
            found = self._computed[source, batch]
            path = geometry.shift_path(pairs.x, pairs.y)
            chart = charts.shift_explorer(path, found, pairs.modalities, controls=(), ghost=True)
            return Picture.of(chart), found, sizes, batch, said

        def show(found: tuple[Picture, Landscape, list[int], int | None, str]) -> None:
            picture, self.landscape, sizes, batch, said = found
            options = (("the whole set", None), *((f"batches of {size}", size) for size in sizes))
            if options != self.batch.options:
                # The choice does not change here, only what may be chosen next.
                self.batch.unobserve(self._recompute_soon, "value")
                self.batch.options, self.batch.value = options, batch
                self.batch.observe(self._recompute_soon, "value")
            self.show_chart(picture, **self._state)
            self.move()
            self.say(said)

        self.work(job, show, f"Computing the loss of {short(source)} at {len(SHIFTS)} × {len(TEMPERATURES)} positions")

    @property
    def _state(self) -> dict[str, Any]:
        return {
            "shift": self.shift.value,
            "temperature": self.temperature.value,
            "direction": self.direction.value,
        }

    def move(self) -> None:
        """Send λ, temperature and direction to the chart, and say what they give; nothing is computed anew."""
        if self.landscape is None:
            return
        before = {key: self.chart.params.get(key) for key in ("temperature", "direction")}
        changed = any(before[key] != self._state[key] for key in before)
        ghost = {f"{key}_before": value for key, value in before.items()} if changed else {}
        self.chart.move(**self._state, **ghost)
        row = int((SHIFTS - self.shift.value).abs().argmin())
        column = self.temperature.options.index(self.temperature.value)
        direction = charts.DIRECTIONS[self.direction.value]
        best = self.landscape.minimum(TEMPERATURES[column], direction)
        loss = getattr(self.landscape, "loss" if direction == "both" else direction)[row, column]
        self.readout.value = (
            f"λ = {self.shift.value:.2f}: signed gap {self.landscape.distance[row]:.3f}, loss {loss:.3f}. "
            f"Least at this temperature: {best.loss:.3f} at λ = {best.shift:.2f}, gap {best.distance:.3f}."
            + (f" Computed{where()}." if where() else "")
        )
        self.chart.code = self.code()

    def code(self) -> str:
        """The lines that compute the loss at what is chosen."""
        temperature = TEMPERATURES[self.temperature.index]
        inverse = f"1 / {1 / temperature:g}"
        direction = charts.DIRECTIONS[self.direction.value]
        batch = f", batch_size={self.batch.value}" if self.batch.value else ""
        return (
            f"import mindgap\n\n{self.code_of(self.source.value.strip())}\n"
            f"landscape = mindgap.loss_landscape(pairs.x, pairs.y, [{self.shift.value:g}], [{inverse}]{batch})\n"
            f"landscape.{'loss' if direction == 'both' else direction}"
        )


def compute(pairs: PairedEmbeddings, batch: int | None, work: Work) -> Landscape:
    """The landscape of `pairs`."""
    said = f"Computing the loss of {len(pairs):,} pairs at {len(SHIFTS)} × {len(TEMPERATURES)} positions"
    work(0.0, said)
    return loss_landscape(pairs.x, pairs.y, SHIFTS, TEMPERATURES, batch, progress=lambda done: work(done))


shift_explorer = ShiftExplorer
"""The explorer as chapter 4 calls it."""
