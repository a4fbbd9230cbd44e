"""The loss along the gap by itself: its numbers are those of the report, its page needs no other file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mindgap import landscape, report
from mindgap.report import landscapes
from tests.report.test_report import FEW, matched, pairs


def test_it_is_what_the_report_says() -> None:
    mine = pairs(*matched())
    curve, valleys, sample = report.along_the_gap(mine, FEW)
    whole = report.make(mine, temperatures=FEW)
    assert valleys == whole.valleys
    assert curve.loss.equal(whole.landscape.loss)
    assert sample is None
    assert whole.as_json()["valleys"] == [one.as_row() for one in valleys]


def test_batches_and_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = pairs(*matched())
    _, (valley,), _ = report.along_the_gap(mine, [0.1], batch_size=20)
    assert valley.loss_here == pytest.approx(
        float(landscape.contrastive_loss(mine.x, mine.y, 0.1, batch_size=20)), rel=1e-6
    )
    monkeypatch.setattr(report, "MOST", 60)
    monkeypatch.setattr(report, "SAMPLE", 20)
    names: list[str] = []
    _, (valley,), sample = report.along_the_gap(mine, [0.1], progress=names.append)
    assert sample == 20
    assert valley.spread is not None
    assert names == ["landscape", "valley at 0.1"]
    with pytest.raises(ValueError, match="batch_size: expected a whole number from 2 to 20"):
        report.along_the_gap(mine, [0.1], batch_size=21)


def test_the_page_asks_for_no_other_file(tmp_path: Path) -> None:
    curve, _, _ = report.along_the_gap(pairs(*matched()), FEW)
    path = landscapes.write({"<mine>": curve, "other": curve}, tmp_path / "x.html")
    page = path.read_text(encoding="utf-8")
    assert "<h1>The loss along the gap: &lt;mine&gt;, other</h1><div" in page
    assert not re.search(r"<(script|link)[^>]*(src|href)=", page)
    assert json.dumps("global minimum") in page
    with pytest.raises(FileExistsError):
        landscapes.write({"mine": curve}, path)
