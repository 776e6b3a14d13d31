"""The slow, obvious wild cluster bootstrap: every draw is a regression of its own, with a column for every dummy."""

from __future__ import annotations

import itertools

import numpy as np


def t_statistic(X, y, cluster, column, null):
    """t of one coefficient against a null, with the cluster-robust variance without factors."""
    bread = np.linalg.pinv(X.T @ X)
    beta = bread @ X.T @ y
    residuals = y - X @ beta
    scores = [bread @ X[cluster == g].T @ residuals[cluster == g] for g in np.unique(cluster)]
    return (beta[column] - null) / np.sqrt(sum(score[column] ** 2 for score in scores))


def restricted_fit(X, y, column, null):
    """Fitted values under the hypothesis that a coefficient is the null."""
    others = np.delete(X, column, axis=1)
    shifted = y - null * X[:, column]
    return others @ np.linalg.pinv(others) @ shifted + null * X[:, column]


def wild_p_value(X, y, cluster, column, null, restricted=True):
    """Share of all 2^G vectors of signs whose |t| exceeds that of the data; ties do not count."""
    found = abs(t_statistic(X, y, cluster, column, null))
    fitted = restricted_fit(X, y, column, null) if restricted else X @ np.linalg.pinv(X) @ y
    center = null if restricted else (np.linalg.pinv(X) @ y)[column]
    groups, codes = np.unique(cluster, return_inverse=True)
    exceeds = []
    for signs in itertools.product([-1.0, 1.0], repeat=len(groups)):
        drawn = fitted + np.array(signs)[codes] * (y - fitted)
        exceeds.append(abs(t_statistic(X, drawn, cluster, column, center)) > found * (1 + 1e-8))
    return float(np.mean(exceeds))
