"""Sphinx extension: contrastive learning alive in the page, and the story that it tells.

The directive `playground` puts `playground/tool.html` on a page, which then loads one script: the page's own modules
(`playground/page/`) with the worker's (`playground/engine/`) as a text within it, since a page that was opened from a
file may start no worker by its address, and may load no module either. The directive `playground-run NAME` is a step of
the story: a question, a button that brings the playground there, and what ten seeds gave, from
`mindgap/results/playground.json`, veiled until the question is answered.
"""

from __future__ import annotations

import json
import re
import sys
from html import escape
from math import log10
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `book` is

from book._ext.mindgap_modules import bundled
from book._ext.mindgap_predict import question_html

HERE = Path(__file__).parent
PARTS = HERE / "playground"
RESULTS = HERE.parents[1] / "mindgap/results"  # read, not imported: the package need not be installed
SCRIPT, STYLE = "mindgap-playground.js", "playground.css"
MARK = 'class="mindgap-play"'


def stored(name: str) -> Any:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def worker() -> str:
    """The worker's script."""
    text, name = bundled(PARTS / "engine/worker.js")
    clip = stored("playground_clip.json")
    rows = json.dumps({side: clip[side] for side in ("images", "texts")}, separators=(",", ":"))
    start = f"const hear = {name}.serve(self, {rows});\nself.onmessage = (event) => hear(event.data);\n"
    return f'"use strict";\n{text}{start}'


def script() -> str:
    """The page's script, with the worker's as a text in it."""
    text, name = bundled(PARTS / "page/tool.js")
    start = f"{name}.begin({json.dumps(worker())}, {json.dumps(presets())});"
    return f'(function () {{\n"use strict";\n{text}{start}\n}})();\n'


def presets() -> dict[str, Any]:
    found = stored("playground.json")["presets"]
    return {name: {part: one[part] for part in ("options", "changes", "steps")} for name, one in found.items()}


# ---- a step of the story

WIDTH, HEIGHT = 420, 180
FRAME = {"left": 26, "right": 46, "top": 10, "bottom": 38}


def curves(run: dict[str, Any], label: str) -> str:
    """Gap and R@1 of every seed over the logarithm of time, as a picture."""
    steps = run["steps"]

    def x(step: float) -> float:
        return FRAME["left"] + (WIDTH - FRAME["left"] - FRAME["right"]) * log10(1 + step) / log10(1 + steps)

    def y(value: float) -> float:
        return FRAME["top"] + (HEIGHT - FRAME["top"] - FRAME["bottom"]) * (1 - value / 2)

    def line(values: list[float], kind: str) -> str:
        places = " ".join(f"{x(mark):.1f},{y(value):.1f}" for mark, value in zip(run["marks"], values, strict=True))
        return f'<polyline class="is-{kind}" points="{places}"/>'

    grid = "".join(
        f'<line x1="{FRAME["left"]}" x2="{WIDTH - FRAME["right"]}" y1="{y(value)}" y2="{y(value)}"/>'
        f'<text x="{FRAME["left"] - 8}" y="{y(value) + 4}" text-anchor="end">{value}</text>'
        for value in (0, 1, 2)
    )
    marks = [mark for mark in (0, 1, 10, 100, 1000) if mark <= steps]
    if steps > 1.5 * marks[-1]:
        marks.append(steps)
    grid += "".join(f'<text x="{x(mark):.1f}" y="{HEIGHT - 20}" text-anchor="middle">{mark:,}</text>' for mark in marks)
    grid += (
        f'<text x="{(FRAME["left"] + WIDTH - FRAME["right"]) / 2}" y="{HEIGHT - 4}" text-anchor="middle">steps</text>'
    )
    lines, last = "", {}
    for name, kind in (("recall", "recall"), ("gap", "gap")):
        lines += "".join(line(values, kind) for values in run["runs"][name])
        last[kind] = y(sum(values[-1] for values in run["runs"][name]) / len(run["runs"][name]))
    if abs(last["gap"] - last["recall"]) < 16:  # the two words would lie on each other
        upper = min(last, key=lambda kind: last[kind])
        middle = sum(last.values()) / 2
        last = {kind: middle + (-8 if kind == upper else 8) for kind in last}
    names = "".join(
        f'<text class="is-{kind}" x="{WIDTH - FRAME["right"] + 8}" y="{last[kind] + 4:.1f}">{words}</text>'
        for kind, words in (("gap", "gap"), ("recall", "R@1"))
    )
    for word, change in ((f"{name} {value:g}", step) for step, name, value in run["changes"]):
        words = word.replace("rate", "learning rate")
        grid += (
            f'<line class="is-change" x1="{x(change):.1f}" x2="{x(change):.1f}" y1="{FRAME["top"]}" y2="{y(0):.1f}"/>'
            f'<text x="{x(change) - 6:.1f}" y="{y(1.3):.1f}" text-anchor="end">{words} from here</text>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<g class="is-grid">{grid}</g>{lines}{names}</svg>'
    )


def table(run: dict[str, Any]) -> str:
    """Means over the seeds at the start, on the way and at the end, with the least and the largest."""
    wanted = [mark for mark in (0, 100, 1000) if mark < run["steps"]] + [run["steps"]]
    heads = {"gap": "gap", "pair_distance": "distance of a pair", "recall": "R@1", "loss": "loss, nats"}
    rows = ""
    for mark in wanted:
        at = run["marks"].index(mark)
        cells = ""
        for name, words in heads.items():
            values = [values[at] for values in run["runs"][name]]
            low, mean, high = (f"{one:.2f}" for one in (min(values), sum(values) / len(values), max(values)))
            spread = "" if low == high else f" <small>{low} to {high}</small>"
            cells += f'<td role="cell" data-label="{words}">{mean}{spread}</td>'
        rows += f'<tr role="row"><th scope="row" role="rowheader">step {mark:,}</th>{cells}</tr>'
    head = "".join(f'<th scope="col" role="columnheader">{words}</th>' for words in ("", *heads.values()))
    return (
        f'<table class="stackable" role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )


def step_html(name: str, asked: dict[str, Any], run: dict[str, Any], seeds: int) -> str:
    """Question, button and result."""
    figure = f"fig-play-{name}"
    caption = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(asked["caption"]))
    question = {key: value for key, value in asked.items() if key not in ("title", "caption")}
    question |= {"name": f"predict-play-{name}", "figure": figure}
    gap, recall = ([sum(rows[at] for rows in run["runs"][key]) / seeds for at in (0, -1)] for key in ("gap", "recall"))
    label = (
        f"Gap and R@1 of {seeds} seeds over {run['steps']:,} steps: the gap goes from {gap[0]:.2f} to {gap[1]:.2f}, "
        f"R@1 from {recall[0]:.2f} to {recall[1]:.2f}."
    )
    return (
        question_html(question)
        + f'<div class="mindgap-play-slot"><button type="button" class="mindgap-button mindgap-play-run"'
        f' data-play="{name}" hidden>Run it here: {escape(asked["title"])}</button></div>'
        f'<figure class="mindgap-play-result" id="{figure}">{curves(run, label)}{table(run)}'
        f"<figcaption><p>{caption} {seeds} seeds; means, and in small print the least and the largest.</p></figcaption>"
        "</figure>"
    )


class Playground(SphinxDirective):
    """The playground itself."""

    def run(self) -> list[nodes.Node]:
        tool = (PARTS / "tool.html").read_text(encoding="utf-8")
        home = (
            '<p class="mindgap-play-home" hidden><button type="button" class="mindgap-button">'
            "Bring the playground back here</button></p>"
        )
        return [nodes.raw("", f'<div class="mindgap-play-slot is-home">{home}{tool}</div>', format="html")]


class PlaygroundRun(SphinxDirective):
    """A step of the story; its content, in YAML: a question as `mindgap.charts.predict` has them, title and caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name, found = self.arguments[0], stored("playground.json")
        if name not in found["presets"]:
            raise self.error(f"playground-run: expected one of {', '.join(found['presets'])}, got {name}")
        asked = yaml.safe_load("\n".join(self.content))
        self.env.note_dependency(str(RESULTS / "playground.json"))
        html = step_html(name, asked, found["presets"][name], found["recipe"]["seeds"])
        return [nodes.raw("", html, format="html")]


def write_static_files(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    folder = Path(app.outdir).parent / "mindgap_playground"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCRIPT).write_text(script(), encoding="utf-8")
    app.config.html_static_path.append(str(folder))


def add_scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """On the page that has the tool: its style and its script."""
    if MARK not in context.get("body", ""):
        return
    app.add_css_file(STYLE)
    address = context["pathto"](f"_static/{SCRIPT}", 1)
    context["body"] += f'<script defer src="{address}"></script>'


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("playground", Playground)
    app.add_directive("playground-run", PlaygroundRun)
    app.connect("builder-inited", write_static_files)
    app.connect("html-page-context", add_scripts, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
