"""Effect sizes from reported statistics: each way back to the same two samples must give the same g."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mentoreval.numerics.effect_sizes import cox_index, hedges_g, improvement_index
from mentoreval.numerics.reported_effects import (
    correlation_from_sd,
    g_from_own_t,
    hedges_g_from_f,
    hedges_g_from_gain_t,
    hedges_g_from_p,
    hedges_g_from_t,
    hedges_g_of_gains,
    own_t_of_g,
    pooled_correlation,
)

TREATED = np.array([3.0, 5, 6, 9, 4, 8])
COMPARISON = np.array([2.0, 4, 1, 6, 3])


def sample_g() -> float:
    sds = TREATED.std(ddof=1), COMPARISON.std(ddof=1)
    return float(hedges_g(TREATED.mean() - COMPARISON.mean(), *sds, 6, 5))


def test_t_f_and_p_of_two_samples_give_the_g_of_their_means() -> None:
    test = stats.ttest_ind(TREATED, COMPARISON)
    assert hedges_g_from_t(test.statistic, 6, 5) == pytest.approx(sample_g(), rel=1e-12)
    assert hedges_g_from_f(stats.f_oneway(TREATED, COMPARISON).statistic, 1, 6, 5) == pytest.approx(sample_g())
    assert hedges_g_from_p(test.pvalue, 1, 6, 5) == pytest.approx(sample_g(), rel=1e-9)
    assert hedges_g_from_p(test.pvalue, -1, 6, 5) == pytest.approx(-sample_g(), rel=1e-9)


def test_a_p_value_that_was_rounded_to_zero_gives_no_effect_size() -> None:
    assert np.isnan(hedges_g_from_p(0.0, 1, 50, 50))


def test_covariates_make_t_larger_and_r_squared_takes_it_back() -> None:
    plain = hedges_g_from_t(2.0, 40, 60)
    assert hedges_g_from_t(2.0, 40, 60, r_squared=0.64) == pytest.approx(0.6 * plain)
    assert plain == pytest.approx((1 - 3 / 391) * 2 * math.sqrt(1 / 40 + 1 / 60))


def test_g_and_its_own_t_are_inverse_to_each_other() -> None:
    t = own_t_of_g(0.4, 30, 50)
    assert t == pytest.approx(0.4 / math.sqrt(80 / 1500 + 0.16 / 160))
    assert g_from_own_t(t, 30, 50) == pytest.approx(0.4, rel=1e-14)
    assert np.isnan(g_from_own_t(math.sqrt(2 * 80), 30, 50))


def test_gains_are_measured_in_standard_deviations_after_the_program() -> None:
    expected = (1 - 3 / (4 * 70 - 9)) * (5 - 2) / math.sqrt((29 * 16 + 39 * 25) / 68)
    assert hedges_g_of_gains(5.0, 2.0, 4.0, 5.0, 30, 40) == pytest.approx(expected)


def test_the_t_of_changes_gives_the_g_of_changes_over_the_spread_of_the_outcome() -> None:
    """SD 10 at both times and r = .68 make an SD of changes of 8; a difference in changes of 2 has g = .2 · ω."""
    r = correlation_from_sd(10.0, 10.0, 8.0)
    assert r == pytest.approx(0.68)
    t = 2 / (8 * math.sqrt(1 / 50 + 1 / 50))
    assert hedges_g_from_gain_t(t, r, 50, 50) == pytest.approx(0.2 * (1 - 3 / 391))


def test_correlations_are_pooled_by_fishers_z() -> None:
    z = (17 * math.atanh(0.5) + 37 * math.atanh(0.7)) / 54
    assert pooled_correlation([0.5, 0.7], [20, 40]) == pytest.approx(math.tanh(z))
    assert pooled_correlation([0.9, 0.7], [3, 40]) == pytest.approx(0.7)
    assert math.isnan(pooled_correlation([0.9, 0.7], [3, 2]))


def test_cox_index_without_the_small_sample_factor() -> None:
    plain = cox_index(0.802, 0.744, 9_764, 9_764, small_sample=False)
    assert plain == pytest.approx((math.log(0.802 / 0.198) - math.log(0.744 / 0.256)) / 1.65)
    assert plain == pytest.approx(0.201, abs=5e-4)
    assert round(float(improvement_index(plain))) == 8
    assert cox_index(0.6, 0.5, 10, 10) == pytest.approx((1 - 3 / 71) * cox_index(0.6, 0.5, 10, 10, small_sample=False))


def test_printed_effect_sizes_of_the_federal_study_do_not_follow_from_its_printed_deviations() -> None:
    """NCEE 2009-4047, Exhibit ES.1: adjusted difference over the pooled printed SD, beside the printed effect size.

    Another standard deviation was used there, and the page does not say which; g is never tuned to it. Sizes of the
    arms are not printed for each outcome: 2,573 students in halves serve, and change nothing in three decimals.
    """
    rows = {
        "absence rate": (-0.46, 7.71, 9.63, -0.053, -0.09),
        "math grade": (-0.05, 1.70, 1.67, -0.030, -0.05),
        "school efficacy": (0.04, 0.80, 0.85, 0.048, 0.07),
        "future orientation": (0.03, 0.54, 0.63, 0.051, 0.08),
    }
    for name, (difference, sd_treated, sd_comparison, computed, printed) in rows.items():
        g = float(hedges_g(difference, sd_treated, sd_comparison, 1287, 1286))
        assert g == pytest.approx(computed, abs=6e-4), name
        assert 1.4 < printed / g < 1.9, name
