"""The multinomial logit against statsmodels, and the weights and the support that are made of its probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.errors import DataError
from mentoreval.numerics.logit import fit_logit
from mentoreval.numerics.multinomial import common_range, fit_multinomial, generalized_weights, overlap_density
from mentoreval.numerics.tilting import tilting_weights


def portfolio(n: int = 900, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Columns of very different size, intercept first, and one of four arms for each row."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(2000, 5, n), rng.random(n) < 0.4, 0.01 * rng.gamma(2, 1, n)])
    beta = np.array([[0.0, 0.0, 0.0, 0.0], [40.0, -0.02, 0.8, 20.0], [-100.4, 0.05, -0.3, 10.0], [-0.5, 0, 0.4, -30]])
    utility = X @ beta.T + rng.gumbel(size=(n, 4))
    return X, utility.argmax(axis=1)


def test_the_fit_equals_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    X, arm = portfolio()
    fit = fit_multinomial(X, arm)
    centred = X - np.array([0, 2000, 0, 0])  # statsmodels does not centre; the slopes and the likelihood are the same
    theirs = sm.MNLogit(arm, centred).fit(method="newton", disp=0, tol=1e-14, maxiter=100)
    np.testing.assert_allclose(fit.coefficients[1:], np.asarray(theirs.params)[1:], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.probability, theirs.predict(), rtol=1e-8)
    assert fit.log_likelihood == pytest.approx(theirs.llf, rel=1e-12)
    slopes = [a * 4 + place for a in range(3) for place in (1, 2, 3)]
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance))[slopes], np.sqrt(np.diag(np.asarray(theirs.cov_params())))[slopes], rtol=1e-6
    )
    assert fit.converged


def test_a_weight_of_two_is_the_row_twice() -> None:
    X, arm = portfolio(300)
    times = np.random.default_rng(0).integers(1, 4, arm.size)
    weighted = fit_multinomial(X, arm, times.astype(float))
    repeated = fit_multinomial(np.repeat(X, times, axis=0), np.repeat(arm, times))
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, rtol=1e-8)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)


def test_two_arms_are_a_logit() -> None:
    X, arm = portfolio()
    yes = (arm > 1).astype(np.int64)
    binary = fit_logit(X, yes, tolerance=1e-15)
    fit = fit_multinomial(X, yes)
    np.testing.assert_allclose(fit.probability[:, 1], binary.probability, rtol=1e-9)
    np.testing.assert_allclose(fit.coefficients[:, 0], binary.coefficients, rtol=1e-6)


def test_weighted_scores_of_each_arm_sum_to_zero() -> None:
    X, arm = portfolio()
    probability = fit_multinomial(X, arm).probability
    for a in range(4):
        assert np.abs((X[:, 2:] * ((arm == a) - probability[:, a])[:, None]).sum(axis=0)).max() < 1e-8


def test_an_aliased_column_changes_nothing_and_is_named() -> None:
    X, arm = portfolio()
    repeated = np.column_stack([X, X[:, 2] + X[:, 3]])
    fit = fit_multinomial(repeated, arm)
    assert fit.aliased.tolist() == [4]
    assert np.isnan(fit.coefficients[4]).all()
    np.testing.assert_allclose(fit.probability, fit_multinomial(X, arm).probability, rtol=1e-8)


def test_separated_arms_do_not_converge_but_come_back() -> None:
    x = np.linspace(-1, 1, 60)
    arm = np.digitize(x, [-0.4, 0.4])
    fit = fit_multinomial(np.column_stack([np.ones(60), x]), arm)
    assert not fit.converged or np.abs(fit.coefficients).max() > 100


def test_generalized_weights_of_two_arms_are_the_tilting_weights() -> None:
    p = np.array([0.1, 0.5, 0.8, 0.3])
    arm = np.array([1, 0, 1, 0])
    both = np.column_stack([1 - p, p])
    np.testing.assert_allclose(generalized_weights(both, arm, "ATE"), tilting_weights(p, arm == 1, "ATE"))
    np.testing.assert_allclose(generalized_weights(both, arm, "ATO"), tilting_weights(p, arm == 1, "ATO"))
    np.testing.assert_allclose(generalized_weights(both, arm, "ATT", 1), tilting_weights(p, arm == 1, "ATT"))
    np.testing.assert_allclose(generalized_weights(both, arm, "ATT", 0), tilting_weights(p, arm == 1, "ATC"))


def test_overlap_density_is_a_harmonic_mean() -> None:
    assert overlap_density(np.array([[0.2, 0.3, 0.5]]))[0] == pytest.approx(1 / (5 + 1 / 0.3 + 2))


def test_the_common_range_is_where_every_arm_has_scores() -> None:
    first = np.array([0.1, 0.3, 0.5, 0.2, 0.4, 0.9])
    arm = np.array([0, 0, 0, 1, 1, 1])
    inside = common_range(np.column_stack([first, 1 - first]), arm)
    # Arm 0 lies in 0.1–0.5, arm 1 in 0.2–0.9: both in 0.2–0.5.
    assert inside.tolist() == [False, True, True, True, True, False]


@pytest.mark.parametrize(
    ("X", "arm", "weights", "message"),
    [
        (np.ones((3, 1)), np.array([0, 1]), None, "one row per student"),
        (np.ones((3, 1)), np.array([0, 2, 2]), None, "without gaps"),
        (np.ones((3, 1)), np.zeros(3, dtype=int), None, "without gaps"),
        (np.array([[1.0], [np.nan], [1.0]]), np.array([0, 1, 1]), None, r"Column\(s\) \[0\]"),
        (np.ones((3, 1)), np.array([0, 1, 1]), np.array([1.0, -1.0, 1.0]), "not negative"),
    ],
)
def test_mistakes_are_named(X: np.ndarray, arm: np.ndarray, weights: np.ndarray | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_multinomial(X, arm, weights)
