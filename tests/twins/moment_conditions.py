"""Weights from their moment conditions, found the slow way: a general root finder on the equations of the papers.

Nothing here is clever; ``EntropyBalancing`` and ``CovariateBalancing`` must have the same weights.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import root


def solved(equations, unknowns):
    """The unknowns for which all equations are 0, to rounding."""
    found = root(equations, np.zeros(unknowns), method="lm", options={"xtol": 1e-15, "ftol": 1e-15, "maxiter": 100_000})
    assert np.abs(equations(found.x)).max() < 1e-9
    return found.x


def columns_of(frame, numbers, factors, moments=1):
    """Powers of the numbers, then indicators of all levels of a factor but the first; all in standard deviations."""
    columns = [frame[name] ** power for name in numbers for power in range(1, moments + 1)]
    columns += [frame[name] == level for name in factors for level in sorted(frame[name].unique())[1:]]
    X = np.column_stack(columns).astype(float)
    return (X - X.mean(axis=0)) / X.std(axis=0)


def entropy_weights(source, target, base, counted):
    """Weights w = q exp(a + xb) of the source with Σw = Σs and Σwx = Σsx over the target (Hainmueller 2012, eq. 6).

    source, target : rows of covariates; base : q; counted : the target's sampling weights s
    """
    Z = np.column_stack([np.ones(len(source)), source])
    wanted = np.column_stack([np.ones(len(target)), target]).T @ counted / counted.sum()

    def equations(theta):
        return Z.T @ (base * np.exp(np.clip(Z @ theta, -700, 50))) / counted.sum() - wanted

    return base * np.exp(Z @ solved(equations, Z.shape[1]))


def balancing_scores(X, treated, sampling, estimand):
    """Scores p of a logit with Σ s (t/p − (1 − t)/(1 − p)) x = 0 for the ATE and Σ s (t − (1 − t) p/(1 − p)) x = 0 for
    the ATT, x with a 1 (Imai & Ratkovic 2014, eq. 8 and 9)."""
    Z = np.column_stack([np.ones(len(X)), X])
    sign = np.where(treated, 1.0, -1.0)

    def equations(beta):
        odds = np.exp(np.clip(Z @ beta, -50, 50))
        factors = {
            "ATE": np.where(treated, 1 + 1 / odds, 1 + odds),
            "ATT": np.where(treated, 1.0, odds),
            "ATC": np.where(treated, 1 / odds, 1.0),
        }
        return Z.T @ (sign * sampling * factors[estimand]) / len(X)

    return 1 / (1 + np.exp(-Z @ solved(equations, Z.shape[1])))
