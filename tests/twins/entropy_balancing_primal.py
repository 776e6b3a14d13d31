"""Entropy balancing as it is defined: of all weights that meet the constraints, those with the least divergence.

A general solver works on the weights themselves, one unknown for each row; only for a few rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize


def least_divergence(
    values: NDArray[np.float64], base: NDArray[np.float64], target: NDArray[np.float64], total: float
) -> NDArray[np.float64]:
    """(n,) weights of least Σ w log(w / base) that sum to ``total`` and give values (n, k) the means ``target``."""
    rows = np.column_stack([np.ones(len(base)), values - target])
    sums = np.append(total, np.zeros(values.shape[1]))
    found = minimize(
        lambda w: float(np.sum(w * np.log(w / base))),
        x0=base * total / base.sum(),
        jac=lambda w: np.log(w / base) + 1,
        bounds=[(1e-12, None)] * len(base),
        constraints={"type": "eq", "fun": lambda w: rows.T @ w - sums, "jac": lambda w: rows.T},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert found.success, found.message
    return np.asarray(found.x)
