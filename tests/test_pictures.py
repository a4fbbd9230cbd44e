"""The pictures of figures' first states: smaller than Vega draws them, the same to look at, light and dark in one."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
import vl_convert
from PIL import Image

from book._ext import mindgap_pictures, mindgap_vega
from tests.charts import makers

NAMES = ("landscape_curves", "network_view", "softmax_weights", "training_scrubber", "shift_explorer")


def specification(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = makers.MAKERS[name]().to_dict()
    return spec


def pixels(svg: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(vl_convert.svg_to_png(svg))).convert("RGB")).astype(float)


@pytest.mark.parametrize("name", NAMES)
def test_a_slim_picture_looks_the_same(name: str) -> None:
    drawn = mindgap_vega.still(specification(name), "light")
    slim = mindgap_pictures.slim(drawn)
    assert len(slim) < 0.75 * len(drawn)
    before, after = pixels(drawn), pixels(slim)
    assert before.shape == after.shape
    off = np.abs(before - after).max(axis=-1)
    assert off.mean() < 0.25  # of 255: letters and lines move by less than a hundredth of a pixel
    assert (off > 80).mean() < 2e-4
    shown = re.sub(r"<[^>]+>", " ", re.sub(r"<[^>]+display=\"none\"[^>]*>[^<]*", "", drawn)).split()
    assert re.sub(r"<[^>]+>", " ", slim).split() == shown  # no word and no number in words is touched
    assert mindgap_pictures.slim(slim) == slim


def test_what_nobody_sees_is_left_out_and_what_cuts_out_is_not() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">'
        '<defs><clipPath id="clip17"><path d="M0,0h1.23456v5Z"/></clipPath></defs><g fill="none"><g role="a">'
        '<path class="background" d="M0,0h0v0h0Z" pointer-events="none"/></g>'
        '<g clip-path="url(#clip17)"><path d="M1.0000001,-0.0001" stroke="#112233" opacity="1"/></g>'
        '<path d="M0,0" stroke="#112233" display="none"/><text font-family="A">0.98765</text></g></svg>'
    )
    assert mindgap_pictures.slim(svg) == (
        '<svg font-family="A" xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        '<defs><clipPath id="n0"><path d="M0,0h1.23v5Z"/></clipPath></defs><g fill="none">'
        '<g clip-path="url(#n0)"><path d="M1,0" stroke="#112233"/></g><text>0.98765</text></g></svg>'
    )


def test_light_and_dark_in_one() -> None:
    light = '<svg width="1"><path fill="#111111" stroke="#aaaaaa"/><path fill="#111111"/><path fill="#222222"/></svg>'
    dark = '<svg width="1"><path fill="#eeeeee" stroke="#aaaaaa"/><path fill="#eeeeee"/><path fill="#dddddd"/></svg>'
    assert mindgap_pictures.both(light, dark) == (
        '<svg id="dark" width="1"><style>svg{--0:#111111;--1:#222222}svg:target{--0:#eeeeee;--1:#dddddd}</style>'
        '<path fill="var(--0)" stroke="#aaaaaa"/><path fill="var(--0)"/><path fill="var(--1)"/></svg>'
    )
    with pytest.raises(ValueError, match="not the same in other colours"):
        mindgap_pictures.both(light, dark.replace('width="1"', 'width="2"'))
