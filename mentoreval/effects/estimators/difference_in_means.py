"""Difference in means: the outcome of the treated less that of their comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.regression import fit_sample
from mentoreval.effects.sample import analytic_sample, outcome_at


@dataclass(frozen=True)
class DifferenceInMeans(Estimator):
    """Weighted mean of the outcome among the treated less the weighted mean among their comparison.

    event_time : periods since the start in which the outcome is taken; 0 in a cross-section

    Estimand
        That of the design's weights: with weights of one for the treated and matched or weighted comparison students,
        the average effect on the treated whose outcome is known.

    Assumptions
        Given the design, treatment is as good as random: nothing that the design left uneven moves the outcome.
        Outcomes are missing for reasons that do not differ between the arms.

    Estimator
        The coefficient of treatment in least squares with the design's weights on treatment and, with several cohorts,
        one intercept for each cohort. With one cohort this is the difference of two weighted means; with several, the
        cohorts' differences averaged with the weights that least squares gives (largest where both arms are large).

    Standard errors
        From the scores of that regression, taking the weights as given; the inference method says how rows depend on
        each other.

    Edge cases
        An entry without outcome in that period is left out and counted in ``facts``; so is a comparison unit that has
        started by then, and a cohort that is left with one arm. An outcome that is the same for everybody is an error.

    References
        Imbens & Rubin (2015), Causal Inference, chapters 6 and 7.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame({"student": [1, 2, 3, 4], "mentored": [1, 1, 0, 0], "absent": [4, 6, 9, 11]})
        >>> panel = me.panel_from_frame(frame, unit="student", treated="mentored", outcomes=["absent"])
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.DifferenceInMeans())
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # (4 + 6) / 2 - (9 + 11) / 2
        -5.0
    """

    name: ClassVar[str] = "difference_in_means"
    event_time: int = 0

    def fit(self, design: Design, outcome: str) -> Fit:
        """The difference, and each entry's influence on it."""
        response = outcome_at(design, outcome, self.event_time)
        sample = analytic_sample(design, response, self.event_time, ())
        return fit_sample(self, sample, outcome, self.event_time)
