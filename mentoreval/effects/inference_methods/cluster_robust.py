"""Cluster-robust standard errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.absorbed import spell_out
from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit
from mentoreval.effects.inference import Inference, corrected_by, find_clusters, find_influence, find_leverages
from mentoreval.numerics.sandwich import bias_reduced_joint_df, bias_reduced_vcov, cluster_vcov, jackknife_vcov


@dataclass(frozen=True)
class ClusterRobust(Inference):
    """Errors that let the students of a cluster share their fate.

    cluster : student, school, matched_set or mentor; None = the highest of school, matched set, student that there is
    small_sample : CR0 no correction, normal distribution (R's ``did``);
        CR1 · G/(G − 1) · (n − 1)/(n − k) for a regression (``sandwich::vcovCL``, Stata, fixest), G/(G − 1) for
        estimators without one, t with G − 1;
        CR2 bias-reduced, t with Satterthwaite degrees of freedom, for regressions, under the working model of
        independent rows with one variance whatever their weights (``clubSandwich``, ``estimatr``);
        CR3 jackknife as in ``clubSandwich``, without (G − 1)/G, t with G − 1, for regressions.
        The second stage of two-stage least squares is such a regression, as in ``estimatr::iv_robust``

    n counts rows with a weight above 0; k the coefficients, absorbed effects included unless nested in the clusters.
    With few clusters (``Estimate.few_clusters``) CR0 and CR1 are too small; CR2 and CR3 need fewer.
    """

    name: ClassVar[str] = "cluster_robust"
    cluster: str | None = None
    small_sample: Literal["CR0", "CR1", "CR2", "CR3"] = "CR1"

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError for a cluster that this fit does not have or that is one only."""
        name, cluster, n_clusters = find_clusters(fit, self.cluster)
        vcov, df = self._variance(fit, cluster, n_clusters)
        joint = partial(_joint_df, fit, cluster) if self.small_sample == "CR2" else None
        return Estimate(
            fit=fit,
            vcov=vcov,
            df=df,
            critical=critical_value(confidence, df),
            inference=self,
            confidence=confidence,
            n_clusters=n_clusters,
            cluster=name,
            joint_df=joint,
        )

    def _variance(self, fit: Fit, cluster: IntArray, n_clusters: int) -> tuple[FloatArray, FloatArray]:
        """(k, k) variance and (k,) degrees of freedom."""
        k = len(fit.theta)
        if self.small_sample in ("CR2", "CR3"):
            linear = find_leverages(fit, self.small_sample)
            cluster = linear.of_rows(cluster)
            model, _ = spell_out(linear, cluster, even=self.small_sample == "CR2")
            if self.small_sample == "CR2":
                return bias_reduced_vcov(model, cluster)
            return jackknife_vcov(model, cluster), np.full(k, n_clusters - 1.0)
        vcov = cluster_vcov(find_influence(fit, "ClusterRobust"), cluster)
        if self.small_sample == "CR0":
            return vcov, np.full(k, np.inf)
        factor = n_clusters / (n_clusters - 1.0)
        corrected = corrected_by(fit)
        if corrected is not None:
            n = len(corrected.response)
            factor *= (n - 1.0) / (n - corrected.n_parameters(cluster))
        return factor * vcov, np.full(k, n_clusters - 1.0)


def _joint_df(fit: Fit, cluster: IntArray, chosen: IntArray) -> float:
    """Degrees of freedom of CR2 of the chosen effects together."""
    linear = find_leverages(fit, "CR2")
    of_row = linear.of_rows(cluster)
    model, _ = spell_out(linear, of_row, even=True)
    return bias_reduced_joint_df(replace(model, contrasts=model.contrasts[chosen]), of_row)
