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

NEGLIGIBLE = 1e-12
"""Eigenvalues of a cluster's leverage below this move no digit that is promised."""


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
    scores = [z.T @ model.residuals[rows] for rows, z in _adjusted(model, cluster, _inverse)]
    stacked = np.vstack(scores)
    return np.asarray(stacked.T @ stacked)


def bias_reduced_vcov(model: Regression, cluster: IntArray) -> tuple[FloatArray, FloatArray]:
    """(k, k) CR2 and the (k,) Satterthwaite degrees of freedom of each effect.

    The working model is homoskedastic with variances proportional to 1/weights, as in clubSandwich for weighted
    least squares. Bell & McCaffrey (2002); Pustejovsky & Tipton (2018).
    """
    k = len(model.contrasts)
    scores, own, cross = [], [], []
    for rows, z in _adjusted(model, cluster, _inverse_root):
        scores.append(z.T @ model.residuals[rows])
        own.append(np.sum(z**2 / model.weights[rows, None], axis=0))
        cross.append(z.T @ model.X[rows])
    stacked, d, u = np.vstack(scores), np.vstack(own), np.stack(cross)
    df = np.array([_satterthwaite(d[:, j], u[:, j, :], model.bread) for j in range(k)])
    return np.asarray(stacked.T @ stacked), df


def _satterthwaite(own: FloatArray, cross: FloatArray, bread: FloatArray) -> float:
    """(tr P)² / ‖P‖² for P = diag(own) − U M U', without the G × G matrix; own (G,), U (G, p)."""
    between = bread @ (cross.T @ cross)
    shared = np.sum((cross @ bread) * cross, axis=1)
    trace = float(own.sum() - np.trace(between))
    square = float(own @ own - 2.0 * own @ shared + np.sum(between * between.T))
    return trace**2 / square if square > 0 else np.nan


Spectral = Callable[[FloatArray], FloatArray]


def _inverse(left: FloatArray) -> FloatArray:
    return np.where(left > SINGULAR, 1.0 / np.maximum(left, SINGULAR), 0.0)


def _inverse_root(left: FloatArray) -> FloatArray:
    return np.sqrt(_inverse(left))


def _adjusted(model: Regression, cluster: IntArray, power: Spectral) -> Iterator[tuple[IntArray, FloatArray]]:
    """Rows of each cluster and z (n_g, k) such that z'e is the cluster's adjusted score.

    power : what is done to the eigenvalues of I − H_gg: their inverse (CR3) or its root (CR2)
    """
    half = np.linalg.cholesky(model.bread)
    order = np.argsort(cluster, kind="stable")
    ends = np.flatnonzero(np.diff(cluster[order])) + 1
    toward = model.bread @ model.contrasts.T
    for rows in np.split(order, ends):
        X, weights = model.X[rows], model.weights[rows]
        if power is _inverse_root and np.ptp(weights) > 1e-12 * weights[0]:
            yield rows, _uneven_root(X, weights, model.bread) @ (weights[:, None] * (X @ toward))
            continue
        root = np.sqrt(weights)[:, None]
        within = root * (X @ half)
        yield rows, root * _spectral_product(within, power, root * (X @ toward))


def _spectral_product(within: FloatArray, power: Spectral, right: FloatArray) -> FloatArray:
    """power(I − KK') r for K (n_g, p), from the p × p matrix K'K alone."""
    values, vectors = np.linalg.eigh(within.T @ within)
    safe = np.maximum(values, NEGLIGIBLE)
    change = (power(1.0 - safe) - 1.0) / safe
    basis = within @ vectors
    return np.asarray(right + basis @ (change[:, None] * (basis.T @ right)))


def _uneven_root(X: FloatArray, weights: FloatArray, bread: FloatArray) -> FloatArray:
    """(n_g, n_g) CR2 adjustment where weights differ within the cluster: W^(-1/2) B^(-1/2) W^(-1/2)."""
    root = 1.0 / np.sqrt(weights)
    inner = np.diag(1.0 / weights) - X @ bread @ X.T
    values, vectors = np.linalg.eigh(root[:, None] * inner * root)
    largest = max(float(values[-1]), 0.0)
    kept = values > SINGULAR * largest
    inverse_root = np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return np.asarray(root[:, None] * ((vectors * inverse_root) @ vectors.T) * root)
