"""Sections that are laid out a moment later: of a long page only what is seen is needed at first.

A browser leaves out a section that is far away (`content-visibility` in mindgap.css) until mindgap-pages.js has it laid
out, and must know until then about how tall it is, or the bar beside the page jumps. That is guessed here, for a column
as wide as it gets; on a phone it is more.
"""

from __future__ import annotations

import math
import re

from bs4 import BeautifulSoup

FOLD = "dropdown"  # the class of what togglebutton.js folds
SECTION = re.compile(r"<(/?)section\b([^>]*)>")
LEFT_OUT = re.compile(
    r"<(script|style|template|annotation)\b.*?</\1>|<details\b(?![^>]*\bopen\b).*?</details>"
    r'|<img class="mindgap-still mindgap-dark"[^>]*>|<span class="explanation".*?</span>',
    re.DOTALL,
)
PICTURE = re.compile(r'<img\b[^>]*\bheight="([\d.]+)"[^>]*>')
CODE = re.compile(r"<pre\b[^>]*>(.*?)</pre>", re.DOTALL)
BLOCK = re.compile(r"<(p|li|h[1-6]|tr|figcaption|dt|dd)\b|class=\"math ")
TAG = re.compile(r"<[^>]*>")
LETTERS, LINE, CODE_LINE, BETWEEN, AROUND_FIGURE = 88, 26, 20, 18, 110


def unfolded(html: str) -> str:
    """A section without what is folded in it: hints and solutions, until they are opened."""
    if FOLD not in html:
        return html
    parsed = BeautifulSoup(html, "html.parser")
    for fold in parsed.select(f".{FOLD} > :not(.admonition-title)"):
        fold.decompose()
    return str(parsed)


def tall(html: str) -> int:
    """About how many pixels a section takes."""
    html = unfolded(LEFT_OUT.sub("", html))
    pictures = [float(height) for height in PICTURE.findall(html)]
    code = [block.count("\n") + 1 for block in CODE.findall(html)]
    text = len(TAG.sub("", CODE.sub("", html)))
    blocks = len(BLOCK.findall(html))
    lines = math.ceil(text / LETTERS) + blocks / 2
    return round(
        sum(pictures)
        + AROUND_FIGURE * len(pictures)
        + CODE_LINE * sum(code)
        + LINE * lines
        + BETWEEN * (len(code) + blocks)
    )


def at_need(page: str) -> str:
    """The page with the height of each section of its own noted: of those right below the one with the title."""
    depth, start, parts, last = 0, 0, [], 0
    head: re.Match[str] | None = None
    for tag in SECTION.finditer(page):
        if tag[1]:
            if depth == 2 and head is not None:
                height = tall(page[start : tag.start()])
                parts += [page[last : head.start()], f'<section{head[2]} style="--tall: {height}">']
                last, head = head.end(), None
            depth -= 1
        else:
            depth += 1
            if depth == 2:
                head, start = tag, tag.end()
    return "".join([*parts, page[last:]])
