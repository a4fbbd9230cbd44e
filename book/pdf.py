"""Print the book as one PDF with figures, bookmarks and links: `make pdf` writes _build/pdf/mind-the-gap.pdf.

The pages are built once more as one, without the API reference, and Chromium prints that as a reader's browser prints
a page: figures are light and in the state in which they open.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from book import chromium  # noqa: E402, found by the line above

OUT = ROOT / "_build/pdf"
PDF = OUT / "mind-the-gap.pdf"
API = "book/appendix/api"
LETTERS = "document.fonts.ready.then(() => true)"
# Pictures that wait for a reader to come near are wanted now.
PICTURES = """() => Promise.all([...document.querySelectorAll("img.mindgap-light")].map((image) => {
  image.loading = "eager";
  return image.decode();
}))"""
FOOT = (
    '<div style="width: 100%; font: 8px sans-serif; text-align: center; color: #57606a">'
    '<span class="pageNumber"></span></div>'
)


def contents() -> dict[str, object]:
    """The table of contents without the API reference, which is for looking things up and not for paper."""
    toc: dict[str, object] = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        part["chapters"] = [page for page in part["chapters"] if not str(page["file"]).startswith(API)]
    return toc


def one_page() -> Path:
    """Build the book as one HTML page and return that."""
    OUT.mkdir(parents=True, exist_ok=True)
    toc = OUT / "_toc.yml"
    toc.write_text(yaml.safe_dump(contents(), sort_keys=False), encoding="utf-8")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", str(ROOT), "--builder", "singlehtml", "--all"]
    done = subprocess.run(
        [*command, "--toc", str(toc), "--path-output", str(OUT)], capture_output=True, text=True, check=False
    )
    built = OUT / "_build/singlehtml/book/index.html"
    if done.returncode or not built.exists():
        raise SystemExit(f"the book could not be built as one page:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    # Sphinx writes this page as if it lay at the top, into the folder of the root document.
    page = built.parent.parent / "whole.html"
    page.write_text(built.read_text(encoding="utf-8").replace('"../_static/', '"_static/'), encoding="utf-8")
    return page


def printed(page: Path, pdf: Path) -> None:
    """Print one HTML page with Chromium."""
    found = chromium.executable()
    if found is None:
        raise SystemExit("a PDF is printed by Chromium, and there is none; on Debian or Ubuntu: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=chromium.arguments())
        view = browser.new_page(viewport={"width": 1024, "height": 1400})
        view.add_init_script("localStorage.setItem('mode', 'light'); localStorage.setItem('theme', 'light')")
        view.goto(page.as_uri())
        view.evaluate(LETTERS)
        view.evaluate(PICTURES)
        view.pdf(
            path=pdf,
            format="A4",
            scale=0.8,
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            print_background=True,
            outline=True,
            tagged=True,
        )
        browser.close()


def main() -> None:
    printed(one_page(), PDF)
    print(f"{PDF.relative_to(ROOT)}: {PDF.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
