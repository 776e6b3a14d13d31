"""The variance that an estimator states itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit
from mentoreval.effects.inference import Inference
from mentoreval.errors import EffectError


@dataclass(frozen=True)
class OwnVariance(Inference):
    """Errors from the estimator's own formula: for estimators that have no influence function to make others from.

    Assumptions
        Those under "Standard errors" in the estimator's docstring; who is independent of whom is the estimator's to
        say, and ``Estimate.cluster`` names it.

    What is computed
        Nothing anew: variance and degrees of freedom are those of the fit.

    Edge cases
        An estimator without a variance of its own is refused.
    """

    name: ClassVar[str] = "own_variance"

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError where the estimator states no variance, or the fit is an average of its effects."""
        if fit.own_variance is None or fit.pooled_by is not None:
            raise EffectError(
                f"OwnVariance needs an estimator that states its own variance, and {fit.estimator.name} states none "
                "for these effects. Use ClusterRobust, or leave inference out to have it chosen."
            )
        stated = fit.own_variance()
        return Estimate(
            fit=fit,
            vcov=stated.vcov,
            df=stated.df,
            critical=critical_value(confidence, stated.df),
            inference=self,
            confidence=confidence,
            n_clusters=stated.n_clusters,
            cluster=stated.cluster,
        )
