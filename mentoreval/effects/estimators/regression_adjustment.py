"""Regression adjustment: the difference between the arms at equal values of what was known before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.regression import fit_sample
from mentoreval.effects.sample import analytic_sample, outcome_at
from mentoreval.errors import EffectError, OptionError


@dataclass(frozen=True)
class RegressionAdjustment(Estimator):
    """Analysis of covariance with the design's weights; the usual last step after matching.

    event_time : periods since the start in which the outcome is taken; 0 in a cross-section
    covariates : to adjust for, read at the baseline; by default those of the design
    fixed_effects : categories to absorb instead: ``school``, ``matched_set`` or a covariate
    interacted : let the effect differ with covariates and cohorts (Lin 2013)

    Estimand
        The effect that is common to students with the same covariates. Where effects differ between students it is
        an average that leans to covariate values at which both arms are large. ``interacted``: the design's ATT, ATE or
        ATC, the average over its students of what the regression predicts with the program less without it
        (g-computation).

    Assumptions
        Given the design and the covariates, treatment is as good as random, and the outcome is linear in the covariates
        or the design has made the arms alike enough for that not to matter.

    Estimator
        The coefficient of treatment in least squares with the design's weights on treatment, covariates and, with
        several cohorts, one intercept for each cohort. A text is one column for each level but the first in sorted
        order. Fixed effects are absorbed exactly. With one category and one cohort this is R's
        ``lm(outcome ~ treated + covariates + factor(category), weights = w)``. ``interacted`` adds treatment times each
        covariate and cohort less its mean over the students of the estimand, with the design's weights; the coefficient
        of treatment is then what ``avg_comparisons`` of R's marginaleffects makes of ``lm(outcome ~ treated *
        covariates)``.

    Standard errors
        From the scores of that regression, taking the weights as given. Absorbed effects count as coefficients unless
        they are nested in the clusters, as in fixest. ``interacted``: the same, which is the delta method with the
        covariates of the estimand's students as they are; the errors are for these students' effect, as in
        marginaleffects.

    Edge cases
        Complete cases: an entry without outcome or covariate is left out and counted in ``facts``; so is a comparison
        unit that has started by the period of the outcome. A covariate that is constant in the analytic sample, one
        that repeats others and one that tells who is treated are errors that name it. ``interacted`` needs a covariate
        or a second cohort to make a difference, and is refused with fixed effects and for the ATO.

    References
        Ho, Imai, King & Stuart (2007), Political Analysis 15; Stuart (2010), Statistical Science 25; for the
        recipe after matching, the vignette "Estimating Effects After Matching" of MatchIt 4.7; Lin (2013), Annals of
        Applied Statistics 7, for the interactions.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 2, 3, 4, 5, 6],
        ...         "mentored": [1, 1, 1, 0, 0, 0],
        ...         "before": [4, 6, 8, 2, 3, 7],
        ...         "after": [5, 7, 9, 5, 6, 10],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", treated="mentored", covariates=["before"], outcomes=["after"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "after", me.RegressionAdjustment())
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # after = before + 3, less 2 where mentored
        -2.0
    """

    name: ClassVar[str] = "regression_adjustment"
    event_time: int = 0
    covariates: tuple[str, ...] | None = None
    fixed_effects: tuple[str, ...] = ()
    interacted: bool = False

    def check(self) -> None:
        """Interactions go with covariates that are adjusted for, not with absorbed ones."""
        if self.interacted and self.fixed_effects:
            raise OptionError(
                "RegressionAdjustment: interacted lets the effect differ with each covariate, which absorbed "
                "fixed_effects do not allow. Leave out one of the two."
            )

    def fit(self, design: Design, outcome: str) -> Fit:
        """The adjusted difference, and each entry's influence on it."""
        if self.interacted and design.estimand not in ("ATT", "ATE", "ATC"):
            raise EffectError(
                f"The interacted regression averages over the students of the ATT, the ATE or the ATC, and the design "
                f"is for the {design.estimand}. Use interacted = false, or another estimand."
            )
        school = design.panel.school
        if "school" in self.fixed_effects and school is None:
            raise EffectError(
                "fixed_effects names the school, and the panel has none. Name the column of the school when it is made."
            )
        absorbed = [school if name == "school" and school else name for name in self.fixed_effects]
        covariates = design.covariates if self.covariates is None else self.covariates
        needed = dict.fromkeys((*covariates, *(name for name in absorbed if name != "matched_set")))
        response = outcome_at(design, outcome, self.event_time)
        sample = analytic_sample(design, response, self.event_time, needed)
        return fit_sample(self, sample, outcome, self.event_time, absorbed, self.interacted)
