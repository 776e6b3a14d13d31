"""Event study: the classical two-way fixed-effects regression with one effect for each time since the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.event_times import fit_event_times
from mentoreval.effects.unit_periods import observe_periods


@dataclass(frozen=True)
class EventStudy(Estimator):
    """Two-way fixed effects with event-time indicators; the reference is the period before the start.

    covariates : columns that change over time and that the program can not change, read in each period

    Estimand
        With one cohort, or effects that are the same in every cohort: the average effect on the treated at each event
        time. With several cohorts whose effects differ, each coefficient mixes effects of other event times, some with
        negative weights; then use ``callaway_santanna``. The term ``average`` is the mean over event times from 0 on.

    Assumptions
        Parallel trends of all cohorts and the comparison in all periods, no effect before the start, effects that are
        the same across cohorts.

    Estimator
        Least squares of the outcome on unit effects, period effects, covariates and one indicator for each event time
        of the treated but the reference -1 (where no period has it, the last event time before 0). Effects are absorbed
        exactly. In a design that leaves everyone the sampling weight each unit enters once. In a design that chose
        comparison students for each of several cohorts, the cohorts are stacked: a unit enters once for each cohort it
        is compared in, with its weight there, and unit and period effects are those of unit × cohort and
        period × cohort.

    Standard errors
        From the scores of the regression, added up for each unit, so clusters are students or what holds them. Unit
        effects nested in the clusters do not count as coefficients, period effects do (fixest's rule).

    Edge cases
        A unit-period without outcome or covariate is left out and counted in ``facts``; the unit stays with its other
        periods. Units treated from the first period on are left out. In stacks of not-yet-treated comparisons, their
        periods from their own start on are left out. Without never-treated units the event times are not identified.

    References
        Sun & Abraham (2021), Journal of Econometrics 225, for what goes wrong; Cengiz et al. (2019), Quarterly Journal
        of Economics 134, for stacking. Numbers as
        ``fixest::feols(y ~ i(event_time, treated, ref = -1) | unit + period, vcov = ~unit)``.

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
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.EventStudy())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['event_time=-2', 0.5], ['reference event_time=-1', 0.0], ['event_time=0', -5.5], ['average', -5.5]]
    """

    name: ClassVar[str] = "event_study"
    compares_changes: ClassVar[bool] = True
    covariates: tuple[str, ...] = ()

    def fit(self, design: Design, outcome: str) -> Fit:
        """One effect for each event time, and each unit's influence on them."""
        rows = observe_periods(design, outcome, self.name, self.covariates)
        return fit_event_times(self, outcome, rows, self.covariates, rows.facts)
