"""Two weighted samples: hand arithmetic, and a slow twin for the Kolmogorov–Smirnov distance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentoreval.numerics.two_samples import TwoSamples, effective_sample_size, moments, standardized


def test_moments_with_equal_weights_are_the_usual_ones() -> None:
    values = np.array([1.0, 4.0, 7.0, 100.0])
    found = moments(values, np.array([2.0, 2.0, 2.0, 0.0]))
    assert found.n == 3
    assert found.mean == pytest.approx(4.0)
    assert found.variance == pytest.approx(((1 - 4) ** 2 + 0 + (7 - 4) ** 2) / 2)


def test_weighted_variance_by_hand() -> None:
    mean = (1 * 1 + 3 * 5) / 4
    expected = (1 * (1 - mean) ** 2 + 3 * (5 - mean) ** 2) * 4 / (4**2 - (1**2 + 3**2))
    assert moments(np.array([1.0, 5.0]), np.array([1.0, 3.0])).variance == pytest.approx(expected)


def test_variance_of_a_share_is_p_times_one_minus_p() -> None:
    found = moments(np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4), binary=True)
    assert found.variance == pytest.approx(0.25 * 0.75)
    assert found.sd == pytest.approx(math.sqrt(0.25 * 0.75))


def test_nobody_and_one_row() -> None:
    assert moments(np.array([3.0]), np.array([0.0]))[0] == 0
    assert np.isnan(moments(np.array([3.0]), np.array([0.0])).mean)
    assert moments(np.array([3.0]), np.array([2.0])).mean == 3.0
    assert np.isnan(moments(np.array([3.0]), np.array([2.0])).variance)


def test_rounding_is_not_taken_for_spread() -> None:
    values, weights = np.full(300, 0.1), np.random.default_rng(3).random(300)
    treated = np.arange(300) < 100
    found = TwoSamples(values, treated).under(weights)
    assert found.treated.variance == found.comparison.variance == 0.0
    assert found.of_means == 0.0


def slow_ks(values: np.ndarray, treated: np.ndarray, weights: np.ndarray) -> float:
    """The definition: at every value, the share of each arm's weight at or below it."""
    largest = 0.0
    for cut in values:
        shares = [weights[arm & (values <= cut)].sum() / weights[arm].sum() for arm in (treated, ~treated)]
        largest = max(largest, abs(shares[0] - shares[1]))
    return largest


@pytest.mark.parametrize("seed", range(5))
def test_ks_equals_its_definition_also_with_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 8, 60).astype(float)
    treated, weights = rng.random(60) < 0.4, rng.random(60)
    samples = TwoSamples(values, treated)
    assert samples.under(weights).ks == pytest.approx(slow_ks(values, treated, weights), abs=1e-14)
    assert samples.under(weights**2).ks == pytest.approx(slow_ks(values, treated, weights**2), abs=1e-14)


def test_ks_of_a_share_is_the_difference_in_shares() -> None:
    values, treated = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0]), np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    assert TwoSamples(values, treated, binary=True).under(np.ones(6)).ks == pytest.approx(2 / 3 - 1 / 3)


def test_an_arm_without_weight_has_no_distance() -> None:
    found = TwoSamples(np.array([1.0, 2.0]), np.array([True, False])).under(np.array([1.0, 0.0]))
    assert np.isnan(found.ks)
    assert found.comparison.n == 0


@pytest.mark.parametrize(("denominator", "spread"), [("treated", 2.0), ("comparison", 4.0), ("pooled", math.sqrt(10))])
def test_the_three_denominators(denominator: str, spread: float) -> None:
    values = np.array([-2.0, 0.0, 2.0, -4.0, 0.0, 4.0])
    found = TwoSamples(values, np.arange(6) < 3).under(np.ones(6))
    assert found.spread(denominator) == pytest.approx(spread)  # type: ignore[arg-type]
    assert found.variance_ratio == pytest.approx(4 / 16)


def test_standardized_difference_without_spread() -> None:
    assert standardized(3.0, 2.0) == 1.5
    assert standardized(0.0, 0.0) == 0.0
    assert standardized(-1.0, 0.0) == -np.inf
    assert np.isnan(standardized(1.0, float("nan")))


def test_effective_sample_size() -> None:
    assert effective_sample_size(np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx(3)
    assert effective_sample_size(np.array([3.0, 1.0])) == pytest.approx(16 / 10)
    assert effective_sample_size(np.zeros(3)) == 0.0
