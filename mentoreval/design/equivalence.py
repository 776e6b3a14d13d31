"""Baseline equivalence as the What Works Clearinghouse (WWC) judges it: effect size of a difference, and its band."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.numerics.effect_sizes import continuity_corrected, cox_index, hedges_g
from mentoreval.numerics.two_samples import BalanceTable

ALIKE = 0.05
"""Up to this effect size the What Works Clearinghouse holds two groups for equivalent as they are."""

ADJUSTABLE = 0.25
"""Up to this one it does if the impact model adjusts for the covariate; beyond it nothing helps."""

Band = Literal["satisfied", "needs_adjustment", "not_satisfied", "cannot_judge"]


def wwc_effect_size(table: BalanceTable) -> FloatArray:
    """(k,) effect sizes of the What Works Clearinghouse between two samples: Hedges' g, the Cox index for a share.

    Where one arm has a share of 0 or 1 the Cox index has no value, and half a student is added to either side of both.
    Infinite where the means differ and no arm varies; NaN where an arm has fewer than two students.
    """
    treated, comparison, difference = table.treated, table.comparison, table.difference
    sizes = treated.n, comparison.n
    shares = np.array([treated.mean, comparison.mean])
    inside = ((shares > 0) & (shares < 1)).all(axis=0)
    odds = np.where(inside, shares, continuity_corrected(shares, np.array(sizes)))
    nobody_varies = (treated.variance == 0) & (comparison.variance == 0)
    size = np.where(
        table.binary,
        cox_index(odds[0], odds[1], *sizes),
        np.where(
            nobody_varies,
            np.copysign(np.inf, difference),
            hedges_g(difference, treated.sd, comparison.sd, *sizes),
        ),
    )
    size = np.where(difference == 0, 0.0, size)
    return np.where(np.minimum(*sizes) < 2, np.nan, size)


def wwc_band(effect_size: float) -> Band:
    """The band of a baseline effect size; cannot_judge where it is NaN."""
    if np.isnan(effect_size):
        return "cannot_judge"
    if abs(effect_size) <= ALIKE:
        return "satisfied"
    return "needs_adjustment" if abs(effect_size) <= ADJUSTABLE else "not_satisfied"
