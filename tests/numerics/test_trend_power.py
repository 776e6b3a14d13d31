"""Power against trends: Roth's R package pretrends, closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, norm

from mentoreval.numerics.trend_power import (
    any_power,
    joint_power,
    mean_after_passing,
    slope_for_any_power,
    slope_for_joint_power,
)

TIMES = np.array([-4.0, -3.0, -2.0, 0.0, 1.0, 2.0])
SPREAD = np.array([0.050, 0.045, 0.040, 0.100, 0.110, 0.120])
VCOV = 0.5 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6))) * np.outer(SPREAD, SPREAD)
SHAPE, BEFORE = TIMES + 1, slice(0, 3)
CUTOFF = chi2.isf(0.05, 3)
DRAWS_OF_R = 1e-3
"""pretrends integrates with mvtnorm, whose answers spread by 5e-4 from call to call on these numbers."""


@pytest.mark.parametrize(("slope", "power"), [(0.02, 0.331636386010325), (0.05, 0.901493717618343)])
def test_power_equals_pretrends(slope, power):
    """pretrends 0.1.0 under R 4.5.2, as recorded by StatsPAI (MIT)."""
    assert any_power(slope * SHAPE[BEFORE], VCOV[BEFORE, BEFORE], 0.05) == pytest.approx(power, abs=DRAWS_OF_R)


@pytest.mark.parametrize(("power", "slope"), [(0.5, 0.027901593818477), (0.8, 0.0424249541097126)])
def test_slope_for_power_equals_pretrends(power, slope):
    found = slope_for_any_power(SHAPE[BEFORE], VCOV[BEFORE, BEFORE], 0.05, power)
    assert found == pytest.approx(slope, rel=2e-3)
    assert any_power(found * SHAPE[BEFORE], VCOV[BEFORE, BEFORE], 0.05) == pytest.approx(power, abs=1e-6)


def test_the_joint_test_has_its_level_and_its_power():
    inner = VCOV[BEFORE, BEFORE]
    assert joint_power(np.zeros(3), inner, CUTOFF) == pytest.approx(0.05)
    assert joint_power(0.02 * SHAPE[BEFORE], inner, CUTOFF) == pytest.approx(0.157183, abs=1e-6)  # StatsPAI
    slope = slope_for_joint_power(SHAPE[BEFORE], inner, CUTOFF, 0.8)
    assert joint_power(slope * SHAPE[BEFORE], inner, CUTOFF) == pytest.approx(0.8)
    assert np.isnan(slope_for_joint_power(SHAPE[BEFORE], inner, CUTOFF, 0.04))


def test_one_estimate_is_a_two_sided_test():
    power = any_power(np.array([0.3]), np.array([[0.04]]), 0.05)
    assert power == pytest.approx(norm.sf(1.959963984540054 - 1.5) + norm.cdf(-1.959963984540054 - 1.5), abs=1e-12)
    assert joint_power(np.array([0.3]), np.array([[0.04]]), chi2.isf(0.05, 1)) == pytest.approx(power, abs=1e-9)


def test_what_passing_does_to_the_estimates_equals_draws():
    rng = np.random.default_rng(2)
    mean = 0.03 * SHAPE
    drawn = rng.multivariate_normal(mean, VCOV, 400_000)
    statistic = np.einsum("ni,ij,nj->n", drawn[:, BEFORE], np.linalg.inv(VCOV[BEFORE, BEFORE]), drawn[:, BEFORE])
    passed = drawn[statistic <= CUTOFF][:, 3:]
    expected, error = passed.mean(axis=0), passed.std(axis=0) / np.sqrt(len(passed))
    found = mean_after_passing(mean[:3], mean[3:], VCOV, 3, CUTOFF)
    assert (np.abs(found - expected) < 4 * error).all()
    assert np.abs(found - mean[3:]).max() > 0.002


def test_without_a_trend_passing_changes_nothing():
    assert mean_after_passing(np.zeros(3), np.zeros(3), VCOV, 3, CUTOFF) == pytest.approx(np.zeros(3))
