"""The theorems by Monte Carlo, against direct simulation and against what is known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from mindgap import cones, theorems


def simulated(cosine: float, ratio: float, width: int, layers: int, norm: float) -> float:
    """The obvious way: two vectors, whole weight matrices."""
    generator = torch.Generator().manual_seed(0)
    v = torch.zeros(8, dtype=torch.float64)
    v[0] = norm
    u = torch.zeros_like(v)
    u[0], u[1] = ratio * norm * cosine, ratio * norm * math.sqrt(1 - cosine**2)
    raised = 0
    for _ in range(layers):
        weight = torch.randn(width, 8, generator=generator, dtype=torch.float64) / width**0.5
        bias = torch.randn(width, generator=generator, dtype=torch.float64) / width**0.5
        a, b = torch.relu(weight @ u + bias), torch.relu(weight @ v + bias)
        raised += bool(a @ b > cosine * a.norm() * b.norm())
    return raised / layers


@pytest.mark.parametrize(("cosine", "ratio", "width", "norm"), [
    (0.5, 1.0, 16, 1.0), (0.8, 3.0, 64, 1.0), (0.3, 10.0, 32, 1.0), (0.6, 2.0, 16, 5.0), (-0.4, 1.0, 4, 1.0),
])  # fmt: skip
def test_neurons_drawn_directly_agree_with_whole_layers(cosine: float, ratio: float, width: int, norm: float) -> None:
    found = theorems.raised_share(cosine, ratio, width, 4000, norm, seed=1)
    expected = simulated(cosine, ratio, width, 2000, norm)
    assert found.share == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 2000 + 0.25 / 4000))
    assert found.low <= found.share <= found.high


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0])
def test_theorem_1_holds_within_its_condition(ratio: float) -> None:
    cosine = 0.95 * theorems.sufficient_cosine(ratio)
    shares = [theorems.raised_share(cosine, ratio, width, 500).share for width in (32, 256, 2048)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_it_fails_far_beyond_the_condition() -> None:
    assert theorems.raised_share(0.98, 5.0, 1024, 200).share == 0


def test_outputs_that_share_no_neuron_keep_the_cosine_0() -> None:
    """Orthogonal, long inputs share each of four neurons with the probability ¼; without one, the cosine stays 0."""
    found = theorems.raised_share(0.0, 1.0, 4, 200_000, norm=1e4)
    assert found.share == pytest.approx(1 - 0.75**4, abs=0.005)


@pytest.mark.parametrize(("ratio", "norm"), [(1.0, 1.0), (1.0, 0.3), (3.0, 2.0), (1e-9, 1e9)])
def test_vectors_of_one_direction_never_rise(ratio: float, norm: float) -> None:
    assert theorems.raised_share(1.0, ratio, 64, 500, norm).raised == 0


@pytest.mark.parametrize("apart", [1e-4, 1e-8, 1e-12, 1e-15])
def test_nearly_equal_vectors_rise_as_ever(apart: float) -> None:
    """The biases draw them together; only rounding could hide it."""
    assert theorems.raised_share(1 - apart, 1.0, 2048, 200).share == 1


@pytest.mark.parametrize(("ratio", "norm", "limit"), [
    (1e200, 1.0, (1e9, 1.0)),
    (1e-200, 1.0, (1e-9, 1.0)),
    (1.0, 1e200, (1.0, 1e9)),
    (1e308, 1e308, (1.0, 1e9)),
    (1e200, 1e-200, (1e9, 1e-9)),
])  # fmt: skip
def test_no_length_is_too_large_or_too_small(ratio: float, norm: float, limit: tuple[float, float]) -> None:
    assert theorems.raised_share(0.6, ratio, 16, 500, norm) == theorems.raised_share(0.6, limit[0], 16, 500, limit[1])


def test_the_condition() -> None:
    assert theorems.sufficient_cosine(1e200) == theorems.sufficient_cosine(1e-200) == pytest.approx(2e-200)
    assert theorems.sufficient_cosine(1e-309) == pytest.approx(2e-309)
    assert theorems.sufficient_cosine(1) == 1
    assert theorems.sufficient_cosine(3) == pytest.approx(0.6)
    assert theorems.sufficient_cosine(1 / 3) == pytest.approx(0.6)


def test_the_interval_covers_as_often_as_its_confidence() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=4000)  # at a single probability the coverage of Wilson's interval oscillates
    intervals = [theorems.binomial_interval(int(k), 200) for k in rng.binomial(200, truth)]
    covered = np.mean([low <= p <= high for p, (low, high) in zip(truth, intervals, strict=True)])
    assert covered == pytest.approx(0.95, abs=0.015)
    assert theorems.binomial_interval(0, 10)[0] == 0
    assert theorems.binomial_interval(10, 10)[1] == 1


class TestTheorem2:
    def test_holds_for_the_theorems_inputs(self) -> None:
        for stage in ("output", "preactivation"):
            found = theorems.layer_shares(8, 128, 40, 64, stage=stage)
            assert (found.share >= found.cosine - 0.01).all()

    def test_preactivations_meet_their_exact_share(self) -> None:
        """(s + 1)/(q + 1) for a layer with bias: ½ at the first one, whose inputs are orthogonal of norm 1."""
        found = theorems.layer_shares(1, 256, 200, 64, stage="preactivation")
        assert found.share[0] == pytest.approx(0.5, abs=0.02)
        assert found.cosine[0] == pytest.approx(0, abs=0.005)

    def test_outputs_meet_their_exact_share(self) -> None:
        """(π κ(ρ) − 1)/(π − 1) after a ReLU, at ρ = ½."""
        expected = (math.pi * float(cones.relu_kernel(0.5)) - 1) / (math.pi - 1)
        assert theorems.layer_shares(1, 256, 200, 64).share[0] == pytest.approx(expected, abs=0.02)

    def test_without_bias_relu_outputs_fall_below_the_bound(self) -> None:
        found = theorems.layer_shares(5, 128, 60, 64, bias=False)
        assert (found.share[1:] < found.cosine[1:]).all()

    def test_equals_variance_share_of_the_same_networks(self) -> None:
        generator = torch.Generator().manual_seed(4)
        outputs = []
        for _ in range(3):
            h = cones.gaussian_inputs(5, 6, 1.0, generator)
            outputs.append(torch.relu(cones.preactivation(h, cones.Layer("relu", 6), generator)))
        found = theorems.layer_shares(1, 6, 3, 5, seed=4)
        assert found.share[0] == pytest.approx(cones.variance_share(torch.stack(outputs)), abs=1e-9)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: theorems.raised_share(2.0), "cosine: expected a number from -1 to 1, got 2"),
    (lambda: theorems.raised_share(0.5, 0), "ratio: .* above 0"),
    (lambda: theorems.raised_share(0.5, norm=-1), "norm: .* above 0"),
    (lambda: theorems.raised_share(0.5, width=0), "width: .* at least 1"),
    (lambda: theorems.raised_share(0.5, layers=0), "layers: .* at least 1"),
    (lambda: theorems.sufficient_cosine(-1), "ratio: .* above 0"),
    (lambda: theorems.binomial_interval(3, 2), "successes: .* from 0 to 2, got 3"),
    (lambda: theorems.binomial_interval(1, 2, 1.0), "confidence: .* between 0 and 1"),
    (lambda: theorems.layer_shares(seeds=1), "seeds: .* at least 2"),
    (lambda: theorems.layer_shares(n=1), "n: .* at least 2"),
    (lambda: theorems.layer_shares(activation="swish"), "activation: unknown name 'swish'"),
    (lambda: theorems.layer_shares(stage="outputs"), "stage: unknown name 'outputs'; did you mean 'output'"),
    (lambda: theorems.layer_shares(input_norm=0), "input_norm: .* above 0"),
    (lambda: theorems.layer_shares(input_norm=1e40), r"input_norm: .* from 1e-30 to 1e\+30, got 1e\+40"),
])  # fmt: skip
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
