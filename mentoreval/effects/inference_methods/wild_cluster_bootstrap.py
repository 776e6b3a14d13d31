"""The wild cluster bootstrap: tests and intervals that hold with few schools."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit
from mentoreval.effects.inference import Inference, find_clusters, find_regression
from mentoreval.errors import OptionError
from mentoreval.numerics.draws import Multiplier
from mentoreval.numerics.inversion import invert_test
from mentoreval.numerics.sandwich import cluster_vcov
from mentoreval.numerics.wild_bootstrap import Draws, cluster_moments, draw_effects


@dataclass(frozen=True)
class WildClusterBootstrap(Inference):
    """P-values and intervals from regressions whose residuals change sign school by school.

    cluster : student, school, matched_set or mentor; None = the highest of school, matched set, student that there is
    draws : number of draws
    weights : rademacher (signs); webb (six values, where there are fewer than about ten clusters); mammen (two values)
    restricted : residuals under the hypothesis that is tested (WCR, the better one), or those of the estimate (WCU)
    seed : of the draws

    Assumptions
        Clusters are independent. Treatment must vary in several of them: with one or two treated clusters the
        restricted test hardly ever rejects and the unrestricted one far too often.

    What is computed
        For each draw every cluster's residuals are multiplied by one random weight, the regression is fitted again and
        its t taken; p is the share of draws whose \\|t\\| is greater. The interval holds every effect that this test,
        with its own restricted residuals, does not reject. ``std_error`` is that of CR1, G/(G − 1) · (n − 1)/(n − k);
        ``df`` G − 1; ``band`` none.

    Edge cases
        With signs and 2^G <= draws every vector of signs is taken once, so that the p-value is exact and the seed
        without effect. Draws that give the statistic of the data (all weights equal) do not count as greater. With
        very few clusters no effect may be rejected: limits are then infinite and ``notes`` says so. Absorbed effects
        are fitted again in every draw; a factor with more levels than one for each cluster stays absorbed where its
        levels lie in one cluster (students in schools), since then that commutes with the weights, and the others
        (periods) enter as indicators. An estimator that is not one regression is refused.

    References
        Cameron, Gelbach & Miller (2008), Review of Economics and Statistics 90; Webb (2023), Canadian Journal of
        Economics 56; Roodman, MacKinnon, Nielsen & Webb (2019), Stata Journal 19. Numbers as
        ``fwildclusterboot::boottest``.
    """

    name: ClassVar[str] = "wild_cluster_bootstrap"
    cluster: str | None = None
    draws: int = 9_999
    weights: Multiplier = "rademacher"
    restricted: bool = True
    seed: int = 0

    def check(self) -> None:
        """At least 99 draws."""
        if self.draws < 99:
            raise OptionError(f"WildClusterBootstrap: draws = {self.draws} are too few for a p-value; take 99 or more.")

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError for an estimator that is not one regression, or clusters that are not there."""
        linear = find_regression(fit, "WildClusterBootstrap")
        name, codes, n_clusters = find_clusters(fit, self.cluster)
        cluster, n = linear.of_rows(codes), len(linear.response)
        factor = n_clusters / (n_clusters - 1.0) * (n - 1.0) / (n - linear.n_parameters(codes))
        vcov = factor * cluster_vcov(linear.arrays.influence, cluster)
        error = np.sqrt(np.diag(vcov))
        moments = cluster_moments(linear.arrays, cluster, linear.absorbed)
        draws = draw_effects(moments, self.weights, self.draws, np.random.default_rng(self.seed))
        found = [self._test(*one, confidence) for one in zip(draws, linear.effects, error, strict=True)]
        p_values, limits = np.array([p for p, _, _ in found]), np.array([[low, high] for _, low, high in found])
        df = np.full(len(error), n_clusters - 1.0)
        return Estimate(
            fit=fit,
            vcov=vcov,
            df=df,
            critical=_half_lengths(limits, error, critical_value(confidence, df)),
            inference=self,
            confidence=confidence,
            n_clusters=n_clusters,
            cluster=name,
            p_values=p_values,
            limits=limits,
        )

    def _test(self, draws: Draws | None, effect: float, error: float, confidence: float) -> tuple[float, float, float]:
        """P-value of no effect, and the limits."""
        if draws is None or draws.error <= 0:
            return np.nan, np.nan, np.nan
        p_value = partial(_p_of, draws, effect, self.restricted)
        return p_value(0.0), *invert_test(p_value, effect, error, confidence)


def _p_of(draws: Draws, effect: float, restricted: bool, value: float) -> float:
    return draws.p_value(effect - value, restricted)


def _half_lengths(limits: FloatArray, error: FloatArray, default: FloatArray) -> FloatArray:
    """(k,) half the length of each interval in standard errors; that of t where there is none."""
    known = (error > 0) & ~np.isnan(limits).any(axis=1)
    length = np.where(known, limits[:, 1] - limits[:, 0], 0.0)
    return np.where(known, length / 2.0 / np.where(known, error, 1.0), default)
