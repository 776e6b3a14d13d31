"""Abadie–Imbens: every student against the nearest of the other arm, with replacement and an error made for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix, covariate_matrix
from mentoreval.design.design import Design
from mentoreval.design.propensity import with_cohorts
from mentoreval.design.separation import refuse_combined_separation
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, StatedVariance, make_terms
from mentoreval.effects.regression import sample_term
from mentoreval.effects.sample import Sample, analytic_sample, outcome_at, refuse_weighted
from mentoreval.errors import EffectError, OptionError, first_few
from mentoreval.numerics.abadie_imbens import (
    MatchedEffect,
    Metric,
    Space,
    match_with_ties,
    matched_effect,
    noise_within,
    scaled_columns,
)
from mentoreval.numerics.least_squares import AliasedColumnsError
from mentoreval.numerics.logit import aliased_columns, fit_logit

NOT_SMOOTH = "matching with replacement jumps as students come and go (Abadie & Imbens 2008)"


@dataclass(frozen=True)
class AbadieImbens(Estimator):
    """Nearest-neighbour matching with replacement, on a design that has not matched or weighted students itself.

    event_time : periods since the start in which the outcome is taken; 0 in a cross-section
    covariates : to match on, read at the baseline; by default those of the design
    matches : nearest students for each; with sampling weights, students until their weights add up to it
    metric : inverse_variance and mahalanobis are distances in the covariates, propensity in a logit's probability
    bias_adjust : take out what a linear regression on the covariates says of the distance that is left in a match
    exact : columns whose values must be equal in a match
    caliper : most that a match may differ in each column matched on, in its standard deviations
    variance_matches : 0 takes one variance of outcomes for all, 1 and more that among this many nearest of the same arm
    conditional : the error for the effect on these very students, instead of on students like them

    Estimand
        The ATT, ATE or ATC, as the design says. Students without a match in reach are out of it, and counted in
        ``facts`` as ``treated_unmatched`` and ``comparison_unmatched``.

    Assumptions
        Given the covariates, treatment is as good as random, and students of the other arm are near enough. With more
        than one continuous covariate the distance left in matches biases the effect; ``bias_adjust`` takes it out where
        the outcome is nearly linear in the covariates over such distances.

    Estimator
        The outcome of each student less the mean outcome of the nearest in the other arm, averaged. All who are as near
        as the last of ``matches`` share in the match (squared distances within 1e-5 are ties). It is R's
        ``Matching::Match`` with Weight = 1 (inverse_variance) or 2 (mahalanobis), ``Z`` the covariates, and one match
        by default. The bias adjustment is a regression among the matched students of an arm, weighted by how often they
        are matched. A text is one column for each level but the first. Cohorts are matched within themselves.

    Standard errors
        Abadie and Imbens (2006), which the fit states itself (``own_variance``), for independent students drawn at
        random; normal. As in R, the noise of an estimated propensity score is not in it. Where calipers or exact values
        leave students out, it is that of the students who are matched; R (4.10) divides by those left out too. A
        comparison student of several cohorts counts as one person whose outcomes move together, so that the error is
        not too small. There is no influence function, and the bootstrap fails for matching with replacement; students
        of one school are taken as independent.

    Edge cases
        Complete cases, by the rule of ``regression_adjustment``, counted in ``facts``. A design that matched or
        weighted students, constant covariates, and covariates that repeat each other (for mahalanobis, propensity and
        the bias adjustment) are errors.

    References
        Abadie & Imbens (2006), Econometrica 74; Abadie & Imbens (2011), Journal of Business & Economic Statistics 29,
        for the bias adjustment; Sekhon (2011), Journal of Statistical Software 42.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 2, 3, 4, 5, 6],
        ...         "mentored": [1, 1, 1, 0, 0, 0],
        ...         "before": [4, 6, 8, 2, 5, 8],
        ...         "after": [5, 7, 9, 5, 8, 12],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", treated="mentored", covariates=["before"], outcomes=["after"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "after", me.AbadieImbens())
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # (5 - 8, 7 - 8, 9 - 12) / 3
        -2.333333
    """

    name: ClassVar[str] = "abadie_imbens"
    exempt: ClassVar[Mapping[str, str]] = MappingProxyType({"influence": NOT_SMOOTH, "refits": NOT_SMOOTH})
    event_time: int = 0
    covariates: tuple[str, ...] | None = None
    matches: int = 1
    metric: Literal["inverse_variance", "mahalanobis", "propensity"] = "inverse_variance"
    bias_adjust: bool = False
    exact: tuple[str, ...] = ()
    caliper: float | None = None
    variance_matches: int = 0
    conditional: bool = False

    def check(self) -> None:
        """At least one match, a caliper above 0, and no negative number of matches for the variance."""
        if self.matches < 1 or self.variance_matches < 0 or (self.caliper is not None and self.caliper <= 0):
            raise OptionError(
                "AbadieImbens: matches is 1 or more, variance_matches 0 or more and caliper above 0; got "
                f"{self.matches}, {self.variance_matches} and {self.caliper}."
            )

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effect, and its own variance."""
        _refuse_design(design)
        response = outcome_at(design, outcome, self.event_time)
        covariates = self.adjusts_for(design)
        sample = analytic_sample(design, response, self.event_time, dict.fromkeys((*covariates, *self.exact)))
        matrix = _matrix(sample, covariates)
        space = self._space(sample, matrix)
        seekers = np.ones(len(sample.entries), dtype=bool)
        if design.estimand != "ATE":
            seekers = sample.treated == (design.estimand == "ATT")
        pairs = match_with_ties(space, sample.treated, seekers, self.matches)
        adjusted = with_cohorts(matrix, sample.cohort).values[:, 1:] if self.bias_adjust else None
        try:
            found = matched_effect(sample.response, sample.treated, space.weights, pairs, adjusted)
        except AliasedColumnsError:
            raise EffectError(_not_adjustable(matrix)) from None
        used = np.flatnonzero((found.own > 0) | (found.times > 0))
        matched = replace(sample, entries=sample.entries[used])
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms([sample_term(matched, self.event_time)]),
            theta=np.array([found.theta]),
            influence=None,
            clusters={name: codes[matched.unit] for name, codes in unit_clusters(design).items()},
            entries=matched.entries,
            facts={**sample.facts, **_unmatched(sample, seekers & (found.own == 0)), "pairs": len(pairs.seeker)},
            own_variance=lambda: self._stated(sample, space, found, len(np.unique(matched.unit))),
        )

    def _space(self, sample: Sample, matrix: CovariateMatrix) -> Space:
        """The students as points of the metric, in groups of one cohort and equal exact values."""
        values, weights = matrix.values, sample.weights
        if self.metric == "propensity":
            values = _probability(matrix, sample)[:, None]
        metric: Metric = "mahalanobis" if self.metric == "mahalanobis" else "inverse_variance"
        box = np.empty((len(values), 0))
        if self.caliper is not None:
            box = values / (self.caliper * values.std(axis=0, ddof=1))
        codes = [pd.factorize(sample.covariates[name])[0] for name in self.exact]
        within = np.unique(np.column_stack([sample.cohort, *codes]), axis=0, return_inverse=True)[1].reshape(-1)
        return Space(scaled_columns(values, metric, weights), weights, within.astype(np.int64), box)

    def _stated(self, sample: Sample, space: Space, found: MatchedEffect, students: int) -> StatedVariance:
        """The variance of Abadie and Imbens."""
        noise = None
        if self.variance_matches:
            alike = replace(space, within=sample.cohort)
            noise = noise_within(sample.response, sample.treated, alike, self.variance_matches)
        person = np.unique(sample.unit, return_inverse=True)[1].astype(np.int64)
        error = found.std_error(noise, person, self.conditional)
        return StatedVariance(np.array([[error**2]]), np.array([np.inf]), students)


def _refuse_design(design: Design) -> None:
    if design.estimand not in ("ATT", "ATE", "ATC"):
        raise EffectError(
            f"abadie_imbens estimates the ATT, the ATE or the ATC, and the design is for the {design.estimand}. Choose "
            "the design with one of these."
        )
    refuse_weighted(design, "abadie_imbens matches students itself")


def _matrix(sample: Sample, covariates: tuple[str, ...]) -> CovariateMatrix:
    """(n, k) the covariates, a text without its first level; EffectError where there are none."""
    matrix = covariate_matrix(sample.covariates[list(covariates)])
    if not matrix.columns:
        raise EffectError("abadie_imbens matches on covariates, and there are none. Name some in covariates.")
    matrix.refuse_constants()
    return matrix.for_model()


def _probability(matrix: CovariateMatrix, sample: Sample) -> FloatArray:
    """(n,) probability of treatment by a logistic regression on the covariates and the cohorts."""
    model = with_cohorts(matrix, sample.cohort)
    aliased = aliased_columns(model.values, sample.weights)
    if len(aliased):
        names = first_few(model.columns[place].label for place in aliased)
        raise EffectError(f"{len(aliased)} covariates of the propensity repeat others: {names}. Leave them out.")
    fit = fit_logit(model.values, sample.treated, sample.weights, max_iterations=50)
    refuse_combined_separation(model, sample.treated, fit)
    return fit.probability


def _not_adjustable(matrix: CovariateMatrix) -> str:
    return (
        f"The bias adjustment regresses the outcome of matched students on {len(matrix.columns):,} columns, and among "
        "them some repeat others or do not vary. Give fewer covariates, or more matches."
    )


def _unmatched(sample: Sample, alone: BoolArray) -> dict[str, object]:
    """Distinct students of each arm who were to be matched and found nobody."""
    arms = (("treated", sample.treated), ("comparison", ~sample.treated))
    return {f"{name}_unmatched": len(np.unique(sample.unit[alone & arm])) for name, arm in arms}
