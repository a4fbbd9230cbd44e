"""`mindgap fetch`: names are looked at before anything is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mindgap import pairs
from tests.cli.conftest import Invoke, assert_one_line


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was asked for, instead of a download."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def fetch(name: str, **options: Any) -> Path:
        asked.append((name, options))
        return Path("cache", name)

    monkeypatch.setattr(pairs, "fetch", fetch)
    return asked


def test_without_names_all_eight_are_fetched(mindgap: Invoke, fetched: list[tuple[str, dict[str, Any]]]) -> None:
    result = mindgap("fetch")
    assert result.exit_code == 0, result.output
    assert [name for name, _ in fetched] == list(pairs.feature_names())
    assert result.stdout.splitlines() == [str(Path("cache", name)) for name in pairs.feature_names()]


def test_options_are_passed_on(mindgap: Invoke, fetched: list[tuple[str, dict[str, Any]]]) -> None:
    assert mindgap("fetch", "convirt", "--force", "--quiet").exit_code == 0
    assert fetched == [("convirt", {"force": True, "progress": False})]


def test_a_typo_is_found_before_any_download(mindgap: Invoke, fetched: list[tuple[str, dict[str, Any]]]) -> None:
    assert_one_line(mindgap("fetch", "clip", "clip_rnd"), "NAMES: unknown name 'clip_rnd'; did you mean 'clip_random'")
    assert fetched == []


def test_a_missing_file_is_one_line(mindgap: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, **_: Any) -> Path:
        raise pairs.FeaturesUnavailable(f"{name} is missing")

    monkeypatch.setattr(pairs, "fetch", fetch)
    assert_one_line(mindgap("fetch", "convirt"), "convirt is missing")
