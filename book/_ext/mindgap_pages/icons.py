"""The icons that the pages use, and no others, as style sheets read from the theme's own copy of Font Awesome.

The theme brings two thousand icons twice, as a script of 1.5 MB and as fonts. A page uses a dozen. Here each of these
becomes a mask, which takes the colour of the text around it as a character of the font would.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pydata_sphinx_theme

SCRIPT = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/scripts/fontawesome.js"
ENTRY = re.compile(
    r'(?P<first>\{?)(?:"(?P<quoted>[\w-]+)"|(?P<name>[\w$]+)):'
    r'\[(?P<width>\d+),(?P<height>\d+),\[(?P<aliases>[^]]*)\],"(?P<code>[0-9a-f]+)","(?P<path>[^"]*)"\]'
)
STYLES = {"fa-solid": "solid", "fas": "solid", "fa": "solid", "fa-regular": "regular", "far": "regular"}
STYLES |= {"fa-brands": "brands", "fab": "brands"}
# Classes that change an icon or belong to the theme and are no icon's name.
MODIFIERS = re.compile(r"fa-(?:lg|sm|xs|xl|2xs|2xl|fw|ul|li|\d+x|spin|pulse|border|flip-\w+|rotate-\d+|classic)$")
CLASSES = re.compile(r"""["']([^"'<>]*\bfa[srb]?(?:-[a-z]+)? [^"'<>]*)["']""")
VARIABLE = re.compile(r'(--pst-icon-[\w-]+):"\\?([^"]*)"')
SHOWN = re.compile(r"content:var\((--pst-icon-[\w-]+)\)")
GLYPH = re.compile(r'(?:\.fa-[\w-]+:{1,2}before,?)+\{content:"[^"]*"\}')
FONT = re.compile(r"@font-face\{[^}]*Font Awesome[^}]*\}")
MASK = (
    'content:"";background-color:currentColor;display:inline-block;'
    "-webkit-mask:var(%s) center/contain no-repeat;mask:var(%s) center/contain no-repeat;width:1em;height:1em"
)


class Icons:
    """Every icon of the theme's script: by style and name, and by the code of its character."""

    def __init__(self, script: str | None = None) -> None:
        self.drawn: dict[tuple[str, str], str] = {}
        self.codes: dict[str, str] = {}
        styles = iter(("brands", "regular", "solid"))
        style = ""
        for entry in ENTRY.finditer(script if script is not None else SCRIPT.read_text(encoding="utf-8")):
            if entry["first"]:  # a new table begins
                style = next(styles)
            picture = f"M{entry['path'].removeprefix('M')}", entry["width"], entry["height"]
            names = [entry["quoted"] or entry["name"], *re.findall(r'"([\w-]+)"', entry["aliases"])]
            for name in names:
                self.drawn[style, name] = address(*picture)
            if style == "solid" or entry["code"] not in self.codes:
                self.codes[entry["code"]] = address(*picture)


def address(path: str, width: str, height: str) -> str:
    """A picture as an address that holds it whole."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><path d="{path}"/></svg>'
    return f'url("data:image/svg+xml,{quote(svg, safe=" /:=.-")}")'.replace("%22", "'")


def used(text: str) -> set[tuple[str, str]]:
    """Style and name of each icon that a page or a script asks for by its classes."""
    found = set()
    for classes in CLASSES.findall(text):
        words = classes.split()
        style = next((STYLES[word] for word in words if word in STYLES), None)
        names = {word for word in words if word.startswith("fa-") and word not in STYLES and not MODIFIERS.match(word)}
        found |= {(style, name.removeprefix("fa-")) for name in names if style}
    return found


def sheet(icons: Icons, wanted: set[tuple[str, str]]) -> str:
    """A style sheet that draws these icons; an unknown one is an error that names it."""
    unknown = sorted(wanted - icons.drawn.keys())
    if unknown:
        raise KeyError(f"the theme has no such icon: {', '.join(f'{name} ({style})' for style, name in unknown)}")
    prefixes = {style: [name for name, of in STYLES.items() if of == style] for style in STYLES.values()}
    lines = ["/* The icons that this site uses, from Font Awesome Free (CC BY 4.0), https://fontawesome.com. */"]
    lines.append(
        ":is(.fa,.fas,.far,.fab,.fa-solid,.fa-regular,.fa-brands)::before{" + MASK.replace("%s", "--icon") + "}"
    )
    lines.append("@media (forced-colors:active){[class*='fa-']::before{background-color:CanvasText}}")
    for style, name in sorted(wanted):
        which = ",".join(f".{prefix}" for prefix in prefixes[style])
        lines.append(f":is({which}).fa-{name}{{--icon:{icons.drawn[style, name]}}}")
    return "\n".join(lines) + "\n"


def without_fonts(css: str, icons: Icons) -> str:
    """The theme's style sheet with pictures where it asks for a character of Font Awesome's fonts."""

    def picture(variable: re.Match[str]) -> str:
        code = variable[2] if re.fullmatch("[0-9a-f]{4}", variable[2]) else f"{ord(variable[2]):x}"
        return f"{variable[1]}:{icons.codes[code]}"

    css = GLYPH.sub("", FONT.sub("", css))
    css = SHOWN.sub(lambda shown: MASK.replace("%s", shown[1]), css)
    return VARIABLE.sub(picture, css)
