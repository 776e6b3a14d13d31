"""Two-way fixed effects: one coefficient for being treated by now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit, LinearModel, make_terms
from mentoreval.effects.period_regression import regress_periods
from mentoreval.effects.regression import TREATMENT
from mentoreval.effects.shared_cells import SharedCells, share_cells
from mentoreval.effects.unit_periods import UnitPeriods, compares_untreated, observe_periods
from mentoreval.numerics.codes import number

ROUNDING = 1e-12
"""Share of the largest weight below which a weight is zero but for rounding."""


@dataclass(frozen=True)
class Twfe(Estimator):
    """Static two-way fixed effects. With staggered starts, read ``facts`` before the number.

    covariates : columns that change over time and that the program can not change, read in each period

    Estimand
        With one cohort, or effects that are the same for everyone at all times: the average effect on the treated.
        With staggered starts and effects that differ or grow: a weighted sum of the effects of cohorts and periods in
        which late periods of early cohorts may count *negatively*, because they serve as comparison for later cohorts.
        The coefficient can then have the wrong sign. Use ``callaway_santanna``, ``imputation`` or another estimator of
        that family, and this one to show what a regression of old would have said.

    Assumptions
        Parallel trends of all cohorts and the comparison in all periods, no anticipation, and effects that are
        constant across cohorts and over time.

    Estimator
        Least squares of the outcome on unit effects, period effects, covariates and an indicator of being treated by
        now; effects are absorbed exactly. In a design that leaves everyone the sampling weight each unit enters once.
        In a design that chose comparison students for each of several cohorts, the cohorts are stacked, and the
        effects are those of unit × cohort and period × cohort. ``facts["negative_weight_share"]`` is the share of the
        treated unit-periods whose cohort and period has a negative weight in the coefficient, and
        ``facts["negative_weight_sum"]`` the sum of these weights, where all weights sum to 1.

    Standard errors
        From the scores of the regression, added up for each unit, so clusters are students or what holds them. Unit
        effects nested in the clusters do not count as coefficients, period effects do (fixest's rule).

    Edge cases
        All rows with a known outcome and known covariates are used; a unit-period without is left out and counted in
        ``facts``, and the unit stays with its other periods. Units treated from the first period on are left out.
        In stacks of not-yet-treated comparisons, their periods from their own start on are left out.

    References
        Goodman-Bacon (2021), Journal of Econometrics 225; de Chaisemartin & D'Haultfœuille (2020), American Economic
        Review 110, for the weights. Numbers as ``fixest::feols(y ~ post | unit + period, vcov = ~unit)``.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
        ...         "year": [2022, 2023, 2024] * 4,
        ...         "start": [2024] * 6 + [None] * 6,
        ...         "absent": [19, 20, 12, 18, 18, 14, 9, 9, 8, 10, 12, 12],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", period="year", first_treated="start", outcomes=["absent"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.Twfe())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['effect', -5.75]]
        >>> effect.fit.facts["negative_weight_share"]
        0.0
    """

    name: ClassVar[str] = "twfe"
    compares_changes: ClassVar[bool] = True
    lead_rows: ClassVar[Literal["untreated", "all"] | None] = "all"
    covariates: tuple[str, ...] = ()

    def fit(self, design: Design, outcome: str) -> Fit:
        """The coefficient of being treated by now, and each unit's influence on it."""
        rows = observe_periods(design, outcome, self.name, self.covariates)
        shared = share_cells(rows)
        names = [TREATMENT, *self.covariates]
        contrast = np.zeros((1, len(names)))
        contrast[0, 0] = 1.0
        indicator = rows.started[shared.first].astype(float)[:, None]
        fitted = regress_periods(rows, shared, indicator, names, contrast)
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms([_term(rows)]),
            theta=fitted.linear.effects,
            influence=fitted.influence,
            clusters=fitted.clusters(design),
            entries=rows.entries,
            linear=fitted.linear,
            facts={**rows.facts, **_negative_weights(rows, shared, fitted.linear)},
        )


def _term(rows: UnitPeriods) -> dict[str, object]:
    """The one term; its cohort is named where there is one."""
    cohorts = np.unique(rows.cohort[rows.started])
    label = {"cohort": rows.design.panel.timeline.label(cohorts[0])} if len(cohorts) == 1 else {}
    n_comparison = rows.n_units(compares_untreated(rows))
    return {"term": "effect", "n_treated": rows.n_units(rows.started), "n_comparison": n_comparison, **label}


def _negative_weights(rows: UnitPeriods, shared: SharedCells, linear: LinearModel) -> dict[str, object]:
    """Share of the treated unit-periods with a negative weight in the coefficient, and the sum of these weights."""
    n_periods = len(rows.design.panel.timeline.clock)
    if linear.cell is None:
        at, weights, columns = np.arange(len(rows.unit)), linear.weights, linear.columns
    else:
        at, weights, columns = shared.first, shared.weights, linear.columns
    treated = rows.started[at]
    at = at[treated]
    code = number(rows.cohort[at] * n_periods + rows.period[at])
    pull = np.bincount(code, (weights * _residual_treatment(columns, weights))[treated])
    weight, mass = pull / pull.sum(), np.bincount(code, weights[treated])
    negative = weight < -ROUNDING * np.abs(weight).max()
    return {
        "negative_weight_share": float(mass[negative].sum() / mass.sum()),
        "negative_weight_sum": float(weight[negative].sum()),
    }


def _residual_treatment(columns: FloatArray, weights: FloatArray) -> FloatArray:
    """(n,) treatment less what effects and covariates tell of it, from regressors (n, p) less their effects."""
    treatment, others = columns[:, 0], columns[:, 1:]
    weighted = others * weights[:, None]
    return np.asarray(treatment - others @ np.linalg.solve(weighted.T @ others, weighted.T @ treatment))
