"""What a page says about itself to search engines, to those who share it, and to whoever lands beside it.

Each page has a description, from its own front matter or its first sentences, and a card with a picture. Where the
address of the site is known, by `html.baseurl` or by MINDGAP_BASEURL, there are canonical addresses and a sitemap.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

PICTURE = "front-page.png"
PICTURE_SAYS = "Two clouds of CLIP embeddings with a slider that pushes them together, beside the loss that rises"
PAPER = {"arXiv": "https://arxiv.org/abs/2203.02053", "DOI": "https://doi.org/10.48550/arXiv.2203.02053"}
LONGEST = 200
OTHERS = {
    "genindex": ("Index", "Every term of the book and every name of the package, with the pages that have it."),
    "py-modindex": ("Modules", "The modules of the package mindgap, each with its page in the API reference."),
    "search": ("Search", "Search the chapters, the appendix and the API reference."),
}


def know_the_address(app: Sphinx, config: Config) -> None:
    """A workflow knows where the site will be; a checkout does not."""
    address = os.environ.get("MINDGAP_BASEURL", "") or config.html_baseurl
    config.html_baseurl = f"{address.rstrip('/')}/" if address else ""


def link_the_paper(app: Sphinx, config: Config) -> None:
    """The foot of every page leads to the paper, and to the repository if it has an address."""
    options = config.html_theme_options
    links = [f'<a href="{address}">{name}</a>' for name, address in PAPER.items()]
    said = f"The paper: Liang, Zhang, Kwon, Yeung and Zou, <em>Mind the Gap</em>, NeurIPS 2022 ({', '.join(links)})."
    if repository := options.get("repository_url"):
        said += f' The book: <a href="{escape(repository)}">its repository</a>.'
    options["extra_footer"] = f"<p>{said}</p>" + options.get("extra_footer", "")


def description(doctree: nodes.document | None) -> str:
    """The first sentences of a page, as many as a search engine shows."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else ():
        above, skipped = paragraph.parent, False
        while above is not None:
            skipped = skipped or isinstance(above, nodes.table | nodes.Admonition | nodes.figure)
            skipped = skipped or "frame" in above.get("classes", ())
            above = above.parent
        text = " ".join(paragraph.astext().split())
        if skipped or len(text) < 20:
            continue
        short = ""
        for sentence in re.split(r"(?<=[.?!:])\s+(?=[A-Z*])", text):
            if short and len(short) + len(sentence) >= LONGEST:
                break
            short = f"{short} {sentence}".strip()
        return short if len(short) <= LONGEST + 100 else short[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""


def add_tags(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    tags = context.get("metatags", "")
    own = re.search(r'<meta\b[^>]*\bname="description"[^>]*>', tags)
    content = re.search(r'content="([^"]*)"', own[0]) if own else None
    other, about = OTHERS.get(pagename, ("", ""))
    says = content[1] if content else escape(about or description(doctree) or app.config.html_title)
    title = escape(re.sub(r"<[^>]+>", "", context.get("title", "")) or other)
    base = app.config.html_baseurl
    picture = f"{base}_static/{PICTURE}" if base else context["pathto"](f"_static/{PICTURE}", 1)
    named = {} if own else {"description": says}
    named |= {"twitter:card": "summary_large_image"}
    properties = {
        "og:title": title,
        "og:description": says,
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:site_name": escape(app.config.html_title),
        "og:image": picture,
        "og:image:alt": PICTURE_SAYS,
    }
    if context.get("pageurl"):
        properties["og:url"] = context["pageurl"]
    lines = [f'<meta name="{name}" content="{value}" />' for name, value in named.items()]
    lines += [f'<meta property="{name}" content="{value}" />' for name, value in properties.items()]
    context["metatags"] = "\n    ".join([tags, *lines])


def only_notebooks_to_download(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """The source of a notebook is worth having, the source of another page is its text without the links."""
    if not str(context.get("sourcename", "")).endswith(".ipynb"):
        context["page_source_suffix"] = ""


def sitemap(app: Sphinx) -> str:
    pages = sorted(app.env.found_docs)
    lines = [f"<url><loc>{escape(app.config.html_baseurl + page)}.html</loc></url>" for page in pages]
    head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([head, *lines, "</urlset>"]) + "\n"


def page_alone(title: str, body: str, head: str = "") -> str:
    """A page that needs no other file, since nobody knows from where it is shown."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{escape(title)}</title>
{head}<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.6; }}
main {{ max-width: 36rem; margin: 18vh auto 0; padding: 0 1.2rem; }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def missing(base: str, root: str, title: str) -> str:
    """404.html, which is shown in any folder: with an address it knows where the book is; without, it looks upwards."""
    links = (
        f'<p><a data-page="{root}.html" href="{base or "/"}{root}.html">The front page</a> lists the chapters, and '
        f'<a data-page="search.html" href="{base or "/"}search.html">the search</a> finds every page.</p>'
    )
    look = """<script type="module">
// Which folder is the site's? The one that has its inventory.
const parts = location.pathname.split("/").slice(0, -1);
for (; parts.length; parts.pop()) {
  const there = await fetch(`${parts.join("/")}/objects.inv`, { method: "HEAD" }).catch(() => ({}));
  if (there.ok) break;
}
for (const link of document.querySelectorAll("[data-page]")) link.href = `${parts.join("/")}/${link.dataset.page}`;
document.documentElement.dataset.found = "yes";
</script>"""
    body = "<h1>There is no such page</h1>\n<p>It may have moved, or the address has a slip in it.</p>\n" + links
    return page_alone(
        f"No such page — {title}", body if base else f"{body}\n{look}", '<meta name="robots" content="noindex" />\n'
    )


def moved(old: str, new: str, title: str) -> str:
    """At the old address of a page: on to the new one, to the same place in it and in the same state."""
    there = posixpath.relpath(f"{new}.html", posixpath.dirname(old))
    head = f"""<meta name="robots" content="noindex" />
<script>location.replace({json.dumps(there)} + location.search + location.hash)</script>
<noscript><meta http-equiv="refresh" content="0; url={there}" /></noscript>
"""
    body = f'<h1>{escape(title)}</h1>\n<p>This page <a href="{there}">has moved</a>.</p>'
    return page_alone(title, body, head)


def write_pages(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    site, base, root = Path(app.outdir), app.config.html_baseurl, app.config.root_doc
    title = app.config.html_title
    (site / "404.html").write_text(missing(base, root, title), encoding="utf-8")
    if base:
        (site / "sitemap.xml").write_text(sitemap(app), encoding="utf-8")
    if root != "index":
        refresh = f'<meta http-equiv="refresh" content="0; url={root}.html" />\n'
        body = f'<h1>{escape(title)}</h1>\n<p><a href="{root}.html">Open the book.</a></p>'
        (site / "index.html").write_text(page_alone(title, body, refresh), encoding="utf-8")
    for old, new in app.config.mindgap_moved.items():
        if new not in app.env.found_docs:
            raise ExtensionError(f"mindgap_moved: {old} leads to {new}, which is no page")
        (site / f"{old}.html").write_text(moved(old, new, title), encoding="utf-8")


def setup(app: Sphinx) -> None:
    app.add_config_value("mindgap_moved", {}, "html")
    app.connect("config-inited", know_the_address)
    app.connect("config-inited", link_the_paper, priority=600)  # after the repository has its address
    app.connect("html-page-context", only_notebooks_to_download, priority=100)
    app.connect("html-page-context", add_tags, priority=800)
    app.connect("build-finished", write_pages, priority=900)
