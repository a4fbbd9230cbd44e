"""Measures from samples: near those of all rows, within their intervals, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from mindgap import geometry, metrics
from mindgap.metrics import _sampled
from tests.mps import Pretend


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples that a test can draw from hundreds of rows."""
    for name, value in {"EXACT": 400, "ASKED": 200, "SAMPLE": 100}.items():
        monkeypatch.setattr(_sampled, name, value)


def pairs(n: int = 800) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(n, 6, generator=random)
    return x + 0.5, x + torch.randn(n, 6, generator=random)


@pytest.mark.usefixtures("few")
def test_estimates_are_near_what_they_estimate() -> None:
    x, y = pairs()
    found, whole = metrics.estimates(x, y, 5), metrics.report(x, y, 5)
    assert tuple(found) == tuple(name for name in metrics.MEASURES if name not in metrics.LINEAR)
    for name, one in found.items():
        assert one.low <= one.value <= one.high, name
        if "rank" not in name and "mixed" not in name:  # these depend on the number of rows
            assert one.value == pytest.approx(whole[name], abs=3 * (one.high - one.low) + 1e-3), name
    assert (found["recall_xy"].rows, found["recall_xy"].gallery) == (200, 800)
    assert (found["uniformity_x"].rows, found["uniformity_x"].gallery) == (100, 100)


@pytest.mark.usefixtures("few")
def test_the_interval_of_recall_covers_the_whole() -> None:
    x, y = pairs()
    whole = metrics.report(x, y, only=["recall_xy"])["recall_xy"]
    found = [metrics.estimates(x, y, 1, ["recall_xy"], seed)["recall_xy"] for seed in range(20)]
    assert sum(one.low <= whole <= one.high for one in found) >= 17
    assert len({one.value for one in found}) > 1
    assert found[3] == metrics.estimates(x, y, 1, ["recall_xy"], 3)["recall_xy"]


@pytest.mark.usefixtures("few")
def test_grouped_recall_differs_only_where_rows_are_repeated() -> None:
    x, y = pairs()
    found = metrics.estimates(x, y, only=["recall_xy", "recall_xy_grouped"])
    assert found["recall_xy"] == found["recall_xy_grouped"]
    repeated = x[:200].repeat_interleave(4, dim=0)
    found = metrics.estimates(repeated, y, only=["recall_yx", "recall_yx_grouped"])
    assert found["recall_yx"].value < found["recall_yx_grouped"].value


@pytest.mark.usefixtures("few")
def test_narrow_cones_in_single_precision_lose_no_digits() -> None:
    x, y = (torch.nn.functional.normalize(rows, dim=1) * 1e-4 + torch.ones(6) for rows in pairs())
    found, wide = metrics.estimates(x, y), metrics.estimates(x.double(), y.double())
    for name in ("recall_xy", "recall_yx_grouped", "rmg_euclidean", "mixed_recall_xy", "median_rank_xy"):
        assert found[name] == wide[name], name
    linear = metrics.report(x, y, only=metrics.LINEAR)
    assert linear == metrics.report(x.double(), y.double(), only=metrics.LINEAR)
    assert linear == {name: metrics.report(x, y)[name] for name in metrics.LINEAR}


@pytest.mark.usefixtures("few")
def test_recall_of_all_rows_is_recall() -> None:
    x, y = pairs()
    y[::3] = y[1]  # ties
    for groups in (None, "equal"):
        labels = [] if groups is None else geometry.labels_of(groups, x, y)
        for first, second in ((x, y), (y, x)):
            expected = geometry.recall_at_k(first.double(), second.double(), 3, groups)
            found = _sampled._recall(first, second, 3, labels, torch.arange(len(x)))
            assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.usefixtures("few")
def test_progress_names_each_and_can_end_the_work() -> None:
    names: list[str] = []
    metrics.estimates(*pairs(), only=["uniformity_x", "recall_xy"], progress=names.append)
    assert names == ["uniformity_x", "recall_xy"]

    def stop(_: str) -> Iterator[None]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        metrics.estimates(*pairs(), progress=stop)
    with pytest.raises(KeyboardInterrupt):
        metrics.report(*pairs(), progress=stop)


@pytest.mark.parametrize(("options", "said"), [
    ({"only": ["gap_distance"]}, "only: unknown name 'gap_distance'"), ({"k": 101}, "k: expected"),
    ({"seed": -1}, "seed: expected"),
])  # fmt: skip
@pytest.mark.usefixtures("few")
def test_errors(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        metrics.estimates(*pairs(), **options)
    with pytest.raises(ValueError, match="expected at least 400 rows"):
        metrics.estimates(*pairs(300))


def test_every_measure_has_words() -> None:
    assert tuple(metrics.MEANINGS) == tuple(metrics.MEASURES)
    assert max(map(len, metrics.MEANINGS.values())) < 100


def flat(found: dict[str, metrics.Estimate]) -> list[float]:
    return [number for one in found.values() for number in (one.value, one.low, one.high)]


@pytest.mark.usefixtures("few")
def test_on_mps_the_numbers_are_those_of_the_cpu() -> None:
    x, y = (part.float() for part in pairs())
    expected = metrics.estimates(x, y)
    with Pretend():
        found = metrics.estimates(x.to("mps"), y.to("mps"))
    assert flat(found) == pytest.approx(flat(expected), rel=1e-9, nan_ok=True)


@pytest.mark.usefixtures("few")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_numbers_are_those_of_the_cpu() -> None:
    x, y = pairs()
    found = metrics.estimates(x.cuda(), y.cuda())
    assert flat(found) == pytest.approx(flat(metrics.estimates(x, y)), rel=1e-9, nan_ok=True)
