"""Works are labelled as the text cites them: by author and year."""

from __future__ import annotations

from collections import Counter
from string import ascii_lowercase
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.style.formatting.alpha import Style as AlphaStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx

from book.plain import authors


class AuthorYearLabels(BaseLabelStyle):
    """`Liang et al., 2022`, and a letter behind the year where two works would be called the same."""

    def format_labels(self, sorted_entries: list[Any]) -> Any:
        labels = [f"{authors(entry)}, {entry.fields.get('year', 'n.d.')}" for entry in sorted_entries]
        often, seen = Counter(labels), Counter[str]()
        for label in labels:
            yield label + (ascii_lowercase[seen[label]] if often[label] > 1 else "")
            seen[label] += 1


class AuthorYearStyle(AlphaStyle):
    default_sorting_style = "author_year_title"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.label_style = AuthorYearLabels()
        self.format_labels = self.label_style.format_labels


def setup(app: Sphinx) -> None:
    register_plugin("pybtex.style.formatting", "author-year", AuthorYearStyle)
