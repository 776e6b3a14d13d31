"""Imputation: effects against the outcomes that untreated unit-periods predict (Borusyak, Jaravel & Spiess)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mentoreval.design.design import Design
from mentoreval.effects.cohort_cells import Shares, fit_of_cells
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.imputed_cells import impute_cells


@dataclass(frozen=True)
class Imputation(Estimator):
    """Effects of cohorts in periods, or averages of them, with imputed untreated outcomes.

    covariates : columns that change over time and that the program can not change, read in each period
    event_times : periods since the start that are of interest, from 0 on; None = all
    shares : "estimated": one term for each cohort and period, which ``Estimate.pool`` averages with the noise of the
        cohort shares, as in ``callaway_santanna``. "fixed": one term for each event time and ``average``, over all
        treated unit-periods, for these students and not for those they were drawn from, as in R's didimputation

    Estimand
        The average effect in each period from the start on, on the treated units whose outcome is known then.

    Assumptions
        Parallel trends of all cohorts and the comparison in all periods (more than callaway_santanna asks, and more
        precise in return), no effect before the start.

    Estimator
        Least squares of the outcome in untreated unit-periods on unit effects, period effects and covariates; what the
        treated have beyond its prediction is their effect, and effects are averaged with the design's weights. In a
        design that chose comparison students for each of several cohorts, the cohorts are stacked, each with its own
        regression.

    Standard errors
        Influence functions, one row for each unit. The part of the treated is the distance of each effect from the
        average of its cohort and period, which makes the error conservative where effects differ within them; with
        weights that differ the average is weighted, so that influence is of mean zero (didimputation weighs by their
        squares). ``shares="fixed"`` with ``ClusterRobust(cluster="student", small_sample="CR0")`` gives the numbers
        of didimputation.

    Edge cases
        All rows with a known outcome and known covariates are used. A treated unit-period whose unit is never seen
        untreated, or whose period has nobody untreated, or that untreated rows do not link, has no imputed outcome: it
        is left out and counted in ``facts["rows_not_imputed"]``. Units treated from the first period on are left out.

    References
        Borusyak, Jaravel & Spiess (2024), Review of Economic Studies 91; R didimputation 0.5.

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
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.Imputation())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['att(2024,2024)', -5.75]]
    """

    name: ClassVar[str] = "imputation"
    compares_changes: ClassVar[bool] = True
    lead_rows: ClassVar[Literal["untreated", "all"] | None] = "untreated"
    covariates: tuple[str, ...] = ()
    event_times: tuple[int, ...] | None = None
    shares: Shares = "estimated"

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effects, and each unit's influence on them."""
        imputed = impute_cells(design, outcome, self.name, self.covariates, self.event_times)
        return fit_of_cells(self, outcome, imputed.cells, imputed.found, self.shares, imputed.rows.facts)
