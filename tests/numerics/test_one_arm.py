"""Clusters in one arm: published numbers, limits, and a balanced table worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentoreval.numerics.one_arm import (
    correct_one_arm,
    intraclass_correlation,
    one_arm_degrees,
    one_arm_design_effect,
    one_arm_shrinkage,
    partially_nested,
    two_arm_degrees,
)


def test_degrees_of_freedom_of_two_clustered_arms() -> None:
    """The example of VIVECampbell's df_h: 100 students in clusters of 5 with an ICC of 0.1 give 94.4."""
    assert two_arm_degrees(100, 5, 0.1) == pytest.approx(94.4, abs=0.05)


def test_the_formulas_of_one_arm_as_arithmetic() -> None:
    """60 mentees of mentors with 5 each, 40 comparison students, ICC 0.1."""
    assert one_arm_shrinkage(60, 40, 5, 0.1) == pytest.approx(1 - (40 + 5 - 2) * 0.1 / 98)
    assert one_arm_design_effect(60, 40, 5, 0.1) == pytest.approx(1 + (5 * 40 / 100 - 1) * 0.1)
    top = (98 * 0.9 + 55 * 0.1) ** 2
    bottom = 98 * 0.9**2 + 55 * 5 * 0.1**2 + 2 * 55 * 0.9 * 0.1
    assert one_arm_degrees(60, 40, 5, 0.1) == pytest.approx(top / bottom)
    found = correct_one_arm(0.3, 60, 40, 5, 0.1)
    assert found.g == pytest.approx(0.3 * math.sqrt(1 - 4.3 / 98))
    assert found.variance == pytest.approx((1 / 60 + 1 / 40) * 1.1 + found.g**2 / (2 * top / bottom))
    adjusted = correct_one_arm(0.3, 60, 40, 5, 0.1, adjusted=True)
    assert adjusted.variance == pytest.approx((1 / 60 + 1 / 40) * (1 - 4.3 / 98) + found.g**2 / (2 * top / bottom))


def test_without_an_icc_nothing_is_corrected() -> None:
    found = correct_one_arm(0.25, 50, 70, 4, 0.0)
    assert (found.g, found.df) == (0.25, pytest.approx(118))
    assert found.variance == pytest.approx(1 / 50 + 1 / 70 + 0.25**2 / (2 * 118))
    assert two_arm_degrees(120, 4, 0.0) == pytest.approx(118)


def test_a_balanced_table_has_the_variance_of_its_means() -> None:
    """Mean of 3 mentors' means less the mean of 4: variance MS_B / 6 + s²_C / 4, and Satterthwaite's degrees."""
    mentees = np.array([1.0, 3.0, 6.0, 8.0, 2.0, 4.0])
    comparison = np.array([0.0, 2.0, 1.0, 5.0])
    residuals = np.concatenate([mentees - mentees.mean(), comparison - comparison.mean()])
    treated = np.arange(10) < 6
    pull = np.where(treated, 1 / 6, -1 / 4)[:, None]
    found = partially_nested(pull, residuals, treated, np.array([0, 0, 1, 1, 2, 2, 9, 9, 9, 9]))
    between = 2 * ((2 - 4) ** 2 + (7 - 4) ** 2 + (3 - 4) ** 2) / 2  # mean square of mentors' means 2, 7, 3
    within = (2 + 2 + 2) / 3
    alone = np.var(comparison, ddof=1)
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx((between - within) / 2)
    assert found.vcov[0, 0] == pytest.approx(between / 6 + alone / 4)
    df = (between / 6 + alone / 4) ** 2 / ((between / 6) ** 2 / 2 + (alone / 4) ** 2 / 3)
    assert found.df[0] == pytest.approx(df)
    assert found.icc == pytest.approx(found.between / (found.between + within))


def test_mentors_that_differ_by_chance_only_are_welchs_test() -> None:
    """Mentors with the same mean: no variance between them, and mentees are one group."""
    mentees = np.array([1.0, 3.0, 0.0, 4.0, 2.0, 2.0])
    comparison = np.array([0.0, 2.0, 1.0, 5.0])
    residuals = np.concatenate([mentees - mentees.mean(), comparison - comparison.mean()])
    treated = np.arange(10) < 6
    pull = np.where(treated, 1 / 6, -1 / 4)[:, None]
    found = partially_nested(pull, residuals, treated, np.arange(10) // 2)
    a, c = np.var(mentees, ddof=1) / 6, np.var(comparison, ddof=1) / 4
    assert found.between == 0.0
    assert found.vcov[0, 0] == pytest.approx(a + c)
    assert found.df[0] == pytest.approx((a + c) ** 2 / (a**2 / 5 + c**2 / 3))


def test_intraclass_correlation_by_hand_and_where_there_is_none() -> None:
    values, cluster = np.array([1.0, 3, 6, 8, 2, 4]), np.array([5, 5, 2, 2, 9, 9])
    between = 2 * ((2 - 4) ** 2 + (7 - 4) ** 2 + (3 - 4) ** 2) / 2
    tau = (between - 2) / 2  # the mean square within is 2
    assert intraclass_correlation(values, cluster) == pytest.approx(tau / (tau + 2))
    assert intraclass_correlation(np.array([1.0, 3, 1, 3]), np.array([0, 0, 1, 1])) == 0.0
    for alone in (np.arange(6), np.zeros(6, dtype=np.int64)):
        assert math.isnan(intraclass_correlation(values, alone))
    assert math.isnan(intraclass_correlation(np.ones(6), cluster))
