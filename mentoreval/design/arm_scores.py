"""Arm scores: who is in which arm of a portfolio, how likely each student was in every arm, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.baseline import Baseline
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.programs import FEWEST, REFERENCE
from mentoreval.design.propensity import with_cohorts
from mentoreval.design.separation import refuse_separation
from mentoreval.errors import DesignError, OptionError, suggest
from mentoreval.numerics.covariate_spaces import mahalanobis_space
from mentoreval.numerics.matching import match_covariates
from mentoreval.numerics.multinomial import (
    ArmEstimand,
    MultinomialFit,
    fit_multinomial,
    generalized_weights,
    overlap_density,
)
from mentoreval.numerics.strata import UNMATCHED, Limits

ArmMethod = Literal["weighting", "matching"]

CALIPER = 0.25
"""Widest difference of a match in each log odds, in standard deviations (Lopez & Gutman 2017)."""


@dataclass(frozen=True, eq=False)
class ArmScores:
    """A multinomial logit of the arm, and the entries (m,) that it was fitted on."""

    rows: BoolArray
    model: MultinomialFit
    facts: dict[str, object]

    @classmethod
    def fit(
        cls, baseline: Baseline, rows: BoolArray, entry_arm: IntArray, arms: tuple[str, ...], matrix: CovariateMatrix
    ) -> ArmScores:
        """Fit on some entries, whose covariates are ``matrix``; DesignError where covariates tell an arm apart."""
        own = entry_arm[rows]
        for code in (*range(1, len(arms)), REFERENCE):
            try:
                refuse_separation(matrix, own == code)
            except DesignError as error:
                raise DesignError(
                    f"Arm {arms[code]!r} (called treated here) against all other arms: {error} Several arms have no "
                    "exact matching; leaving the arm out is the other way."
                ) from error
        model = with_cohorts(matrix, baseline.cohort[rows])
        fit = fit_multinomial(model.values, own, baseline.weight[rows])
        labels = [column.label for column in model.columns]
        if not fit.converged:
            reach = np.nanmax(np.abs(fit.coefficients), axis=1) * np.ptp(model.values, axis=0)
            raise DesignError(
                f"The generalized propensity model did not settle in {fit.iterations} iterations: covariates tell arms "
                f"apart together, or have a few extreme values. Log odds run farthest along "
                f"{labels[int(np.nanargmax(reach))]!r}: drop, cap or coarsen it."
            )
        facts: dict[str, object] = {
            "propensity_model": "multinomial_logit",
            "propensity_iterations": fit.iterations,
            "aliased_covariates": tuple(labels[place] for place in fit.aliased),
        }
        return cls(rows, fit, facts)

    def spread(self, scores: FloatArray) -> FloatArray:
        """(m, K) scores with those of this model in their places."""
        everywhere = scores.copy()
        everywhere[self.rows] = self.model.probability
        return everywhere


@dataclass(frozen=True, eq=False)
class ArmEntries:
    """The supported entries ``rows`` of a baseline, to be weighted or matched."""

    baseline: Baseline
    rows: IntArray
    entry_arm: IntArray
    scores: FloatArray
    arms: tuple[str, ...]

    def weights(self, estimand: ArmEstimand, target: int) -> FloatArray:
        """(m,) weights with the same sum for all arms of a cohort; for the ATE times the share of the arm."""
        arm, sampling, scores = self.entry_arm[self.rows], self.baseline.weight[self.rows], self.scores[self.rows]
        cohort = np.unique(self.baseline.cohort[self.rows], return_inverse=True)[1]
        factor = {"ATE": np.ones(arm.size), "ATT": (arm == target).astype(float)}.get(estimand)
        total = np.bincount(cohort, sampling * (overlap_density(scores) if factor is None else factor))
        raw = sampling * generalized_weights(scores, arm, estimand, target)
        cell = cohort * len(self.arms) + arm
        weights = np.zeros(self.baseline.size)
        weights[self.rows] = raw * total[cohort] / np.bincount(cell, raw)[cell]
        if estimand == "ATE":
            weights[self.rows] *= (np.bincount(arm, sampling) / sampling.sum())[arm]
        return weights

    def matched(self, target: int) -> IntArray:
        """(s, K) entries of the sets: one of the target arm and its nearest in every other."""
        arm, linear = self.entry_arm[self.rows], log_odds_against(self.scores[self.rows], target)
        widths = CALIPER * np.std(linear, axis=0, ddof=1)
        seekers = np.flatnonzero(arm == target)
        found = np.full((seekers.size, len(self.arms)), UNMATCHED, dtype=np.int64)
        found[:, target] = self.rows[seekers]
        for other in range(len(self.arms)):
            if other != target:
                two = np.flatnonzero((arm == target) | (arm == other))
                seeking = arm[two] == target
                cohort = self.baseline.cohort[self.rows[two]]
                limits = Limits(strata=cohort, covariates=linear[two], widths=widths)
                near = match_covariates(mahalanobis_space(linear[two], seeking), seeking, replace=True, limits=limits)
                found[:, other] = np.where(near[:, 0] == UNMATCHED, UNMATCHED, self.rows[two[near[:, 0]]])
        complete = (found != UNMATCHED).all(axis=1)
        if not complete.any():
            fewest = int(np.argmin((found != UNMATCHED).sum(axis=0)))
            raise DesignError(
                f"None of {seekers.size:,} students of {self.arms[target]!r} can be matched in every other arm; fewest "
                f"in {self.arms[fewest]!r} ({int((found[:, fewest] != UNMATCHED).sum()):,}). Use method='weighting', "
                "another target, or fewer covariates."
            )
        return np.asarray(found[complete], dtype=np.int64)

    def match_weights(self, matches: IntArray) -> FloatArray:
        """(m,) times that an entry is in a set, times its sampling weight."""
        times = np.bincount(matches.ravel(), minlength=self.baseline.size)
        return np.asarray(times * self.baseline.weight, dtype=float)


def with_every_arm(
    baseline: Baseline, entry_arm: IntArray, rows: BoolArray, arms: tuple[str, ...], which: str
) -> BoolArray:
    """(m,) the rows of cohorts that have every arm; DesignError where an arm has fewer than FEWEST units in them."""
    clocks, cohort = np.unique(baseline.cohort, return_inverse=True)
    sizes = np.zeros((clocks.size, len(arms)), dtype=np.int64)
    np.add.at(sizes, (cohort[rows], entry_arm[rows]), 1)
    kept = rows & np.all(sizes > 0, axis=1)[cohort]
    for code, label in enumerate(arms):
        found, alone = (len(np.unique(baseline.unit[some & (entry_arm == code)])) for some in (kept, rows))
        if found < FEWEST:
            where = f" ({alone:,} if cohorts that lack an arm are counted)" if alone > found else ""
            raise DesignError(
                f"Arm {label!r} has {found:,} students {which}{where}, fewer than the {FEWEST} that a score needs. "
                "Join it with a similar arm, leave it out, or give fewer covariates."
            )
    return np.asarray(kept, dtype=bool)


def check_request(method: str, estimand: str, target: str | None, covariates: object) -> None:
    """OptionError or DesignError for a method, an estimand and a target that do not exist or do not go together."""
    if method not in get_args(ArmMethod):
        raise OptionError(f"There is no method {method!r} for several arms.{suggest(str(method), get_args(ArmMethod))}")
    if estimand not in get_args(ArmEstimand):
        hint = " For the students of one arm, or of none, use the ATT with target=." if estimand == "ATC" else ""
        known = suggest(str(estimand), get_args(ArmEstimand))
        raise OptionError(f"There is no estimand {estimand!r} for several arms.{hint}{known}")
    if method == "matching" and estimand != "ATT":
        raise DesignError(
            f"Matching answers for the students of one arm (ATT), not for the {estimand}: use estimand='ATT' with "
            "target=, or method='weighting'."
        )
    if (estimand == "ATT") != (target is not None):
        raise OptionError(
            "The ATT of several arms is that of the students of one of them: name it, as target='peer'."
            if target is None
            else f"target={target!r} says whose effect the ATT is; it does not go with the {estimand}. Leave it out."
        )
    if isinstance(covariates, str):
        raise OptionError(f"covariates takes a list of names, not the text {covariates!r}: write [{covariates!r}].")


def log_odds_against(probability: FloatArray, arm: int) -> FloatArray:
    """(n, K − 1) log odds of all other arms against one, of probabilities (n, K) strictly between 0 and 1."""
    others = np.log(np.delete(probability, arm, axis=1))
    return np.asarray(others - np.log(probability[:, [arm]]), dtype=float)
