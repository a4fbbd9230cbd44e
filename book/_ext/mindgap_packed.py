"""Bytes as the text of a script: a page that was opened from a file may read nothing else than scripts.

Base64 spends eight bits on six. Here a letter of ASCII holds seven, but for the five that cannot stand between quotes,
or get lost: these become the letter that is 128 further on, which takes two bytes in UTF-8. `packed/bytes.js` reads it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

JS = Path(__file__).parent / "packed/bytes.js"
MOVED = {letter: letter + 128 for letter in map(ord, '\0\n\r"\\')}


def packed(content: bytes) -> str:
    """The text of `content`, to be put between double quotes as it is."""
    letters = bytearray()
    for start in range(0, len(content), 7):
        block = content[start : start + 7]
        count = -(-8 * len(block) // 7)
        number = int.from_bytes(block, "big") << (7 * count - 8 * len(block))
        letters += bytes(number >> 7 * (count - 1 - place) & 127 for place in range(count))
    return letters.decode("ascii").translate(MOVED)


def unpacked(text: str) -> bytes:
    """What `packed` was given."""
    content = bytearray()
    for start in range(0, len(text), 8):
        block = text[start : start + 8]
        number = 0
        for letter in block:
            number = number << 7 | ord(letter) & 127
        size = 7 * len(block) // 8
        content += (number >> (7 * len(block) - 8 * size)).to_bytes(size, "big")
    return bytes(content)


def planes(content: bytes) -> bytes:
    """Numbers of two bytes with their first bytes before all second ones, which then compress by themselves."""
    return content[0::2] + content[1::2]


def written(value: Any) -> str:
    """JSON for a script, of a value with bytes in it: each is an object with its `size` and its `letters`."""
    texts: list[str] = []

    def kept(content: bytes) -> dict[str, Any]:
        texts.append(packed(content))
        return {"size": len(content), "letters": f"\0{len(texts) - 1}"}

    text = json.dumps(value, default=kept, ensure_ascii=False, separators=(",", ":"))
    for place, letters in enumerate(texts):  # JSON would write the letters below the blank in six each
        text = text.replace(json.dumps(f"\0{place}"), f'"{letters}"')
    return text
