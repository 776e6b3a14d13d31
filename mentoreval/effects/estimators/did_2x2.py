"""Difference-in-differences in two periods: the change of the treated less the change of their comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.regression import fit_sample
from mentoreval.effects.sample import analytic_sample, outcome_at, outcome_before


@dataclass(frozen=True)
class Did2x2(Estimator):
    """The change from the last period before the start, compared between the arms.

    event_time : periods since the start up to which the change is taken
    covariates : known at the baseline, on which the trend may depend

    Estimand
        The average effect on the treated, event_time periods after the start, among units seen in both periods.

    Assumptions
        Without the program the treated would have changed as their comparison did (given the covariates): parallel
        trends. No effect before the start, and none of the program on the comparison.

    Estimator
        Each entry's outcome in the period ``start + event_time`` less its outcome in the baseline period, regressed
        with the design's weights on treatment, covariates and, with several cohorts, one intercept for each cohort.
        With one cohort and no covariates this is the classical difference of four means, and the coefficient of the
        regression with student and period effects on the two periods.

    Standard errors
        From the scores of the regression in first differences; a cluster-robust error is that of the two-way
        fixed-effects regression when student effects do not count as coefficients.

    Edge cases
        An entry without outcome in either period is left out and counted in ``facts``; so is a comparison unit that has
        started by the later one. A cross-section has no change and is refused.

    References
        Card & Krueger (1994), American Economic Review 84; Angrist & Pischke (2009), chapter 5.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 1, 2, 2, 3, 3, 4, 4],
        ...         "year": [2023, 2024] * 4,
        ...         "start": [2024] * 4 + [None] * 4,
        ...         "absent": [20, 12, 18, 14, 9, 8, 11, 12],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", period="year", first_treated="start", outcomes=["absent"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.Did2x2())
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # (13 - 19) - (10 - 10)
        -6.0
    """

    name: ClassVar[str] = "did_2x2"
    compares_changes: ClassVar[bool] = True
    event_time: int = 0
    covariates: tuple[str, ...] = ()

    def fit(self, design: Design, outcome: str) -> Fit:
        """The difference of changes, and each entry's influence on it."""
        response = outcome_at(design, outcome, self.event_time) - outcome_before(design, outcome)
        sample = analytic_sample(design, response, self.event_time, self.covariates)
        return fit_sample(self, sample, outcome, self.event_time)
