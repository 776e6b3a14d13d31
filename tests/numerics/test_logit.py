"""Logistic regression: R glm's numbers, the likelihood equations, the rank rule, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mentoreval.errors import DataError
from mentoreval.numerics import blocks
from mentoreval.numerics.logit import aliased_columns, fit_logit

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
DIGITS = 1e-10
"""The stored values are full doubles; rounding alone separates two correct implementations that take equal steps."""


def random_problem(n=400, seed=1):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2)), rng.integers(0, 2, n)])
    y = rng.random(n) < 1 / (1 + np.exp(-(X @ [-0.5, 1.0, -0.3, 0.4])))
    return X, y.astype(float)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the stored R values are not beside the repository")
def test_the_fit_is_that_of_r():
    with (REFERENCE / "data" / "lalonde.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    r = json.loads((REFERENCE / "lalonde_propensity.json").read_text("utf-8"))["results"]
    race = [[float(row["race"] == level) for row in rows] for level in ("hispan", "white")]
    plain = {name: [float(row[name]) for row in rows] for name in rows[0] if name not in ("id", "race")}
    names = ("married", "nodegree", "re74", "re75")
    X = np.column_stack([np.ones(len(rows)), plain["age"], plain["educ"], *race, *(plain[name] for name in names)])

    fit = fit_logit(X, np.array(plain["treat"]))

    np.testing.assert_allclose(fit.coefficients, list(r["coef"].values()), rtol=DIGITS)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), list(r["se"].values()), rtol=DIGITS)
    np.testing.assert_allclose(fit.probability, r["all"], rtol=DIGITS)
    assert fit.probability.sum() == pytest.approx(r["sum"], rel=DIGITS)
    assert fit.linear_predictor.sum() == pytest.approx(r["sum_linear_predictor"], rel=DIGITS)
    assert fit.linear_predictor.std(ddof=1) == pytest.approx(r["sd_linear_predictor"], rel=DIGITS)
    assert fit.deviance == pytest.approx(r["deviance"], rel=DIGITS)
    assert fit.null_deviance == pytest.approx(r["null_deviance"], rel=DIGITS)
    assert fit.iterations == r["iterations"]
    assert fit.converged
    assert fit.aliased.size == 0


def test_the_likelihood_equations_hold_at_the_estimate():
    X, y = random_problem()
    fit = fit_logit(X, y, tolerance=1e-14)
    np.testing.assert_allclose(X.T @ (y - fit.probability), 0, atol=1e-9)
    information = X.T @ (X * (fit.probability * (1 - fit.probability))[:, None])
    np.testing.assert_allclose(fit.covariance @ information, np.eye(4), atol=1e-6)
    np.testing.assert_allclose(np.log(fit.probability / (1 - fit.probability)), fit.linear_predictor, rtol=1e-9)


def test_two_by_two_tables_have_the_log_odds_ratio_and_its_textbook_error():
    # of 10 students with x = 1, 7 are treated; of 20 with x = 0, 4
    x = np.repeat([1.0, 0.0], [10, 20])
    y = np.concatenate([np.repeat([1.0, 0.0], [7, 3]), np.repeat([1.0, 0.0], [4, 16])])
    fit = fit_logit(np.column_stack([np.ones(30), x]), y, tolerance=1e-13)
    np.testing.assert_allclose(fit.coefficients, [np.log(4 / 16), np.log(7 / 3) - np.log(4 / 16)], rtol=1e-9)
    assert fit.covariance[1, 1] == pytest.approx(1 / 7 + 1 / 3 + 1 / 4 + 1 / 16, rel=1e-6)
    log_likelihood = 7 * np.log(0.7) + 3 * np.log(0.3) + 4 * np.log(0.2) + 16 * np.log(0.8)
    assert fit.deviance == pytest.approx(-2 * log_likelihood, rel=1e-12)
    assert fit.null_deviance == pytest.approx(-2 * (11 * np.log(11 / 30) + 19 * np.log(19 / 30)), rel=1e-12)


def test_a_whole_weight_is_as_many_rows():
    X, y = random_problem(120)
    weights = np.random.default_rng(2).integers(0, 4, 120)
    weighted = fit_logit(X, y, weights.astype(float), tolerance=1e-13)
    repeated = fit_logit(np.repeat(X, weights, axis=0), np.repeat(y, weights), tolerance=1e-13)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, rtol=1e-9)
    # R's covariance comes from the weights before the last step, and the two begin at different places
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, atol=1e-7)
    assert weighted.deviance == pytest.approx(repeated.deviance, rel=1e-12)
    assert weighted.null_deviance == pytest.approx(repeated.null_deviance, rel=1e-12)


def test_statsmodels_gives_the_same_weighted_fit():
    sm = pytest.importorskip("statsmodels.api")
    X, y = random_problem(500, seed=8)
    weights = np.random.default_rng(9).gamma(2.0, size=500)
    fit = fit_logit(X, y, weights, tolerance=1e-12)
    theirs = sm.GLM(y, X, family=sm.families.Binomial(), freq_weights=weights).fit(tol=1e-12)
    np.testing.assert_allclose(fit.coefficients, theirs.params, rtol=1e-8)
    np.testing.assert_allclose(fit.covariance, theirs.cov_params(), rtol=1e-5)


def test_the_unit_of_a_covariate_changes_nothing_but_its_coefficient():
    X, y = random_problem()
    scale = np.array([1.0, 1e8, 1e-8, 1.0])
    plain, scaled = fit_logit(X, y), fit_logit(X * scale, y)
    np.testing.assert_allclose(scaled.probability, plain.probability, rtol=1e-12)
    np.testing.assert_allclose(scaled.coefficients * scale, plain.coefficients, rtol=1e-10)
    assert scaled.iterations == plain.iterations


def test_aliased_columns_are_those_that_earlier_columns_make_up():
    X, y = random_problem()
    more = np.column_stack([X[:, :3], 2 * X[:, 1] - X[:, 2], np.full(len(y), 7.0), X[:, 3], np.zeros(len(y))])
    assert aliased_columns(more).tolist() == [3, 4, 6]
    assert aliased_columns(X).size == 0
    plain, fit = fit_logit(X, y), fit_logit(more, y)
    assert fit.aliased.tolist() == [3, 4, 6]
    assert np.flatnonzero(np.isnan(fit.coefficients)).tolist() == [3, 4, 6]
    assert np.flatnonzero(np.isnan(np.diag(fit.covariance))).tolist() == [3, 4, 6]
    np.testing.assert_allclose(fit.probability, plain.probability, rtol=1e-10)
    kept = [0, 1, 2, 5]
    np.testing.assert_allclose(fit.coefficients[kept], plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance[np.ix_(kept, kept)], plain.covariance, rtol=1e-8)


@pytest.mark.parametrize(("left", "aliased"), [(1e-6, []), (1e-8, [2])])
def test_the_rank_rule_is_that_of_r(left, aliased):
    """R's qr(tol = 1e-7) calls a column aliased when less than that share of its length is its own."""
    rng = np.random.default_rng(4)
    x, noise = rng.normal(size=(2, 1000))
    X = np.column_stack([np.ones(1000), x, x + left * noise])
    assert aliased_columns(X).tolist() == aliased


def test_nearly_collinear_columns_lose_no_digits_of_the_fit():
    X, y = random_problem(2000, seed=5)
    nearly = np.column_stack([X, X[:, 1] + 1e-6 * X[:, 2] + 1e-6 * X[:, 3]])
    combined = np.column_stack([X, X[:, 2] ** 2])
    assert fit_logit(nearly, y).aliased.tolist() == [4]
    noisy = np.column_stack([combined[:, :4], combined[:, 1] + 1e-6 * combined[:, 4]])
    np.testing.assert_allclose(fit_logit(noisy, y).probability, fit_logit(combined, y).probability, rtol=1e-7)


def test_the_size_of_a_block_changes_nothing(monkeypatch):
    X, y = random_problem(1000)
    whole = fit_logit(X, y)
    monkeypatch.setattr(blocks, "LONGEST", 40)
    np.testing.assert_allclose(fit_logit(X, y).coefficients, whole.coefficients, rtol=1e-12)


def test_separated_data_do_not_converge_and_say_so():
    x = np.arange(40.0)
    fit = fit_logit(np.column_stack([np.ones(40), x]), x >= 20)
    assert not fit.converged
    assert fit.at_boundary > 0
    assert np.isfinite(fit.coefficients).all()
    assert ((fit.probability > 0) & (fit.probability < 1)).all()


def test_few_iterations_are_reported_as_not_converged():
    X, y = random_problem()
    fit = fit_logit(X, y, max_iterations=2)
    assert (fit.iterations, fit.converged) == (2, False)


def test_one_outcome_only_has_a_null_deviance_of_zero():
    fit = fit_logit(np.ones((5, 1)), np.ones(5))
    assert fit.null_deviance == 0.0


@pytest.mark.parametrize(
    ("X", "y", "weights", "message"),
    [
        (np.ones((3, 1)), [0, 1], None, r"got \(3, 1\), \(2,\)"),
        (np.ones((0, 1)), [], None, "needs rows and columns"),
        (np.ones((3, 0)), [0, 1, 1], None, "needs rows and columns"),
        (np.array([[1, np.nan], [1, 2], [1, 3]]), [0, 1, 1], None, r"Column\(s\) \[1\] of X"),
        (np.ones((3, 1)), [0, 1, 2], None, "0 or 1 in every row"),
        (np.ones((3, 1)), [0, 1, 1], [1, -1, 1], "not negative"),
        (np.ones((3, 1)), [0, 1, 1], [0, 0, 0], "not all zero"),
    ],
)
def test_what_can_not_be_fitted_is_refused(X, y, weights, message):
    with pytest.raises(DataError, match=message):
        fit_logit(X, np.array(y), None if weights is None else np.array(weights, dtype=float))
