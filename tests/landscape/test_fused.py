"""The kernel for GPUs on a machine without one: under Triton's interpreter, and compiled for cards that it lacks."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from mindgap.landscape import _fused

pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")

# In a process of its own, since Triton decides when it is imported whether it interprets.
INTERPRETED = """
import json, warnings
import torch
from mindgap.landscape import _fused, _identity, contrastive_loss, loss_landscape
from mindgap.geometry import shift

_fused.usable = lambda device: True
asked = []
row_sums = _fused.row_sums
def counted(*args):
    asked.append(1)
    return row_sums(*args)
_fused.row_sums = counted
found = {}
for name, n, d, size, gap, temperatures in CASES:
    generator = torch.Generator().manual_seed(n)
    x, y = (torch.randn(n, d, generator=generator) for _ in range(2))
    x, y = x + gap, 0.5 * x + y + gap
    if name.startswith("underflow"):
        x[0] *= -1  # far from all texts, so that its sums are zero
    shares = []
    landscape = loss_landscape(x, y, [-0.5, 0.0, 0.8], temperatures, size, progress=shares.append)
    exact = loss_landscape(x.double(), y.double(), [-0.5, 0.0, 0.8], temperatures, size)
    used = len(asked)
    errors = [float((getattr(landscape, part).double() - getattr(exact, part)).abs().max())
              for part in ("image_to_text", "text_to_image", "distance")]
    found[name] = {"errors": errors, "highest": float(exact.loss.max()), "kernels": used, "shares": shares}
    asked.clear()
# Fewer rows than columns, as sampled landscapes have them.
generator = torch.Generator().manual_seed(0)
x, y = (torch.randn(n, 20, dtype=torch.float64, generator=generator) for n in (37, 150))
x, y = (torch.nn.functional.normalize(rows, dim=1) for rows in (x, y))
steps = torch.linspace(-1, 1, 3, dtype=torch.float64)[:, None] * (x.mean(dim=0) - y.mean(dim=0))
sides = _identity.shifted(x, steps, "x"), _identity.shifted(y, -steps, "y")
sides += torch.tensor([0.1, 0.2, 0.3]).double(), torch.tensor([1.0, 100.0]).double()
logs = _identity.row_logs(*sides, torch.float32)
_fused.usable = lambda device: False
wanted = _identity.row_logs(*sides, torch.float64)
found["rectangle"] = {"kernels": len(asked), "error": float((logs - wanted).abs().max())}
print(json.dumps(found))
"""
CASES = [
    # name, n, d, batch, gap, temperatures
    ("one tile", 40, 24, None, 0.4, [0.01, 0.1, 1.0]),
    ("tiles that are not full", 131, 37, None, 0.4, [0.07]),
    ("batches, a rest dropped", 75, 16, 21, 0.2, [0.01, 0.02, 1 / 30, 0.05, 0.1, 1.0]),
    ("narrow cones", 66, 16, None, 30.0, [0.01, 1.0]),
    ("underflow, computed again", 70, 30, None, 3.0, [1 / 128]),
]


@pytest.fixture(scope="module")
def interpreted() -> dict[str, Any]:
    program = INTERPRETED.replace("CASES", repr(CASES), 1)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", [case[0] for case in CASES])
def test_equals_float64(interpreted: dict[str, Any], name: str) -> None:
    found = interpreted[name]
    assert max(found["errors"]) < 1e-5 + 6e-8 * found["highest"]  # as the docstring of loss_landscape has it
    assert found["kernels"] >= 2  # one for each direction
    assert found["shares"] == sorted(found["shares"])
    assert found["shares"][-1] == pytest.approx(1)


def test_fewer_rows_than_columns(interpreted: dict[str, Any]) -> None:
    assert interpreted["rectangle"]["kernels"] == 1
    assert interpreted["rectangle"]["error"] < 3e-5  # of single logs at 1/100, which a loss takes the mean of


COMPILED = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from mindgap.landscape import _fused, _kernel

kernel = _kernel.row_sums
constants = {"temperatures": 6, "ROWS": _fused.ROWS, "COLUMNS": _fused.COLUMNS, "DEPTH": _fused.DEPTH}
kinds = dict.fromkeys("x y u p v q reference factors sums".split(), "*fp32")
kinds |= dict.fromkeys("first last batches m b d shifts".split(), "i32")
signature = {parameter.name: kinds.get(parameter.name, "constexpr") for parameter in kernel.params}
for capability, precision in ((70, "ieee"), (80, "tf32x3"), (90, "tf32")):
    source = ASTSource(fn=kernel, signature=signature, constexprs={**constants, "PRECISION": precision})
    made = triton.compile(source, target=GPUTarget("cuda", capability, 32), options={"enable_fp_fusion": True})
    assert made.asm["cubin"]
    print(capability, made.metadata.shared)
"""


def test_compiles_for_cards_old_and_new(tmp_path: Any) -> None:
    """From Volta to Hopper, within the shared memory that each has."""
    done = subprocess.run(
        [sys.executable, "-c", COMPILED],
        env={**os.environ, "TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    made = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert [capability for capability, _ in made] == [70, 80, 90]
    assert max(shared for _, shared in made) <= 96 * 1024


class TestWhereItIsUsed:
    @pytest.fixture(autouse=True)
    def forgotten(self) -> Any:
        _fused.usable.cache_clear()
        yield
        _fused.usable.cache_clear()

    def test_not_on_a_processor(self) -> None:
        assert not _fused.usable(torch.device("cpu"))

    def test_without_triton_it_says_so_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        device = torch.device("cuda:0")
        with pytest.warns(UserWarning, match="in passes over memory, which is slow: Triton is not installed"):
            assert not _fused.usable(device)
        assert not _fused.usable(device)  # warnings are errors here

    def test_an_old_card(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "GTX 1080")
        with pytest.warns(UserWarning, match="GTX 1080 is older than what Triton compiles for"):
            assert not _fused.usable(torch.device("cuda:0"))

    def test_a_compiler_that_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*args: Any) -> None:
            raise RuntimeError("Failed to find C compiler.\nPlease install one")

        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
        monkeypatch.setattr(torch, "ones", lambda *size, device: torch.zeros(size))
        monkeypatch.setattr(_fused, "row_sums", fails)
        with pytest.warns(UserWarning, match=r"slow: RuntimeError: Failed to find C compiler\.$"):
            assert not _fused.usable(torch.device("cuda:0"))


@pytest.mark.parametrize(
    ("capability", "set_to", "used"),
    [((9, 0), "highest", "tf32x3"), ((8, 6), "high", "tf32"), ((7, 5), "highest", "ieee"), ((7, 0), "medium", "ieee")],
)
def test_products_are_rounded_only_if_asked(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], set_to: str, used: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: set_to)
    assert _fused.precision(torch.device("cuda:0")) == used
    assert _fused.precision(torch.device("cpu")) == "ieee"
