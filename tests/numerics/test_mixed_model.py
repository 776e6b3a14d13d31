"""Linear mixed models: statsmodels' MixedLM, the likelihood written out, and what is at its maximum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.mixed_model import MixedFit, fit_mixed


def make(n: int = 240, seed: int = 0) -> tuple[FloatArray, FloatArray, BoolArray, list[IntArray]]:
    """Students in 12 schools; the treated with one of 20 mentors, who work in several schools."""
    rng = np.random.default_rng(seed)
    school, treated = rng.integers(0, 12, n), rng.random(n) < 0.5
    mentor = np.where(treated, rng.integers(0, 20, n), -1)
    X = np.column_stack([np.ones(n), rng.normal(size=n), treated])
    y = X @ [10.0, 1.0, -2.0] + rng.normal(0, 1.5, 12)[school] + np.where(treated, rng.normal(0, 1.2, 20)[mentor], 0.0)
    return X, y + rng.normal(size=n) * np.where(treated, 2.0, 1.0), treated, [school, mentor]


def variance_of(fit: MixedFit, weights: FloatArray, treated: BoolArray, levels: list[IntArray]) -> FloatArray:
    """(n, n) the variance of all rows at the fitted variances."""
    V = np.diag(np.where(treated, fit.residual_variances[1], fit.residual_variances[0]) / weights)
    for variance, codes in zip(fit.variances, levels, strict=True):
        V += variance * ((codes[:, None] == codes) & (codes[:, None] >= 0))
    return V


def restricted(X: FloatArray, y: FloatArray, V: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Restricted log likelihood, coefficients and their variance, all with n × n matrices."""
    inverse = np.linalg.inv(V)
    vcov = np.linalg.inv(X.T @ inverse @ X)
    beta = vcov @ X.T @ inverse @ y
    residual = y - X @ beta
    value = np.linalg.slogdet(V)[1] - np.linalg.slogdet(vcov)[1] + residual @ inverse @ residual
    return -0.5 * (value + (len(y) - X.shape[1]) * np.log(2 * np.pi)), beta, vcov


def test_one_level_is_the_mixed_model_of_statsmodels() -> None:
    X, y, _, (school, _) = make()
    ours = fit_mixed(X, y, np.ones(len(y)), [school])
    model: Any = sm.MixedLM(y, X, groups=school)
    theirs = model.fit(reml=True, method="powell", xtol=1e-12, ftol=1e-14)
    np.testing.assert_allclose(ours.coefficients, theirs.fe_params, rtol=1e-7)
    assert ours.variances[0] == pytest.approx(theirs.cov_re[0, 0], rel=1e-5)  # as near as their search comes
    assert ours.residual_variances[0] == pytest.approx(theirs.scale, rel=1e-6)
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-9)


@pytest.mark.parametrize("by_arm", [True, False])
def test_likelihood_coefficients_and_errors_are_those_written_out(by_arm: bool) -> None:
    X, y, treated, levels = make()
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    fit = fit_mixed(X, y, weights, levels, treated if by_arm else None)
    value, beta, vcov = restricted(X, y, variance_of(fit, weights, treated, levels))
    assert fit.log_likelihood == pytest.approx(value, abs=1e-8)
    np.testing.assert_allclose(fit.coefficients, beta, rtol=1e-8)
    np.testing.assert_allclose(fit.vcov, vcov, rtol=1e-8)


def test_no_other_variances_are_likelier() -> None:
    """The derivative of the written-out likelihood by each variance is zero."""
    X, y, treated, levels = make()
    fit = fit_mixed(X, y, np.ones(len(y)), levels, treated)
    found = np.array([*fit.variances, *fit.residual_variances])

    def likelihood(values: FloatArray) -> float:
        other = MixedFit(fit.coefficients, fit.vcov, tuple(values[:2]), (values[2], values[3]), 0.0, fit.df)
        return restricted(X, y, variance_of(other, np.ones(len(y)), treated, levels))[0]

    for place in range(4):
        up, down = found.copy(), found.copy()
        up[place] *= 1.001
        down[place] /= 1.001
        assert max(likelihood(up), likelihood(down)) < fit.log_likelihood
        assert abs(likelihood(up) - likelihood(down)) < 1e-7


def test_satterthwaite_is_the_formula_with_the_information_written_out() -> None:
    X, y, treated, levels = make()
    fit = fit_mixed(X, y, np.ones(len(y)), levels, treated)
    found = np.array([*fit.variances, *fit.residual_variances])

    def both(values: FloatArray) -> tuple[float, float]:
        other = MixedFit(fit.coefficients, fit.vcov, tuple(values[:2]), (values[2], values[3]), 0.0, fit.df)
        value, _, vcov = restricted(X, y, variance_of(other, np.ones(len(y)), treated, levels))
        return value, float(vcov[2, 2])

    steps = np.diag(1e-3 * found)
    gradient = np.array([both(found + step)[1] - both(found - step)[1] for step in steps]) / (2e-3 * found)
    information = np.empty((4, 4))
    for i, j in np.ndindex(4, 4):
        corners = [a * b * both(found + a * steps[i] + b * steps[j])[0] for a in (1, -1) for b in (1, -1)]
        information[i, j] = -sum(corners) / (4e-6 * found[i] * found[j])
    expected = 2 * fit.vcov[2, 2] ** 2 / (gradient @ np.linalg.solve(information, gradient))
    assert fit.df(np.array([0.0, 0.0, 1.0])) == pytest.approx(expected, rel=1e-4)


def test_a_level_that_adds_nothing_is_at_the_boundary_and_leaves_least_squares() -> None:
    X = make()[0]
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(24), 10)
    residual = rng.normal(size=240)
    residual -= np.repeat(residual.reshape(24, 10).mean(axis=1), 10)  # schools are more alike than chance
    fit = fit_mixed(X, X[:, 1] + residual, np.ones(240), [school])
    plain = sm.OLS(X[:, 1] + residual, X).fit()
    assert fit.variances == (0.0,)
    np.testing.assert_allclose(fit.coefficients, plain.params, atol=1e-10)
    np.testing.assert_allclose(fit.vcov, plain.cov_params(), rtol=1e-9)
    assert fit.df(np.array([0.0, 0.0, 1.0])) == pytest.approx(237, rel=1e-5)
