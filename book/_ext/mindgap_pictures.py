"""The pictures of figures' first states: one SVG a figure, small, that is light or dark as its address says.

Vega draws for a page that it goes on living in: classes, roles, hidden marks, the same font at each label, coordinates
to the fifteenth decimal. A picture needs none of that. A figure in light and in dark differs in its colours only; these
become variables, which take their dark values where the picture is asked for as `name.svg#dark`.
"""

from __future__ import annotations

import re
from collections import Counter

DARK = "dark"  # the fragment of the address
ATTRIBUTES = re.compile(r' (?:role|class|aria-[a-z]+|pointer-events|version)="[^"]*"| opacity="1"|(?<= ) +')
HIDDEN = re.compile(r'<(?:path|line|rect|text|image)\b[^>]* display="none"[^>]*(?:/>|>[^<]*</text>)')
# Of itself no path is filled or stroked; one that cuts out what others draw need not be.
UNPAINTED = re.compile(r'(<clipPath[^>]*>)?<path(?: (?:d|transform)="[^"]*")*/>')
EMPTY = re.compile(r"<g(?: [^>]*[^/>])?></g>|<g(?: [^>]*)?/>")
NAME = re.compile(r"(?<=[\"(#])(?:clip|gradient)[\w-]*\d+(?=[\")])")
LONG = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
FONT = re.compile(r' font-family="[^"]*"')
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
LEAF = re.compile(r"<(path|line|rect|text)\b([^>]*?)(?:/>|>([^<]*)</text>)")
LEAVES = re.compile(r"<g([^>]*)>((?:<(?:path|line|rect|text)\b[^>]*?(?:/>|>[^<]*</text>))+)</g>")
ATTRIBUTE = re.compile(r' ([\w-]+)="([^"]*)"')
PLACE = re.compile(r"translate\((-?[\d.]+),(-?[\d.]+)\)")
# What marks have of the group that they are in.
INHERITED = (
    "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray",
    "font-size", "font-weight", "text-anchor",
)  # fmt: skip
OFTEN = 3  # a shape in so many places is drawn once and used


def slim(svg: str) -> str:
    """The same picture in fewer bytes, to a hundredth of a pixel."""
    svg = HIDDEN.sub("", svg)
    svg = re.sub(r"<[^>]+>", lambda tag: LONG.sub(_rounded, ATTRIBUTES.sub("", tag[0])), svg)
    names = {name: f"n{place}" for place, name in enumerate(dict.fromkeys(NAME.findall(svg)))}
    svg = NAME.sub(lambda name: names[name[0]], svg)  # Vega counts them through all figures
    svg = UNPAINTED.sub(lambda path: path[0] if path[1] else "", svg)
    while (fewer := EMPTY.sub("", svg)) != svg:
        svg = fewer
    if fonts := Counter(FONT.findall(svg)).most_common(1):
        font = fonts[0][0]  # the others stay where they are
        svg = svg.replace(font, "").replace("<svg", f"<svg{font}", 1)
    if "xlink:href" not in svg:
        svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1)
    return svg


def _rounded(number: re.Match[str]) -> str:
    text = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def both(light: str, dark: str) -> str:
    """One picture of two that differ in colours only; ValueError if they differ in more."""
    parts, lights, darks = COLOUR.split(light), COLOUR.findall(light), COLOUR.findall(dark)
    if parts != COLOUR.split(dark):
        raise ValueError("the picture of a figure is another one in dark mode, not the same in other colours")
    pairs = list(dict.fromkeys(pair for pair in zip(lights, darks, strict=True) if pair[0] != pair[1]))
    names = {pair: f"--{place}" for place, pair in enumerate(pairs)}
    body = parts[0]
    for pair, part in zip(zip(lights, darks, strict=True), parts[1:], strict=True):
        body += (f"var({names[pair]})" if pair in names else pair[0]) + part
    styles = (";".join(f"{name}:{pair[which]}" for pair, name in names.items()) for which in (0, 1))
    style = "<style>svg{{{}}}svg:target{{{}}}</style>".format(*styles)
    return re.sub(r"<svg([^>]*)>", rf'<svg id="{DARK}"\1>{style}', body, count=1)


def shared(svg: str) -> str:
    """The same picture with what all marks of a group have in common said once: their looks, and shapes seen often."""
    shapes: dict[str, str] = {}

    def once(group: re.Match[str]) -> str:
        own = dict(ATTRIBUTE.findall(group[1]))
        marks = [(tag, plain(tag, dict(ATTRIBUTE.findall(look))), words) for tag, look, words in LEAF.findall(group[2])]
        often = Counter(look["d"] for _, look, _ in marks if "d" in look and PLACE.fullmatch(look.get("transform", "")))
        common = {
            name: value
            for name, value in marks[0][1].items()
            if len(marks) > 1 and name in INHERITED and name not in own
            and all(look.get(name) == value for _, look, _ in marks)
        }  # fmt: skip
        body = ""
        for tag, look, words in marks:
            rest = {name: value for name, value in look.items() if name not in common}
            place = PLACE.fullmatch(rest.get("transform", ""))
            if place and often[rest.get("d", "")] >= OFTEN:
                shape = shapes.setdefault(rest.pop("d"), f"s{len(shapes)}")
                del rest["transform"]
                tag, rest = "use", {"href": f"#{shape}", "x": place[1], "y": place[2], **rest}
            body += f"<{'path' if tag == 'line' and 'd' in rest else tag}{attributes(rest)}"
            body += f">{words}</text>" if tag == "text" else "/>"
        return f"<g{attributes(own | common)}>{body}</g>"

    svg = LEAVES.sub(once, svg)
    defined = "".join(f'<path id="{name}" d="{shape}"/>' for shape, name in shapes.items())
    return svg.replace("</svg>", f"<defs>{defined}</defs></svg>") if defined else svg


def plain(tag: str, look: dict[str, str]) -> dict[str, str]:
    """A mark's attributes in a form that marks can share, and in few letters.

    Opacity is inherited if it is that of what is painted, and a mark that is either filled or outlined has no other.
    Lines, which Vega puts in their places by a transform, are paths from there.
    """
    painted = [name for name in ("fill", "stroke") if look.get(name, "none") != "none"]
    if "opacity" in look and len(painted) == 1 and f"{painted[0]}-opacity" not in look:
        look = {f"{painted[0]}-opacity" if name == "opacity" else name: value for name, value in look.items()}
    place = PLACE.fullmatch(look.get("transform", "translate(0,0)"))
    if tag != "line" or place is None or {"x1", "y1"} & look.keys():
        return look
    rest = {name: value for name, value in look.items() if name not in ("transform", "x2", "y2")}
    return {"d": f"M{place[1]},{place[2]}l{look.get('x2', '0')},{look.get('y2', '0')}", **rest}


def attributes(look: dict[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in look.items())
