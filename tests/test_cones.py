"""Narrow cones: random layers against the paper's numbers and the mean field, histograms, caps, variance shares."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import mindgap
from mindgap import cones, geometry
from mindgap.check._feedback import Largest
from mindgap.cones import Layer

# Printed by the authors' notebook for Fig 2b (1,024 inputs from N(0, I), one draw, diagonal included).
AUTHORS_RELU = {0: 0.00097, 1: 0.3195, 2: 0.4943, 3: 0.6069, 5: 0.7541, 10: 0.9477, 15: 0.9980, 25: 0.999997}
SEEDS = range(6)


@pytest.fixture(scope="module")
def relu() -> torch.Tensor:
    return torch.stack([cones.mlp_cosines("relu", n=256, seed=seed) for seed in SEEDS])


class TestRandomLayers:
    @pytest.mark.parametrize(("layer", "printed"), AUTHORS_RELU.items())
    def test_relu_gives_the_authors_numbers_within_the_spread_over_seeds(
        self, relu: torch.Tensor, layer: int, printed: float
    ) -> None:
        # The authors' mean includes the diagonal of 1,024 ones; one more draw scatters like ours do.
        off_diagonal = (printed * 1024 - 1) / 1023
        spread = float(relu[:, layer].std())
        assert off_diagonal == pytest.approx(float(relu[:, layer].mean()), abs=max(4 * spread, 2e-5))

    def test_relu_follows_the_mean_field(self, relu: torch.Tensor) -> None:
        expected = cones.relu_mean_field()
        error = (relu.mean(dim=0) - expected).abs()
        assert (error <= 4 * relu.std(dim=0) / math.sqrt(len(SEEDS)) + 2e-3).all()

    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("input_norm", [0.5, 1.0, 8.0])
    def test_wide_layers_meet_the_mean_field_at_any_norm(self, bias: bool, input_norm: float) -> None:
        expected = cones.relu_mean_field(4, input_norm, bias)
        found = torch.stack(
            [cones.mlp_cosines("relu", 4, 1024, 64, bias=bias, input_norm=input_norm, seed=seed) for seed in range(4)]
        ).mean(dim=0)
        torch.testing.assert_close(found, expected, rtol=0, atol=0.02)

    def test_sigmoid_is_a_narrow_cone_after_two_layers(self) -> None:
        found = cones.mlp_cosines("sigmoid", 2, n=256)
        assert found[1] == pytest.approx(0.85, abs=0.01)
        assert found[2] > 0.98

    def test_a_linear_net_with_bias_makes_a_cone_of_small_inputs(self) -> None:
        """L / (L + ‖u‖²): hardly one at the paper's norm, a narrow one at the norm 1 of Theorem 2."""
        for input_norm, expected, spread in [(512**0.5, 0.047, 0.015), (1.0, 25 / 26, 0.015)]:
            found = [float(cones.mlp_cosines("linear", n=256, input_norm=input_norm, seed=s)[25]) for s in SEEDS]
            assert np.mean(found) == pytest.approx(expected, abs=spread)

    @pytest.mark.parametrize("activation", ["linear", "tanh"])
    def test_without_bias_an_odd_activation_makes_no_cone(self, activation: str) -> None:
        assert cones.mlp_cosines(activation, 10, 256, 256, bias=False).abs().max() < 0.01

    @pytest.mark.parametrize(("activation", "bias", "plotted"), [("tanh", True, 0.52), ("maxout", False, 0.96)])
    def test_layer_25_is_where_the_paper_plots_it(self, activation: str, bias: bool, plotted: float) -> None:
        found = torch.stack([cones.mlp_cosines(activation, n=256, bias=bias, seed=seed)[25] for seed in SEEDS])
        assert plotted == pytest.approx(float(found.mean()), abs=3 * float(found.std()))

    def test_leaky_relu_is_close_to_relu(self, relu: torch.Tensor) -> None:
        assert (cones.mlp_cosines("leaky_relu", n=256) - relu[0]).abs().max() < 0.02

    def test_batch_norm_leaves_what_being_positive_is_worth_and_layer_norm_changes_little(self) -> None:
        batch = cones.mlp_cosines("relu", 10, n=256, norm="batch")
        torch.testing.assert_close(batch[1:], torch.full((10,), 1 / math.pi).double(), rtol=0, atol=0.02)
        layer = cones.mlp_cosines("relu", 25, n=256, norm="layer")
        assert layer[25] > 0.9

    def test_the_seed_is_all_that_is_random_and_no_global_state_changes(self) -> None:
        state = torch.get_rng_state()
        first, again = (cones.mlp_cosines("relu", 3, 64, 32, seed=5) for _ in range(2))
        other = cones.mlp_cosines("relu", 3, 64, 32, seed=6)
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert torch.equal(state, torch.get_rng_state())

    def test_weights_stay_when_only_the_bias_goes(self) -> None:
        first, second = (cones.mlp_cosines("relu", 1, 64, 32, bias=bias, input_norm=1e4) for bias in (True, False))
        torch.testing.assert_close(first, second, rtol=0, atol=1e-5)

    def test_layers_of_several_kinds_equal_a_plain_loop(self) -> None:
        inputs = torch.randn(20, 7, generator=torch.Generator().manual_seed(1))
        layers = [Layer("relu", 9), Layer("maxout", 5, bias=False), Layer("tanh", 6, norm="layer")]
        found = cones.layer_cosines(layers, inputs, seed=3)
        generator, h = torch.Generator().manual_seed(3), inputs
        expected = [geometry.mean_cosine(h)]
        for layer in layers:
            rows = layer.width * (2 if layer.activation == "maxout" else 1)
            weight = torch.randn(rows, h.shape[1], generator=generator) / layer.width**0.5
            bias = torch.randn(rows, generator=generator) / layer.width**0.5
            h = h @ weight.T + bias * layer.bias
            if layer.activation == "relu":
                h = h.clamp(min=0)
            elif layer.activation == "maxout":
                h = torch.maximum(h[:, :5], h[:, 5:])
            else:
                h = torch.tanh(
                    (h - h.mean(dim=1, keepdim=True)) / (h.var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
                )
            expected.append(geometry.mean_cosine(h))
        torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=0, atol=1e-5)

    def test_inputs_keep_their_precision_and_get_the_same_weights(self) -> None:
        inputs = torch.randn(20, 7, generator=torch.Generator().manual_seed(1))
        single, double = (cones.layer_cosines([Layer("tanh", 9)], x, seed=3) for x in (inputs, inputs.double()))
        torch.testing.assert_close(single, double, rtol=0, atol=1e-6)
        assert not torch.equal(single, double)

    def test_a_layer_that_silences_an_input_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"width: .* layer 1, of width 1, turned input"):
            cones.mlp_cosines("relu", 3, 1, 16)


class TestMeanField:
    def test_first_layer_of_the_contract(self) -> None:
        assert cones.relu_mean_field()[1] == pytest.approx(0.3193, abs=5e-5)
        assert cones.relu_mean_field().shape == (26,)

    def test_by_integration(self) -> None:
        """κ(ρ) as E[φ(u)φ(v)] / E[φ(u)²] over a Gaussian pair, by quadrature in the angle."""
        for rho in (-0.9, 0.0, 0.3, 0.95):
            angle = math.acos(rho)
            theta = np.linspace(-math.pi / 2, math.pi / 2, 200_001)
            product = np.clip(np.cos(theta), 0, None) * np.clip(np.cos(theta - angle), 0, None)
            expected = np.trapezoid(product, theta) / (math.pi / 2)
            assert float(cones.relu_kernel(rho)) == pytest.approx(expected, abs=1e-8)

    @pytest.mark.parametrize("bias", [True, False])
    def test_no_norm_is_too_large_or_too_small(self, bias: bool) -> None:
        huge, tiny = (cones.relu_mean_field(6, norm, bias) for norm in (1e200, 1e-200))
        torch.testing.assert_close(huge, cones.relu_mean_field(6, 1e12, bias))
        torch.testing.assert_close(huge, cones.relu_mean_field(6, 1.0, bias=False))  # biases are nothing beside it
        torch.testing.assert_close(tiny, cones.relu_mean_field(6, 1e-12, bias))
        assert cones.relu_mean_field(5000, 1e-3).max() <= 1

    def test_one_step_by_hand(self) -> None:
        first, second = cones.relu_mean_field(2, 3.0)[1:].tolist()
        assert first == pytest.approx(float(cones.relu_kernel(0.1)))
        squared = 5.0  # (9 + 1) / 2
        assert second == pytest.approx(float(cones.relu_kernel((first * squared + 1) / 6)))


class TestVarianceShare:
    @pytest.mark.parametrize(("seeds", "n"), [(4, 3), (30, 8)])
    def test_its_parts_are_unbiased_for_a_known_answer(self, seeds: int, n: int) -> None:
        """h = a_seed + e with variances 2 and 6 per coordinate: the share is ¼, whatever n and the number of seeds."""
        generator = torch.Generator().manual_seed(0)
        between, within, naive = [], [], []
        for _ in range(400):
            a = 2**0.5 * torch.randn(seeds, 1, 5, generator=generator, dtype=torch.float64)
            h = a + 6**0.5 * torch.randn(seeds, n, 5, generator=generator, dtype=torch.float64)
            inside = h.var(dim=1).sum(dim=1).mean()
            share = cones.variance_share(h)
            # What the function estimates, part by part: share = between / (between + inside).
            between.append(share / (1 - share) * float(inside))
            within.append(float(inside))
            naive.append(float(h.mean(dim=1).var(dim=0).sum()))
        error = 4 * np.std(between) / 20
        assert np.mean(between) == pytest.approx(10, abs=error)
        assert np.mean(within) == pytest.approx(30, abs=4 * np.std(within) / 20)
        assert abs(np.mean(naive) - 10) > error, "the plain variance of means is too large, as it should be"

    def test_large_samples_meet_the_known_share(self) -> None:
        generator = torch.Generator().manual_seed(1)
        h = torch.randn(400, 1, 64, generator=generator) + 3**0.5 * torch.randn(400, 20, 64, generator=generator)
        assert cones.variance_share(h) == pytest.approx(0.25, abs=0.01)

    def test_no_difference_between_seeds_is_no_share(self) -> None:
        h = torch.randn(60, 30, 20, generator=torch.Generator().manual_seed(2))
        assert cones.variance_share(h) == pytest.approx(0, abs=0.003)

    @pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e200, 1e305])
    def test_the_scale_does_not_matter(self, scale: float) -> None:
        h = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64) + 1
        assert cones.variance_share(h * scale) == pytest.approx(cones.variance_share(h), rel=1e-9)
        assert cones.variance_share((h * scale).tolist()) == pytest.approx(cones.variance_share(h), rel=1e-6)

    def test_constant_clouds_are_all_share(self) -> None:
        assert cones.variance_share(np.repeat(np.arange(6.0).reshape(3, 1, 2), 4, axis=1)) == pytest.approx(1)


class TestHistogram:
    @pytest.mark.parametrize("bins", [1, 7, 100, [-1.0, -0.2, 0.1, 0.4, 1.0], [0.0, 0.25, 0.5]])
    @pytest.mark.parametrize("tile", [50, 10**6])
    def test_equals_numpy_over_all_off_diagonal_pairs(
        self, bins: Any, tile: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cones, "TILE_ENTRIES", tile)
        x = torch.randn(61, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.3
        unit = geometry.normalize(x).numpy()
        cosines = (unit @ unit.T)[~np.eye(61, dtype=bool)]
        found = cones.cosine_histogram(x, bins)
        counts, edges = np.histogram(cosines, bins, (-1, 1))
        assert found.counts.tolist() == counts.tolist()
        np.testing.assert_allclose(found.edges, edges, atol=1e-15)
        moments = cosines.mean(), cosines.std(), cosines.min(), cosines.max()
        assert (found.mean, found.std, found.min, found.max) == pytest.approx(moments, abs=1e-12)

    @pytest.mark.parametrize("bins", [5, 5.0, np.int64(5), np.array(5), torch.tensor(5)])
    def test_a_number_of_bins_of_any_kind(self, bins: Any) -> None:
        x = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
        assert torch.equal(cones.cosine_histogram(x, bins).counts, cones.cosine_histogram(x, 5).counts)
        assert len(cones.cosine_histogram(x, bins).edges) == 6

    def test_a_very_narrow_cone_keeps_its_width_in_float32(self) -> None:
        generator = torch.Generator().manual_seed(0)
        x = torch.ones(200, 512) + 0.02 * torch.randn(200, 512, generator=generator)
        single, double = cones.cosine_histogram(x), cones.cosine_histogram(x.double())
        assert single.mean == pytest.approx(double.mean, abs=1e-7)
        assert single.std == pytest.approx(double.std, rel=0.01)

    def test_equal_rows_count_at_one(self) -> None:
        found = cones.cosine_histogram(torch.ones(5, 3), 10)
        assert found.counts.tolist() == [0] * 9 + [20]

    def test_two_rows_are_enough(self) -> None:
        found = cones.cosine_histogram([[1.0, 0.0], [0.0, 2.0]], 2)
        assert (found.counts.tolist(), found.mean, found.std, found.min) == ([0, 2], 0, 0, 0)

    def test_its_table_spans_what_is_filled(self) -> None:
        table = cones.cosine_histogram([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], 10).frame()
        assert table["value"].tolist() == pytest.approx([-0.1, 0.1, 0.3, 0.5, 0.7, 0.9])
        assert table["share"].tolist() == pytest.approx([0, 1 / 3, 0, 0, 2 / 3, 0])

    def test_memory_is_never_quadratic(self) -> None:
        x = torch.randn(6000, 8, generator=torch.Generator().manual_seed(0))
        with Largest() as seen:
            cones.cosine_histogram(x)
        assert 0 < seen.entries < 6000**2 / 20


class TestCap:
    @pytest.mark.parametrize(("cosine", "dim", "share"), [
        (0.56, 2, 0.1554), (0.56, 3, 0.0584), (-1, 2, 0.5), (-1, 7, 0.5), (0, 2, 0.25), (0, 3, (1 - 0.5**0.5) / 2),
    ])  # fmt: skip
    def test_shares_that_are_known(self, cosine: float, dim: int, share: float) -> None:
        assert 2 ** cones.cap_fraction(cosine, dim) == pytest.approx(share, abs=5e-5)

    def test_high_dimensions_stay_finite(self) -> None:
        assert cones.cap_fraction(0.56, 512) == pytest.approx(-563.8, abs=0.05)
        assert cones.cap_fraction(2 * 0.56 - 1, 512) == pytest.approx(-308.0, abs=0.05)
        assert -4481 < cones.cap_fraction(0.56, 4096) < -4479
        assert cones.cap_fraction(1, 512) == -math.inf

    @given(cosine=st.floats(-0.99, 0.99), dim=st.integers(2, 40))
    def test_equals_the_integral_of_its_rings(self, cosine: float, dim: int) -> None:
        half = math.acos(cosine) / 2
        theta = np.linspace(0, math.pi, 20_001)
        rings = np.sin(theta) ** (dim - 2)
        inside = np.linspace(0, half, 20_001)
        share = np.trapezoid(np.sin(inside) ** (dim - 2), inside) / np.trapezoid(rings, theta)
        assert 2 ** cones.cap_fraction(cosine, dim) == pytest.approx(share, rel=2e-3, abs=1e-12)

    def test_by_throwing_points(self) -> None:
        points = geometry.normalize(torch.randn(200_000, 4, generator=torch.Generator().manual_seed(0)))
        share = float((points[:, 0] >= math.cos(math.acos(0.3) / 2)).double().mean())
        assert 2 ** cones.cap_fraction(0.3, 4) == pytest.approx(share, abs=0.003)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: cones.mlp_cosines("rellu"), "activation: unknown name 'rellu'; did you mean 'relu'"),
    (lambda: cones.mlp_cosines("relu", depth=0), "depth: .* at least 1, got 0"),
    (lambda: cones.mlp_cosines("relu", width=0), "width: .* at least 1, got 0"),
    (lambda: cones.mlp_cosines("relu", n=1), "n: .* at least 2, got 1"),
    (lambda: cones.mlp_cosines("relu", input_norm=0), "input_norm: .* above 0, got 0"),
    (lambda: cones.mlp_cosines("relu", norm="layers"), "norm: unknown name 'layers'; did you mean 'layer'"),
    (lambda: cones.layer_cosines([Layer()], torch.ones(2)), r"inputs: expected shape \(n, d\)"),
    (lambda: cones.relu_mean_field(0), "depth: .* at least 1"),
    (lambda: cones.relu_mean_field(input_norm=-1), "input_norm: .* above 0, got -1"),
    (lambda: cones.relu_kernel(1.5), "cosine: expected numbers from -1 to 1"),
    (lambda: cones.variance_share(torch.ones(3, 4)), r"embeddings: expected shape \(seeds, n, d\), got \(3, 4\)"),
    (lambda: cones.variance_share(torch.ones(1, 4, 2)), "embeddings: expected at least 2 seeds"),
    (lambda: cones.variance_share(torch.ones(2, 1, 2)), "embeddings: expected at least 2 seeds, 2 rows"),
    (lambda: cones.variance_share(torch.full((2, 2, 2), math.nan)), "embeddings: expected finite numbers.* seed 0"),
    (lambda: cones.variance_share(torch.ones(2, 2, 2)), "embeddings: expected some variance"),
    (lambda: cones.cosine_histogram(torch.ones(1, 3)), "x: expected at least 2 rows"),
    (lambda: cones.cosine_histogram(torch.zeros(2, 3)), "x: expected non-zero rows"),
    (lambda: cones.cosine_histogram(torch.ones(3, 3), 0), "bins: .* from 1 to 10000000, got 0"),
    (lambda: cones.cosine_histogram(torch.ones(3, 3), 2.5), "bins: .* from 1 to 10000000, got 2.5"),
    (lambda: cones.mlp_cosines("relu", 1, 8, 4, input_norm=1e200), r"input_norm: .* from 1e-30 to 1e\+30, got 1e\+200"),
    (lambda: cones.cosine_histogram(torch.ones(3, 3), [0.5, 0.1]), "bins: .* increasing edges"),
    (lambda: cones.cap_fraction(1.2, 3), "cosine: expected a number from -1 to 1, got 1.2"),
    (lambda: cones.cap_fraction(0.5, 1), "dim: .* at least 2, got 1"),
])  # fmt: skip
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_the_contract_is_public() -> None:
    for name in ("cap_fraction", "cosine_histogram", "mlp_cosines", "relu_mean_field", "variance_share"):
        assert getattr(mindgap, name) is getattr(cones, name)
