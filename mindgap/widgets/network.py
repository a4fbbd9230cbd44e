"""The live explorer of chapter 2: build a random network layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as ipw
import pandas as pd

from mindgap import _inputs, charts, cones
from mindgap.cones import Layer
from mindgap.widgets._explorer import WIDE, Explorer, debounced

INPUTS, DIMENSION = 256, 512


def network_cosines(layers: Sequence[Layer], seeds: int, input_norm: float) -> pd.DataFrame:
    """Mean cosine of 256 Gaussian inputs in 512 dimensions and after each layer: columns layer, seed, cosine."""
    rows = []
    for seed in range(seeds):
        inputs = cones.gaussian_inputs(INPUTS, DIMENSION, input_norm, _inputs.generator(seed, stream=1))
        found = cones.layer_cosines(layers, inputs, seed).tolist()
        rows += [(layer, seed, cosine) for layer, cosine in enumerate(found)]
    return pd.DataFrame(rows, columns=["layer", "seed", "cosine"])


def last_cosines(layers: Sequence[Layer], input_norm: float, bins: int = 100) -> pd.DataFrame:
    """Histogram of all cosines after the last layer, for seed 0: columns value (middle of a bin) and share."""
    h = cones.gaussian_inputs(INPUTS, DIMENSION, input_norm, _inputs.generator(0, stream=1))
    *_, h = h, *cones.forward(h, layers, _inputs.generator(0))
    return cones.cosine_histogram(h, bins).frame()


class NetworkExplorer(Explorer):
    """Chapter 2: a random network of your own, layer by layer, and the cone after each of them.

    `layers` are those to start with, three ReLU layers of 512 neurons by default.
    """

    def __init__(self, layers: Sequence[Layer] | None = None) -> None:
        super().__init__()
        self.layers = [Layer()] * 3 if layers is None else list(layers)
        self.activation = ipw.Dropdown(options=list(cones.ACTIVATIONS), description="activation")
        self.width = ipw.IntSlider(512, 8, 1024, 8, description="neurons", continuous_update=False, layout=WIDE)
        self.bias = ipw.Checkbox(True, description="bias")
        self.norm = ipw.ToggleButtons(options=list(cones.NORMS), description="norm")
        self.add, self.add_five = ipw.Button(description="add a layer"), ipw.Button(description="add five")
        self.remove, self.clear = ipw.Button(description="remove the last"), ipw.Button(description="start again")
        self.input_norm = ipw.FloatLogSlider(
            512**0.5, base=2, min=-2, max=6, step=0.25, description="input norm", continuous_update=False, layout=WIDE
        )
        self.seeds = ipw.IntSlider(5, 1, 20, description="seeds", continuous_update=False, layout=WIDE)
        buttons = ipw.HBox([self.add, self.add_five, self.remove, self.clear], layout={"flex_flow": "row wrap"})
        self.children = [
            self.activation, self.width, self.bias, self.norm, buttons, self.input_norm, self.seeds,
            self.message, self.chart, self.readout,
        ]  # fmt: skip
        self.add.on_click(lambda _button: self.attempt(lambda: self.build([*self.layers, *self.chosen(1)])))
        self.add_five.on_click(lambda _button: self.attempt(lambda: self.build([*self.layers, *self.chosen(5)])))
        self.remove.on_click(lambda _button: self.attempt(lambda: self.build(self.layers[:-1])))
        self.clear.on_click(lambda _button: self.attempt(lambda: self.build([])))
        redraw = debounced(lambda: self.attempt(lambda: self.build(self.layers)))
        self.input_norm.observe(redraw, "value")
        self.seeds.observe(redraw, "value")
        self.attempt(lambda: self.build(self.layers))

    def chosen(self, count: int) -> list[Layer]:
        """The next layers, as the controls describe them."""
        return [Layer(self.activation.value, self.width.value, self.bias.value, self.norm.value)] * count

    def build(self, layers: list[Layer]) -> str:
        """Draw the network of these layers; if one of them cannot be, the network stays as it was."""
        norm = self.input_norm.value
        found = network_cosines(layers, self.seeds.value, norm)
        plain = {(layer.activation, layer.norm) for layer in layers} == {("relu", "none")}
        biases = {layer.bias for layer in layers}
        predicted = pd.DataFrame({"layer": [], "cosine": []})
        if plain and len(biases) == 1:
            field = cones.relu_mean_field(len(layers), norm, biases.pop()).tolist()
            predicted = pd.DataFrame({"layer": range(len(field)), "cosine": field})
        chart = charts.network_view(found, predicted, last_cosines(layers, norm))
        self.layers = layers
        self.show_chart(chart)
        last = found[found["layer"] == len(layers)]["cosine"]
        spread = f", from {last.min():.3f} to {last.max():.3f} over {len(last)} seeds" if len(last) > 1 else ""
        words = [f"{len(layers)} layers, mean cosine {last.mean():.3f}{spread}."]
        if len(predicted):
            words.append(f"Infinitely wide ReLU layers: {predicted['cosine'].iloc[-1]:.3f}.")
        words.append(_in_words(layers))
        self.readout.value = " ".join(words)
        return ""


def _in_words(layers: Sequence[Layer]) -> str:
    """A network as runs of equal layers: "3 × relu 512 with bias → …"."""
    runs: list[tuple[Layer, int]] = []
    for layer in layers:
        if runs and runs[-1][0] == layer:
            runs[-1] = (layer, runs[-1][1] + 1)
        else:
            runs.append((layer, 1))
    described = [
        f"{count} × {layer.activation} {layer.width}"
        + ("" if layer.bias else " without bias")
        + ("" if layer.norm == "none" else f", {layer.norm} norm")
        for layer, count in runs
    ]
    return "Inputs → " + " → ".join(described) + "." if described else "Inputs only: add a layer."


network_explorer = NetworkExplorer
"""The explorer as chapter 2 calls it."""
