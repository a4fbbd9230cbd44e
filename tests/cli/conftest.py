"""What the tests of all commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mindgap.cli import app

Invoke = Callable[..., Result]


@pytest.fixture
def mindgap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """The command, called in an empty folder, `tmp_path`: `mindgap("gap", "clip")`."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def assert_one_line(result: Result, message: str) -> None:
    """A refusal: exit code 2, one line on stderr that holds `message`, nothing on stdout, no traceback."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
