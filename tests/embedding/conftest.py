"""A small model with its weights, drawn images with captions, and what an undisturbed run makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mindgap.embedding import Embedded, embed
from tests.embedding import drawn


@dataclass(frozen=True)
class World:
    """What there is to embed, and with what."""

    data: Path
    weights: Path
    undisturbed: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """27 images in 6 shards; nobody changes them."""
    folder = tmp_path_factory.mktemp("embedding")
    drawn.known(folder)
    made = World(
        drawn.captioned(folder / "data", 27), drawn.weights(folder / "tiny.safetensors", drawn.TINY), folder / "whole"
    )
    embed(drawn.TINY, made.weights, made.data, made.undisturbed, **OPTIONS)
    return made


OPTIONS: dict[str, Any] = {"shard_rows": 5, "batch_size": 3}

Run = Callable[..., Embedded]


@pytest.fixture
def run(world: World, tmp_path: Path) -> Run:
    """`embed` with the small model into the folder `out` of an empty one, as undisturbed but for what is named."""

    def call(data: Path | str | None = None, out: str = "out", **options: Any) -> Embedded:
        model, pretrained = options.pop("model", drawn.TINY), options.pop("pretrained", world.weights)
        return embed(model, pretrained, data or world.data, tmp_path / out, **{**OPTIONS, **options})

    return call
