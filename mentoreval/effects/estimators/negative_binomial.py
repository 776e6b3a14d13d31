"""Negative binomial: days absent as counts out of the days enrolled, and the effect in days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.design import Design
from mentoreval.design.propensity import with_cohorts
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, make_terms
from mentoreval.effects.regression import sample_term
from mentoreval.effects.sample import Sample, analytic_sample, outcome_at
from mentoreval.errors import EffectError, OptionError, first_few, suggest
from mentoreval.numerics.logit import aliased_columns
from mentoreval.numerics.negative_binomial import CountFit, fit_counts

NOTHING = 1e-8
"""Share of the overall rate below which a fitted rate is zero: a group without one day has no log rate."""


@dataclass(frozen=True)
class NegativeBinomial(Estimator):
    """Negative binomial regression (NB2) of a count, such as days absent, out of days enrolled.

    exposure : column of the panel with the days enrolled in each period, as ``build_panel`` makes it; None takes
        everyone as enrolled alike. In a panel from a frame, name the column among the covariates
    days : enrolled days at which the effect is stated, such as 180; None = each student's own
    event_time : periods since the start in which the outcome is taken; 0 in a cross-section
    covariates : of the model, read at the baseline; by default those of the design

    Estimand
        The average change in the count that the program makes, in days: among the treated (ATT), the comparison (ATC)
        or everyone (ATE, ATO), as the design weighs them; over the days each was enrolled, or over ``days``.

    Assumptions
        Given the covariates, treatment is as good as random, and the log of the expected count per day enrolled is
        linear in them and in treatment: the program changes everyone's rate by the same factor. The standard errors do
        not need the variance to be that of a negative binomial.

    Estimator
        Maximum likelihood with the design's weights of μ = enrolled · exp(Xβ + δ treated), variance μ + αμ², then the
        average of exp(Xβ + δ) − exp(Xβ), times the days, over those the estimand is about. With several cohorts each
        has an intercept. Where counts vary no more than Poisson, α is 0 and the fit is Poisson regression. Half days
        are taken as they are: the score equations hold for them too.

    Standard errors
        From the influence function of the average, through the scores of coefficients and α and the second derivatives
        of the likelihood as observed, so every cluster-robust error applies. They take the design's weights as given,
        and the students averaged over as a sample (``vce(unconditional)`` of Stata's ``margins``). ``sandwich`` on R's
        ``glm.nb`` with the delta method differs by a little: it takes α and these students as known.

    Edge cases
        Complete cases, by the rule of ``regression_adjustment``, counted in ``facts``, which also has ``dispersion``
        (α), ``rate_ratio`` (exp δ) and ``days``. A count below 0, an outcome that is a share or is scaled to 180 days
        already, an exposure that is missing or not above 0 where the outcome is known, and a group without one day of
        absence, whose log rate is minus infinity, are errors.

    References
        Cameron & Trivedi (2013), Regression Analysis of Count Data, 2nd ed.; Lawless (1987), Canadian Journal of
        Statistics 15; White (1982), Econometrica 50. Numbers as ``statsmodels.discrete.NegativeBinomial``.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 2, 3, 4, 5, 6],
        ...         "mentored": [1, 1, 1, 0, 0, 0],
        ...         "days_enrolled": [180, 90, 180, 180, 180, 90],
        ...         "absent": [9, 0, 18, 12, 30, 3],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", treated="mentored", covariates=["days_enrolled"], outcomes=["absent"]
        ... )
        >>> design = me.choose_design(panel, me.Unadjusted(), covariates=[])
        >>> effect = me.estimate_effect(design, "absent", me.NegativeBinomial(exposure=None))
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # 27 / 3 − 45 / 3
        -6.0
    """

    name: ClassVar[str] = "negative_binomial"
    exempt: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "shift": "a count begins at zero, and a constant added to it makes another model",
            "scale": "the variance of a count depends on its unit of measurement",
        }
    )
    exposure: str | None = "days_enrolled"
    days: int | None = None
    event_time: int = 0
    covariates: tuple[str, ...] | None = None

    def check(self) -> None:
        """Days are above 0, and mean something only where there is an exposure."""
        if self.days is not None and self.days < 1:
            raise OptionError(f"NegativeBinomial: days is 1 or more, such as 180; got {self.days}.")
        if self.days is not None and self.exposure is None:
            raise OptionError("NegativeBinomial: days needs an exposure, for without one nothing is per day enrolled.")

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effect in days, and each entry's influence on it."""
        self._check_outcome(design, outcome)
        sample = analytic_sample(
            design, outcome_at(design, outcome, self.event_time), self.event_time, self.adjusts_for(design)
        )
        _check_counts(sample, outcome)
        exposure = self._exposure(sample)
        X = _columns(sample)
        fitted = fit_counts(X, sample.response, sample.weights, exposure)
        _check_fit(fitted, sample, exposure)
        days = exposure if self.days is None else np.full(len(exposure), float(self.days))
        theta, influence = _average_effect(fitted, X, sample, days)
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms([sample_term(sample, self.event_time)]),
            theta=np.array([theta]),
            influence=influence[:, None],
            clusters={name: codes[sample.unit] for name, codes in unit_clusters(design).items()},
            entries=sample.entries,
            facts={
                **sample.facts,
                "dispersion": fitted.dispersion,
                "rate_ratio": float(np.exp(fitted.coefficients[-1])),
                "days": "own" if self.days is None else self.days,
            },
        )

    def _check_outcome(self, design: Design, outcome: str) -> None:
        """EffectError for an outcome that is no count of days or events."""
        facts = design.panel.measures.get(outcome)
        if facts is not None and facts.unit not in ("days", "count"):
            raise EffectError(
                f"negative_binomial explains counts, and {outcome} is measured as {facts.unit}. Use days_absent, or "
                "regression_adjustment."
            )
        if facts is not None and self.exposure is not None and "per_180=True" in facts.rule:
            raise EffectError(
                f"{outcome} is scaled to 180 days already, and would be divided by the days enrolled twice. Measure it "
                "with per_180 = false."
            )

    def _exposure(self, sample: Sample) -> FloatArray:
        """(m,) days enrolled in the period of the outcome; ones without an exposure."""
        if self.exposure is None:
            return np.ones(len(sample.entries))
        panel = sample.design.panel
        if self.exposure not in panel.frame or not pd.api.types.is_numeric_dtype(panel.frame[self.exposure]):
            numeric = [str(name) for name in panel.frame if pd.api.types.is_numeric_dtype(panel.frame[name])]
            raise EffectError(
                f"This panel has no numbers {self.exposure!r} to divide counts by.{suggest(self.exposure, numeric)} "
                "Name the column of the days enrolled as exposure and among the covariates of the panel, or set "
                "exposure = None where everyone was enrolled alike."
            )
        rows = panel.rows_at(sample.unit, sample.cohort + self.event_time)
        values = panel.frame[self.exposure].to_numpy(dtype=float, na_value=np.nan)[rows]
        wrong = ~(values > 0)
        if wrong.any():
            units = first_few(panel.units[np.unique(sample.unit[wrong])])
            raise EffectError(
                f"{int(wrong.sum()):,} of {len(wrong):,} students have a known outcome and no {self.exposure} above 0 "
                f"in its period (first: {units}). Complete it, or make their outcome missing."
            )
        return values


def _check_counts(sample: Sample, outcome: str) -> None:
    """EffectError for counts below zero, and for an arm without any."""
    below = sample.response < 0
    if below.any():
        units = first_few(sample.design.panel.units[np.unique(sample.unit[below])])
        raise EffectError(
            f"{outcome} is below 0 for {int(below.sum()):,} of {len(below):,} students (first: {units}), and a count "
            "can not be. Correct it, or use regression_adjustment."
        )
    for arm, inside in (("treated", sample.treated), ("comparison", ~sample.treated)):
        if not sample.response[inside].any():
            raise EffectError(
                f"{outcome} is 0 for all {int(inside.sum()):,} {arm} students, and a rate of 0 has no logarithm. "
                "Use difference_in_means."
            )


def _columns(sample: Sample) -> FloatArray:
    """(m, p) intercept, covariates, later cohorts, and treatment last; EffectError names what repeats the others."""
    matrix = covariate_matrix(sample.covariates)
    if matrix.columns:
        matrix.refuse_constants()
    model = with_cohorts(matrix, sample.cohort)
    X = np.column_stack([model.values, sample.treated])
    names = [*(column.label for column in model.columns), "treatment"]
    aliased = [names[place] for place in aliased_columns(X, sample.weights)]
    if aliased:
        raise EffectError(
            f"{len(aliased)} regressors are combinations of the others: {first_few(aliased)}. Leave them out, or the "
            "ones they repeat."
        )
    if len(X) <= X.shape[1] + 1:
        raise EffectError(f"{len(X):,} students can not carry {X.shape[1] + 1:,} parameters. Give fewer covariates.")
    return X


def _check_fit(fitted: CountFit, sample: Sample, exposure: FloatArray) -> None:
    """EffectError where the likelihood has no maximum."""
    rate = fitted.mean / exposure
    nothing = rate < NOTHING * (sample.weights @ sample.response) / (sample.weights @ exposure)
    if not fitted.converged or nothing.any():
        raise EffectError(
            f"The negative binomial model has no usable fit: the rate of {int(nothing.sum()):,} of {len(rate):,} "
            "students goes to 0, or its steps did not settle. A group of a covariate without one day of absence does "
            "this. Give fewer covariates, or use regression_adjustment."
        )


def _average_effect(fitted: CountFit, X: FloatArray, sample: Sample, days: FloatArray) -> tuple[float, FloatArray]:
    """The average change of the count, and each entry's influence (m,) on it."""
    share = np.where(_target(sample), sample.weights, 0.0)
    share /= share.sum()
    arms = [np.column_stack([X[:, :-1], np.full(len(X), arm)]) for arm in (0.0, 1.0)]
    without, under = (days * np.exp(values @ fitted.coefficients) for values in arms)
    theta = float(share @ (under - without))
    gradient = arms[1].T @ (share * under) - arms[0].T @ (share * without)
    return theta, len(X) * share * (under - without - theta) + fitted.influence @ gradient


def _target(sample: Sample) -> BoolArray:
    """(m,) True for those whom the estimand is about."""
    arms = {"ATT": sample.treated, "ATC": ~sample.treated}
    return arms.get(sample.design.estimand, np.ones(len(sample.treated), dtype=bool))
