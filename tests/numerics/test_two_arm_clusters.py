"""Clusters in both arms: arithmetic, limits, and a null distribution with the size that it should have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mentoreval.numerics.one_arm import two_arm_degrees
from mentoreval.numerics.two_arm_clusters import (
    correct_test,
    correct_two_arms,
    two_arm_design_effect,
    two_arm_shrinkage,
)


def test_the_formulas_as_arithmetic() -> None:
    found = correct_two_arms(0.3, 60, 40, 5, 0.1)
    assert found.g == pytest.approx(0.3 * math.sqrt(1 - 2 * 4 * 0.1 / 98))
    assert found.df == pytest.approx(94.4, abs=0.05)  # VIVECampbell's df_h
    assert found.variance == pytest.approx((1 / 60 + 1 / 40) * 1.4 + found.g**2 / (2 * found.df))
    test = correct_test(2.5, 100, 20, 0.1)
    assert test.statistic == pytest.approx(2.5 * math.sqrt((98 - 2 * 4 * 0.1) / (98 * (1 + 4 * 0.1))))
    assert test.p_value == pytest.approx(2 * stats.t.sf(test.statistic, two_arm_degrees(100, 5, 0.1)))


def test_without_an_icc_nothing_is_corrected() -> None:
    assert correct_test(2.0, 100, 20, 0.0).statistic == 2.0
    assert correct_two_arms(0.3, 50, 50, 5, 0.0).g == 0.3
    assert two_arm_shrinkage(100, 5, 0.0) == two_arm_design_effect(5, 0.0) == 1.0


def test_a_test_without_effect_is_significant_as_often_as_it_says() -> None:
    """20 clusters of 10 with an ICC of .2: the plain t-test is significant far too often, the corrected one is not."""
    rng = np.random.default_rng(4)
    plain, corrected = [], []
    for _ in range(3000):
        values = math.sqrt(0.2) * rng.normal(size=(20, 1)) + math.sqrt(0.8) * rng.normal(size=(20, 10))
        test = stats.ttest_ind(values[:10].ravel(), values[10:].ravel())
        plain.append(test.pvalue)
        corrected.append(correct_test(test.statistic, 200, 20, 0.2).p_value)
    assert np.mean(np.array(plain) < 0.05) > 0.2
    assert np.mean(np.array(corrected) < 0.05) == pytest.approx(0.05, abs=0.02)
