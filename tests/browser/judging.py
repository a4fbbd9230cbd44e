"""A page as axe judges it, at a fifth of its time: what looks alike is judged by its colours once."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed (make test installs it)")

GRAVE = ("serious", "critical")

# Four fifths of axe's time go into the contrast of every word. That follows from how a word is set, from how what it
# stands in is painted, and from what it lies on: where all of it is alike, one word stands for the others, save that
# each box that is taken out of the text, and so may lie on something else, has words of its own.
LOOKS = """() => {
  const painted = new Map(), looks = new Map();
  const ground = node => {
    if (!node) return '';
    if (!painted.has(node)) {
      const style = getComputedStyle(node);
      const lifted = ['absolute', 'fixed'].includes(style.position) ? painted.size : '';
      painted.set(node, [ground(node.parentElement), style.backgroundColor, style.backgroundImage, style.opacity,
        style.filter, style.mixBlendMode, style.position, style.transform, lifted].join());
    }
    return painted.get(node);
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const node = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || node.closest('.mindgap-view svg, script, style')) continue;
    const set = one => ['color', 'fontSize', 'fontWeight', 'textShadow', 'textDecorationLine']
      .map(name => getComputedStyle(one)[name]);
    const seen = node.checkVisibility({ visibilityProperty: true });
    const link = node.closest('a');  // is to differ from the words around it
    const look = [seen, ...set(node), ...(link ? ['a', ...set(link.parentElement)] : []), ground(node)].join('|');
    const size = node.getElementsByTagName('*').length;  // axe judges what is inside, too: the smallest is enough
    if (!(looks.get(look)?.size <= size)) looks.set(look, { node, size });
  }
  return [...[...looks.values()].map(look => look.node), ...document.querySelectorAll('input, select, textarea')];
}"""

# The marks inside of a chart are no part of what a screen reader sees, and their colours have tests of their own.
JUDGE = f"""async all => {{
  await Promise.all(document.getAnimations().map(one => one.finished));
  const outside = [['.mindgap-view svg']], brief = {{ resultTypes: ['violations'], preload: false }};
  const colours = ['color-contrast', 'link-in-text-block'];
  const found = await axe.run({{ include: ({LOOKS})(), exclude: outside }}, {{ ...brief, runOnly: colours }});
  if (!all) return found.violations;
  const rules = Object.fromEntries(colours.map(rule => [rule, {{ enabled: false }}]));
  rules['label-content-name-mismatch'] = {{ enabled: true }};
  const rest = await axe.run({{ exclude: outside }}, {{ ...brief, rules }});
  return [...found.violations, ...rest.violations];
}}"""


def violations(view: Page, only_colours: bool = False) -> list[dict[str, Any]]:
    """What axe finds wrong with a page as it stands, by all of its rules or by those of colour."""
    if not view.evaluate("'axe' in window"):
        view.evaluate(axe.AXE_FILE_PATH.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = view.evaluate(JUDGE, not only_colours)
    return found


def grave(view: Page, only_colours: bool = False) -> list[tuple[str, str]]:
    """The rules that a page breaks so that somebody cannot use it, and where."""
    found = [one for one in violations(view, only_colours) if one["impact"] in GRAVE]
    return [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]]
