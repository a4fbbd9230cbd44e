"""Sphinx extension: the questions of `mindgap.charts.predict`, each before the figure that it guards.

An output of their type becomes a question in HTML, which is a sentence to whoever has no JavaScript and on paper. What
makes it answerable, and what veils the figure until then, is `_static/mindgap-predict.js`, on the pages that have one.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
MIME = "application/vnd.mindgap.predict.v1+json"  # of the package, which need not be installed
SCRIPT, STYLE = "mindgap-predict.js", "predict.css"
VEILING = "mindgap-predicting"  # the class of a page whose figures stay veiled: not without the script
PLAIN = 'class="output text_html mindgap-plain">'
QUESTION = re.compile(r'<div class="mindgap-predict" id="([^"]+)" data-figure="([^"]+)">')


def question_html(asked: dict[str, Any]) -> str:
    """A question as a sentence, with what the script needs to have it answered."""
    statements = "".join(f"<li>{escape(one)}</li>" for one in asked.get("statements", []))
    body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    name = escape(asked["name"])
    return (
        f'<div class="mindgap-predict" id="{name}" data-figure="{escape(asked["figure"])}">'
        f"<script>document.documentElement.classList.add({json.dumps(VEILING)})</script>"
        f'<p class="mindgap-question" id="{name}-question"><strong>Predict.</strong> {escape(asked["question"])}</p>'
        + (f'<ol class="mindgap-statements">{statements}</ol>' if statements else "")
        + f'<script type="application/json">{body}</script></div>'
    )


def ask(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give every prediction of a notebook its HTML form, before the notebook is parsed."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb" or MIME not in source[0]:
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                output["data"] = {"text/html": question_html(output["data"][MIME])}
    source[0] = json.dumps(notebook)


def veil(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Mark the figures that are guarded, so that they are veiled before any script has come; load that script."""
    body = context.get("body", "")
    asked = list(QUESTION.finditer(body))
    if not asked:
        return
    for found in asked:
        figure = re.compile(rf'<figure(?=[^>]* id="{re.escape(found[2])}")(?! data-guarded)')
        if not figure.search(body, found.end()):
            LOGGER.warning(f"{pagename}: {found[1]} guards {found[2]}, which is no figure after it")
        context["body"] = figure.sub('<figure data-guarded=""', context["body"])
    context["body"] = re.sub(r'class="output text_html">(?=\s*<div class="mindgap-predict")', PLAIN, context["body"])
    address = context["pathto"](f"_static/{SCRIPT}", 1)
    gone = f"document.documentElement.classList.remove('{VEILING}')"
    context["body"] += f'<script defer src="{address}" onerror="{gone}"></script>'


def add_style(app: Sphinx) -> None:
    if app.builder.format == "html":
        app.add_css_file(STYLE)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", ask)
    app.connect("builder-inited", add_style)
    app.connect("html-page-context", veil, priority=850)  # before the script of the figures, which is for later
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
