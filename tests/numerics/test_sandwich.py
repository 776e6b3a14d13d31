"""Variances from scores, against the same formulas written with full matrices."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.sandwich import (
    Regression,
    bias_reduced_joint_df,
    bias_reduced_vcov,
    cluster_sums,
    cluster_vcov,
    jackknife_vcov,
    leverage_vcov,
    row_vcov,
)

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"


def regression(weights: FloatArray | None = None, n: int = 40, seed: int = 1) -> tuple[Regression, FloatArray]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=n), rng.random(n) < 0.4])
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=n) * (1 + X[:, 2])
    weights = np.ones(n) if weights is None else weights
    bread = np.linalg.inv(X.T @ (weights[:, None] * X))
    beta = bread @ (X.T @ (weights * y))
    return Regression(X, weights, y - X @ beta, bread, np.eye(3)), y


def clusters(n: int = 40, g: int = 7) -> IntArray:
    return np.random.default_rng(9).integers(0, g, n)


def matrix_power(matrix: FloatArray, power: float) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * values**power) @ vectors.T)


def full_matrix_cr2(model: Regression, cluster: IntArray) -> tuple[FloatArray, FloatArray]:
    """CR2 and its Satterthwaite degrees of freedom as in Pustejovsky & Tipton (2018), eqs. 5 and 11, all n × n.

    The working model is that of rows with one variance: phi is the unit matrix.
    """
    X, W, phi = model.X, np.diag(model.weights), np.eye(len(model.X))
    residual_maker = np.eye(len(X)) - X @ model.bread @ X.T @ W
    target = residual_maker @ phi @ residual_maker.T
    scores, g = [], []
    for code in np.unique(cluster):
        rows = np.flatnonzero(cluster == code)
        root = np.sqrt(phi[np.ix_(rows, rows)])
        adjustment = root @ matrix_power(root @ target[np.ix_(rows, rows)] @ root, -0.5) @ root
        toward = model.contrasts @ model.bread @ X[rows].T @ W[np.ix_(rows, rows)] @ adjustment
        scores.append(toward @ model.residuals[rows])
        g.append(toward @ residual_maker[rows])
    stacked, df = np.array(scores), []
    for effect in range(len(model.contrasts)):
        G = np.array([one[effect] for one in g])
        P = G @ phi @ G.T
        df.append(np.trace(P) ** 2 / np.sum(P**2))
    return stacked.T @ stacked, np.array(df)


def full_matrix_joint_df(model: Regression, cluster: IntArray) -> float:
    """η of the HTZ test as in Pustejovsky & Tipton (2018), section 3.2, from all G × G covariances of the scores."""
    X, W = model.X, np.diag(model.weights)
    residual_maker = np.eye(len(X)) - X @ model.bread @ X.T @ W
    target = residual_maker @ residual_maker.T
    scores = []
    for code in np.unique(cluster):
        rows = np.flatnonzero(cluster == code)
        toward = model.contrasts @ model.bread @ X[rows].T @ W[np.ix_(rows, rows)]
        scores.append(toward @ matrix_power(target[np.ix_(rows, rows)], -0.5) @ residual_maker[rows])
    g = np.array(scores)  # (G, k, n): scores of clusters as combinations of the outcomes
    expected = np.einsum("gkn,gln->kl", g, g)
    g = np.einsum("kl,gln->gkn", matrix_power(expected, -0.5), g)
    P = np.einsum("gkn,hln->klgh", g, g)
    k = len(expected)
    spread = 0.0
    for s in range(k):
        for t in range(k):
            spread += np.sum(P[s, t] * P[s, t].T) + np.sum(P[s, s] * P[t, t])
    return float(k * (k + 1) / spread)


@pytest.mark.parametrize("weighted", [False, True])
def test_joint_degrees_of_freedom_are_those_of_the_full_matrices(weighted: bool) -> None:
    model, _ = regression(np.random.default_rng(8).uniform(0.5, 2, 40) if weighted else None)
    cluster = clusters()
    assert bias_reduced_joint_df(model, cluster) == pytest.approx(full_matrix_joint_df(model, cluster), rel=1e-9)
    for effect in range(3):
        alone = replace(model, contrasts=model.contrasts[[effect]])
        assert bias_reduced_joint_df(alone, cluster) == pytest.approx(bias_reduced_vcov(model, cluster)[1][effect])


def test_cluster_sums_in_a_small_table() -> None:
    scores = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
    expected = [[1.0 + 3.0, 10.0 + 30.0], [2.0 + 4.0, 20.0 + 40.0]]
    np.testing.assert_array_equal(cluster_sums(scores, np.array([2, 5, 2, 5])), expected)


def test_rows_that_are_clusters_of_their_own_are_their_sums_in_the_order_of_their_codes() -> None:
    scores = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    assert cluster_sums(scores, np.array([0, 4, 9])).tolist() == [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]
    assert cluster_sums(scores, np.array([4, 9, 0])).tolist() == [[3.0, 30.0], [1.0, 10.0], [2.0, 20.0]]


def test_every_row_its_own_cluster_is_the_row_variance() -> None:
    influence = regression()[0].influence
    np.testing.assert_allclose(cluster_vcov(influence, np.arange(40)), row_vcov(influence), atol=1e-15)


@pytest.mark.parametrize("weighted", [False, True])
def test_hc_and_cr1_are_those_of_statsmodels(weighted: bool) -> None:
    sm = pytest.importorskip("statsmodels.api")
    weights = np.random.default_rng(4).uniform(0.5, 2, 40) if weighted else None
    model, y = regression(weights)
    peer = sm.WLS(y, model.X, weights=model.weights)
    np.testing.assert_allclose(row_vcov(model.influence), peer.fit(cov_type="HC0").cov_params(), rtol=1e-10)
    cluster = clusters()
    robust = peer.fit(cov_type="cluster", cov_kwds={"groups": cluster})
    factor = 7 / 6 * 39 / 37  # G/(G − 1) · (n − 1)/(n − k)
    np.testing.assert_allclose(factor * cluster_vcov(model.influence, cluster), robust.cov_params(), rtol=1e-10)


@pytest.mark.parametrize(("kind", "power"), [("HC2", 0.5), ("HC3", 1.0)])
def test_leverage_corrections_are_those_of_statsmodels(kind: str, power: float) -> None:
    sm = pytest.importorskip("statsmodels.api")
    model, y = regression()
    expected = sm.OLS(y, model.X).fit(cov_type=kind).cov_params()
    np.testing.assert_allclose(leverage_vcov(model, np.zeros(40), power), expected, rtol=1e-10)


@pytest.mark.parametrize("kind", ["equal", "by cluster", "uneven"])
def test_cr2_and_its_degrees_of_freedom_are_those_of_the_full_matrices(kind: str) -> None:
    cluster, rng = clusters(), np.random.default_rng(5)
    weights = {
        "equal": np.ones(40),
        "by cluster": rng.uniform(0.5, 2, 7)[cluster],
        "uneven": rng.uniform(0.5, 2, 40),
    }[kind]
    model, _ = regression(weights)
    vcov, df = bias_reduced_vcov(model, cluster)
    expected, expected_df = full_matrix_cr2(model, cluster)
    np.testing.assert_allclose(vcov, expected, rtol=1e-9)
    np.testing.assert_allclose(df, expected_df, rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_cr3_is_the_jackknife_over_clusters(weighted: bool) -> None:
    weights = np.random.default_rng(6).uniform(0.5, 2, 40) if weighted else None
    model, y = regression(weights)
    cluster = clusters()
    whole = model.bread @ (model.X.T @ (model.weights * y))
    expected = np.zeros((3, 3))
    for code in np.unique(cluster):
        kept = cluster != code
        X, w = model.X[kept], model.weights[kept]
        change = np.linalg.solve(X.T @ (w[:, None] * X), X.T @ (w * y[kept])) - whole
        expected += np.outer(change, change)
    np.testing.assert_allclose(jackknife_vcov(model, cluster), expected, rtol=1e-9)


def test_a_cluster_that_alone_determines_a_coefficient_adds_nothing_to_it() -> None:
    """A dummy of one cluster: its residuals sum to zero there, and the other coefficients keep finite errors."""
    rng = np.random.default_rng(7)
    cluster = np.repeat(np.arange(5), 6)
    X = np.column_stack([np.ones(30), rng.normal(size=30), cluster == 4])
    y = rng.normal(size=30)
    bread = np.linalg.inv(X.T @ X)
    model = Regression(X, np.ones(30), y - X @ bread @ X.T @ y, bread, np.eye(3)[[1]])
    assert np.isfinite(jackknife_vcov(model, cluster)).all()
    vcov, df = bias_reduced_vcov(model, cluster)
    assert vcov[0, 0] > 0
    assert 1 < df[0] < 5


def club_sandwich(case: str, data: str) -> tuple[dict[str, Any], pd.DataFrame]:
    if not REFERENCE.exists():
        pytest.skip("the reference values of R are not beside this repository")
    stored = json.loads((REFERENCE / "clubsandwich_cr2.json").read_text())["results"][case]
    return stored, pd.read_csv(REFERENCE / "data" / data)


def mortality(data: pd.DataFrame, X: FloatArray) -> Regression:
    y = data["mrate"].to_numpy()
    bread = np.linalg.pinv(X.T @ X)
    return Regression(X, np.ones(len(y)), y - X @ bread @ X.T @ y, bread, np.eye(2, X.shape[1]))


def test_cr2_equals_club_sandwich_with_nine_states() -> None:
    stored, data = club_sandwich("pooled_9_states", "mortality_mv9.csv")
    X = np.column_stack([data["legal"], data["beertaxa"], np.ones(len(data))])
    vcov, df = bias_reduced_vcov(mortality(data, X), pd.factorize(data["state"])[0])
    np.testing.assert_allclose(vcov, stored["CR2"]["vcov"]["rows"], rtol=1e-8)
    np.testing.assert_allclose(df, stored["CR2"]["df"], rtol=1e-8)
    check_hotelling(mortality(data, X), pd.factorize(data["state"])[0], stored["CR2"])


def check_hotelling(model: Regression, state: IntArray, stored: dict[str, Any]) -> None:
    """The test of both effects, Wald_test(..., test = "HTZ")."""
    vcov, effects = np.array(stored["vcov"]["rows"]), np.array(stored["estimate"])
    joint = bias_reduced_joint_df(model, state)
    statistic = effects @ np.linalg.solve(vcov, effects) * (joint - 1) / (2 * joint)
    assert statistic == pytest.approx(stored["wald_HTZ"]["F"], rel=1e-7)
    assert joint - 1 == pytest.approx(stored["wald_HTZ"]["df_denom"], rel=1e-7)


def test_cr1_and_cr2_equal_club_sandwich_with_state_and_year_effects() -> None:
    """All dummies in the regression, one state left out of them so that the columns are independent."""
    stored, data = club_sandwich("state_year_effects", "mortality_mv.csv")
    state, year = pd.factorize(data["state"])[0], pd.factorize(data["year"])[0]
    columns = [data[["legal", "beertaxa"]], np.eye(state.max() + 1)[state], np.eye(year.max() + 1)[year][:, 1:]]
    model = mortality(data, np.column_stack(columns))
    vcov, df = bias_reduced_vcov(model, state)
    np.testing.assert_allclose(vcov, stored["CR2"]["vcov"]["rows"], rtol=1e-8)
    np.testing.assert_allclose(df, stored["CR2"]["df"], rtol=1e-7)
    check_hotelling(model, state, stored["CR2"])
    n_states = state.max() + 1  # clubSandwich's CR1 has G/(G − 1) alone
    cr1 = n_states / (n_states - 1) * cluster_vcov(model.influence, state)
    np.testing.assert_allclose(cr1, stored["CR1"]["vcov"]["rows"], rtol=1e-8)
