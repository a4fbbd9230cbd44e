"""The report: its numbers are those of the functions, each trouble is told by its check, and names are escaped."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import mindgap
from mindgap import PairedEmbeddings, _inputs, geometry, landscape, metrics, report, results
from mindgap.metrics._moments import TILE_ROWS, Cloud
from mindgap.report import _checks, page
from tests.metrics.test_measures import two

FEW = (0.05, 1.0)


def pairs(x: Tensor, y: Tensor, **fields: Any) -> PairedEmbeddings:
    return PairedEmbeddings(x, y, **{"name": "mine", "modalities": ("image", "text"), "source": "a test", **fields})


def matched(n: int = 80, d: int = 8) -> tuple[Tensor, Tensor]:
    x, y = two(n, n, d)
    return geometry.normalize(x), geometry.normalize(y)


@pytest.fixture(scope="module")
def made() -> report.Report:
    return report.make(pairs(*matched()), temperatures=FEW)


class TestNumbers:
    def test_measures_are_those_of_metrics(self, made: report.Report) -> None:
        assert made.measures == metrics.report(made.pairs.x, made.pairs.y)
        assert made.sample is None

    def test_valleys_are_the_best_shifts(self, made: report.Report) -> None:
        for one, temperature in zip(made.valleys, FEW, strict=True):
            best = landscape.best_shift(made.pairs.x, made.pairs.y, temperature, report.SHIFTS)
            here = float(landscape.contrastive_loss(made.pairs.x.double(), made.pairs.y.double(), temperature))
            assert (one.shift, one.loss, one.spread) == (best.shift, best.loss, None)
            assert one.depth == pytest.approx(here - best.loss, abs=1e-6)
            assert one.depth >= -1e-6

    def test_ways_to_close_the_gap(self, made: report.Report) -> None:
        x, y = made.pairs.x, made.pairs.y
        assert list(made.ways) == ["as it is", "centred", "standardised", "shifted by half"]
        assert made.ways["as it is"]["gap_distance"] == pytest.approx(geometry.gap_distance(x, y), rel=1e-6)
        assert made.ways["centred"]["pair_distance"] == metrics.pair_distance(*metrics.centred(x, y))
        assert made.ways["shifted by half"]["recall_xy"] == geometry.recall_at_k(*geometry.shift(x, y, 0.5))
        for way in ("centred", "standardised"):
            assert made.ways[way]["gap_distance"] < 0.2 < made.ways["as it is"]["gap_distance"]
            assert made.ways[way]["mixed_recall_xy"] > made.ways["as it is"]["mixed_recall_xy"]

    def test_cosines_across(self, made: report.Report) -> None:
        cosines = geometry.normalize(made.pairs.x.double()) @ geometry.normalize(made.pairs.y.double()).T
        others = cosines[~torch.eye(80, dtype=torch.bool)]
        assert (int(made.matched.counts.sum()), int(made.unmatched.counts.sum())) == (80, 80 * 79)
        assert made.matched.mean == pytest.approx(float(cosines.diagonal().mean()), abs=1e-6)
        assert made.unmatched.mean == pytest.approx(float(others.mean()), abs=1e-6)
        assert made.unmatched.max == pytest.approx(float(others.max()), abs=1e-6)
        assert made.unmatched.min == pytest.approx(float(others.min()), abs=1e-6)
        assert made.matched.max == pytest.approx(float(cosines.diagonal().max()), abs=1e-6)
        assert made.unmatched.std == pytest.approx(float(others.std(unbiased=False)), abs=1e-5)

    def test_json_has_all_of_it(self, made: report.Report) -> None:
        found = json.loads(json.dumps(made.as_json()))
        assert found["measures"] == made.measures
        assert found["ways"] == made.ways
        assert [one["temperature"] for one in found["valleys"]] == list(FEW)
        assert [one["name"] for one in found["checks"]] == [check.name for check in made.checks]
        assert found["passed"] is True

    def test_of_many_rows_samples_are_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(report, "MOST", 100)
        monkeypatch.setattr(report, "SAMPLE", 40)
        x, y = matched(300)
        steps: list[str] = []
        found = report.make(pairs(x, y), temperatures=[0.1], progress=steps.append)
        assert tuple(steps) == report.STEPS
        assert found.sample == 40
        assert found.measures["gap_distance"] == pytest.approx(geometry.gap_distance(x, y))
        assert found.measures["recall_xy"] != geometry.recall_at_k(x, y)
        assert list(found.measures) == list(metrics.MEASURES)
        assert found.valleys[0].spread is not None
        assert 0 < found.valleys[0].spread < 0.2
        assert found.measures["recall_chance"] == 1 / report.SAMPLE  # of the gallery that recall was taken from
        again = report.make(pairs(x, y), temperatures=[0.1])
        assert again.measures == found.measures

    def test_progress_can_end_it(self) -> None:
        def stop(step: str) -> None:
            raise KeyboardInterrupt(step)

        with pytest.raises(KeyboardInterrupt, match="measures"):
            report.make(pairs(*matched()), progress=stop)


def states(x: Tensor, y: Tensor, temperatures: tuple[float, ...] = FEW, **fields: Any) -> dict[str, str]:
    loaded = pairs(x, y, **fields)
    found = metrics.report(loaded.x, loaded.y)
    return {one.name: one.state for one in _checks.checked(loaded, found, 1, temperatures)}


class TestChecks:
    def test_recall_is_called_by_its_k_and_stands_beside_its_own_chance(self) -> None:
        x, y = matched()
        found = report.make(pairs(x, y), k=5)
        said = next(one.found for one in found.checks if one.name == "rows belong together")
        recall = f"R@5 {found.measures['recall_xy']:.3f} and {found.measures['recall_yx']:.3f}"
        assert f"{recall}, chance {5 / len(x):.4f}" in said

    def test_collapsed_rows_in_single_precision_match_by_what_they_hold_and_not_by_rounding(self) -> None:
        x, y = (part.float() for part in matched())
        x, y = x[:1] + 1e-4 * x, y[:1] + 1e-4 * y.flip(0)
        assert states(x, y)["rows belong together"] == "failed"
        assert states(x, y)["rows in order"] == "passed"

    def test_healthy_pairs_pass(self, made: report.Report) -> None:
        assert made.passed
        assert {check.state for check in made.checks} == {"passed"}

    @pytest.mark.parametrize("by", [-3, -1, 1, 2])
    def test_rows_shifted(self, by: int) -> None:
        x, y = matched()
        assert states(x, y.roll(by, dims=0))["rows in order"] == "failed"
        assert states(x[abs(by) :], y[: len(y) - abs(by)])["rows in order"] == "failed"

    @pytest.mark.parametrize("tile", [7, 80, 1000])
    def test_cosines_of_rows_apart_are_those_of_rolled_ones_whatever_the_tiles(
        self, tile: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_checks, "TILE_ROWS", tile)
        for n in (4, 80):
            x, y = (geometry.normalize(part[:n].double()) for part in matched())
            offsets = [offset for offset in _checks.OFFSETS if abs(offset) < n]
            found = _checks._cosines_apart(x, y, offsets)
            expected = {by: float((x * y.roll(by, dims=0)).sum(dim=1).mean()) for by in offsets}
            assert found == pytest.approx(expected, abs=1e-14)

    def test_no_more_than_a_tile_of_rows_is_widened_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        most, widened = 0, _inputs.widened

        def watched(x: Tensor) -> Tensor:
            nonlocal most
            most = max(most, len(x))
            return widened(x)

        x, y = matched(3 * TILE_ROWS, 8)
        measures = metrics.report(x, y, only=metrics.LINEAR) | dict.fromkeys(("recall_xy", "recall_yx"), 0.5)
        monkeypatch.setattr(_inputs, "widened", watched)
        _checks.checked(pairs(x, y), {**dict.fromkeys(metrics.MEASURES, 0.0), **measures}, 1, FEW)
        assert 0 < most <= TILE_ROWS + 2 * max(_checks.OFFSETS)

    def test_a_wrong_pairing(self) -> None:
        x, y = matched()
        order = torch.randperm(80, generator=torch.Generator().manual_seed(1))
        found = states(x, y[order])
        assert found["rows belong together"] == "failed"
        assert found["rows in order"] == "passed"

    def test_chance_alone_seldom_looks_like_a_match_or_a_shift(self) -> None:
        x, y = matched()
        orders = [torch.randperm(80, generator=torch.Generator().manual_seed(seed)) for seed in range(40)]
        found = [states(x, y[order]) for order in orders]
        assert [one["rows belong together"] for one in found] == ["failed"] * 40
        assert [one["rows in order"] for one in found].count("failed") <= 1

    def test_the_noise_is_that_of_random_orders(self) -> None:
        x, y = matched()
        random = torch.Generator().manual_seed(0)
        means = [float((x * y[torch.randperm(80, generator=random)]).sum(dim=1).mean()) for _ in range(4000)]
        assert _checks._noise(Cloud(x), Cloud(y)) == pytest.approx(float(torch.tensor(means).std()), rel=0.05)
        wide, tall = matched(20, 40)
        means = [float((wide * tall[torch.randperm(20, generator=random)]).sum(dim=1).mean()) for _ in range(4000)]
        assert _checks._noise(Cloud(wide), Cloud(tall)) == pytest.approx(float(torch.tensor(means).std()), rel=0.05)

    def test_identical_files(self) -> None:
        x, _ = matched()
        assert states(x, x)["identical rows"] == "failed"

    def test_of_troubled_files_there_is_a_report_all_the_same(self) -> None:
        x, y = matched()
        point = torch.ones(80, 8)
        for a, b in ((x, x), (point, y), (x, y.roll(1, dims=0))):
            found = report.make(pairs(a, b), temperatures=FEW)
            assert not found.passed
            assert "✗ failed" in page.render(found)
            json.dumps(found.as_json(), allow_nan=False)
        assert math.isnan(report.make(pairs(x, x), temperatures=FEW).measures["top_dimensions_share"])

    def test_repeated_rows(self) -> None:
        x, y = matched()
        assert states(x.repeat_interleave(2, 0)[:80], y)["repeated rows of image"] == "note"
        both = states(x.repeat_interleave(2, 0), y.repeat_interleave(2, 0))
        assert {both["repeated rows of image"], both["repeated rows of text"]} == {"failed"}

    def test_a_collapsed_tower(self) -> None:
        x, y = matched()
        found = states(x, geometry.normalize(torch.ones(8) + 1e-3 * y))
        assert (found["spread of text"], found["spread of image"]) == ("failed", "passed")

    def test_lengths_and_half_precision(self) -> None:
        x, y = matched()
        found = states(7 * x, y)
        assert (found["norms"], found["half precision"]) == ("note", "passed")
        cut = (1e6 * x).clamp(-65504, 65504)
        assert states(cut, y)["half precision"] == "failed"

    @pytest.mark.parametrize(("name", "state"), [
        ("text.npy,image.npy", "note"), ("a/captions.npy,b/img_emb.npy", "note"), ("image.npy,text.npy", "passed"),
        ("a.npy,b.npy", "passed"), ("image_text.npy,text_image.npy", "passed"), ("text/x.npy,image/y.npy", "passed"),
    ])  # fmt: skip
    def test_files_in_the_other_order(self, name: str, state: str) -> None:
        assert states(*matched(), name=name)["order of the files"] == state

    def test_a_scale_for_a_temperature(self) -> None:
        x, y = matched()
        assert states(x, y, (0.01, 100.0))["temperatures"] == "failed"
        assert states(x, y, (0.01, 1.0))["temperatures"] == "passed"

    def test_few_rows(self) -> None:
        assert states(*matched(6))["more rows than dimensions"] == "note"


class TestPage:
    def test_it_is_one_file_that_asks_for_nothing(self, made: report.Report) -> None:
        text = page.render(made)
        assert text.count("data:image/svg+xml;base64,") == 2 * 4
        outside = [part for part in ("http://", "https://", "<script", "<link", "@import", "url(") if part in text]
        assert outside == []
        assert f"None of {len(made.checks)} has failed." in text
        for name in metrics.MEASURES:
            assert f"<code>{name}</code>" in text

    def test_what_files_say_is_escaped(self) -> None:
        x, y = matched()
        bad = "<script>alert(1)</script>&\"'"
        labels = tuple(bad if i % 2 else "{{ 7 * 7 }}" for i in range(80))
        loaded = pairs(x, y, name=bad, source=bad, modalities=(bad, "text"), labels=labels)
        text = page.render(report.make(loaded, temperatures=FEW))
        assert "<script" not in text
        assert "{{ 7 * 7 }}" in text
        assert "&lt;script&gt;" in text

    def test_a_table_by_label(self) -> None:
        x, y = matched()
        labels = ("dog",) * 50 + ("cat",) * 29 + ("one",)
        text = page.render(report.make(pairs(x, y, labels=labels), temperatures=FEW))
        gap = geometry.gap_distance(x[:50], y[:50])
        assert f'<th scope="row">dog</th><td class="number">50</td><td class="number">{gap:.3f}</td>' in text
        assert '<th scope="row">one</th>' not in text

    def test_groups_are_right_for_each_other(self) -> None:
        x, y = matched()
        groups = tuple(str(i // 4) for i in range(80))
        found = report.make(pairs(x, y, groups=groups), temperatures=FEW).measures
        assert found["recall_xy_grouped"] == geometry.recall_at_k(x, y, groups=groups)
        assert found["recall_chance_grouped"] == pytest.approx(4 / 80)

    def test_a_failed_check_says_what_to_try(self) -> None:
        x, y = matched()
        text = page.render(report.make(pairs(x, y.roll(1, dims=0)), temperatures=FEW))
        assert "Look at the first rows of both" in text
        assert "✗ failed" in text

    def test_it_is_written_whole_and_replaces_nothing_silently(self, made: report.Report, tmp_path: Any) -> None:
        path = page.write(made, tmp_path / "report.html")
        assert path.read_text(encoding="utf-8").endswith("</html>")
        with pytest.raises(FileExistsError, match="force"):
            page.write(made, path)
        with pytest.raises(ValueError, match=r"a name ending in .html"):
            page.write(made, tmp_path / "report.txt")


def test_the_shipped_clip_pairs_pass_what_goes_wrong() -> None:
    loaded = mindgap.load_pairs("clip")
    found = report.make(loaded, temperatures=[0.01])
    assert [check.name for check in found.checks if check.state != "passed"] == ["more rows than dimensions"]
    assert found.ways["centred"]["mixed_recall_yx"] > 0.4
    assert found.ways["as it is"]["mixed_recall_yx"] < 0.01
    assert math.isclose(found.valleys[0].shift, 0, abs_tol=0.05)


def test_the_published_sets_are_what_the_files_give() -> None:
    stored = json.loads(results.path("published.json").read_text(encoding="utf-8"))["sets"]
    assert [one["name"] for one in stored] == list(mindgap.pairs.feature_names())
    clip = next(one for one in stored if one["name"] == "clip")
    loaded = mindgap.load_pairs("clip")
    for name, value in metrics.report(loaded.x.double(), loaded.y.double()).items():
        assert clip[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name


def test_a_report_can_be_shown(made: report.Report) -> None:
    assert "no check has failed" in repr(made)
    failed = replace(made, checks=(replace(made.checks[0], state="failed"),))
    assert "failed: identical rows" in repr(failed)
