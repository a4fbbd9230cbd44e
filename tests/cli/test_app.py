"""The command as a whole: its helps, what they load, and its version."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from typer.main import get_command

import mindgap as package
from mindgap import cli
from tests.cli.conftest import Invoke

COMMANDS = (
    "gap",
    "report",
    "landscape",
    "shift",
    "zeroshot",
    "list",
    "show",
    "fetch",
    "cache",
    "embed",
    "train",
    "cones",
    "sweep",
    "claims",
)
HEAVY = {"torch", "numpy", "pandas", "altair", "open_clip", "torchvision", "llvmlite", "scipy", "PIL", "pooch", "tqdm"}
HELPS = [[], ["--help"], ["-h"], ["--version"], *([command, "--help"] for command in COMMANDS)]

# Run in a process of its own: what is loaded after each of the calls that are given as JSON.
_CALL_EACH = """
import contextlib, io, json, sys
from mindgap.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["mindgap", *words]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
        main()
    modules = sorted({name.partition(".")[0] for name in sys.modules})
    print(json.dumps([words, printed.getvalue().strip()[:80], modules]))
"""


def called(*calls: list[str]) -> list[tuple[list[str], str, set[str]]]:
    """What each call prints first, and the top-level modules that are loaded after it."""
    ran = subprocess.run([sys.executable, "-c", _CALL_EACH, json.dumps(calls)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    return [(words, printed, set(modules)) for words, printed, modules in rows]


def test_no_help_loads_anything_heavy() -> None:
    found = called(*HELPS)
    assert [words for words, *_ in found] == HELPS
    for words, printed, modules in found:
        assert printed, words
        assert not modules & HEAVY, words


def test_completion_loads_nothing_heavy() -> None:
    script = (
        "import sys; from mindgap.cli import main\ntry: main()\nfinally: print(sorted(sys.modules), file=sys.stderr)"
    )
    words = {"_MINDGAP_COMPLETE": "complete_bash", "COMP_WORDS": "mindgap sw", "COMP_CWORD": "1"}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=words)
    assert ran.stdout.split() == ["sweep"]
    assert not HEAVY & set(ran.stderr.replace("'", " ").replace(",", " ").split())


def test_the_commands_are_all_there() -> None:
    assert tuple(get_command(cli.app).commands) == COMMANDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_the_help_says_what_to_try_first(mindgap: Invoke, words: list[str]) -> None:
    assert "Try first: mindgap gap mini" in mindgap(*words).output


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_examples_that_name_their_options_rightly(mindgap: Invoke, command: str) -> None:
    text = mindgap(command, "-h").output
    examples = [line.split() for line in text.splitlines() if line.strip().startswith(f"mindgap {command}")]
    assert examples
    known = {name for parameter in get_command(cli.app).commands[command].params for name in parameter.opts}  # type: ignore[attr-defined]
    assert {word for words in examples for word in words if word.startswith("--")} <= known


def test_the_version_is_that_of_the_package(mindgap: Invoke) -> None:
    result = mindgap("--version")
    assert (result.exit_code, result.stdout) == (0, f"mindgap {package.__version__}\n")


def test_python_m_mindgap_is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "mindgap", "gap", "-h"], capture_output=True, text=True)
    assert ran.returncode == 0
    assert re.search(r"Usage: mindgap gap", ran.stdout)
