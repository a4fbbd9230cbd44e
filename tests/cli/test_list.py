"""`mindgap list`: every name it lists is one that the other commands take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mindgap import pairs, results
from tests.cli.conftest import Invoke


def test_names_are_names(mindgap: Invoke) -> None:
    found = json.loads(mindgap("list", "--json").stdout)
    names = [row["name"] for row in found["sources"]]
    assert set(pairs.feature_names()) < set(names)
    for name in names:
        assert pairs.options_of(name.replace("FILE", "x.safetensors")) is not None
    assert {row["name"] for row in found["results"]} == {
        name for name in results.names() if name.startswith("sweep") or name == "cones.json"
    }


def test_it_says_what_is_here(mindgap: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINDGAP_DATA", str(tmp_path))
    monkeypatch.setenv("MINDGAP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "features_convirt.npy").write_bytes(b"altered")
    rows = {row["name"]: row["where"] for row in json.loads(mindgap("list", "--json").stdout)["sources"]}
    assert rows["clip"] == "comes with the package"
    assert rows["clasp"] == "not here: mindgap fetch clasp"
    assert rows["convirt"] == "altered, so not used"


def test_the_table_fits_a_terminal(mindgap: Invoke) -> None:
    ran = mindgap("list")
    assert ran.exit_code == 0
    assert "sweep_temperature.json" in ran.stdout
    assert "open_clip:ViT-B-32/openai" in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80
