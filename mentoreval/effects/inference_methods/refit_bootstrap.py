"""The bootstrap that runs everything again: clusters drawn anew, the design chosen anew, the effect estimated anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit
from mentoreval.effects.inference import Inference, find_clusters
from mentoreval.effects.refit import Refitter, check_failures, refit_level
from mentoreval.errors import OptionError


@dataclass(frozen=True)
class RefitBootstrap(Inference):
    """Errors from the spread of the effect over panels made of clusters drawn with replacement.

    cluster : school or student; None = school where there are two or more, else student
    draws : number of panels
    seed : of the draws

    Assumptions
        Clusters are a sample of independent ones, and enough of them (some twenty schools) that a draw resembles the
        panel. Weighting designs are smooth enough for it; the bootstrap is known to fail for nearest-neighbour matching
        with replacement (Abadie & Imbens 2008).

    What is computed
        For each draw the design method is run on the panel of drawn clusters, and the estimator on that design, so that
        the noise of propensity scores and of the choice of comparison is counted. ``std_error`` is the standard
        deviation over draws, intervals are t with G − 1.

    Edge cases
        A draw without an estimate (no treated school, say) is counted in ``fit.facts["refits_failed"]``; more than a
        tenth of them is an error. Copies of a school are different schools. Pooled effects are pooled again in every
        draw. Pairs of several programs are refused, for their scores come from all programs.

    References
        Cameron, Gelbach & Miller (2008), Review of Economics and Statistics 90; Abadie & Imbens (2008), Econometrica
        76.
    """

    name: ClassVar[str] = "refit_bootstrap"
    refits: ClassVar[bool] = True
    cluster: Literal["school", "student"] | None = None
    draws: int = 200
    seed: int = 0

    def check(self) -> None:
        """At least 10 draws."""
        if self.draws < 10:
            raise OptionError(
                f"RefitBootstrap: draws = {self.draws} are too few for a standard deviation; take 10 or more."
            )

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError where the design can not be chosen again or too many draws give no estimate."""
        name, _, n_clusters = find_clusters(fit, refit_level(fit, self.cluster))
        refitter = Refitter.of(fit, name)
        rng = np.random.default_rng(self.seed)
        g = refitter.n_clusters
        drawn = [refitter.effects(rng.integers(0, g, g)) for _ in range(self.draws)]
        found = np.array([values for values in drawn if values is not None and not np.isnan(values).any()])
        failed = self.draws - len(found)
        check_failures(failed, self.draws)
        vcov = np.atleast_2d(np.cov(found, rowvar=False))
        df = np.full(len(fit.theta), n_clusters - 1.0)
        return Estimate(
            fit=replace(fit, facts={**fit.facts, "refits_failed": failed}),
            vcov=vcov,
            df=df,
            critical=critical_value(confidence, df),
            inference=self,
            confidence=confidence,
            n_clusters=n_clusters,
            cluster=name,
        )
