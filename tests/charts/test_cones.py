"""Charts of cones: drawable, and their page formulas right as Vega evaluates them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mindgap import cap_fraction, charts
from tests.tiny import VEGA_LITE, assert_drawable, texts


def ridges() -> Any:
    bars = pd.DataFrame(
        {
            "row": list("aabb"),
            "modality": ["image"] * 2 + ["text"] * 2,
            "value": [0.1, 0.2, 0.5, 0.6],
            "height": [0.4, 1, 1, 0.3],
        }
    )
    marks = pd.DataFrame(
        {"row": ["a", "b"], "modality": ["image", "text"], "mean": [0.15, 0.55], "label": [".15", ".55"],
         "low": [0.0, 0.4], "high": [0.3, 0.7], "reference": [0.2, None]}
    )  # fmt: skip
    return charts.ridges(bars, marks, "cosine", (-0.2, 1), "the authors")


def caps() -> Any:
    rows = [
        {"cosine": c, "index": i, "dimension": d, "cap": cap, "log2": cap_fraction(opening, d)}
        for c in (0.5, 0.56, 0.62)
        for i, d in enumerate((2, 3, 512))
        for cap, opening in (("the paper's", c), ("of a typical point", 2 * c - 1))
    ]
    return charts.cap_sizes(pd.DataFrame(rows))


def depth() -> Any:
    where = {"inputs": "small", "biases": "with"}
    bands = [
        {**where, "activation": name, "layer": layer, "mean": 0.3 * layer, "low": 0.2 * layer, "high": 0.31 * layer}
        for name in ("relu", "leaky_relu")
        for layer in range(3)
    ]
    line = pd.DataFrame([{**where, "layer": layer, "cosine": 0.3 * layer} for layer in range(3)])
    return charts.depth_curves(pd.DataFrame(bands), line, line, {"inputs": ["small", "large"], "biases": ["with"]})


def linear() -> Any:
    rows = [{"norm": "4", "layer": layer, "mean": 0.1 * layer, "low": 0.0, "high": 0.5} for layer in range(4)]
    return charts.linear_cone(pd.DataFrame(rows), depth=10)


def raised() -> Any:
    rows = [
        {"ratio": r, "width": w, "cosine": c, "sufficient": 2 * r / (r * r + 1), "share": 1.0, "low": 0.9, "high": 1.0}
        for r in (1, 2)
        for w in (4, 64)
        for c in (0, 0.5)
    ]
    return charts.raised_curves(pd.DataFrame(rows))


def network() -> Any:
    cosines = pd.DataFrame([{"layer": k, "seed": s, "cosine": 0.3 * k} for k in range(3) for s in range(2)])
    bars = pd.DataFrame({"value": [0.1, 0.2], "share": [0.4, 0.6]})
    return charts.network_view(cosines, pd.DataFrame({"layer": [0, 1], "cosine": [0.0, 0.3]}), bars)


def squeezed() -> Any:
    points = [
        {"network": net, "input": i, "latitude": [0.0, 30.0, 60.0], "longitude": [90.0 * i] * 3}
        for net in ("ReLU", "linear")
        for i in range(4)
    ]
    shared = [{"network": net, "length": [0.0, 0.5, 0.9], "cosine": [0.0, 0.25, 0.81]} for net in ("ReLU", "linear")]
    return charts.squeeze(pd.DataFrame(points), pd.DataFrame(shared))


CHARTS = {make.__name__: make for make in (ridges, caps, depth, linear, raised, network, squeezed)}


@pytest.mark.parametrize("version", VEGA_LITE)
@pytest.mark.parametrize("name", CHARTS)
def test_it_draws(name: str, version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(CHARTS[name](), version, capfd)


def test_the_caps_say_their_sizes_and_angles() -> None:
    shown = texts(caps())
    assert {"28.0° half-angle", "41.6° half-angle"} <= set(shown)
    assert {"the paper's: 2⁻⁵⁶⁴", "of a typical point: 2⁻³⁰⁸", "dimension 512"} <= set(shown)
    shown = texts(caps(), dimension_step=1)
    assert {"the paper's: 5.84%", "dimension 3"} <= set(shown)
    assert {"30.0° half-angle", "45.0° half-angle"} <= set(texts(caps(), cosine=0.5))


def test_the_linear_curve_says_its_formula() -> None:
    assert "L/(L + 16): 0.385 at layer 10" in texts(linear())
    assert f"L/(L + 512): {10 / 522:.3f} at layer 10" in texts(linear(), norm=512**0.5)
    rows = pd.DataFrame([{"norm": "1", "layer": 1, "mean": 0.5, "low": 0.4, "high": 0.6}])
    assert f"L/(L + 1): {10 / 11:.3f} at layer 10" in texts(charts.linear_cone(rows, depth=10, norm=1))


def test_between_two_layers_the_cosine_is_between_theirs() -> None:
    assert "mean cosine 0.000" in texts(squeezed())
    assert "mean cosine 0.250" in texts(squeezed(), layer=1)
    assert "mean cosine 0.530" in texts(squeezed(), layer=1.5)
    assert "mean cosine 0.810" in texts(squeezed(), layer=2)


def test_a_ridge_may_have_a_band_around_zero() -> None:
    bars = pd.DataFrame({"row": ["a"] * 2, "modality": ["both"] * 2, "value": [0.0, 0.1], "height": [1.0, 0.5]})
    marks = pd.DataFrame(
        {"row": ["a"], "modality": ["both"], "mean": [0.05], "label": ["0.05"], "low": [0.0], "high": [0.1],
         "reference": [None], "band": [0.07]}
    )  # fmt: skip
    plain = charts.ridges(bars, marks.drop(columns="band"), "cosine", (-0.2, 1)).to_dict()["layer"]
    banded = charts.ridges(bars, marks, "cosine", (-0.2, 1)).to_dict()["layer"]
    assert len(banded) == len(plain) + 1
    # Without a reference there is no layer of them, whose legend would have no end.
    assert not any("shape" in layer["encoding"] for layer in plain)
    assert {"calculate": "-datum.band", "as": "left"} in banded[0]["transform"]
