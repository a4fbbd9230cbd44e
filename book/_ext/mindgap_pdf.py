"""Sphinx extension: the whole book as one page, for the PDF, and a link to that PDF from every page of the site.

The link is there once `make pdf` has made the file; what it leads to is copied into the site.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PDF = Path(__file__).parents[2] / "_build/pdf/mind-the-gap.pdf"


def write_as_html_does(app: Sphinx) -> None:
    """Let the builder of one page write every kind of node that the builder of many can.

    Sphinx falls back to the handlers of "html" only if no extension has named one for "singlehtml", and one has.
    """
    handlers = app.registry.translation_handlers
    if app.builder.name == "singlehtml":
        handlers["singlehtml"] = {**handlers.get("html", {}), **handlers.get("singlehtml", {})}


def offer(app: Sphinx) -> None:
    """Put the PDF into the site."""
    if app.builder.name == "html" and PDF.exists():
        app.config.html_static_path.append(str(PDF))


def link(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """A button among those for downloading a page."""
    if app.builder.name != "html" or not PDF.exists():
        return
    for group in context.get("header_buttons", []):
        if group.get("label") == "download-buttons":
            group["buttons"].append(
                {
                    "type": "link",
                    "url": context["pathto"](f"_static/{PDF.name}", 1),
                    "text": "whole book",
                    "tooltip": "The whole book as one PDF",
                    "icon": "fas fa-file-pdf",
                    "label": "download-book-button",
                }
            )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_as_html_does)
    app.connect("builder-inited", offer)
    app.connect("html-page-context", link, priority=950)  # after the theme has made its buttons
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
