"""Variances of effect sizes: arithmetic, limits that must agree, and simulated spreads."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentoreval.numerics.effect_size_variances import (
    variance_from_gain_t,
    variance_from_std_error,
    variance_of_cox_index,
    variance_of_difference_of_g,
    variance_of_g,
    variance_of_gain_g,
)
from mentoreval.numerics.effect_sizes import cox_index, hedges_g
from mentoreval.numerics.reported_effects import hedges_g_of_gains

SIZES = 30, 20


def test_the_formulas_as_arithmetic() -> None:
    noise = 1 / 30 + 1 / 20
    assert variance_of_g(0.3, *SIZES) == pytest.approx(noise + 0.09 / 96)
    assert variance_of_g(0.3, *SIZES, r_squared=0.4, n_covariates=3) == pytest.approx(0.6 * noise + 0.09 / 90)
    assert variance_of_g(0.3, *SIZES, df=40, design_effect=1.5) == pytest.approx(1.5 * noise + 0.09 / 80)
    assert variance_from_std_error(0.3, 2.0, 8.0, 48, n_covariates=2) == pytest.approx(1 / 16 + 0.09 / 92)
    assert variance_of_gain_g(0.3, 0.8, *SIZES) == pytest.approx(0.4 * noise + 0.09 / 96)
    assert variance_from_gain_t(0.3, 2.0, 48) == pytest.approx(0.0225 + 0.09 / 96)
    spread = 0.09 + 0.01 * 0.64 - 2 * 0.1 * 0.3 * 0.64
    assert variance_of_difference_of_g(0.3, 0.1, 0.8, *SIZES) == pytest.approx(0.4 * noise + spread / 96)


def test_a_correlation_of_one_half_is_as_good_as_no_measure_before() -> None:
    assert variance_of_gain_g(0.3, 0.5, *SIZES) == pytest.approx(variance_of_g(0.3, *SIZES))
    assert variance_of_difference_of_g(0.3, 0.0, 0.5, *SIZES) == pytest.approx(variance_of_g(0.3, *SIZES))


def test_variance_of_cox_index_by_hand_and_at_its_limit() -> None:
    odds = 1 / 18 + 1 / 12 + 1 / 10 + 1 / 10  # 18 of 30 and 10 of 20
    omega = 1 - 3 / (4 * 50 - 9)
    assert variance_of_cox_index(0.6, 0.5, *SIZES) == pytest.approx(odds * (omega / 1.65) ** 2)
    assert variance_of_cox_index(0.6, 0.5, *SIZES, small_sample=False) == pytest.approx(odds / 1.65**2)
    assert np.isnan(variance_of_cox_index(1.0, 0.5, *SIZES))


def test_variances_are_those_of_many_made_up_samples() -> None:
    rng = np.random.default_rng(11)
    n, m, r = 60, 80, 0.7
    gains, afters, shares = [], [], []
    for _ in range(4000):
        before = rng.normal(size=n + m)
        after = r * before + math.sqrt(1 - r**2) * rng.normal(size=n + m) + 0.3 * (np.arange(n + m) < n)
        sds = after[:n].std(ddof=1), after[n:].std(ddof=1)
        change = after - before
        gains.append(float(hedges_g_of_gains(change[:n].mean(), change[n:].mean(), *sds, n, m)))
        afters.append(float(hedges_g(after[:n].mean() - after[n:].mean(), *sds, n, m)))
        counts = rng.binomial([n, m], [0.7, 0.5]) / [n, m]
        shares.append(float(cox_index(*counts, n, m)))
    # The spread of 4,000 draws is known to about 2.2 % of the variance; 8 % is more than three standard errors.
    assert np.var(afters) == pytest.approx(variance_of_g(0.3, n, m), rel=0.08)
    assert np.var(gains) == pytest.approx(variance_of_gain_g(0.3, r, n, m), rel=0.08)
    assert np.var(shares) == pytest.approx(variance_of_cox_index(0.7, 0.5, n, m), rel=0.08)
