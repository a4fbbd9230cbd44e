"""Bytes in the text of a script: nothing is lost, nothing needs an escape, and the page reads the same."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from book._ext import mindgap_packed
from book._ext.mindgap_packed import packed, planes, unpacked, written


def some(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", range(20))
def test_what_is_packed_comes_back(size: int) -> None:
    assert unpacked(packed(some(size))) == some(size)


def test_every_byte_may_stand_between_quotes_and_takes_little_room() -> None:
    content = bytes(range(256)) * 40 + some(5000)
    text = packed(content)
    assert not set(text) & set('\0\n\r"\\')
    assert json.loads(f'"{text}"', strict=False) == text
    assert len(packed(some(70_000)).encode()) < 1.2 * 70_000  # of base64 it is 1.33


def test_the_page_reads_what_is_written(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    content = [bytes(range(256)), some(1001), b""]
    lines = [
        f'import {{ bytesOf, interleaved }} from "{mindgap_packed.JS.as_uri()}";',
        f"const given = {written({'all': content})}.all;",
        'const hex = (bytes) => Buffer.from(bytes).toString("hex");',
        "for (const one of given) console.log(hex(bytesOf(one)));",
        "console.log(hex(interleaved(bytesOf(given[0]))));",
        'const wrong = Buffer.from(given[0].letters, "utf-8").toString("latin1");',
        "try { bytesOf({ size: 256, letters: wrong }) } catch (error) { console.log(error.message) }",
    ]
    script = tmp_path / "read.mjs"
    script.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([node, str(script)], capture_output=True, text=True)
    *read, mixed, refused = done.stdout.splitlines()
    assert [bytes.fromhex(one) for one in read] == content, done.stderr
    assert planes(bytes.fromhex(mixed)) == content[0]
    assert refused == "a file came in another encoding than UTF-8"
