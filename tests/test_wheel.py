"""The package as others install it: what its wheel holds, and what works of it when an extra is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# In the way of every import of a package that comes with an extra.
WITHOUT_EXTRAS = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    extras = {"altair", "anywidget", "huggingface_hub", "ipywidgets", "open_clip", "pandas", "PIL", "pyarrow",
              "torchvision", "umap", "vl_convert"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.extras:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "mindgap", folder / "mindgap", ignore=shutil.ignore_patterns("__pycache__"))
    build = "import setuptools.build_meta as backend; print(backend.build_wheel('dist'))"
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, capture_output=True)
    (path,) = (folder / "dist").glob("mindgap-*-py3-none-any.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(installed: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code with the wheel's package and without its extras; any warning is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_EXTRAS + code],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "mindgap").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == ours
    kinds = {"mindgap/py.typed", "mindgap/__init__.pyi", "mindgap/charts/theme.json", "mindgap/weights/README.md"}
    kinds |= {"mindgap/results/cones.json", "mindgap/results/speed_cosines.csv"}
    assert names > kinds


def test_numbers_need_no_extra(installed: Path) -> None:
    done = python(installed, """
import mindgap
assert not {"torch", "llvmlite"} & set(sys.modules), "import mindgap should cost nothing"
x, y = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]]
print(round(mindgap.gap_distance(x, y), 3))
print(mindgap.loss_landscape(x, y, shifts=[0.0], temperatures=[1.0]).loss.shape)
""")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "0.383"


USES = {
    "mindgap.charts.gap_map": "charts",
    "mindgap.widgets.gap_explorer": "widgets",
    "mindgap.load_pairs('random:ViT-B-32')": "clip",
    "mindgap.loss_landscape([[1.0, 0], [0, 1]], [[0, 1.0], [1, 1]], [0.0], [1.0]).frame()": "charts",
}


@pytest.fixture(scope="module")
def last_lines(installed: Path) -> dict[str, str]:
    """The last line of the traceback of each use."""
    done = python(installed, f"""
import mindgap, traceback
for use in {list(USES)}:
    try:
        exec(use)
    except Exception as error:
        print(use, "".join(traceback.format_exception(error)).strip().splitlines()[-1], sep="\\t")
""")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(line.split("\t") for line in done.stdout.splitlines())


@pytest.mark.parametrize(("use", "extra"), USES.items())
def test_what_needs_an_extra_names_it(last_lines: dict[str, str], use: str, extra: str) -> None:
    assert f"pip install 'mindgap[{extra}]'" in last_lines[use]
