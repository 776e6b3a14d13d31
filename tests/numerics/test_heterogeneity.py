"""Welch's test that effects are equal: against its textbook forms, and with effects that move together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.oneway import anova_generic

from mentoreval.numerics.heterogeneity import welch_test

MEANS = np.array([2.0, 2.9, 1.4, 2.2])
VARIANCES = np.array([0.8, 1.9, 0.4, 1.1])
SIZES = np.array([12, 9, 21, 15])


def test_of_means_it_is_welchs_analysis_of_variance():
    found = welch_test(MEANS, np.diag(VARIANCES / SIZES), SIZES - 1.0)
    expected = anova_generic(MEANS, VARIANCES, SIZES, use_var="unequal")
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-12)
    assert (found.df, found.df_denominator) == pytest.approx((3, expected.df_denom), rel=1e-12)


def test_of_two_means_it_is_welchs_t_test():
    found = welch_test(MEANS[:2], np.diag((VARIANCES / SIZES)[:2]), SIZES[:2] - 1.0)
    t = stats.ttest_ind_from_stats(
        MEANS[0], VARIANCES[0] ** 0.5, SIZES[0], MEANS[1], VARIANCES[1] ** 0.5, SIZES[1], equal_var=False
    )
    assert found.statistic == pytest.approx(t.statistic**2, rel=1e-12)
    assert found.p_value == pytest.approx(t.pvalue, rel=1e-12)


def test_with_known_errors_it_is_the_chi_squared_test_of_homogeneity():
    errors = np.array([0.5, 0.7, 0.3])
    found = welch_test(MEANS[:3], np.diag(errors**2), np.full(3, np.inf))
    weights = errors**-2
    q = np.sum(weights * (MEANS[:3] - np.sum(weights * MEANS[:3]) / weights.sum()) ** 2)
    assert found.df_denominator == math.inf
    assert found.p_value == pytest.approx(stats.chi2.sf(q, 2), rel=1e-12)


def test_effects_that_move_together_are_told_apart_more_easily():
    """The variance of a difference is v1 + v2 − 2c: with c = 0.06 and v = 0.1 it is 0.08 and not 0.2."""
    together = np.array([[0.1, 0.06], [0.06, 0.1]])
    found = welch_test(np.array([1.0, 1.6]), together, np.full(2, np.inf))
    assert found.statistic == pytest.approx(0.36 / 0.08, rel=1e-12)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(0.6 / math.sqrt(0.08)), rel=1e-12)


@pytest.mark.parametrize("vcov", [np.diag([0.1, np.nan]), np.diag([0.1, 0.0]), np.full((2, 2), 0.1)])
def test_without_errors_there_is_no_test(vcov):
    assert math.isnan(welch_test(np.array([1.0, 2.0]), vcov, np.full(2, 9.0)).p_value)
    assert math.isnan(welch_test(np.array([1.0]), np.array([[0.1]]), np.array([9.0])).p_value)
