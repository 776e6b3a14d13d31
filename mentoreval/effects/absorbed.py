"""Absorbed fixed effects spelt out again, for corrections that need every regressor's leverage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.estimator import LinearModel
from mentoreval.errors import EffectError
from mentoreval.numerics.absorb import demean, is_nested
from mentoreval.numerics.logit import aliased_columns
from mentoreval.numerics.sandwich import EVEN, Regression

MOST_LEVELS = 1_000
"""Levels of a fixed effect that are still spelt out as columns."""


def spell_out(
    linear: LinearModel, cluster: IntArray | None = None, *, even: bool = False
) -> tuple[Regression, FloatArray]:
    """The regression with all absorbed factors but one as columns, and the (n,) leverage of that one.

    cluster : where given, a factor that stays absorbed must be nested in the clusters, and the correction is then that
        of the regression with dummies (Pustejovsky & Tipton 2018, theorem 2)
    even : whether its levels must each have one weight besides, without which that does not hold for CR2

    Coefficients, residuals and effects stay as they are, for the columns already are residuals on all factors.
    """
    kept = max(_may_stay(linear, cluster, even), key=lambda codes: int(codes.max()), default=None)
    shown = [codes for codes in linear.absorbed if codes is not kept]
    leverage = np.zeros(len(linear.response))
    if kept is not None:
        leverage = linear.weights / np.bincount(kept, linear.weights)[kept]
    if not shown:
        return linear.arrays, leverage
    dummies = np.column_stack([_dummies(codes) for codes in shown])
    if kept is not None:
        dummies = demean(dummies, kept, linear.weights)
    dummies = dummies[:, np.setdiff1d(np.arange(dummies.shape[1]), aliased_columns(dummies, linear.weights))]
    p, q = linear.regressors.shape[1], dummies.shape[1]
    bread = np.zeros((p + q, p + q))
    bread[:p, :p] = linear.bread
    bread[p:, p:] = np.linalg.inv(dummies.T @ (dummies * linear.weights[:, None]))
    contrasts = np.column_stack([linear.contrasts, np.zeros((len(linear.contrasts), q))])
    model = replace(linear.arrays, X=np.column_stack([linear.regressors, dummies]), bread=bread, contrasts=contrasts)
    return model, leverage


def spelt_out(linear: LinearModel, cluster: IntArray, *, even: bool = False) -> int:
    """Levels of the absorbed factors that may not stay absorbed; clusters are those of the rows of influence."""
    stays = _may_stay(linear, linear.of_rows(cluster), even)
    return sum(int(codes.max()) + 1 for codes in linear.absorbed if not any(codes is one for one in stays))


def _may_stay(linear: LinearModel, cluster: IntArray | None, even: bool) -> list[IntArray]:
    """The absorbed factors of which one may stay so, by the rules of ``spell_out``."""
    return [
        codes
        for codes in linear.absorbed
        if (cluster is None or is_nested(codes, cluster)) and (not even or _has_one_weight(codes, linear.weights))
    ]


def _has_one_weight(codes: IntArray, weights: FloatArray) -> bool:
    """Whether the weights (n,) are the same in all rows of a level."""
    of_level = np.zeros(int(codes.max()) + 1)
    of_level[codes] = weights
    return bool((np.abs(of_level[codes] - weights) <= EVEN * weights).all())


def _dummies(codes: IntArray) -> FloatArray:
    levels = int(codes.max()) + 1
    if levels > MOST_LEVELS:
        raise EffectError(
            f"This correction needs every column of the regression, and {levels:,} fixed effects are too many. "
            "Use CR1 or HC1, or clusters in which the fixed effects are nested."
        )
    return np.eye(levels)[codes]
