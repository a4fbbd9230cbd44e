"""`mindgap zeroshot`: what images are taken for, unshifted and along the gap."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mindgap import zeroshot
from tests.cli.conftest import Invoke, assert_one_line
from tests.embedding import drawn
from tests.test_zeroshot import embeddings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """60 images of five classes, in two shards."""
    x, weights, labels = embeddings()
    captions = [f"a photo of a {label}." for label in labels.tolist()]
    return drawn.folder_of(tmp_path / "animals", x, weights[labels], captions, "ViT-B-16", shard=40)


def test_numbers_are_those_of_the_functions(mindgap: Invoke, folder: Path) -> None:
    x, weights, labels = embeddings()
    path = zeroshot.along_the_gap(x, weights)
    content = json.loads(mindgap("zeroshot", "animals", "--json").stdout)
    assert content["images"] == 60
    assert content["classes"] == [f"a photo of a {number}." for number in range(5)]
    assert content["accuracy"] == pytest.approx(zeroshot.accuracy(x, weights, labels))
    right = path.accuracy(labels)
    torch.testing.assert_close(torch.tensor(content["along"]["accuracy"]).double(), right, rtol=0, atol=1 / 60 + 1e-9)
    choice = zeroshot.choose_shift(path, labels)
    assert content["chosen"]["gain"] == pytest.approx(choice.gain, abs=2 / 30)
    low, high = content["interval"]
    assert low < content["accuracy"] < high
    said = " ".join(mindgap("zeroshot", "animals").stdout.split())
    assert "animals: 60 images of 5 classes; ViT-B-16 with the weights openai on a test" in said
    assert f"{content['accuracy']:.4f} ({low:.4f} to {high:.4f})" in said
    assert f"{content['best']['accuracy'] - content['accuracy']:+.4f}" in said


def test_what_is_wrong_is_one_line(mindgap: Invoke, tmp_path: Path) -> None:
    x, weights, _ = embeddings()
    drawn.folder_of(tmp_path / "pairs", x, weights[torch.arange(60) % 5], [str(n) for n in range(60)], "ViT-B-16")
    assert_one_line(mindgap("zeroshot", "pairs"), "captions: expected some that are equal")
    assert_one_line(mindgap("zeroshot", "absent"), "DIR: 'absent' has no manifest.json of mindgap embed")
    (tmp_path / "img_emb").mkdir()
    assert_one_line(mindgap("zeroshot", "clip"), "DIR: 'clip' has no manifest.json of mindgap embed")
