"""Claims that results of the reader decide: the authors' features, drawn ones, and weights that know nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mindgap import claims, geometry, load_pairs, zeroshot
from mindgap.embedding import embed
from tests.embedding import drawn

OF_COCO = ("gap-size-coco", "shift-optimal-coco", "shift-temperature-coco")
ALL = (*OF_COCO, "zero-shot")


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authors' 500 pairs of CLIP ViT-B/16 as a result."""
    folder, pairs = tmp_path_factory.mktemp("features"), load_pairs("clip")
    drawn.folder_of(folder / "coco", pairs.x, pairs.y, [f"caption {n}" for n in range(500)], "ViT-B-16")
    return folder


def test_without_results_they_are_not_testable_here() -> None:
    for id in ALL:
        finding = claims.check(id)
        assert (finding.verdict, finding.numbers, finding.results) == ("not testable here", (), "")
        assert "mindgap claims --results decides" in finding.why
        assert claims.committed()[id]["verdict"] == "not testable here"


@pytest.mark.parametrize("id", OF_COCO)
def test_another_sample_of_another_model_is_not_the_papers(features: Path, id: str) -> None:
    finding = claims.check(id, features)
    assert finding.verdict in ("contested", "fails here")
    assert finding.results == "coco: 500 pairs by ViT-B-16/openai"
    assert finding.why.endswith(f"decided from {finding.results}")
    unmet = {one.words for one in finding.conditions if one.role == "for" and not one.met}
    assert "pairs" in unmet
    assert any(one.role == "caveat" and one.met and "ViT-B-32/openai" in one.words for one in finding.conditions)
    assert claims.changed([finding]) == []
    assert finding.content()["results"] == finding.results


def test_numbers_are_those_of_the_same_pairs_by_name(features: Path) -> None:
    (gap, *_) = claims.check("gap-size-coco", features).numbers
    pairs = load_pairs("clip")
    assert gap.value == pytest.approx(geometry.gap_distance(pairs.x, pairs.y), abs=1e-6)
    assert gap.low is not None
    assert gap.high is not None
    known = next(one for one in claims.check("gap-size").numbers if one.name == "gap distance")
    assert known.low is not None
    assert gap.value - gap.low == pytest.approx(known.value - known.low, rel=0.3)  # that one is by bootstrap


def test_as_many_pairs_as_there_are_let_the_authors_features_decide(features: Path) -> None:
    """The valley at 1/100, and its way as the temperature rises, are there in 500 pairs of the other model, too."""
    for id in ("shift-optimal-coco", "shift-temperature-coco"):
        one = claims.named(id)
        finding = claims.check(replace(one, thresholds={**one.thresholds, "pairs": 500.0}), features)
        assert finding.verdict == "holds with a caveat", finding.why
        assert finding.why.startswith("coco is of other weights than ViT-B-32/openai")


def classes(count: int, accuracy: float, helps: bool, n: int = 2000) -> tuple[Tensor, Tensor, list[str]]:
    """Drawn images of classes whose texts have parts of their own along the gap, and are told apart as often as asked.

    These parts count for every image alike, so that moving along the gap undoes them; unless it `helps` there are none.
    """
    random = torch.Generator().manual_seed(count)
    towards = torch.zeros(64, dtype=torch.float64)
    towards[0] = 1
    prototypes = torch.randn(count, 64, generator=random, dtype=torch.float64) / 8
    prototypes[:, 0] = 0
    own = torch.randn(count, 1, generator=random, dtype=torch.float64) * (0.15 if helps else 0.0)
    noise = torch.randn(n, 64, generator=random, dtype=torch.float64) / 8
    labels = torch.randint(count, (n,), generator=random)
    weights = geometry.normalize(prototypes + (0.5 + own) * towards)
    low, high = 0.0, 5.0
    for _ in range(30):
        middle = (low + high) / 2
        images = prototypes[labels] + middle * noise - 0.5 * towards
        low, high = (middle, high) if zeroshot.accuracy(images, weights, labels) > accuracy else (low, middle)
    return images, weights[labels], [f"a photo of a {label}." for label in labels.tolist()]


def cifars(folder: Path, helps: bool) -> Path:
    for name, count, accuracy in (("cifar10", 10, 0.9013), ("cifar100", 100, 0.6658)):
        drawn.folder_of(folder / name, *classes(count, accuracy, helps), "ViT-B-16")
    return folder


def test_a_shift_that_helps_on_other_images_is_a_verdict(tmp_path: Path) -> None:
    finding = claims.check("zero-shot", cifars(tmp_path, helps=True))
    assert finding.verdict == "holds"
    assert finding.results == "cifar10: 2,000 pairs by ViT-B-16/openai; cifar100: 2,000 pairs by ViT-B-16/openai"
    numbers = {one.name: one for one in finding.numbers}
    assert numbers["cifar10: accuracy"].value == pytest.approx(0.9013, abs=0.002)
    assert numbers["cifar10: gain, chosen on other images"].value > 0.005
    shutil.rmtree(tmp_path / "cifar100")
    without = claims.check("zero-shot", tmp_path)
    assert without.verdict == "not testable here"
    assert without.why.endswith(f"Here: {tmp_path} has no cifar100.")


def test_a_shift_that_does_not_help_holds_nothing(tmp_path: Path) -> None:
    finding = claims.check("zero-shot", cifars(tmp_path, helps=False))
    assert finding.verdict == "contested"
    assert finding.why.startswith("not met, and confirmed by nothing second: largest gain of the two sets, lower end")


@pytest.mark.parametrize(("captions", "rows", "message"), [
    ("all", 8, "expected one caption an image, which names its class, got 8 of 4 images"),
    ("first", 4, "captions: expected some that are equal"),
])  # fmt: skip
def test_captions_that_name_no_classes_are_told_with_their_folder(
    tmp_path: Path, captions: str, rows: int, message: str
) -> None:
    drawn.known(tmp_path / "m")
    weights = drawn.weights(tmp_path / "w.safetensors", drawn.TINY)
    data = drawn.captioned(tmp_path / "data", 4)
    lines = [f"{number:05}.png,one of {number}\n{number:05}.png,two of {number}" for number in range(4)]
    (data / "captions.csv").write_text("\n".join(["image,caption", *lines]))
    for name in ("cifar10", "cifar100"):
        found = embed(drawn.TINY, weights, data, tmp_path / "results" / name, captions=captions)
        assert found.rows == rows
    with pytest.raises(ValueError, match=f"results/cifar10: {message}"):
        claims.check("zero-shot", tmp_path / "results")


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `embed` makes of drawn scenes, captions and prompts with weights that were never trained."""
    folder = tmp_path_factory.mktemp("random")
    drawn.known(folder)
    weights = drawn.weights(folder / "w.safetensors", drawn.TINY)
    data = drawn.captioned(folder / "data", 60)
    embed(drawn.TINY, weights, data, folder / "results/coco")
    for name, count in (("cifar10", 10), ("cifar100", 20)):
        for number, path in enumerate(sorted(data.glob("*.txt"))):
            path.write_text(f"a photo of a {'ab'[number % 2]}{number % count}.")
        embed(drawn.TINY, weights, data, folder / "results" / name)
    return folder / "results"


@pytest.mark.parametrize("id", ALL)
def test_weights_that_were_never_trained_hold_nothing(random_weights: Path, id: str) -> None:
    finding = claims.check(id, random_weights)
    assert finding.verdict == "fails here", finding.why
    assert f"60 pairs by {drawn.TINY}/w.safetensors" in finding.why


@pytest.mark.parametrize("id", ["shift-optimal-coco", "shift-temperature-coco"])
def test_fewer_pairs_than_a_batch_do_not_end_the_ledger(features: Path, tmp_path: Path, id: str) -> None:
    pairs = load_pairs(features / "coco", n=30)
    drawn.folder_of(tmp_path / "coco", pairs.x, pairs.y, ["a caption"] * 30, "ViT-B-32")
    finding = claims.check(id, tmp_path)
    assert finding.verdict != "holds"
    assert "pairs" in {one.words for one in finding.conditions if not one.met}


def test_a_file_of_the_readers_among_the_shards_changes_no_verdict(features: Path, tmp_path: Path) -> None:
    shutil.copytree(features / "coco", tmp_path / "coco")
    for name in ("mine.npy", "img_emb_77.npy"):
        (tmp_path / "coco/img_emb" / name).write_bytes(b"notes")
    expected = claims.check("gap-size-coco", features)
    assert claims.check("gap-size-coco", tmp_path).conditions == expected.conditions


def test_an_unfinished_result_decides_nothing(features: Path, tmp_path: Path) -> None:
    shutil.copytree(features / "coco", tmp_path / "coco")
    manifest = tmp_path / "coco/manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"complete": true', '"complete": false'))
    finding = claims.check("gap-size-coco", tmp_path)
    assert finding.verdict == "not testable here"
    assert finding.why.endswith("coco is unfinished.")
    with pytest.raises(FileNotFoundError, match="results: no folder"):
        claims.check("gap-size-coco", tmp_path / "absent")
