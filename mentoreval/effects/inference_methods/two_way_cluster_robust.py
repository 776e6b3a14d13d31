"""Errors for students who share their fate in two ways that cross, such as matched sets across schools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit
from mentoreval.effects.inference import Inference, corrected_by, find_clusters, find_influence
from mentoreval.errors import OptionError
from mentoreval.numerics.sandwich import cluster_vcov

ROUNDING = 1e-12
"""Share of the largest eigenvalue by which one may fall below 0 by rounding."""


@dataclass(frozen=True)
class TwoWayClusterRobust(Inference):
    """Errors that let students share their fate within either of two kinds of clusters.

    first, second : two of student, school, matched_set and mentor

    Assumptions
        Students who share neither cluster are independent, and there are many clusters of each kind.

    What is computed
        V(first) + V(second) − V(both at once), Cameron, Gelbach & Miller (2011), each with the factor
        G/(G − 1) · (n − 1)/(n − k) of a regression, G/(G − 1) of other estimators, where G is the smaller number of
        clusters, as in fixest (``ssc(cluster.df = "min")``); k leaves out absorbed effects nested in either. t with
        G − 1; ``cluster`` is the kind with fewer.

    Edge cases
        The difference need not be a variance: eigenvalues below 0 are set to 0. Where one kind nests the other, the
        result is that of the coarser one.

    References
        Cameron, Gelbach & Miller (2011), Journal of Business & Economic Statistics 29.
    """

    name: ClassVar[str] = "two_way_cluster_robust"
    first: str = "school"
    second: str = "matched_set"

    def check(self) -> None:
        """Two different kinds."""
        if self.first == self.second:
            raise OptionError(f"TwoWayClusterRobust takes two kinds of clusters; use ClusterRobust({self.first!r}).")

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError for clusters that are not there or that are one only."""
        influence = find_influence(fit, "TwoWayClusterRobust")
        names, codes, counts = zip(*(find_clusters(fit, name) for name in (self.first, self.second)), strict=True)
        both = np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()
        plain = cluster_vcov(influence, codes[0]) + cluster_vcov(influence, codes[1]) - cluster_vcov(influence, both)
        fewest = min(counts)
        df = np.full(len(fit.theta), fewest - 1.0)
        return Estimate(
            fit=fit,
            vcov=_as_variance(plain) * fewest / (fewest - 1.0) * _parameters_factor(fit, codes),
            df=df,
            critical=critical_value(confidence, df),
            inference=self,
            confidence=confidence,
            n_clusters=fewest,
            cluster=names[counts.index(fewest)],
        )


def _parameters_factor(fit: Fit, codes: tuple[IntArray, ...]) -> float:
    linear = corrected_by(fit)
    if linear is None:
        return 1.0
    n = len(linear.response)
    return (n - 1.0) / (n - min(linear.n_parameters(cluster) for cluster in codes))


def _as_variance(vcov: FloatArray) -> FloatArray:
    """The nearest matrix without negative eigenvalues; a variance stays as it is, and so do the zeros of references."""
    values, vectors = np.linalg.eigh(vcov)
    if values[0] >= -ROUNDING * abs(values[-1]):
        return vcov
    varies = np.diag(vcov) != 0
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T * np.outer(varies, varies))
