"""Sphinx extension: what the pages of the book need beyond their text. One file here for each thing it does.

`cells` puts the code of a figure below it; `glossary` explains the words of the glossary where a chapter first uses
them; `head` says to machines what a page is; `search` keeps noise out of the search; `bibliography` labels works as the
text cites them; `finish` puts every page in order, just before it is written, `sections` says how tall its sections
are, and `lean` leaves out of it what nobody sees; `assets`, `icons` and `sheets`, after the last page, leave out what
no page uses.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[3]))  # where `book` is

from . import assets, bibliography, cells, finish, glossary, head, search


def setup(app: Sphinx) -> dict[str, Any]:
    for part in (bibliography, cells, glossary, head, search, finish, assets):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
