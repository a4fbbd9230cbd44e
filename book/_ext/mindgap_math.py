"""Sphinx extension: formulas are MathML in the page, set by the browser itself.

They are there with the page's words, without a script, on paper and for whoever listens to the page. The letters come
from STIX Two Math, of which the site carries those that its formulas need.
"""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import math_core
from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
FONT = "mindgap-math.woff2"
INVISIBLE = {0x2061, 0x2062, 0x2063, 0x2064, 0xFE00}  # what one letter is to another, and which form of it
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
ENTITY = re.compile(r"&#x([0-9a-fA-F]+);|&#(\d+);")
# Browsers do not stretch what has an index, and take no other form of an operator for one: both are told otherwise.
SIZED = re.compile(r"(<m(?:sub|sup|subsup)>)(<mo [^>]*minsize=[^>]*>[^<]*</mo>)")
CONVERTER = math_core.LatexToMathML()


def mathml(latex: str, display: bool) -> str:
    """The MathML of a formula.

    Raises:
        math_core.LatexError: The formula is none, or has a command that is not known.
    """
    found: str = CONVERTER.convert_with_local_state(latex, displaystyle=display)
    found = SIZED.sub(r"\1<mrow>\2<mspace/></mrow>", found)
    return found.replace("<mo>′</mo>", "<mi>′</mi>")


def _converted(node: nodes.Element, display: bool) -> str:
    try:
        return mathml(node.astext(), display)
    except math_core.LatexError as error:
        LOGGER.warning("no formula: %s\n%s", node.astext(), error, location=node)
        return f"<code>{node.astext()}</code>"


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(f'<span class="math notranslate nohighlight">{_converted(node, False)}</span>')
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(f'<div class="formula">{_converted(node, True)}</div></div>\n')
    raise nodes.SkipNode


def letters(pages: list[str]) -> set[int]:
    """The code points that the formulas of these pages are set with.

    A browser sets a name of one letter in italics, which are letters of their own in a mathematical font.
    """
    found: set[int] = set()
    for page in pages:
        for formula in FORMULA.findall(page):
            text = re.sub(r"<[^>]*>", "", formula)
            text = ENTITY.sub(lambda code: chr(int(code[1], 16) if code[1] else int(code[2])), text)
            found |= {ord(letter) for letter in text if not letter.isspace()}
            if re.search(r"<m(?:sqrt|root)\b", formula):
                found.add(ord("√"))  # which the browser draws, and no page has as a letter
    return found | {italic(code) for code in found}


def italic(code: int) -> int:
    """The mathematical italic of a Latin or Greek letter; any other character is its own."""
    if code == ord("h"):
        return 0x210E  # Planck's constant, as Unicode has it
    for first, last, start in (("A", "Z", 0x1D434), ("a", "z", 0x1D44E), ("Α", "Ω", 0x1D6E2), ("α", "ω", 0x1D6FC)):
        if ord(first) <= code <= ord(last):
            return start + code - ord(first)
    return {0x2202: 0x1D715, 0x03F5: 0x1D716, 0x03D1: 0x1D717, 0x03F0: 0x1D718, 0x03D5: 0x1D719}.get(code, code)


def write_font(codes: set[int], path: Path) -> set[int]:
    """Write a font with these characters, and what they stretch into; return those that it has not."""
    font = TTFont(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf"))
    for_any_script(font, "ssty")
    options = subset.Options(layout_features=["*"], hinting=False, notdef_outline=True)
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=codes)
    missing = codes - set(font.getBestCmap())
    chosen.subset(font)
    font.flavor = "woff2"
    font.save(path)
    return missing


def for_any_script(font: TTFont, tag: str) -> None:
    """Let a feature of a font that is for mathematics alone work in any text, as which browsers take formulas."""
    table = font["GSUB"].table
    feature = next(index for index, one in enumerate(table.FeatureList.FeatureRecord) if one.FeatureTag == tag)
    for script in table.ScriptList.ScriptRecord:
        default = script.Script.DefaultLangSys
        default.FeatureIndex = sorted({*default.FeatureIndex, feature})
        default.FeatureCount = len(default.FeatureIndex)


def write_fonts(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = [path.read_text(encoding="utf-8") for path in site.rglob("*.html") if "_static" not in path.parts]
    codes = letters(pages)
    if codes and (missing := write_font(codes, site / "_static" / FONT) - INVISIBLE):
        LOGGER.warning(
            "no letter for %s in the font of formulas", " ".join(f"U+{code:04X}" for code in sorted(missing))
        )


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("build-finished", write_fonts, priority=900)  # before what no page uses is left out
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
