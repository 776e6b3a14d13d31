"""Variances of estimates from scores, rows or whole clusters at a time.

Conventions. Scores and influence are arrays (n, k) of mean zero; a regression is given as X (n, p), weights (n,),
residuals (n,) and bread (p, p) = (X'WX)⁻¹, with contrasts (k, p) that turn coefficients into effects. A cluster is an
array of codes (n,). Every variance here is without a factor for degrees of freedom, which the caller states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import FloatArray, IntArray

SINGULAR = 1e-8
"""Below this, 1 − leverage is zero: the cluster alone determines a coefficient, and its residual there is zero."""

EVEN = 1e-12
"""Share of a cluster's weights by which they may differ by rounding."""


@dataclass(frozen=True, eq=False)
class Regression:
    """A weighted regression as arrays, by the conventions of this module; weights are above 0."""

    X: FloatArray
    weights: FloatArray
    residuals: FloatArray
    bread: FloatArray
    contrasts: FloatArray

    @property
    def influence(self) -> FloatArray:
        """(n, k) influence of each row on the effects: θ̂ − θ is about the mean of the rows."""
        scale = len(self.X) * self.weights * self.residuals
        return np.asarray(scale[:, None] * (self.X @ (self.bread @ self.contrasts.T)))


def cluster_sums(scores: FloatArray, cluster: IntArray) -> FloatArray:
    """(G, k) sums of scores over the rows of each cluster, clusters in the order of their codes.

    The scores themselves where every row is a cluster of its own, in that order.
    """
    if (cluster[1:] > cluster[:-1]).all():
        return scores
    occurs = np.bincount(cluster) > 0
    return np.column_stack([np.bincount(cluster, column)[occurs] for column in scores.T])


def count_clusters(cluster: IntArray) -> int:
    """Number of clusters that occur."""
    return int(np.count_nonzero(np.bincount(cluster)))


def cluster_vcov(influence: FloatArray, cluster: IntArray) -> FloatArray:
    """(k, k) variance of k effects whose influence may be dependent within clusters (CR0)."""
    sums = cluster_sums(influence, cluster)
    return np.asarray(sums.T @ sums / len(influence) ** 2)


def row_vcov(influence: FloatArray) -> FloatArray:
    """(k, k) variance of k effects from independent rows (HC0)."""
    return np.asarray(influence.T @ influence / len(influence) ** 2)


def leverage_vcov(model: Regression, absorbed_leverage: FloatArray, power: float) -> FloatArray:
    """(k, k) HC2 (power 1/2) or HC3 (power 1): residuals divided by (1 − leverage) to that power.

    absorbed_leverage : (n,) leverage of fixed effects that were absorbed; zeros without any
    """
    half = np.linalg.cholesky(model.bread)
    leverage = model.weights * np.sum((model.X @ half) ** 2, axis=1) + absorbed_leverage
    left = 1.0 - leverage
    factor = np.where(left > SINGULAR, np.maximum(left, SINGULAR) ** -power, 0.0)
    return row_vcov(model.influence * factor[:, None])


def jackknife_vcov(model: Regression, cluster: IntArray) -> FloatArray:
    """(k, k) CR3: residuals multiplied by (I − H_gg)⁻¹, which is the jackknife over clusters without (G − 1)/G."""
    half = np.linalg.cholesky(model.bread)
    toward = model.bread @ model.contrasts.T
    scores = []
    for rows in _rows_of_clusters(cluster):
        root = np.sqrt(model.weights[rows])[:, None]
        X = root * model.X[rows]
        pull = _spectral_product(X @ half, -np.eye(len(half)), X @ toward, _inverse)
        scores.append((root * pull).T @ model.residuals[rows])
    stacked = np.vstack(scores)
    return np.asarray(stacked.T @ stacked)


def bias_reduced_vcov(model: Regression, cluster: IntArray) -> tuple[FloatArray, FloatArray]:
    """(k, k) CR2 and the (k,) Satterthwaite degrees of freedom of each effect.

    The working model is that of independent rows with one variance, whatever the weights, which say how much a row
    counts and not how exact it is: the default of clubSandwich for ``lm`` with weights, and estimatr. Bell & McCaffrey
    (2002); Pustejovsky & Tipton (2018).
    """
    scores, own, left = [], [], []
    for rows, pull in _bias_reduced(model, cluster):
        scores.append(pull.T @ model.residuals[rows])
        own.append(np.sum(pull**2, axis=0))
        left.append(pull.T @ _sides(model, rows))
    stacked, of_row, through = np.vstack(scores), np.vstack(own), np.stack(left)
    link = _link(model)
    parts = [_Covariance(of_row[:, j], through[:, j], through[:, j], link) for j in range(len(model.contrasts))]
    squares = [part.product_trace(part) for part in parts]
    df = [part.trace**2 / square if square > 0 else np.nan for part, square in zip(parts, squares, strict=True)]
    return np.asarray(stacked.T @ stacked), np.array(df)


def bias_reduced_joint_df(model: Regression, cluster: IntArray) -> float:
    """η of the CR2 variance of all k effects together, whose distribution is taken to be Wishart with η degrees.

    θ'V⁻¹θ (η − k + 1)/(ηk) is then about F(k, η − k + 1): Hotelling's T², "HTZ" of clubSandwich (Pustejovsky & Tipton
    2018, section 3.2). For one effect η is the Satterthwaite degrees of freedom.
    """
    found = [(pull.T @ pull, pull.T @ _sides(model, rows)) for rows, pull in _bias_reduced(model, cluster)]
    own, left, link = np.stack([one for one, _ in found]), np.stack([one for _, one in found]), _link(model)
    k = len(model.contrasts)
    expected = np.sum(own, axis=0) + np.einsum("gsa,ab,gtb->st", left, link, left)
    values, vectors = np.linalg.eigh(expected)
    turn = vectors / np.sqrt(values)
    own, left = turn.T @ own @ turn, turn.T @ left
    parts = [[_Covariance(own[:, s, t], left[:, s], left[:, t], link) for t in range(k)] for s in range(k)]
    spread = sum(
        parts[s][t].product_trace(parts[s][t]) + parts[s][s].product_trace(parts[t][t])
        for s in range(k)
        for t in range(k)
    )
    return float(k * (k + 1.0) / spread)


@dataclass(frozen=True, eq=False)
class _Covariance:
    """P = diag(own) + L R M', the G × G covariance of the scores of clusters in two effects under the working model.

    own : (G,)
    left, right : (G, m), L and M
    link : (m, m), R
    """

    own: FloatArray
    left: FloatArray
    right: FloatArray
    link: FloatArray

    @property
    def shared(self) -> FloatArray:
        """(G,) diagonal of L R M'."""
        return np.asarray(np.sum((self.left @ self.link) * self.right, axis=1))

    @property
    def trace(self) -> float:
        """Trace of P."""
        return float(self.own.sum() + self.shared.sum())

    def product_trace(self, other: _Covariance) -> float:
        """Trace of P Q, without a G × G matrix."""
        around = self.link @ (self.right.T @ other.left) @ other.link @ (other.right.T @ self.left)
        return float(self.own @ other.own + self.own @ other.shared + other.own @ self.shared + np.trace(around))


def _rows_of_clusters(cluster: IntArray) -> Iterator[IntArray]:
    """Rows of each cluster, in the order of their codes."""
    order = np.argsort(cluster, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)


def _bias_reduced(model: Regression, cluster: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """Rows of each cluster and pull (n_g, k) such that pull'e is the cluster's score with CR2's adjustment.

    The adjustment is the inverse root of the variance of the cluster's residuals, ((I − H)(I − H)')_gg. That is I plus
    a matrix in the span of X and WX, so that no n_g × n_g matrix is needed; of X where the cluster has one weight.
    """
    toward, link, p = model.bread @ model.contrasts.T, _link(model), model.X.shape[1]
    for rows in _rows_of_clusters(cluster):
        weights, K, R = model.weights[rows], _sides(model, rows), link
        right = K[:, p:] @ toward
        if np.ptp(weights) <= EVEN * weights[0]:
            K, R = K[:, :p], link[:p, :p] - 2.0 * weights[0] * model.bread
        yield rows, _spectral_product(K, R, right, _inverse_root)


def _sides(model: Regression, rows: IntArray) -> FloatArray:
    """(n_g, 2p) X and WX."""
    X = model.X[rows]
    return np.column_stack([X, model.weights[rows, None] * X])


def _link(model: Regression) -> FloatArray:
    """(2p, 2p) R such that (I − H)(I − H)' = I + K R K' with K = (X, WX) and H = X bread X'W."""
    bread = model.bread
    weighted = model.weights[:, None] * model.X
    return np.block([[bread @ (weighted.T @ weighted) @ bread, -bread], [-bread, np.zeros_like(bread)]])


Spectral = Callable[[FloatArray], FloatArray]


def _inverse(left: FloatArray) -> FloatArray:
    return np.where(left > SINGULAR, 1.0 / np.maximum(left, SINGULAR), 0.0)


def _inverse_root(left: FloatArray) -> FloatArray:
    return np.sqrt(_inverse(left))


def _spectral_product(K: FloatArray, link: FloatArray, right: FloatArray, power: Spectral) -> FloatArray:
    """power(I + K R K') r for K (n_g, m), R = link (m, m) and r (n_g, k), in the span of K alone."""
    basis, triangle = np.linalg.qr(K)
    values, vectors = np.linalg.eigh(triangle @ link @ triangle.T)
    basis = basis @ vectors
    return np.asarray(right + basis @ ((power(1.0 + values) - 1.0)[:, None] * (basis.T @ right)))
