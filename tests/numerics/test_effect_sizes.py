"""WWC effect sizes against arithmetic and a published page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentoreval.numerics.effect_sizes import (
    continuity_corrected,
    cox_index,
    hedges_g,
    improvement_index,
    omega,
    pooled_sd,
)


def test_barr_2022_passing_all_core_courses() -> None:
    """WWC study page 90790 (BARR, 2022): 80.2 % against 74.4 % of 19,528 students is printed as +8."""
    d = cox_index(0.802, 0.744, 9_764, 9_764)
    assert d == pytest.approx(0.2012, abs=5e-5)
    assert improvement_index(d) == pytest.approx(7.97, abs=5e-3)


def test_hedges_g_by_hand() -> None:
    spread = math.sqrt((9 * 2.0**2 + 19 * 3.0**2) / 28)
    assert pooled_sd(2.0, 3.0, 10, 20) == pytest.approx(spread, rel=1e-14)
    assert hedges_g(1.5, 2.0, 3.0, 10, 20) == pytest.approx((1 - 3 / (4 * 30 - 9)) * 1.5 / spread, rel=1e-14)


def test_cox_index_by_hand() -> None:
    expected = (1 - 3 / (4 * 50 - 9)) * (math.log(0.6 / 0.4) - math.log(0.5 / 0.5)) / 1.65
    assert cox_index(0.6, 0.5, 30, 20) == pytest.approx(expected, rel=1e-14)


def test_quarter_of_a_deviation_is_ten_percentile_points() -> None:
    assert improvement_index(0.25) == pytest.approx(9.87, abs=5e-3)
    np.testing.assert_allclose(improvement_index([-np.inf, 0.0, np.inf]), [-50, 0, 50])


def test_what_is_not_defined_is_nan() -> None:
    assert np.isnan(omega(3))
    assert omega(4) == pytest.approx(1 - 3 / 7)
    assert np.isnan(hedges_g(1.0, 0.0, 0.0, 10, 10))
    assert np.isnan(pooled_sd(1.0, 1.0, 1, 1))
    assert np.isnan(cox_index([0.0, 1.0, 0.5, 0.5], [0.5, 0.5, 0.0, 1.0], 9, 9)).all()


def test_the_arms_may_be_swapped() -> None:
    assert hedges_g(-1.5, 3.0, 2.0, 20, 10) == pytest.approx(-hedges_g(1.5, 2.0, 3.0, 10, 20), rel=1e-14)
    assert cox_index(0.5, 0.6, 20, 30) == pytest.approx(-cox_index(0.6, 0.5, 30, 20), rel=1e-14)


def test_continuity_correction_adds_half_a_student_to_either_side() -> None:
    np.testing.assert_allclose(continuity_corrected([0.0, 0.5, 1.0], 9), [0.5 / 10, 5 / 10, 9.5 / 10])
