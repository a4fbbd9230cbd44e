"""What a command says when something goes wrong: one line, and with --debug where."""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mindgap import pairs
from mindgap.cli import COMMANDS
from tests.cli.conftest import Invoke, assert_one_line
from tests.waiting import HANG

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


class Terminal:
    """A command that trains for long in a pseudo-terminal of so many columns."""

    def __init__(self, folder: Path, columns: int) -> None:
        import pty

        self.ours, self.theirs = pty.openpty()
        self.resize(columns)
        words = "train m.safetensors --steps 50000 --width 16 --heads 2 --layers 1 --embed-dim 8 --patch 8".split()
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what is ignored here is ignored there
        try:
            self.ran = subprocess.Popen(
                [sys.executable, "-m", "mindgap", *words], cwd=folder, stdin=self.theirs, stdout=self.theirs,
                stderr=self.theirs, start_new_session=True,
            )  # fmt: skip
        finally:
            signal.signal(signal.SIGINT, before)
        self.said = b""

    def resize(self, columns: int) -> None:
        import fcntl
        import termios

        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self) -> None:
        self.said += os.read(self.ours, 1000)

    def updates(self) -> list[str]:
        """What a bar has drawn, without what is only begun."""
        return self.said.decode(errors="ignore").split("\r")[1:-1]

    def interrupt(self) -> list[str]:
        """Ctrl-C, and all lines that there were in the end."""
        os.close(self.theirs)
        os.killpg(self.ran.pid, signal.SIGINT)  # as the terminal does
        with contextlib.suppress(OSError):  # how Linux says that nobody writes there any more
            while more := os.read(self.ours, 1000):
                self.said += more
        os.close(self.ours)
        assert self.ran.wait(HANG) == 130
        return self.said.decode().split("\r\n")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, 80)
    yield terminal
    if terminal.ran.poll() is None:  # where the test has failed
        terminal.ran.kill()
        terminal.ran.wait(HANG)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_bar_follows_its_terminal_and_ctrl_c_leaves_a_clean_line_behind_it(terminal: Terminal) -> None:
    while b"step/s, gap" not in terminal.said:
        terminal.read()
    for columns in (50, 120):
        start = len(terminal.updates())
        terminal.resize(columns)
        # What was on its way when the size changed may still have the old one, and the next clears what it left over.
        while len(terminal.updates()) <= start + 6:
            terminal.read()
        assert {len(line.rstrip()) for line in terminal.updates()[start + 3 :]} == {
            columns - 1
        }  # the cursor has the last one
    *before, bar, line, end = terminal.interrupt()
    assert before == [], "no update begins a line of its own"
    assert "training: " in bar
    assert (line, end) == ("interrupted before anything was saved", "")


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


@pytest.mark.parametrize(("words", "said"), [
    (["train", "dir.json"], "error: OUT: expected a name ending in .safetensors"),
    (["train", "a.safetensors", "--learning-rate", "-1"], "error: --learning-rate: expected a number above 0, got -1"),
    (["gap", "mimi"], "error: SOURCE: unknown name 'mimi'; did you mean 'mini'?"),
    (["gap", "mini", "-o", "a.txt"], "error: --output: expected a name ending in .json or .csv"),
    (["fetch", "clip_rnd"], "error: NAMES: unknown name 'clip_rnd'"),
    (["sweep", "temperature", "--seeds", "0"], "error: --seeds: expected a whole number at least 1, got 0"),
])  # fmt: skip
def test_what_is_wrong_is_called_as_it_was_typed(mindgap: Invoke, words: list[str], said: str) -> None:
    ran = mindgap(*words)
    assert ran.exit_code == 2
    assert ran.stderr.startswith(said)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_quiet(mindgap: Invoke, name: str) -> None:
    for words in ([name, "--quiet", "--help"], ["--quiet", name, "--help"]):
        ran = mindgap(*words)
        assert ran.exit_code == 0, ran.output


def test_quiet_in_front_reaches_the_command(mindgap: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bool] = []
    monkeypatch.setattr(pairs, "fetch", lambda name, force, progress: heard.append(progress))
    monkeypatch.setattr("mindgap.cli.fetch.bars", lambda quiet: not quiet)
    for words in (["fetch", "clip"], ["--quiet", "fetch", "clip"], ["fetch", "clip", "--quiet"]):
        mindgap(*words)
    assert heard == [True, False, False]
