"""Style sheets of libraries without the rules that nothing on the site can match.

The theme brings all of Bootstrap, two thirds of which no page has a use for, and which every browser would read before
it shows anything. A rule goes if it asks for a class or an id whose name stands in no page and in no script, and that
no script puts together from a part that stands there.
"""

from __future__ import annotations

import re
from typing import Any

import tinycss2

# Sheets of the book itself are no libraries; its scripts put names of classes together from parts.
LIBRARIES = re.compile(r"(?:^|/)(?:styles/[^/]+|mystnb[^/]*|basic)\.css$")
WORD = re.compile(r"[\w-]+")
BEGUN = re.compile(r"(?<![\w-])[a-z][a-z-]+-(?=\$\{|[\"'`])")  # `bs-${kind}-auto`, "claim-" + number
NEGATED = re.compile(r":not\([^()]*\)|\[[^\]]*\]")  # and what is said of other attributes
NAMED = re.compile(r"[.#]((?:[\w-]|\\.)+)")
NESTING = ("media", "supports", "layer")


def words(texts: list[str]) -> set[str]:
    """Everything that could be the name of a class; with a * at its end, what such a name could begin with."""
    begun = {f"{begin}*" for text in texts for begin in BEGUN.findall(text)}
    return begun.union(*(WORD.findall(text) for text in texts))


def could_be(name: str, known: set[str]) -> bool:
    return name in known or any(f"{name[: hyphen.end()]}*" in known for hyphen in re.finditer("-", name))


def matches(selector: str, known: set[str]) -> bool:
    """Whether a selector asks for nothing but what is known."""
    names = (re.sub(r"\\(.)", r"\1", name) for name in NAMED.findall(NEGATED.sub("", selector)))
    return all(could_be(part, known) for name in names for part in WORD.findall(name))


def selectors(prelude: list[Any]) -> list[str]:
    """The selectors of a rule: a comma within brackets parts none."""
    parts: list[list[Any]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [tinycss2.serialize(part).strip() for part in parts]


def used(rules: list[Any], known: set[str]) -> str:
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            found = [selector for selector in selectors(rule.prelude) if matches(selector, known)]
            if found:
                kept.append(f"{','.join(found)}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == "at-rule" and rule.content is not None and rule.lower_at_keyword in NESTING:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if within := used(inner, known):
                kept.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{within}}}")
        else:
            kept.append(rule.serialize())
    return "\n".join(kept)


def slim(sheet: str, known: set[str]) -> str:
    """The sheet with the rules that could match; raises ValueError on a sheet that cannot be read."""
    rules = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
    if wrong := [rule for rule in rules if rule.type == "error"]:
        raise ValueError(f"line {wrong[0].source_line}: {wrong[0].message}")
    return used(rules, known) + "\n"
