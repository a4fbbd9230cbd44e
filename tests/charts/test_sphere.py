"""The globe: Vega's projection against plain trigonometry, and its words."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
import torch

from mindgap import charts, sphere
from tests.tiny import VEGA_LITE, assert_drawable, symbols, texts, with_params


def globe(**options: Any) -> Any:
    arrangements = {"exchanged": (sphere.AZIMUTHS, sphere.EXCHANGED), "matched": (sphere.AZIMUTHS, range(6))}
    heights = torch.arange(-90, 91, 10).double()
    rows = [
        {"arrangement": name, "tau": charts.temperature_label(t), "height": height, "loss": loss}
        for name, (azimuths, above) in arrangements.items()
        for t in (1 / 100, 1 / 5)
        for height, loss in zip(heights.tolist(), sphere.arc_loss(heights, t, azimuths, above).tolist(), strict=True)
    ]
    return charts.sphere_pairs(arrangements, pd.DataFrame(rows), **options)


@pytest.mark.parametrize("version", VEGA_LITE)
def test_it_draws(version: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_drawable(globe(), version, capfd, paths=11)


@pytest.mark.parametrize(("turn", "tilt", "height"), [(30, 20, 40), (-75, 60, -20), (0, 0, 90)])
def test_points_stand_where_an_orthographic_projection_puts_them(turn: float, tilt: float, height: float) -> None:
    drawn = symbols(with_params(globe(height=height), turn=turn, tilt=tilt))
    a, b = math.radians(turn), math.radians(tilt)
    right = torch.tensor([-math.sin(a), math.cos(a), 0]).double()
    up = torch.tensor([-math.sin(b) * math.cos(a), -math.sin(b) * math.sin(a), math.cos(b)]).double()
    for points in sphere.six_pairs(height):
        for point in points:
            x, y = 330 * (float(point @ right) + 1.08) / 2.16, 330 * (1.08 - float(point @ up)) / 2.16
            assert any(abs(x - u) < 0.5 and abs(y - v) < 0.5 for u, v in drawn)


def test_it_says_the_loss_at_its_height() -> None:
    expected = float(sphere.arc_loss(50, 1 / 100))
    assert f"loss {expected:.4f} at 50°" in texts(globe(height=50))


def test_without_controls_it_has_parameters_and_no_inputs() -> None:
    params = {param["name"]: param for param in globe(controls=False).to_dict()["params"]}
    assert set(params) == {"raised", "tau_", "arrangement_", "turn", "tilt"}
    assert not any("bind" in param for param in params.values())
