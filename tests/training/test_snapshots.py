"""Snapshots of a training are the embeddings of the moment, and do not flip."""

import pandas as pd
import pytest
import torch

from mindgap import geometry, miniclip, scenes
from mindgap.training import snapshots
from tests.tiny import tiny

TINY = tiny(steps=5)


def test_the_first_axis_is_the_gap():
    model, pairs = miniclip.build(TINY), scenes.draw(30, seed=4)
    seen = snapshots.cloud(model, pairs)
    apart = seen[["x", "y"]].mean().to_numpy() - seen[["x2", "y2"]].mean().to_numpy()
    assert apart[0] == pytest.approx(geometry.gap_distance(*miniclip.encode(model, pairs)), abs=1e-5)
    assert apart[1] == pytest.approx(0, abs=1e-5)
    x, y = (side.double() for side in miniclip.encode(model, pairs))
    assert seen["cosine"].tolist() == pytest.approx([float(a @ b) for a, b in zip(x, y, strict=True)], abs=1e-6)


def test_the_second_axis_keeps_its_side():
    model, pairs = miniclip.build(TINY), scenes.draw(30, seed=4)
    seen = snapshots.cloud(model, pairs)
    flipped = seen.assign(y=-seen["y"], y2=-seen["y2"])
    pd.testing.assert_frame_equal(snapshots.cloud(model, pairs, seen), seen)
    pd.testing.assert_frame_equal(snapshots.cloud(model, pairs, flipped), flipped)


def test_clouds_are_seen_at_every_look(few_held_out):
    trained, frames = snapshots.clouds(TINY, n=20, progress=False)
    assert frames["step"].value_counts().to_dict() == dict.fromkeys((0, 1, 2, 3, 5), 20)
    last = frames[frames["step"] == 5].reset_index(drop=True)
    own = snapshots.cloud(trained, scenes.draw(20, snapshots.SEED))
    assert torch.allclose(torch.tensor(last[["x", "x2"]].to_numpy()), torch.tensor(own[["x", "x2"]].to_numpy()))
