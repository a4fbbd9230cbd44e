"""What is missing is told with the extra that brings it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mindgap._extras import extra, late

MISSING = [
    ({"altair"}, "import mindgap; mindgap.charts.gap_map", "charts"),
    ({"altair"}, "from mindgap import charts", "charts"),
    ({"altair"}, "import mindgap.charts.theme", "charts"),
    (
        {"pandas"},
        "from mindgap import experiments as e, results as r; e.Sweep(r.path('sweep_modality.json')).last()",
        "charts",
    ),
    ({"ipywidgets"}, "from mindgap import widgets", "widgets"),
    ({"anywidget"}, "from mindgap import widgets", "widgets"),
    ({"open_clip"}, "from mindgap import load_pairs; load_pairs('mini', n=2)", "clip"),
    ({"open_clip"}, "from mindgap import load_pairs; load_pairs('random:ViT-B-32', n=2)", "clip"),
    ({"open_clip"}, "from mindgap import embed; embed('ViT-B-32', 'openai', 'photos', 'out')", "clip"),
    ({"pyarrow"}, "from mindgap import embed; embed('ViT-B-32', 'openai', 'photos', 'out')", "parquet"),
    ({"torchvision"}, "from mindgap.towers import embed_seeds; next(embed_seeds(['resnet18'], n=2))", "clip"),
]
# Each statement with a finder before all others, to which some packages are not installed; neither these nor the
# package are loaded when it begins. Of each the last line of its traceback.
EACH = """
import sys, traceback
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
def taken(packages):
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in packages}
for Hidden.hidden, statement in CASES:
    kept = taken(Hidden.hidden)
    taken({"mindgap"})
    try:
        exec(statement, {})
        print("nothing was missing")
    except Exception as error:
        print("".join(traceback.format_exception(error)).strip().splitlines()[-1])
    sys.modules.update(kept)
"""


@pytest.fixture(scope="module")
def last_lines() -> list[str]:
    """The last line of the traceback of each statement where its packages are not installed."""
    cases = [(hidden, statement) for hidden, statement, _ in MISSING]
    found = subprocess.run([sys.executable, "-c", f"CASES = {cases}{EACH}"], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


@pytest.mark.parametrize("number", range(len(MISSING)), ids=[statement for _, statement, _ in MISSING])
def test_a_missing_package_is_told_with_its_extra(last_lines: list[str], number: int) -> None:
    (name,), _, brings = MISSING[number]
    line = last_lines[number]
    assert line.startswith(f"ModuleNotFoundError: {name} is not installed")
    assert line.endswith(f"pip install 'mindgap[{brings}]'")


def test_a_mistake_of_ours_is_not_taken_for_a_missing_package() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'mindgap\.nothing'"), extra("charts"):
        import mindgap.nothing  # type: ignore[import-not-found]  # noqa: F401


def test_a_late_module_is_the_module() -> None:
    import decimal

    assert late("decimal", "charts").Decimal is decimal.Decimal
    with pytest.raises(AttributeError):
        late("decimal", "charts").nothing  # noqa: B018
