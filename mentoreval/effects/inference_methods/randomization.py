"""Randomization inference: how the effect would have come out under every other assignment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.estimator import Fit, LinearModel
from mentoreval.effects.inference import Inference, find_clusters
from mentoreval.errors import EffectError, OptionError
from mentoreval.numerics.draws import all_assignments, canonical_order, count_assignments, random_assignments
from mentoreval.numerics.inversion import invert_test
from mentoreval.numerics.randomization import Adjustment, Assignments, assign

SERVED = "difference_in_means, regression_adjustment and did_2x2 with one cohort"


@dataclass(frozen=True)
class RandomizationInference(Inference):
    """P-values and intervals from assigning treatment anew, as it was or could have been assigned by lot.

    level : what was assigned as a whole, students or schools
    within : assign anew only within these blocks: school, matched_set, mentor or a covariate; None = among all
    draws : assignments to draw; where there are no more than that, each is taken once
    seed : of the draws

    Assumptions
        Treatment was assigned by lot at this level within these blocks, with as many treated in each block as there
        are; in a matched design, the sets are taken to be such blocks. Nothing is assumed of the outcome's
        distribution. The hypothesis is sharp: the effect is the same number for everybody.

    What is computed
        The coefficient of treatment under each assignment, in the same analytic sample, with the same covariates, fixed
        effects and sampling weights. p is the share of assignments whose absolute coefficient is at least that of the
        data; where assignments are drawn, the data count as one more. The interval holds every constant effect that the
        test does not reject. ``std_error`` is the standard deviation of the coefficient over assignments if the effect
        is the estimate; ``df`` is infinite.

    Edge cases
        Served are estimators with one effect whose regression has treatment as one column: difference_in_means,
        regression_adjustment and did_2x2 with one cohort; others are refused by name. So are design weights that
        differ beyond sampling weights, for they belong to the assignment, and schools that are not wholly in one arm
        where level is "school". Covariates that determine treatment under some assignment are an error. With few
        possible assignments no effect may be rejected: limits are then infinite and ``notes`` says so.

    References
        Fisher (1935), The Design of Experiments; Rosenbaum (2002), Observational Studies, chapter 2; Imbens & Rubin
        (2015), Causal Inference, chapter 5.
    """

    name: ClassVar[str] = "randomization_inference"
    level: Literal["student", "school"] = "student"
    within: str | None = None
    draws: int = 1_999
    seed: int = 0

    def check(self) -> None:
        """At least 99 draws, and blocks that are not the level itself."""
        if self.draws < 99:
            raise OptionError(
                f"RandomizationInference: draws = {self.draws} are too few for a p-value; take 99 or more."
            )
        if self.within == self.level:
            raise OptionError(f"RandomizationInference: within one {self.level} there is nothing to assign anew.")

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError for an estimator that can not be computed under another assignment."""
        linear = _served(fit)
        treated = fit.design.baseline.treated[fit.entries].astype(float)
        problem = _adjustment(fit, linear)
        name, group, n_groups = find_clusters(fit, self.level)
        group = np.unique(group, return_inverse=True)[1].astype(np.int64)
        stratum = self._blocks(fit, group)
        found, determined = self._assign(problem, group, treated, stratum)
        if determined:
            raise EffectError(
                f"Under {determined:,} of {len(found.coefficient):,} assignments the covariates tell exactly who is "
                "treated, so no effect can be computed there. Use fewer covariates or fixed effects."
            )
        effect, error = float(fit.theta[0]), found.std_error(float(fit.theta[0]))
        p_value = partial(_p_of, found, effect)
        limits = np.array([invert_test(p_value, effect, error, confidence)])
        return Estimate(
            fit=fit,
            vcov=np.array([[error**2]]),
            df=np.array([np.inf]),
            critical=(limits[:, 1] - limits[:, 0]) / 2.0 / error,
            inference=self,
            confidence=confidence,
            n_clusters=n_groups,
            cluster=name,
            p_values=np.array([p_value(0.0)]),
            limits=limits,
        )

    def _assign(
        self, problem: Adjustment, group: IntArray, treated: FloatArray, stratum: IntArray
    ) -> tuple[Assignments, int]:
        """The effect under each assignment of groups; stratum (G,) is the block of each."""
        of_group = _constant(treated, group, "treatment")
        order = canonical_order(_summary(problem, group, of_group))
        stratum, of_group = np.unique(stratum[order], return_inverse=True)[1].astype(np.int64), of_group[order]
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        n_treated = np.bincount(stratum, of_group).astype(np.int64)
        possible = count_assignments(np.bincount(stratum), n_treated)
        if possible < 2:
            raise EffectError(
                f"Within each {self.within or self.level} everyone is in one arm, so there is no other assignment. "
                "Use coarser blocks, or ClusterRobust."
            )
        exact = possible <= self.draws
        places: Iterator[IntArray] = (
            all_assignments(stratum, n_treated)
            if exact
            else random_assignments(stratum, n_treated, self.draws, np.random.default_rng(self.seed))
        )
        return assign(problem, rank[group], treated, places, exact)

    def _blocks(self, fit: Fit, group: IntArray) -> IntArray:
        """(G,) block of each group."""
        if self.within is None:
            return np.zeros(int(group.max()) + 1, dtype=np.int64)
        if self.within in fit.clusters:
            codes = fit.cluster_codes(self.within)
        else:
            values = fit.design.baseline.column(self.within).iloc[fit.entries]
            if values.isna().any():
                raise EffectError(f"{int(values.isna().sum()):,} entries have no {self.within}. Use other blocks.")
            codes = np.unique(values.to_numpy(), return_inverse=True)[1]
        return _constant(codes.astype(float), group, self.within).astype(np.int64)


def _p_of(found: Assignments, effect: float, value: float) -> float:
    return found.p_value(effect - value, effect)


def _served(fit: Fit) -> LinearModel:
    """The regression of a fit whose one effect is the coefficient of its last column, treatment."""
    linear, treated = fit.linear, fit.design.baseline.treated[fit.entries]
    if linear is None or len(fit.theta) != 1 or len(linear.response) != len(treated) or not _is_last(linear):
        raise EffectError(
            f"RandomizationInference can not compute {fit.estimator.name} under another assignment; it serves "
            f"{SERVED}. Use ClusterRobust or WildClusterBootstrap here."
        )
    if len(np.unique(fit.design.baseline.cohort[fit.entries])) > 1:
        raise EffectError(
            f"RandomizationInference serves {SERVED}, and this comparison has several. "
            "Use ClusterRobust or WildClusterBootstrap here."
        )
    role = linear.weights / fit.design.baseline.weight[fit.entries]
    if np.ptp(role) > 1e-12 * role[0]:
        raise EffectError(
            "The design's weights differ between students and would be others under another assignment, so they can "
            "not be held while treatment is assigned anew. Use ClusterRobust, or a design with equal weights such as "
            "1:1 matching or Unadjusted."
        )
    return linear


def _is_last(linear: LinearModel) -> bool:
    last = np.zeros(linear.contrasts.shape[1])
    last[-1] = 1.0
    return bool(np.array_equal(linear.contrasts[0], last))


def _adjustment(fit: Fit, linear: LinearModel) -> Adjustment:
    return Adjustment(linear.regressors[:, :-1], linear.response, linear.weights, linear.absorbed)


def _summary(problem: Adjustment, group: IntArray, of_group: FloatArray) -> FloatArray:
    """(G, 2) what groups are put in order by: the arm, and the mean of the response that is to be explained."""
    residual = problem.residuals(problem.response[:, None])[:, 0]
    return np.column_stack([np.bincount(group, residual) / np.bincount(group), of_group])


def _constant(values: FloatArray, group: IntArray, what: str) -> FloatArray:
    """(G,) the value of each group; EffectError where it differs within one."""
    first = np.zeros(int(group.max()) + 1)
    first[group] = values
    mixed = len(np.unique(group[first[group] != values]))
    if mixed:
        raise EffectError(
            f"In {mixed:,} of {len(first):,} groups that would be assigned as a whole, {what} differs between "
            "students. Use level = 'student', with within = 'school' where students were chosen within schools."
        )
    return first
