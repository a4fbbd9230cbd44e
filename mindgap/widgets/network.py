"""The live explorer of chapter 2: build a random network layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import ipywidgets as ipw
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _inputs, charts, cones, geometry
from mindgap.cones import Layer
from mindgap.widgets._explorer import ROW, WIDE, Explorer, debounced
from mindgap.widgets._figure import Picture
from mindgap.widgets._work import Work

INPUTS, DIMENSION = 256, 512


@dataclass
class _Network:
    """The layers of one seed that were drawn so far, with what they made of the inputs; more are drawn behind them."""

    seed: int
    input_norm: float
    layers: list[Layer] = field(default_factory=list)
    outputs: list[Float[Tensor, "n width"]] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)  # of the generator, behind each layer

    def grow(self, layers: Sequence[Layer], work: Work | None = None) -> list[float]:
        """The mean cosine of the inputs and after each of `layers`; those that are there already are kept."""
        generator = _inputs.generator(self.seed)
        if not self.outputs:
            inputs = cones.gaussian_inputs(INPUTS, DIMENSION, self.input_norm, _inputs.generator(self.seed, stream=1))
            self._add(inputs, generator)
        same = next((i for i, (a, b) in enumerate(zip(self.layers, layers, strict=False)) if a != b), None)
        same = min(len(self.layers), len(layers)) if same is None else same
        del self.layers[same:]
        for kept in (self.outputs, self.cosines, self.states):
            del kept[same + 1 :]
        generator.set_state(self.states[-1])
        for layer in layers[same:]:
            if work is not None:
                work(work.share)
            try:
                (h,) = cones.forward(self.outputs[-1], [layer], generator)
            except ValueError as error:
                raise ValueError(str(error).replace("layer 1,", f"layer {len(self.layers) + 1},")) from None
            self.layers.append(layer)
            self._add(h, generator)
        return self.cosines[: len(layers) + 1]

    def _add(self, h: Float[Tensor, "n width"], generator: torch.Generator) -> None:
        self.outputs.append(h)
        self.cosines.append(geometry.mean_cosine(h.double()))
        self.states.append(generator.get_state())


def network_cosines(layers: Sequence[Layer], seeds: int, input_norm: float) -> pd.DataFrame:
    """Mean cosine of 256 Gaussian inputs in 512 dimensions and after each layer: columns layer, seed, cosine."""
    return _frame([_Network(seed, input_norm).grow(layers) for seed in range(seeds)])


def _frame(cosines: Sequence[Sequence[float]]) -> pd.DataFrame:
    rows = [(layer, seed, value) for seed, found in enumerate(cosines) for layer, value in enumerate(found)]
    return pd.DataFrame(rows, columns=["layer", "seed", "cosine"])


class NetworkExplorer(Explorer):
    """Chapter 2: a random network of your own, layer by layer, and the cone after each of them.

    `layers` are those to start with, three ReLU layers of 512 neurons by default. The network that was shown before
    stays as a dotted line.
    """

    def __init__(self, layers: Sequence[Layer] | None = None) -> None:
        super().__init__()
        self.layers = [Layer()] * 3 if layers is None else list(layers)
        self._first, self._shown = list(self.layers), list(self.layers)
        self._drawn: dict[tuple[int, float], _Network] = {}
        self._before = pd.DataFrame({"layer": [], "cosine": []})
        self._now = self._before
        self.activation = ipw.Dropdown(options=list(cones.ACTIVATIONS), description="activation")
        self.width = ipw.IntSlider(512, 8, 1024, 8, description="neurons", continuous_update=False, layout=WIDE)
        self.bias = ipw.Checkbox(True, description="bias", indent=False)
        self.norm = ipw.ToggleButtons(options=list(cones.NORMS), description="norm")
        self.add, self.add_five = ipw.Button(description="add a layer"), ipw.Button(description="add five")
        self.remove, self.clear = ipw.Button(description="remove the last"), ipw.Button(description="start again")
        self.input_norm = ipw.FloatLogSlider(
            512**0.5, base=2, min=-2, max=6, step=0.25, description="input norm", continuous_update=False, layout=WIDE
        )
        self.seeds = ipw.IntSlider(5, 1, 20, description="seeds", continuous_update=False, layout=WIDE)
        layer = [self.activation, self.width, self.bias, self.norm]
        buttons = ipw.HBox([self.add, self.add_five, self.remove, self.clear], layout=ROW)
        self.arrange([*layer, buttons, self.input_norm, self.seeds])
        for button, build in [
            (self.add, lambda: [*self.layers, *self.chosen(1)]),
            (self.add_five, lambda: [*self.layers, *self.chosen(5)]),
            (self.remove, lambda: self.layers[:-1]),
            (self.clear, list),
        ]:
            button.on_click(lambda _button, build=build: self.attempt(lambda: self.build(build())))
        redraw = debounced(lambda: self.attempt(lambda: self.build(self.layers)))
        self.input_norm.observe(redraw, "value")
        self.seeds.observe(redraw, "value")
        self.attempt(lambda: self.build(self.layers))

    def chosen(self, count: int) -> list[Layer]:
        """The next layers, as the controls describe them."""
        return [Layer(self.activation.value, self.width.value, self.bias.value, self.norm.value)] * count

    def start_again(self) -> None:
        super().start_again()
        self.build(list(self._first))

    def build(self, layers: list[Layer]) -> None:
        """Draw the network of these layers; if one of them cannot be, the network stays as it was."""
        self.layers = layers
        norm, seeds = self.input_norm.value, range(self.seeds.value)

        def job(work: Work) -> tuple[pd.DataFrame, pd.DataFrame, Picture]:
            found = []
            for seed in seeds:
                work(seed / len(seeds), f"{len(layers)} layers, seed {seed}")
                found.append(self._drawn.setdefault((seed, norm), _Network(seed, norm)).grow(layers, work))
            table, predicted = _frame(found), mean_field(layers, norm)
            bars = cones.cosine_histogram(self._drawn[0, norm].outputs[len(layers)], 100).frame()
            return table, predicted, Picture.of(charts.network_view(table, predicted, bars, self._now))

        def show(found: tuple[pd.DataFrame, pd.DataFrame, Picture]) -> None:
            table, predicted, picture = found
            self._shown = layers
            self._now = table.groupby("layer", as_index=False)["cosine"].mean()
            self.show_chart(picture)
            self.chart.code = self.code(layers, norm, len(seeds))
            self.readout.value = in_words(layers, table, predicted)

        self.work(job, show, f"Drawing {len(layers)} layers")

    def failed(self) -> None:
        self.layers = list(self._shown)

    def code(self, layers: Sequence[Layer], norm: float, seeds: int) -> str:
        """The lines that compute the mean cosine after each layer, for each seed."""
        runs = " + ".join(f"[{layer!r}] * {count}" for layer, count in _runs(layers)) or "[]"
        return (
            "from mindgap import widgets\nfrom mindgap.cones import Layer\n\n"
            f"layers = {runs}\nwidgets.network_cosines(layers, seeds={seeds}, input_norm={norm:.6g})"
        )


def mean_field(layers: Sequence[Layer], norm: float) -> pd.DataFrame:
    """What infinitely wide ReLU layers would do: columns layer and cosine, no rows for other networks."""
    plain = {(layer.activation, layer.norm) for layer in layers} == {("relu", "none")}
    biases = {layer.bias for layer in layers}
    if not plain or len(biases) != 1:
        return pd.DataFrame({"layer": [], "cosine": []})
    field = cones.relu_mean_field(len(layers), norm, biases.pop()).tolist()
    return pd.DataFrame({"layer": range(len(field)), "cosine": field})


def in_words(layers: Sequence[Layer], found: pd.DataFrame, predicted: pd.DataFrame) -> str:
    """The mean cosine after the last layer, what was predicted of it, and the network: "3 × relu 512 → …"."""
    last = found[found["layer"] == len(layers)]["cosine"]
    spread = f", from {last.min():.3f} to {last.max():.3f} over {len(last)} seeds" if len(last) > 1 else ""
    words = [f"{len(layers)} layers, mean cosine {last.mean():.3f}{spread}."]
    if len(predicted):
        words.append(f"Infinitely wide ReLU layers: {predicted['cosine'].iloc[-1]:.3f}.")
    described = [
        f"{count} × {layer.activation} {layer.width}"
        + ("" if layer.bias else " without bias")
        + ("" if layer.norm == "none" else f", {layer.norm} norm")
        for layer, count in _runs(layers)
    ]
    words.append("Inputs → " + " → ".join(described) + "." if described else "Inputs only: add a layer.")
    words.append("Thin lines: single seeds; dotted: infinitely wide; dashed: the network before.")
    return " ".join(words)


def _runs(layers: Sequence[Layer]) -> list[tuple[Layer, int]]:
    """A network as runs of equal layers."""
    runs: list[tuple[Layer, int]] = []
    for layer in layers:
        if runs and runs[-1][0] == layer:
            runs[-1] = (layer, runs[-1][1] + 1)
        else:
            runs.append((layer, 1))
    return runs


network_explorer = NetworkExplorer
"""The explorer as chapter 2 calls it."""
