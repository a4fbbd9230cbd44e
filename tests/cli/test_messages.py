"""What a command says when something goes wrong: one line, and with --debug where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mindgap import pairs
from tests.cli.conftest import Invoke, assert_one_line

FULL = Path("/dev/full")


def broken(*_: object, **__: object) -> None:
    raise KeyError("[b]unheard[/] of")


def test_a_fault_of_ours_is_one_line_too(mindgap: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "load_pairs", broken)
    ran = mindgap("gap", "clip")
    assert ran.exit_code == 1
    assert ran.stderr.startswith("error: this is a fault of mindgap, not of your input (KeyError: '[b]unheard[/] of')")
    assert ran.stderr.count("\n") == 1
    assert "--debug" in ran.stderr


@pytest.mark.parametrize("words", [["--debug", "gap", "clip"], ["gap", "--debug", "clip"], ["gap", "clip", "--debug"]])
def test_debug_shows_where_wherever_it_stands(
    mindgap: Invoke, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(pairs, "load_pairs", broken)
    ran = mindgap(*words)
    assert ran.exit_code == 1
    assert "Traceback" in ran.stderr
    assert "in broken" in ran.stderr
    monkeypatch.undo()
    assert "Traceback" not in mindgap("gap", "clpi").stderr


def test_debug_behind_two_dashes_is_a_word(mindgap: Invoke) -> None:
    assert_one_line(mindgap("gap", "--", "--debug"), "unknown name '--debug'")


def test_ctrl_c_is_one_line(mindgap: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pairs, "load_pairs", interrupted)
    ran = mindgap("gap", "clip")
    assert (ran.exit_code, ran.stderr) == (130, "interrupted\n")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full, the disk without room")
def test_a_full_disk_is_one_line() -> None:
    with FULL.open("w") as full:
        ran = subprocess.run([sys.executable, "-m", "mindgap", "cache"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert ran.stderr == "error: standard output: No space left on device\n"


def test_a_terminal_without_greek_letters_gets_its_help() -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PATH": ""}
    ran = subprocess.run([sys.executable, "-m", "mindgap", "train", "-h"], capture_output=True, env=ascii_only)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"Usage: mindgap train" in ran.stdout
