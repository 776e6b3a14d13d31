"""Clusters in one arm: mentees share a mentor, comparison students share nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mentoreval.aliases import IntArray
from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit, LinearModel
from mentoreval.effects.inference import Inference, find_regression
from mentoreval.errors import EffectError
from mentoreval.numerics.one_arm import partially_nested
from mentoreval.numerics.sandwich import count_clusters


@dataclass(frozen=True)
class OneArmClustering(Inference):
    """Errors of a partially nested model: mentees of one mentor share an effect, comparison students are alone.

    cluster : what nests the treated; the comparison counts as independent whatever its codes

    Assumptions
        Mentors are independent, their effects have one variance, and so have mentees within mentors and comparison
        students, a variance of their own each. Students of a school share nothing beyond what the regression holds:
        where they do, cluster by school instead.

    What is computed
        From the residuals, by analysis of variance: the variance between mentors τ² (not below 0), within mentors and
        in the comparison. The error of the effect follows from them and from the weight that the regression gives each
        student; degrees of freedom are Satterthwaite's. ``fit.facts`` then holds ``icc`` (the share of τ² in the
        variance of mentees) and ``mentors``. ``numerics.one_arm`` has the correction of effect sizes that goes with it.

    Edge cases
        One row for each student is needed, and one mentor per mentee; an event study is refused. So are designs in
        which every mentor has one mentee, or one mentor has all: nothing then tells mentors and mentees apart. With
        few mentors or much heteroskedasticity ``ClusterRobust(cluster="mentor", small_sample="CR2")``, in which
        comparison students are clusters of their own, assumes less.

    References
        Roberts & Roberts (2005), Clinical Trials 2; Bauer, Sterba & Hallfors (2008), Multivariate Behavioral Research
        43; Hedges & Citkowicz (2015), Behavior Research Methods 47; Satterthwaite (1946), Biometrics Bulletin 2.
    """

    name: ClassVar[str] = "one_arm_clustering"
    cluster: str = "mentor"

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError where students stand in several rows or mentors can not be told from mentees."""
        linear = find_regression(fit, "OneArmClustering")
        codes = fit.cluster_codes(self.cluster)
        treated = _arms(fit, linear)
        _check_clusters(self.cluster, codes[treated])
        pull = linear.weights[:, None] * (linear.regressors @ (linear.bread @ linear.contrasts.T))
        found = partially_nested(pull, linear.residuals, treated, codes)
        n_clusters = len(np.unique(codes[treated])) + int(np.count_nonzero(~treated))
        facts = {**fit.facts, "icc": found.icc, "mentors": len(np.unique(codes[treated]))}
        return Estimate(
            fit=replace(fit, facts=facts),
            vcov=found.vcov,
            df=found.df,
            critical=critical_value(confidence, found.df),
            inference=self,
            confidence=confidence,
            n_clusters=n_clusters,
            cluster=self.cluster,
        )


def _arms(fit: Fit, linear: LinearModel) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) True for rows of the treated."""
    students = count_clusters(fit.cluster_codes("student"))
    if students < len(linear.response) or len(fit.entries) != len(linear.response):
        raise EffectError(
            f"OneArmClustering needs one row for each student, and {fit.estimator.name} has {len(linear.response):,} "
            f"rows of {students:,} students here. Use ClusterRobust(cluster='mentor')."
        )
    treated = np.asarray(fit.design.baseline.treated[fit.entries], dtype=bool)
    if treated.all():
        raise EffectError(
            f"OneArmClustering sets mentees against comparison students, and {fit.estimator.name} has none. Use "
            "ClusterRobust(cluster='mentor')."
        )
    return treated


def _check_clusters(name: str, codes: IntArray) -> None:
    n, m = len(codes), len(np.unique(codes))
    if m < 2 or m == n:
        has = "only one" if m < 2 else "as many as there are treated students"
        raise EffectError(
            f"The treated have {has} {name} clusters ({m:,} for {n:,}), so {name}s can not be told from their "
            "students. Use ClusterRobust(cluster='student') or a cluster above."
        )
