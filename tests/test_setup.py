"""What is installed, built and shipped: pyproject's ranges, the lock, the Makefile and the theme agree."""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest brings tomli to Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
LOCK = [Requirement(line) for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line]
UNLOCKED = "sphinx"  # the group of the newest Sphinx, in an environment of its own
STATED = {
    "core": PROJECT["dependencies"],
    **{f"[{name}]": lines for name, lines in PROJECT["optional-dependencies"].items()},
    **{name: [line for line in lines if isinstance(line, str)] for name, lines in GROUPS.items() if name != UNLOCKED},
}
WANTED = [
    pytest.param(Requirement(line), id=f"{place}-{line}")
    for place, lines in STATED.items()
    for line in lines
    if Requirement(line).name != PROJECT["name"]
]
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]


def locked(name: str, python: str) -> list[Requirement]:
    """The lock's entries for a package on a Linux with this Python."""
    where = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return [
        entry
        for entry in LOCK
        if canonicalize_name(entry.name) == canonicalize_name(name)
        and (entry.marker is None or entry.marker.evaluate(where))
    ]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("requirement", WANTED)
def test_the_lock_pins_every_dependency_within_its_range(requirement: Requirement, python: str) -> None:
    entries = locked(requirement.name, python)
    assert len(entries) == 1, f"{requirement.name} on Python {python}: {entries}"
    (pin,) = entries[0].specifier
    assert pin.operator == "=="
    assert requirement.specifier.contains(pin.version, prereleases=True)


def test_the_lock_names_no_place() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|file:", text)


def test_the_conda_environment_installs_the_same_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-r requirements.lock", "-e ."]
    least = PROJECT["requires-python"]
    assert f"python{least}" in environment["dependencies"]


def test_make_names_groups_and_extras_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    groups = set(re.findall(r"(?:INSTALL|PIP)\).* --group (\w+)", makefile))
    assert groups == set(GROUPS) - {"site"}
    assert set(re.findall(r'--editable "\.\[(\w+)\]"', makefile)) == {"all"}
    locked_groups = re.search(r"pip compile .*", makefile)
    assert locked_groups
    assert set(re.findall(r"--group (\w+)", locked_groups[0])) | {UNLOCKED, "site", "pdf", "lab", "coursework"} == set(
        GROUPS
    )
    assert {"lab", "coursework", "pdf"} <= {
        group["include-group"] for group in GROUPS["test"] if isinstance(group, dict)
    }


def needed(lines: list[Any]) -> set[str]:
    """The names of all packages that a group of requirements brings along here, from what is installed."""
    found: set[str] = set()
    waiting = [(Requirement(line), "") for line in lines if isinstance(line, str)]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (requirement.marker and not requirement.marker.evaluate({"extra": extra})) or name in found:
            continue
        found.add(name)
        waiting += [(Requirement(line), e) for line in requires(name) or () for e in {"", *requirement.extras}]
    return found


def test_the_site_needs_neither_torch_nor_the_package() -> None:
    packages = needed(GROUPS["site"] + GROUPS["book"])
    assert {"sphinx", "myst-nb", "jupyter-book", "vl-convert-python", "sphinx-autoapi"} <= packages
    assert not packages & {"mindgap", "torch", "numpy", "pandas", "altair", "llvmlite"}


def test_all_is_every_extra() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.name == PROJECT["name"]
    assert everything.extras == set(extras) - {"all"}


def test_imports_that_miss_a_package_name_an_extra_that_brings_it() -> None:
    named = set()
    for path in (ROOT / "mindgap").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'\bextra\("(\w+)"\)|\blate\("[\w.]+", "(\w+)"\)', text))
    assert {extra for pair in named for extra in pair if extra} <= set(PROJECT["optional-dependencies"])
    assert named


def test_workflows_run_the_commands_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    ran: dict[str, set[str]] = {}
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        steps = [step for job in jobs.values() for step in job["steps"]]
        ran[path.stem] = {name for step in steps for name in re.findall(r"\bmake (\w+)", step.get("run", ""))}
        assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert ran == {"test": {"test"}, "site": {"book", "pdf", "sphinx"}, "release": {"release"}}
    assert set().union(*ran.values()) <= targets


def test_hooks_before_a_commit_have_the_locked_ruff() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    (ruff,) = [entry["rev"] for entry in hooks if "ruff" in entry["repo"]]
    (pin,) = [str(entry.specifier) for entry in LOCK if entry.name == "ruff"]
    assert pin == f"=={ruff.removeprefix('v')}"


def test_one_version_everywhere() -> None:
    import mindgap

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert mindgap.__version__ == PROJECT["version"] == citation["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


HEX = re.compile(r"#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b(?!\()")
PAINTED = [
    path
    for folder in ("mindgap", "book/_ext", "book/_static", "coursework")
    for kind in ("py", "js", "css")
    for path in sorted((ROOT / folder).rglob(f"*.{kind}"))
]


def test_colours_stand_in_the_theme_only() -> None:
    found = {path.relative_to(ROOT).as_posix(): HEX.findall(path.read_text(encoding="utf-8")) for path in PAINTED}
    assert len(found) > 50
    assert {path: colours for path, colours in found.items() if colours} == {}


def test_figures_have_the_inks_and_the_temperatures_of_the_theme() -> None:
    theme = json.loads((ROOT / "mindgap/charts/theme.json").read_text(encoding="utf-8"))
    assert set(theme["palettes"]) == {"light", "dark"}
    for mode, palette in theme["palettes"].items():
        assert set(HEX.findall(json.dumps({**palette, "range": None}))) == set(theme["ink"][mode].values())
        assert palette["range"] == dict.fromkeys(("ordinal", "ramp"), theme["temperature"][mode])


def test_the_style_sheet_names_variables_that_the_theme_has() -> None:
    from book._ext.mindgap_vega import theme_css

    theme = json.loads((ROOT / "mindgap/charts/theme.json").read_text(encoding="utf-8"))
    assert f"--mindgap-image: {theme['colours']['image']};" in theme_css()
    used = set(re.findall(r"var\((--mindgap-[\w-]+)", (ROOT / "book/_static/mindgap.css").read_text(encoding="utf-8")))
    assert used
    assert used <= set(re.findall(r"(--mindgap-[\w-]+):", theme_css()))


def test_the_icon_has_the_colours_of_the_theme() -> None:
    colours = json.loads((ROOT / "mindgap/charts/theme.json").read_text(encoding="utf-8"))["colours"]
    icon = (ROOT / "book/_static/favicon.svg").read_text(encoding="utf-8")
    assert set(HEX.findall(icon)) == {colours["image"], colours["text"]}
