"""The data of a page's figures as CSV: a third of the bytes, the same chart, and the same rows in the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import vl_convert

pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")

from book._ext import mindgap_columns, mindgap_vega
from book._ext.mindgap_columns import compact
from mindgap.charts.theme import stored
from tests.charts import makers

NAMES = ("landscape_curves", "gap_map", "training_scrubber", "softmax_weights", "best_distances", "closing_paths")
ROWS = [
    {"τ, in words": 'a "b", c', "loss": 0.00001234, "count": 3, "own": True, "line\nend": "x"},
    {"τ, in words": "1/100", "loss": None, "count": -4.0, "own": False, "line\nend": "7"},
]


def specification(name: str) -> dict[str, Any]:
    return stored(makers.MAKERS[name]().to_dict())


@pytest.mark.parametrize("name", NAMES)
def test_the_same_chart_is_drawn(name: str) -> None:
    spec = specification(name)
    smaller = compact(spec)
    assert any(isinstance(rows, str) for rows in smaller["datasets"].values())
    drawn = [vl_convert.vegalite_to_svg(one) for one in (smaller, spec)]
    one, other = (re.sub(r"\b(clip|gradient)[\w-]*\d+", r"\1", svg) for svg in drawn)  # counted through all pictures
    assert one == other


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": 1}, {"b": 1}],
        [{"a": 1}, {"a": "1"}],
        [{"a": ""}, {"a": "x"}],
        [{"a": None}],
        [{"a": "one\rline"}],
        [{"a\r": 1}],
        [{"a": [1, 2]}],
        [{"a.b": 1}],
        [{}],
        [],
        "a\n1\n",
    ],
)
def test_what_csv_would_change_stays_as_it_is(rows: Any) -> None:
    spec = {"data": {"name": "d"}, "datasets": {"d": rows}}
    assert compact(spec) == spec


@pytest.mark.parametrize("data", [{"name": "d", "format": {"parse": {"a": "date"}}}, {"name": "other"}])
def test_what_no_plain_reference_says_how_to_read_stays_as_it_is(data: Any) -> None:
    spec = {"layer": [{"data": data}], "datasets": {"d": [{"a": "2022"}]}}
    assert compact(spec) == spec
    both = {"layer": [{"data": data}, {"data": {"name": "d"}}], "datasets": {"d": [{"a": "2022"}]}}
    assert (compact(both) == both) == ("format" in data)


def test_the_page_has_the_same_rows(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    charts = [specification(name) for name in NAMES]
    charts.append({"data": {"name": "d"}, "datasets": {"d": ROWS, "e": [{}]}, "layer": [{"name": "d"}]})
    assert isinstance(compact(charts[-1])["datasets"]["d"], str)
    (tmp_path / "charts.json").write_text(json.dumps([compact(chart) for chart in charts]), encoding="utf-8")
    source = (Path(mindgap_vega.HERE) / "figures/rows.js").read_text(encoding="utf-8")
    source += "\nconst charts = JSON.parse(require('fs').readFileSync('charts.json', 'utf-8'));"
    source += "\nconsole.log(JSON.stringify(charts.map(withRows)));"
    (tmp_path / "read.cjs").write_text(source, encoding="utf-8")
    done = subprocess.run([node, "read.cjs"], cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(done.stdout) == json.loads(json.dumps(charts)), done.stderr


def test_numbers_are_as_long_as_in_json() -> None:
    assert mindgap_columns.as_csv([{"a": 1.0, "b": 0.1, "c": 1e-7, "d": None}]) == "a,b,c,d\n1,0.1,1e-07,\n"
    assert mindgap_columns.as_csv([{"a": -0.0, "b": -3.0}]) == "a,b\n-0,-3\n"  # in JavaScript 1/−0 is not 1/0
