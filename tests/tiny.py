"""The smallest recipe that trains: for tests of everything but what is learnt."""

import dataclasses
from typing import Any

from mindgap.recipe import Recipe

_TINY = Recipe(width=16, heads=2, layers=1, embed_dim=8, patch=8, steps=8, batch_size=16, warmup=2)


def tiny(**changes: Any) -> Recipe:
    return dataclasses.replace(_TINY, **changes)
