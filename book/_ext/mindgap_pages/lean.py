"""Pages without what nobody sees: indents and empty lines of templates, spans without a style, lists that are hidden.

A page looks and reads the same. Of a page of the API reference this is a third.
"""

from __future__ import annotations

import re

# What is in these stays as it is, to the last blank.
KEPT = re.compile(r"(<(pre|textarea|script|style)\b.*?</\2>)", re.DOTALL)
COMMENT = re.compile(r"<!--(?!\[if).*?-->", re.DOTALL)
LINES = re.compile(r"[ \t]*\n\s*")
UNSTYLED = re.compile(r'<span class="(?:pre|w)">([^<]*)</span>')  # blanks have no colour
CODE = re.compile(r'<div class="highlight"><pre>.*?</pre>', re.DOTALL)
# Names, punctuation and blanks have the colour of all code.
UNCOLOURED = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>|<span></span>')
PLACE_FOR_NOTHING = re.compile(r'<div id="ethical-ad-placement".*?</div>', re.DOTALL)
PRINTED = re.compile(r'(<div id="jb-print-toc">.*?<nav\b[^>]*>)(.*?)(</nav>)', re.DOTALL)


def outside(page: str, mend: re.Pattern[str], by: str) -> str:
    """`mend` replaced where blanks and line breaks mean nothing."""
    parts = KEPT.split(page)  # text, what is kept, its tag, text, …
    parts[::3] = [mend.sub(by, part) for part in parts[::3]]
    del parts[2::3]
    return "".join(parts)


def first_level(contents: re.Match[str]) -> str:
    """Contents as they are printed: the theme hides the lists within the list."""
    depth, made = 0, ""
    for part in re.split(r"(<ul\b[^>]*>|</ul>)", contents[2]):
        depth += part.startswith("<ul")
        made += part if depth <= 1 else ""
        depth -= part == "</ul>"
    return contents[1] + made + contents[3]


def lean(page: str) -> str:
    page = PRINTED.sub(first_level, page)
    page = PLACE_FOR_NOTHING.sub("", page)
    page = outside(page, COMMENT, "")
    page = outside(page, UNSTYLED, r"\1")
    page = CODE.sub(lambda code: UNCOLOURED.sub(r"\1", code[0]), page)
    return outside(page, LINES, "\n")
