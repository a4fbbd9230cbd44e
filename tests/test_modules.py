"""ES modules become one script."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from book._ext import mindgap_modules


def test_a_module_keeps_its_names_to_itself(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    (tmp_path / "a.js").write_text(
        "/** @type {number} */\nconst hidden = 2;\nexport const twice = (x) => hidden * x;\n"
    )
    (tmp_path / "b.js").write_text(
        'import { twice } from "./a.js";\n\nconst hidden = 5;\nexport function ten() {\n  return twice(hidden);\n}\n'
        "export class Nothing {}\nexport async function later() {}\n"
    )
    text, name = mindgap_modules.bundled(tmp_path / "b.js")
    assert text.count("@type") == 0
    done = subprocess.run(
        [node, "-e", f"{text} console.log({name}.ten(), Object.keys({name}).join())"], capture_output=True, text=True
    )
    assert done.stdout.strip() == "10 ten,Nothing,later", done.stderr


def test_a_module_comes_after_what_it_needs(tmp_path: Path) -> None:
    for name, needs in {"a": "", "b": "a", "c": "ab"}.items():
        lines = [f'import {{ {other} }} from "./{other}.js";\n' for other in needs]
        (tmp_path / f"{name}.js").write_text("".join([*lines, f"export const {name} = 1;\n"]))
    assert [path.stem for path in mindgap_modules.needed(tmp_path / "c.js")] == ["a", "b", "c"]
