"""Against sensemakr 0.1.6 on its Darfur data: sensemakr(model, "directlyharmed", "female", kd = 1:3)."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.numerics.omitted_variable import (
    adjusted_error,
    benchmark_bounds,
    bias,
    group_partial_r2,
    partial_r2,
    robustness_value,
)

ESTIMATE, ERROR, DF = 0.09731581928495582, 0.02325653780981102, 783
T = ESTIMATE / ERROR
R2_TREATMENT, R2_OUTCOME = [0.00916428667504857, 0.01832857335009714, 0.02749286002514571], [
    0.12464092303636994, 0.2493240641999754, 0.3740504710380948,
]  # fmt: skip


def test_partial_r2_and_robustness_values():
    assert partial_r2(T, DF) == pytest.approx(0.02187309334110973, abs=1e-12)
    assert robustness_value(T, DF) == pytest.approx(0.13877635389358828, abs=1e-12)
    assert robustness_value(T, DF, alpha=0.05) == pytest.approx(0.07625796554485731, abs=1e-12)


def test_an_effect_that_is_not_significant_has_no_robustness():
    assert robustness_value(1.0, DF, alpha=0.05) == 0
    assert robustness_value(1.0, DF) > 0


def test_the_robustness_value_is_the_strength_that_takes_the_estimate_to_zero():
    value = robustness_value(T, DF)
    assert bias(ERROR, DF, value, value) == pytest.approx(ESTIMATE)
    half = robustness_value(T, DF, q=0.5)
    assert bias(ERROR, DF, half, half) == pytest.approx(ESTIMATE / 2)


def test_the_robustness_value_of_significance_takes_the_interval_to_zero():
    from scipy.special import stdtrit

    value = robustness_value(T, DF, alpha=0.05)
    left = ESTIMATE - bias(ERROR, DF, value, value)
    reach = stdtrit(DF - 1, 0.975) * adjusted_error(ERROR, DF, value, value)
    # The bound of the paper maximizes the bias and the error apart, so that it is a little careful.
    assert left - reach == pytest.approx(0, abs=0.2 * ERROR)


def test_an_overwhelming_effect_is_undone_only_through_the_treatment():
    df, t = 20, 400.0
    value = robustness_value(t, df, alpha=0.05)
    assert 0.99 < value < 1


def test_benchmarks_equal_sensemakr():
    # partial R² of the covariate itself, from its own bounds at 1x: r2dz = r2 / (1 − r2).
    of_treatment = R2_TREATMENT[0] / (1 + R2_TREATMENT[0])
    treatment, outcome = benchmark_bounds(of_treatment, 0.10903391542784166, [1, 2, 3])
    assert treatment == pytest.approx(R2_TREATMENT, abs=1e-12)
    assert outcome == pytest.approx(R2_OUTCOME, abs=1e-10)
    adjusted = ESTIMATE - bias(ERROR, DF, treatment, outcome)
    assert adjusted == pytest.approx([0.07522027121444991, 0.05291517238445298, 0.030396023464156416], abs=1e-10)
    errors = adjusted_error(ERROR, DF, treatment, outcome)
    assert errors == pytest.approx([0.021873327743756863, 0.020350062077963374, 0.018670064817092106], abs=1e-10)


def test_a_benchmark_that_no_variable_can_reach_is_missing():
    treatment, outcome = benchmark_bounds(0.4, 0.1, [1, 2])
    assert np.isnan(treatment[1])
    assert np.isnan(outcome[1])
    assert treatment[0] == pytest.approx(0.4 / 0.6)


def test_several_columns_together_explain_what_their_regression_adds():
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 3))])
    y = X @ [0, 1, 0.5, 0.2] + rng.normal(size=60)

    def left_over(columns):
        return np.square(y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]).sum()

    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    vcov = left_over(X) / 56 * np.linalg.inv(X.T @ X)
    expected = 1 - left_over(X) / left_over(X[:, :2])
    assert group_partial_r2(beta[2:], vcov[2:, 2:], 56) == pytest.approx(expected)
