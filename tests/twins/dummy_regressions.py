"""Two-way regressions with a dummy for every unit and period, and imputation with every weight written out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray


def dummies(frame: pd.DataFrame, names: Sequence[str]) -> FloatArray:
    """(n, levels) one column for each combination of the named columns."""
    codes = frame.groupby(list(names), sort=True).ngroup().to_numpy()
    return np.eye(codes.max() + 1)[codes]


def coefficients(
    frame: pd.DataFrame,
    regressors: FloatArray,
    factors: Sequence[Sequence[str]] = (("student",), ("year",)),
    weights: FloatArray | None = None,
) -> FloatArray:
    """Coefficients of regressors (n, p) beside a dummy for each level of the factors; the outcome is ``absent``."""
    X = np.column_stack([regressors, *(dummies(frame, names) for names in factors)])
    root = np.sqrt(np.ones(len(frame)) if weights is None else weights)
    beta, *_ = np.linalg.lstsq(X * root[:, None], frame["absent"].to_numpy(dtype=float) * root, rcond=None)
    return beta[: regressors.shape[1]]


def imputed(frame: pd.DataFrame, covariates: Sequence[str] = ()) -> FloatArray:
    """(n,) outcome less its prediction from the rows before any start; every unit and year must occur there."""
    untreated = ~(frame["year"] >= frame["start"]).to_numpy()
    Z = np.column_stack([dummies(frame, ["student"]), dummies(frame, ["year"]), frame[list(covariates)].to_numpy()])
    y = frame["absent"].to_numpy(dtype=float)
    beta, *_ = np.linalg.lstsq(Z[untreated], y[untreated], rcond=None)
    return np.asarray(y - Z @ beta)


def imputation_variance(frame: pd.DataFrame, target: FloatArray, centre: FloatArray) -> float:
    """Variance of Σ target × effect with students as clusters: (Σ_t v ε)² summed over students.

    target : (n,) weights of the treated rows, 0 elsewhere
    centre : (n,) what is taken off the effects of the treated rows
    """
    untreated = ~(frame["year"] >= frame["start"]).to_numpy()
    Z = np.column_stack([dummies(frame, ["student"]), dummies(frame, ["year"])])
    v = target.copy()
    v[untreated] = -Z[untreated] @ np.linalg.pinv(Z[untreated].T @ Z[untreated]) @ (Z.T @ target)
    left = imputed(frame)
    residual = np.where(untreated, left, left - centre)
    by_student = pd.Series(v * residual).groupby(frame["student"].to_numpy()).sum()
    return float((by_student**2).sum())
