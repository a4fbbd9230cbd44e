"""Formulas as MathML: what is converted, what a page needs to show it, and what becomes of a mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")

import math_core
from fontTools.ttLib import TTFont

from book._ext import mindgap_math


def test_a_display_is_told_from_a_formula_in_a_line() -> None:
    assert re.match(r'<math display="block">', mindgap_math.mathml(r"\sum_i x_i", True))
    assert mindgap_math.mathml("x", False).startswith("<math>")
    with pytest.raises(math_core.LatexError):
        mindgap_math.mathml(r"\nosuchcommand", True)


@pytest.mark.parametrize("latex", [r"\Big\lVert x \Big\rVert^2", r"\big(a\big)^{-1}", r"\Big|_{u=0}", r"\big]_a^b"])
def test_a_sized_bracket_with_an_index_stays_sized(latex: str) -> None:
    """A browser stretches an operator in a row, and not one that has an index."""
    found = mindgap_math.mathml(latex, True)
    assert re.search(r"<m(?:sub|sup|subsup)><mrow><mo [^>]*minsize", found)
    assert not re.search(r"<m(?:sub|sup|subsup)><mo [^>]*minsize", found)


def test_the_letters_of_a_page_are_those_of_its_formulas_with_their_italics() -> None:
    page = "<p>only β</p><math><mi>x</mi><mo>&#x2211;</mo><mi>h</mi><mi>τ</mi><mn>1</mn></math>"
    assert mindgap_math.letters([page]) == {ord(letter) for letter in "x∑hτ1"} | {0x1D465, 0x210E, 0x1D70F}


def test_the_font_has_what_was_asked_for_and_can_be_set_with(tmp_path: Path) -> None:
    asked = {ord(letter) for letter in "x∑(√‖′"} | {0x1D465}
    missing = mindgap_math.write_font({*asked, 0x4E00}, tmp_path / "font.woff2")
    assert missing == {0x4E00}
    font = TTFont(tmp_path / "font.woff2")
    assert asked <= set(font.getBestCmap())
    assert font["MATH"].table.MathVariants is not None, "what stretches"
    assert (tmp_path / "font.woff2").stat().st_size < 40_000
    features = font["GSUB"].table
    primes = [i for i, one in enumerate(features.FeatureList.FeatureRecord) if one.FeatureTag == "ssty"]
    for script in features.ScriptList.ScriptRecord:
        assert set(primes) & set(script.Script.DefaultLangSys.FeatureIndex), "raised primes in any text"


@pytest.mark.parametrize("latex", [r"\sqrt{1 - g^2}", r"\sqrt[3]{x}"])
def test_a_root_has_its_sign(latex: str, tmp_path: Path) -> None:
    """Browsers take it from the font, as a letter that no page names."""
    codes = mindgap_math.letters([mindgap_math.mathml(latex, True)])
    assert ord("√") in codes
    assert mindgap_math.write_font(codes, tmp_path / "font.woff2") == set()
    assert ord("√") in TTFont(tmp_path / "font.woff2").getBestCmap()
    assert ord("√") not in mindgap_math.letters([mindgap_math.mathml("x", True)])
