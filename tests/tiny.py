"""What several tests share: the smallest recipe that trains, and what Vega draws for a chart."""

import dataclasses
import json
from typing import Any

import pytest
import vl_convert

from mindgap.charts.theme import stored
from mindgap.recipe import Recipe

_TINY = Recipe(width=16, heads=2, layers=1, embed_dim=8, patch=8, steps=8, batch_size=16, warmup=2)


def tiny(**changes: Any) -> Recipe:
    return dataclasses.replace(_TINY, **changes)


VEGA_LITE = ("5.20", "6.4")
"""The versions that draw the book's charts: of JupyterLab and VS Code, and of the site."""


def assert_drawable(chart: Any, version: str, capfd: pytest.CaptureFixture[str], paths: int = 4) -> None:
    """The chart as notebooks store it has words and no address, and Vega-Lite draws it without a warning."""
    spec = stored(chart.to_dict())
    svg = vl_convert.vegalite_to_svg(spec, vl_version=version)
    assert svg.count("<path") >= paths
    assert "WARN" not in capfd.readouterr().err
    assert len(spec["description"]) > 30
    assert json.dumps(spec).count("http") == 1  # $schema
    assert all(dataset.startswith("data-") for dataset in spec.get("datasets", {}))


def hints(spec: dict[str, Any], line: str) -> list[str]:
    """One line of all hints in the first view, as Vega evaluates it, and after them its other texts."""
    spec = json.loads(json.dumps(spec))
    for layer in spec["concat"][0]["layer"]:
        if "tooltip" in (channels := layer["encoding"]):  # which no picture shows
            hint = channels.pop("tooltip")["value"]["expr"]
            layer["mark"] = {"type": "text"}
            channels["text"] = {"value": {"expr": f"({hint})['{line}']"}}
    return [item["text"] for item in marks(spec, "text") if "text" in item]


def with_params(chart: Any, **values: Any) -> dict[str, Any]:
    """The specification of a chart with some of its parameters set."""
    spec: dict[str, Any] = chart.to_dict()
    known = [param["name"] for param in spec.get("params", [])]
    assert set(values) <= set(known), f"parameters are {known}"
    for param in spec.get("params", []):
        param["value"] = values.get(param["name"], param.get("value"))
    return spec


def marks(spec: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The marks of one kind, as "symbol" or "text", that Vega draws for a specification."""
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("marktype") == kind:
                found.extend(node.get("items", []))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(vl_convert.vegalite_to_scenegraph(spec))
    return found


def symbols(spec: dict[str, Any]) -> list[tuple[float, float]]:
    """Where Vega draws the points of a specification."""
    return [(item.get("x", 0.0), item.get("y", 0.0)) for item in marks(spec, "symbol")]


def texts(chart: Any, **values: Any) -> list[str]:
    """What Vega writes into the picture of a chart, with some parameters set."""
    return [str(item.get("text")) for item in marks(with_params(chart, **values), "text")]
