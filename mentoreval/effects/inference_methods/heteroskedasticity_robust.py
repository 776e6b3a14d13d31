"""Heteroskedasticity-robust standard errors for independent students."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.effects.absorbed import spell_out
from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit, LinearModel
from mentoreval.effects.inference import Inference, corrected_by, find_influence
from mentoreval.errors import EffectError
from mentoreval.numerics.sandwich import count_clusters, leverage_vcov, row_vcov


@dataclass(frozen=True)
class HeteroskedasticityRobust(Inference):
    """Errors that take students as independent, with variances of their own.

    small_sample : HC0 no correction; HC1 · n/(n − k); HC2 and HC3 divide residuals by the root of 1 − leverage, or by
        1 − leverage (regressions only). As R's ``sandwich::vcovHC``; t with n − k, normal for estimators that are not
        one regression. A student who alone determines a coefficient, as the only one of a school whose effect is
        absorbed, adds nothing to HC2 and HC3, where R has no number

    Students of one school or one matched set are seldom independent: it is the error of choice after matching with
    replacement and in a simple experiment. Refused where a student stands in several rows.
    """

    name: ClassVar[str] = "heteroskedasticity_robust"
    small_sample: Literal["HC0", "HC1", "HC2", "HC3"] = "HC1"

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError where rows are not distinct students."""
        influence = find_influence(fit, "HeteroskedasticityRobust")
        n, students = len(influence), count_clusters(fit.cluster_codes("student"))
        linear = corrected_by(fit)
        n_rows = n if linear is None else len(linear.response)
        if students < n_rows:
            raise EffectError(
                f"{students:,} students stand in {n_rows:,} rows of this fit, so rows are not independent. "
                "Use ClusterRobust(cluster='student') or a higher cluster."
            )
        vcov, df = self._variance(fit, linear, influence)
        spread = np.full(len(fit.theta), df)
        return Estimate(
            fit=fit,
            vcov=vcov,
            df=spread,
            critical=critical_value(confidence, spread),
            inference=self,
            confidence=confidence,
            n_clusters=n,
            cluster="",
        )

    def _variance(self, fit: Fit, linear: LinearModel | None, influence: FloatArray) -> tuple[FloatArray, float]:
        n = len(influence)
        if linear is None:
            if self.small_sample in ("HC2", "HC3"):
                raise EffectError(
                    f"{self.small_sample} needs the regression itself, and {fit.estimator.name} is not one regression. "
                    "Use small_sample = 'HC1'."
                )
            return row_vcov(influence) * (n / (n - 1.0) if self.small_sample == "HC1" else 1.0), np.inf
        df = float(n - linear.n_parameters())
        if self.small_sample in ("HC0", "HC1"):
            return row_vcov(influence) * (n / df if self.small_sample == "HC1" else 1.0), df
        model, leverage = spell_out(linear)
        return leverage_vcov(model, leverage, 0.5 if self.small_sample == "HC2" else 1.0), df
