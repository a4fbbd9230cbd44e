"""Every public function of numbers, on every kind of input: the right result, or one error that names the argument."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from torch import Tensor

from mindgap import closing, cones, geometry, landscape, metrics, sphere, theorems, zeroshot

Call = Callable[..., Any]

ONE_MATRIX: dict[str, Call] = {
    "geometry.normalize": geometry.normalize,
    "geometry.row_groups": geometry.row_groups,
    "geometry.distinct_rows": geometry.distinct_rows,
    "geometry.mean_cosine": geometry.mean_cosine,
    "metrics.uniformity": metrics.uniformity,
    "metrics.effective_rank": metrics.effective_rank,
    "cones.cosine_histogram": lambda x: cones.cosine_histogram(x, 7),
    "cones.layer_cosines": lambda x: cones.layer_cosines([cones.Layer("tanh", 6)] * 2, x),
}
TWO_MATRICES: dict[str, Call] = {
    "geometry.unit_pair": geometry.unit_pair,
    "geometry.gap_vector": geometry.gap_vector,
    "geometry.gap_distance": geometry.gap_distance,
    "geometry.mean_cosine": geometry.mean_cosine,
    "geometry.matched_cosine": geometry.matched_cosine,
    "geometry.shift": lambda x, y: geometry.shift(x, y, 0.3),
    "geometry.recall_at_k": lambda x, y: geometry.recall_at_k(x, y, 2),
    "geometry.recall_at_k, groups": lambda x, y: geometry.recall_at_k(x, y, 1, [0, 1, 0, 2, 2, 3]),
    "geometry.recall_at_k, equal rows": lambda x, y: geometry.recall_at_k(x, y, 1, "equal"),
    "geometry.separability": geometry.separability,
    "geometry.shared_projection": geometry.shared_projection,
    "geometry.shift_path": geometry.shift_path,
    "metrics.alignment": metrics.alignment,
    "metrics.pair_distance": metrics.pair_distance,
    "metrics.relative_modality_gap": metrics.relative_modality_gap,
    "metrics.relative_modality_gap, Euclidean": lambda x, y: metrics.relative_modality_gap(x, y, "euclidean", True),
    "metrics.median_rank": metrics.median_rank,
    "metrics.mixed_recall_at_k": lambda x, y: metrics.mixed_recall_at_k(x, y, 2),
    "metrics.mixed_median_rank": metrics.mixed_median_rank,
    "closing.shifted_by_half": closing.shifted_by_half,
    "closing.flips": lambda x, y: closing.flips(x, y, 0.5, seeds=range(3)),
    "closing.v_measure": lambda x, y: closing.v_measure(x, y, [0, 0, 1, 1, 2, 2]),
    "landscape.contrastive_loss": lambda x, y: landscape.contrastive_loss(x, y, 0.1),
    "landscape.sigmoid_loss": lambda x, y: landscape.sigmoid_loss(x, y, 0.1, -3.0),
    "landscape.loss_landscape": lambda x, y: landscape.loss_landscape(x, y, [0.0, 0.4], [0.05, 1.0], 3),
    "landscape.best_shift": lambda x, y: landscape.best_shift(x, y, 0.1, [0.0, 0.3, 0.6], tolerance=0.1),
}
TWO_SETS: dict[str, Call] = {  # of which there may be different numbers of rows
    "closing.own_neighbours": closing.own_neighbours,
    "closing.partly": lambda x, y: closing.partly(x, y, metrics.centred, 0.5),
    "closing.fitted": lambda x, y: closing.fitted("centred", x, y)(x, y),
    "closing.standardised": closing.standardised,
    "closing.spread_matched": closing.spread_matched,
    "metrics.report": lambda x, y: metrics.report(x, y, 2),
    "metrics.centred": metrics.centred,
    "metrics.centroid_distance": metrics.centroid_distance,
    "metrics.frechet_distance": metrics.frechet_distance,
    "metrics.joint_uniformity": metrics.joint_uniformity,
    "metrics.linear_probe": metrics.linear_probe,
    "metrics.principal_angles": lambda x, y: metrics.principal_angles(x, y, 2),
    "metrics.shared_energy": lambda x, y: metrics.shared_energy(x, y, 2),
    "metrics.top_dimensions_share": lambda x, y: metrics.top_dimensions_share(x, y, 2),
}
CALLS = [
    *((name, call, 1) for name, call in ONE_MATRIX.items()),
    *((name, call, 2) for name, call in (TWO_MATRICES | TWO_SETS).items()),
]
OTHER_NUMBERS: dict[str, Call] = {
    "cones.variance_share": lambda x: cones.variance_share(x.reshape(2, 3, 4)),
    "cones.relu_kernel": lambda x: cones.relu_kernel(x / 4),
    "sphere.arc_loss": lambda x: sphere.arc_loss(x, 0.1),
    "sphere.arc_pairs": lambda x: sphere.arc_pairs(10, x[0]),
    "sphere.best_sharpness": lambda x: sphere.best_sharpness(x[0], [1, 0, 2, 3]),
    "sphere.best_angle": lambda x: sphere.best_angle(0.1, x[0], [1, 0, 2, 3]),
    "landscape.info_nce": lambda x: landscape.info_nce(x[:4]),
    "zeroshot.accuracy": lambda x: zeroshot.accuracy(x, x[:3], [0, 1, 2, 0, 1, 2]),
    "zeroshot.along_the_gap": lambda x: zeroshot.along_the_gap(x, x[:3], [0.0, 0.5]),
    "zeroshot.caption_classes": lambda x: zeroshot.caption_classes(x, "abcabc")[:2],
    "zeroshot.class_weights": lambda x: zeroshot.class_weights(lambda _: x, "abcdef"),
    "zeroshot.predict": lambda x: zeroshot.predict(x, x[:3]),
}
OF_SCALARS = {
    "cones.cap_fraction", "cones.mlp_cosines", "cones.relu_mean_field", "metrics.label", "metrics.recall_by_chance",
    "sphere.six_pairs", "zeroshot.choose_shift", "zeroshot.prompts", "zeroshot.rates", "zeroshot.scene_task",
    "zeroshot.selection_gain",
    "theorems.binomial_interval", "theorems.layer_shares", "theorems.raised_share", "theorems.sufficient_cosine",
}  # fmt: skip
OF_MANY_ROWS = {"metrics.estimates"}  # in tests/metrics/test_sampled.py
DIFFERENTIABLE = {
    "geometry.normalize", "geometry.unit_pair", "geometry.gap_vector", "geometry.shift", "landscape.contrastive_loss",
    "closing.shifted_by_half", "landscape.sigmoid_loss",
    "cones.relu_kernel", "sphere.arc_loss", "sphere.arc_pairs", "landscape.info_nce",
}  # fmt: skip


def matrices() -> tuple[np.ndarray, np.ndarray]:
    """Six pairs in four dimensions; multiples of 1/64, which float16 holds. The last two rows are equal."""
    x, y = np.random.default_rng(0).integers(-200, 200, size=(2, 6, 4)) / 64
    x[5] = x[4]
    return x, y


def numbers(result: Any) -> Iterator[float]:
    """All numbers of a result, whatever holds them."""
    if isinstance(result, Tensor):
        yield from result.detach().double().flatten().tolist()
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            yield from numbers(getattr(result, field.name))
    elif isinstance(result, tuple | dict):
        for part in result.values() if isinstance(result, dict) else result:
            yield from numbers(part)
    elif not isinstance(result, str):
        yield float(result)


def close(found: Any, expected: Any, within: float) -> None:
    found, expected = list(numbers(found)), list(numbers(expected))
    assert found, "something must come out"
    assert found == pytest.approx(expected, rel=within, abs=within)


KINDS: dict[str, tuple[Callable[[np.ndarray], Any], Callable[[np.ndarray], np.ndarray]]] = {
    name: (make, lambda a: a)
    for name, make in {
        "float64 array": lambda a: a,
        "float32 array": lambda a: a.astype(np.float32),
        "float16 array": lambda a: a.astype(np.float16),
        "bfloat16 tensor": lambda a: torch.from_numpy(np.round(a)).bfloat16(),
        "lists of lists": lambda a: a.tolist(),
        "tuples": lambda a: tuple(map(tuple, a.tolist())),
        "list of tensors": lambda a: list(torch.from_numpy(a)),
        "list of tensors with history": lambda a: list(torch.from_numpy(a).requires_grad_()),
        "list of arrays": list,
        "list of rows of each kind": lambda a: [a[0], torch.from_numpy(a[1]), *a[2:].tolist()],
        "array of objects": lambda a: a.astype(object),
        "read-only array": lambda a: np.broadcast_to(a, a.shape),
        "negative strides": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
        "Fortran order": np.asfortranarray,
        "big-endian": lambda a: a.astype(">f8"),
        "every other column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        "transposed tensor": lambda a: torch.from_numpy(a.T.copy()).T,
        "tensor with history": lambda a: torch.from_numpy(a).requires_grad_(),
        "numpy's matrix": np.matrix,
        "mask that hides nothing": lambda a: np.ma.masked_array(a, np.zeros_like(a, dtype=bool)),
        "data frame": pd.DataFrame,
        "data frame with a float32 column": lambda a: pd.DataFrame(a).astype({1: "float32"}),
        "data frame of nullable numbers": lambda a: pd.DataFrame(a).astype("Float64"),
    }.items()
}
KINDS["bfloat16 tensor"] = (KINDS["bfloat16 tensor"][0], np.round)
KINDS |= {
    "int64 tensor": (lambda a: torch.from_numpy((64 * a).astype(int)), lambda a: 64 * a),
    "int16 array": (lambda a: (64 * a).astype(np.int16), lambda a: 64 * a),
    "uint8 array": (lambda a: (abs(64 * a)).astype(np.uint8), lambda a: (abs(64 * a)).astype(np.uint8).astype(float)),
    "lists of ints": (lambda a: (64 * a).astype(int).tolist(), lambda a: 64 * a),
    "bool tensor": (lambda a: torch.from_numpy(a > -1.5), lambda a: (a > -1.5).astype(float)),
    "lists of bools": (lambda a: (a > -1.5).tolist(), lambda a: (a > -1.5).astype(float)),
    "huge numbers": (lambda a: 1e300 * a, lambda a: a),
    "tiny numbers": (lambda a: 1e-300 * a, lambda a: a),
    "lists of huge numbers": (lambda a: (1e300 * a).tolist(), lambda a: a),
    "lists of tiny numbers": (lambda a: (1e-300 * a).tolist(), lambda a: a),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "call", "many"), CALLS, ids=[f"{name}, {many}" for name, _, many in CALLS])
def test_every_kind_of_numbers_gives_what_float64_gives(name: str, call: Call, many: int, kind: str) -> None:
    if name == "cones.layer_cosines" and ("huge" in kind or "tiny" in kind):
        return  # beside the biases of a layer, the length of its inputs matters
    make, same = KINDS[kind]
    given = matrices()[:many]
    expected = call(*(torch.tensor(same(a), dtype=torch.float64) for a in given))
    close(call(*(make(a) for a in given)), expected, 3e-4 if name == "landscape.best_shift" else 2e-5)


def test_lists_are_float32_unless_that_cannot_hold_them() -> None:
    x, _ = matrices()
    assert geometry.normalize(x.tolist()).dtype == torch.float32
    for scale in (1e39, 1e-39, 1e300, 1e-300):
        assert geometry.normalize((x * scale).tolist()).dtype == torch.float64
    assert geometry.normalize([[1.0, 1e-300], [0.0, 2.0]]).dtype == torch.float32


def changed(make: Callable[[np.ndarray], object]) -> Callable[[np.ndarray], object]:
    def apply(a: np.ndarray) -> object:
        a = a.copy()
        make(a)
        return a

    return apply


def put(row: int, value: float) -> Callable[[np.ndarray], object]:
    return changed(lambda a: a[row].fill(value))


BAD: dict[str, tuple[Callable[[np.ndarray], object], str]] = {
    "one row's rank": (lambda a: a[0], r"expected shape \(n, d\), got \(4,\)"),
    "three ranks": (lambda a: a[None], r"expected shape \(n, d\), got \(1, 6, 4\)"),
    "a number": (lambda a: 3.0, r"expected shape \(n, d\), got \(\)"),
    "a 0-d array": (lambda a: a[0, 0], r"expected shape \(n, d\), got \(\)"),
    "a 0-d tensor": (lambda a: torch.tensor(1.0), r"expected shape \(n, d\), got \(\)"),
    "no rows": (lambda a: a[:0], r"expected at least . rows and 1 column, got shape \(0, 4\)"),
    "no columns": (lambda a: a[:, :0], r"expected at least . rows and 1 column, got shape \(6, 0\)"),
    "nothing": (lambda a: [], r"expected shape \(n, d\), got \(0,\)"),
    "NaN": (put(2, np.nan), "expected finite numbers, got NaN or infinity in row 2"),
    "infinity": (put(3, -np.inf), "expected finite numbers, got NaN or infinity in row 3"),
    "infinity in lists": (lambda a: [[1.0, float("inf")]] * 6, "expected finite numbers, got NaN or infinity in row 0"),
    "a zero row": (put(1, 0.0), "expected non-zero rows, got all zeros in row 1"),
    "complex numbers": (lambda a: a * 1j, "expected real numbers, got torch.complex128"),
    "complex lists": (lambda a: (a * 1j).tolist(), "expected real numbers, got torch.complex128"),
    "words": (lambda a: [["a", "b"]] * 6, "expected a tensor, an array or nested lists of numbers, got list"),
    "one word": (lambda a: "clip", "expected a tensor, an array or nested lists of numbers, got str"),
    "None": (lambda a: None, "expected a tensor, an array or nested lists of numbers, got NoneType"),
    "a dictionary": (lambda a: {"x": a}, "expected a tensor, an array or nested lists of numbers, got dict"),
    "a function": (lambda a: print, "expected a tensor, an array or nested lists of numbers, got builtin"),
    "ragged lists": (lambda a: [[1.0, 2.0], [1.0]], "expected a tensor, an array or nested lists of numbers, got list"),
    "ragged tensors": (lambda a: [torch.ones(2), torch.ones(3)], "expected a tensor, an array or nested lists"),
    "dates": (lambda a: a.astype("datetime64[s]"), "an array or nested lists of numbers, got ndarray"),
    "a table of words": (lambda a: pd.DataFrame(a).assign(caption="a dog"), "got DataFrame .*float, str in the place"),
    "a table with gaps": (
        lambda a: pd.DataFrame(a).astype("Float64").mask(a > 0), "got DataFrame .*NAType, float in the place"
    ),
    "scipy's sparse": (scipy.sparse.csr_matrix, r"expected a dense array, got the sparse csr_matrix; x.toarray\(\)"),
    "torch's sparse": (
        lambda a: torch.from_numpy(a).to_sparse(), r"a dense tensor, got the layout torch.sparse_coo; x.to_dense"
    ),
    "a masked array": (lambda a: np.ma.masked_greater(a, 1), "expected a number in every place, got a masked array"),
    "a meta tensor": (
        lambda a: torch.from_numpy(a).to("meta"), r"expected a tensor with a number in every place, got Tensor .*meta"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize(("name", "call", "many"), CALLS, ids=[f"{name}, {many}" for name, _, many in CALLS])
def test_what_is_no_matrix_of_numbers_is_one_clear_error(name: str, call: Call, many: int, kind: str) -> None:
    make, message = BAD[kind]
    for place in range(many - (name == "geometry.mean_cosine" and kind == "None")):  # y is None by default
        given: list[object] = list(matrices()[:many])
        given[place] = make(given[place])  # type: ignore[arg-type]
        argument = "inputs" if name == "cones.layer_cosines" else "xy"[place]
        with pytest.raises((ValueError, TypeError), match=f"^{argument}: .*{message}"):
            call(*given)


@pytest.mark.parametrize("name", TWO_MATRICES)
def test_matrices_of_different_shapes_are_one_clear_error(name: str) -> None:
    x, y = matrices()
    for other in (y[:5], y[:, :3]):
        with pytest.raises(ValueError, match=r"^x and y: expected the same shape.*\(6, 4\) and \("):
            TWO_MATRICES[name](x, other)
    with pytest.raises(ValueError, match=r"^x: expected at least 2 rows"):
        TWO_MATRICES[name](x[:1], y[:1])


@pytest.mark.parametrize("name", TWO_SETS)
def test_sets_of_different_dimensions_are_one_clear_error(name: str) -> None:
    x, y = matrices()
    TWO_SETS[name](x, y[:5])
    with pytest.raises(ValueError, match=r"^x and y: expected the same dimension d, got 4 and 3"):
        TWO_SETS[name](x, y[:, :3])
    with pytest.raises(ValueError, match=r"^y: expected at least 2 rows"):
        TWO_SETS[name](x, y[:1])


@pytest.mark.parametrize(("call", "message"), [
    (lambda bad: cones.variance_share(bad), "embeddings: "),
    (lambda bad: cones.relu_kernel(bad), "cosine: "),
    (lambda bad: sphere.arc_loss(bad, 0.1), "delta_theta: "),
    (lambda bad: sphere.arc_pairs(10, bad), "azimuths: "),
    (lambda bad: sphere.best_angle(0.1, bad), "azimuths: "),
    (lambda bad: landscape.loss_landscape(*matrices(), bad, [0.1]), "shifts: "),
    (lambda bad: landscape.loss_landscape(*matrices(), [0.1], bad), "temperatures: "),
    (lambda bad: landscape.best_shift(*matrices(), 0.1, bad), "shifts: "),
    (lambda bad: cones.cosine_histogram(matrices()[0], bad), "bins: "),
])  # fmt: skip
@pytest.mark.parametrize("kind", [
    "three ranks", "infinity", "complex numbers", "words", "one word", "a dictionary", "ragged lists", "dates",
    "scipy's sparse", "torch's sparse", "a masked array", "a meta tensor",
])  # fmt: skip
def test_other_arguments_of_numbers_are_checked_as_well(call: Call, message: str, kind: str) -> None:
    if message in ("embeddings: ", "delta_theta: ") and kind == "three ranks":
        return  # which these take
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        call(BAD[kind][0](matrices()[0]))


def test_public_means_in_these_tables() -> None:
    covered = {name.partition(",")[0] for name in (*ONE_MATRIX, *TWO_MATRICES, *TWO_SETS, *OTHER_NUMBERS)}
    covered |= OF_SCALARS | OF_MANY_ROWS
    public = {
        f"{module.__name__.removeprefix('mindgap.')}.{name}"
        for module in (geometry, metrics, closing, cones, theorems, sphere, landscape, zeroshot)
        for name in module.__all__
        if isinstance(getattr(module, name), types.FunctionType)
    }
    assert covered == public


@pytest.mark.parametrize(("name", "call", "many"), CALLS, ids=[f"{name}, {many}" for name, _, many in CALLS])
def test_gradients_pass_or_history_ends(name: str, call: Call, many: int) -> None:
    given = [torch.from_numpy(a).requires_grad_() for a in matrices()[:many]]
    result = call(*given)
    tensors = [part for part in (result if isinstance(result, tuple) else [result]) if isinstance(part, Tensor)]
    if name in DIFFERENTIABLE:
        torch.stack([part.cos().sum() for part in tensors]).sum().backward()
        for one in given:
            assert one.grad is not None
            assert one.grad.isfinite().all()
            assert one.grad.any()
    else:
        fields = (
            [getattr(result, f.name) for f in dataclasses.fields(result)] if dataclasses.is_dataclass(result) else []
        )
        assert not any(isinstance(part, Tensor) and part.requires_grad for part in [*tensors, *fields])


@pytest.mark.parametrize("name", OTHER_NUMBERS)
def test_gradients_of_the_rest(name: str) -> None:
    given = torch.from_numpy(matrices()[0]).requires_grad_()
    result = OTHER_NUMBERS[name](given)
    tensors = [part for part in (result if isinstance(result, tuple) else [result]) if isinstance(part, Tensor)]
    assert any(part.requires_grad for part in tensors) == (name in DIFFERENTIABLE)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("name", "call", "many"), CALLS, ids=[f"{name}, {many}" for name, _, many in CALLS])
def test_a_gpu_gives_what_the_cpu_gives(name: str, call: Call, many: int) -> None:
    for dtype, within in [(torch.float32, 2e-5), (torch.float64, 1e-9)]:
        on_device(call, matrices()[:many], dtype, "cuda", within)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", OTHER_NUMBERS)
def test_a_gpu_gives_what_the_cpu_gives_for_the_rest(name: str) -> None:
    on_device(OTHER_NUMBERS[name], matrices()[:1], torch.float64, "cuda", 1e-9)


def on_device(call: Call, given: tuple[np.ndarray, ...], dtype: torch.dtype, device: str, within: float) -> None:
    here = [torch.from_numpy(a).to(dtype) for a in given]
    close(call(*(a.to(device) for a in here)), call(*here), within)


def test_the_test_of_a_gpu_itself() -> None:
    """What it compares, where there is none: that each call gives the same twice."""
    for _, call, many in CALLS:
        on_device(call, matrices()[:many], torch.float64, "cpu", 0)


@pytest.mark.parametrize("device", ["cuda:77", "meta", "gpu"])
def test_a_device_that_is_not_here_is_named(device: str) -> None:
    with pytest.raises(ValueError, match=rf"^device: '{device}' cannot be used here \("):
        cones.mlp_cosines("relu", 1, 8, 4, device=device)
