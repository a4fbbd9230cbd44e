"""Charts of cones and seeds: drawable, in words, and their page formulas right as Vega evaluates them."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
import vl_convert

from mindgap import cap_fraction, charts
from mindgap.charts._parts import radios
from mindgap.charts.theme import stored


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
    return charts.ridges(bars, marks, "cosine", (-0.2, 1), "theirs")


def caps() -> Any:
    rows = [
        {"cosine": c, "index": i, "dimension": d, "cap": cap, "log2": cap_fraction(opening, d)}
        for c in (0.5, 0.56, 0.62)
        for i, d in enumerate((2, 3, 512))
        for cap, opening in (("the paper's", c), ("that holds the cone", 2 * c - 1))
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


GAPS = {"noise": {"t": [[0, 1.25, 0.5], [1.25, 0, 0.75], [0.5, 0.75, 0]]}}


def clouds() -> Any:
    rows = [
        {"inputs": "noise", "tower": "t", "seed": s, "PCA 1": s, "PCA 2": -s + k / 9, "UMAP 1": 2 * s, "UMAP 2": k}
        for s in range(3)
        for k in range(3)
    ]
    return charts.seed_clouds(pd.DataFrame(rows), GAPS, {"t": "a tower"})


def cliff() -> Any:
    rows = [
        {"inputs": "noise", "tower": t, "modality": m, "number": k, "value": 9.0 / k}
        for t, m in (("a", "image"), ("b", "text"))
        for k in range(1, 6)
    ]
    return charts.singular_cliff(pd.DataFrame(rows), seeds=4)


def shares() -> Any:
    rows = [
        {"input norm": n, "layer": k, "quantity": q, "mean": 0.1 * k, "low": 0.05 * k, "high": 0.12 * k}
        for n in ("1", "2")
        for k in (1, 2)
        for q in ("share", "bound")
    ]
    return charts.share_curves(pd.DataFrame(rows), {"input norm": ["1", "2"]})


EVERY = {make.__name__: make for make in (ridges, caps, depth, linear, raised, network, clouds, cliff, shares)}


@pytest.mark.parametrize("version", ["5.20", "6.4"])
@pytest.mark.parametrize("name", EVERY)
def test_both_vega_lite_versions_that_readers_have_draw_the_stored_chart(
    name: str, version: str, capfd: pytest.CaptureFixture
) -> None:
    svg = vl_convert.vegalite_to_svg(stored(EVERY[name]().to_dict()), vl_version=version)
    assert svg.count("<path") > 3
    assert "WARN" not in capfd.readouterr().err


@pytest.mark.parametrize("name", EVERY)
def test_a_stored_chart_has_words_and_no_address_but_its_schema(name: str) -> None:
    spec = stored(EVERY[name]().to_dict())
    assert len(spec["description"]) > 30
    assert json.dumps(spec).count("http") == 1


def texts(chart: Any, **params: Any) -> list[str]:
    """What Vega writes into the picture, with some parameters set."""
    spec = chart.to_dict()
    for param in spec["params"]:
        param["value"] = params.get(param["name"], param.get("value"))
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("marktype") == "text":
                found.extend(str(item.get("text")) for item in node.get("items", []))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(vl_convert.vegalite_to_scenegraph(spec))
    return found


def test_the_caps_say_their_sizes_and_angles() -> None:
    shown = texts(caps())
    assert {"28.0° half-angle", "41.6° half-angle"} <= set(shown)
    assert {"the paper's: 2^−564", "that holds the cone: 2^−308", "dimension 512"} <= set(shown)
    shown = texts(caps(), dimension_step=1)
    assert {"the paper's: 5.84%", "dimension 3"} <= set(shown)
    assert {"30.0° half-angle", "45.0° half-angle"} <= set(texts(caps(), cosine=0.5))


def test_the_linear_curve_says_its_formula() -> None:
    assert "L/(L + 25): 0.286 at layer 10" in texts(linear())
    assert f"L/(L + 512): {10 / 522:.3f} at layer 10" in texts(linear(), norm=512**0.5)


def test_two_seeds_say_their_gap() -> None:
    assert "seeds 0 and 1: gap 1.25" in texts(clouds())
    shown = texts(clouds(), A=2, B=1)
    assert "seeds 2 and 1: gap 0.75" in shown
    assert {"A", "B"} <= set(shown)
    assert "B" not in texts(clouds(), seeds_shown=1), "a seed that is not shown is not marked"


def test_choices_become_names_that_vega_takes() -> None:
    params, chosen = radios({"input norm": ["1", "2"], "h": ["x"]}, {"h": "stage"}, {"input norm": "2"})
    first, second = (param.param.to_dict() for param in params)
    assert (first["name"], first["value"], first["bind"]["options"]) == ("input_norm_", "2", ["1", "2"])
    assert "bind" not in second, "a choice of one is none"
    assert chosen == "datum['input norm'] == input_norm_ && datum['h'] == h_"
