"""The schematic of CLIP's training: its loss in the page is the package's, and only four pairs fit into it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch

from mindgap import contrastive_loss
from mindgap.charts import clip_schematic
from tests.tiny import texts

PAIRS = pd.DataFrame(
    {
        "picture": [f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>#{i}" for i in range(4)],
        "caption": ["a ring", "a star", "a heart", "a cross"],
        "x": [0.2, 0.3, 0.1, 0.4],
        "y": [0.5, 0.1, -0.3, -0.6],
        "x2": [-0.2, -0.3, -0.1, -0.2],
        "y2": [0.4, 0.0, -0.2, -0.5],
    }
)
ROWS = torch.nn.functional.normalize(torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0)).double(), dim=-1)
COSINES = (ROWS[0] @ ROWS[1].T).tolist()


def schematic() -> Any:
    return clip_schematic(PAIRS, COSINES)


def words(chart: Any, **values: Any) -> str:
    """What is written in the chart at some values of its controls."""
    return " | ".join(texts(chart, **values))


@pytest.mark.parametrize(("place", "temperature"), [(0, 1), (3, 0.1), (6, 0.01)])
def test_the_loss_of_the_page_is_the_package_s(place: int, temperature: float) -> None:
    written = words(schematic(), sharp=place)
    assert f"all eight: {contrastive_loss(ROWS[0], ROWS[1], temperature):.2f}" in written


def test_shares_are_those_of_a_softmax_in_either_direction() -> None:
    for picks, axis in (("picture picks caption", 1), ("caption picks picture", 0)):
        shares = torch.softmax(torch.tensor(COSINES) / 0.1, axis)
        written = words(schematic(), picks=picks, sharp=3)
        for share in shares.flatten().tolist():
            assert f"{share:.2f}" in written
        assert f"{shares[1, 1]:.2f} =" in written


def test_before_the_softmax_there_are_cosines() -> None:
    written = words(schematic(), step=4)
    for cosine in torch.tensor(COSINES).flatten().tolist():
        assert f"{cosine:.2f}".replace("-", "−") in written


def test_other_than_four_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 4 pairs and 4 rows of 4 cosines, got 3 pairs"):
        clip_schematic(PAIRS.head(3), COSINES)
