"""The book's own modules of JavaScript: their types, and their unit tests under node.

TypeScript comes from npm, by the lock beside its settings; it is fetched once, into `tests/javascript/node_modules`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.waiting import HANG

FOLDER = Path(__file__).parent / "javascript"
LOCK = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
OLDEST = 20  # whose test runner and modules these are


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node on this machine")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(re.findall(r"\d+", version)[0]) < OLDEST:
        pytest.skip(f"node is older than {OLDEST}: {version.strip()}")
    return found


@pytest.fixture(scope="module")
def typescript() -> Path:
    """TypeScript's compiler, in the version of the lock."""
    package = FOLDER / "node_modules/typescript/package.json"
    wanted = LOCK["packages"]["node_modules/typescript"]["version"]
    if not package.exists() or json.loads(package.read_text(encoding="utf-8"))["version"] != wanted:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm on this machine")
        # Without a network it gives up at once, rather than after minutes.
        command = [npm, "ci", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=30000"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=HANG)
        if done.returncode:
            reasons = re.findall(r"npm (?:error|ERR!) (?:code|network) (.+)", done.stderr)
            assert reasons, done.stderr  # the lock itself is at fault
            pytest.skip(f"npm could not fetch TypeScript: {reasons[0]}")
    return package.parent / "bin/tsc"


def test_types_are_right(typescript: Path) -> None:
    command = [node(), str(typescript), "--project", str(FOLDER / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER)
    assert done.returncode == 0, done.stdout


def test_a_wrong_type_is_found(typescript: Path, tmp_path: Path) -> None:
    """The check above can fail: strict, and with the types that stand in comments."""
    shutil.copytree(FOLDER.parents[1] / "book/_ext/playground/engine", tmp_path / "engine")
    wrong = tmp_path / "engine/wrong.js"
    wrong.write_text('import { stepOf } from "./options.js";\n\n/** @type {string} */\nexport const one = stepOf(3);\n')
    settings = json.loads((FOLDER / "tsconfig.json").read_text(encoding="utf-8")) | {"include": ["engine/*.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))
    command = [node(), str(typescript), "--project", str(tmp_path / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode
    assert re.findall(r"error (TS\d+)", done.stdout) == ["TS2322"], done.stdout


def test_unit_tests_under_node() -> None:
    files = sorted(path.name for path in FOLDER.glob("*.test.js"))
    assert len(files) >= 3
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    command = [node(), "--test", "--test-reporter=tap", *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER, env=environment)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"^# pass (\d+)$", done.stdout, re.MULTILINE)[0]) >= len(files)


def test_the_lock_names_no_registry() -> None:
    assert (
        LOCK["packages"][""]["devDependencies"] == json.loads((FOLDER / "package.json").read_text())["devDependencies"]
    )
    for name, package in LOCK["packages"].items():
        assert "resolved" not in package, f"{name}: lock it with npm install --omit-lockfile-registry-resolved"
        assert not name or package["integrity"].startswith("sha512-")
