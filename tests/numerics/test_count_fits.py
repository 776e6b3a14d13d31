"""Counts: statsmodels over dispersions from large to none, and influence as the derivative by weights."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from mentoreval.aliases import FloatArray
from mentoreval.numerics.negative_binomial import fit_counts


def make(dispersion: float, n: int = 1500) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(4)
    X = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 2, n)])
    exposure = rng.integers(20, 181, n).astype(float)
    mean = exposure * np.exp(X @ [-2.5, 0.3, -0.3])
    return X, rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, n)).astype(float), exposure


@pytest.mark.parametrize("dispersion", [3.0, 0.5, 0.03, 0.005])
def test_points_and_likelihood_are_those_of_statsmodels(dispersion: float) -> None:
    """Below a dispersion of 1/30 gamma functions come from asymptotic series."""
    X, y, exposure = make(dispersion)
    ours = fit_counts(X, y, np.ones(len(y)), exposure)
    start = np.append(ours.coefficients + 1e-3, ours.dispersion * 1.01)
    theirs = sm.NegativeBinomial(y, X, exposure=exposure).fit(start, disp=0, method="newton", tol=1e-14, maxiter=200)
    assert ours.converged
    np.testing.assert_allclose(ours.coefficients, theirs.params[:-1], rtol=1e-9)
    assert ours.dispersion == pytest.approx(theirs.params[-1], rel=1e-7)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-11)


@pytest.mark.parametrize("dispersion", [0.5, 0.005])
def test_influence_is_the_derivative_by_weights(dispersion: float) -> None:
    X, y, exposure = make(dispersion, 300)
    fit = fit_counts(X, y, np.ones(300), exposure)
    for row in (0, 7, 20):
        up, down = np.ones(300), np.ones(300)
        up[row], down[row] = 1 + 1e-4, 1 - 1e-4
        change = (fit_counts(X, y, up, exposure).coefficients - fit_counts(X, y, down, exposure).coefficients) / 2e-4
        np.testing.assert_allclose(fit.influence[row] / 300, change, atol=1e-9)
