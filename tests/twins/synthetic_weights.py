"""Weights on the simplex by a general solver of quadratic programs, and the double difference by loops."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from mentoreval.aliases import FloatArray


def weights_by_slsqp(A: FloatArray, b: FloatArray, ridge: float, intercept: bool) -> FloatArray:
    """(c,) x >= 0, sum one, and a constant, that minimize mean((Ax + constant - b)²) + ridge² Σx²."""
    r, c = A.shape

    def loss(z: FloatArray) -> float:
        miss = A @ z[:c] + (z[c] if intercept else 0.0) - b
        return float(miss @ miss / r + ridge**2 * (z[:c] @ z[:c]))

    def slope(z: FloatArray) -> FloatArray:
        miss = A @ z[:c] + (z[c] if intercept else 0.0) - b
        return np.append(2 * A.T @ miss / r + 2 * ridge**2 * z[:c], 2 * miss.mean() if intercept else 0.0)

    found = minimize(
        loss,
        np.append(np.full(c, 1 / c), 0.0),
        jac=slope,
        method="SLSQP",
        bounds=[(0, 1)] * c + [(None, None)],
        constraints={"type": "eq", "fun": lambda z: z[:c].sum() - 1, "jac": lambda z: np.append(np.ones(c), 0.0)},
        options={"ftol": 1e-16, "maxiter": 2000},
    )
    return np.asarray(found.x[:c])


def double_difference(y: FloatArray, treated: list[int], donors: dict[int, float], before: dict[int, float]) -> float:
    """The treated less the weighted donors, of the mean after less the weighted mean before.

    y : (n, t); donors and before : weights by row and by column; columns after the last of ``range(len(before))``
    """
    after = range(len(before), y.shape[1])

    def change(unit: int) -> float:
        later = sum(y[unit, t] for t in after) / len(after)
        return float(later - sum(weight * y[unit, t] for t, weight in before.items()))

    own = sum(change(unit) for unit in treated) / len(treated)
    return own - sum(weight * change(unit) for unit, weight in donors.items())
